/* The rows of the kinds table, one object each, and what they are written with. For kind_rows_*.c
 * and kind.c only; readers use kind.h. A change of any row is a new table number. */
#ifndef DUTYLOG_LEDGER_KIND_ROWS_H
#define DUTYLOG_LEDGER_KIND_ROWS_H

#include "ledger/kind.h"
#include "ledger/limits.h"

extern const struct kind kind_agency_merged;
extern const struct kind kind_agency_registered;
extern const struct kind kind_agency_renamed;
extern const struct kind kind_appeal_decided;
extern const struct kind kind_appeal_filed;
extern const struct kind kind_audit_statement;
extern const struct kind kind_closed;
extern const struct kind kind_cohort_published;
extern const struct kind kind_correction;
extern const struct kind kind_decertification_ordered;
extern const struct kind kind_discipline_imposed;
extern const struct kind kind_discipline_not_served;
extern const struct kind kind_discipline_recommended;
extern const struct kind kind_discipline_served;
extern const struct kind kind_event_opened;
extern const struct kind kind_failure_alleged;
extern const struct kind kind_finding_final;
extern const struct kind kind_finding_recommended;
extern const struct kind kind_finding_reversed;
extern const struct kind kind_fork_observed;
extern const struct kind kind_guidance_published;
extern const struct kind kind_held;
extern const struct kind kind_intervention_reported;
extern const struct kind kind_investigation_closed;
extern const struct kind kind_investigation_extended;
extern const struct kind kind_investigation_opened;
extern const struct kind kind_key_enrolled;
extern const struct kind kind_key_revoked;
extern const struct kind kind_key_rotated;
extern const struct kind kind_list_observed;
extern const struct kind kind_log_opened;
extern const struct kind kind_log_policy;
extern const struct kind kind_log_recognised;
extern const struct kind kind_log_succeeded;
extern const struct kind kind_logs_listed;
extern const struct kind kind_node_silent;
extern const struct kind kind_notice_sent;
extern const struct kind kind_officer_separated;
extern const struct kind kind_period_reported;
extern const struct kind kind_policy_adopted;
extern const struct kind kind_policy_revised;
extern const struct kind kind_policy_revoked;
extern const struct kind kind_recognition_withdrawn;
extern const struct kind kind_report_lodged;
extern const struct kind kind_response_appended;
extern const struct kind kind_retaliation_alleged;
extern const struct kind kind_root_replaced;
extern const struct kind kind_rules_activated;
extern const struct kind kind_seal_ordered;
extern const struct kind kind_stamp_unconfirmed;
extern const struct kind kind_standard_published;
extern const struct kind kind_submission_withheld;
extern const struct kind kind_training_completed;
extern const struct kind kind_witness_reported;
#ifdef DUTYLOG_TABLE_NEXT
extern const struct kind kind_next_tested;
#endif

/* --- codes (kind_codes.c), each list ended by NULL --- */

extern const char *const codes_actions[];
extern const char *const codes_agency_types[];
extern const char *const codes_answers[];
extern const char *const codes_appellants[];
extern const char *const codes_bases[];
extern const char *const codes_calendars[];
extern const char *const codes_clock_starts[];
extern const char *const codes_extensions[];
extern const char *const codes_faults[];
extern const char *const codes_key_bases[];
extern const char *const codes_key_roles[];
extern const char *const codes_log_roles[];
extern const char *const codes_mappings[];
extern const char *const codes_means[];
extern const char *const codes_notices[];
extern const char *const codes_outcomes[];
extern const char *const codes_parties[];
extern const char *const codes_responders[];
extern const char *const codes_recognised_roles[];
extern const char *const codes_results[];
extern const char *const codes_revocations[];
extern const char *const codes_separations[];
extern const char *const codes_sources[];
extern const char *const codes_statements[];
extern const char *const codes_successions[];
extern const char *const codes_unserved[];
extern const char *const codes_withdrawals[];
extern const char *const codes_witnesses[];
extern const char *const codes_yes_no[];
#define FINAL_DISPOSITIONS (kind_dispositions + 1) /* any but pending */

/* --- limits of members --- */

#define OPERATOR_MAX 64
#define TABLE_MAX 1000000
#define MEMBER_NAME_MAX 64
#define TEXT_MAX 1000
#define TITLE_MAX 200
#define ADDRESS_MAX 1000
#define NARRATIVE_MAX 8000 /* so that event.opened can disclose it within one event */
#define AUTHORITY_MAX 16
#define THRESHOLD_MAX (EVENT_SIGNATURES_MAX - 1) /* log.opened carries the operator's line too */
#define ORIS_MAX 64
#define STATES_MAX 64
#define KINDS_MAX 64 /* bits of a set of kinds */
#define MEASURES_MAX 16
#define ELEMENTS_MAX 64
#define SUBJECTS_MAX 999
#define EVIDENCE_MAX 15000
#define CHECKPOINT_MAX 4096
#define OPENED_PROOF_MAX 6 /* 64 members at most */

/* --- writing a member --- */

#define OPEN(n, t, m, h) .name = n, .type = t, .visibility = VISIBLE_OPEN, .max = m, .help = h
/* An open member that must be there, and one that may be. */
#define REQUIRED(n, t, m, h)                                                                       \
    { OPEN(n, t, m, h), .required = true }
#define OPTIONAL(n, t, m, h)                                                                       \
    { OPEN(n, t, m, h) }
/* Days: of a fact, which lies in the past, required if live, or not at all; and any day. */
#define LIVE_DAY(n, h)                                                                             \
    { OPEN(n, MEMBER_DATE, 0, h), .required_live = true, .past = true }
#define PAST_DAY(n, h)                                                                             \
    { OPEN(n, MEMBER_DATE, 0, h), .past = true }
#define DAY(n, h) REQUIRED(n, MEMBER_DATE, 0, h)
#define ONE_OF(n, c, h)                                                                            \
    { OPEN(n, MEMBER_CODE, 0, h), .required = true, .codes = c }
#define MAYBE_ONE_OF(n, c, h)                                                                      \
    { OPEN(n, MEMBER_CODE, 0, h), .codes = c }
#define SOME_OF(n, c, h)                                                                           \
    { OPEN(n, MEMBER_CODES, 0, h), .codes = c }
#define CLOSED(n, t, m, h)                                                                         \
    { .name = n, .type = t, .visibility = VISIBLE_CLOSED, .max = m, .help = h }
#define CLOSED_ONE_OF(n, c, h)                                                                     \
    { .name = n, .type = MEMBER_CODE, .visibility = VISIBLE_CLOSED, .codes = c, .help = h }

/* --- members of many kinds --- */

#define BASIS ONE_OF("basis", codes_bases, "live, or imported from an older record")
#define CASE REQUIRED("case", MEMBER_HANDLE, 0, "the case's random handle, one for all its events")
#define CASE_NUMBER CLOSED("case_number", MEMBER_TEXT, 100, "the agency's own case number")
#define DECIDED_BY                                                                                 \
    REQUIRED("decided_by", MEMBER_TOKEN, 64, "the authority that decided, such as commissioner")
#define RECOMMENDED_BY                                                                             \
    REQUIRED("recommended_by", MEMBER_TOKEN, 64, "who recommends, such as civilian_review_board")
#define DISCIPLINE                                                                                 \
    REQUIRED("discipline", MEMBER_DISCIPLINE, MEASURES_MAX, "the measures, each with its numbers")
#define MAYBE_DISCIPLINE                                                                           \
    OPTIONAL("discipline", MEMBER_DISCIPLINE, MEASURES_MAX, "the measures, each with its numbers")
#define MAPPING                                                                                    \
    CLOSED_ONE_OF("mapping", codes_mappings, "how surely the source's own code became ours")
#define NARRATIVE CLOSED("narrative", MEMBER_TEXT, NARRATIVE_MAX, "what happened, in words")
#define OFFICER CLOSED("officer", MEMBER_TOKEN, 64, "the officer's pseudonym")
#define ORI REQUIRED("ori", MEMBER_ORI, 0, "the agency's ORI")
#define PARTY ONE_OF("party", codes_parties, "who the event is about")
#define PLACE CLOSED("place", MEMBER_TEXT, TEXT_MAX, "where it happened")
#define SOURCE_CODE CLOSED("source_code", MEMBER_TEXT, TEXT_MAX, "the source's own code")
#define SOURCE_TEXT CLOSED("source_text", MEMBER_TEXT, NARRATIVE_MAX, "the source's own words")
#define SUBJECT                                                                                    \
    OPTIONAL("subject", MEMBER_INTEGER, SUBJECTS_MAX,                                              \
             "which of the case's parties, from 1; absent: the first")
#define TIME CLOSED("time", MEMBER_TIME, 0, "when it happened, to the second")

/* --- writing a row --- */

#define ROLES_AGENCY (ROLE_AGENCY | ROLE_CLERK)
#define ROLES_OUTSIDE (ROLE_OVERSIGHT | ROLE_COURT | ROLE_POST)
#define ROLES_CASE (ROLES_AGENCY | ROLES_OUTSIDE)
#define ROLES_ABOVE (ROLE_ROOT | ROLE_POST)
#define ROLES_OBSERVERS (ROLE_ROOT | ROLE_OPERATOR | ROLE_AGENCY | ROLES_OUTSIDE | ROLE_OBSERVER)
#define ROW(i, n, m) ROW_SINCE(1, i, n, m)
/* Of a kind that came with table `t`. */
#define ROW_SINCE(t, i, n, m)                                                                      \
    .id = i, .name = n, .table = t, .members = m, .member_count = sizeof m / sizeof m[0]

#endif
