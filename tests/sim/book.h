/* What the simulator knows of a log, whatever the nodes say: who signs in it, its policies, and its
 * one history, or a dishonest log's several. */
#ifndef DUTYLOG_TESTS_SIM_BOOK_H
#define DUTYLOG_TESTS_SIM_BOOK_H

#include "ledger/merkle.h"
#include "ledger/replica.h"
#include "tests/lib/world.h"

struct sim;
struct node;

#define SIM_BOOKS_MAX 3
#define BOOK_POLICIES_MAX 6
#define BOOK_PROMISES_MAX 512
#define BOOK_CUTS_MAX 1024 /* later ones are not noted: what they cover is bounded less */
#define BOOK_HISTORIES_MAX 2
#define BOOK_LODGED_MAX 64
#define BOOK_FLIGHTS_MAX 256

/* Leaf hashes, and the root at every size. */
struct history {
    struct merkle_frontier frontier;
    struct hash *leaves;
    struct hash *roots; /* roots[n]: of the first n leaves */
    size_t cap;
};
void history_init(struct history *history);
void history_release(struct history *history);
void history_append(struct history *history, const struct hash *leaf);
/* False: the history has another root at that size, or does not reach it. */
bool history_has(const struct history *history, uint64_t size, const struct hash *root);

struct known_policy {
    const char *text;
    uint32_t members; /* bit i: the mirror of node i */
    unsigned threshold;
    bool safe; /* counts no mirror of the log's own operator */
    bool logged;
    uint64_t index; /* once logged */
};

/* An entry that the host said it had taken. */
struct promise {
    uint64_t index;
    struct hash leaf;
};

/* A head was signed then: nothing beyond it was there before. */
struct known_cut {
    uint64_t size;
    uint64_t at; /* true time */
};

/* What the history says of a key. */
struct known_issuer {
    uint64_t seq;
    struct hash id; /* of its last event */
    bool revoked;
};

/* Requests under way that carry a checkpoint of the log. */
struct flight {
    uint64_t size;
    unsigned copies;
};

struct book {
    struct sim *sim;
    size_t number;
    struct world world;
    bool opaque;
    bool honest;
    bool rewound; /* its folder was restored from an old backup: it may have to end */
    bool crowded; /* two processes ran on its folder at once */
    struct node *host;
    struct replica_options options;
    struct known_policy policies[BOOK_POLICIES_MAX];
    size_t policy_count;
    /* Of an honest log: what its key let out. Of a dishonest one: its trees. */
    struct history histories[BOOK_HISTORIES_MAX];
    size_t history_count;
    uint64_t last_stamp_ms;
    struct known_issuer issuers[WORLD_PEOPLE];
    struct hash lodged[BOOK_LODGED_MAX]; /* ids of the reports that are logged */
    size_t lodged_count;
    uint64_t shown; /* size of the largest signed head that reached anybody */
    struct flight flights[BOOK_FLIGHTS_MAX];
    uint64_t signed_size;    /* of the last head signed */
    uint64_t published_size; /* largest ever published */
    struct promise promises[BOOK_PROMISES_MAX];
    size_t promise_count;
    struct known_cut cuts[BOOK_CUTS_MAX];
    size_t cut_count;
    size_t promises_kept; /* of which so many are found in the history */
};

/* A request that carries a signed head of this size (0: none) leaves; it arrives, at somebody or at
 * nobody. */
void book_flies(struct book *book, uint64_t size);
void book_landed(struct book *book, uint64_t size, bool somebody);
/* The log lost what it signed, and the file that says that it signed it. What nobody has, nor may
 * yet get, was never said; `stored`: what it has still. */
void book_forget(struct book *book, uint64_t stored);

struct book *book_add(struct sim *sim, const char *origin, bool opaque);
void book_release(struct book *book);
struct bytes book_origin(const struct book *book);
/* Makes a policy's text: `threshold` of the mirrors of the nodes in `members`. Borrowed from the
 * book. */
struct known_policy *book_policy(struct book *book, uint32_t members, unsigned threshold);
/* The log.policy event with that text, by root 1. `aside`: not root 1's next event. */
struct bytes book_policy_event(struct book *book, const struct known_policy *policy, bool aside);
/* The policy in force in the first `size` entries; NULL: none. */
const struct known_policy *book_policy_at(const struct book *book, uint64_t size);

#endif
