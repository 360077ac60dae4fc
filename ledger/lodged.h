/* report.lodged: a complaint's trace, by anyone (specs/event.md#lodged-reports). The issuer is a
 * *one-time key*: made for this event, in it as `vkey`, enrolled by nobody, and used for nothing
 * else. Its name comes of the public key, so that nobody can take the name of a key before it is
 * used, and no other key may have such a name: it is *reserved*. What was reported is in the body:
 * who keeps the salt and the text can prove it later, and nobody else can guess it. */
#ifndef DUTYLOG_LEDGER_LODGED_H
#define DUTYLOG_LEDGER_LODGED_H

#include "ledger/issuer.h"

#define LODGED_PREFIX "anyone/"
#define LODGED_NAME_SIZE (7 + 32)

/* "anyone/" and the first 32 hex characters of the SHA-256 of the public key; terminated. */
void lodged_name(const struct sign_public *key, char out[static LODGED_NAME_SIZE + 1]);
/* True of any name that starts so. */
bool lodged_reserves(struct bytes name);
/* The rules of the kind: the issuer's name, seq 1, a body. For event_check_rules. BAD_MEMBER. */
enum status lodged_check(const struct event *event, struct refusal *why) MUST_USE;
/* The issuer of a parsed report.lodged, as the event itself brings it; not its number. */
void lodged_issuer(const struct event *event, struct issuer *out);

#endif
