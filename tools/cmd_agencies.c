#include "net/keyfile.h"
#include "tools/agencies.h"
#include "tools/ask.h"
#include "tools/cli.h"
#include "tools/text_print.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct request {
    const char *node;
    const char *state;
    const char *day;
    const char *from;
    const char *key;
    const char *outbox;
    const char *log;
    bool json;
    bool csv;
};

static const struct option options[] = {
    {"node", required_argument, NULL, 'n'},
    {"state", required_argument, NULL, 's'},
    {"day", required_argument, NULL, 'd'},
    {"from", required_argument, NULL, 'f'},
    {"key", required_argument, NULL, 'k'},
    {"outbox", required_argument, NULL, 'o'},
    {"log", required_argument, NULL, 'l'},
    {"json", no_argument, NULL, 'j'},
    {"csv", no_argument, NULL, 'c'},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

/* --- listing --- */

struct listing {
    const struct request *request;
    json_t *all; /* for --json */
    uint64_t count;
    bool unpinned;
};

static struct bytes text_of(const json_t *object, const char *name) {
    const char *text = json_string_value(json_object_get(object, name));
    return bytes_text(text != NULL ? text : "");
}

static void print_csv(const json_t *agency) {
    static const char *const tail[] = {"state", "type", "officers", "merged_into"};
    char former[10 * 256];
    struct writer w;
    const json_t *name;
    size_t i;
    writer_init(&w, former, sizeof former);
    json_array_foreach(json_object_get(agency, "former"), i, name) {
        writer_text(&w, i > 0 ? "|" : "");
        writer_text(&w, json_string_value(name) != NULL ? json_string_value(name) : "");
    }
    text_print_csv(stdout, text_of(agency, "ori"));
    putchar(',');
    text_print_csv(stdout, text_of(agency, "name"));
    putchar(',');
    text_print_csv(stdout, w.failed ? bytes_text("") : writer_view(&w));
    for (i = 0; i < sizeof tail / sizeof tail[0]; i++) {
        putchar(',');
        if (strcmp(tail[i], "officers") == 0 && json_object_get(agency, "officers") != NULL) {
            printf("%lld", (long long)json_integer_value(json_object_get(agency, "officers")));
        } else {
            text_print_csv(stdout, text_of(agency, tail[i]));
        }
    }
    putchar('\n');
}

static void print_line(const json_t *agency) {
    struct bytes merged = text_of(agency, "merged_into");
    printf("%-9.9s  %-2.2s  %-9.9s %7lld  ", text_of(agency, "ori").data,
           text_of(agency, "state").data, text_of(agency, "type").data,
           (long long)json_integer_value(json_object_get(agency, "officers")));
    text_print(stdout, text_of(agency, "name"));
    if (merged.len > 0) {
        printf("  (now part of %s)", merged.data);
    }
    putchar('\n');
}

static enum status take_agency(void *context, json_t *agency) {
    struct listing *l = context;
    l->count++;
    l->unpinned = l->unpinned || json_is_true(json_object_get(agency, "unpinned"));
    if (l->request->json) {
        return json_array_append(l->all, agency) == 0 ? STATUS_OK : STATUS_NOMEM;
    }
    if (l->request->csv) {
        print_csv(agency);
    } else {
        print_line(agency);
    }
    return STATUS_OK;
}

static enum status list(const struct request *request, struct refusal *why) {
    struct listing l = {.request = request, .all = json_array()};
    struct fetcher *fetcher = NULL;
    char query[64] = "";
    snprintf(query, sizeof query, "%s%.8s%s%s%.16s", request->state != NULL ? "state=" : "",
             request->state != NULL ? request->state : "",
             request->state != NULL && request->day != NULL ? "&" : "",
             request->day != NULL ? "day=" : "", request->day != NULL ? request->day : "");
    if (l.all == NULL || fetcher_open(&fetcher) != STATUS_OK) {
        json_decref(l.all);
        return refuse(why, STATUS_NOMEM, "out of memory");
    }
    if (request->csv) {
        printf("ori,name,former names,state,type,officers,merged_into\n");
    }
    enum status status = ask_pages(fetcher, request->node, "/agencies", query, "agencies",
                                   take_agency, &l, NULL, why);
    if (status == STATUS_OK && request->json) {
        json_dumpf(l.all, stdout, JSON_COMPACT | JSON_SORT_KEYS);
        putchar('\n');
    } else if (status == STATUS_OK && l.count == 0) {
        fprintf(stderr, "no agency is registered in a log that counts at %s\n", request->node);
    }
    if (status == STATUS_OK && l.unpinned && !request->json) {
        fprintf(stderr, "the node pins no authority: these are what any log says that it holds\n");
    }
    json_decref(l.all);
    fetcher_close(fetcher);
    return status;
}

/* --- registering --- */

static enum status find_place(const struct request *request, const struct outbox *outbox,
                              const struct signer *signer, struct place *place,
                              struct refusal *why) {
    struct bytes issuer = vkey_name(&signer->vkey);
    if (request->log != NULL) {
        if (strlen(request->log) > NAME_SIZE_MAX) {
            return refuse(why, STATUS_BAD_FORM, "--log: an origin has at most %d characters",
                          NAME_SIZE_MAX);
        }
        memcpy(place->log, request->log, strlen(request->log) + 1);
    }
    if (request->node != NULL) {
        TRY(place_from_node(place, request->node, issuer, why));
    }
    TRY(place_from_outbox(place, outbox, issuer, why));
    place->seq += place->seq == 0;
    return STATUS_OK;
}

static enum status make(const struct request *request, struct agencies_made *made,
                        struct refusal *why) {
    struct outbox outbox = {.lock = -1};
    struct place place = {.seq = 0};
    struct signer signer;
    TRY(keyfile_read(request->key, &signer, why));
    enum status status = outbox_open(&outbox, request->outbox, why);
    if (status == STATUS_OK) {
        status = find_place(request, &outbox, &signer, &place, why);
    }
    if (status == STATUS_OK) {
        status = agencies_register(request->from, &signer, &outbox, &place, made, why);
    }
    outbox_close(&outbox);
    signer_wipe(&signer);
    return status;
}

static int register_file(const struct request *request) {
    struct agencies_made made = {0};
    struct refusal why = {.text = ""};
    enum status status = make(request, &made, &why);
    if (request->json) {
        printf("{\"refused\":%llu,\"written\":%llu}\n", (unsigned long long)made.refused,
               (unsigned long long)made.written);
    } else if (made.written + made.refused > 0) {
        printf("written %10llu\nrefused %10llu\n", (unsigned long long)made.written,
               (unsigned long long)made.refused);
    }
    if (status != STATUS_OK) {
        return cli_error("agencies", cli_exit_of(status), "%s", why.text);
    }
    return made.refused == 0 ? CLI_OK : CLI_REFUSED;
}

/* --- the command --- */

static enum status take_option(struct request *request, int c, struct refusal *why) {
    const char **texts[] = {
        ['n'] = &request->node, ['s'] = &request->state, ['d'] = &request->day,
        ['f'] = &request->from, ['k'] = &request->key,   ['o'] = &request->outbox,
        ['l'] = &request->log};
    if (c == 'j') {
        request->json = true;
    } else if (c == 'c') {
        request->csv = true;
    } else if (c > 0 && (size_t)c < sizeof texts / sizeof texts[0] && texts[c] != NULL) {
        *texts[c] = optarg;
    } else {
        return refuse(why, STATUS_BAD_FORM, "unknown option");
    }
    return STATUS_OK;
}

static enum status check(const struct request *request, struct refusal *why) {
    if (request->from == NULL) {
        return request->node != NULL
                   ? STATUS_OK
                   : refuse(why, STATUS_BAD_FORM, "name the node that is asked, --node URL");
    }
    if (request->key == NULL || request->outbox == NULL ||
        (request->node == NULL && request->log == NULL)) {
        return refuse(why, STATUS_BAD_FORM,
                      "with --from give --key FILE, --outbox DIR, and --node URL or --log ORIGIN");
    }
    return STATUS_OK;
}

int cmd_agencies(int argc, char **argv) {
    struct request request = {.node = NULL};
    struct refusal why = {.text = ""};
    enum status status = STATUS_OK;
    int c = 0;
    while (status == STATUS_OK && (c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
        if (c == 'h') {
            return cli_help("agencies");
        }
        status = take_option(&request, c, &why);
    }
    if (status == STATUS_OK && optind != argc) {
        status = refuse(&why, STATUS_BAD_FORM, "unexpected '%s'", argv[optind]);
    }
    if (status == STATUS_OK) {
        status = check(&request, &why);
    }
    if (status != STATUS_OK) {
        return cli_usage("agencies", "%s", why.text);
    }
    if (request.from != NULL) {
        return register_file(&request);
    }
    status = list(&request, &why);
    return status == STATUS_OK ? CLI_OK
                               : cli_error("agencies", cli_exit_of(status), "%s", why.text);
}
