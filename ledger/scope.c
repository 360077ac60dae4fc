/* What an issuer may sign: its role, its enrolment's scope, and what it can pass on. Shared by
 * acceptance and by the verifying of receipts. */
#include "ledger/house.h"
#include "ledger/issuer.h"
#include "ledger/json.h"
#include "ledger/member.h"

#include <assert.h>
#include <string.h>

struct issuer issuer_named(const struct vkey *vkey, uint32_t role) {
    assert(role == ROLE_ROOT || role == ROLE_OPERATOR);
    return (struct issuer){.vkey = *vkey,
                           .roles = role,
                           .kinds = KINDS_ALL,
                           .bases = BASIS_LIVE | BASIS_IMPORTED,
                           .first_seq = 1,
                           .until_ms = UINT64_MAX};
}

/* The bases that a text means: "live", "imported", or an enrolment's "both". */
static uint32_t bases_of(const char *text) {
    if (strcmp(text, "live") == 0) {
        return BASIS_LIVE;
    }
    return strcmp(text, "imported") == 0 ? BASIS_IMPORTED : BASIS_LIVE | BASIS_IMPORTED;
}

/* --- reading an enrolment --- */

static void read_kinds(const json_t *kinds, struct issuer *out) {
    for (size_t i = 0; i < json_array_size(kinds); i++) {
        const char *name = json_string_value(json_array_get(kinds, i));
        assert(name != NULL);
        const struct kind *kind = kind_find(name, strlen(name));
        out->kinds |=
            kind != NULL ? KIND_BIT(kind->id) : KINDS_ALL; /* "*" is no kind's name: all */
    }
}

static void read_oris(const json_t *oris, struct issuer *out) {
    out->ori_count = json_array_size(oris);
    assert(out->ori_count <= ISSUER_ORIS_MAX); /* the row's maximum */
    for (size_t i = 0; i < out->ori_count; i++) {
        const char *ori = json_string_value(json_array_get(oris, i));
        assert(ori != NULL && strlen(ori) == ORI_SIZE);
        memcpy(out->oris[i], ori, ORI_SIZE);
    }
}

/* Where the key's sequence goes on. */
static void read_after(const json_t *after, struct issuer *out) {
    out->first_seq = 1;
    if (after == NULL) {
        return;
    }
    bool good = bytes_hex_to_hash(jcs_text(json_object_get(after, "id")), &out->last_id);
    assert(good); /* member_check took it, and a seq from 1 */
    out->last_seq = (uint64_t)json_integer_value(json_object_get(after, "seq"));
    out->first_seq = out->last_seq + 1;
}

void issuer_of_enrolment(const struct event *enrolment, struct issuer *out) {
    assert(kind_enrols(enrolment->kind));
    const char *vkey = event_open_text(enrolment, "vkey");
    const char *role = event_open_text(enrolment, "role");
    const char *basis = event_open_text(enrolment, "basis");
    const char *from = event_open_text(enrolment, "from");
    const char *until = event_open_text(enrolment, "until");
    assert(vkey != NULL && role != NULL && basis != NULL); /* required members of the row */
    memset(out, 0, sizeof *out);
    enum status status = vkey_parse(bytes_text(vkey), &out->vkey, NULL);
    assert(status == STATUS_OK); /* event_parse checked every member's type */
    read_after(json_object_get(enrolment->open, "after"), out);
    out->roles = role_find(role, strlen(role));
    out->bases = bases_of(basis);
    read_kinds(json_object_get(enrolment->open, "kinds"), out);
    read_oris(json_object_get(enrolment->open, "oris"), out);
    out->from_ms = from != NULL ? date_to_days(from) * DAY_MS : 0;
    /* The last day counts whole. */
    out->until_ms = until != NULL ? (date_to_days(until) + 1) * DAY_MS : UINT64_MAX;
}

/* --- what the scope covers --- */

static bool covers_ori(const struct issuer *issuer, const char *ori) {
    for (size_t i = 0; i < issuer->ori_count; i++) {
        if (memcmp(issuer->oris[i], ori, ORI_SIZE) == 0) {
            return true;
        }
    }
    return issuer->ori_count == 0;
}

/* `basis` of an event; that of an enrolment says what others may sign. */
static enum status check_basis(const struct issuer *issuer, const struct event *event,
                               struct refusal *why) {
    const char *basis = event_open_text(event, "basis");
    if (basis == NULL || kind_enrols(event->kind)) {
        return STATUS_OK;
    }
    if ((bases_of(basis) & ~issuer->bases) != 0) {
        return refuse(
            why, STATUS_DENIED_SCOPE,
            "member basis: the enrolment of %s does not cover %s events: it is for %s ones",
            issuer->vkey.name, basis, issuer->bases == BASIS_LIVE ? "live" : "imported");
    }
    if (bases_of(basis) == BASIS_IMPORTED && (issuer->roles & (ROLE_AGENCY | ROLE_CLERK)) == 0) {
        return refuse(why, STATUS_DENIED_SCOPE,
                      "member basis: only an agency's own keys import its records");
    }
    return STATUS_OK;
}

/* "agency, clerk": who may issue the kind. */
static void list_roles(const struct kind *kind, char *out, size_t size) {
    struct writer w;
    writer_init(&w, out, size);
    for (uint32_t role = ROLE_ROOT; role <= ROLE_LAST; role <<= 1) {
        if ((kind->roles & role) != 0) {
            writer_text(&w, w.len > 0 ? ", " : "");
            writer_text(&w, role_name(role));
        }
    }
    writer_u8(&w, '\0');
    assert(!w.failed); /* all of them fit */
}

enum status issuer_covers(const struct issuer *issuer, const struct event *event, uint64_t stamp_ms,
                          struct refusal *why) {
    const struct kind *kind = event->kind;
    const char *ori = kind->has_ori ? event_open_text(event, "ori") : NULL;
    if ((kind->roles & issuer->roles) == 0) {
        const char *role = role_name(issuer->roles);
        char roles[96];
        list_roles(kind, roles, sizeof roles);
        return refuse(why, STATUS_DENIED_SCOPE,
                      "member kind: a key in the role %s may not issue %s, which is for: %s",
                      role != NULL ? role : "it has", kind->name, roles);
    }
    if ((issuer->kinds & KIND_BIT(kind->id)) == 0) {
        return refuse(why, STATUS_DENIED_SCOPE,
                      "member kind: the enrolment of %s does not cover %s: sign with a key that is "
                      "enrolled for it",
                      issuer->vkey.name, kind->name);
    }
    if (stamp_ms < issuer->from_ms || stamp_ms >= issuer->until_ms) {
        return refuse(why, STATUS_DENIED_SCOPE,
                      "the enrolment of %s %s: have the key enrolled anew", issuer->vkey.name,
                      stamp_ms < issuer->from_ms ? "is not valid yet" : "has run out");
    }
    if (ori != NULL && !covers_ori(issuer, ori)) {
        return refuse(why, STATUS_DENIED_SCOPE,
                      "member ori: the enrolment of %s does not cover %s: it is for %.*s%s",
                      issuer->vkey.name, ori, ORI_SIZE, issuer->oris[0],
                      issuer->ori_count > 1 ? " and others" : "");
    }
    return check_basis(issuer, event, why);
}

/* --- passing it on --- */

/* True if all agencies of `inner` are `outer`'s too. None named means all. */
static bool oris_within(const struct issuer *inner, const struct issuer *outer) {
    if (outer->ori_count == 0) {
        return true;
    }
    for (size_t i = 0; i < inner->ori_count; i++) {
        if (!covers_ori(outer, inner->oris[i])) {
            return false;
        }
    }
    return inner->ori_count > 0;
}

/* The member in which `inner` has more than `outer`, or NULL. */
static const char *scope_beyond(const struct issuer *inner, const struct issuer *outer) {
    if (!oris_within(inner, outer)) {
        return "oris";
    }
    if ((inner->kinds & ~outer->kinds) != 0) {
        return "kinds";
    }
    if ((inner->bases & ~outer->bases) != 0) {
        return "basis";
    }
    if (inner->from_ms < outer->from_ms) {
        return "from";
    }
    return inner->until_ms > outer->until_ms ? "until" : NULL;
}

enum status issuer_may_grant(const struct issuer *enroller, const struct issuer *fresh,
                             struct refusal *why) {
    assert((fresh->roles & (ROLE_ROOT | ROLE_OPERATOR)) == 0); /* no codes of member role */
    if ((enroller->roles & ROLE_ROOT) != 0) {
        return STATUS_OK;
    }
    if (fresh->roles != ROLE_CLERK) {
        return refuse(why, STATUS_DENIED_SCOPE, "member role: %s may enrol clerks only",
                      enroller->vkey.name);
    }
    const char *over = scope_beyond(fresh, enroller);
    if (over != NULL) {
        return refuse(why, STATUS_DENIED_SCOPE,
                      "member %s: more than the scope of %s, which is the most that it can give",
                      over, enroller->vkey.name);
    }
    return STATUS_OK;
}

enum status issuer_may_replace(const struct issuer *old, const struct issuer *fresh,
                               struct refusal *why) {
    if (fresh->roles != old->roles) {
        return refuse(why, STATUS_DENIED_SCOPE,
                      "member role: must be %s, as of %s, whose place the key takes: for another "
                      "role enrol it with key.enrolled",
                      role_name(old->roles), old->vkey.name);
    }
    struct bytes house = house_name(vkey_name(&old->vkey));
    if (house_group(old->roles) != GROUP_AGENCY &&
        !bytes_equal(house, house_name(vkey_name(&fresh->vkey)))) {
        return refuse(
            why, STATUS_DENIED_SCOPE,
            "member vkey: the name %.60s must begin with %.*s/, as that of %.60s, so that "
            "the key stays the same holder's voice",
            fresh->vkey.name, (int)(house.len < 60 ? house.len : 60), (const char *)house.data,
            old->vkey.name);
    }
    const char *over = scope_beyond(fresh, old);
    if (over != NULL) {
        return refuse(why, STATUS_DENIED_SCOPE,
                      "member %s: more than the scope of %s, whose place the key takes: for more "
                      "enrol it with key.enrolled",
                      over, old->vkey.name);
    }
    return STATUS_OK;
}
