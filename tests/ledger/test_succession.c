/* log.succeeded: what it says, what acceptance makes of it, where sequences go on, and whom it
 * binds. */
#include "ledger/mirror.h"
#include "ledger/proof.h"
#include "ledger/succession_compare.h"
#include "tests/lib/check.h"
#include "tests/lib/events.h"
#include "tests/lib/hosted.h"
#include "tests/lib/keys.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

/* --- form --- */

TestSuite(succession_form, .init = events_setup);

Test(succession_form, members_fit_each_other) {
    const enum kind_id id = KIND_LOG_SUCCEEDED;
    const enum status bad = STATUS_BAD_MEMBER;
    event_accepted(good_event(id, false, 1));
    refuse_changed(id, "$N", "$P", bad, "another log with another key");
    refuse_changed(id, "\"vkey\":\"$P\"", "\"vkey\":\"$N\"", bad, "another log with another key");
    refuse_changed(id, "\"vkey\":\"$P\"", "\"vkey\":\"$L\"", bad, "checkpoint must be of the log");
    refuse_changed(id, "\"abandoned\":\"$S\"", "\"abandoned\":\"$s\"", bad, "and larger");
    refuse_changed(id, "\"checkpoint\":\"$s\"", "\"checkpoint\":\"$S\"", bad, "and larger");
    refuse_changed(id, "key_stolen", "bored", bad, "reason must be one of");
    refuse_changed(id, "\"checkpoint\":\"$s\"", "\"checkpoint\":\"$h\"", bad,
                   "checkpoint must be a signed checkpoint");
    refuse_changed(id, "\"abandoned\":\"$S\"", "\"abandoned\":1", bad, "abandoned must be");
}

/* The same name under another key is no successor: an origin is used once. */
Test(succession_form, the_successor_has_another_origin) {
    struct signer again = test_signer("old.example/log", VKEY_NOTE);
    uint8_t text[VKEY_SIZE_MAX];
    struct writer w;
    writer_init(&w, text, sizeof text - 1);
    vkey_format(&w, &again.vkey);
    text[w.len] = '\0';
    refuse_changed(KIND_LOG_SUCCEEDED, "$N", (const char *)text, STATUS_BAD_MEMBER,
                   "another log with another key");
}

Test(succession_form, an_enrolment_goes_on_with_its_own_key) {
    const enum kind_id id = KIND_KEY_ENROLLED;
    static char open[4096];
    const char *const after =
        "{\"after\":{\"id\":\"$H\",\"issuer\":\"%s\",\"log\":\"%s\",\"seq\":4},%s";
    snprintf(open, sizeof open, after, "pd.example/clerk-7", "old.example/log", good_open(id) + 1);
    static char text[EVENT_TEXT_SIZE];
    const struct signer *signers[3];
    good_text(id, open, false, 1, text);
    event_accepted(sign_text(text, signers, signers_of(id, signers)));
    snprintf(open, sizeof open, after, "pd.example/clerk-8", "old.example/log", good_open(id) + 1);
    refuse_open(id, open, STATUS_BAD_MEMBER, "after must be an event of the same key");
    snprintf(open, sizeof open, after, "pd.example/clerk-7", EVENT_LOG, good_open(id) + 1);
    refuse_open(id, open, STATUS_BAD_MEMBER, "after must be an event of another log");
}

/* --- acceptance --- */

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

TestSuite(succession, .init = open_started, .fini = close_all);

static struct signer old(void) {
    return test_signer("old.example/log", VKEY_NOTE);
}

static struct bytes aside(const char *open) {
    return world_aside(w, WORLD_ROOT_1, "log.succeeded", open);
}

static uint64_t succeed(const char *open) {
    return hosted_accept(&h, world_event(w, &(struct world_event){.issuer = WORLD_ROOT_1,
                                                                  .kind = "log.succeeded",
                                                                  .open = open}));
}

static struct succession_row row_of(const char *origin) {
    struct store_txn *txn;
    struct succession_row row;
    CHECK_OK(store_begin(h.store, STORE_READ, &txn));
    CHECK_OK(succession_get(txn, h.log.number, bytes_text(origin), &row));
    CHECK_STATUS(succession_get(txn, h.log.number + 1, bytes_text(origin), &row), STATUS_NOT_FOUND);
    CHECK_STATUS(succession_get(txn, h.log.number, bytes_text("else"), &row), STATUS_NOT_FOUND);
    store_abort(txn);
    return row;
}

Test(succession, is_said_once_of_each_log) {
    uint64_t index = succeed(NULL);
    struct succession_row row = row_of("old.example/log");
    cr_assert_eq(row.index, index);
    cr_assert(row.here);
    hosted_refuse(&h, aside(NULL), STATUS_BAD_MEMBER,
                  "says already what becomes of old.example/log");
    /* A third log, of which this one only gives notice. */
    struct signer third = test_signer("third.example/log", VKEY_NOTE);
    struct signer elsewhere = test_signer("elsewhere.example/log", VKEY_NOTE);
    index = succeed(world_succeeded_open(w, &third, &elsewhere.vkey, 5, 0));
    row = row_of("third.example/log");
    cr_assert_eq(row.index, index);
    cr_assert_not(row.here);
    /* This log goes on. */
    hosted_accept(&h, world_sample(w, WORLD_CLERK, "failure.alleged"));
}

Test(succession, needs_exactly_the_threshold_of_roots) {
    hosted_refuse(
        &h,
        world_event(w, &(struct world_event){.issuer = WORLD_ROOT_1,
                                             .kind = "log.succeeded",
                                             .roots = 1u << WORLD_ROOT_2 | 1u << WORLD_ROOT_3,
                                             .aside = true}),
        STATUS_DENIED_SIGNATURE, "exactly 2");
    const char *text =
        world_event_text(w, &(struct world_event){.issuer = WORLD_ROOT_1, .kind = "log.succeeded"});
    const enum world_who alone[] = {WORLD_ROOT_1};
    const enum world_who agency[] = {WORLD_ROOT_1, WORLD_AGENCY};
    hosted_refuse(&h, world_sign(w, bytes_text(text), alone, 1), STATUS_DENIED_SIGNATURE,
                  "exactly 2");
    hosted_refuse(&h, world_sign(w, bytes_text(text), agency, 2), STATUS_DENIED_SIGNATURE,
                  "no authority");
}

Test(succession, takes_only_what_the_old_key_signed) {
    struct signer liar = old();
    struct signer other = test_signer("other", VKEY_NOTE);
    liar.key = other.key; /* the name and ID of the old key, another's signature */
    hosted_refuse(&h, aside(world_succeeded_open(w, &liar, &w->log.vkey, 9, 0)), STATUS_BAD_MEMBER,
                  "checkpoint: not signed");
}

Test(succession, another_key_of_this_origin_is_refused) {
    struct signer twin = test_signer("twin", VKEY_NOTE);
    struct signer next = test_signer("next.example/log", VKEY_NOTE);
    CHECK_OK(vkey_make(vkey_name(&h.log.vkey), VKEY_NOTE, &twin.vkey.key, &twin.vkey));
    hosted_refuse(&h, aside(world_succeeded_open(w, &twin, &next.vkey, 3, 0)), STATUS_BAD_MEMBER,
                  "another key than this log's");
}

Test(succession, closes_its_own_log) {
    struct bytes before = world_sample(w, WORLD_CLERK, "failure.alleged");
    struct signer next = test_signer("next.example/log", VKEY_NOTE);
    hosted_accept(&h, before);
    uint64_t size = hosted_size(&h);
    hosted_refuse(&h, aside(world_succeeded_open(w, &w->log, &next.vkey, size + 1, 0)),
                  STATUS_BAD_MEMBER, "beyond this log");
    uint64_t index = succeed(world_succeeded_open(w, &w->log, &next.vkey, size, 0));
    cr_assert_eq(index, size);
    cr_assert_not(row_of("agency.example/log").here);
    static const struct {
        enum world_who who;
        const char *kind;
    } all[] = {{WORLD_CLERK, "failure.alleged"}, {WORLD_BOARD, "finding.final"},
               {WORLD_ROOT_1, "log.policy"},     {WORLD_AGENCY, "key.enrolled"},
               {WORLD_ROOT_1, "key.revoked"},    {WORLD_ROOT_1, "log.succeeded"}};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        hosted_refuse(&h, world_aside(w, all[i].who, all[i].kind, NULL), STATUS_CLOSED,
                      "closed by entry 8");
    }
    /* What is in it keeps its receipts. */
    struct submit_result again = hosted_submit(&h, before);
    CHECK_OK(again.status);
    cr_assert_eq(again.place.index, size - 1);
}

/* --- sequences go on --- */

static const char *enrol_after(const char *log, const char *issuer, unsigned seq,
                               const struct hash *id) {
    char hex[2 * HASH_SIZE + 1];
    for (size_t i = 0; i < HASH_SIZE; i++) {
        snprintf(hex + 2 * i, 3, "%02x", id->bytes[i]);
    }
    return world_enrol_open(w, WORLD_NEWCOMER, "clerk", "['" WORLD_ORI "']", "['*']", "both",
                            world_text(w, ",'after':{'id':'%s','issuer':'%s','log':'%s','seq':%u}",
                                       hex, issuer, log, seq));
}

static struct bytes enrol(const char *open) {
    return world_aside(w, WORLD_ROOT_1, "key.enrolled", open);
}

static struct bytes by_newcomer(uint64_t seq, const struct hash *prev) {
    return world_event(w, &(struct world_event){.issuer = WORLD_NEWCOMER,
                                                .kind = "failure.alleged",
                                                .seq = seq,
                                                .prev = prev,
                                                .aside = true});
}

Test(succession, a_key_goes_on_with_its_sequence) {
    const char *name = world_name(w, WORLD_NEWCOMER);
    struct hash last = {{7, 8, 9}};
    struct hash wrong = {{1}};
    hosted_refuse(&h, enrol(enrol_after("old.example/log", name, 41, &last)), STATUS_BAD_MEMBER,
                  "no log.succeeded in this log");
    succeed(NULL);
    hosted_refuse(&h, enrol(enrol_after("else.example/log", name, 41, &last)), STATUS_BAD_MEMBER,
                  "no log.succeeded in this log");
    hosted_accept(&h, enrol(enrol_after("old.example/log", name, 41, &last)));
    struct issuer issuer = hosted_issuer(&h, WORLD_NEWCOMER);
    cr_assert_eq(issuer.first_seq, 42);
    cr_assert_eq(issuer.last_seq, 41);
    cr_assert(hash_equal(&issuer.last_id, &last));
    hosted_refuse(&h, by_newcomer(1, NULL), STATUS_CONFLICT_GAP, "42 is expected");
    hosted_refuse(&h, by_newcomer(41, &wrong), STATUS_CONFLICT_GAP, "before this log");
    hosted_refuse(&h, by_newcomer(43, &last), STATUS_CONFLICT_GAP, "42 is expected");
    hosted_refuse(&h, by_newcomer(42, &wrong), STATUS_CONFLICT_GAP, "member prev");
    struct bytes first = by_newcomer(42, &last);
    uint64_t index = hosted_accept(&h, first);
    struct hash id = world_id(first);
    hosted_accept(&h, by_newcomer(43, &id));
    /* What was logged is found again; what was before this log is not its to answer. */
    cr_assert_eq(hosted_submit(&h, first).place.index, index);
    hosted_refuse(&h, by_newcomer(42, &wrong), STATUS_CONFLICT_USED, "is another event");
    hosted_refuse(&h, by_newcomer(41, &last), STATUS_CONFLICT_GAP, "44 is expected");
}

Test(succession, not_from_a_log_that_another_one_succeeds) {
    struct signer third = test_signer("third.example/log", VKEY_NOTE);
    struct signer elsewhere = test_signer("elsewhere.example/log", VKEY_NOTE);
    struct hash last = {{7}};
    succeed(world_succeeded_open(w, &third, &elsewhere.vkey, 5, 0));
    hosted_refuse(&h,
                  enrol(enrol_after("third.example/log", world_name(w, WORLD_NEWCOMER), 1, &last)),
                  STATUS_BAD_MEMBER, "no log.succeeded in this log");
}

/* --- mirrors of the old log --- */

/* The node of `h` mirrors a log of another world; gives its number. Only entry 0 is stored. */
static struct log mirror_of(struct world *other, struct bytes entry) {
    static struct batch batch;
    struct append_job job;
    struct job *jobs[] = {&job.job};
    struct store_txn *txn;
    struct log log;
    CHECK_OK(store_begin(h.store, STORE_WRITE, &txn));
    CHECK_OK(logs_register(txn, &other->log.vkey, LOG_EVENTS, &log, NULL));
    CHECK_OK(store_commit(txn));
    append_job_init(&job);
    job.log = &log;
    job.entries = &entry;
    job.count = entry.len > 0;
    if (entry.len > 0) {
        CHECK_OK(batch_run(h.store, &batch, jobs, 1));
    }
    return log;
}

static struct bytes stamped(struct world *other, struct bytes note) {
    return bytes_text(world_text(other, "received %llu\n%.*s", 1766620800000ull, (int)note.len,
                                 (const char *)note.data));
}

static enum status admits(const struct log *log, uint64_t size) {
    struct store_txn *txn;
    struct refusal why = {.text = ""};
    CHECK_OK(store_begin(h.store, STORE_READ, &txn));
    enum status status = succession_admits(txn, log, size, &why);
    cr_assert(status == STATUS_OK || strstr(why.text, "agency.example/log goes on") != NULL, "%s",
              why.text);
    store_abort(txn);
    return status;
}

Test(succession, its_own_roots_end_a_log) {
    struct world other;
    world_init(&other, "old.example/log"); /* the same roots */
    struct log log = mirror_of(&other, stamped(&other, world_opened(&other)));
    CHECK_OK(admits(&log, 1000));
    succeed(NULL); /* at 9 */
    CHECK_OK(admits(&log, 9));
    CHECK_STATUS(admits(&log, 10), STATUS_DENIED_KEY);
    world_release(&other);
}

Test(succession, the_roots_of_another_log_end_none) {
    struct world other;
    world_init(&other, "old.example/log");
    other.people[WORLD_ROOT_2] = test_signer("root-2b", VKEY_NOTE); /* so one of two signed */
    struct log log = mirror_of(&other, stamped(&other, world_opened(&other)));
    succeed(NULL);
    CHECK_OK(admits(&log, 1000));
    world_release(&other);
}

/* Of a key with a root's name the name and ID are not enough. */
Test(succession, a_namesake_of_a_root_ends_none) {
    struct world other;
    world_init(&other, "old.example/log");
    struct signer twin = test_signer("twin", VKEY_NOTE);
    uint32_t id = other.people[WORLD_ROOT_2].vkey.id;
    CHECK_OK(vkey_make(vkey_name(&other.people[WORLD_ROOT_2].vkey), VKEY_NOTE, &twin.vkey.key,
                       &twin.vkey));
    cr_assert_neq(twin.vkey.id, id);
    other.people[WORLD_ROOT_2] = twin;
    struct log log = mirror_of(&other, stamped(&other, world_opened(&other)));
    succeed(NULL);
    CHECK_OK(admits(&log, 1000));
    world_release(&other);
}

Test(succession, another_key_of_the_origin_ends_none) {
    struct world other;
    world_init(&other, "old.example/log");
    other.log = test_signer("twin", VKEY_NOTE);
    CHECK_OK(
        vkey_make(bytes_text("old.example/log"), VKEY_NOTE, &other.log.vkey.key, &other.log.vkey));
    struct log log = mirror_of(&other, stamped(&other, world_opened(&other)));
    succeed(NULL);
    CHECK_OK(admits(&log, 1000));
    world_release(&other);
}

Test(succession, a_log_that_does_not_say_who_may_end_it_goes_on) {
    struct world other;
    world_init(&other, "old.example/log");
    struct log log = mirror_of(&other, bytes_text("not an event"));
    succeed(NULL);
    CHECK_OK(admits(&log, 1000));
    world_release(&other);
}

Test(succession, nor_one_of_which_nothing_is_stored) {
    struct world other;
    world_init(&other, "old.example/log");
    struct log log = mirror_of(&other, bytes_of(NULL, 0));
    succeed(NULL);
    CHECK_OK(admits(&log, 1000));
    world_release(&other);
}

/* What stands in the old log itself is for its own host to obey: the closing entry has to be
 * cosigned too. */
Test(succession, the_entry_that_closes_a_log_is_cosigned) {
    struct signer next = test_signer("next.example/log", VKEY_NOTE);
    succeed(world_succeeded_open(w, &w->log, &next.vkey, 3, 0));
    CHECK_OK(admits(&h.log, 1000));
}

/* Asks for a cosignature on a first checkpoint of the log. */
static unsigned add_checkpoint(struct world *other, uint64_t size) {
    static uint8_t body[4096];
    struct signer witness = test_signer("m.example/witness", VKEY_COSIGNATURE);
    const struct cosigner cosigner = {.witness = &witness};
    struct add_checkpoint_job job = {.cosigner = &cosigner, .now_seconds = 1766620800};
    struct hash root = {{3}};
    struct merkle_proof none = {.count = 0};
    struct writer writer;
    writer_init(&writer, body, sizeof body);
    add_checkpoint_format(&writer, 0, &none, world_checkpoint(other, size, &root, 1, 0));
    job.body = writer_view(&writer);
    add_checkpoint_job_init(&job);
    hosted_run(&h, &job.job);
    return job.answer.http;
}

/* A thief with the old key finds no mirror to cosign more. */
Test(succession, a_mirror_cosigns_nothing_beyond) {
    struct world ended;
    struct world other;
    world_init(&ended, "old.example/log");
    world_init(&other, "other.example/log");
    mirror_of(&ended, stamped(&ended, world_opened(&ended)));
    mirror_of(&other, stamped(&other, world_opened(&other)));
    succeed(world_succeeded_open(w, &ended.log, &w->log.vkey, 9, 0));
    cr_assert_eq(add_checkpoint(&other, 10), 200);
    cr_assert_eq(add_checkpoint(&ended, 10), 403);
    cr_assert_eq(add_checkpoint(&ended, 9), 200);
    world_release(&ended);
    world_release(&other);
}

/* --- a receipt, and the end of its log --- */

/* A receipt of three items: what stands before the last is not looked at, but for the first. */
static struct bytes paper_of(struct world *world, struct bytes opened, struct bytes note,
                             uint64_t index, uint64_t size, uint8_t root, uint8_t *memory) {
    static uint8_t proof[PROOF_SIZE_MAX];
    struct hash hash = {{root}};
    struct merkle_proof none = {.count = 0};
    struct writer p;
    struct writer file;
    writer_init(&file, memory, RECEIPT_SIZE_MAX);
    writer_init(&p, proof, sizeof proof);
    proof_format(&p, bytes_text("received 1\n"), index, &none,
                 world_checkpoint(world, size, &hash, 1, 1));
    receipt_start(&file);
    receipt_item(&file, opened, writer_view(&p));
    receipt_item(&file, note, writer_view(&p));
    cr_assert_not(file.failed || p.failed);
    return writer_view(&file);
}

static struct succession_finding bearing(uint64_t closing, uint64_t index, uint64_t size,
                                         uint8_t root, const struct signer *root_2) {
    static uint8_t memory[2][RECEIPT_SIZE_MAX];
    static struct receipt receipts[2];
    struct succession_finding found;
    struct refusal why;
    struct world other;
    struct world next;
    world_init(&other, "old.example/log");
    world_init(&next, "agency.example/log");
    if (root_2 != NULL) {
        other.people[WORLD_ROOT_2] = *root_2;
    }
    struct bytes opened = world_opened(&other);
    struct bytes event = world_event(
        &other, &(struct world_event){.issuer = WORLD_CLERK, .kind = "failure.alleged"});
    struct bytes ended = aside(world_succeeded_open(w, &other.log, &w->log.vkey, closing, 0));
    CHECK_OK(receipt_parse(paper_of(&other, opened, event, index, size, root, memory[0]),
                           &receipts[0], &why));
    CHECK_OK(receipt_parse(paper_of(&next, world_opened(&next), ended, 7, 8, 1, memory[1]),
                           &receipts[1], &why));
    succession_compare(&receipts[1], &receipts[0], &found);
    cr_assert_eq(found.bearing, SUCCESSION_UNRELATED, "the other way round");
    succession_compare(&receipts[0], &receipts[1], &found);
    world_release(&next);
    world_release(&other);
    return found;
}

Test(succession, tells_what_an_end_means_for_an_event) {
    struct succession_finding found = bearing(9, 3, 7, 1, NULL);
    cr_assert_eq(found.bearing, SUCCESSION_COVERS);
    cr_assert_eq(found.index, 3);
    cr_assert_eq(found.size, 9);
    cr_assert_str_eq(found.old, "old.example/log");
    cr_assert_str_eq(found.successor, "agency.example/log");
    cr_assert_eq(bearing(9, 8, 12, 1, NULL).bearing, SUCCESSION_COVERS);
    cr_assert_eq(bearing(9, 9, 12, 1, NULL).bearing, SUCCESSION_ABANDONS);
    cr_assert_eq(bearing(9, 3, 9, 1, NULL).bearing, SUCCESSION_FORKS);
    struct signer stranger = test_signer("root-2b", VKEY_NOTE);
    cr_assert_eq(bearing(9, 3, 7, 1, &stranger).bearing, SUCCESSION_NOT_BINDING);
}
