/* `dutylog verify RECEIPT --node URL` and `--tiles URL|FOLDER`: the receipt's log is read for what
 * no receipt can show (specs/event.md, "Reading the log for a receipt"). Believes the receipt's own
 * checkpoints and the log's key; the node is asked for bytes alone. */
#ifndef DUTYLOG_TOOLS_VERIFY_READ_H
#define DUTYLOG_TOOLS_VERIFY_READ_H

#include "ledger/verify_log.h"
#include "tools/log_read.h"

#include <jansson.h>
#include <stdio.h>

struct verify_read {
    const char *node;  /* any node that holds the log; borrowed; or */
    const char *tiles; /* the log's own prefix, or a folder with its checkpoint and tiles */
    /* Out, with OK. */
    struct verify_log found;
    uint64_t
        refused; /* entries of the log, none of them the receipt's, that its rules do not admit */
    /* Its own. */
    struct log_read read;
    struct proof proof;
    char url[1024];
    uint64_t faults;
    char fault[REFUSAL_TEXT_MAX];
};

/* Was it asked to read the log? */
bool verify_read_wanted(const struct verify_read *read);
/* After verify_receipt, whose verifier and report are given. Not OK: NOT_CHECKED statuses are IO,
 * BUSY, NOT_FOUND, NOMEM (the log, or so much of it, could not be had) and UNJUDGED (this build
 * lacks its rules); any other says that the receipt does not hold, or that what is served is not
 * its log. */
enum status verify_read(struct verify_read *read, const struct verifier *verifier,
                        const struct verify_report *report, struct refusal *why) MUST_USE;
void verify_read_release(struct verify_read *read);

/* In words, after what was said of the receipt; `read` NULL: the log was not read, and what is
 * unchecked is said. */
void verify_read_print(FILE *out, const struct verify_read *read,
                       const struct verify_report *report);
/* Adds the members `unchecked` and, if the log was read, `read`. */
void verify_read_json(json_t *object, const struct verify_read *read,
                      const struct verify_report *report);

#endif
