#include "tools/cli.h"
#include "tools/fetch.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

static const struct option options[] = {
    {"json", no_argument, NULL, 'j'},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

static json_t *get(struct fetcher *fetcher, const char *node, const char *path,
                   struct refusal *why) {
    const struct fetched *answer = NULL;
    struct fetch_request request = {
        .base = node, .path = path, .response_max = 4 << 20, .timeout_ms = 15000};
    if (fetch(fetcher, &request, &answer, why) != STATUS_OK) {
        return NULL;
    }
    json_t *root = answer->http == 200
                       ? json_loadb((const char *)answer->body.data, answer->body.len, 0, NULL)
                       : NULL;
    if (root == NULL) {
        refuse(why, STATUS_BAD_FORM, "%s%s: not the answer of a dutylog node (HTTP status %u)",
               node, path, answer->http);
    }
    return root;
}

static long long number(const json_t *object, const char *name) {
    return (long long)json_integer_value(json_object_get(object, name));
}

static const char *text(const json_t *object, const char *name) {
    const char *value = json_string_value(json_object_get(object, name));
    return value != NULL ? value : "-";
}

static void print_own(const json_t *log) {
    size_t i;
    json_t *mirror;
    printf("\nlog %s: %s\n", text(log, "origin"), text(log, "state"));
    if (json_object_get(log, "halted") != NULL) {
        printf("  halted      %s\n", text(log, "halted"));
    }
    printf("  committed   %12lld\n  signed      %12lld\n  published   %12lld\n",
           number(log, "committed"), number(log, "signed"), number(log, "published"));
    printf("  accepted    %12lld\n  refused     %12lld\n  waiting     %12lld\n",
           number(log, "accepted"), number(log, "refused"), number(log, "waiting"));
    printf("\n%-36s %-10s %12s %9s %9s %9s\n", "mirror", "state", "cosigned", "clock", "signs",
           "failures");
    json_array_foreach(json_object_get(log, "mirrors"), i, mirror) {
        printf("%-36s %-10s %12lld %+8llds %+8llds %9lld\n", text(mirror, "name"),
               text(mirror, "state"), number(mirror, "cosigned"), number(mirror, "clock_offset"),
               number(mirror, "signed_offset"), number(mirror, "failures"));
    }
}

static void print_logs(const json_t *logs) {
    size_t i;
    json_t *log;
    printf("\n%-36s %-7s %12s %12s %12s %9s\n", "held", "kind", "stored", "cosigned", "judged",
           "refused");
    json_array_foreach(json_object_get(logs, "logs"), i, log) {
        bool own = json_is_true(json_object_get(log, "own"));
        printf("%-36s %-7s %12lld %12lld ", text(log, "origin"), text(log, "kind"),
               number(log, "size"), number(log, own ? "published" : "mirrored"));
        if (json_object_get(log, "judged") != NULL) {
            printf("%12lld %9lld", number(log, "judged"), number(log, "refused"));
        } else {
            printf("%12s %9s", "-", "-");
        }
        printf("%s", json_is_true(json_object_get(log, "silent")) ? "  silent for a day" : "");
        if (json_object_get(log, "unjudged") != NULL) {
            printf("  %lld unjudged: needs a build with kinds table %lld", number(log, "unjudged"),
                   number(log, "table"));
        }
        if (json_object_get(log, "recognised_by") != NULL) {
            printf("  recognised by %s", text(log, "recognised_by"));
        }
        putchar('\n');
    }
}

static void print_health(const json_t *health) {
    size_t i;
    json_t *reason;
    printf("health: %s\n", text(health, "state"));
    json_array_foreach(json_object_get(health, "reasons"), i, reason) {
        printf("  %-9s %s: %s\n", text(reason, "state"), text(reason, "reason"),
               text(reason, "why"));
    }
}

static int show(struct fetcher *fetcher, const char *node, bool as_json) {
    struct refusal why = {.text = ""};
    json_t *status = get(fetcher, node, "/status", &why);
    json_t *logs = status != NULL ? get(fetcher, node, "/logs", &why) : NULL;
    if (logs == NULL) {
        json_decref(status);
        return cli_error("status", CLI_FAILED, "%s", why.text);
    }
    if (as_json) {
        json_object_update(status, logs);
        json_dumpf(status, stdout, JSON_COMPACT | JSON_SORT_KEYS);
        putchar('\n');
    } else {
        printf("node %s: %lld connections, %lld requests\n", text(status, "name"),
               number(status, "connections"), number(status, "requests"));
        print_health(json_object_get(status, "health"));
        print_logs(logs);
        if (json_object_get(status, "log") != NULL) {
            print_own(json_object_get(status, "log"));
        }
    }
    json_decref(status);
    json_decref(logs);
    return CLI_OK;
}

int cmd_status(int argc, char **argv) {
    bool as_json = false;
    int c = 0;
    while ((c = getopt_long(argc, argv, "hj", options, NULL)) != -1) {
        if (c == 'j') {
            as_json = true;
        } else if (c == 'h') {
            return cli_help("status");
        } else {
            return cli_usage("status", "unknown option");
        }
    }
    if (optind + 1 != argc) {
        return cli_usage("status", "give one node's address");
    }
    struct fetcher *fetcher = NULL;
    if (fetcher_open(&fetcher) != STATUS_OK) {
        return cli_error("status", CLI_FAILED, "out of memory");
    }
    int exit_code = show(fetcher, argv[optind], as_json);
    fetcher_close(fetcher);
    return exit_code;
}
