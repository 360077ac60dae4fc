/* The start-up guard: who has been heard since it began, and who must be. */
#include "ledger/replica_parts.h"

#include <assert.h>
#include <string.h>

static bool exempt(const struct replica *replica, const struct vkey *vkey) {
    for (size_t i = 0; replica->terms != NULL && i < replica->terms->exempt_count; i++) {
        if (bytes_equal(bytes_text(replica->terms->exempt[i]), vkey_name(vkey))) {
            return true;
        }
    }
    return false;
}

/* "A 404 counts only from one not listed" (design section 6): from a mirror that was pushed to it
 * means that it lost its data, or lies. */
static bool listed(const struct replica *replica, const struct vkey *vkey) {
    const struct guard_record *record = replica->terms != NULL ? replica->terms->record : NULL;
    return record == NULL || !record->has_log || guard_lists(record, vkey);
}

static bool mirror_heard(const struct replica *replica, size_t index) {
    const struct replica_mirror *mirror = &replica->mirrors[index];
    return replica->lines[index].have || exempt(replica, &mirror->vkey) ||
           (mirror->knows_nothing && !listed(replica, &mirror->vkey));
}

/* A witness outside the quorum without an address of its own stands in the policy as a mirror's: it
 * signs what that mirror holds as pending. */
static bool is_mirrors_witness(const struct policy_witness *witness) {
    return !witness->in_quorum && witness->url[0] == '\0';
}

static bool witness_heard(const struct replica *replica, const struct vkey *vkey) {
    for (size_t i = 0; i < replica->witness_count; i++) {
        if (memcmp(&replica->witnesses[i], &vkey->key, sizeof vkey->key) == 0) {
            return true;
        }
    }
    return exempt(replica, vkey);
}

/* Which witness is which mirror's the policy does not say. It need not: each signs for one mirror,
 * so when all have signed, all were asked. One that answers 404 has no pending checkpoint, and its
 * witness nothing to sign: it is exempt as the mirror is, as long as there are no more witnesses
 * unheard than mirrors that know nothing. */
static size_t witnesses_unheard(const struct replica *replica, const struct policy *policy) {
    size_t count = 0;
    for (size_t i = 0; policy != NULL && i < policy->witness_count; i++) {
        const struct policy_witness *witness = &policy->witnesses[i];
        count += is_mirrors_witness(witness) && !witness_heard(replica, &witness->vkey) ? 1 : 0;
    }
    return count;
}

static bool all_heard(const struct replica *replica) {
    size_t without = 0;
    for (size_t i = 0; i < replica->mirror_count; i++) {
        const struct replica_mirror *mirror = &replica->mirrors[i];
        if (!mirror->used || !mirror->wanted) {
            continue;
        }
        if (!mirror_heard(replica, i)) {
            return false;
        }
        without += replica->lines[i].have || exempt(replica, &mirror->vkey) ? 0 : 1;
    }
    return witnesses_unheard(replica, replica->policy) <= without &&
           witnesses_unheard(replica, replica->incoming) <= without;
}

bool replica_guard_passed(const struct replica *replica) {
    return replica_quorum_met(replica) && (replica->guard != GUARD_ALL || all_heard(replica));
}

/* What the record names was durable when it was written, and left after that. Where the folder does
 * not have it the folder is old. A larger candidate continues it: the host looks when it opens the
 * record. */
bool replica_guard_covers(const struct replica *replica) {
    const struct guard_record *record = replica->terms != NULL ? replica->terms->record : NULL;
#ifdef DUTYLOG_BUG_IGNORE_RECORD /* planted: signs on whatever the record says was signed */
    record = NULL;
#endif
    if (record == NULL || !record->has_log ||
        !bytes_equal(bytes_text(record->origin), vkey_name(&replica->log_vkey))) {
        return true;
    }
    return record->size < replica->candidate.size ||
           (record->size == replica->candidate.size &&
            hash_equal(&record->root, &replica->candidate.root));
}

bool replica_guard_fresh(const struct replica *replica, uint64_t timestamp) {
    return replica->guard == GUARD_NONE ||
           timestamp + COSIGN_OFFSET_MAX_SECONDS >= replica->now_ms / 1000;
}

static void hear_line(struct replica *replica, const struct policy *policy,
                      const struct note_signature *line, struct bytes text) {
    for (size_t i = 0; policy != NULL && i < policy->witness_count; i++) {
        const struct policy_witness *witness = &policy->witnesses[i];
        uint64_t timestamp;
        if (is_mirrors_witness(witness) && note_signature_is_by(line, &witness->vkey) &&
            !witness_heard(replica, &witness->vkey) &&
            replica->witness_count < REPLICA_MIRRORS_MAX &&
            cosignature_verify(line, text, &witness->vkey, &timestamp) == STATUS_OK &&
            replica_guard_fresh(replica, timestamp)) {
            replica->witnesses[replica->witness_count++] = witness->vkey.key;
        }
    }
}

void replica_guard_hear(struct replica *replica, struct bytes body) {
    struct note_signature lines[NOTE_SIGNATURES_MAX];
    size_t count;
    if (replica->guard != GUARD_ALL || body.len == 0 ||
        note_parse_lines(body, lines, NOTE_SIGNATURES_MAX, &count, NULL) != STATUS_OK) {
        return;
    }
    uint8_t text[CHECKPOINT_TEXT_MAX];
    struct writer w;
    writer_init(&w, text, sizeof text);
    checkpoint_format_text(&w, vkey_name(&replica->log_vkey), replica->candidate.size,
                           &replica->candidate.root);
    assert(!w.failed);
    for (size_t i = 0; i < count; i++) {
        hear_line(replica, replica->policy, &lines[i], writer_view(&w));
        hear_line(replica, replica->incoming, &lines[i], writer_view(&w));
    }
}

static void put_name(struct writer *w, const struct vkey *vkey) {
    if (w->cap - w->len > vkey->name_len + 1) {
        writer_text(w, w->len > 0 ? " " : "");
        writer_bytes(w, vkey_name(vkey));
    }
}

void replica_guard_awaits(const struct replica *replica, struct writer *w) {
    if (replica->guard != GUARD_ALL) {
        return;
    }
    for (size_t i = 0; i < replica->mirror_count; i++) {
        const struct replica_mirror *mirror = &replica->mirrors[i];
        if (mirror->used && mirror->wanted && !mirror_heard(replica, i)) {
            put_name(w, &mirror->vkey);
        }
    }
    const struct policy *policies[] = {replica->policy, replica->incoming};
    for (size_t p = 0; p < 2; p++) {
        for (size_t i = 0; policies[p] != NULL && i < policies[p]->witness_count; i++) {
            const struct policy_witness *witness = &policies[p]->witnesses[i];
            if (is_mirrors_witness(witness) && !witness_heard(replica, &witness->vkey)) {
                put_name(w, &witness->vkey);
            }
        }
    }
}
