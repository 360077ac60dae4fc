#include "ledger/verify.h"

#include "ledger/confirm.h"
#include "ledger/issuer.h"
#include "ledger/lodged.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

/* A root that took another's place. */
struct replacement {
    uint64_t index;
    char key[NAME_SIZE_MAX + 1]; /* whose */
    struct vkey fresh;
    bool of_opening; /* that one opened the log */
};

/* A verification under way: the arguments, so that each step below reads as one sentence. */
struct work {
    struct verifier *v;
    struct replacement replaced[ROOTS_REPLACED_MAX]; /* by the items, in the order of the log */
    size_t replaced_count;
    const struct verify_trust *trust;
    struct verify_report *report;
    struct refusal *why;
    uint64_t times[POLICY_WITNESSES_MAX]; /* of the last checkpoint checked */
};

static void copy_name(char *out, size_t cap, struct bytes name) {
    size_t len = name.len < cap ? name.len : cap - 1;
    memcpy(out, name.data, len);
    out[len] = '\0';
}

/* --- items --- */

/* The leaf is the received line and the note. The line travels as the proof's extra data, which
 * nothing vouches for until the leaf hash built from it is found under the root. */
static enum status prove_leaf(struct work *w, size_t which, const struct event *event) {
    const struct proof *proof = &w->v->proof;
    struct bytes note = w->v->receipt.items[which].note;
    struct bytes found;
    struct hash leaf;
    uint8_t entry[EVENT_SIZE_MAX + PROOF_EXTRA_MAX];
    struct writer e;
    writer_init(&e, entry, sizeof entry);
    writer_put(&e, proof->extra, proof->extra_len);
    writer_bytes(&e, note);
    TRY(writer_status(&e));
    TRY(entry_parse(writer_view(&e), &w->report->received_ms, &found, w->why));
    if (found.len != note.len) {
        return refuse(w->why, STATUS_BAD_FORM,
                      "item %zu: the proof's extra is not one received line", which);
    }
    hash_leaf(e.data, e.len, &leaf);
    if (proof_check_inclusion(proof, &leaf) != STATUS_OK) {
        return refuse(w->why, STATUS_BAD_PROOF,
                      "item %zu (%s): the entry is not in the checkpoint's tree", which,
                      event->kind->name);
    }
    if (!bytes_equal(event->log, proof->checkpoint.origin)) {
        return refuse(w->why, STATUS_BAD_LOG,
                      "item %zu (%s): meant for another log than the one it is in", which,
                      event->kind->name);
    }
    return STATUS_OK;
}

/* Parses item `which` and proves that it is entry `proof.index` of the checkpoint in its proof. On
 * OK the caller releases the event. */
static enum status read_item(struct work *w, size_t which, struct event *event) {
    TRY(proof_parse(w->v->receipt.items[which].proof, &w->v->proof, w->why));
    TRY(event_parse(w->v->receipt.items[which].note, event, w->why));
    enum status status = prove_leaf(w, which, event);
    if (status != STATUS_OK) {
        event_release(event);
    }
    return status;
}

/* --- signatures --- */

/* True if signature line `line` of the event is by `key` and verifies. */
static bool line_is_good(const struct event *event, size_t line, const struct vkey *key) {
    const struct note_signature *signature = &event->note.signatures[line];
    return note_signature_is_by(signature, key) &&
           note_signature_verify(signature, event->note.text, key);
}

/* The root of that name at `index`, as the opening and the replacements before it have it; NULL. */
static const struct vkey *root_at(const struct work *w, struct bytes name, uint64_t index) {
    const struct vkey *root = opened_authority(&w->v->opened, name);
    for (size_t i = 0; i < w->replaced_count && w->replaced[i].index < index; i++) {
        const struct replacement *r = &w->replaced[i];
        if (bytes_equal(vkey_name(&r->fresh), name)) {
            root = &r->fresh;
        } else if (bytes_equal(bytes_text(r->key), name)) {
            root = NULL;
        }
    }
    return root;
}

/* Counts the lines from `first` on of the event at `index`, each of which must be a root's and
 * verify. The lines are sorted by key name and no key signs twice (event_parse), so that each
 * counts once. */
static enum status authorities_signed(struct work *w, const struct event *event, size_t first,
                                      uint64_t index) {
    size_t threshold = w->v->opened.threshold;
    size_t good = 0;
    for (size_t line = first; line < event->note.count; line++) {
        const struct vkey *root = root_at(w, event->note.signatures[line].name, index);
        if (root == NULL || !line_is_good(event, line, root)) {
            return refuse(w->why, STATUS_DENIED_SIGNATURE,
                          "%s carries a signature that is no authority's, or is bad",
                          event->kind->name);
        }
        good++;
    }
    if (good != threshold) {
        return refuse(w->why, STATUS_DENIED_SIGNATURE,
                      "%s has %zu authority signatures, the log's threshold is %zu",
                      event->kind->name, good, threshold);
    }
    return STATUS_OK;
}

/* How many of the pinned roots signed log.opened as authorities. */
static enum status check_roots(struct work *w) {
    const struct verify_trust *trust = w->trust;
    const struct event *event = &w->v->opened_event;
    size_t good = 0;
    for (size_t r = 0; r < trust->root_count; r++) {
        for (size_t line = 1; line < event->note.count; line++) {
            if (line_is_good(event, line, &trust->roots[r])) {
                good++;
                break;
            }
        }
    }
    w->report->roots_signed = good;
    w->report->roots_pinned = trust->root_count > 0;
    if (trust->root_count > 0 && good < trust->threshold) {
        return refuse(w->why, STATUS_DENIED_SIGNATURE,
                      "log.opened is signed by %zu of the roots you pinned, %zu are needed", good,
                      trust->threshold);
    }
    return STATUS_OK;
}

/* --- items 0 and 1: who the log is, and its policy --- */

static enum status check_opened(struct work *w) {
    const struct event *event = &w->v->opened_event;
    struct opened *opened = &w->v->opened;
    if (strcmp(event->kind->name, "log.opened") != 0 || w->v->proof.index != 0) {
        return refuse(w->why, STATUS_BAD_FORM, "item 0 is not log.opened at index 0");
    }
    opened_of(event, opened);
    if (!line_is_good(event, 0, &opened->operator_vkey)) {
        return refuse(w->why, STATUS_DENIED_SIGNATURE,
                      "log.opened is not signed by its operator's key");
    }
    TRY(authorities_signed(w, event, 1, 0));
    copy_name(w->report->origin, sizeof w->report->origin, event->log);
    copy_name(w->report->operator_name, sizeof w->report->operator_name,
              bytes_text(opened->operator_name));
    return check_roots(w);
}

static enum status check_policy(struct work *w, uint64_t index) {
    const struct event *event = &w->v->policy_event;
    if (strcmp(event->kind->name, "log.policy") != 0) {
        return refuse(w->why, STATUS_BAD_FORM, "item 1 is not log.policy");
    }
    TRY(authorities_signed(w, event, 0, index));
    struct bytes operators[POLICY_WITNESSES_MAX];
    event_policy(event, &w->v->policy, operators);
    struct bytes own = bytes_text(w->v->opened.operator_name);
    return policy_check_safe(&w->v->policy, &w->v->opened.log_vkey, own, operators, w->why);
}

/* The checkpoint of the item just read: signed by the log, cosigned by a quorum of the log's own
 * policy, and of the verifier's if there is one. */
static enum status check_checkpoint(struct work *w) {
    const struct proof *proof = &w->v->proof;
    const struct policy *theirs = w->trust->policy;
    policy_set have = 0;
    size_t log = 0;
    TRY(policy_check(&w->v->policy, &proof->note, &proof->checkpoint, &have, w->times, &log,
                     w->why));
    if (theirs == NULL) {
        return STATUS_OK;
    }
    TRY(policy_check(theirs, &proof->note, &proof->checkpoint, &have, NULL, &log, w->why));
    if (!vkey_equal(&theirs->logs[log].vkey, &w->v->opened.log_vkey)) {
        return refuse(w->why, STATUS_UNKNOWN_LOG,
                      "log.opened names another log key than your policy");
    }
    return STATUS_OK;
}

/* --- roots that took another's place --- */

static bool same_public_key(const struct vkey *a, const struct vkey *b) {
    return memcmp(a->key.bytes, b->key.bytes, sizeof a->key.bytes) == 0;
}

/* As acceptance asks: a root holds one voice, and of those who opened the log enough stay. */
static enum status check_replacement(struct work *w, const struct replacement *fresh) {
    const struct opened *opened = &w->v->opened;
    bool taken = same_public_key(&fresh->fresh, &opened->log_vkey) ||
                 same_public_key(&fresh->fresh, &opened->operator_vkey) ||
                 bytes_equal(vkey_name(&fresh->fresh), vkey_name(&opened->operator_vkey));
    size_t gone = fresh->of_opening ? 1 : 0;
    for (size_t i = 0; i < opened->authority_count; i++) {
        taken = taken || same_public_key(&fresh->fresh, &opened->authorities[i]) ||
                bytes_equal(vkey_name(&fresh->fresh), vkey_name(&opened->authorities[i]));
    }
    for (size_t i = 0; i < w->replaced_count; i++) {
        const struct replacement *before = &w->replaced[i];
        gone += before->of_opening ? 1 : 0;
        taken = taken || same_public_key(&fresh->fresh, &before->fresh) ||
                bytes_equal(vkey_name(&fresh->fresh), vkey_name(&before->fresh));
    }
    if (taken || gone > opened_replaceable(opened->authority_count, opened->threshold)) {
        return refuse(w->why, STATUS_BAD_MEMBER, "root.replaced: %s",
                      taken ? "its key or name is another's in this log"
                            : "more of the roots that opened the log are gone than may be");
    }
    return STATUS_OK;
}

static enum status take_replacement(struct work *w, const struct event *event) {
    struct replacement fresh = {.index = w->v->proof.index};
    const char *key = event_open_text(event, "key");
    const char *vkey = event_open_text(event, "vkey");
    assert(key != NULL && vkey != NULL); /* required members of the row */
    if (w->replaced_count == ROOTS_REPLACED_MAX ||
        (w->replaced_count > 0 && fresh.index <= w->replaced[w->replaced_count - 1].index)) {
        return refuse(w->why, STATUS_BAD_FORM,
                      "more than %d items are root.replaced, or they are out of order",
                      ROOTS_REPLACED_MAX);
    }
    enum status status = vkey_parse(bytes_text(vkey), &fresh.fresh, NULL);
    assert(status == STATUS_OK); /* event_parse checked every member's type */
    copy_name(fresh.key, sizeof fresh.key, bytes_text(key));
    fresh.of_opening = opened_authority(&w->v->opened, bytes_text(key)) != NULL;
    if (root_at(w, bytes_text(key), fresh.index) == NULL) {
        return refuse(w->why, STATUS_DENIED_KEY, "root.replaced: %.60s is no root by then", key);
    }
    if (root_at(w, event->issuer, fresh.index) == NULL) {
        return refuse(w->why, STATUS_DENIED_KEY, "root.replaced is issued by no root");
    }
    TRY(authorities_signed(w, event, 0, fresh.index));
    TRY(check_replacement(w, &fresh));
    w->replaced[w->replaced_count++] = fresh;
    return STATUS_OK;
}

/* First of all, since the policy may be signed by such a root. That each item is at a checkpoint
 * with a quorum is asked when it is come to. */
static enum status check_replacements(struct work *w) {
    for (size_t i = 2; i + 1 < w->v->receipt.count; i++) {
        TRY(read_item(w, i, &w->v->event));
        enum status status = w->v->event.kind->id == KIND_ROOT_REPLACED
                                 ? take_replacement(w, &w->v->event)
                                 : STATUS_OK;
        event_release(&w->v->event);
        TRY(status);
    }
    return STATUS_OK;
}

/* --- the chain of enrolments, and the event --- */

/* The key that must have signed the next item, and what its enrolment lets it sign. */
struct signer_now {
    bool enrolled; /* else it is still to be found among those named in log.opened */
    struct issuer issuer;
};

/* The issuer as log.opened names it, with every right of its role. */
static enum status named_issuer(struct work *w, const struct event *event, struct issuer *out) {
    const struct opened *opened = &w->v->opened;
    const struct vkey *root = root_at(w, event->issuer, w->v->proof.index);
    bool runs_it = bytes_equal(vkey_name(&opened->operator_vkey), event->issuer);
    if (root == NULL && !runs_it) {
        return refuse(w->why, STATUS_DENIED_KEY,
                      "no enrolment in the receipt leads to the issuer of %s", event->kind->name);
    }
    *out = root != NULL ? issuer_named(root, ROLE_ROOT)
                        : issuer_named(&opened->operator_vkey, ROLE_OPERATOR);
    return STATUS_OK;
}

/* Is the event by the key that the chain leads to, within its scope at the time of receipt, and
 * rightly signed? */
static enum status check_issuer(struct work *w, const struct event *event, struct signer_now *now) {
    if (event->kind->id == KIND_REPORT_LODGED && !now->enrolled) {
        lodged_issuer(event, &now->issuer);
        w->report->one_time = true;
    } else if (!now->enrolled) {
        TRY(named_issuer(w, event, &now->issuer));
    } else if (!bytes_equal(vkey_name(&now->issuer.vkey), event->issuer)) {
        return refuse(w->why, STATUS_DENIED_KEY,
                      "the chain of enrolments does not lead to the issuer of %s",
                      event->kind->name);
    }
    TRY(issuer_covers(&now->issuer, event, w->report->received_ms, w->why));
    if (event->kind->roots_threshold) {
        return authorities_signed(w, event, 0, w->v->proof.index);
    }
    if (event->note.count != 1) {
        return refuse(w->why, STATUS_DENIED_SIGNATURE, "%s carries surplus signatures",
                      event->kind->name);
    }
    if (!line_is_good(event, 0, &now->issuer.vkey)) {
        return refuse(w->why, STATUS_DENIED_SIGNATURE, "%s: the issuer's signature does not verify",
                      event->kind->name);
    }
    return STATUS_OK;
}

static void report_link(struct verify_report *report, const struct event *link,
                        const struct issuer *enroller, const struct issuer *fresh) {
    struct verify_link *out = &report->chain[report->chain_count++];
    const char *role = role_name(fresh->roles);
    copy_name(out->name, sizeof out->name, vkey_name(&fresh->vkey));
    copy_name(out->role, sizeof out->role, bytes_text(role != NULL ? role : ""));
    copy_name(out->enroller, sizeof out->enroller, link->issuer);
    out->enroller_key = enroller->vkey.key;
    out->index = fresh->enrolled_at;
    out->received_ms = report->received_ms; /* of the item just read */
}

/* One enrolment: checked as an event by the key so far, then the key that it enrols is the one to
 * go on with. */
static enum status check_link(struct work *w, const struct event *link, struct signer_now *now) {
    struct issuer fresh = {.number = 0};
    if (!kind_enrols(link->kind)) {
        return refuse(w->why, STATUS_BAD_FORM,
                      "an item between the policy and the event is %s, not key.enrolled, "
                      "key.rotated or root.replaced",
                      link->kind->name);
    }
    if (w->report->chain_count == VERIFY_CHAIN_MAX) {
        return refuse(w->why, STATUS_TOO_LARGE, "more than %d enrolments", VERIFY_CHAIN_MAX);
    }
    TRY(check_issuer(w, link, now));
    issuer_of_enrolment(link, &fresh);
    TRY(issuer_may_grant(&now->issuer, &fresh, w->why));
    fresh.enrolled_at = w->v->proof.index;
    report_link(w->report, link, &now->issuer, &fresh);
    now->issuer = fresh;
    now->enrolled = true;
    return STATUS_OK;
}

/* Fills in what the last item, the event itself, proved. */
static enum status report_event(struct work *w, const struct event *event) {
    struct verify_report *report = w->report;
    const struct proof *proof = &w->v->proof;
    struct policy *policy = &w->v->policy;
    copy_name(report->issuer, sizeof report->issuer, event->issuer);
    copy_name(report->kind, sizeof report->kind, bytes_text(event->kind->name));
    report->id = event->id;
    report->seq = event->seq;
    report->index = proof->index;
    report->size = proof->checkpoint.size;
    report->has_body = event->has_body;
    if (!policy_quorum_time(policy, w->times, &report->quorum_time) ||
        report->quorum_time > UINT64_MAX / 1000) {
        return refuse(w->why, STATUS_BAD_POLICY,
                      "the cosignatures have no time at which they are a quorum");
    }
    report->stamp_confirmed = confirm_stamp(report->received_ms, report->quorum_time);
    report->confirmed_ms = confirm_time(report->received_ms, report->quorum_time);

    struct bytes operators[POLICY_WITNESSES_MAX];
    event_policy(&w->v->policy_event, policy, operators);
    for (size_t i = 0; i < policy->witness_count; i++) {
        if (policy->witnesses[i].in_quorum) {
            struct verify_mirror *mirror = &report->mirrors[report->mirror_count++];
            copy_name(mirror->name, sizeof mirror->name, vkey_name(&policy->witnesses[i].vkey));
            copy_name(mirror->operator_name, sizeof mirror->operator_name, operators[i]);
            mirror->timestamp = w->times[i];
        }
    }
    return STATUS_OK;
}

/* The one item by which a receipt shows that its policy was replaced. What a later policy's own
 * mirrors did not cosign, an earlier one's cannot vouch for: the receipt is of a retired quorum. */
static enum status check_policy_is_newest(struct work *w, const struct event *event) {
    if (event->kind->id == KIND_LOG_POLICY && w->v->proof.index > w->report->policy_index) {
        return refuse(w->why, STATUS_BAD_POLICY,
                      "the event is a log.policy, entry %" PRIu64 ", which replaced that of entry "
                      "%" PRIu64 " by which the receipt is judged: ask for one judged by the newer",
                      w->v->proof.index, w->report->policy_index);
    }
    return STATUS_OK;
}

static enum status check_item(struct work *w, size_t which, const struct event *event,
                              struct signer_now *now) {
    TRY(check_checkpoint(w));
    if (which < w->v->receipt.count - 1 && event->kind->id == KIND_ROOT_REPLACED) {
        return STATUS_OK; /* check_replacements took it */
    }
    if (now->enrolled && w->v->proof.index <= now->issuer.enrolled_at) {
        return refuse(w->why, STATUS_BAD_FORM,
                      "item %zu stands before the enrolment that it rests on", which);
    }
    if (which < w->v->receipt.count - 1) {
        return check_link(w, event, now);
    }
    if (w->v->proof.index != 0) {
        TRY(check_issuer(w, event, now));
    } else if (now->enrolled || !hash_equal(&event->id, &w->v->opened_event.id)) {
        return refuse(w->why, STATUS_BAD_PROOF, "entry 0 is not the log.opened of item 0");
    } else {
        now->issuer = issuer_named(&w->v->opened.operator_vkey, ROLE_OPERATOR);
    }
    w->report->issuer_key = now->issuer.vkey.key;
    w->report->issuer_role = now->issuer.roles;
    TRY(check_policy_is_newest(w, event));
    return report_event(w, event);
}

/* Items 2 to the last: enrolments, then the event, which is always the last item, also where it is
 * log.opened or log.policy and stands before already. */
static enum status check_chain(struct work *w) {
    struct signer_now now = {.enrolled = false};
    for (size_t i = 2; i < w->v->receipt.count; i++) {
        TRY(read_item(w, i, &w->v->event));
        enum status status = check_item(w, i, &w->v->event, &now);
        event_release(&w->v->event);
        TRY(status);
    }
    return STATUS_OK;
}

/* Item 0 can only be checked against a policy once item 1 is read: their checkpoints must be one.
 */
static enum status check_rules_and_chain(struct work *w) {
    struct bytes opened_checkpoint = w->v->proof.checkpoint_note;
    TRY(check_replacements(w));
    TRY(read_item(w, 1, &w->v->policy_event));
    w->report->policy_index = w->v->proof.index;
    uint64_t policy_index = w->v->proof.index;
    enum status status = STATUS_OK;
    if (!bytes_equal(opened_checkpoint, w->v->proof.checkpoint_note)) {
        status = refuse(w->why, STATUS_BAD_FORM,
                        "log.opened and log.policy are proved at different checkpoints");
    }
    if (status == STATUS_OK) {
        status = check_policy(w, policy_index);
    }
    if (status == STATUS_OK) {
        status = check_checkpoint(w);
    }
    if (status == STATUS_OK) {
        status = check_chain(w);
    }
    event_release(&w->v->policy_event);
    return status;
}

enum status verify_receipt(struct verifier *verifier, struct bytes file,
                           const struct verify_trust *trust, struct verify_report *report,
                           struct refusal *why) {
    assert(trust->policy != NULL || trust->root_count > 0 || trust->by_others);
    assert(trust->root_count <= VERIFY_ROOTS_MAX);
    assert(trust->root_count == 0 ||
           (trust->threshold >= 1 && trust->threshold <= trust->root_count));
    struct work w = {.v = verifier, .trust = trust, .report = report, .why = why};
    memset(report, 0, sizeof *report);
    TRY(receipt_parse(file, &verifier->receipt, why));
    if (verifier->receipt.count < 3) {
        return refuse(why, STATUS_BAD_FORM,
                      "a receipt holds log.opened, log.policy, enrolments, and the event");
    }
    TRY(read_item(&w, 0, &verifier->opened_event));
    enum status status = check_opened(&w);
    if (status == STATUS_OK) {
        status = check_rules_and_chain(&w);
    }
    event_release(&verifier->opened_event);
    return status;
}
