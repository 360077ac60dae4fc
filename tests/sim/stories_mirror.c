/* What happens to mirrors: deaths, slowness, lies. */
#include "tests/sim/host.h"
#include "tests/sim/lies.h"
#include "tests/sim/story.h"

static bool has(const struct client *client, size_t which) {
    return client->items[which].state == ITEM_DONE;
}

static void one_dead(struct sim *sim) {
    story_stage(sim);
    struct client *clerk = story_client(sim, "clerk", WORLD_CLERK);
    story_down(sim, "doj");
    story_submit(clerk);
    story_wait(sim, 2000);
    story_expect(sim, has(clerk, 0), "two mirrors are enough");
    story_up(sim, "doj");
    story_wait(sim, 31000);
    story_expect(sim, node_named(sim, "doj")->watch[0][WATCH_MIRROR].size == 8,
                 "the third catches up by itself");
}

static void two_dead(struct sim *sim) {
    story_stage(sim);
    struct client *clerk = story_client(sim, "clerk", WORLD_CLERK);
    story_down(sim, "doj");
    story_down(sim, "university");
    story_submit(clerk);
    story_wait(sim, 11000);
    story_expect(sim, clerk->items[0].state == ITEM_PLACED, "taken, without a receipt");
    story_tell(sim, "one of the two comes back");
    story_up(sim, "university");
    story_wait(sim, 31000);
    client_look(clerk);
    story_wait(sim, 100);
    story_expect(sim, has(clerk, 0), "now there is one");
}

static void slow(struct sim *sim) {
    story_stage(sim);
    struct client *clerk = story_client(sim, "clerk", WORLD_CLERK);
    story_tell(sim, "every message of the doj's takes 300 ms more");
    sim->lag_ms[node_named(sim, "doj")->index] = 300;
    story_submit(clerk);
    story_wait(sim, 200);
    story_submit(clerk);
    story_wait(sim, 200);
    story_submit(clerk);
    story_wait(sim, 200);
    story_expect(sim, has(clerk, 0) && has(clerk, 1) && has(clerk, 2), "nobody waits for it");
    story_wait(sim, 5000);
    story_expect(sim, node_named(sim, "doj")->watch[0][WATCH_MIRROR].size == 10,
                 "it cosigns the last candidate in the end");
}

static void crash_before_entries(struct sim *sim) {
    story_stage(sim);
    struct client *clerk = story_client(sim, "clerk", WORLD_CLERK);
    story_down(sim, "university");
    story_submit(clerk);
    story_wait(sim, 52);
    story_tell(sim, "the state has the pending checkpoint, and none of its entries");
    node_reboot(node_named(sim, "state"), false, 300);
    story_wait(sim, 3000);
    story_expect(sim, has(clerk, 0), "the push went on where it was");
}

static void crash_before_cosigning(struct sim *sim) {
    story_stage(sim);
    struct client *clerk = story_client(sim, "clerk", WORLD_CLERK);
    story_down(sim, "university");
    story_submit(clerk);
    story_wait(sim, 72);
    story_tell(sim, "the state has stored the entries, and not cosigned them");
    node_reboot(node_named(sim, "state"), false, 300);
    story_wait(sim, 3000);
    story_expect(sim, has(clerk, 0), "the push went on where it was");
}

static void cut_short(struct sim *sim) {
    /* A log of raw entries, since it takes many to be cut in the middle. */
    struct node *county = node_add(sim, "county", "county", NULL);
    struct book *book = book_add(sim, "county.example/opaque", true);
    book->host = county;
    county->hosts = book;
    book_policy(book, CAST_STATE | CAST_DOJ, 2);
    story_stage(sim);
    story_tell(sim, "600 entries, and connections that break in the middle");
    sim->rates.cut_short = 1000;
    host_bulk(county, 300);
    host_bulk(county, 300);
    story_wait(sim, 1500);
    story_tell(sim, "then they do not break any more");
    sim->rates.cut_short = 0;
    story_wait(sim, 5000);
    story_expect(sim, book->published_size == 600, "uploads resumed where they ended");
}

static void restored(struct sim *sim) {
    story_stage(sim);
    struct client *clerk = story_client(sim, "clerk", WORLD_CLERK);
    struct node *doj = node_named(sim, "doj");
    node_backup(doj);
    story_submit(clerk);
    story_wait(sim, 200);
    story_submit(clerk);
    story_wait(sim, 1500);
    story_down(sim, "doj");
    node_restore(doj, false);
    story_up(sim, "doj");
    story_submit(clerk);
    story_wait(sim, 2000);
    story_expect(sim, doj->watch[0][WATCH_MIRROR].size == 10, "it is brought up to date");
}

static void restored_quiet(struct sim *sim) {
    story_stage(sim);
    struct client *clerk = story_client(sim, "clerk", WORLD_CLERK);
    struct node *doj = node_named(sim, "doj");
    node_backup(doj);
    story_submit(clerk);
    story_wait(sim, 200);
    story_submit(clerk);
    story_wait(sim, 1500);
    story_down(sim, "doj");
    node_restore(doj, false);
    story_tell(sim, "the log has nothing more to say");
    story_up(sim, "doj");
    story_wait(sim, 60000);
    story_expect(sim, doj->watch[0][WATCH_MIRROR].size == 9,
                 "it asks how far the log came, and fetches what it lacks");
}

static void together(struct sim *sim) {
    sim->books[0].options.together = true;
    node_named(sim, "university")->apart = true;
    story_stage(sim);
    struct client *clerk = story_client(sim, "clerk", WORLD_CLERK);
    story_tell(sim, "both in one, but for the university, which knows no such thing");
    story_submit(clerk);
    story_wait(sim, 1500);
    story_expect(sim, has(clerk, 0), "the receipt is there");
    story_tell(sim, "the state dies with the request half done");
    story_down(sim, "university");
    story_submit(clerk);
    story_wait(sim, 45);
    node_reboot(node_named(sim, "state"), false, 300);
    story_wait(sim, 3000);
    story_expect(sim, has(clerk, 1), "it was sent again");
}

static void lying_409(struct sim *sim) {
    story_stage(sim);
    struct client *clerk = story_client(sim, "clerk", WORLD_CLERK);
    story_tell(sim, "the doj says that it holds a million entries more");
    lies_begin(node_named(sim, "doj"), 1000, 1u << LIE_LARGER);
    story_submit(clerk);
    story_wait(sim, 3000);
    story_expect(sim, has(clerk, 0), "the claim is checked, not believed");
    story_expect(sim, host_replica(node_named(sim, "agency"))->state != REPLICA_HALTED,
                 "the log goes on");
}

static void absurd_time(struct sim *sim) {
    story_stage(sim);
    struct client *clerk = story_client(sim, "clerk", WORLD_CLERK);
    story_down(sim, "university");
    story_tell(sim, "the doj cosigns at times that are none");
    lies_begin(node_named(sim, "doj"), 1000, 1u << LIE_TIME);
    story_submit(clerk);
    story_wait(sim, 1000);
    story_up(sim, "university");
    story_wait(sim, 30000);
    client_look(clerk);
    story_wait(sim, 200);
    story_expect(sim, has(clerk, 0), "the receipt verifies");
}

static void other_root(struct sim *sim) {
    story_stage(sim);
    struct client *clerk = story_client(sim, "clerk", WORLD_CLERK);
    story_tell(sim, "the doj cosigns another root, or answers with noise");
    lies_begin(node_named(sim, "doj"), 1000, 1u << LIE_OTHER_ROOT | 1u << LIE_GARBAGE);
    story_submit(clerk);
    story_wait(sim, 3000);
    story_expect(sim, has(clerk, 0), "only good cosignatures count");
}

const struct story stories_of_mirrors[] = {
    {"one-dead", "One mirror is down: receipts go on, and it catches up later.", one_dead},
    {"two-dead", "Two mirrors are down: 202, and the receipt once one of them is back.", two_dead},
    {"slow", "A slow mirror holds nobody up.", slow},
    {"crash-before-entries", "A mirror dies between pending checkpoint and entries.",
     crash_before_entries},
    {"crash-before-cosigning", "A mirror dies after the entries, before it cosigns.",
     crash_before_cosigning},
    {"cut-short", "Uploads that break off go on where they ended.", cut_short},
    {"restored", "A mirror restored from an old copy is brought up to date.", restored},
    {"restored-quiet", "A restored mirror catches up with a log that is quiet.", restored_quiet},
    {"together", "A checkpoint and its entries in one request, and in one commit.", together},
    {"lying-409", "A mirror's claim of a larger head halts nobody.", lying_409},
    {"absurd-time", "A cosignature at a time that no receipt can state does not count.",
     absurd_time},
    {"other-root", "A mirror that cosigns another root, or sends noise, does not count.",
     other_root},
    {NULL, NULL, NULL},
};
