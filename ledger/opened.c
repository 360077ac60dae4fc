#include "ledger/opened.h"

#include <assert.h>
#include <string.h>

static void read_vkey(const json_t *value, struct vkey *out) {
    const char *text = json_string_value(value);
    assert(text != NULL);
    enum status status = vkey_parse(bytes_text(text), out, NULL);
    assert(status == STATUS_OK); /* event_parse checked every member's type */
}

void opened_of(const struct event *event, struct opened *out) {
    const char *operator_name = event_open_text(event, "operator");
    const json_t *authority = json_object_get(event->open, "authority");
    uint64_t threshold = 0;
    bool has_threshold = event_open_integer(event, "threshold", &threshold);
    assert(event->kind->id == KIND_LOG_OPENED && operator_name != NULL && has_threshold);
    assert(strlen(operator_name) <= OPENED_OPERATOR_MAX); /* the row's maximum, as the next */
    memcpy(out->operator_name, operator_name, strlen(operator_name) + 1);
    read_vkey(json_object_get(event->open, "log_vkey"), &out->log_vkey);
    read_vkey(json_object_get(event->open, "operator_vkey"), &out->operator_vkey);
    out->authority_count = json_array_size(authority);
    assert(out->authority_count <= OPENED_AUTHORITIES_MAX);
    for (size_t i = 0; i < out->authority_count; i++) {
        read_vkey(json_array_get(authority, i), &out->authorities[i]);
    }
    out->threshold = (size_t)threshold;
    assert(threshold >= 1 && threshold <= out->authority_count);
}

const struct vkey *opened_authority(const struct opened *opened, struct bytes name) {
    for (size_t i = 0; i < opened->authority_count; i++) {
        if (bytes_equal(vkey_name(&opened->authorities[i]), name)) {
            return &opened->authorities[i];
        }
    }
    return NULL;
}

size_t opened_replaceable(size_t count, size_t threshold) {
    assert(threshold >= 1 && threshold <= count);
    return count - threshold < threshold - 1 ? count - threshold : threshold - 1;
}
