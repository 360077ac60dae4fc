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

/* Runs the node once. `behind_url` is set if its folder has to be brought up before the next time.
 */
static int run_node(struct node_config *config, bool behind_stays,
                    char behind_url[POLICY_URL_MAX + 1]) {
    struct node *node = NULL;
    struct refusal why = {.text = ""};
    behind_url[0] = '\0';
    enum status status = node_open(config, &node, &why);
    if (status != STATUS_OK) {
        fprintf(stderr, "dutylogd: does not start: %s\n", why.text);
        return status == STATUS_NOMEM ? 1 : 2;
    }
    node->behind_stays = behind_stays;
    int exit_code = node_run(node);
    memcpy(behind_url, node->behind_url, POLICY_URL_MAX + 1);
    node_free(node);
    return exit_code;
}

static int load(const char *path, struct node_config *config) {
    struct refusal why = {.text = ""};
    enum status status = config_load(path, config, &why);
    if (status != STATUS_OK) {
        fprintf(stderr, "dutylogd: %s\n", why.text);
        return status == STATUS_NOMEM ? 1 : 2; /* of 1 the unit tries again */
    }
    log_set_level(config->log_level);
    log_set_format(config->log_format);
    return 0;
}

/* A folder put back from a backup is brought up from a mirror that has more, as often as that
 * brings anything; then its log stays halted. */
static int run(const char *path) {
    struct node_config config;
    char behind_url[POLICY_URL_MAX + 1];
    uint64_t stored = 1;
    for (;;) {
        int exit_code = load(path, &config);
        if (exit_code == 0) {
            exit_code = run_node(&config, stored == 0, behind_url);
        }
        if (exit_code != 0 || behind_url[0] == '\0') {
            return exit_code;
        }
        exit_code = load(path, &config);
        if (exit_code == 0) {
            exit_code = restore_run(&config, behind_url, &stored);
        }
        if (exit_code != 0) {
            return exit_code;
        }
    }
}

static int check_only(const char *path) {
    struct node_config config;
    int exit_code = load(path, &config);
    if (exit_code == 0) {
        node_config_release(&config);
        printf("%s: good\n", path);
    }
    return exit_code;
}

static int restore(const char *path, const char *source) {
    struct node_config config;
    int exit_code = load(path, &config);
    return exit_code == 0 ? restore_run(&config, source, NULL) : exit_code;
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
    if (check) {
        return check_only(path);
    }
    return source != NULL ? restore(path, source) : run(path);
}
