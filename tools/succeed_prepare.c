#include "ledger/issuer.h"
#include "tools/make_event.h"
#include "tools/succeed.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct preparing {
    struct old_log *old;
    const struct succeed_making *making;
    struct outbox outbox;
    struct place place;
    size_t carried;
};

/* --- writing one event --- */

static enum status put_event(struct preparing *p, const char *kind, const json_t *open,
                             size_t signer_count, struct refusal *why) {
    return make_event_into(&p->outbox, &p->place, kind, open, p->making->signers, signer_count,
                           why);
}

/* --- log.succeeded --- */

static bool set_vkey(json_t *open, const char *name, const struct vkey *key) {
    char text[VKEY_SIZE_MAX];
    struct writer w;
    writer_init(&w, text, sizeof text);
    vkey_format(&w, key);
    return !w.failed && json_object_set_new(open, name, json_stringn(text, w.len)) == 0;
}

/* With the old key's own line alone: others' lines vouch for nothing here, and take room. */
static bool set_checkpoint(json_t *open, const char *name, const struct shown *shown,
                           const struct vkey *key) {
    uint8_t memory[CHECKPOINT_SIZE_MAX];
    struct writer w;
    writer_init(&w, memory, sizeof memory);
    note_put_by(&w, &shown->note, key);
    return !w.failed &&
           json_object_set_new(open, name, json_stringn((const char *)w.data, w.len)) == 0;
}

static enum status put_succession(struct preparing *p, struct refusal *why) {
    const struct old_log *old = p->old;
    json_t *open = json_object();
    bool set =
        open != NULL && set_vkey(open, "vkey", &old->vkey) &&
        set_vkey(open, "successor", &p->making->successor) &&
        set_checkpoint(open, "checkpoint", &old->best->stored, &old->vkey) &&
        (old->abandoned == NULL || set_checkpoint(open, "abandoned", old->abandoned, &old->vkey)) &&
        json_object_set_new(open, "reason", json_string(p->making->reason)) == 0;
    enum status status = set ? put_event(p, "log.succeeded", open, p->making->signer_count, why)
                             : refuse(why, STATUS_NOMEM, "out of memory");
    json_decref(open);
    return status;
}

/* --- enrolments --- */

static json_t *after_of(const struct old_log *old, const struct issuer *issuer) {
    char id[2 * HASH_SIZE];
    struct writer w;
    writer_init(&w, id, sizeof id);
    writer_hash_hex(&w, &issuer->last_id);
    return json_pack("{s:s%,s:s,s:s,s:I}", "id", id, w.len, "issuer", issuer->vkey.name, "log",
                     old->vkey.name, "seq", (json_int_t)issuer->last_seq);
}

static void say_key(const struct issuer *issuer, const char *what) {
    printf("  %-40s %s\n", issuer->vkey.name, what);
}

/* One key of the old log: enrolled with what it had, going on where it was. */
static enum status put_enrolment(struct preparing *p, const struct issuer *issuer,
                                 struct refusal *why) {
    char text[64];
    if ((issuer->roles & ROLE_ANYONE) != 0) {
        return STATUS_OK; /* a one-time key, which has signed its event */
    }
    if (issuer->enrolled_at == 0) {
        return STATUS_OK; /* a root or the operator: the successor's log.opened names its own */
    }
    if (issuer->revoked_at != 0) {
        say_key(issuer, "revoked: left behind");
        return STATUS_OK;
    }
    for (size_t i = 0; i < p->making->signer_count; i++) {
        if (bytes_equal(vkey_name(&p->making->signers[i]->vkey), vkey_name(&issuer->vkey))) {
            say_key(issuer, "signs for the authority now: left behind");
            return STATUS_OK;
        }
    }
    const json_t *had = json_object_get(p->old->enrolments, issuer->vkey.name);
    assert(had != NULL); /* acceptance knows it by that entry */
    json_t *open = json_deep_copy(had);
    enum status status = refuse(why, STATUS_NOMEM, "out of memory");
    if (open != NULL) {
        /* In the successor all are enrolled, also what took another's place in the old log. */
        json_object_del(open, "after");
        json_object_del(open, "key");
        json_object_del(open, "reason");
        json_object_del(open, "since");
    }
    if (open != NULL && (issuer->last_seq == 0 ||
                         json_object_set_new(open, "after", after_of(p->old, issuer)) == 0)) {
        status = put_event(p, "key.enrolled", open, 1, why);
    }
    json_decref(open);
    TRY(status);
    snprintf(text, sizeof text, "goes on with seq %" PRIu64, issuer->last_seq + 1);
    say_key(issuer, text);
    p->carried++;
    return STATUS_OK;
}

static enum status put_all(struct preparing *p, struct refusal *why) {
    struct store_txn *txn = p->old->read.txn;
    struct accept_state state;
    TRY(accept_state_get(txn, p->old->read.log.number, &state));
    TRY(put_succession(p, why));
    for (uint32_t number = 1; number <= state.issuers; number++) {
        struct issuer issuer;
        TRY(issuer_by_number(txn, p->old->read.log.number, number, &issuer));
        TRY(put_enrolment(p, &issuer, why));
    }
    return STATUS_OK;
}

/* --- all of it --- */

static void say_old(const struct old_log *old) {
    printf("%s ends at size %" PRIu64 ", held by %s\n", old->vkey.name,
           old->best->stored.checkpoint.size, old->best->url);
    if (old->abandoned != NULL) {
        printf("given up: a checkpoint of size %" PRIu64 ", %" PRIu64 " entries beyond\n",
               old->abandoned->checkpoint.size,
               old->abandoned->checkpoint.size - old->best->stored.checkpoint.size);
    }
}

enum status succeed_prepare(struct old_log *old, const struct succeed_making *making,
                            struct refusal *why) {
    struct preparing p = {.old = old, .making = making, .outbox = {.lock = -1}};
    struct bytes issuer = vkey_name(&making->signers[0]->vkey);
    struct bytes successor = vkey_name(&making->successor);
    TRY(outbox_open(&p.outbox, making->outbox, why));
    memcpy(p.place.log, successor.data, successor.len);
    p.place.log[successor.len] = '\0';
    enum status status = place_from_node(&p.place, making->node, issuer, why);
    if (status == STATUS_OK) {
        status = place_from_outbox(&p.place, &p.outbox, issuer, why);
    }
    say_old(old);
    if (status == STATUS_OK) {
        status = put_all(&p, why);
    }
    outbox_close(&p.outbox);
    TRY(status);
    printf("written to %s: log.succeeded, %zu enrolments. Send them with dutylog submit\n",
           making->outbox, p.carried);
    return STATUS_OK;
}
