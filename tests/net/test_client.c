/* The client against our own server, and against peers that no server library would be. */
#include "net/client.h"

#include "tests/lib/net_handlers.h"

#include <criterion/criterion.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <zlib.h>

static struct loop *loop;
static struct client *client;
static int released;
static bool client_closed;

/* What a call ended with, copied. */
struct result {
    int count;
    unsigned http;
    size_t len;
    char body[256];
    char type[64];
    char error[256];
    uint64_t retry_after_s;
    uint64_t date_s;
};

static void done(void *context, const struct client_response *response) {
    struct result *r = context;
    r->count++;
    r->http = response->http;
    r->len = response->body.len;
    size_t len = r->len < sizeof r->body - 1 ? r->len : sizeof r->body - 1;
    if (len > 0) {
        memcpy(r->body, response->body.data, len);
    }
    snprintf(r->type, sizeof r->type, "%s", response->content_type);
    snprintf(r->error, sizeof r->error, "%s", response->error);
    r->retry_after_s = response->retry_after_s;
    r->date_s = response->date_s;
    cr_assert_eq(response->http == 0, response->error[0] != '\0');
}

static void release(void *owner) {
    (void)owner;
    released++;
}

static void closed_cb(void *context) {
    (void)context;
    client_closed = true;
}

static void open_client(const struct client_options *options) {
    cr_assert_eq(loop_open(&loop), STATUS_OK);
    cr_assert_eq(client_open(loop, options, &client), STATUS_OK);
}

static void close_client(void) {
    client_close(client, closed_cb, NULL);
    loop_run(loop);
    loop_free(loop);
    cr_assert(client_closed);
}

/* A request to `path` on a port of this machine; the body, if any, makes it a POST. */
static struct client_request make_request(uint16_t port, const char *path, struct bytes body) {
    static char urls[64][256];
    static unsigned next;
    char *url = urls[next++ % 64];
    snprintf(url, sizeof urls[0], "http://127.0.0.1:%u%s", port, path);
    return (struct client_request){.method = body.len > 0 ? "POST" : "GET",
                                   .url = url,
                                   .body = body,
                                   .release_body = release,
                                   .timeout_ms = 10000,
                                   .response_max = 1 << 20};
}

static void wait_for(const struct result *r) {
    while (r->count == 0) {
        uv_run(loop_uv(loop), UV_RUN_ONCE);
    }
}

static void call(const struct client_request *request, struct result *r) {
    memset(r, 0, sizeof *r);
    cr_assert_eq(client_send(client, request, done, r, NULL), STATUS_OK);
    cr_assert_eq(r->count, 0, "never from within client_send");
    wait_for(r);
}

static void get(const char *path, struct result *r) {
    struct client_request request = make_request(net_fixture.port, path, bytes_of(NULL, 0));
    call(&request, r);
}

Test(client, calls_our_server) {
    net_start();
    open_client(NULL);
    struct result r;
    get("/hello", &r);
    cr_assert_eq(r.http, 200, "%s", r.error);
    cr_assert_str_eq(r.body, "hello\n");
    cr_assert_str_eq(r.type, "text/plain; charset=utf-8");
    get("/nowhere", &r);
    cr_assert_eq(r.http, 404);
    uint64_t now = clock_wall_ms() / 1000;
    cr_assert(r.date_s <= now && r.date_s + 600 > now, "any answer of ours says what our clock is");
    struct client_header header = {.name = "X-Test", .value = "sent"};
    struct client_request request = make_request(net_fixture.port, "/echo/a", bytes_of("123", 3));
    request.headers = &header;
    request.header_count = 1;
    call(&request, &r);
    cr_assert_str_eq(r.body, "POST|a|-|sent|127.0.0.1\n");
    request = make_request(net_fixture.port, "/collect", bytes_of(NULL, 0));
    request.method = "POST";
    call(&request, &r);
    cr_assert_str_eq(r.body, "0 00000000\n");
    cr_assert_eq(released, 4);
    struct server_stats stats = fixture_stats(&net_fixture);
    cr_assert_eq(stats.connections, 1, "the connection is kept");
    close_client();
    fixture_stop(&net_fixture);
}

Test(client, sends_large_bodies) {
    net_start();
    open_client(NULL);
    static uint8_t body[20 << 20];
    memset(body, 'x', sizeof body);
    struct result r;
    struct client_request request =
        make_request(net_fixture.port, "/stream", bytes_of(body, sizeof body));
    call(&request, &r);
    char expected[64];
    snprintf(expected, sizeof expected, "%zu %08lx\n", sizeof body,
             crc32(0, body, (unsigned)sizeof body));
    cr_assert_str_eq(r.body, expected);
    /* The peer answers long before all is sent. */
    request = make_request(net_fixture.port, "/stream?refuse=1000", bytes_of(body, sizeof body));
    call(&request, &r);
    cr_assert_eq(r.http, 422, "%s", r.error);
    request = make_request(net_fixture.port, "/stream?refuse_now=1", bytes_of(body, sizeof body));
    call(&request, &r);
    cr_assert_eq(r.http, 409, "%s", r.error);
    request = make_request(net_fixture.port, "/collect", bytes_of(body, sizeof body));
    call(&request, &r);
    cr_assert_eq(r.http, 413, "%s", r.error);
    cr_assert_eq(released, 4);
    close_client();
    fixture_stop(&net_fixture);
}

Test(client, bounds_what_it_takes) {
    net_start();
    open_client(NULL);
    struct result r;
    struct client_request request =
        make_request(net_fixture.port, "/big?bytes=5000", bytes_of(NULL, 0));
    request.response_max = 5000;
    call(&request, &r);
    cr_assert_eq(r.http, 200);
    cr_assert_eq(r.len, 5000);
    request.response_max = 4999;
    call(&request, &r);
    cr_assert_eq(r.http, 0);
    cr_assert_eq(r.len, 0);
    close_client();
    fixture_stop(&net_fixture);
}

Test(client, gives_up_in_time) {
    net_start();
    open_client(NULL);
    struct result r;
    struct client_request request =
        make_request(net_fixture.port, "/later?ms=1000", bytes_of(NULL, 0));
    request.timeout_ms = 200;
    uint64_t before = clock_monotonic_ms();
    call(&request, &r);
    cr_assert_eq(r.http, 0);
    cr_assert_lt(clock_monotonic_ms() - before, 2000);
    get("/hello", &r); /* others are not disturbed */
    cr_assert_eq(r.http, 200);
    uint16_t port = net_fixture.port;
    fixture_stop(&net_fixture);
    request = make_request(port, "/hello", bytes_of(NULL, 0)); /* nobody listens */
    call(&request, &r);
    cr_assert_eq(r.http, 0);
    close_client();
}

Test(client, bounds_its_calls) {
    net_start();
    struct client_options options = {.calls_max = 5, .per_host_max = 2, .connect_timeout_ms = 1000};
    open_client(&options);
    struct result r[6];
    memset(r, 0, sizeof r);
    struct client_request request =
        make_request(net_fixture.port, "/later?ms=100", bytes_of(NULL, 0));
    for (int i = 0; i < 5; i++) {
        cr_assert_eq(client_send(client, &request, done, &r[i], NULL), STATUS_OK);
    }
    cr_assert_eq(client_calls(client), 5);
    cr_assert_eq(client_send(client, &request, done, &r[5], NULL), STATUS_BUSY);
    cr_assert_eq(released, 1, "of the one refused");
    size_t connections = 0;
    while (client_calls(client) > 0) {
        uv_run(loop_uv(loop), UV_RUN_ONCE);
        struct server_stats stats = fixture_stats(&net_fixture);
        connections = stats.connections > connections ? stats.connections : connections;
    }
    for (int i = 0; i < 5; i++) {
        cr_assert_eq(r[i].http, 200, "%s", r[i].error);
    }
    cr_assert_eq(r[5].count, 0);
    cr_assert_eq(connections, 2);
    close_client();
    fixture_stop(&net_fixture);
}

Test(client, refuses_what_is_no_http_url) {
    open_client(NULL);
    struct result r = {0};
    static const char *const urls[] = {"",
                                       "x",
                                       "ftp://127.0.0.1/",
                                       "file:///etc/passwd",
                                       "HTTP://127.0.0.1/",
                                       "http://127.0.0.1/a b",
                                       "http://127.0.0.1/\r\nX: y",
                                       "http://127.0.0.1/\xc3\xa9"};
    size_t count = sizeof urls / sizeof urls[0];
    for (size_t i = 0; i < count; i++) {
        struct client_request request = make_request(1, "/", bytes_of(NULL, 0));
        request.url = urls[i];
        cr_assert_eq(client_send(client, &request, done, &r, NULL), STATUS_BAD_FORM, "%s", urls[i]);
    }
    cr_assert_eq(released, (int)count);
    close_client();
    cr_assert_eq(r.count, 0);
}

Test(client, cancels) {
    net_start();
    open_client(NULL);
    struct result r[4];
    memset(r, 0, sizeof r);
    struct client_call *calls[3];
    struct client_request request =
        make_request(net_fixture.port, "/later?ms=200", bytes_of("x", 1));
    for (int i = 0; i < 3; i++) {
        cr_assert_eq(client_send(client, &request, done, &r[i], &calls[i]), STATUS_OK);
    }
    client_cancel(calls[0]); /* before it began */
    cr_assert_eq(released, 1);
    for (int i = 0; i < 20; i++) {
        uv_run(loop_uv(loop), UV_RUN_NOWAIT);
        sleep_ms(2);
    }
    client_cancel(calls[1]); /* under way */
    wait_for(&r[2]);
    cr_assert_eq(r[2].http, 200);
    cr_assert_eq(released, 3);
    /* What is left at the close is cancelled. */
    cr_assert_eq(client_send(client, &request, done, &r[3], NULL), STATUS_OK);
    uv_run(loop_uv(loop), UV_RUN_NOWAIT);
    close_client();
    cr_assert_eq(released, 4);
    cr_assert_eq(r[0].count + r[1].count + r[3].count, 0);
    fixture_stop(&net_fixture);
}

static void close_in_done(void *context, const struct client_response *response) {
    done(context, response);
    client_close(client, closed_cb, NULL);
}

Test(client, may_be_closed_from_a_callback) {
    net_start();
    open_client(NULL);
    struct result r[2];
    memset(r, 0, sizeof r);
    struct client_request request = make_request(net_fixture.port, "/hello", bytes_of(NULL, 0));
    cr_assert_eq(client_send(client, &request, close_in_done, &r[0], NULL), STATUS_OK);
    request = make_request(net_fixture.port, "/later?ms=500", bytes_of(NULL, 0));
    cr_assert_eq(client_send(client, &request, done, &r[1], NULL), STATUS_OK);
    loop_run(loop);
    loop_free(loop);
    cr_assert(client_closed);
    cr_assert_eq(r[0].http, 200);
    cr_assert_eq(r[1].count, 0);
    cr_assert_eq(released, 2);
    fixture_stop(&net_fixture);
}

Test(client, takes_no_proxy_from_the_environment) {
    setenv("http_proxy", "http://127.0.0.1:1", 1);
    setenv("ALL_PROXY", "http://127.0.0.1:1", 1);
    net_start();
    open_client(NULL);
    struct result r;
    get("/hello", &r);
    cr_assert_eq(r.http, 200, "%s", r.error);
    close_client();
    fixture_stop(&net_fixture);
}

/* --- peers with a script --- */

struct peer {
    int listen_fd;
    uint16_t port;
    const char *answer; /* sent to whoever connects, `repeat` times the last part */
    const char *repeat;
    int repeats;
    bool reset;          /* close without waiting for the client to do so */
    uv_sem_t *heard_sem; /* if set: posted when something came, then go_sem waited for */
    uv_sem_t *go_sem;
    char heard[4096];
    uv_thread_t thread;
};

static void peer_main(void *arg) {
    struct peer *peer = arg;
    int fd = accept(peer->listen_fd, NULL, NULL);
    ssize_t n = recv(fd, peer->heard, sizeof peer->heard - 1, 0);
    if (peer->heard_sem != NULL) {
        uv_sem_post(peer->heard_sem);
        uv_sem_wait(peer->go_sem);
    }
    if (n > 0 && raw_send_text(fd, peer->answer)) {
        for (int i = 0; i < peer->repeats && raw_send_text(fd, peer->repeat); i++) {
        }
    }
    char piece[4096];
    if (peer->reset) {
        struct linger linger = {.l_onoff = 1, .l_linger = 0};
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
    } else {
        shutdown(fd, SHUT_WR);
        while (recv(fd, piece, sizeof piece, 0) > 0) {
        }
    }
    close(fd);
}

static void peer_start(struct peer *peer) {
    peer->listen_fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;
    cr_assert_eq(bind(peer->listen_fd, (struct sockaddr *)&address, len), 0);
    cr_assert_eq(listen(peer->listen_fd, 5), 0);
    cr_assert_eq(getsockname(peer->listen_fd, (struct sockaddr *)&address, &len), 0);
    peer->port = ntohs(address.sin_port);
    uv_thread_create(&peer->thread, peer_main, peer);
}

static void play_peer(struct peer *peer, struct bytes body, struct result *r) {
    open_client(NULL);
    peer_start(peer);
    struct client_request request = make_request(peer->port, "/", body);
    request.response_max = 100000;
    request.timeout_ms = 3000;
    call(&request, r);
    close_client();
    uv_thread_join(&peer->thread);
    close(peer->listen_fd);
}

static void play(const char *answer, const char *repeat, int repeats, struct result *r) {
    struct peer peer = {.answer = answer, .repeat = repeat, .repeats = repeats};
    play_peer(&peer, bytes_of(NULL, 0), r);
}

#define OK "HTTP/1.1 200 OK\r\n"

Test(client, strange_peers) {
    struct result r;
    static const char *const broken[] = {
        "",
        "rubbish\r\n\r\n",
        OK "Content-Length: 10\r\n\r\nshort",
        OK "Content-Length: x\r\n\r\n",
        OK "Transfer-Encoding: chunked\r\n\r\nzz\r\n",
        OK "Transfer-Encoding: chunked\r\n\r\n5\r\nab",
    };
    for (size_t i = 0; i < sizeof broken / sizeof broken[0]; i++) {
        play(broken[i], "", 0, &r);
        cr_assert_eq(r.http, 0, "%s", broken[i]);
        for (const char *c = r.error; *c != '\0'; c++) {
            cr_assert(*c >= 0x20 && *c <= 0x7e);
        }
    }
    play(OK "Content-Length: 2\r\n\r\nok", "", 0, &r);
    cr_assert_eq(r.http, 200);
    cr_assert_str_eq(r.body, "ok");
    play("HTTP/1.1 503 Busy\r\nRetry-After: 17\r\nContent-Length: 0\r\n\r\n", "", 0, &r);
    cr_assert_eq(r.http, 503);
    cr_assert_eq(r.retry_after_s, 17);
    cr_assert_eq(r.date_s, 0);
    play(OK "Date: Tue, 14 Nov 2023 22:13:20 GMT\r\nContent-Length: 0\r\n\r\n", "", 0, &r);
    cr_assert_eq(r.date_s, 1700000000);
    play(OK "Date: soon\r\nContent-Length: 0\r\n\r\n", "", 0, &r);
    cr_assert_eq(r.http, 200);
    cr_assert_eq(r.date_s, 0);
    cr_assert_str_eq(r.type, "");
}

Test(client, endless_answers) {
    struct result r;
    static char piece[60001];
    memset(piece, 'e', sizeof piece - 1);
    play(OK "\r\n", piece, 100000, &r);
    cr_assert_eq(r.http, 0);
    cr_assert_not_null(strstr(r.error, "larger"), "%s", r.error);
    play(OK "Content-Length: 1000000000\r\n\r\n", piece, 100000, &r);
    cr_assert_eq(r.http, 0);
    static char header[1001];
    memset(header, 'h', sizeof header - 1);
    memcpy(header, "\r\nX: ", 5);
    play("HTTP/1.1 200 OK", header, 10000000, &r);
    cr_assert_eq(r.http, 0);
}

Test(client, follows_no_redirect) {
    struct result r;
    play("HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n", "", 0,
         &r);
    cr_assert_eq(r.http, 302);
}

/* The answer and the reset are both there when the loop looks. */
Test(client, reads_the_answer_before_a_reset) {
    struct result r = {0};
    uv_sem_t heard;
    uv_sem_t go;
    uv_sem_init(&heard, 0);
    uv_sem_init(&go, 0);
    struct peer peer = {.answer = OK "Content-Length: 4\r\n\r\nmuch",
                        .reset = true,
                        .heard_sem = &heard,
                        .go_sem = &go};
    open_client(NULL);
    peer_start(&peer);
    struct client_request request = make_request(peer.port, "/", bytes_of(NULL, 0));
    cr_assert_eq(client_send(client, &request, done, &r, NULL), STATUS_OK);
    while (uv_sem_trywait(&heard) != 0) {
        uv_run(loop_uv(loop), UV_RUN_NOWAIT);
    }
    uv_sem_post(&go);
    uv_thread_join(&peer.thread);
    wait_for(&r);
    cr_assert_eq(r.http, 200, "%s", r.error);
    cr_assert_str_eq(r.body, "much");
    close_client();
    close(peer.listen_fd);
}

static uint8_t large_body[8 << 20];

Test(client, sends_what_it_is_told) {
    struct result r;
    struct peer peer = {.answer = "HTTP/1.1 400 Bad\r\nContent-Length: 0\r\n\r\n"};
    play_peer(&peer, bytes_of(large_body, sizeof large_body), &r);
    cr_assert_eq(r.http, 400);
    cr_assert_eq(strncmp(peer.heard, "POST / HTTP/1.1\r\n", 17), 0);
    cr_assert_not_null(strstr(peer.heard, "User-Agent: dutylog\r\n"));
    cr_assert_null(strstr(peer.heard, "Expect"), "no round trip before the body");
    cr_assert_null(strstr(peer.heard, "Content-Type"), "not what libcurl makes up");
}
