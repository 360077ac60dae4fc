/* Routing, answers, crowds and closing. */
#include "tests/lib/net_handlers.h"

#include "net/server_private.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

/* --- routing and answers --- */

Test(server, patterns) {
    static const struct {
        const char *pattern;
        const char *path;
        const char *segments; /* joined by '|'; NULL: no match */
    } rows[] = {
        {"/", "/", ""},
        {"/", "/a", NULL},
        {"/", "", NULL},
        {"/a", "/a", ""},
        {"/a", "/a/", NULL},
        {"/a", "/", NULL},
        {"/a", "/ab", NULL},
        {"/a", "a", NULL},
        {"/a/b", "/a", NULL},
        {"/a/b", "/a/b", ""},
        {"/a/b", "/a//b", NULL},
        {"/*", "/", NULL},
        {"/*", "/x", "x"},
        {"/*", "/x/y", NULL},
        {"/*/b", "/x/b", "x"},
        {"/*/b", "//b", NULL},
        {"/a/*/c/*", "/a/1/c/2", "1|2"},
        {"/a/*/c/*", "/a/1/c/", NULL},
        {"/a/**", "/a/", NULL},
        {"/a/**", "/a", NULL},
        {"/a/**", "/a/b", "b"},
        {"/a/**", "/a/b/c//", "b/c//"},
        {"/*/t/**", "/x/t/0/x001", "x|0/x001"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct bytes segments[SEGMENTS_MAX];
        size_t count = 0;
        bool match = route_match(rows[i].pattern, bytes_text(rows[i].path), segments, &count);
        cr_assert_eq(match, rows[i].segments != NULL, "%s on %s", rows[i].pattern, rows[i].path);
        char joined[64] = "";
        for (size_t s = 0; match && s < count; s++) {
            snprintf(joined + strlen(joined), sizeof joined - strlen(joined), "%s%.*s",
                     s > 0 ? "|" : "", (int)segments[s].len, (const char *)segments[s].data);
        }
        cr_assert(!match || strcmp(joined, rows[i].segments) == 0, "%s on %s: %s", rows[i].pattern,
                  rows[i].path, joined);
    }
}

Test(server, answers) {
    net_start();
    struct raw_response r;
    net_once(GET("/hello"), &r);
    cr_assert_eq(r.http, 200);
    cr_assert_str_eq(r.body, "hello\n");
    cr_assert_str_eq(raw_header(&r, "Content-Type"), "text/plain; charset=utf-8");
    cr_assert_str_eq(raw_header(&r, "X-Content-Type-Options"), "nosniff");

    int fd = raw_connect(net_fixture.port);
    cr_assert(raw_send_text(fd, "HEAD /hello HTTP/1.1\r\nHost: x\r\n\r\n"));
    raw_receive(fd, true, &r);
    cr_assert_eq(r.http, 200);
    cr_assert_str_eq(raw_header(&r, "Content-Length"), "6");
    net_exchange(fd, GET("/hello"), &r); /* nothing of a body was in between */
    cr_assert_eq(r.http, 200);
    raw_close(fd);

    net_once(GET("/nowhere"), &r);
    cr_assert_eq(r.http, 404);
    cr_assert_eq(strchr(r.body, '\n'), r.body + r.body_len - 1, "one line");
    net_once("DELETE /hello HTTP/1.1\r\nHost: x\r\n\r\n", &r);
    cr_assert_eq(r.http, 405);
    cr_assert_str_eq(raw_header(&r, "Allow"), "GET, HEAD");
    net_once("PUT /echo/a HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc", &r);
    cr_assert_eq(r.http, 405);
    cr_assert_str_eq(raw_header(&r, "Allow"), "GET, HEAD, POST");
    fd = raw_connect(net_fixture.port);
    cr_assert(raw_send_text(fd, "HEAD /collect HTTP/1.1\r\nHost: x\r\n\r\n")); /* POST only */
    raw_receive(fd, true, &r);
    cr_assert_str_eq(raw_header(&r, "Allow"), "POST");
    raw_close(fd);
    fixture_stop(&net_fixture);
    cr_assert_eq(net_seen.ended, 3);
    cr_assert_eq(net_seen.freed, 3);
}

Test(server, request_fields) {
    net_start();
    struct raw_response r;
    net_once("GET /echo/a%20b?p=1&q=x%3D&q=2 HTTP/1.1\r\nHost: x\r\nX-Test: yes\r\n\r\n", &r);
    cr_assert_str_eq(r.body, "GET|a%20b|=x%3D|yes|127.0.0.1\n", "%s", r.body);
    net_once(GET("/echo/z?qq=1&q"), &r);
    cr_assert_str_eq(r.body, "GET|z|=|(none)|127.0.0.1\n", "%s", r.body);
    net_once(GET("/echo/z?&&x&"), &r);
    cr_assert_str_eq(r.body, "GET|z|-|(none)|127.0.0.1\n", "%s", r.body);
    /* A quoted control character does not make a second line. */
    net_once("GET /echo/z HTTP/1.1\r\nHost: x\r\nX-Test: a\x01\x1b\xff\r\n\r\n", &r);
    cr_assert_str_eq(r.body, "GET|z|-|a???|127.0.0.1\n", "%s", r.body);
    fixture_stop(&net_fixture);
}

Test(server, targets) {
    net_start();
    struct raw_response r;
    static char text[8192];
    char path[TARGET_MAX + 2];
    memset(path, 'a', sizeof path);
    path[TARGET_MAX + 1] = '\0';
    snprintf(text, sizeof text, "GET /%s HTTP/1.1\r\nHost: x\r\n\r\n", path);
    net_once(text, &r);
    cr_assert_eq(r.http, 414);
    path[TARGET_MAX - 1] = '\0';
    snprintf(text, sizeof text, "GET /%s HTTP/1.1\r\nHost: x\r\n\r\n", path);
    net_once(text, &r);
    cr_assert_eq(r.http, 404);
    net_once(GET("http://x/hello"), &r);
    cr_assert_eq(r.http, 400);
    net_once(GET("*"), &r);
    cr_assert_eq(r.http, 400);
    fixture_stop(&net_fixture);
}

Test(server, pipelined) {
    net_start();
    int fd = raw_connect(net_fixture.port);
    cr_assert(raw_send_text(
        fd, GET("/echo/1") "POST /collect HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc"
                           "GET /later?ms=50 HTTP/1.1\r\nHost: x\r\n\r\n" GET("/nowhere")
                               GET("/echo/2")));
    struct raw_response r;
    raw_receive(fd, false, &r);
    cr_assert_eq(r.body[4], '1');
    raw_receive(fd, false, &r);
    cr_assert_str_eq(r.body, "3 352441c2\n");
    raw_receive(fd, false, &r);
    cr_assert_str_eq(r.body, "later 0 00000000\n");
    raw_receive(fd, false, &r);
    cr_assert_eq(r.http, 404);
    raw_receive(fd, false, &r);
    cr_assert_eq(r.body[4], '2');
    raw_close(fd);
    fixture_stop(&net_fixture);
}

/* --- crowds --- */

Test(server, budget) {
    struct server_options options = server_defaults;
    options.body_budget = 4 * COLLECT_MAX;
    options.body_reserve = 0;
    options.retry_after_s = 7;
    net_start_with(&options);
    struct raw_response r;
    int fds[4];
    for (int i = 0; i < 4; i++) {
        fds[i] = raw_connect(net_fixture.port);
        cr_assert(net_send_body(fds[i], "/collect", COLLECT_MAX, 10, ""));
    }
    while (fixture_stats(&net_fixture).body_bytes < options.body_budget) {
        sleep_ms(5);
    }
    int fd = raw_connect(net_fixture.port);
    cr_assert(net_send_body(fd, "/collect", 1, 1, ""));
    raw_receive(fd, false, &r);
    cr_assert_eq(r.http, 503);
    cr_assert_str_eq(raw_header(&r, "Retry-After"), "7");
    net_exchange(fd, GET("/hello"), &r); /* what needs no memory goes on */
    cr_assert_eq(r.http, 200);
    raw_close(fds[0]);
    while (fixture_stats(&net_fixture).body_bytes == options.body_budget) {
        sleep_ms(5);
    }
    cr_assert(net_send_body(fd, "/collect", 1, 1, ""));
    raw_receive(fd, false, &r);
    cr_assert_eq(r.http, 200);
    raw_close(fd);
    for (int i = 1; i < 4; i++) {
        raw_close(fds[i]);
    }
    net_wait_for_freed(4);
    struct server_stats stats = fixture_stats(&net_fixture);
    cr_assert_eq(stats.body_bytes, 0);
    cr_assert_eq(stats.refused_budget, 1);
    fixture_stop(&net_fixture);
}

/* A body of known length is charged for exactly that, inflated or not for what it takes. */
Test(server, budget_is_exact) {
    struct server_options options = server_defaults;
    options.body_budget = 40000;
    options.body_reserve = 0;
    net_start_with(&options);
    struct raw_response r;
    int fd = raw_connect(net_fixture.port);
    cr_assert(net_send_body(fd, "/collect", 40000, 40000, ""));
    raw_receive(fd, false, &r);
    cr_assert_eq(r.http, 200);
    cr_assert(net_send_body(fd, "/collect", 40001, 40001, ""));
    raw_receive(fd, false, &r);
    cr_assert_eq(r.http, 503);
    raw_close(fd);
    fixture_stop(&net_fixture);
}

/* A body of unknown length is charged as it grows. */
Test(server, budget_of_chunked) {
    struct server_options options = server_defaults;
    options.body_budget = 70000;
    options.body_reserve = 0;
    static const struct route large[] = {{.method = "POST",
                                          .pattern = "/large",
                                          .body_max = 1 << 20,
                                          .on_end = net_on_collect,
                                          .on_free = net_on_free}};
    memset(&net_seen, 0, sizeof net_seen);
    fixture_start(&net_fixture, &options, large, 1, &net_seen);
    struct raw_response r;
    int fd = raw_connect(net_fixture.port);
    cr_assert(net_send_body(fd, "/large", -1, 60000, ""));
    raw_receive(fd, false, &r);
    cr_assert_eq(r.http, 200);
    cr_assert(net_send_body(fd, "/large", -1, 200000, ""));
    raw_receive(fd, false, &r);
    cr_assert_eq(r.http, 503);
    raw_close(fd);
    fixture_stop(&net_fixture);
}

Test(server, many_connections) {
    enum { COUNT = 600 };
    struct server_options options = server_defaults;
    options.connections_max = 700;
    options.per_peer_max = COUNT;
    net_start_with(&options);
    static int fds[COUNT];
    for (int i = 0; i < COUNT; i++) {
        fds[i] = raw_connect(net_fixture.port);
        cr_assert_geq(fds[i], 0);
        cr_assert(raw_send_text(fds[i], i % 2 == 0 ? GET("/hello") : GET("/later?ms=100")));
    }
    static struct raw_response r;
    for (int i = 0; i < COUNT; i++) {
        raw_receive(fds[i], false, &r);
        cr_assert_eq(r.http, 200, "%d: %d", i, r.http);
    }
    int extra = raw_connect(net_fixture.port); /* one more of the same address is closed */
    raw_send_text(extra, GET("/hello"));
    raw_receive(extra, false, &r);
    cr_assert_eq(r.http, 0);
    raw_close(extra);
    struct server_stats stats = fixture_stats(&net_fixture);
    cr_assert_eq(stats.connections, COUNT);
    cr_assert_eq(stats.answered[2], COUNT);
    for (int i = 0; i < COUNT; i++) {
        raw_close(fds[i]);
    }
    net_wait_for_freed(COUNT);
    fixture_stop(&net_fixture);
}

Test(server, idle_connections_make_room) {
    struct server_options options = server_defaults;
    options.connections_max = 16;
    options.reserve = 0;
    options.tick_ms = 50;
    net_start_with(&options);
    int fds[16];
    for (int i = 0; i < 16; i++) {
        fds[i] = raw_connect(net_fixture.port);
    }
    struct raw_response r;
    net_once(GET("/hello"), &r); /* waits in the kernel for a place */
    cr_assert_eq(r.http, 200);
    for (int i = 0; i < 16; i++) {
        raw_close(fds[i]);
    }
    fixture_stop(&net_fixture);
}

/* --- closing --- */

Test(server, closes_in_order) {
    net_start_with(net_quick());
    int idle = raw_connect(net_fixture.port);
    int waiting = raw_connect(net_fixture.port);
    int uploading = raw_connect(net_fixture.port);
    int stuck = raw_connect(net_fixture.port);
    cr_assert(raw_send_text(waiting, GET("/silent")));
    cr_assert(net_send_body(uploading, "/collect", 100, 50, ""));
    cr_assert(net_send_body(stuck, "/collect", 100, 50, ""));
    while (fixture_stats(&net_fixture).requests < 3) {
        sleep_ms(5);
    }
    fixture_close_server(&net_fixture);
    struct raw_response r;
    raw_receive(waiting, false, &r);
    cr_assert_eq(r.http, 503);
    cr_assert_str_eq(raw_header(&r, "Connection"), "close");
    char rest[50];
    memset(rest, 'x', sizeof rest);
    cr_assert(raw_send(uploading, rest, sizeof rest));
    raw_receive(uploading, false, &r);
    cr_assert_eq(r.http, 503);
    cr_assert_geq(raw_wait_closed(idle, 2000), 0);
    cr_assert_geq(raw_wait_closed(stuck, 2000), 0, "it is not waited for for ever");
    cr_assert_eq(raw_connect(net_fixture.port), -1);
    fixture_stop(&net_fixture);
    raw_close(idle);
    raw_close(waiting);
    raw_close(uploading);
    raw_close(stuck);
    cr_assert_eq(net_seen.cancelled[CANCEL_STOPPING], 3);
    cr_assert_eq(net_seen.freed, 3);
}

Test(server, refuses_to_open) {
    net_start();
    struct loop *loop;
    cr_assert_eq(loop_open(&loop), STATUS_OK);
    struct server *server;
    struct refusal why;
    struct server_options options = server_defaults;
    options.port = net_fixture.port;
    static const struct route routes[] = {
        {.method = "POST", .pattern = "/collect", .body_max = 1, .on_end = net_on_collect}};
    cr_assert_eq(server_open(loop, &options, routes, 1, NULL, &server, &why), STATUS_IO);
    cr_assert_not_null(strstr(why.text, "another port"));
    options.address = "localhost";
    cr_assert_eq(server_open(loop, &options, routes, 1, NULL, &server, &why), STATUS_BAD_FORM);
    loop_run(loop);
    loop_free(loop);
    fixture_stop(&net_fixture);
}

Test(server, few_descriptors) {
    struct rlimit limit = {.rlim_cur = 400, .rlim_max = 420};
    cr_assert_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
    struct server_options options = server_defaults;
    options.reserve = 0;
    net_start_with(&options);
    int fds[60];
    struct raw_response r;
    /* 420 less those for other ends: 36 places. The others wait, nobody is refused. */
    for (int i = 0; i < 60; i++) {
        fds[i] = raw_connect(net_fixture.port);
        cr_assert_geq(fds[i], 0);
    }
    net_exchange(fds[35], GET("/hello"), &r);
    cr_assert_eq(r.http, 200);
    struct server_stats stats = fixture_stats(&net_fixture);
    cr_assert_eq(stats.connections, 36);
    for (int i = 0; i < 60; i++) {
        raw_close(fds[i]);
    }
    fixture_stop(&net_fixture);
    limit.rlim_cur = 300;
    limit.rlim_max = 300;
    cr_assert_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
    struct loop *loop;
    cr_assert_eq(loop_open(&loop), STATUS_OK);
    struct server *server;
    struct refusal why;
    static const struct route routes[] = {
        {.method = "POST", .pattern = "/collect", .body_max = 1, .on_end = net_on_collect}};
    cr_assert_eq(server_open(loop, NULL, routes, 1, NULL, &server, &why), STATUS_IO);
    cr_assert_not_null(strstr(why.text, "ulimit -n"));
    loop_free(loop);
}
