#include "tools/case_print.h"

#include "tools/cli.h"
#include "tools/text_print.h"

#include <stdarg.h>
#include <string.h>

#define WHAT_COLUMNS 51
#define LINE_MAX 512

/* A line being put together, so that its width is known. */
struct line {
    char text[LINE_MAX];
    size_t len;
};

__attribute__((format(printf, 2, 3))) static void add(struct line *line, const char *format, ...) {
    va_list args;
    va_start(args, format);
    int n = vsnprintf(line->text + line->len, sizeof line->text - line->len, format, args);
    va_end(args);
    line->len += n > 0 ? (size_t)n : 0;
    if (line->len >= sizeof line->text) {
        line->len = sizeof line->text - 1;
    }
}

static void print_line(FILE *out, const struct line *line, size_t columns) {
    text_print(out, bytes_of(line->text, line->len));
    for (size_t i = line->len; i < columns; i++) {
        fputc(' ', out);
    }
}

static const char *text_of(const json_t *object, const char *name) {
    const char *text = json_string_value(json_object_get(object, name));
    return text != NULL ? text : "?";
}

static bool has(const json_t *object, const char *name) {
    return json_object_get(object, name) != NULL;
}

/* --- naming events by their number in the list --- */

/* The number of the event that an object names by index and log, from 1; 0: not listed. */
static size_t number_of(const json_t *answer, const json_t *entry) {
    const json_t *events = json_object_get(answer, "events");
    for (size_t i = 0; i < json_array_size(events); i++) {
        const json_t *event = json_array_get(events, i);
        if (json_integer_value(json_object_get(event, "index")) ==
                json_integer_value(json_object_get(entry, "index")) &&
            strcmp(text_of(event, "log"), text_of(entry, "log")) == 0) {
            return i + 1;
        }
    }
    return 0;
}

static size_t number_of_id(const json_t *answer, const json_t *reference) {
    const json_t *events = json_object_get(answer, "events");
    for (size_t i = 0; reference != NULL && i < json_array_size(events); i++) {
        if (strcmp(text_of(json_array_get(events, i), "id"), text_of(reference, "id")) == 0) {
            return i + 1;
        }
    }
    return 0;
}

/* --- what an event says --- */

static void add_measures(struct line *line, const json_t *measures) {
    for (size_t i = 0; i < json_array_size(measures); i++) {
        const json_t *measure = json_array_get(measures, i);
        const json_t *paid = json_object_get(measure, "paid");
        add(line, "%s%s", i > 0 ? ", " : "", text_of(measure, "code"));
        if (has(measure, "days")) {
            add(line, " %lld days",
                (long long)json_integer_value(json_object_get(measure, "days")));
        }
        if (has(measure, "months")) {
            add(line, " %lld months",
                (long long)json_integer_value(json_object_get(measure, "months")));
        }
        add(line, "%s", paid == NULL ? "" : json_is_true(paid) ? " paid" : " unpaid");
    }
}

/* Members of `open` that say what an event decides, then who. */
static void add_details(struct line *line, const json_t *open) {
    static const char *const what[] = {"disposition", "outcome", "action",
                                       "what",        "reason",  "notice"};
    static const struct {
        const char *member;
        const char *word;
    } who[] = {
        {"decided_by", "by"}, {"recommended_by", "by"}, {"ordered_by", "by"}, {"filed_by", "by"},
        {"by", "by"},         {"alleged_by", "by"},     {"holder", "by"},     {"forum", "to"},
        {"to", "to"}};
    const char *before = ": ";
    for (size_t i = 0; i < sizeof what / sizeof what[0]; i++) {
        if (has(open, what[i])) {
            add(line, "%s%s", before, text_of(open, what[i]));
            before = ", ";
        }
    }
    if (has(open, "discipline")) {
        add(line, "%s", before);
        add_measures(line, json_object_get(open, "discipline"));
        before = ", ";
    }
    for (size_t i = 0; i < sizeof who / sizeof who[0]; i++) {
        if (has(open, who[i].member)) {
            add(line, "%s%s %s", before, who[i].word, text_of(open, who[i].member));
            before = ", ";
        }
    }
}

static void describe(struct line *line, const json_t *answer, const json_t *event) {
    const json_t *open = json_object_get(event, "open");
    size_t named = number_of_id(answer, json_object_get(open, "event"));
    size_t instead = number_of_id(answer, json_object_get(open, "replaced_by"));
    json_int_t subject = json_integer_value(json_object_get(event, "subject"));
    add(line, "%s", text_of(event, "kind"));
    if (named > 0) {
        add(line, " of %zu", named);
    }
    add_details(line, open);
    if (instead > 0) {
        add(line, ", %zu in its place", instead);
    }
    if (subject != 1) {
        add(line, " [%lld]", (long long)subject);
    }
}

static void add_standing(struct line *line, const json_t *answer, const json_t *event) {
    static const struct {
        const char *rule;
        const char *before; /* the number of the event by which it is so */
        const char *after;
    } words[] = {
        {"alike", " of ", ""},
        {"replaced", ": replaced by ", ""},
        {"reversed", ": reversed by ", ""},
        {"changed", ": changed by ", ""},
        {"corrected", ": corrected by ", ""},
        {"sealed", " by ", ""},
        {"rank", ": ranks below ", ""},
        {"stranger", ": stranger to ", ""},
        {"frozen", ": frozen by ", ""},
        {"replacement", ": misplaces ", ""},
        {"party", ": party, see ", ""},
        {"ori", ": another agency's", NULL},
        {"bounds", ": out of bounds", NULL},
        {"false", ": a false value", NULL},
        {"subject", ": skips a subject", NULL},
        {"early", ": nothing before it", NULL},
        {"compromised", ": stolen key", NULL},
        {"revoked", ": revoked key", NULL},
    };
    const json_t *why = json_object_get(event, "why");
    const char *rule = text_of(why, "rule");
    add(line, "%s", text_of(event, "standing"));
    for (size_t i = 0; why != NULL && i < sizeof words / sizeof words[0]; i++) {
        if (strcmp(rule, words[i].rule) == 0) {
            add(line, "%s", words[i].before);
            if (words[i].after != NULL) {
                add(line, "%zu%s", number_of(answer, why), words[i].after);
            }
        }
    }
}

/* Said of the key, and not by its holder: the standing stays as it is. */
static void add_disowned(struct line *line, const json_t *event) {
    if (has(event, "disowned")) {
        add(line, ", disowned");
    }
}

static void add_time(struct line *line, const json_t *event) {
    if (has(event, "claimed")) {
        add(line, "as of %s", text_of(event, "claimed"));
        return;
    }
    char time[21];
    cli_time((uint64_t)json_integer_value(json_object_get(event, "confirmed")) / 1000, time);
    add(line, "%.10s %.5s", time, time + 11);
}

static void print_event(FILE *out, const json_t *answer, const json_t *event, size_t number) {
    struct line when = {.len = 0};
    struct line what = {.len = 0};
    struct line standing = {.len = 0};
    struct line who = {.len = 0};
    add_time(&when, event);
    describe(&what, answer, event);
    add_standing(&standing, answer, event);
    add_disowned(&standing, event);
    add(&who, "%s (%s) in %s", text_of(event, "issuer"), text_of(event, "role"),
        text_of(event, "log"));
    fprintf(out, "%3zu  ", number);
    print_line(out, &when, 18);
    print_line(out, &what, what.len <= WHAT_COLUMNS ? WHAT_COLUMNS + 2 : 0);
    if (what.len > WHAT_COLUMNS) { /* too long a line: its standing on the next one */
        fputc('\n', out);
        fprintf(out, "%23s", "");
        print_line(out, &who, WHAT_COLUMNS + 2);
        fputs(who.len >= WHAT_COLUMNS + 2 ? "  " : "", out);
        print_line(out, &standing, 0);
        fputc('\n', out);
        return;
    }
    print_line(out, &standing, 0);
    fprintf(out, "\n%23s", "");
    print_line(out, &who, 0);
    fputc('\n', out);
}

/* --- what it comes to --- */

static void print_fact(FILE *out, const char *label, const struct line *line) {
    fprintf(out, "  %-13s", label);
    print_line(out, line, 0);
    fputc('\n', out);
}

/* ", by WHOM (NUMBER)" */
static void add_source(struct line *line, const json_t *answer, const json_t *fact,
                       const char *by) {
    if (has(fact, by)) {
        add(line, ", by %s", text_of(fact, by));
    }
    add(line, " (%zu)", number_of(answer, fact));
}

static void print_discipline(FILE *out, const json_t *answer, const json_t *subject) {
    const json_t *fact = json_object_get(subject, "discipline");
    const json_t *served = json_object_get(fact, "served");
    struct line line = {.len = 0};
    if (fact == NULL) {
        add(&line, "none in force");
    } else {
        add_measures(&line, json_object_get(fact, "measures"));
        add_source(&line, answer, fact, "decided_by");
    }
    print_fact(out, "discipline", &line);
    if (served != NULL) {
        struct line how = {.len = 0};
        add(&how, "%s", text_of(served, "state"));
        if (has(served, "reason")) {
            add(&how, ": %s", text_of(served, "reason"));
        }
        add_source(&how, answer, served, "by");
        print_fact(out, "", &how);
    }
}

static void print_finding(FILE *out, const json_t *answer, const json_t *subject) {
    const json_t *fact = json_object_get(subject, "finding");
    struct line line = {.len = 0};
    if (fact == NULL) {
        add(&line, "none in force");
    } else {
        add(&line, "%s", text_of(fact, "disposition"));
        add_source(&line, answer, fact, "decided_by");
    }
    print_fact(out, "finding", &line);
}

static void print_recommended(FILE *out, const json_t *answer, const json_t *subject) {
    const json_t *all = json_object_get(subject, "recommended");
    for (size_t i = 0; i < json_array_size(all); i++) {
        const json_t *fact = json_array_get(all, i);
        struct line line = {.len = 0};
        if (has(fact, "disposition")) {
            add(&line, "%s", text_of(fact, "disposition"));
        }
        add_measures(&line, json_object_get(fact, "discipline"));
        add_source(&line, answer, fact, "by");
        print_fact(out, i == 0 ? "recommended" : "", &line);
    }
}

static void print_rest(FILE *out, const json_t *answer, const json_t *subject) {
    const json_t *certificate = json_object_get(subject, "certificate");
    const json_t *separation = json_object_get(subject, "separation");
    const json_t *appeals = json_object_get(subject, "appeals");
    struct line line = {.len = 0};
    if (certificate != NULL) {
        add(&line, "%s", text_of(certificate, "action"));
        add_source(&line, answer, certificate, "decided_by");
        print_fact(out, "certificate", &line);
    }
    line.len = 0;
    if (separation != NULL) {
        add(&line, "%s", text_of(separation, "reason"));
        if (has(separation, "day")) {
            add(&line, " on %s", text_of(separation, "day"));
        }
        add_source(&line, answer, separation, "by");
        print_fact(out, "separated", &line);
    }
    line.len = 0;
    for (size_t i = 0; i < json_array_size(appeals); i++) {
        add(&line, "%s%zu", i > 0 ? ", " : "", number_of(answer, json_array_get(appeals, i)));
    }
    if (appeals != NULL) {
        print_fact(out, "open appeals", &line);
    }
}

/* Of equal rank, and nobody can tell which came first. */
static void print_beside(FILE *out, const json_t *answer, const json_t *subject) {
    const json_t *beside = json_object_get(subject, "beside");
    struct line line = {.len = 0};
    for (size_t i = 0; i < json_array_size(beside); i++) {
        add(&line, "%s%zu", i > 0 ? ", " : "", number_of(answer, json_array_get(beside, i)));
    }
    if (beside != NULL) {
        add(&line, " of another house, in force beside it");
        print_fact(out, "beside", &line);
    }
}

static void print_subject(FILE *out, const json_t *answer, const json_t *subject) {
    struct line line = {.len = 0};
    json_int_t number = json_integer_value(json_object_get(subject, "subject"));
    add(&line, "%s", text_of(subject, "party"));
    if (json_array_size(json_object_get(answer, "subjects")) > 1) {
        add(&line, " [%lld]", (long long)number);
    }
    fputc('\n', out);
    print_line(out, &line, 0);
    fputc('\n', out);
    print_finding(out, answer, subject);
    print_recommended(out, answer, subject);
    print_discipline(out, answer, subject);
    print_rest(out, answer, subject);
    print_beside(out, answer, subject);
}

/* What was not looked at, by house. */
static void print_left_out(FILE *out, const json_t *answer) {
    const json_t *houses = json_object_get(answer, "left_out");
    for (size_t i = 0; i < json_array_size(houses); i++) {
        const json_t *house = json_array_get(houses, i);
        struct line line = {.len = 0};
        bool beyond = strcmp(text_of(house, "role"), "none") == 0;
        add(&line, "and %lld more by ",
            (long long)json_integer_value(json_object_get(house, "count")));
        if (beyond) {
            add(&line, "%s, whose log is not recognised for this",
                has(house, "name") ? text_of(house, "name") : "an agency");
        } else {
            add(&line, "the %s%s%s", text_of(house, "role"), has(house, "name") ? " " : "",
                has(house, "name") ? text_of(house, "name") : "");
        }
        add(&line, ", not looked at");
        fprintf(out, "     ");
        print_line(out, &line, 0);
        fputc('\n', out);
    }
}

/* By whose word a log counts; all do where nothing is pinned. */
static void add_recognised(struct line *line, const json_t *log) {
    const json_t *by = json_object_get(log, "by");
    if (has(log, "withdrawn")) {
        add(line, ": withdrawn by entry %lld of %s",
            (long long)json_integer_value(
                json_object_get(json_object_get(log, "withdrawn"), "index")),
            text_of(json_object_get(log, "withdrawn"), "log"));
    }
    for (size_t i = 0; i < json_array_size(by); i++) {
        const json_t *word = json_array_get(by, i);
        add(line, "%s", i == 0 ? ": recognised by " : ", ");
        if (has(word, "role")) {
            add(line, "(for %s) ", text_of(word, "role"));
        }
        add(line, "entry %lld of %s", (long long)json_integer_value(json_object_get(word, "index")),
            text_of(word, "log"));
    }
}

void case_print(FILE *out, const json_t *answer) {
    const json_t *events = json_object_get(answer, "events");
    const json_t *logs = json_object_get(answer, "logs");
    const json_t *subjects = json_object_get(answer, "subjects");
    struct line line = {.len = 0};
    const json_t *oris = json_object_get(answer, "oris");
    add(&line, "case %s of %s", text_of(answer, "case"), text_of(answer, "ori"));
    for (size_t i = 1; i < json_array_size(oris); i++) {
        add(&line, ", merged with %s", json_string_value(json_array_get(oris, i)));
    }
    print_line(out, &line, 0);
    if (json_is_true(json_object_get(answer, "unpinned"))) {
        fprintf(out, "\n  the node pins no authority: every log's word counts");
    }
    for (size_t i = 0; i < json_array_size(logs); i++) {
        const json_t *log = json_array_get(logs, i);
        line.len = 0;
        add(&line, "%s to entry %lld", text_of(log, "origin"),
            (long long)json_integer_value(json_object_get(log, "size")) - 1);
        add_recognised(&line, log);
        fprintf(out, "\n  ");
        print_line(out, &line, 0);
    }
    fprintf(out, "\n\n");
    for (size_t i = 0; i < json_array_size(events); i++) {
        print_event(out, answer, json_array_get(events, i), i + 1);
    }
    print_left_out(out, answer);
    for (size_t i = 0; i < json_array_size(subjects); i++) {
        print_subject(out, answer, json_array_get(subjects, i));
    }
}
