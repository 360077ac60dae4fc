/* What an evidence file proves against a key (specs/evidence.md). */
#include "ledger/evidence.h"

#include "ledger/cosignature.h"
#include "ledger/proof.h"

#include <assert.h>
#include <inttypes.h>

/* Origins are quoted up to here, so that the rest of the line is never cut off. */
#define QUOTE_MAX 60
#define QUOTE(b) ((b).len > QUOTE_MAX ? QUOTE_MAX : (int)(b).len), (const char *)(b).data

/* A signed checkpoint of the file. */
struct statement {
    struct note note;
    struct checkpoint checkpoint;
};

static const char *who(const struct vkey *key) {
    return key->type == VKEY_NOTE ? "log" : "cosigner";
}

/* Did the accused sign this? A cosignature counts as well as a signature: tlog-cosignature lets a
 * cosigner vouch only for one consistent tree per origin. */
static enum status check_signed(const struct note *note, int number, const struct vkey *key,
                                struct refusal *why) {
    uint64_t timestamp;
    enum status found =
        key->type == VKEY_NOTE ? note_verify(note, key) : cosignature_find(note, key, &timestamp);
    if (found == STATUS_OK) {
        return STATUS_OK;
    }
    return refuse(why, STATUS_DENIED_SIGNATURE, "checkpoint %d: %s", number,
                  found == STATUS_NOT_FOUND ? "the accused key did not sign it"
                                            : "a signature by the accused key does not verify");
}

static enum status check_origins(const struct checkpoint *one, const struct checkpoint *two,
                                 struct refusal *why) {
    if (!bytes_equal(one->origin, two->origin)) {
        return refuse(why, STATUS_BAD_PROOF,
                      "the two checkpoints are of different logs: nothing is proved");
    }
    return STATUS_OK;
}

static enum status load_statement(struct bytes part, int number, const struct vkey *key,
                                  struct statement *out, struct refusal *why) {
    struct refusal inner;
    enum status status = checkpoint_parse(part, &out->note, &out->checkpoint, &inner);
    if (status != STATUS_OK) {
        return refuse(why, status, "checkpoint %d: %s", number, inner.text);
    }
    return check_signed(&out->note, number, key, why);
}

static enum status load_statements(const struct evidence *evidence, const struct vkey *key,
                                   struct statement out[2], struct refusal *why) {
    for (int i = 0; i < 2; i++) {
        TRY(load_statement(evidence->parts[i], i + 1, key, &out[i], why));
    }
    return check_origins(&out[0].checkpoint, &out[1].checkpoint, why);
}

static enum status check_smaller_first(uint64_t m, uint64_t n, char form, struct refusal *why) {
    if (m < n) {
        return STATUS_OK;
    }
    return refuse(why, STATUS_BAD_PROOF,
                  "form %c is of two sizes, the smaller first; these are %" PRIu64 " and %" PRIu64,
                  form, m, n);
}

static enum status verify_two_roots(const struct evidence *evidence, const struct vkey *key,
                                    struct refusal *why) {
    struct statement s[2];
    TRY(load_statements(evidence, key, s, why));
    const struct checkpoint *one = &s[0].checkpoint;
    const struct checkpoint *two = &s[1].checkpoint;
    if (one->size != two->size) {
        return refuse(why, STATUS_BAD_PROOF,
                      "form a is of one size; these are %" PRIu64 " and %" PRIu64, one->size,
                      two->size);
    }
    if (hash_equal(&one->root, &two->root)) {
        return refuse(why, STATUS_BAD_PROOF,
                      "both checkpoints have the same root: nothing is proved");
    }
    return refuse(why, STATUS_OK,
                  "proved: the %s signed two different trees of %" PRIu64 " entries for %.*s",
                  who(key), one->size, QUOTE(one->origin));
}

/* The hashes tie the larger signed root to one tree of n leaves, in which the first m leaves have
 * the root that is computed here. The key signed another. */
static enum status verify_not_a_prefix(const struct evidence *evidence, const struct vkey *key,
                                       struct refusal *why) {
    struct statement s[2];
    struct hash root_m;
    struct hash root_n;
    TRY(load_statements(evidence, key, s, why));
    const struct checkpoint *small = &s[0].checkpoint;
    const struct checkpoint *large = &s[1].checkpoint;
    TRY(check_smaller_first(small->size, large->size, 'b', why));
    if (!merkle_subproof_roots(small->size, large->size, evidence->hashes.hashes,
                               evidence->hashes.count, &root_m, &root_n)) {
        return refuse(why, STATUS_BAD_PROOF,
                      "%zu hashes are not a proof between sizes %" PRIu64 " and %" PRIu64,
                      evidence->hashes.count, small->size, large->size);
    }
    if (!hash_equal(&root_n, &large->root)) {
        return refuse(why, STATUS_BAD_PROOF,
                      "the hashes do not rebuild the signed root at size %" PRIu64, large->size);
    }
    if (hash_equal(&root_m, &small->root)) {
        return refuse(why, STATUS_BAD_PROOF,
                      "the smaller tree is a prefix of the larger one: nothing is proved");
    }
    return refuse(why, STATUS_OK,
                  "proved: the %s signed trees of %" PRIu64 " and %" PRIu64
                  " entries for %.*s, and the smaller is not the beginning of the larger",
                  who(key), small->size, large->size, QUOTE(small->origin));
}

static enum status load_proof(const struct evidence *evidence, int which, const struct vkey *key,
                              struct proof *out, struct refusal *why) {
    struct refusal inner;
    enum status status = proof_parse(evidence->parts[which], out, &inner);
    if (status != STATUS_OK) {
        return refuse(why, status, "proof %d: %s", which + 1, inner.text);
    }
    TRY(check_signed(&out->note, which + 1, key, why));
    if (proof_check_inclusion(out, &evidence->hashes.hashes[which]) != STATUS_OK) {
        return refuse(why, STATUS_BAD_PROOF, "proof %d does not lead from its leaf to its root",
                      which + 1);
    }
    return STATUS_OK;
}

/* A proof's length follows from index and size, so both hashes stand at the same place in the row
 * of leaves, whatever the entries behind them are. */
static enum status verify_two_leaves(const struct evidence *evidence, const struct vkey *key,
                                     struct refusal *why) {
    struct proof p[2];
    assert(evidence->hashes.count == 2);
    TRY(load_proof(evidence, 0, key, &p[0], why));
    TRY(load_proof(evidence, 1, key, &p[1], why));
    TRY(check_origins(&p[0].checkpoint, &p[1].checkpoint, why));
    TRY(check_smaller_first(p[0].checkpoint.size, p[1].checkpoint.size, 'c', why));
    if (p[0].index != p[1].index) {
        return refuse(why, STATUS_BAD_PROOF,
                      "the proofs are of entries %" PRIu64 " and %" PRIu64 ": nothing is proved",
                      p[0].index, p[1].index);
    }
    if (hash_equal(&evidence->hashes.hashes[0], &evidence->hashes.hashes[1])) {
        return refuse(why, STATUS_BAD_PROOF, "both proofs are of one leaf: nothing is proved");
    }
    return refuse(why, STATUS_OK,
                  "proved: the %s signed trees of %" PRIu64 " and %" PRIu64
                  " entries for %.*s with different entries at index %" PRIu64,
                  who(key), p[0].checkpoint.size, p[1].checkpoint.size,
                  QUOTE(p[0].checkpoint.origin), p[0].index);
}

/* The earliest and the latest cosignature by the key, at least one of which is there. */
static void find_times(const struct note *note, const struct vkey *key, uint64_t *earliest,
                       uint64_t *latest) {
    *earliest = UINT64_MAX;
    *latest = 0;
    for (size_t i = 0; i < note->count; i++) {
        uint64_t timestamp;
        if (cosignature_verify(&note->signatures[i], note->text, key, &timestamp) != STATUS_OK) {
            continue;
        }
        *earliest = timestamp < *earliest ? timestamp : *earliest;
        *latest = timestamp > *latest ? timestamp : *latest;
    }
    assert(*earliest <= *latest);
}

/* tlog-cosignature: a cosignature states that this is, as of its time, the largest tree that the
 * cosigner has observed. One second can hold both, in the right order: equal times prove nothing.
 */
static enum status verify_went_back(const struct evidence *evidence, const struct vkey *key,
                                    struct refusal *why) {
    struct statement s[2];
    uint64_t earliest;
    uint64_t latest;
    uint64_t unused;
    if (key->type != VKEY_COSIGNATURE) {
        return refuse(why, STATUS_BAD_PROOF,
                      "form d accuses a cosigner; the key given is a log's (type 0x01)");
    }
    TRY(load_statements(evidence, key, s, why));
    const struct checkpoint *small = &s[0].checkpoint;
    const struct checkpoint *large = &s[1].checkpoint;
    TRY(check_smaller_first(small->size, large->size, 'd', why));
    find_times(&s[0].note, key, &unused, &latest);
    find_times(&s[1].note, key, &earliest, &unused);
    if (latest <= earliest) {
        return refuse(why, STATUS_BAD_PROOF,
                      "size %" PRIu64 " was not cosigned after size %" PRIu64 ": nothing is proved",
                      small->size, large->size);
    }
    return refuse(why, STATUS_OK,
                  "proved: the cosigner vouched for %" PRIu64 " entries of %.*s at time %" PRIu64
                  ", and later, at %" PRIu64 ", for only %" PRIu64,
                  large->size, QUOTE(small->origin), earliest, latest, small->size);
}

enum status evidence_verify(const struct evidence *evidence, const struct vkey *key,
                            struct refusal *why) {
    switch (evidence->form) {
    case 'a':
        return verify_two_roots(evidence, key, why);
    case 'b':
        return verify_not_a_prefix(evidence, key, why);
    case 'c':
        return verify_two_leaves(evidence, key, why);
    default:
        assert(evidence->form == 'd');
        return verify_went_back(evidence, key, why);
    }
}
