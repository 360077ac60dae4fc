#include "net/peers.h"

#include "crypto/hash.h"
#include "crypto/random.h"

#include <arpa/inet.h>
#include <assert.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#define SETS (PEERS_MAX / PEERS_WAYS)
#define SEED_SIZE 16
#define TOKEN 1000 /* tokens are counted in thousandths */

struct peers {
    uint8_t seed[SEED_SIZE];
    struct peer_row rows[SETS][PEERS_WAYS];
    struct peer_row shared[SETS]; /* of those for whom the set had no room */
};

/* --- addresses --- */

static void put_v4(const struct in_addr *in, struct address *out) {
    *out = (struct address){.bytes = {[10] = 0xff, [11] = 0xff},
                            .loopback = ntohl(in->s_addr) >> 24 == 127};
    memcpy(out->bytes + 12, &in->s_addr, 4);
}

static void put_v6(const struct in6_addr *in6, struct address *out) {
    if (IN6_IS_ADDR_V4MAPPED(in6)) {
        struct in_addr in;
        memcpy(&in.s_addr, in6->s6_addr + 12, 4);
        put_v4(&in, out);
        return;
    }
    *out = (struct address){.loopback = IN6_IS_ADDR_LOOPBACK(in6)};
    memcpy(out->bytes, in6->s6_addr, 8);
}

bool address_of(const struct sockaddr *socket, struct address *out) {
    if (socket->sa_family == AF_INET) {
        struct sockaddr_in in;
        memcpy(&in, socket, sizeof in);
        put_v4(&in.sin_addr, out);
        return true;
    }
    if (socket->sa_family == AF_INET6) {
        struct sockaddr_in6 in6;
        memcpy(&in6, socket, sizeof in6);
        put_v6(&in6.sin6_addr, out);
        return true;
    }
    return false;
}

bool address_parse(struct bytes text, struct address *out) {
    char copy[INET6_ADDRSTRLEN];
    struct in_addr in;
    struct in6_addr in6;
    if (text.len == 0 || text.len >= sizeof copy || memchr(text.data, '\0', text.len) != NULL) {
        return false;
    }
    memcpy(copy, text.data, text.len);
    copy[text.len] = '\0';
    if (inet_pton(AF_INET, copy, &in) == 1) {
        put_v4(&in, out);
        return true;
    }
    if (inet_pton(AF_INET6, copy, &in6) == 1) {
        put_v6(&in6, out);
        return true;
    }
    return false;
}

bool address_equal(const struct address *a, const struct address *b) {
    return memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}

static bool is_space(char c) {
    return c == ' ' || c == '\t';
}

bool address_forwarded(const char *header, struct address *out) {
    if (header == NULL) {
        return false;
    }
    const char *comma = strrchr(header, ',');
    const char *start = comma != NULL ? comma + 1 : header;
    while (is_space(*start)) {
        start++;
    }
    size_t len = strlen(start);
    while (len > 0 && is_space(start[len - 1])) {
        len--;
    }
    if (len > 2 && start[0] == '[' && start[len - 1] == ']') {
        start++; /* as some proxies write IPv6 */
        len -= 2;
    }
    return address_parse(bytes_of(start, len), out);
}

/* --- buckets --- */

static void fill(struct peer_row *peer, const struct bucket_size *size, uint64_t now_ms) {
    int64_t full = (int64_t)size->burst * TOKEN;
    uint64_t passed = now_ms - peer->filled_ms;
    /* A second's rate is `rate` tokens, a millisecond's as many thousandths. Longer than it takes
     * to fill twice over, after the deepest debt, is full. */
    if (passed > 2 * size->burst * TOKEN / size->rate) {
        peer->tokens = full;
    } else {
        peer->tokens += (int64_t)(passed * size->rate);
        peer->tokens = peer->tokens < full ? peer->tokens : full;
    }
    peer->filled_ms = now_ms;
}

bool peer_take(struct peer_row *peer, const struct bucket_size *size, uint64_t cost,
               uint64_t now_ms, unsigned *wait_s) {
    if (size->rate == 0) {
        return true;
    }
    assert(cost <= size->burst);
    fill(peer, size, now_ms);
    int64_t wanted = (int64_t)cost * TOKEN;
    if (peer->tokens < wanted) {
        uint64_t missing = (uint64_t)(wanted - peer->tokens);
        *wait_s = (unsigned)(missing / (size->rate * 1000) + 1);
        return false;
    }
    peer->tokens -= wanted;
    return true;
}

void peer_charge(struct peer_row *peer, const struct bucket_size *size, uint64_t cost,
                 uint64_t now_ms) {
    if (size->rate == 0) {
        return;
    }
    fill(peer, size, now_ms);
    int64_t floor = -(int64_t)size->burst * TOKEN;
    uint64_t most = cost < 2 * size->burst ? cost : 2 * size->burst;
    peer->tokens -= (int64_t)most * TOKEN;
    peer->tokens = peer->tokens > floor ? peer->tokens : floor;
}

bool peer_is_known(const struct peer_row *peer, uint64_t now_ms) {
    return peer->known_until_ms > now_ms;
}

/* --- the table --- */

enum status peers_open(struct peers **out) {
    struct peers *peers = calloc(1, sizeof *peers);
    if (peers == NULL) {
        return STATUS_NOMEM;
    }
    random_fill(peers->seed, sizeof peers->seed);
    *out = peers;
    return STATUS_OK;
}

void peers_free(struct peers *peers) {
    free(peers);
}

static void begin(struct peer_row *peer, const uint8_t key[16], uint64_t now_ms) {
    memset(peer, 0, sizeof *peer);
    memcpy(peer->key, key, sizeof peer->key);
    peer->used = true;
    peer->seen_ms = now_ms;
    /* Full, whatever a bucket's size: fill cuts it down. */
    peer->tokens = INT64_MAX / 2;
    peer->filled_ms = now_ms;
}

static struct peer_row *find(struct peers *peers, const uint8_t key[16], uint64_t now_ms) {
    uint8_t seeded[SEED_SIZE + 16];
    struct hash hash;
    memcpy(seeded, peers->seed, SEED_SIZE);
    memcpy(seeded + SEED_SIZE, key, 16);
    hash_of(seeded, sizeof seeded, &hash);
    size_t set = ((size_t)hash.bytes[0] << 8 | hash.bytes[1]) % SETS;
    struct peer_row *room = NULL;
    for (size_t i = 0; i < PEERS_WAYS; i++) {
        struct peer_row *peer = &peers->rows[set][i];
        if (peer->used && memcmp(peer->key, key, 16) == 0) {
            peer->seen_ms = now_ms;
            return peer;
        }
        bool free_now = !peer->used || (peer->connections == 0 && !peer_is_known(peer, now_ms));
        if (free_now &&
            (room == NULL || (room->used && (!peer->used || peer->seen_ms < room->seen_ms)))) {
            room = peer;
        }
    }
    if (room != NULL) {
        begin(room, key, now_ms);
        return room;
    }
    struct peer_row *shared = &peers->shared[set];
    if (!shared->used) {
        begin(shared, key, now_ms);
    }
    return shared;
}

struct peer_row *peers_of_address(struct peers *peers, const struct address *address,
                                  uint64_t now_ms) {
    return find(peers, address->bytes, now_ms);
}

struct peer_row *peers_of_name(struct peers *peers, struct bytes name, uint64_t now_ms) {
    struct hash hash;
    hash_of(name.data, name.len, &hash);
    return find(peers, hash.bytes, now_ms);
}
