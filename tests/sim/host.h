/* A node's own log: the glue around the replica and the sequencer, as net/replicator and
 * net/submitter are for the daemon. */
#ifndef DUTYLOG_TESTS_SIM_HOST_H
#define DUTYLOG_TESTS_SIM_HOST_H

#include "tests/sim/sim.h"

#define SUBMIT_EVENTS_MAX 8
#define SUBMIT_DEADLINE_MS 10000

/* Begins on what the store holds. */
void host_open(struct node *node);
void host_close(struct node *node);
const struct replica *host_replica(const struct node *node);
/* POST add, GET receipt. Takes the arrival. */
void host_serve(struct node *node, struct arrival *arrival);

/* GET checkpoint. Takes the arrival. */
void host_serve_checkpoint(struct node *node, struct arrival *arrival);

/* Appends so many entries to its opaque log at once, as an import does. */
void host_bulk(struct node *node, size_t count);

/* The body of an add: the notes (or entries), each after its length as u16. Of its answer: for each
 * of them u16 status, u64 index, u64 received, u32 length and bytes of the receipt (0: none yet).
 */
struct add_result {
    enum status status;
    uint64_t index;
    uint64_t received_ms;
    struct bytes receipt;
};
bool add_result_read(struct reader *r, struct add_result *out);
void add_result_write(struct writer *w, const struct add_result *result);

/* --- between host.c and host_add.c --- */

/* More is committed: tells the replica, and of policies before. */
void host_committed(struct host *host, uint64_t size);
/* Entries below the size are published: answers whoever waits. */
void host_served(struct host *host);
struct host_waiting;
struct host_waiting **host_waiting(struct host *host);
struct node *host_node(const struct host *host);
void host_waiting_release(struct host *host);

#endif
