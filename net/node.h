/* One node: everything that a running dutylogd holds, opened in order and closed in the reverse.
 * Roles are configuration: a node hosts at most one log, mirrors any number, cosigns what it
 * mirrors, serves all it holds.
 *
 * Threads: the loop owns everything here; the committer's thread runs batches on `store` with
 * `batch`; workers read the store in transactions of their own. `own` and the signers do not change
 * after node_open. `logs` and `config.logs` may gain rows at their end, on the loop
 * (net/recogniser.h); both have their room from the start, so that what points at a row may stay.
 *
 * Stopping is orderly: no new requests, waiting ones are answered, queued commits run, then the
 * store closes. A storage error whose durable state is unknown stops the node at once (node_fail):
 * nothing is signed after it. */
#ifndef DUTYLOG_NET_NODE_H
#define DUTYLOG_NET_NODE_H

#include "ledger/batch.h"
#include "ledger/logs.h"
#include "ledger/mirror.h"
#include "ledger/policy.h"
#include "ledger/replica.h"
#include "net/client.h"
#include "net/committer.h"
#include "net/config.h"
#include "net/loop.h"
#include "net/server.h"
#include "net/tls.h"
#include "net/workers.h"

struct replicator;
struct submitter;
struct judge;
struct puller;
struct recogniser;
struct outside;
struct regain;
struct clocks;
struct gossip;
struct health_watch;
struct reload;

struct node {
    struct node_config config; /* taken */
    struct loop *loop;
    struct store *store;
    struct workers *workers;
    struct committer *committer;
    struct client *client;
    struct tls *tls; /* NULL: in clear */
    struct reload *reload;
    struct server *server;

    bool has_own;
    struct log own;              /* the log this node hosts */
    struct signer log_signer;    /* its key */
    struct signer mirror_signer; /* zero unless configured */
    struct signer witness_signer;
    struct cosigner cosigner; /* points at the two above, or NULL */

    struct log *logs; /* all that are known, by number - 1 */
    size_t log_count;
    size_t log_room; /* the most that log_count becomes: whoever keeps something for each log makes
                        room for so many */

    struct outside *outside;  /* the head file; NULL: none is configured */
    enum replica_guard guard; /* what the log's guard must hear at the start */

    struct replicator *replicator; /* NULL unless has_own */
    struct submitter *submitter;   /* NULL unless has_own */
    unsigned cases;                /* asked for, and with the workers (net/handle_case.c) */
    struct judge *judge;           /* NULL if no event log is mirrored */
    struct puller *puller;
    struct recogniser *recogniser; /* NULL: no authority is pinned */
    struct regain *regain;
    struct gossip *gossip;
    struct clocks *clocks;
    struct health_watch *health_watch;

    struct batch *batch; /* the committer's */
    bool behind_stays;   /* a folder that is behind halts its log, and nothing is fetched */
    char behind_url[POLICY_URL_MAX + 1]; /* "" unless the node stopped since its folder is behind
                                            what it signed, and this mirror has the rest */
    bool stopping;
    int exit_code;                     /* of the process, once stopped */
    char failed_why[REFUSAL_TEXT_MAX]; /* "" unless node_fail */
};

/* Opens all of it: keys, store, logs, threads, listening socket. Takes `config`, also on failure.
 * What is wrong and what to do is in `why`. The node stops by itself at SIGTERM or SIGINT. */
enum status node_open(struct node_config *config, struct node **out, struct refusal *why) MUST_USE;
/* Runs until stopped. Returns the exit code: 0, or 1 after node_fail. If `behind_url` is set then,
 * the folder is to be restored from there (net/restore.h), and the node to be opened again. */
int node_run(struct node *node);
/* Frees what node_run left. */
void node_free(struct node *node);

/* Stops signing and ends the process in an orderly way, with exit code 1. */
void node_fail(struct node *node, const char *why);
/* Why new writes are refused right now: OK, BUSY, FULL (disk or map nearly full), CLOCK. For 503s.
 */
enum status node_admit(struct node *node, struct refusal *why) MUST_USE;

/* The log under a prefix: by its hex id, or NULL. */
const struct log *node_log_by_id(const struct node *node, struct bytes hex);
const struct log *node_log_by_number(const struct node *node, uint32_t number);
/* A log that was registered in the store just now; known already: nothing. On the loop. */
void node_add_log(struct node *node, const struct log *log);
/* What node.ini, or an authority, says of a log that is mirrored; NULL: nothing. */
struct config_log *node_config_of(struct node *node, const struct vkey *vkey);

/* Submits a commit whose failure, if it leaves the durable state unknown, fails the node. BUSY. */
enum status node_commit(struct node *node, struct commit *commit) MUST_USE;
/* To be called first in every commit's `done`: fails the node after STORE_DOUBT or STORE_CORRUPT.
 */
void node_batch_result(struct node *node, enum status batch_status);

/* The table of routes (net/routes.c). */
extern const struct route node_routes[];
extern const size_t node_route_count;

#endif
