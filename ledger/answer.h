/* What a C2SP endpoint answers: an HTTP status, a content type and a short body. The core decides
 * it, the shell sends it, the simulator carries it. */
#ifndef DUTYLOG_LEDGER_ANSWER_H
#define DUTYLOG_LEDGER_ANSWER_H

#include "ledger/bytes.h"

#define ANSWER_BODY_MAX 1024

struct answer {
    unsigned http;            /* 200, 202, 400, 403, 404, 409, 413, 422, 503 */
    const char *content_type; /* static */
    size_t len;
    uint8_t body[ANSWER_BODY_MAX];
};

void answer_set(struct answer *answer, unsigned http, const char *content_type, struct bytes body);
/* One line of text from a refusal, with the status that specs/http.md gives it. */
void answer_refusal(struct answer *answer, const struct refusal *why);
/* The HTTP status of a refusal: 400, 403, 404, 409, 413, 422, 429, 500, 503. */
unsigned answer_http(enum status status);

#endif
