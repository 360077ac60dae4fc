/* Writes good samples of every format, for the fuzzers to start from and for `make test` to replay:
 *
 *     fuzz-seeds FOLDER         FOLDER/<harness>/<sample>
 */
#include "ledger/absence.h"
#include "ledger/json.h"
#include "ledger/locked_key.h"
#include "ledger/mirror.h"
#include "ledger/proof.h"
#include "ledger/request_note.h"
#include "ledger/tile.h"
#include "ledger/tree_layout.h"
#include "tests/lib/paper.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define SAMPLE_MAX (1024 * 1024)
#define ALL_MIRRORS 7u

static const char *folder;
static uint8_t memory[SAMPLE_MAX];
static struct world world;
static struct paper_log ledger;
static struct paper_log fork_of_it;
static size_t common;

static void save(const char *harness, const char *name, struct bytes b) {
    char path[4096];
    int n = snprintf(path, sizeof path, "%s/%s", folder, harness);
    assert(n > 0 && (size_t)n < sizeof path);
    mkdir(path, 0777); /* it may be there */
    n = snprintf(path, sizeof path, "%s/%s/%s", folder, harness, name);
    assert(n > 0 && (size_t)n < sizeof path);
    FILE *file = fopen(path, "wb");
    if (file == NULL || fwrite(b.data, 1, b.len, file) != b.len || fclose(file) != 0) {
        perror(path);
        exit(1);
    }
}

static void save_text(const char *harness, const char *name, const char *text) {
    save(harness, name, bytes_text(text));
}

static struct writer sample(void) {
    struct writer w;
    writer_init(&w, memory, sizeof memory);
    return w;
}

static void save_written(const char *harness, const char *name, const struct writer *w) {
    assert(!w->failed);
    save(harness, name, writer_view(w));
}

static void add(struct bytes note, const char *name) {
    size_t index = paper_add(&ledger, note);
    paper_add(&fork_of_it, note);
    save("event", name, note);
    save("note", name, note);
    struct writer w = sample();
    paper_entry(&w, &ledger, index);
    save_written("event", world_text(&world, "entry-%s", name), &w);
    struct event event;
    enum status status = event_parse(note, &event, NULL);
    assert(status == STATUS_OK);
    w = sample();
    status = jcs_write(&w, event.root, NULL);
    assert(status == STATUS_OK);
    save_written("json", name, &w);
    event_release(&event);
}

/* One event of every kind, and then the two histories part. */
static void events(void) {
    static const char *const kinds[] = {"failure.alleged",    "finding.final",
                                        "discipline.imposed", "intervention.reported",
                                        "correction",         "fork.observed"};
    struct bytes start[WORLD_START];
    world_start(&world, start);
    for (size_t i = 0; i < WORLD_START; i++) {
        add(start[i], world_text(&world, "start-%zu", i));
    }
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        enum world_who who = i == 5 ? WORLD_BOARD : WORLD_CLERK;
        add(world_sample(&world, who, kinds[i]), kinds[i]);
    }
    add(world_closed_sample(&world, WORLD_CLERK, "finding.final"), "closed");
    add(world_sample(&world, WORLD_CLERK, "event.opened"), "event.opened");
    add(world_enrol(&world, WORLD_AGENCY, WORLD_NEWCOMER), "enrolled");
    add(world_revoke(&world, WORLD_AGENCY, WORLD_NEWCOMER), "revoked");
    common = ledger.count;
    paper_add(&ledger, world_sample(&world, WORLD_CLERK, "failure.alleged"));
    paper_add(&fork_of_it, world_sample(&world, WORLD_CLERK, "finding.final"));
    for (int i = 0; i < 6; i++) {
        struct bytes note = world_sample(&world, WORLD_COURT, "finding.final");
        paper_add(&ledger, note);
        paper_add(&fork_of_it, note);
    }
}

static void keys(void) {
    struct writer w = sample();
    vkey_format(&w, &world.log.vkey);
    save_written("vkey", "log", &w);
    w = sample();
    vkey_format(&w, &world.mirrors[0].vkey);
    save_written("vkey", "mirror", &w);
    w = sample();
    signer_format(&w, &world.people[WORLD_CLERK]);
    save_written("vkey", "secret", &w);
}

static void locked_keys(void) {
    const struct lock_cost cheap = {.passes = 1, .memory_kib = LOCK_MEMORY_MIN_KIB};
    const uint8_t salt[LOCK_SALT_SIZE] = {1};
    const uint8_t nonce[LOCK_NONCE_SIZE] = {2};
    struct locked_key key;
    struct writer w = sample();
    enum status status = locked_key_make(&world.people[WORLD_CLERK], &cheap, salt, nonce,
                                         bytes_text("open"), &key, NULL);
    assert(status == STATUS_OK);
    locked_key_format(&w, &key);
    save_written("locked_key", "clerk", &w);
}

static void request_notes(void) {
    struct request_note values = {.origin = vkey_name(&world.log.vkey),
                                  .method = bytes_text("GET"),
                                  .target = bytes_text("/access?from=1"),
                                  .expires = WORLD_TIME_MS / 1000};
    struct writer w = sample();
    request_note_make(&w, &values, &world.people[WORLD_BOARD]);
    save_written("request_note", "access", &w);
}

static void policies(void) {
    static const char *const urls[WORLD_MIRRORS] = {"http://127.0.0.1:1", "http://127.0.0.1:2/x",
                                                    "https://mirror.example"};
    save_text("policy", "two-of-three", world_policy_text(&world, NULL));
    save_text("policy", "with-urls", world_policy_text(&world, urls));
    save_text("policy", "none", "# nobody\n\nquorum none\n");
}

static struct bytes head(size_t size) {
    return paper_checkpoint(&ledger, size, WORLD_TIME_MS / 1000 + 60, ALL_MIRRORS);
}

static void checkpoints(void) {
    struct hash root;
    struct merkle_proof proof;
    struct bytes newest = head(ledger.count);
    paper_root(&ledger, 0, &root);
    save("checkpoint", "empty", world_checkpoint(&world, 0, &root, 1, 0));
    save("checkpoint", "cosigned", newest);
    save("note", "checkpoint", newest);
    struct note note;
    enum status status = note_parse(newest, &note, NULL);
    assert(status == STATUS_OK);
    save("note", "lines",
         bytes_of(note.signatures[0].line.data,
                  (size_t)(newest.data + newest.len - note.signatures[0].line.data)));

    struct writer w = sample();
    paper_consistency(&ledger, 5, ledger.count, &proof);
    add_checkpoint_format(&w, 5, &proof, newest);
    save_written("add_checkpoint", "grown", &w);
    w = sample();
    proof.count = 0;
    add_checkpoint_format(&w, 0, &proof, newest);
    save_written("add_checkpoint", "first", &w);
}

static void proofs(void) {
    static const size_t indexes[] = {0, 1, 4, 9};
    for (size_t i = 0; i < sizeof indexes / sizeof indexes[0]; i++) {
        struct writer w = sample();
        paper_proof(&w, &ledger, indexes[i], ledger.count, head(ledger.count));
        save_written("proof", world_text(&world, "entry-%zu", indexes[i]), &w);
    }
    struct writer w = sample();
    struct merkle_proof none = {.count = 0};
    proof_format(&w, bytes_of(NULL, 0), 0, &none, head(1));
    save_written("proof", "alone", &w);
}

static void receipts(void) {
    static const size_t clerk[] = {0, 1, 2, 3, 7};
    static const size_t root[] = {0, 1, 1};
    struct writer w = sample();
    paper_receipt(&w, &ledger, clerk, 5, ledger.count, head(ledger.count));
    save_written("receipt", "by-a-clerk", &w);
    w = sample();
    paper_receipt(&w, &ledger, root, 3, ledger.count, head(ledger.count));
    save_written("receipt", "by-a-root", &w);
}

static void evidence(void) {
    for (char form = 'a'; form <= 'd'; form++) {
        struct writer w = sample();
        paper_evidence(&w, form, &ledger, &fork_of_it, common, ledger.count - 2, ledger.count);
        save_written("evidence", world_text(&world, "form-%c", form), &w);
    }
}

/* Rows of two lists, with none, one and two neighbours; what the receipts are is not looked at. */
static void absences(void) {
    static const char *const leaves[3] = {"[[\"A\",\"B\"],[\"C\"]]", "[[\"A\\\"\"],[]]",
                                          "[[\"\xc3\x89\"],[\"\",\"\"]]"};
    for (size_t around = 0; around <= 2; around++) {
        struct absence absence = {.receipts = {bytes_text("one"), bytes_text("the other\n")},
                                  .row = {.text = bytes_text(leaves[around])},
                                  .around_count = around};
        struct writer w = sample();
        for (size_t i = 0; i < around; i++) {
            absence.around[i] = (struct absence_leaf){.index = i, .text = bytes_text(leaves[i])};
            absence.around[i].proof.count = 2 * i;
        }
        absence_format(&w, &absence);
        save_written("absence", world_text(&world, "around-%zu", around), &w);
    }
}

/* A list of two rows, as it is kept. */
static void kept_rows(void) {
    static const char *const leaves[2] = {"[[\"A\"],[\"B\"]]", "[[\"C\"],[\"\"]]"};
    struct hash hashes[2];
    struct hash root;
    struct writer w = sample();
    for (size_t i = 0; i < 2; i++) {
        hash_leaf((const uint8_t *)leaves[i], strlen(leaves[i]), &hashes[i]);
    }
    hash_node(&hashes[0], &hashes[1], &root);
    writer_text(&w, "dutylog/list/v1\n{\"address\":\"\",\"count\":2,\"file\":\"");
    writer_hash_hex(&w, &root);
    writer_text(&w, "\",\"key\":[\"officer\"],\"keys\":\"");
    writer_hash_hex(&w, &root);
    writer_text(&w, "\",\"list\":\"city\",\"mapping\":\"");
    writer_hash_hex(&w, &root);
    writer_text(&w, "\",\"observed\":\"2023-09-01T00:00:00Z\",\"other\":[\"penalty\"],\"root\":\"");
    writer_hash_hex(&w, &root);
    writer_text(&w, "\"}\n");
    for (size_t i = 0; i < 2; i++) {
        writer_text(&w, leaves[i]);
        writer_text(&w, "\n");
    }
    save_written("rows", "two", &w);
}

static void tiles(void) {
    static const char *const paths[] = {"0/000",           "0/x001/x234/067.p/8", "7/000.p/255",
                                        "entries/000.p/1", "entries/x001/000",    "63/000"};
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        save_text("tile_path", world_text(&world, "path-%zu", i), paths[i]);
    }
    static uint8_t one[ENTRY_SIZE_MAX];
    struct writer w = sample();
    for (size_t i = 0; i < 5; i++) {
        struct writer entry;
        writer_init(&entry, one, sizeof one);
        paper_entry(&entry, &ledger, i);
        bundle_put(&w, writer_view(&entry));
    }
    save_written("bundle", "five", &w);
    w = sample();
    bundle_put(&w, bytes_of(NULL, 0));
    save_written("bundle", "an-empty-entry", &w);
}

/* Two packages, the first to the end of a block; entries of one byte. */
static void uploads(void) {
    struct upload_header header = {.origin = vkey_name(&world.log.vkey),
                                   .start = 250,
                                   .end = 260,
                                   .ticket = bytes_text("ticket")};
    struct writer w = sample();
    upload_header_format(&w, &header);
    for (uint64_t start = header.start; start < header.end;) {
        uint64_t end;
        struct hash hash;
        package_bounds(start, header.end, &end);
        for (uint64_t i = start; i < end; i++) {
            bundle_put(&w, bytes_text("x"));
        }
        writer_u8(&w, 2);
        hash_empty(&hash);
        writer_hash(&w, &hash);
        writer_hash(&w, &hash);
        start = end;
    }
    save_written("add_entries", "two-packages", &w);
    w = sample();
    header.end = header.start;
    header.ticket = bytes_of(NULL, 0);
    upload_header_format(&w, &header);
    save_written("add_entries", "nothing", &w);
    w = sample();
    header.end = header.start + 1;
    writer_u16(&w, 3);
    writer_text(&w, "old");
    upload_header_format(&w, &header);
    bundle_put(&w, bytes_text("x"));
    writer_u8(&w, 0);
    save_written("add_candidate", "one-package", &w);
    save_text("mirror_info", "no-ticket", "7\n5\n\n");
    save_text("mirror_info", "ticket", "700\n512\ndGlja2V0\n");
}

static void rows(void) {
    struct tree_row row = {.unfinished_bytes = 77};
    struct hash hash;
    merkle_frontier_init(&row.frontier);
    for (size_t i = 0; i < 7; i++) {
        merkle_frontier_append(&row.frontier, &ledger.leaves[i]);
    }
    merkle_frontier_root(&row.frontier, &row.root);
    struct writer w = sample();
    tree_row_format(&w, &row);
    save_written("tree_row", "head", &w);
    w = sample();
    writer_u8(&w, 254); /* the place in the block, for the harness */
    writer_u8(&w, 2 - 1);
    hash_empty(&hash);
    writer_hash(&w, &hash);
    writer_hash(&w, &hash);
    bundle_put(&w, bytes_text("one"));
    bundle_put(&w, bytes_text("two"));
    save_written("tree_row", "piece", &w);
}

static void imports(void) {
    save_text("import_map", "all",
              "[import]\nsource = s\ntable = t\ncase = {n}\nkey = n, o\ncontent = n, f\n"
              "subject = {o}\nori = NY0303000\nparty = officer\n[columns]\nn = Case No.\n"
              "[strip]\nf = ##. .\n[empty]\nf = N/A | -\n[dates]\nd = iso | m/d/y | serial | "
              "within\ne = d/m/y\n[order]\nd = e\n[agencies]\nsame = A => B\n"
              "[event finding.final]\nwhen = {f} not X | Y*\n  {d}\ndisposition = {f} by c\n"
              "decided = {d}\ndecided_by = chief\nmapping = close\nsource_text = {f} and\n"
              "  more {n}\n[event discipline.imposed 2]\ndiscipline = {p} by m\n"
              "decided_by = chief\n[codes c]\nsustained = SU\n- = Z\nnot_sustained = *\n"
              "[measures m]\nsuspension # days unpaid close = # - # DAY*\nnone = NO\n");
}

static void configurations(void) {
    struct writer w = sample();
    writer_text(&w, "; an agency\n[node]\nname = agency\nlisten = 127.0.0.1:0\ndata = data\n"
                    "log_level = info\noperator = Town of Springfield\n\n"
                    "[host]\norigin = agency.example/log\nkey = log.key\naccept = events\n"
                    "round_timeout = 5000\nrefresh = 3600\n\n"
                    "[mirror]\nkey = mirror.key\nwitness_key = witness.key\n\n");
    save_written("config", "host", &w);
    writer_text(&w, "[log agency.example/log]\nvkey = ");
    vkey_format(&w, &world.log.vkey);
    writer_text(&w, "\naccept = opaque\nurl = http://127.0.0.1:8080\npull = 5\n");
    save_written("config", "mirror", &w);
    writer_text(&w, "[authority doj]\nroot = ");
    vkey_format(&w, &world.people[WORLD_ROOT_1].vkey);
    writer_text(&w, "\nroot = ");
    vkey_format(&w, &world.people[WORLD_ROOT_2].vkey);
    writer_text(&w, "\nthreshold = 1\nurl = https://doj.example:8443\npull = 300\n");
    save_written("config", "authority", &w);
}

int main(int argc, char **argv) {
    if (argc != 2) {
        fprintf(stderr, "usage: fuzz-seeds FOLDER\n");
        return 2;
    }
    folder = argv[1];
    mkdir(folder, 0777); /* it may be there */
    world_init(&world, "agency.example/log");
    paper_init(&ledger, &world);
    paper_init(&fork_of_it, &world);
    events();
    keys();
    policies();
    request_notes();
    locked_keys();
    checkpoints();
    proofs();
    receipts();
    evidence();
    absences();
    kept_rows();
    tiles();
    uploads();
    rows();
    configurations();
    imports();
    world_release(&world);
    return 0;
}
