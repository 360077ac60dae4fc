/* A version is a sorted array of leaves, a leaf a sorted array of pairs; all three are counted
 * references and never change once a second one holds them. A write transaction copies the array of
 * leaves once and every leaf it touches once; committing swaps one pointer. Two levels are enough:
 * the simulator's stores hold thousands of pairs, not billions. */
#include "ledger/store_memory.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define LEAF_MAX 64
#define MAX_BYTES_DEFAULT ((size_t)1 << 30)

struct pair {
    unsigned refs;
    size_t key_len;
    size_t value_len;
    uint8_t data[]; /* the key, then the value */
};

struct leaf {
    unsigned refs;
    unsigned count; /* never 0 in a version */
    struct pair *pairs[LEAF_MAX];
};

struct version {
    unsigned refs;
    size_t pairs;
    size_t bytes;
    size_t count;
    size_t cap;
    struct leaf **leaves;
};

/* Where a pair is or would go. */
struct place {
    size_t leaf;
    unsigned at;
};

/* strict: a copy handed out, or the room of a reserve that is copied to its pair when it dies. */
struct handed {
    struct handed *next;
    struct pair *reserved; /* NULL for a copy */
    uint8_t data[];
};

struct memory_txn {
    struct store_txn base;
    struct version *version;
    bool own; /* the version is this transaction's alone */
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

/* --- counted references --- */

static struct bytes pair_key(const struct pair *p) {
    return bytes_of(p->data, p->key_len);
}

static void pair_release(struct pair *p) {
    assert(p->refs > 0);
    if (--p->refs == 0) {
        free(p);
    }
}

static void leaf_release(struct leaf *leaf) {
    assert(leaf->refs > 0);
    if (--leaf->refs > 0) {
        return;
    }
    for (unsigned i = 0; i < leaf->count; i++) {
        pair_release(leaf->pairs[i]);
    }
    free(leaf);
}

static struct version *version_hold(struct version *v) {
    v->refs++;
    return v;
}

static void version_release(struct version *v) {
    if (v == NULL) {
        return;
    }
    assert(v->refs > 0);
    if (--v->refs > 0) {
        return;
    }
    for (size_t i = 0; i < v->count; i++) {
        leaf_release(v->leaves[i]);
    }
    free(v->leaves);
    free(v);
}

/* A version of its own with the same content and some room; NULL: out of memory. */
static struct version *version_copy(const struct version *from) {
    struct version *v = calloc(1, sizeof *v);
    size_t count = from != NULL ? from->count : 0;
    struct leaf **leaves = calloc(count + 8, sizeof(struct leaf *));
    if (v == NULL || leaves == NULL) {
        free(v);
        free(leaves);
        return NULL;
    }
    *v = (struct version){.refs = 1, .count = count, .cap = count + 8, .leaves = leaves};
    if (from != NULL) {
        v->pairs = from->pairs;
        v->bytes = from->bytes;
    }
    for (size_t i = 0; i < count; i++) {
        leaves[i] = from->leaves[i];
        leaves[i]->refs++;
    }
    return v;
}

/* --- finding --- */

/* The leaf that holds the key if any does: the last that does not begin after it. */
static size_t leaf_for(const struct version *v, struct bytes key) {
    size_t low = 0, high = v->count; /* leaves below low begin at or before the key */
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (bytes_compare(pair_key(v->leaves[mid]->pairs[0]), key) <= 0) {
            low = mid + 1;
        } else {
            high = mid;
        }
    }
    return low == 0 ? 0 : low - 1;
}

/* The first place in its leaf whose key is >= `key`, perhaps one after the leaf's last; true if
 * equal. */
static bool find(const struct version *v, struct bytes key, struct place *out) {
    *out = (struct place){.leaf = leaf_for(v, key), .at = 0};
    if (out->leaf >= v->count) {
        return false;
    }
    const struct leaf *leaf = v->leaves[out->leaf];
    unsigned low = 0, high = leaf->count;
    while (low < high) {
        unsigned mid = low + (high - low) / 2;
        if (bytes_compare(pair_key(leaf->pairs[mid]), key) < 0) {
            low = mid + 1;
        } else {
            high = mid;
        }
    }
    out->at = low;
    return low < leaf->count && bytes_equal(pair_key(leaf->pairs[low]), key);
}

/* --- changing --- */

/* Makes the version and the leaf at `i` (if there is one) the transaction's own. */
static enum status own_leaf(struct memory_txn *t, size_t i) {
    if (!t->own) {
        struct version *v = version_copy(t->version);
        if (v == NULL) {
            return STATUS_NOMEM;
        }
        version_release(t->version);
        t->version = v;
        t->own = true;
    }
    struct version *v = t->version;
    if (i >= v->count || v->leaves[i]->refs == 1) {
        return STATUS_OK;
    }
    struct leaf *copy = malloc(sizeof *copy);
    if (copy == NULL) {
        return STATUS_NOMEM;
    }
    *copy = *v->leaves[i];
    copy->refs = 1;
    for (unsigned p = 0; p < copy->count; p++) {
        copy->pairs[p]->refs++;
    }
    leaf_release(v->leaves[i]);
    v->leaves[i] = copy;
    return STATUS_OK;
}

/* Makes room for one more leaf, without any pairs yet, at `i`. */
static enum status add_leaf(struct version *v, size_t i) {
    if (v->count == v->cap) {
        struct leaf **larger = realloc(v->leaves, 2 * v->cap * sizeof(struct leaf *));
        if (larger == NULL) {
            return STATUS_NOMEM;
        }
        v->leaves = larger;
        v->cap *= 2;
    }
    struct leaf *leaf = calloc(1, sizeof *leaf);
    if (leaf == NULL) {
        return STATUS_NOMEM;
    }
    leaf->refs = 1;
    memmove(v->leaves + i + 1, v->leaves + i, (v->count - i) * sizeof(struct leaf *));
    v->leaves[i] = leaf;
    v->count++;
    return STATUS_OK;
}

/* Takes `pair` into the place where `find` did not find its key. */
static enum status insert(struct memory_txn *t, struct place place, struct pair *pair) {
    struct version *v = t->version;
    if (v->count == 0) {
        TRY(add_leaf(v, 0));
    }
    struct leaf *leaf = v->leaves[place.leaf];
    if (leaf->count == LEAF_MAX) {
        TRY(add_leaf(v, place.leaf + 1));
        struct leaf *right = v->leaves[place.leaf + 1];
        leaf->count = LEAF_MAX / 2;
        right->count = LEAF_MAX - LEAF_MAX / 2;
        memcpy(right->pairs, leaf->pairs + leaf->count, right->count * sizeof(struct pair *));
        if (place.at > leaf->count) {
            place.at -= leaf->count;
            leaf = right;
        }
    }
    memmove(leaf->pairs + place.at + 1, leaf->pairs + place.at,
            (leaf->count - place.at) * sizeof(struct pair *));
    leaf->pairs[place.at] = pair;
    leaf->count++;
    v->pairs++;
    return STATUS_OK;
}

static void drop_leaf(struct version *v, size_t i) {
    free(v->leaves[i]);
    v->count--;
    memmove(v->leaves + i, v->leaves + i + 1, (v->count - i) * sizeof(struct leaf *));
}

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

/* Puts a pair with room for `len` bytes of value, not yet filled. */
static enum status put_room(struct memory_txn *t, struct bytes key, size_t len, struct pair **out) {
    forget_handed(t);
    struct place place;
    bool there = find(t->version, key, &place);
    size_t old = there ? t->version->leaves[place.leaf]->pairs[place.at]->value_len : 0;
    size_t bytes = t->version->bytes - old - (there ? key.len : 0);
    if (len + key.len > of(t->base.store)->options.max_bytes ||
        bytes > of(t->base.store)->options.max_bytes - len - key.len) {
        return STATUS_FULL;
    }
    struct pair *pair = malloc(sizeof *pair + key.len + len);
    if (pair == NULL) {
        return STATUS_NOMEM;
    }
    *pair = (struct pair){.refs = 1, .key_len = key.len, .value_len = len};
    memcpy(pair->data, key.data, key.len);
    enum status status = own_leaf(t, place.leaf);
    if (status == STATUS_OK && there) {
        struct pair **slot = &t->version->leaves[place.leaf]->pairs[place.at];
        pair_release(*slot);
        *slot = pair;
    } else if (status == STATUS_OK) {
        status = insert(t, place, pair);
    }
    if (status != STATUS_OK) {
        free(pair);
        return status;
    }
    t->version->bytes = bytes + len + key.len;
    *out = pair;
    return STATUS_OK;
}

static enum status memory_put(struct store_txn *txn, struct bytes key, struct bytes value) {
    struct pair *pair = NULL;
    TRY(changed(of_txn(txn), put_room(of_txn(txn), key, value.len, &pair)));
    if (value.len > 0) {
        memcpy(pair->data + pair->key_len, value.data, value.len);
    }
    return STATUS_OK;
}

static enum status memory_reserve(struct store_txn *txn, struct bytes key, size_t len,
                                  uint8_t **value) {
    struct memory_txn *t = of_txn(txn);
    struct pair *pair = NULL;
    TRY(changed(t, put_room(t, key, len, &pair)));
    if (!of(txn->store)->options.strict) {
        *value = pair->data + pair->key_len;
        return STATUS_OK;
    }
    struct handed *h = malloc(sizeof *h + len);
    if (h == NULL) {
        return changed(t, STATUS_NOMEM);
    }
    *h = (struct handed){.next = t->handed, .reserved = pair};
    pair->refs++;
    memset(pair->data + pair->key_len, 0xa5, len); /* what nobody filled is not zero */
    memset(h->data, 0xa5, len);
    t->handed = h;
    *value = h->data;
    return STATUS_OK;
}

static enum status memory_remove(struct store_txn *txn, struct bytes key) {
    struct memory_txn *t = of_txn(txn);
    forget_handed(t);
    struct place place;
    if (!find(t->version, key, &place)) {
        return STATUS_NOT_FOUND;
    }
    TRY(changed(t, own_leaf(t, place.leaf)));
    struct version *v = t->version;
    struct leaf *leaf = v->leaves[place.leaf];
    struct pair *pair = leaf->pairs[place.at];
    v->pairs--;
    v->bytes -= pair->key_len + pair->value_len;
    pair_release(pair);
    leaf->count--;
    memmove(leaf->pairs + place.at, leaf->pairs + place.at + 1,
            (leaf->count - place.at) * sizeof(struct pair *));
    if (leaf->count == 0) {
        drop_leaf(v, place.leaf);
    } else if (place.leaf + 1 < v->count && v->leaves[place.leaf + 1]->refs == 1 &&
               leaf->count + v->leaves[place.leaf + 1]->count <= LEAF_MAX / 2) {
        struct leaf *right = v->leaves[place.leaf + 1];
        memcpy(leaf->pairs + leaf->count, right->pairs, right->count * sizeof(struct pair *));
        leaf->count += right->count;
        drop_leaf(v, place.leaf + 1);
    }
    return STATUS_OK;
}

/* --- reading --- */

/* Views of a pair, or in a strict store's write transaction of a copy. `key` may be NULL. */
static enum status hand_out(struct memory_txn *t, const struct pair *p, struct bytes *key,
                            struct bytes *value) {
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
    struct memory_txn *t = of_txn(txn);
    struct place place;
    if (!find(t->version, key, &place)) {
        return STATUS_NOT_FOUND;
    }
    return hand_out(t, t->version->leaves[place.leaf]->pairs[place.at], NULL, value);
}

static enum status memory_seek(struct store_txn *txn, struct bytes from, struct bytes *key,
                               struct bytes *value) {
    struct memory_txn *t = of_txn(txn);
    const struct version *v = t->version;
    struct place place;
    (void)find(v, from, &place);
    if (place.leaf < v->count && place.at == v->leaves[place.leaf]->count) {
        place = (struct place){.leaf = place.leaf + 1, .at = 0};
    }
    if (place.leaf >= v->count) {
        return STATUS_NOT_FOUND;
    }
    return hand_out(t, v->leaves[place.leaf]->pairs[place.at], key, value);
}

static enum status memory_seek_back(struct store_txn *txn, struct bytes from, struct bytes *key,
                                    struct bytes *value) {
    struct memory_txn *t = of_txn(txn);
    const struct version *v = t->version;
    struct place place;
    if (!find(v, from, &place)) {
        /* The leaf begins at or before `from` unless it is the very first. */
        if (place.at == 0) {
            assert(place.leaf == 0);
            return STATUS_NOT_FOUND;
        }
        place.at--;
    }
    return hand_out(t, v->leaves[place.leaf]->pairs[place.at], key, value);
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
    return open_with(options, version_copy(NULL), out);
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
