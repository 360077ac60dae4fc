/* Lists of logs: one spelling, sorted; found by origin; anything bent is refused. */
#include "tools/log_list.h"

#include "tests/lib/check.h"
#include "tests/lib/keys.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static char text[4096];
static struct refusal why;

/* Three logs, added out of order. */
static struct bytes make(void) {
    static const char *const names[] = {"b.example/log", "c.example/log", "a.example/log"};
    struct log_list list = {.observed = "2026-03-01T10:00:00Z"};
    struct writer w;
    for (uint64_t i = 0; i < 3; i++) {
        struct signer log = test_signer(names[i], VKEY_NOTE);
        struct tree_point point = {.size = 7 * i};
        hash_of(names[i], 1, &point.root);
        CHECK_OK(log_list_add(&list, &log.vkey, &point));
    }
    writer_init(&w, text, sizeof text);
    log_list_format(&list, &w);
    cr_assert_not(w.failed);
    log_list_release(&list);
    return writer_view(&w);
}

Test(log_list, is_written_as_it_is_read) {
    struct bytes made = make();
    struct log_list list;
    char again[4096];
    struct writer w;
    CHECK_OK(log_list_parse(made, &list, &why));
    cr_assert_eq(list.count, 3);
    cr_assert_str_eq(list.observed, "2026-03-01T10:00:00Z");
    cr_assert_str_eq(list.logs[0].vkey.name, "a.example/log");
    cr_assert_eq(list.logs[0].point.size, 14);
    cr_assert_eq(list.logs[1].point.size, 0);
    writer_init(&w, again, sizeof again);
    log_list_format(&list, &w);
    CHECK_BYTES(writer_view(&w), made);
    cr_assert_eq(log_list_find(&list, bytes_text("c.example/log")), &list.logs[2]);
    cr_assert_eq(log_list_find(&list, bytes_text("a.example/log")), &list.logs[0]);
    cr_assert_null(log_list_find(&list, bytes_text("bb.example/log")));
    log_list_release(&list);
}

/* Whatever is taken after a change is spelled as it would be written. */
Test(log_list, has_one_spelling) {
    static const uint8_t changes[] = {0, '\n', ' ', '-', '0', '9', 'a', 'Z', 0xff};
    struct bytes made = make();
    uint8_t bent[4096];
    size_t refused = 0;
    for (size_t i = 0; i < made.len; i++) {
        for (size_t k = 0; k < sizeof changes; k++) {
            struct log_list list;
            char again[4096];
            struct writer w;
            memcpy(bent, made.data, made.len);
            bent[i] = changes[k];
            if (log_list_parse(bytes_of(bent, made.len), &list, &why) != STATUS_OK) {
                refused++;
                continue;
            }
            writer_init(&w, again, sizeof again);
            log_list_format(&list, &w);
            CHECK_BYTES(writer_view(&w), bytes_of(bent, made.len));
            log_list_release(&list);
        }
    }
    cr_assert_gt(refused, made.len * 5);
    for (size_t cut = 0; cut < made.len; cut++) {
        struct log_list list;
        bool line = cut > 0 && made.data[cut - 1] == '\n';
        enum status status = log_list_parse(bytes_of(made.data, cut), &list, &why);
        cr_assert(status != STATUS_OK || line, "cut at %zu", cut);
        if (status == STATUS_OK) {
            log_list_release(&list);
        }
    }
}

Test(log_list, says_which_line_is_out_of_order) {
    struct bytes made = make();
    char bent[4096];
    struct log_list list;
    /* The first log's line once more at the end. */
    const char *first = strstr((const char *)made.data, "log a.");
    const char *end = strchr(first, '\n');
    snprintf(bent, sizeof bent, "%.*s%.*s\n", (int)made.len, (const char *)made.data,
             (int)(end - first), first);
    CHECK_STATUS(log_list_parse(bytes_text(bent), &list, &why), STATUS_BAD_FORM);
    cr_assert_not_null(strstr(why.text, "line 6: origins must ascend"), "%s", why.text);
}

Test(log_list, ends_at_its_limit) {
    struct log_list list = {.observed = "2026-03-01T10:00:00Z"};
    struct signer log = test_signer("a.example/log", VKEY_NOTE);
    struct tree_point point = {.size = 0};
    for (size_t i = 0; i < RECOGNISED_MAX; i++) {
        CHECK_OK(log_list_add(&list, &log.vkey, &point));
    }
    CHECK_STATUS(log_list_add(&list, &log.vkey, &point), STATUS_TOO_LARGE);
    log_list_release(&list);
}
