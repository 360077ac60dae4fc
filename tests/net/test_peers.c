/* Addresses, buckets, and the table that holds both. */
#include "net/peers.h"

#include <criterion/criterion.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

static struct address parse(const char *text) {
    struct address out;
    cr_assert(address_parse(bytes_text(text), &out), "%s", text);
    return out;
}

static bool same(const char *a, const char *b) {
    struct address x = parse(a);
    struct address y = parse(b);
    return address_equal(&x, &y);
}

Test(peers, addresses) {
    cr_assert(same("192.0.2.1", "192.0.2.1"));
    cr_assert_not(same("192.0.2.1", "192.0.2.2"));
    cr_assert(same("192.0.2.1", "::ffff:192.0.2.1"), "one client, whichever socket");
    cr_assert(same("2001:db8:1:2::1", "2001:db8:1:2:ffff::9"), "a customer's network");
    cr_assert_not(same("2001:db8:1:2::1", "2001:db8:1:3::1"));
    cr_assert(parse("127.0.0.9").loopback && parse("::1").loopback);
    cr_assert(parse("::ffff:127.0.0.1").loopback);
    cr_assert_not(parse("128.0.0.1").loopback || parse("::2").loopback);
    static const char *const none[] = {"", "x", "1.2.3", "1.2.3.4.5", "[::1]", "::1%lo", " ::1"};
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++) {
        struct address out;
        cr_assert_not(address_parse(bytes_text(none[i]), &out), "%s", none[i]);
    }
    struct address out;
    cr_assert_not(address_parse(bytes_of("1.2.3.4\0", 8), &out));
}

Test(peers, forwarded_is_what_the_nearest_proxy_saw) {
    struct address out;
    struct address want = parse("192.0.2.7");
    cr_assert(address_forwarded("192.0.2.7", &out));
    cr_assert(address_equal(&out, &want));
    cr_assert(address_forwarded("10.0.0.1, evil,\t192.0.2.7 ", &out));
    cr_assert(address_equal(&out, &want));
    want = parse("2001:db8::1");
    cr_assert(address_forwarded("10.0.0.1,[2001:db8::1]", &out));
    cr_assert(address_equal(&out, &want));
    cr_assert_not(address_forwarded(NULL, &out));
    cr_assert_not(address_forwarded("", &out));
    cr_assert_not(address_forwarded("192.0.2.7,", &out));
    cr_assert_not(address_forwarded("192.0.2.7, unknown", &out));
}

static const struct bucket_size ten = {.rate = 10, .burst = 20};

/* How many of one token each can be had at once. */
static unsigned drain(struct peer_row *peer, const struct bucket_size *size, uint64_t now) {
    unsigned taken = 0;
    unsigned wait_s = 0;
    while (taken < 100000 && peer_take(peer, size, 1, now, &wait_s)) {
        taken++;
    }
    return taken;
}

Test(peers, bucket) {
    struct peers *peers = NULL;
    unsigned wait_s = 0;
    cr_assert_eq(peers_open(&peers), STATUS_OK);
    struct peer_row *peer = peers_of_name(peers, bytes_text("desk"), 5000);
    cr_assert_eq(drain(peer, &ten, 5000), 20, "a burst");
    cr_assert_eq(drain(peer, &ten, 5099), 0);
    cr_assert_not(peer_take(peer, &ten, 1, 5099, &wait_s));
    cr_assert_eq(wait_s, 1);
    cr_assert_not(peer_take(peer, &ten, 15, 5099, &wait_s));
    cr_assert_eq(wait_s, 2, "%u", wait_s);
    cr_assert_eq(drain(peer, &ten, 5100), 1);
    cr_assert_eq(drain(peer, &ten, 6100), 10, "its rate");
    cr_assert_eq(drain(peer, &ten, 1000000), 20, "no more than a burst, however long it was quiet");
    cr_assert_eq(drain(peer, &ten, UINT64_MAX / 2), 20);
    peers_free(peers);
}

Test(peers, debt_is_bounded) {
    struct peers *peers = NULL;
    cr_assert_eq(peers_open(&peers), STATUS_OK);
    struct peer_row *peer = peers_of_name(peers, bytes_text("desk"), 0);
    peer_charge(peer, &ten, 25, 0);
    cr_assert_eq(drain(peer, &ten, 500), 0);
    cr_assert_eq(drain(peer, &ten, 600), 1);
    peer_charge(peer, &ten, UINT64_MAX, 600);
    cr_assert_eq(drain(peer, &ten, 2600), 0);
    cr_assert_eq(drain(peer, &ten, 2700), 1, "a burst's debt at most");
    static const struct bucket_size none = {.rate = 0};
    peer_charge(peer, &none, 1000, 2700);
    cr_assert_eq(drain(peer, &none, 2700), 100000, "no rate, no limit");
    peers_free(peers);
}

static struct peer_row *nth(struct peers *peers, unsigned n, uint64_t now) {
    char name[32];
    int len = snprintf(name, sizeof name, "stranger-%u", n);
    return peers_of_name(peers, bytes_of(name, (size_t)len), now);
}

Test(peers, a_flood_of_keys_takes_no_memory_and_nobody_who_is_there) {
    struct peers *peers = NULL;
    cr_assert_eq(peers_open(&peers), STATUS_OK);
    struct peer_row *connected = peers_of_name(peers, bytes_text("connected"), 0);
    struct peer_row *known = peers_of_name(peers, bytes_text("known"), 0);
    connected->connections = 1;
    known->known_until_ms = 1000000;
    for (unsigned i = 0; i < 20 * PEERS_MAX; i++) {
        cr_assert_not_null(nth(peers, i, 1 + i));
    }
    cr_assert_eq(peers_of_name(peers, bytes_text("connected"), 900000), connected);
    cr_assert_eq(connected->connections, 1);
    cr_assert_eq(peers_of_name(peers, bytes_text("known"), 900000), known);
    /* All rows taken by connections: what comes shares a row, and is served. */
    for (unsigned i = 0; i < 20 * PEERS_MAX; i++) {
        nth(peers, i, 900000)->connections++;
    }
    struct peer_row *late = peers_of_name(peers, bytes_text("late"), 900000);
    cr_assert_not_null(late);
    cr_assert_gt(late->connections, 1, "a shared row");
    for (unsigned i = 0; i < 20 * PEERS_MAX; i++) {
        nth(peers, i, 900001)->connections--;
    }
    cr_assert_eq(connected->connections, 1, "each connection was taken from the row it was in");
    peers_free(peers);
}
