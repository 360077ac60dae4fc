/* Acceptance (specs/event.md#acceptance): whether an event may enter a log, decided by the log's
 * own prefix and nothing else, so that every mirror that judges the same prefix comes to the same
 * answer. The log's host uses it to refuse; a mirror, which stores whatever was signed, uses it to
 * judge.
 *
 * Vocabulary: an *issuer* is a key known to the log: an authority or the operator named in
 * log.opened (entry 0), or one enrolled by key.enrolled or key.rotated. Its *chain* is the
 * enrolments from a root down to it. The *stamp* is the entry's received time. *Used* means that
 * the (issuer, seq) pair is taken.
 *
 * Work is split so that the costly part runs anywhere: submission_prepare (any thread, read
 * transaction) parses, finds keys and verifies signatures; accept_check and accept_apply (write
 * transaction, in order) look only at state, and verify again only where the keys differ from those
 * that were used. */
#ifndef DUTYLOG_LEDGER_ACCEPT_H
#define DUTYLOG_LEDGER_ACCEPT_H

#include "ledger/event.h"
#include "ledger/logs.h"
#include "ledger/store.h"

#define CHAIN_MAX 8
#define ROOTS_REPLACED_MAX 8 /* in one log: receipts carry all of them */

#define ISSUER_ORIS_MAX 64

enum issuer_basis { BASIS_LIVE = 1 << 0, BASIS_IMPORTED = 1 << 1 };

struct issuer {
    uint32_t number; /* within the log, from 1 */
    struct vkey vkey;
    uint32_t roles;      /* enum role bits */
    uint64_t first_seq;  /* of its first event in this log: 1, or the one after what it brought from
                            a log that this one succeeds */
    uint64_t last_seq;   /* first_seq - 1: none yet */
    struct hash last_id; /* of the event at last_seq; none: of no event */
    uint64_t enrolled_at; /* index of the entry that made it known */
    uint64_t revoked_at;  /* index of the first key.revoked, or of the key.rotated that put another
                             in its place; 0: not revoked (entry 0 revokes nothing) */
    uint32_t enroller;    /* issuer number; 0 for those named in log.opened */
    /* Scope. */
    uint64_t kinds;   /* KIND_BITs of the kinds table, the number of which the store's format
                         names; KINDS_ALL: any kind */
    uint32_t bases;   /* enum issuer_basis bits */
    size_t ori_count; /* 0: any agency */
    char oris[ISSUER_ORIS_MAX][ORI_SIZE];
    uint64_t from_ms; /* valid for stamps in [from_ms, until_ms); until_ms UINT64_MAX: no end */
    uint64_t until_ms;
};

/* OK with the issuer as the prefix has it, or NOT_FOUND. */
enum status issuer_find(struct store_txn *txn, uint32_t log, struct bytes name,
                        struct issuer *out) MUST_USE;
enum status issuer_by_number(struct store_txn *txn, uint32_t log, uint32_t number,
                             struct issuer *out) MUST_USE;
/* The index at which (issuer, seq) is logged. NOT_FOUND. */
enum status issuer_event(struct store_txn *txn, uint32_t log, uint32_t issuer, uint64_t seq,
                         uint64_t *index) MUST_USE;
/* The other event that was sent under a used (issuer, seq), and was kept: its note, borrowed from
 * the transaction. NOT_FOUND: none was. */
enum status issuer_conflict(struct store_txn *txn, uint32_t log, uint32_t issuer, uint64_t seq,
                            struct bytes *note) MUST_USE;
/* Calls back for each of them, by issuer number and seq; stops at the first status that is not OK.
 * The note is borrowed for the call. */
enum status issuer_each_conflict(struct store_txn *txn, uint32_t log,
                                 enum status (*each)(void *context, uint32_t issuer, uint64_t seq,
                                                     struct bytes note),
                                 void *context) MUST_USE;
/* Indexes of the enrolments from the one by a root down to the issuer's own; none for those of
 * log.opened. */
enum status issuer_chain(struct store_txn *txn, uint32_t log, const struct issuer *issuer,
                         uint64_t indexes[CHAIN_MAX], size_t *count) MUST_USE;
/* Indexes of the root.replaced in the first `size` entries, ascending. */
enum status roots_replaced(struct store_txn *txn, uint32_t log, uint64_t size,
                           uint64_t indexes[ROOTS_REPLACED_MAX], size_t *count) MUST_USE;
/* Whose voice the issuer is (ledger/house.h). */
enum status issuer_house(struct store_txn *txn, uint32_t log, const struct issuer *issuer,
                         struct hash *out) MUST_USE;
/* The index of the log.policy in force in the first `size` entries. NOT_FOUND before the first. */
enum status policy_in_force(struct store_txn *txn, uint32_t log, uint64_t size,
                            uint64_t *index) MUST_USE;

/* An event on its way into a log, or an entry being judged. Owns the parsed event;
 * submission_release. */
struct submission {
    struct bytes note; /* borrowed from the caller for the submission's life */
    struct event event;
    bool parsed;
    size_t key_count; /* signature lines whose keys were found and verified; 0: not known yet */
    struct vkey keys[EVENT_SIGNATURES_MAX];
    enum status status; /* OK, or why it is refused whatever the prefix becomes */
    struct refusal why;
};

/* Parses, finds the signers' keys as the transaction sees them, and verifies. Never fails as a
 * function: the verdict is in the submission. An unknown key is not a verdict here, since an
 * earlier event of the same batch may enrol it. */
void submission_prepare(struct store_txn *txn, const struct log *log, struct bytes note,
                        struct submission *out);
/* The same without verifying: for checking what was verified when it was accepted. */
void submission_prepare_trusted(struct store_txn *txn, const struct log *log, struct bytes note,
                                struct submission *out);
void submission_release(struct submission *submission);

struct accept_place {
    uint64_t index;    /* of the logged event, for a resubmission or a used seq */
    uint64_t expected; /* seq that would be accepted, for a gap */
    struct hash head;  /* id of the issuer's last event, for a gap */
    bool logged;       /* with OK: this very event is in the log already, at `index` */
};

/* May the submission be the entry at `index`, received at `stamp_ms`? OK (see place->logged), or
 * DENIED_KEY, DENIED_SCOPE, DENIED_SIGNATURE, CONFLICT_GAP, CONFLICT_USED, CLOSED, BAD_MEMBER (a
 * reference that the prefix refutes, an entry 0 that is not log.opened), the verdict of
 * submission_prepare, UNJUDGED (this build lacks the table in force), or STORE_*. Writes nothing.
 */
enum status accept_check(struct store_txn *txn, const struct log *log,
                         const struct submission *submission, uint64_t index, uint64_t stamp_ms,
                         struct accept_place *place, struct refusal *why) MUST_USE;
/* Records an accepted event: the issuer's sequence, and what the kind does to the registry and
 * rules. */
enum status accept_apply(struct store_txn *txn, const struct log *log,
                         const struct submission *submission, uint64_t index,
                         uint64_t stamp_ms) MUST_USE;
/* The same without its row in the index of cases, which is looked up where it is, by whoever
 * checks. */
enum status accept_apply_state(struct store_txn *txn, const struct log *log,
                               const struct submission *submission, uint64_t index,
                               uint64_t stamp_ms) MUST_USE;
/* Keeps the other event of a used seq, once. */
enum status accept_keep_conflict(struct store_txn *txn, const struct log *log,
                                 const struct submission *submission) MUST_USE;

/* --- judging what a mirror stored --- */

#define JUDGE_BATCH_MAX 64

struct judgement {
    uint64_t index;
    uint64_t stamp_ms;
    struct bytes entry; /* borrowed */
    struct submission submission;
    enum status form; /* whether the entry is a stamped note at all */
};
/* Prepares entry `index` for judge_advance: reads the stamp and prepares the event. Any thread,
 * read transaction. `entry` is borrowed for the judgement's life. */
void judge_prepare(struct store_txn *txn, const struct log *log, uint64_t index, struct bytes entry,
                   struct judgement *out);
/* The same without verifying signatures. */
void judge_prepare_trusted(struct store_txn *txn, const struct log *log, uint64_t index,
                           struct bytes entry, struct judgement *out);
void judgement_release(struct judgement *judgement);
/* Judges one entry, which must be the next: accepts it, or records why not. UNJUDGED: this build
 * lacks the kinds table in force (ledger/rules.h); then nothing is recorded. */
enum status judge_entry(struct store_txn *txn, const struct log *log,
                        const struct judgement *entry) MUST_USE;
/* Of an entry that its log's host accepted, and that is of a kind which changes nothing but its
 * issuer's place, reads the place and the stamp off its bytes. False: it has to be prepared whole.
 * Nothing has to be released. */
bool judge_read_known(uint64_t index, struct bytes entry, struct judgement *out);
/* Is such an entry its issuer's next, and not received before its predecessor? Then accept_apply
 * may take it. */
enum status judge_follows(struct store_txn *txn, const struct log *log,
                          const struct judgement *judgement, bool *follows) MUST_USE;
/* How far the log is judged. */
enum status judge_size(struct store_txn *txn, uint32_t log, uint64_t *judged) MUST_USE;
/* What was judged otherwise than by judge_advance ends here. */
enum status judge_set_size(struct store_txn *txn, uint32_t log, uint64_t judged) MUST_USE;
/* Judges entries [judged, min(judged + max, size)) in order, records verdicts of those not
 * accepted, and moves the judged size; it stays where the rules are not known. Verifies what
 * `prepared` (may be NULL) does not cover. Write transaction. */
enum status judge_advance(struct store_txn *txn, const struct log *log, uint64_t size, size_t max,
                          struct judgement *prepared, size_t prepared_count,
                          uint64_t *judged) MUST_USE;
/* The verdict on a judged entry: OK if accepted; else the status it was refused with, text in
 * `why`. */
enum status judge_verdict(struct store_txn *txn, uint32_t log, uint64_t index,
                          struct refusal *why) MUST_USE;

#endif
