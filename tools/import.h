/* Importing an agency's own history: a table becomes signed events of basis `imported` in a log
 * (specs/import.md). Fields are options of the command. */
#ifndef DUTYLOG_TOOLS_IMPORT_H
#define DUTYLOG_TOOLS_IMPORT_H

#include "tools/import_make.h"

struct import {
    /* What the caller says; borrowed. */
    const char *path;
    const char *mapping_path;
    const char *key_path;
    const char *node;
    const char *state_path;
    const char *agencies_path; /* NULL: no registry */
    const char *report_path;   /* NULL: none */
    uint64_t wait_s;           /* for a node that is overloaded or away, and for the quorum */
    bool dry_run;
    bool key_used; /* the key has signed other events too */
    bool withdraw; /* what the log refuses for good is taken back, whatever the reason */
    /* Found on the way. */
    struct import_map map;
    struct import_report report;
    struct hash file; /* SHA-256 of its bytes */
    char origin[NAME_SIZE_MAX + 1];
    char issuer[NAME_SIZE_MAX + 1];
    uint64_t first_seq; /* of what this run signed; 0: nothing */
    uint64_t last_seq;
    uint64_t resent;    /* signed by an earlier run, and sent by this one */
    uint64_t withdrawn; /* signed by an earlier run, refused or behind a refused one: taken back */
    bool held;          /* a quorum of mirrors holds all of it */
    uint64_t took_ms;   /* from the first row to the last answer */
};

/* Imports the file. STATUS_OK also where rows were reported: import.report says. What was signed
 * stays in the state folder, and is sent by the next run if this one could not. Release with
 * import_release, also after a failure. */
enum status import_run(struct import *import, struct refusal *why) MUST_USE;
void import_release(struct import *import);

/* Prints the handle of a case, by its number in a source, and the events that were made of it: what
 * a clerk needs to look at it, correct it, or disclose of it. Reads the state folder alone.
 * NOT_FOUND. */
enum status import_show_case(const char *state_path, const char *source, const char *number,
                             bool json, struct refusal *why) MUST_USE;

#endif
