/* A mirror that many use: 4,000 logs whose checkpoints it takes a hundred times a second, then two
 * thousand connections that say nothing and two hundred that say it slowly. */
#include "tests/bench/bounds.h"
#include "tests/bench/load.h"
#include "tests/bench/nodes.h"

#include "ledger/checkpoint.h"
#include "ledger/mirror.h"
#include "tests/lib/keys.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define LOGS 4000
#define PER_SECOND 100
#define STREAMS 10
#define IDLE 2000
#define SLOW 200

struct many {
    struct bench_node node;
    struct signer *logs;
    struct hash leaves[2];
    struct hash roots[2];
};

static void name_of(size_t which, char out[static 40]) {
    snprintf(out, 40, "agency-%04zu.example/log", which);
}

/* add-checkpoint from the size before: the second of a log proves that it continues the first. */
static struct load_request checkpoint(const struct many *m, size_t which, uint64_t size) {
    uint8_t note[1024];
    uint8_t body[2048];
    struct merkle_proof proof = {.count = size - 1};
    struct writer w;
    char name[40];
    name_of(which, name);
    writer_init(&w, note, sizeof note);
    checkpoint_sign(&w, bytes_text(name), size, &m->roots[size - 1], &m->logs[which]);
    struct bytes text = writer_view(&w);
    proof.hashes[0] = m->leaves[1];
    writer_init(&w, body, sizeof body);
    add_checkpoint_format(&w, size - 1, &proof, text);
    uint8_t *copy = malloc(w.len);
    bench_must(copy != NULL && writer_status(&w) == STATUS_OK, "a request does not fit");
    memcpy(copy, w.data, w.len);
    return (struct load_request){.head = load_head("POST", "/add-checkpoint", "text/plain", w.len),
                                 .body = bytes_of(copy, w.len),
                                 .weight = 1};
}

/* One of `size` for `count` logs, spread over the streams. */
static void fill(const struct many *m, struct load *load, size_t count, uint64_t size,
                 uint64_t step_ns) {
    load->stream_count = STREAMS;
    for (size_t s = 0; s < STREAMS; s++) {
        struct load_stream *stream = &load->streams[s];
        stream->count = count / STREAMS;
        stream->requests = calloc(stream->count, sizeof *stream->requests);
        bench_must(stream->requests != NULL, "out of memory");
        for (size_t i = 0; i < stream->count; i++) {
            size_t which = i * STREAMS + s;
            stream->requests[i] = checkpoint(m, which, size);
            stream->requests[i].due_ns = which * step_ns;
        }
    }
}

static void discard(struct load *load) {
    for (size_t s = 0; s < load->stream_count; s++) {
        for (size_t i = 0; i < load->streams[s].count; i++) {
            free((void *)(uintptr_t)load->streams[s].requests[i].head.data);
            free((void *)(uintptr_t)load->streams[s].requests[i].body.data);
        }
        free(load->streams[s].requests);
    }
}

static void start(struct bench *bench, struct many *m) {
    struct signer mirror = test_signer("state.example/mirror", VKEY_COSIGNATURE);
    struct signer witness = test_signer("state.example/witness", VKEY_COSIGNATURE);
    size_t cap = LOGS * 200 + 1024;
    char *text = malloc(cap);
    m->logs = malloc(LOGS * sizeof *m->logs);
    bench_must(text != NULL && m->logs != NULL, "out of memory");
    int len = snprintf(text, cap,
                       "[mirror]\nkey = mirror.key\nwitness_key = witness.key\n\n"
                       "[limits]\naddress_connections = %d\n\n",
                       IDLE + SLOW + 100);
    for (size_t i = 0; i < LOGS; i++) {
        char name[40];
        name_of(i, name);
        m->logs[i] = test_signer(name, VKEY_NOTE);
        len += snprintf(text + len, cap - (size_t)len, "[log %s]\nvkey = %s\naccept = opaque\n\n",
                        name, bench_vkey(&m->logs[i].vkey));
    }
    hash_leaf((const uint8_t *)"a", 1, &m->leaves[0]);
    hash_leaf((const uint8_t *)"b", 1, &m->leaves[1]);
    m->roots[0] = m->leaves[0];
    hash_node(&m->leaves[0], &m->leaves[1], &m->roots[1]);
    node_make(bench, &m->node, "many");
    node_key(&m->node, "mirror.key", &mirror);
    node_key(&m->node, "witness.key", &witness);
    node_start(bench, &m->node, text);
    free(text);
}

static void measure_checkpoints(struct bench *bench, struct many *m) {
    struct load load = {.port = m->node.port, .expected = load_is_200};
    struct load_result result;
    size_t count = bench->quick ? 1000 : LOGS;
    double *samples = malloc(count * sizeof *samples);
    size_t n = 0;
    bench_must(samples != NULL, "out of memory");
    fill(m, &load, LOGS, 1, 0); /* all are known to it */
    load_run(&load, &result);
    discard(&load);
    fill(m, &load, count, 2, 1000000000u / PER_SECOND);
    double sync = bound_fsync(bench, 1, 200);
    load_run(&load, &result);
    for (size_t s = 0; s < STREAMS; s++) {
        for (size_t i = 0; i < load.streams[s].count; i++) {
            samples[n++] = load.streams[s].requests[i].seconds;
        }
    }
    report_row(bench, &(struct bench_row){.id = "many_logs_p99",
                                          .what = "add-checkpoint, 4,000 logs, 100/s, p99",
                                          .value = bench_percentile(samples, n, 99) * 1e3,
                                          .unit = "ms",
                                          .bound_what = "ms, one fsync",
                                          .bound = sync * 1e3,
                                          .size_is = SIZE_VALUE_MAX,
                                          .size = 20});
    discard(&load);
    free(samples);
}

/* --- connections --- */

static int connected(uint16_t port, const char *says) {
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bench_must(fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address) == 0,
               "no connection to be had: raise ulimit -n");
    bench_must(send(fd, says, strlen(says), MSG_NOSIGNAL) == (ssize_t)strlen(says), "cannot send");
    return fd;
}

/* Honest reads, one after another: the slowest in a hundred, in seconds. */
static double honest(const struct many *m) {
    double samples[300];
    for (size_t i = 0; i < 300; i++) {
        uint64_t start = bench_now_ns();
        bench_must(node_get(&m->node, "/logs?x", NULL, 0) == 200, "an honest request was refused");
        samples[i] = bench_seconds_since(start);
    }
    return bench_percentile(samples, 300, 99);
}

static void measure_crowd(struct bench *bench, struct many *m) {
    static int fds[IDLE + SLOW];
    double alone = honest(m);
    double before = node_resident(&m->node);
    for (size_t i = 0; i < IDLE + SLOW; i++) {
        fds[i] = connected(m->node.port, i < IDLE ? "" : "GET /checkpoint HTTP/1.1\r\nHost: b");
    }
    double crowded = honest(m);
    double most = node_resident(&m->node);
    for (size_t i = 0; i < IDLE + SLOW; i++) {
        close(fds[i]);
    }
    report_row(bench, &(struct bench_row){.id = "crowd_memory",
                                          .what = "2,000 idle and 200 slow connections",
                                          .value = most - before,
                                          .unit = "MiB",
                                          .size_is = SIZE_VALUE_MAX,
                                          .size = 64});
    report_row(bench, &(struct bench_row){.id = "crowd_p99",
                                          .what = "an honest read meanwhile, p99",
                                          .value = crowded * 1e3,
                                          .unit = "ms",
                                          .bound_what = "ms without them",
                                          .bound = alone * 1e3});
}

void bench_many(struct bench *bench) {
    struct rlimit limit = {.rlim_cur = 8192, .rlim_max = 8192};
    struct many *m = calloc(1, sizeof *m);
    bench_must(m != NULL, "out of memory");
    (void)getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max < 8192 ? limit.rlim_max : 8192;
    (void)setrlimit(RLIMIT_NOFILE, &limit); /* the node inherits it */
    report_section(bench, "a mirror of 4,000 logs");
    start(bench, m);
    measure_checkpoints(bench, m);
    measure_crowd(bench, m);
    node_remove(&m->node);
    free(m->logs);
    free(m);
}
