/* Rows of the kinds table. Reports, allegations and investigations. */
#include "ledger/kind_rows.h"

/* One member a line. */
/* clang-format off */
static const struct kind_member failure_alleged[] = {
    MAYBE_ONE_OF("alleged_by", codes_sources, "where the allegation comes from"),
    BASIS,
    CASE,
    CASE_NUMBER,
    MAPPING,
    NARRATIVE,
    PAST_DAY("occurred", "the day on which it happened"),
    OFFICER,
    ORI,
    PARTY,
    PLACE,
    LIVE_DAY("reported", "the day on which the agency learned of it"),
    SOURCE_CODE,
    SOURCE_TEXT,
    SUBJECT,
    TIME,
};
const struct kind kind_failure_alleged = {
    ROW(KIND_FAILURE_ALLEGED, "failure.alleged", failure_alleged),
    .roles = ROLES_CASE,
    .has_ori = true,
    .effect = EFFECT_ALLEGES,
    .help = "somebody is said to have failed to intervene",
};

static const struct kind_member intervention_reported[] = {
    BASIS,
    CASE,
    CASE_NUMBER,
    MAPPING,
    MAYBE_ONE_OF("means", codes_means, "how it was tried"),
    NARRATIVE,
    PAST_DAY("occurred", "the day on which it happened"),
    OFFICER,
    ORI,
    PARTY,
    PLACE,
    LIVE_DAY("reported", "the day on which it was reported"),
    MAYBE_ONE_OF("result", codes_results, "what came of it"),
    SOURCE_CODE,
    SOURCE_TEXT,
    SUBJECT,
    TIME,
};
const struct kind kind_intervention_reported = {
    ROW(KIND_INTERVENTION_REPORTED, "intervention.reported", intervention_reported),
    .roles = ROLES_CASE,
    .has_ori = true,
    .effect = EFFECT_ALLEGES,
    .help = "somebody intervened, or tried to",
};

static const struct kind_member witness_reported[] = {
    BASIS,
    CASE,
    CASE_NUMBER,
    MAPPING,
    NARRATIVE,
    PAST_DAY("occurred", "the day on which it happened"),
    OFFICER,
    ORI,
    PARTY,
    PLACE,
    LIVE_DAY("reported", "the day on which it was reported"),
    SOURCE_CODE,
    SOURCE_TEXT,
    SUBJECT,
    TIME,
    ONE_OF("witness", codes_witnesses, "who saw it"),
};
const struct kind kind_witness_reported = {
    ROW(KIND_WITNESS_REPORTED, "witness.reported", witness_reported),
    .roles = ROLES_CASE,
    .has_ori = true,
    .effect = EFFECT_ALLEGES,
    .help = "somebody reports force, or a failure to intervene, that they saw",
};

static const struct kind_member retaliation_alleged[] = {
    MAYBE_ONE_OF("alleged_by", codes_sources, "where the allegation comes from"),
    BASIS,
    CASE,
    CASE_NUMBER,
    MAPPING,
    NARRATIVE,
    PAST_DAY("occurred", "the day on which it happened"),
    OFFICER,
    ORI,
    PARTY,
    PLACE,
    LIVE_DAY("reported", "the day on which the agency learned of it"),
    SOURCE_CODE,
    SOURCE_TEXT,
    SUBJECT,
    TIME,
};
const struct kind kind_retaliation_alleged = {
    ROW(KIND_RETALIATION_ALLEGED, "retaliation.alleged", retaliation_alleged),
    .roles = ROLES_CASE,
    .has_ori = true,
    .effect = EFFECT_ALLEGES,
    .help = "somebody is said to have suffered for intervening or reporting",
};

static const struct kind_member report_lodged[] = {
    ORI,
    CLOSED("report", MEMBER_TEXT, NARRATIVE_MAX, "what is reported, in words"),
    REQUIRED("vkey", MEMBER_VKEY, 0, "a key made for this event, named after its public key"),
};
const struct kind kind_report_lodged = {
    ROW(KIND_REPORT_LODGED, "report.lodged", report_lodged),
    .roles = ROLE_ANYONE,
    .has_ori = true,
    .registry = true,
    .help = "somebody reported something to an agency, whether or not it logs that",
};

static const struct kind_member investigation_opened[] = {
    BASIS,
    CASE,
    CASE_NUMBER,
    OPTIONAL("investigated_by", MEMBER_TOKEN, 64, "who investigates, such as internal_affairs"),
    MAPPING,
    NARRATIVE,
    OFFICER,
    LIVE_DAY("opened", "the day on which it was opened"),
    ORI,
    PARTY,
    SOURCE_CODE,
    SOURCE_TEXT,
    SUBJECT,
};
const struct kind kind_investigation_opened = {
    ROW(KIND_INVESTIGATION_OPENED, "investigation.opened", investigation_opened),
    .roles = ROLES_CASE,
    .has_ori = true,
    .effect = EFFECT_OPENS,
    .help = "an investigation begins",
};

static const struct kind_member investigation_extended[] = {
    BASIS,
    CASE,
    CASE_NUMBER,
    LIVE_DAY("extended", "the day on which more time was given"),
    MAPPING,
    NARRATIVE,
    OFFICER,
    ORI,
    PARTY,
    MAYBE_ONE_OF("reason", codes_extensions, "why"),
    SOURCE_CODE,
    SOURCE_TEXT,
    SUBJECT,
    OPTIONAL("until", MEMBER_DATE, 0, "the new last day"),
};
const struct kind kind_investigation_extended = {
    ROW(KIND_INVESTIGATION_EXTENDED, "investigation.extended", investigation_extended),
    .roles = ROLES_CASE,
    .has_ori = true,
    .effect = EFFECT_EXTENDS,
    .after = EFFECT_BIT(EFFECT_OPENS),
    .help = "an investigation is given more time",
};

static const struct kind_member investigation_closed[] = {
    BASIS,
    CASE,
    CASE_NUMBER,
    LIVE_DAY("closed", "the day on which it was closed"),
    MAPPING,
    NARRATIVE,
    OFFICER,
    ORI,
    PARTY,
    SOURCE_CODE,
    SOURCE_TEXT,
    SUBJECT,
};
const struct kind kind_investigation_closed = {
    ROW(KIND_INVESTIGATION_CLOSED, "investigation.closed", investigation_closed),
    .roles = ROLES_CASE,
    .has_ori = true,
    .effect = EFFECT_CLOSES,
    .after = EFFECT_BIT(EFFECT_OPENS),
    .help = "an investigation ends",
};

static const struct kind_member closed[] = {
    BASIS,
    OPTIONAL("case", MEMBER_HANDLE, 0, "the case's random handle, one for all its events"),
    CLOSED("kind", MEMBER_TOKEN, 64, "the kind that it is, where law keeps even that closed"),
    ORI,
};
const struct kind kind_closed = {
    ROW(KIND_CLOSED, "closed", closed),
    .roles = ROLES_CASE,
    .has_ori = true,
    .help = "an event of which law keeps even the kind closed",
};
/* clang-format on */
