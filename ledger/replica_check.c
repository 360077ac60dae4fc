/* What must hold between two steps. Each function is one conjunction, so that no clause hides
 * behind an early return. */
#include "ledger/replica_parts.h"

#include <assert.h>

static bool implies(bool a, bool b) {
    return !a || b;
}

static bool sizes_hold(const struct replica *r) {
    return r->published <= r->signed_size && r->signed_size <= r->committed &&
           r->candidate.size == r->signed_size &&
           implies(r->candidate.size > 0, r->candidate.note_len > 0) &&
           implies(r->gathered, r->published == r->candidate.size);
}

static bool state_holds(const struct replica *r) {
    bool candidate = r->candidate.size > 0;
    return !r->coming && implies(r->state == REPLICA_PUSHING, candidate) &&
           implies(r->state == REPLICA_PUBLISHING, candidate && replica_quorum_met(r)) &&
           implies(r->state == REPLICA_CUTTING,
                   r->committed > 0 && replica_has_policy(r) && r->guard == GUARD_NONE) &&
           (r->state == REPLICA_HALTED) == (r->halted_why[0] != '\0') &&
           (r->state == REPLICA_HALTED) == (r->halt != HALT_NOT) &&
           implies(r->published > 0 && r->gathered, candidate);
}

static bool policies_hold(const struct replica *r) {
    return implies(r->incoming != NULL,
                   r->published <= r->incoming_index && r->incoming_index < r->candidate.size) &&
           implies(r->next != NULL, r->next_index >= r->candidate.size) &&
           implies(r->policy != NULL, r->policy != r->incoming && r->policy != r->next) &&
           implies(r->incoming != NULL, r->incoming != r->next);
}

static bool line_holds(const struct replica *r, size_t i) {
    const struct replica_line *line = &r->lines[i];
    return implies(line->have, r->mirrors[i].used && line->timestamp > 0 && line->len > 0 &&
                                   line->len <= sizeof line->line &&
                                   r->mirrors[i].cosigned == r->candidate.size);
}

static bool numbers_hold(const struct replica *r, const struct replica_mirror *m) {
    return m->pending <= r->signed_size && m->agreed <= r->signed_size &&
           m->next_entry <= r->signed_size && m->cosigned <= r->signed_size &&
           m->target <= r->signed_size && m->start <= m->target &&
           m->ticket_len <= sizeof m->ticket && m->corrections <= CORRECTIONS_MAX;
}

/* Nobody is forgotten: unless no request may be sent at all, every mirror that can be reached is
 * being asked, has answered, or has a time at which it will be asked again. */
static bool mirror_holds(const struct replica *r, size_t i) {
    const struct replica_mirror *m = &r->mirrors[i];
    bool idle = m->state == MIRROR_UNKNOWN || m->state == MIRROR_READY;
    return vkey_name(&m->vkey).len > 0 && m->vkey.type == VKEY_COSIGNATURE && numbers_hold(r, m) &&
           implies(replica_mirror_busy(m), m->target > 0) &&
           implies(m->state == MIRROR_DONE && replica_may_push(r), r->lines[i].have) &&
           implies(m->state == MIRROR_BACKOFF,
                   m->backoff_ms >= BACKOFF_MIN_MS && m->backoff_ms <= BACKOFF_MAX_MS &&
                       m->retry_at_ms <= r->now_ms + BACKOFF_MAX_MS && m->failures > 0) &&
           implies(idle && replica_may_push(r), !m->wanted || m->url[0] == '\0') &&
           (m->wanted || replica_mirror_busy(m));
}

void replica_check(const struct replica *replica) {
    assert(replica->started);
    assert(sizes_hold(replica));
    assert(state_holds(replica));
    assert(policies_hold(replica));
    assert(replica->mirror_count <= REPLICA_MIRRORS_MAX);
    for (size_t i = 0; i < REPLICA_MIRRORS_MAX; i++) {
        assert(line_holds(replica, i));
        assert(replica->mirrors[i].used == (replica->mirrors[i].vkey.name_len > 0));
        assert(!replica->mirrors[i].used || i < replica->mirror_count);
        assert(!replica->mirrors[i].used || mirror_holds(replica, i));
    }
}
