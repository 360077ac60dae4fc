/* A replica driven by hand, as a story: each step gives it one event and says which actions must
 * come of it, in order, as text: "cut after 10", "checkpoint a 10-11", "entries a 10-11", "fetch
 * a", "publish 11 +1 a b" (size, seconds from the story's beginning to the quorum time, cosigners),
 * "serve 11", "halt", "release 0". NULL expects nothing in particular.
 * One story at a time, in `story`. */
#ifndef DUTYLOG_TESTS_LIB_REPLICA_STORY_H
#define DUTYLOG_TESTS_LIB_REPLICA_STORY_H

#include "ledger/replica.h"

#define ORIGIN "agency.example/log"
#define T0 1700000000000 /* ms: when every story begins */

struct story {
    struct replica replica;
    struct replica_actions actions;
    struct signer log;
    struct signer mirrors[4];
    struct policy policies[4];
    char texts[4][4096];
    uint64_t now;
    uint64_t committed;
    int64_t offsets[4]; /* seconds: the times that the mirrors sign, minus our clock */
    bool dated;         /* answers say what the mirror's clock is: */
    int64_t clocks[4];  /* seconds: that minus ours */
    char got[4096];
};

extern struct story *story;

void story_setup(void);
void story_teardown(void);

/* What the log signs at a size; `history` 0 is what it holds. */
struct hash root_at(uint64_t size, uint8_t history);
struct head head_at(uint64_t size, uint8_t history);
size_t mirror_place(char name);
const struct replica_mirror *mirror(char name);

void start_at(uint64_t committed, uint64_t head_size, uint64_t published, enum replica_guard guard,
              const char *expected, int line);
/* Policy `number`: `k` of the mirrors named in `members`; k = 0: "quorum none". */
void policy_at(size_t number, const char *members, unsigned k, uint64_t index, const char *expected,
               int line);
void step_guard(enum replica_guard guard, const char *expected, int line);
void coming_at(const char *expected, int line);
void committed_at(uint64_t size, const char *expected, int line);
/* The candidate of all that is committed, or a failure. */
void cut_at(enum status status, const char *expected, int line);
void published_at(enum status status, const char *expected, int line);
void tick_at(uint64_t ms, const char *expected, int line);
void response_at(char mirror, unsigned http, struct bytes body, const struct hash *root,
                 const char *expected, int line);
/* 200 with the mirror's cosignature of the checkpoint of `size`, by its clock. */
void cosign_at(char mirror, uint64_t size, uint8_t history, const char *expected, int line);

#define START(committed, head, published, expected)                                                \
    start_at(committed, head, published, GUARD_NONE, expected, __LINE__)
#define POLICY(number, members, k, index, expected)                                                \
    policy_at(number, members, k, index, expected, __LINE__)
#define COMING(expected) coming_at(expected, __LINE__)
#define COMMITTED(size, expected) committed_at(size, expected, __LINE__)
#define CUT(expected) cut_at(STATUS_OK, expected, __LINE__)
#define PUBLISHED(expected) published_at(STATUS_OK, expected, __LINE__)
#define TICK(ms, expected) tick_at(ms, expected, __LINE__)
#define ANSWER(mirror, http, body, expected)                                                       \
    response_at(mirror, http, bytes_text(body), NULL, expected, __LINE__)
#define COSIGN(mirror, size, expected) cosign_at(mirror, size, 0, expected, __LINE__)

/* A log of 10 entries with policy 2 of {a, b, c}, published by a and b; c did it late. */
void begin_published(void);

#endif
