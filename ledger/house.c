#include "ledger/house.h"

#include <assert.h>
#include <string.h>

#define AGENCY_ROLES (ROLE_AGENCY | ROLE_CLERK)

enum house_group house_group(uint32_t roles) {
    if ((roles & ROLE_COURT) != 0) {
        return GROUP_COURT;
    }
    if ((roles & ROLE_POST) != 0) {
        return GROUP_POST;
    }
    if ((roles & ROLE_OVERSIGHT) != 0) {
        return GROUP_OVERSIGHT;
    }
    return (roles & AGENCY_ROLES) != 0 ? GROUP_AGENCY : GROUP_OTHER;
}

unsigned house_rank(uint32_t roles) {
    static const unsigned ranks[GROUPS] = {
        [GROUP_COURT] = 3, [GROUP_POST] = 2, [GROUP_OVERSIGHT] = 1, [GROUP_AGENCY] = 1};
    return ranks[house_group(roles)];
}

bool house_over(uint32_t a, uint32_t b) {
    return house_rank(a) > house_rank(b) ||
           (house_group(a) == GROUP_OVERSIGHT && house_group(b) == GROUP_AGENCY);
}

struct bytes house_name(struct bytes key_name) {
    const uint8_t *slash = memchr(key_name.data, '/', key_name.len);
    return bytes_of(key_name.data, slash != NULL ? (size_t)(slash - key_name.data) : key_name.len);
}

/* The order of names in log.opened says nothing of who they are. */
struct hash house_authority(const struct opened *opened) {
    const struct sign_public *sorted[OPENED_AUTHORITIES_MAX];
    struct hash_stream stream;
    struct hash hash;
    for (size_t i = 0; i < opened->authority_count; i++) {
        const struct sign_public *key = &opened->authorities[i].key;
        size_t at = i;
        for (; at > 0 && memcmp(key->bytes, sorted[at - 1]->bytes, SIGN_PUBLIC_SIZE) < 0; at--) {
            sorted[at] = sorted[at - 1];
        }
        sorted[at] = key;
    }
    hash_start(&stream);
    for (size_t i = 0; i < opened->authority_count; i++) {
        hash_add(&stream, sorted[i]->bytes, SIGN_PUBLIC_SIZE);
    }
    hash_finish(&stream, &hash);
    return hash;
}

struct hash house_of(uint32_t roles, struct bytes key_name, const struct hash *authority) {
    struct bytes name = house_name(key_name);
    struct hash_stream stream;
    struct hash hash = {{0}};
    uint8_t role[4];
    if (house_group(roles) == GROUP_AGENCY) {
        return hash;
    }
    for (size_t i = 0; i < sizeof role; i++) {
        role[i] = (uint8_t)(roles >> (24 - 8 * i));
    }
    hash_start(&stream);
    hash_add(&stream, role, sizeof role);
    hash_add(&stream, authority->bytes, sizeof authority->bytes);
    hash_add(&stream, name.data, name.len); /* last: the others have one length */
    hash_finish(&stream, &hash);
    return hash;
}
