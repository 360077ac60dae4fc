/* How fast one issuer may log events, and what refused events cost their sender.
 *
 * An issuer's bucket (net/peers.h) pays for events that its signature verified, and for no others:
 * anybody can write an issuer's name. What did not verify is paid by the address that sent it. A
 * log only grows: what a stolen or broken key floods it with stays for ever. */
#ifndef DUTYLOG_NET_SUBMIT_RATE_H
#define DUTYLOG_NET_SUBMIT_RATE_H

#include "net/peers.h"
#include "net/submit_call.h"

/* One-time keys (report.lodged) have no bucket of their own, since everybody can make any number:
 * their events are paid by the address that sends them, ten at once and ten a minute, and by all
 * addresses together, two a second: what strangers can make a log grow by is bounded. */
struct submit_rate {
    struct peers *issuers;
    struct peers *lodgers;  /* by address */
    struct peer_row lodged; /* all of them */
    struct bucket_size size;
};

/* A second's rate, a minute's at once; 0: no limit. NOMEM. */
enum status submit_rate_open(uint64_t per_second, struct submit_rate *out) MUST_USE;
void submit_rate_close(struct submit_rate *rate);
/* Takes a token for each verified event of a prepared call; one for which there is none gets RATE
 * as its verdict. */
void submit_rate_take(struct submit_rate *rate, struct submit_call *call);
/* After the commit: charges for what could be verified only within it, and the sender for what was
 * refused; counts each refusal under its reason. */
void submit_rate_settle(struct submit_rate *rate, struct submit_call *call);

#endif
