/* Rows of the kinds table. What agencies and those above them say of agencies. */
#include "ledger/kind_rows.h"

/* One member a line. */
/* clang-format off */
static const struct kind_member agency_registered[] = {
    OPTIONAL("from", MEMBER_DATE, 0, "the first day on which it is so"),
    REQUIRED("name", MEMBER_TITLE, TITLE_MAX, "the agency's name"),
    REQUIRED("officers", MEMBER_INTEGER, 100000, "how many sworn officers it has"),
    ORI,
    REQUIRED("state", MEMBER_STATE, 0, "its state or territory; US for a federal agency"),
    ONE_OF("type", codes_agency_types, "what sort of agency it is"),
};
const struct kind kind_agency_registered = {
    ROW(KIND_AGENCY_REGISTERED, "agency.registered", agency_registered),
    .roles = ROLES_ABOVE,
    .has_ori = true,
    .registry = true,
    .help = "an agency exists, with its ORI, state, size and type",
};

static const struct kind_member agency_renamed[] = {
    DAY("from", "the first day on which it is so"),
    REQUIRED("name", MEMBER_TITLE, TITLE_MAX, "the agency's new name"),
    ORI,
};
const struct kind kind_agency_renamed = {
    ROW(KIND_AGENCY_RENAMED, "agency.renamed", agency_renamed),
    .roles = ROLES_ABOVE,
    .has_ori = true,
    .registry = true,
    .help = "an agency has another name from now on",
};

static const struct kind_member agency_merged[] = {
    DAY("from", "the first day on which it is so"),
    REQUIRED("into", MEMBER_ORI, 0, "the ORI of the agency that goes on"),
    ORI,
};
const struct kind kind_agency_merged = {
    ROW(KIND_AGENCY_MERGED, "agency.merged", agency_merged),
    .roles = ROLES_ABOVE,
    .has_ori = true,
    .registry = true,
    .help = "an agency is part of another one from now on",
};

static const struct kind_member policy_adopted[] = {
    OPTIONAL("address", MEMBER_ADDRESS, ADDRESS_MAX, "where it is published"),
    BASIS,
    REQUIRED("document", MEMBER_HASH, 0, "the SHA-256 of its text"),
    DAY("effective", "the first day on which it applies"),
    OPTIONAL("elements", MEMBER_TOKENS, ELEMENTS_MAX, "what of a standard's elements it has"),
    ORI,
    OPTIONAL("standard", MEMBER_EVENT, 0, "the standard.published that it answers"),
    REQUIRED("title", MEMBER_TITLE, TITLE_MAX, "what it is called"),
};
const struct kind kind_policy_adopted = {
    ROW(KIND_POLICY_ADOPTED, "policy.adopted", policy_adopted),
    .roles = ROLES_AGENCY,
    .has_ori = true,
    .help = "a policy on the duty to intervene applies from now on",
};

static const struct kind_member policy_revised[] = {
    OPTIONAL("address", MEMBER_ADDRESS, ADDRESS_MAX, "where it is published"),
    BASIS,
    REQUIRED("document", MEMBER_HASH, 0, "the SHA-256 of its text"),
    DAY("effective", "the first day on which it applies"),
    OPTIONAL("elements", MEMBER_TOKENS, ELEMENTS_MAX, "what of a standard's elements it has"),
    REQUIRED("event", MEMBER_EVENT, 0, "the policy that it replaces"),
    ORI,
    OPTIONAL("standard", MEMBER_EVENT, 0, "the standard.published that it answers"),
    REQUIRED("title", MEMBER_TITLE, TITLE_MAX, "what it is called"),
};
const struct kind kind_policy_revised = {
    ROW(KIND_POLICY_REVISED, "policy.revised", policy_revised),
    .roles = ROLES_AGENCY,
    .has_ori = true,
    .refers = KIND_BIT(KIND_POLICY_ADOPTED) |
              KIND_BIT(KIND_POLICY_REVISED),
    .help = "a policy is replaced by a newer one",
};

static const struct kind_member policy_revoked[] = {
    BASIS,
    DAY("effective", "the first day on which it no longer applies"),
    REQUIRED("event", MEMBER_EVENT, 0, "the policy that is revoked"),
    ORI,
};
const struct kind kind_policy_revoked = {
    ROW(KIND_POLICY_REVOKED, "policy.revoked", policy_revoked),
    .roles = ROLES_AGENCY,
    .has_ori = true,
    .refers = KIND_BIT(KIND_POLICY_ADOPTED) |
              KIND_BIT(KIND_POLICY_REVISED),
    .help = "a policy no longer applies",
};

static const struct kind_member training_completed[] = {
    BASIS,
    PAST_DAY("completed", "the day on which it ended"),
    OPTIONAL("course", MEMBER_TOKEN, 64, "the course, by the number that the state gives it"),
    OPTIONAL("hours", MEMBER_INTEGER, 10000, "how many hours each officer had"),
    REQUIRED("officers", MEMBER_INTEGER, 100000, "how many officers completed it"),
    ORI,
    REQUIRED("title", MEMBER_TITLE, TITLE_MAX, "what it is called"),
};
const struct kind kind_training_completed = {
    ROW(KIND_TRAINING_COMPLETED, "training.completed", training_completed),
    .roles = ROLES_AGENCY,
    .has_ori = true,
    .help = "officers were trained in the duty to intervene",
};

static const struct kind_member period_reported[] = {
    REQUIRED("allegations", MEMBER_INTEGER, 0, "failures to intervene alleged in the month"),
    BASIS,
    REQUIRED("complaints", MEMBER_INTEGER, 0, "complaints of force received in the month"),
    REQUIRED("findings", MEMBER_INTEGER, 0, "final findings in the month"),
    OPTIONAL("first_case", MEMBER_TOKEN, 64, "the month's first case number; absent without any"),
    OPTIONAL("interventions", MEMBER_INTEGER, 0, "interventions reported in the month"),
    OPTIONAL("last_case", MEMBER_TOKEN, 64, "the month's last case number; absent without any"),
    REQUIRED("month", MEMBER_MONTH, 0, "the month"),
    REQUIRED("open_cases", MEMBER_INTEGER, 0, "cases open at its end"),
    ORI,
};
const struct kind kind_period_reported = {
    ROW(KIND_PERIOD_REPORTED, "period.reported", period_reported),
    .roles = ROLES_AGENCY,
    .has_ori = true,
    .help = "the totals of a month; all zero: a nil report",
};

static const struct kind_member standard_published[] = {
    MAYBE_ONE_OF("calendar", codes_calendars, "how the deadline is counted"),
    REQUIRED("citation", MEMBER_TITLE, TITLE_MAX, "the law, as it is cited"),
    MAYBE_ONE_OF("clock_start", codes_clock_starts, "from when the deadline runs"),
    OPTIONAL("deadline", MEMBER_INTEGER, 100000, "how many hours or days may pass until a report"),
    OPTIONAL("document", MEMBER_HASH, 0, "the SHA-256 of its text"),
    DAY("effective", "the first day on which it applies"),
    OPTIONAL("elements", MEMBER_TOKENS, ELEMENTS_MAX, "what an agency's policy must have"),
    OPTIONAL("fields", MEMBER_TOKENS, ELEMENTS_MAX, "what a report must have"),
    OPTIONAL("minimum", MEMBER_DISCIPLINE, MEASURES_MAX,
             "the least discipline for a sustained finding"),
    REQUIRED("state", MEMBER_STATE, 0, "where it applies; US: everywhere"),
    OPTIONAL("supersedes", MEMBER_EVENT, 0, "the version before"),
    REQUIRED("version", MEMBER_TOKEN, 40, "its version, such as 2025-1"),
};
const struct kind kind_standard_published = {
    ROW(KIND_STANDARD_PUBLISHED, "standard.published", standard_published),
    .roles = ROLES_ABOVE,
    .help = "what law or policy asks, as data",
};

static const struct kind_member guidance_published[] = {
    OPTIONAL("address", MEMBER_ADDRESS, ADDRESS_MAX, "where it is published"),
    REQUIRED("document", MEMBER_HASH, 0, "the SHA-256 of its text"),
    DAY("effective", "the first day on which it applies"),
    REQUIRED("title", MEMBER_TITLE, TITLE_MAX, "what it is called"),
};
const struct kind kind_guidance_published = {
    ROW(KIND_GUIDANCE_PUBLISHED, "guidance.published", guidance_published),
    .roles = ROLES_ABOVE,
    .help = "how a standard is to be read",
};

static const struct kind_member cohort_published[] = {
    REQUIRED("count", MEMBER_INTEGER, 0, "how many agencies are in it"),
    REQUIRED("file", MEMBER_HASH, 0, "the SHA-256 of the list of agencies"),
    DAY("from", "the first day on which it is so"),
    REQUIRED("name", MEMBER_TITLE, TITLE_MAX, "what it is called"),
};
const struct kind kind_cohort_published = {
    ROW(KIND_COHORT_PUBLISHED, "cohort.published", cohort_published),
    .roles = ROLES_ABOVE,
    .help = "the agencies that a figure is about",
};
/* clang-format on */
