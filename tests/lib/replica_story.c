#include "tests/lib/replica_story.h"

#include "tests/lib/check.h"
#include "tests/lib/keys.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const names[] = {"a", "b", "c", "d"};

struct story *story;

void story_setup(void) {
    cr_assert(crypto_init());
    story = calloc(1, sizeof *story);
    cr_assert_not_null(story);
    story->log = test_signer(ORIGIN, VKEY_NOTE);
    for (size_t i = 0; i < 4; i++) {
        char name[64];
        snprintf(name, sizeof name, "mirror-%s.example", names[i]);
        story->mirrors[i] = test_signer(name, VKEY_COSIGNATURE);
    }
    story->now = T0;
    struct replica_options options = replica_defaults;
    options.together = false; /* a story says when */
    replica_init(&story->replica, &story->log.vkey, &options);
}

void story_teardown(void) {
    free(story);
}

/* --- what happened, as text --- */

static void put(struct writer *w, const char *word, uint64_t number) {
    writer_text(w, word);
    writer_decimal(w, number);
}

static const char *mirror_name(size_t place) {
    const struct vkey *vkey = &story->replica.mirrors[place].vkey;
    for (size_t i = 0; i < 4; i++) {
        if (vkey_equal(vkey, &story->mirrors[i].vkey)) {
            return names[i];
        }
    }
    return "?";
}

size_t mirror_place(char name) {
    for (size_t i = 0; i < story->replica.mirror_count; i++) {
        if (story->replica.mirrors[i].used && mirror_name(i)[0] == name) {
            return i;
        }
    }
    cr_assert(false, "mirror %c has no place", name);
    return 0;
}

/* The published note's cosigners, after checking that it is a good checkpoint of the log's. */
static void put_cosigners(struct writer *w, const struct replica_action *action) {
    struct note note;
    struct checkpoint checkpoint;
    CHECK_OK(checkpoint_parse(action->note, &note, &checkpoint, NULL));
    cr_assert_eq(checkpoint.size, action->size);
    CHECK_OK(note_verify(&note, &story->log.vkey));
    for (size_t i = 1; i < note.count; i++) {
        size_t by = 4;
        uint64_t timestamp;
        for (size_t m = 0; m < 4; m++) {
            if (note_signature_is_by(&note.signatures[i], &story->mirrors[m].vkey)) {
                by = m;
            }
        }
        cr_assert_lt(by, 4u);
        CHECK_OK(cosignature_verify(&note.signatures[i], note.text, &story->mirrors[by].vkey,
                                    &timestamp));
        writer_u8(w, ' ');
        writer_text(w, names[by]);
    }
}

static size_t policy_number(const struct policy *policy) {
    return (size_t)(policy - story->policies);
}

static void put_action(struct writer *w, const struct replica_action *action) {
    switch (action->type) {
    case ACTION_CUT:
        put(w, "cut after ", action->expected);
        break;
    case ACTION_SEND_CHECKPOINT:
        writer_text(w, "checkpoint ");
        writer_text(w, mirror_name(action->mirror));
        put(w, " ", action->old_size);
        put(w, "-", action->size);
        cr_assert_eq(action->size, story->replica.candidate.size);
        CHECK_BYTES(action->note,
                    bytes_of(story->replica.candidate.note, story->replica.candidate.note_len));
        break;
    case ACTION_SEND_CANDIDATE:
        writer_text(w, "candidate ");
        writer_text(w, mirror_name(action->mirror));
        put(w, " ", action->old_size);
        put(w, "-", action->size);
        break;
    case ACTION_SEND_ENTRIES:
        writer_text(w, "entries ");
        writer_text(w, mirror_name(action->mirror));
        put(w, " ", action->start);
        put(w, "-", action->end);
        break;
    case ACTION_FETCH_PENDING:
        writer_text(w, "fetch ");
        writer_text(w, mirror_name(action->mirror));
        break;
    case ACTION_PUBLISH:
        put(w, "publish ", action->size);
        put(w, " +", action->quorum_time - T0 / 1000);
        put_cosigners(w, action);
        break;
    case ACTION_SERVE:
        put(w, "serve ", action->size);
        break;
    case ACTION_HALT:
        writer_text(w, "halt");
        break;
    case ACTION_RELEASE_POLICY:
        put(w, "release ", policy_number(action->policy));
        break;
    }
}

static void expect_at(const char *expected, int line) {
    struct writer w;
    writer_init(&w, story->got, sizeof story->got - 1);
    for (size_t i = 0; i < story->actions.count; i++) {
        writer_text(&w, i > 0 ? ", " : "");
        put_action(&w, &story->actions.items[i]);
    }
    cr_assert(!w.failed);
    story->got[w.len] = '\0';
    if (expected == NULL) {
        return; /* told elsewhere */
    }
    cr_assert_str_eq(story->got, expected, "line %d: got \"%s\", expected \"%s\"", line, story->got,
                     expected);
}

static void step(struct replica_event event, const char *expected, int line) {
    event.now_ms = story->now;
    replica_step(&story->replica, &event, &story->actions);
    expect_at(expected, line);
}

/* --- events --- */

struct hash root_at(uint64_t size, uint8_t history) {
    struct hash root;
    uint64_t seed[2] = {size, history};
    hash_of(seed, sizeof seed, &root);
    return root;
}

struct head head_at(uint64_t size, uint8_t history) {
    struct head head = {.size = size, .root = root_at(size, history)};
    struct writer w;
    writer_init(&w, head.note, sizeof head.note);
    checkpoint_sign(&w, bytes_text(ORIGIN), size, &head.root, &story->log);
    cr_assert(!w.failed);
    head.note_len = w.len;
    return head;
}

void start_at(uint64_t committed, uint64_t head_size, uint64_t published, enum replica_guard guard,
              const char *expected, int line) {
    struct head head = head_at(head_size, 0);
    story->committed = committed;
    step((struct replica_event){.type = REPLICA_START,
                                .size = committed,
                                .head = head_size > 0 ? &head : NULL,
                                .published = published,
                                .guard = guard},
         expected, line);
}

/* Policy `number`: `k` of the mirrors named in `members`. */
void policy_at(size_t number, const char *members, unsigned k, uint64_t index, const char *expected,
               int line) {
    struct writer w;
    struct refusal why;
    writer_init(&w, story->texts[number], sizeof story->texts[number]);
    writer_text(&w, "log ");
    vkey_format(&w, &story->log.vkey);
    writer_text(&w, "\n");
    for (const char *m = members; *m != '\0'; m++) {
        size_t i = (size_t)(*m - 'a');
        writer_text(&w, "witness ");
        writer_text(&w, names[i]);
        writer_text(&w, " ");
        vkey_format(&w, &story->mirrors[i].vkey);
        writer_text(&w, " http://127.0.0.1:1");
        writer_text(&w, names[i]);
        writer_text(&w, "\n");
    }
    writer_text(&w, "group q ");
    writer_decimal(&w, k);
    for (const char *m = members; *m != '\0'; m++) {
        writer_text(&w, " ");
        writer_text(&w, names[*m - 'a']);
    }
    writer_text(&w, k > 0 ? "\nquorum q\n" : "\n");
    if (k == 0) { /* no quorum at all */
        writer_init(&w, story->texts[number], sizeof story->texts[number]);
        writer_text(&w, "quorum none\n");
    }
    cr_assert(!w.failed);
    CHECK_OK(policy_parse(writer_view(&w), &story->policies[number], &why));
    step((struct replica_event){.type = REPLICA_POLICY,
                                .policy = &story->policies[number],
                                .index = index},
         expected, line);
}

void step_guard(enum replica_guard guard, const char *expected, int line) {
    step((struct replica_event){.type = REPLICA_GUARD, .guard = guard}, expected, line);
}

void coming_at(const char *expected, int line) {
    step((struct replica_event){.type = REPLICA_COMING}, expected, line);
}

void committed_at(uint64_t size, const char *expected, int line) {
    story->committed = size;
    step((struct replica_event){.type = REPLICA_COMMITTED, .size = size}, expected, line);
}

void cut_at(enum status status, const char *expected, int line) {
    struct head head = head_at(story->committed, 0);
    step((struct replica_event){.type = REPLICA_CUT, .status = status, .head = &head}, expected,
         line);
}

void published_at(enum status status, const char *expected, int line) {
    step((struct replica_event){.type = REPLICA_PUBLISHED, .status = status}, expected, line);
}

void tick_at(uint64_t ms, const char *expected, int line) {
    story->now += ms;
    step((struct replica_event){.type = REPLICA_TICK}, expected, line);
}

void response_at(char mirror, unsigned http, struct bytes body, const struct hash *root,
                 const char *expected, int line) {
    int64_t told = (int64_t)(story->now / 1000) + story->clocks[mirror - 'a'];
    step((struct replica_event){.type = REPLICA_RESPONSE,
                                .mirror = mirror_place(mirror),
                                .http = http,
                                .peer_seconds = story->dated && http != 0 ? (uint64_t)told : 0,
                                .body = body,
                                .root = root},
         expected, line);
}

/* The mirror's cosignature of the checkpoint of `size`, by its clock. */
void cosign_at(char mirror, uint64_t size, uint8_t history, const char *expected, int line) {
    uint8_t text[CHECKPOINT_TEXT_MAX];
    uint8_t lines[1024];
    struct writer t;
    struct writer w;
    struct hash root = root_at(size, history);
    size_t i = (size_t)(mirror - 'a');
    writer_init(&t, text, sizeof text);
    checkpoint_format_text(&t, bytes_text(ORIGIN), size, &root);
    writer_init(&w, lines, sizeof lines);
    uint64_t time = (uint64_t)((int64_t)(story->now / 1000) + story->offsets[i]);
    cosignature_sign(&w, writer_view(&t), time, &story->mirrors[i]);
    response_at(mirror, 200, writer_view(&w), NULL, expected, line);
}

const struct replica_mirror *mirror(char name) {
    return &story->replica.mirrors[mirror_place(name)];
}

/* A log of 10 entries with policy 2 of {a, b, c}, published by a and b; c did it late. */
void begin_published(void) {
    START(10, 0, 0, "");
    POLICY(0, "abc", 2, 1, "cut after 0");
    CUT("checkpoint a 0-10, checkpoint b 0-10, checkpoint c 0-10");
    ANSWER('a', 200, "", "entries a 0-10");
    ANSWER('b', 200, "", "entries b 0-10");
    ANSWER('c', 200, "", "entries c 0-10");
    COSIGN('a', 10, "");
    COSIGN('b', 10, "publish 10 +0 a b");
    PUBLISHED("serve 10");
    COSIGN('c', 10, "");
    TICK(1000, "publish 10 +0 a b c");
    PUBLISHED("");
}
