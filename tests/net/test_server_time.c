/* Slow clients, late handlers, clients that leave. */
#include "tests/lib/net_handlers.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- time --- */

Test(server_time, slow_headers) {
    net_start_with(net_quick());
    int silent = raw_connect(net_fixture.port);
    int loris = raw_connect(net_fixture.port);
    const char *text = "GET /hello HTTP/1.1\r\nHost: x\r\nX-Slow: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    int sent = 0;
    while (sent < 60 && raw_send(loris, text + sent, 1)) {
        sent++;
        sleep_ms(20);
    }
    cr_assert_lt(sent, 60, "a byte now and then keeps no place");
    cr_assert_geq(raw_wait_closed(silent, 2000), 0);
    /* Between requests too, but not before. */
    int fd = raw_connect(net_fixture.port);
    struct raw_response r;
    for (int i = 0; i < 4; i++) {
        net_exchange(fd, GET("/hello"), &r);
        cr_assert_eq(r.http, 200);
        sleep_ms(150);
    }
    cr_assert_geq(raw_wait_closed(fd, 2000), 0);
    raw_close(fd);
    raw_close(loris);
    raw_close(silent);
    fixture_stop(&net_fixture);
}

Test(server_time, slow_bodies) {
    net_start_with(net_quick());
    int fds[3];
    const char *paths[] = {"/collect", "/stream", "/stream?refuse_now=1"};
    for (int i = 0; i < 3; i++) {
        fds[i] = raw_connect(net_fixture.port);
        cr_assert(net_send_body(fds[i], paths[i], 60000, 1, ""));
    }
    for (int i = 0; i < 100; i++) {
        for (int k = 0; k < 3; k++) {
            raw_send(fds[k], "x", 1);
        }
        sleep_ms(10);
    }
    for (int i = 0; i < 3; i++) {
        cr_assert_geq(raw_wait_closed(fds[i], 2000), 0, "%s", paths[i]);
        raw_close(fds[i]);
    }
    net_wait_for_freed(3);
    fixture_stop(&net_fixture);
    cr_assert_eq(net_seen.cancelled[CANCEL_GONE], 2); /* the third was answered */
    cr_assert_eq(net_seen.ended, 0);
}

Test(server_time, a_pause_is_not_slowness) {
    struct server_options options = *net_quick();
    options.deadline_ms = 5000;
    net_start_with(&options);
    struct raw_response r;
    int fd = raw_connect(net_fixture.port);
    cr_assert(net_send_body(fd, "/stream?pause=700", 10, 10, ""));
    raw_receive(fd, false, &r);
    net_expect_stream(&r, 10);
    raw_close(fd);
    fixture_stop(&net_fixture);
}

Test(server_time, deadlines) {
    net_start_with(net_quick());
    struct raw_response r;
    int fd = raw_connect(net_fixture.port);
    net_exchange(fd, GET("/silent"), &r);
    cr_assert_eq(r.http, 503);
    cr_assert_str_eq(raw_header(&r, "Retry-After"), "1");
    net_exchange(fd,
                 "POST /later?ms=900&deadline202=1 HTTP/1.1\r\nHost: x\r\nContent-Length: "
                 "5\r\n\r\nhello",
                 &r);
    cr_assert_eq(r.http, 202);
    cr_assert_str_eq(r.body, "durable\n");
    net_exchange(fd, GET("/hello"), &r);
    cr_assert_eq(r.http, 200);
    /* While paused too. */
    cr_assert(net_send_body(fd, "/stream?pause=2000", 10, 10, ""));
    raw_receive(fd, false, &r);
    cr_assert_eq(r.http, 503);
    raw_close(fd);
    sleep_ms(1000); /* the late answer comes, to nobody */
    fixture_stop(&net_fixture);
    cr_assert_eq(net_seen.cancelled[CANCEL_DEADLINE], 3);
    cr_assert_eq(net_seen.late_answers, 1);
    cr_assert_eq(net_seen.freed, 4);
}

Test(server_time, slow_readers) {
    net_start_with(net_quick());
    int fd = raw_connect(net_fixture.port);
    cr_assert(raw_send_text(fd, GET("/big?bytes=50000000")));
    sleep_ms(500);
    struct server_stats stats = fixture_stats(&net_fixture);
    cr_assert_eq(stats.connections, 1, "a large answer has more time");
    raw_close(fd);
    fixture_stop(&net_fixture);

    struct server_options options = *net_quick();
    options.body_rate = 1 << 30;
    net_start_with(&options);
    fd = raw_connect(net_fixture.port);
    cr_assert(raw_send_text(fd, GET("/big?bytes=50000000")));
    for (int i = 0; i < 100; i++) {
        stats = fixture_stats(&net_fixture);
        if (stats.connections == 0 && stats.requests == 1) {
            break;
        }
        sleep_ms(20);
    }
    cr_assert_eq(stats.connections, 0, "but not for ever");
    raw_close(fd);
    fixture_stop(&net_fixture);
}

/* --- clients that leave --- */

Test(server_time, clients_that_leave) {
    net_start();
    int fd = raw_connect(net_fixture.port); /* within the headers */
    cr_assert(raw_send_text(fd, "POST /collect HTTP/1.1\r\nHo"));
    sleep_ms(20);
    raw_close(fd);
    fd = raw_connect(net_fixture.port); /* within the body */
    cr_assert(net_send_body(fd, "/collect", 100, 50, ""));
    sleep_ms(20);
    raw_close(fd);
    fd = raw_connect(net_fixture.port); /* within a chunk */
    cr_assert(raw_send_text(
        fd, "POST /stream HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab"));
    sleep_ms(20);
    raw_close(fd);
    fd = raw_connect(net_fixture.port); /* while paused */
    cr_assert(net_send_body(fd, "/stream?pause=100", 100, 50, ""));
    sleep_ms(20);
    raw_close(fd);
    fd = raw_connect(net_fixture.port); /* while waiting: not noticed before the answer */
    cr_assert(raw_send_text(fd, GET("/later?ms=100")));
    sleep_ms(20);
    raw_close(fd);
    net_wait_for_freed(4);
    struct server_stats stats = fixture_stats(&net_fixture);
    cr_assert_eq(stats.body_bytes, 0);
    fixture_stop(&net_fixture);
    cr_assert_eq(net_seen.cancelled[CANCEL_GONE], 3);
    cr_assert_eq(net_seen.ended, 0);
}
