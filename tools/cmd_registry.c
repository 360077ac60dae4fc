/* dutylog registry list, check, chain */
#include "crypto/encoding.h"
#include "net/file.h"
#include "net/keyfile.h"
#include "net/loop.h"
#include "tools/ask.h"
#include "tools/cli.h"
#include "tools/log_chain.h"
#include "tools/log_check.h"
#include "tools/make_event.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NODES_MAX 32

struct request {
    const char *nodes[NODES_MAX];
    size_t node_count;
    const char *out;
    const char *key;
    const char *outbox;
    bool json;
    bool quiet;
};

static const struct option options[] = {
    {"node", required_argument, NULL, 'n'}, {"out", required_argument, NULL, 'o'},
    {"key", required_argument, NULL, 'k'},  {"outbox", required_argument, NULL, 'b'},
    {"json", no_argument, NULL, 'j'},       {"quiet", no_argument, NULL, 'q'},
    {"help", no_argument, NULL, 'h'},       {NULL, 0, NULL, 0},
};

static void hash_hex(struct bytes text, char out[2 * HASH_SIZE + 1]) {
    struct hash hash;
    hash_of(text.data, text.len, &hash);
    out[hex_encode(out, hash.bytes, HASH_SIZE)] = '\0';
}

/* --- list --- */

struct listing {
    const struct request *request;
    struct fetcher *fetcher;
    struct log_list list;
    struct view view;
    size_t unheard; /* recognised, and no checkpoint of it is served */
    struct refusal *why;
};

/* Its size is what the log signed, not what the node says. */
static enum status take_log(void *context, json_t *item) {
    struct listing *l = context;
    const char *text = json_string_value(json_object_get(item, "vkey"));
    struct tree_point point = {.size = 0};
    struct vkey vkey;
    if (text == NULL || vkey_parse(bytes_text(text), &vkey, NULL) != STATUS_OK) {
        return refuse(l->why, STATUS_BAD_FORM, "/recognised: an entry without a vkey");
    }
    view_fetch(l->fetcher, l->request->nodes[0], &vkey, &l->view);
    if (l->view.state == VIEW_SERVED) {
        point = l->view.point;
    } else {
        l->unheard++;
        fprintf(stderr, "%s: no checkpoint is served: listed with size 0\n", vkey.name);
    }
    cli_progress("logs", l->list.count + 1, 0);
    enum status status = log_list_add(&l->list, &vkey, &point);
    return status == STATUS_OK ? status : refuse(l->why, status, "%s", status_text(status));
}

static enum status sign_list(const struct request *request, const struct listing *l,
                             const char *hash, struct refusal *why) {
    struct outbox outbox = {.lock = -1};
    struct place place = {.seq = 0};
    struct signer signer;
    TRY(keyfile_read(request->key, &signer, why));
    const struct signer *const signers[1] = {&signer};
    struct bytes issuer = vkey_name(&signer.vkey);
    json_t *open = json_pack("{s:I, s:s, s:s}", "count", (json_int_t)l->list.count, "file", hash,
                             "observed", l->list.observed);
    enum status status = open != NULL ? outbox_open(&outbox, request->outbox, why)
                                      : refuse(why, STATUS_NOMEM, "out of memory");
    if (status == STATUS_OK) {
        status = place_from_node(&place, request->nodes[0], issuer, why);
    }
    if (status == STATUS_OK) {
        status = place_from_outbox(&place, &outbox, issuer, why);
    }
    if (status == STATUS_OK) {
        status = make_event_into(&outbox, &place, "logs.listed", open, signers, 1, why);
    }
    json_decref(open);
    outbox_close(&outbox);
    signer_wipe(&signer);
    return status;
}

static enum status write_list(struct listing *l, struct refusal *why) {
    const struct request *request = l->request;
    char hash[2 * HASH_SIZE + 1];
    struct writer w;
    uint8_t *memory = malloc(LOG_LIST_SIZE_MAX);
    if (memory == NULL) {
        return refuse(why, STATUS_NOMEM, "out of memory");
    }
    writer_init(&w, memory, LOG_LIST_SIZE_MAX);
    cli_time(clock_wall_ms() / 1000, l->list.observed);
    log_list_format(&l->list, &w);
    enum status status = w.failed ? refuse(why, STATUS_TOO_LARGE, "the list is too large")
                                  : file_create(request->out, writer_view(&w), why);
    hash_hex(w.failed ? bytes_of(NULL, 0) : writer_view(&w), hash);
    free(memory);
    if (status == STATUS_OK && request->key != NULL) {
        status = sign_list(request, l, hash, why);
    }
    if (status == STATUS_OK && request->json) {
        printf("{\"count\":%zu,\"file\":\"%s\",\"observed\":\"%s\"}\n", l->list.count, hash,
               l->list.observed);
    } else if (status == STATUS_OK && !request->quiet) {
        printf("logs     %zu\nobserved %s\nsha256   %s\n", l->list.count, l->list.observed, hash);
    }
    return status;
}

static int run_list(const struct request *request) {
    struct refusal why = {.text = ""};
    struct listing *l = calloc(1, sizeof *l);
    enum status status = l != NULL ? fetcher_open(&l->fetcher) : STATUS_NOMEM;
    if (status != STATUS_OK) {
        free(l);
        return cli_error("registry", CLI_FAILED, "out of memory");
    }
    l->request = request;
    l->why = &why;
    status = ask_pages(l->fetcher, request->nodes[0], "/recognised", "", "logs", take_log, l, NULL,
                       &why);
    cli_progress_end();
    if (status == STATUS_OK && l->list.count == 0) {
        status = refuse(&why, STATUS_BAD_FORM,
                        "%s recognises no log: it pins no authority, or none of its logs is here",
                        request->nodes[0]);
    }
    if (status == STATUS_OK) {
        status = write_list(l, &why);
    }
    log_list_release(&l->list);
    fetcher_close(l->fetcher);
    free(l);
    return status == STATUS_OK ? CLI_OK
                               : cli_error("registry", cli_exit_of(status), "%s", why.text);
}

/* --- check --- */

struct checking {
    const struct request *request;
    json_t *findings;
    size_t faults;
};

static void found(void *context, enum log_finding finding, const char *node, const char *origin,
                  uint64_t listed, uint64_t served) {
    struct checking *c = context;
    c->faults += log_finding_is_fault(finding);
    json_array_append_new(c->findings,
                          json_pack("{s:b, s:s, s:I, s:s, s:s, s:I}", "fault",
                                    (int)log_finding_is_fault(finding), "finding",
                                    log_finding_name(finding), "listed", (json_int_t)listed, "node",
                                    node, "origin", origin, "served", (json_int_t)served));
    if (!c->request->json && (log_finding_is_fault(finding) || !c->request->quiet)) {
        printf("%-11s %-40s listed %10llu  served %10llu  %s\n", log_finding_name(finding), origin,
               (unsigned long long)listed, (unsigned long long)served, node);
    }
}

static enum status read_list(const char *path, struct log_list *list, struct refusal *why) {
    struct buffer content;
    buffer_init(&content, LOG_LIST_SIZE_MAX);
    enum status status = file_read(path, &content, why);
    if (status == STATUS_OK) {
        status = log_list_parse(buffer_view(&content), list, why);
    }
    if (status == STATUS_OK) {
        char hash[2 * HASH_SIZE + 1];
        hash_hex(buffer_view(&content), hash);
        fprintf(stderr, "list of %zu logs, observed %s, SHA-256 %s\n", list->count, list->observed,
                hash);
    }
    buffer_clear(&content);
    return status;
}

static int run_check(const struct request *request, const char *path) {
    struct refusal why = {.text = ""};
    struct log_list list = {.count = 0};
    struct log_check *check = calloc(1, sizeof *check);
    struct checking c = {.request = request, .findings = json_array()};
    enum status status =
        check != NULL && c.findings != NULL ? fetcher_open(&check->fetcher) : STATUS_NOMEM;
    if (status != STATUS_OK) {
        free(check);
        json_decref(c.findings);
        return cli_error("registry", CLI_FAILED, "out of memory");
    }
    status = read_list(path, &list, &why);
    check->list = &list;
    check->found = found;
    check->context = &c;
    for (size_t i = 0; status == STATUS_OK && i < request->node_count; i++) {
        status = log_check_node(check, request->nodes[i], &why);
    }
    if (status == STATUS_OK && request->json) {
        json_dumpf(c.findings, stdout, JSON_COMPACT | JSON_SORT_KEYS);
        putchar('\n');
    } else if (status == STATUS_OK && c.faults == 0 && !request->quiet) {
        printf("no log is held that the list lacks, and none contradicts it\n");
    }
    json_decref(c.findings);
    log_list_release(&list);
    fetcher_close(check->fetcher);
    free(check);
    if (status != STATUS_OK) {
        return cli_error("registry", cli_exit_of(status), "%s", why.text);
    }
    return c.faults > 0 ? CLI_REFUSED : CLI_OK;
}

/* --- chain --- */

static int run_chain(const struct request *request, const char *origin) {
    struct refusal why = {.text = ""};
    struct log_chain chain = {.origin = origin,
                              .nodes = request->nodes,
                              .node_count = request->node_count,
                              .out = request->out};
    enum status status = log_chain_fetch(&chain, &why);
    if (status != STATUS_OK) {
        return cli_error("registry", cli_exit_of(status), "%s", why.text);
    }
    for (size_t i = 0; i < chain.count && !request->quiet && !request->json; i++) {
        printf("--by %s\n", chain.paths[i]);
    }
    if (request->json) {
        json_t *list = json_array();
        for (size_t i = 0; i < chain.count; i++) {
            json_array_append_new(list, json_string(chain.paths[i]));
        }
        json_dumpf(list, stdout, JSON_COMPACT);
        putchar('\n');
        json_decref(list);
    }
    return CLI_OK;
}

/* --- the command --- */

static enum status take_option(struct request *request, int c, struct refusal *why) {
    switch (c) {
    case 'n':
        if (request->node_count == NODES_MAX) {
            return refuse(why, STATUS_BAD_FORM, "more than %d nodes", NODES_MAX);
        }
        request->nodes[request->node_count++] = optarg;
        return STATUS_OK;
    case 'o':
        request->out = optarg;
        return STATUS_OK;
    case 'k':
        request->key = optarg;
        return STATUS_OK;
    case 'b':
        request->outbox = optarg;
        return STATUS_OK;
    case 'j':
        request->json = true;
        return STATUS_OK;
    case 'q':
        request->quiet = true;
        return STATUS_OK;
    default:
        return refuse(why, STATUS_BAD_FORM, "unknown option");
    }
}

static enum status check_list(const struct request *request, int rest, struct refusal *why) {
    if (request->node_count != 1 || request->out == NULL || rest != 0) {
        return refuse(why, STATUS_BAD_FORM, "list: give one --node URL, and --out FILE");
    }
    return (request->key == NULL) == (request->outbox == NULL)
               ? STATUS_OK
               : refuse(why, STATUS_BAD_FORM, "to sign it, give --key FILE and --outbox DIR");
}

static enum status check_request(const struct request *request, const char *what, int rest,
                                 struct refusal *why) {
    if (strcmp(what, "list") == 0) {
        return check_list(request, rest, why);
    }
    bool chain = strcmp(what, "chain") == 0;
    if (!chain && strcmp(what, "check") != 0) {
        return refuse(why, STATUS_BAD_FORM, "say what: list, check LIST, or chain ORIGIN");
    }
    if (rest != 1 || request->node_count == 0 || chain != (request->out != NULL)) {
        return refuse(why, STATUS_BAD_FORM, "%s",
                      chain ? "chain: give one ORIGIN, --node URL, and --out PREFIX"
                            : "check: give one LIST, and --node URL for each node");
    }
    return STATUS_OK;
}

int cmd_registry(int argc, char **argv) {
    struct request request = {.node_count = 0};
    struct refusal why = {.text = ""};
    enum status status = STATUS_OK;
    int c = 0;
    while (status == STATUS_OK && (c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
        if (c == 'h') {
            return cli_help("registry");
        }
        status = take_option(&request, c, &why);
    }
    const char *what = status == STATUS_OK && optind < argc ? argv[optind] : "";
    if (status == STATUS_OK) {
        status = check_request(&request, what, argc - optind - 1, &why);
    }
    if (status != STATUS_OK) {
        return cli_usage("registry", "%s", why.text);
    }
    if (strcmp(what, "list") == 0) {
        return run_list(&request);
    }
    return strcmp(what, "chain") == 0 ? run_chain(&request, argv[optind + 1])
                                      : run_check(&request, argv[optind + 1]);
}
