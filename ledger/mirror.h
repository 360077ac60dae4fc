/* The mirror's and the witness's side (https://c2sp.org/tlog-mirror,
 * https://c2sp.org/tlog-witness): pending and mirror checkpoints, uploads of entries, and
 * cosignatures.
 *
 * Vocabulary, per log: the *pending checkpoint* is the latest that add-checkpoint took; the *next
 * entry* is the first one not stored, that is the stored tree's size; the *mirror checkpoint* is
 * the latest all of whose entries are stored. mirror checkpoint <= next entry <= pending
 * checkpoint. Entries are stored only after a subtree proof ties them to a pending checkpoint, so
 * everything stored lies on one history. The witness key signs pending checkpoints, the mirror key
 * mirror checkpoints; both only after the commit (ledger/batch.h), and each with a timestamp that
 * never decreases per (key, log), persisted in the same commit.
 *
 * C2SP codes: 200, 202, 400, 403, 404, 409, 422 exactly where the texts say (specs/replication.md
 * cites each). */
#ifndef DUTYLOG_LEDGER_MIRROR_H
#define DUTYLOG_LEDGER_MIRROR_H

#include "ledger/answer.h"
#include "ledger/batch.h"
#include "ledger/cosignature.h"
#include "ledger/logs.h"

/* The keys a node cosigns with; either may be NULL (the role is off). Borrowed, constant. */
struct cosigner {
    const struct signer *mirror;  /* type 0x04 */
    const struct signer *witness; /* type 0x04, distinct */
};

struct signed_checkpoint {
    uint64_t size;
    struct hash root;
    struct bytes note; /* the text and the log's signature line; whatever else came with it is
                          dropped, since nobody vouches for it. Borrowed from the transaction */
    struct bytes line; /* this node's own last cosignature on it; empty: none. Borrowed likewise */
};
/* NOT_FOUND: never had one. */
enum status mirror_pending(struct store_txn *txn, uint32_t log,
                           struct signed_checkpoint *out) MUST_USE;
enum status mirror_checkpoint(struct store_txn *txn, uint32_t log,
                              struct signed_checkpoint *out) MUST_USE;
/* When this node last cosigned anything of the log, in seconds; 0: never. */
enum status mirror_newest(struct store_txn *txn, uint32_t log, uint64_t *seconds) MUST_USE;
/* The checkpoint of exactly `size` among the pending one, the mirror checkpoint and the last
 * PENDING_KEPT earlier pending ones. NOT_FOUND. */
#define PENDING_KEPT 8
enum status mirror_known(struct store_txn *txn, uint32_t log, uint64_t size,
                         struct signed_checkpoint *out) MUST_USE;
/* The smallest of them that is larger than `above`, and all of whose entries are stored.
 * NOT_FOUND. */
enum status mirror_stored_above(struct store_txn *txn, uint32_t log, uint64_t above,
                                struct signed_checkpoint *out) MUST_USE;
/* What GET /<hex>/checkpoint and /witness/<hex>/checkpoint serve: the note with the node's own last
 * cosignature. */
enum status mirror_serve_checkpoint(struct store_txn *txn, uint32_t log, struct writer *w) MUST_USE;
enum status witness_serve_checkpoint(struct store_txn *txn, uint32_t log,
                                     struct writer *w) MUST_USE;

/* --- the clock --- */

/* What the clocks of a log's other nodes, its host and the other mirrors of its policy, say of this
 * node's clock, as far as this process has heard them. */
enum peers_say {
    PEERS_UNHEARD, /* nobody is to be asked, or nobody answered */
    PEERS_AWAITED, /* not enough have answered yet */
    PEERS_ALIKE,   /* over half are within five minutes */
    PEERS_TIED, /* half are, and half are not: of two, one lies, or one is as wrong as this one */
    PEERS_APART,
};
/* From the offsets, in seconds, of those that were heard. `awaited`: how many are being asked for
 * the first time. */
enum peers_say mirror_peers_say(const int64_t *offsets, size_t heard, size_t awaited);

/* --- add-checkpoint --- */

/* The origin that a body is about, if it has the form that far; else empty. */
struct bytes add_checkpoint_origin(struct bytes body);
struct bytes add_candidate_origin(struct bytes body);

/* Parses the request body; views borrow. BAD_FORM. */
struct add_checkpoint {
    uint64_t old_size;
    struct merkle_proof proof;
    struct bytes note_bytes;
    struct note note;
    struct checkpoint checkpoint;
};
enum status add_checkpoint_parse(struct bytes body, struct add_checkpoint *out,
                                 struct refusal *why) MUST_USE;
void add_checkpoint_format(struct writer *w, uint64_t old_size, const struct merkle_proof *proof,
                           struct bytes note);

/* What a refused checkpoint, validly signed, conflicts with: the host runs a fork_job on it
 * (ledger/fork.h), which makes evidence of it or keeps it as unreconciled. */
enum add_checkpoint_suspicion {
    SUSPECT_NONE,
    SUSPECT_SAME_SIZE,    /* another root at the size of a checkpoint we know: evidence (a) */
    SUSPECT_STORED,       /* another root than the stored entries have at its size: evidence (b) */
    SUSPECT_INCONSISTENT, /* larger, and the proof did not verify: evidence (b), from the proof or
                             by fetching the log's tiles; or only a bad proof */
};

/* Takes the request as a whole: unknown log (or one that this node hosts itself) 404, signature
 * 403, sizes 400/409, consistency 422, a clock that may be wrong 503, else 200 with the witness's
 * cosignature (or an empty body if there is no witness key). */
struct add_checkpoint_job {
    struct job job;
    struct bytes body; /* borrowed until done */
    const struct cosigner *cosigner;
    uint64_t now_seconds;
    enum peers_say peers;
    struct add_checkpoint request;           /* out: as parsed; views borrow from body */
    struct log log;                          /* out */
    uint64_t timestamp;                      /* out: of the cosignature */
    enum add_checkpoint_suspicion suspicion; /* out */
    struct answer answer;                    /* out */
    void (*done)(struct add_checkpoint_job *job, enum status batch_status);
};
void add_checkpoint_job_init(struct add_checkpoint_job *job);

/* --- add-entries --- */

struct upload_header {
    struct bytes origin; /* borrows from the bytes given */
    uint64_t start;
    uint64_t end;
    struct bytes ticket;
};
/* Parses the header from the front of what has arrived. NOT_FOUND: more bytes are needed (of a body
 * that ended: 400); UNKNOWN_LOG: an origin longer than any log's; BAD_FORM. */
enum status upload_header_parse(struct bytes available, struct upload_header *out, size_t *consumed,
                                struct refusal *why) MUST_USE;
void upload_header_format(struct writer *w, const struct upload_header *header);

/* One entry package of the canonical sequence. */
struct package {
    uint64_t start;
    uint64_t end;         /* end - start is at most 256, within one block */
    struct bytes entries; /* the entries, each after its uint16 length */
    struct merkle_proof proof;
};
/* The end of the package that begins at `start` in an upload to `upload_end`; start < upload_end.
 */
void package_bounds(uint64_t start, uint64_t upload_end, uint64_t *package_end);
/* The number of packages in the canonical sequence of [start, end). */
uint64_t package_count(uint64_t start, uint64_t end);
/* Where the parsing of a package stands; zeroed at its first byte. */
struct package_scan {
    uint64_t entries; /* seen whole */
    size_t offset;    /* after them */
};
/* Parses the package [start, end) from what has arrived. NOT_FOUND: more bytes are needed (call
 * again with all of them; `scan` keeps the place so that nothing is scanned twice). BAD_FORM: more
 * than 63 hashes. */
enum status package_parse(struct bytes available, uint64_t start, uint64_t end,
                          struct package_scan *scan, struct package *out,
                          size_t *consumed) MUST_USE;
/* The most bytes a package can take: the host's buffer needs no more. */
#define PACKAGE_SIZE_MAX (BUNDLE_SIZE_MAX + 1 + PACKAGE_PROOF_MAX * HASH_SIZE)

/* How many entries that are stored already an upload may bring again. */
#define UPLOAD_EXCESS_MAX (PACKAGES_PER_UPLOAD * TILE_WIDTH)

/* Checks an upload's header against the log's state: 400, 404, 422, 409 with
 * text/x.tlog.mirror-info, or OK and the log and the checkpoint (size = header.end) that its
 * packages are proved against. UNKNOWN_LOG, BAD_SIZE, BAD_PROOF (no pending checkpoint ever),
 * CONFLICT_SIZE, with the answer to each in `refused`; or STORE_*, likewise. Read or write
 * transaction; what it saw may be stale by the time the packages come, which harms nothing. */
struct upload {
    struct log log;
    uint64_t start;
    uint64_t end;
    struct hash root; /* of the pending checkpoint of size `end` */
    bool stopped;     /* a package of it was refused: no later one is stored. Written by its jobs */
};
enum status upload_begin(struct store_txn *txn, const struct upload_header *header,
                         struct upload *out, struct answer *refused) MUST_USE;

/* Stores one package after proving it; of entries stored already only the proof is checked. OK;
 * BAD_PROOF; CONFLICT_SIZE: a package of this upload before it was refused. */
struct package_job {
    struct job job;
    struct upload *upload;
    struct package package; /* its bytes borrowed until done */
    uint64_t next_entry;    /* out */
    void (*done)(struct package_job *job, enum status status);
};
void package_job_init(struct package_job *job);

/* Ends an upload. If this request brought all packages of its canonical sequence, and each was
 * stored or was there: moves the mirror checkpoint to upload->end and cosigns, 200; or 409 if the
 * mirror checkpoint is past it, or the pending checkpoint of that size is forgotten; or 503 if the
 * clock may be wrong, and what was stored stays. Else, by
 * `failed`: 422 for a proof that does not verify; else 202 with the next entry if any package was
 * stored, and 400 if none was. Bytes after the last package are not looked at. */
struct upload_end_job {
    struct job job;
    const struct upload *upload;
    const struct cosigner *cosigner;
    uint64_t now_seconds;
    enum peers_say peers;
    uint64_t saved;                 /* packages proved by this request, `last` not counted */
    const struct package_job *last; /* a package_job of this upload that was queued before this job,
                              whose outcome the host need not wait for: both may then share a
                              commit. NULL: none. Borrowed until done */
    struct refusal failed; /* of the package after them; status OK if the body just ended */
    uint64_t timestamp;    /* out: of the cosignature */
    struct answer answer;  /* out */
    void (*done)(struct upload_end_job *job, enum status batch_status);
};
/* Asserts that the mirror key is there: without it a node takes no uploads. */
void upload_end_job_init(struct upload_end_job *job);

/* --- add-candidate (specs/http.md): both requests of a log in step, in one and in one commit ---
 */

/* uint16 length of an add-checkpoint body, that body, and an add-entries body of one package. */
#define ADD_CANDIDATE_SIZE_MAX ((size_t)1 << 20)
struct add_candidate {
    struct bytes checkpoint; /* body of add-checkpoint */
    struct upload_header header;
    struct package package;
};
/* Views borrow. BAD_FORM; UNKNOWN_LOG as upload_header_parse. */
enum status add_candidate_parse(struct bytes body, struct add_candidate *out,
                                struct refusal *why) MUST_USE;

/* Does what add-checkpoint does, and if it succeeds what add-entries does, as in two requests. 200:
 * both did, the body has the cosignature lines of both, the witness's first. Else the answer is
 * that of the first that was refused; a checkpoint that was taken stays so. */
struct add_candidate_job {
    struct job job;
    struct bytes body; /* borrowed until done */
    const struct cosigner *cosigner;
    uint64_t now_seconds;
    enum peers_say peers;
    struct add_checkpoint_job checkpoint; /* out: as after add-checkpoint, `answer` included */
    struct upload upload;                 /* out, as are these: valid if a 200 is the answer */
    struct package_job package;
    struct upload_end_job end;
    struct answer answer; /* out */
    void (*done)(struct add_candidate_job *job, enum status batch_status);
};
/* Asserts that the mirror key is there. */
void add_candidate_job_init(struct add_candidate_job *job);

#endif
