/* What the files of standing share: standing.c (the passes), standing_correct.c (what is corrected,
 * and by whom), standing_effect.c (what takes the place of what). */
#ifndef DUTYLOG_LEDGER_STANDING_PARTS_H
#define DUTYLOG_LEDGER_STANDING_PARTS_H

#include "ledger/standing.h"

/* The event of that id, or STANDING_NONE. */
size_t standing_find(const struct standing_case *c, const struct hash *id);
/* An earlier event of which this one is a duplicate, among the first `count` of `order` that count
 * (NULL: the events as they stand); STANDING_NONE. */
size_t standing_alike(const struct standing_case *c, const size_t *order, size_t count,
                      size_t event);
/* Gives an event its standing, for good. */
void standing_settle(struct standing_case *c, size_t event, enum standing standing,
                     enum standing_why why, size_t other);
/* The first pass settled it. */
bool standing_settled(const struct standing_case *c, size_t event);

/* Which corrections hold, what they correct, and what stands in for it. */
void standing_correct(struct standing_case *c);
/* What an event that counts and is not corrected does to its subject. False: it was found without
 * authority, and settled as that. */
bool standing_effect(struct standing_case *c, struct standing_subject *subject, size_t event);

#endif
