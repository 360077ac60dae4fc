/* What the files of verifying a case share: case_verify.c (events and revocations, by their
 * receipts), case_recognised.c (by whose word each log counts). */
#ifndef DUTYLOG_TOOLS_CASE_VERIFY_PARTS_H
#define DUTYLOG_TOOLS_CASE_VERIFY_PARTS_H

#include "ledger/case.h"
#include "tools/case_verify.h"

/* One receipt, and what it says beyond the report. */
struct proved {
    struct event event; /* owned */
    struct verify_report report;
    struct standing_signer signer;
    bool has_enroller;
    struct sign_public enroller;
    struct hash root; /* of its checkpoint */
};

/* The authority of a log, by its log.opened. */
struct authority {
    struct sign_public keys[OPENED_AUTHORITIES_MAX];
    size_t count;
    struct hash hash;
    struct sign_public signers[EVENT_SIGNATURES_MAX]; /* of these, those whose lines it has */
    size_t signer_count;
    struct vkey log; /* the log's own key */
};

struct work {
    struct case_verify *verify;
    struct refusal *why;
    struct case_view *view;
    struct verifier *verifier;
    struct authority authorities[CASE_LOGS_MAX];   /* by the view's logs */
    struct sign_public enrollers[CASE_EVENTS_MAX]; /* by the view's items, */
    bool enrolled[CASE_EVENTS_MAX];                /* if they have one */
    struct case_bonds bonds[CASE_EVENTS_MAX];
    bool worded[CASE_LOGS_MAX];         /* by whose word it counts is proved */
    uint8_t *receipts[CASE_EVENTS_MAX]; /* what the view's events borrow from */
};

/* Fetches and verifies what the node names at `said`: the proved event is owned by `out`, and
 * borrows from `copy`, from malloc. */
enum status case_prove(struct work *w, const json_t *said, uint8_t **copy, struct proved *out,
                       struct authority *authority) MUST_USE;
/* The view's log in which it stands, whose size was named. */
enum status case_note_log(struct work *w, const struct proved *proved,
                          const struct authority *authority, size_t *out) MUST_USE;

/* --- case_recognised.c --- */

/* Reads the pins that the node counts by, which must be the roots that the asker gave, if both
 * are there; and by whose word each log counts, all logs being in the view by now. */
enum status case_read_pins(struct work *w) MUST_USE;
enum status case_read_words(struct work *w) MUST_USE;
/* Is an event of a signer in that role, in that log, beyond what the log counts for? What the
 * answer says of it is proved at the end. */
bool case_is_beyond(const struct work *w, size_t log, uint32_t role);
/* Proves by whose word the logs count, once all events and revocations are proved. */
enum status case_prove_words(struct work *w) MUST_USE;

#endif
