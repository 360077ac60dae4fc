/* The routes that the server's tests serve, what their handlers saw, and the shortest ways to talk
 * to them. Queries steer the handlers: /later?ms=, /stream?pause=&refuse=&refuse_now=, /big?bytes=.
 */
#ifndef DUTYLOG_TESTS_LIB_NET_HANDLERS_H
#define DUTYLOG_TESTS_LIB_NET_HANDLERS_H

#include "tests/lib/net_fixture.h"

#define COLLECT_MAX 65536
#define STREAM_MAX (24U << 20)

struct seen {
    struct loop *loop;
    int ended;
    int freed;
    int cancelled[3];
    int chunks;
    int pauses;
    int late_answers;
};

/* The one server of the test's process. Written on its thread: `seen` is to be read after
 * fixture_stop or a fixture_stats. */
extern struct fixture net_fixture;
extern struct seen net_seen;

void net_start(void);
void net_start_with(const struct server_options *options);
/* Options with 300 ms for everything. */
const struct server_options *net_quick(void);
/* Waits until no connection is left and `count` requests were freed; fails the test if they are
 * not. */
void net_wait_for_freed(int count);

#define GET(path) "GET " path " HTTP/1.1\r\nHost: x\r\n\r\n"
void net_exchange(int fd, const char *text, struct raw_response *r);
/* One request on a connection of its own. */
void net_once(const char *text, struct raw_response *r);
/* Sends a request with `len` bytes of 'x', `declared` (-1: chunked) as length. False: the peer does
 * not take it. */
bool net_send_body(int fd, const char *path, long declared, size_t len, const char *headers);

/* Fails the test unless /stream answered for `len` bytes of 'x'. */
void net_expect_stream(const struct raw_response *r, size_t len);

/* Handlers for routes of a test's own. */
void net_on_collect(struct request *request);
void net_on_free(struct request *request);

#endif
