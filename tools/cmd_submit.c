#include "tools/cli.h"
#include "tools/send.h"

static const struct option options[] = {
    {"node", required_argument, NULL, 'n'}, {"outbox", required_argument, NULL, 'b'},
    {"wait", required_argument, NULL, 'w'}, {"quiet", no_argument, NULL, 'q'},
    {"help", no_argument, NULL, 'h'},       {NULL, 0, NULL, 0},
};

static int run(struct sending *s, const char *outbox, int count, char **files) {
    struct refusal why = {.text = ""};
    enum status status = fetcher_open(&s->fetcher);
    if (status != STATUS_OK) {
        return cli_error("submit", CLI_FAILED, "out of memory");
    }
    status =
        outbox != NULL ? send_outbox(s, outbox, &why) : send_files(s, files, (size_t)count, &why);
    fetcher_close(s->fetcher);
    if (status != STATUS_OK) {
        return cli_error("submit", cli_exit_of(status), "%s", why.text);
    }
    if (s->pending > 0) {
        return cli_error("submit", CLI_PENDING,
                         "%zu logged and durable at the node, but no quorum of mirrors yet: run "
                         "the same again later",
                         s->pending);
    }
    return CLI_OK;
}

int cmd_submit(int argc, char **argv) {
    struct sending s = {.wait_s = 60};
    const char *outbox = NULL;
    int c = 0;
    while ((c = getopt_long(argc, argv, "hq", options, NULL)) != -1) {
        switch (c) {
        case 'n':
            s.node = optarg;
            break;
        case 'b':
            outbox = optarg;
            break;
        case 'w':
            if (!cli_number(optarg, 0, 86400, &s.wait_s)) {
                return cli_usage("submit", "--wait takes seconds, at most 86400");
            }
            break;
        case 'q':
            s.quiet = true;
            break;
        case 'h':
            return cli_help("submit");
        default:
            return cli_usage("submit", "unknown option");
        }
    }
    if (s.node == NULL || (outbox == NULL) == (optind == argc)) {
        return cli_usage("submit", "give --node URL, and either --outbox DIR or event files");
    }
    return run(&s, outbox, argc - optind, argv + optind);
}
