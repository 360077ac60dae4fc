#include "tests/sim/swarm.h"

#include "tests/lib/keys.h"
#include "tests/sim/cast.h"
#include "tests/sim/check.h"
#include "tests/sim/clocks.h"
#include "tests/sim/host.h"
#include "tests/sim/liar.h"
#include "tests/sim/lies.h"
#include "tests/sim/mirrors.h"
#include "tests/sim/wire.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define CONVERGE_MS (45u * 60000u)

/* Which faults this seed has: not every kind at once, or each hides the others. */
struct plan {
    struct sim *sim;
    uint64_t until;   /* true time at which the faults stop */
    uint64_t pace_ms; /* between two acts of mischief */
    bool crashes;
    bool partitions;
    bool clocks;
    bool far_clocks; /* by more than a log may bear */
    bool disks;
    bool restores;
    bool rewinds; /* the log itself, from an old backup */
    bool policies;
    bool twin;
    bool stopped;
    struct node *agency;
    struct node *second; /* the twin */
    struct node *erring; /* the one mirror that may be far off, or restored */
    struct client *office;
    unsigned said;         /* reports and revocations beside policies */
    struct client *post;   /* whose key may be revoked; NULL: not there */
    struct client *forger; /* offers policies that must be refused */
    struct client *copy;   /* of the clerk's key; NULL: not there */
    bool restored;
    bool bare;              /* the head file is lost with the disk */
    struct node *rewound;   /* the log's node while it is down before its restore */
    struct node *confidant; /* the one mirror that heard its last candidates; NULL: no such */
    struct book *book;
    struct book *opaque;
    struct clocks_plan wrong; /* clocks */
};

static bool often(struct plan *plan, unsigned permille) {
    return dice_chance(&plan->sim->dice, permille);
}

/* --- drawing --- */

static void draw_rates(struct plan *plan) {
    struct dice *dice = &plan->sim->dice;
    struct rates *rates = &plan->sim->rates;
    rates->delay_ms[0] = 1;
    rates->delay_ms[1] = dice_between(dice, 2, 80);
    rates->slow_ms[0] = 200;
    rates->slow_ms[1] = dice_between(dice, 300, 9000);
    rates->commit_ms[0] = 1;
    rates->commit_ms[1] = dice_between(dice, 1, 12);
    rates->lost = often(plan, 600) ? (unsigned)dice_below(dice, 60) : 0;
    rates->doubled = often(plan, 600) ? (unsigned)dice_below(dice, 150) : 0;
    rates->slow = often(plan, 600) ? (unsigned)dice_below(dice, 120) : 0;
    rates->cut_short = often(plan, 500) ? (unsigned)dice_below(dice, 150) : 0;
    rates->silent = often(plan, 700) ? 500 : 0;
    if (plan->disks) {
        rates->commit_fails = (unsigned)dice_below(dice, 40);
        rates->commit_doubts = (unsigned)dice_below(dice, 12);
    }
    rates->torn = often(plan, 500) ? 500 : 0;
}

static void draw_plan(struct plan *plan) {
    struct dice *dice = &plan->sim->dice;
    plan->until = dice_between(dice, 20000, 90000);
    plan->pace_ms = dice_between(dice, 300, 4000);
    plan->crashes = often(plan, 650);
    plan->partitions = often(plan, 400);
    plan->clocks = often(plan, 400);
    plan->far_clocks = plan->clocks && often(plan, 400);
    plan->disks = often(plan, 500);
    plan->twin = often(plan, 100);
    plan->policies = !plan->twin && often(plan, 450);
    plan->restores = often(plan, 150);
    plan->rewinds = !plan->twin && often(plan, 120);
}

/* --- the cast --- */

static void add_clients(struct plan *plan) {
    struct sim *sim = plan->sim;
    static const enum world_who who[] = {WORLD_CLERK, WORLD_BOARD, WORLD_COURT, WORLD_POST};
    static const char *const names[] = {"clerk", "board", "court", "post"};
    plan->office = cast_office(sim, plan->book);
    plan->forger = client_add(sim, "forger", plan->book, WORLD_ROOT_1);
    plan->forger->may_be_refused = true;
    plan->forger->loose = true;
    size_t count = dice_between(&sim->dice, 1, 4);
    for (size_t i = 0; i < count; i++) {
        struct client *client = client_add(sim, names[i], plan->book, who[i]);
        client->batch = dice_between(&sim->dice, 1, 4);
        client->patient = dice_chance(&sim->dice, 300);
        client->retry_ms = dice_between(&sim->dice, 500, 4000);
        if (plan->twin && dice_chance(&sim->dice, 500)) {
            client->target = plan->second;
        }
        plan->post = who[i] == WORLD_POST ? client : plan->post;
    }
    if (often(plan, 200)) {
        plan->copy = client_add(sim, "copy", plan->book, WORLD_CLERK);
        plan->copy->may_be_refused = true;
        client_named(sim, "clerk")->may_be_refused = true;
    }
}

static void add_opaque(struct plan *plan) {
    struct sim *sim = plan->sim;
    struct node *county = node_add(sim, "county", "county", NULL);
    plan->opaque = book_add(sim, "county.example/opaque", true);
    plan->opaque->host = county;
    county->hosts = plan->opaque;
    book_policy(plan->opaque, CAST_THREE, 2);
    struct client *feeder = client_add(sim, "feeder", plan->opaque, WORLD_CLERK);
    feeder->batch = dice_between(&sim->dice, 1, 8);
}

static void add_dishonest(struct plan *plan) {
    struct sim *sim = plan->sim;
    if (often(plan, 350)) {
        struct node *rogue = node_add(sim, "rogue", "rogue", NULL);
        struct book *book = book_add(sim, "rogue.example/log", false);
        uint64_t common = dice_between(&sim->dice, 1, 12);
        liar_begin(rogue, book, common, common + dice_between(&sim->dice, 1, 20));
    }
    plan->erring = &sim->nodes[dice_between(&sim->dice, 1, 3)];
    if (often(plan, 250)) {
        lies_begin(plan->erring, (unsigned)dice_between(&sim->dice, 20, 700),
                   (uint32_t)dice_roll(&sim->dice) | 1u << dice_below(&sim->dice, LIE_COUNT));
        plan->far_clocks = false;
        plan->restores = false;
        plan->rewinds = false; /* it may keep silent on what it holds */
    }
}

static void draw_cast(struct plan *plan) {
    struct sim *sim = plan->sim;
    cast_nodes(sim);
    plan->agency = node_named(sim, "agency");
    plan->book = cast_log(sim, plan->agency, "agency.example/log");
    if (plan->twin) {
        plan->second = node_add(sim, "twin", "agency", plan->agency->disk);
        plan->second->hosts = plan->book;
        plan->second->stays_down = true;
    }
    add_dishonest(plan);
    if (plan->rewinds || often(plan, 250)) {
        add_opaque(plan);
    }
    add_clients(plan);
    for (size_t i = 0; i < sim->node_count; i++) {
        struct node *node = &sim->nodes[i];
        node->clock_ms = (int64_t)dice_below(&sim->dice, 3000) - 1500;
        node->gossip_ms = node->mirrors && often(plan, 500) ? 5000 : 0;
        node->apart = often(plan, 200);
    }
    plan->book->options.refresh_ms = often(plan, 400) ? 15000 : replica_defaults.refresh_ms;
    plan->book->options.clock_refresh_ms = 10000;
    plan->book->options.together = often(plan, 700);
}

/* --- what clients write --- */

static void write_one(struct sim *sim, void *context) {
    struct client *client = context;
    const struct client *office = client_named(sim, "office");
    if (!client->book->opaque && office->items[WORLD_START - 1].state < ITEM_PLACED) {
        sim_after(sim, 500, NULL, write_one, NULL, client); /* its key is not enrolled yet */
        return;
    }
    if (client->count < 24 && !client->stopped) {
        cast_write(client, strcmp(client->name, "copy") == 0);
        sim_after(sim, dice_between(&sim->dice, 50, 8000), NULL, write_one, NULL, client);
    }
}

static void start_writing(struct plan *plan) {
    struct sim *sim = plan->sim;
    for (size_t i = 0; i < sim->client_count; i++) {
        struct client *client = &sim->clients[i];
        client_start(client);
        if (client != plan->office && client != plan->forger) {
            sim_after(sim, dice_between(&sim->dice, 10, 6000), NULL, write_one, NULL, client);
        }
    }
}

/* --- mischief --- */

static struct node *any_node(struct plan *plan) {
    return &plan->sim->nodes[dice_below(&plan->sim->dice, plan->sim->node_count)];
}

static void crash_one(struct plan *plan) {
    struct node *node = any_node(plan);
    struct dice *dice = &plan->sim->dice;
    if (node->liar != NULL || node->stays_down) {
        return;
    }
    uint64_t down =
        dice_chance(dice, 700) ? dice_between(dice, 10, 3000) : dice_between(dice, 3000, 40000);
    node_reboot(node, dice_chance(dice, 500), down);
}

static void cut_wires(struct plan *plan) {
    struct sim *sim = plan->sim;
    if (dice_chance(&sim->dice, 400)) {
        for (size_t a = 0; a < SIM_ENDS; a++) {
            for (size_t b = 0; b < a; b++) {
                wire_block(sim, a, b, false);
            }
        }
        return;
    }
    size_t a = any_node(plan)->index;
    for (size_t b = 0; b < sim->node_count; b++) {
        if (b != a && dice_chance(&sim->dice, 500)) {
            wire_block(sim, a, b, true);
        }
    }
}

static void move_clock(struct plan *plan) {
    struct node *node = any_node(plan);
    struct dice *dice = &plan->sim->dice;
    bool far = plan->far_clocks && dice_chance(dice, 400) &&
               (node == plan->agency || node == plan->erring);
    int64_t most = far ? 20 * 60000 : 5000;
    node->clock_ms = (int64_t)dice_below(dice, (uint64_t)(2 * most)) - most;
    node_say(node, "clock is off by %" PRId64 " ms", node->clock_ms);
}

/* Beside a change of the policy: somebody's report, by a key of its own; a revocation of another
 * log's key. */
static void say_more(struct plan *plan) {
    struct world *w = &plan->book->world;
    unsigned number = plan->said++;
    client_put(plan->office, world_lodge(w, number, NULL));
    struct signer far = test_signer(world_text(w, "far.example/key-%u", number), VKEY_NOTE);
    char vkey[VKEY_SIZE_MAX + 1];
    struct writer out;
    writer_init(&out, vkey, sizeof vkey);
    vkey_format(&out, &far.vkey);
    writer_u8(&out, '\0');
    assert(!out.failed);
    const char *open =
        world_text(w, "{'key':'%s','reason':'lost','vkey':'%s'}", far.vkey.name, vkey);
    client_put(plan->office,
               world_event(w, &(struct world_event){
                                  .issuer = WORLD_ROOT_1, .kind = "key.revoked", .open = open}));
}

/* The post's key goes: taken back, or another's in its place. */
static struct bytes end_post(struct plan *plan) {
    struct world *w = &plan->book->world;
    if (plan->said % 2 == 0) {
        return world_revoke(w, WORLD_ROOT_1, WORLD_POST);
    }
    const char *open = world_rotate_open(w, WORLD_POST, WORLD_POST_2, "");
    return world_event(
        w, &(struct world_event){.issuer = WORLD_ROOT_1, .kind = "key.rotated", .open = open});
}

static void change_policy(struct plan *plan) {
    static const uint32_t choices[] = {CAST_THREE, CAST_STATE | CAST_DOJ | CAST_PRESS,
                                       CAST_THREE | CAST_PRESS, CAST_STATE | CAST_DOJ};
    struct book *book = plan->book;
    struct dice *dice = &plan->sim->dice;
    if (book->policy_count == BOOK_POLICIES_MAX || plan->office->count + 4 > CLIENT_ITEMS_MAX) {
        return;
    }
    if (dice_chance(dice, 350)) {
        /* One that counts the operator's own mirror: it must be refused. */
        struct known_policy *unsafe =
            book_policy(book, CAST_ANNEX | choices[dice_below(dice, 2)], 3);
        if (plan->forger->count < CLIENT_ITEMS_MAX) {
            client_put(plan->forger, book_policy_event(book, unsafe, true));
        }
        return;
    }
    if (dice_chance(dice, 250) && plan->post != NULL && !plan->post->may_be_refused) {
        plan->post->may_be_refused = true;
        client_put(plan->office, end_post(plan));
        return;
    }
    uint32_t members = choices[dice_below(dice, 4)];
    unsigned count = (unsigned)__builtin_popcount(members);
    struct known_policy *policy = book_policy(book, members, count / 2 + 1);
    client_put(plan->office, book_policy_event(book, policy, false));
    say_more(plan);
}

/* Somebody cannot wait for the log to be back. */
static void import_soon(struct sim *sim, void *context) {
    (void)sim;
    host_bulk(context, 3);
}

/* The wires between a node and all mirrors, or all but one. */
static void cut_off(struct sim *sim, struct node *node, const struct node *but, bool cut) {
    for (size_t b = 0; b < sim->node_count; b++) {
        if (b != node->index && &sim->nodes[b] != but) {
            wire_block(sim, node->index, b, cut);
        }
    }
}

static void confide_again(struct sim *sim, void *context) {
    struct plan *plan = context;
    wire_block(sim, plan->rewound->index, plan->confidant->index, false);
}

static void restore_later(struct sim *sim, void *context) {
    struct plan *plan = context;
    struct node *node = plan->rewound;
    if (!node->up) {
        node_restore(node, plan->bare);
        node->stays_down = false;
        node_start(node);
        if (node->hosts != NULL && node->hosts->opaque) {
            sim_after(sim, dice_below(&sim->dice, 30), node, import_soon, NULL, node);
        }
    }
    cut_off(sim, node, plan->confidant, false);
    if (plan->confidant != NULL) {
        wire_block(sim, node->index, plan->confidant->index, true);
        sim_after(sim, dice_between(&sim->dice, 500, 8000), NULL, confide_again, NULL, plan);
    }
}

static void lose_disk(struct sim *sim, void *context) {
    struct plan *plan = context;
    struct node *node = plan->rewound;
    node->stays_down = true;
    if (node->up) {
        node_crash(node, false);
    }
    plan->bare = often(plan, 500);
    sim_after(sim, 61000, NULL, restore_later, NULL, plan);
}

/* Backups are made early and come back late, long after whatever was on its way has arrived. */
static void restore_one(struct plan *plan, struct node *node) {
    struct sim *sim = plan->sim;
    if (node->disk->backup == NULL) {
        /* A log that was restored to before its first signature looks new: the guard of the replica
         * begins with a signed head (specs/simulation.md). */
        if (node->hosts == NULL || node->hosts->signed_size > 0) {
            node_backup(node);
        }
        return;
    }
    if (sim->now + 65000 < plan->until || plan->restored) {
        return;
    }
    plan->rewound = node;
    plan->restored = true;
    if (node->hosts == NULL || dice_chance(&sim->dice, 500)) {
        lose_disk(sim, plan);
        return;
    }
    /* Its last candidate after the backup reaches one mirror alone, the last that it hears when it
     * is back: the case for hearing every mirror, and not a quorum of them. Or it reaches nobody:
     * the case for the head file. */
    if (node->up) {
        node_backup(node);
    }
    plan->confidant = often(plan, 500) ? &sim->nodes[dice_between(&sim->dice, 1, 3)] : NULL;
    cut_off(sim, node, plan->confidant, true);
    if (node->up && node->hosts->opaque) {
        sim_after(sim, dice_below(&sim->dice, 30), node, import_soon, NULL, node);
    }
    sim_after(sim, dice_between(&sim->dice, 100, 2000), NULL, lose_disk, NULL, plan);
}

static void start_twin(struct plan *plan) {
    if (!plan->second->up) {
        plan->second->stays_down = false;
        plan->book->crowded = true;
        node_start(plan->second);
    }
}

static void mischief(struct sim *sim, void *context) {
    struct plan *plan = context;
    if (plan->stopped || sim->now >= plan->until) {
        return;
    }
    switch (dice_below(&sim->dice, 9)) {
    case 0:
    case 1:
        if (plan->crashes) {
            crash_one(plan);
        }
        break;
    case 2:
        if (plan->partitions) {
            cut_wires(plan);
        }
        break;
    case 3:
        if (plan->clocks) {
            move_clock(plan);
        }
        break;
    case 4:
        if (plan->disks) {
            any_node(plan)->disk->armed = (enum store_memory_fault)dice_between(
                &sim->dice, STORE_MEMORY_FAILS, STORE_MEMORY_DOUBT_LOST);
        }
        break;
    case 5:
        if (plan->policies) {
            change_policy(plan);
        }
        break;
    case 6:
        if (plan->restores) {
            restore_one(plan, plan->erring);
        }
        break;
    case 7:
        if (plan->rewinds) {
            restore_one(plan, plan->opaque != NULL ? plan->opaque->host : plan->agency);
        }
        break;
    case 8:
        if (plan->twin) {
            start_twin(plan);
        } else if (plan->opaque != NULL && plan->opaque->host->up) {
            host_bulk(plan->opaque->host, dice_between(&sim->dice, 1, 300));
        }
        break;
    default:
        break;
    }
    sim_after(sim, dice_between(&sim->dice, 1, 2 * plan->pace_ms), NULL, mischief, NULL, plan);
}

/* --- the end --- */

/* Whatever was on its way or out of order is mended; dishonest nodes stay what they are. */
static void stop_faults(struct plan *plan) {
    struct sim *sim = plan->sim;
    plan->stopped = true;
    sim_say(sim, "-", "the faults stop");
    sim->rates = (struct rates){.delay_ms = {1, 20}, .commit_ms = {1, 3}};
    for (size_t a = 0; a < SIM_ENDS; a++) {
        for (size_t b = 0; b < a; b++) {
            wire_block(sim, a, b, false);
        }
    }
    for (size_t i = 0; i < sim->node_count; i++) {
        struct node *node = &sim->nodes[i];
        node->disk->armed = STORE_MEMORY_OK;
        node->clock_ms = 0;
        node->gossip_ms = node->mirrors ? 20000 : 0;
    }
    if (plan->twin) {
        plan->second->stays_down = true;
        node_crash(plan->second, true);
        node_reboot(plan->agency, true, 10);
    }
    for (size_t i = 0; i < sim->client_count; i++) {
        if (sim->clients[i].target == plan->second && plan->second != NULL) {
            sim->clients[i].target = plan->agency;
        }
    }
    for (size_t i = 0; i < sim->node_count; i++) {
        struct node *node = &sim->nodes[i];
        if (node->mirrors && node->up) {
            gossip_start(node);
        }
        if (!node->up && !node->stays_down) {
            node_start(node);
        }
    }
}

static void rest(struct plan *plan) {
    struct sim *sim = plan->sim;
    uint64_t limit = sim->now + CONVERGE_MS;
    const char *unfinished = "";
    while (!sim->failed && unfinished != NULL && sim->now < limit) {
        sim_run_until(sim, sim->now + 1000);
        unfinished = check_unfinished(sim);
    }
    if (unfinished != NULL) {
        sim_fail(sim, "end", "after %u minutes without faults: %s", CONVERGE_MS / 60000,
                 unfinished);
    }
}

/* Where clocks were wrong, something is published once more: the time of what was published before
 * may hang on it. */
static void converge(struct plan *plan) {
    struct sim *sim = plan->sim;
    rest(plan);
    if (!sim->failed && plan->wrong.mode != CLOCKS_RIGHT && !plan->book->rewound &&
        plan->office->count < CLIENT_ITEMS_MAX) {
        client_put(plan->office, world_lodge(&plan->book->world, plan->said++, NULL));
        rest(plan);
        clocks_check_end(sim);
    }
    if (!sim->failed) {
        sim_say(sim, "-", "converged");
        check_end(sim);
    }
}

struct sim *swarm_run(uint64_t seed, bool trace) {
    struct sim *sim = sim_new(seed);
    struct plan plan = {.sim = sim};
    sim->trace = trace;
    draw_plan(&plan);
    draw_rates(&plan);
    draw_cast(&plan);
    clocks_begin(&plan.wrong, sim, plan.book, plan.until);
    cast_start(sim);
    for (size_t i = 0; i < sim->node_count; i++) {
        if (sim->nodes[i].liar != NULL) {
            liar_start(&sim->nodes[i]);
        }
    }
    start_writing(&plan);
    sim_after(sim, plan.pace_ms, NULL, mischief, NULL, &plan);
    sim_run_until(sim, plan.until);
    if (!sim->failed) {
        stop_faults(&plan);
        converge(&plan);
    }
    /* The plan is gone after this: nothing of the queue may run any more. */
    return sim;
}
