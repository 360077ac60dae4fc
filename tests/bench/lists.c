/* Published lists of 100,000 rows as New York's are: observed, reconciled, and the proof of an
 * absence. The commands are run as they are, their start and their fsyncs included. */
#include "tests/bench/bounds.h"
#include "tests/bench/nodes.h"

#include "tools/rows.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define ROWS 100000
#define TURNS 5
#define ABSENCE_TO_REACH 4096

static const char mapping[] = "[list]\n"
                              "key = officer, description\n"
                              "other = case_no, disposition, penalty\n"
                              "person = officer\n"
                              "[strip]\n"
                              "description = ##. .\n"
                              "penalty = PENALTY:\n"
                              "[outcome]\n"
                              "disposition = GUILTY, PLEADED GUILTY | NOT GUILTY | DISMISSED\n"
                              "penalty = items\n";

struct lists {
    const struct bench *bench;
    char paths[3][BENCH_PATH_MAX + 32]; /* the mapping and two lists */
    char keep[BENCH_PATH_MAX + 32];
    char rows[2][BENCH_PATH_MAX + 64]; /* as observed */
    double megabytes;                  /* of the first list */
};

/* The list of a day: each tenth row of the first is gone in the second, each tenth has a penalty
 * that is lower, each tenth another case number, and a tenth is new. */
static void write_list(const char *path, unsigned day) {
    FILE *file = fopen(path, "w");
    bench_must(file != NULL, "%s: cannot be written", path);
    fputs("officer,date,case_no,description,disposition,penalty\r\n", file);
    for (unsigned i = day * ROWS / 10; i < ROWS + day * ROWS / 10; i++) {
        unsigned days = day == 1 && i % 10 == 3 ? 5 : 30;
        fprintf(
            file,
            "off-%08X%08X,%u/%u/20%02u,20%02u-%05u%s,\"%02u.While on-duty, said officer did fail "
            "to intervene in or to report, as\n"
            "the Department's  procedures ask of every member, what happened to a person known "
            "to the Department, no. %u.\",GUILTY,"
            "\"Penalty: SUSPENSION DAYS (%u day(s) ), DISMISSAL PROBATION (12 month(s) ), "
            "COUNSELING\"\r\n",
            i * 2654435761u, i / 3, i % 12 + 1, i % 28 + 1, i % 24, i % 24, i % 100000,
            day == 1 && i % 10 == 7 ? "a" : "", i % 9 + 1, i, days);
    }
    bench_must(fclose(file) == 0, "%s: cannot be written", path);
}

static void write_all(struct lists *l) {
    static const char *const names[3] = {"mapping.ini", "day-1.csv", "day-2.csv"};
    struct stat info;
    for (size_t i = 0; i < 3; i++) {
        snprintf(l->paths[i], sizeof l->paths[i], "%s/%s", l->bench->folder, names[i]);
    }
    snprintf(l->keep, sizeof l->keep, "%s/lists", l->bench->folder);
    FILE *file = fopen(l->paths[0], "w");
    bench_must(file != NULL && fputs(mapping, file) >= 0 && fclose(file) == 0, "the disk fails");
    write_list(l->paths[1], 0);
    write_list(l->paths[2], 1);
    bench_must(stat(l->paths[1], &info) == 0, "the disk fails");
    l->megabytes = (double)info.st_size / 1e6;
}

/* Once; the turn's number is its day. */
static double observe(struct lists *l, const char *path, unsigned turn, char rows[static 1]) {
    char day[32];
    snprintf(day, sizeof day, "2026-01-%02uT00:00:00Z", turn + 1);
    const char *const arguments[] = {"observe",    path,        "--as",   "city",
                                     "--mapping",  l->paths[0], "--keep", l->keep,
                                     "--observed", day,         NULL};
    double seconds = tool_run(l->bench, arguments);
    snprintf(rows, sizeof l->rows[0], "%s/city-202601%02uT000000Z.rows", l->keep, turn + 1);
    return seconds;
}

static double reconcile(const struct lists *l) {
    const char *const arguments[] = {"reconcile", l->rows[0],  l->rows[1],
                                     "--mapping", l->paths[0], NULL};
    return tool_run(l->bench, arguments);
}

static void row(struct bench *bench, const struct lists *l, const char *id, const char *what,
                double seconds) {
    report_row(bench, &(struct bench_row){.id = id,
                                          .what = what,
                                          .value = seconds,
                                          .unit = "s",
                                          .bound_what = "s, SHA-256 of the file",
                                          .bound = l->megabytes / bound_hash_megabytes(1),
                                          .size_is = SIZE_VALUE_MAX,
                                          .size = 2});
}

/* The largest file, receipts apart, that the two lists can give: the longest row, between the two
 * neighbours that are longest together. */
static double proof_size(const struct lists *l) {
    static uint8_t memory[65536];
    struct rows *rows = calloc(2, sizeof *rows);
    struct absence *absence = calloc(1, sizeof *absence);
    struct refusal why = {.text = ""};
    size_t longest = 0;
    size_t place = 0;
    struct writer w;
    bench_must(rows != NULL && absence != NULL, "out of memory");
    for (size_t i = 0; i < 2; i++) {
        rows_init(&rows[i]);
        bench_must(rows_read(&rows[i], l->rows[i], &why) == STATUS_OK, "%s", why.text);
    }
    for (size_t i = 0; i + 1 < ROWS; i++) {
        longest = rows[0].leaves[i].len > rows[0].leaves[longest].len ? i : longest;
        size_t both = rows[1].leaves[i].len + rows[1].leaves[i + 1].len;
        place = both > rows[1].leaves[place].len + rows[1].leaves[place + 1].len ? i : place;
    }
    rows_prove(&rows[0], longest, &absence->row);
    rows_prove(&rows[1], place, &absence->around[0]);
    rows_prove(&rows[1], place + 1, &absence->around[1]);
    absence->around_count = 2;
    writer_init(&w, memory, sizeof memory);
    absence_format(&w, absence);
    rows_close(&rows[0]);
    rows_close(&rows[1]);
    free(rows);
    free(absence);
    return (double)w.len;
}

void bench_lists(struct bench *bench) {
    struct lists *l = calloc(1, sizeof *l);
    double observed[TURNS];
    double reconciled[TURNS];
    bench_must(l != NULL, "out of memory");
    l->bench = bench;
    report_section(bench, "a published list of 100,000 rows");
    write_all(l);
    for (unsigned turn = 0; turn < TURNS; turn++) {
        observed[turn] = observe(l, l->paths[1], turn, l->rows[0]);
    }
    observe(l, l->paths[2], TURNS, l->rows[1]);
    for (unsigned turn = 0; turn < TURNS; turn++) {
        reconciled[turn] = reconcile(l);
    }
    row(bench, l, "observe_100000", "observed, 100,000 rows", bench_median(observed, TURNS));
    row(bench, l, "reconcile_100000", "reconciled, two of 100,000 rows",
        bench_median(reconciled, TURNS));
    report_row(bench, &(struct bench_row){.id = "absence_bytes",
                                          .what = "an absence proof, receipts apart",
                                          .value = proof_size(l),
                                          .unit = "bytes",
                                          .size_is = SIZE_VALUE_MAX,
                                          .size = ABSENCE_TO_REACH});
    folder_clear(l->keep);
    free(l);
}
