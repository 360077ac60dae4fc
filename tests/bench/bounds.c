#include "tests/bench/bounds.h"

#include "crypto/hash.h"
#include "crypto/sign.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define THREADS_MAX 64
#define MESSAGE_SIZE 400 /* the text of a signed event */
#define TURN_SECONDS 0.5

/* --- the cores --- */

struct turn {
    void (*once)(void);
    uint64_t until_ns;
    uint64_t done;
};

static struct sign_key key;
static uint8_t message[MESSAGE_SIZE];
static uint8_t signature[SIGN_SIGNATURE_SIZE];
static uint8_t megabyte[1 << 20];

static void verify_once(void) {
    bench_must(sign_verify(&key.public_key, message, sizeof message, signature), "bad signature");
}

static void hash_once(void) {
    struct hash hash;
    hash_of(megabyte, sizeof megabyte, &hash);
}

static void nodes_once(void) {
    struct hash a = {.bytes = {1}};
    struct hash b = {.bytes = {2}};
    for (int i = 0; i < 1000; i++) {
        hash_node(&a, &b, &a);
    }
}

static void *run_turn(void *context) {
    struct turn *turn = context;
    while (bench_now_ns() < turn->until_ns) {
        turn->once();
        turn->done++;
    }
    return NULL;
}

/* How often per second, all threads together. */
static double rate(void (*once)(void), unsigned threads) {
    struct turn turns[THREADS_MAX];
    pthread_t ids[THREADS_MAX];
    double done = 0;
    threads = threads < THREADS_MAX ? threads : THREADS_MAX;
    uint64_t start = bench_now_ns();
    for (unsigned i = 0; i < threads; i++) {
        turns[i] = (struct turn){.once = once, .until_ns = start + (uint64_t)(TURN_SECONDS * 1e9)};
        bench_must(pthread_create(&ids[i], NULL, run_turn, &turns[i]) == 0, "no thread to be had");
    }
    for (unsigned i = 0; i < threads; i++) {
        pthread_join(ids[i], NULL);
        done += (double)turns[i].done;
    }
    return done / bench_seconds_since(start);
}

double bound_verify(unsigned threads) {
    static const uint8_t seed[SIGN_SEED_SIZE] = {7};
    sign_key_from_seed(&key, seed);
    sign_message(&key, message, sizeof message, signature);
    return rate(verify_once, threads);
}

double bound_hash_megabytes(unsigned threads) {
    return rate(hash_once, threads) * sizeof megabyte / 1e6;
}

double bound_hash_nodes(unsigned threads) {
    return rate(nodes_once, threads) * 1000;
}

/* --- the disk --- */

static void sync_many(const struct bench *bench, unsigned which, unsigned count, double *seconds) {
    char path[BENCH_PATH_MAX + 32];
    static uint8_t page[4096];
    snprintf(path, sizeof path, "%s/fsync-%u", bench->folder, which);
    int fd = open(path, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);
    bench_must(fd >= 0, "cannot write %s", path);
    for (unsigned i = 0; i < count; i++) {
        memset(page, (int)i, sizeof page);
        uint64_t start = bench_now_ns();
        bench_must(write(fd, page, sizeof page) == sizeof page && fdatasync(fd) == 0,
                   "cannot write %s", path);
        seconds[i] = bench_seconds_since(start);
    }
    close(fd);
    unlink(path);
}

double bound_fsync(const struct bench *bench, unsigned processes, unsigned count) {
    size_t all = (size_t)processes * count;
    double *seconds = mmap(NULL, all * sizeof *seconds, PROT_READ | PROT_WRITE,
                           MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    bench_must(seconds != MAP_FAILED, "out of memory");
    pid_t children[THREADS_MAX];
    bench_must(processes <= THREADS_MAX, "too many processes");
    fflush(stdout);
    for (unsigned i = 0; i < processes; i++) {
        children[i] = fork();
        bench_must(children[i] >= 0, "no process to be had");
        if (children[i] == 0) {
            sync_many(bench, i, count, seconds + (size_t)i * count);
            _exit(0);
        }
    }
    for (unsigned i = 0; i < processes; i++) {
        int status = 0;
        bench_must(waitpid(children[i], &status, 0) > 0 && status == 0, "measuring fsync failed");
    }
    double median = bench_median(seconds, all);
    munmap(seconds, all * sizeof *seconds);
    return median;
}

/* --- shown once --- */

void bench_bounds(struct bench *bench) {
    report_section(bench, "bounds of this machine");
    report_row(bench, &(struct bench_row){.id = "verify_one",
                                          .what = "Ed25519 verify, one core",
                                          .value = bound_verify(1),
                                          .unit = "/s"});
    report_row(bench, &(struct bench_row){.id = "verify_all",
                                          .what = "Ed25519 verify, all cores",
                                          .value = bound_verify(bench->cores),
                                          .unit = "/s"});
    report_row(bench, &(struct bench_row){.id = "hash_one",
                                          .what = "SHA-256, one core",
                                          .value = bound_hash_megabytes(1),
                                          .unit = "MB/s"});
    report_row(bench, &(struct bench_row){.id = "nodes_one",
                                          .what = "Merkle nodes, one core",
                                          .value = bound_hash_nodes(1),
                                          .unit = "/s"});
    report_row(bench, &(struct bench_row){.id = "fsync_alone",
                                          .what = "fsync, alone, median",
                                          .value = bound_fsync(bench, 1, 300) * 1e3,
                                          .unit = "ms"});
    report_row(bench, &(struct bench_row){.id = "fsync_four",
                                          .what = "fsync, four processes at once, median",
                                          .value = bound_fsync(bench, 4, 300) * 1e3,
                                          .unit = "ms"});
}
