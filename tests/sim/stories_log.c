/* What happens to a log: its clients, its policy, its crashes. */
#include "tests/sim/host.h"
#include "tests/sim/lies.h"
#include "tests/sim/story.h"
#include "tests/sim/wire.h"

#include <string.h>

static bool has_all(const struct client *client) {
    for (size_t i = 0; i < client->count; i++) {
        if (client->items[i].state != ITEM_DONE) {
            return false;
        }
    }
    return client->count > 0;
}

static void happy(struct sim *sim) {
    story_stage(sim);
    struct client *clerk = story_client(sim, "clerk", WORLD_CLERK);
    story_submit(clerk);
    story_wait(sim, 2000);
    story_expect(sim, has_all(clerk), "the clerk holds a receipt");
}

static void duplicate(struct sim *sim) {
    story_stage(sim);
    struct client *clerk = story_client(sim, "clerk", WORLD_CLERK);
    struct client *again = story_client(sim, "again", WORLD_CLERK);
    story_submit(clerk);
    story_wait(sim, 200);
    story_tell(sim, "the same bytes once more");
    client_put(again, clerk->items[0].note);
    client_look(again);
    story_wait(sim, 200);
    story_expect(sim, has_all(again) && again->items[0].index == clerk->items[0].index,
                 "both receipts are of one entry");
}

static void two_workstations(struct sim *sim) {
    story_stage(sim);
    struct client *clerk = story_client(sim, "clerk", WORLD_CLERK);
    struct client *copy = story_client(sim, "copy", WORLD_CLERK);
    copy->may_be_refused = true;
    story_tell(sim, "two workstations sign with one key and do not know of each other");
    cast_write(copy, true);
    story_submit(clerk);
    story_wait(sim, 200);
    client_look(copy);
    story_wait(sim, 200);
    story_expect(sim, has_all(clerk), "the first one is logged");
    story_expect(sim, copy->items[0].status == STATUS_CONFLICT_USED, "the other is a conflict");
}

static void gap(struct sim *sim) {
    story_stage(sim);
    struct client *clerk = story_client(sim, "clerk", WORLD_CLERK);
    story_tell(sim, "the second event arrives before the first");
    cast_write(clerk, false);
    cast_write(clerk, false);
    clerk->batch = 1;
    clerk->retry_ms = 100;
    clerk->items[0].next_try = sim->now + 50;
    client_look(clerk);
    story_wait(sim, 60);
    client_look(clerk);
    story_wait(sim, 300);
    client_look(clerk);
    story_wait(sim, 300);
    story_expect(sim, has_all(clerk), "both are logged, in order");
}

static void revoked(struct sim *sim) {
    story_stage(sim);
    struct client *office = client_named(sim, "office");
    struct client *post = story_client(sim, "post", WORLD_POST);
    post->may_be_refused = true;
    story_submit(post);
    story_wait(sim, 200);
    client_put(office, world_revoke(&sim->books[0].world, WORLD_ROOT_1, WORLD_POST));
    client_look(office);
    story_wait(sim, 200);
    story_tell(sim, "its key is revoked; it signs another event, and sends the first one again");
    story_submit(post);
    story_wait(sim, 200);
    struct client *again = story_client(sim, "again", WORLD_POST);
    client_put(again, post->items[0].note);
    client_look(again);
    story_wait(sim, 200);
    story_expect(sim, has_all(again), "what was logged keeps its receipt");
    story_expect(sim, post->items[1].status == STATUS_DENIED_KEY, "the new event is refused");
}

static void own_mirror(struct sim *sim) {
    story_stage(sim);
    struct book *book = &sim->books[0];
    struct client *office = client_named(sim, "office");
    office->may_be_refused = true;
    story_tell(sim, "a policy that counts the annex, which the agency runs itself");
    client_put(office,
               book_policy_event(book, book_policy(book, CAST_ANNEX | CAST_STATE, 2), true));
    client_look(office);
    story_wait(sim, 200);
    story_expect(sim, office->items[office->count - 1].status == STATUS_BAD_POLICY,
                 "it is refused");
}

/* --- policies --- */

static void policy_change(struct sim *sim) {
    story_stage(sim);
    struct book *book = &sim->books[0];
    struct client *office = client_named(sim, "office");
    story_tell(sim,
               "from {state, doj, university} to {doj, university, press}; two of these are down");
    story_down(sim, "university");
    story_down(sim, "press");
    struct known_policy *policy = book_policy(book, CAST_DOJ | CAST_UNIVERSITY | CAST_PRESS, 2);
    client_put(office, book_policy_event(book, policy, false));
    client_look(office);
    story_wait(sim, 11000);
    story_expect(sim, book->published_size == WORLD_START,
                 "the old quorum alone publishes nothing");
    story_up(sim, "press");
    story_wait(sim, 31000);
    client_look(office);
    story_wait(sim, 200);
    story_expect(sim, has_all(office), "both quorums publish it");
    story_tell(sim, "now the state is not asked any more");
    struct client *clerk = story_client(sim, "clerk", WORLD_CLERK);
    story_submit(clerk);
    story_wait(sim, 200);
    story_expect(sim, has_all(clerk), "the new quorum publishes");
}

static void policies_at_start(struct sim *sim) {
    story_stage(sim);
    struct book *book = &sim->books[0];
    struct client *office = client_named(sim, "office");
    story_tell(sim, "one policy in the candidate, another beyond it, then a restart");
    story_down(sim, "doj");
    story_down(sim, "university");
    struct known_policy *first = book_policy(book, CAST_STATE | CAST_PRESS, 2);
    struct known_policy *second = book_policy(book, CAST_THREE, 2);
    client_put(office, book_policy_event(book, first, false));
    client_look(office);
    story_wait(sim, 100);
    office->patient = false;
    client_put(office, book_policy_event(book, second, false));
    client_look(office);
    story_wait(sim, 100);
    story_down(sim, "agency");
    story_down(sim, "press");
    story_up(sim, "doj");
    story_up(sim, "agency");
    story_wait(sim, 4000);
    story_expect(sim, book->published_size == WORLD_START,
                 "the candidate waits for the press, which its own policy names");
    story_up(sim, "press");
    story_wait(sim, 40000);
    client_look(office);
    story_wait(sim, 200);
    story_expect(sim, has_all(office), "both are published");
}

/* --- crashes --- */

static void crash_before_candidate(struct sim *sim) {
    story_stage(sim);
    struct client *clerk = story_client(sim, "clerk", WORLD_CLERK);
    story_submit(clerk);
    story_wait(sim, 30);
    story_tell(sim, "the entry is durable, its candidate is not");
    node_reboot(node_named(sim, "agency"), false, 1000);
    story_wait(sim, 2000);
    client_look(clerk);
    story_wait(sim, 14000);
    client_look(clerk);
    story_wait(sim, 100);
    story_expect(sim, has_all(clerk), "the clerk's second attempt gets the receipt");
}

static void crash_after_candidate(struct sim *sim) {
    story_stage(sim);
    struct client *clerk = story_client(sim, "clerk", WORLD_CLERK);
    story_submit(clerk);
    story_wait(sim, 30);
    story_tell(sim, "the candidate is durable, and nobody saw it");
    node_reboot(node_named(sim, "agency"), true, 1000);
    story_wait(sim, 16000);
    client_look(clerk);
    story_wait(sim, 100);
    story_expect(sim, has_all(clerk), "the same candidate went on");
}

static void doubt_kept(struct sim *sim) {
    story_stage(sim);
    struct node *agency = node_named(sim, "agency");
    struct client *clerk = story_client(sim, "clerk", WORLD_CLERK);
    agency->stays_down = true;
    story_submit(clerk);
    story_wait(sim, 27);
    story_tell(sim, "the disk will report the candidate as failed, and keep it");
    agency->disk->armed = STORE_MEMORY_DOUBT_KEPT;
    story_wait(sim, 1000);
    story_up(sim, "agency");
    story_wait(sim, 16000);
    client_look(clerk);
    story_wait(sim, 100);
    story_expect(sim, has_all(clerk), "the candidate that was kept went on");
}

static void doubt_lost(struct sim *sim) {
    story_stage(sim);
    struct node *agency = node_named(sim, "agency");
    struct client *clerk = story_client(sim, "clerk", WORLD_CLERK);
    agency->stays_down = true;
    story_submit(clerk);
    story_wait(sim, 27);
    story_tell(sim, "the disk will report the candidate as failed, and lose it");
    agency->disk->armed = STORE_MEMORY_DOUBT_LOST;
    story_wait(sim, 1000);
    story_up(sim, "agency");
    story_wait(sim, 16000);
    client_look(clerk);
    story_wait(sim, 100);
    story_expect(sim, has_all(clerk), "another was cut over the same head");
}

static void disk_full(struct sim *sim) {
    story_stage(sim);
    struct client *clerk = story_client(sim, "clerk", WORLD_CLERK);
    story_submit(clerk);
    story_wait(sim, 17);
    story_tell(sim, "no room for the entry");
    node_named(sim, "agency")->disk->armed = STORE_MEMORY_FULL;
    story_wait(sim, 2500);
    client_look(clerk);
    story_wait(sim, 27);
    story_tell(sim, "nor, a little later, for its candidate");
    node_named(sim, "agency")->disk->armed = STORE_MEMORY_FULL;
    story_wait(sim, 2000);
    story_expect(sim, has_all(clerk), "what was refused is taken when there is room");
}

/* --- backups, clocks, two processes --- */

static void submit_some(struct sim *sim, struct client *client, size_t count) {
    for (size_t i = 0; i < count; i++) {
        story_submit(client);
        story_wait(sim, 150);
    }
}

static void restore(struct sim *sim, bool head_file_lost) {
    struct node *agency = node_named(sim, "agency");
    struct client *clerk = story_client(sim, "clerk", WORLD_CLERK);
    node_backup(agency);
    submit_some(sim, clerk, 2);
    story_wait(sim, 1000);
    story_tell(sim, "the agency's disk breaks; yesterday's copy is put in");
    story_down(sim, "agency");
    node_restore(agency, head_file_lost);
    story_up(sim, "agency");
}

static void old_backup(struct sim *sim) {
    story_stage(sim);
    node_named(sim, "agency")->disk->head_file.unused = true;
    restore(sim, false);
    story_wait(sim, 2000);
    story_expect(sim, host_replica(node_named(sim, "agency"))->state == REPLICA_HALTED,
                 "a mirror's proof of a larger head halts it");
}

static void old_backup_guarded(struct sim *sim) {
    story_stage(sim);
    story_down(sim, "doj");
    story_down(sim, "state");
    story_up(sim, "doj");
    story_up(sim, "state");
    restore(sim, true);
    struct client *board = story_client(sim, "board", WORLD_BOARD);
    story_submit(board);
    story_wait(sim, 2000);
    story_expect(sim, board->items[0].status == STATUS_CLOCK, "nothing is stamped");
    story_expect(sim, host_replica(node_named(sim, "agency"))->state == REPLICA_HALTED,
                 "and it halts");
}

/* A log of raw entries signs a candidate that reaches nobody, and is restored to before it. */
static struct node *sign_for_nobody(struct sim *sim, bool head_file_lost) {
    struct node *county = node_add(sim, "county", "county", NULL);
    struct book *book = book_add(sim, "county.example/opaque", true);
    book->host = county;
    county->hosts = book;
    book_policy(book, CAST_THREE, 2);
    story_stage(sim);
    host_bulk(county, 3);
    story_wait(sim, 1500);
    node_backup(county);
    for (size_t i = 1; i <= 3; i++) {
        wire_block(sim, county->index, i, true);
    }
    host_bulk(county, 2);
    story_wait(sim, 300);
    story_tell(sim, "its disk breaks; yesterday's copy is put in, and the wires are mended");
    story_down(sim, "county");
    node_restore(county, head_file_lost);
    for (size_t i = 1; i <= 3; i++) {
        wire_block(sim, county->index, i, false);
    }
    story_wait(sim, 10000);
    story_up(sim, "county");
    story_wait(sim, 2000);
    return county;
}

static void unseen(struct sim *sim) {
    struct node *county = sign_for_nobody(sim, false);
    const struct replica *replica = host_replica(county);
    story_expect(sim, replica->state == REPLICA_HALTED && replica->halt == HALT_LOST,
                 "what its head file names is lost, and it signs nothing more");
}

static void unseen_bare(struct sim *sim) {
    struct node *county = sign_for_nobody(sim, true);
    host_bulk(county, 2);
    story_wait(sim, 1500);
    story_expect(sim, county->hosts->published_size == 5,
                 "nobody knows of the first signature, and nobody will");
}

static void clock_off(struct sim *sim) {
    story_stage(sim);
    struct node *agency = node_named(sim, "agency");
    struct client *clerk = story_client(sim, "clerk", WORLD_CLERK);
    sim->books[0].options.clock_refresh_ms = 60000;
    story_tell(sim, "the agency's clock jumps ahead by ten minutes");
    agency->clock_ms = 600000;
    story_submit(clerk);
    story_wait(sim, 300);
    story_tell(sim, "the cosignatures have told; the next event is not stamped");
    cast_write(clerk, false);
    client_look(clerk);
    story_wait(sim, 5000);
    story_tell(sim, "the clock is mended");
    agency->clock_ms = 0;
    story_wait(sim, 61000);
    client_look(clerk);
    story_wait(sim, 300);
    story_expect(sim, has_all(clerk), "it healed by itself");
}

static void two_daemons(struct sim *sim) {
    struct node *agency = node_named(sim, "agency");
    struct node *twin = node_add(sim, "twin", "agency", agency->disk);
    twin->hosts = &sim->books[0];
    twin->stays_down = true;
    story_stage(sim);
    struct client *clerk = story_client(sim, "clerk", WORLD_CLERK);
    struct client *board = story_client(sim, "board", WORLD_BOARD);
    board->target = twin;
    sim->books[0].crowded = true;
    story_tell(sim, "a second process is started on the same folder");
    story_up(sim, "twin");
    story_wait(sim, 500);
    story_submit(clerk);
    story_wait(sim, 500);
    story_submit(board);
    story_wait(sim, 1000);
    story_expect(sim, host_replica(twin)->state == REPLICA_HALTED, "the second one halts");
    story_tell(sim, "it is stopped; the first one goes on");
    story_down(sim, "twin");
    story_submit(clerk);
    story_wait(sim, 500);
    board->target = agency;
    story_wait(sim, 10000);
    client_look(board);
    story_wait(sim, 500);
    story_expect(sim, has_all(clerk) && has_all(board), "nothing is lost");
}

const struct story stories_of_logs[] = {
    {"happy", "An event is taken, and two of three mirrors make its receipt.", happy},
    {"duplicate", "The same event sent twice is one entry.", duplicate},
    {"two-workstations", "Two workstations with one key: the second event is kept as a conflict.",
     two_workstations},
    {"gap", "An event that leaves a gap in its key's sequence waits for the one before.", gap},
    {"revoked", "A revoked key signs nothing more; what it signed before stands.", revoked},
    {"own-mirror", "A policy that counts the operator's own mirror is refused.", own_mirror},
    {"policy-change", "A change of policy needs the old quorum and the new one.", policy_change},
    {"policies-at-start", "After a restart the candidate still answers to its own policy.",
     policies_at_start},
    {"crash-before-candidate", "The log dies before its candidate is durable.",
     crash_before_candidate},
    {"crash-after-candidate", "The log dies after its candidate is durable, before it is sent.",
     crash_after_candidate},
    {"doubt-kept", "The candidate's commit is reported as failed, and was kept.", doubt_kept},
    {"doubt-lost", "The candidate's commit is reported as failed, and was lost.", doubt_lost},
    {"disk-full", "The disk is full, then it is not.", disk_full},
    {"old-backup", "A log restored from an old copy halts when a mirror proves a larger head.",
     old_backup},
    {"old-backup-guarded", "A log that must hear every mirror stamps nothing before it halts.",
     old_backup_guarded},
    {"unseen", "A log restored to before a candidate that reached nobody: its head file halts it.",
     unseen},
    {"unseen-bare", "The same, the head file lost: it goes on once all have said what they hold.",
     unseen_bare},
    {"clock-off", "While the log's clock is ten minutes off nothing is stamped.", clock_off},
    {"two-daemons", "Two processes on one folder: one head wins, the other process halts.",
     two_daemons},
    {NULL, NULL, NULL},
};
