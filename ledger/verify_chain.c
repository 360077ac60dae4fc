#include "ledger/verify_chain.h"

#include <assert.h>
#include <string.h>

/* Does the receipt's event, which was verified, recognise this log? */
static enum status check_names(const struct verifier *v, const struct vkey *log,
                               struct refusal *why) {
    const struct receipt_item *last = &v->receipt.items[v->receipt.count - 1];
    struct event event;
    struct vkey named;
    TRY(event_parse(last->note, &event, why));
    const char *text =
        event.kind->id == KIND_LOG_RECOGNISED ? event_open_text(&event, "log_vkey") : NULL;
    enum status status = STATUS_OK;
    if (text == NULL) {
        status =
            refuse(why, STATUS_BAD_KIND, "it is of %s, not of log.recognised", event.kind->name);
    } else if (vkey_parse(bytes_text(text), &named, NULL) != STATUS_OK ||
               !vkey_equal(&named, log)) {
        status = refuse(why, STATUS_UNKNOWN_LOG, "it recognises %.80s, or another key, and not %s",
                        text, log->name);
    }
    event_release(&event);
    return status;
}

static enum status check_step(struct verifier *v, const struct vkey *log, struct bytes file,
                              const struct verify_trust *trust, struct verify_report *report,
                              struct refusal *why) {
    TRY(verify_receipt(v, file, trust, report, why));
    return check_names(v, log, why);
}

enum status verify_chain(struct verifier *v, const struct vkey *log, const struct bytes *files,
                         size_t count, const struct verify_trust *trust, struct verify_chain *out,
                         struct refusal *why) {
    static const struct verify_trust by_others = {.by_others = true};
    struct vkey now = *log;
    assert(trust->root_count > 0 && count > 0);
    memset(out, 0, sizeof *out);
    if (count > RECOGNITION_DEPTH_MAX) {
        return refuse(why, STATUS_TOO_LARGE, "%zu recognitions, and %d are the most", count,
                      RECOGNITION_DEPTH_MAX);
    }
    for (size_t i = 0; i < count; i++) {
        struct refusal inner = {.text = ""};
        enum status status = check_step(v, &now, files[i], i + 1 == count ? trust : &by_others,
                                        &out->steps[i], &inner);
        if (status != STATUS_OK) {
            return refuse(why, status, "recognition %zu: %.200s", i + 1, inner.text);
        }
        now = v->opened.log_vkey; /* whose log said so: for the next to recognise */
        out->count++;
    }
    return STATUS_OK;
}
