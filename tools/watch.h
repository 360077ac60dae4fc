/* Watching published lists (specs/lists.md#watching): once a day each list is observed, signed and
 * logged, compared with the time before, and of what vanished proofs are written.
 *
 * Nothing is remembered but the files in a list's folder (tools/observe.h), so that a run that
 * ended anywhere is taken up by the next:
 *
 *     LIST-TIME.roster           the roster's bytes, as they were then
 *     LIST-TIME.reconciled       what the comparison with the time before found (JSON); with this
 *                                file nothing is left to do for that time
 *     LIST-TIME-KEY.absence      the proof of a vanished row; KEY: 16 digits of its prefix' SHA-256
 *     LIST.failures              a line for each time at which there was no list: when, and why
 *     LIST.lock                  one run at a time */
#ifndef DUTYLOG_TOOLS_WATCH_H
#define DUTYLOG_TOOLS_WATCH_H

#include "tools/observe.h"
#include "tools/reconcile_print.h"

#define WATCH_CONFIG_SIZE_MAX 65536
#define WATCH_LISTS_MAX 64
#define WATCH_FINDS_MAX 16

/* What is told as an alert: exit code 1. */
enum watch_alert {
    WATCH_SERVING = 1, /* a row is absent while its officer is on the roster, or nobody knows */
    WATCH_ABSENT = 2,  /* a row is absent */
    WATCH_FOUND = 4,   /* an absent row that a find names */
    WATCH_LOWER = 8,   /* an outcome is lower than it was */
};

struct watch_list {
    char name[65];
    const char *address; /* of http(s), or a file */
    const char *mapping;
    const char *keep;
    const char *key; /* NULL: nothing is signed; else with outbox and node */
    const char *outbox;
    const char *node;
    const char *roster; /* NULL: none; an address, a file, or another list's name */
    const struct watch_list *roster_list; /* that list */
    const char *roster_column;            /* NULL: the person's */
    const char *ori;
    const char *finds[WATCH_FINDS_MAX];
    size_t find_count;
    unsigned alerts; /* enum watch_alert */
};

struct watch_config {
    struct watch_list all; /* [watch]: what lists take that do not say their own */
    struct watch_list lists[WATCH_LISTS_MAX];
    size_t count;
    char *memory; /* of all texts; owned */
    size_t memory_used;
    char folder[1024]; /* of the file, with its '/': what relative names start from */
};

/* Reads the file: errors name the line, or the list. Release with watch_config_release, also after
 * a failure; `out` is large: not for a stack. */
enum status watch_config_read(const char *path, struct watch_config *out,
                              struct refusal *why) MUST_USE;
void watch_config_release(struct watch_config *config);

/* What came of one list. */
struct watch_result {
    json_t *json;  /* the line of --json; owned */
    size_t alerts; /* rows that are one, in what was compared now */
    size_t proofs; /* absence files written now */
    bool failed;   /* something is to be tried again: `failures` of the line */
    bool pending;  /* logged, and no receipt yet */
    bool observed; /* a new observation was made */
};
void watch_result_release(struct watch_result *result);

/* One list, all of its steps; whatever fails, the rest is done as far as it goes. Prints in words
 * on `out`, unless NULL. */
void watch_list_run(const struct watch_list *list, FILE *out, struct watch_result *result);

/* Compares the observation LIST-TIME (`name`: its .rows file) with the one before it, prints and
 * keeps what it found, and writes the proofs that the receipts allow. tools/watch_compare.c. */
enum status watch_compare(const struct watch_list *list, const char *name, FILE *out,
                          struct watch_result *result, struct refusal *why) MUST_USE;

#endif
