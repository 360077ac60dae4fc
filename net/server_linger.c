/* Lingering close. libmicrohttpd has sent an answer, half-closed and closed its descriptor while
 * the client may still be sending; our duplicate of the descriptor keeps the connection alive. What
 * comes is discarded, up to the limit of draining, until the client closes too, having read its
 * answer, or its time is over; then the duplicate is closed. */
#include "net/server_private.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define READS_PER_CALL 16

static void linger_closed_cb(uv_handle_t *handle) {
    struct lingerer *linger = handle->data;
    assert(linger->server->linger_open > 0);
    linger->server->linger_open--;
    free(linger);
}

static void linger_stop(struct lingerer *linger) {
    struct server *server = linger->server;
    if (linger->closing) {
        return;
    }
    linger->closing = true;
    if (linger->previous != NULL) {
        linger->previous->next = linger->next;
    } else {
        server->lingers = linger->next;
    }
    if (linger->next != NULL) {
        linger->next->previous = linger->previous;
    }
    server->linger_count--;
    uv_poll_stop(&linger->poll);
    close(linger->fd);
    uv_close((uv_handle_t *)&linger->poll, linger_closed_cb);
}

static uint64_t linger_max(const struct lingerer *linger) {
    const struct server_options *options = &linger->server->options;
    return linger->upload ? options->upload_drain_max : options->drain_max;
}

static void linger_cb(uv_poll_t *poll, int status, int events) {
    struct lingerer *linger = poll->data;
    struct server *server = linger->server;
    if (linger->closing) {
        return;
    }
    if (status < 0) {
        linger_stop(linger);
        return;
    }
    (void)events;
    for (int i = 0; i < READS_PER_CALL; i++) {
        ssize_t n = recv(linger->fd, server->scratch, sizeof server->scratch, MSG_DONTWAIT);
        if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
            return;
        }
        if (n <= 0) {
            linger_stop(linger);
            return;
        }
        linger->bytes += (uint64_t)n;
        linger->window_bytes += (uint64_t)n;
        if (linger->bytes > linger_max(linger)) {
            /* Enough is read. Held open till its time is over, so that the client, whose sending
             * now stalls, finds the answer before the reset. */
            uv_poll_stop(&linger->poll);
            return;
        }
    }
}

void linger_start(struct server *server, int fd, bool upload) {
    struct lingerer *linger = NULL;
    if (server->linger_count >= LINGERS_MAX || server->finished) {
        goto err;
    }
    linger = calloc(1, sizeof *linger);
    if (linger == NULL || uv_poll_init(loop_uv(server->loop), &linger->poll, fd) != 0) {
        goto err;
    }
    linger->server = server;
    linger->poll.data = linger;
    linger->fd = fd;
    linger->upload = upload;
    linger->since = loop_now_ms(server->loop);
    linger->window_start = linger->since;
    linger->next = server->lingers;
    if (linger->next != NULL) {
        linger->next->previous = linger;
    }
    server->lingers = linger;
    server->linger_count++;
    server->linger_open++;
    if (uv_poll_start(&linger->poll, UV_READABLE, linger_cb) != 0) {
        linger_stop(linger);
    }
    return;

err:
    free(linger);
    close(fd);
}

void linger_check(struct server *server, uint64_t now) {
    struct lingerer *next;
    for (struct lingerer *linger = server->lingers; linger != NULL; linger = next) {
        next = linger->next;
        bool late = linger->upload
                        ? pace_failed(server, &linger->window_start, &linger->window_bytes, now)
                        : now - linger->since >= server->options.drain_ms;
        if (late) {
            linger_stop(linger);
        }
    }
}

void linger_stop_all(struct server *server) {
    while (server->lingers != NULL) {
        linger_stop(server->lingers);
    }
}
