#include "ledger/opened.h"

#include "ledger/policy.h"
#include "ledger/tree.h"

#include <assert.h>
#include <string.h>

static enum status read_vkey(const struct event *event, const char *member, struct vkey *out,
                             struct refusal *why) {
    const char *text = event_open_text(event, member);
    assert(text != NULL); /* required members of the row: event_parse saw to them */
    return vkey_parse(bytes_text(text), out, why);
}

static enum status read_authorities(const struct event *event, struct opened *out,
                                    struct refusal *why) {
    const json_t *list = json_object_get(event->open, "authority");
    uint64_t threshold = 0;
    bool has = event_open_integer(event, "threshold", &threshold);
    size_t count = json_array_size(list);
    assert(has && count >= 1);
    if (count > sizeof out->authorities / sizeof out->authorities[0]) {
        return refuse(why, STATUS_BAD_MEMBER, "member authority: at most %zu keys",
                      sizeof out->authorities / sizeof out->authorities[0]);
    }
    if (threshold < 1 || threshold > count || threshold > OPENED_AUTHORITIES_MAX) {
        return refuse(why, STATUS_BAD_MEMBER,
                      "member threshold: from 1 to the number of authorities, and at most %d",
                      OPENED_AUTHORITIES_MAX);
    }
    for (size_t i = 0; i < count; i++) {
        const char *text = json_string_value(json_array_get(list, i));
        assert(text != NULL);
        TRY(vkey_parse(bytes_text(text), &out->authorities[i], why));
        struct bytes name = vkey_name(&out->authorities[i]);
        bool taken = bytes_equal(name, vkey_name(&out->operator_vkey));
        for (size_t j = 0; j < i && !taken; j++) {
            taken = bytes_equal(name, vkey_name(&out->authorities[j]));
        }
        if (taken) {
            return refuse(why, STATUS_BAD_MEMBER,
                          "member authority: two keys are named %s: every key has its own name",
                          out->authorities[i].name);
        }
    }
    out->authority_count = count;
    out->threshold = (size_t)threshold;
    return STATUS_OK;
}

enum status opened_of(const struct event *event, struct opened *out, struct refusal *why) {
    const char *operator_name = event_open_text(event, "operator");
    assert(strcmp(event->kind->name, "log.opened") == 0 && operator_name != NULL);
    if (strlen(operator_name) >= sizeof out->operator_name) {
        return refuse(why, STATUS_BAD_MEMBER, "member operator: at most %zu bytes",
                      sizeof out->operator_name - 1);
    }
    memcpy(out->operator_name, operator_name, strlen(operator_name) + 1);
    TRY(read_vkey(event, "log_vkey", &out->log_vkey, why));
    TRY(read_vkey(event, "operator_vkey", &out->operator_vkey, why));
    if (!bytes_equal(vkey_name(&out->log_vkey), event->log)) {
        return refuse(why, STATUS_BAD_MEMBER, "member log_vkey: its name must be the log's origin");
    }
    if (!bytes_equal(vkey_name(&out->operator_vkey), event->issuer)) {
        return refuse(why, STATUS_BAD_MEMBER,
                      "member operator_vkey: its name must be the issuer's");
    }
    return read_authorities(event, out, why);
}

enum status opened_read(struct store_txn *txn, uint32_t log, struct opened *out) {
    struct bytes entry;
    struct bytes note;
    uint64_t received_ms = 0;
    struct event event;
    TRY(tree_entry(txn, log, 0, &entry));
    if (entry_parse(entry, &received_ms, &note, NULL) != STATUS_OK ||
        event_parse(note, &event, NULL) != STATUS_OK) {
        return STATUS_STORE_CORRUPT;
    }
    enum status status = STATUS_STORE_CORRUPT;
    if (strcmp(event.kind->name, "log.opened") == 0) {
        status = opened_of(&event, out, NULL);
    }
    event_release(&event);
    return status == STATUS_OK ? STATUS_OK : STATUS_STORE_CORRUPT;
}

const struct vkey *opened_authority(const struct opened *opened, struct bytes name) {
    for (size_t i = 0; i < opened->authority_count; i++) {
        if (bytes_equal(vkey_name(&opened->authorities[i]), name)) {
            return &opened->authorities[i];
        }
    }
    return NULL;
}

void opened_operators(const struct event *policy_event, const struct policy *policy,
                      struct bytes *operators) {
    const json_t *map = json_object_get(policy_event->open, "operators");
    for (size_t i = 0; i < policy->witness_count; i++) {
        char name[NAME_SIZE_MAX + 1];
        const char *operator_name = NULL;
        if (policy->witnesses[i].name.len < sizeof name) {
            memcpy(name, policy->witnesses[i].name.data, policy->witnesses[i].name.len);
            name[policy->witnesses[i].name.len] = '\0';
            operator_name = json_string_value(json_object_get(map, name));
        }
        operators[i] = bytes_text(operator_name != NULL ? operator_name : "");
    }
}
