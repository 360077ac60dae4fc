/* dutylogd: the daemon. Everything that it is stands in node.ini (net/config.h). */
#include "crypto/sign.h"
#include "net/log.h"
#include "net/node.h"
#include "net/restore.h"

#include <getopt.h>
#include <malloc.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define HEAP_KEPT (4 << 20)

static const char help[] =
    "usage: dutylogd -c node.ini [--check | --restore-from URL]\n"
    "\n"
    "Runs one node in the foreground: hosts a log, mirrors and cosigns others, serves all it "
    "holds, as node.ini says.\n"
    "It stops in an orderly way at SIGTERM or SIGINT, and logs to standard error, a line per "
    "happening.\n"
    "\n"
    "  -c, --config FILE   the configuration\n"
    "      --check         read the configuration, say what is wrong with it, and exit\n"
    "      --restore-from URL\n"
    "                      rebuild the data folder of a lost node from a node that mirrors its "
    "log, "
    "and exit; what\n"
    "                      this node mirrors is fetched too, if it is there. All is verified. "
    "Broken "
    "off, the same\n"
    "                      command goes on where it stopped\n"
    "  -h, --help          this text\n"
    "\n"
    "Exit codes: 0 stopped as asked, or restored; 1 stopped because it could not go on safely, or "
    "not "
    "restored; 2 wrong options "
    "or configuration.\n"
    "\n"
    "examples:\n"
    "  dutylogd -c /etc/dutylog/node.ini\n"
    "  dutylogd -c /etc/dutylog/node.ini --restore-from https://logs.state.example\n";

static int run(const char *path, bool check, const char *source) {
    struct node_config config;
    struct node *node = NULL;
    struct refusal why = {.text = ""};
    if (config_load(path, &config, &why) != STATUS_OK) {
        fprintf(stderr, "dutylogd: %s\n", why.text);
        return 2;
    }
    if (check) {
        node_config_release(&config);
        printf("%s: good\n", path);
        return 0;
    }
    log_set_level(config.log_level);
    log_set_format(config.log_format);
    if (source != NULL) {
        return restore_run(&config, source);
    }
    if (node_open(&config, &node, &why) != STATUS_OK) {
        fprintf(stderr, "dutylogd: does not start: %s\n", why.text);
        return 2;
    }
    int exit_code = node_run(node);
    node_free(node);
    return exit_code;
}

int main(int argc, char **argv) {
    static const struct option options[] = {
        {"config", required_argument, NULL, 'c'},
        {"check", no_argument, NULL, 'k'},
        {"restore-from", required_argument, NULL, 'r'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    const char *path = NULL;
    const char *source = NULL;
    bool check = false;
    int c = 0;
    while ((c = getopt_long(argc, argv, "c:h", options, NULL)) != -1) {
        switch (c) {
        case 'c':
            path = optarg;
            break;
        case 'k':
            check = true;
            break;
        case 'r':
            source = optarg;
            break;
        case 'h':
            fputs(help, stdout);
            return 0;
        default:
            fputs("dutylogd --help shows the options and an example.\n", stderr);
            return 2;
        }
    }
    if (path == NULL || optind != argc) {
        fputs("dutylogd: give the configuration with -c FILE; dutylogd --help shows an example.\n",
              stderr);
        return 2;
    }
    /* A daemon takes and frees the same sizes all day: memory that it will want again within the
     * millisecond is not given back to the kernel page by page. */
    mallopt(M_TRIM_THRESHOLD, HEAP_KEPT);
    mallopt(M_TOP_PAD, HEAP_KEPT / 8);
    mallopt(M_MMAP_THRESHOLD, HEAP_KEPT / 4);
    /* One heap a core and no more: what one thread parsed and another freed is soon used again. */
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    mallopt(M_ARENA_MAX, cores > 2 ? (int)cores : 2);
    if (!crypto_init()) {
        fputs("dutylogd: the cryptographic library cannot start.\n", stderr);
        return 1;
    }
    return run(path, check, source);
}
