/* What replication.pml and equivocation.pml share: trees, the names of the code's states, and the
 * mirrors with the rules of add-checkpoint and add-entries. specs/model.md explains all three.
 *
 * A tree is a byte: a 1 and then one bit an entry, so 1 is the empty tree, 2 and 3 are the trees of
 * one entry, 4 to 7 those of two. A tree continues another iff that is its prefix. A checkpoint is
 * the tree that it names.
 *
 * One step is one transaction or one answer. `now` is what a transaction sees, `disk` what a crash
 * leaves; where nothing leaves before its commit (ledger/batch.h) the two never differ between
 * steps, and a crash loses but what is volatile. The broken variants make them differ. */

#ifndef SIZE
#define SIZE 2 /* entries of the largest tree */
#endif
#ifndef QUORUM
#define QUORUM 2
#endif
#define MIRRORS 3
#define LAST    (MIRRORS - 1)

#define NONE      0
#define EMPTY     1
#define CODES     (2 << SIZE) /* trees are below it */
#define SZ(t)     ((t) >= 8 -> 3 : ((t) >= 4 -> 2 : ((t) >= 2 -> 1 : 0)))
#define EXT(n, o) (SZ(n) >= SZ(o) && ((n) >> (SZ(n) - SZ(o))) == (o)) /* n continues o */
#define FITS(a, b) (EXT(a, b) || EXT(b, a))
#define BIT(t)    (1 << (t))
/* The tree one entry beyond s on the way to t. */
#define NEXT(s, t) ((t) >> (SZ(t) - SZ(s) - 1))

#ifdef LIAR
#define HONEST(m) ((m) != LAST)
#else
#define HONEST(m) true
#endif

/* enum replica_state, replica_guard, replica_mirror_state (ledger/replica.h) */
mtype:replica_state = { REPLICA_IDLE, REPLICA_CUTTING, REPLICA_PUSHING, REPLICA_PUBLISHING,
    REPLICA_HALTED };
mtype:replica_guard = { GUARD_NONE, GUARD_QUORUM, GUARD_ALL };
mtype:replica_mirror_state = { MIRROR_UNKNOWN, MIRROR_CHECKPOINT, MIRROR_ENTRIES, MIRROR_DONE,
    MIRROR_BACKOFF, MIRROR_FETCHING, MIRROR_READY };
/* enum add_checkpoint_suspicion (ledger/mirror.h), enum fork_outcome (ledger/fork.h) */
mtype:add_checkpoint_suspicion = { SUSPECT_NONE, SUSPECT_SAME_SIZE, SUSPECT_STORED,
    SUSPECT_INCONSISTENT };

/* An assertion with a name. The names are never set: they are there for pan's message alone. */
#define CLAIM(name, holds) assert(name || (holds))
bit G3_witness_key, G3_mirror_key;

/* --- mirrors --- */

typedef mirror_store {
    byte pending;  /* the pending checkpoint */
    byte stored;   /* the stored tree; its size is the next entry */
    byte mirrored; /* the mirror checkpoint */
};
mirror_store now[MIRRORS];
mirror_store disk[MIRRORS];

byte http; /* of the answer that is being made; 0 between steps */

/* What cannot be taken back, and what was promised: read by assertions alone. */
byte witnessed[MIRRORS]; /* the largest that its witness key signed */
byte cosigned[MIRRORS];  /* the largest that its mirror key signed */
byte owed[MIRRORS];      /* the largest receipt with its line */

#define COMMIT(m) \
    disk[m].pending = now[m].pending; disk[m].stored = now[m].stored; \
    disk[m].mirrored = now[m].mirrored

#ifdef RESTORE_MIRROR /* of mirror 0, once */
mirror_store copy;
bool copied;
bool restored;
bool went_out;   /* a cosignature left since the copy was made: the outside file's number tells */
bool behind; /* cosigns nothing until it has adopted */
byte least;  /* what it adopted: nothing before it is known any more */
#define BEHIND(m) ((m) == 0 && behind)
/* It had stored what it cosigned; then its folder was replaced. */
#define LOST_SINCE(m, t) ((m) == 0 && restored && !EXT(disk[0].stored, t))
#define LEAST(m)  ((m) == 0 -> least : EMPTY)
#define LEAVES(m) if :: (m) == 0 && copied && !restored -> went_out = true :: else fi
#else
#define BEHIND(m) false
#define LOST_SINCE(m, t) false
#define LEAST(m)  EMPTY
#define LEAVES(m) skip
#endif

/* G3 for a cosigner: each key signs what continues all that it signed before. */
inline sign_witness(m, t) {
    CLAIM(G3_witness_key, EXT(t, witnessed[m]));
    witnessed[m] = t;
    LEAVES(m)
}
inline sign_mirror(m, t) {
    CLAIM(G3_mirror_key, EXT(t, cosigned[m]));
    cosigned[m] = t;
    LEAVES(m)
}

/* add_checkpoint_job, as asked with the right old size (a wrong one is a 409 and changes nothing). */
inline add_checkpoint(m, t) {
    if
    :: BEHIND(m) -> http = 503
#ifdef SHORTER_LOG
    :: !BEHIND(m) && SZ(t) < SZ(now[m].pending) ->
        now[m].pending = t; COMMIT(m); sign_witness(m, t); http = 200
#endif
#ifdef SKIP_CONSISTENCY
    :: !BEHIND(m) && SZ(t) > SZ(now[m].pending) && !EXT(t, now[m].pending) ->
        now[m].pending = t; COMMIT(m); sign_witness(m, t); http = 200
#endif
    :: !BEHIND(m) && EXT(t, now[m].pending) ->
        now[m].pending = t;
#ifndef FORGET_PENDING
        COMMIT(m);
#endif
        sign_witness(m, t); http = 200
    :: else ->
        http = (SZ(t) < SZ(now[m].pending) -> 409 : 422)
    fi
}

/* One step of an upload to the checkpoint t: a package_job, or the upload_end_job. */
inline add_entries(m, t) {
    if
    :: BEHIND(m) -> http = 503
    :: !BEHIND(m) && (!EXT(now[m].pending, t) || !EXT(t, now[m].mirrored) || !EXT(t, LEAST(m))) ->
        http = 409 /* no known pending checkpoint, or one that the mirror checkpoint has passed */
    :: !BEHIND(m) && EXT(now[m].pending, t) && EXT(t, now[m].mirrored) && EXT(t, LEAST(m)) ->
        if
#ifdef COSIGN_BEFORE_DURABLE
        :: SZ(now[m].stored) < SZ(t) && EXT(t, now[m].stored) -> /* the commit comes after */
            now[m].stored = t; now[m].mirrored = t; sign_mirror(m, t); http = 200
#endif
#ifdef UNPROVED_PACKAGE
        :: SZ(now[m].stored) < SZ(t) && t != EMPTY ->
            now[m].stored = 2 * now[m].stored + 1; COMMIT(m); http = 202
#endif
        :: SZ(now[m].stored) < SZ(t) && EXT(t, now[m].stored) ->
            now[m].stored = NEXT(now[m].stored, t); COMMIT(m); http = 202
        :: SZ(now[m].stored) < SZ(t) && !EXT(t, now[m].stored) -> http = 422
        :: SZ(now[m].stored) >= SZ(t) ->
            now[m].mirrored = t; COMMIT(m); sign_mirror(m, t); http = 200
        fi
    fi
}

inline mirror_crash(m) {
    now[m].pending = disk[m].pending; now[m].stored = disk[m].stored;
    now[m].mirrored = disk[m].mirrored
}
#define UNSYNCED(m) (now[m].pending != disk[m].pending || now[m].stored != disk[m].stored || \
                     now[m].mirrored != disk[m].mirrored)

