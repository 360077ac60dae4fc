/* Checkpoints that may contradict what is held: fork jobs, and the gossip that brings them. */
#include "ledger/fork.h"
#include "tests/sim/check.h"
#include "tests/sim/mirrors.h"
#include "tests/sim/wire.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define GOSSIP_TIMEOUT_MS 10000

struct examination {
    struct fork_job job;
    struct work work;
    struct node *node;
    size_t book;
    size_t len;
    uint8_t note[];
};

static void examination_drop(struct work *work) {
    free(CONTAINER(work, struct examination, work));
}

static const char *outcome_name(enum fork_outcome outcome) {
    return outcome == FORK_PROVED ? "evidence" : outcome == FORK_NONE ? "fits" : "unreconciled";
}

static enum status add_form(void *context, const struct vkey *key, struct bytes content) {
    struct evidence evidence;
    (void)key;
    if (evidence_parse(content, &evidence, NULL) == STATUS_OK) {
        writer_u8(context, (uint8_t)evidence.form);
    }
    return STATUS_OK;
}

/* The forms of all the evidence that it keeps, for the trace. */
static void say_evidence(struct node *node) {
    char text[64];
    struct writer w;
    struct store_txn *txn = node_read(node);
    writer_init(&w, text, sizeof text);
    if (txn != NULL) {
        enum status status = fork_each_evidence(txn, add_form, &w);
        assert(status == STATUS_OK);
        store_abort(txn);
    }
    node_say(node, "keeps evidence of form %.*s", (int)w.len, text);
}

static void examined(struct fork_job *job, enum status status) {
    struct examination *e = CONTAINER(job, struct examination, job);
    struct node *node = e->node;
    if (!node->dying) {
        if (status != STATUS_OK) {
            node_say(node, "examines a checkpoint: %s", status_name(status));
        } else if (job->outcome != FORK_NONE) {
            node_say(node, "examines a checkpoint: %s", outcome_name(job->outcome));
        }
        if (status == STATUS_OK && job->outcome == FORK_PROVED) {
            say_evidence(node);
        }
        check_examined(node, e->book, bytes_of(e->note, e->len), status, job->outcome);
    }
    free(e);
}

void examine(struct node *node, size_t book, struct bytes note, uint64_t old_size,
             const struct merkle_proof *proof, bool subproof) {
    struct examination *e = calloc(1, sizeof *e + note.len);
    assert(e != NULL);
    e->node = node;
    e->book = book;
    e->len = note.len;
    memcpy(e->note, note.data, note.len);
    fork_job_init(&e->job);
    e->job.log = &node->logs[book];
    e->job.note = bytes_of(e->note, e->len);
    e->job.old_size = old_size;
    if (proof != NULL) {
        e->job.proof = *proof;
        e->job.subproof = subproof;
    }
    e->job.done = examined;
    e->work = (struct work){.job = &e->job.job, .drop = examination_drop};
    node_commit(node, &e->work);
}

/* --- again --- */

static enum status again(void *context, const struct vkey *key, struct bytes note) {
    struct node *node = context;
    for (size_t b = 0; b < node->sim->book_count; b++) {
        if (node->logs[b].number != 0 && node->logs[b].vkey.id == key->id) {
            examine(node, b, note, 0, NULL, false);
        }
    }
    return STATUS_OK;
}

void examine_again(struct node *node) {
    struct store_txn *txn = node_read(node);
    if (txn != NULL) {
        enum status status = fork_each_unreconciled(txn, again, node);
        assert(status == STATUS_OK);
        store_abort(txn);
    }
}

/* --- gossip --- */

static void heard(struct sim *sim, void *context, size_t book, unsigned http, struct bytes body) {
    (void)sim;
    if (http == 200) {
        examine(context, book, body, 0, NULL, false);
    }
}

static void ask(struct node *node, const struct node *peer, size_t book, enum wire_kind kind) {
    wire_call(node->sim, &(struct wire_request){.from = node->index,
                                                .to = peer->index,
                                                .kind = kind,
                                                .book = book,
                                                .timeout_ms = GOSSIP_TIMEOUT_MS,
                                                .reply = heard,
                                                .context = node});
}

void gossip_ask(struct node *node, const struct node *peer, size_t book) {
    node_say(node, "asks %s what it holds", peer->name);
    ask(node, peer, book, WIRE_PENDING);
    ask(node, peer, book, WIRE_MIRRORED);
}

static void gossip(struct sim *sim, void *context) {
    struct node *node = context;
    const struct node *peer = &sim->nodes[dice_below(&sim->dice, sim->node_count)];
    examine_again(node);
    if (peer != node && peer->mirrors) {
        gossip_ask(node, peer, dice_below(&sim->dice, sim->book_count));
    }
    gossip_start(node);
}

void gossip_start(struct node *node) {
    if (node->gossip_ms > 0) {
        sim_after(node->sim, dice_between(&node->sim->dice, 1, 2 * node->gossip_ms), node, gossip,
                  NULL, node);
    }
}
