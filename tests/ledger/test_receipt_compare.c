/* Two receipts held against each other: what they prove together, and what they do not. */
#include "ledger/receipt_compare.h"

#include "tests/lib/check.h"
#include "tests/lib/paper.h"

#include <criterion/criterion.h>
#include <string.h>

#define TIME 1767000000u
#define COMMON 9
#define SIZE 20

static struct world world;
static struct paper_log truth;
static struct paper_log forgery; /* parts after COMMON entries */
static uint8_t rooms[2][RECEIPT_SIZE_MAX];
static uint8_t memory[EVIDENCE_SIZE_MAX];
static struct receipt receipts[2];
static struct vkey keys[3];
static struct vkey accused;

static void setup(void) {
    world_init(&world, "agency.example/log");
    paper_init(&truth, &world);
    paper_init(&forgery, &world);
    for (size_t i = 0; i < SIZE; i++) {
        paper_add(&truth, bytes_text(world_text(&world, "entry %zu", i)));
        paper_add(&forgery,
                  bytes_text(world_text(&world, "%s %zu", i < COMMON ? "entry" : "other", i)));
    }
    keys[0] = world.log.vkey;
    keys[1] = world.mirrors[0].vkey;
    keys[2] = world.mirrors[1].vkey;
}

static void teardown(void) {
    world_release(&world);
}

TestSuite(receipt_compare, .init = setup, .fini = teardown);

/* The receipt of entries 0, 1 and `index`, at `size`, cosigned by mirrors 0 and 1. */
static void receipt(size_t which, const struct paper_log *log, size_t index, size_t size,
                    uint64_t time) {
    struct writer w;
    const size_t items[] = {0, 1, index};
    writer_init(&w, rooms[which], RECEIPT_SIZE_MAX);
    paper_receipt(&w, log, items, 3, size, paper_checkpoint(log, size, time, 3));
    cr_assert_not(w.failed);
    CHECK_OK(receipt_parse(writer_view(&w), &receipts[which], NULL));
}

static void proves(char form, const struct vkey *key) {
    struct writer w;
    struct evidence evidence;
    struct refusal why;
    writer_init(&w, memory, sizeof memory);
    CHECK_OK(receipt_compare(&receipts[0], &receipts[1], keys, 3, &accused, &w));
    CHECK_OK(evidence_parse(writer_view(&w), &evidence, &why));
    cr_assert_eq(evidence.form, form);
    CHECK_OK(evidence_verify(&evidence, &accused, &why));
    cr_assert(vkey_equal(&accused, key));
}

static void proves_nothing(void) {
    struct writer w;
    writer_init(&w, memory, sizeof memory);
    CHECK_STATUS(receipt_compare(&receipts[0], &receipts[1], keys, 3, &accused, &w),
                 STATUS_NOT_FOUND);
    cr_assert_eq(w.len, 0u);
}

Test(receipt_compare, of_one_size_are_form_a) {
    receipt(0, &truth, 3, 14, TIME);
    receipt(1, &forgery, 4, 14, TIME);
    proves('a', &keys[0]);
}

Test(receipt_compare, of_two_sizes_and_one_entry_are_form_c) {
    receipt(0, &truth, 10, 14, TIME);
    receipt(1, &forgery, 10, 12, TIME);
    proves('c', &keys[0]);
}

Test(receipt_compare, of_a_mirror_that_went_back_are_form_d) {
    receipt(0, &truth, 3, 12, TIME + 1);
    receipt(1, &truth, 4, 14, TIME);
    proves('d', &keys[1]);
}

Test(receipt_compare, of_one_history_prove_nothing) {
    receipt(0, &truth, 10, 14, TIME);
    for (size_t size = 14; size <= SIZE; size++) {
        for (size_t index = 2; index < size; index++) {
            receipt(1, &truth, index, size, TIME + size);
            proves_nothing();
        }
    }
}

/* Two histories that these two receipts do not show to differ: nobody is accused. */
Test(receipt_compare, of_two_histories_that_share_what_is_shown_prove_nothing) {
    receipt(0, &truth, 10, 12, TIME);
    receipt(1, &forgery, 11, 14, TIME);
    proves_nothing();
}

Test(receipt_compare, of_two_logs_prove_nothing) {
    struct world other;
    struct paper_log elsewhere;
    world_init(&other, "other.example/log");
    paper_init(&elsewhere, &other);
    for (size_t i = 0; i < SIZE; i++) {
        paper_add(&elsewhere, bytes_text(world_text(&other, "elsewhere %zu", i)));
    }
    receipt(0, &truth, 10, 14, TIME);
    receipt(1, &elsewhere, 10, 14, TIME);
    keys[1] = other.mirrors[0].vkey;
    proves_nothing();
    world_release(&other);
}
