/* Ed25519: signing, and the verification rule of specs/ed25519.md, whose rule names are used here.
 *
 * The cases that only a verifier's exact rule decides are built from parts: a scalar times the base
 * point, a point of small order, a challenge that is recomputed. Each has a control that is built
 * the same way and must be accepted, so that a mistake in the building cannot pass for a refusal.
 */
#include "crypto/sign.h"

#include "tests/lib/check.h"

#include <criterion/criterion.h>
#include <sodium.h>
#include <string.h>

static void setup(void) {
    cr_assert(crypto_init());
}
TestSuite(sign, .init = setup);

struct example {
    const char *seed, *key, *message, *signature;
};

/* RFC 8032 section 7.1, tests 1 to 3. */
static const struct example rfc8032[] = {
    {"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
     "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
     "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b"
     "4"
     "6bd25bf5f0595bbe24655141438e7a100b"},
    {"4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
     "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
     "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11"
     "d"
     "8c387b2eaeb4302aeeb00d291612bb0c00"},
    {"c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
     "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
     "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc"
     "6"
     "594a7c15e9716ed28dc027beceea1ec40a"},
};

Test(sign, agrees_with_rfc_8032) {
    for (size_t i = 0; i < sizeof rfc8032 / sizeof rfc8032[0]; i++) {
        uint8_t seed[32], expected_key[32], message[2], expected[64], signature[64], seed_again[32];
        size_t len = strlen(rfc8032[i].message) / 2;
        struct sign_key key;
        check_unhex(rfc8032[i].seed, seed, 32);
        check_unhex(rfc8032[i].key, expected_key, 32);
        check_unhex(rfc8032[i].message, message, len);
        check_unhex(rfc8032[i].signature, expected, 64);
        sign_key_from_seed(&key, seed);
        CHECK_BYTES(bytes_of(key.public_key.bytes, 32), bytes_of(expected_key, 32));
        sign_key_seed(&key, seed_again);
        CHECK_BYTES(bytes_of(seed_again, 32), bytes_of(seed, 32));
        sign_message(&key, message, len, signature);
        CHECK_BYTES(bytes_of(signature, 64), bytes_of(expected, 64));
        cr_assert(sign_verify(&key.public_key, message, len, signature));
    }
}

Test(sign, no_bit_of_key_message_or_signature_may_change) {
    uint8_t seed[32] = {7}, message[] = "a message of some length", signature[64];
    struct sign_key key;
    sign_key_from_seed(&key, seed);
    sign_message(&key, message, sizeof message, signature);
    cr_assert(sign_verify(&key.public_key, message, sizeof message, signature));
    struct {
        uint8_t *bytes;
        size_t len;
    } parts[] = {{key.public_key.bytes, 32}, {message, sizeof message}, {signature, 64}};
    for (size_t p = 0; p < 3; p++) {
        for (size_t bit = 0; bit < parts[p].len * 8; bit++) {
            parts[p].bytes[bit / 8] ^= (uint8_t)(1U << bit % 8);
            cr_assert(!sign_verify(&key.public_key, message, sizeof message, signature),
                      "part %zu, bit %zu", p, bit);
            parts[p].bytes[bit / 8] ^= (uint8_t)(1U << bit % 8);
        }
    }
    for (size_t len = 0; len < sizeof message; len++) {
        cr_assert(!sign_verify(&key.public_key, message, len, signature), "length %zu", len);
    }
}

Test(sign, wiping_leaves_nothing) {
    uint8_t seed[32] = {1, 2, 3};
    struct sign_key key;
    sign_key_from_seed(&key, seed);
    sign_key_wipe(&key);
    for (size_t i = 0; i < sizeof key; i++) {
        cr_assert(((const uint8_t *)&key)[i] == 0, "byte %zu", i);
    }
    crypto_wipe(seed, sizeof seed);
    cr_assert(seed[0] == 0 && seed[1] == 0 && seed[2] == 0);
}

/* ---- signatures built from parts ---- */

static const uint8_t identity[32] = {1};
static const char small_order_8[] =
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a";

/* The scalar that a number stands for, and that number times the base point. */
struct pair {
    uint8_t scalar[32], point[32];
};

static struct pair make_pair(uint8_t number) {
    struct pair p = {.scalar = {number, 9, 8, 7, 6}};
    cr_assert(crypto_scalarmult_ed25519_base_noclamp(p.point, p.scalar) == 0);
    return p;
}

/* k = SHA-512(R || A || M) mod L, as a verifier computes it. */
static void challenge(const uint8_t r[32], const uint8_t a[32], struct bytes m, uint8_t k[32]) {
    crypto_hash_sha512_state state;
    uint8_t digest[64];
    crypto_hash_sha512_init(&state);
    crypto_hash_sha512_update(&state, r, 32);
    crypto_hash_sha512_update(&state, a, 32);
    crypto_hash_sha512_update(&state, m.data, m.len);
    crypto_hash_sha512_final(&state, digest);
    crypto_core_ed25519_scalar_reduce(k, digest);
}

/* Builds R and S = r + k a, with R and A as given (which a and r need not belong to), and asks. */
static bool accepts(const uint8_t r_point[32], const uint8_t r[32], const uint8_t a_point[32],
                    const uint8_t a[32], struct bytes message) {
    uint8_t k[32], ka[32], signature[64];
    struct sign_public key;
    memcpy(key.bytes, a_point, 32);
    challenge(r_point, a_point, message, k);
    crypto_core_ed25519_scalar_mul(ka, k, a);
    memcpy(signature, r_point, 32);
    crypto_core_ed25519_scalar_add(signature + 32, r, ka);
    return sign_verify(&key, message.data, message.len, signature);
}

static const uint8_t zero[32];

Test(sign, small_order_R_is_refused) {
    struct pair a = make_pair(3), r = make_pair(5);
    struct bytes m = bytes_text("small order R");
    cr_assert(accepts(r.point, r.scalar, a.point, a.scalar, m), "the control");
    /* R = 0 B satisfies the equation exactly, yet it says nothing about the signer's R. */
    cr_assert(!accepts(identity, zero, a.point, a.scalar, m));
}

Test(sign, small_order_A_is_refused) {
    struct pair r = make_pair(5);
    struct bytes m = bytes_text("small order A");
    /* k A is the identity for every k: S = r satisfies the equation for every message. */
    cr_assert(!accepts(r.point, r.scalar, identity, zero, m));
    uint8_t order_8[32];
    check_unhex(small_order_8, order_8, 32);
    for (uint8_t i = 0; i < 64; i++) { /* one in eight of these would satisfy it */
        cr_assert(!accepts(r.point, r.scalar, order_8, zero, bytes_of(&i, 1)));
    }
}

Test(sign, non_canonical_A_is_refused) {
    struct pair r = make_pair(5);
    /* The identity once more, as y = p + 1, and with the sign bit set on x = 0. All points with two
     * encodings that could be tried here are of small order: of the others nobody knows the
     * discrete logarithm, and without it no signature satisfies the equation. */
    uint8_t shifted[32], negative_zero[32] = {1};
    memset(shifted, 0xff, 32);
    shifted[0] = 0xee;
    shifted[31] = 0x7f;
    negative_zero[31] = 0x80;
    cr_assert(!accepts(r.point, r.scalar, shifted, zero, bytes_text("m")));
    cr_assert(!accepts(r.point, r.scalar, negative_zero, zero, bytes_text("m")));
}

Test(sign, non_canonical_R_is_refused) {
    struct pair a = make_pair(3);
    uint8_t shifted[32];
    memset(shifted, 0xff, 32);
    shifted[0] = 0xee;
    shifted[31] = 0x7f;
    cr_assert(!accepts(shifted, zero, a.point, a.scalar, bytes_text("m")));
}

Test(sign, off_the_curve_is_refused) {
    struct pair a = make_pair(3), r = make_pair(5);
    uint8_t off[32] = {2}; /* y = 2 has no x */
    cr_assert(crypto_core_ed25519_is_valid_point(off) == 0);
    cr_assert(!accepts(r.point, r.scalar, off, a.scalar, bytes_text("m")));
    cr_assert(!accepts(off, r.scalar, a.point, a.scalar, bytes_text("m")));
}

Test(sign, non_canonical_S_is_refused) {
    /* L, the order of the base point, little-endian. */
    static const uint8_t order[32] = {0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58,
                                      0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14,
                                      0,    0,    0,    0,    0,    0,    0,    0,
                                      0,    0,    0,    0,    0,    0,    0,    0x10};
    uint8_t seed[32] = {4}, signature[64];
    struct sign_key key;
    sign_key_from_seed(&key, seed);
    sign_message(&key, "m", 1, signature);
    cr_assert(sign_verify(&key.public_key, "m", 1, signature));
    /* S + n L is the same scalar for every n: 15 spellings fit 256 bits, one is accepted. */
    for (int n = 1; n < 15; n++) {
        unsigned carry = 0;
        for (size_t i = 0; i < 32; i++) {
            carry += (unsigned)signature[32 + i] + order[i];
            signature[32 + i] = (uint8_t)carry;
            carry >>= 8;
        }
        cr_assert(carry == 0);
        cr_assert(!sign_verify(&key.public_key, "m", 1, signature), "S + %d L", n);
    }
}

Test(sign, equation_is_without_cofactor) {
    /* A = a B + T with T of order 8: k T vanishes only where 8 divides k. A verifier that
     * multiplies by the cofactor accepts all of these; ours, an eighth. */
    struct pair a = make_pair(3), r = make_pair(5);
    uint8_t order_8[32], mixed[32];
    check_unhex(small_order_8, order_8, 32);
    cr_assert(crypto_core_ed25519_add(mixed, a.point, order_8) == 0);
    size_t accepted = 0;
    for (uint8_t i = 0; i < 200; i++) {
        uint8_t k[32];
        challenge(r.point, mixed, bytes_of(&i, 1), k);
        bool vanishes = k[0] % 8 == 0;
        cr_assert(accepts(r.point, r.scalar, mixed, a.scalar, bytes_of(&i, 1)) == vanishes,
                  "message %u", i);
        accepted += vanishes ? 1 : 0;
    }
    cr_assert(accepted > 5 && accepted < 60);
}
