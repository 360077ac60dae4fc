/* The HTTP server: libmicrohttpd driven by the loop, and what it lacks (server.c lists it): bounds
 * in time and memory on everything a client can do, answers that come later, answers to uploads
 * that are still coming.
 *
 * A request's life, all on the loop:
 *
 *     on_headers ─▶ on_body … on_body ─▶ on_end ─▶ (waiting) ─▶ answered ─▶ on_free
 *          └────────────┴── request_answer at any time: the rest of the body is discarded
 *
 *   - One request_answer ends it, at any point, at once or later. Answers go out when the body has
 *     been read (discarding what the handler no longer wants): libmicrohttpd cannot answer before.
 *   - on_cancel ends it otherwise: the client left or is too slow, the deadline passed, the server
 *     stops.
 *   - After either, calls on the request do nothing, so that whoever still works for it needs no
 *     flag: request_hold keeps the memory (and the body's bytes) until request_release.
 *
 * Refused without asking the handler: unknown path 404, other method 405 with Allow, a body larger
 * than the route takes 413, a coding it does not take 415, a request target that is too long 414 or
 * malformed 400, more body bytes in flight than the budget 503 with Retry-After, more requests of
 * one address than its rate allows 429 with Retry-After. Errors are one line of text. HEAD is
 * answered where GET is.
 *
 * Every answer of 4xx or 5xx is counted under one reason (net/counters.h): the one that
 * request_refuse or request_refuse_as gave, or else its status.
 *
 * *Known* clients, those listed in the options and those that a handler vouched for
 * (request_vouch), have a reserve of connections and body bytes that others cannot take, and no
 * rate: a flood by strangers does not keep a log's candidate from its mirror.
 *
 * Behind a proxy (options.proxied) the client of a request is whom the proxy names last in
 * X-Forwarded-For. The header of anybody else is not looked at. */
#ifndef DUTYLOG_NET_SERVER_H
#define DUTYLOG_NET_SERVER_H

#include "ledger/answer.h"
#include "ledger/bytes.h"
#include "net/counters.h"
#include "net/loop.h"
#include "net/peers.h"

struct server;
struct request;
struct tls; /* net/tls.h */

/* --- routes --- */

enum route_flags {
    ROUTE_GZIP = 1 << 0,   /* takes Content-Encoding: gzip; body_max and on_body see it inflated */
    ROUTE_UPLOAD = 1 << 1, /* long uploads: after an early answer the rest is discarded as long as
                              it keeps its rate, up to 600 MiB, since a client must learn its
                              answer. Else 1 MiB or 5 s, then the connection is closed. */
};

enum body_step {
    BODY_MORE,    /* go on */
    BODY_SUSPEND, /* read no more until request_resume. The chunk counts as taken. */
};

enum request_cancel {
    CANCEL_GONE,     /* the client left, or sends or reads too slowly: nobody listens any more */
    CANCEL_DEADLINE, /* deadline_ms passed: may still be answered in the callback (202), else 503 */
    CANCEL_STOPPING, /* the server stops: may still be answered in the callback, else 503 */
};

/* One row. Static memory, for the server's life. The first row whose pattern and method fit is
 * taken. */
struct route {
    const char *method; /* "GET" (HEAD with it), "POST" */
    /* Segments between slashes, literal, except: a star matches any one non-empty segment, and two
     * stars, as the last segment, any non-empty rest. "/tile" + "/" + two stars. Nothing is
     * percent-decoded. */
    const char *pattern;
    unsigned flags;
    size_t body_max;      /* bytes, inflated; 0: takes no body */
    unsigned deadline_ms; /* from the end of the body to the answer, and from a BODY_SUSPEND to
                             request_resume; 0: options.deadline_ms */
    /* All may be NULL but on_end. */
    void (*on_headers)(struct request *request); /* may answer, to refuse */
    /* If given, the body comes in chunks, borrowed for the call; if not, it is collected and
     * on_end finds it in request_body. */
    enum body_step (*on_body)(struct request *request, struct bytes chunk);
    void (*on_end)(struct request *request); /* the body is complete: answer, now or later */
    void (*on_cancel)(struct request *request, enum request_cancel reason);
    void (*on_free)(
        struct request *request); /* last call, once: free what request_set_user holds */
};

/* --- the server --- */

#define SERVER_KNOWN_MAX 64

struct server_options {
    const char *address;      /* "127.0.0.1" or "::1" */
    uint16_t port;            /* 0: any free one */
    struct tls *tls;          /* borrowed for the server's life; NULL: in clear */
    unsigned connections_max; /* further ones wait in the kernel; default 4,000 */
    unsigned reserve;         /* of these for known clients, at most an eighth; default 400. Others
                                 are closed beyond the rest */
    unsigned per_peer_max;    /* connections of one address; default 256 */
    struct bucket_size rate;  /* requests of one address, loopback's free; 1,000/s, burst 4,000 */
    bool proxied;             /* clients come through a proxy */
    struct address proxy;     /* if proxied: whose X-Forwarded-For counts */
    const struct address *known; /* copied */
    size_t known_count;          /* at most SERVER_KNOWN_MAX */
    size_t pool_size;            /* per connection: header block, read buffer; default 16 KiB */
    size_t body_budget;          /* of all bodies in flight; default 64 MiB */
    size_t body_reserve;         /* of these for known clients; default 16 MiB */
    uint64_t idle_ms;            /* from connecting or the last answer to complete headers; 30 s */
    uint64_t body_rate;          /* bytes per second that a body comes in at least; 64 KiB */
    uint64_t body_window_ms;     /* over which the rate is taken, each anew; default 5 s */
    uint64_t drain_ms;           /* to the end of a body that is being discarded; default 5 s */
    uint64_t drain_max;          /* default 1 MiB */
    uint64_t upload_drain_max;   /* the same for ROUTE_UPLOAD, without a time; default 600 MiB */
    uint64_t deadline_ms;        /* for the handler, from the end of the body; default 10 s */
    uint64_t send_ms;            /* to send an answer, plus its size at body_rate; default 30 s */
    uint64_t stop_ms;            /* server_close waits so long for answers to leave; default 2 s */
    uint64_t tick_ms;            /* how often the times above are looked at; default 250 */
    unsigned retry_after_s;      /* in every 503 that does not say; default 1 */
};
extern const struct server_options server_defaults;

/* Opens, listens, serves. Borrows routes and context for the server's life, copies options. IO with
 * `why`: cannot listen. */
enum status server_open(struct loop *loop, const struct server_options *options,
                        const struct route *routes, size_t route_count, void *context,
                        struct server **out, struct refusal *why) MUST_USE;
uint16_t server_port(const struct server *server);
/* Takes no more connections; cancels waiting requests (CANCEL_STOPPING); when all answers have left
 * and all holds are released calls `closed` (may be NULL) and frees itself. */
void server_close(struct server *server, void (*closed)(void *context), void *context);

/* For metrics; counts since the start, except those of the moment. */
struct server_stats {
    uint64_t requests;
    uint64_t answered[6];  /* by first digit of the HTTP status */
    uint64_t cancelled[3]; /* by enum request_cancel */
    uint64_t refused_budget;
    size_t connections;    /* now */
    size_t body_bytes;     /* now, against the budget */
    size_t body_bytes_max; /* highest so far */
};
struct server_stats server_stats(const struct server *server);

/* --- a request, as its handler sees it --- */

void *request_context(const struct request *request); /* of server_open */
void request_set_user(struct request *request, void *user);
void *request_user(const struct request *request);

/* Views live as long as the request. */
struct bytes request_method(const struct request *request);
struct bytes request_target(const struct request *request); /* path and query as sent */
struct bytes request_path(const struct request *request);
/* What the pattern's i-th star matched. Asserts that there is one. */
struct bytes request_segment(const struct request *request, size_t i);
/* A parameter's value as sent, not percent-decoded: the first of that name. */
bool request_query(const struct request *request, const char *name, struct bytes *value);
/* A header, name in any case; borrowed, valid until the request has ended. NULL: none. */
const char *request_header(const struct request *request, const char *name);
/* The client's address, "127.0.0.1"; as long as the request. */
const char *request_peer(const struct request *request);
const struct address *request_address(const struct request *request);
/* The collected body, inflated; complete in on_end, and as long as the request. */
struct bytes request_body(const struct request *request);

/* --- what a handler does --- */

/* After BODY_SUSPEND: read on. Not from within on_body. */
void request_resume(struct request *request);
/* Counts `bytes` more (or fewer) against the body budget for memory that the handler itself keeps
 * for the request; given back with the request. False: no room, nothing counted: answer 503. */
bool request_charge(struct request *request, size_t bytes) MUST_USE;
void request_discharge(struct request *request, size_t bytes);
/* Its client is one that this node needs to hear: known for a day. */
void request_vouch(struct request *request);
/* Its client has made work of this worth, in requests: fewer are answered next. */
void request_cost(struct request *request, unsigned requests);
/* Keeps the request's memory after its end. Pairs with request_release. */
void request_hold(struct request *request);
void request_release(struct request *request);
/* It was answered or cancelled: nothing more can be done for it. */
bool request_ended(const struct request *request);

enum reply_body {
    REPLY_COPY,   /* copied */
    REPLY_STATIC, /* borrowed, for ever */
    REPLY_TAKE,   /* from malloc; freed by the server, also when the request has ended */
};
struct reply_header {
    const char *name;
    const char *value;
};
struct reply {
    unsigned http;
    const char *content_type; /* NULL: none */
    struct bytes body;
    enum reply_body body_is;
    const struct reply_header *headers; /* copied */
    size_t header_count;
};
void request_answer(struct request *request, const struct reply *reply);
/* One line of text; the newline is added. */
void request_answer_text(struct request *request, unsigned http, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* What the core decided. */
void request_answer_core(struct request *request, const struct answer *answer);
void request_refuse(struct request *request, const struct refusal *why);
/* As request_answer_text, counted under this reason. */
void request_refuse_as(struct request *request, enum counter reason, unsigned http,
                       const char *format, ...) __attribute__((format(printf, 4, 5)));
/* The reason under which an answer of 4xx or 5xx will be counted. */
void request_set_reason(struct request *request, enum counter reason);

#endif
