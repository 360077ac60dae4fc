/* A little log and a little mirror of it, each on a store in memory, for tests of the protocol
 * between them. The bodies that the log sends are those that ledger/push.h makes; the mirror takes
 * them as a host does, by jobs in batches. */
#ifndef DUTYLOG_TESTS_LIB_LITTLE_H
#define DUTYLOG_TESTS_LIB_LITTLE_H

#include "ledger/fork.h"
#include "ledger/mirror.h"
#include "ledger/push.h"
#include "ledger/store_memory.h"

struct little_log {
    struct store *store;
    struct log log;
    struct signer signer;
    uint64_t size;
    uint64_t forged_from; /* entries from this index on are other ones */
    uint64_t stamp_ms;    /* entries that grow now have this stamp; 0: they have none */
    struct batch batch;
};

/* Returns-owned; little_log_close. Two logs of one origin share the key. */
struct little_log *little_log_open(const char *origin, uint64_t forged_from);
void little_log_close(struct little_log *log);
void little_log_grow(struct little_log *log, uint64_t size);
struct hash little_log_root(struct little_log *log, uint64_t size);
/* The signed checkpoint of a size up to the log's; written to `memory` of CHECKPOINT_SIZE_MAX. */
struct bytes little_log_note(struct little_log *log, uint64_t size, uint8_t *memory);
/* Bodies; `memory` has `cap` bytes. */
struct bytes little_log_checkpoint(struct little_log *log, uint64_t old_size, uint64_t size,
                                   uint8_t *memory, size_t cap);
struct bytes little_log_entries(struct little_log *log, uint64_t start, uint64_t end,
                                uint8_t *memory, size_t cap);
struct bytes little_log_candidate(struct little_log *log, uint64_t old_size, uint64_t size,
                                  uint8_t *memory, size_t cap);

struct little_mirror {
    struct store *store;
    struct signer mirror;
    struct signer witness;
    struct cosigner cosigner;
    struct log log;
    uint64_t now; /* seconds */
    enum peers_say peers;
    struct batch batch;
    struct add_checkpoint_job checkpoint; /* the last one run */
    struct add_candidate_job candidate;   /* likewise */
    struct answer answer;                 /* of the last request */
    uint64_t packages;                    /* stored or proved by the last upload */
};

/* Knows the log. `options` may be NULL; borrowed. Returns-owned; little_mirror_close. */
struct little_mirror *little_mirror_open(const struct little_log *log,
                                         const struct store_memory_options *options);
void little_mirror_close(struct little_mirror *mirror);
/* Runs one job in a batch of its own. */
enum status little_mirror_run(struct little_mirror *mirror, struct job *job);
/* Each gives the HTTP status; the answer is in mirror->answer. */
unsigned little_mirror_add_checkpoint(struct little_mirror *mirror, struct bytes body);
/* The body arrives in pieces of `piece` bytes (0: at once). */
unsigned little_mirror_add_entries(struct little_mirror *mirror, struct bytes body, size_t piece);
unsigned little_mirror_add_candidate(struct little_mirror *mirror, struct bytes body);
/* The mirror takes the checkpoint of `size`; asserts success. */
void little_mirror_agree(struct little_mirror *mirror, struct little_log *log, uint64_t size);
/* Both requests, from what the mirror holds up to `size`; asserts success. */
void little_mirror_follow(struct little_mirror *mirror, struct little_log *log, uint64_t size);

/* What the mirror holds. */
uint64_t little_mirror_stored(struct little_mirror *mirror);
uint64_t little_mirror_pending(struct little_mirror *mirror, bool *any);
uint64_t little_mirror_checkpoint(struct little_mirror *mirror, bool *any);
/* Asserts that all that is stored is a prefix of the log's entries. */
void little_mirror_check(struct little_mirror *mirror, struct little_log *log);
/* Asserts that the answer is lines of exactly one cosignature by `signer` on the log's checkpoint
 * of `size`; gives its timestamp. */
uint64_t little_mirror_cosigned(const struct little_mirror *mirror, struct little_log *log,
                                uint64_t size, const struct signer *signer);

#endif
