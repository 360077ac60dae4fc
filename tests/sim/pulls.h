/* Pulling from the log's tiles what a node lacks: the glue around ledger/pull.h, as net/puller is
 * for the daemon. Here logs are pulled to catch up with a checkpoint that was seen, and at no
 * interval.
 */
#ifndef DUTYLOG_TESTS_SIM_PULLS_H
#define DUTYLOG_TESTS_SIM_PULLS_H

#include "tests/sim/sim.h"

/* Pulls the log up to this checkpoint. Copies the note. */
void pulls_reconcile(struct node *node, size_t book, struct bytes note);
void pulls_close(struct node *node);
/* A tile of the own log, up to what is published. Takes the arrival. */
void pulls_serve(struct node *node, struct arrival *arrival);

#endif
