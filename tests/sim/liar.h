/* A dishonest log: one key, two histories that part at some entry, each in a store of its own. It
 * shows either to mirrors as it likes, with proofs that fit or not; goes back to smaller sizes;
 * withholds entries, or sends damaged ones; and dates entries back. */
#ifndef DUTYLOG_TESTS_SIM_LIAR_H
#define DUTYLOG_TESTS_SIM_LIAR_H

#include "tests/sim/sim.h"

/* Makes the node the host of the book, dishonest, with this many entries of which the first
 * `common` are in both histories. */
void liar_begin(struct node *node, struct book *book, uint64_t common, uint64_t size);
void liar_release(struct node *node);
/* One entry more in a history. `back_ms`: how far it is dated back. */
void liar_grow(struct node *node, size_t history, uint64_t back_ms);

/* Acts at random, again and again. */
void liar_start(struct node *node);
/* Sends the checkpoint of a history; the proof from `old_size` is of history `proof`. */
void liar_checkpoint(struct node *node, const struct node *to, size_t history, uint64_t old_size,
                     uint64_t size, size_t proof);
/* What is changed in a package of entries on its way: nothing; one bit anywhere; or one of the last
 * byte but one, which belongs to the last hash of the proof or, where that is empty, to the last
 * entry, so that the package can be read and does not verify. */
enum liar_damage { LIAR_WHOLE, LIAR_DAMAGED, LIAR_UNPROVED };
void liar_entries(struct node *node, const struct node *to, size_t history, uint64_t start,
                  uint64_t end, enum liar_damage damage);
uint64_t liar_size(const struct node *node, size_t history);

#endif
