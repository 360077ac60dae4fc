#include "ledger/body.h"

#include <assert.h>

#define DOMAIN "dutylog/commit/v1\n"

/* 2^64 - 1 has twenty digits. */
#define DECIMAL_MAX 20

static void add_part(struct hash_stream *stream, struct bytes part) {
    uint8_t prefix[4];
    struct writer w;
    assert(part.len <= UINT32_MAX);
    writer_init(&w, prefix, sizeof prefix);
    writer_u32(&w, (uint32_t)part.len);
    hash_add(stream, prefix, sizeof prefix);
    hash_add(stream, part.data, part.len);
}

/* Every part after its length, so that no two different members have the same bytes hashed; log,
 * issuer and seq, so that a commitment cannot be moved into another event. */
void body_commitment(const struct body_context *context, const struct body_member *member,
                     struct hash *out) {
    uint8_t digits[DECIMAL_MAX];
    struct writer seq;
    struct hash_stream stream;
    writer_init(&seq, digits, sizeof digits);
    writer_decimal(&seq, context->seq);
    assert(!seq.failed);
    hash_start(&stream);
    hash_add(&stream, DOMAIN, sizeof DOMAIN - 1);
    add_part(&stream, context->log);
    add_part(&stream, context->issuer);
    add_part(&stream, writer_view(&seq));
    add_part(&stream, member->name);
    add_part(&stream, bytes_of(member->salt, BODY_SALT_SIZE));
    add_part(&stream, member->value);
    hash_finish(&stream, out);
}

static bool name_valid(struct bytes name) {
    for (size_t i = 0; i < name.len; i++) {
        if ((name.data[i] < 'a' || name.data[i] > 'z') && name.data[i] != '_') {
            return false;
        }
    }
    return name.len > 0;
}

static enum status check_names(const struct body_member *members, size_t count,
                               struct refusal *why) {
    if (count == 0) {
        return refuse(why, STATUS_BAD_MEMBER, "a body without members; leave the body out");
    }
    if (count > EVENT_MEMBERS_MAX) {
        return refuse(why, STATUS_TOO_LARGE, "a body has at most %d members", EVENT_MEMBERS_MAX);
    }
    for (size_t i = 0; i < count; i++) {
        struct bytes name = members[i].name;
        int shown = name.len > 64 ? 64 : (int)name.len;
        if (!name_valid(name)) {
            return refuse(why, STATUS_BAD_MEMBER, "body member %zu: its name is not [a-z_]+", i);
        }
        int order = i == 0 ? -1 : bytes_compare(members[i - 1].name, name);
        if (order >= 0) {
            return refuse(why, STATUS_BAD_MEMBER, "body member %.*s %s", shown,
                          (const char *)name.data,
                          order == 0 ? "is there twice" : "is out of order: sort by name");
        }
    }
    return STATUS_OK;
}

static void hash_leaves(const struct body_context *context, const struct body_member *members,
                        size_t count, struct hash *leaves) {
    for (size_t i = 0; i < count; i++) {
        struct hash commitment;
        body_commitment(context, &members[i], &commitment);
        hash_leaf(commitment.bytes, HASH_SIZE, &leaves[i]);
    }
}

enum status body_root(const struct body_context *context, const struct body_member *members,
                      size_t count, struct hash *root, struct refusal *why) {
    struct hash leaves[EVENT_MEMBERS_MAX];
    TRY(check_names(members, count, why));
    hash_leaves(context, members, count, leaves);
    merkle_root_of(leaves, count, root);
    return STATUS_OK;
}

enum status body_prove(const struct body_context *context, const struct body_member *members,
                       size_t count, size_t which, struct merkle_proof *proof) {
    struct hash leaves[EVENT_MEMBERS_MAX];
    struct hash read[MERKLE_PLAN_MAX];
    struct merkle_plan plan;
    assert(which < count);
    TRY(check_names(members, count, NULL));
    hash_leaves(context, members, count, leaves);
    merkle_inclusion_plan(which, count, &plan);
    for (size_t i = 0; i < plan.count; i++) {
        const struct merkle_node *node = &plan.nodes[i];
        merkle_root_of(&leaves[node->index << node->level], (size_t)1 << node->level, &read[i]);
    }
    merkle_inclusion_prove(which, count, read, proof);
    return STATUS_OK;
}

bool body_check(const struct body_context *context, const struct body_member *member,
                uint64_t index, uint64_t count, const struct merkle_proof *proof,
                const struct hash *root) {
    struct hash commitment;
    struct hash leaf;
    if (!name_valid(member->name) || count > EVENT_MEMBERS_MAX) {
        return false;
    }
    body_commitment(context, member, &commitment);
    hash_leaf(commitment.bytes, HASH_SIZE, &leaf);
    return merkle_inclusion_check(&leaf, index, count, proof->hashes, proof->count, root);
}
