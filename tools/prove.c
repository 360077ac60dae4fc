#include "tools/prove.h"

#include "net/file.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* Is the receipt of an event that saw just these rows? Else the file would verify nowhere. */
static enum status check_receipt(const struct rows *rows, const char *path, struct bytes content,
                                 struct observed *out, struct refusal *why) {
    struct receipt receipt;
    struct event event;
    struct refusal reason = {.text = ""};
    enum status status = receipt_parse(content, &receipt, &reason);
    if (status == STATUS_OK) {
        status = event_parse(receipt.items[receipt.count - 1].note, &event, &reason);
    }
    if (status != STATUS_OK) {
        return refuse(why, status, "%s: no receipt: %s", path, reason.text);
    }
    if (event.kind->id != KIND_LIST_OBSERVED) {
        status = refuse(why, STATUS_BAD_MEMBER, "%s: a receipt of %s, not of list.observed", path,
                        event.kind->name);
    } else {
        observed_of(&event, out);
        if (out->count != rows->count || !hash_equal(&out->root, &rows->about.root) ||
            !hash_equal(&out->keys, &rows->about.keys)) {
            status = refuse(why, STATUS_BAD_MEMBER,
                            "%s: the receipt of another list: of %s as observed %s, %llu rows",
                            path, out->list, out->observed, (unsigned long long)out->count);
        }
    }
    event_release(&event);
    return status;
}

static enum status find_neighbours(const struct rows *b, struct bytes prefix,
                                   struct absence *absence, struct refusal *why) {
    size_t at = rows_lower_bound(b, prefix);
    if (at < b->count && list_begins(b->leaves[at], prefix)) {
        return refuse(why, STATUS_BAD_MEMBER,
                      "another row of this key is in the second list: fewer rows of a key are no "
                      "absence");
    }
    if (at > 0) {
        rows_prove(b, at - 1, &absence->around[absence->around_count++]);
    }
    if (at < b->count) {
        rows_prove(b, at, &absence->around[absence->around_count++]);
    }
    return STATUS_OK;
}

static enum status write_file(const struct absence *absence, const struct observed lists[2],
                              const char *out, struct refusal *why) {
    struct writer w;
    TRY(absence_check(absence, lists, why));
    uint8_t *memory = malloc(ABSENCE_SIZE_MAX);
    if (memory == NULL) {
        return refuse(why, STATUS_NOMEM, "out of memory");
    }
    writer_init(&w, memory, ABSENCE_SIZE_MAX);
    absence_format(&w, absence);
    assert(!w.failed);
    enum status status = file_create(out, writer_view(&w), why);
    free(memory);
    return status;
}

enum status prove_absence(const struct rows *a, const struct rows *b, struct bytes row,
                          const char *const receipts[2], const char *out, struct refusal *why) {
    struct buffer files[2];
    struct observed lists[2];
    const struct rows *sides[2] = {a, b};
    struct absence *absence = calloc(1, sizeof *absence);
    if (absence == NULL) {
        return refuse(why, STATUS_NOMEM, "out of memory");
    }
    buffer_init(&files[0], RECEIPT_SIZE_MAX);
    buffer_init(&files[1], RECEIPT_SIZE_MAX);
    rows_prove(a, rows_lower_bound(a, row), &absence->row);
    enum status status = find_neighbours(b, list_prefix(row), absence, why);
    for (size_t i = 0; i < 2 && status == STATUS_OK; i++) {
        status = file_read(receipts[i], &files[i], why);
        absence->receipts[i] = buffer_view(&files[i]);
        if (status == STATUS_OK) {
            status = check_receipt(sides[i], receipts[i], absence->receipts[i], &lists[i], why);
        }
    }
    if (status == STATUS_OK) {
        status = write_file(absence, lists, out, why);
    }
    buffer_clear(&files[0]);
    buffer_clear(&files[1]);
    free(absence);
    return status;
}
