/* Rows of the kinds table. What concerns one earlier event. */
#include "ledger/kind_rows.h"

/* One member a line. */
/* clang-format off */
static const struct kind_member correction[] = {
    REQUIRED("event", MEMBER_EVENT, 0, "the event that is corrected"),
    NARRATIVE,
    ORI,
    OPTIONAL("replaced_by", MEMBER_EVENT, 0, "the event that stands in its place"),
    ONE_OF("what", codes_faults, "what is wrong with it"),
};
const struct kind kind_correction = {
    ROW(KIND_CORRECTION, "correction", correction),
    .roles = ROLES_CASE,
    .has_ori = true,
    .refers = KINDS_ALL,
    .effect = EFFECT_CORRECTS,
    .help = "an earlier event is wrong; it stays, and this says how",
};

static const struct kind_member event_opened[] = {
    REQUIRED("count", MEMBER_INTEGER, EVENT_MEMBERS_MAX, "how many members the body has"),
    REQUIRED("event", MEMBER_EVENT, 0, "the event whose member is disclosed"),
    REQUIRED("index", MEMBER_INTEGER, EVENT_MEMBERS_MAX - 1, "which of them it is, from 0"),
    REQUIRED("member", MEMBER_TOKEN, MEMBER_NAME_MAX, "the member's name"),
    ORI,
    REQUIRED("proof", MEMBER_HASHES, OPENED_PROOF_MAX, "the inclusion proof in the body's tree"),
    REQUIRED("salt", MEMBER_SALT, 0, "the member's salt"),
    REQUIRED("value", MEMBER_ANY, 0, "the member's value"),
};
const struct kind kind_event_opened = {
    ROW(KIND_EVENT_OPENED, "event.opened", event_opened),
    .roles = ROLES_CASE,
    .has_ori = true,
    .refers = KINDS_ALL,
    .effect = EFFECT_DISCLOSES,
    .help = "discloses one closed member of an earlier event",
};

static const struct kind_member response_appended[] = {
    ONE_OF("by", codes_responders, "who responds"),
    REQUIRED("event", MEMBER_EVENT, 0, "the event that it responds to"),
    NARRATIVE,
    OFFICER,
    ORI,
};
const struct kind kind_response_appended = {
    ROW(KIND_RESPONSE_APPENDED, "response.appended", response_appended),
    .roles = ROLES_CASE,
    .has_ori = true,
    .refers = KINDS_ALL,
    .effect = EFFECT_RESPONDS,
    .help = "what somebody concerned says of an event",
};

static const struct kind_member seal_ordered[] = {
    REQUIRED("event", MEMBER_EVENT, 0, "the event that is sealed"),
    REQUIRED("members", MEMBER_TOKENS, EVENT_MEMBERS_MAX, "the closed members that are sealed"),
    REQUIRED("order", MEMBER_HASH, 0, "the SHA-256 of the order"),
    DAY("ordered", "the day of the order"),
    REQUIRED("ordered_by", MEMBER_TOKEN, 64, "the court or authority that ordered it"),
    ORI,
};
const struct kind kind_seal_ordered = {
    ROW(KIND_SEAL_ORDERED, "seal.ordered", seal_ordered),
    .roles = ROLE_COURT,
    .has_ori = true,
    .refers = KINDS_ALL,
    .effect = EFFECT_SEALS,
    .help = "closed members of an event are sealed by order",
};

static const struct kind_member held[] = {
    REQUIRED("count", MEMBER_INTEGER, EVENT_MEMBERS_MAX, "how many closed members are held"),
    REQUIRED("event", MEMBER_EVENT, 0, "the event whose body is held"),
    REQUIRED("holder", MEMBER_TOKEN, OPERATOR_MAX, "who holds it"),
};
const struct kind kind_held = {
    ROW(KIND_HELD, "held", held),
    .roles = ROLES_OBSERVERS,
    .refers = KINDS_ALL,
    .help = "somebody holds the closed members of an event, checked against its leaf",
};

static const struct kind_member stamp_unconfirmed[] = {
    REQUIRED("event", MEMBER_EVENT, 0, "the event whose stamp no quorum confirmed in time"),
    REQUIRED("quorum", MEMBER_TIME, 0, "when a quorum first held it, by a kept checkpoint"),
    REQUIRED("received", MEMBER_TIME, 0, "its stamp"),
    REQUIRED("size", MEMBER_INTEGER, 0, "the size of that checkpoint"),
};
const struct kind kind_stamp_unconfirmed = {
    ROW(KIND_STAMP_UNCONFIRMED, "stamp.unconfirmed", stamp_unconfirmed),
    .roles = ROLES_OBSERVERS,
    .refers = KINDS_ALL,
    .help = "no quorum held an event within an hour of its stamp",
};
/* clang-format on */
