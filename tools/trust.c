#include "tools/trust.h"

#include "net/file.h"
#include "tools/cli.h"

int trust_add_root(const char *command, struct verify_trust *trust, const char *text) {
    struct refusal why;
    if (trust->root_count == VERIFY_ROOTS_MAX) {
        return cli_usage(command, "more than %d roots", VERIFY_ROOTS_MAX);
    }
    if (vkey_parse(bytes_text(text), &trust->roots[trust->root_count], &why) != STATUS_OK) {
        return cli_usage(command, "--root %s: %s", text, why.text);
    }
    for (size_t i = 0; i < trust->root_count; i++) {
        if (vkey_equal(&trust->roots[i], &trust->roots[trust->root_count])) {
            return cli_usage(command, "--root %s is given twice: each root counts once", text);
        }
    }
    trust->root_count++;
    return CLI_OK;
}

int trust_load(const char *command, struct verify_trust *trust, const char *path,
               uint64_t threshold, struct buffer *text, struct policy *policy) {
    struct refusal why = {.text = ""};
    if (path != NULL) {
        enum status status = file_read(path, text, &why);
        if (status == STATUS_OK) {
            status = policy_parse(buffer_view(text), policy, &why);
        }
        if (status != STATUS_OK) {
            return cli_error(command, status == STATUS_NOMEM ? CLI_FAILED : CLI_USAGE, "%s: %s",
                             path, why.text);
        }
        trust->policy = policy;
    }
    trust->threshold = threshold != 0 ? threshold : trust->root_count;
    if (trust->threshold > trust->root_count) {
        return cli_usage(command, "--threshold %zu, but %zu roots are given", trust->threshold,
                         trust->root_count);
    }
    return CLI_OK;
}
