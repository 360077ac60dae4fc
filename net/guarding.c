#include "net/guarding.h"

#include "net/log.h"
#include "net/outside.h"

#include <inttypes.h>
#include <string.h>

/* What the head file names was signed. The folder must hold it, if it is as large. */
static enum status check_continues(struct node *node, struct store_txn *txn, struct refusal *why) {
    const struct guard_record *found = outside_found(node->outside);
    struct hash root;
    enum status status = tree_root_at(txn, node->own.number, found->size, &root);
    if (status != STATUS_OK) {
        return refuse(why, status, "the root at %" PRIu64 " cannot be read: %s: run dutylog fsck",
                      found->size, status_text(status));
    }
    if (!hash_equal(&root, &found->root)) {
        return refuse(why, STATUS_BAD_LOG,
                      "%s names a checkpoint of size %" PRIu64
                      " that this log's key signed, and the data folder has another history: the "
                      "log is forked. Find the folder that belongs to this head file",
                      node->config.head, found->size);
    }
    return STATUS_OK;
}

/* A cut whose commit was durable when the process ended, and the record not yet: nothing of it
 * left. It is pushed now, so the record has to know of it first; else a folder put back from before
 * the cut would fit the record. */
static enum status catch_up(struct node *node, struct store_txn *txn, const struct head *head,
                            struct refusal *why) {
    const struct guard_record *found = outside_found(node->outside);
    if (found == NULL || !found->has_log || head->size < found->size ||
        !bytes_equal(bytes_text(found->origin), vkey_name(&node->own.vkey))) {
        return STATUS_OK;
    }
    TRY(check_continues(node, txn, why));
    return outside_set_head(node->outside, head, why);
}

static enum status judge_own(struct node *node, struct store_txn *txn, struct refusal *why) {
    struct head head = {.size = 0};
    const struct guard_record *found = outside_found(node->outside);
    enum status status = sequencer_head(txn, &node->own, &head);
    if (status != STATUS_OK && status != STATUS_NOT_FOUND) {
        return refuse(why, status, "the last signed head cannot be read: %s", status_text(status));
    }
    switch (guard_judge(found, vkey_name(&node->own.vkey), &head)) {
    case GUARD_FITS:
        node->guard = GUARD_QUORUM;
        return STATUS_OK;
    case GUARD_DIFFERS:
        log_line(LOG_WARN, "guard", "every-mirror",
                 "signed=%" PRIu64 " outside=%" PRIu64
                 " why=\"%s\" do=\"wait until all mirrors are heard, or exempt one by name\"",
                 head.size, found != NULL ? found->size : 0,
                 found != NULL ? "the head file names another signed head than the data folder has"
                               : "the head file is missing or damaged");
        node->guard = GUARD_ALL;
        return catch_up(node, txn, &head, why);
    case GUARD_LOST:
        break;
    }
    log_line(LOG_ERROR, "guard", "lost", "data=%s head=%s", node->config.data, node->config.head);
    return refuse(why, STATUS_BAD_LOG,
                  "nothing was signed in this data folder, and the head file %s. Is the log new: "
                  "dutylog keygen --head FILE. Was its folder lost: dutylogd --restore-from URL of "
                  "a mirror",
                  found != NULL && found->has_log ? "says that something was"
                                                  : "does not say that the log is new");
}

/* Where the store is behind what left. The count goes on from the larger of the two. */
static enum status hold_logs(struct node *node, struct store_txn *txn, uint64_t commits) {
    size_t held = 0;
    for (size_t i = 0; i < node->log_count; i++) {
        if ((node->logs[i].flags & LOG_OWN) == 0) {
            TRY(guard_hold(txn, node->logs[i].number));
            held++;
        }
    }
    if (held > 0) {
        log_line(LOG_WARN, "guard", "cosigns-nothing",
                 "logs=%zu why=\"the data folder is behind the head file, or that is missing or "
                 "damaged\" do=\"wait until each log and its mirrors have said what was cosigned\"",
                 held);
    }
    TRY(guard_hold_new(txn));
    return guard_set_commits(txn, commits);
}

static enum status compare(struct node *node, struct store_txn *txn, uint64_t *commits,
                           bool *behind, struct refusal *why) {
    const struct guard_record *found = outside_found(node->outside);
    enum status status = guard_commits(txn, commits);
    if (status != STATUS_OK) {
        return refuse(why, status, "%s: %s: run dutylog fsck", node->config.data,
                      status_text(status));
    }
    if (node->has_own) {
        TRY(judge_own(node, txn, why));
    }
    *behind = found == NULL || *commits < found->commit;
    if (*behind) {
        *commits = (found != NULL ? found->commit : *commits) + 1;
        status = hold_logs(node, txn, *commits);
        if (status != STATUS_OK) {
            return refuse(why, status, "%s: %s", node->config.data, status_text(status));
        }
    }
    return STATUS_OK;
}

enum status guarding_open(struct node *node, struct refusal *why) {
    struct store_txn *txn = NULL;
    uint64_t commits = 0;
    bool behind = false;
    node->guard = GUARD_QUORUM;
    if (node->config.head[0] == '\0') {
        if (node->has_own || node->config.has_mirror) {
            log_line(LOG_WARN, "guard", "no-head-file",
                     "why=\"a data folder put back from a backup is not always known for what it "
                     "is\" do=\"name a file outside it as head in node.ini\"");
        }
        return STATUS_OK;
    }
    for (size_t i = 0; i < node->config.exempt_count; i++) {
        log_line(LOG_WARN, "guard", "exempt",
                 "name=%s do=\"remove it from node.ini once the node is up\"",
                 node->config.exempt[i]);
    }
    TRY(outside_open(node->config.head, &node->outside, why));
    enum status status = store_begin(node->store, STORE_WRITE, &txn);
    if (status != STATUS_OK) {
        return refuse(why, status, "%s: %s", node->config.data, status_text(status));
    }
    status = compare(node, txn, &commits, &behind, why);
    if (status != STATUS_OK || !behind) {
        store_abort(txn);
        return status;
    }
    status = store_commit(txn);
    if (status != STATUS_OK) {
        return refuse(why, status, "%s: %s", node->config.data, status_text(status));
    }
    return outside_set_commit(node->outside, commits, why);
}

void guarding_behind(struct node *node, struct bytes note_bytes, const char *url) {
    struct note note;
    struct checkpoint checkpoint;
    const struct guard_record *found = node->outside != NULL ? outside_found(node->outside) : NULL;
    if (node->behind_stays || url[0] == '\0' || found == NULL || !found->has_log ||
        !bytes_equal(bytes_text(found->origin), vkey_name(&node->own.vkey)) ||
        checkpoint_parse(note_bytes, &note, &checkpoint, NULL) != STATUS_OK ||
        checkpoint.size > found->size) {
        return;
    }
    log_line(LOG_WARN, "guard", "behind",
             "shown=%" PRIu64 " outside=%" PRIu64
             " url=%s why=\"the data folder is older than what was signed: it is fetched\"",
             checkpoint.size, found->size, url);
    memcpy(node->behind_url, url, strlen(url) + 1);
    loop_stop(node->loop);
}

enum replica_guard guarding_again(struct node *node, const struct head *head) {
    struct guard_record record;
    if (node->outside == NULL) {
        return GUARD_QUORUM;
    }
    bool read = outside_read_again(node->outside, &record) == STATUS_OK;
    enum guard_verdict verdict =
        guard_judge(read ? &record : NULL, vkey_name(&node->own.vkey), head);
    return verdict == GUARD_FITS ? GUARD_QUORUM : GUARD_ALL;
}
