/* What a dishonest log tries. It has two histories that part after some entries. */
#include "tests/sim/liar.h"
#include "tests/sim/mirrors.h"
#include "tests/sim/story.h"

static struct node *rogue(struct sim *sim) {
    return node_named(sim, "rogue");
}

/* The mirror takes a history up to a size, entries and all. */
static void feed(struct sim *sim, const char *mirror, size_t history, uint64_t from,
                 uint64_t size) {
    const struct node *to = node_named(sim, mirror);
    liar_checkpoint(rogue(sim), to, history, from, size, history);
    story_wait(sim, 50);
    liar_entries(rogue(sim), to, history, from, size, LIAR_WHOLE);
    story_wait(sim, 150);
}

static void evidence_a(struct sim *sim) {
    story_rogue(sim, 5, 12);
    story_stage(sim);
    feed(sim, "state", 0, 0, 11);
    story_tell(sim, "the other history at the same size");
    liar_checkpoint(rogue(sim), node_named(sim, "state"), 1, 11, 11, 1);
    story_wait(sim, 200);
    story_expect(sim, sim->counts.evidence == 1, "one size, two roots: evidence");
}

static void evidence_b(struct sim *sim) {
    story_rogue(sim, 5, 12);
    story_stage(sim);
    feed(sim, "state", 0, 0, 7);
    story_tell(sim, "the other history, larger, with its own proof");
    liar_checkpoint(rogue(sim), node_named(sim, "state"), 1, 7, 12, 1);
    story_wait(sim, 200);
    story_expect(sim, sim->counts.evidence == 1, "the proof it sent accuses it");
}

static void evidence_b_smaller(struct sim *sim) {
    story_rogue(sim, 5, 12);
    story_stage(sim);
    feed(sim, "state", 0, 0, 12);
    story_tell(sim, "a smaller checkpoint of the other history");
    liar_checkpoint(rogue(sim), node_named(sim, "state"), 1, 12, 9, 1);
    story_wait(sim, 100);
    liar_checkpoint(rogue(sim), node_named(sim, "state"), 1, 3, 9, 1);
    story_wait(sim, 200);
    story_expect(sim, sim->counts.evidence >= 1, "the stored tree accuses it");
}

static void unreconciled(struct sim *sim) {
    story_rogue(sim, 5, 12);
    story_stage(sim);
    feed(sim, "state", 0, 0, 8);
    story_tell(sim, "8 is a power of two: the proof sent does not tell a fork from a bad proof");
    liar_checkpoint(rogue(sim), node_named(sim, "state"), 1, 8, 12, 1);
    story_wait(sim, 200);
    story_expect(sim, sim->counts.unreconciled == 1, "it is kept and listed");
    story_tell(sim, "the state stores more of the history that it knows");
    feed(sim, "state", 0, 8, 12);
    examine_again(node_named(sim, "state"));
    story_wait(sim, 200);
    story_expect(sim, sim->counts.evidence == 1, "now it is explained");
}

static void goes_back(struct sim *sim) {
    story_rogue(sim, 5, 12);
    story_stage(sim);
    feed(sim, "state", 0, 0, 12);
    story_tell(sim, "back to a smaller size of the same history");
    liar_checkpoint(rogue(sim), node_named(sim, "state"), 0, 12, 6, 0);
    story_wait(sim, 100);
    liar_checkpoint(rogue(sim), node_named(sim, "state"), 0, 6, 6, 0);
    story_wait(sim, 100);
    liar_checkpoint(rogue(sim), node_named(sim, "state"), 0, 0, 6, 0);
    story_wait(sim, 200);
    story_expect(sim, node_named(sim, "state")->watch[1][WATCH_WITNESS].size == 12,
                 "nothing smaller is cosigned");
    story_expect(sim, sim->counts.evidence == 0, "and nothing is proved by it");
}

static void withheld(struct sim *sim) {
    story_rogue(sim, 5, 12);
    story_stage(sim);
    feed(sim, "state", 0, 0, 4);
    story_tell(sim, "a larger checkpoint, and its entries damaged or not at all");
    liar_checkpoint(rogue(sim), node_named(sim, "state"), 0, 4, 12, 0);
    story_wait(sim, 100);
    liar_entries(rogue(sim), node_named(sim, "state"), 0, 4, 12, LIAR_UNPROVED);
    story_wait(sim, 100);
    liar_entries(rogue(sim), node_named(sim, "state"), 1, 4, 12, LIAR_WHOLE);
    story_wait(sim, 100);
    liar_entries(rogue(sim), node_named(sim, "state"), 0, 12, 12, LIAR_WHOLE);
    story_wait(sim, 200);
    story_expect(sim, node_named(sim, "state")->watch[1][WATCH_MIRROR].size == 4,
                 "what is not stored is not cosigned");
}

static void backdated(struct sim *sim) {
    story_rogue(sim, 5, 12);
    story_stage(sim);
    liar_grow(rogue(sim), 0, 3600000);
    liar_grow(rogue(sim), 0, 0);
    story_tell(sim, "entry 12 is dated an hour back");
    feed(sim, "state", 0, 0, 14);
    struct node *state = node_named(sim, "state");
    struct store_txn *txn = node_read(state);
    story_expect(sim,
                 judge_verdict(txn, state->logs[1].number, 12, NULL) == STATUS_BAD_MEMBER &&
                     judge_verdict(txn, state->logs[1].number, 11, NULL) == STATUS_OK,
                 "it is stored and not accepted");
    store_abort(txn);
}

static void gossip(struct sim *sim) {
    story_rogue(sim, 5, 12);
    story_stage(sim);
    story_tell(sim, "each mirror is shown a history of its own");
    feed(sim, "state", 0, 0, 12);
    feed(sim, "doj", 1, 0, 10);
    story_expect(sim, sim->counts.evidence == 0, "neither can know");
    gossip_ask(node_named(sim, "state"), node_named(sim, "doj"), 1);
    story_wait(sim, 200);
    story_expect(sim, sim->counts.evidence >= 1, "until they compare");
}

const struct story stories_of_forks[] = {
    {"evidence-a", "A log signs two roots of one size: evidence (a).", evidence_a},
    {"evidence-b", "A log signs a larger tree that does not continue the smaller: evidence (b).",
     evidence_b},
    {"evidence-b-smaller", "A log signs a smaller tree that it did not have: evidence (b).",
     evidence_b_smaller},
    {"unreconciled", "What can't be proved yet is listed, and proved when more is known.",
     unreconciled},
    {"rewind", "A log goes back to a smaller size: refused, and no proof of anything.", goes_back},
    {"withheld", "A log withholds its entries: its checkpoint is pending and not mirrored.",
     withheld},
    {"backdated", "An entry that is dated back is stored and judged as not accepted.", backdated},
    {"gossip", "Two mirrors that were shown two histories compare what they hold.", gossip},
    {NULL, NULL, NULL},
};
