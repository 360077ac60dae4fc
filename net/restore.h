/* `dutylogd --restore-from URL`: rebuilds the data folder that node.ini names from a node that
 * mirrors its log, and fetches of the same node what this one mirrors, as far as it is there.
 *
 * Happy path: each log is pulled from URL/<hex SHA-256 of its origin>/ (or from URL itself, if that
 * is the log's own node): checkpoint, tiles, bundles, by the state machine and the jobs that a
 * running node pulls with (ledger/pull.h, ledger/restore.h). Then all become a node's at once.
 *
 * Failure modes: the source does not answer: asked again for half a minute, then given up. Broken
 * off in whatever way: the same command goes on where it stopped. The source serves what the log
 * did not sign: refused at once, naming what is false; nothing of it is kept. */
#ifndef DUTYLOG_NET_RESTORE_H
#define DUTYLOG_NET_RESTORE_H

#include "net/config.h"

/* Takes over `config`. Exit code: 0 restored, 1 not, 2 refused before anything was fetched. Reports
 * to the log and to stderr. `stored` (may be NULL): how many entries were fetched. */
int restore_run(struct node_config *config, const char *source, uint64_t *stored);

#endif
