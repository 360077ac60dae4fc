/* What the server's files share. Nothing else includes this.
 *
 *   server.c          opening, closing, the clock's limits
 *   server_mhd.c      libmicrohttpd's callbacks: connections and the course of a request
 *   server_request.c  what handlers call
 *   server_body.c     bodies: collecting, inflating, pausing
 *   server_route.c    patterns, methods, parameters
 *   server_client.c   who is let in, and how fast
 *   server_linger.c   connections that libmicrohttpd closed before the client had stopped sending
 *
 * Phases of a request, as seen from its connection (request_move asserts the arrows):
 *
 *   HEADERS ─▶ BODY ─▶ WAITING ─▶ DRAINING ─▶ SENDING ─▶ GONE
 *               │ ▲       (an answer moves BODY, PAUSED and WAITING to DRAINING;
 *               ▼ │        whatever ends the connection moves all of them to GONE)
 *              PAUSED
 *
 * The connection is suspended in libmicrohttpd exactly in PAUSED and WAITING. */
#ifndef DUTYLOG_NET_SERVER_PRIVATE_H
#define DUTYLOG_NET_SERVER_PRIVATE_H

#include "net/buffer.h"
#include "net/server.h"
#include "net/tls.h"

#include <microhttpd.h>
#include <netinet/in.h>
#include <zlib.h>

#define TARGET_MAX 6144 /* holds /case with 64 logs named */
#define METHOD_MAX 15
#define SEGMENTS_MAX 4
#define SCRATCH_SIZE 65536
#define LINGERS_MAX 256
#define INFLATE_MEMORY 49152 /* what zlib keeps per stream, for the budget */

enum request_phase {
    PHASE_HEADERS,  /* the target is known, headers are still coming */
    PHASE_BODY,     /* the body goes to the handler */
    PHASE_PAUSED,   /* the handler asked to wait */
    PHASE_WAITING,  /* the body is complete, the handler owes the answer */
    PHASE_DRAINING, /* the answer is known; what is left of the body is discarded */
    PHASE_SENDING,  /* libmicrohttpd has the answer */
    PHASE_GONE,     /* off its connection; lives on while held */
};

struct request {
    struct server *server;
    struct connection *connection; /* NULL when GONE, as mhd */
    struct MHD_Connection *mhd;
    const struct route *route; /* NULL until matched */
    void *user;
    enum request_phase phase;
    uint64_t phase_since;
    unsigned refs;  /* holds, and one of the connection's until GONE */
    bool given;     /* the handler has seen it: on_cancel and on_free are due */
    bool ended;     /* answered or cancelled */
    bool cancelled; /* on_cancel was called */

    struct MHD_Response *response; /* answered and not yet queued; ours */
    unsigned http;
    size_t response_size;

    enum counter reason;    /* of a refusal; COUNTER_NONE: by its HTTP status */
    struct address address; /* the client's: behind a proxy, the one that it names */
    bool rated;             /* its address pays for requests */

    size_t charged; /* against the server's body budget */
    struct buffer body;
    bool has_body;
    bool has_length;
    uint64_t length;       /* if has_length */
    uint64_t body_in;      /* bytes come, as sent */
    uint64_t body_out;     /* bytes handed on, inflated */
    uint64_t drained;      /* bytes discarded */
    uint64_t window_start; /* of the pace */
    uint64_t window_bytes;
    bool pause; /* on_body asked for it */

    bool gzip;
    bool inflate_end; /* a member is complete */
    z_stream z;

    char method[METHOD_MAX + 1];
    char peer[INET6_ADDRSTRLEN]; /* the address as text */
    struct bytes path;
    struct bytes query; /* without '?' */
    struct bytes segments[SEGMENTS_MAX];
    size_t segment_count;
    bool target_too_long;
    size_t target_len;
    char target[];
};

struct connection {
    struct server *server;
    struct connection *next;
    struct connection *previous;
    struct MHD_Connection *mhd;
    int fd; /* libmicrohttpd's */
    struct request *request;
    uint64_t idle_since; /* while without a request past its headers */
    int linger_fd;       /* a duplicate, to be drained after libmicrohttpd closed; -1: none */
    bool linger_upload;
    bool killed;
    bool timed; /* killed in vain: left to libmicrohttpd's timeout */
    struct address address;
    struct peer_row *peer_row; /* counts this connection */
    bool known;                /* counted among the known clients' connections */
    struct tls_pair *pair;     /* what its handshake took; NULL: none yet */
    char peer[INET6_ADDRSTRLEN];
};

struct lingerer {
    struct server *server;
    struct lingerer *next;
    struct lingerer *previous;
    uv_poll_t poll;
    int fd;
    bool closing;
    bool upload;
    uint64_t since;
    uint64_t bytes;
    uint64_t window_start;
    uint64_t window_bytes;
};

struct server {
    struct loop *loop;
    struct server_options options;
    const struct route *routes;
    size_t route_count;
    void *context;
    uint16_t port;
    struct MHD_Daemon *daemon;
    uv_poll_t poll; /* of libmicrohttpd's epoll descriptor */
    struct timer *tick;
    struct timer *due; /* MHD_get_timeout */
    bool due_set;
    bool running;      /* inside MHD_run */
    uint64_t progress; /* counts callbacks: whether a run did anything */
    struct connection *connections;
    struct lingerer *lingers;
    size_t linger_count; /* in the list */
    size_t linger_open;  /* not yet let go by libuv */
    size_t live_requests;
    size_t strangers; /* connections of clients that are not known */
    struct peers *peers;
    struct address known[SERVER_KNOWN_MAX];
    struct server_stats stats;

    bool stopping;
    bool polling; /* poll is open */
    bool finished;
    uint64_t stop_since;
    void (*closed)(void *context);
    void *closed_context;

    uint8_t scratch[SCRATCH_SIZE]; /* for inflating and discarding: used within one call */
};

/* --- server.c --- */
/* Ends a connection that is not suspended, from our side: libmicrohttpd sees its end next. */
void connection_kill(struct connection *connection, enum counter reason);
/* Bytes came in; a window that is over and was too thin is found by pace_failed. */
bool pace_failed(const struct server *server, uint64_t *window_start, uint64_t *window_bytes,
                 uint64_t now);

/* --- server_mhd.c --- */
enum status mhd_start(struct server *server, int listen_fd, struct refusal *why) MUST_USE;
void mhd_run(struct server *server);
/* Lets a suspended connection go on, soon but not within this call. */
void mhd_resume(struct request *request);

/* --- server_request.c --- */
void request_move(struct request *request, enum request_phase to);
struct request *request_new(struct connection *connection, const char *target);
void request_unref(struct request *request);
/* Tells the handler; afterwards the request is ended in every case. */
void request_cancelled(struct request *request, enum request_cancel reason);

/* --- server_body.c --- */
/* Takes from `data` what it can; returns how much. Afterwards the request may be answered
 * (DRAINING), or request->pause is set. */
size_t body_take(struct request *request, struct bytes data);
/* The body has come whole: calls on_end, or answers. */
void body_end(struct request *request);

/* --- server_route.c --- */
/* Splits the target; finds the row. Answers the request if there is none. */
void route_request(struct request *request);
bool route_match(const char *pattern, struct bytes path, struct bytes *segments, size_t *count);

/* --- server_client.c --- */
/* libmicrohttpd's accept policy: MHD_NO closes. */
enum MHD_Result client_accept_cb(void *cls, const struct sockaddr *socket, socklen_t len);
/* Counts a connection for its address, from here to client_left. */
void client_came(struct connection *connection, const struct sockaddr *socket);
void client_left(struct connection *connection);
/* Whom the request is from, once its headers are there; answers it if its rate is used up. */
void client_admit(struct request *request);
bool client_known(struct request *request);
/* What a stranger may have of the body budget, or a known client. */
size_t client_body_budget(struct request *request);

/* --- server_linger.c --- */
/* Takes the descriptor: discards what still comes, within bounds, then closes it. */
void linger_start(struct server *server, int fd, bool upload);
void linger_check(struct server *server, uint64_t now);
void linger_stop_all(struct server *server);

#endif
