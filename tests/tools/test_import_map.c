/* The mapping of an import: what it says, and all that is refused in one before a row is read. */
#include "tools/import_map.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEAD                                                                                       \
    "[import]\nsource = s\ntable = t\nori = NY0303000\nkey = n\ncase = {n}\nparty = officer\n"
#define EVENT                                                                                      \
    "[event finding.final]\nwhen = {f}\ndisposition = {f} by findings\ndecided_by = chief\n"
#define TABLE "[codes findings]\nsustained = SU | Sustained\nadmin_closed close = NA\n"

static struct import_map map;

/* Parses; returns the refusal's text, or "" if it was taken. */
static const char *parse(const char *text) {
    static struct refusal why;
    why.text[0] = '\0';
    enum status status = import_map_parse(bytes_text(text), "m.ini", &map, &why);
    cr_expect_eq(status == STATUS_OK, why.text[0] == '\0');
    if (status != STATUS_OK) {
        import_map_close(&map);
    }
    return why.text;
}

static void expect_refused(const char *text, const char *want) {
    const char *said = parse(text);
    cr_expect(strstr(said, want) != NULL, "'%s' in: %s", want, said);
}

Test(import_map, what_it_says) {
    cr_assert_str_eq(parse(HEAD EVENT "source_text = {a}; {b}\n  and {c}\n" TABLE
                                      "* = \n[columns]\nf = Final finding\n[empty]\nf = n/a | -\n"),
                     "");
    cr_expect_eq(map.event_count, 1);
    cr_expect_eq(map.events[0].member_count, 3);
    cr_expect_eq(map.events[0].members[2].from, IMPORT_FROM_LINES);
    cr_expect_eq(map.events[0].members[2].line_count, 2);
    cr_expect_eq(map.column_count, 5);
    cr_expect_str_eq(map.columns[1].header, "Final finding");
    cr_expect(import_map_listed(map.columns[1].empties, bytes_text("N/A")));
    cr_expect_not(import_map_listed(map.columns[1].empties, bytes_text("N")));
    uint64_t number = 0;
    const struct import_value *value = import_map_value(&map, 0, bytes_text("SUSTAINED"), &number);
    cr_expect_str_eq(value->code, "sustained");
    cr_expect_eq(value->confidence, IMPORT_EXACT);
    cr_expect_eq(import_map_value(&map, 0, bytes_text("NA"), &number)->confidence, IMPORT_CLOSE);
    cr_expect_null(import_map_value(&map, 0, bytes_text("OTHER"), &number));
    import_map_close(&map);
}

Test(import_map, fallback_is_unknown) {
    cr_assert_str_eq(parse(HEAD EVENT TABLE "not_sustained = *\n"), "");
    uint64_t number = 0;
    const struct import_value *value = import_map_value(&map, 0, bytes_text("OTHER"), &number);
    cr_expect_str_eq(value->code, "not_sustained");
    cr_expect_eq(value->confidence, IMPORT_UNKNOWN);
    import_map_close(&map);
    expect_refused(HEAD "[event discipline.imposed]\ndiscipline = {d} by p\ndecided_by = chief\n"
                        "[measures p]\nnone = *\n",
                   "not nothing");
}

Test(import_map, codes_are_those_of_the_kind) {
    expect_refused(HEAD EVENT "[codes findings]\nguilty = G\n", "guilty");
    expect_refused(HEAD EVENT TABLE "pending = P\n", "pending");
    expect_refused(HEAD EVENT, "no section [codes findings]");
    expect_refused(HEAD EVENT TABLE "sustained surely = S\n", "exact, close, guessed or unknown");
    expect_refused(HEAD "[event finding.final]\ndisposition = guilty\ndecided_by = chief\n",
                   "disposition");
    expect_refused(HEAD "[event finding.final]\ndisposition = {f}\ndecided_by = chief\n",
                   "by a table");
    expect_refused(HEAD "[event finding.final]\ndisposition = {f} by findings\n" TABLE,
                   "decided_by");
}

Test(import_map, measures) {
    static const char head[] = HEAD
        "[event discipline.imposed]\ndiscipline = {d} by p\ndecided_by = chief\n[measures p]\n";
    static const struct {
        const char *line;
        const char *want;
    } cases[] = {
        {"suspension # days unpaid = SUSPENDED # DAYS", ""},
        {"suspension 31 days unpaid guessed = SUSPENDED", ""},
        {"probation # months = PROBATION # M", ""},
        {"- = NOTHING OF OURS", ""},
        {"suspension # days = SUSPENDED #", "neither paid nor unpaid"},
        {"suspension unpaid = SUSPENDED", "no number"},
        {"suspension # days unpaid = SUSPENDED", "its pattern has none"},
        {"counseling # days = C #", "has no number"},
        {"demotion paid = D", "neither paid nor unpaid"},
        {"flogging = F", "kinds.md"},
        {"suspension # 3 days paid = S #", "# and a number"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[1024];
        snprintf(text, sizeof text, "%s%s\n", head, cases[i].line);
        const char *said = parse(text);
        cr_expect(cases[i].want[0] != '\0' ? strstr(said, cases[i].want) != NULL : said[0] == '\0',
                  "%s: %s", cases[i].line, said);
        import_map_close(&map);
    }
}

Test(import_map, what_cannot_be_imported) {
    expect_refused(HEAD "[event finding.reversed]\ndecided_by = chief\n", "cannot be imported");
    expect_refused(HEAD "[event correction]\nwhat = duplicate\n", "another event");
    expect_refused(HEAD "[event key.enrolled]\nrole = clerk\n", "");
    expect_refused(HEAD "[event finding.final]\ncase = {n}\n", "comes from [import]");
    expect_refused(HEAD "[event finding.final]\nbasis = live\n", "comes from [import]");
    expect_refused(HEAD "[event finding.last]\nx = y\n", "no kind 'finding.last'");
    expect_refused(HEAD EVENT "colour = red\n" TABLE, "no member colour");
    expect_refused(HEAD EVENT "decided = {d}\n" TABLE, "how the days of d are spelt");
    expect_refused(HEAD EVENT "officer = {a} {b}\n" TABLE, "one line");
}

Test(import_map, what_import_needs) {
    expect_refused("", "source and table");
    expect_refused("[import]\nsource = s\ntable = t\nkey = n\n" EVENT TABLE, "one of: ori");
    expect_refused("[import]\nsource = s\ntable = t\nori = NY0303000\nagency = {a}\nkey = n\n",
                   "one of: ori");
    expect_refused("[import]\nsource = s\ntable = t\nori = NY0303000\n" EVENT TABLE, "key");
    expect_refused("[import]\nsource = S S\ntable = t\nori = NY0303000\nkey = n\n",
                   "source and table");
    expect_refused(HEAD, "no [event KIND]");
    expect_refused(HEAD "colour = red\n", "[import] has");
    expect_refused(
        "[import]\nsource = s\ntable = t\nori = NY0303000\nkey = n\nsubject = row\n" EVENT TABLE,
        "subject");
    expect_refused(HEAD "[order]\na = b\n" EVENT TABLE, "[dates]");
    expect_refused(HEAD "[dates]\na = m/d/y | d/m/y\n", "cannot be told apart");
    expect_refused(HEAD "[dates]\na = sometimes\n", "dates are");
    expect_refused(HEAD "[agencies]\nsame = A B\n", "same =");
    expect_refused(HEAD "[colours]\na = b\n", "no section [colours]");
    expect_refused(HEAD "nonsense\n", "neither a section nor");
}

Test(import_map, hostile) {
    char *text = malloc(300000);
    cr_assert_not_null(text);
    struct refusal why = {.text = ""};
    memset(text, 'x', 300000);
    cr_expect_neq(import_map_parse(bytes_of(text, 300000), "m.ini", &map, &why), STATUS_OK);
    cr_expect(strstr(why.text, "line 1: over") != NULL, "%s", why.text);
    import_map_close(&map);
    cr_expect_neq(import_map_parse(bytes_of("[import]\0\n", 10), "m.ini", &map, &why), STATUS_OK);
    import_map_close(&map);
    cr_expect_neq(import_map_parse(bytes_of("\xff\xfe\n", 3), "m.ini", &map, &why), STATUS_OK);
    import_map_close(&map);
    /* Many lines of everything: each limit is a refusal. */
    static const char *const lines[] = {"[empty]\na = xxxxxxxxxxxxxxxx\n",
                                        "[dates]\nc%zu = iso\n",
                                        "[codes c%zu]\nx = y\n",
                                        "[order]\na = b\n",
                                        "[event finding.final %zu]\nofficer = x\n",
                                        "[agencies]\nsame = a => b\n"};
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        size_t used = (size_t)snprintf(text, 300000, HEAD);
        for (size_t n = 0; n < 5000; n++) {
            const char *percent = strchr(lines[i], '%');
            used += (size_t)snprintf(text + used, 300000 - used, "%.*s",
                                     percent != NULL ? (int)(percent - lines[i]) : 1000, lines[i]);
            if (percent != NULL) {
                used += (size_t)snprintf(text + used, 300000 - used, "%zu%s", n, percent + 3);
            }
        }
        why.text[0] = '\0';
        cr_expect_neq(import_map_parse(bytes_of(text, used), "m.ini", &map, &why), STATUS_OK, "%s",
                      lines[i]);
        cr_expect(why.text[0] != '\0');
        import_map_close(&map);
    }
    free(text);
}
