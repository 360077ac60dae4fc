#include "ledger/limits.h"
#include "net/file.h"
#include "tools/cli.h"
#include "tools/fetch.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const struct option options[] = {
    {"node", required_argument, NULL, 'n'},
    {"out", required_argument, NULL, 'o'},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

static int save(const struct fetched *answer, const char *out) {
    struct refusal why = {.text = ""};
    struct bytes body = buffer_view(&answer->body);
    if (out == NULL) {
        fwrite(body.data, 1, body.len, stdout);
        return CLI_OK;
    }
    enum status status = file_write(out, body, &why);
    return status == STATUS_OK ? CLI_OK : cli_error("receipt", cli_exit_of(status), "%s", why.text);
}

static int ask(struct fetcher *fetcher, const char *node, const char *issuer, uint64_t seq,
               const char *out) {
    char path[NAME_SIZE_MAX + 64];
    struct refusal why = {.text = ""};
    const struct fetched *answer = NULL;
    snprintf(path, sizeof path, "/receipt/%s/%" PRIu64, issuer, seq);
    struct fetch_request request = {
        .base = node, .path = path, .response_max = RECEIPT_SIZE_MAX, .timeout_ms = 30000};
    if (fetch(fetcher, &request, &answer, &why) != STATUS_OK) {
        return cli_error("receipt", CLI_FAILED, "%s", why.text);
    }
    if (answer->http == 200) {
        return save(answer, out);
    }
    if (answer->http == 202) {
        return cli_error("receipt", CLI_PENDING,
                         "logged and durable at the node, no quorum of mirrors yet: ask again");
    }
    struct bytes body = buffer_view(&answer->body);
    return cli_error("receipt", answer->http == 404 ? CLI_REFUSED : CLI_FAILED, "%.*s",
                     (int)(body.len > 0 ? body.len - 1 : 0), body.data);
}

int cmd_receipt(int argc, char **argv) {
    const char *node = NULL;
    const char *out = NULL;
    uint64_t seq = 0;
    int c = 0;
    while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
        switch (c) {
        case 'n':
            node = optarg;
            break;
        case 'o':
            out = optarg;
            break;
        case 'h':
            return cli_help("receipt");
        default:
            return cli_usage("receipt", "unknown option");
        }
    }
    if (node == NULL || argc - optind != 2 ||
        !cli_number(argv[optind + 1], 1, UINT64_C(1) << 52, &seq) ||
        strlen(argv[optind]) > NAME_SIZE_MAX) {
        return cli_usage("receipt", "give --node URL, the issuer's key name and the event's seq");
    }
    struct fetcher *fetcher = NULL;
    if (fetcher_open(&fetcher) != STATUS_OK) {
        return cli_error("receipt", CLI_FAILED, "out of memory");
    }
    int exit_code = ask(fetcher, node, argv[optind], seq, out);
    fetcher_close(fetcher);
    return exit_code;
}
