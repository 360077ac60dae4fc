/* The error type: a name and a text for each status, and refusals that cannot hurt a terminal. */
#include "ledger/status.h"

#include <criterion/criterion.h>
#include <string.h>

Test(status, each_has_its_own_name_and_text) {
    for (int i = 0; i < STATUS_COUNT; i++) {
        const char *name = status_name((enum status)i), *text = status_text((enum status)i);
        cr_assert(name != NULL && name[0] != '\0' && text != NULL && text[0] != '\0');
        for (int j = 0; j < i; j++) {
            cr_assert(strcmp(name, status_name((enum status)j)) != 0, "%s", name);
            cr_assert(strcmp(text, status_text((enum status)j)) != 0, "%s", text);
        }
    }
    cr_assert(STATUS_OK == 0);
    cr_assert(strcmp(status_name(STATUS_BAD_FORM), "BAD_FORM") == 0);
}

Test(status, refuse_returns_the_status_and_fills_in_why) {
    struct refusal why;
    cr_assert(refuse(&why, STATUS_CONFLICT_GAP, "expected %d", 7) == STATUS_CONFLICT_GAP);
    cr_assert(why.status == STATUS_CONFLICT_GAP && strcmp(why.text, "expected 7") == 0);
    cr_assert(refuse(NULL, STATUS_FULL, "%s", "nobody listens") == STATUS_FULL);
}

Test(status, what_a_peer_wrote_is_made_harmless) {
    struct refusal why;
    enum status s = refuse(&why, STATUS_BAD_FORM, "got %s", "a\x1b[2Jb\nc\td\x7f\xc3\xa9~ ");
    cr_assert(s == STATUS_BAD_FORM);
    cr_assert(strcmp(why.text, "got a?[2Jb?c?d???~ ") == 0, "%s", why.text);
}

Test(status, a_long_text_is_cut_and_terminated) {
    struct refusal why;
    char text[1000];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    memset(&why, 0xee, sizeof why);
    cr_assert(refuse(&why, STATUS_TOO_LARGE, "%s", text) == STATUS_TOO_LARGE);
    cr_assert(strlen(why.text) == REFUSAL_TEXT_MAX - 1);
}
