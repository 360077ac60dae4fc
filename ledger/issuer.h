/* Issuers as the store keeps them: one record per key name and log (ledger/accept.h has the
 * vocabulary). Used by acceptance only; readers use accept.h. */
#ifndef DUTYLOG_LEDGER_ISSUER_H
#define DUTYLOG_LEDGER_ISSUER_H

#include "ledger/accept.h"
#include "ledger/opened.h"
#include "ledger/rules.h"

/* Writes the record of a known issuer back. */
enum status issuer_put(struct store_txn *txn, uint32_t log, const struct issuer *issuer) MUST_USE;
/* Gives a new issuer its number and writes it. Asserts that the name is not known. */
enum status issuer_add(struct store_txn *txn, uint32_t log, struct issuer *issuer) MUST_USE;

/* --- scope (scope.c) --- */

/* The issuer that log.opened names in a role: root or operator, with every right of the role. Not
 * its number. */
struct issuer issuer_named(const struct vkey *vkey, uint32_t role);
/* The issuer that a key.enrolled or key.rotated makes: key, role and scope; not its numbers. */
void issuer_of_enrolment(const struct event *enrolment, struct issuer *out);
/* May the issuer, by its role and its enrolment's scope, issue this event at this time?
 * DENIED_SCOPE names the member that is out of scope. */
enum status issuer_covers(const struct issuer *issuer, const struct event *event, uint64_t stamp_ms,
                          struct refusal *why) MUST_USE;
/* May `enroller` enrol `fresh`? A root gives any role but those of log.opened; an agency's key
 * makes clerks, within its own scope. DENIED_SCOPE. */
enum status issuer_may_grant(const struct issuer *enroller, const struct issuer *fresh,
                             struct refusal *why) MUST_USE;
/* May `fresh` take the place of `old`? With the same role, in the same house (ledger/house.h), and
 * no wider scope. DENIED_SCOPE. */
enum status issuer_may_replace(const struct issuer *old, const struct issuer *fresh,
                               struct refusal *why) MUST_USE;

/* --- the log's state for acceptance; all zero before the first entry --- */

struct accept_state {
    uint64_t last_stamp_ms; /* of the last accepted entry */
    uint64_t closed_at;     /* index of the log.succeeded that ends this log; 0: it goes on */
    uint32_t issuers;       /* numbers given */
    uint32_t threshold;     /* of log.opened */
    uint32_t agencies;      /* accepted agency.registered; 0: any ORI may be named */
    size_t replaced_count;  /* root.replaced */
    uint32_t replaced[ROOTS_REPLACED_MAX]; /* the roots that they made: issuer numbers, in order */
    struct rules rules;                    /* the kinds table in force */
    struct hash authority; /* of log.opened: whose voice its keys are (ledger/house.h) */
    char operator_name[OPENED_OPERATOR_MAX + 1];
};
enum status accept_state_get(struct store_txn *txn, uint32_t log,
                             struct accept_state *out) MUST_USE;
enum status accept_state_put(struct store_txn *txn, uint32_t log,
                             const struct accept_state *state) MUST_USE;

#endif
