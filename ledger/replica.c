#include "ledger/replica_parts.h"

#include <assert.h>
#include <string.h>

const struct replica_options replica_defaults = {
    .round_timeout_ms = 5000,
    .refresh_ms = 3600 * 1000,
    .clock_refresh_ms = 60 * 1000,
    .request_timeout_ms = 10 * 1000,
    .together = true,
};

void replica_init(struct replica *replica, const struct vkey *log_vkey,
                  const struct replica_options *options) {
    assert(log_vkey->type == VKEY_NOTE);
    memset(replica, 0, sizeof *replica);
    replica->options = options != NULL ? *options : replica_defaults;
    replica->log_vkey = *log_vkey;
    replica->state = REPLICA_IDLE;
}

struct replica_action *replica_act(struct replica_actions *actions, enum replica_action_type type) {
    assert(actions->count < REPLICA_ACTIONS_MAX);
    struct replica_action *action = &actions->items[actions->count++];
    memset(action, 0, sizeof *action);
    action->type = type;
    return action;
}

void replica_halt(struct replica *replica, struct replica_actions *actions, enum replica_halt halt,
                  const struct refusal *why, struct bytes note, size_t mirror) {
    assert(replica->state != REPLICA_HALTED);
    static_assert(sizeof replica->halted_why == sizeof why->text, "the reason is kept whole");
    memcpy(replica->halted_why, why->text, sizeof why->text);
    replica->state = REPLICA_HALTED;
    replica->halt = halt;
    struct replica_action *action = replica_act(actions, ACTION_HALT);
    action->halt = halt;
    action->why = replica->halted_why;
    action->note = note;
    action->mirror = mirror;
}

void replica_begin_guard(struct replica *replica, enum replica_guard guard) {
    assert(replica->state != REPLICA_CUTTING);
    replica->guard = guard;
    replica->witness_count = 0;
    replica_begin_gathering(replica);
    for (size_t i = 0; i < replica->mirror_count; i++) {
        struct replica_mirror *mirror = &replica->mirrors[i];
        mirror->ignore = replica_mirror_busy(mirror);
        mirror->knows_nothing = false;
        replica_mirror_forget(mirror);
    }
}

/* A folder without a signed head has nothing to ask about; the host refuses to start with one that
 * must have had it. What is being published stays so. */
static void take_guard(struct replica *replica, enum replica_guard guard) {
    if (replica->state == REPLICA_HALTED || replica->candidate.size == 0) {
        return;
    }
    replica->guard_next = guard;
}

/* A cut that is under way brings a candidate of its own, and lines that are being published must
 * stay: the guard begins after either. */
static void begin_guard_if_due(struct replica *replica) {
    if (replica->guard_next != GUARD_NONE && replica->state != REPLICA_CUTTING &&
        replica->state != REPLICA_PUBLISHING && replica->state != REPLICA_HALTED) {
        enum replica_guard guard = replica->guard == GUARD_ALL ? GUARD_ALL : replica->guard_next;
        replica->guard_next = GUARD_NONE;
        replica_begin_guard(replica, guard);
    }
}

/* Takes the event's time. The clock is a wall clock and may jump back; whatever was planned by the
 * later time would then wait for as long as the jump, so plans are pulled back with it. */
static void take_time(struct replica *replica, uint64_t now_ms) {
    replica->now_ms = now_ms;
    if (replica->candidate_since_ms > now_ms) {
        replica->candidate_since_ms = now_ms;
    }
    if (replica->published_at_ms > now_ms) {
        replica->published_at_ms = now_ms;
    }
    if (replica->retry_at_ms > now_ms + STORE_RETRY_MS) {
        replica->retry_at_ms = now_ms + STORE_RETRY_MS;
    }
    for (size_t i = 0; i < replica->mirror_count; i++) {
        struct replica_mirror *mirror = &replica->mirrors[i];
        if (mirror->retry_at_ms > now_ms + BACKOFF_MAX_MS) {
            mirror->retry_at_ms = now_ms + BACKOFF_MAX_MS;
        }
    }
}

/* A head that was signed and not published goes on as the round's candidate. One that was published
 * is cosigned afresh at once: that tells how the mirrors and their clocks are, and is what the
 * guard waits for. */
static void take_start(struct replica *replica, const struct replica_event *event) {
    assert(!replica->started && event->published <= event->size);
    replica->started = true;
    replica->committed = event->size;
    replica->published = event->published;
    if (event->head != NULL && event->head->size > 0) {
        assert(event->published <= event->head->size && event->head->size <= event->size);
        replica->candidate = *event->head;
        replica->signed_size = event->head->size;
        replica->candidate_since_ms = event->now_ms;
#ifndef DUTYLOG_BUG_NO_GUARD /* planted: signs on after a start, whatever the mirrors hold */
        replica->guard = event->guard;
#endif
        replica->fresh = true;
        if (replica->published < replica->signed_size) {
            replica->state = REPLICA_PUSHING;
        }
    }
    /* With nothing signed there is nothing to ask the mirrors about: a guard over a log that claims
     * to be new is the host's (the copy of the head outside the data folder). */
}

static void take_committed(struct replica *replica, uint64_t size) {
    /* A cut may have told of more already. */
    if (size > replica->committed) {
        replica->committed = size;
    }
}

static void take_event(struct replica *replica, const struct replica_event *event,
                       struct replica_actions *actions) {
    switch (event->type) {
    case REPLICA_START:
        take_start(replica, event);
        return;
    case REPLICA_POLICY:
        replica_take_policy(replica, actions, event->policy, event->index);
        return;
    case REPLICA_COMING:
        replica->coming = true;
        return;
    case REPLICA_GUARD:
        take_guard(replica, event->guard);
        return;
    case REPLICA_COMMITTED:
        take_committed(replica, event->size);
        return;
    case REPLICA_CUT:
        replica_take_cut(replica, actions, event);
        return;
    case REPLICA_PUBLISHED:
        replica_take_published(replica, actions, event->status);
        return;
    case REPLICA_RESPONSE:
        replica_take_response(replica, actions, event);
        return;
    case REPLICA_TICK:
        return;
    }
    assert(false);
}

static uint64_t wake_at(const struct replica *replica) {
    if (replica->state == REPLICA_HALTED) {
        return UINT64_MAX;
    }
    uint64_t at = replica_round_wake(replica);
    if (!replica_may_push(replica)) {
        return at;
    }
    for (size_t i = 0; i < replica->mirror_count; i++) {
        const struct replica_mirror *mirror = &replica->mirrors[i];
        if (mirror->used && mirror->state == MIRROR_BACKOFF && mirror->retry_at_ms < at) {
            at = mirror->retry_at_ms;
        }
    }
    return at;
}

void replica_step(struct replica *replica, const struct replica_event *event,
                  struct replica_actions *actions) {
    assert(replica->started == (event->type != REPLICA_START));
    actions->count = 0;
    take_time(replica, event->now_ms);
    take_event(replica, event, actions);
    /* Rounds before mirrors: a candidate that is being replaced is not pushed once more. */
    if (replica->state != REPLICA_HALTED) {
        begin_guard_if_due(replica);
        replica_advance(replica, actions);
        replica_push(replica, actions);
    }
    replica->coming = false; /* a cut that is queued later would not share its commit */
    actions->wake_at_ms = wake_at(replica);
    replica_check(replica);
}

static bool too_far(int64_t seconds) {
    return seconds > COSIGN_OFFSET_MAX_SECONDS || seconds < -COSIGN_OFFSET_MAX_SECONDS;
}

bool replica_clock_off(const struct replica_mirror *mirror) {
    return mirror->has_offset && too_far(mirror->offset_seconds);
}

bool replica_signed_off(const struct replica_mirror *mirror) {
    return mirror->has_signed_offset && too_far(mirror->signed_offset_seconds);
}

/* True if mirrors whose clocks are off are enough for the policy's quorum. */
static bool clocks_disagree(const struct replica *replica, const struct policy *policy) {
    policy_set off = 0;
    for (size_t w = 0; w < policy->witness_count; w++) {
        for (size_t i = 0; i < replica->mirror_count; i++) {
            const struct replica_mirror *mirror = &replica->mirrors[i];
            if (mirror->used && vkey_equal(&mirror->vkey, &policy->witnesses[w].vkey) &&
                replica_clock_off(mirror)) {
                off |= (policy_set)1 << w;
            }
        }
    }
    /* A quorum of none is met by no clock at all, which says nothing. */
    return off != 0 && policy_quorum_met(policy, off);
}

bool replica_may_stamp(const struct replica *replica) {
    if (replica->state == REPLICA_HALTED || replica->guard != GUARD_NONE ||
        replica->guard_next != GUARD_NONE) {
        return false;
    }
    return !(replica->policy != NULL && clocks_disagree(replica, replica->policy)) &&
           !(replica->incoming != NULL && clocks_disagree(replica, replica->incoming));
}

const char *replica_state_name(enum replica_state state) {
    switch (state) {
    case REPLICA_IDLE:
        return "idle";
    case REPLICA_CUTTING:
        return "cutting";
    case REPLICA_PUSHING:
        return "pushing";
    case REPLICA_PUBLISHING:
        return "publishing";
    case REPLICA_HALTED:
        return "halted";
    }
    assert(false);
    return "";
}

const char *replica_mirror_state_name(enum replica_mirror_state state) {
    switch (state) {
    case MIRROR_UNKNOWN:
        return "unknown";
    case MIRROR_CHECKPOINT:
        return "checkpoint";
    case MIRROR_ENTRIES:
        return "entries";
    case MIRROR_CANDIDATE:
        return "candidate";
    case MIRROR_DONE:
        return "done";
    case MIRROR_BACKOFF:
        return "backoff";
    case MIRROR_FETCHING:
        return "fetching";
    case MIRROR_READY:
        return "ready";
    }
    assert(false);
    return "";
}
