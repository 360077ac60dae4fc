/* What law closes by state: each row refuses what it names, and nothing else. */
#include "ledger/law.h"
#include "tests/lib/check.h"
#include "tests/lib/events.h"

#include <criterion/criterion.h>
#include <string.h>

TestSuite(law, .init = events_setup);

Test(law, california_keeps_complaints_closed) {
    refuse_changed(
        KIND_FAILURE_ALLEGED, "NY0303000", "CA0194200", STATUS_BAD_MEMBER,
        "kind: in CA a failure.alleged must be of kind closed, with its kind and members "
        "in the body: records of complaints are confidential (Cal. Penal Code 832.7(a))");
    refuse_changed(KIND_FINDING_RECOMMENDED, "NY0303000", "CA0194200", STATUS_BAD_MEMBER,
                   "kind: in CA a finding.recommended must be of kind closed");
}

/* A finding of this state and disposition. */
static struct bytes finding(const char *ori, const char *disposition) {
    static char text[EVENT_TEXT_SIZE];
    char open[1024];
    const struct signer *signers[1] = {&clerk};
    snprintf(open, sizeof open,
             "{" CASE_OPEN ",\"decided\":\"2024-02-02\",\"decided_by\":\"commissioner\","
             "\"disposition\":\"%s\",\"ori\":\"%s\",\"party\":\"officer\"}",
             disposition, ori);
    good_text(KIND_FINDING_FINAL, open, false, 1, text);
    return sign_text(text, signers, 1);
}

Test(law, california_opens_sustained_findings) {
    event_accepted(finding("CA0194200", "sustained"));
    event_accepted(finding("NY0303000", "unfounded"));
    event_refused(finding("CA0194200", "unfounded"), STATUS_BAD_MEMBER,
                  "kind: in CA a finding.final whose disposition is not sustained must be of kind "
                  "closed");
}

Test(law, what_is_closed_is_taken_as_closed) {
    char text[EVENT_TEXT_SIZE];
    const struct signer *signers[1] = {&clerk};
    good_text(KIND_CLOSED, "{\"basis\":\"live\",\"ori\":\"CA0194200\"}", true, 1, text);
    event_accepted(sign_text(text, signers, 1));
}

/* A row of a single member, of which the table has none yet; and one that came later. */
Test(law, a_row_may_close_one_member) {
    static const struct law_row row = {.state = "NY",
                                       .kind = KIND_FINDING_FINAL,
                                       .member = "decided_by",
                                       .unless = "disposition",
                                       .value = "sustained",
                                       .table = 1,
                                       .citation = "a law",
                                       .says = "it is so"};
    struct event event;
    CHECK_OK(event_parse(finding("NY0303000", "unfounded"), &event, NULL));
    cr_assert(law_forbids(&row, &event));
    CHECK_OK(law_check(&event, 0, 1, NULL));
    event_release(&event);
    CHECK_OK(event_parse(finding("NY0303000", "sustained"), &event, NULL));
    cr_assert_not(law_forbids(&row, &event));
    event_release(&event);
    CHECK_OK(event_parse(finding("MN0303000", "unfounded"), &event, NULL));
    cr_assert_not(law_forbids(&row, &event));
    event_release(&event);
    cr_assert_null(law_of_member(KIND_FINDING_FINAL, "decided_by", NULL)); /* the table has none */
}

Test(law, rows_are_good) {
    size_t count = 0;
    for (const struct law_row *row; (row = law_at(count)) != NULL; count++) {
        const struct kind *kind = kind_at(row->kind);
        cr_expect(strlen(row->state) == 2 && row->citation[0] != '\0' && row->says[0] != '\0');
        cr_expect(row->table >= kind->table && row->table <= KIND_TABLE_NUMBER);
        cr_expect(kind->has_ori);
        const char *const members[] = {row->member, row->unless};
        for (size_t i = 0; i < 2; i++) {
            const struct kind_member *member =
                members[i] != NULL ? kind_member_find(kind, members[i], strlen(members[i])) : NULL;
            cr_expect(members[i] == NULL || (member != NULL && member->visibility == VISIBLE_OPEN));
            cr_expect(i == 1 || member == NULL || !member->required); /* could not be left out */
        }
    }
    cr_expect_geq(count, 3);
    cr_expect_null(law_at(count + 1));
}
