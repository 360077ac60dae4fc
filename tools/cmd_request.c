#include "crypto/encoding.h"
#include "crypto/random.h"
#include "ledger/request_note.h"
#include "net/keyfile.h"
#include "tools/cli.h"
#include "tools/place.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define ANSWER_MAX ((size_t)16 << 20)
#define VALID_S 120

static const struct option options[] = {
    {"node", required_argument, NULL, 'n'},
    {"key", required_argument, NULL, 'k'},
    {"log", required_argument, NULL, 'l'},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

/* "Dutylog <note in base64>", terminated. */
static void make_header(const char *log, const char *path, const struct signer *signer, char *out,
                        size_t cap) {
    static const char scheme[] = "Dutylog ";
    uint8_t memory[REQUEST_NOTE_SIZE_MAX];
    struct writer w;
    struct request_note values = {.origin = bytes_text(log),
                                  .method = bytes_text("GET"),
                                  .target = bytes_text(path),
                                  .expires = (uint64_t)time(NULL) + VALID_S};
    random_fill(values.nonce, sizeof values.nonce);
    writer_init(&w, memory, sizeof memory);
    request_note_make(&w, &values, signer);
    size_t len = strlen(scheme);
    if (w.failed || len + BASE64_LEN(w.len) >= cap) {
        out[0] = '\0';
        return;
    }
    memcpy(out, scheme, len);
    len += base64_encode(out + len, w.data, w.len);
    out[len] = '\0';
}

static int ask(const char *node, const char *path, const char *header) {
    struct refusal why = {.text = ""};
    const struct fetched *answer = NULL;
    struct fetcher *fetcher = NULL;
    struct fetch_request request = {.base = node,
                                    .path = path,
                                    .authorization = header,
                                    .response_max = ANSWER_MAX,
                                    .timeout_ms = 30000};
    if (fetcher_open(&fetcher) != STATUS_OK) {
        return cli_error("request", CLI_FAILED, "out of memory");
    }
    int exit_code = CLI_OK;
    if (fetch(fetcher, &request, &answer, &why) != STATUS_OK) {
        exit_code = cli_error("request", CLI_FAILED, "%s", why.text);
    } else if (answer->http == 200) {
        fwrite(answer->body.data, 1, answer->body.len, stdout);
    } else {
        exit_code =
            cli_error("request", fetch_try_later(answer->http) ? CLI_FAILED : CLI_REFUSED,
                      "HTTP status %u: %.*s", answer->http,
                      (int)(answer->body.len > 0 ? answer->body.len - 1 : 0), answer->body.data);
    }
    fetcher_close(fetcher);
    return exit_code;
}

static int run(const char *node, const char *key, const char *log, const char *path) {
    struct refusal why = {.text = ""};
    struct place place = {.log = ""};
    struct signer signer;
    char header[BASE64_LEN(REQUEST_NOTE_SIZE_MAX) + 16];
    if (path[0] != '/' || strlen(path) > REQUEST_NOTE_TARGET_MAX ||
        strspn(path, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
                     "/?&=-._~%+:,") != strlen(path)) {
        return cli_usage("request", "give a path that starts with a slash, with its query");
    }
    if (log != NULL && strlen(log) <= NAME_SIZE_MAX) {
        memcpy(place.log, log, strlen(log) + 1);
    }
    enum status status = keyfile_read(key, &signer, &why);
    if (status == STATUS_OK && place.log[0] == '\0') {
        status = place_from_node(&place, node, vkey_name(&signer.vkey), &why);
    }
    if (status != STATUS_OK) {
        signer_wipe(&signer);
        return cli_error("request", cli_exit_of(status), "%s", why.text);
    }
    make_header(place.log, path, &signer, header, sizeof header);
    signer_wipe(&signer);
    return header[0] != '\0' ? ask(node, path, header)
                             : cli_usage("request", "the path or the log's name is too long");
}

int cmd_request(int argc, char **argv) {
    const char *node = NULL;
    const char *key = NULL;
    const char *log = NULL;
    int c = 0;
    while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
        switch (c) {
        case 'n':
            node = optarg;
            break;
        case 'k':
            key = optarg;
            break;
        case 'l':
            log = optarg;
            break;
        case 'h':
            return cli_help("request");
        default:
            return cli_usage("request", "unknown option");
        }
    }
    if (node == NULL || key == NULL || optind + 1 != argc) {
        return cli_usage("request", "give --node URL, --key FILE and a path");
    }
    return run(node, key, log, argv[optind]);
}
