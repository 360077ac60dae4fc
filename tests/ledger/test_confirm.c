#include "ledger/confirm.h"

#include <criterion/criterion.h>

#define NOON 1700000000u /* seconds */

Test(confirm, the_stamp_within_an_hour_either_way) {
    static const struct {
        int64_t ms; /* stamp minus quorum */
        bool counts;
    } rows[] = {
        {0, true},         {3600000, true},  {-3600000, true},          {3600001, false},
        {-3600001, false}, {7200000, false}, {-40LL * 86400000, false}, {40LL * 86400000, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint64_t stamp = (uint64_t)((int64_t)NOON * 1000 + rows[i].ms);
        cr_assert_eq(confirm_stamp(stamp, NOON), rows[i].counts, "row %zu", i);
        cr_assert_eq(confirm_time(stamp, NOON), rows[i].counts ? stamp : NOON * (uint64_t)1000);
    }
}

Test(confirm, never_falls_as_the_quorum_comes_later) {
    uint64_t before = 0;
    for (uint64_t quorum = NOON - 9000; quorum < NOON + 9000; quorum++) {
        uint64_t time = confirm_time((uint64_t)NOON * 1000 + 500, quorum);
        cr_assert_geq(time, before);
        before = time;
    }
}
