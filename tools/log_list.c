#include "tools/log_list.h"

#include "ledger/member.h"

#include <stdlib.h>
#include <string.h>

static const char first_line[] = "dutylog/logs/v1";

void log_list_release(struct log_list *list) {
    free(list->logs);
    list->logs = NULL;
    list->count = 0;
}

enum status log_list_add(struct log_list *list, const struct vkey *vkey,
                         const struct tree_point *point) {
    if (list->count == RECOGNISED_MAX) {
        return STATUS_TOO_LARGE;
    }
    if (list->count % 64 == 0) {
        struct listed_log *logs = realloc(list->logs, (list->count + 64) * sizeof *logs);
        if (logs == NULL) {
            return STATUS_NOMEM;
        }
        list->logs = logs;
    }
    list->logs[list->count++] = (struct listed_log){.vkey = *vkey, .point = *point};
    return STATUS_OK;
}

static int compare_origins(const void *a, const void *b) {
    const struct listed_log *x = a;
    const struct listed_log *y = b;
    return bytes_compare(vkey_name(&x->vkey), vkey_name(&y->vkey));
}

void log_list_format(struct log_list *list, struct writer *w) {
    qsort(list->logs, list->count, sizeof *list->logs, compare_origins);
    writer_text(w, first_line);
    writer_text(w, "\nobserved ");
    writer_text(w, list->observed);
    writer_text(w, "\n");
    for (size_t i = 0; i < list->count; i++) {
        const struct listed_log *log = &list->logs[i];
        writer_text(w, "log ");
        vkey_format(w, &log->vkey);
        writer_text(w, " ");
        writer_decimal(w, log->point.size);
        writer_text(w, " ");
        if (log->point.size > 0) {
            writer_hash_hex(w, &log->point.root);
        } else {
            writer_text(w, "-");
        }
        writer_text(w, "\n");
    }
}

/* "<vkey> <size> <root>". A key name has no space. */
static bool parse_log(struct bytes line, struct listed_log *out) {
    struct reader r;
    struct bytes vkey;
    struct bytes size;
    reader_init(&r, line);
    if (!reader_skip(&r, "log ") || !reader_until(&r, ' ', &vkey) ||
        !reader_until(&r, ' ', &size) || vkey_parse(vkey, &out->vkey, NULL) != STATUS_OK ||
        out->vkey.type != VKEY_NOTE || !bytes_to_u64(size, &out->point.size) ||
        out->point.size > TREE_SIZE_MAX) {
        return false;
    }
    return out->point.size > 0 ? bytes_hex_to_hash(r.rest, &out->point.root)
                               : bytes_equal(r.rest, bytes_text("-"));
}

/* As members of type time are spelled. */
static bool is_time(struct bytes text) {
    static const struct kind_member time = {.name = "observed", .type = MEMBER_TIME};
    struct refusal why;
    json_t *value = json_stringn(text.len > 0 ? (const char *)text.data : "", text.len);
    bool good = value != NULL && member_check(&time, value, &why) == STATUS_OK;
    json_decref(value);
    return good && text.len == 20;
}

static enum status parse_logs(struct reader *r, struct log_list *list, struct refusal *why) {
    struct bytes line;
    for (unsigned number = 3; r->rest.len > 0; number++) {
        struct listed_log log = {.point = {.size = 0}};
        if (!reader_line(r, &line) || !parse_log(line, &log)) {
            return refuse(why, STATUS_BAD_FORM, "line %u: not \"log <vkey> <size> <root>\"",
                          number);
        }
        if (list->count > 0 && compare_origins(&list->logs[list->count - 1], &log) >= 0) {
            return refuse(why, STATUS_BAD_FORM,
                          "line %u: origins must ascend, each once: this is not the list that was "
                          "signed",
                          number);
        }
        enum status status = log_list_add(list, &log.vkey, &log.point);
        if (status != STATUS_OK) {
            return refuse(why, status, "line %u: %s", number, status_text(status));
        }
    }
    return STATUS_OK;
}

enum status log_list_parse(struct bytes text, struct log_list *out, struct refusal *why) {
    struct log_list list = {.count = 0};
    struct reader r;
    struct bytes line;
    struct bytes observed;
    reader_init(&r, text);
    if (!reader_line(&r, &line) || !bytes_equal(line, bytes_text(first_line)) ||
        !reader_line(&r, &observed) || !bytes_starts_with(observed, "observed ") ||
        !is_time(bytes_of(observed.data + 9, observed.len - 9))) {
        return refuse(why, STATUS_BAD_FORM,
                      "not a list of logs: it begins with %s and when it was "
                      "observed",
                      first_line);
    }
    memcpy(list.observed, observed.data + 9, 20);
    enum status status = parse_logs(&r, &list, why);
    if (status != STATUS_OK) {
        log_list_release(&list);
        return status;
    }
    *out = list;
    return STATUS_OK;
}

const struct listed_log *log_list_find(const struct log_list *list, struct bytes origin) {
    size_t low = 0;
    size_t high = list->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = bytes_compare(vkey_name(&list->logs[middle].vkey), origin);
        if (order == 0) {
            return &list->logs[middle];
        }
        low = order < 0 ? middle + 1 : low;
        high = order < 0 ? high : middle;
    }
    return NULL;
}
