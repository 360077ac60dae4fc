/* Writes logs for tests/check/agree.py, as folders of tiles: with a receipt each, which the log
 * shows to hold or not to, and logs of random entries, many of which their rules do not admit.
 *
 *     check-logs FOLDER COUNT SEED   FOLDER/good-*, bad-* with FOLDER/<name>.receipt;
 * FOLDER/random-*, COUNT of them; FOLDER/policy, vkey (of all the logs)
 */
#include "ledger/accept.h"
#include "ledger/receipt.h"
#include "ledger/store_memory.h"
#include "tests/lib/paper.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define ALL_MIRRORS 7u
#define TWO_MIRRORS 5u
#define TIME (WORLD_TIME_MS / 1000 + 60)
#define RANDOM_ENTRIES 56

static const char *folder;
static struct world world;
static struct paper_log ledger;
/* Where entries of the start stand. */
enum { OPENED, POLICY, AGENCY, CLERK, BOARD };

/* --- files --- */

static const char *path_of(const char *name, const char *rest) {
    return world_text(&world, "%s/%s%s", folder, name, rest);
}

static void make_folder(const char *path) {
    if (mkdir(path, 0700) != 0) {
        perror(path);
        exit(1);
    }
}

static void save(const char *path, struct bytes b) {
    FILE *file = fopen(path, "wb");
    if (file == NULL || fwrite(b.data, 1, b.len, file) != b.len || fclose(file) != 0) {
        perror(path);
        exit(1);
    }
}

/* The tiles of the first `size` entries, and the checkpoint that the log alone signed. */
static void save_tiles(const char *name, const struct paper_log *log, size_t size) {
    static uint8_t memory[PAPER_ENTRIES_MAX * (2 + ENTRY_SIZE_MAX)];
    struct writer w;
    writer_init(&w, memory, sizeof memory);
    for (size_t i = 0; i < size; i++) {
        uint8_t entry[ENTRY_SIZE_MAX];
        struct writer e;
        writer_init(&e, entry, sizeof entry);
        paper_entry(&e, log, i);
        assert(!e.failed);
        writer_u16(&w, (uint16_t)e.len);
        writer_put(&w, e.data, e.len);
    }
    assert(!w.failed);
    make_folder(path_of(name, ""));
    make_folder(path_of(name, "/tile"));
    make_folder(path_of(name, "/tile/0"));
    make_folder(path_of(name, "/tile/0/000.p"));
    save(world_text(&world, "%s/%s/tile/0/000.p/%zu", folder, name, size),
         bytes_of(log->leaves[0].bytes, size * HASH_SIZE));
    make_folder(path_of(name, "/tile/entries"));
    make_folder(path_of(name, "/tile/entries/000.p"));
    save(world_text(&world, "%s/%s/tile/entries/000.p/%zu", folder, name, size), writer_view(&w));
    save(path_of(name, "/checkpoint"), paper_checkpoint(log, size, TIME, 0));
}

#define ITEMS(...) ((const int[]){__VA_ARGS__, -1})

/* A receipt of these items at `size`, by these mirrors. */
static void save_receipt(const char *name, const int *items, size_t size, uint32_t mirrors) {
    static uint8_t memory[RECEIPT_SIZE_MAX];
    size_t indexes[RECEIPT_ITEMS_MAX];
    size_t count = 0;
    struct writer w;
    for (; items[count] >= 0; count++) {
        indexes[count] = (size_t)items[count];
    }
    writer_init(&w, memory, sizeof memory);
    paper_receipt(&w, &ledger, indexes, count, size,
                  paper_checkpoint(&ledger, size, TIME, mirrors));
    assert(!w.failed);
    save(path_of(name, ".receipt"), writer_view(&w));
}

static void save_both(const char *name, const int *items, size_t size) {
    save_receipt(name, items, size, ALL_MIRRORS);
    save_tiles(name, &ledger, ledger.count);
}

/* --- one log per case, each from the same start --- */

static void start(void) {
    struct bytes notes[WORLD_START];
    world_init(&world, "agency.example/log");
    paper_init(&ledger, &world);
    world_start(&world, notes);
    for (size_t i = 0; i < WORLD_START; i++) {
        paper_add(&ledger, notes[i]);
    }
}

static int add(struct bytes note) {
    return (int)paper_add(&ledger, note);
}

static int add_open(enum world_who who, const char *kind, const char *open) {
    return add(
        world_event(&world, &(struct world_event){.issuer = who, .kind = kind, .open = open}));
}

static int find(enum world_who who) {
    return add(world_sample(&world, who, "finding.final"));
}

static int compromised(enum world_who by, enum world_who whom, const char *more) {
    return add_open(by, "key.revoked",
                    world_text(&world, "{'key':'%s','reason':'compromised'%s}",
                               world_name(&world, whom), more));
}

static void revoked_before(void) {
    add(world_revoke(&world, WORLD_AGENCY, WORLD_CLERK));
    int event = find(WORLD_CLERK);
    save_both("bad-revoked", ITEMS(OPENED, POLICY, AGENCY, CLERK, event), ledger.count);
}

static void revoked_by_a_root(void) {
    add(world_revoke(&world, WORLD_ROOT_2, WORLD_CLERK));
    int event = find(WORLD_CLERK);
    add(world_sample(&world, WORLD_BOARD, "finding.final"));
    save_both("bad-revoked-by-a-root", ITEMS(OPENED, POLICY, AGENCY, CLERK, event),
              (size_t)event + 1);
}

static void revoked_after(void) {
    int event = find(WORLD_CLERK);
    size_t size = ledger.count;
    add(world_revoke(&world, WORLD_AGENCY, WORLD_CLERK));
    save_both("good-revoked-after", ITEMS(OPENED, POLICY, AGENCY, CLERK, event), size);
}

static void doubted(void) {
    int event = find(WORLD_CLERK);
    compromised(WORLD_AGENCY, WORLD_CLERK, "");
    compromised(WORLD_ROOT_1, WORLD_AGENCY, ",'since':'2030-01-01'");
    save_both("good-doubted", ITEMS(OPENED, POLICY, AGENCY, CLERK, event), ledger.count);
}

static void rotated(void) {
    int fresh = add_open(WORLD_AGENCY, "key.rotated",
                         world_rotate_open(&world, WORLD_CLERK, WORLD_NEWCOMER, ""));
    int event = find(WORLD_NEWCOMER);
    save_both("good-rotated", ITEMS(OPENED, POLICY, AGENCY, fresh, event), ledger.count);
    int old = find(WORLD_CLERK);
    save_both("bad-rotated", ITEMS(OPENED, POLICY, AGENCY, CLERK, old), ledger.count);
}

/* A clerk stays what it is when its agency's key goes, and nothing is enrolled by that key then. */
static void enroller_revoked(void) {
    add(world_revoke(&world, WORLD_ROOT_1, WORLD_AGENCY));
    int event = find(WORLD_CLERK);
    save_both("good-enroller-revoked", ITEMS(OPENED, POLICY, AGENCY, CLERK, event), ledger.count);
    int late = add(world_enrol(&world, WORLD_AGENCY, WORLD_NEWCOMER));
    event = find(WORLD_NEWCOMER);
    save_both("bad-enroller-revoked", ITEMS(OPENED, POLICY, AGENCY, late, event), ledger.count);
}

/* Neither the enroller nor a root: the log's rules admit no such revocation. */
static void strangers_revocation(void) {
    add(world_enrol_as(&world, WORLD_ROOT_1, WORLD_NEWCOMER, "agency", "['" WORLD_ORI "']", "['*']",
                       "both", ""));
    add(world_revoke(&world, WORLD_NEWCOMER, WORLD_CLERK));
    int event = find(WORLD_CLERK);
    save_both("good-strangers-revocation", ITEMS(OPENED, POLICY, AGENCY, CLERK, event),
              ledger.count);
}

/* The clerk's key under a second name: taken back with the first. */
static void second_name(void) {
    struct signer *twin = &world.people[WORLD_NEWCOMER];
    struct bytes name = bytes_text(world_text(&world, "%s", twin->vkey.name));
    *twin = world.people[WORLD_CLERK];
    enum status status =
        vkey_make(name, VKEY_NOTE, &world.people[WORLD_CLERK].vkey.key, &twin->vkey);
    assert(status == STATUS_OK);
    int enrolled = add(world_enrol(&world, WORLD_AGENCY, WORLD_NEWCOMER));
    add(world_revoke(&world, WORLD_AGENCY, WORLD_CLERK));
    int event = find(WORLD_NEWCOMER);
    save_both("bad-second-name", ITEMS(OPENED, POLICY, AGENCY, enrolled, event), ledger.count);
}

static void gap(void) {
    world_sample(&world, WORLD_CLERK, "finding.final"); /* which the log leaves out */
    int event = find(WORLD_CLERK);
    save_both("bad-gap", ITEMS(OPENED, POLICY, AGENCY, CLERK, event), ledger.count);
}

/* All three must cosign by the newer policy. */
static void newer_policy(void) {
    const char *text =
        world_bend(&world, world_policy_text(&world, NULL), "mirrors 2", "mirrors 3");
    int early = find(WORLD_CLERK);
    size_t before = ledger.count;
    int newer = add_open(WORLD_ROOT_1, "log.policy", world_policy_open(&world, text, NULL));
    int event = find(WORLD_CLERK);
    save_receipt("bad-retired-quorum", ITEMS(OPENED, POLICY, AGENCY, CLERK, event), ledger.count,
                 TWO_MIRRORS);
    save_tiles("bad-retired-quorum", &ledger, ledger.count);
    save_both("good-meets-both", ITEMS(OPENED, POLICY, AGENCY, CLERK, event), ledger.count);
    save_both("good-newer-policy", ITEMS(OPENED, newer, AGENCY, CLERK, event), ledger.count);
    save_receipt("good-replaced-since", ITEMS(OPENED, POLICY, AGENCY, CLERK, early), before,
                 TWO_MIRRORS);
    save_tiles("good-replaced-since", &ledger, ledger.count);
    save_both("bad-judged-by-what-it-replaced", ITEMS(OPENED, POLICY, newer), ledger.count);
}

/* What is shown is not the receipt's log, or not all of it. */
static void other_tiles(void) {
    int event = find(WORLD_CLERK);
    save_receipt("bad-forked", ITEMS(OPENED, POLICY, AGENCY, CLERK, event), ledger.count,
                 ALL_MIRRORS);
    save_receipt("bad-behind", ITEMS(OPENED, POLICY, AGENCY, CLERK, event), ledger.count,
                 ALL_MIRRORS);
    save_tiles("bad-behind", &ledger, ledger.count - 1);
    struct paper_log fork = ledger;
    fork.count--;
    paper_add(&fork, world_sample(&world, WORLD_BOARD, "finding.final"));
    save_tiles("bad-forked", &fork, fork.count);
    save_both("good-plain", ITEMS(OPENED, POLICY, AGENCY, CLERK, event), ledger.count);
    save_both("good-root", ITEMS(OPENED, POLICY, POLICY), ledger.count);
    save_both("good-opening", ITEMS(OPENED, POLICY, OPENED), ledger.count);
}

/* --- random logs --- */

static uint64_t dice;

static unsigned draw(unsigned below) {
    dice = dice * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(dice >> 33) % below;
}

static enum world_who anybody(void) {
    return (enum world_who)draw(WORLD_PEOPLE);
}

static const char *random_scope(enum world_who whom) {
    static const char *const roles[] = {"agency", "clerk", "clerk", "oversight", "court"};
    static const char *const oris[] = {"[]", "['" WORLD_ORI "']",
                                       "['" WORLD_OTHER_ORI "','" WORLD_ORI "']"};
    static const char *const kinds[] = {"['*']", "['finding.final','key.enrolled']"};
    static const char *const bases[] = {"both", "live", "imported"};
    static const char *const more[] = {"", "", ",'from':'2025-12-26'", ",'until':'2025-12-24'",
                                       ",'from':'2020-01-01','until':'2040-01-01'"};
    return world_enrol_open(&world, whom, roles[draw(5)], oris[draw(3)], kinds[draw(2)],
                            bases[draw(3)], more[draw(5)]);
}

static const char *random_revocation(void) {
    static const char *const reasons[] = {"retired", "lost", "compromised", "compromised", "left"};
    static const char *const since[] = {"", ",'since':'2025-12-01'", ",'since':'2025-12-20'"};
    enum world_who whom = anybody();
    const char *foreign = "";
    if (draw(4) == 0) { /* another log's key, or one that this log has */
        struct writer w;
        uint8_t text[VKEY_SIZE_MAX];
        writer_init(&w, text, sizeof text);
        vkey_format(&w, &world.people[whom].vkey);
        foreign = world_text(&world, ",'vkey':'%.*s'", (int)w.len, (const char *)text);
    }
    return world_text(&world, "{'key':'%s','reason':'%s'%s%s}", world_name(&world, whom),
                      reasons[draw(5)], since[draw(3)], foreign);
}

/* A sample that names another log's event, naming one of this log instead. */
static const char *refer_here(const char *open, enum world_who whose) {
    static const char other[] =
        "'id':'0707070707070707070707070707070707070707070707070707070707070707','issuer':'desk',"
        "'log':'other.example/log','seq':3";
    char hex[2 * HASH_SIZE + 1] = "";
    struct writer w;
    writer_init(&w, hex, sizeof hex - 1);
    writer_hash_hex(&w, &world.last[whose].id);
    return world_bend(&world, open, other,
                      world_text(&world, "'id':'%s','issuer':'%s','log':'%s','seq':%llu", hex,
                                 world_name(&world, whose), world.log.vkey.name,
                                 (unsigned long long)world.last[whose].seq));
}

static struct bytes random_sample(struct world_event *event) {
    static const char *const samples[] = {"finding.final",        "failure.alleged",
                                          "correction",           "event.opened",
                                          "agency.registered",    "log.recognised",
                                          "finding.reversed",     "appeal.filed",
                                          "discipline.imposed",   "held",
                                          "log.policy",           "fork.observed",
                                          "log.succeeded",        "report.lodged",
                                          "recognition.withdrawn"};
    event->kind = samples[draw(sizeof samples / sizeof samples[0])];
    const struct kind *kind = kind_find(event->kind, strlen(event->kind));
    assert(kind != NULL);
    if (kind->id == KIND_REPORT_LODGED) {
        return world_lodge(&world, draw(5), NULL);
    }
    if (kind->id == KIND_CORRECTION && world.last[event->issuer].seq == 0) {
        event->kind = "finding.final";
    }
    if (kind->id == KIND_EVENT_OPENED && world.closed[event->issuer].seq == 0) {
        return world_closed_sample(&world, event->issuer, "finding.final"); /* to be opened later */
    }
    if (kind->roots_threshold) {
        event->issuer = WORLD_ROOT_1;
    }
    enum world_who whose = anybody();
    bool names_one =
        kind->id == KIND_FINDING_REVERSED || kind->id == KIND_APPEAL_FILED || kind->id == KIND_HELD;
    if (names_one && world.last[whose].seq > 0) {
        event->open = refer_here(world_open(&world, event->issuer, event->kind), whose);
    }
    return world_event(&world, event);
}

/* Any event whose form is good, by anybody, in a role that may sign it or not. */
static struct bytes random_event(enum world_who *issuer) {
    struct world_event event = {.issuer = anybody()};
    unsigned what = draw(10);
    if (what < 2) {
        event.kind = "key.enrolled";
        enum world_who whom = anybody();
        event.issuer =
            event.issuer == whom ? (enum world_who)((whom + 1) % WORLD_PEOPLE) : event.issuer;
        event.open = random_scope(whom);
    } else if (what < 4) {
        event.kind = "key.revoked";
        event.open = random_revocation();
    } else if (what == 4) {
        event.kind = "key.rotated";
        event.issuer = draw(2) == 0 ? WORLD_AGENCY : WORLD_ROOT_1;
        event.open = world_rotate_open(&world, draw(2) == 0 ? WORLD_CLERK : WORLD_BOARD,
                                       draw(2) == 0 ? WORLD_NEWCOMER : WORLD_STRANGER, "");
    }
    struct bytes note = what > 4 ? random_sample(&event) : world_event(&world, &event);
    *issuer = event.issuer;
    return note;
}

/* What a judge makes of the last entry: the issuer's sequence goes on from what was accepted. */
static bool judge_last(struct store_txn *txn, const struct log *log) {
    uint8_t memory[ENTRY_SIZE_MAX];
    struct judgement judgement;
    struct refusal why;
    struct writer w;
    uint64_t index = ledger.count - 1;
    writer_init(&w, memory, sizeof memory);
    paper_entry(&w, &ledger, index);
    judge_prepare(txn, log, index, writer_view(&w), &judgement);
    enum status status = judge_entry(txn, log, &judgement);
    judgement_release(&judgement);
    assert(status == STATUS_OK);
    return judge_verdict(txn, 1, index, &why) == STATUS_OK;
}

static void random_log(unsigned number) {
    struct store *store = NULL;
    struct store_txn *txn = NULL;
    struct log log = {.number = 1, .flags = LOG_EVENTS};
    struct store_memory_options options = {.max_bytes = (size_t)1 << 30};
    struct bytes notes[WORLD_START];
    enum status status = store_memory_open(&options, &store);
    assert(status == STATUS_OK);
    status = store_begin(store, STORE_WRITE, &txn);
    assert(status == STATUS_OK);
    world_init(&world, "agency.example/log");
    paper_init(&ledger, &world);
    world_start(&world, notes);
    log.vkey = world.log.vkey;
    for (size_t i = 0; i < WORLD_START; i++) {
        add(notes[i]);
        (void)judge_last(txn, &log);
    }
    while (ledger.count < RANDOM_ENTRIES) {
        struct world before = world;
        enum world_who issuer;
        struct bytes note = random_event(&issuer);
        note = draw(12) == 0 ? world_damage(note, 0) : note;
        paper_add_at(&ledger, note, WORLD_TIME_MS + 1000 * (ledger.count - draw(16) / 15 * 2));
        if (!judge_last(txn, &log) &&
            draw(8) != 0) { /* else what it signs from here on has a gap */
            world.last[issuer] = before.last[issuer];
            world.closed[issuer] = before.closed[issuer];
        }
    }
    save_tiles(world_text(&world, "random-%u", number), &ledger, ledger.count);
    store_abort(txn);
    store_memory_close(store);
    world_release(&world);
}

static void write_trust(void) {
    uint8_t text[VKEY_SIZE_MAX];
    struct writer w;
    writer_init(&w, text, sizeof text);
    vkey_format(&w, &world.log.vkey);
    assert(!w.failed);
    save(path_of("vkey", ""), writer_view(&w));
    save(path_of("policy", ""), bytes_text(world_policy_text(&world, NULL)));
}

int main(int argc, char **argv) {
    static void (*const cases[])(void) = {
        revoked_before,   revoked_by_a_root,    revoked_after, doubted, rotated,
        enroller_revoked, strangers_revocation, second_name,   gap,     newer_policy,
        other_tiles,      write_trust};
    if (argc != 4) {
        fprintf(stderr, "usage: check-logs FOLDER COUNT SEED\n");
        return 2;
    }
    folder = argv[1];
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        start();
        cases[i]();
        world_release(&world);
    }
    dice = strtoull(argv[3], NULL, 10);
    for (unsigned i = 0; i < (unsigned)strtoul(argv[2], NULL, 10); i++) {
        random_log(i);
    }
    return 0;
}
