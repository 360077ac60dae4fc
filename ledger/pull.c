#include "ledger/pull.h"

#include "ledger/compare.h"

#include <assert.h>
#include <string.h>

#define FAILURE_MIN_MS 1000
#define FAILURE_MAX_MS 300000

enum status pull_held(struct store_txn *txn, uint32_t log, struct pull_held *out) {
    struct signed_checkpoint checkpoint;
    struct tree_head head;
    struct pull_held held = {.any = false};
    enum status status = mirror_pending(txn, log, &checkpoint);
    if (status == STATUS_OK) {
        held.any = true;
        held.pending = checkpoint.size;
        held.root = checkpoint.root;
    } else if (status != STATUS_NOT_FOUND) {
        return status;
    }
    status = mirror_checkpoint(txn, log, &checkpoint);
    if (status == STATUS_OK) {
        held.mirrored = checkpoint.size;
    } else if (status != STATUS_NOT_FOUND) {
        return status;
    }
    TRY(tree_read_head(txn, log, &head));
    held.next_entry = head.size;
    *out = held;
    return STATUS_OK;
}

void pull_init(struct pull *pull, const struct log *log, uint64_t interval_ms,
               struct pull_tiles *tiles) {
    assert(interval_ms > 0);
    memset(pull, 0, sizeof *pull);
    pull->log = *log;
    pull->interval_ms = interval_ms;
    pull->tiles = tiles;
    pull->state = PULL_WAITING;
    pull_tiles_clear(tiles);
}

static struct pull_action *act(struct pull_actions *actions, enum pull_action_type type) {
    assert(actions->count < PULL_ACTIONS_MAX);
    struct pull_action *action = &actions->items[actions->count++];
    memset(action, 0, sizeof *action);
    action->type = type;
    return action;
}

/* --- the end of a round --- */

static bool busy(const struct pull *pull) {
    for (size_t i = 0; i < pull->fetch_count; i++) {
        if (pull->fetches[i].under_way) {
            return true;
        }
    }
    return pull->storing > 0 || pull->state == PULL_ADDING || pull->state == PULL_ENDING;
}

static void release_bundles(struct pull *pull, struct pull_actions *actions) {
    for (size_t i = 0; i < pull->fetch_count; i++) {
        if (pull->fetches[i].kept) {
            act(actions, ACTION_PULL_RELEASE)->fetch = i;
            pull->fetches[i].kept = false;
        }
    }
}

static void wait(struct pull *pull, uint64_t ms) {
    pull->state = PULL_WAITING;
    pull->fetch_count = 0;
    pull->due_ms = pull->now_ms + ms;
}

static void finish_round(struct pull *pull) {
    pull->failures = 0;
    pull->failure = NULL;
    wait(pull, pull->interval_ms);
}

/* The round failed; it is over once nothing of it is under way. Which tile lied can't be told, so
 * all are dropped. */
static void fail(struct pull *pull, struct pull_actions *actions, const char *why) {
    if (!pull->failed) {
        pull->failed = true;
        pull->failure = why;
    }
    if (busy(pull)) {
        return;
    }
    release_bundles(pull, actions);
    pull_tiles_clear(pull->tiles);
    pull->failed = false;
    uint64_t ms = FAILURE_MAX_MS;
    if (pull->failures < 8) {
        ms = (uint64_t)FAILURE_MIN_MS << pull->failures;
    }
    pull->failures++;
    wait(pull, ms < FAILURE_MAX_MS ? ms : FAILURE_MAX_MS);
}

/* --- fetching --- */

static void send_fetch(struct pull *pull, struct pull_actions *actions, size_t index) {
    struct pull_fetch *fetch = &pull->fetches[index];
    struct pull_action *action = act(actions, ACTION_PULL_FETCH);
    struct writer w;
    action->fetch = index;
    writer_init(&w, action->path, sizeof action->path - 1);
    if (fetch->head) {
        writer_text(&w, "checkpoint");
    } else {
        struct tile tile = fetch->tile;
        tile.width = fetch->whole ? TILE_WIDTH : tile.width;
        tile_format_path(&w, &tile);
    }
    assert(!w.failed); /* memory was zeroed: the path is terminated */
    fetch->under_way = true;
}

static struct pull_fetch *add_fetch(struct pull *pull) {
    assert(pull->fetch_count < PULL_FETCHES_MAX);
    struct pull_fetch *fetch = &pull->fetches[pull->fetch_count++];
    memset(fetch, 0, sizeof *fetch);
    return fetch;
}

static void add_tiles(struct pull *pull, const struct tile *missing, size_t count) {
    for (size_t i = 0; i < count; i++) {
        add_fetch(pull)->tile = missing[i];
    }
}

static void send_fetches(struct pull *pull, struct pull_actions *actions) {
    for (size_t i = 0; i < pull->fetch_count; i++) {
        send_fetch(pull, actions, i);
    }
}

/* --- storing entries --- */

static void end_upload(struct pull *pull, struct pull_actions *actions) {
    pull->state = PULL_ENDING;
    struct pull_action *action = act(actions, ACTION_PULL_END);
    action->upload = &pull->upload;
    action->saved = pull->saved;
}

static bool plan_window(struct pull *pull) {
    struct tile missing[PULL_TILES_MAX];
    struct pull_fetch bundles[PULL_BUNDLES_MAX];
    size_t missing_count = 0;
    size_t bundle_count = 0;
    uint64_t at = pull->next;
    memset(bundles, 0, sizeof bundles);
    while (at < pull->upload.end && bundle_count < PULL_BUNDLES_MAX) {
        struct pull_fetch *bundle = &bundles[bundle_count++];
        struct merkle_plan plan;
        uint64_t block = at - at % TILE_WIDTH;
        bundle->start = at;
        package_bounds(at, pull->upload.end, &bundle->end);
        bundle->tile = (struct tile){
            .entries = true, .index = block / TILE_WIDTH, .width = (unsigned)(bundle->end - block)};
        merkle_subtree_plan(block, bundle->end, pull->upload.end, &plan);
        if (!pull_tiles_missing(pull->tiles, &plan, pull->upload.end, missing, &missing_count)) {
            return false;
        }
        at = bundle->end;
    }
    pull->fetch_count = 0;
    for (size_t i = 0; i < bundle_count; i++) {
        *add_fetch(pull) = bundles[i];
    }
    add_tiles(pull, missing, missing_count);
    return true;
}

static void fill(struct pull *pull, struct pull_actions *actions) {
    pull->state = PULL_FILLING;
    if (pull->next == pull->upload.end) {
        end_upload(pull, actions);
        return;
    }
    if (!plan_window(pull)) {
        pull->state = PULL_WAITING;
        fail(pull, actions, "a proof needs more tiles than there is room for");
        return;
    }
    send_fetches(pull, actions);
}

/* The upload that goes on where the store ends, to the pending checkpoint. */
static void begin_upload(struct pull *pull, struct pull_actions *actions) {
    const struct pull_held *held = &pull->held;
    if (held->mirrored == held->pending && held->next_entry >= held->pending) {
        finish_round(pull);
        return;
    }
    pull->upload.log = pull->log;
    pull->upload.stopped = false;
    pull->upload.end = held->pending;
    pull->upload.root = held->root;
    pull->upload.start = held->next_entry < held->pending ? held->next_entry : held->pending;
    pull->next = pull->upload.start;
    pull->saved = 0;
    fill(pull, actions);
}

/* The entries [start, end) out of a bundle that begins at the block's start and may be a whole one
 * where a part was asked for. */
static bool cut_bundle(const struct pull_fetch *fetch, struct package *package) {
    struct reader r;
    struct bytes entry;
    uint64_t block = fetch->start - fetch->start % TILE_WIDTH;
    size_t from = 0;
    reader_init(&r, fetch->body);
    for (uint64_t index = block; index < fetch->end; index++) {
        if (index == fetch->start) {
            from = fetch->body.len - r.rest.len;
        }
        if (!bundle_next(&r, &entry)) {
            return false;
        }
    }
    package->start = fetch->start;
    package->end = fetch->end;
    package->entries = bytes_of(fetch->body.data + from, fetch->body.len - r.rest.len - from);
    return true;
}

static bool prove_package(struct pull *pull, struct package *package) {
    struct merkle_plan plan;
    struct hash read[MERKLE_PLAN_MAX];
    uint64_t block = package->start - package->start % TILE_WIDTH;
    merkle_subtree_plan(block, package->end, pull->upload.end, &plan);
    if (pull_tiles_read(pull->tiles, &plan, pull->upload.end, read) != STATUS_OK) {
        return false;
    }
    merkle_subtree_prove(block, package->end, pull->upload.end, read, &package->proof);
    return true;
}

static void store_window(struct pull *pull, struct pull_actions *actions) {
    pull->state = PULL_STORING;
    for (size_t i = 0; i < pull->fetch_count && pull->fetches[i].tile.entries; i++) {
        struct pull_action *action = act(actions, ACTION_PULL_STORE);
        action->fetch = i;
        action->upload = &pull->upload;
        if (!cut_bundle(&pull->fetches[i], &action->package) ||
            !prove_package(pull, &action->package)) {
            actions->count--;
            fail(pull, actions, "a bundle or tile is not what its path says");
            return; /* the packages before it are stored all the same */
        }
        pull->storing++;
    }
}

static void take_stored(struct pull *pull, struct pull_actions *actions, enum status status) {
    assert(pull->state == PULL_STORING && pull->storing > 0);
    pull->storing--;
    if (status != STATUS_OK) {
        fail(pull, actions, "a package was not stored");
        return;
    }
    pull->saved++;
    uint64_t end;
    package_bounds(pull->next, pull->upload.end, &end);
    pull->next = end;
    if (pull->failed) {
        fail(pull, actions, pull->failure);
    } else if (pull->storing == 0) {
        release_bundles(pull, actions);
        fill(pull, actions);
    }
}

/* --- the checkpoint --- */

/* A checkpoint that can't be the next one; the host looks whether it contradicts what is held. Once
 * for the same one. */
static void judge(struct pull *pull, struct pull_actions *actions,
                  const struct merkle_proof *subproof) {
    struct hash seen;
    hash_of(pull->note, pull->note_len, &seen);
    if (subproof == NULL && hash_equal(&seen, &pull->judged)) {
        return;
    }
    pull->judged = seen;
    struct pull_action *action = act(actions, ACTION_PULL_JUDGE);
    action->note = bytes_of(pull->note, pull->note_len);
    action->old_size = pull->held.pending;
    if (subproof != NULL) {
        action->proof = *subproof;
    }
}

static void add(struct pull *pull, struct pull_actions *actions, const struct merkle_proof *proof) {
    pull->state = PULL_ADDING;
    pull->fetch_count = 0;
    struct pull_action *action = act(actions, ACTION_PULL_ADD);
    action->note = bytes_of(pull->note, pull->note_len);
    action->old_size = pull->held.pending;
    if (proof != NULL) {
        action->proof = *proof;
    }
}

static struct tree_point held_point(const struct pull *pull) {
    return (struct tree_point){.size = pull->held.pending, .root = pull->held.root};
}

static struct tree_point seen_point(const struct pull *pull) {
    return (struct tree_point){.size = pull->size, .root = pull->root};
}

static void conclude(struct pull *pull, struct pull_actions *actions);

static void compare(struct pull *pull, struct pull_actions *actions) {
    struct tile missing[PULL_TILES_MAX];
    struct tree_point held = held_point(pull);
    struct tree_point seen = seen_point(pull);
    size_t count = 0;
    if (!compare_missing(pull->tiles, &held, &seen, missing, &count)) {
        fail(pull, actions, "a proof needs more tiles than there is room for");
        return;
    }
    pull->state = PULL_PROVING;
    pull->fetch_count = 0;
    if (count == 0) {
        conclude(pull, actions);
        return;
    }
    add_tiles(pull, missing, count);
    send_fetches(pull, actions);
}

/* The tiles are here: what do they say of the two checkpoints? */
static void conclude(struct pull *pull, struct pull_actions *actions) {
    struct merkle_proof subproof;
    struct merkle_proof consistency;
    struct tree_point held = held_point(pull);
    struct tree_point seen = seen_point(pull);
    enum compare_result result;
    bool larger = seen.size > held.size;
    if (compare_conclude(pull->tiles, &held, &seen, &result, &subproof) != STATUS_OK) {
        fail(pull, actions, "a tile is missing");
        return;
    }
    if (result == COMPARE_NO_TREE) {
        judge(pull, actions, NULL);
        fail(pull, actions, "the tiles do not have the signed root");
        return;
    }
    if (result == COMPARE_FORKED) {
        judge(pull, actions, &subproof);
        fail(pull, actions, "the log is forked: evidence is kept");
        return;
    }
    if (!larger) {
        begin_upload(pull, actions); /* it fits, as the entries will show once they are stored */
        return;
    }
    /* Of what rebuilds both roots the verifier of a consistency proof has the old one, if it is one
     * node: then it stands first, and is left out. */
    bool drop = (held.size & (held.size - 1)) == 0;
    consistency.count = subproof.count - (drop ? 1 : 0);
    memcpy(consistency.hashes, subproof.hashes + (drop ? 1 : 0),
           consistency.count * sizeof consistency.hashes[0]);
    add(pull, actions, &consistency);
}

/* The round's checkpoint is in `note`, verified. */
static void take_checkpoint(struct pull *pull, struct pull_actions *actions) {
    const struct pull_held *held = &pull->held;
    if (!held->any || (held->pending == 0 && pull->size > 0)) {
        add(pull, actions, NULL);
    } else if (pull->size == held->pending) {
        if (!hash_equal(&pull->root, &held->root)) {
            judge(pull, actions, NULL);
        }
        begin_upload(pull, actions);
    } else if (pull->size > held->pending) {
        compare(pull, actions);
    } else if (pull->size <= held->next_entry || pull->size == 0) {
        judge(pull, actions, NULL); /* the entries here tell without any tile */
        begin_upload(pull, actions);
    } else {
        compare(pull, actions);
    }
}

/* Reads a checkpoint of this log into the round. */
static bool read_checkpoint(struct pull *pull, struct bytes body) {
    struct note note;
    struct checkpoint checkpoint;
    if (body.len > sizeof pull->note ||
        checkpoint_parse(body, &note, &checkpoint, NULL) != STATUS_OK ||
        !bytes_equal(checkpoint.origin, vkey_name(&pull->log.vkey)) ||
        note_verify(&note, &pull->log.vkey) != STATUS_OK) {
        return false;
    }
    memcpy(pull->note, body.data, body.len);
    pull->note_len = body.len;
    pull->size = checkpoint.size;
    pull->root = checkpoint.root;
    return true;
}

/* --- events --- */

static void begin_round(struct pull *pull, struct pull_actions *actions) {
    if (pull->wanted) {
        pull->wanted = false;
        if (read_checkpoint(pull, bytes_of(pull->wanted_note, pull->wanted_len))) {
            take_checkpoint(pull, actions);
            return;
        }
    }
    pull->state = PULL_HEAD;
    pull->fetch_count = 0;
    add_fetch(pull)->head = true;
    send_fetches(pull, actions);
}

static bool all_fetched(const struct pull *pull) {
    for (size_t i = 0; i < pull->fetch_count; i++) {
        if (pull->fetches[i].under_way) {
            return false;
        }
    }
    return true;
}

/* True if the answer is what was asked for; else the fetch was sent again, or the round fails. */
static bool take_body(struct pull *pull, struct pull_actions *actions,
                      const struct pull_event *event) {
    struct pull_fetch *fetch = &pull->fetches[event->fetch];
    if (event->http != 200) {
        /* "Logs … MAY delete any partial tile once the corresponding full tile is available":
         * "Clients … MAY fetch the full tile … as a fallback". */
        bool gone = event->http == 404 || event->http == 410;
        if (gone && !fetch->head && !fetch->whole && fetch->tile.width < TILE_WIDTH &&
            !pull->failed) {
            fetch->whole = true;
            send_fetch(pull, actions, event->fetch);
            return false;
        }
        fail(pull, actions, event->http == 0 ? "the log is not reachable" : "the log refuses");
        return false;
    }
    if (fetch->head) {
        if (!read_checkpoint(pull, event->body)) {
            fail(pull, actions, "what the log serves is no checkpoint signed by its key");
            return false;
        }
    } else if (fetch->tile.entries) {
        fetch->body = event->body;
        fetch->kept = true;
    } else if (pull_tiles_put(pull->tiles, &fetch->tile, event->body) != STATUS_OK) {
        fail(pull, actions, "a tile has another length");
        return false;
    }
    if (pull->failed) {
        fail(pull, actions, pull->failure);
        return false;
    }
    return true;
}

static void take_fetched(struct pull *pull, struct pull_actions *actions,
                         const struct pull_event *event) {
    assert(event->fetch < pull->fetch_count && pull->fetches[event->fetch].under_way);
    pull->fetches[event->fetch].under_way = false;
    if (!take_body(pull, actions, event) || !all_fetched(pull)) {
        return;
    }
    if (pull->state == PULL_HEAD) {
        pull->held = *event->held;
        take_checkpoint(pull, actions);
    } else if (pull->state == PULL_PROVING) {
        conclude(pull, actions);
    } else {
        assert(pull->state == PULL_FILLING);
        store_window(pull, actions);
    }
}

static void take_added(struct pull *pull, struct pull_actions *actions,
                       const struct pull_event *event) {
    assert(pull->state == PULL_ADDING);
    pull->state = PULL_WAITING;
    if (event->http == 200) {
        pull->held = *event->held;
        begin_upload(pull, actions);
    } else if (event->http == 409) {
        finish_round(pull); /* a push was faster */
    } else {
        fail(pull, actions, "the checkpoint was not taken");
    }
}

static void take_ended(struct pull *pull, struct pull_actions *actions, unsigned http) {
    assert(pull->state == PULL_ENDING);
    pull->state = PULL_WAITING;
    if (http == 200 || http == 409) {
        finish_round(pull);
    } else {
        fail(pull, actions, "the mirror checkpoint was not moved");
    }
}

static void take_wanted(struct pull *pull, struct bytes note) {
    if (note.len > sizeof pull->wanted_note) {
        return;
    }
    memcpy(pull->wanted_note, note.data, note.len);
    pull->wanted_len = note.len;
    pull->wanted = true;
    if (pull->state == PULL_WAITING && pull->failures == 0) {
        pull->due_ms = pull->now_ms;
    }
}

void pull_step(struct pull *pull, const struct pull_event *event, struct pull_actions *actions) {
    actions->count = 0;
    pull->now_ms = event->now_ms;
    if (pull->state == PULL_WAITING && pull->due_ms > pull->now_ms + FAILURE_MAX_MS &&
        pull->due_ms > pull->now_ms + pull->interval_ms) {
        pull->due_ms = pull->now_ms + pull->interval_ms; /* the clock jumped back */
    }
    switch (event->type) {
    case PULL_TICK:
        break;
    case PULL_FETCHED:
        take_fetched(pull, actions, event);
        break;
    case PULL_ADDED:
        take_added(pull, actions, event);
        break;
    case PULL_STORED:
        take_stored(pull, actions, event->status);
        break;
    case PULL_ENDED:
        take_ended(pull, actions, event->http);
        break;
    case PULL_RECONCILE:
        take_wanted(pull, event->body);
        break;
    }
    if (pull->state == PULL_WAITING && pull->now_ms >= pull->due_ms && event->held != NULL) {
        pull->held = *event->held;
        begin_round(pull, actions);
    }
    actions->wake_at_ms = pull->state == PULL_WAITING ? pull->due_ms : UINT64_MAX;
}

const char *pull_state_name(enum pull_state state) {
    static const char *const names[] = {
        [PULL_WAITING] = "waiting", [PULL_HEAD] = "head",       [PULL_PROVING] = "proving",
        [PULL_ADDING] = "adding",   [PULL_FILLING] = "filling", [PULL_STORING] = "storing",
        [PULL_ENDING] = "ending",
    };
    assert((size_t)state < sizeof names / sizeof names[0]);
    return names[state];
}
