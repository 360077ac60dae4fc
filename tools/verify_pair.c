#include "tools/verify_pair.h"

#include "ledger/succession_compare.h"
#include "net/file.h"
#include "tools/cli.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

void verify_pair_add(struct verify_pair *pair, const struct vkey *key) {
    for (size_t i = 0; i < pair->key_count; i++) {
        if (vkey_equal(&pair->keys[i], key)) {
            return;
        }
    }
    if (pair->key_count < VERIFY_PAIR_KEYS_MAX) {
        pair->keys[pair->key_count++] = *key;
    }
}

void verify_pair_add_policy(struct verify_pair *pair, const struct policy *policy) {
    for (size_t i = 0; i < policy->log_count; i++) {
        verify_pair_add(pair, &policy->logs[i].vkey);
    }
    for (size_t i = 0; i < policy->witness_count; i++) {
        verify_pair_add(pair, &policy->witnesses[i].vkey);
    }
}

static void print_found(const struct vkey *accused, const struct evidence *evidence,
                        const char *proved, const char *out, bool json) {
    uint8_t text[VKEY_SIZE_MAX];
    struct writer w;
    writer_init(&w, text, sizeof text);
    vkey_format(&w, accused);
    if (json) {
        const char form[2] = {evidence->form, '\0'};
        json_t *object =
            json_pack("{s:s%,s:b,s:s}", "accused", text, w.len, "contradiction", 1, "form", form);
        char *line = object != NULL ? json_dumps(object, JSON_COMPACT) : NULL;
        puts(line != NULL ? line : "{\"contradiction\":true}"); /* short of memory */
        free(line);
        json_decref(object);
        return;
    }
    printf("CONTRADICTION: evidence (%c) against %s\n  %s\n  key          %.*s\n", evidence->form,
           accused->name, proved, (int)w.len, text);
    if (out != NULL) {
        printf("  evidence     %s: check it with dutylog verify %s --key VKEY, and pass it on\n",
               out, out);
    } else {
        printf("  evidence     not written: add --evidence FILE\n");
    }
}

static int found(const struct vkey *accused, struct bytes file, const char *out, bool json,
                 bool quiet) {
    struct evidence evidence;
    struct refusal why = {.text = ""};
    if (evidence_parse(file, &evidence, &why) != STATUS_OK ||
        evidence_verify(&evidence, accused, &why) != STATUS_OK) {
        return cli_error("verify", CLI_FAILED, "evidence was made and does not verify: %s",
                         why.text);
    }
    struct refusal written = {.text = ""};
    if (out != NULL && file_create(out, file, &written) != STATUS_OK) {
        return cli_error("verify", CLI_FAILED, "%s", written.text);
    }
    if (!quiet) {
        print_found(accused, &evidence, why.text, out, json);
    }
    return CLI_REFUSED;
}

/* True: the two are an event and the end of its log, and that was told. */
static bool tell_succession(const struct receipt *receipts, bool json, bool quiet, int *exit_code) {
    static const struct {
        const char *word;
        const char *text;
    } bearings[] = {
        [SUCCESSION_NOT_BINDING] = {"not_binding",
                                    "NOT ENDED: its own authority did not sign that it did"},
        [SUCCESSION_COVERS] = {"covers", "ended, and the event lies in what goes on"},
        [SUCCESSION_ABANDONS] = {"abandons",
                                 "ABANDONED: the log ended before an event that a quorum holds"},
        [SUCCESSION_FORKS] = {"forks",
                              "CONTRADICTION: the log was ended with another history than this"},
    };
    struct succession_finding found;
    succession_compare(&receipts[0], &receipts[1], &found);
    if (found.bearing == SUCCESSION_UNRELATED) {
        succession_compare(&receipts[1], &receipts[0], &found);
    }
    if (found.bearing == SUCCESSION_UNRELATED) {
        return false;
    }
    if (json) {
        printf("{\"ended_at\":%" PRIu64
               ",\"log\":\"%s\",\"succession\":\"%s\",\"successor\":\"%s\"}\n",
               found.size, found.old, bearings[found.bearing].word, found.successor);
    } else if (!quiet) {
        printf("compared: %s %s\n  ended at     size %" PRIu64 "; the event is entry %" PRIu64
               "\n  successor    %s\n",
               found.old, bearings[found.bearing].text, found.size, found.index, found.successor);
    }
    *exit_code = found.bearing == SUCCESSION_COVERS ? CLI_OK : CLI_REFUSED;
    return true;
}

int verify_pair_compare(struct verify_pair *pair, bool both_good, const char *out, bool json,
                        bool quiet) {
    struct receipt *receipts = calloc(2, sizeof *receipts);
    uint8_t *memory = malloc(EVIDENCE_SIZE_MAX);
    struct refusal why = {.text = ""};
    struct vkey accused;
    struct writer w;
    int exit_code = CLI_OK;
    if (receipts == NULL || memory == NULL) {
        exit_code = cli_error("verify", CLI_FAILED, "out of memory");
        goto done;
    }
    writer_init(&w, memory, EVIDENCE_SIZE_MAX);
    enum status status = receipt_parse(buffer_view(&pair->files[0]), &receipts[0], &why);
    if (status == STATUS_OK) {
        status = receipt_parse(buffer_view(&pair->files[1]), &receipts[1], &why);
    }
    if (status != STATUS_OK) {
        goto done; /* not verified, and told so already */
    }
    if (both_good && tell_succession(receipts, json, quiet, &exit_code)) {
        goto done;
    }
    status = receipt_compare(&receipts[0], &receipts[1], pair->keys, pair->key_count, &accused, &w);
    if (status == STATUS_OK) {
        exit_code = found(&accused, writer_view(&w), out, json, quiet);
    } else if (!json && !quiet) {
        printf("compared: the two receipts do not contradict each other\n");
    } else if (json) {
        printf("{\"contradiction\":false}\n");
    }
done:
    free(memory);
    free(receipts);
    return exit_code;
}
