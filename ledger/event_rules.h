/* The part of event_parse that relates members to each other and to the signature lines
 * (specs/event.md#rules); rows of the kinds table cannot say it. For event.c only. */
#ifndef DUTYLOG_LEDGER_EVENT_RULES_H
#define DUTYLOG_LEDGER_EVENT_RULES_H

#include "ledger/event.h"

/* The members of an event whose every open member is of its type. BAD_MEMBER, BAD_POLICY. */
enum status event_check_rules(const struct event *event, struct refusal *why) MUST_USE;
/* The signature lines of the note that the event is in, as far as the bytes alone decide; no more
 * than EVENT_SIGNATURES_MAX. `event->note` is not looked at. DENIED_SIGNATURE. */
enum status event_check_lines(const struct event *event, const struct note *note,
                              struct refusal *why) MUST_USE;

#endif
