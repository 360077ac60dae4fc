#include "tools/cli.h"
#include "tools/passphrase.h"

static const struct option options[] = {
    {"new", required_argument, NULL, 'n'},
    {"memory", required_argument, NULL, 'm'},
    {"remove", no_argument, NULL, 'r'},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

static int change(const char *path, const char *file, bool remove, const struct lock_cost *cost) {
    struct signer signer;
    struct buffer passphrase;
    struct refusal why = {.text = ""};
    enum status status = keyfile_read(path, &signer, &why);
    if (status != STATUS_OK) {
        return cli_error("passphrase", cli_exit_of(status), "%s", why.text);
    }
    buffer_init(&passphrase, PASSPHRASE_SIZE_MAX + 2);
    if (!remove) {
        status = passphrase_new(file, &signer.vkey, &passphrase, &why);
    }
    if (status == STATUS_OK) {
        status = keyfile_replace(path, &signer, cost, buffer_view(&passphrase), &why);
    }
    buffer_wipe(&passphrase);
    signer_wipe(&signer);
    return status == STATUS_OK ? CLI_OK
                               : cli_error("passphrase", cli_exit_of(status), "%s", why.text);
}

int cmd_passphrase(int argc, char **argv) {
    struct lock_cost cost = {.passes = LOCK_PASSES_DEFAULT, .memory_kib = LOCK_MEMORY_DEFAULT_KIB};
    const char *file = NULL;
    bool remove = false;
    uint64_t mib = 0;
    int c = 0;
    while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
        switch (c) {
        case 'n':
            file = optarg;
            break;
        case 'm':
            if (!cli_number(optarg, LOCK_MEMORY_MIN_KIB / 1024, LOCK_MEMORY_MAX_KIB / 1024, &mib)) {
                return cli_usage("passphrase", "--memory takes %d to %d MiB",
                                 LOCK_MEMORY_MIN_KIB / 1024, LOCK_MEMORY_MAX_KIB / 1024);
            }
            cost.memory_kib = (uint32_t)mib * 1024;
            break;
        case 'r':
            remove = true;
            break;
        case 'h':
            return cli_help("passphrase");
        default:
            return cli_usage("passphrase", "unknown option");
        }
    }
    if (optind + 1 != argc || (remove && file != NULL)) {
        return cli_usage("passphrase", "give one key file, and --new FILE or --remove, not both");
    }
    return change(argv[optind], file, remove, &cost);
}
