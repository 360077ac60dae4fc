/* Rows of the kinds table. Findings, appeals, and what follows for a career. */
#include "ledger/kind_rows.h"

/* One member a line. */
/* clang-format off */
static const struct kind_member finding_recommended[] = {
    BASIS,
    CASE,
    CASE_NUMBER,
    ONE_OF("disposition", FINAL_DISPOSITIONS, "the finding that is recommended"),
    MAPPING,
    NARRATIVE,
    OFFICER,
    ORI,
    PARTY,
    LIVE_DAY("recommended", "the day of the recommendation"),
    RECOMMENDED_BY,
    SOURCE_CODE,
    SOURCE_TEXT,
    SUBJECT,
};
const struct kind kind_finding_recommended = {
    ROW(KIND_FINDING_RECOMMENDED, "finding.recommended", finding_recommended),
    .roles = ROLES_CASE,
    .has_ori = true,
    .effect = EFFECT_RECOMMENDS_FINDING,
    .after = EFFECT_BIT(EFFECT_ALLEGES) |
             EFFECT_BIT(EFFECT_OPENS),
    .help = "somebody who does not decide recommends a finding",
};

static const struct kind_member finding_final[] = {
    BASIS,
    CASE,
    CASE_NUMBER,
    LIVE_DAY("decided", "the day of the decision"),
    DECIDED_BY,
    ONE_OF("disposition", FINAL_DISPOSITIONS, "the finding"),
    MAPPING,
    NARRATIVE,
    OFFICER,
    ORI,
    PARTY,
    SOURCE_CODE,
    SOURCE_TEXT,
    SUBJECT,
};
const struct kind kind_finding_final = {
    ROW(KIND_FINDING_FINAL, "finding.final", finding_final),
    .roles = ROLES_CASE,
    .has_ori = true,
    .effect = EFFECT_FINDS,
    .after = EFFECT_BIT(EFFECT_ALLEGES) |
             EFFECT_BIT(EFFECT_OPENS),
    .help = "the final finding in a case",
};

static const struct kind_member finding_reversed[] = {
    BASIS,
    CASE,
    CASE_NUMBER,
    LIVE_DAY("decided", "the day of the decision"),
    DECIDED_BY,
    MAYBE_ONE_OF("disposition", FINAL_DISPOSITIONS,
                 "the finding in its place; absent: reversed_on_appeal"),
    REQUIRED("event", MEMBER_EVENT, 0, "the finding that is reversed"),
    MAPPING,
    NARRATIVE,
    OFFICER,
    ORI,
    PARTY,
    SOURCE_CODE,
    SOURCE_TEXT,
    SUBJECT,
};
const struct kind kind_finding_reversed = {
    ROW(KIND_FINDING_REVERSED, "finding.reversed", finding_reversed),
    .roles = ROLES_CASE,
    .has_ori = true,
    .refers = KIND_BIT(KIND_FINDING_FINAL),
    .effect = EFFECT_REVERSES,
    .after = EFFECT_BIT(EFFECT_FINDS),
    .help = "a final finding is reversed",
};

static const struct kind_member appeal_filed[] = {
    BASIS,
    CASE,
    CASE_NUMBER,
    OPTIONAL("event", MEMBER_EVENT, 0, "the decision that is contested"),
    LIVE_DAY("filed", "the day on which it was filed"),
    MAYBE_ONE_OF("filed_by", codes_appellants, "who contests"),
    REQUIRED("forum", MEMBER_TOKEN, 64, "who will decide, such as arbitrator"),
    MAPPING,
    NARRATIVE,
    OFFICER,
    ORI,
    PARTY,
    SOURCE_CODE,
    SOURCE_TEXT,
    SUBJECT,
};
const struct kind kind_appeal_filed = {
    ROW(KIND_APPEAL_FILED, "appeal.filed", appeal_filed),
    .roles = ROLES_CASE,
    .has_ori = true,
    .refers = KIND_BIT(KIND_APPEAL_DECIDED) |
              KIND_BIT(KIND_FINDING_FINAL) |
              KIND_BIT(KIND_FINDING_REVERSED) |
              KIND_BIT(KIND_DISCIPLINE_IMPOSED) |
              KIND_BIT(KIND_DECERTIFICATION_ORDERED),
    .effect = EFFECT_APPEALS,
    .after = EFFECT_BIT(EFFECT_FINDS) |
             EFFECT_BIT(EFFECT_IMPOSES) |
             EFFECT_BIT(EFFECT_REVERSES) |
             EFFECT_BIT(EFFECT_DECERTIFIES),
    .help = "a finding or its discipline is contested",
};

static const struct kind_member appeal_decided[] = {
    BASIS,
    CASE,
    CASE_NUMBER,
    LIVE_DAY("decided", "the day of the decision"),
    DECIDED_BY,
    MAYBE_DISCIPLINE,
    REQUIRED("event", MEMBER_EVENT, 0, "the appeal that it decides"),
    MAPPING,
    NARRATIVE,
    OFFICER,
    ORI,
    ONE_OF("outcome", codes_outcomes, "what became of the decision that was contested"),
    PARTY,
    SOURCE_CODE,
    SOURCE_TEXT,
    SUBJECT,
};
const struct kind kind_appeal_decided = {
    ROW(KIND_APPEAL_DECIDED, "appeal.decided", appeal_decided),
    .roles = ROLES_CASE,
    .has_ori = true,
    .refers = KIND_BIT(KIND_APPEAL_FILED),
    .effect = EFFECT_DECIDES_APPEAL,
    .after = EFFECT_BIT(EFFECT_APPEALS),
    .help = "an appeal ends",
};

static const struct kind_member decertification_ordered[] = {
    ONE_OF("action", codes_actions, "what was ordered"),
    BASIS,
    CASE,
    CASE_NUMBER,
    LIVE_DAY("decided", "the day of the decision"),
    DECIDED_BY,
    MAPPING,
    NARRATIVE,
    OFFICER,
    ORI,
    PARTY,
    SOURCE_CODE,
    SOURCE_TEXT,
    SUBJECT,
};
const struct kind kind_decertification_ordered = {
    ROW(KIND_DECERTIFICATION_ORDERED, "decertification.ordered", decertification_ordered),
    .roles = ROLES_CASE,
    .has_ori = true,
    .effect = EFFECT_DECERTIFIES,
    .help = "an officer may no longer serve, or may again",
};

static const struct kind_member officer_separated[] = {
    BASIS,
    CASE,
    CASE_NUMBER,
    MAPPING,
    NARRATIVE,
    OFFICER,
    ORI,
    PARTY,
    MAYBE_ONE_OF("pending", codes_yes_no, "whether a case was pending"),
    ONE_OF("reason", codes_separations, "why"),
    LIVE_DAY("separated", "the day of leaving"),
    SOURCE_CODE,
    SOURCE_TEXT,
    SUBJECT,
};
const struct kind kind_officer_separated = {
    ROW(KIND_OFFICER_SEPARATED, "officer.separated", officer_separated),
    .roles = ROLES_CASE,
    .has_ori = true,
    .effect = EFFECT_SEPARATES,
    .help = "an officer left the agency",
};

static const struct kind_member notice_sent[] = {
    BASIS,
    CASE,
    CASE_NUMBER,
    MAPPING,
    NARRATIVE,
    ONE_OF("notice", codes_notices, "what it is about"),
    OFFICER,
    ORI,
    PARTY,
    LIVE_DAY("sent", "the day on which it was sent"),
    SOURCE_CODE,
    SOURCE_TEXT,
    SUBJECT,
    REQUIRED("to", MEMBER_TOKEN, 64, "who was told, such as post or prosecutor"),
};
const struct kind kind_notice_sent = {
    ROW(KIND_NOTICE_SENT, "notice.sent", notice_sent),
    .roles = ROLES_CASE,
    .has_ori = true,
    .effect = EFFECT_NOTIFIES,
    .help = "an authority was told of a finding, discipline or separation",
};
/* clang-format on */
