#include "net/seen.h"

#include "crypto/hash.h"

#include <stdlib.h>
#include <string.h>

#define PLACES (2 * SEEN_MAX) /* open addressing, never more than half full */

struct kept {
    uint8_t *data; /* NULL: nothing */
    size_t len;
};

struct pair {
    struct hash key; /* of log and address */
    struct kept last;
    struct kept waiting;
};

struct seen {
    struct pair *pairs[PLACES];
    size_t count;
};

struct seen *seen_open(void) {
    return calloc(1, sizeof(struct seen));
}

void seen_free(struct seen *seen) {
    for (size_t i = 0; seen != NULL && i < PLACES; i++) {
        if (seen->pairs[i] != NULL) {
            free(seen->pairs[i]->last.data);
            free(seen->pairs[i]->waiting.data);
            free(seen->pairs[i]);
        }
    }
    free(seen);
}

static void key_of(uint32_t log, const char *url, struct hash *out) {
    struct hash address;
    uint8_t both[sizeof log + HASH_SIZE];
    hash_of((const uint8_t *)url, strlen(url), &address);
    memcpy(both, &log, sizeof log);
    memcpy(both + sizeof log, address.bytes, HASH_SIZE);
    hash_of(both, sizeof both, out);
}

/* Where the pair is, or would be. */
static size_t place_of(const struct seen *seen, const struct hash *key) {
    size_t at;
    memcpy(&at, key->bytes, sizeof at);
    at %= PLACES;
    while (seen->pairs[at] != NULL && !hash_equal(&seen->pairs[at]->key, key)) {
        at = (at + 1) % PLACES;
    }
    return at;
}

static const struct pair *find(const struct seen *seen, uint32_t log, const char *url) {
    struct hash key;
    key_of(log, url, &key);
    return seen->pairs[place_of(seen, &key)];
}

/* NULL: no room, or no memory. */
static struct pair *find_or_add(struct seen *seen, uint32_t log, const char *url) {
    struct hash key;
    key_of(log, url, &key);
    size_t at = place_of(seen, &key);
    if (seen->pairs[at] == NULL && seen->count < SEEN_MAX) {
        seen->pairs[at] = calloc(1, sizeof(struct pair));
        if (seen->pairs[at] != NULL) {
            seen->pairs[at]->key = key;
            seen->count++;
        }
    }
    return seen->pairs[at];
}

static void keep(struct kept *kept, struct bytes note) {
    uint8_t *copy = note.len > 0 ? malloc(note.len) : NULL;
    if (copy != NULL) {
        memcpy(copy, note.data, note.len);
    }
    free(kept->data);
    kept->data = copy;
    kept->len = copy != NULL ? note.len : 0;
}

struct bytes seen_last(const struct seen *seen, uint32_t log, const char *url) {
    const struct pair *pair = find(seen, log, url);
    return pair != NULL ? bytes_of(pair->last.data, pair->last.len) : bytes_of(NULL, 0);
}

struct bytes seen_waiting(const struct seen *seen, uint32_t log, const char *url) {
    const struct pair *pair = find(seen, log, url);
    return pair != NULL ? bytes_of(pair->waiting.data, pair->waiting.len) : bytes_of(NULL, 0);
}

void seen_show(struct seen *seen, uint32_t log, const char *url, struct bytes note) {
    struct pair *pair = find_or_add(seen, log, url);
    if (pair != NULL) {
        keep(&pair->last, note);
    }
}

void seen_wait(struct seen *seen, uint32_t log, const char *url, struct bytes note) {
    struct pair *pair = find_or_add(seen, log, url);
    if (pair != NULL) {
        keep(&pair->waiting, note);
    }
}
