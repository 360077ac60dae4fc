#include "tests/lib/net_fixture.h"

#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define PATIENCE_MS 10000

/* --- the server's thread --- */

static void async_cb(uv_async_t *async) {
    struct fixture *f = async->data;
    uv_mutex_lock(&f->mutex);
    if (f->call != NULL) {
        f->call(f, f->arg);
        f->call = NULL;
        uv_cond_broadcast(&f->done);
    }
    uv_mutex_unlock(&f->mutex);
}

static void thread_main(void *arg) {
    struct fixture *f = arg;
    loop_run(f->loop);
}

void fixture_start(struct fixture *f, const struct server_options *options,
                   const struct route *routes, size_t route_count, void *context) {
    memset(f, 0, sizeof *f);
    struct refusal why = {0};
    enum status status = loop_open(&f->loop);
    assert(status == STATUS_OK);
    status = server_open(f->loop, options, routes, route_count, context, &f->server, &why);
    if (status != STATUS_OK) {
        fprintf(stderr, "fixture: %s\n", why.text);
        abort();
    }
    f->port = server_port(f->server);
    uv_mutex_init(&f->mutex);
    uv_cond_init(&f->done);
    uv_async_init(loop_uv(f->loop), &f->async, async_cb);
    f->async.data = f;
    uv_thread_create(&f->thread, thread_main, f);
}

void fixture_call(struct fixture *f, void (*call)(struct fixture *fixture, void *arg), void *arg) {
    uv_mutex_lock(&f->mutex);
    f->call = call;
    f->arg = arg;
    uv_async_send(&f->async);
    while (f->call != NULL) {
        uv_cond_wait(&f->done, &f->mutex);
    }
    uv_mutex_unlock(&f->mutex);
}

static void get_stats(struct fixture *f, void *arg) {
    struct server_stats *stats = arg;
    assert(f->server != NULL);
    *stats = server_stats(f->server);
}

struct server_stats fixture_stats(struct fixture *f) {
    struct server_stats stats;
    fixture_call(f, get_stats, &stats);
    return stats;
}

static void server_closed(void *context) {
    struct fixture *f = context;
    uv_close((uv_handle_t *)&f->async, NULL);
}

static void close_server(struct fixture *f, void *arg) {
    (void)arg;
    server_close(f->server, server_closed, f);
    f->server = NULL;
}

void fixture_close_server(struct fixture *f) {
    assert(!f->closed);
    f->closed = true;
    fixture_call(f, close_server, NULL);
}

void fixture_stop(struct fixture *f) {
    if (!f->closed) {
        fixture_close_server(f);
    }
    uv_thread_join(&f->thread);
    loop_free(f->loop);
    uv_cond_destroy(&f->done);
    uv_mutex_destroy(&f->mutex);
}

/* --- raw sockets --- */

void sleep_ms(unsigned ms) {
    struct timespec time = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};
    nanosleep(&time, NULL);
}

int raw_connect(uint16_t port) {
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert(fd >= 0);
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (connect(fd, (struct sockaddr *)&address, sizeof address) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

static bool wait_for(int fd, short events, int ms) {
    struct pollfd poll_fd = {.fd = fd, .events = events};
    return poll(&poll_fd, 1, ms) == 1;
}

bool raw_send(int fd, const void *data, size_t len) {
    const char *next = data;
    while (len > 0) {
        if (!wait_for(fd, POLLOUT, 5000)) {
            return false;
        }
        ssize_t n = send(fd, next, len, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0 && errno == EAGAIN) {
            continue;
        }
        if (n <= 0) {
            return false;
        }
        next += n;
        len -= (size_t)n;
    }
    return true;
}

bool raw_send_text(int fd, const char *text) {
    return raw_send(fd, text, strlen(text));
}

static ssize_t receive_some(int fd, void *out, size_t len) {
    if (!wait_for(fd, POLLIN, PATIENCE_MS)) {
        return -1;
    }
    return recv(fd, out, len, 0);
}

static bool receive_head(int fd, struct raw_response *out) {
    size_t len = 0;
    while (len < sizeof out->head - 1) {
        /* One byte at a time, so that nothing of the next answer is taken. */
        ssize_t n = receive_some(fd, out->head + len, 1);
        if (n <= 0) {
            out->closed = n == 0 || errno == ECONNRESET;
            return false;
        }
        len++;
        if (len >= 4 && memcmp(out->head + len - 4, "\r\n\r\n", 4) == 0) {
            return true;
        }
    }
    return false;
}

const char *raw_header(const struct raw_response *response, const char *name) {
    static char value[512];
    value[0] = '\0';
    size_t name_len = strlen(name);
    const char *line = strstr(response->head, "\r\n");
    while (line != NULL) {
        line += 2;
        const char *end = strstr(line, "\r\n");
        if (strncasecmp(line, name, name_len) == 0 && line[name_len] == ':' && end != NULL) {
            const char *start = line + name_len + 1;
            start += strspn(start, " ");
            snprintf(value, sizeof value, "%.*s", (int)(end - start), start);
            return value;
        }
        line = end;
    }
    return value;
}

void raw_receive(int fd, bool head_only, struct raw_response *out) {
    memset(out, 0, sizeof *out);
    if (!receive_head(fd, out) || strncmp(out->head, "HTTP/1.1 ", 9) != 0) {
        return;
    }
    int http = (int)strtol(out->head + 9, NULL, 10);
    size_t left =
        head_only || http < 200 ? 0 : strtoul(raw_header(out, "Content-Length"), NULL, 10);
    char piece[RAW_MAX];
    while (left > 0) {
        ssize_t n = receive_some(fd, piece, left < sizeof piece ? left : sizeof piece);
        if (n <= 0) {
            out->closed = true;
            return;
        }
        for (size_t i = 0; i < (size_t)n && out->body_len + i < sizeof out->body - 1; i++) {
            out->body[out->body_len + i] = piece[i];
        }
        out->body_len += (size_t)n;
        left -= (size_t)n;
    }
    out->http = http;
}

int raw_wait_closed(int fd, int max_ms) {
    struct timespec start;
    clock_gettime(CLOCK_MONOTONIC, &start);
    for (;;) {
        struct timespec now;
        clock_gettime(CLOCK_MONOTONIC, &now);
        int ms =
            (int)((now.tv_sec - start.tv_sec) * 1000 + (now.tv_nsec - start.tv_nsec) / 1000000);
        if (ms >= max_ms) {
            return -1;
        }
        if (!wait_for(fd, POLLIN, max_ms - ms)) {
            return -1;
        }
        char piece[4096];
        if (recv(fd, piece, sizeof piece, 0) <= 0) {
            return ms;
        }
    }
}

void raw_close(int fd) {
    close(fd);
}
