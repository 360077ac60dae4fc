/* dutylog rotate: another key in the place of one, with its scope: a key.rotated by whoever
 * enrolled it, or by a root. */
#include "ledger/kind.h"
#include "net/keyfile.h"
#include "tools/cli.h"
#include "tools/log_read.h"
#include "tools/make_event.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct option options[] = {
    {"vkey", required_argument, NULL, 'v'},
    {"node", required_argument, NULL, 'n'},
    {"to", required_argument, NULL, 't'},
    {"key", required_argument, NULL, 'k'},
    {"reason", required_argument, NULL, 'r'},
    {"since", required_argument, NULL, 's'},
    {"outbox", required_argument, NULL, 'b'},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

struct rotating {
    const char *name; /* of the key that goes */
    const char *to;   /* vkey of the one that comes */
    const char *node;
    const char *key;
    const char *reason;
    const char *since;
    const char *outbox_folder;
    struct log_read read;
    struct vkey log;
    bool has_log;
    uint64_t wrong;
    json_t *enrolment; /* members of what made `name` known; then of what takes it back */
    struct signer signer;
    struct outbox outbox;
    struct place place;
};

static void wrong(void *context, const char *text) {
    struct rotating *r = context;
    r->wrong++;
    cli_error("rotate", CLI_REFUSED, "%s", text);
}

static enum status keep_enrolment(void *context, uint64_t index, const struct event *event) {
    struct rotating *r = context;
    struct vkey key;
    (void)index;
    if (!kind_enrols(event->kind)) {
        return STATUS_OK;
    }
    enum status status = vkey_parse(bytes_text(event_open_text(event, "vkey")), &key, NULL);
    if (status != STATUS_OK || strcmp(key.name, r->name) != 0) {
        return STATUS_OK; /* it was accepted, so the vkey is one */
    }
    r->enrolment = json_deep_copy(event->open);
    return r->enrolment != NULL ? STATUS_OK : STATUS_NOMEM;
}

/* What the key may sign comes from the log, read whole and verified: not from the node's word,
 * since it is signed again. */
static enum status find_scope(struct rotating *r, struct refusal *why) {
    struct issuer issuer;
    log_read_init(&r->read, &r->log, LOG_EVENTS);
    r->read.url = r->node;
    r->read.what = "log";
    r->read.context = r;
    r->read.wrong = wrong;
    r->read.accepted = keep_enrolment;
    TRY(log_read_checkpoint(&r->read, why));
    TRY(log_read_entries(&r->read, why));
    if (r->wrong > 0) {
        return refuse(why, STATUS_BAD_PROOF, "the log does not verify: nothing is made");
    }
    if (r->read.unjudged > 0) {
        return refuse(why, STATUS_UNJUDGED, "nothing is made: %s", r->read.lacks.text);
    }
    enum status status = issuer_find(r->read.txn, r->read.log.number, bytes_text(r->name), &issuer);
    if (status == STATUS_NOT_FOUND || r->enrolment == NULL) {
        return refuse(why, STATUS_NOT_FOUND, "%s is not enrolled in %s", r->name, r->log.name);
    }
    TRY(status);
    return issuer.revoked_at == 0 ? STATUS_OK
                                  : refuse(why, STATUS_DENIED_KEY,
                                           "%s is revoked already: enrol the new key with "
                                           "dutylog event key.enrolled",
                                           r->name);
}

static void show_scope(const struct rotating *r) {
    char *scope = json_dumps(r->enrolment, JSON_COMPACT | JSON_SORT_KEYS);
    printf("%s, enrolled so:\n  %s\n", r->name, scope != NULL ? scope : "");
    free(scope);
}

static enum status make_rotation(struct rotating *r, struct refusal *why) {
    const struct signer *signers[1] = {&r->signer};
    json_t *open = r->enrolment;
    json_object_del(open, "after"); /* the fresh key begins at 1 */
    json_object_del(open, "since"); /* of the key that the old one took the place of */
    if (json_object_set_new(open, "vkey", json_string(r->to)) != 0 ||
        json_object_set_new(open, "key", json_string(r->name)) != 0 ||
        json_object_set_new(open, "reason", json_string(r->reason)) != 0 ||
        (r->since != NULL && json_object_set_new(open, "since", json_string(r->since)) != 0)) {
        return refuse(why, STATUS_NOMEM, "out of memory");
    }
    return make_event_into(&r->outbox, &r->place, "key.rotated", open, signers, 1, why);
}

static enum status rotate(struct rotating *r, struct refusal *why) {
    TRY(keyfile_read(r->key, &r->signer, why));
    TRY(outbox_open(&r->outbox, r->outbox_folder, why));
    TRY(find_scope(r, why));
    show_scope(r);
    memcpy(r->place.log, r->log.name, r->log.name_len + 1);
    TRY(place_from_node(&r->place, r->node, vkey_name(&r->signer.vkey), why));
    TRY(place_from_outbox(&r->place, &r->outbox, vkey_name(&r->signer.vkey), why));
    TRY(make_rotation(r, why));
    printf("written to %s: key.rotated. Send it with dutylog submit\n", r->outbox_folder);
    return STATUS_OK;
}

static enum status take_option(struct rotating *r, int c, struct refusal *why) {
    switch (c) {
    case 'v':
        r->has_log = true;
        return vkey_parse(bytes_text(optarg), &r->log, why);
    case 'n':
        r->node = optarg;
        return STATUS_OK;
    case 't':
        r->to = optarg;
        return STATUS_OK;
    case 'k':
        r->key = optarg;
        return STATUS_OK;
    case 'r':
        r->reason = optarg;
        return STATUS_OK;
    case 's':
        r->since = optarg;
        return STATUS_OK;
    case 'b':
        r->outbox_folder = optarg;
        return STATUS_OK;
    default:
        return refuse(why, STATUS_BAD_FORM, "unknown option");
    }
}

static int run(struct rotating *r, int argc, char **argv) {
    struct refusal why = {.text = ""};
    struct vkey to;
    enum status status = STATUS_OK;
    int c = 0;
    while (status == STATUS_OK && (c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
        if (c == 'h') {
            return cli_help("rotate");
        }
        status = take_option(r, c, &why);
    }
    if (status == STATUS_OK && (optind + 1 != argc || !r->has_log || r->node == NULL ||
                                r->key == NULL || r->to == NULL || r->outbox_folder == NULL)) {
        status = refuse(&why, STATUS_BAD_FORM,
                        "give the name of the key that goes, and --to, --vkey, --node, --key and "
                        "--outbox");
    }
    if (status == STATUS_OK) {
        status = vkey_parse(bytes_text(r->to), &to, &why);
    }
    if (status != STATUS_OK) {
        return cli_usage("rotate", "%s", why.text);
    }
    r->name = argv[optind];
    status = rotate(r, &why);
    return status == STATUS_OK ? CLI_OK : cli_error("rotate", cli_exit_of(status), "%s", why.text);
}

int cmd_rotate(int argc, char **argv) {
    struct rotating *r = calloc(1, sizeof *r);
    if (r == NULL) {
        return cli_error("rotate", CLI_FAILED, "out of memory");
    }
    r->reason = "retired";
    r->outbox.lock = -1;
    int exit_code = run(r, argc, argv);
    log_read_release(&r->read);
    json_decref(r->enrolment);
    outbox_close(&r->outbox);
    signer_wipe(&r->signer);
    free(r);
    return exit_code;
}
