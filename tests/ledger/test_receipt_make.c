/* Receipts made from the store, held to what a verifier asks of them (ledger/verify.h). */
#include "ledger/receipt.h"
#include "ledger/sequencer.h"
#include "ledger/verify.h"
#include "tests/lib/check.h"
#include "tests/lib/hosted.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

static struct hosted h;
static struct world *w;
static uint8_t file[RECEIPT_SIZE_MAX];

static void open_started(void) {
    hosted_open(&h);
    w = &h.world;
    hosted_start(&h);
}

static void close_all(void) {
    hosted_close(&h);
}

TestSuite(receipt_make, .init = open_started, .fini = close_all);

static struct refusal why; /* of the last one not made */

/* As it is confirmed for who names `size`. */
static enum status make_at(enum world_who who, uint64_t seq, uint64_t size, struct bytes *out,
                           bool *pending, uint64_t *index) {
    struct store_txn *txn;
    struct writer out_writer;
    writer_init(&out_writer, file, sizeof file);
    CHECK_OK(store_begin(h.store, STORE_READ, &txn));
    enum status status = sequencer_receipt(txn, &h.log, bytes_text(world_name(w, who)), seq, size,
                                           &out_writer, pending, index, &why);
    store_abort(txn);
    *out = writer_view(&out_writer);
    return status;
}

static enum status make(enum world_who who, uint64_t seq, struct bytes *out, bool *pending,
                        uint64_t *index) {
    return make_at(who, seq, UINT64_MAX, out, pending, index);
}

/* Verifies offline, against the roots alone, and against a policy. */
static struct verify_report verified(struct bytes receipt) {
    static struct verifier verifier;
    static struct verify_trust trust;
    static struct policy policy;
    struct verify_report report;
    why.text[0] = '\0';
    memset(&trust, 0, sizeof trust);
    for (size_t i = 0; i < 3; i++) {
        trust.roots[i] = w->people[WORLD_ROOT_1 + i].vkey;
    }
    trust.root_count = 3;
    trust.threshold = 2;
    enum status status = verify_receipt(&verifier, receipt, &trust, &report, &why);
    cr_assert_eq(status, STATUS_OK, "%s", why.text);
    CHECK_OK(policy_parse(bytes_text(world_policy_text(w, NULL)), &policy, NULL));
    trust.policy = &policy;
    status = verify_receipt(&verifier, receipt, &trust, &report, &why);
    cr_assert_eq(status, STATUS_OK, "%s", why.text);
    return report;
}

static struct verify_report receipt_of(enum world_who who, uint64_t seq) {
    struct bytes receipt;
    bool pending = true;
    uint64_t index = 0;
    CHECK_OK(make(who, seq, &receipt, &pending, &index));
    cr_assert_not(pending);
    struct verify_report report = verified(receipt);
    cr_assert_eq(report.index, index);
    cr_assert_eq(report.seq, seq);
    cr_assert_str_eq(report.issuer, world_name(w, who));
    return report;
}

#define PUBLISHED (WORLD_TIME_MS / 1000 + 60)

Test(receipt_make, every_event_has_one_that_verifies) {
    static const struct {
        enum world_who who;
        size_t links;
    } people[] = {{WORLD_OPERATOR, 0}, {WORLD_ROOT_1, 0}, {WORLD_AGENCY, 1},
                  {WORLD_CLERK, 2},    {WORLD_BOARD, 1},  {WORLD_POST, 1}};
    hosted_accept(&h, world_closed_sample(w, WORLD_CLERK, "failure.alleged"));
    hosted_accept(&h, world_sample(w, WORLD_CLERK, "finding.final"));
    hosted_accept(&h, world_sample(w, WORLD_CLERK, "event.opened"));
    hosted_accept(&h, world_sample(w, WORLD_AGENCY, "discipline.imposed"));
    hosted_accept(&h, world_sample(w, WORLD_BOARD, "failure.alleged"));
    hosted_accept(&h, world_sample(w, WORLD_BOARD, "correction"));
    hosted_accept(&h, world_sample(w, WORLD_POST, "fork.observed"));
    hosted_accept(&h, world_sample(w, WORLD_OPERATOR, "fork.observed"));
    uint64_t size = hosted_publish(&h, PUBLISHED, 7);
    uint64_t events = 0;
    for (size_t i = 0; i < sizeof people / sizeof people[0]; i++) {
        for (uint64_t seq = 1; seq <= w->last[people[i].who].seq; seq++) {
            struct verify_report report = receipt_of(people[i].who, seq);
            cr_assert_eq(report.chain_count, people[i].links);
            cr_assert_eq(report.size, size);
            cr_assert_eq(report.quorum_time, PUBLISHED);
            cr_assert(report.stamp_confirmed);
            cr_assert_eq(report.received_ms, WORLD_TIME_MS);
            events++;
        }
    }
    cr_assert_eq(events, size);
}

Test(receipt_make, holds_the_items_in_order_with_their_received_lines) {
    struct bytes file_bytes;
    static struct receipt receipt;
    static struct proof proof;
    bool pending;
    uint64_t index;
    static const uint64_t indexes[] = {0, 1, 2, 3, WORLD_START};
    h.now_ms += 7;
    hosted_accept(&h, world_sample(w, WORLD_CLERK, "failure.alleged"));
    hosted_publish(&h, PUBLISHED, 5);
    CHECK_OK(make(WORLD_CLERK, 1, &file_bytes, &pending, &index));
    CHECK_OK(receipt_parse(file_bytes, &receipt, NULL));
    cr_assert_eq(receipt.count, 5);
    struct store_txn *txn;
    CHECK_OK(store_begin(h.store, STORE_READ, &txn));
    for (size_t i = 0; i < 5; i++) {
        struct bytes entry;
        struct hash leaf;
        CHECK_OK(proof_parse(receipt.items[i].proof, &proof, NULL));
        cr_assert_eq(proof.index, indexes[i]);
        CHECK_OK(tree_entry(txn, h.log.number, proof.index, &entry));
        CHECK_BYTES(bytes_of(entry.data + proof.extra_len, entry.len - proof.extra_len),
                    receipt.items[i].note);
        CHECK_BYTES(bytes_of(proof.extra, proof.extra_len), bytes_of(entry.data, proof.extra_len));
        cr_assert_eq(proof.extra[proof.extra_len - 1], '\n');
        hash_leaf(entry.data, entry.len, &leaf);
        CHECK_OK(proof_check_inclusion(&proof, &leaf));
    }
    store_abort(txn);
}

Test(receipt_make, waits_for_a_quorum) {
    struct bytes receipt;
    bool pending = false;
    uint64_t index = 99;
    CHECK_STATUS(make(WORLD_AGENCY, 1, &receipt, &pending, &index), STATUS_NOT_FOUND);
    cr_assert(pending);
    cr_assert_eq(index, 3);
    cr_assert_not_null(strstr(why.text, "entry 3 is durable here; no quorum"), "%s", why.text);
    hosted_publish(&h, PUBLISHED, 3);
    receipt_of(WORLD_AGENCY, 1);
    hosted_accept(&h, world_sample(w, WORLD_CLERK, "failure.alleged"));
    CHECK_STATUS(make(WORLD_CLERK, 1, &receipt, &pending, &index), STATUS_NOT_FOUND);
    cr_assert(pending);
    cr_assert_eq(index, WORLD_START);
}

Test(receipt_make, of_no_event_there_is_none) {
    struct bytes receipt;
    bool pending = true;
    uint64_t index = 99;
    hosted_publish(&h, PUBLISHED, 3);
    CHECK_STATUS(make(WORLD_CLERK, 1, &receipt, &pending, &index), STATUS_NOT_FOUND);
    cr_assert_not(pending);
    cr_assert_str_eq(why.text, "no event 1 of clerk in this log");
    CHECK_STATUS(make(WORLD_AGENCY, 0, &receipt, &pending, &index), STATUS_NOT_FOUND);
    CHECK_STATUS(make(WORLD_STRANGER, 1, &receipt, &pending, &index), STATUS_NOT_FOUND);
    cr_assert_not(pending);
}

Test(receipt_make, confirms_the_time_whenever_it_is_asked_for) {
    uint64_t sizes[3];
    for (uint64_t i = 0; i < 3; i++) { /* all within one half hour */
        hosted_accept(&h, world_sample(w, WORLD_CLERK, "failure.alleged"));
        sizes[i] = hosted_publish(&h, PUBLISHED + i, 3);
    }
    for (uint64_t day = 1; day < 5; day++) {
        h.now_ms += 86400000;
        hosted_accept(&h, world_sample(w, WORLD_CLERK, "finding.final"));
        hosted_publish(&h, PUBLISHED + 86400 * day, 3);
    }
    /* The first and the last of the half hour are kept; the second goes with the third. */
    static const size_t shown[] = {0, 2, 2};
    for (uint64_t i = 0; i < 3; i++) {
        struct verify_report report = receipt_of(WORLD_CLERK, i + 1);
        cr_assert_eq(report.size, sizes[shown[i]]);
        cr_assert(report.stamp_confirmed);
        cr_assert_eq(report.confirmed_ms, WORLD_TIME_MS);
    }
}

Test(receipt_make, shows_a_late_quorum_as_it_was) {
    hosted_accept(&h, world_sample(w, WORLD_CLERK, "failure.alleged"));
    hosted_publish(&h, WORLD_TIME_MS / 1000 + 3601, 6);
    struct verify_report report = receipt_of(WORLD_CLERK, 1);
    cr_assert_not(report.stamp_confirmed);
    cr_assert_eq(report.confirmed_ms, WORLD_TIME_MS + 3601000);
}

/* A stamp ahead of the quorum by more than an hour counts no more than one behind it. */
Test(receipt_make, shows_a_stamp_that_is_ahead) {
    hosted_accept(&h, world_sample(w, WORLD_CLERK, "failure.alleged"));
    hosted_publish(&h, WORLD_TIME_MS / 1000 - 3601, 6);
    struct verify_report report = receipt_of(WORLD_CLERK, 1);
    cr_assert_not(report.stamp_confirmed);
    cr_assert_eq(report.confirmed_ms, WORLD_TIME_MS - 3601000);
}

/* One of three mirrors was ahead: the receipt made later is by the checkpoint that did not need it,
 * and the one for who names the size of then is as it was. */
Test(receipt_make, by_the_checkpoint_that_confirms) {
    struct bytes receipt;
    bool pending = false;
    uint64_t index = 0;
    uint64_t ahead = WORLD_TIME_MS / 1000 + 40 * 86400;
    hosted_accept(&h, world_sample(w, WORLD_CLERK, "failure.alleged"));
    uint64_t first = hosted_publish(&h, ahead, 6);
    cr_assert_eq(receipt_of(WORLD_CLERK, 1).confirmed_ms, ahead * 1000);
    hosted_accept(&h, world_sample(w, WORLD_CLERK, "finding.final"));
    uint64_t second = hosted_publish(&h, PUBLISHED, 6);
    struct verify_report report = receipt_of(WORLD_CLERK, 1);
    cr_assert_eq(report.size, second);
    cr_assert(report.stamp_confirmed);
    CHECK_OK(make_at(WORLD_CLERK, 1, first, &receipt, &pending, &index));
    report = verified(receipt);
    cr_assert_eq(report.size, first);
    cr_assert_eq(report.confirmed_ms, ahead * 1000);
    CHECK_STATUS(make_at(WORLD_CLERK, 1, index, &receipt, &pending, &index), STATUS_BAD_SIZE);
    cr_assert_not(pending);
}

Test(receipt_make, with_the_policy_in_force_at_its_checkpoint) {
    struct bytes file_bytes;
    static struct receipt receipt;
    static struct proof proof;
    bool pending;
    uint64_t index;
    hosted_publish(&h, PUBLISHED, 3);
    uint64_t change = hosted_accept(&h, world_policy(w));
    hosted_accept(&h, world_sample(w, WORLD_CLERK, "failure.alleged"));
    hosted_publish(&h, PUBLISHED + 3600, 3);
    CHECK_OK(make(WORLD_AGENCY, 1, &file_bytes, &pending, &index));
    CHECK_OK(receipt_parse(file_bytes, &receipt, NULL));
    CHECK_OK(proof_parse(receipt.items[1].proof, &proof, NULL));
    cr_assert_eq(proof.index, 1);
    CHECK_OK(make(WORLD_CLERK, 1, &file_bytes, &pending, &index));
    CHECK_OK(receipt_parse(file_bytes, &receipt, NULL));
    CHECK_OK(proof_parse(receipt.items[1].proof, &proof, NULL));
    cr_assert_eq(proof.index, change);
    receipt_of(WORLD_CLERK, 1);
}

Test(receipt_make, says_when_there_is_no_room) {
    struct bytes receipt;
    bool pending;
    uint64_t index;
    hosted_publish(&h, PUBLISHED, 3);
    CHECK_OK(make(WORLD_AGENCY, 1, &receipt, &pending, &index));
    for (size_t cap = 0; cap < receipt.len; cap += 97) {
        struct store_txn *txn;
        struct writer out;
        writer_init(&out, file, cap);
        CHECK_OK(store_begin(h.store, STORE_READ, &txn));
        CHECK_STATUS(sequencer_receipt(txn, &h.log, bytes_text("agency"), 1, UINT64_MAX, &out,
                                       &pending, &index, NULL),
                     STATUS_TOO_LARGE);
        store_abort(txn);
    }
}
