#include "ledger/body.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <string.h>

#define MEMBERS 6
#define SEQ_LARGE 9007199254740991

static struct body_member members[EVENT_MEMBERS_MAX + 1];
static struct body_context context;

static void fill_members(void) {
    static const char *const parts[MEMBERS][2] = {
        {"agency_case", "\"2023-0417\""}, {"narrative", "\"stood by, \303\251tat\""},
        {"officer", "\"p-91\""},          {"place", "{\"lat\":1,\"long\":-2}"},
        {"source_text", "\"\""},          {"times", "[1,2,null]"},
    };
    for (unsigned i = 0; i < MEMBERS; i++) {
        members[i].name = bytes_text(parts[i][0]);
        members[i].value = bytes_text(parts[i][1]);
        for (unsigned j = 0; j < BODY_SALT_SIZE; j++) {
            members[i].salt[j] = (uint8_t)(32 * i + j);
        }
    }
    context = (struct body_context){bytes_text("pd.example/log"), bytes_text("pd.example"), 1};
}

TestSuite(body, .init = fill_members);

static struct hash from_hex(const char *hex) {
    struct hash hash;
    cr_assert(bytes_hex_to_hash(bytes_text(hex), &hash));
    return hash;
}

static struct hash root_of(size_t count) {
    struct hash root;
    cr_assert_eq(body_root(&context, members, count, &root, NULL), STATUS_OK);
    return root;
}

/* Numbers computed apart, from specs/event.md, with Python's hashlib. */
Test(body, known_roots) {
    static const char *const roots[2][MEMBERS] = {
        {"7b0d3591293a68be1eaffc40fa7a6528b0f63efbe5ea93dbcde2183674c9c606",
         "22c810f9bce3727881d5df7fc4728188f487d3b94b7e7054735bd08d201aeae1",
         "4b2dea82c27b23e62c3a540d6cbf58746aae63d81b18a3d59d6ea8d1ce385db2",
         "a933b49c5c630b92e93d7f520bd5d2163643369dc18b24579f824d70cf83cda4",
         "0a62965dc19305e0c2fd9cc16eed7ceda61ec5fb481aa107f949ca06d977d919",
         "b1ee7426b5abc7689e062f369424ff46d1669f36867c1289d103c49bc81c940c"},
        {"eec11ed4809c9bd611c2dbe7d0ae77a9fac11a6ffbd69b5f6f1fd917c96708cd",
         "8c66878e36d9f06556729b3edc18eb43b23ee3739b99ab77a61e642d843845e3",
         "f2fb9980753683e1c68261732a30275e486afc36eaf261162393e85069e9594f",
         "3576d91cb86a9ff53aa4d5657aa30b8c7a8430b66a406af6bef9aa9f95429eae",
         "0e6190fcf8f1cfe7dc8eb528ec36472d034ac88c1600e7435b3d615ce8dea040",
         "7d2a76b0dde581d8921798e5e98d2f6dea65f50a9e6ac2320fbc80674b774e35"},
    };
    struct hash commitment;
    struct hash expected =
        from_hex("fba1e28ba88369615b4b8038983f44e9c5d5004b163d58dfb5430101620d702b");
    body_commitment(&context, &members[0], &commitment);
    cr_assert(hash_equal(&commitment, &expected));
    for (unsigned which = 0; which < 2; which++) {
        context.seq = which == 0 ? 1 : SEQ_LARGE;
        for (unsigned i = 0; i < MEMBERS; i++) {
            expected = from_hex(roots[which][i]);
            struct hash root = root_of(i + 1);
            cr_assert(hash_equal(&root, &expected), "seq %u, %u members", which, i + 1);
        }
    }
}

static bool differs(const struct hash *before) {
    struct hash now;
    body_commitment(&context, &members[1], &now);
    return !hash_equal(&now, before);
}

/* Each of the six parts, and the borders between them, are committed to. */
Test(body, every_part_is_committed_to) {
    struct hash before;
    body_commitment(&context, &members[1], &before);
    cr_assert_not(differs(&before));
    for (unsigned bit = 0; bit < BODY_SALT_SIZE * 8; bit++) {
        members[1].salt[bit / 8] ^= (uint8_t)(1U << (bit % 8));
        cr_assert(differs(&before));
        members[1].salt[bit / 8] ^= (uint8_t)(1U << (bit % 8));
    }
    context.seq = 10;
    cr_assert(differs(&before));
    context.seq = 1;
    context.log = bytes_text("pd.example/lo");
    context.issuer = bytes_text("gpd.example");
    cr_assert(differs(&before));
    fill_members();
    members[1].value = bytes_text("");
    cr_assert(differs(&before));
    fill_members();
    members[1].name = bytes_text("narrativ");
    cr_assert(differs(&before));
    fill_members();
    cr_assert_not(differs(&before));
}

Test(body, every_member_is_disclosed_alone) {
    for (size_t count = 1; count <= MEMBERS; count++) {
        struct hash root = root_of(count);
        for (size_t which = 0; which < count; which++) {
            struct merkle_proof proof;
            cr_assert_eq(body_prove(&context, members, count, which, &proof), STATUS_OK);
            for (size_t other = 0; other < MEMBERS; other++) {
                for (size_t index = 0; index <= count; index++) {
                    cr_assert_eq(body_check(&context, &members[other], index, count, &proof, &root),
                                 other == which && index == which);
                }
            }
            for (unsigned bit = 0; bit < 256; bit++) {
                root.bytes[bit / 8] ^= (uint8_t)(1U << (bit % 8));
                cr_assert_not(body_check(&context, &members[which], which, count, &proof, &root));
                root.bytes[bit / 8] ^= (uint8_t)(1U << (bit % 8));
            }
        }
    }
}

/* A disclosed value that is not the committed one, or of another event, is refused. */
Test(body, another_value_or_event_is_refused) {
    struct hash root = root_of(5);
    struct merkle_proof proof;
    cr_assert_eq(body_prove(&context, members, 5, 3, &proof), STATUS_OK);
    cr_assert(body_check(&context, &members[3], 3, 5, &proof, &root));
    members[3].value = bytes_text("{\"lat\":1,\"long\":2}");
    cr_assert_not(body_check(&context, &members[3], 3, 5, &proof, &root));
    fill_members();
    members[3].salt[31] ^= 1;
    cr_assert_not(body_check(&context, &members[3], 3, 5, &proof, &root));
    fill_members();
    members[3].name = bytes_text("Place");
    cr_assert_not(body_check(&context, &members[3], 3, 5, &proof, &root));
    fill_members();
    context.seq = 2;
    cr_assert_not(body_check(&context, &members[3], 3, 5, &proof, &root));
    fill_members();
    context.log = bytes_text("other.example/log");
    cr_assert_not(body_check(&context, &members[3], 3, 5, &proof, &root));
    fill_members();
    context.issuer = bytes_text("pd2.example");
    cr_assert_not(body_check(&context, &members[3], 3, 5, &proof, &root));
    fill_members();
    proof.count--;
    cr_assert_not(body_check(&context, &members[3], 3, 5, &proof, &root));
    proof.count += 2;
    cr_assert_not(body_check(&context, &members[3], 3, 5, &proof, &root));
    proof.count--;
    cr_assert_not(body_check(&context, &members[3], 3, UINT64_MAX, &proof, &root));
    cr_assert(body_check(&context, &members[3], 3, 5, &proof, &root));
}

/* `part` of the text says what is wrong; the root is untouched. */
static void assert_refused(size_t count, enum status status, const char *part) {
    struct refusal why = {0};
    struct hash root = {{42}};
    struct hash untouched = root;
    cr_assert_eq(body_root(&context, members, count, &root, &why), status);
    cr_assert_eq(why.status, status);
    cr_assert(strstr(why.text, part) != NULL, "%s", why.text);
    cr_assert(hash_equal(&root, &untouched));
    if (count > 0) {
        struct merkle_proof proof;
        cr_assert_eq(body_prove(&context, members, count, 0, &proof), status);
    }
}

Test(body, bad_members_are_refused) {
    assert_refused(0, STATUS_BAD_MEMBER, "without members");
    members[2].name = bytes_text("narrative");
    assert_refused(MEMBERS, STATUS_BAD_MEMBER, "narrative is there twice");
    members[2].name = bytes_text("agency");
    assert_refused(MEMBERS, STATUS_BAD_MEMBER, "agency is out of order");
    static const char *const bad[] = {"",   "Officer",   "off icer", "of-ficer",
                                      "o1", "o\303\251", "o."};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        members[2].name = bytes_text(bad[i]);
        assert_refused(MEMBERS, STATUS_BAD_MEMBER, "body member 2: its name");
    }
    members[2].name = bytes_of("off\0cer", 7);
    assert_refused(MEMBERS, STATUS_BAD_MEMBER, "body member 2: its name");
}

/* As many members as an event may have, and one more. */
Test(body, most_members) {
    static char names[EVENT_MEMBERS_MAX + 1][2];
    for (unsigned i = 0; i <= EVENT_MEMBERS_MAX; i++) {
        names[i][0] = (char)('a' + i / 26);
        names[i][1] = (char)('a' + i % 26);
        members[i].name = bytes_of(names[i], 2);
        members[i].value = bytes_text("0");
    }
    struct hash root = root_of(EVENT_MEMBERS_MAX);
    for (size_t which = 0; which < EVENT_MEMBERS_MAX; which++) {
        struct merkle_proof proof;
        cr_assert_eq(body_prove(&context, members, EVENT_MEMBERS_MAX, which, &proof), STATUS_OK);
        cr_assert(body_check(&context, &members[which], which, EVENT_MEMBERS_MAX, &proof, &root));
    }
    assert_refused(EVENT_MEMBERS_MAX + 1, STATUS_TOO_LARGE, "at most 64");
}

/* What no event can commit to is not accepted as disclosed either, although the hashes fit. */
Test(body, disclosure_of_what_no_body_holds_is_refused) {
    struct hash leaves[EVENT_MEMBERS_MAX + 1];
    struct hash root;
    struct merkle_proof proof = {.count = 0};
    struct hash commitment;
    for (int bad = 1; bad >= 0; bad--) {
        members[0].name = bytes_text(bad ? "Officer" : "officer");
        body_commitment(&context, &members[0], &commitment);
        hash_leaf(commitment.bytes, HASH_SIZE, &root);
        cr_assert_eq(body_check(&context, &members[0], 0, 1, &proof, &root), !bad);
    }
    for (unsigned i = 0; i <= EVENT_MEMBERS_MAX; i++) {
        leaves[i] = root; /* one member, over and over */
    }
    for (unsigned count = EVENT_MEMBERS_MAX; count <= EVENT_MEMBERS_MAX + 1; count++) {
        merkle_root_of(leaves, count, &root);
        merkle_root_of(leaves, EVENT_MEMBERS_MAX, &proof.hashes[0]);
        proof.count = 1;
        if (count == EVENT_MEMBERS_MAX) {
            for (proof.count = 0; proof.count < 6; proof.count++) {
                merkle_root_of(leaves, (size_t)1 << proof.count, &proof.hashes[proof.count]);
            }
        }
        cr_assert(
            merkle_inclusion_check(&leaves[0], count - 1, count, proof.hashes, proof.count, &root));
        cr_assert_eq(body_check(&context, &members[0], count - 1, count, &proof, &root),
                     count == EVENT_MEMBERS_MAX);
    }
}

Test(body, proof_of_a_member_that_is_not_there_aborts, .signal = SIGABRT) {
    struct merkle_proof proof;
    (void)!body_prove(&context, members, 3, 3, &proof);
}
