/* Roots of a log: one takes the place of another, by the word of a threshold of the others. */
#include "ledger/issuer.h"
#include "ledger/sequencer.h"
#include "ledger/verify.h"

#include "tests/lib/check.h"
#include "tests/lib/hosted.h"
#include "tests/lib/keys.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

static struct hosted h;
static struct world *w;

static void setup(void) {
    hosted_open(&h);
    w = &h.world;
    hosted_start(&h);
}

static void cleanup(void) {
    hosted_close(&h);
}

TestSuite(roots, .init = setup, .fini = cleanup);

#define BESIDE_2 (1u << WORLD_ROOT_2)

static struct bytes replacement(enum world_who by, enum world_who old, enum world_who fresh,
                                uint32_t signers) {
    return world_event(w, &(struct world_event){.issuer = by,
                                                .kind = "root.replaced",
                                                .open = world_replace_open(w, old, fresh),
                                                .roots = signers,
                                                .aside = true});
}

static uint64_t replace(void) {
    return hosted_accept(&h, world_sample(w, WORLD_ROOT_1, "root.replaced"));
}

/* From here on WORLD_ROOT_3 of the world is the key that came. */
static void take_the_place(void) {
    w->people[WORLD_ROOT_3] = w->people[WORLD_NEWCOMER];
    w->people[WORLD_NEWCOMER] = test_signer("agency.example/another", VKEY_NOTE);
    memset(&w->last[WORLD_ROOT_3], 0, sizeof w->last[WORLD_ROOT_3]);
}

Test(roots, one_is_replaced_by_the_others) {
    uint64_t index = replace();
    struct issuer old = hosted_issuer(&h, WORLD_ROOT_3);
    struct issuer fresh = hosted_issuer(&h, WORLD_NEWCOMER);
    cr_assert_eq(old.revoked_at, index);
    cr_assert_eq(fresh.enrolled_at, index);
    cr_assert_eq(fresh.roles, ROLE_ROOT);
    cr_assert_eq(fresh.enroller, 0);
    /* The old one signs nothing more, alone or beside another. */
    hosted_refuse(&h, world_aside(w, WORLD_ROOT_3, "key.enrolled", NULL), STATUS_DENIED_KEY,
                  "was replaced by entry");
    hosted_refuse(&h,
                  world_event(w, &(struct world_event){.issuer = WORLD_ROOT_1,
                                                       .kind = "log.policy",
                                                       .roots = 1u << WORLD_ROOT_3,
                                                       .aside = true}),
                  STATUS_DENIED_SIGNATURE, "a root that entry");
    /* The fresh one is a root as the others are. */
    take_the_place();
    hosted_accept(&h, world_event(w, &(struct world_event){.issuer = WORLD_ROOT_3,
                                                           .kind = "log.policy",
                                                           .roots = 1u << WORLD_ROOT_2}));
    uint64_t enrolled = hosted_accept(&h, world_enrol(w, WORLD_ROOT_3, WORLD_NEWCOMER));
    cr_assert_eq(hosted_issuer(&h, WORLD_NEWCOMER).enrolled_at, enrolled);
    /* And is taken back as they are: by a replacement alone. */
    hosted_refuse(
        &h,
        world_aside(w, WORLD_ROOT_1, "key.revoked",
                    world_text(w, "{'key':'%s','reason':'lost'}", world_name(w, WORLD_ROOT_3))),
        STATUS_DENIED_SCOPE, "is replaced (root.replaced), not revoked");
}

Test(roots, by_exactly_a_threshold_of_the_others) {
    static const enum world_who two[] = {WORLD_ROOT_1, WORLD_ROOT_2};
    const struct world_event wrong = {.issuer = WORLD_ROOT_1,
                                      .kind = "root.replaced",
                                      .open = world_replace_open(w, WORLD_ROOT_2, WORLD_NEWCOMER)};
    hosted_refuse(&h, world_sign(w, bytes_text(world_event_text(w, &wrong)), two, 2),
                  STATUS_DENIED_SIGNATURE, "which is to go: the other roots sign");
    hosted_refuse(
        &h,
        replacement(WORLD_ROOT_1, WORLD_STRANGER, WORLD_NEWCOMER, BESIDE_2 | 1u << WORLD_ROOT_3),
        STATUS_DENIED_SIGNATURE, "exactly 2 are needed");
    hosted_refuse(&h, replacement(WORLD_ROOT_1, WORLD_CLERK, WORLD_NEWCOMER, BESIDE_2),
                  STATUS_BAD_MEMBER, "is no root of this log");
    hosted_refuse(&h, replacement(WORLD_ROOT_1, WORLD_STRANGER, WORLD_NEWCOMER, BESIDE_2),
                  STATUS_BAD_MEMBER, "is no root of this log");
    hosted_refuse(&h, replacement(WORLD_ROOT_1, WORLD_ROOT_3, WORLD_CLERK, BESIDE_2),
                  STATUS_BAD_MEMBER, "is taken in this log");
}

Test(roots, a_root_has_one_voice) {
    for (int who = WORLD_ROOT_1; who <= WORLD_OPERATOR; who++) {
        CHECK_OK(vkey_make(bytes_text("agency.example/again"), VKEY_NOTE, &w->people[who].vkey.key,
                           &w->people[WORLD_NEWCOMER].vkey));
        hosted_refuse(&h, replacement(WORLD_ROOT_1, WORLD_ROOT_3, WORLD_NEWCOMER, BESIDE_2),
                      STATUS_BAD_MEMBER, "a root's or the operator's already");
    }
}

/* Of three, two of whom sign, one that opened the log may go; who comes may go again. */
Test(roots, enough_of_those_who_opened_it_stay) {
    replace();
    hosted_refuse(&h, replacement(WORLD_ROOT_1, WORLD_ROOT_3, WORLD_STRANGER, BESIDE_2),
                  STATUS_BAD_MEMBER, "was replaced already");
    take_the_place();
    hosted_refuse(&h, replacement(WORLD_ROOT_1, WORLD_ROOT_2, WORLD_NEWCOMER, 1u << WORLD_ROOT_3),
                  STATUS_BAD_MEMBER, "of the 3 roots that opened this log, of which 2 sign, 1 can");
    for (int i = 1; i < ROOTS_REPLACED_MAX; i++) {
        w->people[WORLD_NEWCOMER] =
            test_signer(world_text(w, "agency.example/no-%d", i), VKEY_NOTE);
        replace();
        take_the_place();
    }
    hosted_refuse(&h, replacement(WORLD_ROOT_1, WORLD_ROOT_3, WORLD_NEWCOMER, BESIDE_2),
                  STATUS_BAD_MEMBER, "has replaced 8 roots, which is the most");
    cr_assert_eq(opened_replaceable(1, 1), 0); /* who signs alone would replace all others */
    cr_assert_eq(opened_replaceable(3, 1), 0);
    cr_assert_eq(opened_replaceable(3, 3), 0);
    cr_assert_eq(opened_replaceable(5, 3), 2);
    cr_assert_eq(opened_replaceable(7, 3), 2);
}

/* --- receipts --- */

static uint8_t file[RECEIPT_SIZE_MAX];

static struct bytes receipt_of(enum world_who who, uint64_t seq) {
    struct store_txn *txn;
    struct writer out;
    struct refusal why = {.text = ""};
    bool pending = false;
    uint64_t index = 0;
    writer_init(&out, file, sizeof file);
    CHECK_OK(store_begin(h.store, STORE_READ, &txn));
    enum status status = sequencer_receipt(txn, &h.log, vkey_name(&w->people[who].vkey), seq,
                                           UINT64_MAX, &out, &pending, &index, &why);
    store_abort(txn);
    cr_assert_eq(status, STATUS_OK, "%s", why.text);
    return writer_view(&out);
}

static enum status verify(struct bytes receipt, struct refusal *why) {
    struct verify_trust trust = {.root_count = 2, .threshold = 2};
    struct verifier *verifier = malloc(sizeof *verifier);
    struct verify_report *report = malloc(sizeof *report);
    cr_assert(verifier != NULL && report != NULL);
    trust.roots[0] = w->people[WORLD_ROOT_1].vkey;
    trust.roots[1] = w->people[WORLD_ROOT_2].vkey;
    enum status status = verify_receipt(verifier, receipt, &trust, report, why);
    free(verifier);
    free(report);
    return status;
}

static void expect_good(enum world_who who, uint64_t seq) {
    struct refusal why = {.text = ""};
    enum status status = verify(receipt_of(who, seq), &why);
    cr_assert_eq(status, STATUS_OK, "%s", why.text);
}

Test(roots, a_receipt_says_who_came) {
    hosted_accept(&h, world_sample(w, WORLD_CLERK, "finding.final"));
    replace();
    take_the_place();
    hosted_accept(&h, world_enrol(w, WORLD_ROOT_3, WORLD_NEWCOMER));
    hosted_accept(&h, world_sample(w, WORLD_NEWCOMER, "finding.final"));
    hosted_accept(&h, world_event(w, &(struct world_event){.issuer = WORLD_ROOT_3,
                                                           .kind = "log.policy",
                                                           .roots = 1u << WORLD_ROOT_2}));
    hosted_accept(&h, world_sample(w, WORLD_CLERK, "finding.final"));
    hosted_publish(&h, h.now_ms / 1000 + 60, 7);
    expect_good(WORLD_CLERK, 1); /* before it all, under a policy that the fresh root signed */
    expect_good(WORLD_NEWCOMER, 1);
    expect_good(WORLD_CLERK, 2);
    expect_good(WORLD_ROOT_3, 1);
    expect_good(WORLD_ROOT_1, w->last[WORLD_ROOT_1].seq); /* the replacement itself */
}
