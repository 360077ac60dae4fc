/* Rounds: when a candidate is cut, what makes its quorum, and what happens then. */
#include "ledger/replica_parts.h"

#include <assert.h>
#include <string.h>

bool replica_has_policy(const struct replica *replica) {
    return replica->policy != NULL || replica->incoming != NULL || replica->next != NULL;
}

/* --- quorum --- */

static const struct replica_line *line_of(const struct replica *replica, const struct vkey *vkey) {
    for (size_t i = 0; i < replica->mirror_count; i++) {
        if (replica->mirrors[i].used && vkey_equal(&replica->mirrors[i].vkey, vkey)) {
            return replica->lines[i].have ? &replica->lines[i] : NULL;
        }
    }
    return NULL;
}

/* The set of the policy's witnesses whose lines are here, and their times. `right`: only of lines
 * whose time was near our clock. */
static policy_set lines_for(const struct replica *replica, const struct policy *policy, bool right,
                            uint64_t times[POLICY_WITNESSES_MAX]) {
    policy_set have = 0;
    memset(times, 0, POLICY_WITNESSES_MAX * sizeof times[0]);
    for (size_t w = 0; w < policy->witness_count; w++) {
        const struct replica_line *line = line_of(replica, &policy->witnesses[w].vkey);
        if (line != NULL && !(right && line->off)) {
            have |= (policy_set)1 << w;
            times[w] = line->timestamp;
        }
    }
    return have;
}

static bool met(const struct replica *replica, const struct policy *policy, bool right) {
    uint64_t times[POLICY_WITNESSES_MAX];
    policy_set have = lines_for(replica, policy, right, times);
#ifdef DUTYLOG_BUG_ANSWER_BEFORE_QUORUM
    return have != 0;
#endif
    return policy_quorum_met(policy, have);
}

static bool all_met(const struct replica *replica, bool right) {
#ifdef DUTYLOG_BUG_ONE_QUORUM /* planted: a change of policy needs the new quorum alone */
    if (replica->incoming != NULL) {
        return met(replica, replica->incoming, right);
    }
#endif
    /* Without a policy nothing is met, though every policy of none is. */
    return (replica->policy != NULL || replica->incoming != NULL) &&
           (replica->policy == NULL || met(replica, replica->policy, right)) &&
           (replica->incoming == NULL || met(replica, replica->incoming, right));
}

bool replica_quorum_met(const struct replica *replica) {
    return all_met(replica, false);
}

/* By the policy that the checkpoint brings into force, as verifiers and mirrors have it who see
 * nothing but the checkpoint: one node's answer is to be another's. A quorum of none has no
 * cosignature to take it from. */
static uint64_t quorum_time(const struct replica *replica) {
    const struct policy *policy = replica->incoming != NULL ? replica->incoming : replica->policy;
    uint64_t times[POLICY_WITNESSES_MAX];
    uint64_t time = 0;
    (void)lines_for(replica, policy, false, times);
#ifdef DUTYLOG_BUG_LEAST_LINE /* planted: the first of the lines sets the time, not a quorum of    \
                                 them */
    for (size_t w = 0; w < policy->witness_count; w++) {
        time = times[w] != 0 && (time == 0 || times[w] < time) ? times[w] : time;
    }
    return time;
#endif
    return policy_quorum_time(policy, times, &time) && time != 0 ? time : replica->now_ms / 1000;
}

/* --- candidates --- */

/* Begins to gather anew on the candidate. */
void replica_begin_gathering(struct replica *replica) {
    memset(replica->lines, 0, sizeof replica->lines);
    replica->gathered = false;
    /* A quorum of none has nothing to wait for. */
    replica->fresh = true;
    replica->candidate_since_ms = replica->now_ms;
    for (size_t i = 0; i < replica->mirror_count; i++) {
        if (replica->mirrors[i].state == MIRROR_DONE) {
            replica->mirrors[i].state = MIRROR_READY;
        }
    }
}

void replica_refresh(struct replica *replica) {
    assert(replica->candidate.size > 0);
    if (replica->gathered) {
        replica_begin_gathering(replica);
        return;
    }
    /* What is gathered but not yet published is kept: mirrors that are never up in the same hour
     * still make a quorum. */
    replica->candidate_since_ms = replica->now_ms;
    for (size_t i = 0; i < replica->mirror_count; i++) {
        if (replica->mirrors[i].state == MIRROR_DONE) {
            replica->mirrors[i].state = MIRROR_READY;
        }
    }
}

void replica_take_cut(struct replica *replica, struct replica_actions *actions,
                      const struct replica_event *event) {
    if (replica->state == REPLICA_HALTED) {
        return; /* the head is signed and durable, and stays here */
    }
    assert(replica->state == REPLICA_CUTTING);
    replica->state = REPLICA_IDLE;
    if (event->status == STATUS_CONFLICT_HEAD || event->status == STATUS_STORE_DOUBT ||
        event->status == STATUS_STORE_CORRUPT) {
        struct refusal why;
        (void)refuse(&why, event->status, "the next checkpoint could not be signed: %s",
                     status_text(event->status));
        replica_halt(replica, actions, HALT_STORE, &why, bytes_of(NULL, 0), 0);
        return;
    }
    if (event->status != STATUS_OK) {
        replica->retry_at_ms = replica->now_ms + STORE_RETRY_MS;
        return;
    }
    assert(event->head->size >= replica->signed_size);
    if (event->head->size == replica->signed_size) {
        return; /* what was coming was refused */
    }
    replica->candidate = *event->head;
    replica->signed_size = event->head->size;
    if (replica->committed < replica->signed_size) {
        replica->committed = replica->signed_size; /* the word of it is still on its way */
    }
    if (replica->next != NULL && replica->next_index < replica->signed_size) {
        /* An incoming policy that no published checkpoint covered was never in force. */
        if (replica->incoming != NULL) {
            replica_act(actions, ACTION_RELEASE_POLICY)->policy = replica->incoming;
        }
        replica->incoming = replica->next;
        replica->incoming_index = replica->next_index;
        replica->next = NULL;
        replica_place_mirrors(replica);
    }
    replica->state = REPLICA_PUSHING;
    replica_begin_gathering(replica);
}

static bool cut_due(const struct replica *replica) {
#ifdef DUTYLOG_BUG_TWO_CANDIDATES
    if (replica->state == REPLICA_PUSHING && replica->committed > replica->signed_size) {
        return true;
    }
#endif
    /* Nothing is cut for what is only coming to an empty log: if it is refused, a checkpoint of
     * nothing would have been signed. */
    bool more =
        replica->committed > replica->signed_size || (replica->coming && replica->committed > 0);
    return replica->state == REPLICA_IDLE && more && replica->guard == GUARD_NONE &&
           replica->guard_next == GUARD_NONE && replica_has_policy(replica) &&
           replica->now_ms >= replica->retry_at_ms;
}

/* --- publishing --- */

static uint64_t round_end(const struct replica *replica) {
    unsigned doublings =
        replica->timeouts < ROUND_DOUBLINGS_MAX ? replica->timeouts : ROUND_DOUBLINGS_MAX;
    return replica->candidate_since_ms + (replica->options.round_timeout_ms << doublings);
}

static bool may_answer(const struct replica *replica, size_t i, uint64_t until_ms) {
    const struct replica_mirror *mirror = &replica->mirrors[i];
    return mirror->used && mirror->wanted && mirror->url[0] != '\0' && !replica->lines[i].have &&
           !(mirror->state == MIRROR_BACKOFF && mirror->retry_at_ms >= until_ms);
}

/* There is a quorum, but not without a line whose time is far from our clock, which would be the
 * time of what is published; and within the round another mirror may still answer. */
static bool waits_for_another(const struct replica *replica) {
    uint64_t until = round_end(replica);
#ifdef DUTYLOG_BUG_FIRST_QUORUM /* planted: whatever mirrors are first set the time */
    return false;
#endif
    if (replica->gathered || replica->now_ms >= until || all_met(replica, true)) {
        return false;
    }
    for (size_t i = 0; i < replica->mirror_count; i++) {
        if (may_answer(replica, i, until)) {
            return true;
        }
    }
    return false;
}

static bool may_publish(const struct replica *replica) {
    return (replica->state == REPLICA_IDLE || replica->state == REPLICA_PUSHING) &&
           replica->candidate.size > 0 && replica->fresh && replica_quorum_met(replica) &&
           !waits_for_another(replica);
}

static void put_lines(const struct replica *replica, const struct policy *policy,
                      const struct policy *done, struct writer *w) {
    for (size_t i = 0; policy != NULL && i < policy->witness_count; i++) {
        const struct vkey *vkey = &policy->witnesses[i].vkey;
        const struct replica_line *line = line_of(replica, vkey);
        bool put = false;
        for (size_t j = 0; done != NULL && j < done->witness_count; j++) {
            put = put || vkey_equal(vkey, &done->witnesses[j].vkey);
        }
        if (line != NULL && !put) {
            writer_put(w, line->line, line->len);
        }
    }
}

static void publish(struct replica *replica, struct replica_actions *actions) {
    struct writer w;
    writer_init(&w, actions->note, sizeof actions->note);
    writer_put(&w, replica->candidate.note, replica->candidate.note_len);
    put_lines(replica, replica->policy, NULL, &w);
    put_lines(replica, replica->incoming, replica->policy, &w);
    static_assert(sizeof((struct head *)0)->note + REPLICA_MIRRORS_MAX * REPLICA_LINE_MAX <=
                      CHECKPOINT_SIZE_MAX,
                  "a checkpoint with the lines of every mirror fits");
    assert(!w.failed);
    struct replica_action *action = replica_act(actions, ACTION_PUBLISH);
    action->note = writer_view(&w);
    action->size = replica->candidate.size;
    action->quorum_time = quorum_time(replica);
    replica->fresh = false;
    replica->state = REPLICA_PUBLISHING;
}

/* The policy that the published checkpoint brought into force takes the old one's place. */
static void move_policies(struct replica *replica, struct replica_actions *actions) {
    if (replica->incoming == NULL) {
        return;
    }
    assert(replica->incoming_index < replica->published);
    if (replica->policy != NULL) {
        replica_act(actions, ACTION_RELEASE_POLICY)->policy = replica->policy;
    }
    replica->policy = replica->incoming;
    replica->incoming = NULL;
    replica_place_mirrors(replica);
}

void replica_take_published(struct replica *replica, struct replica_actions *actions,
                            enum status status) {
    if (replica->state == REPLICA_HALTED) {
        return; /* what was published stays so; the store knows it */
    }
    assert(replica->state == REPLICA_PUBLISHING);
    replica->state = REPLICA_IDLE;
    if (status != STATUS_OK) {
        replica->fresh = true;
        replica->retry_at_ms = replica->now_ms + STORE_RETRY_MS;
        return;
    }
    replica->published_at_ms = replica->now_ms;
    replica->gathered = true;
    replica->timeouts = 0;
    if (replica->published < replica->candidate.size) {
        replica->published = replica->candidate.size;
        replica_act(actions, ACTION_SERVE)->size = replica->published;
    }
    move_policies(replica, actions);
}

/* --- time --- */

static uint64_t refresh_period(const struct replica *replica) {
    return replica->guard == GUARD_NONE && !replica_may_stamp(replica)
               ? replica->options.clock_refresh_ms
               : replica->options.refresh_ms;
}

/* Lines after the quorum wait a little, so that they go together and only when nothing else is
 * due. */
static uint64_t publish_at(const struct replica *replica) {
    uint64_t at = replica->gathered ? replica->published_at_ms + LATE_LINES_MS : 0;
    return at > replica->retry_at_ms ? at : replica->retry_at_ms;
}

/* All were heard and none showed a larger head. If the record names one nevertheless, it was signed
 * and is lost, and whoever may yet show it would hold one side of a fork: nothing more is signed.
 */
static void end_guard(struct replica *replica, struct replica_actions *actions) {
    struct refusal why;
    if (replica_guard_covers(replica)) {
        replica->guard = GUARD_NONE;
        return;
    }
    (void)refuse(
        &why, STATUS_CONFLICT_SIZE,
        "the head file names a checkpoint of size %llu that this log's key signed, here the "
        "largest is %llu, and no mirror has more: this folder is an old copy, and what it "
        "lacks is lost",
        (unsigned long long)replica->terms->record->size, (unsigned long long)replica->signed_size);
    replica_halt(replica, actions, HALT_LOST, &why, bytes_of(NULL, 0), 0);
}

void replica_advance(struct replica *replica, struct replica_actions *actions) {
    if (replica->guard != GUARD_NONE && replica_guard_passed(replica)) {
        end_guard(replica, actions);
        if (replica->state == REPLICA_HALTED) {
            return;
        }
    }
    if (replica->state == REPLICA_PUSHING && !replica_quorum_met(replica) &&
        replica->now_ms >= round_end(replica)) {
        replica->state = REPLICA_IDLE;
        replica->timeouts++;
    }
    if (may_publish(replica) && !replica->gathered) {
        /* Before anything newer is cut, though the store may make it wait. */
        if (replica->now_ms >= publish_at(replica)) {
            publish(replica, actions);
        }
    } else if (cut_due(replica)) {
        replica_act(actions, ACTION_CUT)->expected = replica->signed_size;
        replica->state = REPLICA_CUTTING;
    } else if (may_publish(replica) && replica->now_ms >= publish_at(replica)) {
        publish(replica, actions);
    } else if (replica->state == REPLICA_IDLE && replica->candidate.size > 0 &&
               replica->now_ms >= replica->candidate_since_ms + refresh_period(replica)) {
        replica_refresh(replica);
    }
}

static void sooner(uint64_t *at, uint64_t other) {
    if (other < *at) {
        *at = other;
    }
}

uint64_t replica_round_wake(const struct replica *replica) {
    uint64_t at = UINT64_MAX;
    if (may_publish(replica)) {
        sooner(&at, publish_at(replica));
    }
    bool waits = replica->fresh && replica_quorum_met(replica) && waits_for_another(replica);
    if (replica->state == REPLICA_PUSHING || (replica->state == REPLICA_IDLE && waits)) {
        sooner(&at, round_end(replica));
    }
    if (replica->state == REPLICA_IDLE && replica->committed > replica->signed_size &&
        replica->guard == GUARD_NONE && replica_has_policy(replica)) {
        sooner(&at, replica->retry_at_ms);
    }
    if (replica->state == REPLICA_IDLE && replica->candidate.size > 0) {
        sooner(&at, replica->candidate_since_ms + refresh_period(replica));
    }
    return at;
}

/* --- policies --- */

void replica_take_policy(struct replica *replica, struct replica_actions *actions,
                         struct policy *policy, uint64_t index) {
    assert(policy != NULL);
    struct policy *released = NULL;
    if (index < replica->published) {
        /* In force; it comes first and at the start only, since the one that a running replica
         * publishes is known to it before. */
        assert(replica->policy == NULL && replica->incoming == NULL && replica->next == NULL);
        replica->policy = policy;
    } else if (index < replica->signed_size) {
        assert(replica->next == NULL);
        released = replica->incoming;
        replica->incoming = policy;
        replica->incoming_index = index;
    } else {
        released = replica->next;
        replica->next = policy;
        replica->next_index = index;
    }
    if (released != NULL) {
        replica_act(actions, ACTION_RELEASE_POLICY)->policy = released;
    }
    replica_place_mirrors(replica);
}
