/* The members of an event that is being made: from options, a file, or a body that is disclosed;
 * each checked against its kind's row as it comes, so that an error names the member and says what
 * would be accepted. */
#ifndef DUTYLOG_TOOLS_MEMBERS_H
#define DUTYLOG_TOOLS_MEMBERS_H

#include "ledger/body.h"
#include "ledger/kind.h"
#include "ledger/vkey.h"

#include <jansson.h>
#include <stdio.h>

struct members {
    const struct kind *kind;
    json_t *open;   /* object; owned */
    json_t *closed; /* object; owned */
};

/* NOMEM. Release with members_release, also after a failure. */
enum status members_init(struct members *members, const struct kind *kind) MUST_USE;
void members_release(struct members *members);
/* "name=value", or "name=@file" for the content of a file. `closed`: the member goes into the body.
 */
enum status members_set(struct members *members, const char *assignment, bool closed,
                        struct refusal *why) MUST_USE;
/* {"open": {…}, "closed": {…}}, both optional. */
enum status members_from_file(struct members *members, const char *path,
                              struct refusal *why) MUST_USE;
/* For event.opened: the members that disclose "BASE:member" of the event in BASE.event and
 * BASE.body, or, where BASE is "FOLDER@SEQ", of what an import kept in its state folder. */
enum status members_disclose(struct members *members, const char *what,
                             struct refusal *why) MUST_USE;

/* For report.lodged: makes a one-time key, sets `vkey`, and gives the key to sign with, which the
 * caller wipes: it is kept nowhere. */
enum status members_one_time(struct members *members, struct signer *out,
                             struct refusal *why) MUST_USE;
/* Checks that the .body file at `path` is that of the event in `note`, and prints its members, one
 * a line. BAD_PROOF: it is another event's, or was changed; BAD_MEMBER: the event has no body. */
enum status body_show(FILE *out, struct bytes note, const char *path, struct refusal *why) MUST_USE;

/* The closed members with fresh salts, in the order of their names; at most EVENT_MEMBERS_MAX.
 * Their values lie in `memory`. Wiped and released by body_draft_release. */
struct body_draft {
    struct body_member members[EVENT_MEMBERS_MAX];
    size_t count;
    uint8_t *memory;
    size_t memory_len;
};
enum status body_draft_of(const struct members *members, struct body_draft *out,
                          struct refusal *why) MUST_USE;
void body_draft_release(struct body_draft *draft);
/* The .body file: {"issuer","log","members":{name:{"salt","value"}},"seq"}. Returns-owned text, or
 * NULL. */
char *body_draft_json(const struct body_draft *draft, const struct body_context *context);

#endif
