#include "net/server_private.h"

#include "net/log.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_TYPE "text/plain; charset=utf-8"
#define TEXT_MAX 512

/* --- life --- */

static const unsigned allowed_moves[] = {
    [PHASE_HEADERS] = 1 << PHASE_BODY | 1 << PHASE_GONE,
    [PHASE_BODY] = 1 << PHASE_PAUSED | 1 << PHASE_WAITING | 1 << PHASE_DRAINING | 1 << PHASE_GONE,
    [PHASE_PAUSED] = 1 << PHASE_BODY | 1 << PHASE_DRAINING | 1 << PHASE_GONE,
    [PHASE_WAITING] = 1 << PHASE_DRAINING | 1 << PHASE_GONE,
    [PHASE_DRAINING] = 1 << PHASE_SENDING | 1 << PHASE_GONE,
    [PHASE_SENDING] = 1 << PHASE_GONE,
    [PHASE_GONE] = 0,
};

void request_move(struct request *request, enum request_phase to) {
    assert((allowed_moves[request->phase] & 1U << to) != 0);
    assert((to == PHASE_DRAINING || to == PHASE_SENDING) ? request->ended : true);
    assert((to == PHASE_PAUSED || to == PHASE_WAITING) ? !request->ended : true);
    request->phase = to;
    request->phase_since = loop_now_ms(request->server->loop);
    request->window_start = request->phase_since;
    request->window_bytes = 0;
}

struct request *request_new(struct connection *connection, const char *target) {
    struct server *server = connection->server;
    size_t len = strlen(target);
    bool too_long = len > TARGET_MAX;
    if (too_long) {
        len = TARGET_MAX;
    }
    struct request *request = malloc(sizeof *request + len + 1);
    if (request == NULL) {
        return NULL;
    }
    memset(request, 0, sizeof *request);
    request->server = server;
    request->connection = connection;
    request->phase = PHASE_HEADERS;
    request->phase_since = loop_now_ms(server->loop);
    request->refs = 1;
    request->reason = COUNTER_NONE;
    request->address = connection->address;
    request->target_too_long = too_long;
    request->target_len = len;
    memcpy(request->target, target, len);
    request->target[len] = '\0';
    memcpy(request->peer, connection->peer, sizeof request->peer);
    buffer_init(&request->body, 0);
    server->live_requests++;
    return request;
}

static void request_free(struct request *request) {
    assert(request->phase == PHASE_GONE && request->response == NULL);
    struct server *server = request->server;
    if (request->given && request->route->on_free != NULL) {
        request->route->on_free(request);
    }
    if (request->gzip) {
        inflateEnd(&request->z);
    }
    buffer_clear(&request->body);
    assert(server->stats.body_bytes >= request->charged);
    server->stats.body_bytes -= request->charged;
    assert(server->live_requests > 0);
    server->live_requests--;
    free(request);
}

void request_unref(struct request *request) {
    assert(request->refs > 0);
    request->refs--;
    if (request->refs == 0) {
        request_free(request);
    }
}

void request_hold(struct request *request) {
    assert(request->refs > 0);
    request->refs++;
}

void request_release(struct request *request) {
    request_unref(request);
}

bool request_ended(const struct request *request) {
    return request->ended;
}

void request_cancelled(struct request *request, enum request_cancel reason) {
    assert(!request->ended && !request->cancelled);
    request->cancelled = true;
    request->server->stats.cancelled[reason]++;
    if (reason == CANCEL_GONE) {
        request->ended = true;
    }
    if (request->given && request->route->on_cancel != NULL) {
        request->route->on_cancel(request, reason);
    }
    if (!request->ended && reason == CANCEL_STOPPING) {
        request_refuse_as(request, COUNTER_REFUSED_STOPPING, 503,
                          "this node is stopping: try again later");
    } else if (!request->ended) {
        request_refuse_as(request, COUNTER_REFUSED_DEADLINE, 503,
                          "no answer was ready in time: try again later");
    }
    assert(request->ended);
}

/* --- what the handler sees --- */

void *request_context(const struct request *request) {
    return request->server->context;
}

void request_set_user(struct request *request, void *user) {
    request->user = user;
}

void *request_user(const struct request *request) {
    return request->user;
}

struct bytes request_method(const struct request *request) {
    return bytes_text(request->method);
}

struct bytes request_target(const struct request *request) {
    return bytes_of(request->target, request->target_len);
}

struct bytes request_path(const struct request *request) {
    return request->path;
}

struct bytes request_segment(const struct request *request, size_t i) {
    assert(i < request->segment_count);
    return request->segments[i];
}

const char *request_header(const struct request *request, const char *name) {
    if (request->mhd == NULL) {
        return NULL;
    }
    return MHD_lookup_connection_value(request->mhd, MHD_HEADER_KIND, name);
}

const struct address *request_address(const struct request *request) {
    return &request->address;
}

const char *request_peer(const struct request *request) {
    return request->peer;
}

struct bytes request_body(const struct request *request) {
    return buffer_view(&request->body);
}

/* --- the budget --- */

bool request_charge(struct request *request, size_t bytes) {
    struct server *server = request->server;
    size_t budget = client_body_budget(request);
    if (server->stats.body_bytes > budget || bytes > budget - server->stats.body_bytes) {
        server->stats.refused_budget++;
        return false;
    }
    request->charged += bytes;
    server->stats.body_bytes += bytes;
    if (server->stats.body_bytes > server->stats.body_bytes_max) {
        server->stats.body_bytes_max = server->stats.body_bytes;
    }
    return true;
}

void request_discharge(struct request *request, size_t bytes) {
    assert(bytes <= request->charged);
    request->charged -= bytes;
    request->server->stats.body_bytes -= bytes;
}

/* --- answering --- */

static struct MHD_Response *make_response(const struct reply *reply) {
    enum MHD_ResponseMemoryMode mode = reply->body_is == REPLY_COPY     ? MHD_RESPMEM_MUST_COPY
                                       : reply->body_is == REPLY_STATIC ? MHD_RESPMEM_PERSISTENT
                                                                        : MHD_RESPMEM_MUST_FREE;
    /* An empty body may be a NULL view; libmicrohttpd's parameter is not const only because of the
     * mode in which it frees. */
    union {
        const uint8_t *borrowed;
        void *given;
    } data = {.borrowed = reply->body.data};
    struct MHD_Response *response =
        MHD_create_response_from_buffer(reply->body.len, data.given, mode);
    if (response == NULL && reply->body_is == REPLY_TAKE) {
        free(data.given);
    }
    return response;
}

/* False: no memory. */
static bool add_headers(struct request *request, struct MHD_Response *response,
                        const struct reply *reply) {
    const struct server *server = request->server;
    bool ok = MHD_add_response_header(response, "X-Content-Type-Options", "nosniff") == MHD_YES;
    if (reply->content_type != NULL) {
        ok = ok && MHD_add_response_header(response, "Content-Type", reply->content_type);
    }
    bool says_when = false;
    for (size_t i = 0; i < reply->header_count; i++) {
        const struct reply_header *header = &reply->headers[i];
        ok = ok && MHD_add_response_header(response, header->name, header->value) == MHD_YES;
        says_when = says_when || strcmp(header->name, "Retry-After") == 0;
    }
    if ((reply->http == 503 || reply->http == 429) && !says_when) {
        char seconds[16];
        snprintf(seconds, sizeof seconds, "%u", server->options.retry_after_s);
        ok = ok && MHD_add_response_header(response, "Retry-After", seconds) == MHD_YES;
    }
    if (server->stopping) {
        ok = ok && MHD_add_response_header(response, "Connection", "close") == MHD_YES;
    }
    return ok;
}

/* After the answer is there: whatever the connection was doing, it goes on to send it. */
static void proceed(struct request *request) {
    bool suspended = request->phase == PHASE_PAUSED || request->phase == PHASE_WAITING;
    request_move(request, PHASE_DRAINING);
    if (suspended) {
        mhd_resume(request);
    }
}

static void count_refusal(const struct request *request) {
    if (request->http >= 400) {
        counter_add(request->reason != COUNTER_NONE ? request->reason
                                                    : counter_of_http(request->http));
    }
}

void request_answer(struct request *request, const struct reply *reply) {
    assert(reply->http >= 200 && reply->http <= 599);
    if (request->ended) {
        if (reply->body_is == REPLY_TAKE) {
            union {
                const uint8_t *borrowed;
                void *given;
            } data = {.borrowed = reply->body.data};
            free(data.given);
        }
        return;
    }
    request->ended = true;
    request->http = reply->http;
    request->response_size = reply->body.len;
    request->response = make_response(reply);
    if (request->response != NULL && !add_headers(request, request->response, reply)) {
        MHD_destroy_response(request->response);
        request->response = NULL;
    }
    /* Without memory for an answer there is none: the connection is closed where it would have been
     * queued. */
    request->server->stats.answered[reply->http / 100]++;
    count_refusal(request);
    proceed(request);
}

void request_set_reason(struct request *request, enum counter reason) {
    request->reason = reason;
}

static void answer_line(struct request *request, unsigned http, const char *format, va_list args)
    __attribute__((format(printf, 3, 0)));
static void answer_line(struct request *request, unsigned http, const char *format, va_list args) {
    char text[TEXT_MAX];
    int n = vsnprintf(text, sizeof text - 1, format, args);
    assert(n >= 0);
    size_t len = (size_t)n < sizeof text - 2 ? (size_t)n : sizeof text - 2;
    for (size_t i = 0; i < len; i++) {
        /* One line: the text may quote the request. */
        if (text[i] < 0x20 || text[i] > 0x7e) {
            text[i] = '?';
        }
    }
    text[len++] = '\n';
    struct reply reply = {.http = http, .content_type = TEXT_TYPE, .body = bytes_of(text, len)};
    request_answer(request, &reply);
}

void request_answer_text(struct request *request, unsigned http, const char *format, ...) {
    va_list args;
    va_start(args, format);
    answer_line(request, http, format, args);
    va_end(args);
}

void request_refuse_as(struct request *request, enum counter reason, unsigned http,
                       const char *format, ...) {
    va_list args;
    request->reason = reason;
    va_start(args, format);
    answer_line(request, http, format, args);
    va_end(args);
}

void request_answer_core(struct request *request, const struct answer *answer) {
    struct reply reply = {.http = answer->http,
                          .content_type = answer->content_type,
                          .body = bytes_of(answer->body, answer->len)};
    request_answer(request, &reply);
}

void request_refuse(struct request *request, const struct refusal *why) {
    request_refuse_as(request, COUNTER_STATUS(why->status), answer_http(why->status), "%s",
                      why->text);
}
