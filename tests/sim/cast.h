/* The nodes, logs and clients that runs and stories begin with. */
#ifndef DUTYLOG_TESTS_SIM_CAST_H
#define DUTYLOG_TESTS_SIM_CAST_H

#include "tests/sim/sim.h"

/* agency, which hosts; state, doj, university, press, which mirror; annex, which mirrors and is run
 * by the agency. Not started. */
void cast_nodes(struct sim *sim);
#define CAST_STATE (1u << 1)
#define CAST_DOJ (1u << 2)
#define CAST_UNIVERSITY (1u << 3)
#define CAST_PRESS (1u << 4)
#define CAST_ANNEX (1u << 5)
#define CAST_THREE (CAST_STATE | CAST_DOJ | CAST_UNIVERSITY)

/* A log of events, hosted by the node, with policy 2 of the three. */
struct book *cast_log(struct sim *sim, struct node *host, const char *origin);
/* The client that opens the log: log.opened, log.policy, enrolments. Not started. */
struct client *cast_office(struct sim *sim, struct book *book);
/* Writes one event of an allowed kind into the client's outbox. `aside`: another workstation of the
 * key wrote it, and the first one does not know of it. */
void cast_write(struct client *client, bool aside);
void cast_start(struct sim *sim);

#endif
