#include "net/keyfile.h"
#include "tools/cli.h"
#include "tools/succeed.h"

#include <stdio.h>
#include <stdlib.h>

static const struct option options[] = {
    {"mirror", required_argument, NULL, 'm'}, {"successor", required_argument, NULL, 's'},
    {"node", required_argument, NULL, 'n'},   {"reason", required_argument, NULL, 'r'},
    {"key", required_argument, NULL, 'k'},    {"cosign", required_argument, NULL, 'c'},
    {"outbox", required_argument, NULL, 'b'}, {"check", no_argument, NULL, 'x'},
    {"help", no_argument, NULL, 'h'},         {NULL, 0, NULL, 0},
};

struct run {
    struct old_log old;
    struct succeed_making making;
    const char *keys[EVENT_SIGNATURES_MAX]; /* files; the issuer's first */
    size_t cosigners;
    struct signer signers[EVENT_SIGNATURES_MAX];
    bool has_successor;
    bool check;
};

static enum status take_option(struct run *run, int c, struct refusal *why) {
    switch (c) {
    case 'm':
        if (run->old.mirror_count == SUCCEED_MIRRORS_MAX) {
            return refuse(why, STATUS_TOO_LARGE, "at most %d --mirror", SUCCEED_MIRRORS_MAX);
        }
        run->old.mirrors[run->old.mirror_count++].url = optarg;
        return STATUS_OK;
    case 's':
        run->has_successor = true;
        return vkey_parse(bytes_text(optarg), &run->making.successor, why);
    case 'n':
        run->making.node = optarg;
        return STATUS_OK;
    case 'r':
        run->making.reason = optarg;
        return STATUS_OK;
    case 'k':
        run->keys[0] = optarg;
        return STATUS_OK;
    case 'c':
        if (run->cosigners == EVENT_SIGNATURES_MAX - 1) {
            return refuse(why, STATUS_TOO_LARGE, "at most %d --cosign", EVENT_SIGNATURES_MAX - 1);
        }
        run->keys[++run->cosigners] = optarg;
        return STATUS_OK;
    case 'b':
        run->making.outbox = optarg;
        return STATUS_OK;
    case 'x':
        run->check = true;
        return STATUS_OK;
    default:
        return refuse(why, STATUS_BAD_FORM, "unknown option");
    }
}

static enum status check_options(const struct run *run, struct refusal *why) {
    if (run->old.mirror_count == 0 || !run->has_successor || run->making.node == NULL) {
        return refuse(
            why, STATUS_BAD_FORM,
            "give the old log's vkey, its mirrors with --mirror, and the log that goes on "
            "with --successor and --node");
    }
    if (run->making.successor.type != VKEY_NOTE || run->old.vkey.type != VKEY_NOTE) {
        return refuse(why, STATUS_BAD_FORM, "both keys must be logs' verifier keys");
    }
    if (!run->check &&
        (run->keys[0] == NULL || run->making.reason == NULL || run->making.outbox == NULL)) {
        return refuse(
            why, STATUS_BAD_FORM,
            "give the roots' keys with --key and --cosign, a --reason and an --outbox; or "
            "--check");
    }
    return STATUS_OK;
}

static enum status load_keys(struct run *run, struct refusal *why) {
    for (size_t i = 0; i <= run->cosigners; i++) {
        TRY(keyfile_read(run->keys[i], &run->signers[i], why));
        run->making.signers[i] = &run->signers[i];
        run->making.signer_count++;
    }
    return STATUS_OK;
}

static int work(struct run *run) {
    struct refusal why = {.text = ""};
    enum status status = run->check ? STATUS_OK : load_keys(run, &why);
    if (status == STATUS_OK) {
        status = old_log_read(&run->old, &why);
    }
    if (status == STATUS_OK) {
        status = run->check
                     ? succeed_check(&run->old, run->making.node, &run->making.successor, &why)
                     : succeed_prepare(&run->old, &run->making, &why);
    }
    if (status != STATUS_OK) {
        return cli_error("succeed", cli_exit_of(status), "%s", why.text);
    }
    return run->old.wrong == 0 ? CLI_OK : CLI_REFUSED;
}

static int dispatch(struct run *run, int argc, char **argv) {
    struct refusal why = {.text = ""};
    int c = 0;
    enum status status = STATUS_OK;
    while (status == STATUS_OK && (c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
        if (c == 'h') {
            return cli_help("succeed");
        }
        status = take_option(run, c, &why);
    }
    if (status == STATUS_OK) {
        status = optind + 1 == argc ? vkey_parse(bytes_text(argv[optind]), &run->old.vkey, &why)
                                    : refuse(&why, STATUS_BAD_FORM, "give the old log's vkey");
    }
    if (status == STATUS_OK) {
        status = check_options(run, &why);
    }
    return status == STATUS_OK ? work(run) : cli_usage("succeed", "%s", why.text);
}

int cmd_succeed(int argc, char **argv) {
    struct run *run = calloc(1, sizeof *run);
    if (run == NULL) {
        return cli_error("succeed", CLI_FAILED, "out of memory");
    }
    old_log_init(&run->old);
    int exit_code = dispatch(run, argc, argv);
    old_log_release(&run->old);
    for (size_t i = 0; i < EVENT_SIGNATURES_MAX; i++) {
        signer_wipe(&run->signers[i]);
    }
    free(run);
    return exit_code;
}
