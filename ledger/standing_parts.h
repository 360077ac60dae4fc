/* What the files of standing share: standing.c (the passes), standing_right.c (who may what, which
 * events are twins), standing_correct.c (what is corrected, and by whom), standing_slot.c (what is
 * in a slot), standing_effect.c (what takes the place of what). */
#ifndef DUTYLOG_LEDGER_STANDING_PARTS_H
#define DUTYLOG_LEDGER_STANDING_PARTS_H

#include "ledger/standing.h"

/* An event at work, at its place. */
struct effect_of {
    struct standing_case *c;
    struct standing_subject *subject;
    size_t event;
    size_t position; /* in the order of places */
};

/* --- standing.c --- */

/* Gives an event its standing, for good. */
void standing_settle(struct standing_case *c, size_t event, enum standing standing,
                     enum standing_why why, size_t other);
/* It has a standing already. */
bool standing_settled(const struct standing_case *c, size_t event);
/* The event of that id, or STANDING_NONE. */
size_t standing_find(const struct standing_case *c, const struct hash *id);

/* --- standing_right.c: of the signers of events `a` and `b` --- */

bool standing_over(const struct standing_case *c, size_t a, size_t b);
bool standing_one_house(const struct standing_case *c, size_t a, size_t b);
bool standing_may_correct(const struct standing_case *c, size_t a, size_t b);
bool standing_may_undo(const struct standing_case *c, size_t a, size_t b);
/* Settles `event` as without authority over `other`: by rank, or as a stranger. */
void standing_deny(struct standing_case *c, size_t event, size_t other);
/* Was `a` there before `b`, whatever a log's operator did with stamps? */
bool standing_surely_before(const struct standing_case *c, size_t a, size_t b);
/* Do the two say one fact? */
bool standing_alike(const struct standing_case *c, size_t a, size_t b);

/* --- standing_correct.c --- */

/* Which corrections hold, what they correct, and what stands in for it. */
void standing_correct(struct standing_case *c);

/* --- standing_slot.c --- */

/* Is the event set aside by the one at work? */
bool standing_aside(const struct effect_of *w, size_t event);
/* Does the one at work see the event in that slot? */
bool standing_sees(const struct effect_of *w, size_t event, enum standing_slot slot);
/* The first that it sees there; STANDING_NONE. */
size_t standing_first_seen(const struct effect_of *w, enum standing_slot slot);
/* May it undo the event, what upholds it, and its twins? STANDING_NONE; or whom it may not. */
size_t standing_denies(const struct effect_of *w, size_t event);
/* Likewise: may it take out what is in the slot, or take the slot? */
size_t standing_denies_out(const struct effect_of *w, enum standing_slot slot);
size_t standing_denies_take(const struct effect_of *w, enum standing_slot slot);
/* Takes out what is in the slot, but for what it leaves beside itself. Returns how many. */
size_t standing_take_out(const struct effect_of *w, enum standing_slot slot, enum standing_why how);
/* Takes the slot, too. */
void standing_take(const struct effect_of *w, enum standing_slot slot, enum standing_why how);
/* Marks the event as superseded by the one at work, in the slot or not. */
void standing_supersede(const struct effect_of *w, size_t event, enum standing_why how);
void standing_put_back(const struct effect_of *w, size_t event, enum standing_slot slot);
/* From here on it is the one at work that emptied the slot. */
void standing_empty(const struct effect_of *w, enum standing_slot slot);
/* Is nothing in it? */
bool standing_slot_is_free(const struct effect_of *w, enum standing_slot slot);

/* --- standing_effect.c --- */

/* What an event that counts and is not corrected does to its subject. False: it was found without
 * authority, and settled as that. */
bool standing_effect(const struct effect_of *w);
/* An appeal.filed says what it contests, corrected or not. */
void standing_contest(const struct effect_of *w);

#endif
