/* Who is let in, and how fast; and that each refusal is counted under its own reason. */
#include "tests/lib/net_handlers.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* A connection from another address of this machine. */
static int connect_from(const char *address) {
    struct sockaddr_in here = {.sin_family = AF_INET};
    struct sockaddr_in there = {.sin_family = AF_INET, .sin_port = htons(net_fixture.port)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    inet_pton(AF_INET, address, &here.sin_addr);
    inet_pton(AF_INET, "127.0.0.1", &there.sin_addr);
    cr_assert_eq(bind(fd, (struct sockaddr *)&here, sizeof here), 0);
    cr_assert_eq(connect(fd, (struct sockaddr *)&there, sizeof there), 0);
    return fd;
}

static struct address address(const char *text) {
    struct address out;
    cr_assert(address_parse(bytes_text(text), &out));
    return out;
}

static int answer_of(int fd, const char *text) {
    static struct raw_response r;
    if (!raw_send_text(fd, text)) {
        return 0;
    }
    raw_receive(fd, false, &r);
    return r.http;
}

/* --- connections --- */

Test(server_client, one_address_has_so_many_connections) {
    struct server_options options = server_defaults;
    options.per_peer_max = 3;
    net_start_with(&options);
    int fds[4];
    for (int i = 0; i < 4; i++) {
        fds[i] = connect_from("127.0.0.2");
        cr_assert_eq(answer_of(fds[i], GET("/hello")), i < 3 ? 200 : 0, "%d", i);
    }
    cr_assert_eq(counter_value(COUNTER_CUT_PEER_FULL), 1);
    int other = connect_from("127.0.0.3");
    cr_assert_eq(answer_of(other, GET("/hello")), 200);
    raw_close(fds[0]); /* which makes room */
    while (fixture_stats(&net_fixture).connections > 3) {
        sleep_ms(5);
    }
    int again = connect_from("127.0.0.2");
    cr_assert_eq(answer_of(again, GET("/hello")), 200);
    for (int i = 1; i < 4; i++) {
        raw_close(fds[i]);
    }
    raw_close(other);
    raw_close(again);
    fixture_stop(&net_fixture);
}

Test(server_client, strangers_leave_places_to_the_known) {
    struct server_options options = server_defaults;
    struct address known = address("127.0.0.9");
    options.connections_max = 32;
    options.reserve = 4;
    options.known = &known;
    options.known_count = 1;
    net_start_with(&options);
    int fds[28];
    for (int i = 0; i < 28; i++) {
        fds[i] = connect_from("127.0.0.2");
        cr_assert_eq(answer_of(fds[i], GET("/hello")), 200);
    }
    int stranger = connect_from("127.0.0.3");
    cr_assert_eq(answer_of(stranger, GET("/hello")), 0);
    cr_assert_eq(counter_value(COUNTER_CUT_FULL), 1);
    int friends[4];
    for (int i = 0; i < 4; i++) {
        friends[i] = connect_from("127.0.0.9");
        cr_assert_eq(answer_of(friends[i], GET("/hello")), 200, "%d", i);
        raw_close(friends[i]);
    }
    raw_close(stranger);
    for (int i = 0; i < 28; i++) {
        raw_close(fds[i]);
    }
    fixture_stop(&net_fixture);
}

Test(server_client, strangers_leave_body_memory_to_the_known) {
    struct server_options options = server_defaults;
    struct address known = address("127.0.0.9");
    options.body_budget = 40000;
    options.body_reserve = 10000;
    options.known = &known;
    options.known_count = 1;
    net_start_with(&options);
    struct raw_response r;
    int stranger = connect_from("127.0.0.2");
    cr_assert(net_send_body(stranger, "/collect", 30001, 30001, ""));
    raw_receive(stranger, false, &r);
    cr_assert_eq(r.http, 503);
    cr_assert_neq(raw_header(&r, "Retry-After")[0], '\0');
    cr_assert_eq(counter_value(COUNTER_REFUSED_BODY_BUDGET), 1);
    raw_close(stranger);
    int friend = connect_from("127.0.0.9");
    cr_assert(net_send_body(friend, "/collect", 40000, 40000, ""));
    raw_receive(friend, false, &r);
    cr_assert_eq(r.http, 200);
    raw_close(friend);
    fixture_stop(&net_fixture);
}

/* --- behind a proxy --- */

static void start_proxied(struct server_options *options) {
    *options = server_defaults;
    options->proxied = true;
    options->proxy = address("127.0.0.5");
    options->rate = (struct bucket_size){.rate = 1, .burst = 5};
    net_start_with(options);
}

#define FROM(path, client) "GET " path " HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: " client "\r\n\r\n"

Test(server_client, one_address_has_so_many_requests) {
    struct server_options options;
    start_proxied(&options);
    static struct raw_response r;
    int proxy = connect_from("127.0.0.5");
    for (int i = 0; i < 5; i++) {
        cr_assert_eq(answer_of(proxy, FROM("/hello", "192.0.2.1")), 200, "%d", i);
    }
    net_exchange(proxy, FROM("/hello", "192.0.2.1"), &r);
    cr_assert_eq(r.http, 429);
    cr_assert_str_eq(raw_header(&r, "Retry-After"), "1");
    cr_assert_eq(counter_value(COUNTER_REFUSED_RATE), 1);
    cr_assert_eq(answer_of(proxy, FROM("/hello", "1.1.1.1, 192.0.2.1")), 429,
                 "the last one counts");
    cr_assert_eq(answer_of(proxy, FROM("/hello", "192.0.2.1, 192.0.2.2")), 200);
    sleep_ms(1100);
    cr_assert_eq(answer_of(proxy, FROM("/hello", "192.0.2.1")), 200, "and again in time");
    raw_close(proxy);
    fixture_stop(&net_fixture);
}

Test(server_client, whoever_is_not_the_proxy_is_not_believed) {
    struct server_options options;
    start_proxied(&options);
    int direct = connect_from("127.0.0.2");
    for (int i = 0; i < 10; i++) { /* loopback has no rate, and is nobody else */
        cr_assert_eq(answer_of(direct, FROM("/hello", "192.0.2.1")), 200);
    }
    int proxy = connect_from("127.0.0.5");
    cr_assert_eq(answer_of(proxy, FROM("/hello", "192.0.2.1")), 200, "nothing was taken from it");
    raw_close(direct);
    raw_close(proxy);
    fixture_stop(&net_fixture);
}

Test(server_client, a_proxy_that_names_nobody_pays_itself) {
    struct server_options options;
    start_proxied(&options);
    int proxy = connect_from("127.0.0.5");
    int answered = 0;
    for (int i = 0; i < 8; i++) {
        answered += answer_of(proxy, i % 2 == 0 ? GET("/hello") : FROM("/hello", "-")) == 200;
    }
    cr_assert_eq(answered, 5);
    raw_close(proxy);
    fixture_stop(&net_fixture);
}

/* --- reasons --- */

struct reason_case {
    const char *request;
    int http;
    enum counter reason;
};

Test(server_client, every_refusal_has_its_own_counter) {
    static char target[7000];
    static char headers[20000];
    memset(target, 'a', sizeof target - 1);
    memset(headers, 'a', sizeof headers - 1);
    static char long_target[sizeof target + 100];
    static char long_headers[sizeof headers + 100];
    snprintf(long_target, sizeof long_target, "GET /%s HTTP/1.1\r\nHost: x\r\n\r\n", target);
    snprintf(long_headers, sizeof long_headers, "GET /hello HTTP/1.1\r\nHost: x\r\nX: %s\r\n\r\n",
             headers);
    const struct reason_case cases[] = {
        {GET("/nothing"), 404, COUNTER_REFUSED_PATH},
        {"DELETE /hello HTTP/1.1\r\nHost: x\r\n\r\n", 405, COUNTER_REFUSED_METHOD},
        {long_target, 414, COUNTER_REFUSED_TARGET},
        {"GET hello HTTP/1.1\r\nHost: x\r\n\r\n", 400, COUNTER_REFUSED_TARGET},
        {"POST /collect HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nx",
         400, COUNTER_REFUSED_FRAMING},
        {"POST /collect HTTP/1.1\r\nHost: x\r\nContent-Length: 999999999\r\n\r\n", 413,
         COUNTER_REFUSED_BODY_SIZE},
        {"GET /hello HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nx", 413,
         COUNTER_REFUSED_BODY_SIZE},
        {"POST /collect HTTP/1.1\r\nHost: x\r\nContent-Encoding: br\r\nContent-Length: 1\r\n\r\nx",
         415, COUNTER_REFUSED_CODING},
        {long_headers, 431, COUNTER_REFUSED_HEADERS},
        {"GET /hello HTTP/1.1\r\nbad header\r\n\r\n", 400, COUNTER_REFUSED_MALFORMED},
    };
    net_start_with(net_quick());
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        static struct raw_response r;
        uint64_t before = counter_value(cases[i].reason);
        net_once(cases[i].request, &r);
        cr_assert_eq(r.http, cases[i].http, "%zu: %d", i, r.http);
        cr_assert_eq(counter_value(cases[i].reason), before + 1, "%zu", i);
    }
    static struct raw_response r;
    net_once(GET("/silent"), &r);
    cr_assert_eq(r.http, 503);
    cr_assert_eq(counter_value(COUNTER_REFUSED_DEADLINE), 1);
    fixture_stop(&net_fixture);
}

static void add_up(void *context, const struct counter_view *view) {
    if (strcmp(view->family, "dutylog_refusals_total") == 0) {
        *(uint64_t *)context += view->value;
    }
}

Test(server_client, refusals_add_up_to_the_answers) {
    static const char *const requests[] = {GET("/nothing"), GET("/hello"), GET("/silent"),
                                           "PUT /hello HTTP/1.1\r\nHost: x\r\n\r\n",
                                           "GET /hello HTTP/1.1\r\nbad header\r\n\r\n"};
    static struct raw_response r;
    net_start_with(net_quick());
    for (size_t i = 0; i < sizeof requests / sizeof requests[0]; i++) {
        net_once(requests[i], &r);
    }
    struct server_stats stats = fixture_stats(&net_fixture);
    uint64_t sum = 0;
    counters_each(add_up, &sum);
    cr_assert_eq(stats.answered[4] + stats.answered[5], 4);
    cr_assert_eq(sum, 4);
    fixture_stop(&net_fixture);
}

Test(server_client, what_is_cut_off_is_counted) {
    net_start_with(net_quick());
    int idle = raw_connect(net_fixture.port);
    int headers = raw_connect(net_fixture.port);
    int body = raw_connect(net_fixture.port);
    cr_assert(raw_send_text(headers, "GET /hello HTTP/1.1\r\nHos"));
    cr_assert(net_send_body(body, "/collect", 100, 1, ""));
    cr_assert_geq(raw_wait_closed(idle, 2000), 0);
    cr_assert_geq(raw_wait_closed(headers, 2000), 0);
    cr_assert_geq(raw_wait_closed(body, 2000), 0);
    cr_assert_eq(counter_value(COUNTER_CUT_IDLE), 1);
    cr_assert_eq(counter_value(COUNTER_CUT_HEADERS), 1);
    cr_assert_eq(counter_value(COUNTER_CUT_BODY), 1);
    raw_close(idle);
    raw_close(headers);
    raw_close(body);
    fixture_stop(&net_fixture);
}
