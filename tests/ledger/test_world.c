/* The world that other tests are built on: its events are what event_parse takes, the same every
 * time. */
#include "tests/lib/check.h"
#include "tests/lib/world.h"

#include <criterion/criterion.h>

Test(world, same_calls_same_bytes) {
    struct world a;
    struct world b;
    struct bytes of_a[WORLD_START];
    struct bytes of_b[WORLD_START];
    world_init(&a, "agency.example/log");
    world_init(&b, "agency.example/log");
    world_start(&a, of_a);
    world_start(&b, of_b);
    for (size_t i = 0; i < WORLD_START; i++) {
        CHECK_BYTES(of_a[i], of_b[i]);
    }
    CHECK_BYTES(world_closed_sample(&a, WORLD_CLERK, "finding.final"),
                world_closed_sample(&b, WORLD_CLERK, "finding.final"));
    world_release(&a);
    world_release(&b);
}

Test(world, every_kind_by_somebody) {
    struct world w;
    struct bytes start[WORLD_START];
    world_init(&w, "agency.example/log");
    world_start(&w, start);
    world_closed_sample(&w, WORLD_CLERK, "failure.alleged");
    world_closed_sample(&w, WORLD_BOARD, "failure.alleged");
    for (size_t i = 0; i < KIND_COUNT; i++) {
        const struct kind *kind = kind_at((enum kind_id)i);
        enum world_who who = (kind->roles & ROLE_CLERK) != 0      ? WORLD_CLERK
                             : (kind->roles & ROLE_ROOT) != 0     ? WORLD_ROOT_1
                             : (kind->roles & ROLE_OPERATOR) != 0 ? WORLD_OPERATOR
                             : (kind->roles & ROLE_COURT) != 0    ? WORLD_COURT
                                                                  : WORLD_BOARD;
        if (kind->id == KIND_REPORT_LODGED) {
            world_lodge(&w, 1, NULL); /* by a key of its own */
            continue;
        }
        if (kind->id == KIND_LOG_OPENED) {
            continue; /* made by world_start; its seq can only be 1 */
        }
        struct bytes note = world_sample(&w, who, kind->name);
        struct event event;
        CHECK_OK(event_parse(note, &event, NULL));
        cr_assert_eq(event.kind, kind);
        event_release(&event);
    }
    world_release(&w);
}
