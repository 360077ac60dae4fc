#include "tools/cli.h"
#include "tools/prove.h"
#include "tools/reconcile_print.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FINDS_MAX 16
#define SHOWN_DIRTY 20

static const struct option options[] = {
    {"mapping", required_argument, NULL, 'm'},
    {"roster", required_argument, NULL, 'r'},
    {"roster-column", required_argument, NULL, 'c'},
    {"find", required_argument, NULL, 'f'},
    {"list", required_argument, NULL, 'l'},
    {"json", no_argument, NULL, 'j'},
    {"csv", no_argument, NULL, 'v'},
    {"prove", required_argument, NULL, 'p'},
    {"receipt-a", required_argument, NULL, 'a'},
    {"receipt-b", required_argument, NULL, 'b'},
    {"out", required_argument, NULL, 'o'},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

/* The last row that fits, and of how many keys such rows are. */
struct candidate {
    struct bytes row;
    size_t keys;
};

struct run {
    const char *paths[2];
    const char *mapping_path;
    const char *roster_path;
    const char *roster_column;
    char *finds[FINDS_MAX];
    size_t find_count;
    bool list[FATE_COUNT];
    bool any_list;
    bool json;
    bool csv;
    char *prove;
    const char *receipts[2];
    const char *out;
    struct list_map map;
    bool has_map;
    struct rows rows[2];
    struct roster roster;
    struct tally tally;
    int loading;
    size_t dirty;
    json_t *shown;
    /* What --prove named: by a part of the key, and by a whole cell of it. */
    struct candidate proved[2];
};

/* --- options --- */

static enum status take_fates(struct run *run, const char *text, struct refusal *why) {
    struct bytes rest = bytes_text(text);
    do {
        size_t len = strcspn((const char *)rest.data, ",");
        bool known = len == 7 && memcmp(rest.data, "changed", 7) == 0;
        for (size_t i = FATE_SAME + 1; i < FATE_COUNT; i++) {
            bool changed = i < FATE_ABSENT;
            bool named = strlen(fate_name((enum fate)i)) == len &&
                         memcmp(fate_name((enum fate)i), rest.data, len) == 0;
            bool all = len == 3 && memcmp(rest.data, "all", 3) == 0;
            bool group = changed && len == 7 && memcmp(rest.data, "changed", 7) == 0;
            run->list[i] = run->list[i] || named || all || group;
            known = known || named || all;
        }
        if (!known) {
            return refuse(why, STATUS_BAD_FORM,
                          "--list takes all, absent, new, changed, or lower, higher, mixed, "
                          "fuller, other; several with commas");
        }
        rest = bytes_of(rest.data + len + (rest.len > len), rest.len - len - (rest.len > len));
    } while (rest.len > 0);
    run->any_list = true;
    return STATUS_OK;
}

static enum status take_option(struct run *run, int c, struct refusal *why) {
    switch (c) {
    case 'm':
        run->mapping_path = optarg;
        return STATUS_OK;
    case 'r':
        run->roster_path = optarg;
        return STATUS_OK;
    case 'c':
        run->roster_column = optarg;
        return STATUS_OK;
    case 'f':
        if (run->find_count == FINDS_MAX) {
            return refuse(why, STATUS_TOO_LARGE, "at most %d --find", FINDS_MAX);
        }
        run->finds[run->find_count++] = optarg;
        return STATUS_OK;
    case 'l':
        return take_fates(run, optarg, why);
    case 'j':
        run->json = true;
        return STATUS_OK;
    case 'v':
        run->csv = true;
        return STATUS_OK;
    case 'p':
        run->prove = optarg;
        return STATUS_OK;
    case 'a':
        run->receipts[0] = optarg;
        return STATUS_OK;
    case 'b':
        run->receipts[1] = optarg;
        return STATUS_OK;
    case 'o':
        run->out = optarg;
        return STATUS_OK;
    default:
        return refuse(why, STATUS_BAD_FORM, "unknown option");
    }
}

/* --- loading --- */

static void tell_dirty(void *context, uint64_t line, const char *reason) {
    struct run *run = context;
    if (++run->dirty <= SHOWN_DIRTY) {
        cli_progress_end();
        fprintf(stderr, "%s, line %llu: %s\n", run->paths[run->loading], (unsigned long long)line,
                reason);
    }
}

static enum status load_rows(struct run *run, int number, struct refusal *why) {
    const char *path = run->paths[number];
    run->loading = number;
    run->dirty = 0;
    if (rows_is_file(path)) {
        return rows_read(&run->rows[number], path, why);
    }
    if (!run->has_map) {
        return refuse(why, STATUS_BAD_FORM,
                      "%s: no .rows file; of a published file say with --mapping how it is read",
                      path);
    }
    TRY(rows_of_csv(&run->rows[number], path, &run->map, tell_dirty, run, why));
    if (run->dirty > SHOWN_DIRTY) {
        fprintf(stderr, "%s: and %zu lines more\n", path, run->dirty - SHOWN_DIRTY);
    }
    return STATUS_OK;
}

static enum status check_comparable(const struct run *run, struct refusal *why) {
    const struct observed *a = &run->rows[0].about;
    const struct observed *b = &run->rows[1].about;
    if (!hash_equal(&a->keys, &b->keys)) {
        return refuse(why, STATUS_BAD_MEMBER,
                      "the keys of the two were made by different rules: observe them with one "
                      "mapping");
    }
    if (run->has_map && !hash_equal(&a->keys, &run->map.keys_id)) {
        return refuse(why, STATUS_BAD_MEMBER, "%s makes other keys than the mapping of these lists",
                      run->mapping_path);
    }
    return STATUS_OK;
}

/* Cells are upper-case: so must be what is looked for in them, unless it names one of [find]. */
static void raise_text(const struct run *run, char *text) {
    bool named = run->has_map && list_map_names_find(&run->map, text);
    for (char *c = text; !named && *c != '\0'; c++) {
        *c = *c >= 'a' && *c <= 'z' ? (char)(*c - 'a' + 'A') : *c;
    }
}

static enum status load(struct run *run, struct refusal *why) {
    if (run->mapping_path != NULL) {
        TRY(list_map_open(run->mapping_path, &run->map, why));
        run->has_map = true;
    }
    for (size_t i = 0; i < run->find_count; i++) {
        raise_text(run, run->finds[i]);
    }
    if (run->prove != NULL) {
        raise_text(run, run->prove);
    }
    TRY(load_rows(run, 0, why));
    TRY(load_rows(run, 1, why));
    TRY(check_comparable(run, why));
    if (run->rows[1].count * 2 <= run->rows[0].count && run->rows[0].count > 0) {
        fprintf(stderr, "dutylog: LOOK AT THIS: B has %zu rows, and A had %zu\n",
                run->rows[1].count, run->rows[0].count);
    }
    if (run->roster_path == NULL) {
        return STATUS_OK;
    }
    TRY(roster_read(&run->roster, run->roster_path, run->roster_column,
                    run->has_map ? &run->map : NULL, why));
    if (run->roster.count == 0) {
        fprintf(stderr, "dutylog: LOOK AT THIS: %s names nobody, so that every officer has left\n",
                run->roster_path);
    }
    return STATUS_OK;
}

/* --- rows --- */

static bool is_found(const struct run *run, const struct reconciled *row) {
    struct bytes leaf = row->old.len > 0 ? row->old : row->new;
    bool found = run->find_count == 0;
    for (size_t i = 0; i < run->find_count; i++) {
        found = found ||
                list_map_finds(run->has_map ? &run->map : NULL, run->finds[i], list_prefix(leaf));
    }
    return found;
}

struct cell_search {
    struct bytes text;
    bool found;
};

static void compare_cell(void *context, int other, size_t number, struct bytes text) {
    struct cell_search *search = context;
    (void)number;
    search->found = search->found || (other == 0 && bytes_equal(text, search->text));
}

/* A row that --prove may mean: its key has the text, or, which goes before, a cell that is the
 * text: OFFICER-2 is not to be mixed up with OFFICER-20. Rows come in the order of keys, so that a
 * key that was noted is the last one. */
static void note_proof(struct run *run, const struct reconciled *row) {
    struct cell_search search = {.text = bytes_text(run->prove != NULL ? run->prove : "")};
    if (row->fate != FATE_ABSENT || run->prove == NULL ||
        !list_map_finds(run->has_map ? &run->map : NULL, run->prove, list_prefix(row->old))) {
        return;
    }
    bool whole = list_cells(row->old, compare_cell, &search) == STATUS_OK && search.found;
    for (size_t i = 0; i <= whole; i++) {
        struct candidate *c = &run->proved[i];
        if (c->keys == 0 || !list_begins(c->row, list_prefix(row->old))) {
            c->row = row->old;
            c->keys++;
        }
    }
}

static void take_row(void *context, const struct reconciled *row) {
    struct run *run = context;
    if (!is_found(run, row)) {
        return;
    }
    tally_add(&run->tally, row);
    note_proof(run, row);
    if (!run->list[row->fate]) {
        return;
    }
    if (run->json) {
        json_array_append_new(run->shown, reconciled_json(row));
    } else if (run->csv) {
        reconciled_print_csv(stdout, &run->rows[0], row);
    } else {
        reconciled_print(stdout, row);
    }
}

/* --- results --- */

static void print_lists(const struct run *run) {
    for (int i = 0; i < 2; i++) {
        const struct observed *about = &run->rows[i].about;
        printf("%s %14zu rows   %s%s%s\n", i == 0 ? "A" : "B", run->rows[i].count,
               about->list[0] != '\0' ? about->list : run->paths[i],
               about->observed[0] != '\0' ? ", observed " : "", about->observed);
    }
}

static json_t *about_json(const struct run *run, int number) {
    const struct rows *rows = &run->rows[number];
    return json_pack("{s:s, s:I, s:s, s:s}", "file", run->paths[number], "rows",
                     (json_int_t)rows->count, "list", rows->about.list, "observed",
                     rows->about.observed);
}

/* Whose numbers follow: not all rows'. */
static void print_finds(const struct run *run) {
    for (size_t i = 0; i < run->find_count; i++) {
        printf("%s %s%s", i == 0 ? "counted are only rows that have" : " or", run->finds[i],
               i + 1 == run->find_count ? ":\n" : "");
    }
}

static int print_json(struct run *run) {
    json_t *all = tally_json(&run->tally, run->find_count == 0);
    if (all != NULL) {
        json_object_set_new(all, "a", about_json(run, 0));
        json_object_set_new(all, "b", about_json(run, 1));
    }
    if (all != NULL && run->any_list) {
        json_object_set(all, "rows", run->shown);
    }
    char *text = all != NULL ? json_dumps(all, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
    json_decref(all);
    if (text == NULL) {
        return cli_error("reconcile", CLI_FAILED, "out of memory");
    }
    puts(text);
    free(text);
    return CLI_OK;
}

/* --- proving --- */

static int prove(struct run *run) {
    struct refusal why = {.text = ""};
    const struct candidate *c = &run->proved[run->proved[1].keys == 1 ? 1 : 0];
    if (c->keys != 1) {
        return cli_error("reconcile", CLI_REFUSED,
                         c->keys == 0
                             ? "--prove %s: no absent row has this in its key"
                             : "--prove %s: several absent keys have this: give more of the key, "
                               "as --list absent shows it",
                         run->prove);
    }
    enum status status =
        prove_absence(&run->rows[0], &run->rows[1], c->row, run->receipts, run->out, &why);
    return status == STATUS_OK ? CLI_OK
                               : cli_error("reconcile", cli_exit_of(status), "%s", why.text);
}

/* --- all --- */

static int work(struct run *run) {
    struct refusal why = {.text = ""};
    enum status status = load(run, &why);
    if (status == STATUS_OK && run->csv) {
        reconciled_print_csv_header(stdout, &run->rows[0]);
    }
    if (status == STATUS_OK) {
        status = reconcile(&run->rows[0], &run->rows[1], run->has_map ? &run->map : NULL,
                           run->roster_path != NULL ? &run->roster : NULL, take_row, run,
                           &run->tally.counts[FATE_SAME], &why);
    }
    if (status != STATUS_OK) {
        return cli_error("reconcile", cli_exit_of(status), "%s", why.text);
    }
    if (run->prove != NULL) {
        return prove(run);
    }
    if (run->json) {
        return print_json(run);
    }
    if (!run->any_list) {
        print_lists(run);
        print_finds(run);
        tally_print(stdout, &run->tally, run->find_count == 0, run->roster_path != NULL);
    }
    return CLI_OK;
}

static int dispatch(struct run *run, int argc, char **argv) {
    struct refusal why = {.text = ""};
    enum status status = STATUS_OK;
    int c = 0;
    while (status == STATUS_OK && (c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
        if (c == 'h') {
            return cli_help("reconcile");
        }
        status = take_option(run, c, &why);
    }
    if (status == STATUS_OK && optind + 2 != argc) {
        status = refuse(&why, STATUS_BAD_FORM, "give the two lists, the earlier first");
    }
    bool complete = run->receipts[0] != NULL && run->receipts[1] != NULL && run->out != NULL;
    if (status == STATUS_OK && run->prove != NULL && (!complete || run->json || run->any_list)) {
        status = refuse(&why, STATUS_BAD_FORM,
                        "--prove takes --receipt-a, --receipt-b and --out, and prints nothing");
    }
    if (status == STATUS_OK && run->csv && (run->json || !run->any_list)) {
        status = refuse(&why, STATUS_BAD_FORM, "--csv goes with --list, and without --json");
    }
    if (status != STATUS_OK) {
        return cli_usage("reconcile", "%s", why.text);
    }
    run->paths[0] = argv[optind];
    run->paths[1] = argv[optind + 1];
    return work(run);
}

int cmd_reconcile(int argc, char **argv) {
    struct run *run = calloc(1, sizeof *run);
    if (run == NULL) {
        return cli_error("reconcile", CLI_FAILED, "out of memory");
    }
    rows_init(&run->rows[0]);
    rows_init(&run->rows[1]);
    run->shown = json_array();
    int exit_code = dispatch(run, argc, argv);
    rows_close(&run->rows[0]);
    rows_close(&run->rows[1]);
    roster_close(&run->roster);
    list_map_close(&run->map);
    json_decref(run->shown);
    free(run);
    return exit_code;
}
