/* SHA-256 and its two Merkle uses, against FIPS 180-2's examples and RFC 6962's definitions. */
#include "crypto/hash.h"

#include "tests/lib/check.h"

#include <criterion/criterion.h>
#include <string.h>

Test(hash, agrees_with_the_published_examples) {
    struct hash h;
    hash_empty(&h);
    CHECK_HASH(&h, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    hash_of("abc", 3, &h);
    CHECK_HASH(&h, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    const char *two_blocks = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
    hash_of(two_blocks, strlen(two_blocks), &h);
    CHECK_HASH(&h, "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}

Test(hash, a_stream_in_any_pieces_is_the_hash_of_the_whole) {
    uint8_t data[300];
    for (size_t i = 0; i < sizeof data; i++) {
        data[i] = (uint8_t)(i * 7);
    }
    for (size_t len = 0; len <= sizeof data; len++) {
        struct hash whole, pieces;
        hash_of(data, len, &whole);
        struct hash_stream stream;
        hash_start(&stream);
        hash_add(&stream, NULL, 0);
        hash_add(&stream, data, len / 3);
        hash_add(&stream, data + len / 3, len - len / 3);
        hash_finish(&stream, &pieces);
        cr_assert(hash_equal(&whole, &pieces), "length %zu", len);
    }
}

Test(hash, a_million_letters_in_uneven_pieces) {
    char letters[997];
    memset(letters, 'a', sizeof letters);
    struct hash_stream stream;
    struct hash h;
    hash_start(&stream);
    size_t done = 0;
    while (done < 1000000) {
        size_t n = 1000000 - done < sizeof letters ? 1000000 - done : sizeof letters;
        hash_add(&stream, letters, n);
        done += n;
    }
    hash_finish(&stream, &h);
    CHECK_HASH(&h, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

Test(hash, leaves_and_nodes_carry_their_prefixes) {
    struct hash leaf, node, expected, other;
    hash_leaf(NULL, 0, &leaf);
    CHECK_HASH(&leaf, "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d");
    uint8_t input[65] = {0x00, 'x', 'y'};
    hash_leaf("xy", 2, &leaf);
    hash_of(input, 3, &expected);
    cr_assert(hash_equal(&leaf, &expected));

    hash_of("other", 5, &other);
    input[0] = 0x01;
    memcpy(input + 1, leaf.bytes, HASH_SIZE);
    memcpy(input + 33, other.bytes, HASH_SIZE);
    hash_of(input, 65, &expected);
    hash_node(&leaf, &other, &node);
    cr_assert(hash_equal(&node, &expected));
    hash_node(&other, &leaf, &node);
    cr_assert(!hash_equal(&node, &expected), "left and right are told apart");
}

Test(hash, a_node_may_overwrite_either_child) {
    struct hash a, b, expected, left, right;
    hash_of("a", 1, &a);
    hash_of("b", 1, &b);
    hash_node(&a, &b, &expected);
    left = a;
    hash_node(&left, &b, &left);
    cr_assert(hash_equal(&left, &expected));
    right = b;
    hash_node(&a, &right, &right);
    cr_assert(hash_equal(&right, &expected));
}

Test(hash, equality_looks_at_every_byte) {
    struct hash a, b;
    hash_of("a", 1, &a);
    for (size_t i = 0; i < HASH_SIZE; i++) {
        b = a;
        cr_assert(hash_equal(&a, &b));
        b.bytes[i] ^= 0x40;
        cr_assert(!hash_equal(&a, &b), "byte %zu", i);
    }
}
