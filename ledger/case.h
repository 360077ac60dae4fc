/* A case as all logs show it (specs/standing.md): its events, gathered from the store or from
 * receipts, their standing, and the answer that says both, byte for byte the same wherever the same
 * checkpoints are named.
 *
 * Vocabulary: *named* is a log with the size up to which its entries are looked at, that of a
 * quorum checkpoint or smaller. A log *contributes* if an event of the case or a revocation that
 * binds a signer of one stands in it below that size; only those are in the answer. An event is
 * *left out* if the case has more than CASE_EVENTS_MAX: the first by their stamps are looked at.
 *
 *     case_init(view, ori, handle);
 *     case_gather(txn, pins, pin_count, rows, view, &why);     or case_add for each, from receipts
 *     case_judge(view);
 *     case_write(view, &w);
 *     case_release(view);
 *
 * A view is large (case_view, a few MiB): the caller allocates it. Events borrow from the
 * transaction, or from what case_add was given, until released. */
#ifndef DUTYLOG_LEDGER_CASE_H
#define DUTYLOG_LEDGER_CASE_H

#include "ledger/accept.h"
#include "ledger/case_index.h"
#include "ledger/revocation.h"
#include "ledger/standing.h"

#define CASE_EVENTS_MAX 1000
#define CASE_LOGS_MAX 64
#define CASE_REVOCATIONS_MAX 256
#define CASE_ROWS_MAX 65536

/* A log by name, and how far it is looked at. */
struct case_log {
    char origin[NAME_SIZE_MAX + 1];
    struct hash id; /* of the origin */
    uint64_t size;
    struct hash root;
    bool contributes;
    struct log stored; /* case_gather's */
};

/* What the asker pins. */
struct case_pin {
    struct hash id;
    uint64_t size;
};

struct case_item {
    size_t log;
    uint64_t index;
    uint64_t stamp_ms;
    uint64_t confirmed_ms;
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

struct case_view {
    uint8_t ori[ORI_SIZE];
    uint8_t handle[HANDLE_SIZE];
    struct case_log logs[CASE_LOGS_MAX];
    size_t log_count;
    struct case_item items[CASE_EVENTS_MAX]; /* as they were gathered */
    size_t count;
    uint64_t left_out;
    struct case_revocation revocations[CASE_REVOCATIONS_MAX];
    size_t revocation_count;
    struct {
        size_t item;
        size_t revocation;
        bool doubts;
    } bound[2 * CASE_EVENTS_MAX]; /* which binds whose signer: of each the first, and the first by
                                     which the event is doubted */
    size_t bound_count;

    /* Filled by case_judge, in the order of events. */
    struct case_item *sorted[CASE_EVENTS_MAX];
    struct standing_event events[CASE_EVENTS_MAX];
    struct standing_revocation links[2 * CASE_EVENTS_MAX];
    size_t link_revocation[2 * CASE_EVENTS_MAX]; /* of each link, its place in `revocations` */
    struct standing_result results[CASE_EVENTS_MAX];
    struct standing_subject subjects[CASE_EVENTS_MAX];
    size_t order[CASE_EVENTS_MAX];
    struct standing_case standing;
};

/* Room for case_gather to sort in. */
struct case_row {
    uint64_t stamp_ms;
    size_t log; /* of the view */
    uint64_t index;
};

void case_init(struct case_view *view, const uint8_t ori[static ORI_SIZE],
               const uint8_t handle[static HANDLE_SIZE]);
/* Frees the events; the view itself is the caller's. */
void case_release(struct case_view *view);

/* Gathers the case from a store. Without pins every log of events is named, at the size of its
 * latest kept checkpoint; with pins exactly those logs, at those sizes. `rows` has room for
 * CASE_ROWS_MAX. NOT_FOUND: the logs named have no event of it; UNKNOWN_LOG: a pin of a log that
 * this store does not have, or that has no events; CONFLICT_SIZE: a pin beyond what a quorum
 * checkpoint kept here covers; TOO_LARGE: beyond CASE_LOGS_MAX, CASE_ROWS_MAX or
 * CASE_REVOCATIONS_MAX. */
enum status case_gather(struct store_txn *txn, const struct case_pin *pins, size_t pin_count,
                        struct case_row *rows, struct case_view *view,
                        struct refusal *why) MUST_USE;
/* The log of that origin in a view; a new one if there is room, else NULL. */
struct case_log *case_log_named(struct case_view *view, struct bytes origin);
/* What the confirmed time is, by the time at which a quorum is known to have held the event. */
uint64_t case_confirmed(uint64_t stamp_ms, uint64_t quorum_seconds);

/* A revocation of the view binds the signer of an item. Of all that do so, the first in their order
 * matters, and the first by which the item is doubted: those are kept. */
void case_bind(struct case_view *view, size_t item, size_t revocation);

/* Sorts and judges. */
void case_judge(struct case_view *view);
/* The most bytes that case_write writes. */
size_t case_write_max(const struct case_view *view);
/* Writes the answer of GET /case (specs/standing.md#the-answer): canonical JSON and a newline. Of a
 * judged view. TOO_LARGE: no room in `w`. */
enum status case_write(const struct case_view *view, struct writer *w) MUST_USE;

#endif
