#include "tests/lib/several.h"

#include "ledger/store_memory.h"
#include "tests/lib/check.h"
#include "tests/lib/keys.h"

#include <criterion/criterion.h>
#include <string.h>

void several_open(struct several *s) {
    memset(s, 0, sizeof *s);
    CHECK_OK(store_memory_open(NULL, &s->store));
    CHECK_OK(store_begin(s->store, STORE_WRITE, &s->txn));
}

void several_close(struct several *s) {
    store_abort(s->txn);
    store_memory_close(s->store);
    for (size_t i = 0; i < s->count; i++) {
        world_release(&s->logs[i].world);
    }
}

/* The verdict; its text in `why`. */
static enum status judge(struct several_log *log, struct bytes note, struct refusal *why) {
    struct judgement judgement;
    uint8_t memory[EVENT_SIZE_MAX + 64];
    struct writer w;
    uint64_t index = log->next++;
    writer_init(&w, memory, sizeof memory);
    entry_format(&w, WORLD_TIME_MS + index * 60000 + log->late_ms, note);
    judge_prepare(log->txn, &log->log, index, writer_view(&w), &judgement);
    CHECK_OK(judge_entry(log->txn, &log->log, &judgement));
    judgement_release(&judgement);
    return judge_verdict(log->txn, log->log.number, index, why);
}

uint64_t several_accept(struct several_log *log, struct bytes note) {
    struct refusal why = {.text = ""};
    enum status status = judge(log, note, &why);
    cr_assert_eq(status, STATUS_OK, "%s", why.text);
    return log->next - 1;
}

void several_refuse(struct several_log *log, struct bytes note, enum status status,
                    const char *says) {
    struct refusal why = {.text = ""};
    CHECK_STATUS(judge(log, note, &why), status);
    cr_assert_not_null(strstr(why.text, says), "%s", why.text);
}

uint64_t several_say(struct several_log *log, enum world_who who, const char *kind,
                     const char *open) {
    return several_accept(
        log,
        world_event(&log->world, &(struct world_event){.issuer = who, .kind = kind, .open = open}));
}

const char *several_vkey(struct several_log *log, const struct vkey *vkey) {
    char text[VKEY_SIZE_MAX];
    struct writer w;
    writer_init(&w, text, sizeof text);
    vkey_format(&w, vkey);
    return world_text(&log->world, "%.*s", (int)w.len, text);
}

struct several_log *several_add(struct several *s, const char *origin) {
    cr_assert_lt(s->count, SEVERAL_MAX);
    struct several_log *log = &s->logs[s->count++];
    struct world *w = &log->world;
    world_init(w, origin);
    log->txn = s->txn;
    CHECK_OK(logs_register(s->txn, &w->log.vkey, LOG_EVENTS, &log->log, NULL));
    several_accept(log, world_opened(w));
    several_accept(log, world_policy(w));
    several_accept(log, world_enrol(w, WORLD_ROOT_1, WORLD_AGENCY));
    several_accept(log, world_enrol(w, WORLD_ROOT_1, WORLD_BOARD));
    several_accept(log, world_enrol(w, WORLD_ROOT_1, WORLD_COURT));
    return log;
}

struct several_log *several_add_rooted(struct several *s, const char *origin) {
    cr_assert_lt(s->count, SEVERAL_MAX);
    struct several_log *log = &s->logs[s->count++];
    struct world *w = &log->world;
    world_init(w, origin);
    for (int i = WORLD_ROOT_1; i <= WORLD_ROOT_3; i++) {
        w->people[i] = test_signer(world_text(w, "%s-root-%d", origin, i), VKEY_NOTE);
    }
    log->txn = s->txn;
    CHECK_OK(logs_register(s->txn, &w->log.vkey, LOG_EVENTS, &log->log, NULL));
    several_accept(log, world_opened(w));
    return log;
}

uint64_t several_recognise(struct several_log *by, const struct vkey *vkey, const char *more) {
    return several_say(
        by, WORLD_ROOT_1, "log.recognised",
        world_text(&by->world, "{'address':'http://a.example','log_vkey':'%s','operator':'op'%s}",
                   several_vkey(by, vkey), more));
}

uint64_t several_withdraw(struct several_log *by, const struct vkey *vkey) {
    return several_say(
        by, WORLD_ROOT_1, "recognition.withdrawn",
        world_text(&by->world, "{'log_vkey':'%s','reason':'misconduct'}", several_vkey(by, vkey)));
}
