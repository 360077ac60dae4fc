/* Acceptance of fork.observed: an accusation enters a log only if its file proves it. It costs
 * signature checks, so that it is done where signatures are verified: on a worker. */
#include "crypto/encoding.h"
#include "ledger/accept_parts.h"
#include "ledger/evidence.h"

#include <assert.h>
#include <string.h>

static enum status check_file(const struct evidence *evidence, const struct vkey *accused,
                              struct bytes origin, struct refusal *why) {
    struct refusal inner = {.text = ""};
    struct bytes found;
    size_t lines = evidence_lines(evidence, accused);
    if (lines > EVIDENCE_LINES_MAX) {
        return refuse(why, STATUS_BAD_MEMBER,
                      "member evidence: %zu signature lines by the accused, at most %d: leave out "
                      "those that prove nothing",
                      lines, EVIDENCE_LINES_MAX);
    }
    enum status status = evidence_verify(evidence, accused, &inner);
    if (status != STATUS_OK) {
        return refuse(why, STATUS_BAD_MEMBER, "member evidence: %.200s", inner.text);
    }
    status = evidence_origin(evidence, &found);
    assert(status == STATUS_OK); /* it was read to be verified */
    if (!bytes_equal(found, origin)) {
        return refuse(why, STATUS_BAD_MEMBER, "member origin: the evidence is of another log");
    }
    return STATUS_OK;
}

enum status accept_verify_evidence(const struct event *event, struct refusal *why) {
    uint8_t file[EVENT_SIZE_MAX];
    size_t len = 0;
    struct evidence evidence;
    struct vkey accused;
    struct refusal inner = {.text = ""};
    const char *text = event_open_text(event, "evidence");
    const char *vkey = event_open_text(event, "vkey");
    const char *origin = event_open_text(event, "origin");
    assert(text != NULL && vkey != NULL && origin != NULL); /* required members of the row */
    bool decoded = base64_decode(text, strlen(text), file, sizeof file, &len);
    enum status parsed = vkey_parse(bytes_text(vkey), &accused, NULL);
    assert(decoded && parsed == STATUS_OK); /* member_check took them */
    if (evidence_parse(bytes_of(file, len), &evidence, &inner) != STATUS_OK) {
        return refuse(why, STATUS_BAD_MEMBER, "member evidence: %.200s", inner.text);
    }
    return check_file(&evidence, &accused, bytes_text(origin), why);
}
