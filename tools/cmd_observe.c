#include "tools/cli.h"
#include "tools/observe.h"

#include <stdio.h>
#include <stdlib.h>

static const struct option options[] = {
    {"as", required_argument, NULL, 'a'},      {"mapping", required_argument, NULL, 'm'},
    {"keep", required_argument, NULL, 'k'},    {"observed", required_argument, NULL, 't'},
    {"address", required_argument, NULL, 'u'}, {"ori", required_argument, NULL, 'i'},
    {"key", required_argument, NULL, 's'},     {"outbox", required_argument, NULL, 'b'},
    {"node", required_argument, NULL, 'n'},    {"json", no_argument, NULL, 'j'},
    {"help", no_argument, NULL, 'h'},          {NULL, 0, NULL, 0},
};

static enum status take_option(struct observation *o, bool *json, int c, struct refusal *why) {
    switch (c) {
    case 'a':
        o->list = optarg;
        return STATUS_OK;
    case 'm':
        o->mapping_path = optarg;
        return STATUS_OK;
    case 'k':
        o->keep = optarg;
        return STATUS_OK;
    case 't':
        o->observed = optarg;
        return STATUS_OK;
    case 'u':
        o->address = optarg;
        return STATUS_OK;
    case 'i':
        o->ori = optarg;
        return STATUS_OK;
    case 's':
        o->key_path = optarg;
        return STATUS_OK;
    case 'b':
        o->outbox = optarg;
        return STATUS_OK;
    case 'n':
        o->node = optarg;
        return STATUS_OK;
    case 'j':
        *json = true;
        return STATUS_OK;
    default:
        return refuse(why, STATUS_BAD_FORM, "unknown option");
    }
}

static enum status check_options(const struct observation *o, struct refusal *why) {
    if (o->list == NULL || o->mapping_path == NULL) {
        return refuse(why, STATUS_BAD_FORM,
                      "say what the list is called, --as LIST, and how it is "
                      "read, --mapping FILE");
    }
    bool none = o->key_path == NULL && o->outbox == NULL && o->node == NULL;
    bool all = o->key_path != NULL && o->outbox != NULL && o->node != NULL;
    return none || all ? STATUS_OK
                       : refuse(why, STATUS_BAD_FORM,
                                "to sign, give --key, --outbox and --node; else none of them");
}

int cmd_observe(int argc, char **argv) {
    struct refusal why = {.text = ""};
    struct observation *o = calloc(1, sizeof *o);
    enum status status = STATUS_OK;
    bool json = false;
    int c = 0;
    if (o == NULL) {
        return cli_error("observe", CLI_FAILED, "out of memory");
    }
    observation_init(o);
    while (status == STATUS_OK && (c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
        if (c == 'h') {
            free(o);
            return cli_help("observe");
        }
        status = take_option(o, &json, c, &why);
    }
    if (status == STATUS_OK && optind + 1 != argc) {
        status = refuse(&why, STATUS_BAD_FORM, "give the published file, or its address");
    }
    if (status == STATUS_OK) {
        status = check_options(o, &why);
    }
    if (status != STATUS_OK) {
        free(o);
        return cli_usage("observe", "%s", why.text);
    }
    o->source = argv[optind];
    status = observe(o, &why);
    if (status == STATUS_OK) {
        observation_print(o, json);
    }
    observation_release(o);
    free(o);
    return status == STATUS_OK ? CLI_OK : cli_error("observe", cli_exit_of(status), "%s", why.text);
}
