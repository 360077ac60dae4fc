/* A mirror's node: how fast it stores what a log pushes, and how fast it serves tiles. All requests
 * are built beforehand, from a log in this process. */
#include "tests/bench/bounds.h"
#include "tests/bench/entries.h"
#include "tests/bench/load.h"
#include "tests/bench/nodes.h"

#include "crypto/encoding.h"
#include "ledger/push.h"
#include "ledger/sequencer.h"
#include "ledger/store_lmdb.h"
#include "tests/lib/keys.h"

#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define ORIGIN "plain.example/log"
#define REPEATS 3
#define UPLOAD (PACKAGES_PER_UPLOAD * TILE_WIDTH) /* entries in one request */
#define CONNECTIONS 16
#define TILE_BYTES ((size_t)TILE_WIDTH * HASH_SIZE)

/* --- the log that pushes --- */

struct pusher {
    struct store *store;
    struct log log;
    struct signer signer;
    struct batch batch;
    uint64_t size;
    uint8_t note[CHECKPOINT_SIZE_MAX];
    size_t note_len;
};

static void append(struct pusher *p, uint64_t count) {
    static uint8_t memory[TILE_WIDTH][ENTRY_SIZE];
    struct bytes entries[TILE_WIDTH];
    for (uint64_t done = 0; done < count; done += TILE_WIDTH) {
        struct append_job job;
        struct job *list = &job.job;
        append_job_init(&job);
        for (size_t i = 0; i < TILE_WIDTH; i++) {
            entry_fill(memory[i], p->size + i);
            entries[i] = bytes_of(memory[i], ENTRY_SIZE);
        }
        job.log = &p->log;
        job.entries = entries;
        job.count = TILE_WIDTH;
        bench_must(batch_run(p->store, &p->batch, &list, 1) == STATUS_OK, "a batch failed");
        p->size = job.committed;
    }
    struct store_txn *txn = NULL;
    struct tree_head head;
    struct writer w;
    bench_must(store_begin(p->store, STORE_READ, &txn) == STATUS_OK &&
                   tree_read_head(txn, p->log.number, &head) == STATUS_OK,
               "cannot read the store");
    store_abort(txn);
    writer_init(&w, p->note, sizeof p->note);
    checkpoint_sign(&w, vkey_name(&p->log.vkey), head.size, &head.root, &p->signer);
    p->note_len = w.len;
}

static struct bytes keep(const struct writer *w) {
    uint8_t *copy = malloc(w->len);
    bench_must(copy != NULL && writer_status(w) == STATUS_OK, "a request's body does not fit");
    memcpy(copy, w->data, w->len);
    return bytes_of(copy, w->len);
}

static void request_of(struct load_request *request, const char *path, const struct writer *w,
                       uint64_t weight) {
    *request =
        (struct load_request){.head = load_head("POST", path, "application/octet-stream", w->len),
                              .body = keep(w),
                              .weight = weight};
}

/* One add-checkpoint, and as many add-entries as it takes. */
static size_t build_push(struct pusher *p, uint64_t old, struct load_request *requests) {
    static uint8_t memory[UPLOAD * (ENTRY_SIZE + 2) + (1u << 20)];
    struct store_txn *txn = NULL;
    struct writer w;
    size_t count = 0;
    bench_must(store_begin(p->store, STORE_READ, &txn) == STATUS_OK, "cannot read the store");
    writer_init(&w, memory, sizeof memory);
    bench_must(push_checkpoint(txn, p->log.number, old, p->size, bytes_of(p->note, p->note_len),
                               &w) == STATUS_OK,
               "no add-checkpoint");
    request_of(&requests[count++], "/add-checkpoint", &w, 0);
    for (uint64_t start = old; start < p->size; start += UPLOAD) {
        uint64_t left = p->size - start;
        writer_init(&w, memory, sizeof memory);
        bench_must(push_entries(txn, p->log.number, vkey_name(&p->log.vkey), start, p->size,
                                bytes_of(NULL, 0), &w) == STATUS_OK,
                   "no add-entries");
        request_of(&requests[count++], "/add-entries", &w, left < UPLOAD ? left : UPLOAD);
    }
    store_abort(txn);
    return count;
}

static void measure_store(struct bench *bench, struct pusher *p, const struct bench_node *node) {
    uint64_t uploads = bench->quick ? 6 : 16;
    struct load_request *requests = calloc(uploads + 1, sizeof *requests);
    double rates[REPEATS];
    double hashes[REPEATS];
    bench_must(requests != NULL, "out of memory");
    for (size_t repeat = 0; repeat < REPEATS; repeat++) {
        struct load load = {.port = node->port, .expected = load_is_2xx, .stream_count = 1};
        struct load_result result;
        uint64_t old = p->size;
        append(p, uploads * UPLOAD);
        load.streams[0] = (struct load_stream){requests, build_push(p, old, requests)};
        hashes[repeat] = bound_entries(1);
        load_run(&load, &result);
        rates[repeat] = (double)result.weight / result.seconds;
        bench_must(requests[load.streams[0].count - 1].http == 200, "the mirror did not cosign");
        for (size_t i = 0; i < load.streams[0].count; i++) {
            free((void *)(uintptr_t)requests[i].head.data);
            free((void *)(uintptr_t)requests[i].body.data);
        }
    }
    free(requests);
    report_row(bench, &(struct bench_row){.id = "mirror_store",
                                          .what = "mirror stores, proved and durable",
                                          .value = bench_median(rates, REPEATS),
                                          .unit = "entries/s",
                                          .bound_what = "entries/s by SHA-256, one core",
                                          .bound = bench_median(hashes, REPEATS),
                                          .size_is = SIZE_VALUE_MIN,
                                          .size = 100000});
}

/* --- reading --- */

/* A server that does nothing but answer: as fast as loopback and this machine's sockets are. */
struct bare {
    int listener;
    uint16_t port;
};

static void *bare_connection(void *context) {
    static char answer[256 + TILE_BYTES];
    int fd = *(int *)context;
    char request[4096];
    int len = snprintf(answer, sizeof answer, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n",
                       TILE_BYTES);
    size_t all = (size_t)len + TILE_BYTES;
    while (read(fd, request, sizeof request) > 0) {
        if (send(fd, answer, all, MSG_NOSIGNAL) != (ssize_t)all) {
            break;
        }
    }
    close(fd);
    return NULL;
}

static void *bare_main(void *context) {
    static int fds[CONNECTIONS];
    struct bare *bare = context;
    pthread_t threads[CONNECTIONS];
    for (size_t i = 0; i < CONNECTIONS; i++) {
        fds[i] = accept(bare->listener, NULL, NULL);
        bench_must(fds[i] >= 0 && pthread_create(&threads[i], NULL, bare_connection, &fds[i]) == 0,
                   "no connection to be had");
    }
    for (size_t i = 0; i < CONNECTIONS; i++) {
        pthread_join(threads[i], NULL);
    }
    return NULL;
}

static double read_rate(uint16_t port, struct bytes *heads, size_t head_count, size_t requests) {
    struct load load = {.port = port, .expected = load_is_200, .stream_count = CONNECTIONS};
    struct load_result result;
    for (size_t i = 0; i < CONNECTIONS; i++) {
        load.streams[i].requests = calloc(requests, sizeof *load.streams[i].requests);
        load.streams[i].count = requests;
        bench_must(load.streams[i].requests != NULL, "out of memory");
        for (size_t j = 0; j < requests; j++) {
            load.streams[i].requests[j].head = heads[(i * requests + j * 7919) % head_count];
        }
    }
    load_run(&load, &result);
    for (size_t i = 0; i < CONNECTIONS; i++) {
        free(load.streams[i].requests);
    }
    return (double)result.answered / result.seconds;
}

static double bare_rate(struct bytes *heads, size_t head_count, size_t requests) {
    struct bare bare;
    pthread_t thread = 0;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;
    bare.listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bench_must(bare.listener >= 0 &&
                   bind(bare.listener, (struct sockaddr *)&address, sizeof address) == 0 &&
                   listen(bare.listener, CONNECTIONS) == 0 &&
                   getsockname(bare.listener, (struct sockaddr *)&address, &len) == 0 &&
                   pthread_create(&thread, NULL, bare_main, &bare) == 0,
               "cannot listen");
    double rate = read_rate(ntohs(address.sin_port), heads, head_count, requests);
    pthread_join(thread, NULL);
    close(bare.listener);
    return rate;
}

static void measure_tiles(struct bench *bench, struct pusher *p, const struct bench_node *node) {
    size_t requests = bench->quick ? 1000 : 4000;
    size_t count = (size_t)(p->size / TILE_WIDTH);
    struct bytes *heads = calloc(count, sizeof *heads);
    char hex[HEX_LEN(HASH_SIZE) + 1];
    double rates[REPEATS];
    double bare[REPEATS];
    bench_must(heads != NULL, "out of memory");
    hex[hex_encode(hex, p->log.id.bytes, HASH_SIZE)] = '\0';
    for (size_t i = 0; i < count; i++) {
        struct tile tile = {.level = 0, .index = i, .width = TILE_WIDTH};
        char path[HEX_LEN(HASH_SIZE) + TILE_PATH_MAX + 8];
        char tile_path[TILE_PATH_MAX + 1];
        struct writer w;
        writer_init(&w, tile_path, TILE_PATH_MAX);
        tile_format_path(&w, &tile);
        tile_path[w.len] = '\0';
        snprintf(path, sizeof path, "/%s/%s", hex, tile_path);
        heads[i] = load_head("GET", path, NULL, 0);
    }
    for (size_t repeat = 0; repeat < REPEATS; repeat++) {
        bare[repeat] = bare_rate(heads, count, requests);
        rates[repeat] = read_rate(node->port, heads, count, requests);
    }
    report_row(bench, &(struct bench_row){.id = "tile_reads",
                                          .what = "tile reads, 8 KiB, 16 clients",
                                          .value = bench_median(rates, REPEATS),
                                          .unit = "/s",
                                          .bound_what = "answers/s of a bare socket",
                                          .bound = bench_median(bare, REPEATS)});
    for (size_t i = 0; i < count; i++) {
        free((void *)(uintptr_t)heads[i].data);
    }
    free(heads);
}

void bench_mirror(struct bench *bench) {
    struct pusher *p = calloc(1, sizeof *p);
    struct bench_node node;
    char path[BENCH_PATH_MAX + 32];
    char sections[1024];
    struct signer mirror = test_signer("state.example/mirror", VKEY_COSIGNATURE);
    struct signer witness = test_signer("state.example/witness", VKEY_COSIGNATURE);
    bench_must(p != NULL, "out of memory");
    report_section(bench, "a mirror, entries of 512 bytes");
    snprintf(path, sizeof path, "%s/pusher", bench->folder);
    p->signer = test_signer(ORIGIN, VKEY_NOTE);
    p->store = entries_store(path, true);
    entries_register(p->store, &p->signer.vkey, LOG_OWN, &p->log);
    node_make(bench, &node, "mirror");
    node_key(&node, "mirror.key", &mirror);
    node_key(&node, "witness.key", &witness);
    snprintf(sections, sizeof sections,
             "[mirror]\nkey = mirror.key\nwitness_key = witness.key\n\n[log " ORIGIN
             "]\nvkey = %s\naccept = opaque\n",
             bench_vkey(&p->signer.vkey));
    node_start(bench, &node, sections);
    measure_store(bench, p, &node);
    measure_tiles(bench, p, &node);
    node_remove(&node);
    store_lmdb_close(p->store);
    folder_clear(path);
    free(p);
}
