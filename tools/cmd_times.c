#include "crypto/encoding.h"
#include "tools/cli.h"
#include "tools/times.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct option options[] = {
    {"vkey", required_argument, NULL, 'v'},  {"from", required_argument, NULL, 'f'},
    {"to", required_argument, NULL, 't'},    {"over", required_argument, NULL, 'o'},
    {"basis", required_argument, NULL, 'b'}, {"json", no_argument, NULL, 'j'},
    {"help", no_argument, NULL, 'h'},        {NULL, 0, NULL, 0},
};

struct asked {
    const char *vkey;
    const char *from;
    const char *to;
    bool json;
    struct times times;
};

static enum status take_option(struct asked *a, int c, struct refusal *why) {
    switch (c) {
    case 'v':
        a->vkey = optarg;
        return STATUS_OK;
    case 'f':
        a->from = optarg;
        return STATUS_OK;
    case 't':
        a->to = optarg;
        return STATUS_OK;
    case 'b':
        a->times.basis = optarg;
        return strcmp(optarg, "imported") == 0 || strcmp(optarg, "live") == 0
                   ? STATUS_OK
                   : refuse(why, STATUS_BAD_FORM, "--basis is imported or live");
    case 'o':
        return cli_number(optarg, 0, 1000000, &a->times.over)
                   ? STATUS_OK
                   : refuse(why, STATUS_BAD_FORM, "--over takes a number of days");
    case 'j':
        a->json = true;
        return STATUS_OK;
    default:
        return refuse(why, STATUS_BAD_FORM, "unknown option");
    }
}

static enum status check(struct asked *a, struct refusal *why) {
    if (a->vkey == NULL || a->from == NULL || a->to == NULL) {
        return refuse(why, STATUS_BAD_FORM,
                      "give the log's --vkey, and --from and --to as KIND:MEMBER");
    }
    TRY(vkey_parse(bytes_text(a->vkey), &a->times.vkey, why));
    TRY(times_point_parse(a->from, &a->times.from, why));
    return times_point_parse(a->to, &a->times.to, why);
}

/* What the days are worth. */
static const char *label_of(const struct times *t) {
    return strcmp(t->basis, "imported") == 0 ? "claimed" : "stated";
}

static void print(const struct times *t) {
    char root[BASE64_LEN(HASH_SIZE) + 1];
    root[base64_encode(root, t->root.bytes, HASH_SIZE)] = '\0';
    printf("days from %s:%s to %s:%s, %s\n", t->from.kind->name, t->from.member, t->to.kind->name,
           t->to.member, label_of(t));
    printf("  %s\n", strcmp(t->basis, "imported") == 0
                         ? "by the days that imported records claim; nothing confirms them"
                         : "by the days that the events state; when they were logged is another "
                           "matter");
    printf("  %-26s %s\n", "log", t->origin);
    printf("  %-26s %" PRIu64 ", root %s\n", "checkpoint of size", t->size, root);
    printf("  %-26s %10" PRIu64 "\n", "cases", t->cases);
    printf("  %-26s %10" PRIu64 "\n", "  with both days", t->usable);
    printf("  %-26s %10" PRIu64 "\n", "  end before beginning", t->backwards);
    printf("  %-26s %10" PRIu64 "\n", "  no end", t->no_end);
    printf("  %-26s %10" PRIu64 "\n", "  no beginning", t->no_start);
    printf("  %-26s %10" PRIu64 "\n", "corrected events left out", t->corrected);
    if (t->usable > 0) {
        printf("  %-26s %10" PRIu64 "%s\n", "median days", t->twice_median / 2,
               t->twice_median % 2 == 1 ? ".5" : "");
        char label[40];
        snprintf(label, sizeof label, "over %" PRIu64 " days", t->over);
        printf("  %-26s %10" PRIu64 ", %.1f %%\n", label, t->longer,
               100.0 * (double)t->longer / (double)t->usable);
    }
}

static void print_json(const struct times *t) {
    char root[HEX_LEN(HASH_SIZE)];
    hex_encode(root, t->root.bytes, HASH_SIZE);
    json_t *checkpoint = json_pack("{s:s, s:s%, s:I}", "origin", t->origin, "root", root,
                                   sizeof root, "size", (json_int_t)t->size);
    json_t *all = json_pack(
        "{s:I, s:s, s:I, s:o, s:I, s:s, s:I, s:I, s:I, s:I, s:I}", "backwards",
        (json_int_t)t->backwards, "basis", t->basis, "cases", (json_int_t)t->cases, "checkpoint",
        checkpoint, "corrected", (json_int_t)t->corrected, "days", label_of(t), "longer",
        (json_int_t)t->longer, "no_end", (json_int_t)t->no_end, "no_start", (json_int_t)t->no_start,
        "over", (json_int_t)t->over, "usable", (json_int_t)t->usable);
    json_object_set_new(all, "from", json_sprintf("%s:%s", t->from.kind->name, t->from.member));
    json_object_set_new(all, "to", json_sprintf("%s:%s", t->to.kind->name, t->to.member));
    if (t->usable > 0) {
        json_object_set_new(all, "median", json_real((double)t->twice_median / 2));
    }
    char *text = json_dumps(all, JSON_INDENT(1) | JSON_SORT_KEYS | JSON_REAL_PRECISION(12));
    puts(text != NULL ? text : "{}");
    free(text);
    json_decref(all);
}

static int run(struct asked *a) {
    struct refusal why = {.text = ""};
    enum status status = times_run(&a->times, &why);
    if (status != STATUS_OK) {
        return cli_error("times", cli_exit_of(status), "%s", why.text);
    }
    if (a->json) {
        print_json(&a->times);
    } else {
        print(&a->times);
    }
    return a->times.wrong == 0
               ? CLI_OK
               : cli_error("times", CLI_REFUSED, "the log is not what it should be: see above");
}

int cmd_times(int argc, char **argv) {
    struct refusal why = {.text = ""};
    struct asked a = {.times = {.basis = "imported", .over = 180}};
    enum status status = STATUS_OK;
    int c = 0;
    while (status == STATUS_OK && (c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
        if (c == 'h') {
            return cli_help("times");
        }
        status = take_option(&a, c, &why);
    }
    if (status == STATUS_OK && optind + 1 != argc) {
        status = refuse(&why, STATUS_BAD_FORM, "give the log's address");
    }
    if (status == STATUS_OK) {
        status = check(&a, &why);
    }
    if (status != STATUS_OK) {
        return cli_usage("times", "%s", why.text);
    }
    a.times.url = argv[optind];
    int exit_code = run(&a);
    times_release(&a.times);
    return exit_code;
}
