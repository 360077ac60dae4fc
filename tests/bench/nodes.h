/* Real nodes on loopback: build/dutylogd with a folder each, under the benchmark's folder. What a
 * node lacks to start is a reason to stop measuring, so nothing here returns a failure. */
#ifndef DUTYLOG_BENCH_NODES_H
#define DUTYLOG_BENCH_NODES_H

#include "ledger/vkey.h"
#include "tests/bench/bench.h"

#include <sys/types.h>

struct bench_node {
    char name[32];
    char folder[BENCH_PATH_MAX + 64];
    char url[64];
    uint16_t port;
    pid_t process; /* 0: not running */
};

/* Makes its folder and chooses a port. */
void node_make(const struct bench *bench, struct bench_node *node, const char *name);
/* Writes a secret key into the node's folder, under this file name. */
void node_key(const struct bench_node *node, const char *file, const struct signer *signer);
/* Any other file of the node's. */
void node_file(const struct bench_node *node, const char *file, const char *text);
/* Writes node.ini (`sections` after its [node]), starts the daemon, waits until it answers. */
void node_start(const struct bench *bench, struct bench_node *node, const char *sections);
/* The same with TLS, from node.pem and node.key in its folder; waits until it listens. */
void node_start_tls(const struct bench *bench, struct bench_node *node, const char *sections);
/* Stops it in an orderly way and removes its folder. */
void node_remove(struct bench_node *node);
void node_stop(struct bench_node *node);

/* Resident memory in MiB that is no mapped file: RssAnon and RssShmem of /proc/<pid>/status. */
double node_resident(const struct bench_node *node);
/* Seconds of processor time that it has used. */
double node_cpu(const struct bench_node *node);

/* A text with the vkey, in static memory that the next calls overwrite. */
const char *bench_vkey(const struct vkey *key);

/* GET `path` on a connection of its own; the status. The body goes to `out`, cut at `cap`,
 * terminated (out may be NULL). 0: no answer. */
unsigned node_get(const struct bench_node *node, const char *path, char *out, size_t cap);
/* POST of a whole body, likewise. */
unsigned node_post(const struct bench_node *node, const char *path, const char *type,
                   struct bytes body, char *out, size_t cap);

/* A member of the only log that a node holds, from its /logs: "size", "judged". */
uint64_t node_log_number(const struct bench_node *node, const char *name);

/* Runs build/dutylog with these arguments (the first is the command's name, the last NULL), its
 * output into the benchmark's folder: seconds until it exits, which must be with 0. */
double tool_run(const struct bench *bench, const char *const *arguments);

/* The same of build/dutylogd, for what ends by itself. */
double restore_run(const struct bench *bench, const char *const *arguments);

/* Removes a folder with all that is in it, if it is there. */
void folder_clear(const char *path);

#endif
