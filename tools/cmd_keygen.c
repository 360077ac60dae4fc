#include "crypto/random.h"
#include "net/keyfile.h"
#include "net/outside.h"
#include "tools/cli.h"

#include <stdio.h>

static const struct option options[] = {
    {"name", required_argument, NULL, 'n'}, {"out", required_argument, NULL, 'o'},
    {"cosigner", no_argument, NULL, 'c'},   {"head", required_argument, NULL, 'd'},
    {"help", no_argument, NULL, 'h'},       {NULL, 0, NULL, 0},
};

static void print_vkey(const struct vkey *key) {
    char text[VKEY_SIZE_MAX];
    struct writer w;
    writer_init(&w, text, sizeof text);
    vkey_format(&w, key);
    printf("%.*s\n", (int)w.len, text);
}

/* The head file of a node that has signed nothing yet: of the log of this name, or, with a
 * cosigner's key, of a node without a log. */
static enum status make_head(const char *path, const char *name, enum vkey_type type,
                             struct refusal *why) {
    static struct guard_record record;
    if (path == NULL) {
        return STATUS_OK;
    }
    guard_record_new(&record, bytes_text(type == VKEY_NOTE ? name : ""));
    return outside_create(path, &record, why);
}

static int generate(const char *name, const char *out, enum vkey_type type, const char *head) {
    uint8_t seed[SIGN_SEED_SIZE];
    struct signer signer;
    struct refusal why = {.text = ""};
    random_fill(seed, sizeof seed);
    enum status status = signer_make(bytes_text(name), type, seed, &signer);
    crypto_wipe(seed, sizeof seed);
    if (status != STATUS_OK) {
        return cli_usage("keygen", "'%s' is no key name: 1 to %d bytes, no space and no '+'", name,
                         NAME_SIZE_MAX);
    }
    status = make_head(head, name, type, &why);
    if (status != STATUS_OK) {
        signer_wipe(&signer);
        return cli_error("keygen",
                         status == STATUS_CONFLICT_USED ? CLI_REFUSED : cli_exit_of(status), "%s",
                         why.text);
    }
    status = keyfile_create(out, &signer, &why);
    if (status == STATUS_OK) {
        print_vkey(&signer.vkey);
    }
    signer_wipe(&signer);
    if (status == STATUS_CONFLICT_USED) {
        return cli_error("keygen", CLI_REFUSED,
                         "%s exists, and a key is never written over: choose another name", out);
    }
    return status == STATUS_OK ? CLI_OK : cli_error("keygen", cli_exit_of(status), "%s", why.text);
}

int cmd_keygen(int argc, char **argv) {
    const char *name = NULL;
    const char *out = NULL;
    const char *head = NULL;
    enum vkey_type type = VKEY_NOTE;
    int c = 0;
    while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
        switch (c) {
        case 'n':
            name = optarg;
            break;
        case 'o':
            out = optarg;
            break;
        case 'c':
            type = VKEY_COSIGNATURE;
            break;
        case 'd':
            head = optarg;
            break;
        case 'h':
            return cli_help("keygen");
        default:
            return cli_usage("keygen", "unknown option");
        }
    }
    if (name == NULL || out == NULL || optind != argc) {
        return cli_usage("keygen", "give --name and --out, and nothing else");
    }
    return generate(name, out, type, head);
}

int cmd_vkey(int argc, char **argv) {
    static const struct option help_only[] = {{"help", no_argument, NULL, 'h'}, {NULL, 0, NULL, 0}};
    int c = 0;
    while ((c = getopt_long(argc, argv, "h", help_only, NULL)) != -1) {
        if (c == 'h') {
            return cli_help("vkey");
        }
        return cli_usage("vkey", "unknown option");
    }
    if (optind + 1 != argc) {
        return cli_usage("vkey", "give one key file");
    }
    struct signer signer;
    struct refusal why = {.text = ""};
    enum status status = keyfile_read(argv[optind], &signer, &why);
    if (status != STATUS_OK) {
        return cli_error("vkey", cli_exit_of(status), "%s", why.text);
    }
    print_vkey(&signer.vkey);
    signer_wipe(&signer);
    return CLI_OK;
}
