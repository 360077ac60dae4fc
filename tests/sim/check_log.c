/* What an honest log lets out. */
#include "ledger/replica.h"
#include "tests/sim/check.h"
#include "tests/sim/clocks.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

void check_started(struct node *host, struct book *book, uint64_t signed_size, uint64_t published,
                   struct round *round) {
    if (!book->rewound && signed_size < book->signed_size) {
        sim_fail(host->sim, "G3", "%s forgot its signed head %" PRIu64 ": it has %" PRIu64,
                 host->name, book->signed_size, signed_size);
    }
    if (!book->rewound && published < book->published_size) {
        sim_fail(host->sim, "G3", "%s forgot its published size %" PRIu64 ": it has %" PRIu64,
                 host->name, book->published_size, published);
    }
    /* A commit that was doubted may have been one of either. */
    book->signed_size = signed_size;
    book->published_size = published;
    *round = (struct round){
        .size = signed_size, .since = node_now_ms(host), .over = published >= signed_size};
}

void check_round(const struct node *host, struct round *round) {
    uint64_t now = node_now_ms(host);
    round->since = now < round->since ? now : round->since;
    round->over = round->over || now >= round->since + host->hosts->options.round_timeout_ms;
}

void check_cut(struct node *host, struct book *book, uint64_t expected, const struct head *head,
               struct round *round) {
    host->sim->counts.rounds++;
    check_round(host, round);
    if (expected != book->signed_size || head->size <= expected) {
        sim_fail(host->sim, "G3",
                 "%s signed %" PRIu64 " over %" PRIu64 ", and the last signed head is %" PRIu64,
                 host->name, head->size, expected, book->signed_size);
    }
    if (round->size > 0 && !round->over) {
        sim_fail(host->sim, "G3", "%s signed %" PRIu64 " in the round of %" PRIu64, host->name,
                 head->size, round->size);
    }
    book->signed_size = head->size;
    clocks_note_cut(book, head->size);
    *round = (struct round){.size = head->size, .since = node_now_ms(host)};
}

/* --- the one history --- */

static void take_policy(struct book *book, const struct event *event, uint64_t index) {
    const char *text = event_open_text(event, "policy");
    for (size_t i = 0; i < book->policy_count; i++) {
        struct known_policy *policy = &book->policies[i];
        if (!policy->logged && strcmp(policy->text, text) == 0) {
            policy->logged = true;
            policy->index = index;
            if (!policy->safe) {
                sim_fail(book->sim, "G1",
                         "a policy that counts the operator's own mirror was accepted");
            }
            return;
        }
    }
    sim_fail(book->sim, "G3", "entry %" PRIu64 " is a policy that nobody made", index);
}

static size_t person_named(const struct book *book, struct bytes name) {
    size_t who = 0;
    while (who < WORLD_PEOPLE && !bytes_equal(vkey_name(&book->world.people[who].vkey), name)) {
        who++;
    }
    return who;
}

/* Anybody's, by a key made for it: its first event, and its only one. */
static void take_lodged(struct book *book, const struct event *event, uint64_t index) {
    for (size_t i = 0; i < book->lodged_count; i++) {
        if (hash_equal(&book->lodged[i], &event->id)) {
            sim_fail(book->sim, "accept", "entry %" PRIu64 " is a report again", index);
        }
    }
    if (event->seq != 1 || book->lodged_count == BOOK_LODGED_MAX) {
        sim_fail(book->sim, "accept", "entry %" PRIu64 " is a report that nobody made", index);
        return;
    }
    book->lodged[book->lodged_count++] = event->id;
}

/* A key that is revoked here signs no more; what is said of another log's keys changes nothing. */
static void take_revocation(struct book *book, const struct event *event) {
    bool foreign = event->kind->id == KIND_KEY_REVOKED && event_open_text(event, "vkey") != NULL;
    size_t who = person_named(book, bytes_text(event_open_text(event, "key")));
    if (!foreign) {
        book->issuers[who].revoked = true;
    }
}

/* Each key's events follow each other without a gap, and end where it is revoked. */
static void take_event(struct book *book, const struct event *event, uint64_t index) {
    size_t who = person_named(book, event->issuer);
    if (event->kind->id == KIND_REPORT_LODGED) {
        take_lodged(book, event, index);
        return;
    }
    if (who == WORLD_PEOPLE || book->issuers[who].revoked) {
        sim_fail(book->sim, "accept", "entry %" PRIu64 " is by a key that may not sign", index);
        return;
    }
    struct known_issuer *issuer = &book->issuers[who];
    if (event->seq != issuer->seq + 1 ||
        (event->has_prev && !hash_equal(&event->prev, &issuer->id))) {
        sim_fail(book->sim, "accept", "entry %" PRIu64 " does not follow its key's last event",
                 index);
    }
    issuer->seq = event->seq;
    issuer->id = event->id;
    if (strcmp(event->kind->name, "log.policy") == 0) {
        take_policy(book, event, index);
    } else if (event->kind->id == KIND_KEY_REVOKED || event->kind->id == KIND_KEY_ROTATED) {
        take_revocation(book, event);
    }
}

/* One entry more of the history, as the host has it. */
static enum status take_entry(void *context, uint64_t index, struct bytes entry,
                              const struct hash *stored) {
    struct book *book = context;
    struct hash leaf;
    struct bytes note;
    struct event event;
    uint64_t stamp = 0;
    hash_leaf(entry.data, entry.len, &leaf);
    if (!hash_equal(&leaf, stored)) {
        sim_fail(book->sim, "store", "entry %" PRIu64 " does not hash to its leaf", index);
    }
    history_append(&book->histories[0], &leaf);
    if (book->opaque) {
        return STATUS_OK;
    }
    if (entry_parse(entry, &stamp, &note, NULL) != STATUS_OK ||
        event_parse(note, &event, NULL) != STATUS_OK) {
        sim_fail(book->sim, "G3", "entry %" PRIu64 " is no stamped event", index);
        return STATUS_OK;
    }
    if (stamp < book->last_stamp_ms) {
        sim_fail(book->sim, "G3", "entry %" PRIu64 " is stamped before the one before it", index);
    }
    book->last_stamp_ms = stamp;
    take_event(book, &event, index);
    event_release(&event);
    return STATUS_OK;
}

/* The checkpoint left the log: it is of the one history, which it may lengthen. */
static void take_note(struct node *host, struct book *book, struct bytes bytes) {
    struct note note;
    struct checkpoint checkpoint;
    struct history *history = &book->histories[0];
    if (checkpoint_parse(bytes, &note, &checkpoint, NULL) != STATUS_OK) {
        sim_fail(host->sim, "G3", "%s lets out what is no checkpoint", host->name);
        return;
    }
    if (checkpoint.size > history->frontier.size) {
        struct store_txn *txn = node_read(host);
        assert(txn != NULL);
        enum status status = tree_walk(txn, host->logs[book->number].number, history->frontier.size,
                                       checkpoint.size, take_entry, book);
        store_abort(txn);
        if (status != STATUS_OK) {
            sim_fail(host->sim, "G3", "%s signed %" PRIu64 " and does not store that", host->name,
                     checkpoint.size);
            return;
        }
        check_promises(book);
    }
    if (!history_has(history, checkpoint.size, &checkpoint.root)) {
        sim_fail(host->sim, "G3", "%s signed another history at size %" PRIu64, host->name,
                 checkpoint.size);
    }
}

void check_candidate(struct node *host, struct book *book, struct bytes note,
                     const struct round *round) {
    struct note parsed;
    struct checkpoint checkpoint;
    take_note(host, book, note);
    if (checkpoint_parse(note, &parsed, &checkpoint, NULL) == STATUS_OK &&
        checkpoint.size != round->size) {
        sim_fail(host->sim, "G3", "%s pushes %" PRIu64 " in the round of %" PRIu64, host->name,
                 checkpoint.size, round->size);
    }
}

/* --- publishing --- */

/* The honest mirrors among the cosigners hold it; and enough cosigned for the policy. */
static void check_quorum(struct node *host, struct book *book, const struct note *note,
                         const struct checkpoint *checkpoint, const struct known_policy *policy) {
    struct sim *sim = host->sim;
    unsigned have = 0;
    if (policy == NULL) {
        return;
    }
    for (size_t i = 0; i < sim->node_count; i++) {
        struct node *node = &sim->nodes[i];
        uint64_t time = 0;
        if ((policy->members >> i & 1) == 0 ||
            cosignature_find(note, &node->mirror_signer.vkey, &time) != STATUS_OK) {
            continue;
        }
        have++;
        if (node->honest && !node->media_lost &&
            !check_durable(node, book->number, checkpoint->size, &checkpoint->root)) {
            sim_fail(sim, "G1", "published %" PRIu64 ", which %s cosigned and does not hold",
                     checkpoint->size, node->name);
        }
    }
    if (have < policy->threshold) {
        sim_fail(sim, "G1",
                 "published %" PRIu64 " with %u of the %u mirrors that its policy at %" PRIu64
                 " asks for",
                 checkpoint->size, have, policy->threshold, policy->index);
    }
}

void check_published(struct node *host, struct book *book, struct bytes bytes, uint64_t size,
                     struct round *round) {
    struct note note;
    struct checkpoint checkpoint;
    take_note(host, book, bytes);
    if (checkpoint_parse(bytes, &note, &checkpoint, NULL) != STATUS_OK || checkpoint.size != size ||
        size < book->published_size) {
        sim_fail(host->sim, "G3", "%s published %" PRIu64 " after %" PRIu64, host->name, size,
                 book->published_size);
        return;
    }
    /* A change of policy needs both quorums. */
    check_quorum(host, book, &note, &checkpoint, book_policy_at(book, book->published_size));
    check_quorum(host, book, &note, &checkpoint, book_policy_at(book, size));
    if (book_policy_at(book, size) == NULL) {
        sim_fail(host->sim, "G1", "%s published %" PRIu64 " without any policy", host->name, size);
    }
    book->published_size = size;
    round->over = round->over || size == round->size;
}

void check_halt(struct node *host, const struct book *book, struct bytes proof) {
    struct store_txn *txn = node_read(host);
    host->sim->counts.halts++;
    if (txn == NULL) {
        return; /* its store is in doubt: it stops anyway */
    }
    store_abort(txn);
    (void)proof;
    if (!book->rewound && !book->crowded) {
        sim_fail(host->sim, "G3", "%s was halted, and nothing is wrong with it", host->name);
    }
}

void check_promises(struct book *book) {
    const struct history *history = &book->histories[0];
    for (size_t i = 0; i < book->promise_count; i++) {
        const struct promise *promise = &book->promises[i];
        if (promise->index < history->frontier.size &&
            !hash_equal(&history->leaves[promise->index], &promise->leaf)) {
            sim_fail(book->sim, "G1", "entry %" PRIu64 " is not what its submitter was told",
                     promise->index);
        }
    }
}
