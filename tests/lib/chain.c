#include "tests/lib/chain.h"

#include "tests/lib/keys.h"

#include <assert.h>

#define MIRRORS 7u
#define QUORUM_TIME (WORLD_TIME_MS / 1000 + 60)

/* log.opened and log.policy; in the agency's log then its key's enrolment. */
static void open_log(struct chain *chain, enum chain_log which, const char *origin) {
    struct world *w = &chain->worlds[which];
    world_init(w, origin);
    for (int i = WORLD_ROOT_1; i <= WORLD_ROOT_3; i++) {
        w->people[i] = test_signer(world_text(w, "%s-root-%d", origin, i), VKEY_NOTE);
    }
    paper_init(&chain->logs[which], w);
    paper_add(&chain->logs[which], world_opened(w));
    paper_add(&chain->logs[which], world_policy(w));
}

size_t chain_recognise(struct chain *chain, enum chain_log by, const struct vkey *vkey,
                       const char *more) {
    struct world *w = &chain->worlds[by];
    char text[VKEY_SIZE_MAX + 1];
    struct writer out;
    writer_init(&out, text, sizeof text);
    vkey_format(&out, vkey);
    writer_u8(&out, '\0');
    assert(!out.failed);
    const char *open = world_text(
        w, "{'address':'http://a.example','log_vkey':'%s','operator':'op'%s}", text, more);
    return paper_add(&chain->logs[by],
                     world_event(w, &(struct world_event){.issuer = WORLD_ROOT_1,
                                                          .kind = "log.recognised",
                                                          .open = open}));
}

void chain_open(struct chain *chain) {
    static const char *const origins[] = {"agency.example/log", "state.example/log",
                                          "doj.example/log"};
    for (int i = 0; i < CHAIN_LOGS; i++) {
        open_log(chain, (enum chain_log)i, origins[i]);
    }
    struct world *w = &chain->worlds[CHAIN_AGENCY];
    paper_add(&chain->logs[CHAIN_AGENCY], world_enrol(w, WORLD_ROOT_1, WORLD_AGENCY));
    chain->recognition[CHAIN_AGENCY] =
        paper_add(&chain->logs[CHAIN_AGENCY], world_sample(w, WORLD_AGENCY, "finding.final"));
    for (int i = CHAIN_STATE; i < CHAIN_LOGS; i++) {
        chain->recognition[i] =
            chain_recognise(chain, (enum chain_log)i, &chain->worlds[i - 1].log.vkey, "");
    }
}

void chain_release(struct chain *chain) {
    for (int i = 0; i < CHAIN_LOGS; i++) {
        world_release(&chain->worlds[i]);
    }
}

void chain_receipt_under(struct chain *chain, enum chain_log which, size_t enrolment, size_t index,
                         struct writer *w) {
    const struct paper_log *log = &chain->logs[which];
    size_t items[] = {0, 1, enrolment, index};
    size_t count = 4;
    if (enrolment == 0) {
        items[2] = index;
        count = 3;
    }
    paper_receipt(w, log, items, count, log->count,
                  paper_checkpoint(log, log->count, QUORUM_TIME, MIRRORS));
    assert(!w->failed);
}

void chain_receipt_of(struct chain *chain, enum chain_log which, size_t index, struct writer *w) {
    /* Entry 2 of the agency's log enrols the key. */
    chain_receipt_under(chain, which, which == CHAIN_AGENCY ? 2 : 0, index, w);
}

void chain_receipt(struct chain *chain, enum chain_log which, struct writer *w) {
    chain_receipt_of(chain, which, chain->recognition[which], w);
}
