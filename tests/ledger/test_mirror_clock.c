/* Whether a cosigner signs, by its clock: the log's newest stamp, the newest quorum that others
 * made, and what its peers' clocks say. */
#include "ledger/publish_parts.h"
#include "tests/lib/check.h"
#include "tests/lib/little.h"

#include <criterion/criterion.h>
#include <string.h>

#define NOW 1700000000u /* what the mirror's clock says at first */
#define DAYS_40 (40u * 86400u)
#define BODY_MAX (1 << 18)

static struct little_log *truth;
static struct little_mirror *mirror;
static uint8_t body[BODY_MAX];

static void setup(void) {
    truth = little_log_open("agency.example/log", UINT64_MAX);
    truth->stamp_ms = (uint64_t)NOW * 1000;
    little_log_grow(truth, 10);
    mirror = little_mirror_open(truth, NULL);
    little_mirror_follow(mirror, truth, 10);
}

static void teardown(void) {
    little_mirror_close(mirror);
    little_log_close(truth);
}

TestSuite(mirror_clock, .init = setup, .fini = teardown);

/* The mirror's peers cosigned then. */
static void keep_quorum(uint64_t seconds) {
    struct store_txn *txn;
    struct published at = {.size = 10, .quorum_time = seconds, .note = bytes_text("a checkpoint")};
    CHECK_OK(store_begin(mirror->store, STORE_WRITE, &txn));
    CHECK_OK(publish_keep(txn, mirror->log.number, &at));
    CHECK_OK(store_commit(txn));
}

/* Asks for a fresh cosignature of both keys; the statuses are to be the same. */
static unsigned cosigns(void) {
    unsigned one = little_mirror_add_checkpoint(
        mirror, little_log_checkpoint(truth, 10, 10, body, sizeof body));
    unsigned two =
        little_mirror_add_entries(mirror, little_log_entries(truth, 10, 10, body, sizeof body), 0);
    cr_assert_eq(one, two);
    return one;
}

Test(mirror_clock, is_vouched_for_by_the_newest_stamp) {
    mirror->peers = PEERS_APART;
    static const struct {
        int seconds;
        unsigned http;
    } rows[] = {{300, 200}, {301, 503}, {-301, 503}, {-300, 200}, {(int)DAYS_40, 503}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        mirror->now = (uint64_t)((int64_t)NOW + rows[i].seconds);
        cr_assert_eq(cosigns(), rows[i].http, "row %zu", i);
    }
}

Test(mirror_clock, is_vouched_for_by_what_others_cosigned) {
    mirror->peers = PEERS_APART;
    mirror->now = NOW + 7200;
    cr_assert_eq(cosigns(), 503u);
    keep_quorum(NOW + 7200 - 300);
    cr_assert_eq(cosigns(), 200u);
    mirror->now += 1;
    cr_assert_eq(cosigns(), 503u);
}

/* After a silence of two hours every right clock is far from both. */
Test(mirror_clock, is_vouched_for_by_its_peers_clocks) {
    keep_quorum(NOW);
    mirror->now = NOW + 7200;
    mirror->peers = PEERS_ALIKE;
    cr_assert_eq(cosigns(), 200u);
    mirror->peers = PEERS_UNHEARD;
    cr_assert_eq(cosigns(), 200u);
    mirror->peers = PEERS_AWAITED;
    cr_assert_eq(cosigns(), 503u);
    mirror->peers = PEERS_APART;
    cr_assert_eq(cosigns(), 503u);
}

Test(mirror_clock, that_is_behind_both_is_wrong_without_asking_anybody) {
    mirror->now = NOW - 7200;
    cr_assert_eq(cosigns(), 200u); /* by the stamps alone the log may be ahead */
    keep_quorum(NOW);
    cr_assert_eq(cosigns(), 503u);
    mirror->peers = PEERS_ALIKE;
    cr_assert_eq(cosigns(), 200u);
}

/* The refused leave no trace: the next time that is signed is the right clock's. */
Test(mirror_clock, signs_right_times_once_it_is_set_right) {
    mirror->peers = PEERS_APART;
    mirror->now = NOW + DAYS_40;
    cr_assert_eq(cosigns(), 503u);
    cr_assert(strstr((const char *)mirror->answer.body, "clock") != NULL);
    mirror->now = NOW + 5;
    cr_assert_eq(cosigns(), 200u);
    cr_assert_eq(little_mirror_cosigned(mirror, truth, 10, &mirror->mirror), NOW + 5);
}

/* Entries are stored whatever the clock is; it is the new entries' stamps that vouch. */
Test(mirror_clock, stores_what_it_does_not_cosign) {
    bool any;
    mirror->peers = PEERS_APART;
    mirror->now = NOW + 3600;
    little_log_grow(truth, 11);
    cr_assert_eq(little_mirror_add_checkpoint(
                     mirror, little_log_checkpoint(truth, 10, 11, body, sizeof body)),
                 503u);
    mirror->peers = PEERS_ALIKE;
    little_mirror_agree(mirror, truth, 11);
    mirror->peers = PEERS_APART;
    cr_assert_eq(
        little_mirror_add_entries(mirror, little_log_entries(truth, 10, 11, body, sizeof body), 0),
        503u);
    cr_assert_eq(little_mirror_stored(mirror), 11u);
    cr_assert_eq(little_mirror_checkpoint(mirror, &any), 10u);
    truth->stamp_ms = ((uint64_t)NOW + 3600) * 1000;
    little_log_grow(truth, 12);
    mirror->peers = PEERS_ALIKE;
    little_mirror_agree(mirror, truth, 12);
    mirror->peers = PEERS_APART;
    cr_assert_eq(
        little_mirror_add_entries(mirror, little_log_entries(truth, 11, 12, body, sizeof body), 0),
        200u);
}

Test(mirror_clock, candidates_too) {
    mirror->peers = PEERS_APART;
    mirror->now = NOW + DAYS_40;
    little_log_grow(truth, 11);
    struct bytes candidate = little_log_candidate(truth, 10, 11, body, sizeof body);
    cr_assert_eq(little_mirror_add_candidate(mirror, candidate), 503u);
    cr_assert_eq(little_mirror_stored(mirror), 10u);
    mirror->now = NOW;
    cr_assert_eq(little_mirror_add_candidate(mirror, candidate), 200u);
}

Test(mirror_clock, by_how_many_of_those_heard) {
    static const struct {
        int64_t offsets[4];
        size_t heard;
        size_t awaited;
        enum peers_say say;
    } rows[] = {
        {{0}, 0, 0, PEERS_UNHEARD},
        {{0}, 0, 1, PEERS_AWAITED},
        {{300}, 1, 0, PEERS_ALIKE},
        {{-300}, 1, 0, PEERS_ALIKE},
        {{301}, 1, 0, PEERS_APART},
        {{-301}, 1, 0, PEERS_APART},
        {{0}, 1, 1, PEERS_AWAITED}, /* the one heard first may be as wrong as we are */
        {{0, DAYS_40}, 2, 0, PEERS_TIED},
        {{0, DAYS_40}, 2, 1, PEERS_AWAITED},
        {{0, 0}, 2, 1, PEERS_ALIKE},
        {{DAYS_40, DAYS_40}, 2, 0, PEERS_APART},
        {{0, DAYS_40, DAYS_40}, 3, 0, PEERS_APART},
        {{DAYS_40, 0, 1}, 3, 0, PEERS_ALIKE},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        cr_assert_eq(mirror_peers_say(rows[i].offsets, rows[i].heard, rows[i].awaited), rows[i].say,
                     "row %zu", i);
    }
}

/* Two of three mirrors are ahead alike, and hear each other: each is far from all that is signed.
 * A right one that hears a liar is not. */
Test(mirror_clock, of_a_tie_what_is_signed_decides) {
    mirror->peers = PEERS_TIED;
    mirror->now = NOW + DAYS_40;
    cr_assert_eq(cosigns(), 503u);
    mirror->now = NOW + 86401;
    cr_assert_eq(cosigns(), 503u);
    mirror->now = NOW + 86400;
    cr_assert_eq(cosigns(), 200u);
    mirror->now += 86400; /* a day from what it signed itself */
    cr_assert_eq(cosigns(), 200u);
    keep_quorum(NOW + 4 * 86400);
    mirror->now = NOW + 5 * 86400;
    cr_assert_eq(cosigns(), 200u);
}

Test(mirror_clock, whose_peers_are_asked) {
    struct bytes request = little_log_checkpoint(truth, 10, 10, body, sizeof body);
    CHECK_TEXT(add_checkpoint_origin(request), "agency.example/log");
    CHECK_TEXT(add_checkpoint_origin(bytes_text("old 1\n\n")), "");
    CHECK_TEXT(add_checkpoint_origin(bytes_text("old 1\nabc\n\norigin\n")), "origin");
    CHECK_TEXT(add_checkpoint_origin(bytes_text("")), "");
    little_log_grow(truth, 11);
    request = little_log_candidate(truth, 10, 11, body, sizeof body);
    CHECK_TEXT(add_candidate_origin(request), "agency.example/log");
    CHECK_TEXT(add_candidate_origin(bytes_of(request.data, 40)), "");
}
