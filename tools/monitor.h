/* `dutylog monitor`: what several nodes serve of one log, held against each other and against what
 * was seen before (tools/cmd_monitor.c has the options; tools/monitor_state.c what is remembered).
 *
 * Every two views that differ are compared by the tiles of the larger one, so that "consistent" is
 * proved and never assumed. What excludes each other becomes an evidence file; what cannot be
 * proved is a finding of its own. */
#ifndef DUTYLOG_TOOLS_MONITOR_H
#define DUTYLOG_TOOLS_MONITOR_H

#include "ledger/policy.h"
#include "tools/view.h"

#include <jansson.h>

#define MONITOR_URLS_MAX 32
#define MONITOR_VIEWS_MAX (2 * MONITOR_URLS_MAX + 1) /* served, remembered of each, the largest */
#define MONITOR_FINDINGS_MAX 128
#define MONITOR_COSIGNERS_MAX POLICY_WITNESSES_MAX

/* What is known of a log before anybody is asked. */
struct monitored {
    struct vkey vkey;
    struct vkey cosigners[MONITOR_COSIGNERS_MAX]; /* those of the policy; none without one */
    bool counts[MONITOR_COSIGNERS_MAX];           /* in the quorum: its silence is a finding */
    size_t cosigner_count;
};

enum finding_type {
    FINDING_FORK,        /* proved: `file` has the evidence */
    FINDING_UNPROVED,    /* two views do not fit, and the tiles tell nothing */
    FINDING_SHRUNK,      /* a node serves less than it did */
    FINDING_BAD,         /* a node serves what the log did not sign */
    FINDING_SILENT,      /* no cosignature for longer than allowed */
    FINDING_STALE,       /* a node is behind the others for longer than allowed */
    FINDING_UNREACHABLE, /* no answer: nothing is known */
};

struct finding {
    enum finding_type type;
    char text[REFUSAL_TEXT_MAX];
    char file[512]; /* of evidence; "" if none */
};

struct monitor_options {
    const char *urls[MONITOR_URLS_MAX];
    size_t url_count;
    const char *state;    /* folder, or NULL */
    const char *evidence; /* folder for evidence files */
    uint64_t silent_after;
    uint64_t stale_after;
    uint64_t now; /* seconds */
};

/* One log's views and what was found. Large: placed on the heap. */
struct monitor {
    const struct monitor_options *options;
    const struct monitored *log;
    struct fetcher *fetcher;
    struct view views[MONITOR_VIEWS_MAX];
    size_t view_count;
    size_t served;                           /* how many of them, the first ones, are of now */
    uint64_t behind_since[MONITOR_URLS_MAX]; /* 0: not behind */
    uint64_t newest[MONITOR_URLS_MAX];       /* each served view's newest cosignature; 0: none */
    struct finding findings[MONITOR_FINDINGS_MAX];
    size_t finding_count;
    struct pull_tiles tiles;
    uint8_t evidence[EVIDENCE_SIZE_MAX];
};

/* Asks all, compares all, remembers. FAILED statuses are findings, but for the state folder's: IO,
 * BAD_FORM, with `why`. */
enum status monitor_run(struct monitor *monitor, struct refusal *why) MUST_USE;
void monitor_find(struct monitor *monitor, enum finding_type type, const char *file,
                  const char *format, ...) __attribute__((format(printf, 4, 5)));
const char *finding_name(enum finding_type type);
/* The newest cosignature on the view by a cosigner of the policy; 0: none. */
uint64_t monitor_newest(const struct monitored *log, const struct view *view);

/* monitor_compare.c */
void monitor_compare(struct monitor *monitor);
/* monitor_state.c: <folder>/<hex of the origin>.json, replaced as a whole. What is read is verified
 * anew. A folder without it is one that saw nothing yet. */
enum status monitor_recall(struct monitor *monitor, struct refusal *why) MUST_USE;
enum status monitor_record(struct monitor *monitor, struct refusal *why) MUST_USE;

/* monitor_print.c */
void monitor_print(const struct monitor *monitor, bool quiet);
json_t *monitor_json(const struct monitor *monitor); /* returns-owned, or NULL */

#endif
