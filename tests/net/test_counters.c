#include "net/counters.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#define ROWS_MAX 256

struct seen {
    struct counter_view views[ROWS_MAX];
    size_t count;
};

static void keep(void *context, const struct counter_view *view) {
    struct seen *seen = context;
    cr_assert(seen->count < ROWS_MAX);
    seen->views[seen->count++] = *view;
}

Test(counters, every_row_is_given_once_and_families_stay_together) {
    struct seen seen = {.count = 0};
    size_t firsts = 0;
    counters_each(keep, &seen);
    cr_assert_eq(seen.count, (size_t)COUNTER_COUNT - 2, "all but the two of STATUS_OK");
    for (size_t i = 0; i < seen.count; i++) {
        const struct counter_view *a = &seen.views[i];
        firsts += a->first ? 1 : 0;
        cr_assert_eq(a->first, i == 0 || strcmp(a->family, seen.views[i - 1].family) != 0);
        for (size_t j = 0; j < i; j++) {
            const struct counter_view *b = &seen.views[j];
            cr_assert(strcmp(a->family, b->family) != 0 || strcmp(a->reason, b->reason) != 0,
                      "%s twice", a->reason);
        }
        cr_assert_eq(strspn(a->reason, "abcdefghijklmnopqrstuvwxyz0123456789_"), strlen(a->reason));
        cr_assert_gt(strlen(a->reason), 0);
    }
    cr_assert_eq(firsts, (size_t)COUNTER_FAMILY_COUNT);
}

static uint64_t value_of(const struct seen *seen, const char *family, const char *reason) {
    for (size_t i = 0; i < seen->count; i++) {
        if (strcmp(seen->views[i].family, family) == 0 &&
            strcmp(seen->views[i].reason, reason) == 0) {
            return seen->views[i].value;
        }
    }
    cr_assert_fail("no %s{%s}", family, reason);
    return 0;
}

Test(counters, each_counts_for_itself) {
    counter_add(COUNTER_STATUS(STATUS_BAD_FORM));
    counter_add(COUNTER_STATUS(STATUS_BAD_FORM));
    counter_add(COUNTER_EVENT(STATUS_BAD_FORM));
    counter_add(COUNTER_REFUSED_RATE);
    counter_add(COUNTER_TLS_KEPT_OLD);
    struct seen seen = {.count = 0};
    counters_each(keep, &seen);
    cr_assert_eq(value_of(&seen, "dutylog_refusals_total", "bad_form"), 2);
    cr_assert_eq(value_of(&seen, "dutylog_events_refused_total", "bad_form"), 1);
    cr_assert_eq(value_of(&seen, "dutylog_refusals_total", "address_rate"), 1);
    cr_assert_eq(value_of(&seen, "dutylog_tls_reloads_total", "failed_old_kept"), 1);
    uint64_t sum = 0;
    for (size_t i = 0; i < seen.count; i++) {
        sum += seen.views[i].value;
    }
    cr_assert_eq(sum, 5, "nothing else moved");
}
