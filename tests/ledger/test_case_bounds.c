/* For whom a case's logs count, where a node pins an authority; agencies that became one; what is
 * disowned, and what is disclosed falsely. */
#include "tests/lib/check.h"
#include "tests/lib/gathered.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The state's log is anchored by the pin; the agency's has roots of its own. */
enum { AGENCY, COURT, STATE, LOGS };

static const struct asked others = {.ori = WORLD_OTHER_ORI, .handle = {7, [15] = 0xaa}};
/* Of world_closed_sample. */
static const struct asked sampled = {.ori = WORLD_ORI,
                                     .handle = {0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef,
                                                0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef}};

static struct node node;
static struct pin pin;

static void setup(void) {
    gathered_begin(LOGS);
    gathered_own_roots(AGENCY);
    pin = (struct pin){.name = "state", .root_count = 2, .threshold = 2};
    pin.roots[0] = histories[STATE].world.people[WORLD_ROOT_1].vkey;
    pin.roots[1] = histories[STATE].world.people[WORLD_ROOT_2].vkey;
}

static void cleanup(void) {
    gathered_end();
}

TestSuite(case_bounds, .init = setup, .fini = cleanup);

static const char *vkey_of(size_t in, size_t log) {
    char text[VKEY_SIZE_MAX];
    struct writer w;
    writer_init(&w, text, sizeof text);
    vkey_format(&w, &histories[log].world.log.vkey);
    return world_text(&histories[in].world, "%.*s", (int)w.len, text);
}

/* The state's log says of another for what it counts: members with a leading comma. */
static void recognise(size_t log, const char *more) {
    gathered_say(STATE, WORLD_ROOT_1, "log.recognised",
                 world_text(&histories[STATE].world,
                            "{'address':'http://a.example','log_vkey':'%s','operator':'op'%s}",
                            vkey_of(STATE, log), more));
}

static void take(bool pinned) {
    holder_open(&node, NULL);
    node.pins = &pin;
    node.pin_count = pinned ? 1 : 0;
    node_take_in_turn(&node);
}

static char *answer_of(const struct asked *asked) {
    uint8_t *text;
    size_t len = 0;
    struct refusal why = {.text = ""};
    enum status status = node_ask(&node, asked, NULL, 0, &text, &len, &why);
    cr_assert_eq(status, STATUS_OK, "%s", why.text);
    text[len - 1] = '\0';
    return (char *)text;
}

static char *answer(bool pinned) {
    take(pinned);
    char *text = node_answer(&node, NULL, 0);
    holder_close(&node);
    return text;
}

static bool has(const char *text, const char *what) {
    return strstr(text, what) != NULL;
}

/* The rest of the text from the event by that role on. */
static const char *event_by(const char *text, const char *role) {
    char what[64];
    snprintf(what, sizeof what, "\"role\":\"%s\",\"seq\"", role);
    const char *event = strstr(text, what);
    cr_assert_not_null(event, "no event by %s: %s", role, text);
    return event;
}

/* Its standing, and why. */
static void stands(const char *text, const char *role, const char *standing, const char *rule) {
    const char *event = event_by(text, role);
    const char *end = strchr(event, '}');
    const char *found = strstr(event, standing);
    cr_assert(found != NULL && found < end, "%s: %.200s", role, event);
    found = rule != NULL ? strstr(event, rule) : NULL;
    cr_assert(rule == NULL || (found != NULL && found < end), "%s: %.200s", role, event);
}

static void clerk_and_court(void) {
    gathered_say(AGENCY, WORLD_CLERK, "failure.alleged", AN_ALLEGATION);
    gathered_say(AGENCY, WORLD_COURT, "finding.final", A_FINDING); /* who enrolled that court? */
}

Test(case_bounds, everything_counts_where_nothing_is_pinned) {
    clerk_and_court();
    char *text = answer(false);
    stands(text, "court", "in force", NULL);
    cr_assert(has(text, "\"pins\":[]") && has(text, "\"unpinned\":true"));
    cr_assert_not(has(text, "\"by\":"));
    free(text);
}

Test(case_bounds, a_log_counts_for_the_roles_that_it_is_recognised_for) {
    recognise(AGENCY, ",'oris':['" WORLD_ORI "']");
    clerk_and_court();
    char *text = answer(true);
    stands(text, "clerk", "in force", NULL);
    stands(text, "court", "without authority", "\"rule\":\"bounds\"");
    cr_assert_not(has(text, "\"finding\":{"));
    cr_assert_not(has(text, "unpinned"));
    cr_assert(has(text, "\"pins\":[{\"roots\":["));
    cr_assert(has(text, "\"by\":[{\"index\":7,\"log\":\"state.example/log\""), "%s",
              strstr(text, "\"logs\":"));
    cr_assert(has(text, "\"origin\":\"state.example/log\"")); /* it contributes */
    free(text);
}

Test(case_bounds, a_role_that_is_named_counts) {
    recognise(AGENCY, ",'oris':['" WORLD_ORI "'],'roles':['court']");
    clerk_and_court();
    char *text = answer(true);
    stands(text, "court", "in force", NULL);
    cr_assert(has(text, "\"role\":\"court\"}]"), "%s", strstr(text, "\"logs\":"));
    free(text);
}

Test(case_bounds, a_log_for_other_agencies_counts_for_none_of_it) {
    recognise(AGENCY, ",'oris':['" WORLD_OTHER_ORI "'],'roles':['court']");
    clerk_and_court();
    gathered_say(STATE, WORLD_BOARD, "finding.final", A_FINDING);
    char *text = answer(true);
    stands(text, "clerk", "without authority", "\"rule\":\"bounds\"");
    stands(text, "court", "without authority", "\"rule\":\"bounds\"");
    stands(text, "oversight", "in force", NULL);
    free(text);
}

Test(case_bounds, what_was_withdrawn_counts_no_more) {
    recognise(AGENCY, ",'oris':['" WORLD_ORI "']");
    clerk_and_court();
    gathered_say(STATE, WORLD_ROOT_1, "recognition.withdrawn",
                 world_text(&histories[STATE].world, "{'log_vkey':'%s','reason':'misconduct'}",
                            vkey_of(STATE, AGENCY)));
    char *text = answer(true);
    stands(text, "clerk", "without authority", "\"rule\":\"bounds\"");
    cr_assert(has(text, "\"withdrawn\":{\"index\":8,\"log\":\"state.example/log\""), "%s",
              strstr(text, "\"logs\":"));
    cr_assert_not(has(text, "\"by\":"));
    free(text);
}

/* Who names the logs of an answer, as far as it says, has the same answer. */
Test(case_bounds, an_answer_hangs_on_its_logs_alone) {
    recognise(AGENCY, ",'oris':['" WORLD_ORI "']");
    recognise(COURT, "");
    clerk_and_court();
    take(true);
    char *text = node_answer(&node, NULL, 0);
    const struct case_pin named[] = {gathered_pin(STATE, histories[STATE].count),
                                     gathered_pin(AGENCY, histories[AGENCY].count)};
    char *again = node_answer(&node, named, 2);
    cr_assert_str_eq(text, again);
    cr_assert_eq(count_of(text, "\"origin\":"), 2);
    free(again);
    again = node_answer(&node, &named[1], 1); /* not named: it recognises nobody */
    stands(again, "clerk", "without authority", "\"rule\":\"bounds\"");
    free(again);
    free(text);
    holder_close(&node);
}

/* --- agencies that became one --- */

#define OTHERS_ALLEGATION                                                                          \
    "{'basis':'live','case':'" GATHERED_HEX "','occurred':'2025-12-01','ori':'" WORLD_OTHER_ORI    \
    "','party':'officer','reported':'2025-12-02'}"
#define MERGED "{'from':'2025-12-20','into':'" WORLD_ORI "','ori':'" WORLD_OTHER_ORI "'}"

Test(case_bounds, a_case_goes_on_in_the_agency_that_goes_on) {
    gathered_say(STATE, WORLD_BOARD, "failure.alleged", OTHERS_ALLEGATION);
    gathered_say(STATE, WORLD_ROOT_2, "agency.merged", MERGED);
    gathered_say(STATE, WORLD_CLERK, "finding.final", A_FINDING);
    char *text = answer(true);
    cr_assert(has(text, "\"oris\":[\"" WORLD_ORI "\",\"" WORLD_OTHER_ORI "\"]"), "%s", text);
    stands(text, "oversight", "in force", NULL);
    stands(text, "clerk", "in force", NULL); /* not early: the allegation is the case's */
    free(text);
    take(true); /* from the other side, too */
    text = answer_of(&others);
    cr_assert(has(text, "\"oris\":[\"" WORLD_OTHER_ORI "\",\"" WORLD_ORI "\"]"));
    stands(text, "clerk", "in force", NULL);
    free(text);
    holder_close(&node);
}

Test(case_bounds, no_agency_declares_itself_part_of_another) {
    recognise(AGENCY, ",'oris':['" WORLD_ORI "']");
    gathered_say(AGENCY, WORLD_ROOT_2, "agency.merged", MERGED);
    gathered_say(AGENCY, WORLD_CLERK, "failure.alleged", AN_ALLEGATION);
    gathered_say(STATE, WORLD_BOARD, "failure.alleged", OTHERS_ALLEGATION);
    char *text = answer(true);
    cr_assert_not(has(text, "\"oris\":"));
    cr_assert_eq(count_of(text, "\"standing\":"), 1);
    free(text);
    text = answer(false); /* where nothing is pinned every log counts */
    cr_assert(has(text, "\"oris\":"));
    cr_assert_eq(count_of(text, "\"standing\":"), 2);
    free(text);
}

/* --- what is said falsely --- */

Test(case_bounds, what_is_disclosed_falsely_is_not_shown) {
    struct world *w = &histories[STATE].world;
    gathered_add(STATE, world_closed_sample(w, WORLD_CLERK, "failure.alleged"));
    const char *open = world_disclose(w, WORLD_CLERK, 1);
    char *bent = strdup(open);
    cr_assert_not_null(bent);
    char *salt = strstr(bent, "'salt':'");
    cr_assert_not_null(salt);
    salt += strlen("'salt':'");
    *salt = *salt == '0' ? '1' : '0';
    gathered_say(COURT, WORLD_BOARD, "event.opened", open); /* in another log; and it is so */
    gathered_say(COURT, WORLD_COURT, "event.opened", bent);
    free(bent);
    take(false);
    char *text = answer_of(&sampled);
    stands(text, "oversight", "in force", NULL);
    stands(text, "court", "without authority", "\"rule\":\"false\"");
    cr_assert_eq(count_of(text, "\"salt\":"), 1);
    cr_assert_eq(count_of(text, "\"value\":"), 1);
    free(text);
    holder_close(&node);
}

Test(case_bounds, an_agency_disowns_and_takes_nothing_back) {
    gathered_say(COURT, WORLD_CLERK, "failure.alleged", AN_ALLEGATION);
    gathered_say(COURT, WORLD_CLERK, "finding.final", A_FINDING);
    gathered_say(COURT, WORLD_AGENCY, "key.revoked", "{'key':'clerk','reason':'compromised'}");
    char *text = answer(false);
    cr_assert(has(text, "\"finding\":{"));
    cr_assert_eq(count_of(text, "\"disowned\":{\"index\":9"), 2, "%s", text);
    cr_assert_not(has(text, "doubted"));
    free(text);
    /* A root doubts it all the same, though its log has the agency's word already. */
    gathered_say(COURT, WORLD_ROOT_2, "key.revoked", "{'key':'clerk','reason':'compromised'}");
    text = answer(false);
    cr_assert_not(has(text, "\"finding\":{"));
    cr_assert_eq(count_of(text, "\"rule\":\"compromised\""), 2);
    free(text);
}
