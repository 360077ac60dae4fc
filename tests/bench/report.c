/* The table on screen, a row as soon as it is measured, and build/bench.json. */
#include "tests/bench/bench.h"

#include <assert.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct report {
    json_t *rows;
    json_t *notes;
    const char *section;
    unsigned sizes;
    unsigned reached;
    uint64_t start_ns;
};

void bench_must(bool holds, const char *format, ...) {
    if (holds) {
        return;
    }
    va_list arguments;
    va_start(arguments, format);
    fputs("bench: ", stderr);
    vfprintf(stderr, format, arguments);
    fputs("\n", stderr);
    va_end(arguments);
    exit(1);
}

uint64_t bench_now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

double bench_seconds_since(uint64_t start_ns) {
    return (double)(bench_now_ns() - start_ns) / 1e9;
}

static int compare(const void *a, const void *b) {
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

double bench_percentile(double *samples, size_t count, double percent) {
    assert(count > 0);
    qsort(samples, count, sizeof samples[0], compare);
    size_t at = (size_t)(percent / 100 * (double)(count - 1) + 0.5);
    return samples[at];
}

double bench_median(double *samples, size_t count) {
    return bench_percentile(samples, count, 50);
}

/* --- the table --- */

/* Three significant digits below 100; whole and in thousands above. */
static void number(char *out, size_t cap, double v) {
    if (v < 100) {
        snprintf(out, cap, v < 1 ? "%.3f" : v < 10 ? "%.2f" : "%.1f", v);
        return;
    }
    char digits[32];
    int len = snprintf(digits, sizeof digits, "%.0f", v);
    size_t at = 0;
    for (int i = 0; i < len && at + 2 < cap; i++) {
        if (i > 0 && (len - i) % 3 == 0) {
            out[at++] = ',';
        }
        out[at++] = digits[i];
    }
    out[at] = '\0';
}

#define LINE "  %-36s %12s %-10s %12s %-30s %7s  %-10s %s\n"

void report_open(struct bench *bench) {
    struct report *report = calloc(1, sizeof *report);
    bench_must(report != NULL, "out of memory");
    report->rows = json_array();
    report->notes = json_array();
    report->start_ns = bench_now_ns();
    bench->report = report;
    printf(LINE, "measured", "result", "", "bound", "", "ratio", "to reach", "reached");
}

void report_section(struct bench *bench, const char *title) {
    bench->report->section = title;
    printf("\n%s\n", title);
    fflush(stdout);
}

static bool reached(const struct bench_row *row, double ratio) {
    switch (row->size_is) {
    case SIZE_VALUE_MIN:
        return row->value >= row->size;
    case SIZE_VALUE_MAX:
        return row->value <= row->size;
    case SIZE_RATIO_MIN:
        return ratio >= row->size;
    case SIZE_RATIO_MAX:
        return ratio <= row->size;
    case SIZE_NONE:
        break;
    }
    return true;
}

static void keep_row(struct report *report, const struct bench_row *row, double ratio) {
    json_t *object =
        json_pack("{s:s, s:s, s:s, s:f, s:s}", "id", row->id, "section", report->section, "what",
                  row->what, "value", row->value, "unit", row->unit);
    if (row->bound_what != NULL) {
        json_object_set_new(object, "bound", json_real(row->bound));
        json_object_set_new(object, "bound_is", json_string(row->bound_what));
        json_object_set_new(object, "ratio", json_real(ratio));
    }
    if (row->size_is != SIZE_NONE) {
        bool of_ratio = row->size_is == SIZE_RATIO_MIN || row->size_is == SIZE_RATIO_MAX;
        bool at_least = row->size_is == SIZE_VALUE_MIN || row->size_is == SIZE_RATIO_MIN;
        json_object_set_new(object, "size_of", json_string(of_ratio ? "ratio" : "value"));
        json_object_set_new(object, at_least ? "at_least" : "at_most", json_real(row->size));
        json_object_set_new(object, "reached", json_boolean(reached(row, ratio)));
    }
    json_array_append_new(report->rows, object);
}

void report_row(struct bench *bench, const struct bench_row *row) {
    struct report *report = bench->report;
    double ratio = row->ratio;
    if (row->ratio <= 0 && row->bound_what != NULL && row->bound > 0) {
        ratio = row->value / row->bound;
    }
    char value[32], bound[32] = "", quotient[32] = "", size[32] = "", to_reach[64] = "";
    number(value, sizeof value, row->value);
    if (row->bound_what != NULL) {
        number(bound, sizeof bound, row->bound);
        snprintf(quotient, sizeof quotient,
                 ratio < 0.1   ? "%.3f"
                 : ratio < 100 ? "%.2f"
                               : "%.0f",
                 ratio);
    }
    if (row->size_is != SIZE_NONE) {
        bool at_least = row->size_is == SIZE_VALUE_MIN || row->size_is == SIZE_RATIO_MIN;
        number(size, sizeof size, row->size);
        snprintf(to_reach, sizeof to_reach, "%s %s", at_least ? ">=" : "<=", size);
        report->sizes++;
        report->reached += reached(row, ratio);
    }
    printf(LINE, row->what, value, row->unit, bound, row->bound_what != NULL ? row->bound_what : "",
           quotient, to_reach,
           row->size_is == SIZE_NONE ? ""
           : reached(row, ratio)     ? "yes"
                                     : "no");
    fflush(stdout);
    keep_row(report, row, ratio);
}

void report_note(struct bench *bench, const char *format, ...) {
    char text[300];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    printf("    %s\n", text);
    fflush(stdout);
    json_array_append_new(bench->report->notes, json_string(text));
}

void report_close(struct bench *bench, const char *path) {
    struct report *report = bench->report;
    double seconds = bench_seconds_since(report->start_ns);
    json_t *all =
        json_pack("{s:b, s:i, s:f, s:o, s:o}", "quick", bench->quick, "cores", (int)bench->cores,
                  "seconds", seconds, "rows", report->rows, "notes", report->notes);
    bench_must(all != NULL && json_dump_file(all, path, JSON_INDENT(2)) == 0, "cannot write %s",
               path);
    json_decref(all);
    printf("\nbench: %u of %u sizes reached, %.0f s, %s\n", report->reached, report->sizes, seconds,
           path);
    free(report);
    bench->report = NULL;
}
