#include "tests/lib/net_handlers.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

/* --- handlers --- */

struct task {
    struct request *request;
    struct timer *timer;
    size_t bytes;
    uint32_t sum;
    size_t refuse_after; /* 0: never */
    uint64_t pause_ms;
    bool pausing;
    bool answer_at_deadline;
};

static struct seen *seen_of(struct request *request) {
    return request_context(request);
}

static uint64_t query_number(struct request *request, const char *name) {
    struct bytes value;
    uint64_t n = 0;
    return request_query(request, name, &value) && bytes_to_u64(value, &n) ? n : 0;
}

void net_on_free(struct request *request) {
    struct task *task = request_user(request);
    seen_of(request)->freed++;
    if (task != NULL) {
        timer_close(task->timer);
        free(task);
    }
}

static struct task *task_new(struct request *request, void (*fire)(void *context)) {
    struct task *task = calloc(1, sizeof *task);
    cr_assert_not_null(task);
    task->request = request;
    if (fire != NULL) {
        cr_assert_eq(timer_open(seen_of(request)->loop, fire, task, &task->timer), STATUS_OK);
    }
    request_set_user(request, task);
    return task;
}

static void on_hello(struct request *request) {
    seen_of(request)->ended++;
    request_answer_text(request, 200, "hello");
}

static void on_echo(struct request *request) {
    struct bytes value = bytes_text("");
    bool has = request_query(request, "q", &value);
    struct bytes method = request_method(request);
    struct bytes segment = request_segment(request, 0);
    const char *header = request_header(request, "x-tEst");
    request_answer_text(request, 200, "%.*s|%.*s|%s%.*s|%s|%s", (int)method.len,
                        (const char *)method.data, (int)segment.len, (const char *)segment.data,
                        has ? "=" : "-", (int)value.len, (const char *)value.data,
                        header != NULL ? header : "(none)", request_peer(request));
}

void net_on_collect(struct request *request) {
    seen_of(request)->ended++;
    struct bytes body = request_body(request);
    request_answer_text(request, 200, "%zu %08lx", body.len,
                        crc32(0, body.data, (unsigned)body.len));
}

static void later_fire(void *context) {
    struct task *task = context;
    if (request_ended(task->request)) {
        seen_of(task->request)->late_answers++;
    }
    struct bytes body = request_body(task->request);
    request_answer_text(task->request, 200, "later %zu %08lx", body.len,
                        crc32(0, body.data, (unsigned)body.len));
    request_release(task->request);
}

/* Answers after ?ms=, holding the request as a worker would. */
static void on_later(struct request *request) {
    struct task *task = task_new(request, later_fire);
    task->answer_at_deadline = query_number(request, "deadline202") != 0;
    request_hold(request);
    timer_start(task->timer, query_number(request, "ms"), 0);
}

static void on_cancel(struct request *request, enum request_cancel reason) {
    seen_of(request)->cancelled[reason]++;
    struct task *task = request_user(request);
    if (reason == CANCEL_DEADLINE && task != NULL && task->answer_at_deadline) {
        request_answer_text(request, 202, "durable");
    }
}

static void stream_fire(void *context) {
    struct task *task = context;
    task->pausing = false;
    request_resume(task->request);
}

static void on_stream_headers(struct request *request) {
    struct task *task = task_new(request, stream_fire);
    task->refuse_after = query_number(request, "refuse");
    task->pause_ms = query_number(request, "pause");
    if (query_number(request, "refuse_now") != 0) {
        request_answer_text(request, 409, "refused at the headers");
    }
}

static enum body_step on_stream_body(struct request *request, struct bytes chunk) {
    struct task *task = request_user(request);
    cr_assert(!task->pausing, "a chunk came while paused");
    cr_assert(chunk.len > 0);
    seen_of(request)->chunks++;
    task->bytes += chunk.len;
    task->sum = (uint32_t)crc32(task->sum, chunk.data, (unsigned)chunk.len);
    if (task->refuse_after != 0 && task->bytes >= task->refuse_after) {
        request_answer_text(request, 422, "refused after %zu", task->bytes);
        return BODY_MORE;
    }
    if (query_number(request, "pause") != 0) {
        task->pausing = true;
        seen_of(request)->pauses++;
        timer_start(task->timer, task->pause_ms, 0);
        return BODY_SUSPEND;
    }
    return BODY_MORE;
}

static void on_stream_end(struct request *request) {
    struct task *task = request_user(request);
    seen_of(request)->ended++;
    request_answer_text(request, 200, "%zu %08x", task->bytes, task->sum);
}

static void on_big(struct request *request) {
    size_t len = query_number(request, "bytes");
    uint8_t *data = malloc(len);
    cr_assert_not_null(data);
    memset(data, 'x', len);
    struct reply reply = {.http = 200, .body = bytes_of(data, len), .body_is = REPLY_TAKE};
    request_answer(request, &reply);
}

static void on_silent(struct request *request) {
    (void)request;
}

static const struct route routes[] = {
    {.method = "GET", .pattern = "/hello", .on_end = on_hello, .on_free = net_on_free},
    {.method = "GET", .pattern = "/echo/*", .on_end = on_echo},
    {.method = "POST", .pattern = "/echo/*", .on_end = on_echo, .body_max = 10},
    {.method = "POST",
     .pattern = "/collect",
     .body_max = COLLECT_MAX,
     .on_end = net_on_collect,
     .on_cancel = on_cancel,
     .on_free = net_on_free},
    {.method = "POST",
     .pattern = "/zip",
     .flags = ROUTE_GZIP,
     .body_max = COLLECT_MAX,
     .on_end = net_on_collect,
     .on_cancel = on_cancel,
     .on_free = net_on_free},
    {.method = "POST",
     .pattern = "/later",
     .body_max = COLLECT_MAX,
     .on_end = on_later,
     .on_cancel = on_cancel,
     .on_free = net_on_free},
    {.method = "GET",
     .pattern = "/later",
     .on_end = on_later,
     .on_cancel = on_cancel,
     .on_free = net_on_free},
    {.method = "POST",
     .pattern = "/stream",
     .flags = ROUTE_GZIP | ROUTE_UPLOAD,
     .body_max = STREAM_MAX,
     .on_headers = on_stream_headers,
     .on_body = on_stream_body,
     .on_end = on_stream_end,
     .on_cancel = on_cancel,
     .on_free = net_on_free},
    {.method = "GET", .pattern = "/big", .on_end = on_big, .on_free = net_on_free},
    {.method = "GET",
     .pattern = "/silent",
     .on_end = on_silent,
     .on_cancel = on_cancel,
     .on_free = net_on_free},
};

struct fixture net_fixture;
struct seen net_seen;

void net_start_with(const struct server_options *options) {
    memset(&net_seen, 0, sizeof net_seen);
    fixture_start(&net_fixture, options, routes, sizeof routes / sizeof routes[0], &net_seen);
    net_seen.loop = net_fixture.loop;
}

void net_start(void) {
    net_start_with(NULL);
}

void net_exchange(int fd, const char *text, struct raw_response *r) {
    cr_assert(raw_send_text(fd, text));
    raw_receive(fd, false, r);
}

/* One request on a connection of its own. */
void net_once(const char *text, struct raw_response *r) {
    int fd = raw_connect(net_fixture.port);
    net_exchange(fd, text, r);
    raw_close(fd);
}

void net_wait_for_freed(int count) {
    for (int i = 0; i < 200; i++) {
        struct server_stats stats =
            fixture_stats(&net_fixture); /* orders what follows after the loop's */
        if (stats.connections == 0 && net_seen.freed >= count) {
            return;
        }
        sleep_ms(20);
    }
    cr_assert_fail("the requests were not let go");
}

bool net_send_body(int fd, const char *path, long declared, size_t len, const char *headers) {
    char head[512];
    if (declared >= 0) {
        snprintf(head, sizeof head, "POST %s HTTP/1.1\r\nHost: x\r\n%sContent-Length: %ld\r\n\r\n",
                 path, headers, declared);
    } else {
        snprintf(head, sizeof head,
                 "POST %s HTTP/1.1\r\nHost: x\r\n%sTransfer-Encoding: chunked\r\n\r\n", path,
                 headers);
    }
    if (!raw_send_text(fd, head)) {
        return false;
    }
    static char piece[16384];
    memset(piece, 'x', sizeof piece);
    while (len > 0) {
        size_t n = len < sizeof piece ? len : sizeof piece;
        char size[16];
        snprintf(size, sizeof size, "%zx\r\n", n);
        if ((declared < 0 && !raw_send_text(fd, size)) || !raw_send(fd, piece, n) ||
            (declared < 0 && !raw_send_text(fd, "\r\n"))) {
            return false;
        }
        len -= n;
    }
    return declared >= 0 || raw_send_text(fd, "0\r\n\r\n");
}

const struct server_options *net_quick(void) {
    static struct server_options options;
    options = server_defaults;
    options.idle_ms = 300;
    options.body_window_ms = 300;
    options.drain_ms = 300;
    options.deadline_ms = 300;
    options.send_ms = 300;
    options.stop_ms = 300;
    options.tick_ms = 20;
    return &options;
}

void net_expect_stream(const struct raw_response *r, size_t len) {
    static char piece[4096];
    memset(piece, 'x', sizeof piece);
    unsigned long sum = 0;
    for (size_t left = len; left > 0;) {
        size_t n = left < sizeof piece ? left : sizeof piece;
        sum = crc32(sum, (const Bytef *)piece, (unsigned)n);
        left -= n;
    }
    char text[64];
    snprintf(text, sizeof text, "%zu %08lx\n", len, sum);
    cr_assert_eq(r->http, 200, "%d %s", r->http, r->body);
    cr_assert_str_eq(r->body, text);
}
