#include "ledger/verify_log.h"

#include <assert.h>
#include <inttypes.h>

/* --- what the receipt rests on --- */

static enum status check_verdict(struct store_txn *txn, uint32_t log, uint64_t index,
                                 const char *what, struct refusal *why) {
    struct refusal verdict = {.text = ""};
    enum status status = judge_verdict(txn, log, index, &verdict);
    if (status == STATUS_OK || status == STATUS_STORE_CORRUPT) {
        return status;
    }
    return refuse(why, status, "entry %" PRIu64 ", %s: the log's own rules do not admit it: %s",
                  index, what, verdict.text);
}

static enum status check_items(struct store_txn *txn, uint32_t log,
                               const struct verify_report *report, struct refusal *why) {
    TRY(check_verdict(txn, log, 0, "the opening", why));
    TRY(check_verdict(txn, log, report->policy_index, "the policy", why));
    for (size_t i = 0; i < report->chain_count; i++) {
        TRY(check_verdict(txn, log, report->chain[i].index, "an enrolment of the chain", why));
    }
    return check_verdict(txn, log, report->index, "the event", why);
}

/* --- whose keys --- */

struct search {
    struct store_txn *txn;
    uint32_t log;
    uint64_t size;
    const struct verify_report *report;
    size_t link;
    struct issuer issuer; /* whose key that is */
    struct verify_log *out;
    struct refusal *why;
};

/* What the link's key signed of the receipt: the next enrolment, or the event. */
static uint64_t signed_at(const struct verify_report *report, size_t link, uint64_t *stamp_ms) {
    bool last = link + 1 == report->chain_count;
    *stamp_ms = last ? report->received_ms : report->chain[link + 1].received_ms;
    return last ? report->index : report->chain[link + 1].index;
}

/* Acceptance knows a key by its name, and a revocation is of the key: one that is enrolled under a
 * second name is taken back with the first. */
static enum status take_row(void *context, const struct revocation *row) {
    struct search *s = context;
    uint64_t stamp_ms = 0;
    uint64_t index = signed_at(s->report, s->link, &stamp_ms);
    bool binds = false;
    bool by_root = false;
    if (row->log != s->log || row->index >= s->size) {
        return STATUS_OK;
    }
    TRY(revocation_binds(s->txn, s->log, &s->issuer, row, &binds, &by_root));
    if (!binds) {
        return STATUS_OK;
    }
    if (row->index < index) {
        return refuse(s->why, STATUS_DENIED_KEY,
                      "entry %" PRIu64 " revoked the key of %.80s, which signed entry %" PRIu64
                      " after that",
                      row->index, s->issuer.vkey.name, index);
    }
    if (s->out->revocation_count == VERIFY_REVOCATIONS_MAX) {
        s->out->more = true;
        return STATUS_OK;
    }
    bool stolen = revocation_doubts(row->reason, row->since_ms, stamp_ms);
    s->out->revocations[s->out->revocation_count++] =
        (struct verify_revocation){.link = s->link,
                                   .index = row->index,
                                   .reason = row->reason,
                                   .since_ms = row->since_ms,
                                   .doubts = stolen && by_root,
                                   .disowns = stolen && !by_root};
    return STATUS_OK;
}

static enum status check_keys(struct search *s) {
    for (s->link = 0; s->link < s->report->chain_count; s->link++) {
        const struct verify_link *link = &s->report->chain[s->link];
        enum status status = issuer_find(s->txn, s->log, bytes_text(link->name), &s->issuer);
        assert(status != STATUS_NOT_FOUND); /* the enrolment was accepted, by check_items */
        TRY(status);
        TRY(revocation_each(s->txn, &s->issuer.vkey.key, take_row, s));
    }
    return STATUS_OK;
}

/* That of the receipt, unless one after it is in force at `size`. */
static enum status newest_policy(struct search *s, uint64_t size, uint64_t *index) {
    uint64_t found = 0;
    enum status status = policy_in_force(s->txn, s->log, size, &found);
    *index = found > s->report->policy_index ? found : s->report->policy_index;
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

enum status verify_log(struct store_txn *txn, uint32_t log, uint64_t size,
                       const struct verify_report *report, struct verify_log *out,
                       struct refusal *why) {
    struct search search = {
        .txn = txn, .log = log, .size = size, .report = report, .out = out, .why = why};
    assert(report->size <= size && report->index < report->size);
    *out = (struct verify_log){.size = size};
    TRY(check_items(txn, log, report, why));
    TRY(check_keys(&search));
    TRY(newest_policy(&search, report->size, &out->policy));
    return newest_policy(&search, size, &out->newest_policy);
}
