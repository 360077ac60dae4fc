#include "ledger/rules.h"
#include "ledger/store_check_log.h"
#include "ledger/store_lmdb.h"
#include "ledger/store_memory.h"
#include "tools/cli.h"
#include "tools/fsck_judge.h"

#include <assert.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define COSIGNERS_MAX 8
#define RANGE_BLOCKS 4096 /* of 256 entries: a thread takes so many at a time */
#define THREADS 2
#define SCRATCH_BYTES ((size_t)8 << 30)

static const struct option options[] = {
    {"signatures", no_argument, NULL, 's'},
    {"cosigner", required_argument, NULL, 'c'},
    {"json", no_argument, NULL, 'j'},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

struct fsck {
    const char *folder;
    bool signatures;
    bool json;
    struct vkey cosigners[COSIGNERS_MAX];
    size_t cosigner_count;
    struct store *store;
    pthread_mutex_t printing; /* findings come from several threads */
    atomic_uint_fast64_t entries;
    uint64_t judged; /* entries, anew */
    uint64_t total;  /* entries to hash and to judge, as far as is known */
    uint64_t findings;
    uint64_t unjudged; /* entries under rules that this build lacks */
    uint64_t logs;
    struct store_shared *shared; /* of each log, from number 1: what it makes of shared tables */
};

static void finding(void *context, const struct refusal *why) {
    struct fsck *f = context;
    pthread_mutex_lock(&f->printing);
    f->findings++;
    if (!f->json) {
        cli_progress_end();
        printf("%s\n", why->text);
    }
    pthread_mutex_unlock(&f->printing);
}

static struct store_check new_check(struct fsck *f) {
    return (struct store_check){.finding = finding, .context = f};
}

/* --- blocks, shared out among threads --- */

struct share {
    struct fsck *f;
    uint32_t log;
    uint64_t size;
    atomic_uint_fast64_t *next; /* first block that nobody took yet */
    enum status status;
};

static void *check_share(void *context) {
    struct share *share = context;
    uint64_t blocks = share->size / 256;
    struct store_check check = new_check(share->f);
    while (share->status == STATUS_OK) {
        uint64_t from = atomic_fetch_add(share->next, RANGE_BLOCKS);
        struct store_txn *txn = NULL;
        if (from >= blocks) {
            break;
        }
        uint64_t to = blocks - from > RANGE_BLOCKS ? from + RANGE_BLOCKS : blocks;
        share->status = store_begin(share->f->store, STORE_READ, &txn);
        if (share->status == STATUS_OK) {
            share->status = store_check_blocks(&check, txn, share->log, share->size, from, to);
            store_abort(txn);
        }
        atomic_fetch_add(&share->f->entries, (to - from) * 256);
    }
    return NULL;
}

static enum status check_blocks(struct fsck *f, uint32_t log, uint64_t size) {
    atomic_uint_fast64_t next = 0;
    struct share shares[THREADS];
    pthread_t threads[THREADS];
    bool started[THREADS] = {false};
    for (size_t i = 0; i < THREADS; i++) {
        shares[i] =
            (struct share){.f = f, .log = log, .size = size, .next = &next, .status = STATUS_OK};
        started[i] = i > 0 && pthread_create(&threads[i], NULL, check_share, &shares[i]) == 0;
    }
    check_share(&shares[0]); /* this thread is one of them, and does it all if no other starts */
    enum status status = shares[0].status;
    for (size_t i = 1; i < THREADS; i++) {
        if (started[i]) {
            pthread_join(threads[i], NULL);
            status = status == STATUS_OK ? shares[i].status : status;
        }
    }
    return status;
}

/* --- one log --- */

static void judged(void *context, uint64_t entries) {
    struct fsck *f = context;
    f->judged += entries;
    cli_progress("fsck", atomic_load(&f->entries) + f->judged, f->total);
}

/* What is under a kinds table that this build lacks: no damage, but not looked at. */
static void tell_unjudged(struct fsck *f, struct store_txn *txn, const struct log *log,
                          uint64_t count) {
    struct refusal why = {.text = ""};
    if (count == 0) {
        return;
    }
    f->unjudged += count;
    if (!f->json) {
        cli_progress_end();
        /* Of a log that a newer build judged, the rules in force say so; of its copy, its entries.
         */
        (void)!rules_check(txn, log, &why);
        printf("log %s: %" PRIu64 " entries unjudged: %s\n", log->vkey.name, count, why.text);
    }
}

static enum status check_acceptance(struct fsck *f, struct store_check *check,
                                    struct store_txn *txn, const struct log *log, uint64_t size) {
    struct store *scratch = NULL;
    struct store_memory_options scratch_options = {.max_bytes = SCRATCH_BYTES};
    struct store_replay replay;
    if ((log->flags & LOG_EVENTS) == 0) {
        return STATUS_OK;
    }
    TRY(store_memory_open(&scratch_options, &scratch));
    enum status status = store_replay_begin(&replay, check, txn, log, size, scratch, f->signatures);
    if (status == STATUS_OK) {
        f->total += replay.end;
        status = fsck_judge(f->store, &replay, THREADS, judged, f);
        status = store_replay_end(&replay, status);
        f->shared[log->number - 1] = replay.shared;
        tell_unjudged(f, txn, log, replay.unjudged + replay.beyond);
    }
    store_memory_close(scratch);
    return status;
}

static enum status check_log(struct fsck *f, struct store_txn *txn, uint32_t number) {
    struct log log;
    uint64_t size = 0;
    struct store_check check = new_check(f);
    struct store_check_keys keys = {.cosigners = f->cosigners, .count = f->cosigner_count};
    enum status status = logs_get(txn, number, &log);
    if (status == STATUS_STORE_CORRUPT || status == STATUS_UNKNOWN_LOG) {
        store_check_found(&check, "log number %u: its row is missing or cannot be read",
                          (unsigned)number);
        return STATUS_OK;
    }
    TRY(status);
    f->logs++;
    TRY(store_check_head(&check, txn, number, &size));
    f->total += size;
    cli_progress("fsck", atomic_load(&f->entries) + f->judged, f->total);
    TRY(check_blocks(f, number, size));
    atomic_fetch_add(&f->entries, size % 256);
    cli_progress("fsck", atomic_load(&f->entries) + f->judged, f->total);
    TRY(store_check_checkpoints(&check, txn, &log, size, &keys));
    return check_acceptance(f, &check, txn, &log, size);
}

static enum status check_logs(struct fsck *f, struct store_txn *txn) {
    struct store_check check = new_check(f);
    uint32_t count = 0;
    TRY(logs_count(txn, &count));
    f->shared = calloc((size_t)count + 1, sizeof *f->shared); /* nothing known of any */
    if (f->shared == NULL) {
        return STATUS_NOMEM;
    }
    for (uint32_t number = 1; number <= count; number++) {
        TRY(check_log(f, txn, number));
    }
    TRY(store_check_strays(&check, txn, count));
    TRY(store_check_shared(&check, txn, f->shared, count));
    return store_check_evidence(&check, txn);
}

static enum status check_all(struct fsck *f) {
    struct store_txn *txn = NULL;
    TRY(store_begin(f->store, STORE_READ, &txn));
    enum status status = check_logs(f, txn);
    free(f->shared);
    store_abort(txn);
    cli_progress_end();
    return status;
}

static double seconds_now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int run(struct fsck *f) {
    struct refusal why = {.text = ""};
    struct store_lmdb_options lmdb = {.read_only = true};
    double started = seconds_now();
    enum status status = store_lmdb_open(f->folder, &lmdb, &f->store, &why);
    if (status != STATUS_OK) {
        return cli_error("fsck", CLI_FAILED, "%s", why.text);
    }
    status = check_all(f);
    store_lmdb_close(f->store);
    double took = seconds_now() - started;
    uint64_t entries = atomic_load(&f->entries);
    if (status != STATUS_OK) {
        return cli_error("fsck", CLI_FAILED, "%s: broken off: %s", f->folder, status_text(status));
    }
    uint64_t rate = (uint64_t)((double)entries / (took > 0.001 ? took : 0.001));
    if (f->json) {
        printf("{\"entries\":%" PRIu64 ",\"entries_per_second\":%" PRIu64 ",\"findings\":%" PRIu64
               ",\"logs\":%" PRIu64 ",\"signatures\":%s,\"unjudged\":%" PRIu64 "}\n",
               entries, rate, f->findings, f->logs, f->signatures ? "true" : "false", f->unjudged);
    } else {
        printf("%s: %" PRIu64 " logs, %" PRIu64 " entries, %" PRIu64 " findings; %.1f s, %" PRIu64
               " entries/s%s\n",
               f->findings == 0 ? "clean" : "DAMAGED", f->logs, entries, f->findings, took, rate,
               f->signatures ? "" : "; events' signatures not verified: see --signatures");
    }
    if (f->findings > 0) {
        return CLI_REFUSED;
    }
    return f->unjudged == 0 ? CLI_OK : CLI_UNJUDGED;
}

/* LMDB believes the page numbers in its file, and the file's pages have no checksums: damage to
 * them ends in a read outside of the map. That is a finding like any other, and the last. */
static void read_outside(int number) {
    static const char said[] =
        "fsck: the store's own tree leads outside of its file: damaged; nothing further is read\n";
    ssize_t written = write(STDERR_FILENO, said, sizeof said - 1);
    (void)number;
    (void)written;
    _exit(CLI_REFUSED);
}

static void expect_damage(void) {
    struct sigaction action = {.sa_handler = read_outside};
    sigemptyset(&action.sa_mask);
    int rc = sigaction(SIGSEGV, &action, NULL) | sigaction(SIGBUS, &action, NULL);
    assert(rc == 0); /* both numbers are known */
}

int cmd_fsck(int argc, char **argv) {
    struct fsck f = {.printing = PTHREAD_MUTEX_INITIALIZER};
    struct refusal why = {.text = ""};
    int c = 0;
    while ((c = getopt_long(argc, argv, "hj", options, NULL)) != -1) {
        switch (c) {
        case 's':
            f.signatures = true;
            break;
        case 'j':
            f.json = true;
            break;
        case 'c':
            if (f.cosigner_count == COSIGNERS_MAX ||
                vkey_parse(bytes_text(optarg), &f.cosigners[f.cosigner_count], &why) != STATUS_OK) {
                return cli_usage("fsck", "--cosigner %s: %s", optarg, why.text);
            }
            f.cosigner_count++;
            break;
        case 'h':
            return cli_help("fsck");
        default:
            return cli_usage("fsck", "unknown option");
        }
    }
    if (optind + 1 != argc) {
        return cli_usage("fsck", "give one data folder");
    }
    f.folder = argv[optind];
    expect_damage();
    return run(&f);
}
