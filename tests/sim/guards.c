#include "tests/sim/guards.h"

#include "ledger/accept.h"
#include "ledger/accused.h"
#include "ledger/regain.h"
#include "tests/sim/check.h"
#include "tests/sim/pulls.h"
#include "tests/sim/wire.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define ASK_TIMEOUT_MS 10000
#define AGAIN_MIN_MS 1000
#define AGAIN_MAX_MS 60000
#define SOURCES_MAX (1 + 2 * POLICY_WITNESSES_MAX)

/* --- the head file --- */

static void put_head(struct head_file *file, const struct head *head) {
    struct bytes origin;
    struct reader r;
    reader_init(&r, bytes_of(head->note, head->note_len));
    bool there = reader_line(&r, &origin);
    assert(there && origin.len <= NAME_SIZE_MAX);
    memcpy(file->record.origin, origin.data, origin.len);
    file->record.origin[origin.len] = '\0';
    file->record.has_log = true;
    file->record.size = head->size;
    file->record.root = head->root;
}

static void begin(struct batch_outside *batch, uint64_t commit, const struct head *head) {
    struct head_file *file = (struct head_file *)batch;
    file->there = true;
    file->record.commit = commit;
    if (head != NULL) {
        put_head(file, head);
    }
}

static enum status end(struct batch_outside *batch) {
    (void)batch;
    return STATUS_OK;
}

void head_file_make(struct head_file *file) {
    file->batch = (struct batch_outside){.begin = begin, .end = end};
}

void head_file_lose(struct node *node) {
    struct head_file *file = &node->disk->head_file;
    file->there = false;
    memset(&file->record, 0, sizeof file->record);
}

void head_file_list(struct node *node, const struct policy *policy) {
    struct head_file *file = &node->disk->head_file;
    for (size_t i = 0; !file->unused && i < policy->witness_count; i++) {
        bool listed = guard_list(&file->record, &policy->witnesses[i].vkey);
        assert(listed);
    }
}

void head_file_set_head(struct node *node, const struct head *head) {
    struct head_file *file = &node->disk->head_file;
    if (!file->unused) {
        file->there = true;
        put_head(file, head);
    }
}

void head_file_ahead(struct node *node, bool lost) {
    struct head_file *file = &node->disk->head_file;
    struct store_txn *txn = NULL;
    struct head head;
    uint64_t commits = 0;
    if (lost) {
        file->record.commit += node->hosts == NULL ? 1 : 0;
        return;
    }
    store_memory_crash(node->disk->store, 0);
    enum status status = store_begin(node->disk->store, STORE_READ, &txn);
    assert(status == STATUS_OK);
    status = guard_commits(txn, &commits);
    assert(status == STATUS_OK);
    file->record.commit = commits;
    if (node->hosts != NULL &&
        sequencer_head(txn, &node->logs[node->hosts->number], &head) == STATUS_OK) {
        put_head(file, &head);
    }
    store_abort(txn);
}

/* --- the start --- */

static struct bytes origin_of(const struct node *node) {
    return node->hosts != NULL ? book_origin(node->hosts) : bytes_of(NULL, 0);
}

/* As net/guarding's catch_up. */
static enum status catch_up(struct node *node, struct store_txn *txn, const struct head *head) {
    struct head_file *file = &node->disk->head_file;
    struct hash root;
    if (!file->there || !file->record.has_log || head->size < file->record.size) {
        return STATUS_OK;
    }
    TRY(tree_root_at(txn, node->logs[node->hosts->number].number, file->record.size, &root));
    if (!hash_equal(&root, &file->record.root)) {
        sim_fail(node->sim, "G3", "%s signed another history than its head file names", node->name);
    }
    put_head(file, head);
    return STATUS_OK;
}

static enum status judge_own(struct node *node, struct store_txn *txn) {
    struct head_file *file = &node->disk->head_file;
    struct head head = {.size = 0};
    enum status status = sequencer_head(txn, &node->logs[node->hosts->number], &head);
    if (status != STATUS_OK && status != STATUS_NOT_FOUND) {
        return status;
    }
    switch (guard_judge(file->there ? &file->record : NULL, origin_of(node), &head)) {
    case GUARD_FITS:
        node->guard = GUARD_QUORUM;
        return STATUS_OK;
    case GUARD_DIFFERS:
        node->guard = GUARD_ALL;
        node_say(node, "must hear every mirror: %s",
                 file->there ? "its head file names another head" : "its head file is lost");
        return catch_up(node, txn, &head);
    case GUARD_LOST:
        sim_fail(node->sim, "G3", "%s has no signed head any more", node->name);
        return STATUS_OK;
    }
    assert(false);
    return STATUS_OK;
}

static enum status hold_logs(struct node *node, struct store_txn *txn) {
    bool holds = false;
    for (size_t b = 0; b < node->sim->book_count; b++) {
        if (node->logs[b].number != 0 && node->hosts != &node->sim->books[b]) {
            TRY(guard_hold(txn, node->logs[b].number));
            holds = true;
        }
    }
    if (holds) {
        node_say(node, "is behind its head file: cosigns nothing before it has asked");
    }
    return STATUS_OK;
}

enum status guards_open(struct node *node, struct store_txn *txn) {
    struct head_file *file = &node->disk->head_file;
    uint64_t commits = 0;
    node->guard = GUARD_QUORUM;
    if (file->unused) {
        return STATUS_OK;
    }
    if (!file->made) {
        file->made = file->there = true;
        guard_record_new(&file->record, origin_of(node));
    }
    node->has_record = file->there;
    if (node->hosts != NULL) {
        TRY(judge_own(node, txn));
    }
    TRY(guard_commits(txn, &commits));
    if (file->there && commits >= file->record.commit) {
        return STATUS_OK;
    }
    commits = (file->there ? file->record.commit : commits) + 1;
    TRY(hold_logs(node, txn));
    TRY(guard_set_commits(txn, commits));
    file->there = true;
    file->record.commit = commits;
    return STATUS_OK;
}

/* --- asking --- */

struct source {
    size_t to;
    enum wire_kind kind;
};

/* One held log. */
struct regaining {
    struct node *node;
    size_t book;
    struct source sources[SOURCES_MAX];
    size_t count;
    size_t at;
    size_t unheard;
    uint64_t again_ms;
    struct regain_found found;
    struct regain_job regain;
    struct job job; /* around it */
    struct work work;
};

struct regains {
    struct regaining logs[SIM_BOOKS_MAX];
};

static const struct log *log_of(const struct regaining *r) {
    return &r->node->logs[r->book];
}

static void add_source(struct regaining *r, size_t to, enum wire_kind kind) {
    assert(r->count < SOURCES_MAX);
    r->sources[r->count++] = (struct source){.to = to, .kind = kind};
}

/* The other mirrors of the policy, as this node has judged the log. */
static enum status add_mirrors(struct regaining *r, struct store_txn *txn) {
    struct sim *sim = r->node->sim;
    struct signed_checkpoint mirrored = {.size = 0};
    struct event event;
    struct policy policy;
    uint64_t judged = 0;
    uint64_t index = 0;
    TRY(judge_size(txn, log_of(r)->number, &judged));
    enum status status = mirror_checkpoint(txn, log_of(r)->number, &mirrored);
    if (status != STATUS_OK && status != STATUS_NOT_FOUND) {
        return status;
    }
    if (judged < mirrored.size) {
        return STATUS_BUSY; /* what is stored may name mirrors that are not known yet */
    }
    status = accused_policy(txn, log_of(r), judged, &index, &event, &policy);
    if (status != STATUS_OK) {
        return status == STATUS_NOT_FOUND ? STATUS_OK : status;
    }
    for (size_t i = 0; i < policy.witness_count; i++) {
        const struct node *peer = node_of_mirror(sim, &policy.witnesses[i].vkey);
        if (peer != NULL && peer != r->node) {
            add_source(r, peer->index, WIRE_MIRRORED);
            add_source(r, peer->index, WIRE_PENDING);
        }
    }
    event_release(&event);
    return STATUS_OK;
}

static enum status find_sources(struct regaining *r) {
    const struct book *book = &r->node->sim->books[r->book];
    r->count = 0;
    add_source(r, book->host->index, WIRE_MIRRORED);
    if (book->opaque) {
        return STATUS_OK; /* its policy is in no entry */
    }
    struct store_txn *txn = node_read(r->node);
    if (txn == NULL) {
        return STATUS_STORE_DOUBT;
    }
    enum status status = add_mirrors(r, txn);
    store_abort(txn);
    return status;
}

static void ask(struct regaining *r);

static void begin_asking(struct sim *sim, void *context) {
    struct regaining *r = context;
    (void)sim;
    r->at = 0;
    r->unheard = 0;
    memset(&r->found, 0, sizeof r->found);
    enum status status = find_sources(r);
    if (status != STATUS_OK) {
        r->count = 0;
        r->unheard = 1;
    }
    ask(r);
}

static void ask_again(struct regaining *r) {
    sim_after(r->node->sim, r->again_ms, r->node, begin_asking, NULL, r);
    r->again_ms = 2 * r->again_ms < AGAIN_MAX_MS ? 2 * r->again_ms : AGAIN_MAX_MS;
}

static enum status apply(struct job *job, struct batch *batch) {
    struct regaining *r = CONTAINER(job, struct regaining, job);
    return r->regain.job.apply(&r->regain.job, batch);
}

static void finish(struct job *job, enum status status) {
    struct regaining *r = CONTAINER(job, struct regaining, job);
    bool behind = status == STATUS_OK && r->regain.behind;
    if (r->node->dying) {
        return;
    }
    if (behind || status == STATUS_CONFLICT_ROOT) {
        node_say(r->node, "learns that it may have cosigned %" PRIu64, r->found.size);
        pulls_reconcile(r->node, r->book, bytes_of(r->found.note, r->found.note_len));
    }
    if (behind || status != STATUS_OK) {
        ask_again(r);
    } else {
        node_say(r->node, "cosigns again");
    }
}

static void all_asked(struct regaining *r) {
    if (r->unheard > 0) {
        ask_again(r);
        return;
    }
    memset(&r->regain, 0, sizeof r->regain);
    r->regain.log = log_of(r);
    r->regain.cosigner = &r->node->cosigner;
    r->regain.found = &r->found;
    regain_job_init(&r->regain);
    r->job = (struct job){.apply = apply, .finish = finish};
    r->work = (struct work){.job = &r->job};
    node_commit(r->node, &r->work);
}

static void answered(struct sim *sim, void *context, size_t book, unsigned http,
                     struct bytes body) {
    struct regaining *r = context;
    (void)book;
    if (!regain_take(&r->found, log_of(r), &r->node->cosigner, http, body)) {
        node_say(r->node, "does not hear %s", sim->nodes[r->sources[r->at].to].name);
        r->unheard++;
    }
    r->at++;
    ask(r);
}

static void ask(struct regaining *r) {
    if (r->at == r->count) {
        all_asked(r);
        return;
    }
    wire_call(r->node->sim, &(struct wire_request){.from = r->node->index,
                                                   .to = r->sources[r->at].to,
                                                   .kind = r->sources[r->at].kind,
                                                   .book = r->book,
                                                   .timeout_ms = ASK_TIMEOUT_MS,
                                                   .reply = answered,
                                                   .context = r});
}

/* Held, or with a floor that is not stored yet. */
static bool must_ask(struct store_txn *txn, uint32_t log) {
    struct guard_floor floor;
    enum status status = guard_floor(txn, log, &floor);
    assert(status == STATUS_OK);
    return floor.guarded;
}

void guards_ask(struct node *node) {
    struct store_txn *txn = node_read(node);
    assert(txn != NULL && node->regains == NULL);
    node->regains = calloc(1, sizeof *node->regains);
    assert(node->regains != NULL);
    for (size_t b = 0; b < node->sim->book_count; b++) {
        struct regaining *r = &node->regains->logs[b];
        *r = (struct regaining){.node = node, .book = b, .again_ms = AGAIN_MIN_MS};
        if (node->logs[b].number != 0 && node->hosts != &node->sim->books[b] &&
            must_ask(txn, node->logs[b].number)) {
            sim_after(node->sim, 1, node, begin_asking, NULL, r);
        }
    }
    store_abort(txn);
}

void guards_close(struct node *node) {
    free(node->regains);
    node->regains = NULL;
}
