#include "ledger/answer.h"

#include <assert.h>
#include <string.h>

void answer_set(struct answer *answer, unsigned http, const char *content_type, struct bytes body) {
    assert(body.len <= ANSWER_BODY_MAX);
    answer->http = http;
    answer->content_type = content_type;
    answer->len = body.len;
    if (body.len > 0) {
        memcpy(answer->body, body.data, body.len);
    }
}

unsigned answer_http(enum status status) {
    switch (status) {
    case STATUS_OK:
        return 200;
    case STATUS_BAD_FORM:
    case STATUS_BAD_CANONICAL:
    case STATUS_BAD_MEMBER:
    case STATUS_BAD_KIND:
    case STATUS_BAD_LOG:
    case STATUS_BAD_SIZE:
    case STATUS_BAD_POLICY:
        return 400;
    case STATUS_DENIED_KEY:
    case STATUS_DENIED_SCOPE:
    case STATUS_DENIED_SIGNATURE:
        return 403;
    case STATUS_NOT_FOUND:
    case STATUS_UNKNOWN_LOG:
        return 404;
    case STATUS_CONFLICT_GAP:
    case STATUS_CONFLICT_USED:
    case STATUS_CONFLICT_SIZE:
    case STATUS_CONFLICT_HEAD:
        return 409;
    case STATUS_CLOSED:
        return 410;
    case STATUS_TOO_LARGE:
        return 413;
    case STATUS_BAD_PROOF:
    case STATUS_CONFLICT_ROOT:
        return 422;
    case STATUS_RATE:
        return 429;
    case STATUS_STORE_FAILED:
    case STATUS_STORE_IN_USE:
    case STATUS_BUSY:
    case STATUS_CLOCK:
    case STATUS_UNJUDGED:
    case STATUS_FULL:
    case STATUS_NOMEM:
        return 503;
    case STATUS_STORE_DOUBT:
    case STATUS_STORE_CORRUPT:
    case STATUS_IO:
    case STATUS_COUNT:
        break;
    }
    return 500;
}

void answer_refusal(struct answer *answer, const struct refusal *why) {
    uint8_t line[REFUSAL_TEXT_MAX + 1];
    struct writer w;
    writer_init(&w, line, sizeof line);
    writer_text(&w, why->text);
    writer_u8(&w, '\n');
    answer_set(answer, answer_http(why->status), "text/plain; charset=utf-8", writer_view(&w));
}
