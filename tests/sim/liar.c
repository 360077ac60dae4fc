#include "tests/sim/liar.h"

#include "ledger/push.h"
#include "ledger/sequencer.h"
#include "tests/sim/wire.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define TIMEOUT_MS 10000

/* What it believes of one mirror, which is whatever was last answered. */
struct victim {
    struct node *liar;
    size_t history; /* the one that it is mostly shown */
    uint64_t pending;
    uint64_t next;
    uint64_t sent; /* size of the last request */
    bool busy;
    bool entries;
};

struct liar {
    struct book *book;
    struct store *stores[BOOK_HISTORIES_MAX];
    struct log logs[BOOK_HISTORIES_MAX];
    struct victim victims[SIM_NODES_MAX];
    struct bytes notes[64];
    size_t note_count;
    size_t used[BOOK_HISTORIES_MAX]; /* notes in each history */
};

uint64_t liar_size(const struct node *node, size_t history) {
    return node->liar->book->histories[history].frontier.size;
}

static struct store_txn *begin(struct liar *liar, size_t history, enum store_mode mode) {
    struct store_txn *txn = NULL;
    enum status status = store_begin(liar->stores[history], mode, &txn);
    assert(status == STATUS_OK);
    return txn;
}

/* --- entries --- */

static void make_notes(struct liar *liar) {
    struct world *world = &liar->book->world;
    static const char *const kinds[] = {"failure.alleged", "finding.final", "discipline.imposed",
                                        "intervention.reported"};
    world_start(world, liar->notes);
    liar->note_count = WORLD_START;
    while (liar->note_count < sizeof liar->notes / sizeof liar->notes[0]) {
        size_t i = liar->note_count++;
        liar->notes[i] = world_sample(world, i % 3 == 0 ? WORLD_BOARD : WORLD_CLERK, kinds[i % 4]);
    }
}

static void append(struct node *node, size_t history, struct bytes entry) {
    struct liar *liar = node->liar;
    struct append_job job;
    struct job *jobs[] = {&job.job};
    struct hash leaf;
    append_job_init(&job);
    job.log = &liar->logs[history];
    job.entries = &entry;
    job.count = 1;
    enum status status = batch_run(liar->stores[history], node->batch, jobs, 1);
    assert(status == STATUS_OK);
    hash_leaf(entry.data, entry.len, &leaf);
    history_append(&liar->book->histories[history], &leaf);
}

void liar_grow(struct node *node, size_t history, uint64_t back_ms) {
    struct liar *liar = node->liar;
    uint8_t memory[EVENT_SIZE_MAX + 64];
    struct writer w;
    if (liar->used[history] == liar->note_count) {
        return;
    }
    writer_init(&w, memory, sizeof memory);
    /* The second history has stamps of its own, and so other leaves. */
    entry_format(&w, node_now_ms(node) + 1000 + history - back_ms,
                 liar->notes[liar->used[history]++]);
    assert(!w.failed);
    append(node, history, writer_view(&w));
}

void liar_begin(struct node *node, struct book *book, uint64_t common, uint64_t size) {
    struct liar *liar = calloc(1, sizeof *liar);
    assert(liar != NULL && common <= size);
    node->liar = liar;
    node->honest = false;
    liar->book = book;
    book->honest = false;
    book->host = node;
    history_init(&book->histories[1]);
    book->history_count = BOOK_HISTORIES_MAX;
    make_notes(liar);
    for (size_t h = 0; h < BOOK_HISTORIES_MAX; h++) {
        enum status status = store_memory_open(NULL, &liar->stores[h]);
        assert(status == STATUS_OK);
        struct store_txn *txn = begin(liar, h, STORE_WRITE);
        status = logs_register(txn, &book->world.log.vkey, LOG_EVENTS, &liar->logs[h], NULL);
        assert(status == STATUS_OK);
        status = store_commit(txn);
        assert(status == STATUS_OK);
        for (uint64_t i = 0; i < size; i++) {
            if (i == common && h == 1) {
                liar->used[h]++; /* an event that the second history leaves out */
            }
            liar_grow(node, h, i < common ? h : 0);
        }
    }
    for (size_t i = 0; i < SIM_NODES_MAX; i++) {
        liar->victims[i] = (struct victim){.liar = node, .history = i % BOOK_HISTORIES_MAX};
    }
}

void liar_release(struct node *node) {
    if (node->liar != NULL) {
        for (size_t h = 0; h < BOOK_HISTORIES_MAX; h++) {
            store_memory_close(node->liar->stores[h]);
        }
        free(node->liar);
        node->liar = NULL;
    }
}

/* --- sending --- */

static void take_answer(struct victim *victim, unsigned http, struct bytes body) {
    struct mirror_info info;
    struct reader r;
    struct bytes line;
    uint64_t size = 0;
    if (http == 200 && victim->entries) {
        victim->next = victim->sent;
    } else if (http == 200) {
        victim->pending = victim->sent;
    } else if (mirror_info_parse(body, &info) == STATUS_OK) {
        victim->pending = info.pending;
        victim->next = info.next_entry;
    } else if (http == 409) {
        reader_init(&r, body);
        if (reader_line(&r, &line) && bytes_to_u64(line, &size)) {
            victim->pending = size;
        }
    }
}

static void answered(struct sim *sim, void *context, size_t book, unsigned http,
                     struct bytes body) {
    struct victim *victim = context;
    (void)sim;
    (void)book;
    victim->busy = false;
    node_say(victim->liar, "<- %u", http);
    take_answer(victim, http, body);
}

static void send(struct node *node, const struct node *to, enum wire_kind kind, struct bytes body,
                 uint64_t size) {
    struct victim *victim = &node->liar->victims[to->index];
    victim->busy = true;
    victim->sent = size;
    victim->entries = kind == WIRE_ENTRIES;
    wire_call(node->sim, &(struct wire_request){.from = node->index,
                                                .to = to->index,
                                                .kind = kind,
                                                .book = node->liar->book->number,
                                                .body = body,
                                                .timeout_ms = TIMEOUT_MS,
                                                .reply = answered,
                                                .context = victim});
}

void liar_checkpoint(struct node *node, const struct node *to, size_t history, uint64_t old_size,
                     uint64_t size, size_t proof_history) {
    struct liar *liar = node->liar;
    const struct history *shown = &liar->book->histories[history];
    uint8_t memory[ADD_CHECKPOINT_SIZE_MAX];
    uint8_t note[2048];
    struct merkle_proof proof = {.count = 0};
    struct writer w;
    struct writer n;
    assert(size <= shown->frontier.size);
    if (old_size > 0 && old_size < size && size <= liar_size(node, proof_history)) {
        struct store_txn *txn = begin(liar, proof_history, STORE_READ);
        enum status status =
            tree_consistency(txn, liar->logs[proof_history].number, old_size, size, &proof);
        assert(status == STATUS_OK);
        store_abort(txn);
    }
    writer_init(&n, note, sizeof note);
    checkpoint_sign(&n, book_origin(liar->book), size, &shown->roots[size], &liar->book->world.log);
    writer_init(&w, memory, sizeof memory);
    add_checkpoint_format(&w, old_size, &proof, writer_view(&n));
    assert(!w.failed && !n.failed);
    node_say(node, "-> %s checkpoint %" PRIu64 " of history %zu from %" PRIu64, to->name, size,
             history, old_size);
    send(node, to, WIRE_CHECKPOINT, writer_view(&w), size);
}

void liar_entries(struct node *node, const struct node *to, size_t history, uint64_t start,
                  uint64_t end, enum liar_damage damage) {
    static uint8_t memory[PACKAGE_SIZE_MAX];
    struct liar *liar = node->liar;
    struct store_txn *txn = begin(liar, history, STORE_READ);
    struct writer w;
    writer_init(&w, memory, sizeof memory);
    enum status status = push_entries(txn, liar->logs[history].number, book_origin(liar->book),
                                      start, end, bytes_of(NULL, 0), &w);
    assert(status == STATUS_OK);
    store_abort(txn);
    if (damage != LIAR_WHOLE) {
        size_t at = damage == LIAR_DAMAGED ? dice_below(&node->sim->dice, w.len) : w.len - 2;
        w.data[at] ^= 1;
    }
    node_say(node, "-> %s entries %" PRIu64 "-%" PRIu64 " of history %zu%s", to->name, start, end,
             history, damage != LIAR_WHOLE ? ", damaged" : "");
    send(node, to, WIRE_ENTRIES, writer_view(&w), end);
}

/* --- at random --- */

static uint64_t clip(uint64_t value, uint64_t max) {
    return value < max ? value : max;
}

static void push_well(struct node *node, const struct node *to, struct victim *victim) {
    size_t h = victim->history;
    uint64_t size = liar_size(node, h);
    uint64_t pending = clip(victim->pending, size);
    bool withholds = dice_chance(&node->sim->dice, 300);
    if (victim->next < pending && !withholds) {
        liar_entries(node, to, h, victim->next, pending, LIAR_WHOLE);
    } else {
        liar_checkpoint(node, to, h, pending, dice_between(&node->sim->dice, pending, size), h);
    }
}

static void push_badly(struct node *node, const struct node *to, struct victim *victim) {
    struct dice *dice = &node->sim->dice;
    size_t h = dice_below(dice, BOOK_HISTORIES_MAX);
    uint64_t size = liar_size(node, h);
    uint64_t to_size = dice_between(dice, 0, size);
    uint64_t old_size = dice_chance(dice, 600) ? victim->pending : dice_below(dice, size + 1);
    if (dice_chance(dice, 300)) {
        to_size = clip(victim->pending, size); /* another root at the very size */
    }
    if (dice_chance(dice, 250)) {
        liar_entries(node, to, h, clip(clip(victim->next, to_size), to_size), to_size,
                     dice_chance(dice, 500) ? LIAR_DAMAGED : LIAR_WHOLE);
        return;
    }
    liar_checkpoint(node, to, h, old_size, to_size, dice_below(dice, BOOK_HISTORIES_MAX));
}

static void act(struct sim *sim, void *context) {
    struct node *node = context;
    struct node *to = &sim->nodes[dice_below(&sim->dice, sim->node_count)];
    struct victim *victim = &node->liar->victims[to->index];
    if (dice_chance(&sim->dice, 100)) {
        for (size_t h = 0; h < BOOK_HISTORIES_MAX; h++) {
            liar_grow(node, h, dice_chance(&sim->dice, 200) ? 3600000 : 0);
        }
    }
    if (to->mirrors && !victim->busy) {
        if (dice_chance(&sim->dice, 350)) {
            push_badly(node, to, victim);
        } else {
            push_well(node, to, victim);
        }
    }
    liar_start(node);
}

void liar_start(struct node *node) {
    struct sim *sim = node->sim;
    sim_after(sim, dice_between(&sim->dice, 10, 600), node, act, NULL, node);
}
