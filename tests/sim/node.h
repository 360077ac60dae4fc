/* A machine: a clock, a disk, and one process of a node on it, which dies and starts again. What it
 * does is what net/ does around the same core, in one thread: requests are served, jobs go through
 * a committer that runs one batch at a time, and whatever leaves does so in a job's `finish`.
 *
 * A crash in the middle of a batch leaves all of it or nothing on the disk (a torn commit is one
 * that LMDB does not see at the next start); then the process is gone, with all its memory. */
#ifndef DUTYLOG_TESTS_SIM_NODE_H
#define DUTYLOG_TESTS_SIM_NODE_H

#include "ledger/batch.h"
#include "ledger/guard.h"
#include "ledger/mirror.h"
#include "ledger/replica.h"
#include "ledger/store_memory.h"
#include "tests/sim/book.h"

struct arrival;
struct pulled;
struct regains;
struct host;
struct liar;
struct lies;

#define SIM_EPOCH_MS WORLD_TIME_MS /* what clocks that are right say at virtual time 0 */

#define CONTAINER(pointer, type, member)                                                           \
    ((type *)(void *)((char *)(pointer)-offsetof(type, member)))

/* Outside the disk, and what comes and goes with it does not change it (tests/sim/guards.h). A
 * writing is durable at once. */
struct head_file {
    struct batch_outside batch; /* first */
    bool unused;                /* node.ini names none */
    bool made;
    bool there;
    struct guard_record record;
};

/* May be shared: two processes on one folder. */
struct disk {
    struct sim *sim;
    struct head_file head_file;
    struct store *store;
    struct store *backup;          /* an old copy; NULL: none was made */
    enum store_memory_fault armed; /* of the next commit; then as the rates have it */
    unsigned users;
};

/* A job on its way through the committer. */
struct work {
    struct job *job;
    void (*drop)(struct work *work); /* the process died before its batch ran; NULL: nothing to
                                        free */
    struct work *next;
};

/* What a cosigner's key has let out on one log, for the checks. */
struct watch {
    uint64_t size;
    struct hash root;
    uint64_t time;
    uint32_t histories; /* that all it cosigned fits, of those of a dishonest log */
};
enum watch_role { WATCH_MIRROR, WATCH_WITNESS, WATCH_ROLES };

struct node {
    struct sim *sim;
    char name[16];
    char operator_name[16];
    size_t index;
    bool honest;
    bool up;
    bool dying;      /* nothing leaves any more */
    bool silent;     /* it dies with its machine: nobody is told that connections are gone */
    bool stays_down; /* does not start again by itself after a doubtful commit */
    uint64_t life;
    int64_t clock_ms; /* its clock's error */
    uint64_t down_since;

    struct disk *disk;
    struct batch *batch;
    struct work *first;
    struct work *last;
    bool committing;

    struct log logs[SIM_BOOKS_MAX]; /* as its store knows them; number 0: not known */
    struct book *hosts;             /* the log of its own; NULL: none */
    struct host *host;              /* while up */
    enum replica_guard guard;       /* what its log must hear, by the head file */
    bool has_record;                /* the head file was there at the start */

    bool mirrors;
    bool apart; /* knows no add-candidate */
    struct signer mirror_signer;
    struct signer witness_signer;
    struct cosigner cosigner;
    struct regains *regains;             /* while up: what it asks of logs that it holds */
    struct pulled *pulls[SIM_BOOKS_MAX]; /* while up; NULL: nothing was pulled */
    bool judging[SIM_BOOKS_MAX];
    uint64_t gossip_ms; /* how often it compares what it holds with a peer's; 0: never */
    struct lies *lies;  /* of a dishonest mirror */
    struct liar *liar;  /* of a dishonest log */
    struct watch watch[SIM_BOOKS_MAX][WATCH_ROLES];
    uint64_t judged[SIM_BOOKS_MAX];
    bool reckless; /* cosigns by whatever its clock says, as software not ours may */
    bool signed_off[SIM_BOOKS_MAX]; /* its mirror key's times on the log were wrong once */
    bool media_lost; /* its disk was restored from a backup: older promises are void */
};

/* Adds a machine with an empty disk, not started. `disk`: another node's, to share it; or NULL. */
struct node *node_add(struct sim *sim, const char *name, const char *operator_name,
                      struct disk *disk);
/* Gives it its mirror's and witness's keys. */
void node_make_mirror(struct node *node);
void node_release(struct node *node);

/* Starts the process on what the disk holds. */
void node_start(struct node *node);
/* The process is gone at once; a batch under way reaches the disk if `keep`. */
void node_crash(struct node *node, bool keep);
/* As a crash, without a word or a check: the end of the simulation. */
void node_stop(struct node *node);
/* Crashes it now and starts it again later. */
void node_reboot(struct node *node, bool keep, uint64_t after_ms);

/* Keeps a copy of the disk; puts the copy back (the process must be down), the head file being kept
 * or lost with what was there. */
void node_backup(struct node *node);
void node_restore(struct node *node, bool head_file_lost);

uint64_t node_now_ms(const struct node *node); /* by its own clock */
/* Queues a job; it is finished, or dropped with the process. */
void node_commit(struct node *node, struct work *work);
/* A read transaction, or NULL while the store is in doubt. */
struct store_txn *node_read(struct node *node);
/* Takes the arrival. */
void node_serve(struct node *node, struct arrival *arrival);
void node_say(const struct node *node, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
struct node *node_named(struct sim *sim, const char *name);
/* Whose mirror key this is; NULL: nobody's. */
struct node *node_of_mirror(struct sim *sim, const struct vkey *vkey);
struct node *node_of_mirror_line(struct sim *sim, const struct note_signature *line);

#endif
