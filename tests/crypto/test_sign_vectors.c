/* All of the public C2SP/CCTV Ed25519 vectors: each is accepted, or refused under a rule of
 * specs/ed25519.md that follows from what its flags say is odd about it. */
#include "crypto/sign.h"

#include "tests/lib/check.h"

#include <criterion/criterion.h>
#include <jansson.h>
#include <string.h>

#define VECTOR_COUNT 914

static bool has_flag(const json_t *vector, const char *flag) {
    size_t i;
    json_t *value;
    json_array_foreach(json_object_get(vector, "flags"), i, value) {
        if (strcmp(json_string_value(value), flag) == 0) {
            return true;
        }
    }
    return false;
}

/* The first rule of specs/ed25519.md that refuses a vector, NULL if none does. Odd things that no
 * rule names (a component of small order that the equation absorbs) are accepted. */
static const char *refusing_rule(const json_t *vector) {
    static const struct {
        const char *flag, *rule;
    } rules[] = {
        {"low_order_R", "small-order-R"},     {"non_canonical_A", "canonical-A"},
        {"low_order_A", "small-order-A"},     {"non_canonical_R", "canonical-R"},
        {"low_order_residue", "no-cofactor"},
    };
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
        if (has_flag(vector, rules[i].flag)) {
            return rules[i].rule;
        }
    }
    return NULL;
}

static const char *text_of(const json_t *vector, const char *member) {
    const char *text = json_string_value(json_object_get(vector, member));
    cr_assert(text != NULL, "a vector without %s", member);
    return text;
}

Test(sign_vectors, every_vector_is_accepted_or_refused_under_a_named_rule) {
    char path[SHARED_PATH_MAX];
    shared_path("vectors/ed25519/cctv-ed25519.json", path);
    cr_assert(crypto_init());
    json_t *all = json_load_file(path, 0, NULL);
    cr_assert(json_is_array(all));
    cr_assert(json_array_size(all) == VECTOR_COUNT);
    size_t accepted = 0, refused = 0, i;
    json_t *vector;
    json_array_foreach(all, i, vector) {
        struct sign_public key;
        uint8_t signature[64];
        const char *message = text_of(vector, "msg");
        check_unhex(text_of(vector, "key"), key.bytes, 32);
        check_unhex(text_of(vector, "sig"), signature, 64);
        const char *rule = refusing_rule(vector);
        bool good = sign_verify(&key, message, strlen(message), signature);
        cr_assert(good == (rule == NULL), "vector %zu is %s, but the rule is %s", i,
                  good ? "accepted" : "refused", rule == NULL ? "to accept" : rule);
        accepted += good ? 1 : 0;
        refused += good ? 0 : 1;
    }
    json_decref(all);
    cr_assert(accepted > 0 && accepted + refused == VECTOR_COUNT);
    cr_log_info("%zu accepted, %zu refused", accepted, refused);
}
