/* The guard and a mirror's witness (tests/lib/replica_story.h): it is to be heard as its mirror is,
 * anew by every guard, and by a line that verifies. Mirrors a, b and c make the quorum; d is the
 * witness key of one of them. */
#include "tests/lib/check.h"
#include "tests/lib/replica_story.h"

#include <criterion/criterion.h>
#include <string.h>

TestSuite(guard_witness, .init = story_setup, .fini = story_teardown);

static void put_witness(struct writer *w, size_t i, const char *rest) {
    static const char *const names[] = {"a", "b", "c", "d"};
    writer_text(w, "witness ");
    writer_text(w, names[i]);
    writer_text(w, " ");
    vkey_format(w, &story->mirrors[i].vkey);
    writer_text(w, rest);
}

static void begin(void) {
    struct writer w;
    writer_init(&w, story->texts[0], sizeof story->texts[0]);
    writer_text(&w, "log ");
    vkey_format(&w, &story->log.vkey);
    writer_text(&w, "\n");
    for (size_t i = 0; i < 3; i++) {
        put_witness(&w, i, " http://127.0.0.1:1\n");
    }
    put_witness(&w, 3, "\ngroup q 2 a b c\nquorum q\n");
    CHECK_OK(policy_parse(writer_view(&w), &story->policies[0], NULL));
    start_at(10, 10, 10, GUARD_ALL, "", __LINE__);
    struct replica_event event = {
        .type = REPLICA_POLICY, .policy = &story->policies[0], .index = 1, .now_ms = story->now};
    replica_step(&story->replica, &event, &story->actions);
}

/* A line by the witness over the candidate of size 10; `damaged` in its signature. */
static struct bytes line_of_d(bool damaged) {
    static uint8_t memory[1024];
    uint8_t text[CHECKPOINT_TEXT_MAX];
    struct writer t, w;
    struct hash root = root_at(10, 0);
    writer_init(&t, text, sizeof text);
    checkpoint_format_text(&t, bytes_text(ORIGIN), 10, &root);
    writer_init(&w, memory, sizeof memory);
    cosignature_sign(&w, writer_view(&t), story->now / 1000, &story->mirrors[3]);
    uint8_t *byte = &memory[w.len - 10];
    *byte = damaged ? (*byte == 'A' ? 'B' : 'A') : *byte;
    return writer_view(&w);
}

/* All three mirrors agree and cosign; a's agreement comes with `line`. */
static void all_cosign(struct bytes line) {
    response_at('a', 200, line, NULL, NULL, __LINE__);
    ANSWER('b', 200, "", NULL);
    ANSWER('c', 200, "", NULL);
    COSIGN('a', 10, NULL);
    COSIGN('b', 10, NULL);
    COSIGN('c', 10, NULL);
}

static const char *awaited(void) {
    static uint8_t memory[1024];
    struct writer w;
    writer_init(&w, memory, sizeof memory - 1);
    replica_guard_awaits(&story->replica, &w);
    memory[w.len] = '\0';
    return (const char *)memory;
}

static void is_guarded(void) {
    cr_assert_eq(story->replica.guard, GUARD_ALL);
    cr_assert_str_eq(awaited(), "mirror-d.example");
}

static void is_done(void) {
    cr_assert_eq(story->replica.guard, GUARD_NONE);
    cr_assert_str_eq(awaited(), "");
}

Test(guard_witness, is_awaited_where_every_mirror_cosigned) {
    begin();
    cr_assert_str_eq(awaited(),
                     "mirror-a.example mirror-b.example mirror-c.example mirror-d.example");
    all_cosign(bytes_of(NULL, 0));
    is_guarded();
}

Test(guard_witness, is_heard_by_its_line) {
    begin();
    all_cosign(line_of_d(false));
    is_done();
}

Test(guard_witness, is_not_heard_by_a_line_that_does_not_verify) {
    begin();
    all_cosign(line_of_d(true));
    is_guarded();
}

Test(guard_witness, is_not_heard_by_an_old_line) {
    begin();
    struct bytes line = line_of_d(false);
    story->now += 301000;
    all_cosign(line);
    is_guarded();
}

Test(guard_witness, is_heard_anew_by_the_next_guard) {
    begin();
    all_cosign(line_of_d(false));
    is_done();
    PUBLISHED(NULL);
    step_guard(GUARD_ALL, NULL, __LINE__);
    all_cosign(bytes_of(NULL, 0));
    is_guarded();
}
