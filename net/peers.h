/* Who asks: addresses and issuers, each with a bucket of tokens, in a table of fixed size.
 *
 * A *bucket* holds at most `burst` tokens and gets `rate` of them each second; what is done costs
 * tokens, and who has none left waits. It may go into debt for what was known only afterwards.
 *
 * The table has room for PEERS_MAX keys, in sets of PEERS_WAYS. Where a set is full, the key not
 * seen for longest gives way, unless connections of it are open or it is known; if none can, all
 * further keys of that set share one peer. So a flood from many addresses takes no memory, and
 * costs those whose set it fills their own bucket, not their service. Which keys share a set is
 * secret to the process. */
#ifndef DUTYLOG_NET_PEERS_H
#define DUTYLOG_NET_PEERS_H

#include "ledger/bytes.h"

#include <sys/socket.h>

#define PEERS_MAX 8192
#define PEERS_WAYS 8

/* --- addresses --- */

/* An IPv4 address, or the first 64 bits of an IPv6 address: what one customer of a network has. */
struct address {
    uint8_t bytes[16]; /* IPv4 as ::ffff:a.b.c.d */
    bool loopback;
};
/* False: neither IPv4 nor IPv6. */
bool address_of(const struct sockaddr *socket, struct address *out);
/* "192.0.2.1", "2001:db8::1". False: none. */
bool address_parse(struct bytes text, struct address *out);
bool address_equal(const struct address *a, const struct address *b);
/* The last address of an X-Forwarded-For: the one that the proxy nearest to us saw. False: none. */
bool address_forwarded(const char *header, struct address *out);

/* --- buckets --- */

struct bucket_size {
    uint64_t rate; /* tokens a second; 0: no limit */
    uint64_t burst;
};

struct peer_row {
    uint8_t key[16];
    bool used;
    unsigned connections;
    uint64_t seen_ms;
    uint64_t known_until_ms; /* 0: not known */
    int64_t tokens;          /* in thousandths */
    uint64_t filled_ms;
};

/* Takes `cost` tokens. False: not enough, nothing taken; `wait_s` is when there are, at least 1. */
bool peer_take(struct peer_row *peer, const struct bucket_size *size, uint64_t cost,
               uint64_t now_ms, unsigned *wait_s) MUST_USE;
/* Takes them whether there are enough or not; the debt is at most a burst. */
void peer_charge(struct peer_row *peer, const struct bucket_size *size, uint64_t cost,
                 uint64_t now_ms);
bool peer_is_known(const struct peer_row *peer, uint64_t now_ms);

/* --- the table --- */

struct peers;

/* NOMEM. About 600 KiB. */
enum status peers_open(struct peers **out) MUST_USE;
void peers_free(struct peers *peers); /* NULL is allowed */
/* The peer of a key, a new one with a full bucket if there was none; never NULL. Stays where it is
 * while it has connections or is known, else until the next call. */
struct peer_row *peers_of_address(struct peers *peers, const struct address *address,
                                  uint64_t now_ms);
struct peer_row *peers_of_name(struct peers *peers, struct bytes name, uint64_t now_ms);

#endif
