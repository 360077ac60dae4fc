#include "ledger/store_version.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define LEAF_MAX 64

struct leaf {
    unsigned refs;
    unsigned count; /* never 0 once the version is consistent */
    struct pair *pairs[LEAF_MAX];
};

/* Where a pair is or would go. */
struct place {
    size_t leaf;
    unsigned at;
};

/* --- counted references --- */

static struct bytes pair_key(const struct pair *p) {
    return bytes_of(p->data, p->key_len);
}

struct pair *pair_hold(struct pair *p) {
    p->refs++;
    return p;
}

void pair_release(struct pair *p) {
    if (p == NULL) {
        return;
    }
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

struct version *version_hold(struct version *v) {
    v->refs++;
    return v;
}

void version_release(struct version *v) {
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

struct version *version_copy(const struct version *from) {
    size_t cap = from->count + 8; /* some room, so that a few new leaves fit */
    struct version *v = malloc(sizeof *v);
    struct leaf **leaves = calloc(cap, sizeof(struct leaf *));
    if (v == NULL || leaves == NULL) {
        free(v);
        free(leaves);
        return NULL;
    }
    *v = *from;
    v->refs = 1;
    v->cap = cap;
    v->leaves = leaves;
    for (size_t i = 0; i < v->count; i++) {
        leaves[i] = from->leaves[i];
        leaves[i]->refs++;
    }
    return v;
}

struct version *version_new(void) {
    static const struct version empty = {0};
    return version_copy(&empty);
}

/* --- finding --- */

static bool begins_after(const struct version *v, size_t leaf, struct bytes key) {
    return bytes_compare(pair_key(v->leaves[leaf]->pairs[0]), key) > 0;
}

/* The leaf that holds the key if any does: the last that does not begin after it. Keys of a table
 * begin with the same byte, and are mostly looked for where the one before was. */
static size_t leaf_for(struct version *v, struct bytes key) {
    size_t *hint = &v->hints[(key.len > 0 ? key.data[0] : 0) % VERSION_HINTS];
    if (*hint < v->count && !begins_after(v, *hint, key) &&
        (*hint + 1 == v->count || begins_after(v, *hint + 1, key))) {
        return *hint;
    }
    size_t low = 0, high = v->count; /* leaves below low begin at or before the key */
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (begins_after(v, mid, key)) {
            high = mid;
        } else {
            low = mid + 1;
        }
    }
    *hint = low == 0 ? 0 : low - 1;
    return *hint;
}

/* The first place in its leaf whose key is >= `key`, perhaps one after the leaf's last; true if
 * equal. */
static bool find(struct version *v, struct bytes key, struct place *out) {
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

const struct pair *version_find(struct version *v, struct bytes key) {
    struct place place;
    return find(v, key, &place) ? v->leaves[place.leaf]->pairs[place.at] : NULL;
}

const struct pair *version_seek(struct version *v, struct bytes from) {
    struct place place;
    (void)find(v, from, &place);
    if (place.leaf < v->count && place.at == v->leaves[place.leaf]->count) {
        place = (struct place){.leaf = place.leaf + 1, .at = 0};
    }
    return place.leaf < v->count ? v->leaves[place.leaf]->pairs[place.at] : NULL;
}

const struct pair *version_seek_back(struct version *v, struct bytes from) {
    struct place place;
    if (find(v, from, &place)) {
        return v->leaves[place.leaf]->pairs[place.at];
    }
    if (place.at == 0) {
        assert(place.leaf == 0); /* every leaf but the first begins at or before `from` */
        return NULL;
    }
    return v->leaves[place.leaf]->pairs[place.at - 1];
}

/* --- changing --- */

/* Makes the version, and the leaf at `i` if there is one, the caller's alone. */
static enum status own_leaf(struct version **version, size_t i) {
    if ((*version)->refs > 1) {
        struct version *copy = version_copy(*version);
        if (copy == NULL) {
            return STATUS_NOMEM;
        }
        version_release(*version);
        *version = copy;
    }
    struct version *v = *version;
    if (i >= v->count || v->leaves[i]->refs == 1) {
        return STATUS_OK;
    }
    struct leaf *leaf = malloc(sizeof *leaf);
    if (leaf == NULL) {
        return STATUS_NOMEM;
    }
    *leaf = *v->leaves[i];
    leaf->refs = 1;
    for (unsigned p = 0; p < leaf->count; p++) {
        pair_hold(leaf->pairs[p]);
    }
    leaf_release(v->leaves[i]);
    v->leaves[i] = leaf;
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

/* Takes `pair` into the place where `find` did not find its key; the leaf is owned. */
static enum status insert(struct version *v, struct place place, struct pair *pair) {
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

/* Puts the pair where its key is or belongs; takes it unless it fails. */
static enum status place_pair(struct version **v, struct place place, bool there,
                              struct pair *pair) {
    TRY(own_leaf(v, place.leaf));
    if (!there) {
        return insert(*v, place, pair);
    }
    struct pair **slot = &(*v)->leaves[place.leaf]->pairs[place.at];
    pair_release(*slot);
    *slot = pair;
    return STATUS_OK;
}

enum status version_put(struct version **v, struct bytes key, size_t len, size_t max_bytes,
                        struct pair **out) {
    struct place place;
    bool there = find(*v, key, &place);
    size_t others = (*v)->bytes;
    if (there) {
        others -= key.len + (*v)->leaves[place.leaf]->pairs[place.at]->value_len;
    }
    if (others + key.len + len > max_bytes) {
        return STATUS_FULL;
    }
    struct pair *pair = malloc(sizeof *pair + key.len + len);
    if (pair == NULL) {
        return STATUS_NOMEM;
    }
    *pair = (struct pair){.refs = 1, .key_len = key.len, .value_len = len};
    memcpy(pair->data, key.data, key.len);
    enum status status = place_pair(v, place, there, pair);
    if (status != STATUS_OK) {
        pair_release(pair);
        return status;
    }
    (*v)->bytes = others + key.len + len;
    *out = pair;
    return STATUS_OK;
}

static void drop_leaf(struct version *v, size_t i) {
    free(v->leaves[i]);
    v->count--;
    memmove(v->leaves + i, v->leaves + i + 1, (v->count - i) * sizeof(struct leaf *));
}

enum status version_remove(struct version **version, struct bytes key) {
    struct place place;
    if (!find(*version, key, &place)) {
        return STATUS_NOT_FOUND;
    }
    TRY(own_leaf(version, place.leaf));
    struct version *v = *version;
    struct leaf *leaf = v->leaves[place.leaf];
    struct pair *pair = leaf->pairs[place.at];
    v->pairs--;
    v->bytes -= pair->key_len + pair->value_len;
    pair_release(pair);
    leaf->count--;
    memmove(leaf->pairs + place.at, leaf->pairs + place.at + 1,
            (leaf->count - place.at) * sizeof(struct pair *));
    struct leaf *right = place.leaf + 1 < v->count ? v->leaves[place.leaf + 1] : NULL;
    if (leaf->count == 0) {
        drop_leaf(v, place.leaf);
    } else if (right != NULL && right->refs == 1 && leaf->count + right->count <= LEAF_MAX / 2) {
        memcpy(leaf->pairs + leaf->count, right->pairs, right->count * sizeof(struct pair *));
        leaf->count += right->count;
        drop_leaf(v, place.leaf + 1);
    }
    return STATUS_OK;
}
