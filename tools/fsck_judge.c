#include "tools/fsck_judge.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

#define RANGE 64 /* entries prepared at a time */
#define THREADS_MAX 8
#define SLOTS_EACH 2

/* What one range was prepared to. */
struct slot {
    struct replay_entry *entries;
    size_t count;
    enum status status;
    bool ready;
};

struct preparer {
    struct pool *pool;
    uint64_t range; /* the next that it prepares */
    bool started;
    pthread_t thread;
    struct store_txn *txn; /* what it prepared borrows from it: closed when all is applied */
};

/* Range r is prepared by preparer r % preparer_count into slot r % slot_count, once the range
 * before it has left that: slots are of one preparer each, since slot_count is a multiple of
 * theirs. */
struct pool {
    const struct store_replay *replay;
    uint64_t ranges;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    uint64_t applied; /* ranges */
    bool stopped;
    struct slot slots[SLOTS_EACH * THREADS_MAX];
    size_t slot_count;
    struct preparer preparers[THREADS_MAX];
    size_t preparer_count;
};

static uint64_t range_end(const struct pool *pool, uint64_t range) {
    uint64_t end = (range + 1) * RANGE;
    return end < pool->replay->end ? end : pool->replay->end;
}

static void slot_release(struct slot *slot) {
    for (size_t i = 0; i < slot->count; i++) {
        replay_entry_release(&slot->entries[i]);
    }
    slot->count = 0;
}

static void prepare(struct pool *pool, struct store_txn *txn, uint64_t range) {
    struct slot *slot = &pool->slots[range % pool->slot_count];
    slot_release(slot); /* what was applied: its heap is this thread's */
    uint64_t end = range_end(pool, range);
    slot->count = (size_t)(end - range * RANGE);
    slot->status = store_replay_prepare(pool->replay, txn, range * RANGE, end, slot->entries);
}

/* Waits until the thread's next range may be prepared; false if there is none any more. Called, and
 * returns, locked. */
static bool may_prepare(struct pool *pool, uint64_t range) {
    while (!pool->stopped && range < pool->ranges && range >= pool->applied + pool->slot_count) {
        pthread_cond_wait(&pool->changed, &pool->lock);
    }
    return !pool->stopped && range < pool->ranges;
}

static void *prepare_all(void *context) {
    struct preparer *p = context;
    struct pool *pool = p->pool;
    pthread_mutex_lock(&pool->lock);
    while (may_prepare(pool, p->range)) {
        pthread_mutex_unlock(&pool->lock);
        prepare(pool, p->txn, p->range);
        pthread_mutex_lock(&pool->lock);
        pool->slots[p->range % pool->slot_count].ready = true;
        pthread_cond_broadcast(&pool->changed);
        p->range += pool->preparer_count;
    }
    pthread_mutex_unlock(&pool->lock);
    return NULL;
}

/* One preparer after another: a transaction, slots, and a thread if there is work for several. A
 * thread that cannot be had is no fault: this one then does its share. */
static enum status start(struct pool *pool, struct store *store, size_t threads) {
    for (size_t i = 0; i < threads; i++) {
        struct preparer *p = &pool->preparers[i];
        *p = (struct preparer){.pool = pool, .range = i};
        TRY(store_begin(store, STORE_READ, &p->txn));
        pool->preparer_count++;
    }
    for (size_t i = 0; i < SLOTS_EACH * threads; i++) {
        pool->slots[i].entries = malloc(RANGE * sizeof(struct replay_entry));
        if (pool->slots[i].entries == NULL) {
            return STATUS_NOMEM;
        }
        pool->slot_count++;
    }
    for (size_t i = 0; threads > 1 && i < threads; i++) {
        struct preparer *p = &pool->preparers[i];
        p->started = pthread_create(&p->thread, NULL, prepare_all, p) == 0;
    }
    return STATUS_OK;
}

static const struct slot *await(struct pool *pool, uint64_t range) {
    struct preparer *p = &pool->preparers[range % pool->preparer_count];
    struct slot *slot = &pool->slots[range % pool->slot_count];
    if (!p->started) {
        prepare(pool, p->txn, range);
        return slot;
    }
    pthread_mutex_lock(&pool->lock);
    while (!slot->ready) {
        pthread_cond_wait(&pool->changed, &pool->lock);
    }
    slot->ready = false;
    pthread_mutex_unlock(&pool->lock);
    return slot;
}

static void leave(struct pool *pool) {
    pthread_mutex_lock(&pool->lock);
    pool->applied++;
    pthread_cond_broadcast(&pool->changed);
    pthread_mutex_unlock(&pool->lock);
}

static void stop(struct pool *pool) {
    pthread_mutex_lock(&pool->lock);
    pool->stopped = true;
    pthread_cond_broadcast(&pool->changed);
    pthread_mutex_unlock(&pool->lock);
    for (size_t i = 0; i < pool->preparer_count; i++) {
        if (pool->preparers[i].started) {
            pthread_join(pool->preparers[i].thread, NULL);
        }
    }
    for (size_t i = 0; i < pool->slot_count; i++) {
        slot_release(&pool->slots[i]);
        free(pool->slots[i].entries);
    }
    for (size_t i = 0; i < pool->preparer_count; i++) {
        store_abort(pool->preparers[i].txn);
    }
    pthread_cond_destroy(&pool->changed);
    pthread_mutex_destroy(&pool->lock);
}

static enum status apply_all(struct pool *pool, struct store_replay *replay,
                             void (*applied)(void *context, uint64_t entries), void *context) {
    for (uint64_t range = 0; range < pool->ranges; range++) {
        const struct slot *slot = await(pool, range);
        TRY(slot->status);
        TRY(store_replay_apply(replay, slot->entries, slot->count));
        applied(context, slot->count);
        leave(pool);
    }
    return STATUS_OK;
}

enum status fsck_judge(struct store *store, struct store_replay *replay, size_t threads,
                       void (*applied)(void *context, uint64_t entries), void *context) {
    struct pool pool = {.replay = replay, .ranges = (replay->end + RANGE - 1) / RANGE};
    /* A thread starts no sooner than one range is prepared. */
    threads = replay->end <= RANGE || threads == 0 ? 1 : threads;
    threads = threads < THREADS_MAX ? threads : THREADS_MAX;
    pthread_mutex_init(&pool.lock, NULL);
    pthread_cond_init(&pool.changed, NULL);
    enum status status = start(&pool, store, threads);
    if (status == STATUS_OK) {
        status = apply_all(&pool, replay, applied, context);
    }
    stop(&pool);
    return status;
}
