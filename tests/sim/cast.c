#include "tests/sim/cast.h"

#include <assert.h>

void cast_nodes(struct sim *sim) {
    static const char *const names[] = {"state", "doj", "university", "press"};
    node_add(sim, "agency", "agency", NULL);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        node_make_mirror(node_add(sim, names[i], names[i], NULL));
    }
    node_make_mirror(node_add(sim, "annex", "agency", NULL));
}

struct book *cast_log(struct sim *sim, struct node *host, const char *origin) {
    struct book *book = book_add(sim, origin, false);
    book->host = host;
    host->hosts = book;
    book_policy(book, CAST_THREE, 2);
    return book;
}

struct client *cast_office(struct sim *sim, struct book *book) {
    struct client *office = client_add(sim, "office", book, WORLD_ROOT_1);
    struct world *world = &book->world;
    office->batch = 8;
    office->patient = true;
    client_put(office, world_opened(world));
    client_put(office, book_policy_event(book, &book->policies[0], false));
    client_put(office, world_enrol(world, WORLD_ROOT_1, WORLD_AGENCY));
    client_put(office, world_enrol(world, WORLD_AGENCY, WORLD_CLERK));
    client_put(office, world_enrol(world, WORLD_ROOT_1, WORLD_BOARD));
    client_put(office, world_enrol(world, WORLD_ROOT_1, WORLD_COURT));
    client_put(office, world_enrol(world, WORLD_ROOT_1, WORLD_POST));
    return office;
}

void cast_write(struct client *client, bool aside) {
    static const char *const kinds[] = {"failure.alleged", "finding.final", "discipline.imposed",
                                        "intervention.reported"};
    struct world *world = &client->book->world;
    if (client->book->opaque) {
        const char *text = world_text(world, "%s writes line %zu", client->name, client->count);
        client_put(client, bytes_text(text));
        return;
    }
    const char *kind = kinds[(client->count + aside) % (sizeof kinds / sizeof kinds[0])];
    client_put(client,
               world_event(world, &(struct world_event){
                                      .issuer = client->who, .kind = kind, .aside = aside}));
}

void cast_start(struct sim *sim) {
    for (size_t i = 0; i < sim->node_count; i++) {
        if (!sim->nodes[i].stays_down) {
            node_start(&sim->nodes[i]);
        }
    }
}
