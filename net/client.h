/* HTTP requests that we make: pushes to mirrors, pulls of tiles. libcurl on the loop.
 *
 * Keeps connections to each host; follows no redirect, takes no proxy from the environment, speaks
 * http and https only (TLS 1.2 or later, the peer's certificate verified for its name); nothing of
 * an answer beyond `response_max` is kept. The peer may answer before all of our body is sent:
 * sending stops, and the answer counts. */
#ifndef DUTYLOG_NET_CLIENT_H
#define DUTYLOG_NET_CLIENT_H

#include "ledger/bytes.h"
#include "net/loop.h"

struct client;
struct client_call;

struct client_options {
    size_t calls_max;            /* under way or waiting; more: BUSY; default 256 */
    unsigned per_host_max;       /* connections to one host; further calls wait; default 4 */
    uint64_t connect_timeout_ms; /* default 5,000 */
    const char *ca;              /* PEM file of the only authorities that are trusted; read at each
                                    connection; borrowed for the client's life. NULL: the system's */
};
extern const struct client_options client_defaults;

struct client_header {
    const char *name;
    const char *value;
};

struct client_request {
    const char *method;                  /* "GET", "POST"; static */
    const char *url;                     /* copied */
    const struct client_header *headers; /* copied */
    size_t header_count;
    struct bytes body;                 /* POST; borrowed until release_body or the callback */
    void (*release_body)(void *owner); /* called once when the body is no longer needed, also after
                                          a cancel, and when client_send fails; NULL: none */
    void *body_owner;
    uint64_t timeout_ms; /* of the whole; 0 is not allowed */
    size_t response_max; /* larger: the call fails */
};

struct client_response {
    unsigned http;            /* 0: no answer; `error` says why */
    const char *error;        /* "" if answered; one line */
    const char *content_type; /* "" if none */
    struct bytes body;
    uint64_t retry_after_s; /* of a Retry-After in seconds; 0 if none */
    uint64_t date_s; /* the peer's clock, by Date, in seconds since 1970; 0 if it does not say */
};

/* The response is borrowed for the call. */
typedef void (*client_done)(void *context, const struct client_response *response);

/* `options` NULL: the defaults. NOMEM, IO. */
enum status client_open(struct loop *loop, const struct client_options *options,
                        struct client **out) MUST_USE;
/* Starts a call; `done` comes later, exactly once, never from within client_send, unless the call
 * is cancelled. `call` (may be NULL) is valid until then. BAD_FORM: not an http or https URL; BUSY;
 * NOMEM. */
enum status client_send(struct client *client, const struct client_request *request,
                        client_done done, void *context, struct client_call **call) MUST_USE;
/* Ends the call: `done` is not called. */
void client_cancel(struct client_call *call);
size_t client_calls(const struct client *client);
/* Cancels all calls, closes all connections, then calls `closed` (may be NULL) and frees itself. */
void client_close(struct client *client, void (*closed)(void *context), void *context);

#endif
