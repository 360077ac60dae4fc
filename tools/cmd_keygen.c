#include "crypto/random.h"
#include "net/keyfile.h"
#include "net/outside.h"
#include "tools/cli.h"
#include "tools/passphrase.h"

#include <stdio.h>

static const struct option options[] = {
    {"name", required_argument, NULL, 'n'},
    {"out", required_argument, NULL, 'o'},
    {"cosigner", no_argument, NULL, 'c'},
    {"head", required_argument, NULL, 'd'},
    {"lock", no_argument, NULL, 'l'},
    {"new", required_argument, NULL, 'p'},
    {"memory", required_argument, NULL, 'm'},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

struct generating {
    const char *name;
    const char *out;
    const char *head;
    enum vkey_type type;
    bool lock;
    const char *passphrase; /* its file; NULL: a person is asked */
    struct lock_cost cost;
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

static enum status write_key(const struct generating *g, const struct signer *signer,
                             struct refusal *why) {
    struct buffer passphrase;
    if (!g->lock) {
        return keyfile_create(g->out, signer, why);
    }
    buffer_init(&passphrase, PASSPHRASE_SIZE_MAX + 2);
    enum status status = passphrase_new(g->passphrase, &signer->vkey, &passphrase, why);
    if (status == STATUS_OK) {
        status = keyfile_create_locked(g->out, signer, &g->cost, buffer_view(&passphrase), why);
    }
    buffer_wipe(&passphrase);
    return status;
}

static int generate(const struct generating *g) {
    uint8_t seed[SIGN_SEED_SIZE];
    struct signer signer;
    struct refusal why = {.text = ""};
    random_fill(seed, sizeof seed);
    enum status status = signer_make(bytes_text(g->name), g->type, seed, &signer);
    crypto_wipe(seed, sizeof seed);
    if (status != STATUS_OK) {
        return cli_usage("keygen", "'%s' is no key name: 1 to %d bytes, no space and no '+'",
                         g->name, NAME_SIZE_MAX);
    }
    status = make_head(g->head, g->name, g->type, &why);
    if (status != STATUS_OK) {
        signer_wipe(&signer);
        return cli_error("keygen",
                         status == STATUS_CONFLICT_USED ? CLI_REFUSED : cli_exit_of(status), "%s",
                         why.text);
    }
    status = write_key(g, &signer, &why);
    if (status == STATUS_OK) {
        print_vkey(&signer.vkey);
    }
    signer_wipe(&signer);
    if (status == STATUS_CONFLICT_USED) {
        return cli_error("keygen", CLI_REFUSED,
                         "%s exists, and a key is never written over: choose another name", g->out);
    }
    return status == STATUS_OK ? CLI_OK : cli_error("keygen", cli_exit_of(status), "%s", why.text);
}

static int take_option(struct generating *g, int c) {
    uint64_t mib = 0;
    switch (c) {
    case 'n':
        g->name = optarg;
        return CLI_OK;
    case 'o':
        g->out = optarg;
        return CLI_OK;
    case 'c':
        g->type = VKEY_COSIGNATURE;
        return CLI_OK;
    case 'd':
        g->head = optarg;
        return CLI_OK;
    case 'l':
        g->lock = true;
        return CLI_OK;
    case 'p':
        g->lock = true;
        g->passphrase = optarg;
        return CLI_OK;
    case 'm':
        if (!cli_number(optarg, LOCK_MEMORY_MIN_KIB / 1024, LOCK_MEMORY_MAX_KIB / 1024, &mib)) {
            return cli_usage("keygen", "--memory takes %d to %d MiB", LOCK_MEMORY_MIN_KIB / 1024,
                             LOCK_MEMORY_MAX_KIB / 1024);
        }
        g->cost.memory_kib = (uint32_t)mib * 1024;
        return CLI_OK;
    default:
        return cli_usage("keygen", "unknown option");
    }
}

int cmd_keygen(int argc, char **argv) {
    struct generating g = {
        .type = VKEY_NOTE,
        .cost = {.passes = LOCK_PASSES_DEFAULT, .memory_kib = LOCK_MEMORY_DEFAULT_KIB}};
    int c = 0;
    while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
        if (c == 'h') {
            return cli_help("keygen");
        }
        int exit_code = take_option(&g, c);
        if (exit_code != CLI_OK) {
            return exit_code;
        }
    }
    if (g.name == NULL || g.out == NULL || optind != argc) {
        return cli_usage("keygen", "give --name and --out, and nothing else");
    }
    return generate(&g);
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
