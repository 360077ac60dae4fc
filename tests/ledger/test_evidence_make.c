/* Evidence made of what somebody holds: each form, against the log and against a cosigner, and
 * nothing where nothing is proved. */
#include "ledger/proof.h"
#include "tests/lib/check.h"
#include "tests/lib/paper.h"

#include <criterion/criterion.h>
#include <string.h>

#define TIME 1700000000u
#define SIZE 24
#define COMMON 9

static struct world world;
static struct paper_log truth;
static struct paper_log forgery; /* parts after COMMON entries */
static uint8_t memory[EVIDENCE_MADE_MAX];
static struct writer made;

static void setup(void) {
    world_init(&world, "agency.example/log");
    paper_init(&truth, &world);
    paper_init(&forgery, &world);
    for (size_t i = 0; i < SIZE; i++) {
        paper_add(&truth, bytes_text(world_text(&world, "entry %zu", i)));
        paper_add(&forgery,
                  bytes_text(world_text(&world, "%s %zu", i < COMMON ? "entry" : "other", i)));
    }
    writer_init(&made, memory, sizeof memory);
}

static void teardown(void) {
    world_release(&world);
}

TestSuite(evidence_make, .init = setup, .fini = teardown);

static enum status of(const struct vkey *key, struct bytes one, struct bytes two,
                      const struct merkle_proof *subproof) {
    made.len = 0;
    made.failed = false;
    return evidence_of_checkpoints(key, one, two, subproof, &made);
}

static void proves(char form, const struct vkey *key) {
    struct evidence evidence;
    struct refusal why;
    CHECK_OK(evidence_parse(writer_view(&made), &evidence, &why));
    cr_assert_eq(evidence.form, form);
    CHECK_OK(evidence_verify(&evidence, key, &why));
}

static struct bytes at(const struct paper_log *log, size_t size, uint64_t time) {
    return paper_checkpoint(log, size, time, 3);
}

Test(evidence_make, form_a_is_one_file_whoever_makes_it) {
    const struct vkey *keys[] = {&world.log.vkey, &world.mirrors[0].vkey, &world.mirrors[1].vkey};
    uint8_t first[EVIDENCE_MADE_MAX];
    for (size_t i = 0; i < 3; i++) {
        CHECK_OK(of(keys[i], at(&truth, 12, TIME), at(&forgery, 12, TIME), NULL));
        proves('a', keys[i]);
        size_t len = made.len;
        memcpy(first, made.data, len);
        CHECK_OK(of(keys[i], at(&forgery, 12, TIME), at(&truth, 12, TIME), NULL));
        CHECK_BYTES(writer_view(&made), bytes_of(first, len));
    }
}

Test(evidence_make, form_b_of_all_sizes) {
    struct merkle_proof subproof;
    for (size_t m = COMMON + 1; m < SIZE; m++) {
        for (size_t n = m + 1; n <= SIZE; n++) {
            paper_subproof(&truth, m, n, &subproof);
            CHECK_OK(of(&world.log.vkey, at(&truth, n, TIME), at(&forgery, m, TIME), &subproof));
            proves('b', &world.log.vkey);
            CHECK_OK(
                of(&world.mirrors[1].vkey, at(&forgery, m, TIME), at(&truth, n, TIME), &subproof));
            proves('b', &world.mirrors[1].vkey);
            /* The same of an honest log. */
            CHECK_STATUS(of(&world.log.vkey, at(&truth, m, TIME), at(&truth, n, TIME), &subproof),
                         STATUS_NOT_FOUND);
        }
    }
}

Test(evidence_make, form_d_of_a_cosigner_that_went_back) {
    const struct vkey *mirror = &world.mirrors[0].vkey;
    CHECK_OK(of(mirror, at(&truth, 12, TIME), at(&truth, 11, TIME + 1), NULL));
    proves('d', mirror);
    CHECK_OK(of(mirror, at(&truth, 11, TIME + 1), at(&truth, 12, TIME), NULL));
    proves('d', mirror);
    CHECK_STATUS(of(mirror, at(&truth, 12, TIME), at(&truth, 11, TIME), NULL), STATUS_NOT_FOUND);
    CHECK_STATUS(of(mirror, at(&truth, 12, TIME + 1), at(&truth, 11, TIME), NULL),
                 STATUS_NOT_FOUND);
    /* A log's signature has no time; and this mirror did not sign. */
    CHECK_STATUS(of(&world.log.vkey, at(&truth, 12, TIME), at(&truth, 11, TIME + 1), NULL),
                 STATUS_NOT_FOUND);
    CHECK_STATUS(of(&world.mirrors[2].vkey, at(&truth, 12, TIME), at(&truth, 11, TIME + 1), NULL),
                 STATUS_NOT_FOUND);
}

Test(evidence_make, nothing_of_what_agrees_or_cannot_be_read) {
    const struct vkey *key = &world.log.vkey;
    CHECK_STATUS(of(key, at(&truth, 12, TIME), at(&truth, 12, TIME + 9), NULL), STATUS_NOT_FOUND);
    CHECK_STATUS(of(key, at(&truth, 12, TIME), at(&forgery, 13, TIME), NULL), STATUS_NOT_FOUND);
    CHECK_STATUS(of(key, at(&truth, 12, TIME), bytes_text("no note"), NULL), STATUS_NOT_FOUND);
    cr_assert_eq(made.len, 0u);
    made.cap = 100; /* no room */
    CHECK_STATUS(of(key, at(&truth, 12, TIME), at(&forgery, 12, TIME), NULL), STATUS_TOO_LARGE);
}

static struct bytes proof_of(const struct paper_log *log, size_t index, size_t size,
                             uint8_t *room) {
    struct writer w;
    writer_init(&w, room, PROOF_SIZE_MAX);
    paper_proof(&w, log, index, size, at(log, size, TIME));
    cr_assert_not(w.failed);
    return writer_view(&w);
}

Test(evidence_make, form_c_of_two_proofs_in_either_order) {
    static uint8_t rooms[2][PROOF_SIZE_MAX];
    const struct vkey *keys[] = {&world.log.vkey, &world.mirrors[0].vkey};
    for (size_t index = COMMON; index < 12; index++) {
        for (size_t k = 0; k < 2; k++) {
            struct bytes one = proof_of(&truth, index, 20, rooms[0]);
            struct bytes two = proof_of(&forgery, index, 12, rooms[1]);
            made.len = 0;
            CHECK_OK(evidence_of_proofs(keys[k], one, &truth.leaves[index], two,
                                        &forgery.leaves[index], &made));
            proves('c', keys[k]);
            made.len = 0;
            CHECK_OK(evidence_of_proofs(keys[k], two, &forgery.leaves[index], one,
                                        &truth.leaves[index], &made));
            proves('c', keys[k]);
        }
    }
    struct bytes one = proof_of(&truth, 3, 20, rooms[0]);
    struct bytes two = proof_of(&forgery, 3, 12, rooms[1]);
    CHECK_STATUS(evidence_of_proofs(keys[0], one, &truth.leaves[3], two, &forgery.leaves[3], &made),
                 STATUS_NOT_FOUND);
    CHECK_STATUS(evidence_of_proofs(keys[0], one, &truth.leaves[3], bytes_text("no proof"),
                                    &forgery.leaves[3], &made),
                 STATUS_NOT_FOUND);
}

Test(evidence_make, says_whose_log_it_is_and_how_many_lines) {
    struct evidence evidence;
    struct bytes origin;
    struct refusal why;
    for (char form = 'a'; form <= 'd'; form++) {
        made.len = 0;
        paper_evidence(&made, form, &truth, &forgery, COMMON, COMMON + 2, SIZE);
        CHECK_OK(evidence_parse(writer_view(&made), &evidence, &why));
        CHECK_OK(evidence_origin(&evidence, &origin));
        CHECK_BYTES(origin, bytes_text("agency.example/log"));
        cr_assert_eq(evidence_lines(&evidence, &world.mirrors[0].vkey), 2u);
        cr_assert_eq(evidence_lines(&evidence, &world.mirrors[2].vkey), 0u);
    }
}
