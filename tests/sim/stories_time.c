/* What wrong clocks of mirrors do to the times of events, and what they do not. */
#include "tests/sim/clocks.h"
#include "tests/sim/story.h"

#define DAYS_40 (40 * 86400 * (int64_t)1000)

static bool has(const struct client *client, size_t which) {
    return client->items[which].state == ITEM_DONE;
}

/* It cosigns by its clock, as one that is not ours may. */
static void set_ahead(struct sim *sim, const char *name) {
    struct node *node = node_named(sim, name);
    node->reckless = true;
    node->clock_ms = DAYS_40;
}

static void one_ahead(struct sim *sim) {
    story_stage(sim);
    struct client *clerk = story_client(sim, "clerk", WORLD_CLERK);
    story_tell(sim, "the doj's clock is 40 days ahead, and it answers first");
    set_ahead(sim, "doj");
    sim->lag_ms[node_named(sim, "state")->index] = 100;
    sim->lag_ms[node_named(sim, "university")->index] = 300;
    story_submit(clerk);
    story_wait(sim, 4000);
    story_expect(sim, has(clerk, 0), "the university was waited for");
    clocks_check_end(sim); /* nothing is confirmed in the future */
}

static void two_ahead(struct sim *sim) {
    story_stage(sim);
    struct client *clerk = story_client(sim, "clerk", WORLD_CLERK);
    static const char *const names[] = {"agency", "state", "doj", "university"};
    story_tell(sim, "two mirrors are 40 days ahead for ten seconds");
    set_ahead(sim, "state");
    set_ahead(sim, "doj");
    story_submit(clerk);
    story_wait(sim, 10000);
    story_tell(sim, "their clocks are set right, and all is restarted");
    for (size_t i = 0; i < 4; i++) {
        struct node *node = node_named(sim, names[i]);
        node->clock_ms = 0;
        node->reckless = false;
        story_down(sim, names[i]);
    }
    for (size_t i = 0; i < 4; i++) {
        story_up(sim, names[i]);
    }
    story_wait(sim, 2000);
    story_tell(sim, "their keys go on at the times that they signed; the log stamps all the same");
    cast_write(clerk, false);
    client_look(clerk);
    story_wait(sim, 2000);
    story_expect(sim, has(clerk, 1), "stamped, and held by a quorum");
}

const struct story stories_of_time[] = {
    {"one-ahead", "One mirror whose clock is ahead does not set the time of what is published.",
     one_ahead},
    {"two-ahead", "Two mirrors were ahead for ten seconds: stamping goes on.", two_ahead},
    {NULL, NULL, NULL},
};
