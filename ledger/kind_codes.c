/* The codes that members of the kinds table may have. */
#include "ledger/kind_rows.h"

const char *const codes_actions[] = {"decertified", "suspended", "reinstated", "denied", NULL};
const char *const codes_agency_types[] = {"municipal", "county", "sheriff", "state", "federal",
                                          "tribal",    "campus", "transit", "other", NULL};
const char *const codes_answers[] = {"none", "refused", "delayed", NULL};
const char *const codes_appellants[] = {"officer", "union", "agency", "complainant", "other", NULL};
const char *const codes_bases[] = {"live", "imported", NULL};
const char *const codes_calendars[] = {"hours", "days", "business_days", NULL};
const char *const codes_clock_starts[] = {"incident", "awareness", "report", "finding", NULL};
const char *const codes_extensions[] = {
    "criminal_case", "witness_unavailable", "complexity", "staffing", "agreement", "other", NULL};
const char *const codes_faults[] = {"entered_in_error", "duplicate",    "wrong_case",
                                    "wrong_party",      "wrong_date",   "wrong_code",
                                    "wrong_text",       "wrong_agency", NULL};
const char *const codes_key_bases[] = {"live", "imported", "both", NULL};
const char *const codes_key_roles[] = {"agency", "clerk",    "oversight", "court",
                                       "post",   "observer", NULL};
const char *const codes_log_roles[] = {"agency", "state", "doj", "independent", NULL};
const char *const codes_mappings[] = {"exact", "close", "guessed", "unknown", NULL};
const char *const codes_means[] = {"verbal", "physical", "supervisor_called", "other", NULL};
const char *const codes_notices[] = {"finding",         "discipline", "separation",
                                     "decertification", "disclosure", NULL};
const char *const codes_outcomes[] = {"upheld",   "reversed",  "reduced", "increased",
                                      "remanded", "withdrawn", "settled", NULL};
const char *const codes_parties[] = {"officer", "supervisor", "administrator", "agency", NULL};
const char *const codes_responders[] = {"officer",   "complainant", "agency",
                                        "oversight", "other",       NULL};
const char *const codes_recognised_roles[] = {"court", "oversight", "post", NULL};
const char *const codes_results[] = {"stopped", "reduced", "not_stopped", NULL};
const char *const codes_revocations[] = {"retired", "lost", "compromised", "left", NULL};
const char *const codes_separations[] = {"resigned", "retired",     "terminated", "died",
                                         "laid_off", "transferred", "other",      NULL};
const char *const codes_sources[] = {"complaint", "officer", "supervisor", "review",
                                     "court",     "media",   "anonymous",  NULL};
const char *const codes_statements[] = {"consistent", "inconsistent", "incomplete", NULL};
const char *const codes_successions[] = {
    "key_lost", "key_stolen", "candidate_lost", "merger", "hash_migration", "quorum_lost", NULL};
const char *const codes_unserved[] = {"resigned",     "retired", "separated",
                                      "overturned",   "reduced", "suspended_by_appeal",
                                      "not_enforced", "other",   NULL};
const char *const codes_withdrawals[] = {"compromised", "ended", "misconduct", "mistaken", NULL};
const char *const codes_witnesses[] = {"officer",  "supervisor", "administrator",
                                       "civilian", "other",      NULL};
const char *const codes_yes_no[] = {"yes", "no", NULL};

const char *const kind_dispositions[] = {
    "pending",      "sustained", "not_sustained", "unfounded",          "exonerated",
    "admin_closed", "mediated",  "withdrawn",     "reversed_on_appeal", NULL};

const struct kind_discipline kind_disciplines[] = {
    {.code = "none"},
    {.code = "counseling"},
    {.code = "training"},
    {.code = "oral_reprimand"},
    {.code = "written_reprimand"},
    {.code = "leave_forfeit", .term = true},
    {.code = "suspension", .term = true, .paid = true},
    {.code = "demotion"},
    {.code = "probation", .term = true},
    {.code = "termination"},
    {.code = "resigned_pending"},
    {.code = "decertification_referral"},
    {.code = "decertified"},
    {.code = "prosecution_referral"},
    {.code = "not_served"},
    {.code = NULL},
};
