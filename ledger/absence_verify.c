/* An absence file as a whole: what the two receipts show, and whether the rest follows. */
#include "ledger/absence.h"
#include "ledger/json.h"
#include "ledger/member.h"

#include <assert.h>
#include <string.h>

static void take_text(const struct event *event, const char *name, char *out, size_t size) {
    const char *text = event_open_text(event, name);
    assert(text != NULL && strlen(text) < size); /* a required member of the row, with its limit */
    memcpy(out, text, strlen(text) + 1);
}

static void take_hash(const struct event *event, const char *name, struct hash *out) {
    bool good = bytes_hex_to_hash(jcs_text(json_object_get(event->open, name)), out);
    assert(good);
}

void observed_of(const struct event *event, struct observed *out) {
    assert(event->kind->id == KIND_LIST_OBSERVED);
    take_text(event, "list", out->list, sizeof out->list);
    take_text(event, "observed", out->observed, sizeof out->observed);
    take_text(event, "address", out->address, sizeof out->address);
    take_hash(event, "file", &out->file);
    take_hash(event, "keys", &out->keys);
    take_hash(event, "root", &out->root);
    bool counted = event_open_integer(event, "count", &out->count);
    assert(counted);
}

/* Nobody has seen what was published after it was logged. A day more is allowed: the clock is the
 * observer's. */
static enum status check_time(const struct observed *list, const struct verify_report *report,
                              size_t number, struct refusal *why) {
    if (date_to_days(list->observed) <= report->confirmed_ms / DAY_MS + 1) {
        return STATUS_OK;
    }
    return refuse(why, STATUS_BAD_MEMBER,
                  "receipt %zu: observed at %s, it says, over a day after it was in the log",
                  number + 1, list->observed);
}

/* One receipt: verified, and of a list.observed. */
static enum status verify_part(struct verifier *verifier, struct bytes file,
                               const struct verify_trust *trust, size_t number,
                               struct absence_report *out, struct refusal *why) {
    struct refusal reason = {.text = ""};
    struct receipt receipt;
    struct event event;
    enum status status = verify_receipt(verifier, file, trust, &out->receipts[number], &reason);
    if (status != STATUS_OK) {
        return refuse(why, status, "receipt %zu: %s", number + 1, reason.text);
    }
    TRY(receipt_parse(file, &receipt, why));
    TRY(event_parse(receipt.items[receipt.count - 1].note, &event, why));
    if (event.kind->id == KIND_LIST_OBSERVED) {
        observed_of(&event, &out->lists[number]);
        status = check_time(&out->lists[number], &out->receipts[number], number, why);
    } else {
        status = refuse(why, STATUS_BAD_MEMBER, "receipt %zu is of %s, not of list.observed",
                        number + 1, event.kind->name);
    }
    event_release(&event);
    return status;
}

enum status absence_verify(struct verifier *verifier, struct bytes file,
                           const struct verify_trust *trust, struct absence *absence,
                           struct absence_report *out, struct refusal *why) {
    TRY(absence_parse(file, absence, why));
    TRY(verify_part(verifier, absence->receipts[0], trust, 0, out, why));
    TRY(verify_part(verifier, absence->receipts[1], trust, 1, out, why));
    return absence_check(absence, out->lists, why);
}
