/* Recognised logs: what hangs on a pin, by which way, whatever the order in which it came here. */
#include "ledger/recognition.h"

#include "ledger/schema.h"
#include "tests/lib/check.h"
#include "tests/lib/keys.h"
#include "tests/lib/several.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct several s;
static struct recognition_set *set;

static void setup(void) {
    several_open(&s);
    set = malloc(sizeof *set);
    cr_assert_not_null(set);
}

static void cleanup(void) {
    free(set);
    several_close(&s);
}

TestSuite(recognition, .init = setup, .fini = cleanup);

static struct pin pin_of(const struct several_log *log, size_t threshold) {
    struct pin pin = {.name = "doj", .root_count = 2, .threshold = threshold};
    pin.roots[0] = log->world.people[WORLD_ROOT_1].vkey; /* these two signed the opening */
    pin.roots[1] = log->world.people[WORLD_ROOT_2].vkey;
    return pin;
}

static uint64_t recognises_vkey(struct several_log *by, const struct vkey *vkey,
                                const char *address) {
    return several_say(by, WORLD_ROOT_1, "log.recognised",
                       world_text(&by->world, "{'address':'%s','log_vkey':'%s','operator':'op'}",
                                  address, several_vkey(by, vkey)));
}

static uint64_t recognises(struct several_log *by, const struct several_log *whom) {
    return several_recognise(by, &whom->world.log.vkey, "");
}

static uint64_t recognises_name(struct several_log *by, const char *origin, const char *address) {
    struct signer log = test_signer(origin, VKEY_NOTE);
    return recognises_vkey(by, &log.vkey, address);
}

static const struct recognition_view all = {.ori = NULL};

static const struct recognised *find(const struct pin *pin, const struct several_log *log) {
    CHECK_OK(recognition_find(s.txn, pin, 1, &all, set));
    return recognition_of(set, vkey_name(&log->world.log.vkey));
}

Test(recognition, leads_from_a_pinned_root_down) {
    struct several_log *agency =
        several_add_rooted(&s, "agency.example/log"); /* known before the others */
    struct several_log *state = several_add_rooted(&s, "state.example/log");
    struct several_log *doj = several_add_rooted(&s, "doj.example/log");
    struct several_log *stranger = several_add_rooted(&s, "stranger.example/log");
    struct pin pin = pin_of(doj, 2);
    recognises(state, agency);
    recognises(stranger, agency);
    const struct recognised *found = find(&pin, doj);
    cr_assert_not_null(found);
    cr_assert_eq(found->ways[0].depth, 0);
    cr_assert_eq(found->ways[0].by, 0);
    cr_assert_null(recognition_of(set, vkey_name(&state->log.vkey)));
    cr_assert_null(recognition_of(set, vkey_name(&agency->log.vkey)));
    uint64_t index = recognises(doj, state);
    found = find(&pin, state);
    cr_assert_eq(found->ways[0].by, doj->log.number);
    cr_assert_eq(found->ways[0].index, index);
    cr_assert_eq(found->log, state->log.number);
    cr_assert_eq(found->ways[0].depth, 1);
    found = find(&pin, agency);
    cr_assert_eq(found->ways[0].by, state->log.number);
    cr_assert_eq(found->ways[0].depth, 2);
    cr_assert_null(find(&pin, stranger));
    cr_assert_eq(set->count, 3);
    cr_assert_not(set->full);
}

Test(recognition, needs_the_pins_threshold) {
    struct several_log *doj = several_add_rooted(&s, "doj.example/log");
    struct pin pin = pin_of(doj, 2);
    cr_assert_not_null(find(&pin, doj));
    pin.roots[1] = doj->world.people[WORLD_ROOT_3].vkey; /* an authority, and did not sign */
    cr_assert_null(find(&pin, doj));
    pin.threshold = 1;
    cr_assert_not_null(find(&pin, doj));
    pin.roots[0] = doj->world.people[WORLD_OPERATOR].vkey; /* signed, and is none */
    cr_assert_null(find(&pin, doj));
    CHECK_OK(recognition_find(s.txn, NULL, 0, &all, set));
    cr_assert_eq(set->count, 0);
}

Test(recognition, of_a_log_that_is_not_known_here_yet) {
    struct several_log *doj = several_add_rooted(&s, "doj.example/log");
    struct pin pin = pin_of(doj, 2);
    struct signer far = test_signer("far.example/log", VKEY_NOTE);
    struct signer other = test_signer("other", VKEY_NOTE);
    struct recognition row;
    uint64_t before = 0;
    uint64_t after = 0;
    CHECK_OK(recognition_count(s.txn, &before));
    uint64_t first = recognises_vkey(doj, &far.vkey, "http://old.example");
    uint64_t latest = recognises_vkey(doj, &far.vkey, "http://new.example/x");
    CHECK_OK(recognition_count(s.txn, &after));
    cr_assert_eq(after, before + 2);
    CHECK_OK(recognition_find(s.txn, &pin, 1, &all, set));
    const struct recognised *found = recognition_of(set, bytes_text("far.example/log"));
    cr_assert_eq(found->log, 0);
    cr_assert_eq(found->ways[0].index, latest);
    cr_assert_eq(found->ways[0].since_index, first);
    cr_assert(vkey_equal(&found->vkey, &far.vkey));
    /* The latest word on where it is. */
    CHECK_OK(
        recognition_get(s.txn, doj->log.number, bytes_text("far.example/log"), UINT64_MAX, &row));
    cr_assert_str_eq(row.address, "http://new.example/x");
    cr_assert_str_eq(row.operator_name, "op");
    cr_assert_eq(row.bounds.ori_count + row.bounds.state_count + row.bounds.roles, 0);
    CHECK_STATUS(
        recognition_get(s.txn, doj->log.number, bytes_text("no.example/log"), UINT64_MAX, &row),
        STATUS_NOT_FOUND);
    /* Another key for that origin is refused, and so is the log itself. */
    CHECK_OK(vkey_make(bytes_text("far.example/log"), VKEY_NOTE, &other.vkey.key, &other.vkey));
    struct world *w = &doj->world;
    several_refuse(
        doj,
        world_aside(w, WORLD_ROOT_1, "log.recognised",
                    world_text(w, "{'address':'http://a','log_vkey':'%s','operator':'o'}",
                               several_vkey(doj, &other.vkey))),
        STATUS_BAD_MEMBER, "with another key");
    several_refuse(
        doj,
        world_aside(w, WORLD_ROOT_1, "log.recognised",
                    world_text(w, "{'address':'http://a','log_vkey':'%s','operator':'o'}",
                               several_vkey(doj, &w->log.vkey))),
        STATUS_BAD_MEMBER, "does not recognise itself");
    /* A node that has the origin under another key cannot hold it. */
    struct log log;
    CHECK_OK(logs_register(s.txn, &other.vkey, LOG_EVENTS, &log, NULL));
    CHECK_OK(recognition_find(s.txn, &pin, 1, &all, set));
    found = recognition_of(set, bytes_text("far.example/log"));
    cr_assert(found->other_key);
    cr_assert_eq(found->log, 0);
}

/* Of what to mirror, a log that was withdrawn stays, where it was served last; it leads nowhere. */
Test(recognition, withdrawn_is_known_still) {
    struct several_log *doj = several_add_rooted(&s, "doj.example/log");
    struct several_log *state = several_add_rooted(&s, "state.example/log");
    struct several_log *agency = several_add_rooted(&s, "agency.example/log");
    struct several_log *other = several_add_rooted(&s, "other.example/log");
    struct pin pin = pin_of(doj, 2);
    struct recognition row;
    recognises_vkey(doj, &state->world.log.vkey, "http://state.example");
    recognises(doj, other);
    recognises(state, agency);
    cr_assert_not_null(find(&pin, agency));
    uint64_t index = several_withdraw(doj, &state->world.log.vkey);
    const struct recognised *found = find(&pin, state);
    cr_assert(found->withdrawn);
    cr_assert_eq(found->ways[0].index, index);
    cr_assert_null(find(&pin, agency));
    CHECK_OK(
        recognition_get(s.txn, doj->log.number, bytes_text("state.example/log"), UINT64_MAX, &row));
    cr_assert(row.withdrawn);
    cr_assert_str_eq(row.address, "http://state.example");
    cr_assert_eq(row.bounds.ori_count, 0);
    recognises(other, state); /* deeper, and it counts */
    found = find(&pin, state);
    cr_assert_not(found->withdrawn);
    cr_assert_eq(found->ways[0].by, other->log.number);
    cr_assert_eq(find(&pin, agency)->ways[0].depth, 3);
    recognises_vkey(doj, &state->world.log.vkey, "http://new.example");
    cr_assert_eq(find(&pin, state)->ways[0].depth, 1);
}

/* The shortest way, then the first by stamp, origin of the recogniser, index. */
Test(recognition, by_several_is_by_the_first) {
    struct several_log *doj = several_add_rooted(&s, "doj.example/log");
    struct several_log *b = several_add_rooted(&s, "b.example/log");
    struct several_log *a = several_add_rooted(&s, "a.example/log");
    struct several_log *agency = several_add_rooted(&s, "agency.example/log");
    struct pin pin = pin_of(doj, 2);
    recognises(doj, b);
    recognises(doj, a);
    recognises(b, agency);
    recognises(a, agency); /* at the same stamp: a comes first */
    cr_assert_eq(find(&pin, agency)->ways[0].by, a->log.number);
    doj->late_ms = 86400000;
    recognises(doj, agency); /* later, and nearer */
    cr_assert_eq(find(&pin, agency)->ways[0].by, doj->log.number);
    cr_assert_eq(find(&pin, agency)->ways[0].depth, 1);
}

Test(recognition, by_the_earlier_stamp) {
    struct several_log *doj = several_add_rooted(&s, "doj.example/log");
    struct several_log *a = several_add_rooted(&s, "a.example/log");
    struct several_log *b = several_add_rooted(&s, "b.example/log");
    struct several_log *agency = several_add_rooted(&s, "agency.example/log");
    struct pin pin = pin_of(doj, 2);
    recognises(doj, a);
    recognises(doj, b);
    a->late_ms = 1;
    recognises(a, agency);
    recognises(b, agency);
    cr_assert_eq(find(&pin, agency)->ways[0].by, b->log.number);
}

Test(recognition, ends_in_a_circle_and_at_a_depth) {
    static const char *const names[] = {"l0.example/log", "l1.example/log", "l2.example/log",
                                        "l3.example/log", "l4.example/log", "l5.example/log"};
    struct several_log *logs[6];
    for (size_t i = 0; i < 6; i++) {
        logs[i] = several_add_rooted(&s, names[i]);
    }
    struct pin pin = pin_of(logs[0], 2);
    for (size_t i = 0; i < 5; i++) {
        recognises(logs[i], logs[i + 1]);
    }
    recognises(logs[4], logs[0]);
    recognises(logs[4], logs[1]);
    CHECK_OK(recognition_find(s.txn, &pin, 1, &all, set));
    cr_assert_eq(set->count, 5);
    for (size_t i = 0; i < 5; i++) {
        cr_assert_eq(find(&pin, logs[i])->ways[0].depth, i);
    }
    cr_assert_null(find(&pin, logs[5]));
}

/* A log that was recognised by mistake takes neither the room of the others nor a node's time. */
Test(recognition, by_one_log_is_bounded) {
    struct several_log *doj = several_add_rooted(&s, "doj.example/log");
    struct several_log *state = several_add_rooted(&s, "state.example/log");
    struct several_log *agency = several_add_rooted(&s, "agency.example/log");
    struct pin pin = pin_of(doj, 2);
    struct recognition row;
    recognises(doj, state);
    for (unsigned i = 0; i < RECOGNISED_BELOW_MAX; i++) {
        char origin[40];
        snprintf(origin, sizeof origin, "made-up-%u.example/log", i);
        recognises_name(state, origin, "http://a.example");
    }
    /* The same over and over is looked at once, and the last says where it is. */
    for (int i = 0; i < 20; i++) {
        recognises_name(state, "made-up-7.example/log",
                        i < 19 ? "http://old.example" : "http://new.example");
    }
    CHECK_OK(recognition_find(s.txn, &pin, 1, &all, set));
    cr_assert_not(set->full);
    cr_assert_eq(set->count, 2 + RECOGNISED_BELOW_MAX);
    cr_assert_eq(set->looked, 1 + RECOGNISED_BELOW_MAX);
    CHECK_OK(recognition_get(s.txn, state->log.number, bytes_text("made-up-7.example/log"),
                             UINT64_MAX, &row));
    cr_assert_str_eq(row.address, "http://new.example");
    recognises_name(state, "one-more.example/log", "http://a");
    recognises(doj, agency);
    CHECK_OK(recognition_find(s.txn, &pin, 1, &all, set));
    cr_assert(set->full);
    cr_assert_eq(set->count, 3 + RECOGNISED_BELOW_MAX);
    cr_assert_not_null(recognition_of(set, vkey_name(&agency->log.vkey)));
    /* Nor is there more room below what it recognises. */
    struct several_log *deeper = several_add_rooted(&s, "made-up-9.example/log");
    recognises_name(deeper, "far-below.example/log", "http://a");
    CHECK_OK(recognition_find(s.txn, &pin, 1, &all, set));
    cr_assert_eq(set->count, 3 + RECOGNISED_BELOW_MAX);
    cr_assert_null(recognition_of(set, bytes_text("far-below.example/log")));
}

Test(recognition, is_corrupt_where_a_row_is) {
    struct several_log *doj = several_add_rooted(&s, "doj.example/log");
    struct several_log *state = several_add_rooted(&s, "state.example/log");
    struct pin pin = pin_of(doj, 2);
    struct bytes key;
    struct bytes value;
    uint8_t place[STORE_KEY_MAX];
    uint8_t kept[2048];
    recognises(doj, state);
    struct key from = key_log(TABLE_RECOGNITION, doj->log.number);
    for (int row = 0; row < 2; row++) {
        CHECK_OK(store_seek(s.txn, key_view(&from), &key, &value));
        size_t place_len = key.len;
        size_t len = value.len;
        memcpy(place, key.data, place_len);
        memcpy(kept, value.data, len);
        for (size_t cut = 0; cut < len; cut++) {
            if (row == 0 && cut > 0 && cut % SIGN_PUBLIC_SIZE == 0) {
                continue; /* fewer signed it */
            }
            CHECK_OK(store_put(s.txn, bytes_of(place, place_len), bytes_of(kept, cut)));
            CHECK_STATUS(recognition_find(s.txn, &pin, 1, &all, set), STATUS_STORE_CORRUPT);
        }
        CHECK_OK(store_put(s.txn, bytes_of(place, place_len), bytes_of(kept, len)));
        CHECK_OK(recognition_find(s.txn, &pin, 1, &all, set));
        key_bytes(&from, bytes_of("", 1));
    }
}
