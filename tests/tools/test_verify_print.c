/* What is said of a receipt's time: whether the stamp counts, and if not, which way it is off. */
#include "tools/verify_print.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#define NOON 1700000000u

static void says(int64_t stamp_seconds, const char *words) {
    struct verify_report report = {.origin = "agency.example/log", .quorum_time = NOON};
    struct verify_trust trust = {.root_count = 0};
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    cr_assert_not_null(out);
    report.received_ms = (uint64_t)((int64_t)NOON + stamp_seconds) * 1000;
    report.stamp_confirmed = stamp_seconds == 0;
    report.confirmed_ms = report.stamp_confirmed ? report.received_ms : (uint64_t)NOON * 1000;
    verify_print_words(out, &report, &trust, NULL);
    fclose(out);
    cr_assert_not_null(strstr(text, words), "%s", text);
    free(text);
}

Test(verify_print, tells_which_way_a_stamp_is_off) {
    says(0, "the stamp: a quorum of mirrors had it within an hour");
    says(-7200, "the stamp is over an hour before that");
    says(7200, "the stamp is over an hour after that");
}
