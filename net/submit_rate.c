#include "net/submit_rate.h"

#define BURST_SECONDS 60

enum status submit_rate_open(uint64_t per_second, struct submit_rate *out) {
    struct submit_rate rate = {.size = {per_second, per_second * BURST_SECONDS}};
    rate.lodged.tokens = INT64_MAX / 2; /* full */
    TRY(peers_open(&rate.issuers));
    enum status status = peers_open(&rate.lodgers);
    if (status != STATUS_OK) {
        peers_free(rate.issuers);
        return status;
    }
    *out = rate;
    return STATUS_OK;
}

void submit_rate_close(struct submit_rate *rate) {
    peers_free(rate->issuers);
    rate->issuers = NULL;
    peers_free(rate->lodgers);
    rate->lodgers = NULL;
}

/* By an address: a token a second, of which an event takes six. By all: one of two a second. */
static const struct bucket_size lodger = {.rate = 1, .burst = 60};
static const struct bucket_size all_lodgers = {.rate = 2, .burst = 120};
#define LODGED_COST 6

static enum status take_lodged(struct submit_rate *rate, const struct submit_call *call,
                               uint64_t now, struct refusal *why) {
    struct peer_row *sender = peers_of_address(rate->lodgers, request_address(call->request), now);
    unsigned wait_s = 0;
    if (!peer_take(sender, &lodger, LODGED_COST, now, &wait_s)) {
        return refuse(why, STATUS_RATE,
                      "over ten reports a minute (report.lodged) from this address: try again in "
                      "%u s",
                      wait_s);
    }
    if (!peer_take(&rate->lodged, &all_lodgers, 1, now, &wait_s)) {
        return refuse(why, STATUS_RATE,
                      "over two reports a second (report.lodged) from all addresses: try again in "
                      "%u s",
                      wait_s);
    }
    return STATUS_OK;
}

void submit_rate_take(struct submit_rate *rate, struct submit_call *call) {
    uint64_t now = loop_now_ms(call->node->loop);
    unsigned wait_s = 0;
    for (size_t i = 0; i < call->count; i++) {
        struct submission *submission = &call->submissions[i];
        if (submission->status != STATUS_OK) {
            return; /* those after it are not tried */
        }
        if (submission->event.kind->id == KIND_REPORT_LODGED) {
            submission->status = take_lodged(rate, call, now, &submission->why);
            if (submission->status != STATUS_OK) {
                return;
            }
            continue;
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
