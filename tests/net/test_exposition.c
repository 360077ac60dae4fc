#include "net/exposition.h"

#include <criterion/criterion.h>
#include <string.h>

static struct buffer text;
static struct exposition e;

static void setup(void) {
    buffer_init(&text, 100000);
    expose_init(&e, &text);
}
static void teardown(void) {
    buffer_clear(&text);
}

static void expect(const char *wanted) {
    cr_assert_eq(e.status, STATUS_OK);
    cr_assert(bytes_equal(buffer_view(&text), bytes_text(wanted)), "%.*s", (int)text.len,
              (const char *)text.data);
}

Test(exposition, families_and_samples, .init = setup, .fini = teardown) {
    const struct expose_label labels[] = {{"mirror", "doj.example/mirror"}, {"state", "done"}};
    expose_single(&e, EXPOSE_GAUGE, "dutylog_size", "How far.", -3);
    expose_family(&e, EXPOSE_COUNTER, "dutylog_things_total", "Things.");
    expose_number(&e, labels, 2, 7);
    expose_seconds(&e, labels, 1, 1000001);
    expect("# HELP dutylog_size How far.\n"
           "# TYPE dutylog_size gauge\n"
           "dutylog_size -3\n"
           "# HELP dutylog_things_total Things.\n"
           "# TYPE dutylog_things_total counter\n"
           "dutylog_things_total{mirror=\"doj.example/mirror\",state=\"done\"} 7\n"
           "dutylog_things_total{mirror=\"doj.example/mirror\"} 1.000001\n");
}

/* Origins are chosen by others: none of them ends a label or a line. */
Test(exposition, hostile_values_are_escaped, .init = setup, .fini = teardown) {
    const struct expose_label labels[] = {{"log", "a\"} 1\nb\\"}};
    expose_family(&e, EXPOSE_GAUGE, "dutylog_size", "a\\b\n\"c\"");
    expose_number(&e, labels, 1, 1);
    expect("# HELP dutylog_size a\\\\b\\n\"c\"\n"
           "# TYPE dutylog_size gauge\n"
           "dutylog_size{log=\"a\\\"} 1\\nb\\\\\"} 1\n");
}

Test(exposition, a_histogram_is_cumulative_and_complete, .init = setup, .fini = teardown) {
    struct histogram_view view = {.name = "dutylog_wait_seconds", .help = "Waits.", .sum = 2500000};
    for (size_t i = 0; i <= HISTOGRAM_BOUND_COUNT; i++) {
        view.counts[i] = i;
        if (i < HISTOGRAM_BOUND_COUNT) {
            view.bounds[i] = (i + 1) * 500;
        }
    }
    expose_histogram(&e, &view);
    cr_assert_eq(e.status, STATUS_OK);
    cr_assert_eq(buffer_append(&text, bytes_of("", 1)), STATUS_OK);
    const char *written = (const char *)text.data;
    const char *begin = "# HELP dutylog_wait_seconds Waits.\n"
                        "# TYPE dutylog_wait_seconds histogram\n"
                        "dutylog_wait_seconds_bucket{le=\"0.000500\"} 0\n"
                        "dutylog_wait_seconds_bucket{le=\"0.001000\"} 1\n";
    cr_assert_eq(strncmp(written, begin, strlen(begin)), 0, "%s", written);
    const char *end = "dutylog_wait_seconds_bucket{le=\"+Inf\"} 15\n"
                      "dutylog_wait_seconds_sum 2.500000\n"
                      "dutylog_wait_seconds_count 15\n";
    cr_assert_str_eq(written + strlen(written) - strlen(end), end);
}

Test(exposition, a_full_buffer_is_said_once_and_stays) {
    struct buffer little;
    struct exposition full;
    buffer_init(&little, 60);
    expose_init(&full, &little);
    for (int i = 0; i < 3; i++) {
        expose_single(&full, EXPOSE_GAUGE, "dutylog_size", "How far.", 1);
        cr_assert_eq(full.status,
                     i == 0 && little.len == little.max ? STATUS_OK : STATUS_TOO_LARGE);
    }
    cr_assert_leq(little.len, 60U);
    buffer_clear(&little);
}
