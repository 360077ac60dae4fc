#include "ledger/json.h"
#include "net/file.h"
#include "tools/cli.h"
#include "tools/reconcile.h"

#include <assert.h>
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

struct run {
    const char *paths[2];
    const char *mapping_path;
    const char *roster_path;
    const char *roster_column;
    const char *finds[FINDS_MAX];
    size_t find_count;
    bool list[FATE_COUNT];
    bool any_list;
    bool json;
    bool csv;
    const char *prove;
    const char *receipts[2];
    const char *out;
    struct list_map map;
    bool has_map;
    struct rows rows[2];
    struct roster roster;
    size_t counts[FATE_COUNT];
    size_t absent[SERVING_COUNT];
    size_t dirty;
    json_t *shown;
    /* What --prove named: one row of each key that fits, and of how many keys. */
    struct bytes proved;
    size_t proved_keys;
};

static const char *serving_name(enum serving serving) {
    static const char *const names[SERVING_COUNT] = {"unknown", "serving", "left"};
    return names[serving];
}

/* --- options --- */

static enum status take_fates(struct run *run, const char *text, struct refusal *why) {
    struct bytes rest = bytes_text(text);
    while (rest.len > 0) {
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
    }
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
        fprintf(stderr, "line %llu: %s\n", (unsigned long long)line, reason);
    }
}

static enum status load_rows(struct run *run, int number, struct refusal *why) {
    const char *path = run->paths[number];
    if (rows_is_file(path)) {
        return rows_read(&run->rows[number], path, why);
    }
    if (!run->has_map) {
        return refuse(why, STATUS_BAD_FORM,
                      "%s: no .rows file; of a published file say with --mapping how it is read",
                      path);
    }
    return rows_of_csv(&run->rows[number], path, &run->map, tell_dirty, run, why);
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

static enum status load(struct run *run, struct refusal *why) {
    if (run->mapping_path != NULL) {
        TRY(list_map_open(run->mapping_path, &run->map, why));
        run->has_map = true;
    }
    TRY(load_rows(run, 0, why));
    TRY(load_rows(run, 1, why));
    TRY(check_comparable(run, why));
    return run->roster_path != NULL
               ? roster_read(&run->roster, run->roster_path, run->roster_column,
                             run->has_map ? &run->map : NULL, why)
               : STATUS_OK;
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

static void print_csv_cell(struct bytes text) {
    putchar('"');
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] == '"') {
            putchar('"');
        }
        putchar(text.data[i]);
    }
    putchar('"');
}

struct printing {
    int side; /* 0: key cells, 1: other cells */
    bool csv;
    size_t printed;
};

static void print_cell(void *context, int other, size_t number, struct bytes text) {
    struct printing *p = context;
    (void)number;
    if (other != p->side) {
        return;
    }
    if (p->csv) {
        putchar(',');
        print_csv_cell(text);
    } else {
        printf("%s%.*s", p->printed > 0 ? " | " : "", (int)text.len, (const char *)text.data);
    }
    p->printed++;
}

static void print_cells(struct bytes leaf, int side, bool csv) {
    struct printing p = {.side = side, .csv = csv};
    if (leaf.len > 0 && list_cells(leaf, print_cell, &p) != STATUS_OK) {
        fputs(csv ? ",\"(out of memory)\"" : "(out of memory)", stdout);
    }
}

static void print_row(const struct run *run, const struct reconciled *row) {
    struct bytes any = row->old.len > 0 ? row->old : row->new;
    if (run->csv) {
        printf("%s,%s", fate_name(row->fate),
               row->fate == FATE_ABSENT ? serving_name(row->serving) : "");
        print_cells(any, 0, true);
        printf(",");
        print_csv_cell(row->old);
        printf(",");
        print_csv_cell(row->new);
        putchar('\n');
        return;
    }
    printf("%-7s %-8s", fate_name(row->fate),
           row->fate == FATE_ABSENT && run->roster_path != NULL ? serving_name(row->serving) : "");
    print_cells(any, 0, false);
    putchar('\n');
    if (row->old.len > 0) {
        printf("                was  ");
        print_cells(row->old, 1, false);
        putchar('\n');
    }
    if (row->new.len > 0) {
        printf("                %s  ", row->old.len > 0 ? "now" : "   ");
        print_cells(row->new, 1, false);
        putchar('\n');
    }
}

static json_t *leaf_json(struct bytes leaf) {
    return leaf.len > 0 ? json_loadb((const char *)leaf.data, leaf.len, 0, NULL) : NULL;
}

static void keep_row(struct run *run, const struct reconciled *row) {
    json_t *old = leaf_json(row->old);
    json_t *new = leaf_json(row->new);
    json_t *item =
        json_pack("{s:s, s:O, s:o*, s:o*}", "fate", fate_name(row->fate), "key",
                  json_array_get(old != NULL ? old : new, 0), "old",
                  json_incref(json_array_get(old, 1)), "new", json_incref(json_array_get(new, 1)));
    if (item != NULL && row->fate == FATE_ABSENT) {
        json_object_set_new(item, "officer", json_string(serving_name(row->serving)));
    }
    json_array_append_new(run->shown, item);
    json_decref(old);
    json_decref(new);
}

static void note_proof(struct run *run, const struct reconciled *row) {
    if (row->fate != FATE_ABSENT || run->prove == NULL ||
        !list_map_finds(run->has_map ? &run->map : NULL, run->prove, list_prefix(row->old))) {
        return;
    }
    /* Rows come in the order of keys, so that a key that was noted is the last one. */
    if (run->proved_keys == 0 || !bytes_equal(list_prefix(run->proved), list_prefix(row->old))) {
        run->proved = row->old;
        run->proved_keys++;
    }
}

static void take_row(void *context, const struct reconciled *row) {
    struct run *run = context;
    if (!is_found(run, row)) {
        return;
    }
    run->counts[row->fate]++;
    if (row->fate == FATE_ABSENT) {
        run->absent[row->serving]++;
    }
    note_proof(run, row);
    if (run->list[row->fate] && run->json) {
        keep_row(run, row);
    } else if (run->list[row->fate]) {
        print_row(run, row);
    }
}

/* --- results --- */

static void print_list(const struct run *run, int number) {
    const struct observed *about = &run->rows[number].about;
    printf("%s  %-9zu rows  %s%s%s\n", number == 0 ? "A" : "B", run->rows[number].count,
           about->list[0] != '\0' ? about->list : run->paths[number],
           about->observed[0] != '\0' ? ", observed " : "", about->observed);
}

static void print_counts(const struct run *run) {
    const size_t *n = run->counts;
    print_list(run, 0);
    print_list(run, 1);
    if (run->find_count == 0) {
        printf("same      %6zu\n", n[FATE_SAME]);
    }
    printf("absent    %6zu", n[FATE_ABSENT]);
    if (run->roster_path != NULL) {
        printf("   %zu while the officer is on the roster, %zu whose officer is not",
               run->absent[SERVING_YES], run->absent[SERVING_NO]);
    }
    printf("\nchanged   %6zu   %zu lower, %zu higher, %zu mixed; outcomes\n",
           n[FATE_LOWER] + n[FATE_HIGHER] + n[FATE_MIXED], n[FATE_LOWER], n[FATE_HIGHER],
           n[FATE_MIXED]);
    printf("fuller    %6zu   the same outcome, and more said of it\n", n[FATE_FULLER]);
    printf("other     %6zu   changed in what is no outcome\n", n[FATE_OTHER]);
    printf("new       %6zu\n", n[FATE_NEW]);
}

static json_t *about_json(const struct run *run, int number) {
    const struct rows *rows = &run->rows[number];
    return json_pack("{s:s, s:I, s:s, s:s}", "file", run->paths[number], "rows",
                     (json_int_t)rows->count, "list", rows->about.list, "observed",
                     rows->about.observed);
}

static int print_json(struct run *run) {
    const size_t *n = run->counts;
    json_t *all = json_pack(
        "{s:o, s:o, s:{s:I, s:I, s:I, s:I}, s:{s:I, s:I, s:I, s:I, s:I}, s:I}", "a",
        about_json(run, 0), "b", about_json(run, 1), "absent", "all", (json_int_t)n[FATE_ABSENT],
        "serving", (json_int_t)run->absent[SERVING_YES], "left",
        (json_int_t)run->absent[SERVING_NO], "unknown", (json_int_t)run->absent[SERVING_UNKNOWN],
        "changed", "lower", (json_int_t)n[FATE_LOWER], "higher", (json_int_t)n[FATE_HIGHER],
        "mixed", (json_int_t)n[FATE_MIXED], "fuller", (json_int_t)n[FATE_FULLER], "other",
        (json_int_t)n[FATE_OTHER], "new", (json_int_t)n[FATE_NEW]);
    if (all != NULL && run->find_count == 0) {
        json_object_set_new(all, "same", json_integer((json_int_t)n[FATE_SAME]));
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

static enum status write_proof(struct run *run, struct refusal *why) {
    struct buffer receipts[2];
    struct absence absence = {.around_count = 0};
    const struct rows *b = &run->rows[1];
    struct bytes prefix = list_prefix(run->proved);
    size_t at = rows_lower_bound(b, prefix);
    if (at < b->count && b->leaves[at].len >= prefix.len &&
        memcmp(b->leaves[at].data, prefix.data, prefix.len) == 0) {
        return refuse(why, STATUS_BAD_MEMBER,
                      "another row of this key is in the second list: fewer rows of a key are no "
                      "absence");
    }
    rows_prove(&run->rows[0], rows_lower_bound(&run->rows[0], run->proved), &absence.row);
    if (at > 0) {
        rows_prove(b, at - 1, &absence.around[absence.around_count++]);
    }
    if (at < b->count) {
        rows_prove(b, at, &absence.around[absence.around_count++]);
    }
    buffer_init(&receipts[0], RECEIPT_SIZE_MAX);
    buffer_init(&receipts[1], RECEIPT_SIZE_MAX);
    uint8_t *memory = malloc(ABSENCE_SIZE_MAX);
    enum status status = memory != NULL ? file_read(run->receipts[0], &receipts[0], why)
                                        : refuse(why, STATUS_NOMEM, "out of memory");
    if (status == STATUS_OK) {
        status = file_read(run->receipts[1], &receipts[1], why);
    }
    if (status == STATUS_OK) {
        struct writer w;
        absence.receipts[0] = buffer_view(&receipts[0]);
        absence.receipts[1] = buffer_view(&receipts[1]);
        writer_init(&w, memory, ABSENCE_SIZE_MAX);
        absence_format(&w, &absence);
        assert(!w.failed);
        status = file_create(run->out, writer_view(&w), why);
    }
    free(memory);
    buffer_clear(&receipts[0]);
    buffer_clear(&receipts[1]);
    return status;
}

static int prove(struct run *run) {
    struct refusal why = {.text = ""};
    if (run->proved_keys != 1) {
        return cli_error("reconcile", CLI_REFUSED,
                         run->proved_keys == 0
                             ? "--prove %s: no absent row has this in its key"
                             : "--prove %s: several absent keys have this: give more of the key, "
                               "as --list absent shows it",
                         run->prove);
    }
    enum status status = write_proof(run, &why);
    return status == STATUS_OK ? CLI_OK
                               : cli_error("reconcile", cli_exit_of(status), "%s", why.text);
}

/* --- all --- */

static int work(struct run *run) {
    struct refusal why = {.text = ""};
    enum status status = load(run, &why);
    if (status == STATUS_OK) {
        status = reconcile(&run->rows[0], &run->rows[1], run->has_map ? &run->map : NULL,
                           run->roster_path != NULL ? &run->roster : NULL, take_row, run,
                           &run->counts[FATE_SAME], &why);
    }
    if (status != STATUS_OK) {
        return cli_error("reconcile", cli_exit_of(status), "%s", why.text);
    }
    if (run->dirty > SHOWN_DIRTY) {
        fprintf(stderr, "and %zu lines more\n", run->dirty - SHOWN_DIRTY);
    }
    if (run->prove != NULL) {
        return prove(run);
    }
    if (run->json) {
        return print_json(run);
    }
    if (!run->any_list) {
        print_counts(run);
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
