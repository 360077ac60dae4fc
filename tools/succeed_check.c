#include "ledger/issuer.h"
#include "ledger/json.h"
#include "tools/cli.h"
#include "tools/succeed.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct checking {
    struct old_log *old;
    struct log_read read; /* of the successor */
    bool found;
    bool binds;
    size_t carried;
    json_t *names; /* of the keys that went on */
};

static void wrong(void *context, const char *text) {
    struct checking *c = context;
    succeed_wrong(c->old, "%s: %s", c->read.log.vkey.name, text);
}

/* --- the event that ends the old log --- */

static void check_closing(struct checking *c, uint64_t index, const struct succession *said) {
    const struct checkpoint *held = &c->old->best->stored.checkpoint;
    if (said->checkpoint.size != held->size) {
        succeed_wrong(c->old,
                      "entry %" PRIu64 " ends the old log at size %" PRIu64
                      ", and %s holds %" PRIu64 " entries",
                      index, said->checkpoint.size, c->old->best->url, held->size);
    } else if (!hash_equal(&said->checkpoint.root, &held->root)) {
        succeed_wrong(c->old, "entry %" PRIu64 ": its closing checkpoint has another root than %s",
                      index, c->old->best->url);
    }
}

static void check_succession(struct checking *c, uint64_t index, const struct event *event) {
    struct succession said;
    succession_of(event, &said);
    if (!vkey_equal(&said.old, &c->old->vkey)) {
        return;
    }
    c->found = true;
    c->binds = succession_by_roots(event, &c->old->opened);
    if (!c->binds) {
        succeed_wrong(c->old, "entry %" PRIu64 ": not signed by a threshold of the old log's roots",
                      index);
    }
    if (!vkey_equal(&said.successor, &c->read.log.vkey)) {
        succeed_wrong(c->old, "entry %" PRIu64 " names another successor, %s", index,
                      said.successor.name);
    }
    check_closing(c, index, &said);
}

/* --- the keys --- */

static enum status check_enrolment(struct checking *c, uint64_t index, const struct event *event) {
    const json_t *after = json_object_get(event->open, "after");
    struct issuer now;
    struct issuer then;
    if (after == NULL ||
        !bytes_equal(jcs_text(json_object_get(after, "log")), vkey_name(&c->old->vkey))) {
        return STATUS_OK;
    }
    issuer_of_enrolment(event, &now);
    enum status status =
        issuer_find(c->old->read.txn, c->old->read.log.number, vkey_name(&now.vkey), &then);
    if (status == STATUS_NOT_FOUND) {
        succeed_wrong(c->old, "entry %" PRIu64 ": the old log does not know the key %s", index,
                      now.vkey.name);
        return STATUS_OK;
    }
    TRY(status);
    if (!vkey_equal(&now.vkey, &then.vkey)) {
        succeed_wrong(c->old, "entry %" PRIu64 ": %s is another key than in the old log", index,
                      now.vkey.name);
    }
    if (now.last_seq != then.last_seq || !hash_equal(&now.last_id, &then.last_id)) {
        succeed_wrong(c->old,
                      "entry %" PRIu64 ": %s goes on after seq %" PRIu64
                      ", and the old log has its events up to %" PRIu64 "%s",
                      index, now.vkey.name, now.last_seq, then.last_seq,
                      now.last_seq == then.last_seq ? ", the last one another" : "");
    }
    if (then.revoked_at != 0) {
        succeed_wrong(c->old, "entry %" PRIu64 ": %s was revoked in the old log", index,
                      now.vkey.name);
    }
    c->carried++;
    return json_object_set_new(c->names, now.vkey.name, json_true()) == 0 ? STATUS_OK
                                                                          : STATUS_NOMEM;
}

static enum status accepted(void *context, uint64_t index, const struct event *event) {
    struct checking *c = context;
    if (event->kind->id == KIND_LOG_SUCCEEDED) {
        check_succession(c, index, event);
    }
    return kind_enrols(event->kind) ? check_enrolment(c, index, event) : STATUS_OK;
}

/* Keys that did not go on are no fault: their holders may have left. They are named. */
static enum status say_left_behind(const struct checking *c) {
    struct store_txn *txn = c->old->read.txn;
    struct accept_state state;
    TRY(accept_state_get(txn, c->old->read.log.number, &state));
    for (uint32_t number = 1; number <= state.issuers; number++) {
        struct issuer issuer;
        TRY(issuer_by_number(txn, c->old->read.log.number, number, &issuer));
        if (issuer.enrolled_at != 0 && (issuer.roles & ROLE_ANYONE) == 0 &&
            issuer.revoked_at == 0 && issuer.last_seq > 0 &&
            json_object_get(c->names, issuer.vkey.name) == NULL) {
            printf("not carried on: %s, last seq %" PRIu64 "\n", issuer.vkey.name, issuer.last_seq);
        }
    }
    return STATUS_OK;
}

static enum status check_all(struct checking *c, struct refusal *why) {
    TRY(log_read_checkpoint(&c->read, why));
    TRY(log_read_entries(&c->read, why));
    if (c->read.unjudged > 0) {
        return refuse(why, STATUS_UNJUDGED, "the successor: %s", c->read.lacks.text);
    }
    if (!c->found) {
        succeed_wrong(c->old, "%s says nothing of %s", c->read.log.vkey.name, c->old->vkey.name);
        return STATUS_OK;
    }
    TRY(say_left_behind(c));
    if (c->old->wrong == 0) {
        printf("verified: %s goes on for %s from size %" PRIu64 "; %zu keys with their sequences\n",
               c->read.log.vkey.name, c->old->vkey.name, c->old->best->stored.checkpoint.size,
               c->carried);
    }
    return STATUS_OK;
}

enum status succeed_check(struct old_log *old, const char *node, const struct vkey *successor,
                          struct refusal *why) {
    struct checking c = {.old = old, .names = json_object()};
    if (c.names == NULL) {
        return refuse(why, STATUS_NOMEM, "out of memory");
    }
    log_read_init(&c.read, successor, LOG_EVENTS);
    c.read.url = node;
    c.read.what = "successor";
    c.read.context = &c;
    c.read.wrong = wrong;
    c.read.accepted = accepted;
    enum status status = check_all(&c, why);
    log_read_release(&c.read);
    json_decref(c.names);
    return status;
}
