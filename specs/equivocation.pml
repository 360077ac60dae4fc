/* A log that signs whatever it likes and shows each mirror what it likes, for spin: which receipts
 * can come of it, and what its mirrors hold against it. With LIAR the last mirror is in league with
 * it. specs/model.md says what is claimed. */

#include "mirror.pml"

bit G2_one_history, G2_provable, G2_evidence_true, G2_kept;

byte line[16];         /* by tree: the set of mirrors that cosigned it as stored; SIZE is at most 3 */
bool evidence[MIRRORS]; /* form (a) or (b) against the log, made on add-checkpoint and kept */

#define HAS(t, m)  ((line[t] >> (m)) & 1)
#define LINES(t)   (HAS(t, 0) + HAS(t, 1) + HAS(t, 2))
#define RECEIPT(t) (LINES(t) >= QUORUM)

/* The check of add_checkpoint_job: a checkpoint that the pending one excludes, both by the log. */
#ifdef EVIDENCE_UNCHECKED
#define EXCLUDED_BY(t, m) (!FITS(t, now[m].stored) || SZ(t) < SZ(now[m].pending))
#else
#define EXCLUDED_BY(t, m) (!FITS(t, now[m].pending))
#endif
inline examine(m, t) {
    had = evidence[m];
    if
    :: EXCLUDED_BY(t, m) ->
        evidence[m] = true;
        CLAIM(G2_evidence_true, !FITS(t, now[m].pending)) /* the log signed both, and they exclude */
#ifdef EVIDENCE_LOST
    :: evidence[m] && !EXCLUDED_BY(t, m) -> evidence[m] = false
#endif
    :: else
    fi;
    CLAIM(G2_kept, !had || evidence[m]);
    had = false
}

/* G2 of each pair of receipts that exclude each other: there is none while the mirrors are honest;
 * else whoever stands in both quorums signed both. Called with every line that is added. */
inline compare(t) {
    u = 2;
    do
    :: u < CODES ->
        if
        :: RECEIPT(t) && RECEIPT(u) && !FITS(t, u) ->
#ifdef LIAR
            CLAIM(G2_provable, HAS(t, LAST) && HAS(u, LAST))
#else
            CLAIM(G2_one_history, false)
#endif
        :: else
        fi;
        u++
    :: else -> break
    od;
    u = 0
}

proctype node(byte m) {
    byte t;
    byte u;
    bool had;
    do
    :: atomic { HONEST(m) -> select(t : 2 .. CODES - 1);
        if
        :: d_step { examine(m, t); add_checkpoint(m, t); http = 0 }
        :: d_step { add_entries(m, t);
            line[t] = line[t] | (http == 200 -> 1 << m : 0); http = 0; compare(t) }
        fi;
        t = 0 }
    :: d_step { HONEST(m) && UNSYNCED(m) -> COMMIT(m) }
    :: d_step { HONEST(m) && UNSYNCED(m) -> mirror_crash(m) }
#ifdef LIAR
    :: atomic { !HONEST(m) -> select(t : 2 .. CODES - 1);
        if
        :: d_step { line[t] = line[t] | 1 << m; compare(t) }
        fi;
        t = 0 }
#endif
    od
}

init {
    byte m = 0;
    atomic {
        do
        :: m < MIRRORS ->
            disk[m].pending = EMPTY; disk[m].stored = EMPTY; disk[m].mirrored = EMPTY;
            mirror_crash(m);
            witnessed[m] = EMPTY; cosigned[m] = EMPTY; owed[m] = EMPTY;
            m++
        :: else -> break
        od;
        m = 0;
        run node(0); run node(1); run node(2)
    }
}
