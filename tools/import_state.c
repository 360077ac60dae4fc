#include "tools/import_state_parts.h"

#include "ledger/json.h"
#include "ledger/note.h"
#include "ledger/store_lmdb.h"
#include "ledger/store_memory.h"
#include "net/file.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define BATCH_MAX ((size_t)512 * 1024 * 1024) /* 1,024 events with the largest bodies */
#define MEMORY_BYTES_MAX ((size_t)4 << 30)
void import_state_start(struct state_key *key, enum letter letter) {
    writer_init(&key->w, key->data, sizeof key->data);
    writer_u8(&key->w, (uint8_t)letter);
}

struct bytes import_state_view(const struct state_key *key) {
    assert(!key->w.failed);
    return writer_view(&key->w);
}

static enum status begin(struct import_state *state) {
    return store_begin(state->store, state->read_only ? STORE_READ : STORE_WRITE, &state->txn);
}

/* --- opening --- */

/* The folder belongs to the first log and issuer that it is opened for. */
static enum status check_identity(struct import_state *state, struct bytes issuer, struct bytes log,
                                  struct refusal *why) {
    uint8_t memory[1024];
    struct writer w;
    struct state_key key;
    struct bytes found;
    writer_init(&w, memory, sizeof memory);
    writer_text(&w, "{\"issuer\":");
    jcs_write_text(&w, issuer);
    writer_text(&w, ",\"log\":");
    jcs_write_text(&w, log);
    writer_text(&w, "}");
    TRY(writer_status(&w));
    import_state_start(&key, LETTER_IDENTITY);
    enum status status = store_get(state->txn, import_state_view(&key), &found);
    if (status == STATUS_NOT_FOUND) {
        TRY(store_put(state->txn, import_state_view(&key), writer_view(&w)));
        return import_state_commit(state, why);
    }
    if (status == STATUS_OK && !bytes_equal(found, writer_view(&w))) {
        return refuse(why, STATUS_DENIED_KEY,
                      "the state folder belongs to another import: %.*s; give it the key and log "
                      "that it began with, or another folder",
                      (int)(found.len < 120 ? found.len : 120), found.data);
    }
    return status;
}

/* One that was copied here without its modes is not opened: it is secret. */
static enum status check_mode(const char *folder, struct refusal *why) {
    struct stat info;
    if (stat(folder, &info) != 0 || (info.st_mode & 077) == 0) {
        return STATUS_OK; /* it is made, or what is wrong shows when it is opened */
    }
    return refuse(
        why, STATUS_IO,
        "%s: others may read it, and it is secret: chmod 700 the folder, and 600 its files",
        folder);
}

static enum status open_store(const char *folder, bool read_only, struct import_state **out,
                              struct refusal *why) {
    struct store_lmdb_options options = {.read_only = read_only};
    TRY(check_mode(folder, why));
    struct import_state *state = calloc(1, sizeof *state);
    if (state == NULL) {
        return refuse(why, STATUS_NOMEM, "out of memory");
    }
    state->read_only = read_only;
    buffer_init(&state->batch, BATCH_MAX);
    enum status status = store_lmdb_open(folder, &options, &state->store, why);
    if (status == STATUS_NOT_FOUND) {
        refuse(why, status, "%s: no import was made with this state folder", folder);
    } else if (status == STATUS_STORE_IN_USE) {
        refuse(why, status, "%s: another import is at it: wait for its end", folder);
    }
    if (status == STATUS_OK && (status = begin(state)) != STATUS_OK) {
        refuse(why, status, "%s: cannot be read", folder);
    }
    if (status != STATUS_OK) {
        import_state_close(state);
        return status;
    }
    *out = state;
    return STATUS_OK;
}

enum status import_state_open(const char *folder, struct bytes issuer, struct bytes log,
                              struct import_state **out, struct refusal *why) {
    struct import_state *state = NULL;
    TRY(open_store(folder, false, &state, why));
    enum status status = check_identity(state, issuer, log, why);
    if (status != STATUS_OK) {
        import_state_close(state);
        return status;
    }
    *out = state;
    return STATUS_OK;
}

enum status import_state_open_read(const char *folder, struct import_state **out,
                                   struct refusal *why) {
    return open_store(folder, true, out, why);
}

enum status import_state_open_memory(struct import_state **out, struct refusal *why) {
    struct store_memory_options options = {.max_bytes = MEMORY_BYTES_MAX};
    struct import_state *state = calloc(1, sizeof *state);
    if (state == NULL || store_memory_open(&options, &state->store) != STATUS_OK) {
        free(state);
        return refuse(why, STATUS_NOMEM, "out of memory");
    }
    state->memory = true;
    buffer_init(&state->batch, BATCH_MAX);
    enum status status = begin(state);
    if (status != STATUS_OK) {
        import_state_close(state);
        return refuse(why, status, "out of memory");
    }
    *out = state;
    return STATUS_OK;
}

void import_state_close(struct import_state *state) {
    if (state == NULL) {
        return;
    }
    if (state->txn != NULL) {
        store_abort(state->txn);
    }
    if (state->memory) {
        store_memory_close(state->store);
    } else {
        store_lmdb_close(state->store);
    }
    buffer_wipe(&state->batch);
    free(state);
}

static enum status put_batch(struct import_state *state) {
    struct state_key key;
    if (state->batch_count == 0) {
        return STATUS_OK;
    }
    import_state_start(&key, LETTER_EVENT);
    writer_u64(&key.w, state->batch_first);
    TRY(store_put(state->txn, import_state_view(&key), buffer_view(&state->batch)));
    state->batch.len = 0;
    state->batch_count = 0;
    return STATUS_OK;
}

enum status import_state_commit(struct import_state *state, struct refusal *why) {
    enum status status = put_batch(state);
    if (status == STATUS_OK) {
        status = store_commit(state->txn);
        state->txn = NULL;
    }
    if (status == STATUS_OK) {
        status = begin(state);
    }
    return status == STATUS_OK
               ? STATUS_OK
               : refuse(why, status, "the state folder: %s: nothing of the last batch was sent",
                        status_text(status));
}

/* --- events --- */

/* The next event of a batch. */
static bool next_event(struct reader *r, struct bytes *note, struct bytes *body) {
    uint32_t note_len = 0;
    uint32_t body_len = 0;
    return reader_u32(r, &note_len) && reader_take(r, note_len, note) && reader_u32(r, &body_len) &&
           reader_take(r, body_len, body);
}

/* The batch that the event is in, or the last of all for UINT64_MAX. */
static enum status find_batch(struct import_state *state, uint64_t seq, uint64_t *first,
                              struct bytes *batch) {
    struct state_key key;
    struct bytes found = bytes_of(NULL, 0);
    struct reader r;
    uint8_t letter = 0;
    import_state_start(&key, LETTER_EVENT);
    writer_u64(&key.w, seq);
    TRY(store_seek_back(state->txn, import_state_view(&key), &found, batch));
    reader_init(&r, found);
    if (!reader_u8(&r, &letter) || letter != LETTER_EVENT) {
        return STATUS_NOT_FOUND;
    }
    return reader_u64(&r, first) && reader_done(&r) ? STATUS_OK : STATUS_STORE_CORRUPT;
}

enum status import_state_event(struct import_state *state, uint64_t seq, struct bytes *note,
                               struct bytes *body) {
    struct bytes batch;
    struct reader r;
    uint64_t at = 0;
    TRY(find_batch(state, seq, &at, &batch));
    reader_init(&r, batch);
    for (; at <= seq; at++) {
        if (!next_event(&r, note, body)) {
            return r.rest.len == 0 ? STATUS_NOT_FOUND : STATUS_STORE_CORRUPT;
        }
    }
    return STATUS_OK;
}

enum status import_state_put_event(struct import_state *state, uint64_t seq, struct bytes note,
                                   struct bytes body) {
    uint8_t memory[8];
    struct writer lengths;
    assert(state->batch_count == 0 || seq == state->batch_first + state->batch_count);
    writer_init(&lengths, memory, sizeof memory);
    writer_u32(&lengths, (uint32_t)note.len);
    writer_u32(&lengths, (uint32_t)body.len);
    TRY(buffer_append(&state->batch, bytes_of(memory, 4)));
    TRY(buffer_append(&state->batch, note));
    TRY(buffer_append(&state->batch, bytes_of(memory + 4, 4)));
    TRY(buffer_append(&state->batch, body));
    state->batch_first = state->batch_count == 0 ? seq : state->batch_first;
    state->batch_count++;
    return STATUS_OK;
}

enum status import_state_last(struct import_state *state, uint64_t *seq, struct hash *id,
                              struct refusal *why) {
    struct bytes batch;
    struct bytes text = bytes_of(NULL, 0);
    struct bytes body;
    struct note note;
    struct reader r;
    uint64_t first = 0;
    *seq = 0;
    enum status status = find_batch(state, UINT64_MAX, &first, &batch);
    if (status == STATUS_NOT_FOUND) {
        return STATUS_OK;
    }
    TRY(status);
    reader_init(&r, batch);
    while (r.rest.len > 0 && next_event(&r, &text, &body)) {
        *seq = first++;
    }
    if (r.failed || *seq == 0) {
        return refuse(why, STATUS_STORE_CORRUPT, "the state folder is damaged");
    }
    TRY(note_parse(text, &note, why));
    hash_of(note.text.data, note.text.len, id);
    return STATUS_OK;
}

enum status import_state_each(struct import_state *state,
                              enum status (*each)(void *context, uint64_t seq, struct bytes note,
                                                  struct bytes body),
                              void *context) {
    struct state_key key;
    struct bytes found;
    struct bytes batch;
    enum status status = STATUS_OK;
    import_state_start(&key, LETTER_EVENT);
    while ((status = store_seek(state->txn, import_state_view(&key), &found, &batch)) ==
               STATUS_OK &&
           found.data[0] == LETTER_EVENT) {
        struct bytes note;
        struct bytes body;
        struct reader r;
        uint64_t seq = 0;
        reader_init(&r, bytes_of(found.data + 1, found.len - 1));
        if (!reader_u64(&r, &seq)) {
            return STATUS_STORE_CORRUPT;
        }
        for (reader_init(&r, batch); r.rest.len > 0; seq++) {
            if (!next_event(&r, &note, &body)) {
                return STATUS_STORE_CORRUPT;
            }
            TRY(each(context, seq, note, body));
        }
        import_state_start(&key,
                           LETTER_EVENT); /* the next batch begins with the next seq, or later */
        writer_u64(&key.w, seq);
    }
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

/* --- rows --- */

static void row_key(struct state_key *key, const uint8_t table[IMPORT_TABLE_SIZE],
                    const struct import_row_id *id) {
    import_state_start(key, LETTER_ROW);
    writer_put(&key->w, table, IMPORT_TABLE_SIZE);
    writer_put(&key->w, id, sizeof *id);
}

static enum status parse_row(struct bytes value, struct import_row *out) {
    struct bytes part;
    struct reader r;
    memset(out, 0, sizeof *out);
    reader_init(&r, value);
    if (reader_take(&r, IMPORT_HANDLE_SIZE, &part)) {
        memcpy(out->handle, part.data, IMPORT_HANDLE_SIZE);
    }
    if (!reader_u32(&r, &out->subject)) {
        return STATUS_STORE_CORRUPT;
    }
    while (r.rest.len > 0) {
        uint8_t len = 0;
        if (out->count == IMPORT_MADE_MAX || !reader_u8(&r, &len) || len > IMPORT_NAME_MAX ||
            !reader_take(&r, len, &part) || !reader_u64(&r, &out->made[out->count].seq)) {
            return STATUS_STORE_CORRUPT;
        }
        memcpy(out->made[out->count].name, part.data, len);
        out->made[out->count++].name[len] = '\0';
    }
    return STATUS_OK;
}

enum status import_state_row(struct import_state *state, const uint8_t table[IMPORT_TABLE_SIZE],
                             const struct import_row_id *id, struct import_row *out) {
    struct state_key key;
    struct bytes value;
    memset(out, 0, sizeof *out);
    row_key(&key, table, id);
    TRY(store_get(state->txn, import_state_view(&key), &value));
    return parse_row(value, out);
}

enum status import_state_put_row(struct import_state *state, const uint8_t table[IMPORT_TABLE_SIZE],
                                 const struct import_row_id *id, const struct import_row *row) {
    uint8_t memory[IMPORT_HANDLE_SIZE + 4 + IMPORT_MADE_MAX * (IMPORT_NAME_MAX + 9)];
    struct writer w;
    struct state_key key;
    row_key(&key, table, id);
    writer_init(&w, memory, sizeof memory);
    writer_put(&w, row->handle, IMPORT_HANDLE_SIZE);
    writer_u32(&w, row->subject);
    for (size_t i = 0; i < row->count; i++) {
        writer_u8(&w, (uint8_t)strlen(row->made[i].name));
        writer_text(&w, row->made[i].name);
        writer_u64(&w, row->made[i].seq);
    }
    assert(!w.failed);
    return store_put(state->txn, import_state_view(&key), writer_view(&w));
}

enum status import_state_rows(struct import_state *state, const uint8_t table[IMPORT_TABLE_SIZE],
                              struct import_row_id **out, size_t *count) {
    struct import_row_id *rows = NULL;
    size_t n = 0;
    size_t cap = 0;
    struct state_key key;
    struct bytes found;
    struct bytes value;
    import_state_start(&key, LETTER_ROW);
    writer_put(&key.w, table, IMPORT_TABLE_SIZE);
    size_t prefix = key.w.len;
    enum status status = STATUS_OK;
    while ((status = store_seek(state->txn, import_state_view(&key), &found, &value)) ==
               STATUS_OK &&
           found.len == prefix + sizeof *rows && memcmp(found.data, key.data, prefix) == 0) {
        if (n == cap) {
            cap = cap > 0 ? cap * 2 : 1024;
            struct import_row_id *grown = realloc(rows, cap * sizeof *grown);
            if (grown == NULL) {
                free(rows);
                return STATUS_NOMEM;
            }
            rows = grown;
        }
        memcpy(&rows[n], found.data + prefix, sizeof *rows);
        n += value.len > IMPORT_HANDLE_SIZE + 4;        /* else it made nothing yet */
        writer_init(&key.w, key.data, sizeof key.data); /* just after it */
        writer_bytes(&key.w, found);
        writer_u8(&key.w, 0);
    }
    if (status != STATUS_OK && status != STATUS_NOT_FOUND) {
        free(rows);
        return status;
    }
    *out = rows;
    *count = n;
    return STATUS_OK;
}

/* The first row, of any table, whose key is not below `key`; moves `key` to just after it. */
static enum status next_row(struct import_state *state, struct state_key *key,
                            uint8_t table[IMPORT_TABLE_SIZE], struct import_row_id *id,
                            struct import_row *row) {
    struct bytes found;
    struct bytes value;
    TRY(store_seek(state->txn, import_state_view(key), &found, &value));
    if (found.len != 1 + IMPORT_TABLE_SIZE + sizeof *id || found.data[0] != LETTER_ROW) {
        return found.data[0] == LETTER_ROW ? STATUS_STORE_CORRUPT : STATUS_NOT_FOUND;
    }
    memcpy(table, found.data + 1, IMPORT_TABLE_SIZE);
    memcpy(id, found.data + 1 + IMPORT_TABLE_SIZE, sizeof *id);
    writer_init(&key->w, key->data, sizeof key->data);
    writer_bytes(&key->w, found);
    writer_u8(&key->w, 0);
    return parse_row(value, row);
}

enum status import_state_maker(struct import_state *state, uint64_t seq,
                               uint8_t table[IMPORT_TABLE_SIZE], struct import_row_id *id,
                               char name[static IMPORT_NAME_MAX + 1]) {
    struct import_row row;
    struct state_key key;
    import_state_start(&key, LETTER_ROW);
    for (;;) {
        TRY(next_row(state, &key, table, id, &row));
        for (size_t i = 0; i < row.count; i++) {
            if (row.made[i].seq == seq) {
                memcpy(name, row.made[i].name, sizeof row.made[i].name);
                return STATUS_OK;
            }
        }
    }
}

/* --- withdrawing --- */

/* Rows did not make what they made from `seq` on; they keep handle and number. */
static enum status withdraw_rows(struct import_state *state, uint64_t seq) {
    uint8_t table[IMPORT_TABLE_SIZE];
    struct import_row_id id;
    struct import_row row;
    struct state_key key;
    enum status status = STATUS_OK;
    import_state_start(&key, LETTER_ROW);
    while ((status = next_row(state, &key, table, &id, &row)) == STATUS_OK) {
        size_t kept = 0;
        for (size_t i = 0; i < row.count; i++) {
            if (row.made[i].seq < seq) {
                row.made[kept++] = row.made[i];
            }
        }
        if (kept < row.count) {
            row.count = kept;
            TRY(import_state_put_row(state, table, &id, &row));
        }
    }
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

/* The last batch: what of it is before `seq` is written anew, the rest is gone. `more`: all of it
 * was, so that there may be another. */
static enum status withdraw_batch(struct import_state *state, uint64_t seq, uint64_t *count,
                                  bool *more) {
    struct bytes batch;
    struct bytes note;
    struct bytes body;
    struct buffer kept;
    struct state_key key;
    struct reader r;
    uint64_t first = 0;
    uint64_t at = 0;
    enum status status = find_batch(state, UINT64_MAX, &first, &batch);
    *more = false;
    if (status != STATUS_OK) {
        return status == STATUS_NOT_FOUND ? STATUS_OK : status;
    }
    size_t front = 0;
    reader_init(&r, batch);
    for (at = first; r.rest.len > 0; at++) {
        if (!next_event(&r, &note, &body)) {
            return STATUS_STORE_CORRUPT;
        }
        front = at < seq ? batch.len - r.rest.len : front;
    }
    if (at <= seq) {
        return STATUS_OK;
    }
    import_state_start(&key, LETTER_EVENT);
    writer_u64(&key.w, first);
    *count += at - (first > seq ? first : seq);
    *more = first > seq;
    if (front == 0) {
        return store_remove(state->txn, import_state_view(&key));
    }
    buffer_init(&kept, BATCH_MAX);
    status = buffer_append(&kept, bytes_of(batch.data, front));
    if (status == STATUS_OK) {
        status = store_put(state->txn, import_state_view(&key), buffer_view(&kept));
    }
    buffer_wipe(&kept);
    return status;
}

enum status import_state_withdraw(struct import_state *state, uint64_t seq, uint64_t *count,
                                  struct refusal *why) {
    bool more = true;
    store_abort(state->txn);
    state->txn = NULL;
    state->batch.len = 0;
    state->batch_count = 0;
    *count = 0;
    enum status status = begin(state);
    while (status == STATUS_OK && more) {
        status = withdraw_batch(state, seq, count, &more);
    }
    if (status == STATUS_OK) {
        status = withdraw_rows(state, seq);
    }
    return status == STATUS_OK ? import_state_commit(state, why)
                               : refuse(why, status, "the state folder: %s", status_text(status));
}
