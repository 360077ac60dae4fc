/* Rows of the kinds table. Discipline, recommended, imposed, served or not. */
#include "ledger/kind_rows.h"

/* One member a line. */
/* clang-format off */
static const struct kind_member discipline_recommended[] = {
    BASIS,
    CASE,
    CASE_NUMBER,
    DISCIPLINE,
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
const struct kind kind_discipline_recommended = {
    ROW(KIND_DISCIPLINE_RECOMMENDED, "discipline.recommended", discipline_recommended),
    .roles = ROLES_CASE,
    .has_ori = true,
    .effect = EFFECT_RECOMMENDS_DISCIPLINE,
    .after = EFFECT_BIT(EFFECT_RECOMMENDS_FINDING) |
             EFFECT_BIT(EFFECT_FINDS),
    .help = "somebody who does not decide recommends discipline",
};

static const struct kind_member discipline_imposed[] = {
    BASIS,
    CASE,
    CASE_NUMBER,
    DECIDED_BY,
    DISCIPLINE,
    OPTIONAL("event", MEMBER_EVENT, 0, "the finding that it follows"),
    LIVE_DAY("imposed", "the day it was imposed"),
    MAPPING,
    NARRATIVE,
    OFFICER,
    ORI,
    PARTY,
    SOURCE_CODE,
    SOURCE_TEXT,
    SUBJECT,
};
const struct kind kind_discipline_imposed = {
    ROW(KIND_DISCIPLINE_IMPOSED, "discipline.imposed", discipline_imposed),
    .roles = ROLES_CASE,
    .has_ori = true,
    .refers = KIND_BIT(KIND_FINDING_FINAL),
    .effect = EFFECT_IMPOSES,
    .after = EFFECT_BIT(EFFECT_FINDS),
    .help = "discipline was imposed",
};

static const struct kind_member discipline_served[] = {
    BASIS,
    CASE,
    CASE_NUMBER,
    MAYBE_DISCIPLINE,
    OPTIONAL("event", MEMBER_EVENT, 0, "the discipline that was imposed"),
    MAPPING,
    NARRATIVE,
    OFFICER,
    ORI,
    PARTY,
    LIVE_DAY("served", "the day on which it was fully carried out"),
    SOURCE_CODE,
    SOURCE_TEXT,
    SUBJECT,
};
const struct kind kind_discipline_served = {
    ROW(KIND_DISCIPLINE_SERVED, "discipline.served", discipline_served),
    .roles = ROLES_CASE,
    .has_ori = true,
    .refers = KIND_BIT(KIND_DISCIPLINE_IMPOSED),
    .effect = EFFECT_SERVES,
    .after = EFFECT_BIT(EFFECT_IMPOSES),
    .help = "discipline was carried out",
};

static const struct kind_member discipline_not_served[] = {
    LIVE_DAY("ascertained", "the day on which that was clear"),
    BASIS,
    CASE,
    CASE_NUMBER,
    OPTIONAL("event", MEMBER_EVENT, 0, "the discipline that was imposed"),
    MAPPING,
    NARRATIVE,
    OFFICER,
    ORI,
    PARTY,
    ONE_OF("reason", codes_unserved, "why it was not carried out"),
    SOURCE_CODE,
    SOURCE_TEXT,
    SUBJECT,
};
const struct kind kind_discipline_not_served = {
    ROW(KIND_DISCIPLINE_NOT_SERVED, "discipline.not_served", discipline_not_served),
    .roles = ROLES_CASE,
    .has_ori = true,
    .refers = KIND_BIT(KIND_DISCIPLINE_IMPOSED),
    .effect = EFFECT_FORGOES,
    .after = EFFECT_BIT(EFFECT_IMPOSES),
    .help = "discipline was imposed and not carried out",
};
/* clang-format on */
