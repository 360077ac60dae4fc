/* Days from one event of a case to another, as the events state them, over a whole log that is read
 * and verified from its bytes (specs/import.md#times). */
#ifndef DUTYLOG_TOOLS_TIMES_H
#define DUTYLOG_TOOLS_TIMES_H

#include "tools/log_read.h"

/* A day of an event: of which kind, and which member. */
struct times_point {
    const struct kind *kind;
    const char *member; /* borrowed */
};

struct times_record;

struct times {
    /* What the caller says. */
    const char *url;
    struct vkey vkey;
    struct times_point from;
    struct times_point to;
    const char *basis; /* "imported" or "live" */
    uint64_t over;     /* days */
    /* What came out. */
    char origin[NAME_SIZE_MAX + 1];
    uint64_t size;
    struct hash root;
    uint64_t cases;     /* that have one of the days, or both */
    uint64_t usable;    /* both, in their order */
    uint64_t backwards; /* both, and the end is before the beginning */
    uint64_t no_end;
    uint64_t no_start;
    uint64_t corrected; /* events that a later correction names: left out */
    uint64_t longer;    /* usable cases of more than `over` days */
    uint64_t twice_median;
    uint64_t wrong; /* things that the log should not have; each was told on stderr */
    /* Its own. */
    struct times_record *records;
    size_t record_count;
    size_t record_cap;
    struct hash *corrections;
    size_t correction_count;
    size_t correction_cap;
};

/* "KIND:MEMBER": a day, of a kind that concerns a case. BAD_FORM: says what would be one. */
enum status times_point_parse(const char *text, struct times_point *out,
                              struct refusal *why) MUST_USE;
/* Reads the log and counts. OK also where the log is wrong: times.wrong. Release with
 * times_release, also after a failure. */
enum status times_run(struct times *times, struct refusal *why) MUST_USE;
void times_release(struct times *times);

#endif
