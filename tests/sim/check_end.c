/* Once the faults have stopped. */
#include "ledger/accept.h"
#include "ledger/fork.h"
#include "ledger/store_check.h"
#include "tests/sim/check.h"
#include "tests/sim/host.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

/* --- has everything come to rest? --- */

static enum status count_of_book(void *context, const struct vkey *key, struct bytes content) {
    size_t *counts = context;
    (void)content;
    counts[0] += key->id == counts[1];
    return STATUS_OK;
}

static const char *mirror_unfinished(struct node *node, const struct book *book, uint64_t size) {
    struct store_txn *txn = node_read(node);
    uint32_t log = node->logs[book->number].number;
    struct signed_checkpoint mirrored = {.size = 0};
    uint64_t judged = 0;
    size_t counts[2] = {0, book->world.log.vkey.id};
    const char *why = NULL;
    if (txn == NULL) {
        return "a store is in doubt";
    }
    enum status status = mirror_checkpoint(txn, log, &mirrored);
    if (status != STATUS_OK && status != STATUS_NOT_FOUND) {
        why = "a mirror checkpoint cannot be read";
    } else if (book->honest && mirrored.size != size) {
        why = "a mirror is behind";
    } else if (!book->opaque &&
               (judge_size(txn, log, &judged) != STATUS_OK || judged != mirrored.size)) {
        why = "a mirror has not judged all that it stored";
    } else if (book->honest &&
               (fork_each_unreconciled(txn, count_of_book, counts) != STATUS_OK || counts[0] > 0)) {
        why = "a checkpoint of an honest log is unreconciled";
    }
    store_abort(txn);
    return why;
}

static const char *book_unfinished(struct sim *sim, struct book *book) {
    uint64_t size = 0;
    uint32_t members = 0;
    if (book->honest && book->rewound) {
        return NULL; /* it may have had to end */
    }
    if (book->honest) {
        if (!book->host->up) {
            return "a host is down";
        }
        const struct replica *replica = host_replica(book->host);
        size = replica->published;
        members = book_policy_at(book, size) != NULL ? book_policy_at(book, size)->members : 0;
        if (replica->state == REPLICA_HALTED) {
            return "an honest log is halted";
        }
        if (replica->published != replica->committed || size == 0) {
            return "not all that is committed is published";
        }
    }
    for (size_t i = 0; i < sim->node_count; i++) {
        struct node *node = &sim->nodes[i];
        if (!node->honest || !node->mirrors) {
            continue;
        }
        if (!node->up) {
            return node->name; /* its policy may have left it, and it is compared with the others */
        }
        if (book->honest && (members >> i & 1) == 0) {
            continue;
        }
        const char *why = mirror_unfinished(node, book, size);
        if (why != NULL) {
            return why;
        }
    }
    return NULL;
}

const char *check_unfinished(struct sim *sim) {
    for (size_t i = 0; i < sim->client_count; i++) {
        if (!sim->clients[i].book->rewound && !client_content(&sim->clients[i])) {
            return sim->clients[i].name;
        }
    }
    for (size_t b = 0; b < sim->book_count; b++) {
        const char *why = book_unfinished(sim, &sim->books[b]);
        if (why != NULL) {
            return why;
        }
    }
    return NULL;
}

/* --- is it what it should be? --- */

static void take_finding(void *context, const struct refusal *why) {
    struct node *node = context;
    sim_fail(node->sim, "store", "%s: %s", node->name, why->text);
}

static void check_stores(struct node *node) {
    struct store_txn *txn = node_read(node);
    struct store_check check = {.finding = take_finding, .context = node};
    uint32_t logs = 0;
    assert(txn != NULL);
    for (size_t b = 0; b < node->sim->book_count; b++) {
        if (node->logs[b].number != 0) {
            enum status status = store_check_tree(&check, txn, node->logs[b].number);
            assert(status == STATUS_OK);
        }
    }
    enum status status = logs_count(txn, &logs);
    assert(status == STATUS_OK);
    status = store_check_strays(&check, txn, logs);
    assert(status == STATUS_OK);
    store_abort(txn);
}

static bool same_issuer(const struct issuer *a, const struct issuer *b) {
    return a->number == b->number && vkey_equal(&a->vkey, &b->vkey) && a->roles == b->roles &&
           a->last_seq == b->last_seq && hash_equal(&a->last_id, &b->last_id) &&
           a->enrolled_at == b->enrolled_at && a->revoked_at == b->revoked_at &&
           a->enroller == b->enroller && a->kinds == b->kinds;
}

/* What a mirror judged is what the host accepted, key by key. */
static void check_issuers(struct node *host, struct node *mirror, const struct book *book) {
    struct store_txn *ours = node_read(host);
    struct store_txn *theirs = node_read(mirror);
    struct tree_head head;
    uint64_t judged = 0;
    assert(ours != NULL && theirs != NULL);
    enum status read = tree_read_head(ours, host->logs[book->number].number, &head);
    enum status found = judge_size(theirs, mirror->logs[book->number].number, &judged);
    assert(read == STATUS_OK && found == STATUS_OK);
    if (judged != head.size) {
        sim_fail(host->sim, "judge", "%s judged %" PRIu64 " of %" PRIu64, mirror->name, judged,
                 head.size);
    }
    for (size_t who = 0; who < WORLD_PEOPLE; who++) {
        struct bytes name = vkey_name(&book->world.people[who].vkey);
        struct issuer a;
        struct issuer b;
        memset(&a, 0, sizeof a);
        memset(&b, 0, sizeof b);
        enum status one = issuer_find(ours, host->logs[book->number].number, name, &a);
        enum status two = issuer_find(theirs, mirror->logs[book->number].number, name, &b);
        if (one != two || (one == STATUS_OK && !same_issuer(&a, &b))) {
            sim_fail(host->sim, "judge", "%s and %s do not agree on the key %s", host->name,
                     mirror->name, book->world.people[who].vkey.name);
        }
    }
    store_abort(ours);
    store_abort(theirs);
}

/* Two mirrors that stored the same prefix of a log judged it the same, whoever wrote it. */
static void compare_verdicts(struct node *a, struct node *b, size_t book) {
    struct store_txn *ours = node_read(a);
    struct store_txn *theirs = node_read(b);
    uint64_t sizes[2] = {0, 0};
    struct hash roots[2];
    assert(ours != NULL && theirs != NULL);
    if (judge_size(ours, a->logs[book].number, &sizes[0]) == STATUS_OK &&
        judge_size(theirs, b->logs[book].number, &sizes[1]) == STATUS_OK) {
        uint64_t size = sizes[0] < sizes[1] ? sizes[0] : sizes[1];
        bool same = tree_root_at(ours, a->logs[book].number, size, &roots[0]) == STATUS_OK &&
                    tree_root_at(theirs, b->logs[book].number, size, &roots[1]) == STATUS_OK &&
                    hash_equal(&roots[0], &roots[1]);
        for (uint64_t i = 0; same && i < size; i++) {
            if (judge_verdict(ours, a->logs[book].number, i, NULL) !=
                judge_verdict(theirs, b->logs[book].number, i, NULL)) {
                sim_fail(a->sim, "judge", "%s and %s judge entry %" PRIu64 " differently", a->name,
                         b->name, i);
            }
        }
    }
    store_abort(ours);
    store_abort(theirs);
}

static void check_mirrors_agree(struct sim *sim, struct book *book) {
    struct node *first = NULL;
    for (size_t i = 0; i < sim->node_count; i++) {
        struct node *node = &sim->nodes[i];
        if (!node->mirrors || !node->honest || book->opaque) {
            continue;
        }
        const struct known_policy *policy = book_policy_at(book, book->published_size);
        if (book->honest && !book->rewound && policy != NULL && (policy->members >> i & 1) != 0) {
            check_issuers(book->host, node, book);
        }
        if (first != NULL) {
            compare_verdicts(first, node, book->number);
        } else {
            first = node;
        }
    }
}

void check_end(struct sim *sim) {
    for (size_t i = 0; i < sim->node_count; i++) {
        if (sim->nodes[i].up && sim->nodes[i].honest) {
            check_stores(&sim->nodes[i]);
            check_node(&sim->nodes[i]);
        }
    }
    for (size_t b = 0; b < sim->book_count; b++) {
        struct book *book = &sim->books[b];
        check_mirrors_agree(sim, book);
        check_promises(book);
        for (size_t i = 0; i < book->promise_count && book->honest && !book->rewound; i++) {
            if (book->promises[i].index >= book->histories[0].frontier.size) {
                sim_fail(sim, "end", "entry %" PRIu64 " was taken and never signed",
                         book->promises[i].index);
            }
        }
    }
}
