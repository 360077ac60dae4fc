#include "ledger/kind_rows.h"

#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static const struct kind *const kinds[KIND_COUNT] = {
    [KIND_AGENCY_MERGED] = &kind_agency_merged,
    [KIND_AGENCY_REGISTERED] = &kind_agency_registered,
    [KIND_AGENCY_RENAMED] = &kind_agency_renamed,
    [KIND_APPEAL_DECIDED] = &kind_appeal_decided,
    [KIND_APPEAL_FILED] = &kind_appeal_filed,
    [KIND_AUDIT_STATEMENT] = &kind_audit_statement,
    [KIND_CLOSED] = &kind_closed,
    [KIND_COHORT_PUBLISHED] = &kind_cohort_published,
    [KIND_CORRECTION] = &kind_correction,
    [KIND_DECERTIFICATION_ORDERED] = &kind_decertification_ordered,
    [KIND_DISCIPLINE_IMPOSED] = &kind_discipline_imposed,
    [KIND_DISCIPLINE_NOT_SERVED] = &kind_discipline_not_served,
    [KIND_DISCIPLINE_RECOMMENDED] = &kind_discipline_recommended,
    [KIND_DISCIPLINE_SERVED] = &kind_discipline_served,
    [KIND_EVENT_OPENED] = &kind_event_opened,
    [KIND_FAILURE_ALLEGED] = &kind_failure_alleged,
    [KIND_FINDING_FINAL] = &kind_finding_final,
    [KIND_FINDING_RECOMMENDED] = &kind_finding_recommended,
    [KIND_FINDING_REVERSED] = &kind_finding_reversed,
    [KIND_FORK_OBSERVED] = &kind_fork_observed,
    [KIND_GUIDANCE_PUBLISHED] = &kind_guidance_published,
    [KIND_HELD] = &kind_held,
    [KIND_INTERVENTION_REPORTED] = &kind_intervention_reported,
    [KIND_INVESTIGATION_CLOSED] = &kind_investigation_closed,
    [KIND_INVESTIGATION_EXTENDED] = &kind_investigation_extended,
    [KIND_INVESTIGATION_OPENED] = &kind_investigation_opened,
    [KIND_KEY_ENROLLED] = &kind_key_enrolled,
    [KIND_KEY_REVOKED] = &kind_key_revoked,
    [KIND_KEY_ROTATED] = &kind_key_rotated,
    [KIND_LIST_OBSERVED] = &kind_list_observed,
    [KIND_LOG_OPENED] = &kind_log_opened,
    [KIND_LOG_POLICY] = &kind_log_policy,
    [KIND_LOG_RECOGNISED] = &kind_log_recognised,
    [KIND_LOG_SUCCEEDED] = &kind_log_succeeded,
    [KIND_LOGS_LISTED] = &kind_logs_listed,
    [KIND_NODE_SILENT] = &kind_node_silent,
    [KIND_NOTICE_SENT] = &kind_notice_sent,
    [KIND_OFFICER_SEPARATED] = &kind_officer_separated,
    [KIND_PERIOD_REPORTED] = &kind_period_reported,
    [KIND_POLICY_ADOPTED] = &kind_policy_adopted,
    [KIND_POLICY_REVISED] = &kind_policy_revised,
    [KIND_POLICY_REVOKED] = &kind_policy_revoked,
    [KIND_RECOGNITION_WITHDRAWN] = &kind_recognition_withdrawn,
    [KIND_REPORT_LODGED] = &kind_report_lodged,
    [KIND_RESPONSE_APPENDED] = &kind_response_appended,
    [KIND_RETALIATION_ALLEGED] = &kind_retaliation_alleged,
    [KIND_ROOT_REPLACED] = &kind_root_replaced,
    [KIND_RULES_ACTIVATED] = &kind_rules_activated,
    [KIND_SEAL_ORDERED] = &kind_seal_ordered,
    [KIND_STAMP_UNCONFIRMED] = &kind_stamp_unconfirmed,
    [KIND_STANDARD_PUBLISHED] = &kind_standard_published,
    [KIND_SUBMISSION_WITHHELD] = &kind_submission_withheld,
    [KIND_TRAINING_COMPLETED] = &kind_training_completed,
    [KIND_WITNESS_REPORTED] = &kind_witness_reported,
#ifdef DUTYLOG_TABLE_NEXT
    [KIND_NEXT_TESTED] = &kind_next_tested,
#endif
};

static bool name_is(const char *row, const char *name, size_t len) {
    return strlen(row) == len && memcmp(row, name, len) == 0;
}

const struct kind *kind_find(const char *name, size_t len) {
    size_t low = 0;
    size_t high = KIND_WITNESS_REPORTED + 1; /* those of the first table */
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const char *row = kinds[middle]->name;
        size_t shorter = strlen(row) < len ? strlen(row) : len;
        int order = memcmp(row, name, shorter);
        if (order == 0 && strlen(row) == len) {
            return kinds[middle];
        }
        if (order < 0 || (order == 0 && strlen(row) < len)) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    for (size_t i = KIND_WITNESS_REPORTED + 1; i < KIND_COUNT; i++) {
        if (name_is(kinds[i]->name, name, len)) {
            return kinds[i];
        }
    }
    return NULL;
}

const struct kind *kind_at(enum kind_id id) {
    assert(id < KIND_COUNT);
    return kinds[id];
}
const struct kind_member *kind_member_find(const struct kind *kind, const char *name, size_t len) {
    for (size_t i = 0; i < kind->member_count; i++) {
        if (name_is(kind->members[i].name, name, len)) {
            return &kind->members[i];
        }
    }
    return NULL;
}

bool kind_has_closed(const struct kind *kind) {
    for (size_t i = 0; i < kind->member_count; i++) {
        if (kind->members[i].visibility == VISIBLE_CLOSED) {
            return true;
        }
    }
    return false;
}

bool kind_enrols(const struct kind *kind) {
    return kind->id == KIND_KEY_ENROLLED || kind->id == KIND_KEY_ROTATED;
}

static const struct {
    uint32_t role;
    const char *name;
} roles[] = {
    {ROLE_ROOT, "root"},   {ROLE_OPERATOR, "operator"},   {ROLE_AGENCY, "agency"},
    {ROLE_CLERK, "clerk"}, {ROLE_OVERSIGHT, "oversight"}, {ROLE_COURT, "court"},
    {ROLE_POST, "post"},   {ROLE_OBSERVER, "observer"},   {ROLE_ANYONE, "anyone"},
};

static const struct {
    const char *name;
    const char *help;
} effects[EFFECT_COUNT] = {
    [EFFECT_NONE] = {"none", "concerns no case"},
    [EFFECT_ALLEGES] = {"alleges", "brings a case about"},
    [EFFECT_OPENS] = {"opens", "an investigation begins"},
    [EFFECT_EXTENDS] = {"extends", "an investigation is given more time"},
    [EFFECT_CLOSES] = {"closes", "an investigation ends"},
    [EFFECT_RECOMMENDS_FINDING] = {"recommends a finding",
                                   "stands beside the finding, and is none"},
    [EFFECT_FINDS] = {"finds", "is the finding in force; the one before is superseded"},
    [EFFECT_REVERSES] = {"reverses", "the finding that it names is superseded"},
    [EFFECT_RECOMMENDS_DISCIPLINE] = {"recommends discipline", "stands beside what is imposed"},
    [EFFECT_IMPOSES] = {"imposes", "is the discipline in force; the one before is superseded"},
    [EFFECT_SERVES] = {"serves", "discipline was carried out"},
    [EFFECT_FORGOES] = {"forgoes", "discipline was not carried out"},
    [EFFECT_APPEALS] = {"appeals", "a decision is contested"},
    [EFFECT_DECIDES_APPEAL] = {"decides an appeal",
                               "what it reverses, reduces or increases is superseded"},
    [EFFECT_DECERTIFIES] = {"decertifies", "the certificate is taken, suspended or given back"},
    [EFFECT_SEPARATES] = {"separates", "the officer leaves the agency"},
    [EFFECT_NOTIFIES] = {"notifies", "somebody was told"},
    [EFFECT_CORRECTS] = {"corrects", "the event that it names is superseded"},
    [EFFECT_RESPONDS] = {"responds", "stands beside the event that it names"},
    [EFFECT_DISCLOSES] = {"discloses", "a closed member of the event that it names is open"},
    [EFFECT_SEALS] = {"seals", "closed members of the event that it names are sealed"},
};

const char *effect_name(enum effect effect) {
    assert(effect < EFFECT_COUNT);
    return effects[effect].name;
}

const char *effect_help(enum effect effect) {
    assert(effect < EFFECT_COUNT);
    return effects[effect].help;
}

uint32_t role_find(const char *name, size_t len) {
    for (size_t i = 0; i < COUNT(roles); i++) {
        if (name_is(roles[i].name, name, len)) {
            return roles[i].role;
        }
    }
    return 0;
}

const char *role_name(uint32_t role) {
    for (size_t i = 0; i < COUNT(roles); i++) {
        if (roles[i].role == role) {
            return roles[i].name;
        }
    }
    return NULL;
}
