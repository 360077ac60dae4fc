/* Bodies of every shape, size and coding; streams; answers while they are still coming. */
#include "tests/lib/net_handlers.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <zlib.h>

/* --- bodies --- */

Test(server_body, collects_in_every_shape) {
    net_start();
    struct raw_response r;
    const char *shapes[] = {
        "POST /collect HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello",
        "POST /collect HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
        "1\r\nh\r\n3;ext=1\r\nell\r\n1\r\no\r\n0\r\n\r\n",
        "POST /collect HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
        "5\r\nhello\r\n0\r\nTrailer: 1\r\n\r\n",
    };
    for (size_t i = 0; i < 3; i++) {
        net_once(shapes[i], &r);
        cr_assert_str_eq(r.body, "5 3610a686\n", "%zu", i);
        int fd = raw_connect(net_fixture.port);
        for (const char *c = shapes[i]; *c != '\0'; c++) {
            cr_assert(raw_send(fd, c, 1)); /* every split */
        }
        raw_receive(fd, false, &r);
        cr_assert_str_eq(r.body, "5 3610a686\n", "%zu", i);
        raw_close(fd);
    }
    net_once("POST /collect HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", &r);
    cr_assert_str_eq(r.body, "0 00000000\n");
    net_once("POST /collect HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
             &r);
    cr_assert_str_eq(r.body, "0 00000000\n");
    fixture_stop(&net_fixture);
    cr_assert_eq(net_seen.freed, 8);
}

Test(server_body, largest_body) {
    net_start();
    struct raw_response r;
    for (int chunked = 0; chunked < 2; chunked++) {
        int fd = raw_connect(net_fixture.port);
        cr_assert(net_send_body(fd, "/collect", chunked ? -1 : COLLECT_MAX, COLLECT_MAX, ""));
        raw_receive(fd, false, &r);
        cr_assert_eq(r.http, 200);
        cr_assert_eq(strtoul(r.body, NULL, 10), COLLECT_MAX);
        /* One byte more. The rest is discarded and the connection goes on. */
        cr_assert(
            net_send_body(fd, "/collect", chunked ? -1 : COLLECT_MAX + 1, COLLECT_MAX + 1, ""));
        raw_receive(fd, false, &r);
        cr_assert_eq(r.http, 413);
        net_exchange(fd, GET("/hello"), &r);
        cr_assert_eq(r.http, 200);
        raw_close(fd);
    }
    struct server_stats stats = fixture_stats(&net_fixture);
    cr_assert_leq(stats.body_bytes_max, 2 * COLLECT_MAX);
    fixture_stop(&net_fixture);
}

Test(server_body, oversize_is_told_early) {
    net_start();
    struct raw_response r;
    /* Too large to be worth discarding: the answer comes at once, also to a client that first sends
     * all it has. Many times: it must not depend on which side is faster. */
    for (int i = 0; i < 20; i++) {
        int fd = raw_connect(net_fixture.port);
        net_send_body(fd, "/collect", 4 << 20, 900 << 10, "");
        raw_receive(fd, false, &r);
        cr_assert_eq(r.http, 413, "round %d", i);
        cr_assert_str_eq(raw_header(&r, "Connection"), "close");
        raw_close(fd);
    }
    /* A client that waits for "100 Continue" is refused in its place. */
    int fd = raw_connect(net_fixture.port);
    cr_assert(net_send_body(fd, "/collect", COLLECT_MAX + 1, 0, "Expect: 100-continue\r\n"));
    raw_receive(fd, false, &r);
    cr_assert_eq(r.http, 413);
    raw_close(fd);
    /* And let through if all is well. */
    fd = raw_connect(net_fixture.port);
    cr_assert(net_send_body(fd, "/collect", 3, 0, "Expect: 100-continue\r\n"));
    raw_receive(fd, false, &r);
    cr_assert_eq(r.http, 100);
    net_exchange(fd, "abc", &r);
    cr_assert_eq(r.http, 200);
    raw_close(fd);
    /* No body is taken where none belongs, however it is announced. */
    net_once("GET /hello HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nx", &r);
    cr_assert_eq(r.http, 413);
    net_once("GET /hello HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", &r);
    cr_assert_eq(r.http, 413);
    fixture_stop(&net_fixture);
    cr_assert_eq(net_seen.ended, 1);
}

/* After an early answer the connection is not reset under the client: it may send on, for a while,
 * and finds the answer and then the end. */
Test(server_body, lingers) {
    net_start_with(net_quick());
    struct raw_response r;
    static char piece[100000];
    int fd = raw_connect(net_fixture.port);
    cr_assert(net_send_body(fd, "/collect", 4 << 20, 100000, ""));
    raw_receive(fd, false, &r);
    cr_assert_eq(r.http, 413);
    for (int i = 0; i < 5; i++) {
        sleep_ms(20);
        cr_assert(raw_send(fd, piece, sizeof piece), "it was reset");
    }
    char byte;
    cr_assert_eq(recv(fd, &byte, 1, 0), 0, "the end, not an error");
    /* But only so long, */
    sleep_ms(600);
    raw_send(fd, piece, 1);
    sleep_ms(50);
    cr_assert_not(raw_send(fd, piece, 1));
    raw_close(fd);
    fixture_stop(&net_fixture);
    /* and not without measure. */
    struct server_options options = server_defaults;
    options.drain_max = 100000;
    net_start_with(&options);
    fd = raw_connect(net_fixture.port);
    cr_assert(net_send_body(fd, "/collect", 1L << 40, 1000, ""));
    size_t taken = 0;
    for (int i = 0; i < 500; i++) {
        ssize_t n = send(fd, piece, sizeof piece, MSG_DONTWAIT | MSG_NOSIGNAL);
        taken += n > 0 ? (size_t)n : 0;
        sleep_ms(1);
    }
    cr_assert_lt(taken, 16U << 20, "%zu", taken);
    raw_receive(fd, false, &r);
    cr_assert_eq(r.http, 413);
    raw_close(fd);
    fixture_stop(&net_fixture);
}

Test(server_body, endless_body) {
    struct server_options options = server_defaults;
    options.drain_max = 256 << 10;
    net_start_with(&options);
    int fd = raw_connect(net_fixture.port);
    cr_assert_not(net_send_body(fd, "/collect", -1, 256U << 20, ""), "it took 256 MiB");
    raw_close(fd);
    net_wait_for_freed(1);
    struct server_stats stats = fixture_stats(&net_fixture);
    cr_assert_eq(stats.body_bytes, 0);
    cr_assert_leq(stats.body_bytes_max, 2 * COLLECT_MAX);
    fixture_stop(&net_fixture);
    cr_assert_eq(net_seen.ended, 0);
}

static double cpu_seconds(void) {
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)usage.ru_utime.tv_sec + (double)usage.ru_stime.tv_sec +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

/* Lines within a body that do not end: a chunk's size, a trailer. libmicrohttpd's buffer is full
 * then, and it neither reads on nor sleeps. */
Test(server_body, endless_lines) {
    struct server_options options = *net_quick();
    options.body_window_ms = 1000;
    net_start_with(&options);
    static char piece[65536];
    memset(piece, 'e', sizeof piece);
    static const char *const rows[][2] = {{"/collect", "1;"},
                                          {"/collect", "1\r\nx\r\n0\r\nTrailer: "},
                                          {"/stream?pause=1", "1\r\nx\r\n1;"}};
    for (int i = 0; i < 3; i++) {
        int fd = raw_connect(net_fixture.port);
        char head[256];
        snprintf(head, sizeof head,
                 "POST %s HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n%s", rows[i][0],
                 rows[i][1]);
        cr_assert(raw_send_text(fd, head));
        cr_assert(raw_send(fd, piece, sizeof piece));
        double before = cpu_seconds();
        sleep_ms(500);
        cr_assert_lt(cpu_seconds() - before, 0.25, "it spins");
        cr_assert_geq(raw_wait_closed(fd, 5000), 0, "it is never closed");
        raw_close(fd);
    }
    net_wait_for_freed(3);
    fixture_stop(&net_fixture);
    cr_assert_eq(net_seen.ended, 0);
}

Test(server_body, framing) {
    net_start();
    struct raw_response r;
    net_once("POST /collect HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: "
             "chunked\r\n\r\n0\r\n\r\n",
             &r);
    cr_assert_eq(r.http, 400);
    cr_assert_str_eq(raw_header(&r, "Connection"), "close");
    net_once("POST /collect HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: "
             "5\r\n\r\nhello",
             &r);
    cr_assert_eq(r.http, 400);
    net_once("GET /hello HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nContent-Length: 3\r\n\r\n",
             &r);
    cr_assert_eq(r.http, 400);
    net_once("POST /collect HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", &r);
    cr_assert_eq(r.http, 501);
    net_once("POST /collect HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", &r);
    cr_assert_eq(r.http, 400);
    net_once("POST /collect HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999999\r\n\r\n",
             &r);
    cr_assert_eq(r.http, 413);
    net_once("POST /collect HTTP/1.1\r\nHost: x\r\nContent-Length: 18446744073709551615\r\n\r\n",
             &r);
    cr_assert(r.http == 413 || r.http == 400);
    net_once("POST /collect HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n", &r);
    cr_assert_eq(r.http, 400);
    net_once("POST /collect HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Encoding: "
             "br\r\n\r\nabc",
             &r);
    cr_assert_eq(r.http, 415);
    net_once(
        "POST /zip HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Encoding: br\r\n\r\nabc",
        &r);
    cr_assert_eq(r.http, 415);
    net_once("POST /collect HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Encoding: "
             "identity\r\n\r\nabc",
             &r);
    cr_assert_eq(r.http, 200);
    net_once("GET /hello HTTP/1.1\r\n\r\n", &r); /* no Host */
    cr_assert_eq(r.http, 400);
    static char head[200000];
    memset(head, 'h', sizeof head);
    memcpy(head, "GET /hello HTTP/1.1\r\nHost: ", 27);
    head[sizeof head - 1] = '\0';
    int fd = raw_connect(net_fixture.port);
    raw_send_text(fd, head);
    raw_receive(fd, false, &r);
    cr_assert(r.http == 431 || r.http == 413 || r.closed, "%d", r.http);
    raw_close(fd);
    fixture_stop(&net_fixture);
    cr_assert_eq(net_seen.ended, 1);
}

/* --- gzip --- */

static size_t gzip(const void *data, size_t len, uint8_t *out, size_t cap) {
    z_stream z = {0};
    cr_assert_eq(deflateInit2(&z, 9, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY), Z_OK);
    union {
        const void *from;
        Bytef *in;
    } in = {.from = data};
    z.next_in = in.in;
    z.avail_in = (unsigned)len;
    z.next_out = out;
    z.avail_out = (unsigned)cap;
    cr_assert_eq(deflate(&z, Z_FINISH), Z_STREAM_END);
    size_t made = cap - z.avail_out;
    deflateEnd(&z);
    return made;
}

static void send_zip(int fd, const char *path, const uint8_t *data, size_t len) {
    char head[256];
    snprintf(head, sizeof head,
             "POST %s HTTP/1.1\r\nHost: x\r\nContent-Encoding: gzip\r\nContent-Length: %zu\r\n\r\n",
             path, len);
    raw_send_text(fd, head);
    raw_send(fd, data, len);
}

static void zip_once(const char *path, const uint8_t *data, size_t len, struct raw_response *r) {
    int fd = raw_connect(net_fixture.port);
    send_zip(fd, path, data, len);
    raw_receive(fd, false, r);
    raw_close(fd);
}

Test(server_body, gzip_bodies) {
    net_start();
    struct raw_response r;
    static uint8_t zipped[65536];
    size_t len = gzip("hello", 5, zipped, sizeof zipped);
    zip_once("/zip", zipped, len, &r);
    cr_assert_str_eq(r.body, "5 3610a686\n");
    zip_once("/collect", zipped, len, &r);
    cr_assert_eq(r.http, 415);
    for (size_t cut = 0; cut < len; cut++) {
        zip_once("/zip", zipped, cut, &r);
        cr_assert_eq(r.http, cut == 0 ? 200 : 400, "cut at %zu: %d", cut, r.http);
    }
    /* Damage to the checked parts: magic, method, checksum and length. */
    const size_t places[] = {0, 1, 2, len - 1, len - 5, len - 8};
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        zipped[places[i]] ^= 0x40;
        zip_once("/zip", zipped, len, &r);
        cr_assert_eq(r.http, 400, "damaged at %zu", places[i]);
        zipped[places[i]] ^= 0x40;
    }
    /* Two members are one body; what follows them is an error. */
    size_t second = gzip(" again", 6, zipped + len, sizeof zipped - len);
    zip_once("/zip", zipped, len + second, &r);
    cr_assert_eq(r.http, 200);
    cr_assert_eq(strtoul(r.body, NULL, 10), 11);
    zipped[len + second] = 'x';
    zip_once("/zip", zipped, len + second + 1, &r);
    cr_assert_eq(r.http, 400);
    fixture_stop(&net_fixture);
}

Test(server_body, gzip_bombs) {
    net_start();
    struct raw_response r;
    size_t plain_len = 64U << 20;
    uint8_t *plain = calloc(1, plain_len);
    uint8_t *zipped = malloc(1 << 20);
    cr_assert(plain != NULL && zipped != NULL);
    size_t len = gzip(plain, plain_len, zipped, 1 << 20);
    cr_assert_lt(len, 70000);
    zip_once("/zip", zipped, len, &r);
    cr_assert_eq(r.http, 413);
    zip_once("/stream", zipped, len, &r);
    cr_assert_eq(r.http, 413);
    free(plain);
    /* Empty blocks and an endless name in the header inflate to nothing at all. */
    static const uint8_t header[] = {0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3};
    memcpy(zipped, header, sizeof header);
    for (size_t i = sizeof header; i + 5 <= 1 << 20; i += 5) {
        memcpy(zipped + i, "\0\0\0\xff\xff", 5);
    }
    zip_once("/zip", zipped, (1 << 20) - 10, &r);
    cr_assert_eq(r.http, 413);
    memset(zipped + sizeof header, 'n', (1 << 20) - sizeof header);
    zipped[3] = 8; /* FNAME */
    zip_once("/zip", zipped, (1 << 20) - 10, &r);
    cr_assert_eq(r.http, 413);
    free(zipped);
    struct server_stats stats = fixture_stats(&net_fixture);
    cr_assert_leq(stats.body_bytes_max, 4 * COLLECT_MAX, "%zu", stats.body_bytes_max);
    fixture_stop(&net_fixture);
    cr_assert_eq(net_seen.ended, 0);
}

/* --- streams --- */

Test(server_body, streams) {
    net_start();
    struct raw_response r;
    int fd = raw_connect(net_fixture.port);
    cr_assert(net_send_body(fd, "/stream", 20 << 20, 20 << 20, ""));
    raw_receive(fd, false, &r);
    net_expect_stream(&r, 20 << 20);
    cr_assert(net_send_body(fd, "/stream", -1, 3 << 20, ""));
    raw_receive(fd, false, &r);
    net_expect_stream(&r, 3 << 20);
    raw_close(fd);
    struct server_stats stats = fixture_stats(&net_fixture);
    cr_assert_leq(stats.body_bytes_max, 65536, "a stream is not collected");
    fixture_stop(&net_fixture);
}

Test(server_body, pauses) {
    net_start();
    struct raw_response r;
    int fd = raw_connect(net_fixture.port);
    cr_assert(net_send_body(fd, "/stream?pause=1", 1 << 20, 1 << 20, ""));
    raw_receive(fd, false, &r);
    net_expect_stream(&r, 1 << 20);
    /* Chunks of one byte: libmicrohttpd offers the next while suspended. */
    cr_assert(raw_send_text(
        fd, "POST /stream?pause=1 HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"));
    for (int i = 0; i < 100; i++) {
        cr_assert(raw_send_text(fd, "1\r\nx\r\n"));
    }
    cr_assert(raw_send_text(fd, "0\r\n\r\n" GET("/hello")));
    raw_receive(fd, false, &r);
    net_expect_stream(&r, 100);
    raw_receive(fd, false, &r);
    cr_assert_eq(r.http, 200);
    raw_close(fd);
    fixture_stop(&net_fixture);
    cr_assert_geq(net_seen.pauses, 116);
}

Test(server_body, pauses_while_inflating) {
    net_start();
    struct raw_response r;
    size_t plain_len = 10 << 20;
    char *plain = malloc(plain_len);
    static uint8_t zipped[65536];
    cr_assert_not_null(plain);
    memset(plain, 'x', plain_len);
    size_t len = gzip(plain, plain_len, zipped, sizeof zipped);
    free(plain);
    /* About 10 KiB hold 160 pieces of output: most of them wait within zlib. */
    zip_once("/stream?pause=1", zipped, len, &r);
    net_expect_stream(&r, plain_len);
    fixture_stop(&net_fixture);
    cr_assert_geq(net_seen.pauses, 150);
}

Test(server_body, early_answer_while_uploading) {
    net_start();
    struct raw_response r;
    int fd = raw_connect(net_fixture.port);
    for (int pause = 0; pause < 2; pause++) {
        cr_assert(net_send_body(fd, pause ? "/stream?refuse=1&pause=1" : "/stream?refuse=100000",
                                20 << 20, 20 << 20, ""));
        raw_receive(fd, false, &r);
        cr_assert_eq(r.http, 422);
        net_exchange(fd, GET("/hello"), &r); /* all of it was discarded */
        cr_assert_eq(r.http, 200);
    }
    /* At the headers: nothing of the body reaches the handler. */
    net_seen.chunks = 0;
    cr_assert(net_send_body(fd, "/stream?refuse_now=1", 20 << 20, 20 << 20, ""));
    raw_receive(fd, false, &r);
    cr_assert_eq(r.http, 409);
    cr_assert_eq(net_seen.chunks, 0);
    raw_close(fd);
    /* Elsewhere the server discards 1 MiB and no more. */
    fd = raw_connect(net_fixture.port);
    net_send_body(fd, "/collect", -1, 20 << 20, "");
    raw_receive(fd, false, &r);
    cr_assert_eq(r.http, 0);
    raw_close(fd);
    fixture_stop(&net_fixture);
}
