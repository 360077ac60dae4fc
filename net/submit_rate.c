#include "net/submit_rate.h"

#define BURST_SECONDS 60

enum status submit_rate_open(uint64_t per_second, struct submit_rate *out) {
    struct submit_rate rate = {.size = {per_second, per_second * BURST_SECONDS}};
    TRY(peers_open(&rate.issuers));
    *out = rate;
    return STATUS_OK;
}

void submit_rate_close(struct submit_rate *rate) {
    peers_free(rate->issuers);
    rate->issuers = NULL;
}

void submit_rate_take(struct submit_rate *rate, struct submit_call *call) {
    uint64_t now = loop_now_ms(call->node->loop);
    unsigned wait_s = 0;
    for (size_t i = 0; i < call->count; i++) {
        struct submission *submission = &call->submissions[i];
        if (submission->status != STATUS_OK) {
            return; /* those after it are not tried */
        }
        if (submission->key_count == 0) {
            continue; /* its keys may be enrolled within this request: submit_rate_settle */
        }
        struct peer_row *issuer = peers_of_name(rate->issuers, submission->event.issuer, now);
        if (!peer_take(issuer, &rate->size, 1, now, &wait_s)) {
            submission->status =
                refuse(&submission->why, STATUS_RATE,
                       "over %llu events a second of this issuer: try again in %u s",
                       (unsigned long long)rate->size.rate, wait_s);
            return;
        }
    }
}

/* Whether it was for the event itself that it was refused, not for what else is logged or waits. */
static bool costs_sender(enum status status) {
    switch ((int)status) {
    case STATUS_CONFLICT_GAP:
    case STATUS_CONFLICT_USED:
    case STATUS_RATE:
        return false;
    default:
        return answer_http(status) < 500;
    }
}

void submit_rate_settle(struct submit_rate *rate, struct submit_call *call) {
    uint64_t now = loop_now_ms(call->node->loop);
    for (size_t i = 0; i < call->count; i++) {
        const struct submission *submission = &call->submissions[i];
        enum status status = call->results[i].status;
        if (status == STATUS_OK && submission->key_count == 0) {
            peer_charge(peers_of_name(rate->issuers, submission->event.issuer, now), &rate->size, 1,
                        now);
        }
        if (status == STATUS_OK || status == STATUS_BUSY) {
            continue; /* logged, or not tried */
        }
        counter_add(COUNTER_EVENT(status));
        if (costs_sender(status)) {
            request_cost(call->request, 1);
        }
    }
}
