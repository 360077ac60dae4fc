#include "tools/import_report.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SLOTS (2u * IMPORT_ITEMS_MAX)
#define WHAT_MAX 400
#define PRINT_MAX 30
#define PRINT_LEFT_MAX 8 /* of what is left out on purpose: no problem */

static const char *const names[IMPORT_PROBLEMS] = {
    "value", "date", "agency", "member", "changed", "order", "bytes", "refused", "left_out",
};
static const char *const titles[IMPORT_PROBLEMS] = {
    "values that the mapping does not know",
    "dates that cannot be read: their events are not made",
    "agencies that nobody knows: their rows make nothing",
    "values that a member does not take: their events are not made",
    "rows that are logged with other values: they stay as logged; log a correction",
    "days in the wrong order: logged as the source has them",
    "rows with bytes that are no UTF-8: logged, with U+FFFD for each",
    "events that the log refused for what they say: not logged; the other rows went on",
    "values that the mapping leaves out on purpose",
};

enum status import_report_open(struct import_report *r, const struct import_map *map,
                               const char *path, struct refusal *why) {
    memset(r, 0, sizeof *r);
    r->map = map;
    r->items = calloc(IMPORT_ITEMS_MAX, sizeof *r->items);
    r->slots = calloc(SLOTS, sizeof *r->slots);
    if (r->items == NULL || r->slots == NULL) {
        return refuse(why, STATUS_NOMEM, "out of memory");
    }
    if (path == NULL) {
        return STATUS_OK;
    }
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    r->file = fd >= 0 && fchmod(fd, 0600) == 0 ? fdopen(fd, "w") : NULL;
    if (r->file == NULL) {
        enum status status = refuse(why, STATUS_IO, "%s: %s", path, strerror(errno));
        if (fd >= 0) {
            close(fd);
        }
        return status;
    }
    fputs("line,problem,where,what,logged\n", r->file);
    return STATUS_OK;
}

enum status import_report_flush(struct import_report *r, const char *path, struct refusal *why) {
    return r->file == NULL || (fflush(r->file) == 0 && ferror(r->file) == 0)
               ? STATUS_OK
               : refuse(why, STATUS_IO, "%s: cannot be written: no line of it can be relied on",
                        path);
}

void import_report_close(struct import_report *r) {
    for (size_t i = 0; r->items != NULL && i < r->item_count; i++) {
        free(r->items[i].where);
        free(r->items[i].what);
    }
    free(r->items);
    free(r->slots);
    if (r->file != NULL) {
        fclose(r->file);
    }
    memset(r, 0, sizeof *r);
}

/* --- items --- */

static void write_cell(FILE *file, struct bytes text) {
    fputc('"', file);
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] == '"') {
            fputc('"', file);
        }
        fputc(text.data[i], file);
    }
    fputc('"', file);
}

static void write_line(FILE *file, uint64_t line, enum import_problem problem, const char *where,
                       struct bytes what, const char *more) {
    fprintf(file, "%" PRIu64 ",%s,", line, names[problem]);
    write_cell(file, bytes_text(where));
    fputc(',', file);
    write_cell(file, what);
    fprintf(file, ",%s\n", more);
}

/* FNV-1a. What is looked up came from a file, so that somebody could make it slow, for himself. */
static uint32_t hash_item(enum import_problem problem, const char *where, struct bytes what) {
    uint32_t h = 2166136261u ^ (uint32_t)problem;
    for (const char *c = where; *c != '\0'; c++) {
        h = (h ^ (uint8_t)*c) * 16777619u;
    }
    for (size_t i = 0; i < what.len; i++) {
        h = (h ^ what.data[i]) * 16777619u;
    }
    return h;
}

/* Terminated; NULL: out of memory. */
static char *copy_of(struct bytes text) {
    char *copy = malloc(text.len + 1);
    if (copy != NULL) {
        memcpy(copy, text.data, text.len);
        copy[text.len] = '\0';
    }
    return copy;
}

static struct import_item *find_item(struct import_report *r, enum import_problem problem,
                                     const char *where, struct bytes what) {
    uint32_t at = hash_item(problem, where, what) % SLOTS;
    while (r->slots[at] != 0) {
        struct import_item *item = &r->items[r->slots[at] - 1];
        if (item->problem == problem && strcmp(item->where, where) == 0 &&
            bytes_equal(bytes_text(item->what), what)) {
            return item;
        }
        at = (at + 1) % SLOTS;
    }
    if (r->item_count == IMPORT_ITEMS_MAX) {
        return NULL;
    }
    struct import_item *item = &r->items[r->item_count];
    *item = (struct import_item){.problem = problem, .where = strdup(where), .what = copy_of(what)};
    if (item->where == NULL || item->what == NULL) {
        free(item->where);
        free(item->what);
        return NULL;
    }
    r->slots[at] = (uint32_t)++r->item_count;
    return item;
}

void import_report_add(struct import_report *r, uint64_t line, enum import_problem problem,
                       const char *where, struct bytes what) {
    import_report_add_more(r, line, problem, where, what, "");
}

void import_report_add_more(struct import_report *r, uint64_t line, enum import_problem problem,
                            const char *where, struct bytes what, const char *more) {
    struct bytes cut = what.data != NULL ? what : bytes_text("");
    cut.len = cut.len < WHAT_MAX ? cut.len : WHAT_MAX;
    if (r->again) {
        return;
    }
    while (cut.len > 0 && !bytes_utf8_valid(cut)) {
        cut.len--; /* cut within a character */
    }
    r->problems[problem]++;
    if (r->file != NULL && problem != IMPORT_LEFT) {
        write_line(r->file, line, problem, where, cut, more);
    }
    struct import_item *item = find_item(r, problem, where, cut);
    if (item == NULL) {
        r->items_lost++;
        return;
    }
    item->line = item->count == 0 ? line : item->line;
    item->count++;
}

bool import_report_clean(const struct import_report *r) {
    for (size_t i = 0; i < IMPORT_PROBLEMS; i++) {
        if (i != IMPORT_LEFT && r->problems[i] > 0) {
            return false;
        }
    }
    return true;
}

uint64_t import_report_made(const struct import_report *r) {
    uint64_t sum = 0;
    for (size_t i = 0; i < r->map->event_count; i++) {
        sum += r->made[i];
    }
    return sum;
}

/* --- telling --- */

static int by_count(const void *a, const void *b) {
    const struct import_item *x = a;
    const struct import_item *y = b;
    if (x->problem != y->problem) {
        return x->problem < y->problem ? -1 : 1;
    }
    if (x->count != y->count) {
        return x->count > y->count ? -1 : 1;
    }
    return x->line < y->line ? -1 : x->line > y->line;
}

/* Items by their problem, the most frequent first; NULL: out of memory. */
static struct import_item *sorted(const struct import_report *r) {
    struct import_item *items = calloc(r->item_count + 1, sizeof *items);
    if (items != NULL && r->item_count > 0) {
        memcpy(items, r->items, r->item_count * sizeof *items);
        qsort(items, r->item_count, sizeof *items, by_count);
    }
    return items;
}

static json_t *items_json(const struct import_report *r) {
    struct import_item *items = sorted(r);
    json_t *list = items != NULL ? json_array() : NULL;
    for (size_t i = 0; list != NULL && i < r->item_count; i++) {
        json_array_append_new(
            list, json_pack("{s:I, s:I, s:s, s:s, s:s}", "count", (json_int_t)items[i].count,
                            "line", (json_int_t)items[i].line, "problem", names[items[i].problem],
                            "what", items[i].what, "where", items[i].where));
    }
    free(items);
    return list;
}

json_t *import_report_json(const struct import_report *r) {
    json_t *made = json_object();
    json_t *confidence = json_object();
    json_t *problems = json_object();
    for (size_t i = 0; i < r->map->event_count; i++) {
        json_object_set_new(made, r->map->events[i].name, json_integer((json_int_t)r->made[i]));
    }
    for (enum import_confidence c = IMPORT_EXACT; c <= IMPORT_UNKNOWN; c++) {
        json_object_set_new(confidence, import_confidence_name(c),
                            json_integer((json_int_t)r->confidence[c]));
    }
    for (size_t i = 0; i < IMPORT_PROBLEMS; i++) {
        json_object_set_new(problems, names[i], json_integer((json_int_t)r->problems[i]));
    }
    json_t *rows = json_pack("{s:I, s:I, s:I, s:I, s:I, s:I}", "before", (json_int_t)r->rows_before,
                             "changed", (json_int_t)r->rows_changed, "gone",
                             (json_int_t)r->rows_gone, "made", (json_int_t)r->rows_made, "nothing",
                             (json_int_t)r->rows_nothing, "read", (json_int_t)r->rows);
    json_t *items = items_json(r);
    return json_pack("{s:o, s:I, s:o, s:o, s:I, s:o, s:o}", "confidence", confidence, "events",
                     (json_int_t)import_report_made(r), "items", items, "made", made, "items_lost",
                     (json_int_t)r->items_lost, "problems", problems, "rows", rows);
}

static void print_rows(const struct import_report *r) {
    printf("  %-34s %10" PRIu64 "\n", "rows read", r->rows);
    printf("  %-34s %10" PRIu64 "\n", "  made something", r->rows_made);
    if (r->rows_before > 0) {
        printf("  %-34s %10" PRIu64 "\n", "  logged before", r->rows_before);
    }
    if (r->rows_changed > 0) {
        printf("  %-34s %10" PRIu64 "\n", "  logged before, with other values", r->rows_changed);
    }
    printf("  %-34s %10" PRIu64 "\n", "  made nothing", r->rows_nothing);
    if (r->rows_gone > 0) {
        printf("  %-34s %10" PRIu64 "\n", "logged before, not in this file", r->rows_gone);
    }
}

static void print_items(const struct import_report *r) {
    struct import_item *items = sorted(r);
    size_t shown = 0;
    enum import_problem last = IMPORT_PROBLEMS;
    for (size_t i = 0; items != NULL && i < r->item_count; i++) {
        const struct import_item *item = &items[i];
        if (item->problem != last) {
            printf("\n%s: %" PRIu64 "\n", titles[item->problem], r->problems[item->problem]);
            last = item->problem;
            shown = 0;
        }
        size_t most = item->problem == IMPORT_LEFT ? PRINT_LEFT_MAX : PRINT_MAX;
        if (shown < most) {
            printf("  %8" PRIu64 " x, first in line %-8" PRIu64 " %s: %.160s\n", item->count,
                   item->line, item->where, item->what);
        } else if (shown == most) {
            printf("  ... and more sorts%s\n",
                   item->problem == IMPORT_LEFT ? "" : ": --report FILE has each");
        }
        shown++;
    }
    free(items);
}

void import_report_print(const struct import_report *r) {
    print_rows(r);
    printf("  %-34s %10" PRIu64 "\n", "events", import_report_made(r));
    for (size_t i = 0; i < r->map->event_count; i++) {
        printf("    %-32s %10" PRIu64 "\n", r->map->events[i].name, r->made[i]);
    }
    for (enum import_confidence c = IMPORT_EXACT; c <= IMPORT_UNKNOWN; c++) {
        if (r->confidence[c] > 0) {
            printf("  mapping %-26s %10" PRIu64 "\n", import_confidence_name(c), r->confidence[c]);
        }
    }
    print_items(r);
}
