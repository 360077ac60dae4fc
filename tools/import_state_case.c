/* Cases and their parties: handles that were drawn once, numbers that were given once. */
#include "crypto/random.h"
#include "ledger/store.h"
#include "tools/import_state_parts.h"

#include <string.h>

#define SUBJECT_MAX 999

static enum status read_case(struct import_state *state, const struct state_key *key,
                             uint8_t handle[IMPORT_HANDLE_SIZE], uint32_t *next) {
    struct bytes value;
    struct bytes part;
    struct reader r;
    TRY(store_get(state->txn, import_state_view(key), &value));
    reader_init(&r, value);
    if (!reader_take(&r, IMPORT_HANDLE_SIZE, &part) || !reader_u32(&r, next)) {
        return STATUS_STORE_CORRUPT;
    }
    memcpy(handle, part.data, IMPORT_HANDLE_SIZE);
    return STATUS_OK;
}

static enum status put_case(struct import_state *state, const struct state_key *key,
                            const uint8_t handle[IMPORT_HANDLE_SIZE], uint32_t next) {
    uint8_t memory[IMPORT_HANDLE_SIZE + 4];
    struct writer w;
    writer_init(&w, memory, sizeof memory);
    writer_put(&w, handle, IMPORT_HANDLE_SIZE);
    writer_u32(&w, next);
    return store_put(state->txn, import_state_view(key), writer_view(&w));
}

static void case_key(struct state_key *key, enum letter letter, const uint8_t id[IMPORT_ID_SIZE]) {
    import_state_start(key, letter);
    writer_put(&key->w, id, IMPORT_ID_SIZE);
}

enum status import_state_case(struct import_state *state, const uint8_t id[IMPORT_ID_SIZE],
                              uint8_t handle[IMPORT_HANDLE_SIZE]) {
    struct state_key key;
    uint32_t next = 0;
    case_key(&key, LETTER_CASE, id);
    enum status status = read_case(state, &key, handle, &next);
    if (status != STATUS_NOT_FOUND) {
        return status;
    }
    random_fill(handle, IMPORT_HANDLE_SIZE);
    return put_case(state, &key, handle, 1);
}

enum status import_state_find_case(struct import_state *state, const uint8_t id[IMPORT_ID_SIZE],
                                   uint8_t handle[IMPORT_HANDLE_SIZE]) {
    struct state_key key;
    uint32_t next = 0;
    case_key(&key, LETTER_CASE, id);
    return read_case(state, &key, handle, &next);
}

void import_state_id(const char *source, struct bytes value, uint8_t out[IMPORT_ID_SIZE]) {
    struct hash_stream stream;
    struct hash hash;
    hash_start(&stream);
    hash_add(&stream, source, strlen(source) + 1);
    hash_add(&stream, value.data != NULL ? value.data : (const uint8_t *)"", value.len);
    hash_finish(&stream, &hash);
    memcpy(out, hash.bytes, IMPORT_ID_SIZE);
}

enum status import_state_subject(struct import_state *state, const uint8_t id[IMPORT_ID_SIZE],
                                 const uint8_t *value, uint32_t *out) {
    struct state_key key;
    struct state_key of_value;
    struct bytes found = bytes_of(NULL, 0);
    uint8_t handle[IMPORT_HANDLE_SIZE];
    uint32_t next = 0;
    case_key(&of_value, LETTER_SUBJECT, id);
    if (value != NULL) {
        struct reader r;
        writer_put(&of_value.w, value, IMPORT_ID_SIZE);
        enum status status = store_get(state->txn, import_state_view(&of_value), &found);
        reader_init(&r, found);
        if (status != STATUS_NOT_FOUND) {
            return status != STATUS_OK   ? status
                   : reader_u32(&r, out) ? STATUS_OK
                                         : STATUS_STORE_CORRUPT;
        }
    }
    case_key(&key, LETTER_CASE, id);
    TRY(read_case(state, &key, handle, &next));
    if (next > SUBJECT_MAX) {
        return STATUS_TOO_LARGE;
    }
    *out = next;
    TRY(put_case(state, &key, handle, next + 1));
    if (value == NULL) {
        return STATUS_OK;
    }
    uint8_t number[4];
    struct writer w;
    writer_init(&w, number, sizeof number);
    writer_u32(&w, next);
    return store_put(state->txn, import_state_view(&of_value), writer_view(&w));
}
