#include "tools/verify_print.h"

#include "tools/cli.h"
#include "tools/text_print.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>

static void print_chain(FILE *out, const struct verify_report *r) {
    if (r->chain_count == 0) {
        fprintf(out, "  authority    %s is named by the log's opening itself\n", r->issuer);
        return;
    }
    for (size_t i = 0; i < r->chain_count; i++) {
        const struct verify_link *link = &r->chain[i];
        fprintf(out, "  %-12s %s enrolled %s as %s (entry %" PRIu64 ")\n",
                i == 0 ? "authority" : "", link->enroller, link->name, link->role, link->index);
    }
}

static void print_mirrors(FILE *out, const struct verify_report *r) {
    for (size_t i = 0; i < r->mirror_count; i++) {
        const struct verify_mirror *m = &r->mirrors[i];
        char when[21] = "not in this receipt ";
        if (m->timestamp != 0) {
            cli_time(m->timestamp, when);
        }
        fprintf(out, "  %-12s %-32s %s  run by %s\n", i == 0 ? "held by" : "", m->name, when,
                m->operator_name);
    }
}

void verify_print_words(FILE *out, const struct verify_report *r, const struct verify_trust *trust,
                        const struct verify_read *read) {
    char stamp[21];
    char confirmed[21];
    cli_time(r->received_ms / 1000, stamp);
    cli_time(r->confirmed_ms / 1000, confirmed);
    fprintf(out, "verified: %s, event %" PRIu64 " of %s\n", r->kind, r->seq, r->issuer);
    fprintf(out, "  log          %s, entry %" PRIu64 " of %" PRIu64 ", run by %s\n", r->origin,
            r->index, r->size, r->operator_name);
    fprintf(out, "  event id     ");
    for (size_t i = 0; i < HASH_SIZE; i++) {
        fprintf(out, "%02x", r->id.bytes[i]);
    }
    fprintf(out, "\n  received     %s by the log's clock\n", stamp);
    fprintf(out, "  confirmed    %s, %s\n", confirmed,
            r->stamp_confirmed ? "the stamp: a quorum of mirrors had it within an hour"
            : r->received_ms < r->confirmed_ms
                ? "when a quorum of mirrors had it: the stamp is over an hour before that"
                : "when a quorum of mirrors had it: the stamp is over an hour after that");
    print_chain(out, r);
    print_mirrors(out, r);
    if (r->roots_pinned) {
        fprintf(out, "  roots        %zu of the %zu you pinned signed the log's opening\n",
                r->roots_signed, trust->root_count);
    } else if (!trust->by_others) {
        fputs("  not proved   who the authorities are: you pinned no root, so they are those the "
              "log names\n",
              out);
    }
    if (r->one_time) {
        fputs("  not proved   who lodged this: it is by a one-time key, and shows that somebody "
              "did\n",
              out);
    }
    if (r->has_body) {
        fputs("  not proved   that anyone holds the closed members: the body is not shown to be "
              "held\n",
              out);
    }
    verify_read_print(out, read, r);
}

static json_t *mirrors_json(const struct verify_report *r) {
    json_t *mirrors = json_array();
    for (size_t i = 0; i < r->mirror_count; i++) {
        const struct verify_mirror *m = &r->mirrors[i];
        json_array_append_new(mirrors,
                              json_pack("{s:s, s:s, s:I}", "name", m->name, "operator",
                                        m->operator_name, "cosigned", (json_int_t)m->timestamp));
    }
    return mirrors;
}

static json_t *chain_json(const struct verify_report *r) {
    json_t *chain = json_array();
    for (size_t i = 0; i < r->chain_count; i++) {
        const struct verify_link *link = &r->chain[i];
        json_array_append_new(chain, json_pack("{s:s, s:s, s:s, s:I}", "enroller", link->enroller,
                                               "key", link->name, "role", link->role, "index",
                                               (json_int_t)link->index));
    }
    return chain;
}

void verify_print_json(FILE *out, const struct verify_report *r, const struct verify_chain *chain,
                       const struct verify_read *read) {
    char id[HASH_SIZE * 2 + 1];
    for (size_t i = 0; i < HASH_SIZE; i++) {
        snprintf(id + 2 * i, 3, "%02x", r->id.bytes[i]);
    }
    json_t *object =
        json_pack("{s:b, s:s, s:s, s:s, s:I, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:b, s:b, s:b, "
                  "s:b, s:s, s:o, "
                  "s:o}",
                  "verified", 1, "log", r->origin, "kind", r->kind, "issuer", r->issuer, "seq",
                  (json_int_t)r->seq, "id", id, "index", (json_int_t)r->index, "size",
                  (json_int_t)r->size, "policy", (json_int_t)r->policy_index, "received_ms",
                  (json_int_t)r->received_ms, "confirmed_ms", (json_int_t)r->confirmed_ms,
                  "quorum_time", (json_int_t)r->quorum_time, "stamp_confirmed", r->stamp_confirmed,
                  "roots_pinned", r->roots_pinned, "body", r->has_body, "one_time", r->one_time,
                  "operator", r->operator_name, "chain", chain_json(r), "mirrors", mirrors_json(r));
    if (object != NULL && chain != NULL) {
        json_object_set_new(object, "recognised", verify_by_json(chain));
    }
    if (object != NULL) {
        verify_read_json(object, read, r);
    }
    char *text = object != NULL ? json_dumps(object, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
    fprintf(out, "%s\n", text != NULL ? text : "{\"verified\":false,\"error\":\"out of memory\"}");
    free(text);
    json_decref(object);
}

/* --- absence --- */

struct cells_print {
    FILE *out;
    int side;
    size_t printed;
};

static void print_cell(void *context, int other, size_t number, struct bytes text) {
    struct cells_print *p = context;
    (void)number;
    if (other == p->side) {
        fputs(p->printed++ > 0 ? " | " : "", p->out);
        text_print(p->out, text);
    }
}

static void print_cells(FILE *out, const char *what, struct bytes leaf, int side) {
    struct cells_print p = {.out = out, .side = side};
    fprintf(out, "  %-12s ", what);
    if (list_cells(leaf, print_cell, &p) != STATUS_OK) {
        fputs("(out of memory)", out); /* the leaf was checked */
    }
    fputc('\n', out);
}

void verify_print_absence(FILE *out, const struct absence *absence,
                          const struct absence_report *report, const struct verify_trust *trust) {
    fprintf(out, "verified: a row of %s that is not there any more\n", report->lists[0].list);
    print_cells(out, "key", absence->row.text, 0);
    print_cells(out, "it said", absence->row.text, 1);
    for (size_t i = 0; i < 2; i++) {
        const struct observed *list = &report->lists[i];
        const struct verify_report *r = &report->receipts[i];
        char confirmed[21];
        cli_time(r->confirmed_ms / 1000, confirmed);
        fprintf(out, "  %-12s %s, ", i == 0 ? "there on" : "not there on", list->observed);
        if (i == 0) {
            fprintf(out, "row %" PRIu64 " of %" PRIu64 "\n", absence->row.index + 1, list->count);
        } else {
            fprintf(out, "a list of %" PRIu64 " rows\n", list->count);
        }
        fprintf(out, "               seen at %s by %s\n", list->address, r->issuer);
        fprintf(out, "               logged in %s, entry %" PRIu64 ", confirmed %s\n", r->origin,
                r->index, confirmed);
    }
    if (!report->receipts[0].roots_pinned) {
        fputs("  not proved   who the authorities are: you pinned no root, so they are those the "
              "log names\n",
              out);
    } else {
        fprintf(out, "  roots        %zu of the %zu you pinned signed the log's opening\n",
                report->receipts[0].roots_signed, trust->root_count);
    }
    fputs("  not proved   that the observers saw what they signed, when they say, and sorted all "
          "of it: "
          "whoever has\n"
          "               the rows can make the roots again; nor why the row is gone\n"
          "  UNCHECKED    whether the observers' keys were revoked, and whether their logs' rules "
          "admit what they logged\n",
          out);
}

void verify_print_absence_json(FILE *out, const struct absence *absence,
                               const struct absence_report *report, enum status status) {
    json_t *object =
        json_pack("{s:b, s:s}", "verified", status == STATUS_OK, "status", status_name(status));
    if (object != NULL && status == STATUS_OK) {
        struct bytes leaf = absence->row.text;
        json_object_set_new(object, "row", json_loadb((const char *)leaf.data, leaf.len, 0, NULL));
        json_object_set_new(object, "list", json_string(report->lists[0].list));
        json_object_set_new(object, "unchecked",
                            json_pack("[sss]", "acceptance", "newer_policy", "revocation"));
        for (size_t i = 0; i < 2; i++) {
            const struct verify_report *r = &report->receipts[i];
            json_object_set_new(object, i == 0 ? "there" : "absent",
                                json_pack("{s:s, s:s, s:s, s:s, s:I, s:I}", "observed",
                                          report->lists[i].observed, "address",
                                          report->lists[i].address, "observer", r->issuer, "log",
                                          r->origin, "index", (json_int_t)r->index, "confirmed_ms",
                                          (json_int_t)r->confirmed_ms));
        }
    }
    char *text = object != NULL ? json_dumps(object, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
    fprintf(out, "%s\n", text != NULL ? text : "{\"verified\":false,\"status\":\"NOMEM\"}");
    free(text);
    json_decref(object);
}
