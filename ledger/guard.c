/* TABLE_META "signing": u64, commits after which signatures left; "holding": nothing, present if
 * new logs are held. TABLE_GUARD: log: nothing while it is held; then the floor, u64 size and root.
 */
#include "ledger/guard.h"

#include "ledger/schema.h"

#include <assert.h>
#include <string.h>

static const char magic[] = "dutylog/head/v1\n";

/* --- the record --- */

static void put_number(struct writer *w, const char *word, uint64_t number) {
    writer_text(w, word);
    writer_decimal(w, number);
    writer_u8(w, '\n');
}

void guard_record_format(struct writer *w, const struct guard_record *record) {
    size_t start = w->len;
    writer_text(w, magic);
    put_number(w, "writing ", record->writing);
    put_number(w, "commit ", record->commit);
    if (record->has_log) {
        writer_text(w, "log ");
        writer_text(w, record->origin);
        writer_text(w, "\nhead ");
        writer_decimal(w, record->size);
        writer_u8(w, ' ');
        writer_hash_base64(w, &record->root);
        writer_u8(w, '\n');
    }
    for (size_t i = 0; i < record->mirror_count; i++) {
        char text[VKEY_SIZE_MAX];
        struct writer line;
        writer_init(&line, text, sizeof text);
        vkey_format(&line, &record->mirrors[i]);
        writer_text(w, "mirror ");
        writer_bytes(w, writer_view(&line));
        writer_u8(w, '\n');
    }
    static_assert(sizeof magic + 2 * 40 + 2 * NAME_SIZE_MAX + 200 +
                          GUARD_MIRRORS_MAX * (8 + VKEY_SIZE_MAX) <=
                      GUARD_RECORD_MAX,
                  "the largest record fits");
    if (w->failed) {
        return;
    }
    struct hash sum;
    hash_of(w->data + start, w->len - start, &sum);
    writer_text(w, "sum ");
    writer_hash_hex(w, &sum);
    writer_u8(w, '\n');
}

static bool read_number(struct reader *r, const char *word, uint64_t *out) {
    struct bytes line;
    return reader_skip(r, word) && reader_line(r, &line) && bytes_to_u64(line, out);
}

static bool read_log(struct reader *r, struct guard_record *out) {
    struct bytes origin;
    struct bytes size;
    struct bytes root;
    if (!reader_line(r, &origin) || origin.len == 0 || origin.len > NAME_SIZE_MAX ||
        memchr(origin.data, '\0', origin.len) != NULL || !reader_skip(r, "head ") ||
        !reader_until(r, ' ', &size) || !bytes_to_u64(size, &out->size) || !reader_line(r, &root) ||
        !bytes_to_hash(root, &out->root)) {
        return false;
    }
    memcpy(out->origin, origin.data, origin.len);
    out->has_log = true;
    return true;
}

static bool read_sum(struct reader *r, struct bytes text, struct bytes before) {
    struct bytes line;
    struct hash said;
    struct hash sum;
    hash_of(text.data, text.len - before.len, &sum);
    if (!reader_line(r, &line) || !bytes_hex_to_hash(line, &said) || !hash_equal(&said, &sum)) {
        return false;
    }
    for (size_t i = 0; i < r->rest.len; i++) {
        if (r->rest.data[i] != '\n') {
            return false;
        }
    }
    return true;
}

enum status guard_record_parse(struct bytes text, struct guard_record *out) {
    struct guard_record record;
    struct reader r;
    struct bytes line;
    memset(&record, 0, sizeof record);
    reader_init(&r, text);
    if (!reader_skip(&r, magic) || !read_number(&r, "writing ", &record.writing) ||
        !read_number(&r, "commit ", &record.commit) ||
        (reader_skip(&r, "log ") && !read_log(&r, &record))) {
        return STATUS_BAD_FORM;
    }
    struct bytes before = r.rest;
    while (reader_skip(&r, "mirror ")) {
        if (record.mirror_count == GUARD_MIRRORS_MAX || !reader_line(&r, &line) ||
            vkey_parse(line, &record.mirrors[record.mirror_count], NULL) != STATUS_OK) {
            return STATUS_BAD_FORM;
        }
        record.mirror_count++;
        before = r.rest;
    }
    if (!reader_skip(&r, "sum ") || !read_sum(&r, text, before)) {
        return STATUS_BAD_FORM;
    }
    *out = record;
    return STATUS_OK;
}

void guard_record_new(struct guard_record *record, struct bytes origin) {
    assert(origin.len <= NAME_SIZE_MAX);
    memset(record, 0, sizeof *record);
    if (origin.len == 0) {
        return;
    }
    record->has_log = true;
    memcpy(record->origin, origin.data, origin.len);
    hash_empty(&record->root);
}

bool guard_lists(const struct guard_record *record, const struct vkey *mirror) {
    for (size_t i = 0; i < record->mirror_count; i++) {
        if (vkey_equal(&record->mirrors[i], mirror)) {
            return true;
        }
    }
    return false;
}

bool guard_list(struct guard_record *record, const struct vkey *mirror) {
    if (guard_lists(record, mirror)) {
        return true;
    }
    if (record->mirror_count == GUARD_MIRRORS_MAX) {
        return false;
    }
    record->mirrors[record->mirror_count++] = *mirror;
    return true;
}

enum guard_verdict guard_judge(const struct guard_record *record, struct bytes origin,
                               const struct head *head) {
    bool known =
        record != NULL && record->has_log && bytes_equal(bytes_text(record->origin), origin);
    if (known && record->size == head->size &&
        (head->size == 0 || hash_equal(&record->root, &head->root))) {
        return GUARD_FITS;
    }
    return head->size > 0 ? GUARD_DIFFERS : GUARD_LOST;
}

/* --- counting commits --- */

static struct key commits_key(void) {
    struct key key;
    key_start(&key, TABLE_META);
    key_bytes(&key, bytes_text("signing"));
    return key;
}

enum status guard_commits(struct store_txn *txn, uint64_t *commits) {
    struct key key = commits_key();
    struct bytes value;
    struct reader r;
    uint64_t found = 0;
    enum status status = store_get(txn, key_view(&key), &value);
    if (status == STATUS_OK) {
        reader_init(&r, value);
        if (!reader_u64(&r, &found) || !reader_done(&r)) {
            return STATUS_STORE_CORRUPT;
        }
    } else if (status != STATUS_NOT_FOUND) {
        return status;
    }
    *commits = found;
    return STATUS_OK;
}

enum status guard_set_commits(struct store_txn *txn, uint64_t commits) {
    struct key key = commits_key();
    uint8_t memory[8];
    struct writer w;
    writer_init(&w, memory, sizeof memory);
    writer_u64(&w, commits);
    return store_put(txn, key_view(&key), writer_view(&w));
}

/* --- cosigners --- */

enum status guard_floor(struct store_txn *txn, uint32_t log, struct guard_floor *out) {
    struct key key = key_log(TABLE_GUARD, log);
    struct guard_floor found = {.guarded = false};
    struct bytes value;
    struct reader r;
    enum status status = store_get(txn, key_view(&key), &value);
    if (status != STATUS_OK && status != STATUS_NOT_FOUND) {
        return status;
    }
    found.guarded = status == STATUS_OK;
    if (found.guarded && value.len > 0) {
        found.known = true;
        reader_init(&r, value);
        if (!reader_u64(&r, &found.size) || !reader_hash(&r, &found.root) || !reader_done(&r)) {
            return STATUS_STORE_CORRUPT;
        }
    }
    *out = found;
    return STATUS_OK;
}

enum status guard_hold(struct store_txn *txn, uint32_t log) {
    struct key key = key_log(TABLE_GUARD, log);
    return store_put(txn, key_view(&key), bytes_of(NULL, 0));
}

static struct key holding_key(void) {
    struct key key;
    key_start(&key, TABLE_META);
    key_bytes(&key, bytes_text("holding"));
    return key;
}

enum status guard_hold_new(struct store_txn *txn) {
    struct key key = holding_key();
    return store_put(txn, key_view(&key), bytes_of(NULL, 0));
}

enum status guard_holds_new(struct store_txn *txn, bool *holds) {
    struct key key = holding_key();
    struct bytes value;
    enum status status = store_get(txn, key_view(&key), &value);
    *holds = status == STATUS_OK;
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

enum status guard_set_floor(struct store_txn *txn, uint32_t log, uint64_t size,
                            const struct hash *root) {
    struct key key = key_log(TABLE_GUARD, log);
    uint8_t memory[8 + HASH_SIZE];
    struct writer w;
    writer_init(&w, memory, sizeof memory);
    writer_u64(&w, size);
    writer_hash(&w, root);
    return store_put(txn, key_view(&key), writer_view(&w));
}

enum status guard_release(struct store_txn *txn, uint32_t log) {
    struct key key = key_log(TABLE_GUARD, log);
    enum status status = store_remove(txn, key_view(&key));
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

static enum status refuse_held(struct refusal *why) {
    return refuse(why, STATUS_BUSY,
                  "this node's folder was put back from a backup, and it does not know yet what it "
                  "cosigned of this log: try again in a minute");
}

enum status guard_check_pending(struct store_txn *txn, uint32_t log, uint64_t pending,
                                uint64_t size, const struct hash *root, struct refusal *why) {
    struct guard_floor floor;
    TRY(guard_floor(txn, log, &floor));
    if (!floor.guarded || (floor.known && pending >= floor.size)) {
        return STATUS_OK;
    }
    /* Larger ones may be of another history than the one that was cosigned: that one comes first.
     */
    if (floor.known && size == floor.size && hash_equal(root, &floor.root)) {
        return STATUS_OK;
    }
    return refuse_held(why);
}

enum status guard_check_mirror(struct store_txn *txn, uint32_t log, uint64_t size,
                               struct refusal *why) {
    struct guard_floor floor;
    TRY(guard_floor(txn, log, &floor));
    return !floor.guarded || (floor.known && size >= floor.size) ? STATUS_OK : refuse_held(why);
}
