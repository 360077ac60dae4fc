#include "tools/verify_read.h"

#include "tools/cli.h"
#include "tools/view.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

bool verify_read_wanted(const struct verify_read *r) {
    return r->node != NULL || r->tiles != NULL;
}

void verify_read_release(struct verify_read *r) {
    log_read_release(&r->read);
}

/* --- where the log is --- */

static enum status find_at_node(struct verify_read *r, const struct vkey *log,
                                struct refusal *why) {
    struct fetcher *fetcher = NULL;
    struct view *view = malloc(sizeof *view);
    if (view == NULL || fetcher_open(&fetcher) != STATUS_OK) {
        free(view);
        return refuse(why, STATUS_NOMEM, "out of memory");
    }
    view_fetch(fetcher, r->node, log, view);
    fetcher_close(fetcher);
    size_t len = strlen(r->node);
    while (len > 0 && r->node[len - 1] == '/') {
        len--;
    }
    int n = snprintf(r->url, sizeof r->url, "%.*s%s", (int)len, r->node, view->prefix);
    enum status status = STATUS_OK;
    if (view->state == VIEW_ABSENT) {
        status = refuse(why, STATUS_NOT_FOUND, "%.100s does not hold the log %.100s", r->node,
                        log->name);
    } else if (view->state == VIEW_UNREACHABLE) {
        status = refuse(why, STATUS_IO, "%.220s", view->why.text);
    } else if (view->state == VIEW_BAD) {
        status = refuse(why, STATUS_DENIED_SIGNATURE, "%.100s: %.120s", r->node, view->why.text);
    } else if (n < 0 || (size_t)n >= sizeof r->url) {
        status = refuse(why, STATUS_BAD_FORM, "%.100s: the address is too long", r->node);
    }
    free(view);
    return status;
}

static enum status find(struct verify_read *r, const struct vkey *log, struct refusal *why) {
    if (r->node != NULL) {
        return find_at_node(r, log, why);
    }
    int n = snprintf(r->url, sizeof r->url, "%s", r->tiles);
    return n >= 0 && (size_t)n < sizeof r->url
               ? STATUS_OK
               : refuse(why, STATUS_BAD_FORM, "%.100s: the name is too long", r->tiles);
}

/* --- reading it --- */

static void wrong(void *context, const char *text) {
    struct verify_read *r = context;
    if (r->faults++ == 0) {
        snprintf(r->fault, sizeof r->fault, "%s", text);
    }
}

static enum status no_faults(const struct verify_read *r, struct refusal *why) {
    return r->faults == 0 ? STATUS_OK
                          : refuse(why, STATUS_BAD_PROOF, "what %.80s shows is not its log: %.140s",
                                   r->url, r->fault);
}

/* The item's proof was verified: it parses. */
static const struct checkpoint *checkpoint_of(struct verify_read *r,
                                              const struct receipt_item *item) {
    enum status status = proof_parse(item->proof, &r->proof, NULL);
    assert(status == STATUS_OK);
    return &r->proof.checkpoint;
}

/* The tree must be that of every checkpoint of the receipt. Gives the largest size of these. */
static uint64_t expect_roots(struct verify_read *r, const struct receipt *receipt) {
    uint64_t largest = 0;
    assert(receipt->count <= LOG_READ_KNOWN_MAX);
    for (size_t i = 0; i < receipt->count; i++) {
        const struct checkpoint *point = checkpoint_of(r, &receipt->items[i]);
        r->read.known[r->read.known_count++] =
            (struct log_read_known){.size = point->size, .root = point->root, .who = "the receipt"};
        largest = point->size > largest ? point->size : largest;
    }
    return largest;
}

/* The judged size, at least `size`. */
static enum status read_log(struct verify_read *r, const struct vkey *log, uint64_t size,
                            uint64_t *judged, struct refusal *why) {
    struct log_read *read = &r->read;
    TRY(log_read_checkpoint(read, why));
    TRY(no_faults(r, why));
    if (read->checkpoint.size < size) {
        return refuse(why, STATUS_IO,
                      "%.100s shows %" PRIu64 " entries of %.60s, and the receipt is about %" PRIu64
                      ": ask another node",
                      r->url, read->checkpoint.size, log->name, size);
    }
    TRY(log_read_entries(read, why));
    TRY(no_faults(r, why));
    *judged = read->frontier.size - read->unjudged;
    return *judged >= size ? STATUS_OK : refuse(why, STATUS_UNJUDGED, "%s", read->lacks.text);
}

/* --- the policies --- */

/* What covers a newer policy than the receipt's, the newer one's mirrors must have cosigned too:
 * every checkpoint that a log publishes meets the policy in force at its size. */
static enum status check_newer(struct verify_read *r, const struct receipt_item *item,
                               uint64_t newer, struct refusal *why) {
    struct event event;
    struct policy policy;
    struct refusal said = {.text = ""};
    policy_set have = 0;
    size_t log = 0;
    TRY(log_read_policy(&r->read, newer, &event, &policy, why));
    const struct checkpoint *point = checkpoint_of(r, item);
    enum status status = policy_check(&policy, &r->proof.note, point, &have, NULL, &log, &said);
    if (status != STATUS_OK) {
        refuse(why, status,
               "the receipt is of a retired quorum: entry %" PRIu64
               " replaced the policy below its size %" PRIu64 ", and by the newer: %.100s",
               newer, point->size, said.text);
    }
    event_release(&event);
    return status;
}

static enum status check_policies(struct verify_read *r, const struct receipt *receipt,
                                  uint64_t judged_by, struct refusal *why) {
    for (size_t i = 0; i < receipt->count; i++) {
        uint64_t size = checkpoint_of(r, &receipt->items[i])->size;
        uint64_t index = 0;
        enum status status = policy_in_force(r->read.txn, r->read.log.number, size, &index);
        if (status == STATUS_OK && index > judged_by) {
            status = check_newer(r, &receipt->items[i], index, why);
        }
        if (status != STATUS_OK && status != STATUS_NOT_FOUND) {
            return status;
        }
    }
    return STATUS_OK;
}

enum status verify_read(struct verify_read *r, const struct verifier *verifier,
                        const struct verify_report *report, struct refusal *why) {
    const struct vkey *log = &verifier->opened.log_vkey;
    uint64_t judged = 0;
    TRY(find(r, log, why));
    log_read_init(&r->read, log, LOG_EVENTS);
    r->read.url = r->url;
    r->read.what = "verify";
    r->read.context = r;
    r->read.wrong = wrong;
    r->read.entries_only = true;
    r->read.rules_apart = true;
    uint64_t size = expect_roots(r, &verifier->receipt);
    TRY(read_log(r, log, size, &judged, why));
    TRY(verify_log(r->read.txn, r->read.log.number, judged, report, &r->found, why));
    r->refused = r->read.refused;
    return check_policies(r, &verifier->receipt, report->policy_index, why);
}

/* --- what is said --- */

static void print_unread(FILE *out, const struct verify_report *report) {
    if (report->chain_count > 0) {
        fprintf(out,
                "  UNCHECKED    whether a key that it rests on was revoked, before size %" PRIu64
                " or since: no receipt can show that\n",
                report->size);
    }
    fprintf(out,
            "  %-12s whether the log's rules admit the event beside the other entries, and whether "
            "entry %" PRIu64 " is the\n"
            "               newest policy at that size. The log shows it: --node URL, or --tiles\n",
            report->chain_count > 0 ? "" : "UNCHECKED", report->policy_index);
}

static void print_day(FILE *out, const struct verify_revocation *row) {
    char day[21];
    if (row->reason != REVOKED_COMPROMISED) {
        return;
    }
    cli_time(row->since_ms / 1000, day);
    if (row->since_ms != 0) {
        fprintf(out, " since %.10s", day);
    } else {
        fputs(" since ever", out);
    }
}

static void print_revocation(FILE *out, const struct verify_revocation *row,
                             const struct verify_report *report) {
    const char *word = row->doubts ? "DOUBTED" : row->disowns ? "disowned" : "revoked";
    fprintf(out, "  %-12s %s, by entry %" PRIu64 ": %s", word, report->chain[row->link].name,
            row->index, revocation_reason_name(row->reason));
    print_day(out, row);
    fputs(row->doubts    ? "; so what it signed here is doubted\n"
          : row->disowns ? "; its enroller says so, no root, and what it signed here stands\n"
                         : "; what it signed here came before, and stands\n",
          out);
}

static void print_policy(FILE *out, const struct verify_log *found,
                         const struct verify_report *report) {
    fprintf(out, "\n  policy       entry %" PRIu64 ", ", report->policy_index);
    if (found->policy > report->policy_index) {
        fprintf(out, "replaced by entry %" PRIu64 " below that size, which is met too\n",
                found->policy);
    } else if (found->newest_policy > report->policy_index) {
        fprintf(out, "in force at size %" PRIu64 "; entry %" PRIu64 " has replaced it since\n",
                report->size, found->newest_policy);
    } else {
        fputs("the newest that the log has\n", out);
    }
}

void verify_read_print(FILE *out, const struct verify_read *r, const struct verify_report *report) {
    if (r == NULL) {
        print_unread(out, report);
        return;
    }
    const struct verify_log *found = &r->found;
    fprintf(out, "  log read     %" PRIu64 " entries, from %s\n", found->size, r->url);
    fputs("  rules        admit all that the receipt rests on", out);
    if (r->refused > 0) {
        fprintf(out, "; not %" PRIu64 " other entries", r->refused);
    }
    print_policy(out, found, report);
    for (size_t i = 0; i < found->revocation_count; i++) {
        print_revocation(out, &found->revocations[i], report);
    }
    if (report->chain_count > 0) {
        fprintf(out, "  %-12s %s in its first %" PRIu64 " entries\n",
                found->revocation_count == 0 ? "revoked" : "",
                found->more                    ? "and more often"
                : found->revocation_count == 0 ? "none of its keys is, by this log,"
                                               : "and no other time",
                found->size);
        fputs("  UNCHECKED    whether another log revokes them: dutylog case asks a node for "
              "that\n",
              out);
    }
}

static json_t *revocation_json(const struct verify_revocation *row,
                               const struct verify_report *report) {
    json_t *object =
        json_pack("{s:s, s:I, s:s, s:b, s:b}", "key", report->chain[row->link].name, "index",
                  (json_int_t)row->index, "reason", revocation_reason_name(row->reason), "doubts",
                  row->doubts, "disowns", row->disowns);
    if (object != NULL && row->since_ms != 0) {
        char day[21];
        cli_time(row->since_ms / 1000, day);
        json_object_set_new(object, "since", json_stringn(day, 10));
    }
    return object;
}

static json_t *read_json(const struct verify_read *r, const struct verify_report *report) {
    json_t *list = json_array();
    for (size_t i = 0; i < r->found.revocation_count; i++) {
        json_array_append_new(list, revocation_json(&r->found.revocations[i], report));
    }
    return json_pack("{s:s, s:I, s:I, s:I, s:o, s:b}", "from", r->url, "size",
                     (json_int_t)r->found.size, "newest_policy", (json_int_t)r->found.newest_policy,
                     "refused", (json_int_t)r->refused, "revocations", list, "more_revocations",
                     r->found.more);
}

void verify_read_json(json_t *object, const struct verify_read *r,
                      const struct verify_report *report) {
    json_t *unchecked = json_array();
    if (r == NULL) {
        json_array_append_new(unchecked, json_string("acceptance"));
        json_array_append_new(unchecked, json_string("newer_policy"));
    } else {
        json_object_set_new(object, "read", read_json(r, report));
    }
    if (report->chain_count > 0) {
        json_array_append_new(unchecked,
                              json_string(r == NULL ? "revocation" : "revocation_in_other_logs"));
    }
    json_object_set_new(object, "unchecked", unchecked);
}
