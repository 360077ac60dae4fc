/* What the subcommands of `dutylog` share: the table of commands, exit codes, and messages.
 *
 * A command reads its options with getopt_long, prints results on stdout and everything else on
 * stderr, is quiet when all is well, and returns one of the exit codes below. Errors are one line:
 * what is wrong and what to do. */
#ifndef DUTYLOG_TOOLS_CLI_H
#define DUTYLOG_TOOLS_CLI_H

#include "ledger/status.h"
#include "ledger/vkey.h"

#include <getopt.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum cli_exit {
    CLI_OK = 0,
    CLI_REFUSED = 1,  /* not verified, or refused by a node: the thing itself is wrong */
    CLI_USAGE = 2,    /* wrong options; nothing was done */
    CLI_FAILED = 3,   /* a file, the network or the machine failed: trying again may help */
    CLI_PENDING = 4,  /* durable at the node, but no receipt yet: ask again later */
    CLI_UNJUDGED = 5, /* nothing wrong, but not all was judged: the log is under rules that this
                         build lacks */
};

struct cli_command {
    const char *name;
    int (*run)(int argc, char **argv); /* argv[0] is the command's name */
    const char *summary;               /* one line, for `dutylog --help` */
    const char *help;                  /* the whole help text, with an example */
};

/* Help that stands with its command. */
extern const char cmd_case_help[];
extern const char cmd_import_help[];

/* NULL-terminated by a row without a name. */
extern const struct cli_command cli_commands[];
const struct cli_command *cli_find(const char *name);

/* Prints the command's help on stdout; returns CLI_OK. */
int cli_help(const char *command);
/* Prints "dutylog COMMAND: message" and where help is; returns CLI_USAGE. */
int cli_usage(const char *command, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Prints "dutylog COMMAND: message" and returns `exit_code`. */
int cli_error(const char *command, enum cli_exit exit_code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* The exit code that a status stands for: REFUSED for bad, denied and conflicting things, FAILED
 * for the rest. */
enum cli_exit cli_exit_of(enum status status);

/* Reads a number option in decimal. False: not a number in [min, max]. */
bool cli_number(const char *text, uint64_t min, uint64_t max, uint64_t *out);

/* A progress line on stderr, redrawn in place, at most ten times a second, only if stderr is a
 * terminal. */
void cli_progress(const char *what, uint64_t done, uint64_t total);
void cli_progress_end(void);

/* Formats a time as RFC 3339 UTC, seconds; `out` has 21 bytes. */
void cli_time(uint64_t seconds, char out[static 21]);

/* One per file tools/cmd_<name>.c */
int cmd_agencies(int argc, char **argv);
int cmd_backup(int argc, char **argv);
int cmd_import(int argc, char **argv);
int cmd_case(int argc, char **argv);
int cmd_keygen(int argc, char **argv);
int cmd_vkey(int argc, char **argv);
int cmd_event(int argc, char **argv);
int cmd_passphrase(int argc, char **argv);
int cmd_registry(int argc, char **argv);
int cmd_request(int argc, char **argv);
int cmd_monitor(int argc, char **argv);
int cmd_observe(int argc, char **argv);
int cmd_reconcile(int argc, char **argv);
int cmd_merge(int argc, char **argv);
int cmd_rotate(int argc, char **argv);
int cmd_sign(int argc, char **argv);
int cmd_succeed(int argc, char **argv);
int cmd_submit(int argc, char **argv);
int cmd_receipt(int argc, char **argv);
int cmd_verify(int argc, char **argv);
int cmd_watch(int argc, char **argv);
int cmd_audit(int argc, char **argv);
int cmd_fsck(int argc, char **argv);
int cmd_status(int argc, char **argv);
int cmd_times(int argc, char **argv);

#endif
