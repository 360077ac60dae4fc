/* An honest log and its mirrors, for spin: rounds, candidates, quorum, crashes, folders restored
 * from old copies, the guards, and a mirror that lies. specs/model.md says what is claimed, at which
 * sizes, what is left out, and which variable stands for what in the code; `make model` runs it.
 *
 * An honest log's entries are 0 until something was lost, and 1 after it: an entry that takes a lost
 * one's place is another entry. */

#include "mirror.pml"

bit G1_quorum, G1_receipt_stays, G1_stored_durably, G1_order, G3_log_key, G3_log_key_seen,
    G3_one_candidate, G3_halts_on_proof;

/* --- the log: struct replica and what its host keeps --- */

typedef log_store {
    byte committed;
    byte head; /* the signed head */
    byte published;
};
log_store log_now;
log_store log_disk;
byte head_file; /* the head's copy outside the data folder; NONE: the file is gone */

mtype:replica_state state;
mtype:replica_guard guard;
byte candidate;
bool gathered;
#ifdef NO_CAS
byte cut_tree;
#endif
bool cut_done;      /* the cut_job's commit is durable; the replica has not heard of it */
bool line[MIRRORS]; /* gathered on the candidate; under a guard: heard since the start */
mtype:replica_mirror_state mirror[MIRRORS];
byte target[MIRRORS];
bool answer[MIRRORS]; /* a line on the target is on its way */

bool other_bit; /* something was lost: entries that come now are others */
bool put_back;  /* an old copy, or another daemon: a log may halt */

/* Read by assertions alone. */
byte signed_last;     /* the largest that the log's key signed */
short seen;      /* the set of checkpoints that arrived anywhere */
byte seen_last;  /* the largest of these */
byte receipt;    /* the largest that was given out */
bool round_open;

#ifdef FAULTS /* for liveness: so many faults, then none */
byte faults = FAULTS;
#define FAULTY   (faults > 0)
#define SPEND    faults--
#else
#define FAULTY   true
#define SPEND    skip
#endif

#ifdef FINISH_EARLY
#define LOG_COMMIT skip
#else
#define LOG_COMMIT \
    log_disk.committed = log_now.committed; log_disk.head = log_now.head; \
    log_disk.published = log_now.published
#endif

#define COUNTED(m) line[m]
#define QUORUM_MET (COUNTED(0) + COUNTED(1) + COUNTED(2) >= QUORUM)
#ifdef ANSWER_BEFORE_QUORUM
#define REPLICA_QUORUM_MET (QUORUM_MET || line[0] || line[1] || line[2])
#else
#define REPLICA_QUORUM_MET QUORUM_MET
#endif
#define ALL_HEARD (line[0] && line[1] && line[2])

/* replica_may_push; an empty log under a guard asks too. */
#define MAY_PUSH (state != REPLICA_CUTTING && state != REPLICA_HALTED && candidate != EMPTY)
#define ASKS     (guard == GUARD_ALL && candidate == EMPTY && state != REPLICA_HALTED)

byte i; /* of the loop in one step; 0 between steps */

/* replica_push: whoever waits is sent the next request, in the same step. */
inline push() {
    i = 0;
    do
    :: i < MIRRORS ->
        if
        :: MAY_PUSH && (mirror[i] == MIRROR_UNKNOWN || mirror[i] == MIRROR_READY) ->
            mirror[i] = MIRROR_CHECKPOINT; target[i] = candidate
        :: ASKS && mirror[i] == MIRROR_UNKNOWN -> mirror[i] = MIRROR_FETCHING
        :: else
        fi;
        i++
    :: else -> break
    od;
    i = 0
}

inline forget_mirrors(with) {
    i = 0;
    do
    :: i < MIRRORS ->
        line[i] = false; answer[i] = false; target[i] = NONE; mirror[i] = with; i++
    :: else -> break
    od;
    i = 0
}

/* REPLICA_START, after whatever end: what was not in the folder is gone. */
inline start() {
    log_now.committed = log_disk.committed; log_now.head = log_disk.head;
    log_now.published = log_disk.published;
    candidate = log_now.head; gathered = false; cut_done = false; round_open = false;
    forget_mirrors(MIRROR_UNKNOWN);
    if
    :: candidate != EMPTY && log_now.published != candidate ->
        state = REPLICA_PUSHING; round_open = true
    :: else -> state = REPLICA_IDLE
    fi;
    if
    :: candidate == EMPTY && head_file == EMPTY -> guard = GUARD_NONE
#ifdef NO_GUARD
    :: !(candidate == EMPTY && head_file == EMPTY) -> guard = GUARD_NONE
#else
    :: !(candidate == EMPTY && head_file == EMPTY) ->
#ifdef GUARD_NEVER_ALL
        guard = (candidate == EMPTY -> GUARD_NONE : GUARD_QUORUM)
#else
        guard = (head_file == candidate -> GUARD_QUORUM : GUARD_ALL)
#endif
#endif
    fi;
#ifndef FILE_BEHIND
    /* A cut became durable and the process died: its head is about to leave, so the file comes
     * first, as after REPLICA_CUT. */
    if
    :: head_file != NONE && head_file != candidate && EXT(candidate, head_file) ->
        head_file = candidate
    :: else
    fi;
#endif
    push()
}

/* For good. `proof`: what was signed does not fit what is held, or can't be found again. */
inline halt(proof) {
    CLAIM(G3_halts_on_proof, proof && put_back); /* G3: nobody's mere word stops a log, nor a mere crash */
    state = REPLICA_HALTED; guard = GUARD_NONE; gathered = false; cut_done = false;
    round_open = false;
    forget_mirrors(MIRROR_READY)
}

/* The candidate leaves: G3 for the log. */
inline sign_head() {
#ifndef HEAD_FILE_LOST
    CLAIM(G3_log_key, EXT(log_now.head, signed_last));
#endif
    signed_last = log_now.head
}

/* A checkpoint of the log's key arrives somewhere. Where the file outside is lost with the folder,
 * this is where G3 counts: what arrived nowhere is seen by nobody. */
inline arrive(t) {
    CLAIM(G3_log_key_seen, FITS(t, seen_last));
    seen_last = (SZ(t) > SZ(seen_last) -> t : seen_last);
    seen = seen | BIT(t)
}

inline gather(m) {
    line[m] = true; mirror[m] = MIRROR_DONE;
    if
    :: gathered && SZ(candidate) > SZ(owed[m]) && !LOST_SINCE(m, candidate) ->
        owed[m] = candidate /* a late line is added */
    :: else
    fi
}

/* A larger head, of the log's own signature: what was lost is fetched where it is stored, and
 * verified. Only under a guard; else the log halts. */
#define STORED_BY(m, t) (HONEST(m) && EXT(disk[m].stored, t))
#define AT_HAND(t) (EXT(log_now.committed, t) || STORED_BY(0, t) || STORED_BY(1, t) || STORED_BY(2, t))
inline take_larger(t) {
    if
    :: guard != GUARD_NONE && EXT(t, candidate) && FITS(t, log_now.committed) && AT_HAND(t) ->
        log_now.head = t;
        log_now.committed = (SZ(t) > SZ(log_now.committed) -> t : log_now.committed);
        LOG_COMMIT;
        candidate = t; state = REPLICA_PUSHING; round_open = true; gathered = false;
        forget_mirrors(MIRROR_UNKNOWN);
        push()
    :: else -> halt(!EXT(candidate, t))
    fi
}

#define FILE_COVERED (head_file == NONE || EXT(candidate, head_file))
#define CUT_DUE (guard == GUARD_NONE && SZ(log_now.committed) > SZ(candidate))

/* What must hold whenever a receipt is given, and ever after. */
inline give_receipt() {
    CLAIM(G1_quorum, QUORUM_MET);               /* G1: a quorum's lines */
    CLAIM(G1_receipt_stays, EXT(candidate, receipt));  /* G1: what a receipt covers stays */
    receipt = candidate;
    i = 0;
    do
    :: i < MIRRORS ->
        if
        :: line[i] && !LOST_SINCE(i, candidate) ->
            CLAIM(G1_stored_durably, !HONEST(i) || EXT(disk[i].stored, candidate)); /* G1: stored, durably */
            owed[i] = (SZ(candidate) > SZ(owed[i]) -> candidate : owed[i])
        :: else
        fi;
        i++
    :: else -> break
    od;
    i = 0
}

proctype log() {
    d_step { start() }
    do
    :: d_step { /* submissions are committed: replica_may_stamp */
        guard == GUARD_NONE && state != REPLICA_HALTED && SZ(log_now.committed) < SIZE ->
        log_now.committed = 2 * log_now.committed + other_bit; LOG_COMMIT }

    /* Rounds. */
    :: d_step { state == REPLICA_IDLE && CUT_DUE ->
        state = REPLICA_CUTTING;
#ifdef NO_CAS
        cut_tree = log_now.committed;
#endif
        }
#ifdef TWO_CANDIDATES
    :: d_step { state == REPLICA_PUSHING && CUT_DUE -> state = REPLICA_CUTTING }
#endif
    :: d_step { state == REPLICA_CUTTING && !cut_done -> /* cut_job, compare and swap */
        if
        :: log_now.head == candidate -> log_now.head = log_now.committed; LOG_COMMIT; cut_done = true
        :: else -> /* CONFLICT_HEAD */
#ifdef NO_CAS
            log_now.head = cut_tree; LOG_COMMIT; cut_done = true /* what it read before */
#else
            halt(true)
#endif
        fi }
    :: d_step { state == REPLICA_CUTTING && cut_done -> /* REPLICA_CUT */
#ifndef LATE_HEAD_FILE
        head_file = log_now.head;
#endif
        sign_head();
        CLAIM(G3_one_candidate, !round_open); /* one candidate in a round */
        candidate = log_now.head; cut_done = false; gathered = false;
        state = REPLICA_PUSHING; round_open = true;
        i = 0;
        do
        :: i < MIRRORS ->
            line[i] = false;
            if
            :: mirror[i] == MIRROR_DONE -> mirror[i] = MIRROR_READY
            :: else
            fi;
            i++
        :: else -> break
        od;
        push() }
#ifdef LATE_HEAD_FILE
    :: d_step { state == REPLICA_PUSHING && guard == GUARD_NONE && head_file != candidate ->
        head_file = candidate }
#endif
    :: d_step { state == REPLICA_PUSHING && !REPLICA_QUORUM_MET -> /* round_timeout */
        state = REPLICA_IDLE; round_open = false }
    :: d_step { (state == REPLICA_IDLE || state == REPLICA_PUSHING) && candidate != EMPTY &&
            !gathered && REPLICA_QUORUM_MET ->
        state = REPLICA_PUBLISHING; round_open = false }
    :: d_step { state == REPLICA_PUBLISHING -> /* publish_job, REPLICA_PUBLISHED, ACTION_SERVE */
        log_now.published = candidate; LOG_COMMIT;
        give_receipt();
        state = REPLICA_IDLE; gathered = true }
#ifndef NO_REFRESH
    :: d_step { state == REPLICA_IDLE && gathered && guard == GUARD_NONE && !CUT_DUE ->
        gathered = false; /* replica_refresh */
        i = 0;
        do
        :: i < MIRRORS ->
            line[i] = false;
            if
            :: mirror[i] == MIRROR_DONE -> mirror[i] = MIRROR_READY
            :: else
            fi;
            i++
        :: else -> break
        od;
        push() }
#endif

    /* The guard. */
    :: d_step { guard != GUARD_NONE && FILE_COVERED &&
            ((guard == GUARD_QUORUM && QUORUM_MET) || (guard == GUARD_ALL && ALL_HEARD)) ->
        guard = GUARD_NONE; head_file = candidate;
        if
        :: candidate == EMPTY -> forget_mirrors(MIRROR_UNKNOWN)
        :: else
        fi }
    :: d_step { guard != GUARD_NONE && !FILE_COVERED && ALL_HEARD ->
#ifdef IGNORE_FILE
        guard = GUARD_NONE; head_file = candidate;
        if
        :: candidate == EMPTY -> forget_mirrors(MIRROR_UNKNOWN)
        :: else
        fi
#else
        halt(true) /* signed, and no copy can rebuild it: log.succeeded is the way on */
#endif
        }

    /* Faults. */
    :: d_step { FAULTY && state != REPLICA_HALTED ->
        SPEND;
#ifdef FINISH_EARLY
        other_bit = other_bit || log_now.committed != log_disk.committed;
#endif
        start() }
#ifdef FINISH_EARLY
    :: d_step { log_now.committed != log_disk.committed || log_now.head != log_disk.head ||
            log_now.published != log_disk.published ->
        log_disk.committed = log_now.committed; log_disk.head = log_now.head;
        log_disk.published = log_now.published }
#endif
    od
}

proctype node(byte m) {
    do
    /* add-checkpoint */
    :: d_step { HONEST(m) && mirror[m] == MIRROR_CHECKPOINT ->
        arrive(target[m]);
        add_checkpoint(m, target[m]);
        if
        :: http == 200 -> mirror[m] = MIRROR_ENTRIES
        :: http == 409 && SZ(now[m].pending) <= SZ(candidate) ->
            mirror[m] = MIRROR_READY; target[m] = NONE; push()
        :: http == 503 -> mirror[m] = MIRROR_BACKOFF; target[m] = NONE
        :: else -> mirror[m] = MIRROR_FETCHING; target[m] = NONE /* suspect */
        fi;
        http = 0 }
    :: d_step { FAULTY && HONEST(m) && mirror[m] == MIRROR_CHECKPOINT -> /* the answer is lost */
        SPEND;
        arrive(target[m]);
        add_checkpoint(m, target[m]);
        mirror[m] = MIRROR_BACKOFF; target[m] = NONE; http = 0 }

    /* add-entries */
    :: d_step { HONEST(m) && mirror[m] == MIRROR_ENTRIES && !answer[m] ->
        add_entries(m, target[m]);
        if
        :: http == 200 -> answer[m] = true
        :: http == 409 -> mirror[m] = MIRROR_READY; target[m] = NONE; push()
        :: http == 422 || http == 503 -> mirror[m] = MIRROR_BACKOFF; target[m] = NONE
        :: else
        fi;
        http = 0 }
    :: d_step { answer[m] -> /* take_cosignature */
        answer[m] = false;
        if
#ifdef MIXED_LINES
        :: true -> gather(m)
#else
        :: target[m] == candidate -> gather(m)
        :: else -> mirror[m] = MIRROR_READY
#endif
        fi;
        target[m] = NONE;
        push() }

    /* witness/<hex>/checkpoint */
    :: d_step { HONEST(m) && mirror[m] == MIRROR_FETCHING ->
        if
        :: now[m].pending == EMPTY && ASKS -> line[m] = true; mirror[m] = MIRROR_DONE
        :: now[m].pending != EMPTY && !EXT(candidate, now[m].pending) ->
            take_larger(now[m].pending)
        :: else -> mirror[m] = MIRROR_BACKOFF
        fi }

    /* Time and the network. */
    :: d_step { mirror[m] == MIRROR_BACKOFF && MAY_PUSH -> mirror[m] = MIRROR_READY; push() }
    :: d_step { mirror[m] == MIRROR_BACKOFF && ASKS -> mirror[m] = MIRROR_FETCHING }
    :: d_step { FAULTY && (mirror[m] == MIRROR_CHECKPOINT || mirror[m] == MIRROR_ENTRIES ||
            mirror[m] == MIRROR_FETCHING) ->
        SPEND;
        mirror[m] = MIRROR_BACKOFF; target[m] = NONE; answer[m] = false }
    :: d_step { HONEST(m) && UNSYNCED(m) -> COMMIT(m) }
    :: d_step { FAULTY && HONEST(m) && UNSYNCED(m) -> SPEND; mirror_crash(m) }
    od
}

#ifdef LIAR /* the last mirror says what it likes; only signatures it can't make */
proctype liar() {
    byte t = EMPTY;
    do
    :: d_step { mirror[LAST] == MIRROR_CHECKPOINT -> arrive(target[LAST]); mirror[LAST] = MIRROR_ENTRIES }
    :: d_step { mirror[LAST] == MIRROR_CHECKPOINT -> /* claims a larger head */
        arrive(target[LAST]); target[LAST] = NONE;
#ifdef TRUST_CLAIM
        halt(false)
#else
        mirror[LAST] = MIRROR_FETCHING
#endif
        }
    :: d_step { mirror[LAST] == MIRROR_ENTRIES && !answer[LAST] -> answer[LAST] = true }
    :: d_step { mirror[LAST] == MIRROR_FETCHING && ASKS -> line[LAST] = true; mirror[LAST] = MIRROR_DONE }
    :: atomic { mirror[LAST] == MIRROR_FETCHING -> /* shows what the log did sign once */
        do
        :: t < CODES - 1 && !((seen & BIT(t)) && !EXT(candidate, t)) -> t++
        :: (seen & BIT(t)) && !EXT(candidate, t) -> break
        :: t == CODES - 1 -> break
        od;
        if
        :: (seen & BIT(t)) && !EXT(candidate, t) -> d_step { take_larger(t) }
        :: else -> mirror[LAST] = MIRROR_BACKOFF
        fi;
        t = EMPTY }
    od
}
#endif

#ifdef REPLAY /* whoever kept a checkpoint or an upload sends it again, to anyone */
proctype replays() {
    byte t; byte m;
    do
    :: atomic {
        select(t : 2 .. CODES - 1); select(m : 0 .. LAST);
        if
        :: (seen & BIT(t)) && HONEST(m) ->
            if
            :: d_step { add_checkpoint(m, t); http = 0 }
            :: d_step { add_entries(m, t); http = 0 }
            fi
        :: else
        fi;
        t = 0; m = 0 }
    od
}
#endif

#ifdef RESTORE_LOG /* the folder, once, from a copy made at any time before */
log_store log_copy;
proctype log_restored() {
    d_step { state != REPLICA_HALTED ->
        log_copy.committed = log_disk.committed; log_copy.head = log_disk.head;
        log_copy.published = log_disk.published }
    d_step { state != REPLICA_HALTED ->
        log_disk.committed = log_copy.committed; log_disk.head = log_copy.head;
        log_disk.published = log_copy.published;
        log_copy.committed = NONE; log_copy.head = NONE; log_copy.published = NONE;
        other_bit = true; put_back = true;
#ifdef HEAD_FILE_LOST
        head_file = NONE;
#endif
        start() }
}
#endif

#ifdef OTHER_DAEMON /* on the same folder, in spite of the lock, once */
proctype other_daemon() {
    d_step { guard == GUARD_NONE && state != REPLICA_HALTED && log_now.committed != EMPTY ->
        log_now.committed = (SZ(log_now.committed) < SIZE -> 2 * log_now.committed : log_now.committed);
        log_now.head = log_now.committed; LOG_COMMIT; head_file = log_now.head;
        sign_head(); put_back = true }
}
#endif

#ifdef RESTORE_MIRROR /* mirror 0's folder, once */
proctype mirror_restored() {
    byte best;
    d_step { copy.pending = disk[0].pending; copy.stored = disk[0].stored;
        copy.mirrored = disk[0].mirrored; copied = true }
    d_step { disk[0].pending = copy.pending; disk[0].stored = copy.stored;
        disk[0].mirrored = copy.mirrored; mirror_crash(0);
        copy.pending = NONE; copy.stored = NONE; copy.mirrored = NONE;
        restored = true; owed[0] = EMPTY;
#ifndef NO_COSIGNER_GUARD
        behind = went_out;
#endif
        went_out = false }
    /* The cosigner's guard: the largest that the log and every other mirror show. */
    d_step { behind && state != REPLICA_HALTED ->
#ifdef ADOPT_PUBLISHED
        best = log_disk.published;
#else
        best = candidate; /* the head that left; not one that is being cut */
#endif
        if
        :: HONEST(1) && SZ(disk[1].pending) > SZ(best) -> best = disk[1].pending
        :: else
        fi;
        if
        :: HONEST(2) && SZ(disk[2].pending) > SZ(best) -> best = disk[2].pending
        :: else
        fi;
        if
        :: EXT(best, now[0].pending) -> now[0].pending = best
        :: else
        fi;
        least = now[0].pending; COMMIT(0); behind = false; best = 0 }
}
#endif

/* What must hold in every state. */
#define LOG_WHOLE (EXT(log_disk.committed, log_disk.head) && EXT(log_disk.head, log_disk.published))
#define WHOLE(m)  (!HONEST(m) || (EXT(disk[m].pending, disk[m].stored) && \
    EXT(disk[m].stored, disk[m].mirrored)))
#define KEPT(m)   (!HONEST(m) || EXT(disk[m].stored, owed[m]))

active proctype invariant() {
    do
    :: d_step { !LOG_WHOLE -> CLAIM(G1_order, false) }
    :: d_step { !(WHOLE(0) && WHOLE(1) && WHOLE(2)) -> CLAIM(G1_order, false) }
    :: d_step { !(KEPT(0) && KEPT(1) && KEPT(2)) -> CLAIM(G1_stored_durably, false) }
    od
}

init {
    byte m = 0;
    atomic {
        log_disk.committed = EMPTY; log_disk.head = EMPTY; log_disk.published = EMPTY;
        head_file = EMPTY; signed_last = EMPTY; seen_last = EMPTY; receipt = EMPTY;
        do
        :: m < MIRRORS ->
            disk[m].pending = EMPTY; disk[m].stored = EMPTY; disk[m].mirrored = EMPTY;
            mirror_crash(m);
            witnessed[m] = EMPTY; cosigned[m] = EMPTY; owed[m] = EMPTY;
            m++
        :: else -> break
        od;
        m = 0;
#ifdef RESTORE_MIRROR
        least = EMPTY;
#endif
        log_now.committed = EMPTY; log_now.head = EMPTY; log_now.published = EMPTY;
        run log(); run node(0); run node(1); run node(2);
#ifdef LIAR
        run liar();
#endif
#ifdef REPLAY
        run replays();
#endif
#ifdef RESTORE_LOG
        run log_restored();
#endif
#ifdef OTHER_DAEMON
        run other_daemon();
#endif
#ifdef RESTORE_MIRROR
        run mirror_restored();
#endif
    }
}
