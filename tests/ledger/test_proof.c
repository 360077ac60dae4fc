/* Offline proofs: form, limits, inclusion, and every small damage. */
#include "ledger/proof.h"

#include "crypto/encoding.h"
#include "ledger/cosignature.h"
#include "tests/lib/check.h"
#include "tests/lib/keys.h"
#include "tests/lib/mangle.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <string.h>

#define FIRST "c2sp.org/tlog-proof@v1\n"
#define HASH "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
#define NOTE "o\n7\n" HASH "\n\n\xe2\x80\x94 n AAAAAAE=\n"
#define TIME UINT64_C(1679315147)
#define LEAVES 5

static void check_comes_back(const struct proof *p, struct bytes original) {
    static uint8_t memory[PROOF_SIZE_MAX];
    struct writer w;
    writer_init(&w, memory, sizeof memory);
    proof_format(&w, bytes_of(p->extra, p->extra_len), p->index, &p->inclusion, p->checkpoint_note);
    CHECK_OK(writer_status(&w));
    CHECK_BYTES(writer_view(&w), original);
}

static void check_parses(const char *text, size_t extra_len, uint64_t index, size_t hashes) {
    static struct proof p;
    struct refusal why = {.text = ""};
    enum status status = proof_parse(bytes_text(text), &p, &why);
    cr_assert(status == STATUS_OK, "%s", why.text);
    cr_assert(p.extra_len == extra_len && p.index == index && p.inclusion.count == hashes);
    CHECK_TEXT(p.checkpoint_note, NOTE);
    cr_assert(p.checkpoint.size == 7 && p.note.count == 1);
    check_comes_back(&p, bytes_text(text));
}

static void check_refused(struct bytes text, enum status expected) {
    static struct proof p, before;
    struct refusal why = {.status = STATUS_OK, .text = ""};
    memset(&p, 0x5a, sizeof p);
    before = p;
    CHECK_STATUS(proof_parse(text, &p, &why), expected);
    cr_assert(why.status == expected && why.text[0] != '\0');
    cr_assert(memcmp(&p, &before, sizeof p) == 0, "the output was touched");
}

Test(proof, what_may_stand_in_one) {
    check_parses(FIRST "index 0\n\n" NOTE, 0, 0, 0);
    check_parses(FIRST "index 6\n" HASH "\n" HASH "\n\n" NOTE, 0, 6, 2);
    check_parses(FIRST "extra eA==\nindex 6\n" HASH "\n\n" NOTE, 1, 6, 1);
    /* Whether the index is in the tree is a question of inclusion. */
    check_parses(FIRST "index 9223372036854775807\n\n" NOTE, 0, INT64_MAX, 0);
}

Test(proof, what_may_not) {
    static const char *const bad[] = {
        "",
        FIRST,
        "c2sp.org/tlog-proof@v2\nindex 0\n\n" NOTE,
        "c2sp.org/tlog-proof@v1\r\nindex 0\n\n" NOTE,
        " " FIRST "index 0\n\n" NOTE,
        FIRST "\n" NOTE, /* no index */
        FIRST HASH "\n\n" NOTE,
        FIRST "index\n\n" NOTE,
        FIRST "index \n\n" NOTE,
        FIRST "index 01\n\n" NOTE,
        FIRST "index -1\n\n" NOTE,
        FIRST "index  1\n\n" NOTE,
        FIRST "index 1 \n\n" NOTE,
        FIRST "index 9223372036854775808\n\n" NOTE,
        FIRST "Index 1\n\n" NOTE,
        FIRST "index 1\nindex 1\n\n" NOTE,
        FIRST "index 1\nextra eA==\n\n" NOTE, /* extra comes first */
        FIRST "extra eA==\n\n" NOTE,
        FIRST "extra eA==\nextra eA==\nindex 1\n\n" NOTE,
        FIRST "extra \nindex 1\n\n" NOTE, /* an empty extra has another spelling */
        FIRST "extra\nindex 1\n\n" NOTE,
        FIRST "extra eA=\nindex 1\n\n" NOTE,
        FIRST "extra eB==\nindex 1\n\n" NOTE, /* trailing bits */
        FIRST "extra  eA==\nindex 1\n\n" NOTE,
        FIRST "index 1\nAAAA\n\n" NOTE, /* not a hash */
        FIRST "index 1\n" HASH " \n\n" NOTE,
        FIRST "index 1\n" HASH "\n" NOTE,     /* no empty line */
        FIRST "index 1\n" HASH "\n\n\n" NOTE, /* two */
        FIRST "index 1\n\n" HASH "\n\n" NOTE,
        FIRST "index 1\n" HASH "\n\n", /* no checkpoint */
        FIRST "index 1\n" HASH "\n",
        FIRST "index 1\n" HASH,
        FIRST "index 1\n\no\n7\n" HASH "\n", /* one without signatures */
        FIRST "index 1\n\n" NOTE "\n",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        check_refused(bytes_text(bad[i]), STATUS_BAD_FORM);
    }
}

Test(proof, extra_data_up_to_the_maximum) {
    static uint8_t memory[8192], extra[PROOF_EXTRA_MAX + 1];
    static struct proof p;
    struct writer w;
    struct merkle_proof none = {.count = 0};
    for (size_t i = 0; i < sizeof extra; i++) {
        extra[i] = (uint8_t)(i * 13);
    }
    for (size_t len = 0; len <= PROOF_EXTRA_MAX; len += len < 8 ? 1 : 127) {
        writer_init(&w, memory, sizeof memory);
        proof_format(&w, bytes_of(extra, len), 3, &none, bytes_text(NOTE));
        CHECK_OK(writer_status(&w));
        CHECK_OK(proof_parse(writer_view(&w), &p, NULL));
        CHECK_BYTES(bytes_of(p.extra, p.extra_len), bytes_of(extra, len));
        check_comes_back(&p, writer_view(&w));
    }
    char text[BASE64_LEN(PROOF_EXTRA_MAX + 1)];
    size_t n = base64_encode(text, extra, PROOF_EXTRA_MAX + 1);
    writer_init(&w, memory, sizeof memory);
    writer_text(&w, FIRST "extra ");
    writer_put(&w, text, n);
    writer_text(&w, "\nindex 0\n\n" NOTE);
    check_refused(writer_view(&w), STATUS_TOO_LARGE);
}

Test(proof, hashes_and_all_up_to_the_maximum) {
    static uint8_t memory[PROOF_SIZE_MAX + 1];
    for (size_t count = MERKLE_PROOF_MAX; count <= MERKLE_PROOF_MAX + 1; count++) {
        static struct proof p;
        struct writer w;
        writer_init(&w, memory, sizeof memory);
        writer_text(&w, FIRST "index 0\n");
        for (size_t i = 0; i < count; i++) {
            writer_text(&w, HASH "\n");
        }
        writer_text(&w, "\n" NOTE);
        if (count <= MERKLE_PROOF_MAX) {
            CHECK_OK(proof_parse(writer_view(&w), &p, NULL));
            check_comes_back(&p, writer_view(&w));
        } else {
            check_refused(writer_view(&w), STATUS_BAD_FORM);
        }
    }
    memset(memory, 'x', sizeof memory);
    check_refused(bytes_of(memory, sizeof memory), STATUS_TOO_LARGE);
    memcpy(memory, FIRST "index 0\n\no\n7\n" HASH "\n",
           strlen(FIRST "index 0\n\no\n7\n" HASH "\n"));
    check_refused(bytes_of(memory, PROOF_SIZE_MAX), STATUS_TOO_LARGE); /* of a checkpoint */
}

/* A proof of the leaf at `index` among LEAVES, cosigned. */
static struct bytes make(struct writer *w, uint8_t memory[4096], uint64_t index,
                         struct hash *leaf) {
    struct signer log = test_signer("agency.example/log", VKEY_NOTE);
    struct signer mirror = test_signer("mirror.example", VKEY_COSIGNATURE);
    struct hash leaves[LEAVES], root;
    for (uint8_t i = 0; i < LEAVES; i++) {
        hash_leaf(&i, 1, &leaves[i]);
    }
    merkle_root_of(leaves, LEAVES, &root);
    static struct merkle_plan plan;
    static struct hash read[MERKLE_PLAN_MAX];
    struct merkle_proof inclusion;
    merkle_inclusion_plan(index, LEAVES, &plan);
    for (size_t i = 0; i < plan.count; i++) {
        size_t width = (size_t)1 << plan.nodes[i].level;
        merkle_root_of(leaves + plan.nodes[i].index * width, width, &read[i]);
    }
    merkle_inclusion_prove(index, LEAVES, read, &inclusion);
    uint8_t note_memory[1024];
    struct writer note;
    writer_init(&note, note_memory, sizeof note_memory);
    checkpoint_sign(&note, bytes_text("agency.example/log"), LEAVES, &root, &log);
    struct note parsed;
    struct checkpoint c;
    CHECK_OK(checkpoint_parse(writer_view(&note), &parsed, &c, NULL));
    cosignature_sign(&note, parsed.text, TIME, &mirror);
    CHECK_OK(writer_status(&note));
    writer_init(w, memory, 4096);
    proof_format(w, bytes_text("received 1679315147000\n"), index, &inclusion, writer_view(&note));
    CHECK_OK(writer_status(w));
    *leaf = leaves[index];
    return writer_view(w);
}

/* Whether a proof that parsed proves the leaf, by the log's key and the mirror's. */
static bool proves(const struct proof *p, const struct hash *leaf) {
    struct signer log = test_signer("agency.example/log", VKEY_NOTE);
    struct signer mirror = test_signer("mirror.example", VKEY_COSIGNATURE);
    uint64_t time;
    return proof_check_inclusion(p, leaf) == STATUS_OK &&
           note_verify(&p->note, &log.vkey) == STATUS_OK &&
           cosignature_find(&p->note, &mirror.vkey, &time) == STATUS_OK;
}

Test(proof, every_leaf_is_proved_and_no_other) {
    for (uint64_t index = 0; index < LEAVES; index++) {
        uint8_t memory[4096];
        static struct proof p;
        struct writer w;
        struct hash leaf, other;
        struct bytes text = make(&w, memory, index, &leaf);
        CHECK_OK(proof_parse(text, &p, NULL));
        check_comes_back(&p, text);
        cr_assert(proves(&p, &leaf));
        other = leaf;
        other.bytes[31] ^= 1;
        CHECK_STATUS(proof_check_inclusion(&p, &other), STATUS_BAD_PROOF);
        for (uint64_t wrong = 0; wrong < LEAVES + 3; wrong++) {
            p.index = wrong;
            CHECK_STATUS(proof_check_inclusion(&p, &leaf),
                         wrong == index ? STATUS_OK : STATUS_BAD_PROOF);
        }
        p.index = index;
        p.inclusion.count--;
        CHECK_STATUS(proof_check_inclusion(&p, &leaf), STATUS_BAD_PROOF);
        p.inclusion.count += 2;
        CHECK_STATUS(proof_check_inclusion(&p, &leaf), STATUS_BAD_PROOF);
    }
}

Test(proof, no_damaged_proof_passes) {
    static struct mangle m;
    static struct proof good;
    uint8_t memory[4096];
    struct writer w;
    struct hash leaf;
    struct bytes damaged, original = make(&w, memory, 2, &leaf);
    size_t parsed = 0, refused = 0;
    CHECK_OK(proof_parse(original, &good, NULL));
    mangle_init(&m, original);
    while (mangle_next(&m, &damaged)) {
        static struct proof p;
        struct refusal why = {.status = STATUS_OK};
        if (proof_parse(damaged, &p, &why) != STATUS_OK) {
            cr_assert(why.status != STATUS_OK);
            refused++;
            continue;
        }
        parsed++;
        check_comes_back(&p, damaged);
        /* "Applications MUST NOT implicitly trust the extra data, as it is not authenticated":
         * damage to it is all that may go by, and it shows in what was parsed. */
        struct bytes extra = bytes_of(p.extra, p.extra_len);
        bool extra_differs = !bytes_equal(extra, bytes_of(good.extra, good.extra_len));
        cr_assert(extra_differs || !proves(&p, &leaf), "damage %d at %zu, value %02x", m.kind,
                  m.position, m.value);
    }
    cr_assert(parsed > 1000 && refused > 1000, "%zu parsed, %zu refused", parsed, refused);
}

Test(proof, too_much_extra_is_our_bug, .signal = SIGABRT) {
    static uint8_t memory[8192];
    struct writer w;
    struct merkle_proof none = {.count = 0};
    writer_init(&w, memory, sizeof memory);
    proof_format(&w, bytes_of(memory, PROOF_EXTRA_MAX + 1), 0, &none, bytes_text(NOTE));
}
