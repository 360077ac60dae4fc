#include "tests/sim/clocks.h"

#include "ledger/confirm.h"
#include "tests/sim/check.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

#define MINUTE 60000
#define HOUR (60 * MINUTE)
#define DAY (24 * (int64_t)HOUR)
#define OFF_MS ((int64_t)COSIGN_OFFSET_MAX_SECONDS * 1000)
#define SLACK_MS (6 * (int64_t)MINUTE) /* five minutes that a clock may be off, and the way */

static bool is_off(int64_t ms, int64_t most) {
    return ms > most || ms < -most;
}

/* --- wrong for a while --- */

static struct node *draw_mirror(struct clocks_plan *plan) {
    return &plan->sim->nodes[dice_between(&plan->dice, 1, 3)];
}

static int64_t draw_error(struct clocks_plan *plan) {
    static const int64_t mirrors[] = {20 * MINUTE, 20 * HOUR, 40 * DAY};
    static const int64_t hosts[] = {4 * MINUTE, 20 * MINUTE, 3 * HOUR};
    size_t at = dice_below(&plan->dice, 3);
    int64_t error = plan->mode == CLOCKS_HOST ? hosts[at] : mirrors[at];
    return dice_chance(&plan->dice, 650) ? error : -error;
}

static void set(struct node *node, int64_t error) {
    node->clock_ms = error;
    node_say(node, "its clock is wrong by %" PRId64 " s", error / 1000);
}

static void set_right(struct sim *sim, void *context) {
    struct node *node = context;
    (void)sim;
    if (!node->reckless && is_off(node->clock_ms, OFF_MS)) {
        node->clock_ms = 0;
        node_say(node, "its clock is right again");
    }
}

/* After they were wrong and are right again: whatever is only remembered is gone. */
static void restart_all(struct sim *sim, void *context) {
    struct clocks_plan *plan = context;
    if (sim->now >= plan->until) {
        return;
    }
    for (size_t i = 0; i < sim->node_count; i++) {
        struct node *node = &sim->nodes[i];
        if (node->up && node->liar == NULL && !node->stays_down) {
            node_reboot(node, true, dice_between(&plan->dice, 10, 300));
        }
    }
}

static void act(struct sim *sim, void *context);

static void again(struct clocks_plan *plan) {
    sim_after(plan->sim, dice_between(&plan->dice, 2000, 20000), NULL, act, NULL, plan);
}

static void act_two(struct clocks_plan *plan) {
    struct sim *sim = plan->sim;
    int64_t error = draw_error(plan);
    size_t right = dice_between(&plan->dice, 1, 3);
    uint64_t length = dice_between(&plan->dice, 3000, 12000);
    for (size_t i = 1; i <= 3; i++) {
        if (i != right) {
            set(&sim->nodes[i], error);
            sim_after(sim, length, NULL, set_right, NULL, &sim->nodes[i]);
        }
    }
    sim_after(sim, length + 1000, NULL, restart_all, NULL, plan);
}

static void act(struct sim *sim, void *context) {
    struct clocks_plan *plan = context;
    if (sim->now >= plan->until) {
        return;
    }
    if (plan->mode == CLOCKS_TWO) {
        act_two(plan);
    } else {
        struct node *node = plan->mode == CLOCKS_HOST ? plan->book->host : draw_mirror(plan);
        set(node, draw_error(plan));
        sim_after(sim, dice_between(&plan->dice, 3000, 30000), NULL, set_right, NULL, node);
    }
    again(plan);
}

void clocks_begin(struct clocks_plan *plan, struct sim *sim, struct book *book, uint64_t until) {
    *plan = (struct clocks_plan){.sim = sim, .book = book, .until = until};
    dice_init(&plan->dice, sim->seed ^ 0xc10cc10cc10cc10cu);
    if (dice_chance(&plan->dice, 500)) {
        return;
    }
    plan->mode = (enum clocks_mode)dice_between(&plan->dice, CLOCKS_ONE, CLOCKS_MODES - 1);
    if (plan->mode == CLOCKS_RECKLESS) {
        struct node *node = draw_mirror(plan);
        node->reckless = true;
        set(node, draw_error(plan));
        return;
    }
    again(plan);
}

/* --- what peers say --- */

enum peers_say clocks_peers(const struct node *node, size_t book) {
    const struct sim *sim = node->sim;
    const struct book *of = &sim->books[book];
    const struct known_policy *policy = book_policy_at(of, of->published_size);
    int64_t offsets[SIM_NODES_MAX];
    size_t heard = 0;
    if (node->reckless) {
        return PEERS_ALIKE; /* it asks nobody */
    }
    for (size_t i = 0; i < sim->node_count; i++) {
        const struct node *peer = &sim->nodes[i];
        bool named = policy != NULL && (policy->members >> i & 1) != 0;
        /* One mirror knows the host's address. */
        bool asked = named || (node->index == 1 && peer == of->host);
        if (asked && peer != node && peer->up && !sim->blocked[i][node->index] &&
            !sim->blocked[node->index][i]) {
            offsets[heard++] = (peer->clock_ms - node->clock_ms) / 1000;
        }
    }
    return mirror_peers_say(offsets, heard, 0);
}

/* --- checks --- */

void clocks_check_cosigned(struct node *node, size_t book, uint64_t time, enum peers_say peers) {
    const struct sim *sim = node->sim;
    int64_t off = (int64_t)(time * 1000) - (int64_t)(SIM_EPOCH_MS + sim->now);
    int64_t by_clock = (int64_t)(time * 1000) - (int64_t)node_now_ms(node);
    bool before = node->signed_off[book]; /* then there is nothing left to keep it from */
    node->signed_off[book] = before || is_off(off, OFF_MS);
    bool own = !is_off(by_clock, MINUTE); /* and not an earlier time, below which it does not go */
    if (node->honest && !node->reckless && own && !before && off > DAY + (int64_t)HOUR &&
        (peers == PEERS_APART || peers == PEERS_TIED)) {
        sim_fail(node->sim, "G7", "%s cosigned by a clock that is %" PRId64 " s ahead", node->name,
                 off / 1000);
    }
}

void clocks_note_cut(struct book *book, uint64_t size) {
    if (book->cut_count < BOOK_CUTS_MAX) {
        book->cuts[book->cut_count++] = (struct known_cut){.size = size, .at = book->sim->now};
    }
}

/* Mirrors of the policy whose keys have signed wrong times, or may. */
static unsigned wrong_of(const struct book *book, const struct known_policy *policy) {
    unsigned wrong = 0;
    for (size_t i = 0; i < book->sim->node_count; i++) {
        const struct node *node = &book->sim->nodes[i];
        bool off = node->signed_off[book->number] || !node->honest || node->lies != NULL ||
                   is_off(node->clock_ms, OFF_MS);
        wrong += (policy->members >> i & 1) != 0 && off ? 1 : 0;
    }
    return wrong;
}

void clocks_check_confirmed(struct book *book, uint64_t index, uint64_t confirmed_ms) {
    uint64_t there = 0; /* true time before which it was not */
    for (size_t i = 0; i < book->policy_count; i++) {
        if (book->policies[i].safe &&
            wrong_of(book, &book->policies[i]) >= book->policies[i].threshold) {
            return;
        }
    }
    for (size_t i = 0; i < book->cut_count; i++) {
        there = book->cuts[i].size <= index ? book->cuts[i].at : there;
    }
    int64_t early = (int64_t)(SIM_EPOCH_MS + there) - (int64_t)confirmed_ms;
    if (book->honest && !book->rewound && early > (int64_t)CONFIRM_WITHIN_MS + SLACK_MS) {
        sim_fail(book->sim, "G7",
                 "entry %" PRIu64 " is confirmed %" PRId64 " s before it was there", index,
                 early / 1000);
    }
}

static void check_entry(struct book *book, struct store_txn *txn, uint64_t index, bool bounded) {
    const struct log *log = &book->host->logs[book->number];
    struct published at;
    struct bytes entry;
    struct bytes note;
    uint64_t stamp_ms = 0;
    if (tree_entry(txn, log->number, index, &entry) != STATUS_OK ||
        entry_parse(entry, &stamp_ms, &note, NULL) != STATUS_OK ||
        sequencer_published_confirming(txn, log->number, index, UINT64_MAX, &at) != STATUS_OK) {
        sim_fail(book->sim, "G7", "entry %" PRIu64 " has no confirmed time", index);
        return;
    }
    uint64_t confirmed_ms = confirm_time(stamp_ms, at.quorum_time);
    int64_t ahead = (int64_t)confirmed_ms - (int64_t)(SIM_EPOCH_MS + book->sim->now);
    if (bounded && ahead > (int64_t)CONFIRM_WITHIN_MS + SLACK_MS) {
        sim_fail(book->sim, "G7", "entry %" PRIu64 " is confirmed %" PRId64 " s in the future",
                 index, ahead / 1000);
    }
    clocks_check_confirmed(book, index, confirmed_ms);
}

void clocks_check_end(struct sim *sim) {
    for (size_t b = 0; b < sim->book_count && !sim->failed; b++) {
        struct book *book = &sim->books[b];
        const struct known_policy *policy = book_policy_at(book, book->published_size);
        if (!book->honest || book->opaque || book->rewound || policy == NULL || !book->host->up) {
            continue;
        }
        unsigned members = (unsigned)__builtin_popcount(policy->members);
        bool bounded = members - wrong_of(book, policy) >= policy->threshold;
        struct store_txn *txn = node_read(book->host);
        assert(txn != NULL);
        for (uint64_t i = 0; i < book->published_size && !sim->failed; i++) {
            check_entry(book, txn, i, bounded);
        }
        store_abort(txn);
    }
}
