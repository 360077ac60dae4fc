/* A folder that is restored: what it takes for its own log, and what it is meanwhile. */
#include "ledger/restore.h"

#include "ledger/guard.h"
#include "ledger/mirror_parts.h"
#include "ledger/sequencer.h"
#include "tests/lib/check.h"
#include "tests/lib/keys.h"
#include "tests/lib/little.h"

#include <criterion/criterion.h>
#include <string.h>

#define ORIGIN "agency.example/log"

static struct little_log *truth;
static struct store *store;
static struct store_txn *txn;
static struct refusal why;
static uint8_t memory[CHECKPOINT_SIZE_MAX];

static void setup(void) {
    truth = little_log_open(ORIGIN, UINT64_MAX);
    little_log_grow(truth, 40);
    CHECK_OK(store_memory_open(NULL, &store));
    CHECK_OK(store_begin(store, STORE_WRITE, &txn));
}

static void teardown(void) {
    store_abort(txn);
    store_memory_close(store);
    little_log_close(truth);
}

TestSuite(restore, .init = setup, .fini = teardown);

static bool unfinished(void) {
    bool is = false;
    CHECK_OK(restore_unfinished(txn, &is));
    return is;
}

/* As a pull would leave it: a checkpoint and all its entries. */
static void fill(const struct log *log, uint64_t size, uint64_t entries) {
    struct tree tree;
    struct signed_checkpoint pending = {
        .size = size, .root = little_log_root(truth, size), .note = bytes_of(NULL, 0)};
    pending.note = little_log_note(truth, size, memory);
    CHECK_OK(mirror_set_pending(txn, log->number, &pending));
    CHECK_OK(tree_load(txn, log->number, &tree));
    struct store_txn *from;
    CHECK_OK(store_begin(truth->store, STORE_READ, &from));
    while (tree.frontier.size < entries) {
        struct bytes entry;
        CHECK_OK(tree_entry(from, truth->log.number, tree.frontier.size, &entry));
        CHECK_OK(tree_append(&tree, txn, entry, NULL));
        CHECK_OK(tree_flush(&tree, txn));
    }
    store_abort(from);
}

Test(restore, lost_log_comes_back_as_the_folders_own) {
    struct log log;
    struct log found;
    struct head head;
    struct signed_checkpoint checkpoint;
    cr_assert(!unfinished());
    CHECK_OK(restore_begin(txn, &truth->signer.vkey, LOG_OWN, &log, &why));
    cr_assert(unfinished() && log.flags == 0);
    CHECK_STATUS(restore_check(txn, &log), STATUS_NOT_FOUND);
    fill(&log, 30, 29);
    CHECK_STATUS(restore_check(txn, &log), STATUS_NOT_FOUND);
    fill(&log, 30, 30);
    CHECK_OK(restore_check(txn, &log));
    CHECK_OK(restore_begin(txn, &truth->signer.vkey, LOG_OWN, &log, &why)); /* gone on with */
    CHECK_OK(restore_check(txn, &log));
    CHECK_OK(restore_end_log(txn, &log, true));
    CHECK_OK(restore_end(txn));
    cr_assert(!unfinished());
    CHECK_OK(logs_get(txn, log.number, &found));
    cr_assert_eq(found.flags, LOG_OWN);
    CHECK_OK(sequencer_head(txn, &found, &head));
    cr_assert_eq(head.size, 30);
    CHECK_STATUS(mirror_pending(txn, log.number, &checkpoint), STATUS_NOT_FOUND);
    CHECK_OK(logs_register(txn, &truth->signer.vkey, LOG_OWN, &found, &why)); /* a start */
}

Test(restore, old_folder_keeps_what_it_signed_if_that_is_more) {
    struct log log;
    struct head head;
    CHECK_OK(restore_begin(txn, &truth->signer.vkey, LOG_OWN, &log, &why));
    fill(&log, 30, 33); /* three were committed and not signed over */
    CHECK_OK(restore_end_log(txn, &log, true));
    CHECK_OK(restore_end(txn));
    CHECK_OK(restore_begin(txn, &truth->signer.vkey, LOG_OWN, &log, &why));
    struct signed_checkpoint pending;
    CHECK_OK(mirror_pending(txn, log.number, &pending));
    cr_assert_eq(pending.size, 30); /* what is pulled must go on from it */
    CHECK_STATUS(sequencer_head(txn, &log, &head), STATUS_NOT_FOUND);
    CHECK_OK(restore_check(txn, &log));
    CHECK_OK(restore_end_log(txn, &log, true));
    CHECK_OK(sequencer_head(txn, &log, &head));
    cr_assert_eq(head.size, 30);
}

Test(restore, entries_that_are_not_the_signed_ones_are_seen_at_the_end) {
    struct little_log *forgery = little_log_open(ORIGIN, 5);
    struct little_log *kept = truth;
    struct log log;
    little_log_grow(forgery, 40);
    CHECK_OK(restore_begin(txn, &truth->signer.vkey, LOG_OWN, &log, &why));
    truth = forgery;
    fill(&log, 20, 30);
    truth = kept;
    fill(&log, 30, 30);
    CHECK_STATUS(restore_check(txn, &log), STATUS_BAD_PROOF);
    little_log_close(forgery);
}

Test(restore, mirrored_log_is_held_until_it_is_known_what_was_cosigned) {
    struct log log;
    struct guard_floor floor;
    CHECK_OK(restore_begin(txn, &truth->signer.vkey, 0, &log, &why));
    fill(&log, 30, 30);
    CHECK_OK(restore_end_log(txn, &log, false));
    CHECK_OK(guard_floor(txn, log.number, &floor));
    cr_assert(floor.guarded && !floor.known);
    CHECK_OK(restore_begin(txn, &truth->signer.vkey, 0, &log, &why)); /* once more */
    CHECK_OK(guard_floor(txn, log.number, &floor));
    cr_assert(!floor.guarded);
}

Test(restore, folder_of_another_log_is_refused) {
    struct signer other = test_signer("other.example/log", VKEY_NOTE);
    struct log log;
    CHECK_OK(logs_register(txn, &other.vkey, LOG_OWN, &log, &why));
    CHECK_STATUS(restore_begin(txn, &truth->signer.vkey, LOG_OWN, &log, &why), STATUS_BAD_LOG);
    CHECK_OK(logs_register(txn, &truth->signer.vkey, LOG_EVENTS, &log, &why));
    CHECK_STATUS(restore_begin(txn, &truth->signer.vkey, 0, &log, &why), STATUS_BAD_LOG);
    cr_assert(!unfinished());
}
