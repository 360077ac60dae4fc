/* Checking the value of one member, open or closed, against its type (specs/event.md#types). Pure:
 * relations between members are in event_rules.c. */
#ifndef DUTYLOG_LEDGER_MEMBER_H
#define DUTYLOG_LEDGER_MEMBER_H

#include "ledger/json.h"
#include "ledger/kind.h"

#define TOKEN_SIZE_MAX 64

/* OK if the value is one that the member accepts. BAD_MEMBER, naming the member and saying what
 * would be accepted. The value has an RFC 8785 form (jcs_parse). */
enum status member_check(const struct kind_member *member, const json_t *value,
                         struct refusal *why) MUST_USE;
/* What the member accepts, in words: "a day as YYYY-MM-DD". Static. */
const char *member_accepts(enum member_type type);

/* 1 to `max` characters of [a-z0-9._-]. */
bool text_is_token(struct bytes text, size_t max);
/* An issuer's key name: at most NAME_SIZE_MAX, tokens joined by '/', none of them "." or "..", so
 * that it can stand in a path. */
bool text_is_issuer(struct bytes text);
/* The form of an ORI: nine of A-Z and 0-9. */
bool text_is_ori(struct bytes text);
/* A real day as YYYY-MM-DD, from 1900 on. Days compare as their bytes do. */
bool text_is_date(struct bytes text);
/* Days from 1970-01-01 to such a day; 0 for one before it. `date` has at least its ten characters.
 */
uint64_t date_to_days(const char *date);
#define DAY_MS UINT64_C(86400000)

#endif
