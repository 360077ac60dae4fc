#include "ledger/verify_chain.h"

#include <assert.h>
#include <string.h>

void verify_subject_of(const struct verifier *v, const struct verify_report *report,
                       struct verify_subject *out) {
    const struct receipt_item *last = &v->receipt.items[v->receipt.count - 1];
    struct event event;
    memset(out, 0, sizeof *out);
    out->log = v->opened.log_vkey;
    out->role = report->issuer_role;
    enum status status = event_parse(last->note, &event, NULL);
    assert(status == STATUS_OK); /* it was verified */
    const char *ori = event_open_text(&event, "ori");
    if (ori != NULL) {
        memcpy(out->ori, ori, sizeof out->ori);
    }
    event_release(&event);
}

/* Does the event recognise the subject's log, or one on the way to it, for the subject? */
static enum status check_event(const struct event *event, const struct vkey *log,
                               const struct verify_subject *subject, struct refusal *why) {
    struct recognition_bounds bounds;
    struct vkey named;
    if (event->kind->id != KIND_LOG_RECOGNISED) {
        return refuse(why, STATUS_BAD_KIND, "it is of %s, not of log.recognised",
                      event->kind->name);
    }
    const char *text = event_open_text(event, "log_vkey");
    if (vkey_parse(bytes_text(text), &named, NULL) != STATUS_OK || !vkey_equal(&named, log)) {
        return refuse(why, STATUS_UNKNOWN_LOG, "it recognises %.80s, or another key, and not %s",
                      text, log->name);
    }
    recognition_bounds_of(event, &bounds);
    if (subject->ori[0] != '\0' && !recognition_covers(&bounds, subject->ori)) {
        return refuse(why, STATUS_DENIED_SCOPE, "it recognises %.80s, and not about %s", log->name,
                      subject->ori);
    }
    if ((subject->role & RECOGNITION_ROLES & ~bounds.roles) != 0) {
        return refuse(why, STATUS_DENIED_SCOPE,
                      "it recognises %.80s, and not for signers in the role %s", log->name,
                      role_name(subject->role));
    }
    return STATUS_OK;
}

static enum status check_step(struct verifier *v, const struct vkey *log,
                              const struct verify_subject *subject, struct bytes file,
                              const struct verify_trust *trust, struct verify_report *report,
                              struct refusal *why) {
    struct event event;
    TRY(verify_receipt(v, file, trust, report, why));
    TRY(event_parse(v->receipt.items[v->receipt.count - 1].note, &event, why));
    enum status status = check_event(&event, log, subject, why);
    event_release(&event);
    return status;
}

enum status verify_chain(struct verifier *v, const struct verify_subject *subject,
                         const struct bytes *files, size_t count, const struct verify_trust *trust,
                         struct verify_chain *out, struct refusal *why) {
    static const struct verify_trust by_others = {.by_others = true};
    struct vkey now = subject->log;
    assert(trust->root_count > 0 && count > 0);
    memset(out, 0, sizeof *out);
    if (count > RECOGNITION_DEPTH_MAX) {
        return refuse(why, STATUS_TOO_LARGE, "%zu recognitions, and %d are the most", count,
                      RECOGNITION_DEPTH_MAX);
    }
    for (size_t i = 0; i < count; i++) {
        struct refusal inner = {.text = ""};
        enum status status =
            check_step(v, &now, subject, files[i], i + 1 == count ? trust : &by_others,
                       &out->steps[i], &inner);
        if (status != STATUS_OK) {
            return refuse(why, status, "recognition %zu: %.200s", i + 1, inner.text);
        }
        now = v->opened.log_vkey; /* whose log said so: for the next to recognise */
        out->count++;
    }
    return STATUS_OK;
}
