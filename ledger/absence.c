/* The form of absence files, and what they prove given what two observations say. */
#include "ledger/absence.h"

#include <assert.h>
#include <string.h>

#define FIRST_LINE "dutylog/absence/v1\n"

/* --- reading --- */

static enum status parse_part(struct reader *r, int number, struct bytes *part,
                              struct refusal *why) {
    struct bytes line;
    uint64_t size = 0;
    if (!reader_skip(r, "part ") || !reader_line(r, &line) || !bytes_to_u64(line, &size) ||
        size == 0 || size > RECEIPT_SIZE_MAX) {
        return refuse(why, STATUS_BAD_FORM, "part %d: no line \"part <bytes>\"", number);
    }
    if (!reader_take(r, (size_t)size, part)) {
        return refuse(why, STATUS_BAD_FORM, "part %d: the file ends within it", number);
    }
    return STATUS_OK;
}

static enum status parse_leaf(struct reader *r, struct absence_leaf *out, struct refusal *why) {
    struct bytes index;
    struct bytes line;
    uint64_t hashes = 0;
    if (!reader_skip(r, "leaf ") || !reader_until(r, ' ', &index) || !reader_line(r, &line) ||
        !bytes_to_u64(index, &out->index) || !bytes_to_u64(line, &hashes) ||
        hashes > MERKLE_PROOF_MAX || !reader_line(r, &out->text)) {
        return refuse(why, STATUS_BAD_FORM, "no line \"leaf <index> <hashes>\" with its leaf");
    }
    TRY(list_leaf_check(out->text, why));
    out->proof.count = (size_t)hashes;
    for (size_t i = 0; i < out->proof.count; i++) {
        if (!reader_line(r, &line) || !bytes_to_hash(line, &out->proof.hashes[i])) {
            return refuse(why, STATUS_BAD_FORM, "leaf %llu: hash %zu is none in base64",
                          (unsigned long long)out->index, i + 1);
        }
    }
    return STATUS_OK;
}

enum status absence_parse(struct bytes input, struct absence *out, struct refusal *why) {
    struct reader r;
    if (input.len > ABSENCE_SIZE_MAX) {
        return refuse(why, STATUS_TOO_LARGE, "an absence file has at most %d bytes",
                      ABSENCE_SIZE_MAX);
    }
    reader_init(&r, input);
    if (!reader_skip(&r, FIRST_LINE)) {
        return refuse(why, STATUS_BAD_FORM, "an absence file starts with dutylog/absence/v1");
    }
    TRY(parse_part(&r, 1, &out->receipts[0], why));
    TRY(parse_part(&r, 2, &out->receipts[1], why));
    TRY(parse_leaf(&r, &out->row, why));
    out->around_count = 0;
    while (!reader_done(&r)) {
        if (out->around_count == 2) {
            return refuse(why, STATUS_BAD_FORM, "more than two leaves of the second list");
        }
        TRY(parse_leaf(&r, &out->around[out->around_count], why));
        out->around_count++;
    }
    return STATUS_OK;
}

/* --- writing --- */

static void put_leaf(struct writer *w, const struct absence_leaf *leaf) {
    writer_text(w, "leaf ");
    writer_decimal(w, leaf->index);
    writer_text(w, " ");
    writer_decimal(w, leaf->proof.count);
    writer_text(w, "\n");
    writer_bytes(w, leaf->text);
    writer_text(w, "\n");
    for (size_t i = 0; i < leaf->proof.count; i++) {
        writer_hash_base64(w, &leaf->proof.hashes[i]);
        writer_text(w, "\n");
    }
}

void absence_format(struct writer *w, const struct absence *absence) {
    assert(absence->around_count <= 2);
    writer_text(w, FIRST_LINE);
    for (size_t i = 0; i < 2; i++) {
        writer_text(w, "part ");
        writer_decimal(w, absence->receipts[i].len);
        writer_text(w, "\n");
        writer_bytes(w, absence->receipts[i]);
    }
    put_leaf(w, &absence->row);
    for (size_t i = 0; i < absence->around_count; i++) {
        put_leaf(w, &absence->around[i]);
    }
}

/* --- what it proves --- */

static bool is_in(const struct absence_leaf *leaf, const struct observed *list) {
    struct hash hash;
    hash_leaf(leaf->text.data, leaf->text.len, &hash);
    return leaf->index < list->count &&
           merkle_inclusion_check(&hash, leaf->index, list->count, leaf->proof.hashes,
                                  leaf->proof.count, &list->root);
}

static enum status check_comparable(const struct observed lists[2], struct refusal *why) {
    if (strcmp(lists[0].list, lists[1].list) != 0) {
        return refuse(why, STATUS_BAD_MEMBER, "two lists: %s, and %s", lists[0].list,
                      lists[1].list);
    }
    if (!hash_equal(&lists[0].keys, &lists[1].keys)) {
        return refuse(why, STATUS_BAD_MEMBER,
                      "the keys of the two lists were made by different rules: a row of the one "
                      "cannot be looked for in the other");
    }
    if (strcmp(lists[0].observed, lists[1].observed) >= 0) {
        return refuse(why, STATUS_BAD_MEMBER,
                      "the list with the row was observed at %s, not before the other, at %s",
                      lists[0].observed, lists[1].observed);
    }
    return STATUS_OK;
}

/* The neighbours leave no room between them for a row with the prefix. */
static bool leaves_no_room(const struct absence *absence, const struct observed *list,
                           struct bytes prefix) {
    const struct absence_leaf *first = &absence->around[0];
    const struct absence_leaf *last = &absence->around[absence->around_count - 1];
    bool before = bytes_compare(first->text, prefix) < 0;
    bool after = bytes_compare(last->text, prefix) > 0 && !list_begins(last->text, prefix);
    if (absence->around_count == 2) {
        return before && after && first->index + 1 == last->index;
    }
    return before ? first->index + 1 == list->count : after && first->index == 0;
}

enum status absence_check(const struct absence *absence, const struct observed lists[2],
                          struct refusal *why) {
    struct bytes prefix = list_prefix(absence->row.text);
    TRY(check_comparable(lists, why));
    if (!is_in(&absence->row, &lists[0])) {
        return refuse(why, STATUS_BAD_PROOF, "the row is not shown to be in the list of %s",
                      lists[0].observed);
    }
    for (size_t i = 0; i < absence->around_count; i++) {
        if (!is_in(&absence->around[i], &lists[1])) {
            return refuse(why, STATUS_BAD_PROOF, "leaf %llu is not shown to be in the list of %s",
                          (unsigned long long)absence->around[i].index, lists[1].observed);
        }
    }
    bool absent = absence->around_count == 0 ? lists[1].count == 0
                                             : leaves_no_room(absence, &lists[1], prefix);
    return absent ? STATUS_OK
                  : refuse(why, STATUS_BAD_PROOF,
                           "the leaves shown of the list of %s leave room for a row of this key",
                           lists[1].observed);
}
