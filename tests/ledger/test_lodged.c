/* Reports by anyone: what the bytes must say, what a log makes of them, and what a receipt shows.
 */
#include "ledger/lodged.h"
#include "ledger/sequencer.h"
#include "ledger/verify.h"
#include "tests/lib/check.h"
#include "tests/lib/events.h"
#include "tests/lib/hosted.h"
#include "tests/lib/keys.h"

#include <criterion/criterion.h>
#include <string.h>

static struct hosted h;
static struct world *w;

static void open_started(void) {
    events_setup();
    hosted_open(&h);
    w = &h.world;
    hosted_start(&h);
}

static void close_all(void) {
    hosted_close(&h);
}

TestSuite(lodged, .init = open_started, .fini = close_all);

Test(lodged, a_name_is_the_keys_hash) {
    char name[LODGED_NAME_SIZE + 1];
    struct sign_public key = {{0}};
    lodged_name(&key, name);
    /* printf '%064d' 0 | xxd -r -p | sha256sum */
    cr_assert_str_eq(name, "anyone/66687aadf862bd776c8fc18b8e9f8e20");
    cr_assert(lodged_reserves(bytes_text(name)));
    cr_assert(lodged_reserves(bytes_text("anyone/x")));
    cr_assert_not(lodged_reserves(bytes_text("anyone")));
}

Test(lodged, its_bytes_say_that_it_is_the_keys_only_event) {
    const enum kind_id id = KIND_REPORT_LODGED;
    char text[EVENT_TEXT_SIZE];
    const struct signer *signers[1] = {&anyone};
    event_accepted(good_event(id, true, 1));
    refuse_changed(id, "\"vkey\":\"$Y\"", "\"vkey\":\"$C\"", STATUS_BAD_MEMBER,
                   "vkey must be named anyone/");
    event_expand("dutylog/event/v1\n{\"body\":\"$H\",\"issuer\":\"pd.example/clerk-7\",\"kind\":"
                 "\"report.lodged\",\"log\":\"log.example\",\"open\":{\"ori\":\"NY0303000\","
                 "\"vkey\":\"$Y\"},\"seq\":1}\n",
                 text);
    const struct signer *by_clerk[1] = {&clerk};
    event_refused(sign_text(text, by_clerk, 1), STATUS_BAD_MEMBER, "issuer must be anyone/");
    static const struct {
        const char *before;
        const char *after;
        const char *says;
    } wrong[] = {
        {"\"body\":\"$H\",", "\"seq\":1", "body is missing"},
        {"\"body\":\"$H\",", "\"prev\":\"$H\",\"seq\":2", "seq must be 1"},
    };
    for (size_t i = 0; i < 2; i++) {
        char pattern[EVENT_TEXT_SIZE];
        snprintf(pattern, sizeof pattern,
                 "dutylog/event/v1\n{%s\"issuer\":\"%s\",\"kind\":\"report.lodged\",\"log\":"
                 "\"log.example\",\"open\":{\"ori\":\"NY0303000\",\"vkey\":\"$Y\"},%s}\n",
                 i == 0 ? "" : wrong[i].before, anyone.vkey.name, wrong[i].after);
        event_expand(pattern, text);
        event_refused(sign_text(text, signers, 1), STATUS_BAD_MEMBER, wrong[i].says);
    }
}

Test(lodged, no_other_key_takes_such_a_name) {
    refuse_changed(KIND_KEY_ENROLLED, "\"vkey\":\"$C\"", "\"vkey\":\"$Y\"", STATUS_BAD_MEMBER,
                   "vkey: names that start with anyone/ are those of one-time keys");
    refuse_changed(KIND_KEY_ROTATED, "\"vkey\":\"$C\"", "\"vkey\":\"$Y\"", STATUS_BAD_MEMBER,
                   "names that start with anyone/");
    refuse_changed(KIND_LOG_OPENED, "[\"$A\",", "[\"$Y\",\"$A\",", STATUS_BAD_MEMBER,
                   "authority: names that start with anyone/");
}

Test(lodged, is_logged_by_nobody_enrolled_and_once) {
    const char *name;
    struct store_txn *txn;
    struct issuer issuer;
    struct bytes note = world_lodge(w, 1, &name);
    uint64_t index = hosted_accept(&h, note);
    CHECK_OK(store_begin(h.store, STORE_READ, &txn));
    CHECK_OK(issuer_find(txn, h.log.number, bytes_text(name), &issuer));
    store_abort(txn);
    cr_assert_eq(issuer.roles, ROLE_ANYONE);
    cr_assert_eq(issuer.enrolled_at, index);
    cr_assert_eq(issuer.last_seq, 1);
    struct submit_result again = hosted_submit(&h, note);
    CHECK_OK(again.status);
    cr_assert(again.place.logged);
    cr_assert_eq(again.place.index, index);
    hosted_accept(&h, world_lodge(w, 2, NULL));
    hosted_refuse(&h, world_damage(world_lodge(w, 3, NULL), 0), STATUS_DENIED_SIGNATURE,
                  "does not verify");
    /* It is nobody's to take back or to follow. */
    hosted_refuse(&h,
                  world_aside(w, WORLD_ROOT_1, "key.revoked",
                              world_text(w, "{'key':'%s','reason':'lost'}", name)),
                  STATUS_BAD_MEMBER, "is a one-time key, and signs nothing more");
}

/* The key goes on, as an issuer that the log knows. */
Test(lodged, signs_nothing_else) {
    const char *name;
    hosted_accept(&h, world_lodge(w, 1, &name));
    struct signer unnamed = w->people[WORLD_STRANGER];
    struct signer key = test_signer(world_text(w, "one-time-key-%u", 1u), VKEY_NOTE);
    CHECK_OK(vkey_make(bytes_text(name), VKEY_NOTE, &key.vkey.key, &key.vkey));
    w->people[WORLD_STRANGER] = key;
    w->last[WORLD_STRANGER].seq = 1;
    w->last[WORLD_STRANGER].id = world_id(world_lodge(w, 1, NULL));
    hosted_refuse(&h, world_aside(w, WORLD_STRANGER, "failure.alleged", NULL), STATUS_DENIED_SCOPE,
                  "a key in the role anyone may not issue failure.alleged");
    w->people[WORLD_STRANGER] = unnamed;
}

Test(lodged, its_receipt_needs_no_enrolment_and_says_so) {
    static uint8_t memory[RECEIPT_SIZE_MAX];
    static struct verifier verifier;
    static struct verify_report report;
    const char *name;
    struct store_txn *txn;
    struct writer receipt;
    struct refusal why = {.text = ""};
    bool pending = true;
    uint64_t index = 0;
    hosted_accept(&h, world_lodge(w, 1, &name));
    hosted_publish(&h, WORLD_TIME_MS / 1000 + 60, 7);
    CHECK_OK(store_begin(h.store, STORE_READ, &txn));
    writer_init(&receipt, memory, sizeof memory);
    CHECK_OK(sequencer_receipt(txn, &h.log, bytes_text(name), 1, UINT64_MAX, &receipt, &pending,
                               &index, &why));
    store_abort(txn);
    struct verify_trust trust = {.root_count = 2, .threshold = 2};
    trust.roots[0] = w->people[WORLD_ROOT_1].vkey;
    trust.roots[1] = w->people[WORLD_ROOT_2].vkey;
    CHECK_OK(verify_receipt(&verifier, writer_view(&receipt), &trust, &report, &why));
    cr_assert(report.one_time);
    cr_assert(report.has_body);
    cr_assert_eq(report.chain_count, 0);
    cr_assert_str_eq(report.issuer, name);
}
