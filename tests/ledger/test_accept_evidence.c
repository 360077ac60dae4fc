/* Acceptance of fork.observed: only what its file proves enters a log. */
#include "ledger/evidence.h"
#include "ledger/schema.h"
#include "tests/lib/check.h"
#include "tests/lib/hosted.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

static struct hosted h;
static struct world *w;
static uint8_t memory[EVENT_SIZE_MAX];

static void open_started(void) {
    hosted_open(&h);
    w = &h.world;
    hosted_start(&h);
}

static void close_all(void) {
    hosted_close(&h);
}

TestSuite(accept_evidence, .init = open_started, .fini = close_all);

static struct bytes checkpoint(uint64_t size, uint8_t root, uint64_t time) {
    struct hash hash = {{root}};
    return world_checkpoint(w, size, &hash, time, 1);
}

static struct bytes make(const struct vkey *accused, struct bytes one, struct bytes two) {
    struct writer writer;
    writer_init(&writer, memory, sizeof memory);
    CHECK_OK(evidence_of_checkpoints(accused, one, two, NULL, &writer));
    return writer_view(&writer);
}

static struct bytes event_of(const char *open) {
    return world_aside(w, WORLD_OPERATOR, "fork.observed", open);
}

static void refuse_file(struct bytes file, const char *says) {
    hosted_refuse(&h, event_of(world_fork_open(w, &w->log.vkey, file)), STATUS_BAD_MEMBER, says);
}

Test(accept_evidence, against_a_log_and_against_a_cosigner_is_accepted) {
    struct bytes one = checkpoint(9, 1, 100);
    hosted_accept(&h, event_of(world_fork_open(w, &w->log.vkey,
                                               make(&w->log.vkey, one, checkpoint(9, 2, 100)))));
    const struct vkey *mirror = &w->mirrors[0].vkey;
    hosted_accept(
        &h, world_event(w, &(struct world_event){
                               .issuer = WORLD_BOARD,
                               .kind = "fork.observed",
                               .open = world_fork_open(w, mirror,
                                                       make(mirror, one, checkpoint(8, 2, 200)))}));
}

Test(accept_evidence, every_byte_of_the_file_counts) {
    struct bytes file = make(&w->log.vkey, checkpoint(9, 1, 100), checkpoint(9, 2, 100));
    uint8_t mangled[EVENT_SIZE_MAX];
    for (size_t i = sizeof "dutylog/evidence/v1"; i < file.len; i++) {
        memcpy(mangled, file.data, file.len);
        mangled[i] ^= 1;
        refuse_file(bytes_of(mangled, file.len), "");
    }
    for (size_t len = sizeof "dutylog/evidence/v1"; len < file.len; len++) {
        refuse_file(bytes_of(file.data, len), "");
    }
}

Test(accept_evidence, what_proves_nothing_or_something_else_is_refused) {
    struct writer writer;
    struct evidence none = {.form = 'a', .parts = {checkpoint(9, 1, 100), checkpoint(9, 1, 101)}};
    if (bytes_compare(none.parts[0], none.parts[1]) > 0) {
        struct bytes first = none.parts[0];
        none.parts[0] = none.parts[1];
        none.parts[1] = first;
    }
    writer_init(&writer, memory, sizeof memory);
    evidence_format(&writer, &none);
    refuse_file(writer_view(&writer), "the same root");
    /* By another key than the one accused. */
    struct bytes file = make(&w->log.vkey, checkpoint(9, 1, 100), checkpoint(9, 2, 100));
    hosted_refuse(&h, event_of(world_fork_open(w, &w->mirrors[0].vkey, file)), STATUS_BAD_MEMBER,
                  "did not sign");
    /* Of another log than the event says. */
    char *open = strdup(world_fork_open(w, &w->log.vkey, file));
    char *origin = strstr(open, "'origin':'");
    origin[strlen("'origin':'")] ^= 1;
    hosted_refuse(&h, event_of(open), STATUS_BAD_MEMBER, "of another log");
    free(open);
}

/* Whoever sends it decides how many lines are to be verified, but not beyond a bound. */
Test(accept_evidence, signature_lines_are_bounded) {
    uint8_t notes[2][CHECKPOINT_SIZE_MAX];
    struct bytes parts[2];
    for (size_t lines = 4; lines <= 5; lines++) {
        for (uint8_t side = 0; side < 2; side++) {
            struct writer note;
            struct bytes once = checkpoint(9, side + 1, 100);
            struct note parsed;
            CHECK_OK(note_parse(once, &parsed, NULL));
            writer_init(&note, notes[side], CHECKPOINT_SIZE_MAX);
            writer_bytes(&note, parsed.text);
            writer_text(&note, "\n");
            for (size_t i = 0; i < lines; i++) {
                note_sign(&note, parsed.text, &w->log);
            }
            parts[side] = writer_view(&note);
        }
        struct bytes file = make(&w->log.vkey, parts[0], parts[1]);
        if (lines == 4) {
            hosted_accept(&h, event_of(world_fork_open(w, &w->log.vkey, file)));
        } else {
            refuse_file(file, "10 signature lines");
        }
    }
}

/* A mirror that judges what a log took comes to the same: not verified when trusted, as with
 * signatures. */
Test(accept_evidence, is_verified_where_signatures_are) {
    struct submission submission;
    struct store_txn *txn;
    const char *bad = world_fork_open(w, &w->log.vkey, bytes_text("dutylog/evidence/v1 a\n"));
    struct bytes note = event_of(bad);
    CHECK_OK(store_begin(h.store, STORE_READ, &txn));
    submission_prepare(txn, &h.log, note, &submission);
    CHECK_STATUS(submission.status, STATUS_BAD_MEMBER);
    submission_release(&submission);
    submission_prepare_trusted(txn, &h.log, note, &submission);
    CHECK_OK(submission.status);
    submission_release(&submission);
    store_abort(txn);
}
