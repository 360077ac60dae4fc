/* The public vectors of transparency-dev/merkle: each must be answered as it says, or a rule below
 * says why it is refused. They are not part of the project: looked for in $DUTYLOG_SHARED or
 * ../shared, and skipped where absent. */
#include "crypto/encoding.h"
#include "ledger/merkle.h"

#include <criterion/criterion.h>
#include <glob.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The rules by which a vector that its authors accept is refused here. */
enum rule {
    RULE_NONE,
    RULE_HASH_SIZE,     /* a hash that is not 32 bytes cannot even be passed to a checker */
    RULE_EMPTY_SUBTREE, /* the draft, section 4.1: start < end; of nothing, nothing is proved */
};

struct vector {
    json_t *json;
    uint64_t leaf, start, end, size, size1, size2;
    struct hash leaf_hash, root, root1, root2;
    struct merkle_proof proof;
    enum rule rule;
    int stand_ins; /* hashes of another size than 32, of which each was given a value of its own */
};

typedef bool (*vector_check)(const struct vector *v);

/* Numbers go up to 2^64 - 1, which jansson's integers do not: they are read from the text. */
static uint64_t number(const char *text, const char *name) {
    char member[32];
    snprintf(member, sizeof member, "\"%s\": ", name);
    const char *at = strstr(text, member);
    return at == NULL ? 0 : strtoull(at + strlen(member), NULL, 10);
}

static void decode_hash(struct vector *v, const json_t *text, struct hash *out) {
    size_t len;
    if (text == NULL) {
        return;
    }
    if (!base64_decode(json_string_value(text), json_string_length(text), out->bytes, HASH_SIZE,
                       &len) ||
        len != HASH_SIZE) {
        v->rule = RULE_HASH_SIZE;
        memset(out->bytes, ++v->stand_ins, HASH_SIZE);
    }
}

static void load(const char *path, struct vector *v) {
    static char text[65536];
    FILE *file = fopen(path, "r");
    cr_assert(file != NULL, "%s cannot be read", path);
    size_t len = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    text[len] = '\0';
    memset(v, 0, sizeof *v);
    json_error_t error;
    v->json = json_loads(text, JSON_DECODE_INT_AS_REAL, &error);
    cr_assert(v->json != NULL, "%s: %s", path, error.text);
    v->leaf = number(text, "leafIdx");
    v->start = number(text, "start");
    v->end = number(text, "end");
    v->size = number(text, json_object_get(v->json, "treeSize") != NULL ? "treeSize" : "size");
    v->size1 = number(text, "size1");
    v->size2 = number(text, "size2");
    decode_hash(v, json_object_get(v->json, "leafHash"), &v->leaf_hash);
    decode_hash(v, json_object_get(v->json, "root"), &v->root);
    decode_hash(v, json_object_get(v->json, "root1"), &v->root1);
    decode_hash(v, json_object_get(v->json, "root2"), &v->root2);
    const json_t *proof = json_object_get(v->json, "proof");
    cr_assert(proof != NULL && json_array_size(proof) <= MERKLE_PROOF_MAX, "%s", path);
    for (; v->proof.count < json_array_size(proof); v->proof.count++) {
        decode_hash(v, json_array_get(proof, v->proof.count), &v->proof.hashes[v->proof.count]);
    }
}

static bool check_inclusion(const struct vector *v) {
    return merkle_inclusion_check(&v->leaf_hash, v->leaf, v->size, v->proof.hashes, v->proof.count,
                                  &v->root);
}
static bool check_consistency(const struct vector *v) {
    return merkle_consistency_check(v->size1, &v->root1, v->size2, &v->root2, v->proof.hashes,
                                    v->proof.count);
}
static bool check_subtree_inclusion(const struct vector *v) {
    return merkle_subtree_inclusion_check(&v->leaf_hash, v->leaf, v->start, v->end, v->proof.hashes,
                                          v->proof.count, &v->root);
}
static bool check_subtree(const struct vector *v) {
    return merkle_subtree_check(v->start, v->end, &v->root1, v->size, &v->root2, v->proof.hashes,
                                v->proof.count);
}

/* Checks one file; true if the vector is accepted by its authors and refused by a rule. */
static bool check_file(const char *path, vector_check check, bool ranges) {
    struct vector v;
    load(path, &v);
    bool accepted = !json_is_true(json_object_get(v.json, "wantErr"));
    json_decref(v.json);
    if (v.rule == RULE_NONE && ranges && v.start == v.end) {
        v.rule = RULE_EMPTY_SUBTREE;
    }
    /* With a stand-in for a hash of another size, what was to be refused still is. */
    bool got = check(&v);
    if (v.rule != RULE_NONE && accepted) {
        cr_assert(v.rule == RULE_HASH_SIZE || !got, "%s: an empty subtree was accepted", path);
        return true;
    }
    cr_assert_eq(got, accepted, "%s: should be %s", path, accepted ? "accepted" : "refused");
    return false;
}

/* All the files of one kind: `count` of them, `by_rule` accepted by their authors and not here. */
static void check_all(const char *kind, vector_check check, size_t count, size_t by_rule) {
    static const char *const depths[] = {"*.json", "*/*.json", "*/*/*.json", "*/*/*/*.json"};
    const char *shared = getenv("DUTYLOG_SHARED");
    char pattern[4096];
    snprintf(pattern, sizeof pattern, "%s/vectors/merkle/testdata/%s",
             shared == NULL ? "../shared" : shared, kind);
    if (access(pattern, R_OK) != 0) {
        printf("merkle_vectors: %s skipped: %s is absent\n", kind, pattern);
        return;
    }
    size_t seen = 0;
    size_t refused = 0;
    for (size_t depth = 0; depth < sizeof depths / sizeof depths[0]; depth++) {
        glob_t files;
        snprintf(pattern, sizeof pattern, "%s/vectors/merkle/testdata/%s/%s",
                 shared == NULL ? "../shared" : shared, kind, depths[depth]);
        if (glob(pattern, 0, NULL, &files) != 0) {
            continue;
        }
        for (size_t i = 0; i < files.gl_pathc; i++) {
            refused += check_file(files.gl_pathv[i], check, strncmp(kind, "subtree", 7) == 0);
        }
        seen += files.gl_pathc;
        globfree(&files);
    }
    cr_assert_eq(seen, count, "%zu files of %s", seen, kind);
    cr_assert_eq(refused, by_rule, "%zu of %s refused by a rule", refused, kind);
}

Test(merkle_vectors, inclusion) {
    check_all("inclusion", check_inclusion, 98, 0);
}
/* One has roots of 12 bytes. */
Test(merkle_vectors, consistency) {
    check_all("consistency", check_consistency, 98, 1);
}
Test(merkle_vectors, subtree_inclusion) {
    check_all("subtreeinclusion", check_subtree_inclusion, 204, 0);
}
/* Three have roots of 12 bytes, and four empty subtrees. */
Test(merkle_vectors, subtree_consistency) {
    check_all("subtreeconsistency", check_subtree, 118, 7);
}
