/* Writes receipts and evidence for tests/check/agree.py, good ones and ones whose every byte is
 * rightly signed, but which do not prove what they should:
 *
 *     check-papers FOLDER      FOLDER/good-*.receipt, bad-*.receipt, good-*.evidence, policy,
 * roots, keys (the accused), one to a line; FOLDER/chain/0.receipt, recognised by 1, and that log
 * by 2, others, and the roots of the last log
 */
#include "ledger/receipt.h"
#include "tests/lib/chain.h"
#include "tests/lib/paper.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define ALL_MIRRORS 7u
#define TWO_MIRRORS 5u
#define ONE_MIRROR 2u
#define TIME (WORLD_TIME_MS / 1000 + 60)
#define DAY_MS 86400000u

static const char *folder;
static uint8_t memory[RECEIPT_SIZE_MAX];
static struct world world;
static struct paper_log ledger;
/* Where entries of the start stand. */
enum { OPENED, POLICY, AGENCY, CLERK, BOARD };

static void save(const char *name, struct bytes b) {
    char path[4096];
    int n = snprintf(path, sizeof path, "%s/%s", folder, name);
    assert(n > 0 && (size_t)n < sizeof path);
    FILE *file = fopen(path, "wb");
    if (file == NULL || fwrite(b.data, 1, b.len, file) != b.len || fclose(file) != 0) {
        perror(path);
        exit(1);
    }
}

/* Items of a receipt, ended by -1; each then at the newest checkpoint by these mirrors. */
static void save_receipt_at(const char *name, const int *items, size_t size, uint64_t time,
                            uint32_t mirrors) {
    size_t indexes[RECEIPT_ITEMS_MAX];
    size_t count = 0;
    struct writer w;
    for (; items[count] >= 0; count++) {
        indexes[count] = (size_t)items[count];
    }
    writer_init(&w, memory, sizeof memory);
    paper_receipt(&w, &ledger, indexes, count, size,
                  paper_checkpoint(&ledger, size, time, mirrors));
    assert(!w.failed);
    save(world_text(&world, "%s.receipt", name), writer_view(&w));
}

#define ITEMS(...) ((const int[]){__VA_ARGS__, -1})

static void save_receipt(const char *name, const int *items) {
    save_receipt_at(name, items, ledger.count, TIME, ALL_MIRRORS);
}

static int add(struct bytes note) {
    return (int)paper_add(&ledger, note);
}

static int add_sample(enum world_who who, const char *kind) {
    return add(world_sample(&world, who, kind));
}

static int add_open(enum world_who who, const char *kind, const char *open) {
    return add(
        world_event(&world, &(struct world_event){.issuer = who, .kind = kind, .open = open}));
}

/* --- what the log should have accepted --- */

static void good_kinds(void) {
    static const char *const kinds[] = {"failure.alleged", "finding.final", "discipline.imposed",
                                        "intervention.reported", "correction"};
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        int clerk = add_sample(WORLD_CLERK, kinds[i]);
        int agency = add_sample(WORLD_AGENCY, kinds[i]);
        save_receipt(world_text(&world, "good-clerk-%s", kinds[i]),
                     ITEMS(OPENED, POLICY, AGENCY, CLERK, clerk));
        save_receipt(world_text(&world, "good-agency-%s", kinds[i]),
                     ITEMS(OPENED, POLICY, AGENCY, agency));
    }
    int closed = add(world_closed_sample(&world, WORLD_BOARD, "finding.final"));
    int opened = add_sample(WORLD_BOARD, "event.opened");
    int fork = add_sample(WORLD_OPERATOR, "fork.observed");
    save_receipt("good-closed", ITEMS(OPENED, POLICY, BOARD, closed));
    save_receipt("good-opened", ITEMS(OPENED, POLICY, BOARD, opened));
    save_receipt("good-operator", ITEMS(OPENED, POLICY, fork));
    save_receipt("good-enrolment", ITEMS(OPENED, POLICY, AGENCY, CLERK));
    save_receipt("good-policy", ITEMS(OPENED, POLICY, POLICY));
    save_receipt("good-log", ITEMS(OPENED, POLICY, OPENED));
}

static void good_checkpoints(int event) {
    const int *items = ITEMS(OPENED, POLICY, AGENCY, CLERK, event);
    save_receipt_at("good-two-mirrors", items, ledger.count, TIME, TWO_MIRRORS);
    save_receipt_at("good-smallest-tree", items, (size_t)event + 1, TIME, ALL_MIRRORS);
    save_receipt_at("good-late", items, ledger.count, TIME + 7200, ALL_MIRRORS);
    save_receipt_at("bad-one-mirror", items, ledger.count, TIME, ONE_MIRROR);
    save_receipt_at("bad-no-mirror", items, ledger.count, TIME, 0);
}

/* --- what no honest log would hold, or no honest node hand out --- */

static void bad_chains(int event) {
    int stranger = add_sample(WORLD_STRANGER, "finding.final");
    save_receipt("bad-short", ITEMS(OPENED, POLICY));
    save_receipt("bad-no-enrolment", ITEMS(OPENED, POLICY, event));
    save_receipt("bad-half-a-chain", ITEMS(OPENED, POLICY, CLERK, event));
    save_receipt("bad-chain-turned", ITEMS(OPENED, POLICY, CLERK, AGENCY, event));
    save_receipt("bad-chain-twice", ITEMS(OPENED, POLICY, AGENCY, AGENCY, CLERK, event));
    save_receipt("bad-other-chain", ITEMS(OPENED, POLICY, BOARD, event));
    save_receipt("bad-stranger", ITEMS(OPENED, POLICY, stranger));
    save_receipt("bad-stranger-chain", ITEMS(OPENED, POLICY, AGENCY, CLERK, stranger));
    save_receipt("bad-no-policy", ITEMS(OPENED, AGENCY, CLERK, event));
    save_receipt("bad-turned", ITEMS(POLICY, OPENED, AGENCY, CLERK, event));
    save_receipt("bad-event-within", ITEMS(OPENED, POLICY, AGENCY, CLERK, event, event));
    save_receipt("bad-log-after-chain", ITEMS(OPENED, POLICY, AGENCY, OPENED));
    int early = add_sample(WORLD_NEWCOMER, "finding.final");
    int late = add(world_enrol(&world, WORLD_AGENCY, WORLD_NEWCOMER));
    int after = add_sample(WORLD_NEWCOMER, "finding.final");
    save_receipt("bad-before-enrolment", ITEMS(OPENED, POLICY, AGENCY, late, early));
    save_receipt("good-after-enrolment", ITEMS(OPENED, POLICY, AGENCY, late, after));
}

/* One enrolment of the newcomer by `by`, then an event by the newcomer, stamped `days` later. */
static void scope(const char *name, enum world_who by, const char *role, const char *oris,
                  const char *kinds, const char *basis, const char *more, const char *event_open,
                  unsigned days) {
    struct world before = world;
    int by_index = by == WORLD_AGENCY ? AGENCY : by == WORLD_CLERK ? CLERK : BOARD;
    const char *open = world_enrol_open(&world, WORLD_NEWCOMER, role, oris, kinds, basis, more);
    int enrolled = add_open(by, "key.enrolled", open);
    struct bytes note = world_event(&world, &(struct world_event){.issuer = WORLD_NEWCOMER,
                                                                  .kind = "finding.final",
                                                                  .open = event_open});
    int event = (int)paper_add_at(&ledger, note, WORLD_TIME_MS + (uint64_t)days * DAY_MS);
    uint64_t time = TIME + (uint64_t)days * (DAY_MS / 1000);
    if (by == WORLD_ROOT_1) {
        save_receipt_at(name, ITEMS(OPENED, POLICY, enrolled, event), ledger.count, time,
                        ALL_MIRRORS);
    } else if (by == WORLD_CLERK) {
        save_receipt_at(name, ITEMS(OPENED, POLICY, AGENCY, by_index, enrolled, event),
                        ledger.count, time, ALL_MIRRORS);
    } else {
        save_receipt_at(name, ITEMS(OPENED, POLICY, by_index, enrolled, event), ledger.count, time,
                        ALL_MIRRORS);
    }
    /* The next case starts from here again: these two never happened. */
    ledger.count -= 2;
    struct world_memory *kept = world.memory;
    world = before;
    world.memory = kept;
}

#define MINE "['" WORLD_ORI "']"
#define OTHERS "['" WORLD_OTHER_ORI "']"
#define BOTH_ORIS "['" WORLD_OTHER_ORI "','" WORLD_ORI "']"

static void scopes(void) {
    const char *imported = world_text(
        &world,
        "{'basis':'imported','case':'00112233445566778899aabbccddeeff','decided_by':'chief',"
        "'disposition':'sustained','ori':'" WORLD_ORI "','party':'officer'}");
    scope("good-scope", WORLD_AGENCY, "clerk", MINE, "['*']", "both", "", NULL, 0);
    scope("bad-kind", WORLD_AGENCY, "clerk", MINE, "['correction']", "both", "", NULL, 0);
    scope("good-kind", WORLD_AGENCY, "clerk", MINE, "['finding.final']", "live", "", NULL, 0);
    scope("bad-basis", WORLD_AGENCY, "clerk", MINE, "['*']", "imported", "", NULL, 0);
    scope("good-imported", WORLD_AGENCY, "clerk", MINE, "['*']", "imported", "", imported, 0);
    scope("bad-imported", WORLD_AGENCY, "clerk", MINE, "['*']", "live", "", imported, 0);
    scope("bad-outsider-imports", WORLD_ROOT_1, "oversight", "[]", "['*']", "both", "", imported,
          0);
    scope("bad-agency", WORLD_ROOT_1, "agency", OTHERS, "['*']", "both", "", NULL, 0);
    scope("good-agency", WORLD_ROOT_1, "agency", BOTH_ORIS, "['*']", "both", "", NULL, 0);
    scope("bad-grant-oris", WORLD_AGENCY, "clerk", BOTH_ORIS, "['*']", "both", "", NULL, 0);
    scope("bad-grant-all-oris", WORLD_AGENCY, "clerk", "[]", "['*']", "both", "", NULL, 0);
    scope("bad-grant-role", WORLD_AGENCY, "oversight", MINE, "['*']", "both", "", NULL, 0);
    scope("bad-clerk-enrols", WORLD_CLERK, "clerk", MINE, "['*']", "both", "", NULL, 0);
    scope("bad-board-enrols", WORLD_BOARD, "clerk", MINE, "['*']", "both", "", NULL, 0);
    scope("good-from", WORLD_AGENCY, "clerk", MINE, "['*']", "both", ",'from':'2025-12-26'", NULL,
          1);
    scope("bad-from", WORLD_AGENCY, "clerk", MINE, "['*']", "both", ",'from':'2025-12-26'", NULL,
          0);
    scope("good-until", WORLD_AGENCY, "clerk", MINE, "['*']", "both", ",'until':'2025-12-26'", NULL,
          1);
    scope("bad-until", WORLD_AGENCY, "clerk", MINE, "['*']", "both", ",'until':'2025-12-26'", NULL,
          2);
}

/* A policy of which two mirrors of three are under one operator's name: nothing of ours makes it,
 * so that another is made, bent, and signed. */
static struct bytes one_operators_policy(void) {
    static const enum world_who roots[] = {WORLD_ROOT_1, WORLD_ROOT_2};
    const char *text = world_event_text(
        &world, &(struct world_event){.issuer = WORLD_ROOT_1, .kind = "log.policy"});
    text = world_bend(&world, text, "\"state\":\"state\"", "\"state\":\"doj\"");
    return world_sign(&world, bytes_text(text), roots, 2);
}

/* Other beginnings: a log whose own papers are wrong. */
static void bad_starts(void) {
    struct paper_log kept = ledger;
    int event = add_sample(WORLD_ROOT_1, "fork.observed");
    const char *own = world_policy_open(&world, world_policy_text(&world, NULL),
                                        "{'state':'agency','doj':'doj','university':'university',"
                                        "'state-witness':'state','doj-witness':'doj',"
                                        "'university-witness':'university'}");
    int operators_own = add_open(WORLD_ROOT_1, "log.policy", own);
    save_receipt("bad-own-mirror", ITEMS(OPENED, operators_own, event));
    int one_house = add(one_operators_policy());
    save_receipt("bad-one-operators-quorum", ITEMS(OPENED, one_house, event));
    save_receipt("good-root", ITEMS(OPENED, POLICY, event));
    int three = add(world_event(
        &world, &(struct world_event){.issuer = WORLD_ROOT_1, .kind = "log.policy", .roots = 6}));
    save_receipt("bad-surplus-authority", ITEMS(OPENED, three, event));
    int again = add(world_event(
        &world, &(struct world_event){.issuer = WORLD_ROOT_1, .kind = "log.policy", .roots = 4}));
    save_receipt("good-other-authority", ITEMS(OPENED, again, event));
    struct world stranger;
    world_init(&stranger, "stranger.example/log");
    int theirs = add(world_opened(&stranger));
    save_receipt("bad-opened-elsewhere", ITEMS(theirs, POLICY, event));
    int foreign = add(world_event(&world, &(struct world_event){.issuer = WORLD_ROOT_1,
                                                                .kind = "fork.observed",
                                                                .log = "stranger.example/log"}));
    save_receipt("bad-meant-for-another", ITEMS(OPENED, POLICY, foreign));
    world_release(&stranger);
    ledger = kept;
}

/* --- evidence --- */

static void evidence(void) {
    struct paper_log fork = ledger;
    fork.count -= 3;
    size_t common = fork.count;
    for (int i = 0; i < 3; i++) {
        paper_add(&fork, world_sample(&world, WORLD_COURT, "finding.final"));
    }
    for (char form = 'a'; form <= 'd'; form++) {
        for (size_t m = common + 1; m < ledger.count; m++) {
            struct writer w;
            writer_init(&w, memory, sizeof memory);
            paper_evidence(&w, form, &ledger, &fork, common, m, ledger.count);
            assert(!w.failed);
            save(world_text(&world, "good-%c-%zu.evidence", form, m), writer_view(&w));
        }
    }
}

/* A fresh key in the place of the clerk's, and of the agency's: what carries the scope is then the
 * rotation. */
static void rotations(void) {
    int clerk = add_open(WORLD_AGENCY, "key.rotated",
                         world_rotate_open(&world, WORLD_CLERK, WORLD_NEWCOMER, ""));
    int event = add_sample(WORLD_NEWCOMER, "finding.final");
    save_receipt("good-rotated", ITEMS(OPENED, POLICY, AGENCY, clerk, event));
    save_receipt("good-rotation", ITEMS(OPENED, POLICY, AGENCY, clerk));
    save_receipt("bad-rotated-by-nobody", ITEMS(OPENED, POLICY, clerk, event));
    save_receipt("bad-old-chain", ITEMS(OPENED, POLICY, AGENCY, CLERK, event));
    int agency = add_open(WORLD_ROOT_2, "key.rotated",
                          world_rotate_open(&world, WORLD_AGENCY, WORLD_STRANGER, ""));
    int above = add_sample(WORLD_STRANGER, "finding.final");
    save_receipt("good-rotated-agency", ITEMS(OPENED, POLICY, agency, above));
    /* An agency's key puts no key of its own rank into the place of another. */
    int peer = add_open(WORLD_AGENCY, "key.rotated",
                        world_rotate_open(&world, WORLD_AGENCY, WORLD_STRANGER, ""));
    int below = add_sample(WORLD_STRANGER, "finding.final");
    save_receipt("bad-rotated-agency", ITEMS(OPENED, POLICY, AGENCY, peer, below));
}

static void lodged(void) {
    int event = add(world_lodge(&world, 1, NULL));
    save_receipt("good-lodged", ITEMS(OPENED, POLICY, event));
    save_receipt("bad-lodged-by-an-agency", ITEMS(OPENED, POLICY, AGENCY, event));
    int damaged = add(world_damage(world_lodge(&world, 2, NULL), 0));
    save_receipt("bad-lodged-signature", ITEMS(OPENED, POLICY, damaged));
}

static void save_key_list(const char *name, const struct vkey *const *keys, size_t count) {
    struct writer w;
    writer_init(&w, memory, sizeof memory);
    for (size_t i = 0; i < count; i++) {
        vkey_format(&w, keys[i]);
        writer_text(&w, "\n");
    }
    assert(!w.failed);
    save(name, writer_view(&w));
}

/* --- receipts of who recognises whose log --- */

static void save_chain_receipt(struct chain *chain, enum chain_log which, size_t index,
                               const char *name) {
    struct writer w;
    writer_init(&w, memory, sizeof memory);
    chain_receipt_of(chain, which, index, &w);
    save(name, writer_view(&w));
}

/* The state's word for the agency's log within several bounds, the DOJ's for the state's with a
 * role, and what a court says that the agency's own roots made one. */
static void bounded(struct chain *chain) {
    static const struct {
        const char *name;
        enum chain_log by;
        const char *more;
    } all[] = {
        {"own-ori", CHAIN_STATE, ",'oris':['" WORLD_ORI "'],'states':['NY']"},
        {"other-ori", CHAIN_STATE, ",'oris':['" WORLD_OTHER_ORI "']"},
        {"own-state", CHAIN_STATE, ",'states':['MN']"},
        {"other-state", CHAIN_STATE, ",'roles':['court','oversight','post'],'states':['NY']"},
        {"court-state", CHAIN_STATE, ",'roles':['court']"},
        {"court-doj", CHAIN_DOJ, ",'roles':['court','post'],'states':['MN']"}};
    struct world *w = &chain->worlds[CHAIN_AGENCY];
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        const struct vkey *of = &chain->worlds[all[i].by - 1].log.vkey;
        save_chain_receipt(chain, all[i].by, chain_recognise(chain, all[i].by, of, all[i].more),
                           world_text(w, "chain/%s.receipt", all[i].name));
    }
    struct writer out;
    size_t enrolment =
        paper_add(&chain->logs[CHAIN_AGENCY], world_enrol(w, WORLD_ROOT_1, WORLD_COURT));
    size_t event =
        paper_add(&chain->logs[CHAIN_AGENCY], world_sample(w, WORLD_COURT, "finding.final"));
    writer_init(&out, memory, sizeof memory);
    chain_receipt_under(chain, CHAIN_AGENCY, enrolment, event, &out);
    save("chain/court-event.receipt", writer_view(&out));
}

static void recognitions(void) {
    static struct chain chain;
    char path[4096];
    int n = snprintf(path, sizeof path, "%s/chain", folder);
    assert(n > 0 && (size_t)n < sizeof path);
    if (mkdir(path, 0700) != 0) {
        perror(path);
        exit(1);
    }
    chain_open(&chain);
    struct world *w = &chain.worlds[CHAIN_STATE];
    size_t other = chain_recognise(&chain, CHAIN_STATE, &chain.worlds[CHAIN_DOJ].log.vkey, "");
    size_t agency =
        paper_add(&chain.logs[CHAIN_STATE], world_sample(w, WORLD_ROOT_1, "agency.registered"));
    for (int i = 0; i < CHAIN_LOGS; i++) {
        save_chain_receipt(&chain, (enum chain_log)i, chain.recognition[i],
                           world_text(w, "chain/%d.receipt", i));
    }
    save_chain_receipt(&chain, CHAIN_STATE, other, "chain/other-log.receipt");
    save_chain_receipt(&chain, CHAIN_STATE, agency, "chain/other-kind.receipt");
    bounded(&chain);
    const struct signer *people = chain.worlds[CHAIN_DOJ].people;
    save_key_list("chain/roots",
                  (const struct vkey *[]){&people[WORLD_ROOT_1].vkey, &people[WORLD_ROOT_2].vkey},
                  2);
    chain_release(&chain);
}

/* --- a root takes another's place --- */

static void roots(void) {
    const struct signer gone = world.people[WORLD_ROOT_3];
    int before = add_sample(WORLD_AGENCY, "finding.final");
    int replaced = add_sample(WORLD_ROOT_1, "root.replaced");
    int old = add(
        world_enrol_as(&world, WORLD_ROOT_3, WORLD_STRANGER, "clerk", "[]", "['*']", "both", ""));
    int by_old = add_sample(WORLD_STRANGER, "finding.final");
    world.people[WORLD_ROOT_3] = world.people[WORLD_NEWCOMER];
    memset(&world.last[WORLD_ROOT_3], 0, sizeof world.last[WORLD_ROOT_3]);
    int policy = add(world_event(&world, &(struct world_event){.issuer = WORLD_ROOT_3,
                                                               .kind = "log.policy",
                                                               .roots = 1u << WORLD_ROOT_2}));
    int enrolled = add(world_enrol(&world, WORLD_ROOT_3, WORLD_POST));
    int event = add_sample(WORLD_POST, "finding.final");
    save_receipt("good-root", ITEMS(OPENED, POLICY, replaced, enrolled, event));
    save_receipt("good-root-policy", ITEMS(OPENED, policy, replaced, enrolled, event));
    save_receipt("good-root-older", ITEMS(OPENED, policy, AGENCY, replaced, before));
    save_receipt("good-root-replaced", ITEMS(OPENED, POLICY, replaced));
    save_receipt("bad-root-left-out", ITEMS(OPENED, POLICY, enrolled, event));
    save_receipt("bad-root-policy", ITEMS(OPENED, policy, AGENCY, before));
    save_receipt("bad-root-twice", ITEMS(OPENED, POLICY, replaced, replaced, enrolled, event));
    save_receipt("bad-root-gone", ITEMS(OPENED, POLICY, replaced, old, by_old));
    world.people[WORLD_ROOT_3] = gone;
}

int main(int argc, char **argv) {
    struct bytes start[WORLD_START];
    if (argc != 2) {
        fprintf(stderr, "usage: check-papers FOLDER\n");
        return 2;
    }
    folder = argv[1];
    world_init(&world, "agency.example/log");
    paper_init(&ledger, &world);
    world_start(&world, start);
    for (size_t i = 0; i < WORLD_START; i++) {
        add(start[i]);
    }
    good_kinds();
    int event = add_sample(WORLD_CLERK, "finding.final");
    good_checkpoints(event);
    bad_chains(event);
    scopes();
    rotations();
    lodged();
    bad_starts();
    evidence();
    recognitions();
    roots();
    save("policy", bytes_text(world_policy_text(&world, NULL)));
    save_key_list(
        "roots",
        (const struct vkey *[]){&world.people[WORLD_ROOT_1].vkey, &world.people[WORLD_ROOT_2].vkey},
        2);
    save_key_list("keys", (const struct vkey *[]){&world.log.vkey, &world.mirrors[0].vkey}, 2);
    world_release(&world);
    return 0;
}
