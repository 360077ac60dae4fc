/* Evidence, made by a log and a cosigner of the tests that lie. */
#include "ledger/evidence.h"

#include "ledger/cosignature.h"
#include "ledger/proof.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#define ORIGIN "pd.example/log"
#define LEAVES 70

static struct signer log_key;
static struct signer other_log;
static struct signer cosigner;
static struct hash honest[LEAVES];
static struct hash forged[LEAVES]; /* another entry at FORGED_AT */
#define FORGED_AT 3

static void make_signer(const char *name, enum vkey_type type, uint8_t seed_byte,
                        struct signer *out) {
    uint8_t seed[SIGN_SEED_SIZE];
    memset(seed, seed_byte, sizeof seed);
    cr_assert_eq(signer_make(bytes_text(name), type, seed, out), STATUS_OK);
}

static void prepare(void) {
    cr_assert(crypto_init());
    make_signer(ORIGIN, VKEY_NOTE, 1, &log_key);
    make_signer(ORIGIN, VKEY_NOTE, 2, &other_log);
    make_signer("mirror.example", VKEY_COSIGNATURE, 3, &cosigner);
    for (unsigned i = 0; i < LEAVES; i++) {
        hash_leaf(&i, sizeof i, &honest[i]);
        forged[i] = honest[i];
    }
    hash_leaf("another", 7, &forged[FORGED_AT]);
}

TestSuite(evidence, .init = prepare);

/* --- what a dishonest log makes --- */

struct checkpoint_note {
    uint8_t memory[2048];
    struct bytes view;
};

/* A checkpoint over the first `size` leaves; cosigned at `time` unless that is 0. */
static void make_checkpoint(struct checkpoint_note *out, const char *origin,
                            const struct hash *leaves, uint64_t size, const struct signer *signer,
                            uint64_t time) {
    uint8_t text_memory[256];
    struct writer text;
    struct writer w;
    struct hash root;
    merkle_root_of(leaves, size, &root);
    writer_init(&text, text_memory, sizeof text_memory);
    checkpoint_format_text(&text, bytes_text(origin), size, &root);
    writer_init(&w, out->memory, sizeof out->memory);
    writer_bytes(&w, writer_view(&text));
    writer_text(&w, "\n");
    note_sign(&w, writer_view(&text), signer);
    if (time > 0) {
        cosignature_sign(&w, writer_view(&text), time, &cosigner);
    }
    cr_assert_not(w.failed);
    out->view = writer_view(&w);
}

static void read_plan(const struct merkle_plan *plan, const struct hash *leaves,
                      struct hash *read) {
    for (size_t i = 0; i < plan->count; i++) {
        const struct merkle_node *node = &plan->nodes[i];
        merkle_root_of(&leaves[node->index << node->level], (size_t)1 << node->level, &read[i]);
    }
}

static void make_subproof(const struct hash *leaves, uint64_t m, uint64_t n,
                          struct merkle_proof *out) {
    struct merkle_plan plan;
    struct hash read[MERKLE_PLAN_MAX];
    merkle_subproof_plan(m, n, &plan);
    read_plan(&plan, leaves, read);
    merkle_subproof_prove(m, n, read, out);
}

/* A tlog-proof of a leaf under a checkpoint. */
static void make_proof(struct checkpoint_note *out, const struct hash *leaves, uint64_t index,
                       uint64_t size, struct bytes checkpoint) {
    struct merkle_plan plan;
    struct hash read[MERKLE_PLAN_MAX];
    struct merkle_proof inclusion;
    struct writer w;
    merkle_inclusion_plan(index, size, &plan);
    read_plan(&plan, leaves, read);
    merkle_inclusion_prove(index, size, read, &inclusion);
    writer_init(&w, out->memory, sizeof out->memory);
    proof_format(&w, bytes_text(""), index, &inclusion, checkpoint);
    cr_assert_not(w.failed);
    out->view = writer_view(&w);
}

static struct checkpoint_note notes[2];
static struct checkpoint_note proofs[2];

static struct evidence form_a(void) {
    make_checkpoint(&notes[0], ORIGIN, honest, 8, &log_key, 100);
    make_checkpoint(&notes[1], ORIGIN, forged, 8, &log_key, 200);
    bool swap = bytes_compare(notes[0].view, notes[1].view) > 0;
    return (struct evidence){
        .form = 'a', .parts = {notes[swap].view, notes[!swap].view}, .hashes = {.count = 0}};
}

static struct evidence form_b(uint64_t m, uint64_t n) {
    struct evidence e = {.form = 'b'};
    make_checkpoint(&notes[0], ORIGIN, honest, m, &log_key, 100);
    make_checkpoint(&notes[1], ORIGIN, forged, n, &log_key, 200);
    e.parts[0] = notes[0].view;
    e.parts[1] = notes[1].view;
    make_subproof(forged, m, n, &e.hashes);
    return e;
}

static struct evidence form_c(uint64_t m, uint64_t n) {
    struct evidence e = {.form = 'c', .hashes = {.count = 2}};
    make_checkpoint(&notes[0], ORIGIN, honest, m, &log_key, 100);
    make_checkpoint(&notes[1], ORIGIN, forged, n, &log_key, 200);
    make_proof(&proofs[0], honest, FORGED_AT, m, notes[0].view);
    make_proof(&proofs[1], forged, FORGED_AT, n, notes[1].view);
    e.parts[0] = proofs[0].view;
    e.parts[1] = proofs[1].view;
    e.hashes.hashes[0] = honest[FORGED_AT];
    e.hashes.hashes[1] = forged[FORGED_AT];
    return e;
}

static struct evidence form_d(uint64_t small_time, uint64_t large_time) {
    make_checkpoint(&notes[0], ORIGIN, honest, 5, &log_key, small_time);
    make_checkpoint(&notes[1], ORIGIN, honest, 8, &log_key, large_time);
    return (struct evidence){
        .form = 'd', .parts = {notes[0].view, notes[1].view}, .hashes = {.count = 0}};
}

/* --- asking --- */

static struct bytes format(const struct evidence *e) {
    static uint8_t memory[16384];
    struct writer w;
    writer_init(&w, memory, sizeof memory);
    evidence_format(&w, e);
    cr_assert_not(w.failed);
    return writer_view(&w);
}

/* Formats, parses, formats again, verifies. */
static void assert_proves(const struct evidence *e, const struct signer *accused,
                          const char *words) {
    static uint8_t input[16384];
    struct evidence parsed;
    struct refusal why = {0};
    struct bytes file = format(e);
    memcpy(input, file.data, file.len);
    struct bytes copy = bytes_of(input, file.len);
    cr_assert_eq(evidence_parse(copy, &parsed, &why), STATUS_OK, "%s", why.text);
    cr_assert(bytes_equal(format(&parsed), copy));
    cr_assert_eq(evidence_verify(&parsed, &accused->vkey, &why), STATUS_OK, "%s", why.text);
    cr_assert_eq(why.status, STATUS_OK);
    cr_assert(strstr(why.text, words) != NULL, "%s", why.text);
    cr_assert(strstr(why.text, ORIGIN) != NULL, "%s", why.text);
}

static void assert_fails(const struct evidence *e, const struct signer *accused, enum status status,
                         const char *words) {
    struct refusal why = {0};
    enum status got = evidence_verify(e, &accused->vkey, &why);
    cr_assert_eq(got, status, "%s: %s", status_name(got), why.text);
    cr_assert(strstr(why.text, words) != NULL, "%s", why.text);
}

/* --- form a --- */

Test(evidence, two_roots_at_one_size) {
    struct evidence e = form_a();
    assert_proves(&e, &log_key, "proved: the log signed two different trees of 8 entries");
    assert_proves(&e, &cosigner, "proved: the cosigner signed two different trees of 8 entries");
}

Test(evidence, two_roots_need_the_accused) {
    struct evidence e = form_a();
    assert_fails(&e, &other_log, STATUS_DENIED_SIGNATURE, "did not sign");
    /* The same key under another name is another key. */
    struct signer renamed;
    make_signer("other.example", VKEY_NOTE, 1, &renamed);
    assert_fails(&e, &renamed, STATUS_DENIED_SIGNATURE, "did not sign");
    /* One of two signed by the accused is not enough, whichever it is. */
    for (int which = 0; which < 2; which++) {
        make_checkpoint(&notes[0], ORIGIN, honest, 8, which == 0 ? &other_log : &log_key, 0);
        make_checkpoint(&notes[1], ORIGIN, forged, 8, which == 1 ? &other_log : &log_key, 0);
        e.parts[0] = notes[0].view;
        e.parts[1] = notes[1].view;
        assert_fails(&e, &log_key, STATUS_DENIED_SIGNATURE,
                     which == 0 ? "checkpoint 1: the accused key did not sign"
                                : "checkpoint 2: the accused key did not sign");
        assert_fails(&e, &cosigner, STATUS_DENIED_SIGNATURE, "did not sign");
    }
}

/* A signature line by the accused over another text: it proves nothing against them. */
Test(evidence, a_moved_signature_is_refused) {
    for (int which = 0; which < 2; which++) {
        struct evidence e = form_a();
        make_checkpoint(&notes[1], ORIGIN, honest, 9, &log_key, 100);
        static uint8_t memory[2048];
        struct note good;
        struct note moved;
        struct writer w;
        cr_assert_eq(note_parse(e.parts[which], &good, NULL), STATUS_OK);
        cr_assert_eq(note_parse(notes[1].view, &moved, NULL), STATUS_OK);
        struct hash root;
        uint8_t text[256];
        merkle_root_of(forged, 8, &root);
        writer_init(&w, text, sizeof text);
        checkpoint_format_text(&w, bytes_text(ORIGIN), 8, &root);
        struct bytes forged_text = writer_view(&w);
        writer_init(&w, memory, sizeof memory);
        writer_bytes(&w, forged_text);
        writer_text(&w, "\n");
        writer_bytes(&w, moved.signatures[0].line);
        writer_bytes(&w, moved.signatures[1].line);
        make_checkpoint(&notes[0], ORIGIN, honest, 8, &log_key, 100);
        e.parts[which] = writer_view(&w);
        e.parts[!which] = notes[0].view;
        assert_fails(&e, &log_key, STATUS_DENIED_SIGNATURE, "does not verify");
        assert_fails(&e, &cosigner, STATUS_DENIED_SIGNATURE, "does not verify");
    }
}

Test(evidence, two_roots_prove_nothing_if) {
    struct evidence e = form_a();
    make_checkpoint(&notes[0], ORIGIN, honest, 8, &log_key, 100);
    make_checkpoint(&notes[1], ORIGIN, honest, 8, &log_key, 200);
    e.parts[0] = notes[0].view;
    e.parts[1] = notes[1].view;
    assert_fails(&e, &log_key, STATUS_BAD_PROOF, "same root");
    assert_fails(&e, &cosigner, STATUS_BAD_PROOF, "same root");
    make_checkpoint(&notes[1], ORIGIN, forged, 9, &log_key, 200);
    e.parts[1] = notes[1].view;
    assert_fails(&e, &log_key, STATUS_BAD_PROOF, "form a is of one size; these are 8 and 9");
    make_checkpoint(&notes[1], "pd.example/log2", forged, 8, &log_key, 200);
    e.parts[1] = notes[1].view;
    assert_fails(&e, &log_key, STATUS_BAD_PROOF, "different logs");
    e.parts[1] = bytes_text("no checkpoint");
    assert_fails(&e, &log_key, STATUS_BAD_FORM, "checkpoint 2: ");
}

/* --- form b --- */

/* Every pair of sizes whose smaller tree holds the changed entry; a power of two among them. */
Test(evidence, not_a_prefix, .timeout = 60) {
    for (uint64_t n = FORGED_AT + 2; n <= LEAVES; n += n < 20 ? 1 : 11) {
        for (uint64_t m = FORGED_AT + 1; m < n; m++) {
            char words[128];
            struct evidence e = form_b(m, n);
            snprintf(words, sizeof words, "the log signed trees of %d and %d entries", (int)m,
                     (int)n);
            assert_proves(&e, &log_key, words);
        }
    }
    struct evidence e = form_b(16, 64);
    assert_proves(&e, &cosigner, "the cosigner signed trees of 16 and 64 entries");
    assert_proves(&e, &cosigner, "and the smaller is not the beginning of the larger");
}

Test(evidence, a_prefix_proves_nothing, .timeout = 60) {
    for (uint64_t n = 2; n <= 40; n++) {
        for (uint64_t m = 1; m < n; m++) {
            struct evidence e = form_b(m, n);
            make_checkpoint(&notes[1], ORIGIN, honest, n, &log_key, 200);
            e.parts[1] = notes[1].view;
            make_subproof(honest, m, n, &e.hashes);
            assert_fails(&e, &log_key, STATUS_BAD_PROOF, "nothing is proved");
            /* The changed entry comes later: the smaller tree is still a prefix. */
            if (m <= FORGED_AT) {
                e = form_b(m, n);
                assert_fails(&e, &log_key, STATUS_BAD_PROOF, "nothing is proved");
            }
        }
    }
}

/* Hashes that were not those of the larger tree accuse nobody: every bit, every missing one. */
Test(evidence, false_hashes_prove_nothing) {
    struct evidence e = form_b(8, 21);
    assert_proves(&e, &log_key, "trees of 8 and 21");
    size_t count = e.hashes.count;
    for (size_t i = 0; i < count; i++) {
        for (unsigned bit = 0; bit < 256; bit += 5) {
            e.hashes.hashes[i].bytes[bit / 8] ^= (uint8_t)(1U << (bit % 8));
            assert_fails(&e, &log_key, STATUS_BAD_PROOF, "do not rebuild");
            e.hashes.hashes[i].bytes[bit / 8] ^= (uint8_t)(1U << (bit % 8));
        }
    }
    for (e.hashes.count = 1; e.hashes.count <= MERKLE_PROOF_MAX; e.hashes.count++) {
        if (e.hashes.count != count) {
            assert_fails(&e, &log_key, STATUS_BAD_PROOF, "are not a proof between sizes 8 and 21");
        }
    }
    e.hashes.count = count;
    make_subproof(honest, 8, 21, &e.hashes);
    assert_fails(&e, &log_key, STATUS_BAD_PROOF, "do not rebuild");
}

Test(evidence, two_sizes_need_their_order_origin_and_signatures) {
    struct evidence e = form_b(8, 21);
    struct bytes small = e.parts[0];
    struct bytes large = e.parts[1];
    e.parts[0] = large;
    e.parts[1] = small;
    assert_fails(&e, &log_key, STATUS_BAD_PROOF, "the smaller first; these are 21 and 8");
    e.parts[0] = small;
    assert_fails(&e, &log_key, STATUS_BAD_PROOF, "the smaller first; these are 8 and 8");
    e.parts[1] = large;
    assert_fails(&e, &other_log, STATUS_DENIED_SIGNATURE, "did not sign");
    make_checkpoint(&notes[1], "pd.example/log2", forged, 21, &log_key, 200);
    e.parts[1] = notes[1].view;
    assert_fails(&e, &log_key, STATUS_BAD_PROOF, "different logs");
    e = form_b(8, 21);
    make_checkpoint(&notes[0], ORIGIN, honest, 8, &other_log, 0);
    e.parts[0] = notes[0].view;
    assert_fails(&e, &log_key, STATUS_DENIED_SIGNATURE, "checkpoint 1");
    assert_fails(&e, &cosigner, STATUS_DENIED_SIGNATURE, "checkpoint 1");
    /* Nothing can be proved with the empty tree. */
    e = form_b(8, 21);
    make_checkpoint(&notes[0], ORIGIN, honest, 0, &log_key, 0);
    e.parts[0] = notes[0].view;
    assert_fails(&e, &log_key, STATUS_BAD_PROOF, "are not a proof between sizes 0 and 21");
}

/* --- form c --- */

Test(evidence, two_leaves_at_one_index) {
    for (uint64_t m = FORGED_AT + 1; m < 20; m++) {
        for (uint64_t n = m + 1; n <= 20; n++) {
            struct evidence e = form_c(m, n);
            assert_proves(&e, &log_key, "with different entries at index 3");
            assert_proves(&e, &cosigner, "proved: the cosigner signed trees of");
        }
    }
}

Test(evidence, two_leaves_prove_nothing_if) {
    struct evidence e = form_c(9, 20);
    assert_fails(&e, &other_log, STATUS_DENIED_SIGNATURE, "did not sign");
    e.hashes.hashes[1] = honest[FORGED_AT];
    assert_fails(&e, &log_key, STATUS_BAD_PROOF, "proof 2 does not lead");
    e.hashes.hashes[0] = forged[FORGED_AT];
    assert_fails(&e, &log_key, STATUS_BAD_PROOF, "proof 1 does not lead");

    e = form_c(9, 20);
    make_checkpoint(&notes[1], ORIGIN, honest, 20, &log_key, 200);
    make_proof(&proofs[1], honest, FORGED_AT, 20, notes[1].view);
    e.parts[1] = proofs[1].view;
    e.hashes.hashes[1] = honest[FORGED_AT];
    assert_fails(&e, &log_key, STATUS_BAD_PROOF, "one leaf");

    make_proof(&proofs[1], honest, 4, 20, notes[1].view);
    e.parts[1] = proofs[1].view;
    e.hashes.hashes[1] = honest[4];
    assert_fails(&e, &log_key, STATUS_BAD_PROOF, "entries 3 and 4");

    e = form_c(9, 20);
    struct bytes swap = e.parts[0];
    struct hash leaf = e.hashes.hashes[0];
    e.parts[0] = e.parts[1];
    e.parts[1] = swap;
    e.hashes.hashes[0] = e.hashes.hashes[1];
    e.hashes.hashes[1] = leaf;
    assert_fails(&e, &log_key, STATUS_BAD_PROOF, "the smaller first; these are 20 and 9");

    e = form_c(9, 20);
    make_checkpoint(&notes[1], "pd.example/log2", forged, 20, &log_key, 200);
    make_proof(&proofs[1], forged, FORGED_AT, 20, notes[1].view);
    e.parts[1] = proofs[1].view;
    assert_fails(&e, &log_key, STATUS_BAD_PROOF, "different logs");
    e.parts[0] = notes[0].view;
    assert_fails(&e, &log_key, STATUS_BAD_FORM, "proof 1: ");
}

/* --- form d --- */

Test(evidence, a_cosigner_that_went_back) {
    struct evidence e = form_d(201, 200);
    assert_proves(&e, &cosigner, "vouched for 8 entries of");
    assert_proves(&e, &cosigner, "at time 200, and later, at 201, for only 5");
}

Test(evidence, going_back_is_not_proved_if) {
    struct evidence e = form_d(200, 200);
    assert_fails(&e, &cosigner, STATUS_BAD_PROOF, "size 5 was not cosigned after size 8");
    e = form_d(199, 200);
    assert_fails(&e, &cosigner, STATUS_BAD_PROOF, "size 5 was not cosigned after size 8");
    e = form_d(201, 200);
    assert_fails(&e, &log_key, STATUS_BAD_PROOF, "accuses a cosigner");
    struct bytes small = e.parts[0];
    e.parts[0] = e.parts[1];
    assert_fails(&e, &cosigner, STATUS_BAD_PROOF, "the smaller first; these are 8 and 8");
    e.parts[1] = small;
    assert_fails(&e, &cosigner, STATUS_BAD_PROOF, "the smaller first; these are 8 and 5");
    e = form_d(201, 0);
    assert_fails(&e, &cosigner, STATUS_DENIED_SIGNATURE, "checkpoint 2: the accused key did not");
    e = form_d(201, 200);
    make_checkpoint(&notes[1], "pd.example/log2", honest, 8, &log_key, 200);
    e.parts[1] = notes[1].view;
    assert_fails(&e, &cosigner, STATUS_BAD_PROOF, "different logs");
}

/* Several cosignatures by one key: the latest on the smaller against the earliest on the larger. */
Test(evidence, a_cosigner_that_went_back_between_cosignatures) {
    for (int order = 0; order < 2; order++) {
        struct evidence e = order == 0 ? form_d(100, 300) : form_d(210, 200);
        struct note note;
        for (int which = 0; which < 2; which++) {
            uint64_t second = order == 0 ? (which == 0 ? 210 : 200) : (which == 0 ? 100 : 300);
            struct writer w = {notes[which].memory, e.parts[which].len, sizeof notes[0].memory,
                               false};
            cr_assert_eq(note_parse(e.parts[which], &note, NULL), STATUS_OK);
            cosignature_sign(&w, note.text, second, &cosigner);
            cr_assert_not(w.failed);
            e.parts[which] = writer_view(&w);
        }
        assert_proves(&e, &cosigner, "at time 200, and later, at 210, for only 5");
    }
}

/* --- the outer form --- */

/* A long origin does not cut off what is proved. */
Test(evidence, words_of_a_long_origin) {
    char origin[NAME_SIZE_MAX + 1];
    memset(origin, 'o', NAME_SIZE_MAX);
    origin[NAME_SIZE_MAX] = '\0';
    struct evidence e = form_b(8, 21);
    make_checkpoint(&notes[0], origin, honest, 8, &log_key, 0);
    make_checkpoint(&notes[1], origin, forged, 21, &log_key, 0);
    e.parts[0] = notes[0].view;
    e.parts[1] = notes[1].view;
    struct refusal why;
    cr_assert_eq(evidence_verify(&e, &log_key.vkey, &why), STATUS_OK);
    cr_assert(strstr(why.text, "is not the beginning of the larger") != NULL, "%s", why.text);
    /* Nobody need ask for the words. */
    cr_assert_eq(evidence_verify(&e, &log_key.vkey, NULL), STATUS_OK);
    cr_assert_eq(evidence_verify(&e, &other_log.vkey, NULL), STATUS_DENIED_SIGNATURE);
}

static void for_each_form(void (*visit)(struct bytes file, const struct signer *accused)) {
    static uint8_t file[16384];
    for (char form = 'a'; form <= 'd'; form++) {
        struct evidence e = form == 'a'   ? form_a()
                            : form == 'b' ? form_b(4, 7)
                            : form == 'c' ? form_c(4, 7)
                                          : form_d(201, 200);
        struct bytes view = format(&e);
        memcpy(file, view.data, view.len);
        visit(bytes_of(file, view.len), form == 'd' ? &cosigner : &log_key);
    }
}

static bool proves(struct bytes file, const struct signer *accused) {
    struct evidence e;
    if (evidence_parse(file, &e, NULL) != STATUS_OK) {
        return false;
    }
    cr_assert(bytes_equal(format(&e), file));
    return evidence_verify(&e, &accused->vkey, NULL) == STATUS_OK;
}

/* A signature line of the file that is not the accused's may be changed or missing: it is not what
 * the file proves. Everything else matters. */
static bool in_foreign_signature(struct bytes file, size_t at, const struct signer *accused) {
    size_t start = at;
    while (start > 0 && file.data[start - 1] != '\n') {
        start--;
    }
    struct bytes line = bytes_of(file.data + start, file.len - start);
    const char *foreign =
        accused == &cosigner ? "\342\200\224 " ORIGIN " " : "\342\200\224 mirror.example ";
    return bytes_starts_with(line, foreign);
}

static void visit_truncations(struct bytes file, const struct signer *accused) {
    cr_assert(proves(file, accused));
    for (size_t cut = 0; cut < file.len; cut++) {
        cr_assert_not(proves(bytes_of(file.data, cut), accused), "%c cut at %zu", file.data[20],
                      cut);
    }
}

static void visit_manglings(struct bytes file, const struct signer *accused) {
    static uint8_t input[16384];
    memcpy(input, file.data, file.len);
    for (size_t at = 0; at < file.len; at++) {
        bool foreign = in_foreign_signature(file, at, accused);
        for (unsigned step = 1; step < 256; step += (unsigned)(at % 7) + 11) {
            input[at] = (uint8_t)(file.data[at] ^ step);
            bool still = proves(bytes_of(input, file.len), accused);
            cr_assert(foreign || !still, "form %c, byte %zu", file.data[20], at);
        }
        input[at] = file.data[at];
    }
}

Test(evidence, every_truncation_is_refused, .timeout = 60) {
    for_each_form(visit_truncations);
}
Test(evidence, every_changed_byte_is_refused, .timeout = 120) {
    for_each_form(visit_manglings);
}
