/* What clients are told. */
#include "ledger/verify.h"
#include "tests/sim/check.h"
#include "tests/sim/clocks.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static struct hash leaf_of(const struct book *book, const struct item *item) {
    uint8_t memory[EVENT_SIZE_MAX + 64];
    struct hash leaf;
    struct writer w;
    if (book->opaque) {
        hash_leaf(item->note.data, item->note.len, &leaf);
        return leaf;
    }
    writer_init(&w, memory, sizeof memory);
    entry_format(&w, item->received_ms, item->note);
    assert(!w.failed);
    hash_leaf(w.data, w.len, &leaf);
    return leaf;
}

void check_promise(struct book *book, const struct item *item) {
    struct hash leaf = leaf_of(book, item);
    for (size_t i = 0; i < book->promise_count; i++) {
        if (book->promises[i].index == item->index) {
            if (!hash_equal(&book->promises[i].leaf, &leaf)) {
                sim_fail(book->sim, "G1", "entry %" PRIu64 " was given to two events", item->index);
            }
            return;
        }
    }
    assert(book->promise_count < BOOK_PROMISES_MAX);
    book->promises[book->promise_count++] = (struct promise){.index = item->index, .leaf = leaf};
    check_promises(book);
}

/* The mirrors that cosigned: enough of them by the simulator's own count, none run by the log's
 * operator among these, each holding what it cosigned. */
static void check_cosigners(struct book *book, const struct proof *proof) {
    struct sim *sim = book->sim;
    const struct known_policy *policy = book_policy_at(book, proof->checkpoint.size);
    unsigned others = 0;
    for (size_t i = 1; i < proof->note.count; i++) {
        struct node *node = node_of_mirror_line(sim, &proof->note.signatures[i]);
        if (node == NULL) {
            continue;
        }
        others += strcmp(node->operator_name, "agency") != 0;
        if (node->honest && !node->media_lost &&
            !check_durable(node, book->number, proof->checkpoint.size, &proof->checkpoint.root)) {
            sim_fail(sim, "G1", "a receipt at %" PRIu64 " names %s, which does not hold it",
                     proof->checkpoint.size, node->name);
        }
    }
    if (policy == NULL || others < policy->threshold) {
        sim_fail(sim, "G1", "a receipt at %" PRIu64 " has %u mirrors of others",
                 proof->checkpoint.size, others);
    }
}

static void check_event_receipt(struct book *book, const struct item *item) {
    static struct verifier verifier;
    static struct receipt receipt;
    static struct proof proof;
    struct verify_report report;
    struct refusal why = {.text = ""};
    struct verify_trust trust = {.root_count = 3, .threshold = 2};
    for (size_t i = 0; i < 3; i++) {
        trust.roots[i] = book->world.people[WORLD_ROOT_1 + i].vkey;
    }
    enum status status = verify_receipt(&verifier, item->receipt, &trust, &report, &why);
    if (status != STATUS_OK) {
        sim_fail(book->sim, "G1", "the receipt of entry %" PRIu64 " does not verify: %s",
                 item->index, why.text);
        return;
    }
    if (report.seq != item->seq || strcmp(report.issuer, item->issuer) != 0 ||
        report.index != item->index || report.received_ms != item->received_ms) {
        sim_fail(book->sim, "G1", "the receipt of entry %" PRIu64 " is of another", item->index);
    }
    clocks_check_confirmed(book, item->index, report.confirmed_ms);
    status = receipt_parse(item->receipt, &receipt, NULL);
    assert(status == STATUS_OK);
    status = proof_parse(receipt.items[receipt.count - 1].proof, &proof, NULL);
    assert(status == STATUS_OK);
    check_cosigners(book, &proof);
}

static void check_opaque_receipt(struct book *book, const struct item *item) {
    static struct proof proof;
    struct hash leaf = leaf_of(book, item);
    if (proof_parse(item->receipt, &proof, NULL) != STATUS_OK || proof.index != item->index ||
        proof_check_inclusion(&proof, &leaf) != STATUS_OK ||
        note_verify(&proof.note, &book->world.log.vkey) != STATUS_OK) {
        sim_fail(book->sim, "G1", "the proof of entry %" PRIu64 " does not verify", item->index);
        return;
    }
    check_cosigners(book, &proof);
}

void check_receipt(struct book *book, const struct item *item) {
    if (book->opaque) {
        check_opaque_receipt(book, item);
    } else {
        check_event_receipt(book, item);
    }
}

void check_refused(const struct client *client, const struct item *item) {
    if (!client->may_be_refused) {
        sim_fail(client->sim, "end", "%s was refused an event for good: %s", client->name,
                 status_name(item->status));
    }
}
