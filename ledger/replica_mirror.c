/* One mirror: which request it is sent next, and what its answers mean.
 *
 * Happy path: add-checkpoint with old = its pending size (200), add-entries from its next entry,
 * in as many pieces as it takes (202 …), the last answered by its cosignature (200): DONE.
 *
 * What may go wrong:
 *   - another old size is expected (409): follow it, unless it is larger than what was ever signed;
 *   - the entries do not go on where it expects them, or it forgot the checkpoint (409): follow;
 *   - it does not take both requests in one (any refusal of add-candidate): send it the two, which
 *     say what is amiss;
 *   - it claims more than we ever signed, or refuses the consistency proof (422): fetch its pending
 *     checkpoint and look for our own signature;
 *   - anything else, also a correction that corrects nothing or comes too often: BACKOFF. */
#include "ledger/replica_parts.h"

#include <assert.h>
#include <string.h>

bool replica_mirror_busy(const struct replica_mirror *mirror) {
    return mirror->state == MIRROR_CHECKPOINT || mirror->state == MIRROR_ENTRIES ||
           mirror->state == MIRROR_CANDIDATE || mirror->state == MIRROR_FETCHING;
}

/* --- the table --- */

static struct replica_mirror *place_of(struct replica *replica, const struct vkey *vkey) {
    struct replica_mirror *unused = NULL;
    for (size_t i = 0; i < REPLICA_MIRRORS_MAX; i++) {
        struct replica_mirror *mirror = &replica->mirrors[i];
        if (mirror->used && vkey_equal(&mirror->vkey, vkey)) {
            return mirror;
        }
        if (!mirror->used && unused == NULL) {
            unused = mirror;
        }
    }
    if (unused == NULL) {
        /* More mirrors in two policies than a note has lines. It gets a place when one leaves. */
        return NULL;
    }
    memset(unused, 0, sizeof *unused);
    unused->used = true;
    unused->vkey = *vkey;
    unused->state = MIRROR_UNKNOWN;
    return unused;
}

static void want_mirrors(struct replica *replica, const struct policy *policy) {
    for (size_t i = 0; policy != NULL && i < policy->witness_count; i++) {
        const struct policy_witness *witness = &policy->witnesses[i];
        if (!witness->in_quorum) {
            continue; /* not known to be a mirror */
        }
        struct replica_mirror *mirror = place_of(replica, &witness->vkey);
        if (mirror != NULL) {
            mirror->wanted = true;
            memcpy(mirror->url, witness->url, sizeof mirror->url);
        }
    }
}

void replica_place_mirrors(struct replica *replica) {
    for (size_t i = 0; i < REPLICA_MIRRORS_MAX; i++) {
        replica->mirrors[i].wanted = false;
    }
    /* The newer policy's address of a mirror is the better one. */
    want_mirrors(replica, replica->policy);
    want_mirrors(replica, replica->incoming);
    replica->mirror_count = 0;
    for (size_t i = 0; i < REPLICA_MIRRORS_MAX; i++) {
        struct replica_mirror *mirror = &replica->mirrors[i];
        if (mirror->used && !mirror->wanted && !replica_mirror_busy(mirror)) {
            memset(mirror, 0, sizeof *mirror);
            replica->lines[i].have = false;
        }
        if (mirror->used) {
            replica->mirror_count = i + 1;
        }
    }
}

/* --- sending --- */

bool replica_may_push(const struct replica *replica) {
    /* While the next candidate is being signed the old one is not begun anew. */
    return replica->state != REPLICA_CUTTING && replica->state != REPLICA_HALTED &&
           replica->candidate.size > 0;
}

static void send_checkpoint(const struct replica *replica, struct replica_mirror *mirror,
                            struct replica_action *action) {
    mirror->state = MIRROR_CHECKPOINT;
    mirror->target = replica->candidate.size;
    action->type = ACTION_SEND_CHECKPOINT;
    action->old_size = mirror->pending;
    action->size = mirror->target;
    action->note = bytes_of(replica->candidate.note, replica->candidate.note_len);
}

static void send_entries(struct replica_mirror *mirror, struct replica_action *action) {
    /* Where nothing is known of the next entry, what was pending before is the best guess: a mirror
     * that was up to date has all of that. */
    mirror->state = MIRROR_ENTRIES;
    mirror->target = mirror->agreed;
    mirror->start = mirror->next_entry < mirror->target ? mirror->next_entry : mirror->target;
    action->type = ACTION_SEND_ENTRIES;
    action->start = mirror->start;
    action->end = mirror->target;
    action->size = mirror->target;
}

static void send_candidate(const struct replica *replica, struct replica_mirror *mirror,
                           struct replica_action *action) {
    send_checkpoint(replica, mirror, action);
    mirror->state = MIRROR_CANDIDATE;
    action->type = ACTION_SEND_CANDIDATE;
}

static void send_fetch(const struct replica *replica, struct replica_mirror *mirror,
                       struct replica_action *action) {
    mirror->state = MIRROR_FETCHING;
    mirror->target = replica->candidate.size;
    action->type = ACTION_FETCH_PENDING;
}

/* A candidate that a mirror agreed to is uploaded to its end before the mirror is asked to agree to
 * a newer one: rounds may be shorter than its answers take, and it would else agree for ever and
 * never store. */
static bool wants_entries(const struct replica *replica, const struct replica_mirror *mirror) {
    return mirror->agreed > 0 &&
           (mirror->agreed == replica->candidate.size || mirror->next_entry < mirror->agreed);
}

/* All that it lacks is one package, and where that begins was heard, not guessed. */
static bool in_step(const struct replica *replica, const struct replica_mirror *mirror) {
    uint64_t size = replica->candidate.size;
    return replica->options.together && size > mirror->apart_to && mirror->has_next_entry &&
           mirror->next_entry == mirror->pending && mirror->pending < size &&
           package_count(mirror->pending, size) == 1;
}

static bool request_due(const struct replica *replica, const struct replica_mirror *mirror) {
    if (!mirror->used || !mirror->wanted || mirror->url[0] == '\0') {
        return false;
    }
    return mirror->state == MIRROR_UNKNOWN || mirror->state == MIRROR_READY ||
           (mirror->state == MIRROR_BACKOFF && mirror->retry_at_ms <= replica->now_ms);
}

void replica_push(struct replica *replica, struct replica_actions *actions) {
    if (!replica_may_push(replica)) {
        return;
    }
    for (size_t i = 0; i < replica->mirror_count; i++) {
        struct replica_mirror *mirror = &replica->mirrors[i];
        if (!request_due(replica, mirror)) {
            continue;
        }
        struct replica_action *action = replica_act(actions, ACTION_SEND_CHECKPOINT);
        action->mirror = i;
        mirror->asked_ms = replica->now_ms;
        if (mirror->suspect) {
            send_fetch(replica, mirror, action);
        } else if (wants_entries(replica, mirror)) {
            send_entries(mirror, action);
        } else if (in_step(replica, mirror)) {
            send_candidate(replica, mirror, action);
        } else {
            send_checkpoint(replica, mirror, action);
        }
    }
}

/* --- answers --- */

static void fail(const struct replica *replica, struct replica_mirror *mirror) {
    uint64_t backoff = mirror->backoff_ms == 0 ? BACKOFF_MIN_MS : 2 * mirror->backoff_ms;
    mirror->backoff_ms = backoff < BACKOFF_MAX_MS ? backoff : BACKOFF_MAX_MS;
    mirror->retry_at_ms = replica->now_ms + mirror->backoff_ms;
    mirror->failures++;
    mirror->corrections = 0;
    mirror->state = MIRROR_BACKOFF;
}

/* What was heard of the mirror is wrong, or it lost its data: begin with the first question. */
void replica_mirror_forget(struct replica_mirror *mirror) {
    mirror->pending = 0;
    mirror->agreed = 0;
    mirror->next_entry = 0;
    mirror->has_next_entry = false;
    mirror->ticket_len = 0;
}

static void progressed(struct replica_mirror *mirror) {
    mirror->failures = 0;
    mirror->backoff_ms = 0;
    mirror->corrections = 0;
    mirror->state = MIRROR_READY;
}

/* The mirror says that another request is the right one. Honest ones do so once or twice. */
static void corrected(const struct replica *replica, struct replica_mirror *mirror) {
    mirror->corrections++;
    mirror->state = MIRROR_READY;
    if (mirror->corrections > CORRECTIONS_MAX) {
        fail(replica, mirror);
    }
}

/* A claim of more than was ever signed. It is checked, never believed. */
static void suspect(struct replica *replica, struct replica_actions *actions,
                    struct replica_mirror *mirror) {
#ifdef DUTYLOG_BUG_TRUST_CLAIM
    struct refusal why;
    (void)refuse(&why, STATUS_CONFLICT_SIZE, "%s claims a larger head", mirror->vkey.name);
    replica_halt(replica, actions, HALT_LARGER, &why, bytes_of(NULL, 0), 0);
    return;
#endif
    (void)actions;
    mirror->suspect = true;
    corrected(replica, mirror);
}

static bool parse_size(struct bytes body, uint64_t *size) {
    struct reader r;
    struct bytes line;
    reader_init(&r, body);
    return reader_line(&r, &line) && reader_done(&r) && bytes_to_u64(line, size);
}

/* tlog-witness, 409: the size of the mirror's pending checkpoint. */
static void take_old_size(struct replica *replica, struct replica_actions *actions,
                          struct replica_mirror *mirror, struct bytes body) {
    uint64_t size;
    if (!parse_size(body, &size) || size == mirror->pending) {
        fail(replica, mirror); /* no number, or the one that was sent */
        return;
    }
    if (size > replica->signed_size) {
        suspect(replica, actions, mirror);
        return;
    }
    mirror->pending = size;
    mirror->agreed = 0;
    if (!mirror->has_next_entry || mirror->next_entry > size) {
        mirror->next_entry = size;
    }
    corrected(replica, mirror);
}

static void take_checkpoint_answer(struct replica *replica, struct replica_actions *actions,
                                   struct replica_mirror *mirror,
                                   const struct replica_event *event) {
    switch (event->http) {
    case 200:
        /* A witness's cosignature in the body is no mirror's, and counts for the guard alone. */
        replica_guard_hear(replica, event->body);
        mirror->pending = mirror->target;
        mirror->agreed = mirror->target;
        mirror->state = MIRROR_READY;
        return;
    case 409:
        take_old_size(replica, actions, mirror, event->body);
        return;
    case 422:
        /* It holds something that our tree does not continue. */
        suspect(replica, actions, mirror);
        return;
    case 404:
        mirror->knows_nothing = true;
        fail(replica, mirror);
        return;
    default:
        fail(replica, mirror);
        return;
    }
}

/* Looks for the mirror's own cosignature on the candidate among the lines of its answer; "the
 * client MUST ignore any cosignatures from unknown keys" (tlog-witness). */
static bool take_line(struct replica *replica, size_t index, struct bytes body) {
    const struct replica_mirror *mirror = &replica->mirrors[index];
    struct note_signature lines[NOTE_SIGNATURES_MAX];
    size_t count;
    if (note_parse_lines(body, lines, NOTE_SIGNATURES_MAX, &count, NULL) != STATUS_OK) {
        return false;
    }
    uint8_t text[CHECKPOINT_TEXT_MAX];
    struct writer w;
    writer_init(&w, text, sizeof text);
    checkpoint_format_text(&w, vkey_name(&replica->log_vkey), replica->candidate.size,
                           &replica->candidate.root);
    assert(!w.failed);
    for (size_t i = 0; i < count; i++) {
        uint64_t timestamp;
        if (!note_signature_is_by(&lines[i], &mirror->vkey) ||
            cosignature_verify(&lines[i], writer_view(&w), &mirror->vkey, &timestamp) !=
                STATUS_OK ||
            timestamp == 0 || /* tlog-witness: "the timestamp MUST NOT be zero" */
            timestamp > COSIGN_TIME_MAX) {
            continue;
        }
        struct replica_line *line = &replica->lines[index];
        assert(lines[i].line.len <= sizeof line->line);
        memcpy(line->line, lines[i].line.data, lines[i].line.len);
        line->len = lines[i].line.len;
        line->timestamp = timestamp;
        line->have = true;
        return true;
    }
    return false;
}

/* By what the mirror says of its clock, it read that at some moment between our question and its
 * answer, and cut the milliseconds off. Of the offsets that this leaves possible the one nearest to
 * none is taken, so that a slow way is not taken for a wrong clock. */
static void take_peer_time(const struct replica *replica, struct replica_mirror *mirror,
                           uint64_t peer_seconds) {
    if (peer_seconds == 0 || peer_seconds > COSIGN_TIME_MAX) {
        return;
    }
    uint64_t asked = mirror->asked_ms < replica->now_ms ? mirror->asked_ms : replica->now_ms;
    int64_t least = (int64_t)(peer_seconds * 1000) - (int64_t)replica->now_ms;
    int64_t most = (int64_t)(peer_seconds * 1000 + 999) - (int64_t)asked;
    mirror->offset_seconds = (least > 0 ? least : most < 0 ? most : 0) / 1000;
    mirror->has_offset = true;
}

/* The line just taken. Where the answer did not say what the mirror's clock is, its time does. */
static void take_line_time(struct replica *replica, size_t index, uint64_t peer_seconds) {
    struct replica_mirror *mirror = &replica->mirrors[index];
    struct replica_line *line = &replica->lines[index];
    mirror->signed_offset_seconds = (int64_t)line->timestamp - (int64_t)(replica->now_ms / 1000);
    mirror->has_signed_offset = true;
    line->off = replica_signed_off(mirror);
#ifdef DUTYLOG_BUG_JUDGE_BY_LINES /* planted: a key's clamped times stand for the mirror's clock   \
                                   */
    peer_seconds = 0;
#endif
    if (peer_seconds == 0 || peer_seconds > COSIGN_TIME_MAX) {
        mirror->offset_seconds = mirror->signed_offset_seconds;
        mirror->has_offset = true;
    }
}

static void take_cosignature(struct replica *replica, size_t index,
                             const struct replica_event *event) {
    struct replica_mirror *mirror = &replica->mirrors[index];
    if (mirror->target != replica->candidate.size) {
        /* It cosigned a candidate that is past: that counts no more, and is not even looked at.
         * That it has the entries is worth trying; where it lies, the next answer is a correction.
         */
        mirror->next_entry = mirror->target;
        mirror->has_next_entry = true;
        mirror->state = MIRROR_READY;
        return;
    }
    if (!take_line(replica, index, event->body)) {
        fail(replica, mirror);
        return;
    }
    take_line_time(replica, index, event->peer_seconds);
    if (!replica_guard_fresh(replica, replica->lines[index].timestamp)) {
        /* It may be an old line that somebody kept, and says nothing of what the mirror holds now.
         */
        replica->lines[index].have = false;
        fail(replica, mirror);
        return;
    }
    progressed(mirror);
    mirror->state = MIRROR_DONE;
    mirror->cosigned = mirror->target;
    mirror->next_entry = mirror->target;
    mirror->has_next_entry = true;
    replica->fresh = true;
}

/* Both at once, or neither is known: what a refusal says is not looked at, since the request that
 * it is about will be made again, alone. */
static void take_candidate_answer(struct replica *replica, size_t index,
                                  const struct replica_event *event) {
    struct replica_mirror *mirror = &replica->mirrors[index];
    if (event->http == 200) {
        mirror->pending = mirror->target;
        mirror->agreed = mirror->target;
        replica_guard_hear(replica, event->body);
        take_cosignature(replica, index, event);
        return;
    }
    if (event->http == 0 || event->http >= 500) {
        fail(replica, mirror);
        return;
    }
    uint64_t entries = event->http == 404 || event->http == 405 ? APART_ENTRIES : 0;
    mirror->apart_to = mirror->target + entries;
    mirror->state = MIRROR_READY;
}

static void keep_ticket(struct replica_mirror *mirror, const struct mirror_info *info) {
    memcpy(mirror->ticket, info->ticket, info->ticket_len);
    mirror->ticket_len = info->ticket_len;
}

/* 202: part of the upload was stored. At least one whole package must have been, or the mirror
 * could make us send the same entries for ever. */
static void take_partial(struct replica *replica, struct replica_mirror *mirror,
                         struct bytes body) {
    struct mirror_info info;
    uint64_t least;
    if (mirror_info_parse(body, &info) != STATUS_OK || mirror->start == mirror->target) {
        fail(replica, mirror);
        return;
    }
    package_bounds(mirror->start, mirror->target, &least);
    if (info.next_entry < least || info.next_entry > mirror->target) {
        fail(replica, mirror);
        return;
    }
    progressed(mirror);
    mirror->next_entry = info.next_entry;
    mirror->has_next_entry = true;
    keep_ticket(mirror, &info);
}

/* 409: the upload should begin elsewhere, or be about another pending checkpoint. */
static void take_conflict(struct replica *replica, struct replica_actions *actions,
                          struct replica_mirror *mirror, struct bytes body) {
    struct mirror_info info;
    if (mirror_info_parse(body, &info) != STATUS_OK) {
        fail(replica, mirror);
        return;
    }
    if (info.pending > replica->signed_size || info.next_entry > replica->signed_size) {
        suspect(replica, actions, mirror);
        return;
    }
    bool same_ticket = info.ticket_len == mirror->ticket_len &&
                       memcmp(info.ticket, mirror->ticket, info.ticket_len) == 0;
    if (info.pending == mirror->target && info.next_entry == mirror->start && same_ticket) {
        fail(replica, mirror); /* it asks for what it refused */
        return;
    }
    if (info.pending != mirror->target) {
        /* It does not know the candidate any more. */
        mirror->pending = info.pending;
        mirror->agreed = 0;
    }
    mirror->next_entry = info.next_entry;
    mirror->has_next_entry = true;
    keep_ticket(mirror, &info);
    corrected(replica, mirror);
}

static void take_entries_answer(struct replica *replica, struct replica_actions *actions,
                                size_t index, const struct replica_event *event) {
    struct replica_mirror *mirror = &replica->mirrors[index];
    switch (event->http) {
    case 200:
        take_cosignature(replica, index, event);
        return;
    case 202:
        take_partial(replica, mirror, event->body);
        return;
    case 409:
        take_conflict(replica, actions, mirror, event->body);
        return;
    case 503:
        /* Perhaps it was put back from a backup, and may not cosign less than the log has signed
         * since (ledger/guard.h): it is offered the present candidate. */
        mirror->agreed = mirror->agreed == replica->candidate.size ? mirror->agreed : 0;
        fail(replica, mirror);
        return;
    case 422:
        /* It never had a pending checkpoint, or could not prove what we sent against its own. */
        replica_mirror_forget(mirror);
        fail(replica, mirror);
        return;
    default:
        fail(replica, mirror);
        return;
    }
}

/* --- a larger or another head --- */

/* True if the fetched note is a checkpoint of this log that the log's own key signed. */
static bool own_checkpoint(const struct replica *replica, struct bytes body,
                           struct checkpoint *checkpoint) {
    struct note note;
    return checkpoint_parse(body, &note, checkpoint, NULL) == STATUS_OK &&
           bytes_equal(checkpoint->origin, vkey_name(&replica->log_vkey)) &&
           note_verify(&note, &replica->log_vkey) == STATUS_OK;
}

/* What was fetched proves that the key signed what this log does not hold, or it is nothing.
 * Halting takes a proof, or any mirror could stop any log. */
static void take_pending(struct replica *replica, struct replica_actions *actions,
                         struct replica_mirror *mirror, const struct replica_event *event) {
    struct checkpoint theirs;
    struct refusal why;
    mirror->suspect = false;
    if (event->http != 200 || !own_checkpoint(replica, event->body, &theirs)) {
        fail(replica, mirror);
        return;
    }
    const struct hash *ours = event->root;
    if (theirs.size == replica->candidate.size) {
        ours = &replica->candidate.root;
    }
    if (theirs.size > replica->signed_size) {
        (void)refuse(&why, STATUS_CONFLICT_SIZE,
                     "%s holds a checkpoint of size %llu that this log's key signed, and here the "
                     "largest is %llu: this folder is an old copy, or the key is used elsewhere",
                     mirror->vkey.name, (unsigned long long)theirs.size,
                     (unsigned long long)replica->signed_size);
        replica_halt(replica, actions, HALT_LARGER, &why, event->body, event->mirror);
        return;
    }
    if (ours != NULL && !hash_equal(ours, &theirs.root)) {
        (void)refuse(&why, STATUS_CONFLICT_ROOT,
                     "%s holds a checkpoint of size %llu that this log's key signed, with another "
                     "root than here: this log is forked",
                     mirror->vkey.name, (unsigned long long)theirs.size);
        replica_halt(replica, actions, HALT_FORKED, &why, event->body, event->mirror);
        return;
    }
    /* No contradiction: whatever it claimed, this is what it holds. */
    replica_mirror_forget(mirror);
    mirror->pending = theirs.size;
    mirror->next_entry = theirs.size;
    fail(replica, mirror);
}

void replica_take_response(struct replica *replica, struct replica_actions *actions,
                           const struct replica_event *event) {
    assert(event->mirror < replica->mirror_count);
    struct replica_mirror *mirror = &replica->mirrors[event->mirror];
    assert(replica_mirror_busy(mirror));
    enum replica_mirror_state was = mirror->state;
    take_peer_time(replica, mirror, event->peer_seconds);
    if (replica->state == REPLICA_HALTED) {
        /* Nothing that it says matters any more. */
    } else if (mirror->ignore) {
        mirror->state = MIRROR_READY;
    } else if (was == MIRROR_CHECKPOINT) {
        take_checkpoint_answer(replica, actions, mirror, event);
    } else if (was == MIRROR_CANDIDATE) {
        take_candidate_answer(replica, event->mirror, event);
    } else if (was == MIRROR_ENTRIES) {
        take_entries_answer(replica, actions, event->mirror, event);
    } else {
        take_pending(replica, actions, mirror, event);
    }
    if (replica->state == REPLICA_HALTED) {
        mirror->state = MIRROR_READY;
    }
    mirror->ignore = false;
    assert(!replica_mirror_busy(mirror));
    if (!mirror->wanted) {
        replica_place_mirrors(replica); /* it left the policy meanwhile: now its place is free */
    }
}
