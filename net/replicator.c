#include "net/replicator_private.h"

#include "net/file.h"
#include "net/guarding.h"
#include "net/log.h"
#include "net/outside.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void perform(struct replicator *r);

/* From now on the folder's head is the one that the head file names. It covers what that said
 * before. */
static void guard_passed(struct replicator *r) {
    struct refusal why;
    log_line(LOG_INFO, "guard", "passed", "signed=%" PRIu64, r->replica.signed_size);
    if (r->node->outside != NULL &&
        outside_set_head(r->node->outside, &r->replica.candidate, &why) != STATUS_OK) {
        node_fail(r->node, why.text);
    }
}

static void step_once(struct replicator *r, const struct replica_event *event) {
    enum replica_guard was = r->replica.guard;
    replica_step(&r->replica, event, &r->actions);
    if (was != GUARD_NONE && r->replica.guard == GUARD_NONE) {
        guard_passed(r);
    }
    perform(r);
}

/* Actions whose outcome is known at once (a full queue, an address that is no URL) make further
 * events; they wait until the actions of this one are done. */
void replicator_step(struct replicator *r, const struct replica_event *event) {
    assert(!r->stepping);
    r->stepping = true;
    step_once(r, event);
    while (r->queued > 0) {
        struct replica_event next = r->queue[0];
        r->queued--;
        memmove(r->queue, r->queue + 1, r->queued * sizeof r->queue[0]);
        next.now_ms = clock_wall_ms();
        step_once(r, &next);
    }
    r->stepping = false;
}

void replicator_enqueue(struct replicator *r, const struct replica_event *event) {
    assert(r->queued < EVENTS_MAX);
    r->queue[r->queued++] = *event;
}

struct replica_event replicator_event(enum replica_event_type type) {
    return (struct replica_event){.type = type, .now_ms = clock_wall_ms()};
}

/* The wall clock against the one that never jumps: where one runs away from the other, the clock
 * was set, or the machine slept, or goes on from a snapshot, whose memory and disk are of the past.
 * The guard begins again. */
static void look_at_clocks(struct replicator *r) {
    uint64_t wall = clock_wall_ms();
    uint64_t monotonic = clock_monotonic_ms();
    int64_t apart = (int64_t)(wall - r->seen_wall_ms) - (int64_t)(monotonic - r->seen_monotonic_ms);
    bool first = r->seen_wall_ms == 0;
    r->seen_wall_ms = wall;
    r->seen_monotonic_ms = monotonic;
    if (first || (apart <= COSIGN_OFFSET_MAX_SECONDS * 1000 &&
                  apart >= -(int64_t)COSIGN_OFFSET_MAX_SECONDS * 1000)) {
        return;
    }
    log_line(LOG_WARN, "guard", "clock-jumped", "seconds=%" PRId64, apart / 1000);
    struct replica_event event = replicator_event(REPLICA_GUARD);
    event.guard = guarding_again(r->node, &r->replica.candidate);
    replicator_step(r, &event);
}

static void tick(void *context) {
    struct replicator *r = context;
    if (!r->closing) {
        look_at_clocks(r);
        struct replica_event event = replicator_event(REPLICA_TICK);
        replicator_step(r, &event);
    }
}

static void free_memory(struct replicator *r) {
    free(r->replica.policy);
    free(r->replica.incoming);
    free(r->replica.next);
    replicator_push_release(r);
}

/* Frees the replicator once nothing refers to it. */
static void maybe_closed(struct replicator *r) {
    if (!r->closing || r->cut.busy || r->publication.busy || r->halting.busy) {
        return;
    }
    for (size_t i = 0; i < REPLICA_MIRRORS_MAX; i++) {
        assert(r->pushes[i].call == NULL); /* cancelled by replicator_close */
    }
    void (*closed)(void *) = r->closed;
    void *context = r->closed_context;
    free_memory(r);
    free(r);
    if (closed != NULL) {
        closed(context);
    }
}

/* --- jobs --- */

static void cut_done(struct commit *commit, enum status batch_status) {
    struct replicator *r = commit->context;
    r->cut.busy = false;
    node_batch_result(r->node, batch_status);
    if (r->closing) {
        maybe_closed(r);
        return;
    }
    struct replica_event event = replicator_event(REPLICA_CUT);
    event.status = batch_status != STATUS_OK ? batch_status : r->cut.job.job.status;
    event.head = &r->cut.job.head;
    replicator_step(r, &event);
}

static void cut_start(struct replicator *r, uint64_t expected) {
    assert(!r->cut.busy);
    cut_job_init(&r->cut.job);
    r->cut.job.log = &r->node->own;
    r->cut.job.signer = &r->node->log_signer;
    r->cut.job.expected = expected;
    /* Verified at the start or signed since; it stays until this cut is done. */
    r->cut.job.known = bytes_of(r->replica.candidate.note, r->replica.candidate.note_len);
    r->cut.commit = (struct commit){.job = &r->cut.job.job, .done = cut_done, .context = r};
    r->cut.busy = true;
    if (node_commit(r->node, &r->cut.commit) != STATUS_OK) {
        r->cut.busy = false;
        struct replica_event event = replicator_event(REPLICA_CUT);
        event.status = STATUS_BUSY;
        replicator_enqueue(r, &event);
    }
}

static void publish_done(struct commit *commit, enum status batch_status) {
    struct replicator *r = commit->context;
    r->publication.busy = false;
    node_batch_result(r->node, batch_status);
    if (r->closing) {
        maybe_closed(r);
        return;
    }
    struct replica_event event = replicator_event(REPLICA_PUBLISHED);
    event.status = batch_status != STATUS_OK ? batch_status : r->publication.job.job.status;
    event.size = r->publication.job.size;
    replicator_step(r, &event);
}

static void publish_start(struct replicator *r, const struct replica_action *action) {
    struct publication *p = &r->publication;
    assert(!p->busy && action->note.len <= sizeof p->note);
    memcpy(p->note, action->note.data, action->note.len);
    publish_job_init(&p->job);
    p->job.log = &r->node->own;
    p->job.size = action->size;
    p->job.quorum_time = action->quorum_time;
    p->job.note = bytes_of(p->note, action->note.len);
    p->commit = (struct commit){.job = &p->job.job, .done = publish_done, .context = r};
    p->busy = true;
    if (node_commit(r->node, &p->commit) != STATUS_OK) {
        p->busy = false;
        struct replica_event event = replicator_event(REPLICA_PUBLISHED);
        event.status = STATUS_BUSY;
        event.size = action->size;
        replicator_enqueue(r, &event);
    }
}

/* --- what halted the log --- */

static void halting_done(struct commit *commit, enum status batch_status) {
    struct replicator *r = commit->context;
    r->halting.busy = false;
    node_batch_result(r->node, batch_status);
    if (batch_status == STATUS_OK && r->halting.job.outcome == FORK_PROVED) {
        log_line(LOG_ERROR, "fork", "proved", "log=%s do=\"GET /evidence, and pass it on\"",
                 r->node->own.vkey.name);
    } else if (batch_status == STATUS_OK && r->halting.job.outcome == FORK_UNRECONCILED) {
        log_line(LOG_WARN, "fork", "unreconciled", "log=%s", r->node->own.vkey.name);
    }
    maybe_closed(r);
}

/* The head that the log's key signed and this folder does not hold: it is kept, as evidence if what
 * we signed proves it. */
static void keep_proof(struct replicator *r, struct bytes note) {
    struct halting *h = &r->halting;
    if (note.len == 0 || note.len > sizeof h->note || h->busy) {
        return;
    }
    memset(&h->job, 0, sizeof h->job);
    memcpy(h->note, note.data, note.len);
    h->job.log = &r->node->own;
    h->job.note = bytes_of(h->note, note.len);
    fork_job_init(&h->job);
    h->commit = (struct commit){.job = &h->job.job, .done = halting_done, .context = r};
    h->busy = true;
    if (node_commit(r->node, &h->commit) != STATUS_OK) {
        h->busy = false;
    }
}

/* --- actions --- */

static void perform_one(struct replicator *r, const struct replica_action *action) {
    switch (action->type) {
    case ACTION_CUT:
        cut_start(r, action->expected);
        break;
    case ACTION_SEND_CHECKPOINT:
    case ACTION_SEND_ENTRIES:
    case ACTION_SEND_CANDIDATE:
    case ACTION_FETCH_PENDING:
        replicator_push(r, action);
        break;
    case ACTION_PUBLISH:
        publish_start(r, action);
        break;
    case ACTION_SERVE:
        log_line(LOG_DEBUG, "replicator", "published", "size=%" PRIu64, action->size);
        r->served(r->context, action->size);
        break;
    case ACTION_HALT:
        log_line(LOG_ERROR, "replicator", "halted",
                 "why=\"%s\" do=\"nothing is signed any more: stop the node, and find the data "
                 "folder that signed the larger head, or fetch what it lost with dutylogd "
                 "--restore-from the mirror that has it\"",
                 action->why);
        if (action->halt == HALT_FORKED) { /* a larger head may be our own, of before a backup */
            keep_proof(r, action->note);
        }
        if (action->halt == HALT_LARGER) {
            guarding_behind(r->node, action->note, r->replica.mirrors[action->mirror].url);
        }
        break;
    case ACTION_RELEASE_POLICY:
        free(action->policy);
        break;
    }
}

static void perform(struct replicator *r) {
    /* A copy: an action may not be looked at again once a later step has refilled the array. */
    for (size_t i = 0; i < r->actions.count; i++) {
        struct replica_action action = r->actions.items[i];
        perform_one(r, &action);
    }
    uint64_t now = clock_wall_ms();
    if (r->actions.wake_at_ms == UINT64_MAX) {
        timer_stop(r->timer);
    } else {
        uint64_t delay = r->actions.wake_at_ms > now ? r->actions.wake_at_ms - now : 1;
        /* A clock that jumps back would put the wake-up off for as long: look again within a
         * second. */
        timer_start(r->timer, delay < 1000 ? delay : 1000, 0);
    }
}

/* --- policies --- */

/* A policy as read from its log.policy entry, on the heap: the text first, so that the policy's
 * names have something to borrow from. */
struct kept_policy {
    struct policy policy; /* first: freed through this address */
    char text[POLICY_SIZE_MAX + 1];
};

static enum status read_policy(struct replicator *r, struct store_txn *txn, uint64_t index,
                               struct policy **out) {
    struct bytes entry;
    struct bytes note;
    uint64_t received_ms = 0;
    struct event event;
    TRY(tree_entry(txn, r->node->own.number, index, &entry));
    TRY(entry_parse(entry, &received_ms, &note, NULL));
    TRY(event_parse(note, &event, NULL));
    const char *text = event_open_text(&event, "policy");
    struct kept_policy *kept = malloc(sizeof *kept);
    enum status status = kept != NULL ? STATUS_OK : STATUS_NOMEM;
    if (status == STATUS_OK && (text == NULL || strlen(text) > POLICY_SIZE_MAX)) {
        status = STATUS_STORE_CORRUPT; /* acceptance let it in: it has one */
    }
    if (status == STATUS_OK) {
        memcpy(kept->text, text, strlen(text) + 1);
        status = policy_parse(bytes_text(kept->text), &kept->policy, NULL);
    }
    event_release(&event);
    if (status != STATUS_OK) {
        free(kept);
        return status;
    }
    *out = &kept->policy;
    return STATUS_OK;
}

/* Before anything is pushed to the policy's mirrors, the head file lists them. */
static enum status list_mirrors(struct replicator *r, const struct policy *policy) {
    struct refusal why;
    if (r->node->outside == NULL) {
        return STATUS_OK;
    }
    enum status status = outside_list(r->node->outside, policy, &why);
    if (status != STATUS_OK) {
        log_line(LOG_ERROR, "guard", "mirrors-not-listed", "why=\"%s\"", why.text);
    }
    return status;
}

/* Gives the replica the policy in force at `size`, if it does not know it. */
static enum status give_policy(struct replicator *r, struct store_txn *txn, uint64_t size) {
    uint64_t index = 0;
    enum status status = policy_in_force(txn, r->node->own.number, size, &index);
    if (status == STATUS_NOT_FOUND ||
        (status == STATUS_OK && r->has_policy && index <= r->policy_index)) {
        return STATUS_OK;
    }
    TRY(status);
    struct replica_event event = replicator_event(REPLICA_POLICY);
    TRY(read_policy(r, txn, index, &event.policy));
    event.index = index;
    r->has_policy = true;
    r->policy_index = index;
    log_line(LOG_INFO, "replicator", "policy", "index=%" PRIu64 " mirrors=%zu", index,
             event.policy->witness_count);
    status = list_mirrors(r, event.policy);
    if (status != STATUS_OK) {
        free(event.policy);
        return status;
    }
    replicator_step(r, &event);
    return STATUS_OK;
}

void replicator_committed(struct replicator *r, uint64_t size) {
    if (r->closing) {
        return;
    }
    if ((r->node->own.flags & LOG_EVENTS) != 0) {
        struct store_txn *txn = NULL;
        enum status status = store_begin(r->node->store, STORE_READ, &txn);
        if (status == STATUS_OK) {
            status = give_policy(r, txn, size);
            store_abort(txn);
        }
        if (status != STATUS_OK) {
            node_fail(r->node,
                      "the log's own policy entry cannot be read back, or the head file written");
            return;
        }
    }
    struct replica_event event = replicator_event(REPLICA_COMMITTED);
    event.size = size;
    replicator_step(r, &event);
}

void replicator_coming(struct replicator *r) {
    if (!r->closing && !r->stepping) { /* else no harm: the cut comes with the next commit */
        struct replica_event event = replicator_event(REPLICA_COMING);
        replicator_step(r, &event);
    }
}

bool replicator_has_policy(const struct replicator *r) {
    return r->has_policy;
}

const struct replica *replicator_state(const struct replicator *r) {
    return &r->replica;
}

/* --- opening and closing --- */

/* The policy of an opaque log comes from a file named in node.ini. */
static enum status give_policy_file(struct replicator *r, struct refusal *why) {
    struct buffer text;
    buffer_init(&text, POLICY_SIZE_MAX);
    struct kept_policy *kept = malloc(sizeof *kept);
    enum status status = kept != NULL ? STATUS_OK : refuse(why, STATUS_NOMEM, "out of memory");
    if (status == STATUS_OK) {
        status = file_read(r->node->config.host.policy, &text, why);
    }
    if (status == STATUS_OK) {
        memcpy(kept->text, text.data, text.len);
        status = policy_parse(bytes_of(kept->text, text.len), &kept->policy, why);
    }
    buffer_clear(&text);
    if (status != STATUS_OK) {
        free(kept);
        return status;
    }
    status = list_mirrors(r, &kept->policy);
    if (status != STATUS_OK) {
        free(kept);
        return refuse(why, status, "%s: the mirrors cannot be listed there", r->node->config.head);
    }
    struct replica_event event = replicator_event(REPLICA_POLICY);
    event.policy = &kept->policy;
    r->has_policy = true;
    replicator_step(r, &event);
    return STATUS_OK;
}

/* What the last run left: committed size, signed head, published size, and the policies. */
static enum status start(struct replicator *r, struct store_txn *txn, struct refusal *why) {
    struct tree_head tree;
    struct head head = {.size = 0};
    struct published published = {.size = 0};
    const struct log *own = &r->node->own;
    TRY(tree_read_head(txn, own->number, &tree));
    enum status status = sequencer_head(txn, own, &head);
    if (status != STATUS_OK && status != STATUS_NOT_FOUND) {
        return refuse(why, status, "the last signed head cannot be read: %s", status_text(status));
    }
    status = sequencer_published(txn, own->number, &published);
    if (status != STATUS_OK && status != STATUS_NOT_FOUND) {
        return refuse(why, status, "the published checkpoint cannot be read: %s",
                      status_text(status));
    }
    struct replica_event event = replicator_event(REPLICA_START);
    event.size = tree.size;
    event.head = &head;
    event.published = published.size;
    /* Before anything is stamped or signed, a quorum, or every mirror, must cosign the last signed
     * head afresh: a folder restored from an old backup learns from it that more was signed (design
     * section 6, start-up guard). */
    event.guard = r->node->guard;
    replicator_step(r, &event);
    if ((own->flags & LOG_EVENTS) == 0) {
        return give_policy_file(r, why);
    }
    /* In force, in the candidate, and beyond it: the candidate answers to its own policy too. */
    status = give_policy(r, txn, published.size);
    if (status == STATUS_OK) {
        status = give_policy(r, txn, head.size);
    }
    if (status == STATUS_OK) {
        status = give_policy(r, txn, tree.size);
    }
    return status == STATUS_OK
               ? STATUS_OK
               : refuse(why, status, "the log's policy cannot be read: run dutylog fsck");
}

enum status replicator_open(struct node *node, replicator_served served, void *context,
                            struct replicator **out, struct refusal *why) {
    struct replicator *r = calloc(1, sizeof *r);
    if (r == NULL) {
        return refuse(why, STATUS_NOMEM, "out of memory");
    }
    r->node = node;
    r->served = served;
    r->context = context;
    if (!replicator_push_init(r)) {
        free(r);
        return refuse(why, STATUS_NOMEM, "out of memory");
    }
    struct replica_options options = replica_defaults;
    options.round_timeout_ms = node->config.host.round_timeout_ms;
    options.refresh_ms = node->config.host.refresh_ms;
    replica_init(&r->replica, &node->own.vkey, &options);
    if (node->outside != NULL) {
        r->terms.record =
            outside_found(node->outside) != NULL ? outside_record(node->outside) : NULL;
        r->terms.exempt = node->config.exempt;
        r->terms.exempt_count = node->config.exempt_count;
        r->replica.terms = &r->terms;
    }
    enum status status = timer_open(node->loop, tick, r, &r->timer);
    if (status != STATUS_OK) {
        refuse(why, status, "no timer could be made");
        goto err_after_alloc;
    }
    struct store_txn *txn = NULL;
    status = store_begin(node->store, STORE_READ, &txn);
    if (status != STATUS_OK) {
        refuse(why, status, "the store cannot be read: %s", status_text(status));
        goto err_after_timer;
    }
    /* Published before anything can fail: `served` may be called by the first step. */
    *out = r;
    status = start(r, txn, why);
    store_abort(txn);
    if (status == STATUS_OK) {
        return STATUS_OK;
    }
    *out = NULL;
err_after_timer:
    timer_close(r->timer);
err_after_alloc:
    free_memory(r);
    free(r);
    return status;
}

void replicator_close(struct replicator *r, void (*closed)(void *context), void *context) {
    assert(!r->closing);
    r->closing = true;
    r->closed = closed;
    r->closed_context = context;
    timer_close(r->timer);
    replicator_push_cancel(r);
    maybe_closed(r);
}
