#include "tests/lib/hosted.h"

#include "ledger/schema.h"
#include "tests/lib/check.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

static enum store_memory_fault next_fault(void *context, uint64_t commit) {
    struct hosted *h = context;
    enum store_memory_fault fault = h->next;
    h->next = STORE_MEMORY_OK;
    h->commits = commit;
    return fault;
}

void hosted_open_named(struct hosted *h, const char *origin) {
    struct store_memory_options options = {.strict = true, .fault = next_fault, .context = h};
    struct store_txn *txn;
    memset(h, 0, sizeof *h);
    world_init(&h->world, origin);
    h->now_ms = WORLD_TIME_MS;
    h->batch = malloc(sizeof *h->batch);
    cr_assert_not_null(h->batch);
    CHECK_OK(store_memory_open(&options, &h->memory));
    flaky_init(&h->flaky, h->memory);
    h->store = &h->flaky.store;
    CHECK_OK(store_begin(h->store, STORE_WRITE, &txn));
    CHECK_OK(logs_register(txn, &h->world.log.vkey, LOG_OWN | LOG_EVENTS, &h->log, NULL));
    CHECK_OK(store_commit(txn));
}

void hosted_open(struct hosted *h) {
    hosted_open_named(h, "agency.example/log");
}

void hosted_close(struct hosted *h) {
    store_memory_close(h->memory);
    free(h->batch);
    world_release(&h->world);
}

void hosted_run(struct hosted *h, struct job *job) {
    h->fate = batch_run(h->store, h->batch, &job, 1);
}

void hosted_submit_many(struct hosted *h, const struct bytes *notes, size_t count,
                        struct submit_result *results) {
    static struct submission submissions[HOSTED_MANY];
    struct submit_job job;
    struct store_txn *txn;
    size_t room = 0;
    cr_assert(count <= HOSTED_MANY);
    CHECK_OK(store_begin(h->store, STORE_READ, &txn));
    for (size_t i = 0; i < count; i++) {
        submission_prepare(txn, &h->log, notes[i], &submissions[i]);
        room += notes[i].len + 32;
    }
    store_abort(txn);
    submit_job_init(&job);
    job.log = &h->log;
    job.submissions = submissions;
    job.results = results;
    job.count = count;
    job.now_ms = h->now_ms;
    job.memory = malloc(room);
    job.memory_cap = room;
    hosted_run(h, &job.job);
    free(job.memory);
    for (size_t i = 0; i < count; i++) {
        submission_release(&submissions[i]);
    }
}

struct submit_result hosted_submit(struct hosted *h, struct bytes note) {
    struct submit_result result;
    hosted_submit_many(h, &note, 1, &result);
    return result;
}

uint64_t hosted_size(struct hosted *h) {
    struct store_txn *txn;
    struct tree_head head;
    CHECK_OK(store_begin(h->store, STORE_READ, &txn));
    CHECK_OK(tree_read_head(txn, h->log.number, &head));
    store_abort(txn);
    return head.size;
}

uint64_t hosted_accept(struct hosted *h, struct bytes note) {
    uint64_t size = hosted_size(h);
    struct submit_result result = hosted_submit(h, note);
    cr_assert_eq(result.status, STATUS_OK, "%s", result.why.text);
    cr_assert_not(result.place.logged);
    cr_assert_eq(result.place.index, size);
    cr_assert_eq(hosted_size(h), size + 1);
    return result.place.index;
}

struct submit_result hosted_refuse(struct hosted *h, struct bytes note, enum status status,
                                   const char *says) {
    struct hash before = store_digest_without(h->memory, TABLE_CONFLICT);
    struct submit_result result = hosted_submit(h, note);
    CHECK_OK(h->fate);
    cr_assert_eq(result.status, status, "%s (%s)", status_name(result.status), result.why.text);
    cr_assert_eq(result.why.status, status);
    cr_assert_not_null(strstr(result.why.text, says), "\"%s\" lacks \"%s\"", result.why.text, says);
    struct hash after = store_digest_without(h->memory, TABLE_CONFLICT);
    cr_assert(hash_equal(&before, &after));
    return result;
}

void hosted_start(struct hosted *h) {
    struct bytes notes[WORLD_START];
    world_start(&h->world, notes);
    for (size_t i = 0; i < WORLD_START; i++) {
        hosted_accept(h, notes[i]);
    }
}

struct issuer hosted_issuer(struct hosted *h, enum world_who who) {
    struct store_txn *txn;
    struct issuer issuer;
    CHECK_OK(store_begin(h->store, STORE_READ, &txn));
    CHECK_OK(issuer_find(txn, h->log.number, bytes_text(world_name(&h->world, who)), &issuer));
    store_abort(txn);
    return issuer;
}

struct head hosted_cut(struct hosted *h) {
    struct cut_job job;
    struct head head = {.size = 0};
    struct store_txn *txn;
    CHECK_OK(store_begin(h->store, STORE_READ, &txn));
    enum status status = sequencer_head(txn, &h->log, &head);
    cr_assert(status == STATUS_OK || status == STATUS_NOT_FOUND);
    store_abort(txn);
    cut_job_init(&job);
    job.log = &h->log;
    job.signer = &h->world.log;
    job.expected = head.size;
    hosted_run(h, &job.job);
    CHECK_OK(h->fate);
    CHECK_OK(job.job.status);
    return job.head;
}

uint64_t hosted_publish(struct hosted *h, uint64_t time, uint32_t mirrors) {
    struct publish_job job;
    struct head head = hosted_cut(h);
    publish_job_init(&job);
    job.log = &h->log;
    job.size = head.size;
    job.quorum_time = time;
    job.note = world_checkpoint(&h->world, head.size, &head.root, time, mirrors);
    hosted_run(h, &job.job);
    CHECK_OK(h->fate);
    CHECK_OK(job.job.status);
    return head.size;
}

/* --- digests --- */

/* Of the tables in `only` (NULL: all), without one (0: none). */
static void digest(struct store *store, const char *only, uint8_t without, struct hash *out) {
    struct store_txn *txn;
    struct hash_stream stream;
    uint8_t next[STORE_KEY_MAX + 1];
    size_t next_len = 0;
    hash_start(&stream);
    CHECK_OK(store_begin(store, STORE_READ, &txn));
    for (;;) {
        struct bytes key;
        struct bytes value;
        enum status status = store_seek(txn, bytes_of(next, next_len), &key, &value);
        if (status == STATUS_NOT_FOUND) {
            break;
        }
        CHECK_OK(status);
        if (key.data[0] != without && (only == NULL || strchr(only, key.data[0]) != NULL)) {
            uint64_t lens[2] = {key.len, value.len};
            hash_add(&stream, lens, sizeof lens);
            hash_add(&stream, key.data, key.len);
            hash_add(&stream, value.data, value.len);
        }
        memcpy(next, key.data, key.len);
        next[key.len] = 0; /* the key just after */
        next_len = key.len + 1;
    }
    store_abort(txn);
    hash_finish(&stream, out);
}

struct hash store_digest(struct store *store) {
    struct hash out;
    digest(store, NULL, 0, &out);
    return out;
}

struct hash store_digest_without(struct store *store, uint8_t table) {
    struct hash out;
    digest(store, NULL, table, &out);
    return out;
}

struct hash store_digest_of(struct store *store, const char *tables) {
    struct hash out;
    digest(store, tables, 0, &out);
    return out;
}
