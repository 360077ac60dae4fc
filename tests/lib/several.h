/* Several logs of events in one store for tests, each with a world of its own, judged entry by
 * entry in one write transaction, as a mirror does. Entry `index` of each has the stamp
 * WORLD_TIME_MS and `index` minutes, unless the log's `late_ms` says later. */
#ifndef DUTYLOG_TESTS_LIB_SEVERAL_H
#define DUTYLOG_TESTS_LIB_SEVERAL_H

#include "ledger/accept.h"
#include "tests/lib/world.h"

#define SEVERAL_MAX 8

struct several_log {
    struct world world;
    struct log log;
    uint64_t next;    /* index of its next entry */
    uint64_t late_ms; /* added to each stamp from now on */
    struct store_txn *txn;
};

struct several {
    struct store *store;
    struct store_txn *txn;
    struct several_log logs[SEVERAL_MAX];
    size_t count;
};

void several_open(struct several *s);
void several_close(struct several *s);
/* A log with log.opened (entry 0), log.policy and the enrolments of AGENCY, BOARD and COURT, which
 * root 1 made. */
struct several_log *several_add(struct several *s, const char *origin);
/* A log that only roots of its own opened: in other worlds of tests all have the same. */
struct several_log *several_add_rooted(struct several *s, const char *origin);
/* It says that it recognises the log of that key: `more` are members with a leading comma, or "".
 * Its index. */
uint64_t several_recognise(struct several_log *by, const struct vkey *vkey, const char *more);
/* And that it does no more. */
uint64_t several_withdraw(struct several_log *by, const struct vkey *vkey);
/* The next entry; accepted. Its index. */
uint64_t several_accept(struct several_log *log, struct bytes note);
/* The next entry; refused with this status and a text that has `says` in it. */
void several_refuse(struct several_log *log, struct bytes note, enum status status,
                    const char *says);
/* An event of the kind with this `open`, accepted. Its index. */
uint64_t several_say(struct several_log *log, enum world_who who, const char *kind,
                     const char *open);
/* The vkey as text; lives as long as the log. */
const char *several_vkey(struct several_log *log, const struct vkey *vkey);

#endif
