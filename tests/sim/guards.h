/* What a node keeps outside its disk, and what a start makes of it: as net/outside, net/guarding
 * and net/regain are for the daemon. */
#ifndef DUTYLOG_TESTS_SIM_GUARDS_H
#define DUTYLOG_TESTS_SIM_GUARDS_H

#include "tests/sim/sim.h"

/* The head file of a new node: it says that nothing was signed. */
void head_file_make(struct head_file *file);
/* It is lost: gone, or damaged. */
void head_file_lose(struct node *node);
/* The mirrors of this policy will be pushed to. */
void head_file_list(struct node *node, const struct policy *policy);
/* The log's guard has passed with this head. */
void head_file_set_head(struct node *node, const struct head *head);
/* The process dies right after the file was written for the commit under way: for one of
 * cosignatures alone, which is `lost`, or that of a cut, which is not. */
void head_file_ahead(struct node *node, bool lost);

/* At a start: compares the file with the store, sets the guard of the own log, and holds what the
 * node mirrors if the store is behind. */
enum status guards_open(struct node *node, struct store_txn *txn);
/* Then: asks the logs that are held, and their other mirrors, how far they came. */
void guards_ask(struct node *node);
void guards_close(struct node *node);

#endif
