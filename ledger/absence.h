/* Absence files (specs/lists.md#absence): proof, offline, that a row stood in a list on one day and
 * that no row of its key stands in the list of another.
 *
 *     dutylog/absence/v1
 *     part <bytes>                 then a receipt: of the list.observed that has the row
 *     part <bytes>                 then a receipt: of the one that has not
 *     leaf <index> <hashes>        the row; its leaf on a line, its inclusion proof, a base64 hash
 *     ...                          to a line
 *     leaf <index> <hashes>        none, one or two: what stands on either side of where a row of
 *     ...                          the key would stand in the other list
 *
 * A file that parses formats to the same bytes. Views borrow from the parsed bytes. Pure. */
#ifndef DUTYLOG_LEDGER_ABSENCE_H
#define DUTYLOG_LEDGER_ABSENCE_H

#include "ledger/list.h"
#include "ledger/merkle.h"
#include "ledger/verify.h"

#define ABSENCE_SIZE_MAX (2 * RECEIPT_SIZE_MAX + 3 * (LIST_LEAF_MAX + 64 * 64))

struct absence_leaf {
    uint64_t index;
    struct bytes text;
    struct merkle_proof proof;
};

struct absence {
    struct bytes receipts[2];
    struct absence_leaf row;
    struct absence_leaf around[2];
    size_t around_count;
};

/* BAD_FORM, BAD_CANONICAL, TOO_LARGE. */
enum status absence_parse(struct bytes input, struct absence *out, struct refusal *why) MUST_USE;
void absence_format(struct writer *w, const struct absence *absence);

/* What a list.observed says. */
struct observed {
    char list[65];
    char observed[21]; /* when, by the observer */
    char address[1001];
    struct hash file;
    struct hash keys;
    struct hash root;
    uint64_t count;
};
/* Of an event of the kind. Asserts that it is. */
void observed_of(const struct event *event, struct observed *out);

/* OK: by the two lists the row is in the first and its key nowhere in the second. BAD_PROOF: not
 * so; BAD_MEMBER: the lists cannot be compared (another list, other keys, not the earlier first).
 * `why` says what. */
enum status absence_check(const struct absence *absence, const struct observed lists[2],
                          struct refusal *why) MUST_USE;

struct absence_report {
    struct verify_report receipts[2];
    struct observed lists[2];
};
/* The whole file: both receipts against the trust, then absence_check. The statuses of
 * absence_parse, verify_receipt (its reason then names which receipt) and absence_check. `out` is
 * meaningless unless OK. */
enum status absence_verify(struct verifier *verifier, struct bytes file,
                           const struct verify_trust *trust, struct absence *absence,
                           struct absence_report *out, struct refusal *why) MUST_USE;

#endif
