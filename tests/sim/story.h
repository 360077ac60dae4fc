/* Stories: runs written by hand, without chance, whose traces are kept and compared line by line.
 * A message takes 5 ms, a commit 10 ms, so that moments can be named. Each begins with a log that
 * is open and published, all its mirrors having cosigned it; what led there is not in the trace. */
#ifndef DUTYLOG_TESTS_SIM_STORY_H
#define DUTYLOG_TESTS_SIM_STORY_H

#include "tests/sim/cast.h"

struct story {
    const char *name;  /* of its trace, NAME.trace */
    const char *title; /* one sentence; the trace's first line */
    void (*run)(struct sim *sim);
};
extern const struct story stories_of_logs[];    /* stories_log.c */
extern const struct story stories_of_mirrors[]; /* stories_mirror.c */
extern const struct story stories_of_time[];    /* stories_time.c */
extern const struct story stories_of_forks[];   /* stories_fork.c; each ends with a row of NULL */

/* Runs all; compares each trace with FOLDER/<name>.trace, or writes it. The exit status. */
int stories_run(const char *folder, bool update);

/* --- for the stories --- */

/* Before the stage is set: a dishonest log beside the honest one. */
struct book *story_rogue(struct sim *sim, uint64_t common, uint64_t size);
/* Opens the log and lets the trace begin. */
void story_stage(struct sim *sim);
/* A sentence of the teller's in the trace. */
void story_tell(struct sim *sim, const char *sentence);
void story_wait(struct sim *sim, uint64_t ms);
/* A client with the key of the person, who writes an event and sends it. */
struct client *story_client(struct sim *sim, const char *name, enum world_who who);
void story_submit(struct client *client);
struct node *story_down(struct sim *sim, const char *name); /* and it stays down */
void story_up(struct sim *sim, const char *name);
/* What the story comes to; a failure if it is not so. */
void story_expect(struct sim *sim, bool holds, const char *what);

#endif
