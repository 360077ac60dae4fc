/* Reading the place of an event off its bytes: whatever event_parse takes is read the same, or not
 * at all, and nothing that is damaged leads astray whoever reads it. */
#include "tests/lib/events.h"
#include "tests/lib/mangle.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

TestSuite(event_known, .init = events_setup);

static bool parses(struct bytes note, struct event *out) {
    struct refusal why;
    return event_parse(note, out, &why) == STATUS_OK;
}

/* Whether it was read; then it is what event_parse says, if that takes it. */
static bool reads(struct bytes note) {
    static struct event known;
    static struct event whole;
    if (!event_read_known(note, &known)) {
        return false;
    }
    if (parses(note, &whole)) {
        cr_assert_eq(known.kind, whole.kind);
        cr_assert(bytes_equal(known.issuer, whole.issuer));
        cr_assert_eq(known.seq, whole.seq);
        cr_assert_eq(known.has_prev, whole.has_prev);
        cr_assert(!whole.has_prev || hash_equal(&known.prev, &whole.prev));
        cr_assert_eq(known.has_body, whole.has_body);
        cr_assert(!whole.has_body || hash_equal(&known.body, &whole.body));
        cr_assert(hash_equal(&known.id, &whole.id));
        cr_assert_eq(known.about.has_case, whole.about.has_case);
        if (whole.about.has_case) {
            cr_assert_eq(memcmp(known.about.ori, whole.about.ori, ORI_SIZE), 0);
            cr_assert_eq(memcmp(known.about.handle, whole.about.handle, HANDLE_SIZE), 0);
        }
        cr_assert_eq(known.about.has_named, whole.about.has_named);
        cr_assert(!whole.about.has_named || hash_equal(&known.about.named, &whole.about.named));
        event_release(&whole);
    }
    return true;
}

static bool acceptance_acts_on(unsigned id) {
    return id == KIND_LOG_OPENED || id == KIND_LOG_POLICY || id == KIND_LOG_SUCCEEDED ||
           id == KIND_KEY_ENROLLED || id == KIND_KEY_REVOKED || id == KIND_KEY_ROTATED ||
           id == KIND_LOG_RECOGNISED || id == KIND_RECOGNITION_WITHDRAWN ||
           id == KIND_ROOT_REPLACED || id == KIND_AGENCY_REGISTERED || id == KIND_AGENCY_RENAMED ||
           id == KIND_AGENCY_MERGED || id == KIND_RULES_ACTIVATED || id == KIND_REPORT_LODGED;
}

Test(event_known, agrees_with_the_parser_on_every_kind) {
    size_t read = 0;
    for (unsigned id = 0; id < KIND_COUNT; id++) {
        bool closed = kind_has_closed(kind_at(id));
        for (unsigned seq = 1; seq <= (id == KIND_LOG_OPENED ? 1 : 2); seq++) {
            bool known = reads(good_event(id, closed && seq == 2, seq));
            cr_assert(!known || !acceptance_acts_on(id), "kind %u", id);
            read += known ? 1 : 0;
        }
    }
    cr_assert_eq(read, 2 * (KIND_COUNT - 14)); /* all the others, with and without prev */
}

static void is_not_led_astray(enum kind_id id, bool body) {
    static struct mangle m;
    struct bytes damaged;
    mangle_init(&m, good_event(id, body, 2));
    while (mangle_next(&m, &damaged)) {
        (void)reads(damaged); /* agrees with the parser where that takes it */
    }
}

Test(event_known, is_not_led_astray_by_damage) {
    is_not_led_astray(KIND_FAILURE_ALLEGED, true); /* names a case */
}

Test(event_known, is_not_led_astray_about_what_is_named) {
    is_not_led_astray(KIND_CORRECTION, false);
}

/* What an event is about is its own members', not what others hold: a value that looks like them,
 * in an event that discloses it. */
Test(event_known, takes_nothing_within_a_value_for_what_it_is_about) {
    static const char *const values[] = {
        "\"case\"",
        "\",\\\"case\\\":\\\"" HANDLE "\\\",\\\"ori\\\":\\\"NY0000000\\\"}\"",
        "{\"case\":\"" HANDLE "\",\"event\":{\"id\":\"" HASH_A "\"},\"ori\":\"NY0000000\"}",
        "[[{\"a\":\"}]\\\\\"}],\"]}\"]",
    };
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        static char open[EVENT_TEXT_SIZE];
        static char text[EVENT_TEXT_SIZE];
        struct event event;
        const char *good = good_open(KIND_EVENT_OPENED);
        const char *at = strstr(good, "\"value\":");
        cr_assert_not_null(at);
        snprintf(open, sizeof open, "%.*s\"value\":%s}", (int)(at - good), good, values[i]);
        good_text(KIND_EVENT_OPENED, open, false, 1, text);
        const struct signer *const signers[] = {&clerk};
        struct bytes note = sign_text(text, signers, 1);
        cr_assert(parses(note, &event), "%s", text);
        cr_assert(!event.about.has_case && event.about.has_named);
        event_release(&event);
        cr_assert(reads(note));
    }
}

/* The end of what an event discloses looks like the members that follow. */
Test(event_known, takes_no_text_for_a_member) {
    static struct event event;
    struct bytes note = good_event(KIND_EVENT_OPENED, false, 1);
    uint8_t copy[EVENT_SIZE_MAX];
    const char *fake = ",\"prev\":\"" HASH_A "\"";
    uint8_t *at = memmem(note.data, note.len, ",\"seq\":1}", 9);
    cr_assert_not_null(at);
    size_t before = (size_t)(at - note.data);
    memcpy(copy, note.data, before);
    memcpy(copy + before, fake, strlen(fake));
    memcpy(copy + before + strlen(fake), at, note.len - before);
    struct bytes odd = bytes_of(copy, note.len + strlen(fake));
    cr_assert_not(parses(odd, &event)); /* a prev at seq 1 */
    cr_assert(event_read_known(odd, &event));
    cr_assert_not(event.has_prev); /* as its seq says; its id is another event's */
}
