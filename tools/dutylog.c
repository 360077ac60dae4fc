/* dutylog: the one command line, a file per subcommand (tools/cmd_*.c). */
#include "crypto/sign.h"
#include "tools/cli.h"
#include "tools/fetch.h"
#include "tools/passphrase.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void print_help(FILE *out) {
    fputs("usage: dutylog [--ca FILE] [--passphrase-file FILE] COMMAND [OPTION...]\n\n", out);
    for (const struct cli_command *c = cli_commands; c->name != NULL; c++) {
        fprintf(out, "  %-11s %s\n", c->name, c->summary);
    }
    fputs("\n  --ca FILE  with https://, trust the certificate authorities in FILE (PEM) and no "
          "other; "
          "without it the system's\n"
          "  --passphrase-file FILE  the first line of FILE opens locked keys; without it the "
          "terminal is asked\n"
          "\n`dutylog COMMAND --help` shows a command's options and an example.\n"
          "Exit codes: 0 done or verified; 1 refused or not verified; 2 wrong options; 3 a file, "
          "the network or the\n"
          "machine failed; 4 durable at the node, no receipt yet; 5 entries by rules that this "
          "build lacks.\n",
          out);
}

/* An option that stands before the command. */
static bool take_common(int argc, char **argv) {
    if (argc < 4 || access(argv[2], R_OK) != 0) {
        return false;
    }
    if (strcmp(argv[1], "--ca") == 0) {
        fetch_trust(argv[2]);
        return true;
    }
    if (strcmp(argv[1], "--passphrase-file") == 0) {
        keyfile_passphrase_file(argv[2]);
        return true;
    }
    return false;
}

int main(int argc, char **argv) {
    if (argc < 2) {
        print_help(stderr);
        return CLI_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
        strcmp(argv[1], "help") == 0) {
        print_help(stdout);
        return CLI_OK;
    }
    keyfile_passphrase_ask(passphrase_ask);
    while (argc > 1 && take_common(argc, argv)) {
        argc -= 2;
        argv += 2;
    }
    if (argc < 2 || strncmp(argv[1], "--", 2) == 0) {
        fputs(
            "dutylog: --ca FILE and --passphrase-file FILE take a file that can be read, then the "
            "command.\n",
            stderr);
        return CLI_USAGE;
    }
    const struct cli_command *command = cli_find(argv[1]);
    if (command == NULL) {
        fprintf(stderr, "dutylog: no command '%s'; `dutylog --help` lists them.\n", argv[1]);
        return CLI_USAGE;
    }
    if (!crypto_init()) {
        fputs("dutylog: the cryptographic library cannot start; nothing was done.\n", stderr);
        return CLI_FAILED;
    }
    int exit_code = command->run(argc - 1, argv + 1);
    /* A full disk or a closed pipe shows only here: what was printed is not there. */
    if (fflush(stdout) != 0 || ferror(stdout)) {
        fprintf(stderr, "dutylog %s: writing the output failed.\n", command->name);
        return CLI_FAILED;
    }
    return exit_code;
}
