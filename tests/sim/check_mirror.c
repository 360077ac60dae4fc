/* What an honest mirror lets out, stores, judges and finds. */
#include "ledger/accept.h"
#include "ledger/evidence.h"
#include "tests/sim/check.h"

#include <assert.h>
#include <inttypes.h>

uint32_t check_histories(const struct book *book, uint64_t size, const struct hash *root) {
    uint32_t found = 0;
    for (size_t h = 0; h < book->history_count; h++) {
        found |= (uint32_t)history_has(&book->histories[h], size, root) << h;
    }
    return found;
}

/* --- durability --- */

static bool holds(struct store *store, uint32_t log, uint64_t size, const struct hash *root) {
    struct store_txn *txn = NULL;
    struct tree_head head;
    struct hash own;
    enum status status = store_begin(store, STORE_READ, &txn);
    if (status != STATUS_OK) {
        return false;
    }
    bool held = tree_read_head(txn, log, &head) == STATUS_OK && head.size >= size &&
                tree_root_at(txn, log, size, &own) == STATUS_OK && hash_equal(&own, root);
    store_abort(txn);
    return held;
}

bool check_durable(struct node *node, size_t book, uint64_t size, const struct hash *root) {
    struct store *durable = NULL;
    uint32_t log = node->logs[book].number;
    enum status status = store_memory_clone(node->disk->store, NULL, &durable);
    assert(status == STATUS_OK);
    bool held = log != 0 && holds(durable, log, size, root);
    store_memory_close(durable);
    return held;
}

/* The host's own tree goes on from what it let out, and from what it published. */
static void check_host_store(struct node *node, const struct book *book, struct store_txn *txn) {
    const struct history *history = &book->histories[0];
    uint64_t size = history->frontier.size;
    uint32_t log = node->logs[book->number].number;
    struct published published = {.size = 0};
    struct tree_head head;
    struct hash root;
    if (book->rewound) {
        return;
    }
    enum status status = tree_read_head(txn, log, &head);
    if (status != STATUS_OK || head.size < size ||
        tree_root_at(txn, log, size, &root) != STATUS_OK ||
        !hash_equal(&root, &history->roots[size])) {
        sim_fail(node->sim, "G3", "%s does not hold the %" PRIu64 " entries that it signed",
                 node->name, size);
    }
    status = sequencer_published(txn, log, &published);
    if ((status != STATUS_OK && status != STATUS_NOT_FOUND) ||
        published.size < book->published_size) {
        sim_fail(node->sim, "G3", "%s published %" PRIu64 " and now %" PRIu64, node->name,
                 book->published_size, published.size);
    }
}

void check_node(struct node *node) {
    struct store_txn *txn = node_read(node);
    if (txn == NULL) {
        return;
    }
    if (node->hosts != NULL) {
        check_host_store(node, node->hosts, txn);
    }
    store_abort(txn);
    for (size_t b = 0; b < node->sim->book_count; b++) {
        const struct watch *watch = &node->watch[b][WATCH_MIRROR];
        if (node->honest && watch->size > 0 &&
            !holds(node->disk->store, node->logs[b].number, watch->size, &watch->root)) {
            sim_fail(node->sim, "G1", "%s cosigned %" PRIu64 " and does not hold it any more",
                     node->name, watch->size);
        }
    }
}

/* Where no head file is left, the log's key may sign again what reached nobody and never will. */
static void forget_unseen(struct node *node) {
    struct tree_head tree;
    struct store_txn *txn = node_read(node);
    assert(txn != NULL);
    enum status status = tree_read_head(txn, node->logs[node->hosts->number].number, &tree);
    assert(status == STATUS_OK);
    store_abort(txn);
    book_forget(node->hosts, tree.size);
}

void check_restored(struct node *node, bool bare) {
    node->media_lost = true;
    for (size_t b = 0; b < SIM_BOOKS_MAX; b++) {
        for (size_t r = 0; r < WATCH_ROLES; r++) {
            node->watch[b][r] = (struct watch){.histories = UINT32_MAX};
        }
        node->judged[b] = 0;
    }
    if (node->hosts != NULL) {
        node->hosts->rewound = true;
    }
    if (node->hosts != NULL && bare) {
        forget_unseen(node);
    }
}

/* --- cosignatures --- */

static const char *role_text(enum watch_role role) {
    return role == WATCH_MIRROR ? "mirror" : "witness";
}

void check_cosigned(struct node *node, size_t book, enum watch_role role, uint64_t size,
                    const struct hash *root, uint64_t time) {
    struct sim *sim = node->sim;
    struct watch *watch = &node->watch[book][role];
    sim->counts.cosignatures++;
    if (!node->honest) {
        return;
    }
    if (time < watch->time || size < watch->size) {
        sim_fail(sim, "G3",
                 "%s's %s cosigned %" PRIu64 " at %" PRIu64 " after %" PRIu64 " at %" PRIu64,
                 node->name, role_text(role), size, time, watch->size, watch->time);
    }
    watch->histories &= check_histories(&sim->books[book], size, root);
    if (watch->histories == 0) {
        sim_fail(sim, "G3", "%s's %s cosigned %" PRIu64 ", which does not continue what it did",
                 node->name, role_text(role), size);
    }
    if (role == WATCH_MIRROR && !check_durable(node, book, size, root)) {
        sim_fail(sim, "G1", "%s cosigned %" PRIu64 " before it was durable", node->name, size);
    }
    *watch =
        (struct watch){.size = size, .root = *root, .time = time, .histories = watch->histories};
}

/* --- judging --- */

void check_judged(struct node *node, size_t book, uint64_t judged) {
    const struct book *known = &node->sim->books[book];
    struct store_txn *txn = node_read(node);
    if (judged < node->judged[book]) {
        sim_fail(node->sim, "judge", "%s judged %" PRIu64 " and now %" PRIu64, node->name,
                 node->judged[book], judged);
    }
    for (uint64_t i = node->judged[book]; known->honest && txn != NULL && i < judged; i++) {
        struct refusal why = {.text = ""};
        enum status status = judge_verdict(txn, node->logs[book].number, i, &why);
        if (status != STATUS_OK) {
            sim_fail(node->sim, "judge", "%s refuses entry %" PRIu64 ", which was accepted: %s",
                     node->name, i, why.text);
        }
    }
    if (txn != NULL) {
        store_abort(txn);
    }
    node->judged[book] = judged;
}

/* --- evidence --- */

struct evidence_check {
    struct node *node;
    size_t count;
};

static enum status check_file(void *context, const struct vkey *key, struct bytes content) {
    struct evidence_check *check = context;
    struct sim *sim = check->node->sim;
    struct evidence evidence;
    struct refusal why = {.text = ""};
    const struct book *accused = NULL;
    for (size_t b = 0; b < sim->book_count; b++) {
        accused = sim->books[b].world.log.vkey.id == key->id ? &sim->books[b] : accused;
    }
    check->count++;
    if (accused == NULL || accused->honest) {
        sim_fail(sim, "G2", "%s made evidence against an honest log", check->node->name);
    } else if (evidence_parse(content, &evidence, &why) != STATUS_OK ||
               evidence_verify(&evidence, &accused->world.log.vkey, &why) != STATUS_OK) {
        sim_fail(sim, "G2", "%s keeps evidence that proves nothing: %s", check->node->name,
                 why.text);
    }
    return STATUS_OK;
}

static enum status count_one(void *context, const struct vkey *key, struct bytes content) {
    (void)key;
    (void)content;
    ++*(size_t *)context;
    return STATUS_OK;
}

/* Do what the node cosigned and this note exclude each other? */
static bool excludes(const struct node *node, const struct book *book, struct bytes bytes) {
    struct note note;
    struct checkpoint checkpoint;
    if (book->honest || checkpoint_parse(bytes, &note, &checkpoint, NULL) != STATUS_OK ||
        note_verify(&note, &book->world.log.vkey) != STATUS_OK) {
        return false;
    }
    uint32_t theirs = check_histories(book, checkpoint.size, &checkpoint.root);
    return theirs != 0 && (theirs & node->watch[book->number][WATCH_WITNESS].histories) == 0;
}

void check_examined(struct node *node, size_t book, struct bytes note, enum status status,
                    enum fork_outcome outcome) {
    struct sim *sim = node->sim;
    struct evidence_check check = {.node = node};
    size_t unreconciled = 0;
    struct store_txn *txn = node->honest ? node_read(node) : NULL;
    if (txn == NULL) {
        return;
    }
    enum status visited = fork_each_evidence(txn, check_file, &check);
    assert(visited == STATUS_OK);
    visited = fork_each_unreconciled(txn, count_one, &unreconciled);
    assert(visited == STATUS_OK);
    store_abort(txn);
    sim->counts.evidence += outcome == FORK_PROVED;
    sim->counts.unreconciled += outcome == FORK_UNRECONCILED;
    bool full = status == STATUS_BUSY &&
                (check.count >= EVIDENCE_PER_KEY_MAX || unreconciled >= EVIDENCE_PER_KEY_MAX);
    if (excludes(node, &sim->books[book], note) && !batch_is_fatal(status) && !full &&
        (status != STATUS_OK || outcome == FORK_NONE)) {
        sim_fail(sim, "G2",
                 "%s compared two checkpoints that exclude each other, and keeps nothing",
                 node->name);
    }
}
