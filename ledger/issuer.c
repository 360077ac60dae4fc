#include "ledger/issuer.h"

#include "ledger/schema.h"

#include <assert.h>
#include <string.h>

/* Record: u32 number, u32 roles, u64 last_seq, last_id, u64 enrolled_at, u64 revoked_at, u32
 * enroller, u32 kinds, u64 from, u64 until, u8 count and that many 9-byte ORIs, public key. */
#define RECORD_MAX                                                                                 \
    (4 + 4 + 8 + HASH_SIZE + 8 + 8 + 4 + 4 + 8 + 8 + 1 + ISSUER_ORIS_MAX * ORI_SIZE +              \
     SIGN_PUBLIC_SIZE)

static struct key issuer_key(uint32_t log, struct bytes name) {
    struct key key = key_log(TABLE_ISSUER, log);
    key_bytes(&key, name);
    return key;
}

static struct key number_key(uint32_t log, uint32_t number) {
    struct key key = key_log(TABLE_ISSUER_NAME, log);
    key_u32(&key, number);
    return key;
}

static enum status decode(struct bytes name, struct bytes value, struct issuer *out) {
    struct reader r;
    struct bytes oris;
    struct bytes public_key;
    uint8_t count = 0;
    reader_init(&r, value);
    reader_u32(&r, &out->number);
    reader_u32(&r, &out->roles);
    reader_u64(&r, &out->last_seq);
    reader_hash(&r, &out->last_id);
    reader_u64(&r, &out->enrolled_at);
    reader_u64(&r, &out->revoked_at);
    reader_u32(&r, &out->enroller);
    reader_u32(&r, &out->kinds);
    reader_u64(&r, &out->from_ms);
    reader_u64(&r, &out->until_ms);
    if (!reader_u8(&r, &count) || count > ISSUER_ORIS_MAX ||
        !reader_take(&r, (size_t)count * ORI_SIZE, &oris) ||
        !reader_take(&r, SIGN_PUBLIC_SIZE, &public_key) || !reader_done(&r)) {
        return STATUS_STORE_CORRUPT;
    }
    out->ori_count = count;
    memcpy(out->oris, oris.data, oris.len);
    struct sign_public key;
    memcpy(key.bytes, public_key.data, sizeof key.bytes);
    return vkey_make(name, VKEY_NOTE, &key, &out->vkey) == STATUS_OK ? STATUS_OK
                                                                     : STATUS_STORE_CORRUPT;
}

enum status issuer_find(struct store_txn *txn, uint32_t log, struct bytes name,
                        struct issuer *out) {
    struct bytes value;
    if (name.len == 0 || name.len > NAME_SIZE_MAX) {
        return STATUS_NOT_FOUND;
    }
    struct key key = issuer_key(log, name);
    TRY(store_get(txn, key_view(&key), &value));
    return decode(name, value, out);
}

enum status issuer_by_number(struct store_txn *txn, uint32_t log, uint32_t number,
                             struct issuer *out) {
    struct key key = number_key(log, number);
    struct bytes name;
    TRY(store_get(txn, key_view(&key), &name));
    uint8_t
        copy[NAME_SIZE_MAX]; /* the borrowed name would not outlive the next call of some stores */
    if (name.len == 0 || name.len > sizeof copy) {
        return STATUS_STORE_CORRUPT;
    }
    memcpy(copy, name.data, name.len);
    enum status status = issuer_find(txn, log, bytes_of(copy, name.len), out);
    return status == STATUS_NOT_FOUND ? STATUS_STORE_CORRUPT : status;
}

enum status issuer_put(struct store_txn *txn, uint32_t log, const struct issuer *issuer) {
    uint8_t memory[RECORD_MAX];
    struct writer w;
    writer_init(&w, memory, sizeof memory);
    writer_u32(&w, issuer->number);
    writer_u32(&w, issuer->roles);
    writer_u64(&w, issuer->last_seq);
    writer_hash(&w, &issuer->last_id);
    writer_u64(&w, issuer->enrolled_at);
    writer_u64(&w, issuer->revoked_at);
    writer_u32(&w, issuer->enroller);
    writer_u32(&w, issuer->kinds);
    writer_u64(&w, issuer->from_ms);
    writer_u64(&w, issuer->until_ms);
    assert(issuer->ori_count <= ISSUER_ORIS_MAX);
    writer_u8(&w, (uint8_t)issuer->ori_count);
    writer_put(&w, issuer->oris, issuer->ori_count * ORI_SIZE);
    writer_put(&w, issuer->vkey.key.bytes, SIGN_PUBLIC_SIZE);
    assert(!w.failed);
    struct key key = issuer_key(log, vkey_name(&issuer->vkey));
    return store_put(txn, key_view(&key), writer_view(&w));
}

enum status issuer_add(struct store_txn *txn, uint32_t log, struct issuer *issuer) {
    struct accept_state state;
    struct bytes taken;
    struct key name = issuer_key(log, vkey_name(&issuer->vkey));
    assert(store_get(txn, key_view(&name), &taken) == STATUS_NOT_FOUND);
    TRY(accept_state_get(txn, log, &state));
    issuer->number = ++state.issuers;
    TRY(accept_state_put(txn, log, &state));
    struct key number = number_key(log, issuer->number);
    TRY(store_put(txn, key_view(&number), vkey_name(&issuer->vkey)));
    return issuer_put(txn, log, issuer);
}

enum status accept_state_get(struct store_txn *txn, uint32_t log, struct accept_state *out) {
    struct key key = key_log(TABLE_ACCEPT, log);
    struct bytes value;
    struct reader r;
    struct accept_state state = {0};
    enum status status = store_get(txn, key_view(&key), &value);
    if (status == STATUS_OK) {
        reader_init(&r, value);
        if (!reader_u64(&r, &state.last_stamp_ms) || !reader_u32(&r, &state.issuers) ||
            !reader_done(&r)) {
            return STATUS_STORE_CORRUPT;
        }
    } else if (status != STATUS_NOT_FOUND) {
        return status;
    }
    *out = state;
    return STATUS_OK;
}

enum status accept_state_put(struct store_txn *txn, uint32_t log,
                             const struct accept_state *state) {
    uint8_t memory[12];
    struct writer w;
    writer_init(&w, memory, sizeof memory);
    writer_u64(&w, state->last_stamp_ms);
    writer_u32(&w, state->issuers);
    struct key key = key_log(TABLE_ACCEPT, log);
    return store_put(txn, key_view(&key), writer_view(&w));
}

/* --- scope --- */

static uint32_t kind_bit(const struct kind *kind) {
    size_t count = 0;
    const struct kind *all = kind_all(&count);
    size_t number = (size_t)(kind - all);
    assert(number < count && count <= ISSUER_KINDS_MAX);
    return (uint32_t)1 << number;
}

enum status issuer_covers(const struct issuer *issuer, const struct kind *kind, const char *ori,
                          uint64_t stamp_ms, struct refusal *why) {
    if ((kind->roles & issuer->roles) == 0) {
        const char *role = role_name(issuer->roles);
        return refuse(why, STATUS_DENIED_SCOPE, "%s may not be issued by a key in the role %s",
                      kind->name, role != NULL ? role : "it has");
    }
    if ((issuer->kinds & kind_bit(kind)) == 0) {
        return refuse(why, STATUS_DENIED_SCOPE, "the enrolment of %s does not cover the kind %s",
                      issuer->vkey.name, kind->name);
    }
    if (stamp_ms < issuer->from_ms || stamp_ms >= issuer->until_ms) {
        return refuse(why, STATUS_DENIED_SCOPE, "the enrolment of %s is not valid on this day",
                      issuer->vkey.name);
    }
    if (ori == NULL || issuer->ori_count == 0) {
        return STATUS_OK;
    }
    for (size_t i = 0; i < issuer->ori_count; i++) {
        if (memcmp(issuer->oris[i], ori, ORI_SIZE) == 0) {
            return STATUS_OK;
        }
    }
    return refuse(why, STATUS_DENIED_SCOPE, "member ori: the enrolment of %s does not cover %s",
                  issuer->vkey.name, ori);
}

/* Days since 1970-01-01 of a real day "YYYY-MM-DD" (event_parse checked it). The count of days
 * before a year, Gregorian. */
static uint64_t day_number(const char *date) {
    static const uint16_t before_month[12] = {0,   31,  59,  90,  120, 151,
                                              181, 212, 243, 273, 304, 334};
    uint64_t year = 0;
    for (size_t i = 0; i < 4; i++) {
        year = year * 10 + (uint64_t)(date[i] - '0');
    }
    uint64_t month = (uint64_t)(date[5] - '0') * 10 + (uint64_t)(date[6] - '0');
    uint64_t day = (uint64_t)(date[8] - '0') * 10 + (uint64_t)(date[9] - '0');
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    uint64_t past = year - 1;
    uint64_t days = past * 365 + past / 4 - past / 100 + past / 400;
    days += before_month[month - 1] + (leap && month > 2 ? 1u : 0u) + day - 1;
    const uint64_t epoch = 719162; /* days before 1970-01-01 */
    return days < epoch ? 0 : days - epoch;
}

static enum status read_scope(const struct event *enrolment, struct issuer *out,
                              struct refusal *why) {
    const uint64_t day_ms = 86400u * 1000u;
    const json_t *oris = json_object_get(enrolment->open, "oris");
    const json_t *kinds = json_object_get(enrolment->open, "kinds");
    const char *from = event_open_text(enrolment, "from");
    const char *until = event_open_text(enrolment, "until");
    if (json_array_size(oris) > ISSUER_ORIS_MAX) {
        return refuse(why, STATUS_BAD_MEMBER, "member oris: at most %d", ISSUER_ORIS_MAX);
    }
    out->ori_count = json_array_size(oris);
    for (size_t i = 0; i < out->ori_count; i++) {
        const char *ori = json_string_value(json_array_get(oris, i));
        assert(ori != NULL && strlen(ori) == ORI_SIZE);
        memcpy(out->oris[i], ori, ORI_SIZE);
    }
    out->kinds = 0;
    for (size_t i = 0; i < json_array_size(kinds); i++) {
        const char *name = json_string_value(json_array_get(kinds, i));
        assert(name != NULL);
        const struct kind *kind = kind_find(name, strlen(name));
        out->kinds |= kind != NULL ? kind_bit(kind) : UINT32_MAX; /* "*" is no kind's name: all */
    }
    out->from_ms = from != NULL ? day_number(from) * day_ms : 0;
    out->until_ms =
        until != NULL ? day_number(until) * day_ms + day_ms : UINT64_MAX; /* the last day counts */
    return STATUS_OK;
}

/* True if all that `inner` may do `outer` may do too. */
static bool scope_within(const struct issuer *inner, const struct issuer *outer) {
    if ((inner->kinds & ~outer->kinds) != 0 || inner->from_ms < outer->from_ms ||
        inner->until_ms > outer->until_ms) {
        return false;
    }
    if (outer->ori_count == 0) {
        return true;
    }
    for (size_t i = 0; i < inner->ori_count; i++) {
        bool found = false;
        for (size_t j = 0; j < outer->ori_count && !found; j++) {
            found = memcmp(inner->oris[i], outer->oris[j], ORI_SIZE) == 0;
        }
        if (!found) {
            return false;
        }
    }
    return inner->ori_count > 0; /* none named would mean all */
}

enum status issuer_of_enrolment(const struct event *enrolment, struct issuer *out,
                                struct refusal *why) {
    const char *vkey = event_open_text(enrolment, "vkey");
    const char *role = event_open_text(enrolment, "role");
    assert(vkey != NULL && role != NULL); /* required members of the row */
    memset(out, 0, sizeof *out);
    TRY(vkey_parse(bytes_text(vkey), &out->vkey, why));
    out->roles = role_find(role, strlen(role));
    return read_scope(enrolment, out, why);
}

enum status issuer_may_grant(const struct issuer *enroller, const struct issuer *fresh,
                             struct refusal *why) {
    if ((fresh->roles & (ROLE_ROOT | ROLE_OPERATOR)) != 0) {
        return refuse(why, STATUS_BAD_MEMBER,
                      "member role: root and operator are given by log.opened alone");
    }
    if ((enroller->roles & ROLE_ROOT) != 0) {
        return STATUS_OK;
    }
    if (fresh->roles != ROLE_CLERK) {
        return refuse(why, STATUS_DENIED_SCOPE, "member role: %s may enrol clerks only",
                      enroller->vkey.name);
    }
    if (!scope_within(fresh, enroller)) {
        return refuse(why, STATUS_DENIED_SCOPE,
                      "members oris, kinds, from, until: more than the scope of %s, which is the "
                      "most it can give",
                      enroller->vkey.name);
    }
    return STATUS_OK;
}
