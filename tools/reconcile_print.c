#include "tools/reconcile_print.h"

#include "ledger/json.h"
#include "tools/text_print.h"

/* --- counts --- */

void tally_add(struct tally *tally, const struct reconciled *row) {
    tally->counts[row->fate]++;
    if (row->fate == FATE_ABSENT) {
        tally->absent[row->serving]++;
    }
}

void tally_print(FILE *out, const struct tally *tally, bool same, bool roster) {
    const size_t *n = tally->counts;
    if (same) {
        fprintf(out, "same    %8zu\n", n[FATE_SAME]);
    }
    fprintf(out, "absent  %8zu", n[FATE_ABSENT]);
    if (roster) {
        fprintf(out, "        %zu while the officer is on the roster, %zu whose officer is not",
                tally->absent[SERVING_YES], tally->absent[SERVING_NO]);
    }
    if (roster && tally->absent[SERVING_UNKNOWN] > 0) {
        fprintf(out, ", %zu that name none", tally->absent[SERVING_UNKNOWN]);
    }
    fprintf(out, "\nchanged %8zu        the outcome: %zu lower, %zu higher, %zu mixed\n",
            n[FATE_LOWER] + n[FATE_HIGHER] + n[FATE_MIXED], n[FATE_LOWER], n[FATE_HIGHER],
            n[FATE_MIXED]);
    fprintf(out, "fuller  %8zu        the same outcome, and more said of it\n", n[FATE_FULLER]);
    fprintf(out, "other   %8zu        changed in what is no outcome\n", n[FATE_OTHER]);
    fprintf(out, "new     %8zu\n", n[FATE_NEW]);
}

json_t *tally_json(const struct tally *tally, bool same) {
    const size_t *n = tally->counts;
    json_t *all =
        json_pack("{s:{s:I, s:I, s:I, s:I}, s:{s:I, s:I, s:I, s:I, s:I}, s:I}", "absent", "all",
                  (json_int_t)n[FATE_ABSENT], "serving", (json_int_t)tally->absent[SERVING_YES],
                  "left", (json_int_t)tally->absent[SERVING_NO], "unknown",
                  (json_int_t)tally->absent[SERVING_UNKNOWN], "changed", "lower",
                  (json_int_t)n[FATE_LOWER], "higher", (json_int_t)n[FATE_HIGHER], "mixed",
                  (json_int_t)n[FATE_MIXED], "fuller", (json_int_t)n[FATE_FULLER], "other",
                  (json_int_t)n[FATE_OTHER], "new", (json_int_t)n[FATE_NEW]);
    if (all != NULL && same) {
        json_object_set_new(all, "same", json_integer((json_int_t)n[FATE_SAME]));
    }
    return all;
}

/* --- a row --- */

struct printing {
    FILE *out;
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
        putc(',', p->out);
        text_print_csv(p->out, text);
    } else {
        fputs(p->printed > 0 ? " | " : "", p->out);
        text_print(p->out, text);
    }
    p->printed++;
}

static void print_cells(FILE *out, struct bytes leaf, int side) {
    struct printing p = {.out = out, .side = side};
    if (leaf.len > 0 && list_cells(leaf, print_cell, &p) != STATUS_OK) {
        fputs("(out of memory)", out); /* leaves are checked where they enter */
    }
    putc('\n', out);
}

void reconciled_print(FILE *out, const struct reconciled *row) {
    bool known = row->fate == FATE_ABSENT && row->serving != SERVING_UNKNOWN;
    fprintf(out, "%-7s %-8s", fate_name(row->fate), known ? serving_name(row->serving) : "");
    print_cells(out, row->old.len > 0 ? row->old : row->new, 0);
    if (row->old.len > 0) {
        fputs("           was  ", out);
        print_cells(out, row->old, 1);
    }
    if (row->new.len > 0) {
        fputs("           now  ", out);
        print_cells(out, row->new, 1);
    }
}

json_t *reconciled_json(const struct reconciled *row) {
    const char *names[2] = {"old", "new"};
    struct bytes leaves[2] = {row->old, row->new};
    json_t *item = json_pack("{s:s}", "fate", fate_name(row->fate));
    for (size_t i = 0; i < 2 && item != NULL; i++) {
        json_t *leaf = leaves[i].len > 0
                           ? json_loadb((const char *)leaves[i].data, leaves[i].len, 0, NULL)
                           : NULL;
        if (leaf != NULL) {
            json_object_set(item, "key", json_array_get(leaf, 0));
            json_object_set(item, names[i], json_array_get(leaf, 1));
        }
        json_decref(leaf);
    }
    if (item != NULL && row->fate == FATE_ABSENT) {
        json_object_set_new(item, "officer", json_string(serving_name(row->serving)));
    }
    return item;
}

/* --- CSV --- */

static void print_labels(FILE *out, const json_t *labels, const char *before) {
    for (size_t i = 0; i < json_array_size(labels); i++) {
        char text[512]; /* a label is cut, should it be longer than the column is wide */
        snprintf(text, sizeof text, "%s%s", before, json_string_value(json_array_get(labels, i)));
        putc(',', out);
        text_print_csv(out, bytes_text(text));
    }
}

void reconciled_print_csv_header(FILE *out, const struct rows *of) {
    fputs("fate,roster", out);
    print_labels(out, of->labels[0], "");
    print_labels(out, of->labels[1], "was: ");
    print_labels(out, of->labels[1], "now: ");
    fputs("\r\n", out);
}

/* As many cells as the labels are, also of a row that is not there. */
static void print_csv_cells(FILE *out, struct bytes leaf, int side, size_t count) {
    struct printing p = {.out = out, .side = side, .csv = true};
    if (leaf.len > 0 && list_cells(leaf, print_cell, &p) != STATUS_OK) {
        fputs(",\"(out of memory)\"", out);
        p.printed++;
    }
    for (; p.printed < count; p.printed++) {
        putc(',', out);
    }
}

void reconciled_print_csv(FILE *out, const struct rows *of, const struct reconciled *row) {
    size_t others = json_array_size(of->labels[1]);
    fprintf(out, "%s,%s", fate_name(row->fate),
            row->fate == FATE_ABSENT ? serving_name(row->serving) : "");
    print_csv_cells(out, row->old.len > 0 ? row->old : row->new, 0, json_array_size(of->labels[0]));
    print_csv_cells(out, row->old, 1, others);
    print_csv_cells(out, row->new, 1, others);
    fputs("\r\n", out);
}
