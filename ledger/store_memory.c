/* A transaction holds the version it began with; a write transaction changes its own copy of it,
 * and committing makes that the current one. The disk is a second reference: to the version that a
 * crash would leave. */
#include "ledger/store_memory.h"

#include "ledger/store_version.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define MAX_BYTES_DEFAULT ((size_t)1 << 30)

/* strict: a copy handed out, or the room of a reserve that is copied to its pair when it dies. */
struct handed {
    struct handed *next;
    struct pair *reserved; /* NULL for a copy */
    uint8_t data[];
};

struct memory_txn {
    struct store_txn base;
    struct version *version;
    enum status failed;
    struct handed *handed;
};

struct memory_store {
    struct store base;
    struct store_memory_options options;
    struct version *current;                             /* what readers see */
    struct version *durable;                             /* what a crash leaves */
    struct version *unsynced[STORE_MEMORY_UNSYNCED_MAX]; /* later than durable, oldest first */
    size_t unsynced_count;
    uint64_t commits;
    size_t open;
    bool writing;
    bool doubted;
};

static struct memory_store *of(struct store *store) {
    return (struct memory_store *)store;
}

static struct memory_txn *of_txn(struct store_txn *txn) {
    return (struct memory_txn *)txn;
}

/* --- changing --- */

/* strict: what has been filled of a reserve, for whoever reads it. */
static void fill_reserved(struct memory_txn *t) {
    for (struct handed *h = t->handed; h != NULL; h = h->next) {
        if (h->reserved != NULL) {
            memcpy(h->reserved->data + h->reserved->key_len, h->data, h->reserved->value_len);
        }
    }
}

/* strict: what was handed out before a change dies with it. */
static void forget_handed(struct memory_txn *t) {
    fill_reserved(t);
    while (t->handed != NULL) {
        struct handed *h = t->handed;
        t->handed = h->next;
        if (h->reserved != NULL) {
            pair_release(h->reserved);
        }
        free(h);
    }
}

/* Remembers the first failed change, so that commit refuses. */
static enum status changed(struct memory_txn *t, enum status status) {
    if (status != STATUS_OK && t->failed == STATUS_OK) {
        t->failed = status;
    }
    return status;
}

static enum status put_room(struct memory_txn *t, struct bytes key, size_t len, struct pair **out) {
    forget_handed(t);
    size_t max_bytes = of(t->base.store)->options.max_bytes;
    return changed(t, version_put(&t->version, key, len, max_bytes, out));
}

static enum status memory_put(struct store_txn *txn, struct bytes key, struct bytes value) {
    struct pair *pair = NULL;
    TRY(put_room(of_txn(txn), key, value.len, &pair));
    if (value.len > 0) {
        memcpy(pair->data + pair->key_len, value.data, value.len);
    }
    return STATUS_OK;
}

static enum status memory_reserve(struct store_txn *txn, struct bytes key, size_t len,
                                  uint8_t **value) {
    struct memory_txn *t = of_txn(txn);
    struct pair *pair = NULL;
    TRY(put_room(t, key, len, &pair));
    if (!of(txn->store)->options.strict) {
        *value = pair->data + pair->key_len;
        return STATUS_OK;
    }
    struct handed *h = malloc(sizeof *h + len);
    if (h == NULL) {
        return changed(t, STATUS_NOMEM);
    }
    *h = (struct handed){.next = t->handed, .reserved = pair_hold(pair)};
    memset(pair->data + pair->key_len, 0xa5, len); /* what nobody filled is not zero */
    memset(h->data, 0xa5, len);
    t->handed = h;
    *value = h->data;
    return STATUS_OK;
}

static enum status memory_remove(struct store_txn *txn, struct bytes key) {
    struct memory_txn *t = of_txn(txn);
    forget_handed(t);
    enum status status = version_remove(&t->version, key);
    return status == STATUS_NOT_FOUND ? status : changed(t, status);
}

/* --- reading --- */

/* Views of a pair (NULL: NOT_FOUND), or in a strict store's write transaction of a copy. `key` may
 * be NULL. */
static enum status hand_out(struct memory_txn *t, const struct pair *p, struct bytes *key,
                            struct bytes *value) {
    if (p == NULL) {
        return STATUS_NOT_FOUND;
    }
    const uint8_t *data = p->data;
    if (of(t->base.store)->options.strict && t->base.mode == STORE_WRITE) {
        fill_reserved(t);
        struct handed *h = malloc(sizeof *h + p->key_len + p->value_len);
        if (h == NULL) {
            return STATUS_NOMEM;
        }
        *h = (struct handed){.next = t->handed};
        memcpy(h->data, p->data, p->key_len + p->value_len);
        t->handed = h;
        data = h->data;
    }
    if (key != NULL) {
        *key = bytes_of(data, p->key_len);
    }
    *value = bytes_of(data + p->key_len, p->value_len);
    return STATUS_OK;
}

static enum status memory_get(struct store_txn *txn, struct bytes key, struct bytes *value) {
    return hand_out(of_txn(txn), version_find(of_txn(txn)->version, key), NULL, value);
}

static enum status memory_seek(struct store_txn *txn, struct bytes from, struct bytes *key,
                               struct bytes *value) {
    return hand_out(of_txn(txn), version_seek(of_txn(txn)->version, from), key, value);
}

static enum status memory_seek_back(struct store_txn *txn, struct bytes from, struct bytes *key,
                                    struct bytes *value) {
    return hand_out(of_txn(txn), version_seek_back(of_txn(txn)->version, from), key, value);
}

/* --- beginning and ending --- */

static enum status memory_begin(struct store *store, enum store_mode mode, struct store_txn **txn) {
    struct memory_store *s = of(store);
    if (s->doubted) {
        return STATUS_STORE_DOUBT;
    }
    assert(mode == STORE_READ || !s->writing); /* one thread: it would wait for itself */
    struct memory_txn *t = calloc(1, sizeof *t);
    if (t == NULL) {
        return STATUS_NOMEM;
    }
    t->base = (struct store_txn){.store = store, .mode = mode};
    t->version = version_hold(s->current);
    s->writing = s->writing || mode == STORE_WRITE;
    s->open++;
    *txn = &t->base;
    return STATUS_OK;
}

static void memory_abort(struct store_txn *txn) {
    struct memory_store *s = of(txn->store);
    struct memory_txn *t = of_txn(txn);
    assert(s->open > 0);
    s->open--;
    if (txn->mode == STORE_WRITE) {
        s->writing = false;
    }
    forget_handed(t);
    version_release(t->version);
    free(t);
}

static void drop_unsynced(struct memory_store *s) {
    for (size_t i = 0; i < s->unsynced_count; i++) {
        version_release(s->unsynced[i]);
    }
    s->unsynced_count = 0;
}

static void make_durable(struct memory_store *s, struct version *v) {
    version_hold(v);
    version_release(s->durable);
    s->durable = v;
    drop_unsynced(s);
}

static void make_current(struct memory_store *s, struct version *v) {
    version_hold(v);
    version_release(s->current);
    s->current = v;
}

static void commit_lazily(struct memory_store *s, struct version *v) {
    if (s->unsynced_count == STORE_MEMORY_UNSYNCED_MAX) {
        version_release(s->durable);
        s->durable = s->unsynced[0];
        s->unsynced_count--;
        memmove(s->unsynced, s->unsynced + 1, s->unsynced_count * sizeof(struct version *));
    }
    s->unsynced[s->unsynced_count++] = version_hold(v);
}

static enum status memory_commit(struct store_txn *txn) {
    struct memory_store *s = of(txn->store);
    struct memory_txn *t = of_txn(txn);
    enum status status = t->failed != STATUS_OK ? t->failed : STATUS_OK;
    enum store_memory_fault fault = STORE_MEMORY_OK;
    if (status == STATUS_OK && s->options.fault != NULL) {
        fault = s->options.fault(s->options.context, ++s->commits);
    }
    if (status == STATUS_OK) {
        forget_handed(t); /* fills what was reserved */
        switch (fault) {
        case STORE_MEMORY_OK:
            make_current(s, t->version);
            if (s->options.lazy_sync) {
                commit_lazily(s, t->version);
            } else {
                make_durable(s, t->version);
            }
            break;
        case STORE_MEMORY_FAILS:
            status = STATUS_STORE_FAILED;
            break;
        case STORE_MEMORY_FULL:
            status = STATUS_FULL;
            break;
        case STORE_MEMORY_DOUBT_KEPT:
            make_current(s, t->version);
            make_durable(s, t->version);
            s->doubted = true;
            status = STATUS_STORE_DOUBT;
            break;
        case STORE_MEMORY_DOUBT_LOST:
            s->doubted = true;
            status = STATUS_STORE_DOUBT;
            break;
        }
    }
    memory_abort(txn);
    return status;
}

static const struct store_ops memory_ops = {
    .begin = memory_begin,
    .get = memory_get,
    .put = memory_put,
    .reserve = memory_reserve,
    .remove = memory_remove,
    .seek = memory_seek,
    .seek_back = memory_seek_back,
    .commit = memory_commit,
    .abort = memory_abort,
};

/* --- the store itself --- */

/* Takes `version`, also on failure. */
static enum status open_with(const struct store_memory_options *options, struct version *version,
                             struct store **out) {
    struct memory_store *s = calloc(1, sizeof *s);
    if (s == NULL || version == NULL) {
        free(s);
        version_release(version);
        return STATUS_NOMEM;
    }
    s->base.ops = &memory_ops;
    if (options != NULL) {
        s->options = *options;
    }
    if (s->options.max_bytes == 0) {
        s->options.max_bytes = MAX_BYTES_DEFAULT;
    }
    s->current = version;
    s->durable = version_hold(version);
    *out = &s->base;
    return STATUS_OK;
}

enum status store_memory_open(const struct store_memory_options *options, struct store **out) {
    return open_with(options, version_new(), out);
}

enum status store_memory_clone(struct store *store, const struct store_memory_options *options,
                               struct store **out) {
    return open_with(options, version_copy(of(store)->durable), out);
}

void store_memory_close(struct store *store) {
    if (store == NULL) {
        return;
    }
    struct memory_store *s = of(store);
    assert(s->open == 0);
    drop_unsynced(s);
    version_release(s->current);
    version_release(s->durable);
    free(s);
}

void store_memory_crash(struct store *store, size_t kept) {
    struct memory_store *s = of(store);
    assert(s->open == 0);
    if (kept > 0 && s->unsynced_count > 0) {
        size_t last = kept < s->unsynced_count ? kept - 1 : s->unsynced_count - 1;
        make_durable(s, s->unsynced[last]);
    }
    drop_unsynced(s);
    make_current(s, s->durable);
    s->doubted = false;
}

size_t store_memory_sync(struct store *store) {
    struct memory_store *s = of(store);
    size_t count = s->unsynced_count;
    if (count > 0) {
        make_durable(s, s->unsynced[count - 1]);
    }
    return count;
}

void store_memory_used(struct store *store, size_t *pairs, size_t *bytes) {
    *pairs = of(store)->current->pairs;
    *bytes = of(store)->current->bytes;
}
