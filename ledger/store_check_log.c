#include "ledger/store_check_log.h"

#include "ledger/cosignature.h"
#include "ledger/event.h"
#include "ledger/fork.h"
#include "ledger/mirror.h"
#include "ledger/schema.h"
#include "ledger/sequencer.h"

#include <assert.h>
#include <string.h>

/* One log under check. */
struct look {
    struct store_check *check;
    struct store_txn *txn;
    const struct log *log;
    uint64_t size;
    const struct store_check_keys *keys;
};

#define FOUND(look, ...) store_check_found((look)->check, "log " __VA_ARGS__)

/* --- one checkpoint --- */

static enum status check_root(struct look *l, const char *what,
                              const struct checkpoint *checkpoint) {
    struct hash root;
    if (checkpoint->size > l->size) {
        return STATUS_OK; /* a pending one runs ahead of the entries: nothing to compare with yet */
    }
    enum status status = tree_root_at(l->txn, l->log->number, checkpoint->size, &root);
    if (status == STATUS_OK && !hash_equal(&root, &checkpoint->root)) {
        FOUND(l,
              "%s: the %s checkpoint of size %llu signs another root than the stored entries have",
              l->log->vkey.name, what, (unsigned long long)checkpoint->size);
    } else if (status != STATUS_OK) {
        FOUND(l, "%s: the root at size %llu cannot be computed: %s", l->log->vkey.name,
              (unsigned long long)checkpoint->size, status_text(status));
    }
    return STATUS_OK;
}

/* Lines by keys that were named. */
static void check_lines(struct look *l, const char *what, const struct note *note) {
    for (size_t i = 0; i < l->keys->count; i++) {
        uint64_t time = 0;
        if (cosignature_find(note, &l->keys->cosigners[i], &time) == STATUS_DENIED_SIGNATURE) {
            FOUND(l, "%s: on the %s checkpoint, the cosignature by %s does not verify",
                  l->log->vkey.name, what, l->keys->cosigners[i].name);
        }
    }
}

/* Parses and checks the signed checkpoint in `bytes`. False: it could not even be read. */
static bool check_note(struct look *l, const char *what, struct bytes bytes, struct note *note,
                       struct checkpoint *checkpoint) {
    struct refusal why;
    if (checkpoint_parse(bytes, note, checkpoint, &why) != STATUS_OK) {
        FOUND(l, "%s: the %s checkpoint cannot be read: %s", l->log->vkey.name, what, why.text);
        return false;
    }
    if (!bytes_equal(checkpoint->origin, vkey_name(&l->log->vkey)) ||
        note_verify(note, &l->log->vkey) != STATUS_OK) {
        FOUND(l, "%s: the %s checkpoint of size %llu is not signed by the log's key",
              l->log->vkey.name, what, (unsigned long long)checkpoint->size);
    }
    check_lines(l, what, note);
    return true;
}

/* --- the own log --- */

static enum status check_quorum(struct look *l, const struct note *note,
                                const struct checkpoint *checkpoint, uint64_t quorum_time) {
    uint64_t index = 0;
    uint64_t received = 0;
    struct bytes entry;
    struct bytes text;
    struct event event;
    struct policy policy;
    struct bytes operators[POLICY_WITNESSES_MAX];
    uint64_t times[POLICY_WITNESSES_MAX];
    uint64_t time = 0;
    policy_set have = 0;
    size_t which = 0;
    struct refusal why;
    if ((l->log->flags & LOG_EVENTS) == 0) {
        return STATUS_OK; /* an opaque log's policy is in node.ini's folder, not here */
    }
    enum status status = policy_in_force(l->txn, l->log->number, checkpoint->size, &index);
    if (status == STATUS_OK) {
        status = tree_entry(l->txn, l->log->number, index, &entry);
    }
    if (status != STATUS_OK || entry_parse(entry, &received, &text, NULL) != STATUS_OK ||
        event_parse(text, &event, NULL) != STATUS_OK) {
        FOUND(l, "%s: no policy can be read for the published checkpoint of size %llu",
              l->log->vkey.name, (unsigned long long)checkpoint->size);
        return STATUS_OK;
    }
    if (event.kind->id == KIND_LOG_POLICY) {
        event_policy(&event, &policy, operators);
        if (policy_check(&policy, note, checkpoint, &have, times, &which, &why) != STATUS_OK) {
            FOUND(l, "%s: the published checkpoint of size %llu: %s", l->log->vkey.name,
                  (unsigned long long)checkpoint->size, why.text);
        } else if (policy_quorum_time(&policy, times, &time) && time != quorum_time) {
            FOUND(l,
                  "%s: the published checkpoint of size %llu had its quorum at %llu, and %llu is "
                  "kept",
                  l->log->vkey.name, (unsigned long long)checkpoint->size, (unsigned long long)time,
                  (unsigned long long)quorum_time);
        }
    } else {
        FOUND(l, "%s: entry %llu is listed as a policy and is none", l->log->vkey.name,
              (unsigned long long)index);
    }
    event_release(&event);
    return STATUS_OK;
}

static enum status check_published_value(struct look *l, const struct published *published) {
    struct note note;
    struct checkpoint checkpoint;
    uint64_t size = published->size;
    if (!check_note(l, "published", published->note, &note, &checkpoint)) {
        return STATUS_OK;
    }
    if (checkpoint.size != size || size > l->size) {
        FOUND(l, "%s: the published checkpoint kept at size %llu says %llu, of %llu entries",
              l->log->vkey.name, (unsigned long long)size, (unsigned long long)checkpoint.size,
              (unsigned long long)l->size);
        return STATUS_OK;
    }
    TRY(check_root(l, "published", &checkpoint));
    return check_quorum(l, &note, &checkpoint, published->quorum_time);
}

static enum status check_published(struct look *l, uint64_t head_size) {
    uint64_t at = 0;
    uint64_t time = 0;
    uint64_t fall = 0;
    struct published published;
    for (;;) {
        enum status status = sequencer_published_covering(l->txn, l->log->number, at, &published);
        if (status == STATUS_NOT_FOUND) {
            break;
        }
        TRY(status);
        if (published.size > head_size) {
            FOUND(l, "%s: a checkpoint of size %llu is published, the signed head is %llu",
                  l->log->vkey.name, (unsigned long long)published.size,
                  (unsigned long long)head_size);
        }
        fall = published.quorum_time < time ? published.size : fall;
        if (published.fall != fall) {
            FOUND(l, "%s: the published checkpoint of size %llu names the fall at %llu, not %llu",
                  l->log->vkey.name, (unsigned long long)published.size,
                  (unsigned long long)published.fall, (unsigned long long)fall);
        }
        TRY(check_published_value(l, &published));
        time = published.quorum_time;
        at = published.size; /* covering(at) is the first one larger than `at` */
    }
    enum status status = sequencer_published(l->txn, l->log->number, &published);
    if (status == STATUS_OK) {
        return check_published_value(l, &published); /* the refreshed one, if there is one */
    }
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

static enum status check_own(struct look *l) {
    struct head head = {.size = 0};
    struct note note;
    struct checkpoint checkpoint;
    enum status status = sequencer_head(l->txn, l->log, &head);
    if (status == STATUS_STORE_CORRUPT) {
        FOUND(l, "%s: the signed head is not a checkpoint signed by the log's key",
              l->log->vkey.name);
    } else if (status == STATUS_OK &&
               check_note(l, "signed", bytes_of(head.note, head.note_len), &note, &checkpoint)) {
        if (head.size > l->size) {
            FOUND(l, "%s: the signed head covers %llu entries, %llu are stored", l->log->vkey.name,
                  (unsigned long long)head.size, (unsigned long long)l->size);
        }
        TRY(check_root(l, "signed", &checkpoint));
    } else if (status != STATUS_OK && status != STATUS_NOT_FOUND) {
        return status;
    }
    return check_published(l, head.size);
}

/* --- a mirrored log --- */

static enum status check_held(struct look *l, const char *what,
                              const struct signed_checkpoint *held) {
    uint8_t memory[CHECKPOINT_SIZE_MAX + 512];
    struct writer w;
    struct note note;
    struct checkpoint checkpoint;
    writer_init(&w, memory, sizeof memory);
    writer_bytes(&w, held->note);
    writer_bytes(&w, held->line); /* the node's own cosignature is kept apart */
    if (w.failed || !check_note(l, what, writer_view(&w), &note, &checkpoint)) {
        return STATUS_OK;
    }
    if (checkpoint.size != held->size || !hash_equal(&checkpoint.root, &held->root)) {
        FOUND(l, "%s: the %s checkpoint is kept under another size or root than it signs",
              l->log->vkey.name, what);
    }
    return check_root(l, what, &checkpoint);
}

static enum status check_mirrored(struct look *l) {
    struct signed_checkpoint pending = {.size = 0};
    struct signed_checkpoint mirrored = {.size = 0};
    enum status has_pending = mirror_pending(l->txn, l->log->number, &pending);
    if (has_pending == STATUS_OK) {
        TRY(check_held(l, "pending", &pending));
    } else if (has_pending == STATUS_STORE_CORRUPT) {
        FOUND(l, "%s: the pending checkpoint cannot be read", l->log->vkey.name);
    } else if (has_pending != STATUS_NOT_FOUND) {
        return has_pending;
    }
    enum status has_mirrored = mirror_checkpoint(l->txn, l->log->number, &mirrored);
    if (has_mirrored == STATUS_OK) {
        TRY(check_held(l, "mirror", &mirrored));
    } else if (has_mirrored == STATUS_STORE_CORRUPT) {
        FOUND(l, "%s: the mirror checkpoint cannot be read", l->log->vkey.name);
    } else if (has_mirrored != STATUS_NOT_FOUND) {
        return has_mirrored;
    }
    if (mirrored.size > l->size || l->size > pending.size || mirrored.size > pending.size) {
        FOUND(l, "%s: out of order: mirror checkpoint %llu, stored %llu, pending %llu",
              l->log->vkey.name, (unsigned long long)mirrored.size, (unsigned long long)l->size,
              (unsigned long long)pending.size);
    }
    for (uint64_t above = 0;;) {
        struct signed_checkpoint earlier;
        enum status status = mirror_stored_above(l->txn, l->log->number, above, &earlier);
        if (status == STATUS_NOT_FOUND) {
            return check_published(l, l->size); /* what is kept of its quorums */
        }
        TRY(status);
        TRY(check_held(l, "earlier pending", &earlier));
        above = earlier.size;
    }
}

enum status store_check_checkpoints(struct store_check *check, struct store_txn *txn,
                                    const struct log *log, uint64_t size,
                                    const struct store_check_keys *keys) {
    struct look l = {.check = check, .txn = txn, .log = log, .size = size, .keys = keys};
    return (log->flags & LOG_OWN) != 0 ? check_own(&l) : check_mirrored(&l);
}

/* --- evidence --- */

static enum status check_evidence_file(void *context, const struct vkey *accused,
                                       struct bytes content) {
    struct store_check *check = context;
    struct evidence evidence;
    struct refusal why;
    if (evidence_parse(content, &evidence, &why) != STATUS_OK) {
        store_check_found(check, "evidence against %s cannot be read: %s", accused->name, why.text);
    } else if (evidence_verify(&evidence, accused, &why) != STATUS_OK) {
        store_check_found(check, "evidence against %s: %s", accused->name, why.text);
    }
    return STATUS_OK;
}

static enum status check_unreconciled(void *context, const struct vkey *log, struct bytes content) {
    struct store_check *check = context;
    struct note note;
    struct checkpoint checkpoint;
    struct refusal why;
    if (checkpoint_parse(content, &note, &checkpoint, &why) != STATUS_OK) {
        store_check_found(check, "an unreconciled checkpoint of %s cannot be read: %s", log->name,
                          why.text);
    }
    return STATUS_OK;
}

enum status store_check_evidence(struct store_check *check, struct store_txn *txn) {
    TRY(fork_each_evidence(txn, check_evidence_file, check));
    return fork_each_unreconciled(txn, check_unreconciled, check);
}
