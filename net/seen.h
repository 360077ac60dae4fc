/* What peers showed of logs: of each (log, address) the last note, and one that waits to be
 * compared until we hold as much. Memory only, bounded: at most SEEN_MAX pairs; beyond them nothing
 * is remembered, which loses a comparison and nothing else. */
#ifndef DUTYLOG_NET_SEEN_H
#define DUTYLOG_NET_SEEN_H

#include "ledger/bytes.h"

#define SEEN_MAX 32768

struct seen;

struct seen *seen_open(void); /* NULL: no memory */
void seen_free(struct seen *seen);
/* Views that live until the next call for that pair; empty: nothing. */
struct bytes seen_last(const struct seen *seen, uint32_t log, const char *url);
struct bytes seen_waiting(const struct seen *seen, uint32_t log, const char *url);
/* Copies. An empty note is one to forget. */
void seen_show(struct seen *seen, uint32_t log, const char *url, struct bytes note);
void seen_wait(struct seen *seen, uint32_t log, const char *url, struct bytes note);

#endif
