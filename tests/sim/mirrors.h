/* A node's mirroring of others' logs: the glue around the jobs of ledger/mirror.h, ledger/fork.h
 * and judging, as net/handle_checkpoint, net/handle_entries and net/judge are for the daemon. */
#ifndef DUTYLOG_TESTS_SIM_MIRRORS_H
#define DUTYLOG_TESTS_SIM_MIRRORS_H

#include "tests/sim/sim.h"

void mirrors_open(struct node *node);
void mirrors_release(struct node *node);
/* add-checkpoint, add-entries and the two checkpoints. Takes the arrival. */
void mirrors_serve(struct node *node, struct arrival *arrival);

/* upload.c: add-entries. */
void upload_serve(struct node *node, struct arrival *arrival);
/* judges.c: what is stored is judged, a few entries at a time. */
void judge_stored(struct node *node, size_t book);
/* examine.c: a checkpoint that may contradict what is held is examined; `proof` may be NULL, and is
 * of fetched tiles if `subproof`. Copies the note. */
void examine(struct node *node, size_t book, struct bytes note, uint64_t old_size,
             const struct merkle_proof *proof, bool subproof);
/* What is unreconciled is examined again. */
void examine_again(struct node *node);
/* Asks a peer for its checkpoints of every log and examines them; comes again by itself. */
void gossip_start(struct node *node);
/* Asks one peer now. */
void gossip_ask(struct node *node, const struct node *peer, size_t book);

#endif
