/* Who may read what is not open to all, and the log of such reads.
 *
 * A read is asked for with a request note (ledger/request_note.h), signed by a key that the node's
 * own log knows. A note is accepted once: it is remembered, durably, until it expires, by the hash
 * of its text, so that another signature under the same text is the same note. Each read that is
 * granted is a row of the access log, written in the same commit: nothing is read without a trace.
 *
 * What was forgotten has expired, and stays expired if the clock goes back. */
#ifndef DUTYLOG_LEDGER_ACCESS_H
#define DUTYLOG_LEDGER_ACCESS_H

#include "ledger/accept.h"
#include "ledger/batch.h"
#include "ledger/request_note.h"

#define ACCESS_REMEMBERED_MAX 65536 /* notes not yet expired, of one log */
#define ACCESS_ADDRESS_MAX 64

enum access_verdict {
    ACCESS_OK,
    ACCESS_OTHER_LOG,
    ACCESS_OTHER_REQUEST, /* another method or path */
    ACCESS_EXPIRED,
    ACCESS_AHEAD, /* expires too far ahead */
    ACCESS_UNKNOWN_KEY,
    ACCESS_BAD_SIGNATURE,
    ACCESS_WITHOUT_RIGHT, /* a role that may not, revoked, or outside its days */
    ACCESS_REPLAYED,
    ACCESS_FULL /* too many notes to remember */
};

struct access_request {
    const struct log *log; /* the node's own */
    const struct request_note *note;
    struct bytes method; /* as the node got it */
    struct bytes target;
    struct bytes address; /* of who asks; at most ACCESS_ADDRESS_MAX, without spaces */
    uint32_t roles;       /* enum role bits, any of which may */
    uint64_t now_ms;
};

/* All but replay, by what is committed. OK with the verdict, `why` for any but ACCESS_OK; or what
 * the store says. */
enum status access_check(struct store_txn *txn, const struct access_request *request,
                         enum access_verdict *verdict, struct refusal *why) MUST_USE;

/* The same with replay; if it is granted, remembers the note and writes the access log. Refused, it
 * writes nothing. */
struct access_job {
    struct job job;
    struct access_request request; /* what it points to is borrowed until done */
    enum access_verdict verdict;   /* out, if the batch went well */
    struct refusal why;            /* out */
    uint64_t number;               /* out: of the row, from 1; if granted */
    void (*done)(struct access_job *job, enum status batch_status);
};
void access_job_init(struct access_job *job);

/* --- the access log --- */

struct access_row {
    uint64_t number; /* from 1 */
    uint64_t time_ms;
    struct bytes key; /* views of the transaction */
    struct bytes address;
    struct bytes method;
    struct bytes target;
};
/* The first row from `number` on. NOT_FOUND, STORE_CORRUPT. */
enum status access_row_from(struct store_txn *txn, uint32_t log, uint64_t number,
                            struct access_row *out) MUST_USE;

#endif
