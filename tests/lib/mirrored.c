#include "tests/lib/mirrored.h"

#include "ledger/sequencer.h"
#include "tests/lib/check.h"

#include <criterion/criterion.h>
#include <string.h>

/* --- entries --- */

void entries_init(struct entries *e, struct world *world) {
    memset(e, 0, sizeof *e);
    e->world = world;
    e->clock_ms = WORLD_TIME_MS;
}

void entries_raw(struct entries *e, struct bytes entry) {
    cr_assert_lt(e->count, ENTRIES_MAX);
    e->list[e->count++] = entry;
}

void entries_stamped(struct entries *e, uint64_t stamp_ms, struct bytes note) {
    uint8_t memory[EVENT_SIZE_MAX + 64];
    struct writer out;
    writer_init(&out, memory, sizeof memory);
    entry_format(&out, stamp_ms, note);
    cr_assert_not(out.failed);
    entries_raw(e, bytes_text(world_text(e->world, "%.*s", (int)out.len, (const char *)memory)));
}

void entries_note(struct entries *e, struct bytes note) {
    entries_stamped(e, e->clock_ms, note);
}

void entries_refused(struct entries *e, enum status status, const char *says) {
    cr_assert_lt(e->refused_count, REFUSED_MAX);
    e->refused[e->refused_count].index = e->count - 1;
    e->refused[e->refused_count].status = status;
    e->refused[e->refused_count].says = says;
    e->refused_count++;
}

void entries_start(struct entries *e) {
    struct bytes start[WORLD_START];
    world_start(e->world, start);
    for (size_t i = 0; i < WORLD_START; i++) {
        entries_note(e, start[i]);
    }
}

static struct bytes aside(struct world *w, enum world_who who, const char *kind, const char *open,
                          uint64_t seq) {
    return world_event(w,
                       &(struct world_event){
                           .issuer = who, .kind = kind, .open = open, .seq = seq, .aside = true});
}

void entries_of_a_liar(struct entries *e) {
    struct world *w = e->world;
    entries_start(e);
    struct bytes first = world_closed_sample(w, WORLD_CLERK, "failure.alleged");
    entries_note(e, first);
    entries_raw(e, bytes_text("not even stamped\n"));
    entries_refused(e, STATUS_BAD_FORM, "received <unix ms>");
    entries_raw(e, bytes_text(""));
    entries_refused(e, STATUS_BAD_FORM, "received <unix ms>");
    entries_note(e, bytes_text("garbage"));
    entries_refused(e, STATUS_BAD_FORM, "");
    entries_note(e, world_damage(aside(w, WORLD_CLERK, "finding.final", NULL, 0), 0));
    entries_refused(e, STATUS_DENIED_SIGNATURE, "clerk does not verify");
    entries_note(e, aside(w, WORLD_STRANGER, "finding.final", NULL, 0));
    entries_refused(e, STATUS_DENIED_KEY, "stranger is not enrolled");
    entries_note(e, aside(w, WORLD_BOARD, "key.enrolled", NULL, 0));
    entries_refused(e, STATUS_DENIED_SCOPE, "role oversight");
    entries_note(e, first);
    entries_refused(e, STATUS_CONFLICT_USED, "the event of entry 7 again");
    entries_note(e, aside(w, WORLD_CLERK, "finding.final", NULL, 1));
    entries_refused(e, STATUS_CONFLICT_USED, "entry 7");
    entries_note(e, aside(w, WORLD_CLERK, "finding.final", NULL, 9));
    entries_refused(e, STATUS_CONFLICT_GAP, "2 is expected of clerk");
    entries_note(e, aside(w, WORLD_CLERK, "event.opened",
                          world_text(w, "%s", world_disclose(w, WORLD_CLERK, 0)), 0));
    entries_note(e, aside(w, WORLD_CLERK, "correction", NULL, 2));
    entries_refused(e, STATUS_CONFLICT_USED, "entry");
    entries_stamped(e, e->clock_ms - 1, aside(w, WORLD_BOARD, "finding.final", NULL, 0));
    entries_refused(e, STATUS_BAD_MEMBER, "earlier than an accepted entry");
    /* A refused entry's stamp holds back nobody. */
    entries_stamped(e, e->clock_ms + 1000000, aside(w, WORLD_STRANGER, "finding.final", NULL, 0));
    entries_refused(e, STATUS_DENIED_KEY, "stranger");
    entries_note(e, world_sample(w, WORLD_BOARD, "finding.final"));
    entries_note(e, aside(w, WORLD_OPERATOR, "log.opened", NULL, 1));
    entries_refused(e, STATUS_CONFLICT_USED, "entry 0 again");
    const char *own = "{'state':'agency','doj':'doj','university':'university','state-witness':"
                      "'state','doj-witness':'doj','university-witness':'university'}";
    entries_note(e, aside(w, WORLD_ROOT_3, "log.policy",
                          world_policy_open(w, world_policy_text(w, NULL), own), 0));
    entries_refused(e, STATUS_BAD_POLICY, "");
    entries_note(e, world_revoke(w, WORLD_AGENCY, WORLD_CLERK));
    entries_note(e, aside(w, WORLD_CLERK, "finding.final", NULL, 3));
    entries_refused(e, STATUS_DENIED_KEY, "was revoked");
    struct world other;
    world_init(&other, "another.example/log");
    entries_note(e, bytes_text(world_text(w, "%s", (const char *)world_opened(&other).data)));
    entries_refused(e, STATUS_BAD_LOG, "another.example/log");
    world_release(&other);
    entries_note(e, world_sample(w, WORLD_AGENCY, "finding.final"));
}

/* --- the store --- */

void mirrored_open(struct mirrored *m, const struct entries *e) {
    static struct batch batch;
    struct store_memory_options options = {.strict = true};
    struct store_txn *txn;
    struct append_job job;
    struct job *jobs[] = {&job.job};
    CHECK_OK(store_memory_open(&options, &m->store));
    CHECK_OK(store_begin(m->store, STORE_WRITE, &txn));
    CHECK_OK(logs_register(txn, &e->world->log.vkey, LOG_EVENTS, &m->log, NULL));
    CHECK_OK(store_commit(txn));
    append_job_init(&job);
    job.log = &m->log;
    job.entries = e->list;
    job.count = e->count;
    CHECK_OK(batch_run(m->store, &batch, jobs, 1));
}

void mirrored_close(struct mirrored *m) {
    store_memory_close(m->store);
}

uint64_t mirrored_judged(struct mirrored *m) {
    struct store_txn *txn;
    uint64_t judged = 99;
    CHECK_OK(store_begin(m->store, STORE_READ, &txn));
    CHECK_OK(judge_size(txn, m->log.number, &judged));
    store_abort(txn);
    return judged;
}

uint64_t mirrored_judge(struct mirrored *m, const struct entries *e, uint64_t size, size_t max,
                        size_t prepare) {
    static struct judgement prepared[ENTRIES_MAX];
    struct store_txn *txn;
    uint64_t from = mirrored_judged(m);
    uint64_t judged = 99;
    size_t count = 0;
    CHECK_OK(store_begin(m->store, STORE_READ, &txn));
    while (count < prepare && from + count < size) {
        judge_prepare(txn, &m->log, from + count, e->list[from + count], &prepared[count]);
        count++;
    }
    store_abort(txn);
    CHECK_OK(store_begin(m->store, STORE_WRITE, &txn));
    CHECK_OK(judge_advance(txn, &m->log, size, max, count > 0 ? prepared : NULL, count, &judged));
    CHECK_OK(store_commit(txn));
    for (size_t i = 0; i < count; i++) {
        judgement_release(&prepared[i]);
    }
    cr_assert_eq(mirrored_judged(m), judged);
    return judged;
}
