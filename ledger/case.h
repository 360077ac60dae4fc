/* A case as all logs show it (specs/standing.md): its events, gathered from the store or from
 * receipts, their standing, and the answer that says both, byte for byte the same wherever the same
 * pins and checkpoints are named.
 *
 * Vocabulary: *named* is a log with the size up to which its entries are looked at, that of a
 * quorum checkpoint or smaller. A log *contributes* if the answer hangs on it: an event of the
 * case, a revocation that binds a signer of one, or a recognition by which another counts stands in
 * it below that size; only those are in the answer. An event is *beyond* if its log was not
 * recognised for the agency, or not for the signer's role. An event is *left out* if it is not
 * among the CASE_EVENTS_MAX that are looked at.
 *
 *     case_init(view, ori, handle);
 *     case_gather(txn, &ask, memory, view, &why);     or each item from its receipt
 *     case_judge(view);
 *     case_write(view, &w);
 *     case_release(view);
 *
 * A view is large (case_view, a few MiB): the caller allocates it. Events borrow from the
 * transaction, or from what the items were given, until released. */
#ifndef DUTYLOG_LEDGER_CASE_H
#define DUTYLOG_LEDGER_CASE_H

#include "ledger/accept.h"
#include "ledger/case_index.h"
#include "ledger/recognition.h"
#include "ledger/revocation.h"
#include "ledger/standing.h"

#define CASE_EVENTS_MAX 1000
#define CASE_HOUSE_MAX 64 /* of one house, these are looked at before others' further ones */
#define CASE_STEPS_MAX 4  /* from an event to what it names, and what that names */
#define CASE_ORIS_MAX 16
#define CASE_NAMED_MAX 64 /* logs that an asker may name */
#define CASE_LOGS_MAX 512 /* of these, logs with events of the case's own: */
#define CASE_OWN_LOGS_MAX 64
#define CASE_REVOCATIONS_MAX (3 * CASE_EVENTS_MAX)
#define CASE_ROWS_MAX 65536
#define CASE_PINS_MAX 16

/* An entry by which a log counts: a log.recognised, or a recognition.withdrawn. */
struct case_word {
    bool known;
    size_t log; /* of the view */
    uint64_t index;
    uint64_t seq;
    char issuer[NAME_SIZE_MAX + 1];
};

/* A log by name, and how far it is looked at. */
struct case_log {
    char origin[NAME_SIZE_MAX + 1];
    struct hash id; /* of the origin */
    uint64_t size;
    struct hash root;
    bool contributes;
    struct case_word by[RECOGNISED_CLASSES]; /* by which it counts, for signers of each class */
    struct case_word withdrawn;              /* by which it does not any more */
    /* case_gather's: */
    struct log stored;
    struct recognition_scope scopes[RECOGNISED_CLASSES];
};

/* What the asker names: a log, and up to which size. */
struct case_pin {
    struct hash id;
    uint64_t size;
};

struct case_item {
    size_t log;
    uint64_t index;
    uint64_t stamp_ms;
    uint64_t confirmed_ms;
    unsigned moves; /* case_judge's, as the next: standing_event has both */
    uint64_t moved_ms;
    bool beyond;
    struct event event; /* parsed: owned */
    struct standing_signer signer;
};

/* A key.revoked that some event's standing may hang on. */
struct case_revocation {
    size_t log;
    uint64_t index;
    uint64_t stamp_ms;
    uint64_t confirmed_ms;
    uint64_t seq;
    char issuer[NAME_SIZE_MAX + 1];
    enum revocation_reason reason;
    uint64_t since_ms;
};

/* What a revocation does to an event whose signer it binds; of each the first in the order counts.
 */
enum case_bond { BOND_REVOKES, BOND_DOUBTS, BOND_DISOWNS, BONDS };
struct case_bonds {
    bool bound[BONDS];
    bool by_root[BONDS];
    struct case_revocation first[BONDS];
};

/* How many events of a house were not looked at. */
struct case_left_out {
    enum house_group group; /* GROUPS: beyond bounds */
    uint8_t house[CASE_HOUSE_SIZE];
    char name[NAME_SIZE_MAX + 1]; /* first component of its keys' names; "" for the agency */
    uint64_t count;
};
#define CASE_HOUSES_MAX 256

struct case_view {
    uint8_t ori[ORI_SIZE];
    uint8_t handle[HANDLE_SIZE];
    uint8_t oris[CASE_ORIS_MAX][ORI_SIZE]; /* its own, and those joined to it by mergers */
    size_t ori_count;
    struct pin pins[CASE_PINS_MAX]; /* what counts hangs on these; none: everything counts */
    size_t pin_count;
    struct case_log logs[CASE_LOGS_MAX];
    size_t log_count;
    struct case_item items[CASE_EVENTS_MAX]; /* as they were gathered */
    size_t count;
    struct case_left_out left_out[CASE_HOUSES_MAX];
    size_t left_out_count;
    struct case_revocation revocations[CASE_REVOCATIONS_MAX];
    size_t revocation_count;
    size_t bonds[CASE_EVENTS_MAX][BONDS]; /* of each item, places in `revocations`; none: */
#define CASE_UNBOUND SIZE_MAX
    bool bonds_by_root[CASE_EVENTS_MAX][BONDS];

    /* Filled by case_judge, in the order of events. */
    struct case_item *sorted[CASE_EVENTS_MAX];
    struct standing_event events[CASE_EVENTS_MAX];
    struct standing_revocation links[BONDS * CASE_EVENTS_MAX];
    size_t link_revocation[BONDS * CASE_EVENTS_MAX]; /* of each link, its place in `revocations` */
    struct standing_result results[CASE_EVENTS_MAX];
    struct standing_subject subjects[CASE_EVENTS_MAX];
    size_t order[CASE_EVENTS_MAX];
    size_t acts[CASE_EVENTS_MAX];
    struct standing_case standing;
};

/* Room for case_gather; large. */
struct case_row {
    uint64_t stamp_ms;
    size_t log; /* of the view */
    uint64_t index;
    enum house_group group; /* GROUPS: beyond bounds */
    uint8_t house[CASE_HOUSE_SIZE];
};
struct case_memory {
    struct case_row rows[CASE_ROWS_MAX];
    size_t row_count;
    struct recognition_set recognised;
};

/* What is asked of a store. */
struct case_ask {
    const struct pin *authorities; /* at most CASE_PINS_MAX; none: everything counts */
    size_t authority_count;
    const struct case_pin *named; /* none: every log of events, at its latest kept checkpoint */
    size_t named_count;
};

void case_init(struct case_view *view, const uint8_t ori[static ORI_SIZE],
               const uint8_t handle[static HANDLE_SIZE]);
/* Frees the events; the view itself is the caller's. */
void case_release(struct case_view *view);

/* Gathers the case from a store. NOT_FOUND: the logs named have no event of it; UNKNOWN_LOG: a log
 * named that this store does not have, or that has no events; CONFLICT_SIZE: a size beyond what a
 * quorum checkpoint kept here covers; TOO_LARGE: revocations or recognitions in over CASE_LOGS_MAX
 * logs. What is too much otherwise is left out, and counted. */
enum status case_gather(struct store_txn *txn, const struct case_ask *ask,
                        struct case_memory *memory, struct case_view *view,
                        struct refusal *why) MUST_USE;
/* After case_gather, of the same: puts into memory->rows which entries are not looked at, by group,
 * stamp, origin, index; the first CASE_ROWS_MAX that it finds. */
enum status case_list_left_out(struct store_txn *txn, const struct case_ask *ask,
                               struct case_memory *memory, struct case_view *view,
                               struct refusal *why) MUST_USE;
#define CASE_PAGE 1000
#define CASE_PAGE_SIZE_MAX (CASE_PAGE * (6 * NAME_SIZE_MAX + 64) + 256)
/* Writes a page of them, CASE_PAGE from the `from`th on (specs/standing.md#the-answer). */
enum status case_write_left_out(const struct case_view *view, const struct case_memory *memory,
                                uint64_t from, struct writer *w) MUST_USE;
/* The log of that origin in a view; a new one if there is room, else NULL. */
struct case_log *case_log_named(struct case_view *view, struct bytes origin);

/* A revocation binds the signer of an item; `by_root`: its revoker is a root there. It takes its
 * place in `bonds`, which begin as zeros, where it comes before what stands there. */
void case_bond(const struct case_view *view, const struct case_item *item,
               const struct case_revocation *row, bool by_root, struct case_bonds *bonds);
/* Writes down what binds an item, of which no more is to come. Every item once. */
void case_bind(struct case_view *view, size_t item, const struct case_bonds *bonds);
/* Is it an event of this case, by its own `ori` and `case`? */
bool case_is_of(const struct case_view *view, const struct event_about *about);

/* Sorts and judges. */
void case_judge(struct case_view *view);
/* The most bytes that case_write writes. */
size_t case_write_max(const struct case_view *view);
/* Writes the answer of GET /case (specs/standing.md#the-answer): canonical JSON and a newline. Of a
 * judged view. TOO_LARGE: no room in `w`. */
enum status case_write(const struct case_view *view, struct writer *w) MUST_USE;

#endif
