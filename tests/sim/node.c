#include "tests/sim/node.h"

#include "tests/lib/keys.h"
#include "tests/sim/check.h"
#include "tests/sim/guards.h"
#include "tests/sim/host.h"
#include "tests/sim/liar.h"
#include "tests/sim/mirrors.h"
#include "tests/sim/pulls.h"
#include "tests/sim/wire.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BATCH_JOBS_MAX 16

uint64_t node_now_ms(const struct node *node) {
    return (uint64_t)((int64_t)(SIM_EPOCH_MS + node->sim->now) + node->clock_ms);
}

void node_say(const struct node *node, const char *format, ...) {
    char text[800];
    if (node->dying) {
        return;
    }
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    sim_say(node->sim, node->name, "%s", text);
}

struct node *node_named(struct sim *sim, const char *name) {
    for (size_t i = 0; i < sim->node_count; i++) {
        if (strcmp(sim->nodes[i].name, name) == 0) {
            return &sim->nodes[i];
        }
    }
    assert(false);
    return NULL;
}

struct node *node_of_mirror(struct sim *sim, const struct vkey *vkey) {
    for (size_t i = 0; i < sim->node_count; i++) {
        if (sim->nodes[i].mirrors && vkey_equal(&sim->nodes[i].mirror_signer.vkey, vkey)) {
            return &sim->nodes[i];
        }
    }
    return NULL;
}

struct node *node_of_mirror_line(struct sim *sim, const struct note_signature *line) {
    for (size_t i = 0; i < sim->node_count; i++) {
        if (sim->nodes[i].mirrors &&
            note_signature_is_by(line, &sim->nodes[i].mirror_signer.vkey)) {
            return &sim->nodes[i];
        }
    }
    return NULL;
}

/* --- the disk --- */

static enum store_memory_fault disk_fault(void *context, uint64_t commit) {
    struct disk *disk = context;
    struct sim *sim = disk->sim;
    (void)commit;
    if (disk->armed != STORE_MEMORY_OK) {
        enum store_memory_fault fault = disk->armed;
        disk->armed = STORE_MEMORY_OK;
        return fault;
    }
    if (dice_chance(&sim->dice, sim->rates.commit_fails)) {
        return dice_chance(&sim->dice, 500) ? STORE_MEMORY_FAILS : STORE_MEMORY_FULL;
    }
    if (dice_chance(&sim->dice, sim->rates.commit_doubts)) {
        sim->counts.doubts++;
        return dice_chance(&sim->dice, 500) ? STORE_MEMORY_DOUBT_KEPT : STORE_MEMORY_DOUBT_LOST;
    }
    return STORE_MEMORY_OK;
}

static struct store_memory_options disk_options(struct disk *disk) {
    return (struct store_memory_options){
#ifdef DUTYLOG_BUG_NO_SYNC /* planted: a store whose commit is not durable when it answers */
        .lazy_sync = true,
#endif
        .fault = disk_fault,
        .context = disk};
}

static struct disk *disk_new(struct sim *sim) {
    struct disk *disk = calloc(1, sizeof *disk);
    assert(disk != NULL);
    disk->sim = sim;
    head_file_make(&disk->head_file);
    struct store_memory_options options = disk_options(disk);
    enum status status = store_memory_open(&options, &disk->store);
    assert(status == STATUS_OK);
    return disk;
}

static void disk_release(struct disk *disk) {
    if (--disk->users == 0) {
        store_memory_close(disk->store);
        store_memory_close(disk->backup);
        free(disk);
    }
}

void node_backup(struct node *node) {
    store_memory_close(node->disk->backup);
    node->disk->backup = NULL;
    enum status status = store_memory_clone(node->disk->store, NULL, &node->disk->backup);
    assert(status == STATUS_OK);
    node_say(node, "backup made");
}

void node_restore(struct node *node, bool head_file_lost) {
    struct disk *disk = node->disk;
    assert(!node->up && disk->backup != NULL && disk->users == 1);
    struct store_memory_options options = disk_options(disk);
    struct store *restored = NULL;
    enum status status = store_memory_clone(disk->backup, &options, &restored);
    assert(status == STATUS_OK);
    store_memory_close(disk->store);
    disk->store = restored;
    node_say(node, "restored from the backup%s", head_file_lost ? ", its head file lost" : "");
    if (head_file_lost) {
        head_file_lose(node);
    }
    check_restored(node, head_file_lost || disk->head_file.unused);
}

/* --- making --- */

struct node *node_add(struct sim *sim, const char *name, const char *operator_name,
                      struct disk *disk) {
    assert(sim->node_count < SIM_NODES_MAX);
    struct node *node = &sim->nodes[sim->node_count];
    node->sim = sim;
    node->index = sim->node_count++;
    node->honest = true;
    node->disk = disk != NULL ? disk : disk_new(sim);
    node->disk->users++;
    node->batch = malloc(sizeof *node->batch);
    assert(node->batch != NULL);
    snprintf(node->name, sizeof node->name, "%s", name);
    snprintf(node->operator_name, sizeof node->operator_name, "%s", operator_name);
    for (size_t b = 0; b < SIM_BOOKS_MAX; b++) {
        for (size_t r = 0; r < WATCH_ROLES; r++) {
            node->watch[b][r].histories = UINT32_MAX;
        }
    }
    return node;
}

void node_make_mirror(struct node *node) {
    char name[64];
    node->mirrors = true;
    snprintf(name, sizeof name, "%s.example/mirror", node->name);
    node->mirror_signer = test_signer(name, VKEY_COSIGNATURE);
    snprintf(name, sizeof name, "%s.example/witness", node->name);
    node->witness_signer = test_signer(name, VKEY_COSIGNATURE);
    node->cosigner =
        (struct cosigner){.mirror = &node->mirror_signer, .witness = &node->witness_signer};
}

void node_release(struct node *node) {
    disk_release(node->disk);
    mirrors_release(node);
    liar_release(node);
    free(node->batch);
}

/* --- the process --- */

/* The logs of its configuration, made known to the store in the same order at every start. */
static enum status register_logs(struct node *node, struct store_txn *txn) {
    for (size_t b = 0; b < node->sim->book_count; b++) {
        struct book *book = &node->sim->books[b];
        uint32_t flags = book->opaque ? 0 : LOG_EVENTS;
        node->logs[b].number = 0;
        if (node->hosts == book) {
            flags |= LOG_OWN;
        } else if (!node->mirrors) {
            continue;
        }
        TRY(logs_register(txn, &book->world.log.vkey, flags, &node->logs[b], NULL));
    }
    return STATUS_OK;
}

void node_start(struct node *node) {
    assert(!node->up);
    node->up = true;
    node->life++;
    size_t kept = dice_below(&node->sim->dice, STORE_MEMORY_UNSYNCED_MAX);
    node->disk->armed = STORE_MEMORY_OK;
    store_memory_crash(node->disk->store, kept);
    struct rates rates = node->sim->rates;
    node->sim->rates.commit_fails = node->sim->rates.commit_doubts = 0;
    struct store_txn *txn = NULL;
    enum status status = store_begin(node->disk->store, STORE_WRITE, &txn);
    assert(status == STATUS_OK);
    status = register_logs(node, txn);
    assert(status == STATUS_OK);
    node_say(node, "starts");
    status = guards_open(node, txn);
    assert(status == STATUS_OK);
    status = store_commit(txn);
    assert(status == STATUS_OK);
    node->sim->rates = rates;
    check_node(node);
    if (node->hosts != NULL) {
        host_open(node);
    }
    if (node->mirrors) {
        mirrors_open(node);
        guards_ask(node);
    }
}

static void drop_works(struct node *node) {
    while (node->first != NULL) {
        struct work *work = node->first;
        node->first = work->next;
        if (work->drop != NULL) {
            work->drop(work);
        }
    }
    node->last = NULL;
    node->committing = false;
}

static void run_batch(struct node *node);

static void end_process(struct node *node) {
    node->dying = true;
    drop_works(node);
    if (node->host != NULL) {
        host_close(node);
    }
    guards_close(node);
    pulls_close(node);
    memset(node->judging, 0, sizeof node->judging);
    node->up = false;
    node->dying = false;
    node->down_since = node->sim->now;
}

void node_stop(struct node *node) {
    if (node->up) {
        node->silent = true;
        end_process(node);
    }
}

/* Of the two places that a commit is written to, only the one may have been: the disk for a cut,
 * the head file for cosignatures. */
static void tear_head_file(struct node *node, bool committing, bool keep) {
    struct sim *sim = node->sim;
    bool torn = sim->rates.torn > 0 && dice_chance(&sim->dice, sim->rates.torn);
    if (committing && torn != keep) {
        head_file_ahead(node, !keep);
    }
}

void node_crash(struct node *node, bool keep) {
    if (!node->up) {
        return;
    }
    node_say(node, "crashes%s",
             !node->committing ? ""
             : keep            ? ", its last commit kept"
                               : ", its last commit lost");
    node->sim->counts.crashes++;
    node->silent = dice_chance(&node->sim->dice, node->sim->rates.silent);
    node->dying = true;
    bool committing = node->committing;
    if (committing && keep) {
        node->disk->armed = STORE_MEMORY_DOUBT_KEPT;
        run_batch(node);
        node->disk->armed = STORE_MEMORY_OK; /* a batch that is refused whole never commits */
    }
    end_process(node);
    tear_head_file(node, committing, keep);
}

static void restart(struct sim *sim, void *context) {
    struct node *node = context;
    (void)sim;
    if (!node->up && !node->stays_down) {
        node_start(node);
    }
}

void node_reboot(struct node *node, bool keep, uint64_t after_ms) {
    node_crash(node, keep);
    sim_after(node->sim, after_ms, NULL, restart, NULL, node);
}

/* --- the committer --- */

/* What waited when the batch began, to its end. The jobs' `finish` may queue new ones. */
static void run_batch(struct node *node) {
    struct job *jobs[BATCH_JOBS_MAX];
    size_t count = 0;
    while (node->first != NULL && count < BATCH_JOBS_MAX) {
        jobs[count++] = node->first->job;
        node->first = node->first->next;
    }
    if (node->first == NULL) {
        node->last = NULL;
    }
    struct head_file *file = &node->disk->head_file;
    enum status status = batch_run_outside(node->disk->store, node->batch,
                                           file->unused ? NULL : &file->batch, jobs, count);
    if (node->dying) {
        return;
    }
    if (status == STATUS_STORE_CORRUPT) {
        sim_fail(node->sim, "store", "%s finds its own store corrupt", node->name);
    } else if (status == STATUS_STORE_DOUBT) {
        /* specs/architecture.md: stop signing, exit. */
        node_say(node, "stops: what is durable is unknown");
        end_process(node);
        if (!node->stays_down) {
            sim_after(node->sim, dice_between(&node->sim->dice, 500, 5000), NULL, restart, NULL,
                      node);
        }
    } else {
        if (status != STATUS_OK) {
            node_say(node, "batch of %zu: %s", count, status_name(status));
        }
        check_node(node);
    }
}

static void begin_batch(struct node *node);

static void batch_ends(struct sim *sim, void *context) {
    struct node *node = context;
    (void)sim;
    run_batch(node);
    if (node->up) {
        node->committing = false;
        begin_batch(node);
    }
}

static void begin_batch(struct node *node) {
    struct sim *sim = node->sim;
    if (!node->committing && node->first != NULL) {
        node->committing = true;
        sim_after(sim, dice_between(&sim->dice, sim->rates.commit_ms[0], sim->rates.commit_ms[1]),
                  node, batch_ends, NULL, node);
    }
}

void node_commit(struct node *node, struct work *work) {
    work->next = NULL;
    if (node->last != NULL) {
        node->last->next = work;
    } else {
        node->first = work;
    }
    node->last = work;
    if (!node->dying) {
        begin_batch(node);
    }
}

struct store_txn *node_read(struct node *node) {
    struct store_txn *txn = NULL;
    enum status status = store_begin(node->disk->store, STORE_READ, &txn);
    assert(status == STATUS_OK || status == STATUS_STORE_DOUBT);
    return status == STATUS_OK ? txn : NULL;
}

/* --- requests --- */

void node_serve(struct node *node, struct arrival *arrival) {
    bool own = node->host != NULL && node->hosts->number == arrival->book;
    bool mirrored = node->mirrors && node->logs[arrival->book].number != 0 && !own;
    switch (arrival->kind) {
    case WIRE_ADD:
    case WIRE_RECEIPT:
        if (own) {
            host_serve(node, arrival);
            return;
        }
        break;
    case WIRE_CHECKPOINT:
    case WIRE_ENTRIES:
    case WIRE_CANDIDATE:
    case WIRE_PENDING:
    case WIRE_MIRRORED:
    case WIRE_TILE:
        if (own && arrival->kind == WIRE_MIRRORED) {
            host_serve_checkpoint(node, arrival);
            return;
        }
        if (own && arrival->kind == WIRE_TILE) {
            pulls_serve(node, arrival);
            return;
        }
        if (mirrored && arrival->kind != WIRE_TILE) {
            mirrors_serve(node, arrival);
            return;
        }
        break;
    }
    wire_answer(arrival, 404, bytes_of(NULL, 0));
}
