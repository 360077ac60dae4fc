/* The handlers behind net/routes.c, a short function each: parse, verify, act, answer.
 * specs/http.md says what each does. All run on the loop. */
#ifndef DUTYLOG_NET_HANDLERS_H
#define DUTYLOG_NET_HANDLERS_H

#include "net/node.h"

#include <jansson.h>

/* handle_tiles.c: checkpoints, tiles, bundles */
void handle_own_checkpoint(struct request *request);
void handle_log_checkpoint(struct request *request);
void handle_witness_checkpoint(struct request *request);
void handle_kept(struct request *request);
void handle_own_tile(struct request *request);
void handle_log_tile(struct request *request);

/* handle_checkpoint.c, handle_entries.c: the mirror and the witness */
void handle_add_checkpoint(struct request *request);
void handle_add_candidate(struct request *request);
void entries_on_headers(struct request *request);
enum body_step entries_on_body(struct request *request, struct bytes chunk);
void entries_on_end(struct request *request);
void entries_on_cancel(struct request *request, enum request_cancel reason);
void entries_on_free(struct request *request);

/* handle_read.c: receipts, issuers, evidence */
void handle_receipt(struct request *request);
void handle_log_receipt(struct request *request);
void handle_issuer(struct request *request);
void handle_evidence_list(struct request *request);
void handle_evidence(struct request *request);

/* handle_case.c: on a worker */
void handle_case(struct request *request);
void handle_case_left_out(struct request *request);

/* handle_restricted.c: for those with a request note */
void handle_access(struct request *request);
void handle_conflicts(struct request *request);

/* handle_status.c */
void handle_logs(struct request *request);
void handle_status(struct request *request);
void handle_healthz(struct request *request);

/* handle_registry.c: recognised logs, agencies */
void handle_recognised(struct request *request);
void handle_agency(struct request *request);
void handle_agencies(struct request *request);

/* handle_metrics.c */
void handle_metrics(struct request *request);

/* A read transaction for a handler. False: the request is answered 503 already. */
bool handler_begin(struct request *request, struct store_txn **txn);
/* Answers with what a status from the store means to a reader. */
/* Answers with the object and a newline. Takes the object; NULL is out of memory. */
void handler_answer_json(struct request *request, unsigned http, json_t *object);
void handler_answer_status(struct request *request, enum status status, const char *what);

#endif
