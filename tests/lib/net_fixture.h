/* A real server on a loop of its own thread, and raw sockets against it: what no well-behaved
 * client library would send. */
#ifndef DUTYLOG_TESTS_LIB_NET_FIXTURE_H
#define DUTYLOG_TESTS_LIB_NET_FIXTURE_H

#include "net/server.h"

/* --- the server's thread --- */

struct fixture {
    struct loop *loop;
    struct server *server; /* NULL once closed */
    uint16_t port;
    uv_thread_t thread;
    uv_async_t async;
    uv_mutex_t mutex;
    uv_cond_t done;
    void (*call)(struct fixture *fixture, void *arg);
    void *arg;
    bool closed;
};

/* Fails the test if the server cannot be opened. `context` is the handlers'. */
void fixture_start(struct fixture *fixture, const struct server_options *options,
                   const struct route *routes, size_t route_count, void *context);
/* Runs `call` on the loop's thread and waits for it. */
void fixture_call(struct fixture *fixture, void (*call)(struct fixture *fixture, void *arg),
                  void *arg);
struct server_stats fixture_stats(struct fixture *fixture);
/* Begins server_close, without waiting for its end. */
void fixture_close_server(struct fixture *fixture);
/* Closes the server if it is open, waits, ends the thread. */
void fixture_stop(struct fixture *fixture);

/* --- raw sockets --- */

int raw_connect(uint16_t port);
/* False: the peer does not take it (reset, or nothing for five seconds). */
bool raw_send(int fd, const void *data, size_t len);
bool raw_send_text(int fd, const char *text);

#define RAW_MAX 65536
struct raw_response {
    int http; /* 0: closed or timed out without a whole answer */
    bool closed;
    char head[8192];    /* from the status line to the empty line, terminated */
    size_t body_len;    /* of the whole body */
    char body[RAW_MAX]; /* its beginning, terminated */
};
/* Reads one answer with Content-Length; 1xx answers are given too, without a body. */
void raw_receive(int fd, bool head_only, struct raw_response *out);
/* A header's value, copied; "" if none. */
const char *raw_header(const struct raw_response *response, const char *name);
/* Waits until the peer has closed (or reset): the milliseconds that took, or -1 after `max_ms`. */
int raw_wait_closed(int fd, int max_ms);
void raw_close(int fd);
void sleep_ms(unsigned ms);

#endif
