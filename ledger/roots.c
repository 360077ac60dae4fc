/* The roots of a log, and how one takes the place of another (root.replaced). */
#include "ledger/accept_parts.h"

#include <assert.h>
#include <string.h>

static bool same_key(const struct vkey *a, const struct vkey *b) {
    return memcmp(a->key.bytes, b->key.bytes, sizeof a->key.bytes) == 0;
}

static void read_fresh(const struct event *event, struct issuer *out) {
    struct vkey vkey;
    enum status status = vkey_parse(bytes_text(event_open_text(event, "vkey")), &vkey, NULL);
    assert(status == STATUS_OK); /* member_check took it */
    *out = issuer_named(&vkey, ROLE_ROOT);
}

enum status roots_replaced(struct store_txn *txn, uint32_t log, uint64_t size,
                           uint64_t indexes[ROOTS_REPLACED_MAX], size_t *count) {
    struct accept_state state;
    TRY(accept_state_get(txn, log, &state));
    *count = 0;
    for (size_t i = 0; i < state.replaced_count; i++) {
        struct issuer root;
        TRY(issuer_by_number(txn, log, state.replaced[i], &root));
        if (root.enrolled_at < size) {
            indexes[(*count)++] = root.enrolled_at;
        }
    }
    return STATUS_OK;
}

/* Those who opened the log. Issuers are numbered as they become known, and log.opened names its
 * authorities first, and then its operator. */
struct openers {
    size_t count;
    size_t gone;
    bool taken; /* the fresh key is that of one of them, or the operator's */
};

static enum status look_at_openers(struct check *c, const struct vkey *fresh, struct openers *out) {
    struct issuer issuer;
    *out = (struct openers){.count = 0};
    for (uint32_t number = 1;; number++) {
        TRY(issuer_by_number(c->txn, c->log->number, number, &issuer));
        out->taken = out->taken || same_key(&issuer.vkey, fresh);
        if ((issuer.roles & ROLE_ROOT) == 0) {
            return STATUS_OK;
        }
        out->count++;
        out->gone += issuer.revoked_at != 0 ? 1 : 0;
    }
}

/* A root holds one voice: no other root had this key, whether it is still one or not. */
static enum status check_own_key(struct check *c, const struct accept_state *state,
                                 const struct vkey *fresh, bool taken) {
    for (size_t i = 0; !taken && i < state->replaced_count; i++) {
        struct issuer root;
        TRY(issuer_by_number(c->txn, c->log->number, state->replaced[i], &root));
        taken = same_key(&root.vkey, fresh);
    }
    return taken ? refuse(c->why, STATUS_BAD_MEMBER,
                          "member vkey: the public key of %.60s is a root's or the operator's "
                          "already: make another",
                          fresh->name)
                 : STATUS_OK;
}

static enum status check_going(struct check *c, struct issuer *out) {
    const char *name = event_open_text(c->event, "key");
    assert(name != NULL); /* a required member of the row */
    enum status status = issuer_find(c->txn, c->log->number, bytes_text(name), out);
    if (status == STATUS_NOT_FOUND || (status == STATUS_OK && (out->roles & ROLE_ROOT) == 0)) {
        return refuse(c->why, STATUS_BAD_MEMBER, "member key: %.60s is no root of this log", name);
    }
    TRY(status);
    return out->revoked_at == 0 ? STATUS_OK
                                : refuse(c->why, STATUS_BAD_MEMBER,
                                         "member key: %.60s was replaced already, by entry %llu",
                                         name, (unsigned long long)out->revoked_at);
}

enum status accept_check_replacement(struct check *c) {
    struct accept_state state;
    struct openers openers;
    struct issuer old;
    struct issuer fresh;
    read_fresh(c->event, &fresh);
    TRY(accept_state_get(c->txn, c->log->number, &state));
    TRY(check_going(c, &old));
    TRY(accept_check_fresh(c, &fresh));
    TRY(look_at_openers(c, &fresh.vkey, &openers));
    TRY(check_own_key(c, &state, &fresh.vkey, openers.taken));
    size_t most = opened_replaceable(openers.count, state.threshold);
    if (old.enrolled_at == 0 && openers.gone >= most) {
        return refuse(
            c->why, STATUS_BAD_MEMBER,
            "member key: of the %zu roots that opened this log, of which %u sign, %zu can "
            "be replaced: end the log (log.succeeded), and open another with other roots",
            openers.count, state.threshold, most);
    }
    if (state.replaced_count == ROOTS_REPLACED_MAX) {
        return refuse(c->why, STATUS_BAD_MEMBER,
                      "member key: this log has replaced %d roots, which is the most: end it "
                      "(log.succeeded), and open another with other roots",
                      ROOTS_REPLACED_MAX);
    }
    return STATUS_OK;
}

enum status accept_replace_root(struct store_txn *txn, const struct log *log,
                                const struct event *event, uint64_t index, uint64_t stamp_ms) {
    struct accept_state state;
    struct issuer old;
    struct issuer fresh;
    read_fresh(event, &fresh);
    TRY(issuer_find(txn, log->number, bytes_text(event_open_text(event, "key")), &old));
    old.revoked_at = index;
    old.until_ms = stamp_ms;
    TRY(issuer_put(txn, log->number, &old));
    fresh.enrolled_at = index;
    TRY(issuer_add(txn, log->number, &fresh));
    TRY(accept_state_get(txn, log->number, &state)); /* which has one issuer more */
    assert(state.replaced_count < ROOTS_REPLACED_MAX);
    state.replaced[state.replaced_count++] = fresh.number;
    return accept_state_put(txn, log->number, &state);
}
