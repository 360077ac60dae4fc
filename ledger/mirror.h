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
    struct bytes note; /* with the log's signature and whatever cosignatures came with it; borrowed
                          from the transaction */
};
/* NOT_FOUND: never had one. */
enum status mirror_pending(struct store_txn *txn, uint32_t log,
                           struct signed_checkpoint *out) MUST_USE;
enum status mirror_checkpoint(struct store_txn *txn, uint32_t log,
                              struct signed_checkpoint *out) MUST_USE;
/* What GET /<hex>/checkpoint and /witness/<hex>/checkpoint serve: the note with the node's own last
 * cosignature. */
enum status mirror_serve_checkpoint(struct store_txn *txn, uint32_t log, struct writer *w) MUST_USE;
enum status witness_serve_checkpoint(struct store_txn *txn, uint32_t log,
                                     struct writer *w) MUST_USE;

/* --- add-checkpoint --- */

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

/* What the refused checkpoint, validly signed, conflicts with: the host makes evidence of it
 * (ledger/fork.h). */
enum add_checkpoint_suspicion {
    SUSPECT_NONE,
    SUSPECT_SAME_SIZE, /* another root at the pending checkpoint's size: evidence (a) stands already
                        */
    SUSPECT_INCONSISTENT, /* the proof did not verify: reconcile by fetching the log's tiles */
};

/* Takes the request as a whole: unknown log 404, signature 403, sizes 400/409, consistency 422,
 * else 200 with the witness's cosignature (or an empty body if there is no witness key). */
struct add_checkpoint_job {
    struct job job;
    struct bytes body; /* borrowed until done */
    const struct cosigner *cosigner;
    uint64_t now_seconds;
    struct add_checkpoint request;
    struct log log;
    uint64_t timestamp;
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
/* Parses the header from the front of what has arrived. NOT_FOUND: more bytes are needed; BAD_FORM.
 */
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
/* The interval of the package that begins at `start` in an upload to `end`. */
void package_bounds(uint64_t start, uint64_t upload_end, uint64_t *package_end);
/* Parses the package [start, end) from what has arrived. NOT_FOUND: more bytes are needed (call
 * again with all of them; `scan` keeps the place so that nothing is scanned twice; 0 at first).
 * BAD_FORM: more than 63 hashes. */
enum status package_parse(struct bytes available, uint64_t start, uint64_t end, size_t *scan,
                          struct package *out, size_t *consumed) MUST_USE;
/* The most bytes a package can take: the host's buffer needs no more. */
#define PACKAGE_SIZE_MAX (BUNDLE_SIZE_MAX + 1 + PACKAGE_PROOF_MAX * HASH_SIZE)

/* Checks an upload's header against the log's state: 404, 422, 409 with text/x.tlog.mirror-info, or
 * OK and the log and the checkpoint (size = header.end) that its packages are proved against. Read
 * or write transaction. */
struct upload {
    struct log log;
    uint64_t start;
    uint64_t end;
    struct hash root; /* of the pending checkpoint of size `end` */
};
enum status upload_begin(struct store_txn *txn, const struct upload_header *header,
                         struct upload *out, struct answer *refused) MUST_USE;

/* Stores one package after proving it. OK, or BAD_PROOF (422). */
struct package_job {
    struct job job;
    const struct upload *upload;
    struct package package; /* its bytes borrowed until done */
    uint64_t next_entry;    /* out */
    void (*done)(struct package_job *job, enum status status);
};
void package_job_init(struct package_job *job);

/* Ends an upload: if all up to upload->end is stored, moves the mirror checkpoint there (never
 * back) and cosigns: 200; else, if `saved` packages were stored, 202 with the next entry; none:
 * `failed` (400 or 422) as the host saw it. */
struct upload_end_job {
    struct job job;
    const struct upload *upload;
    const struct cosigner *cosigner;
    uint64_t now_seconds;
    uint64_t saved;        /* packages stored by this request */
    struct refusal failed; /* status OK if the body ended without fault */
    bool cosign;           /* set by apply */
    uint64_t timestamp;
    struct answer answer; /* out */
    void (*done)(struct upload_end_job *job, enum status batch_status);
};
void upload_end_job_init(struct upload_end_job *job);

#endif
