/* A small world for tests: an agency's log, who signs in it, who mirrors it, and every kind of
 * event. Always the same: keys come of their names (tests/lib/keys.h), salts of a counter, and
 * signatures are deterministic, so that the same calls give the same bytes. Needs no Criterion:
 * unit tests, the simulator and fuzz corpora share it. What cannot fail here is asserted.
 *
 *     struct world w;
 *     struct bytes start[WORLD_START];
 *     world_init(&w, "agency.example/log");
 *     world_start(&w, start);                       log.opened, log.policy, enrolments
 *     struct bytes note = world_sample(&w, WORLD_CLERK, "finding.final");
 *     struct bytes other = world_event(&w, &(struct world_event){
 *         .issuer = WORLD_CLERK, .kind = "failure.alleged", .open = "{'basis':'live', ...}"});
 *     world_release(&w);
 *
 * Notes handed out belong to the world and live until world_release. */
#ifndef DUTYLOG_TESTS_LIB_WORLD_H
#define DUTYLOG_TESTS_LIB_WORLD_H

#include "ledger/body.h"
#include "ledger/event.h"

/* Who signs events. Roots 1 to 3 are the authority of log.opened, threshold 2. */
enum world_who {
    WORLD_ROOT_1,
    WORLD_ROOT_2,
    WORLD_ROOT_3,
    WORLD_OPERATOR, /* runs the log; its operator name is "agency" */
    WORLD_AGENCY,   /* role agency, WORLD_ORI only, kinds *, basis both: enrolled by root 1 */
    WORLD_CLERK,    /* role clerk, WORLD_ORI only, kinds *, basis both: enrolled by the agency */
    WORLD_BOARD,    /* role oversight, any agency: enrolled by root 1, as the next two */
    WORLD_COURT,
    WORLD_POST,
    WORLD_NEWCOMER, /* not enrolled by world_start */
    WORLD_STRANGER, /* never enrolled */
    WORLD_POST_2,   /* of the post's house: not enrolled either */
    WORLD_PEOPLE
};

#define WORLD_ORI "MN0620900"
#define WORLD_OTHER_ORI "MN0270000"
#define WORLD_MIRRORS 3
#define WORLD_CLOSED 3
#define WORLD_TIME_MS 1766620800000u /* 2025-12-25T00:00:00Z */

struct world {
    struct signer log;
    struct signer people[WORLD_PEOPLE];
    struct signer mirrors[WORLD_MIRRORS];   /* run by "state", "doj", "university" */
    struct signer witnesses[WORLD_MIRRORS]; /* of the same; outside the quorum */
    struct {
        uint64_t seq; /* of the last event made; 0: none */
        struct hash id;
    } last[WORLD_PEOPLE];
    struct world_closed_event {
        uint64_t seq;
        struct hash id;
        struct body_member members[WORLD_CLOSED];
    } closed[WORLD_PEOPLE];      /* the last event made by world_closed_sample */
    struct world_memory *memory; /* all that was handed out */
    uint64_t salts;
};

void world_init(struct world *world, const char *origin);
void world_release(struct world *world);
const char *world_name(const struct world *world, enum world_who who);

/* --- the beginning of a log --- */

#define WORLD_START 7
/* log.opened, log.policy, then the enrolments of AGENCY, CLERK, BOARD, COURT, POST. */
void world_start(struct world *world, struct bytes notes[WORLD_START]);
struct bytes world_opened(struct world *world);
/* 2 of the three mirrors. */
struct bytes world_policy(struct world *world);
struct bytes world_enrol(struct world *world, enum world_who by, enum world_who whom);
/* An enrolment with the scope that world_enrol_open takes. */
struct bytes world_enrol_as(struct world *world, enum world_who by, enum world_who whom,
                            const char *role, const char *oris, const char *kinds,
                            const char *basis, const char *more);
struct bytes world_revoke(struct world *world, enum world_who by, enum world_who whom);
/* `open` of a key.rotated: `fresh` takes the place of `old`, with what world_enrol gave that; more
 * as for world_enrol_open. */
const char *world_rotate_open(struct world *world, enum world_who old, enum world_who fresh,
                              const char *more);

/* `open` of a root.replaced: `fresh` becomes a root in the place of `old`. */
const char *world_replace_open(struct world *world, enum world_who old, enum world_who fresh);

/* The parts of the two, for tests that bend them. `urls` are the mirrors' submission prefixes, or
 * NULL for none. Terminated text. */
const char *world_opened_open(struct world *world);
const char *world_policy_text(struct world *world, const char *const urls[WORLD_MIRRORS]);
/* `open` of a log.policy with the text; `operators` as JSON, NULL: those of the world. */
const char *world_policy_open(struct world *world, const char *text, const char *operators);
/* `open` of a fork.observed in the world's log, with this evidence file, of at most 11 KiB. */
const char *world_fork_open(struct world *world, const struct vkey *accused, struct bytes file);
/* `open` of a log.succeeded: `old` ends at size `closing`, and `abandoned` (0: no such member) was
 * signed by it beyond. NULL: the log "old.example/log". */
const char *world_succeeded_open(struct world *world, const struct signer *old,
                                 const struct vkey *successor, uint64_t closing,
                                 uint64_t abandoned);
/* `open` of a key.enrolled: oris, kinds as JSON arrays; more as JSON members with a leading comma,
 * or "". */
const char *world_enrol_open(struct world *world, enum world_who whom, const char *role,
                             const char *oris, const char *kinds, const char *basis,
                             const char *more);

/* --- events --- */

struct world_event {
    enum world_who issuer;
    const char *kind;
    const char *open;        /* JSON in any order and spacing, ' for "; NULL: world_open(kind) */
    uint64_t seq;            /* 0: the issuer's next */
    const struct hash *prev; /* NULL: the id of the issuer's last event made */
    const struct hash *body; /* NULL: none */
    const char *log;         /* NULL: the world's origin */
    uint32_t roots; /* bit i: root i signs too; 0: root 2 where the kind needs the threshold */
    bool aside;     /* not the issuer's last event: the next one made has this seq again */
};
/* Makes and signs an event. Asserts that event_sign takes it. */
struct bytes world_event(struct world *world, const struct world_event *event);
/* The same of a kind and an `open` (NULL: the sample's), aside: for events that are to be refused.
 */
struct bytes world_aside(struct world *world, enum world_who issuer, const char *kind,
                         const char *open);
/* Changes the signature on line `which` (from 0) in place; gives the note back. */
struct bytes world_damage(struct bytes note, size_t which);
/* A report.lodged by the one-time key of this number; each has its own. Its name is `*issuer`, in
 * the world's memory, if that is not NULL. */
struct bytes world_lodge(struct world *world, unsigned number, const char **issuer);
/* A valid event of a kind, by somebody with a role for it. A correction is of the issuer's last
 * event; event.opened discloses a member of its last world_closed_sample. */
struct bytes world_sample(struct world *world, enum world_who issuer, const char *kind);
/* The `open` of that sample. Terminated. */
const char *world_open(struct world *world, enum world_who issuer, const char *kind);
/* Text formatted into the world's memory. */
const char *world_text(struct world *world, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Signs any text whatsoever by the keys given, in that order. */
struct bytes world_sign(struct world *world, struct bytes text, const enum world_who *signers,
                        size_t count);
/* `text` with `to` in the place of the first `from`, which is there. Terminated. */
const char *world_bend(struct world *world, const char *text, const char *from, const char *to);
/* The note text that world_event would sign, terminated, for bending; counts as aside. */
const char *world_event_text(struct world *world, const struct world_event *event);
struct hash world_id(struct bytes note);

/* --- closed members --- */

/* As world_sample of a case kind, with a body of three closed members: case_number, narrative,
 * officer. */
struct bytes world_closed_sample(struct world *world, enum world_who issuer, const char *kind);
/* `open` of the event.opened that discloses member `which` of the last world_closed_sample by
 * `issuer`. */
const char *world_disclose(struct world *world, enum world_who issuer, size_t which);

/* --- checkpoints --- */

/* The signed checkpoint with the cosignatures of a set of mirrors (bit i: mirror i), each at
 * `time`. */
struct bytes world_checkpoint(struct world *world, uint64_t size, const struct hash *root,
                              uint64_t time, uint32_t mirrors);

#endif
