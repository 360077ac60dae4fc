/* Acceptance: each issuer's sequence, what events say of other events, and what the bytes alone
 * decide. */
#include "tests/lib/check.h"
#include "tests/lib/hosted.h"

#include <criterion/criterion.h>
#include <string.h>

static struct hosted h;
static struct world *w;

static void open_started(void) {
    hosted_open(&h);
    w = &h.world;
    hosted_start(&h);
}

static void close_all(void) {
    hosted_close(&h);
}

/* --- sequence --- */

TestSuite(accept_sequence, .init = open_started, .fini = close_all);

Test(accept_sequence, a_gap_names_what_is_expected) {
    struct submit_result result =
        hosted_refuse(&h,
                      world_event(w, &(struct world_event){.issuer = WORLD_BOARD,
                                                           .kind = "failure.alleged",
                                                           .seq = 3,
                                                           .aside = true,
                                                           .prev = &w->last[WORLD_CLERK].id}),
                      STATUS_CONFLICT_GAP, "1 is expected of board");
    struct hash none = {{0}};
    cr_assert_eq(result.place.expected, 1);
    cr_assert(hash_equal(&result.place.head, &none));
    struct bytes first = world_sample(w, WORLD_CLERK, "failure.alleged");
    hosted_accept(&h, first);
    result = hosted_refuse(&h,
                           world_event(w, &(struct world_event){.issuer = WORLD_CLERK,
                                                                .kind = "failure.alleged",
                                                                .seq = 3,
                                                                .aside = true}),
                           STATUS_CONFLICT_GAP, "2 is expected of clerk");
    struct hash id = world_id(first);
    cr_assert_eq(result.place.expected, 2);
    cr_assert(hash_equal(&result.place.head, &id));
}

Test(accept_sequence, prev_is_the_id_of_the_event_before) {
    struct bytes first = world_sample(w, WORLD_CLERK, "failure.alleged");
    hosted_accept(&h, first);
    struct hash wrong = world_id(first);
    wrong.bytes[31] ^= 1;
    struct submit_result result =
        hosted_refuse(&h,
                      world_event(w, &(struct world_event){.issuer = WORLD_CLERK,
                                                           .kind = "failure.alleged",
                                                           .prev = &wrong,
                                                           .aside = true}),
                      STATUS_CONFLICT_GAP, "member prev");
    struct hash id = world_id(first);
    cr_assert_eq(result.place.expected, 2);
    cr_assert(hash_equal(&result.place.head, &id));
}

Test(accept_sequence, the_same_event_again_is_found) {
    struct bytes notes[3];
    for (size_t i = 0; i < 3; i++) {
        notes[i] = world_sample(w, WORLD_CLERK, "failure.alleged");
        h.now_ms += 1000;
        hosted_accept(&h, notes[i]);
    }
    struct hash before = store_digest(h.memory);
    for (size_t i = 0; i < 3; i++) {
        h.now_ms += 500000;
        struct submit_result result = hosted_submit(&h, notes[i]);
        CHECK_OK(result.status);
        cr_assert(result.place.logged);
        cr_assert_eq(result.place.index, WORLD_START + i);
        cr_assert_eq(result.received_ms, WORLD_TIME_MS + 1000 * (i + 1));
    }
    struct hash after = store_digest(h.memory);
    cr_assert(hash_equal(&before, &after));
}

Test(accept_sequence, the_same_event_twice_in_one_request) {
    struct bytes notes[3];
    struct submit_result results[3];
    notes[0] = world_sample(w, WORLD_CLERK, "failure.alleged");
    notes[1] = notes[0];
    notes[2] = world_sample(w, WORLD_CLERK, "failure.alleged");
    hosted_submit_many(&h, notes, 3, results);
    for (size_t i = 0; i < 3; i++) {
        CHECK_OK(results[i].status);
        cr_assert_eq(results[i].received_ms, WORLD_TIME_MS);
    }
    cr_assert_not(results[0].place.logged);
    cr_assert(results[1].place.logged);
    cr_assert_eq(results[1].place.index, results[0].place.index);
    cr_assert_eq(results[2].place.index, results[0].place.index + 1);
    cr_assert_eq(hosted_size(&h), WORLD_START + 2);
}

Test(accept_sequence, another_event_of_a_used_seq_is_kept_once) {
    struct bytes first = world_sample(w, WORLD_CLERK, "failure.alleged");
    uint64_t index = hosted_accept(&h, first);
    hosted_accept(&h, world_sample(w, WORLD_CLERK, "failure.alleged"));
    uint32_t clerk = hosted_issuer(&h, WORLD_CLERK).number;
    static const char *const kinds[] = {"finding.final", "intervention.reported"};
    struct bytes others[2];
    for (size_t i = 0; i < 2; i++) {
        others[i] =
            world_event(w, &(struct world_event){
                               .issuer = WORLD_CLERK, .kind = kinds[i], .seq = 1, .aside = true});
        struct submit_result result =
            hosted_refuse(&h, others[i], STATUS_CONFLICT_USED, "member seq: 1 of clerk");
        cr_assert_eq(result.place.index, index);
        cr_assert_not(result.place.logged);
    }
    struct store_txn *txn;
    struct bytes kept;
    CHECK_OK(store_begin(h.store, STORE_READ, &txn));
    CHECK_OK(issuer_conflict(txn, h.log.number, clerk, 1, &kept));
    CHECK_BYTES(kept, others[0]);
    CHECK_STATUS(issuer_conflict(txn, h.log.number, clerk, 2, &kept), STATUS_NOT_FOUND);
    store_abort(txn);
    /* Sent again it is a conflict again, and changes nothing. */
    struct hash before = store_digest(h.memory);
    hosted_refuse(&h, others[0], STATUS_CONFLICT_USED, "entry 7");
    struct hash after = store_digest(h.memory);
    cr_assert(hash_equal(&before, &after));
}

Test(accept_sequence, a_badly_signed_event_of_a_used_seq_is_not_kept) {
    hosted_accept(&h, world_sample(w, WORLD_CLERK, "failure.alleged"));
    struct bytes other = world_event(
        w, &(struct world_event){
               .issuer = WORLD_CLERK, .kind = "finding.final", .seq = 1, .aside = true});
    struct hash before = store_digest(h.memory);
    hosted_refuse(&h, world_damage(other, 0), STATUS_DENIED_SIGNATURE, "clerk");
    struct hash after = store_digest(h.memory);
    cr_assert(hash_equal(&before, &after));
}

Test(accept_sequence, each_issuer_has_its_own) {
    static const enum world_who people[] = {WORLD_CLERK, WORLD_BOARD, WORLD_COURT, WORLD_POST};
    for (uint64_t seq = 1; seq <= 5; seq++) {
        for (size_t i = 0; i < 4; i++) {
            hosted_accept(&h, world_sample(w, people[i], "finding.final"));
        }
    }
    for (size_t i = 0; i < 4; i++) {
        struct issuer issuer = hosted_issuer(&h, people[i]);
        struct store_txn *txn;
        uint64_t index = 0;
        cr_assert_eq(issuer.last_seq, 5);
        cr_assert(hash_equal(&issuer.last_id, &w->last[people[i]].id));
        CHECK_OK(store_begin(h.store, STORE_READ, &txn));
        for (uint64_t seq = 1; seq <= 5; seq++) {
            CHECK_OK(issuer_event(txn, h.log.number, issuer.number, seq, &index));
            cr_assert_eq(index, WORLD_START + 4 * (seq - 1) + i);
        }
        CHECK_STATUS(issuer_event(txn, h.log.number, issuer.number, 6, &index), STATUS_NOT_FOUND);
        store_abort(txn);
    }
}

/* --- references --- */

TestSuite(accept_reference, .init = open_started, .fini = close_all);

static const char *reference(const char *log, enum world_who issuer, uint64_t seq,
                             const struct hash *id) {
    uint8_t hex[2 * HASH_SIZE];
    struct writer out;
    writer_init(&out, hex, sizeof hex);
    writer_hash_hex(&out, id);
    return world_text(w, "{'id':'%.64s','issuer':'%s','log':'%s','seq':%llu}", (const char *)hex,
                      world_name(w, issuer), log, (unsigned long long)seq);
}

static const char *correct(const char *event, const char *more) {
    return world_text(w, "{'event':%s,'ori':'" WORLD_ORI "','what':'wrong_date'%s}", event, more);
}

Test(accept_reference, a_correction_is_of_an_event_that_is_there) {
    const char *own = "agency.example/log";
    hosted_accept(&h, world_sample(w, WORLD_CLERK, "failure.alleged"));
    struct hash id = w->last[WORLD_CLERK].id;
    struct hash other = id;
    other.bytes[0] ^= 1;
    const char *wrong[] = {
        reference(own, WORLD_CLERK, 1, &other), reference(own, WORLD_CLERK, 2, &id),
        reference(own, WORLD_AGENCY, 1, &id), reference(own, WORLD_STRANGER, 1, &id)};
    const char *right = reference(own, WORLD_CLERK, 1, &id);
    for (size_t i = 0; i < 4; i++) {
        hosted_refuse(&h, world_aside(w, WORLD_BOARD, "correction", correct(wrong[i], "")),
                      STATUS_BAD_MEMBER, "member event:");
        const char *more = world_text(w, ",'replaced_by':%s", wrong[i]);
        hosted_refuse(&h, world_aside(w, WORLD_BOARD, "correction", correct(right, more)),
                      STATUS_BAD_MEMBER, "member replaced_by:");
    }
    hosted_accept(&h, world_event(w, &(struct world_event){.issuer = WORLD_BOARD,
                                                           .kind = "correction",
                                                           .open = correct(right, "")}));
    /* Of another log's event nothing is known here: standing, not acceptance. */
    const char *elsewhere = reference("state.example/log", WORLD_STRANGER, 9, &other);
    hosted_accept(&h, world_event(w, &(struct world_event){.issuer = WORLD_BOARD,
                                                           .kind = "correction",
                                                           .open = correct(elsewhere, "")}));
}

Test(accept_reference, an_event_names_only_what_its_kind_is_about) {
    static const char reversal[] =
        "{'basis':'live','case':'00112233445566778899aabbccddeeff','decided':'2025-12-20',"
        "'decided_by':'court','event':%s,'ori':'" WORLD_ORI "','party':'officer'}";
    const char *own = "agency.example/log";
    hosted_accept(&h, world_sample(w, WORLD_CLERK, "failure.alleged"));
    const char *allegation = reference(own, WORLD_CLERK, 1, &w->last[WORLD_CLERK].id);
    hosted_accept(&h, world_sample(w, WORLD_CLERK, "finding.final"));
    const char *finding = reference(own, WORLD_CLERK, 2, &w->last[WORLD_CLERK].id);
    hosted_refuse(
        &h, world_aside(w, WORLD_COURT, "finding.reversed", world_text(w, reversal, allegation)),
        STATUS_BAD_MEMBER, "is failure.alleged, which no finding.reversed is about");
    hosted_accept(&h,
                  world_event(w, &(struct world_event){.issuer = WORLD_COURT,
                                                       .kind = "finding.reversed",
                                                       .open = world_text(w, reversal, finding)}));
    const char *previous = reference(own, WORLD_STRANGER, 9, &w->last[WORLD_CLERK].id);
    const char *list = world_text(
        w,
        "{'address':'https://pd.example/','count':0,'file':'%064d','keys':'%064d','list':'pd',"
        "'mapping':'%064d','observed':'2025-12-20T00:00:00Z','previous':%s,'root':'%064d'}",
        1, 2, 3, previous, 4);
    hosted_refuse(&h, world_aside(w, WORLD_BOARD, "list.observed", list), STATUS_BAD_MEMBER,
                  "member previous: no event");
}

Test(accept_reference, every_closed_member_can_be_disclosed) {
    hosted_accept(&h, world_closed_sample(w, WORLD_CLERK, "failure.alleged"));
    for (size_t which = 0; which < WORLD_CLOSED; which++) {
        const char *open = world_disclose(w, WORLD_CLERK, which);
        hosted_accept(&h, world_event(w, &(struct world_event){.issuer = WORLD_BOARD,
                                                               .kind = "event.opened",
                                                               .open = open}));
    }
}

Test(accept_reference, works_within_one_request) {
    struct bytes notes[3];
    struct submit_result results[3];
    notes[0] = world_closed_sample(w, WORLD_CLERK, "failure.alleged");
    notes[1] = world_sample(w, WORLD_CLERK, "event.opened");
    notes[2] = world_sample(w, WORLD_CLERK, "correction");
    hosted_submit_many(&h, notes, 3, results);
    for (size_t i = 0; i < 3; i++) {
        CHECK_OK(results[i].status);
    }
}

/* Replaces the first `from` in a disclosure by `to`. */
static const char *bend(const char *open, const char *from, const char *to) {
    const char *at = strstr(open, from);
    cr_assert_not_null(at, "%s in %s", from, open);
    return world_text(w, "%.*s%s%s", (int)(at - open), open, to, at + strlen(from));
}

Test(accept_reference, a_disclosure_shows_what_was_committed) {
    hosted_accept(&h, world_closed_sample(w, WORLD_CLERK, "failure.alleged"));
    const char *open = world_disclose(w, WORLD_CLERK, 1);
    const char *bent[] = {
        bend(open, "Stood by", "Sat by"),
        bend(open, "'member':'narrative'", "'member':'place'"),
        bend(open, "'index':1", "'index':0"),
        bend(open, "'salt':'", "'salt':'0000"),
        bend(open, "'proof':['", "'proof':['0000"),
    };
    for (size_t i = 0; i < sizeof bent / sizeof bent[0]; i++) {
        const char *text = bent[i];
        if (i >= 3) { /* four digits too many now: drop as many at the end of that hash */
            char *end = strstr((char *)(uintptr_t)strstr(text, "'0000") + 5, "'");
            memmove(end - 4, end, strlen(end) + 1);
        }
        hosted_refuse(&h, world_aside(w, WORLD_BOARD, "event.opened", text), STATUS_BAD_MEMBER,
                      "member value: ");
    }
    hosted_accept(&h, world_aside(w, WORLD_BOARD, "event.opened", open));
}

Test(accept_reference, a_disclosure_is_of_an_event_with_a_body) {
    hosted_accept(&h, world_closed_sample(w, WORLD_CLERK, "failure.alleged"));
    struct hash closed = w->closed[WORLD_CLERK].id;
    const char *open = world_disclose(w, WORLD_CLERK, 1);
    hosted_accept(&h, world_sample(w, WORLD_CLERK, "failure.alleged"));
    struct hash id = w->last[WORLD_CLERK].id;
    const char *own = "agency.example/log";
    const char *named = reference(own, WORLD_CLERK, 1, &closed);
    hosted_refuse(&h,
                  world_aside(w, WORLD_BOARD, "event.opened",
                              bend(open, named, reference(own, WORLD_CLERK, 2, &id))),
                  STATUS_BAD_MEMBER, "entry 8 has no closed members");
    hosted_refuse(&h,
                  world_aside(w, WORLD_BOARD, "event.opened",
                              bend(open, named, reference(own, WORLD_CLERK, 3, &id))),
                  STATUS_BAD_MEMBER, "member event:");
    hosted_accept(
        &h, world_aside(w, WORLD_BOARD, "event.opened",
                        bend(open, named, reference("state.example/log", WORLD_CLERK, 3, &id))));
}

/* --- the bytes alone --- */

TestSuite(accept_form, .init = open_started, .fini = close_all);

Test(accept_form, what_event_parse_refuses_never_enters) {
    struct bytes good = world_aside(w, WORLD_CLERK, "failure.alleged", NULL);
    hosted_refuse(&h, bytes_text(""), STATUS_BAD_FORM, "");
    hosted_refuse(&h, bytes_text("dutylog/event/v1\n{}\n"), STATUS_BAD_FORM, "");
    hosted_refuse(&h, bytes_of(good.data, good.len - 1), STATUS_BAD_FORM, "");
    static uint8_t large[EVENT_SIZE_MAX + 1];
    hosted_refuse(&h, bytes_of(large, sizeof large), STATUS_TOO_LARGE, "16384");
    hosted_accept(&h, good);
}

Test(accept_form, an_event_for_another_log_is_refused) {
    struct bytes note = world_event(w, &(struct world_event){.issuer = WORLD_CLERK,
                                                             .kind = "failure.alleged",
                                                             .log = "state.example/log",
                                                             .aside = true});
    hosted_refuse(&h, note, STATUS_BAD_LOG, "member log: meant for state.example/log");
}
