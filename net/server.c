/* Opening and closing the server, and the limits in time, which one tick looks at for every
 * connection:
 *
 *   no request, or its headers incomplete   idle_ms    connection closed (a slow loris among them)
 *   BODY                                    rate       connection closed, CANCEL_GONE
 *   PAUSED, WAITING                         deadline   CANCEL_DEADLINE
 *   DRAINING                                drain_ms, for uploads the rate: connection closed
 *   SENDING                                 send_ms    connection closed
 *
 * Closing, in order: the listener goes; waiting requests are cancelled, idle connections closed; as
 * answers leave, their connections close; what is left after stop_ms is cut off; when the last
 * connection is gone and the last request released, libmicrohttpd is stopped and the handles close.
 */
#include "net/server_private.h"

#include "net/log.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define STOP_TICK_MS 10
#define DESCRIPTORS_SPARE 128

const struct server_options server_defaults = {
    .address = "127.0.0.1",
    .port = 0,
    .connections_max = 4000,
    .reserve = 400,
    .per_peer_max = 256,
    .rate = {.rate = 1000, .burst = 4000},
    .pool_size = 16384,
    .body_budget = 64U << 20,
    .body_reserve = 16U << 20,
    .idle_ms = 30000,
    .body_rate = 65536,
    .body_window_ms = 5000,
    .drain_ms = 5000,
    .drain_max = 1U << 20,
    .upload_drain_max = 600ULL << 20,
    .deadline_ms = 10000,
    .send_ms = 30000,
    .stop_ms = 2000,
    .tick_ms = 250,
    .retry_after_s = 1,
};

/* --- limits in time --- */

void connection_kill(struct connection *connection, enum counter reason) {
    struct request *request = connection->request;
    /* libmicrohttpd does not look at a suspended connection. */
    assert(request == NULL || (request->phase != PHASE_PAUSED && request->phase != PHASE_WAITING));
    if (connection->killed) {
        return;
    }
    connection->killed = true;
    counter_add(reason);
    log_line(LOG_DEBUG, "server", "cut", "peer=%s reason=%s", connection->peer,
             counter_reason(reason));
    shutdown(connection->fd, SHUT_RDWR);
}

/* On a tick only, as libmicrohttpd's lists change under it. */
static void kill_again(struct connection *connection) {
    if (!connection->timed) {
        connection->timed = true;
        MHD_set_connection_option(connection->mhd, MHD_CONNECTION_OPTION_TIMEOUT, 1U);
    }
}

bool pace_failed(const struct server *server, uint64_t *window_start, uint64_t *window_bytes,
                 uint64_t now) {
    const struct server_options *options = &server->options;
    if (now - *window_start < options->body_window_ms) {
        return false;
    }
    if (*window_bytes * 1000 < options->body_rate * options->body_window_ms) {
        return true;
    }
    *window_start = now;
    *window_bytes = 0;
    return false;
}

static uint64_t idle_limit(const struct connection *connection) {
    const struct server *server = connection->server;
    if (connection->known) {
        return server->options.idle_ms;
    }
    /* When most places are taken, whoever holds one without using it makes room. */
    unsigned room = server->options.connections_max - server->options.reserve;
    bool crowded = server->strangers > room / 8 * 7;
    return crowded && server->options.idle_ms > 1000 ? 1000 : server->options.idle_ms;
}

static void check_request(struct connection *connection, uint64_t now) {
    struct server *server = connection->server;
    const struct server_options *options = &server->options;
    struct request *request = connection->request;
    uint64_t age = now - request->phase_since;
    switch (request->phase) {
    case PHASE_BODY:
        if (pace_failed(server, &request->window_start, &request->window_bytes, now)) {
            connection_kill(connection, COUNTER_CUT_BODY);
        }
        return;
    case PHASE_PAUSED:
    case PHASE_WAITING:
        if (age >= (request->route->deadline_ms != 0 ? request->route->deadline_ms
                                                     : options->deadline_ms)) {
            request_cancelled(request, CANCEL_DEADLINE);
        }
        return;
    case PHASE_DRAINING: {
        bool upload = request->route != NULL && (request->route->flags & ROUTE_UPLOAD) != 0;
        if (upload ? pace_failed(server, &request->window_start, &request->window_bytes, now)
                   : age >= options->drain_ms) {
            connection_kill(connection, COUNTER_CUT_DRAIN);
        }
        return;
    }
    case PHASE_SENDING:
        if (age >= options->send_ms + request->response_size * 1000 / options->body_rate) {
            connection_kill(connection, COUNTER_CUT_SEND);
        }
        return;
    case PHASE_HEADERS:
    case PHASE_GONE:
        break;
    }
    assert(false);
}

static void check_connection(struct connection *connection, uint64_t now) {
    struct request *request = connection->request;
    if (connection->killed) {
        kill_again(connection);
        return;
    }
    if (request != NULL && request->phase != PHASE_HEADERS) {
        check_request(connection, now);
    } else if (now - connection->idle_since >= idle_limit(connection)) {
        connection_kill(connection, request != NULL ? COUNTER_CUT_HEADERS : COUNTER_CUT_IDLE);
    }
}

/* --- closing --- */

static void poll_closed_cb(uv_handle_t *handle) {
    struct server *server = handle->data;
    server->polling = false;
}

/* Frees the server once libuv has let go of everything; driven by the tick. */
static void maybe_free(struct server *server) {
    assert(server->finished);
    if (server->polling || server->linger_open > 0) {
        return;
    }
    assert(server->connections == NULL && server->live_requests == 0);
    assert(server->stats.body_bytes == 0);
    timer_close(server->tick);
    timer_close(server->due);
    peers_free(server->peers);
    void (*closed)(void *) = server->closed;
    void *context = server->closed_context;
    free(server);
    if (closed != NULL) {
        closed(context);
    }
}

static void maybe_finish(struct server *server) {
    if (server->connections != NULL || server->live_requests > 0) {
        return;
    }
    server->finished = true;
    timer_stop(server->due);
    uv_poll_stop(&server->poll);
    uv_close((uv_handle_t *)&server->poll, poll_closed_cb);
    linger_stop_all(server);
    MHD_stop_daemon(server->daemon);
    server->daemon = NULL;
}

static void stop_connections(struct server *server) {
    uint64_t waited = loop_now_ms(server->loop) - server->stop_since;
    for (struct connection *i = server->connections; i != NULL; i = i->next) {
        struct request *request = i->request;
        if (i->killed) {
            kill_again(i);
            continue;
        }
        if (request == NULL || request->phase == PHASE_HEADERS) {
            connection_kill(i, COUNTER_CUT_STOPPING);
            continue;
        }
        if (!request->ended) {
            request_cancelled(request, CANCEL_STOPPING);
        }
        if (waited >= server->options.stop_ms) {
            connection_kill(i, COUNTER_CUT_STOPPING);
        }
    }
}

void server_close(struct server *server, void (*closed)(void *context), void *context) {
    assert(!server->stopping);
    server->stopping = true;
    server->stop_since = loop_now_ms(server->loop);
    server->closed = closed;
    server->closed_context = context;
    int listen_fd = MHD_quiesce_daemon(server->daemon);
    if (listen_fd >= 0) {
        close(listen_fd);
    }
    timer_start(server->tick, 0, STOP_TICK_MS);
}

/* --- running --- */

static void tick_cb(void *context) {
    struct server *server = context;
    if (server->finished) {
        maybe_free(server);
        return;
    }
    uint64_t now = loop_now_ms(server->loop);
    if (server->stopping) {
        stop_connections(server);
    } else {
        for (struct connection *i = server->connections; i != NULL; i = i->next) {
            check_connection(i, now);
        }
    }
    linger_check(server, now);
    mhd_run(server);
    if (server->stopping) {
        maybe_finish(server);
    }
}

static void due_cb(void *context) {
    struct server *server = context;
    server->due_set = false;
    mhd_run(server);
}

static void poll_cb(uv_poll_t *poll, int status, int events) {
    (void)status;
    (void)events;
    mhd_run(poll->data);
}

/* --- opening --- */

static enum status parse_address(const struct server_options *options, struct sockaddr_storage *out,
                                 socklen_t *len, struct refusal *why) {
    memset(out, 0, sizeof *out);
    struct sockaddr_in *in = (struct sockaddr_in *)out;
    struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)out;
    if (inet_pton(AF_INET, options->address, &in->sin_addr) == 1) {
        in->sin_family = AF_INET;
        in->sin_port = htons(options->port);
        *len = sizeof *in;
        return STATUS_OK;
    }
    if (inet_pton(AF_INET6, options->address, &in6->sin6_addr) == 1) {
        in6->sin6_family = AF_INET6;
        in6->sin6_port = htons(options->port);
        *len = sizeof *in6;
        return STATUS_OK;
    }
    return refuse(why, STATUS_BAD_FORM, "\"%s\" is no IP address: use 127.0.0.1 or ::1",
                  options->address);
}

static enum status open_listener(struct server *server, int *out, struct refusal *why) {
    const struct server_options *options = &server->options;
    struct sockaddr_storage address;
    socklen_t len;
    TRY(parse_address(options, &address, &len, why));
    int fd = socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) {
        return refuse(why, STATUS_IO, "no socket: %s", strerror(errno));
    }
    int yes = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (bind(fd, (struct sockaddr *)&address, len) != 0 || listen(fd, SOMAXCONN) != 0 ||
        getsockname(fd, (struct sockaddr *)&address, &len) != 0) {
        int error = errno;
        close(fd);
        return refuse(why, STATUS_IO, "cannot listen on %s port %u: %s%s", options->address,
                      options->port, strerror(error),
                      error == EADDRINUSE ? ": stop the other process or choose another port" : "");
    }
    server->port =
        ntohs(address.ss_family == AF_INET ? ((struct sockaddr_in *)&address)->sin_port
                                           : ((struct sockaddr_in6 *)&address)->sin6_port);
    *out = fd;
    return STATUS_OK;
}

/* Lingering connections and files beside the connections need descriptors too. Where the limit
 * cannot be raised far enough, fewer connections are taken. */
static enum status fit_descriptors(struct server *server, struct refusal *why) {
    const rlim_t beside = LINGERS_MAX + DESCRIPTORS_SPARE;
    rlim_t needed = server->options.connections_max + beside;
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= needed) {
        return STATUS_OK;
    }
    limit.rlim_cur = needed < limit.rlim_max ? needed : limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur == needed) {
        return STATUS_OK;
    }
    if (limit.rlim_cur <= beside) {
        return refuse(why, STATUS_IO,
                      "%llu file descriptors are too few: raise the limit (ulimit -n)",
                      (unsigned long long)limit.rlim_cur);
    }
    server->options.connections_max = (unsigned)(limit.rlim_cur - beside);
    log_line(LOG_WARN, "server", "fewer_connections",
             "max=%u why=\"few file descriptors: ulimit -n\"", server->options.connections_max);
    return STATUS_OK;
}

static void check_options(const struct server_options *options) {
    assert(options->connections_max > 0 && options->per_peer_max > 0);
    assert(options->pool_size >= 4096 && options->tick_ms > 0);
    assert(options->body_rate > 0 && options->body_window_ms > 0);
    assert(options->rate.rate == 0 || options->rate.burst > 0);
    assert(options->known_count <= SERVER_KNOWN_MAX);
}

/* Reserves are shares: a small server has small ones. */
static void set_reserves(struct server *server) {
    struct server_options *options = &server->options;
    unsigned most = options->connections_max / 8;
    options->reserve = options->reserve < most ? options->reserve : most;
    size_t most_body = options->body_budget / 4;
    options->body_reserve = options->body_reserve < most_body ? options->body_reserve : most_body;
    for (size_t i = 0; i < options->known_count; i++) {
        server->known[i] = options->known[i];
    }
    options->known = server->known;
}

enum status server_open(struct loop *loop, const struct server_options *options,
                        const struct route *routes, size_t route_count, void *context,
                        struct server **out, struct refusal *why) {
    struct server *server = calloc(1, sizeof *server);
    if (server == NULL) {
        return refuse(why, STATUS_NOMEM, "out of memory");
    }
    server->loop = loop;
    server->options = options != NULL ? *options : server_defaults;
    check_options(&server->options);
    if (peers_open(&server->peers) != STATUS_OK) {
        free(server);
        return refuse(why, STATUS_NOMEM, "out of memory");
    }
    server->routes = routes;
    server->route_count = route_count;
    server->context = context;
    int fd = -1;
    enum status status = fit_descriptors(server, why);
    if (status != STATUS_OK) {
        goto err_after_server;
    }
    set_reserves(server);
    status = timer_open(loop, tick_cb, server, &server->tick);
    if (status != STATUS_OK) {
        refuse(why, status, "out of memory");
        goto err_after_server;
    }
    status = timer_open(loop, due_cb, server, &server->due);
    if (status != STATUS_OK) {
        refuse(why, status, "out of memory");
        goto err_after_tick;
    }
    status = open_listener(server, &fd, why);
    if (status != STATUS_OK) {
        goto err_after_due;
    }
    status = mhd_start(server, fd, why);
    if (status != STATUS_OK) {
        goto err_after_due;
    }
    int epoll_fd = MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
    if (uv_poll_init(loop_uv(loop), &server->poll, epoll_fd) != 0) {
        status = refuse(why, STATUS_IO, "the loop cannot watch the server");
        goto err_after_daemon;
    }
    server->poll.data = server;
    server->polling = true;
    int rv = uv_poll_start(&server->poll, UV_READABLE, poll_cb);
    assert(rv == 0);
    timer_start(server->tick, server->options.tick_ms, server->options.tick_ms);
    mhd_run(server);
    *out = server;
    return STATUS_OK;

err_after_daemon:
    MHD_stop_daemon(server->daemon);
err_after_due: /* the listener is libmicrohttpd's, which closes it also when it fails to start */
    timer_close(server->due);
err_after_tick:
    timer_close(server->tick);
err_after_server:
    peers_free(server->peers);
    free(server);
    return status;
}

uint16_t server_port(const struct server *server) {
    return server->port;
}

struct server_stats server_stats(const struct server *server) {
    return server->stats;
}
