#include "tools/verify_by.h"

#include "net/buffer.h"
#include "net/file.h"
#include "tools/cli.h"

#include <assert.h>
#include <inttypes.h>

enum status verify_by(struct verifier *verifier, const struct verify_subject *subject,
                      const char *const *paths, size_t count, const struct verify_trust *trust,
                      struct verify_chain *out, struct refusal *why) {
    struct buffer contents[RECOGNITION_DEPTH_MAX];
    struct bytes files[RECOGNITION_DEPTH_MAX];
    enum status status = STATUS_OK;
    assert(count <= RECOGNITION_DEPTH_MAX);
    for (size_t i = 0; i < count; i++) {
        buffer_init(&contents[i], RECEIPT_SIZE_MAX);
    }
    for (size_t i = 0; status == STATUS_OK && i < count; i++) {
        status = file_read(paths[i], &contents[i], why);
        files[i] = buffer_view(&contents[i]);
    }
    if (status == STATUS_OK) {
        status = verify_chain(verifier, subject, files, count, trust, out, why);
    }
    for (size_t i = 0; i < count; i++) {
        buffer_clear(&contents[i]);
    }
    return status;
}

void verify_by_print(FILE *out, const struct verify_chain *chain, const char *origin,
                     const struct verify_trust *trust) {
    for (size_t i = 0; i < chain->count; i++) {
        const struct verify_report *step = &chain->steps[i];
        char when[21];
        cli_time(step->confirmed_ms / 1000, when);
        fprintf(out, "  %-12s %s, run by %s, recognised %s (entry %" PRIu64 ", confirmed %s)\n",
                i == 0 ? "recognised" : "", step->origin, step->operator_name,
                i == 0 ? origin : chain->steps[i - 1].origin, step->index, when);
    }
    const struct verify_report *last = &chain->steps[chain->count - 1];
    fprintf(out, "  roots        %zu of the %zu you pinned signed the opening of %s\n",
            last->roots_signed, trust->root_count, last->origin);
}

json_t *verify_by_json(const struct verify_chain *chain) {
    json_t *list = json_array();
    for (size_t i = 0; i < chain->count; i++) {
        const struct verify_report *step = &chain->steps[i];
        json_array_append_new(list,
                              json_pack("{s:s, s:I, s:I, s:s}", "by", step->origin, "confirmed_ms",
                                        (json_int_t)step->confirmed_ms, "index",
                                        (json_int_t)step->index, "operator", step->operator_name));
    }
    return list;
}
