/* libmicrohttpd's callbacks: what happens to a connection and to a request on it, in time order.
 *
 * Happy path:
 *   - connected_cb makes the connection's record;
 *   - target_cb, at the request line, makes the request with its target as sent;
 *   - access_cb, first call: the headers are there. Admission, then on_headers;
 *   - access_cb, with data: to server_body.c;
 *   - access_cb, without data: the body is complete. on_end; the answer is queued, or the
 *     connection is suspended until there is one and access_cb is called once more;
 *   - completed_cb: the answer has left, the connection waits for the next request.
 *
 * What libmicrohttpd 0.9.75 lacks, and what is done here instead:
 *   - An answer can be queued at the first call or after the whole body only, and at the first call
 *     it always closes the connection. So later refusals discard the rest of the body first
 *     (DRAINING); an early one is sent at once only if the body is too large to be worth discarding
 *     or waits for "100 Continue". Then the client may still be sending when libmicrohttpd closes,
 *     and a close with unread input makes the kernel throw away the answer: a duplicate of the
 *     descriptor keeps the connection open and is drained (server_linger.c).
 *   - A suspended connection never times out nor notices that its client left: server.c's tick.
 *   - Resuming a connection only marks it: without threads of libmicrohttpd's own nothing wakes the
 *     loop, and MHD_get_timeout does not know. mhd_resume sees to it that MHD_run follows.
 *   - A chunk size line or a trailer that does not end fills its read buffer; from then on it asks
 * to be run again at once, for ever, and looks at the socket no more. mhd_run then runs it a
 *     thousand times a second only, and what connection_kill shuts down in vain the next tick ends
 *     by libmicrohttpd's own timeout.
 *   - After a suspension within a chunked body access_cb is called again with the next chunk: it
 *     must take nothing then.
 *   - Transfer-Encoding other than "chunked", and with Content-Length beside it, or two lengths,
 * are taken somehow: refused here, since another server on the way may take them otherwise. */
#include "net/server_private.h"

#include "net/log.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#define STREAM_CHARGE 65536

/* --- connections --- */

static void put_peer(struct MHD_Connection *mhd, char *peer, socklen_t cap) {
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    peer[0] = '\0';
    if (info == NULL) {
        return;
    }
    const struct sockaddr *address = info->client_addr;
    if (address->sa_family == AF_INET) {
        struct sockaddr_in in;
        memcpy(&in, address, sizeof in);
        inet_ntop(AF_INET, &in.sin_addr, peer, cap);
    } else if (address->sa_family == AF_INET6) {
        struct sockaddr_in6 in6;
        memcpy(&in6, address, sizeof in6);
        inet_ntop(AF_INET6, &in6.sin6_addr, peer, cap);
    }
}

static void connection_open(struct server *server, struct MHD_Connection *mhd, void **slot) {
    struct connection *connection = calloc(1, sizeof *connection);
    if (connection == NULL) {
        return; /* target_cb finds none and access_cb closes */
    }
    connection->server = server;
    connection->mhd = mhd;
    connection->fd = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
    connection->idle_since = loop_now_ms(server->loop);
    connection->linger_fd = -1;
    put_peer(mhd, connection->peer, sizeof connection->peer);
    client_came(connection,
                MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CLIENT_ADDRESS)->client_addr);
    connection->next = server->connections;
    if (connection->next != NULL) {
        connection->next->previous = connection;
    }
    server->connections = connection;
    server->stats.connections++;
    *slot = connection;
}

static void log_request(const struct request *request) {
    if (!log_enabled(LOG_DEBUG) || request->method[0] == '\0') {
        return;
    }
    log_line(LOG_DEBUG, "server", "request", "peer=%s method=%s path=%.*s http=%u", request->peer,
             request->method, (int)request->path.len, (const char *)request->path.data,
             request->http);
}

/* The connection lets go of its request, whatever state that is in. */
static void forget_request(struct connection *connection) {
    struct request *request = connection->request;
    log_request(request);
    connection->request = NULL;
    connection->idle_since = loop_now_ms(connection->server->loop);
    if (!request->ended && request->phase != PHASE_HEADERS) {
        request_cancelled(request, CANCEL_GONE);
    }
    request->ended = true;
    request_move(request, PHASE_GONE);
    request->connection = NULL;
    request->mhd = NULL;
    if (request->response != NULL) {
        MHD_destroy_response(request->response);
        request->response = NULL;
    }
    request_unref(request);
}

static void connection_close(struct connection *connection) {
    struct server *server = connection->server;
    if (connection->request != NULL) {
        forget_request(connection); /* its headers never came whole */
    }
    if (connection->linger_fd >= 0) {
        linger_start(server, connection->linger_fd, connection->linger_upload);
    }
    if (connection->previous != NULL) {
        connection->previous->next = connection->next;
    } else {
        server->connections = connection->next;
    }
    if (connection->next != NULL) {
        connection->next->previous = connection->previous;
    }
    assert(server->stats.connections > 0);
    server->stats.connections--;
    client_left(connection);
    tls_pair_release(connection->pair);
    free(connection);
}

static void connected_cb(void *cls, struct MHD_Connection *mhd, void **slot,
                         enum MHD_ConnectionNotificationCode code) {
    struct server *server = cls;
    server->progress++;
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        connection_open(server, mhd, slot);
    } else if (*slot != NULL) {
        connection_close(*slot);
        *slot = NULL;
    }
}

static void *target_cb(void *cls, const char *uri, struct MHD_Connection *mhd) {
    struct server *server = cls;
    server->progress++;
    struct connection *connection =
        MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
    if (connection == NULL) {
        return NULL;
    }
    if (connection->request != NULL) {
        forget_request(connection); /* libmicrohttpd refused it before its headers were whole */
    }
    connection->request = request_new(connection, uri);
    return connection->request;
}

static void completed_cb(void *cls, struct MHD_Connection *mhd, void **slot,
                         enum MHD_RequestTerminationCode code) {
    struct server *server = cls;
    server->progress++;
    (void)mhd;
    (void)code;
    struct request *request = *slot;
    *slot = NULL;
    if (request == NULL || request->connection == NULL) {
        return;
    }
    struct connection *connection = request->connection;
    assert(connection->request == request);
    forget_request(connection);
    if (server->stopping) {
        connection_kill(connection, COUNTER_CUT_STOPPING);
    }
}

/* GnuTLS asks at each handshake. Our connection keeps what it was given, until it is gone. */
static int certificate_cb(gnutls_session_t session, const struct gnutls_cert_retr_st *info,
                          gnutls_pcert_st **certificates, unsigned *count,
                          gnutls_ocsp_data_st **ocsp, unsigned *ocsp_count, gnutls_privkey_t *key,
                          unsigned *flags) {
    (void)info;
    struct MHD_Connection *mhd = gnutls_session_get_ptr(session);
    struct connection *connection =
        MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
    if (connection == NULL) {
        return -1; /* there was no memory for its record */
    }
    if (connection->pair == NULL) {
        connection->pair = tls_pair_hold(connection->server->options.tls);
    }
    tls_pair_view(connection->pair, certificates, count, key);
    *ocsp = NULL;
    *ocsp_count = 0;
    *flags = 0; /* they stay ours */
    return 0;
}

/* --- admission --- */

struct framing {
    const char *encoding;
    const char *length;
    unsigned encodings;
    unsigned lengths;
};

static enum MHD_Result count_framing(void *cls, enum MHD_ValueKind kind, const char *key,
                                     const char *value) {
    (void)kind;
    struct framing *framing = cls;
    if (strcasecmp(key, "Transfer-Encoding") == 0) {
        framing->encodings++;
        framing->encoding = value;
    } else if (strcasecmp(key, "Content-Length") == 0) {
        framing->lengths++;
        framing->length = value;
    }
    return MHD_YES;
}

/* Whether a body comes and how long it is. False: answered, and the connection must not be used
 * further, as nobody knows where the next request begins. */
static bool frame_body(struct request *request) {
    struct framing framing = {0};
    MHD_get_connection_values(request->mhd, MHD_HEADER_KIND, count_framing, &framing);
    request->has_body = framing.encodings > 0;
    if (framing.encodings + framing.lengths > 1) {
        request->has_body = true;
        request_refuse_as(request, COUNTER_REFUSED_FRAMING, 400,
                          "a request has one Content-Length or Transfer-Encoding");
        return false;
    }
    if (framing.encodings == 1 && strcasecmp(framing.encoding, "chunked") != 0) {
        request_refuse_as(request, COUNTER_REFUSED_FRAMING, 501,
                          "only Transfer-Encoding: chunked is understood");
        return false;
    }
    if (framing.lengths == 1) {
        bool decimal = framing.length[0] >= '0' && framing.length[0] <= '9';
        assert(decimal); /* libmicrohttpd has refused anything else */
        request->has_length = true;
        request->length = strtoull(framing.length, NULL, 10);
        request->has_body = request->length > 0;
    }
    return true;
}

static void admit_coding(struct request *request) {
    const char *coding = request_header(request, "Content-Encoding");
    if (!request->has_body || coding == NULL || strcasecmp(coding, "identity") == 0) {
        return;
    }
    if ((request->route->flags & ROUTE_GZIP) == 0) {
        request_refuse_as(request, COUNTER_REFUSED_CODING, 415,
                          "the body must come without Content-Encoding");
    } else if (strcasecmp(coding, "gzip") != 0) {
        request_refuse_as(request, COUNTER_REFUSED_CODING, 415,
                          "the only Content-Encoding taken here is gzip");
    } else if (inflateInit2(&request->z, 16 + MAX_WBITS) != Z_OK) {
        request_refuse_as(request, COUNTER_REFUSED_MEMORY, 503, "out of memory: try again later");
    } else {
        request->gzip = true;
    }
}

/* Room for the body, as far as its size is known now. */
static void admit_body(struct request *request) {
    const struct route *route = request->route;
    bool plain_length = request->has_length && !request->gzip;
    if (route->body_max == 0) {
        request_refuse_as(request, COUNTER_REFUSED_BODY_SIZE, 413,
                          "this path takes no body: send none");
        return;
    }
    if (plain_length && request->length > route->body_max) {
        request_refuse_as(request, COUNTER_REFUSED_BODY_SIZE, 413,
                          "the body is larger than %zu bytes: send less at a time",
                          route->body_max);
        return;
    }
    request->body.max = plain_length ? (size_t)request->length : route->body_max;
    size_t charge = request->body.max;
    if ((!plain_length || route->on_body != NULL) && charge > STREAM_CHARGE) {
        charge = STREAM_CHARGE;
    }
    if (!request_charge(request, charge + (request->gzip ? INFLATE_MEMORY : 0))) {
        request_refuse_as(request, COUNTER_REFUSED_BODY_BUDGET, 503,
                          "too much is being sent at once: try again later");
    }
}

static void admit(struct request *request) {
    if (!frame_body(request)) {
        return;
    }
    client_admit(request);
    if (!request->ended) {
        route_request(request);
    }
    if (request->ended) {
        return;
    }
    if (request->server->stopping) {
        request_refuse_as(request, COUNTER_REFUSED_STOPPING, 503,
                          "this node is stopping: try again later");
        return;
    }
    admit_coding(request);
    if (!request->ended && request->has_body) {
        admit_body(request);
    }
    if (request->ended) {
        return;
    }
    request->given = true;
    if (request->route->on_headers != NULL) {
        request->route->on_headers(request);
    }
}

/* --- the course of a request --- */

static enum MHD_Result queue_answer(struct request *request) {
    assert(request->phase == PHASE_DRAINING && request->ended);
    if (request->response == NULL) {
        return MHD_NO; /* there was no memory for it */
    }
    enum MHD_Result rv = MHD_queue_response(request->mhd, request->http, request->response);
    MHD_destroy_response(request->response);
    request->response = NULL;
    if (rv == MHD_YES) {
        request_move(request, PHASE_SENDING);
    }
    return rv;
}

static uint64_t drain_max(const struct request *request) {
    const struct server_options *options = &request->server->options;
    bool upload = request->route != NULL && (request->route->flags & ROUTE_UPLOAD) != 0;
    return upload ? options->upload_drain_max : options->drain_max;
}

/* A refusal at the headers: discard a body of bearable size and keep the connection, else answer
 * now and let it go. */
static bool answer_early(const struct request *request, const char *version) {
    if (!request->has_body) {
        return false; /* the second call comes at once, and keeps the connection */
    }
    const char *expect = request_header(request, "Expect");
    bool waits = expect != NULL && strcasecmp(expect, "100-continue") == 0 &&
                 strcmp(version, MHD_HTTP_VERSION_1_1) == 0;
    bool unframed = request->route == NULL && request->http != 404 && request->http != 405;
    return waits || unframed || (request->has_length && request->length > drain_max(request));
}

static enum MHD_Result begin(struct request *request, struct MHD_Connection *mhd,
                             const char *method, const char *version) {
    request->mhd = mhd;
    request->server->stats.requests++;
    size_t len = strlen(method);
    memcpy(request->method, method, len < METHOD_MAX ? len : METHOD_MAX);
    request_move(request, PHASE_BODY);
    admit(request);
    if (request->ended && answer_early(request, version)) {
        struct connection *connection = request->connection;
        connection->linger_upload =
            request->route != NULL && (request->route->flags & ROUTE_UPLOAD) != 0;
        /* Without a descriptor to spare the answer may be lost; the client sees a reset. */
        connection->linger_fd = dup(connection->fd);
        return queue_answer(request);
    }
    return MHD_YES;
}

static enum MHD_Result take_data(struct request *request, const char *data, size_t *size) {
    struct bytes chunk = bytes_of(data, *size);
    switch (request->phase) {
    case PHASE_PAUSED:
        return MHD_YES; /* suspended within a chunked body: it is offered again */
    case PHASE_DRAINING:
        request->drained += chunk.len;
        request->window_bytes += chunk.len;
        *size = 0;
        return request->drained <= drain_max(request) ? MHD_YES : MHD_NO;
    case PHASE_BODY:
        *size -= body_take(request, chunk);
        if (request->phase == PHASE_BODY && request->pause) {
            request_move(request, PHASE_PAUSED);
            MHD_suspend_connection(request->mhd);
        }
        return MHD_YES;
    case PHASE_HEADERS:
    case PHASE_WAITING:
    case PHASE_SENDING:
    case PHASE_GONE:
        break;
    }
    assert(false); /* no data comes before the headers or after the end */
    return MHD_NO;
}

static enum MHD_Result take_end(struct request *request) {
    if (request->phase == PHASE_BODY) {
        body_end(request);
    }
    if (request->phase == PHASE_DRAINING) {
        return queue_answer(request);
    }
    if (request->phase == PHASE_BODY) {
        request_move(request, PHASE_WAITING);
        MHD_suspend_connection(request->mhd);
    }
    return MHD_YES;
}

static enum MHD_Result access_cb(void *cls, struct MHD_Connection *mhd, const char *url,
                                 const char *method, const char *version, const char *data,
                                 size_t *size, void **slot) {
    struct server *server = cls;
    server->progress++;
    (void)url;
    struct request *request = *slot;
    if (request == NULL) {
        return MHD_NO; /* there was no memory for it */
    }
    if (request->phase == PHASE_HEADERS) {
        return begin(request, mhd, method, version);
    }
    return *size > 0 ? take_data(request, data, size) : take_end(request);
}

/* --- the daemon --- */

static void logger_cb(void *cls, const char *format, va_list args)
    __attribute__((format(printf, 2, 0)));
/* What libmicrohttpd answers by itself it only tells its log, whose first argument is the status.
 */
static void count_own_answer(struct server *server, const char *format, va_list args) {
    if (strncmp(format, "Error processing request (HTTP response code is %u", 50) != 0) {
        return;
    }
    va_list copy;
    va_copy(copy, args);
    unsigned http = va_arg(copy, unsigned);
    va_end(copy);
    if (http >= 400 && http <= 599) {
        server->stats.answered[http / 100]++;
        counter_add(http == 431   ? COUNTER_REFUSED_HEADERS
                    : http == 414 ? COUNTER_REFUSED_TARGET
                                  : COUNTER_REFUSED_MALFORMED);
    }
}

static void logger_cb(void *cls, const char *format, va_list args) {
    count_own_answer(cls, format, args);
    if (!log_enabled(LOG_DEBUG)) {
        return; /* mostly about what clients do */
    }
    char text[256];
    vsnprintf(text, sizeof text, format, args);
    size_t len = strlen(text);
    if (len > 0 && text[len - 1] == '\n') {
        text[len - 1] = '\0';
    }
    log_line(LOG_DEBUG, "server", "libmicrohttpd", "why=\"%s\"", text);
}

/* The backstop behind our own limits, which are finer: whole seconds, counted from the last byte
 * either way. */
static unsigned idle_seconds(const struct server_options *options) {
    uint64_t longest = options->idle_ms > options->send_ms ? options->idle_ms : options->send_ms;
    return (unsigned)(longest / 1000 + 5);
}

enum status mhd_start(struct server *server, int listen_fd, struct refusal *why) {
    const struct server_options *options = &server->options;
    const struct MHD_OptionItem secure[] = {
        {MHD_OPTION_HTTPS_CERT_CALLBACK2, 0, (void *)certificate_cb},
        {MHD_OPTION_HTTPS_PRIORITIES, 0, tls_priorities},
        {MHD_OPTION_END, 0, NULL}};
    unsigned flags = MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG;
    flags |= options->tls != NULL ? (unsigned)MHD_USE_TLS : 0;
    server->daemon = MHD_start_daemon(
        flags, 0, client_accept_cb, server, access_cb, server, MHD_OPTION_EXTERNAL_LOGGER,
        logger_cb, server, MHD_OPTION_ARRAY, options->tls != NULL ? secure : &secure[2],
        MHD_OPTION_LISTEN_SOCKET, listen_fd, MHD_OPTION_CONNECTION_LIMIT, options->connections_max,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, options->pool_size, MHD_OPTION_CONNECTION_TIMEOUT,
        idle_seconds(options), MHD_OPTION_NOTIFY_CONNECTION, connected_cb, server,
        MHD_OPTION_NOTIFY_COMPLETED, completed_cb, server, MHD_OPTION_URI_LOG_CALLBACK, target_cb,
        server, MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_END);
    if (server->daemon == NULL) {
        return refuse(why, STATUS_IO, "the HTTP server cannot start: %s", strerror(errno));
    }
    return STATUS_OK;
}

void mhd_resume(struct request *request) {
    struct server *server = request->server;
    MHD_resume_connection(request->mhd);
    server->due_set = true;
    timer_start(server->due, 0, 0);
}

void mhd_run(struct server *server) {
    assert(!server->running);
    server->running = true;
    uint64_t before = server->progress;
    MHD_run(server->daemon);
    server->running = false;
    MHD_UNSIGNED_LONG_LONG timeout;
    if (MHD_get_timeout(server->daemon, &timeout) != MHD_YES) {
        return;
    }
    if (timeout == 0 && server->progress == before) {
        timer_start(server->due, 1, 0); /* it would only spin */
        server->due_set = true;
        return;
    }
    /* Timeouts only move away, so an armed timer is early enough unless something is due at once.
     */
    if (timeout == 0 || !server->due_set) {
        server->due_set = true;
        timer_start(server->due, timeout, 0);
    }
}
