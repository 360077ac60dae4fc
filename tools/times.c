#include "tools/times.h"

#include "ledger/logs.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RECORDS_MAX ((size_t)1 << 27)
#define ORI_SIZE 9
#define HANDLE_HEX 32

/* One day of one case. */
struct times_record {
    char ori[ORI_SIZE];
    char handle[HANDLE_HEX];
    bool end;
    int32_t day;
    struct hash event;
};

enum status times_point_parse(const char *text, struct times_point *out, struct refusal *why) {
    const char *colon = strchr(text, ':');
    const struct kind *kind = colon != NULL ? kind_find(text, (size_t)(colon - text)) : NULL;
    const struct kind_member *member =
        kind != NULL ? kind_member_find(kind, colon + 1, strlen(colon + 1)) : NULL;
    if (member == NULL || member->type != MEMBER_DATE || member->visibility != VISIBLE_OPEN ||
        kind_member_find(kind, "case", 4) == NULL || kind_member_find(kind, "basis", 5) == NULL) {
        return refuse(why, STATUS_BAD_FORM,
                      "'%.80s' should be KIND:MEMBER, a day of an event about a case, such as "
                      "investigation.opened:opened",
                      text);
    }
    *out = (struct times_point){.kind = kind, .member = member->name};
    return STATUS_OK;
}

/* --- collecting --- */

/* Days since 0000-03-01 of a day that an event has: date_to_days knows none before 1970. */
static int32_t day_number(const char *date) {
    int32_t part[3] = {0, 0, 0};
    size_t at = 0;
    for (const char *c = date; *c != '\0'; c++) {
        at += *c == '-';
        part[at] = *c == '-' ? 0 : part[at] * 10 + (*c - '0');
    }
    int32_t year = part[1] > 2 ? part[0] : part[0] - 1;
    int32_t month = part[1] > 2 ? part[1] - 3 : part[1] + 9;
    return year * 365 + year / 4 - year / 100 + year / 400 + (month * 153 + 2) / 5 + part[2] - 1;
}

static enum status grow(void **memory, size_t count, size_t *cap, size_t size) {
    if (count < *cap) {
        return STATUS_OK;
    }
    size_t more = *cap > 0 ? *cap * 2 : 1024;
    void *grown = more <= RECORDS_MAX ? realloc(*memory, more * size) : NULL;
    if (grown == NULL) {
        return STATUS_NOMEM;
    }
    *memory = grown;
    *cap = more;
    return STATUS_OK;
}

static enum status add_correction(struct times *t, const struct event *event) {
    const json_t *named = json_object_get(event->open, "event");
    const char *id = json_string_value(json_object_get(named, "id"));
    void *memory = t->corrections;
    TRY(grow(&memory, t->correction_count, &t->correction_cap, sizeof *t->corrections));
    t->corrections = memory;
    if (id != NULL && bytes_hex_to_hash(bytes_text(id), &t->corrections[t->correction_count])) {
        t->correction_count++;
    }
    return STATUS_OK;
}

static enum status add_point(struct times *t, const struct event *event,
                             const struct times_point *point, bool end) {
    const char *basis = event_open_text(event, "basis");
    const char *day = event_open_text(event, point->member);
    const char *ori = event_open_text(event, "ori");
    const char *handle = event_open_text(event, "case");
    if (event->kind != point->kind || day == NULL || ori == NULL || handle == NULL ||
        basis == NULL || strcmp(basis, t->basis) != 0) {
        return STATUS_OK;
    }
    void *memory = t->records;
    TRY(grow(&memory, t->record_count, &t->record_cap, sizeof *t->records));
    t->records = memory;
    struct times_record *record = &t->records[t->record_count++];
    *record = (struct times_record){.end = end, .day = day_number(day), .event = event->id};
    memcpy(record->ori, ori, ORI_SIZE); /* acceptance checked both lengths */
    memcpy(record->handle, handle, HANDLE_HEX);
    return STATUS_OK;
}

static enum status on_event(void *context, uint64_t index, const struct event *event) {
    struct times *t = context;
    (void)index;
    if (event->kind->id == KIND_CORRECTION) {
        return add_correction(t, event);
    }
    TRY(add_point(t, event, &t->from, false));
    return add_point(t, event, &t->to, true);
}

static void on_wrong(void *context, const char *text) {
    struct times *t = context;
    t->wrong++;
    fprintf(stderr, "%s\n", text);
}

/* --- counting --- */

static int by_case(const void *a, const void *b) {
    return memcmp(a, b, offsetof(struct times_record, end));
}

static int by_hash(const void *a, const void *b) {
    return memcmp(a, b, sizeof(struct hash));
}

static int by_days(const void *a, const void *b) {
    int32_t x = *(const int32_t *)a;
    int32_t y = *(const int32_t *)b;
    return x < y ? -1 : x > y;
}

static bool is_corrected(const struct times *t, const struct times_record *record) {
    return t->correction_count > 0 && bsearch(&record->event, t->corrections, t->correction_count,
                                              sizeof *t->corrections, by_hash) != NULL;
}

/* The records of one case: from the first beginning to the last end. */
static void count_case(struct times *t, const struct times_record *records, size_t count,
                       int32_t *days) {
    bool has_start = false;
    bool has_end = false;
    int32_t start = 0;
    int32_t end = 0;
    for (size_t i = 0; i < count; i++) {
        int32_t day = records[i].day;
        if (is_corrected(t, &records[i])) {
            t->corrected++;
        } else if (records[i].end) {
            end = has_end && end > day ? end : day;
            has_end = true;
        } else {
            start = has_start && start < day ? start : day;
            has_start = true;
        }
    }
    t->cases += has_start || has_end;
    t->no_end += has_start && !has_end;
    t->no_start += has_end && !has_start;
    t->backwards += has_start && has_end && end < start;
    if (has_start && has_end && end >= start) {
        days[t->usable++] = end - start;
        t->longer += (uint64_t)(end - start) > t->over;
    }
}

static enum status count_all(struct times *t, struct refusal *why) {
    int32_t *days = calloc(t->record_count + 1, sizeof *days);
    if (days == NULL) {
        return refuse(why, STATUS_NOMEM, "out of memory");
    }
    if (t->record_count > 0) {
        qsort(t->records, t->record_count, sizeof *t->records, by_case);
    }
    if (t->correction_count > 0) {
        qsort(t->corrections, t->correction_count, sizeof *t->corrections, by_hash);
    }
    for (size_t i = 0; i < t->record_count;) {
        size_t end = i + 1;
        while (end < t->record_count && by_case(&t->records[i], &t->records[end]) == 0) {
            end++;
        }
        count_case(t, &t->records[i], end - i, days);
        i = end;
    }
    if (t->usable > 0) {
        qsort(days, t->usable, sizeof *days, by_days);
        t->twice_median = (uint64_t)days[t->usable / 2] + (uint64_t)days[(t->usable - 1) / 2];
    }
    free(days);
    return STATUS_OK;
}

enum status times_run(struct times *t, struct refusal *why) {
    struct log_read read;
    log_read_init(&read, &t->vkey, LOG_EVENTS);
    read.url = t->url;
    read.what = "log";
    read.context = t;
    read.wrong = on_wrong;
    read.accepted = on_event;
    enum status status = log_read_checkpoint(&read, why);
    if (status == STATUS_OK) {
        status = log_read_entries(&read, why);
    }
    if (status == STATUS_OK) {
        snprintf(t->origin, sizeof t->origin, "%.*s", (int)read.checkpoint.origin.len,
                 (const char *)read.checkpoint.origin.data);
        t->size = read.checkpoint.size;
        t->root = read.checkpoint.root;
        status = count_all(t, why);
    } else if (why->text[0] == '\0') {
        refuse(why, status, "%s: cannot be read", t->url);
    }
    log_read_release(&read);
    return status;
}

void times_release(struct times *t) {
    free(t->records);
    free(t->corrections);
    t->records = NULL;
    t->corrections = NULL;
}
