#include "tests/sim/book.h"

#include "tests/sim/sim.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* --- histories --- */

static void reserve(struct history *history, size_t leaves) {
    if (leaves < history->cap) {
        return;
    }
    history->cap = 2 * leaves + 64;
    history->leaves = realloc(history->leaves, history->cap * sizeof *history->leaves);
    history->roots = realloc(history->roots, history->cap * sizeof *history->roots);
    assert(history->leaves != NULL && history->roots != NULL);
}

void history_init(struct history *history) {
    memset(history, 0, sizeof *history);
    merkle_frontier_init(&history->frontier);
    reserve(history, 1);
    hash_empty(&history->roots[0]);
}

void history_release(struct history *history) {
    free(history->leaves);
    free(history->roots);
    memset(history, 0, sizeof *history);
}

void history_append(struct history *history, const struct hash *leaf) {
    size_t size = history->frontier.size;
    reserve(history, size + 2);
    history->leaves[size] = *leaf;
    merkle_frontier_append(&history->frontier, leaf);
    merkle_frontier_root(&history->frontier, &history->roots[size + 1]);
}

bool history_has(const struct history *history, uint64_t size, const struct hash *root) {
    return size <= history->frontier.size && hash_equal(&history->roots[size], root);
}

/* --- what was shown --- */

void book_flies(struct book *book, uint64_t size) {
    struct flight *unused = NULL;
    for (size_t i = 0; size > 0 && i < BOOK_FLIGHTS_MAX; i++) {
        struct flight *flight = &book->flights[i];
        if (flight->copies > 0 && flight->size == size) {
            flight->copies++;
            return;
        }
        unused = flight->copies == 0 && unused == NULL ? flight : unused;
    }
    if (size > 0) {
        assert(unused != NULL);
        *unused = (struct flight){.size = size, .copies = 1};
    }
}

void book_landed(struct book *book, uint64_t size, bool somebody) {
    for (size_t i = 0; size > 0 && i < BOOK_FLIGHTS_MAX; i++) {
        struct flight *flight = &book->flights[i];
        if (flight->copies > 0 && flight->size == size) {
            flight->copies--;
            book->shown = somebody && size > book->shown ? size : book->shown;
            return;
        }
    }
    assert(size == 0);
}

static void shorten(struct history *history, uint64_t size) {
    merkle_frontier_init(&history->frontier);
    for (uint64_t i = 0; i < size; i++) {
        merkle_frontier_append(&history->frontier, &history->leaves[i]);
    }
}

void book_forget(struct book *book, uint64_t stored) {
    struct history *history = &book->histories[0];
    uint64_t known = book->shown;
    size_t kept = 0;
    for (size_t i = 0; i < BOOK_FLIGHTS_MAX; i++) {
        const struct flight *flight = &book->flights[i];
        known = flight->copies > 0 && flight->size > known ? flight->size : known;
    }
    if (known < history->frontier.size) {
        assert(book->opaque); /* of events there is more to forget than leaves */
        shorten(history, known);
    }
    /* "Taken" was said for this disk alone. */
    for (size_t i = 0; i < book->promise_count; i++) {
        if (book->promises[i].index < known || book->promises[i].index < stored) {
            book->promises[kept++] = book->promises[i];
        }
    }
    book->promise_count = kept;
}

/* --- books --- */

struct book *book_add(struct sim *sim, const char *origin, bool opaque) {
    assert(sim->book_count < SIM_BOOKS_MAX);
    struct book *book = &sim->books[sim->book_count];
    book->sim = sim;
    book->number = sim->book_count++;
    book->opaque = opaque;
    book->honest = true;
    book->options = replica_defaults;
    book->options.together = false; /* what is plain first; the swarm and some stories have it */
    world_init(&book->world, origin);
    history_init(&book->histories[0]);
    book->history_count = 1;
    return book;
}

void book_release(struct book *book) {
    for (size_t i = 0; i < book->history_count; i++) {
        history_release(&book->histories[i]);
    }
    world_release(&book->world);
}

struct bytes book_origin(const struct book *book) {
    return vkey_name(&book->world.log.vkey);
}

static const char *key_text(struct book *book, const struct vkey *vkey) {
    uint8_t text[VKEY_SIZE_MAX];
    struct writer w;
    writer_init(&w, text, sizeof text);
    vkey_format(&w, vkey);
    assert(!w.failed);
    return world_text(&book->world, "%.*s", (int)w.len, (const char *)text);
}

struct known_policy *book_policy(struct book *book, uint32_t members, unsigned threshold) {
    assert(book->policy_count < BOOK_POLICIES_MAX);
    struct known_policy *policy = &book->policies[book->policy_count++];
    const char *names = "";
    *policy = (struct known_policy){.members = members, .threshold = threshold, .safe = true};
    policy->text = world_text(&book->world, "log %s\n", key_text(book, &book->world.log.vkey));
    for (size_t i = 0; i < book->sim->node_count; i++) {
        const struct node *node = &book->sim->nodes[i];
        if ((members >> i & 1) == 0) {
            continue;
        }
        assert(node->mirrors);
        policy->text =
            world_text(&book->world, "%switness %s %s https://%s.example\n", policy->text,
                       node->name, key_text(book, &node->mirror_signer.vkey), node->name);
        names = world_text(&book->world, "%s %s", names, node->name);
        policy->safe = policy->safe && strcmp(node->operator_name, "agency") != 0;
    }
    policy->text = world_text(&book->world, "%sgroup mirrors %u%s\nquorum mirrors\n", policy->text,
                              threshold, names);
    return policy;
}

struct bytes book_policy_event(struct book *book, const struct known_policy *policy, bool aside) {
    const char *operators = "{";
    for (size_t i = 0; i < book->sim->node_count; i++) {
        const struct node *node = &book->sim->nodes[i];
        if ((policy->members >> i & 1) != 0) {
            operators =
                world_text(&book->world, "%s%s'%s':'%s'", operators,
                           operators[1] != '\0' ? "," : "", node->name, node->operator_name);
        }
    }
    operators = world_text(&book->world, "%s}", operators);
    const char *open = world_policy_open(&book->world, policy->text, operators);
    return world_event(&book->world, &(struct world_event){.issuer = WORLD_ROOT_1,
                                                           .kind = "log.policy",
                                                           .open = open,
                                                           .aside = aside});
}

const struct known_policy *book_policy_at(const struct book *book, uint64_t size) {
    const struct known_policy *found = NULL;
    for (size_t i = 0; i < book->policy_count; i++) {
        const struct known_policy *policy = &book->policies[i];
        bool covered = policy->logged && (policy->index < size || book->opaque);
        if (covered && (found == NULL || policy->index > found->index)) {
            found = policy;
        }
    }
    return found;
}
