/* The checkpoints beside a log's tree: a sound log has no finding, and what was done to one of them
 * is named. */
#include "ledger/mirror_parts.h"
#include "ledger/schema.h"
#include "ledger/store_check_log.h"
#include "tests/lib/check.h"
#include "tests/lib/hosted.h"
#include "tests/lib/little.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#define NOON ((uint64_t)WORLD_TIME_MS / 1000)

static char findings[4096];

static void found(void *context, const struct refusal *why) {
    (void)context;
    size_t len = strlen(findings);
    snprintf(findings + len, sizeof findings - len, "%s\n", why->text);
}

/* Checks a log whose tree has `size` entries; the findings' text is in `findings`. How many. */
static uint64_t look(struct store *store, const struct log *log, uint64_t size,
                     const struct signer *cosigner) {
    struct store_check check = {.finding = found};
    struct store_check_keys keys = {.cosigners = &cosigner->vkey, .count = 1};
    struct store_txn *txn;
    findings[0] = '\0';
    CHECK_OK(store_begin(store, STORE_READ, &txn));
    CHECK_OK(store_check_checkpoints(&check, txn, log, size, &keys));
    store_abort(txn);
    return check.stats.findings;
}

/* --- the own log --- */

static struct hosted h;
static struct world *w;

static void open_published(void) {
    hosted_open(&h);
    w = &h.world;
    hosted_start(&h);
    hosted_publish(&h, NOON, 3);
    hosted_accept(&h, world_sample(w, WORLD_CLERK, "failure.alleged"));
    hosted_publish(&h, NOON + 1, 5);
}

static void close_published(void) {
    hosted_close(&h);
}

TestSuite(store_check_log, .init = open_published, .fini = close_published);

static uint64_t own_findings(void) {
    return look(h.store, &h.log, hosted_size(&h), &w->mirrors[0]);
}

static void is_sound(void) {
    cr_assert_eq(own_findings(), 0, "%s", findings);
}

/* There are so many findings, and one says so. */
static void is_found(uint64_t count, uint64_t wanted, const char *words) {
    cr_assert_eq(count, wanted, "%s", findings);
    cr_assert_not_null(strstr(findings, words), "%s", findings);
}

static void put(struct key key, struct bytes value) {
    struct store_txn *txn;
    CHECK_OK(store_begin(h.store, STORE_WRITE, &txn));
    CHECK_OK(store_put(txn, key_view(&key), value));
    CHECK_OK(store_commit(txn));
}

static struct hash root_at(uint64_t size) {
    struct store_txn *txn;
    struct hash root;
    CHECK_OK(store_begin(h.store, STORE_READ, &txn));
    CHECK_OK(tree_root_at(txn, h.log.number, size, &root));
    store_abort(txn);
    return root;
}

/* When the mirrors cosign: as late as the next one that is kept, or the last. */
static uint64_t time_at(uint64_t size) {
    return size > 8 ? NOON + 1 : NOON;
}

/* As published at `kept_at`, whatever the note says. */
static void put_published(uint64_t kept_at, struct bytes note) {
    static uint8_t memory[16 + CHECKPOINT_SIZE_MAX];
    struct writer out;
    writer_init(&out, memory, sizeof memory);
    writer_u64(&out, time_at(kept_at));
    writer_u64(&out, 0); /* no fall */
    writer_bytes(&out, note);
    put(key_log_u64(TABLE_PUBLISHED, h.log.number, kept_at), writer_view(&out));
}

static struct bytes cosigned(uint64_t size, uint32_t mirrors) {
    struct hash root = root_at(size);
    return world_checkpoint(w, size, &root, time_at(size), mirrors);
}

Test(store_check_log, finds_an_own_log_sound) {
    is_sound();
    hosted_accept(&h, world_sample(w, WORLD_BOARD, "finding.final"));
    is_sound();
    hosted_cut(&h);
    is_sound();
}

Test(store_check_log, finds_a_signed_head_that_cannot_be_read) {
    put(key_log(TABLE_HEAD, h.log.number), bytes_text("no checkpoint"));
    /* Without a head, both that were published are beyond it. */
    is_found(own_findings(), 3, "the signed head is not a checkpoint signed by the log's key");
}

Test(store_check_log, finds_a_signed_head_without_its_entries) {
    is_found(look(h.store, &h.log, 7, &w->mirrors[0]), 3, "the signed head covers 8 entries, 7");
    cr_assert_not_null(strstr(findings, "kept at size 8 says 8, of 7 entries"), "%s", findings);
}

Test(store_check_log, finds_a_signed_head_with_another_root) {
    struct hash root = root_at(7);
    struct bytes note = world_checkpoint(w, 8, &root, NOON, 0);
    put(key_log(TABLE_HEAD, h.log.number), note);
    is_found(own_findings(), 1, "the signed checkpoint of size 8 signs another root");
}

Test(store_check_log, finds_a_publication_that_cannot_be_read) {
    put_published(6, bytes_text("no checkpoint"));
    is_found(own_findings(), 1, "the published checkpoint cannot be read");
}

Test(store_check_log, finds_a_publication_with_another_root) {
    struct hash root = root_at(5);
    put_published(6, world_checkpoint(w, 6, &root, time_at(6), 3));
    is_found(own_findings(), 1, "the published checkpoint of size 6 signs another root");
}

Test(store_check_log, finds_a_publication_kept_at_another_size) {
    put_published(6, cosigned(5, 3));
    is_found(own_findings(), 1, "the published checkpoint kept at size 6 says 5, of 8 entries");
}

Test(store_check_log, finds_a_publication_beyond_the_signed_head) {
    hosted_accept(&h, world_sample(w, WORLD_BOARD, "finding.final"));
    put_published(9, cosigned(9, 3));
    /* Once as kept, which is also the latest. */
    is_found(own_findings(), 1, "size 9 is published, the signed head is 8");
}

Test(store_check_log, finds_a_publication_without_its_quorum) {
    put_published(6, cosigned(6, 2));
    is_found(own_findings(), 1, "the published checkpoint of size 6: quorum not met");
}

Test(store_check_log, finds_a_publication_before_any_policy) {
    put_published(1, cosigned(1, 3));
    is_found(own_findings(), 1, "no policy can be read for the published checkpoint of size 1");
}

Test(store_check_log, finds_what_is_listed_as_a_policy_and_is_none) {
    put(key_log_u64(TABLE_POLICY, h.log.number, 3), bytes_of(NULL, 0));
    is_found(own_findings(), 3, "entry 3 is listed as a policy and is none"); /* 8 is the latest */
}

Test(store_check_log, finds_a_publication_that_another_key_signed) {
    put_published(6, world_damage(cosigned(6, 3), 0));
    is_found(own_findings(), 2,
             "the published checkpoint of size 6 is not signed by the log's key");
}

Test(store_check_log, finds_a_cosignature_that_does_not_verify) {
    put_published(6, world_damage(cosigned(6, 3), 1));
    is_found(own_findings(), 2, w->mirrors[0].vkey.name);
    put_published(6, world_damage(cosigned(6, 6), 2)); /* by a key that nobody named */
    is_found(own_findings(), 1, "does not verify");
}

Test(store_check_log, finds_a_refreshed_one_without_its_quorum) {
    static uint8_t memory[16 + CHECKPOINT_SIZE_MAX];
    struct writer out;
    writer_init(&out, memory, sizeof memory);
    writer_u64(&out, 8);
    writer_u64(&out, NOON + 3);
    writer_bytes(&out, cosigned(8, 1));
    put(key_log(TABLE_REFRESHED, h.log.number), writer_view(&out));
    is_found(own_findings(), 1, "the published checkpoint of size 8: quorum not met");
}

/* --- a mirrored log --- */

static struct little_log *log_;
static struct little_mirror *mirror;

static void open_mirrored(void) {
    log_ = little_log_open("agency.example/log", UINT64_MAX);
    mirror = little_mirror_open(log_, NULL);
    little_log_grow(log_, 40);
}

static void close_mirrored(void) {
    little_mirror_close(mirror);
    little_log_close(log_);
}

TestSuite(store_check_mirrored, .init = open_mirrored, .fini = close_mirrored);

static uint64_t mirror_findings(uint64_t size) {
    return look(mirror->store, &mirror->log, size, &mirror->mirror);
}

static void change(bool pending,
                   enum status (*read)(struct store_txn *, uint32_t, struct signed_checkpoint *),
                   uint64_t add, uint8_t root, struct bytes note) {
    struct store_txn *txn;
    struct signed_checkpoint at;
    CHECK_OK(store_begin(mirror->store, STORE_WRITE, &txn));
    CHECK_OK(read(txn, mirror->log.number, &at));
    at.size += add;
    at.root.bytes[0] ^= root;
    static uint8_t kept[2][CHECKPOINT_SIZE_MAX]; /* what was read lives until the first write */
    struct bytes own = note.len > 0 ? note : at.note;
    memcpy(kept[0], own.data, own.len);
    memcpy(kept[1], at.line.data, at.line.len);
    at.note = bytes_of(kept[0], own.len);
    at.line = bytes_of(kept[1], at.line.len);
    CHECK_OK((pending ? mirror_set_pending : mirror_set_checkpoint)(txn, mirror->log.number, &at));
    CHECK_OK(store_commit(txn));
}

Test(store_check_mirrored, finds_a_mirrored_log_sound) {
    cr_assert_eq(mirror_findings(0), 0, "%s", findings);
    little_mirror_agree(mirror, log_, 10);
    cr_assert_eq(mirror_findings(0), 0, "%s", findings); /* nothing is stored yet */
    little_mirror_follow(mirror, log_, 20);
    cr_assert_eq(mirror_findings(20), 0, "%s", findings);
    little_mirror_agree(mirror, log_, 30);
    cr_assert_eq(mirror_findings(20), 0, "%s", findings);
}

Test(store_check_mirrored, finds_sizes_out_of_order) {
    little_mirror_follow(mirror, log_, 20);
    is_found(mirror_findings(21), 1, "mirror checkpoint 20, stored 21, pending 20");
    is_found(mirror_findings(19), 1, "mirror checkpoint 20, stored 19, pending 20");
}

Test(store_check_mirrored, finds_one_kept_under_another_size_or_root) {
    little_mirror_follow(mirror, log_, 20);
    little_mirror_agree(mirror, log_, 30);
    change(true, mirror_pending, 1, 0, bytes_of(NULL, 0));
    is_found(mirror_findings(20), 1, "the pending checkpoint is kept under another size or root");
    change(true, mirror_pending, UINT64_MAX, 1, bytes_of(NULL, 0));
    is_found(mirror_findings(20), 1, "the pending checkpoint is kept under another size or root");
    change(true, mirror_pending, 0, 1, bytes_of(NULL, 0));
    change(false, mirror_checkpoint, 0, 1, bytes_of(NULL, 0));
    /* It is one of those that a larger tree covers, too, and so is looked at twice. */
    is_found(mirror_findings(20), 2, "the mirror checkpoint is kept under another size or root");
}

Test(store_check_mirrored, finds_notes_that_cannot_be_read) {
    little_mirror_follow(mirror, log_, 20);
    little_mirror_agree(mirror, log_, 30);
    change(true, mirror_pending, 0, 0, bytes_text("no checkpoint"));
    is_found(mirror_findings(20), 1, "the pending checkpoint cannot be read");
    change(false, mirror_checkpoint, 0, 0, bytes_text("no checkpoint"));
    is_found(mirror_findings(20), 3, "the mirror checkpoint cannot be read");
}

Test(store_check_mirrored, finds_an_own_cosignature_that_does_not_verify) {
    struct store_txn *txn;
    struct signed_checkpoint at;
    uint8_t line[COSIGNATURE_LINE_MAX];
    little_mirror_follow(mirror, log_, 20);
    CHECK_OK(store_begin(mirror->store, STORE_WRITE, &txn));
    CHECK_OK(mirror_checkpoint(txn, mirror->log.number, &at));
    memcpy(line, at.line.data, at.line.len);
    line[at.line.len - 10] = line[at.line.len - 10] == 'A' ? 'B' : 'A'; /* of the signature */
    at.line = bytes_of(line, at.line.len);
    CHECK_OK(mirror_set_checkpoint(txn, mirror->log.number, &at));
    CHECK_OK(store_commit(txn));
    is_found(mirror_findings(20), 2, "on the mirror checkpoint, the cosignature by state.example");
}

Test(store_check_mirrored, finds_rows_that_cannot_be_read) {
    struct store_txn *txn;
    little_mirror_follow(mirror, log_, 20);
    CHECK_OK(store_begin(mirror->store, STORE_WRITE, &txn));
    struct key key = key_log(TABLE_PENDING, mirror->log.number);
    CHECK_OK(store_put(txn, key_view(&key), bytes_text("short")));
    CHECK_OK(store_commit(txn));
    struct store_check check = {.finding = found};
    struct store_check_keys keys = {.cosigners = NULL, .count = 0};
    findings[0] = '\0';
    CHECK_OK(store_begin(mirror->store, STORE_READ, &txn));
    /* Said, before the walk over the earlier ones meets the row again. */
    CHECK_STATUS(store_check_checkpoints(&check, txn, &mirror->log, 20, &keys),
                 STATUS_STORE_CORRUPT);
    store_abort(txn);
    is_found(check.stats.findings, 2, "the pending checkpoint cannot be read");
}
