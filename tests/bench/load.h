/* Sends prepared requests over keep-alive connections and takes the time of each answer. One
 * thread, no work but copying bytes: what is measured is the node.
 *
 * Each *stream* is one connection with requests of its own, sent one after another. A request with
 * a due time is sent then, or, if the answer before it is late, as soon as that is there; its time
 * counts from when it was due, so that waiting behind a slow answer is not hidden. */
#ifndef DUTYLOG_BENCH_LOAD_H
#define DUTYLOG_BENCH_LOAD_H

#include "ledger/bytes.h"
#include "tests/bench/bench.h"

#define LOAD_STREAMS_MAX 64

struct load_request {
    struct bytes head; /* request line and headers, whole */
    struct bytes body;
    uint64_t due_ns; /* after the start of the run; 0: at once */
    uint64_t weight; /* what an answer counts for: events, entries */
    /* out */
    unsigned http;
    double seconds; /* from due, or from sending, to the whole answer */
};

struct load_stream {
    struct load_request *requests;
    size_t count;
};

struct load_result {
    double seconds; /* from the first byte to the last */
    uint64_t answered;
    uint64_t weight;   /* of those answered with an expected status */
    uint64_t repeated; /* sent again after a 503 */
    uint64_t bytes;    /* of bodies received */
};

struct load {
    uint16_t port;
    struct load_stream streams[LOAD_STREAMS_MAX];
    size_t stream_count;
    uint64_t limit_ns; /* sends nothing after it; 0: until all is sent */
    bool busy_repeats; /* 503: send it again a millisecond later; else it is an answer */
    bool (*expected)(unsigned http); /* any other answer ends the benchmark */
    void (*tick)(void *context);     /* about every 20 ms; NULL: none */
    void *context;
};

void load_run(struct load *load, struct load_result *result);

/* "POST path" with these headers; `len` of the body that follows. Owned by the caller. */
struct bytes load_head(const char *method, const char *path, const char *type, size_t len);

bool load_is_200(unsigned http);
bool load_is_2xx(unsigned http);

#endif
