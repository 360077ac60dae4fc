#include "ledger/verify.h"

#include <assert.h>
#include <string.h>

/* A verification under way: the arguments, so that each step below reads as one sentence. */
struct work {
    struct verifier *v;
    const struct verify_trust *trust;
    struct verify_report *report;
    struct refusal *why;
    struct vkey log_vkey;
    uint64_t times[POLICY_WITNESSES_MAX];
};

static void copy_name(char *out, size_t cap, struct bytes name) {
    size_t len = name.len < cap ? name.len : cap - 1;
    memcpy(out, name.data, len);
    out[len] = '\0';
}

/* Parses item `which` and proves that it is entry `proof.index` of the checkpoint in its proof. */
static enum status read_item(struct work *w, size_t which, struct event *event) {
    const struct receipt_item *item = &w->v->receipt.items[which];
    TRY(proof_parse(item->proof, &w->v->proof, w->why));
    TRY(event_parse(item->note, event, w->why));
    struct proof *proof = &w->v->proof;

    /* The leaf is the received line and the note; the line travels as the proof's extra data, which
     * nothing vouches for until the leaf hash built from it is found under the root. */
    uint64_t received_ms = 0;
    struct bytes extra = bytes_of(proof->extra, proof->extra_len);
    uint8_t entry[EVENT_SIZE_MAX + 64];
    struct writer leaf;
    writer_init(&leaf, entry, sizeof entry);
    writer_bytes(&leaf, extra);
    writer_bytes(&leaf, item->note);
    struct bytes note;
    enum status status = writer_status(&leaf);
    if (status == STATUS_OK) {
        status = entry_parse(writer_view(&leaf), &received_ms, &note, w->why);
    }
    if (status == STATUS_OK && note.len != item->note.len) {
        status = refuse(w->why, STATUS_BAD_FORM,
                        "item %zu: the proof's extra is not one received line", which);
    }
    struct hash leaf_hash;
    hash_leaf(leaf.data, leaf.len, &leaf_hash);
    if (status == STATUS_OK && proof_check_inclusion(proof, &leaf_hash) != STATUS_OK) {
        status = refuse(w->why, STATUS_BAD_PROOF,
                        "item %zu (%s): the entry is not in the checkpoint's tree", which,
                        event->kind->name);
    }
    if (status == STATUS_OK && !bytes_equal(event->log, proof->checkpoint.origin)) {
        status = refuse(w->why, STATUS_BAD_LOG,
                        "item %zu (%s): meant for another log than the one it is in", which,
                        event->kind->name);
    }
    if (status != STATUS_OK) {
        event_release(event);
        return status;
    }
    w->report->received_ms = received_ms;
    return STATUS_OK;
}

/* True if signature line `line` of the event is by `key` and verifies. */
static bool line_is_good(const struct event *event, size_t line, const struct vkey *key) {
    const struct note_signature *signature = &event->note.signatures[line];
    return note_signature_is_by(signature, key) &&
           note_signature_verify(signature, event->note.text, key);
}

/* Parses member `i` of the `authority` list of log.opened. */
static enum status authority_at(const struct event *opened, size_t i, struct vkey *out,
                                struct refusal *why) {
    const json_t *list = json_object_get(opened->open, "authority");
    const char *text = json_string_value(json_array_get(list, i));
    assert(text != NULL); /* event_parse checked the member's type */
    return vkey_parse(bytes_text(text), out, why);
}

/* Counts the lines from `first` on that are by distinct authorities and verify; all must. The lines
 * are sorted by key name and no key signs twice (event_parse), so that each counts once. */
static enum status authorities_signed(struct work *w, const struct event *event, size_t first,
                                      const char *what) {
    const struct event *opened = &w->v->opened;
    uint64_t threshold = 0;
    bool has = event_open_integer(opened, "threshold", &threshold);
    assert(has);
    size_t authorities = json_array_size(json_object_get(opened->open, "authority"));
    size_t good = 0;
    for (size_t line = first; line < event->note.count; line++) {
        bool found = false;
        for (size_t i = 0; i < authorities && !found; i++) {
            struct vkey authority;
            TRY(authority_at(opened, i, &authority, w->why));
            found = line_is_good(event, line, &authority);
        }
        if (!found) {
            return refuse(w->why, STATUS_DENIED_SIGNATURE,
                          "%s carries a signature that is no authority's, or is bad", what);
        }
        good++;
    }
    if (good != threshold) {
        return refuse(w->why, STATUS_DENIED_SIGNATURE,
                      "%s has %zu authority signatures, the log's threshold is %llu", what, good,
                      (unsigned long long)threshold);
    }
    return STATUS_OK;
}

/* How many of the pinned roots signed log.opened as authorities. */
static enum status check_roots(struct work *w) {
    const struct verify_trust *trust = w->trust;
    const struct event *opened = &w->v->opened;
    size_t signed_by = 0;
    for (size_t r = 0; r < trust->root_count; r++) {
        for (size_t line = 1; line < opened->note.count; line++) {
            if (line_is_good(opened, line, &trust->roots[r])) {
                signed_by++;
                break;
            }
        }
    }
    w->report->roots_signed = signed_by;
    w->report->roots_pinned = trust->root_count > 0;
    if (trust->root_count > 0 && signed_by < trust->threshold) {
        return refuse(w->why, STATUS_DENIED_SIGNATURE,
                      "log.opened is signed by %zu of the roots you pinned, %zu are needed",
                      signed_by, trust->threshold);
    }
    return STATUS_OK;
}

/* Item 0: who the log is. */
static enum status check_opened(struct work *w) {
    const struct event *opened = &w->v->opened;
    if (strcmp(opened->kind->name, "log.opened") != 0 || w->v->proof.index != 0) {
        return refuse(w->why, STATUS_BAD_FORM, "item 0 is not log.opened at index 0");
    }
    const char *log_vkey = event_open_text(opened, "log_vkey");
    const char *operator_vkey = event_open_text(opened, "operator_vkey");
    const char *operator_name = event_open_text(opened, "operator");
    assert(log_vkey != NULL && operator_vkey != NULL &&
           operator_name != NULL); /* required members */
    struct vkey operator_key;
    TRY(vkey_parse(bytes_text(log_vkey), &w->log_vkey, w->why));
    TRY(vkey_parse(bytes_text(operator_vkey), &operator_key, w->why));
    if (!bytes_equal(vkey_name(&w->log_vkey), opened->log)) {
        return refuse(w->why, STATUS_BAD_MEMBER,
                      "log.opened: log_vkey is not named after the origin");
    }
    if (!bytes_equal(vkey_name(&operator_key), opened->issuer) ||
        !line_is_good(opened, 0, &operator_key)) {
        return refuse(w->why, STATUS_DENIED_SIGNATURE,
                      "log.opened is not signed by its operator's key");
    }
    TRY(authorities_signed(w, opened, 1, "log.opened"));
    copy_name(w->report->origin, sizeof w->report->origin, opened->log);
    copy_name(w->report->operator_name, sizeof w->report->operator_name, bytes_text(operator_name));
    return check_roots(w);
}

/* The operator that log.policy names for each witness of its policy. */
static void policy_operators(const struct event *event, const struct policy *policy,
                             struct bytes operators[POLICY_WITNESSES_MAX]) {
    const json_t *map = json_object_get(event->open, "operators");
    for (size_t i = 0; i < policy->witness_count; i++) {
        char name[NAME_SIZE_MAX + 1];
        copy_name(name, sizeof name, policy->witnesses[i].name);
        const char *operator_name = json_string_value(json_object_get(map, name));
        operators[i] = bytes_text(operator_name != NULL ? operator_name : "");
    }
}

/* Item 1: which sets of mirrors are a quorum. */
static enum status check_policy(struct work *w) {
    const struct event *event = &w->v->policy_event;
    if (strcmp(event->kind->name, "log.policy") != 0) {
        return refuse(w->why, STATUS_BAD_FORM, "item 1 is not log.policy");
    }
    TRY(authorities_signed(w, event, 0, "log.policy"));
    const char *text = event_open_text(event, "policy");
    assert(text != NULL);
    TRY(policy_parse(bytes_text(text), &w->v->policy, w->why));
    struct bytes operators[POLICY_WITNESSES_MAX];
    policy_operators(event, &w->v->policy, operators);
    TRY(policy_check_safe(&w->v->policy, &w->log_vkey, bytes_text(w->report->operator_name),
                          operators, w->why));
    return STATUS_OK;
}

/* The checkpoint of the item just read: signed by the log, cosigned by the quorum of the log's own
 * policy and of the verifier's, if there is one. */
static enum status check_checkpoint(struct work *w) {
    struct proof *proof = &w->v->proof;
    policy_set have = 0;
    size_t log = 0;
    TRY(policy_check(&w->v->policy, &proof->note, &proof->checkpoint, &have, w->times, &log,
                     w->why));
    if (w->trust->policy != NULL) {
        policy_set theirs = 0;
        size_t their_log = 0;
        TRY(policy_check(w->trust->policy, &proof->note, &proof->checkpoint, &theirs, NULL,
                         &their_log, w->why));
        if (!vkey_equal(&w->trust->policy->logs[their_log].vkey, &w->log_vkey)) {
            return refuse(w->why, STATUS_UNKNOWN_LOG,
                          "log.opened names another log key than your policy");
        }
    }
    return STATUS_OK;
}

/* True if `list` (oris or kinds of an enrolment) covers `value`. An empty list of ORIs, and the
 * kind "*", cover all. */
static bool scope_covers(const json_t *list, const char *value, bool empty_is_all) {
    size_t count = json_array_size(list);
    if (count == 0) {
        return empty_is_all;
    }
    for (size_t i = 0; i < count; i++) {
        const char *item = json_string_value(json_array_get(list, i));
        assert(item != NULL);
        if (strcmp(item, "*") == 0 || strcmp(item, value) == 0) {
            return true;
        }
    }
    return false;
}

/* May the key that `link` enrolled issue `event`? */
static enum status check_scope(struct work *w, const struct event *link,
                               const struct event *event) {
    const char *role = event_open_text(link, "role");
    assert(role != NULL);
    uint32_t bit = role_find(role, strlen(role));
    if ((event->kind->roles & bit) == 0) {
        return refuse(w->why, STATUS_DENIED_SCOPE, "a key enrolled as %s may not sign %s", role,
                      event->kind->name);
    }
    if (!scope_covers(json_object_get(link->open, "kinds"), event->kind->name, false)) {
        return refuse(w->why, STATUS_DENIED_SCOPE, "the enrolment does not cover the kind %s",
                      event->kind->name);
    }
    const char *ori = event->open != NULL ? event_open_text(event, "ori") : NULL;
    if (event->kind->has_ori && ori != NULL &&
        !scope_covers(json_object_get(link->open, "oris"), ori, true)) {
        return refuse(w->why, STATUS_DENIED_SCOPE, "the enrolment does not cover the agency %s",
                      ori);
    }
    return STATUS_OK;
}

/* Is the issuer an authority of the log? Gives its key. */
static bool find_authority(struct work *w, struct bytes name, struct vkey *out) {
    size_t authorities = json_array_size(json_object_get(w->v->opened.open, "authority"));
    for (size_t i = 0; i < authorities; i++) {
        struct vkey key;
        if (authority_at(&w->v->opened, i, &key, NULL) == STATUS_OK &&
            bytes_equal(vkey_name(&key), name)) {
            *out = key;
            return true;
        }
    }
    return false;
}

/* The key that must have signed the next item, and what it may sign. */
struct signer_now {
    bool known;
    struct vkey key;
    bool enrolled; /* by v->link; else named in log.opened */
    uint64_t index;
};

static enum status check_issuer(struct work *w, const struct event *event, struct signer_now *now) {
    if (!now->known) {
        struct vkey operator_key;
        const char *operator_vkey = event_open_text(&w->v->opened, "operator_vkey");
        TRY(vkey_parse(bytes_text(operator_vkey), &operator_key, w->why));
        bool root = find_authority(w, event->issuer, &now->key);
        bool runs_it = !root && bytes_equal(vkey_name(&operator_key), event->issuer);
        if (runs_it) {
            now->key = operator_key;
        }
        uint32_t roles = root ? ROLE_ROOT : ROLE_OPERATOR;
        if ((!root && !runs_it) || (event->kind->roles & roles) == 0) {
            return refuse(w->why, STATUS_DENIED_KEY,
                          "no enrolment in the receipt leads to the issuer of %s",
                          event->kind->name);
        }
    } else {
        if (!bytes_equal(vkey_name(&now->key), event->issuer)) {
            return refuse(w->why, STATUS_DENIED_KEY,
                          "the chain of enrolments does not lead to the issuer of %s",
                          event->kind->name);
        }
        TRY(check_scope(w, &w->v->link, event));
    }
    if (event->kind->roots_threshold) {
        return authorities_signed(w, event, 0, event->kind->name);
    }
    if (event->note.count != 1) {
        return refuse(w->why, STATUS_DENIED_SIGNATURE, "%s carries surplus signatures",
                      event->kind->name);
    }
    if (!line_is_good(event, 0, &now->key)) {
        return refuse(w->why, STATUS_DENIED_SIGNATURE, "%s: the issuer's signature does not verify",
                      event->kind->name);
    }
    return STATUS_OK;
}

/* One enrolment of the chain: checked as an event by the signer so far, then it becomes the signer.
 */
static enum status check_link(struct work *w, struct event *link, struct signer_now *now) {
    struct verify_report *report = w->report;
    if (strcmp(link->kind->name, "key.enrolled") != 0) {
        return refuse(w->why, STATUS_BAD_FORM,
                      "an item between the policy and the event is %s, not key.enrolled",
                      link->kind->name);
    }
    if (report->chain_count == VERIFY_CHAIN_MAX) {
        return refuse(w->why, STATUS_TOO_LARGE, "more than %d enrolments", VERIFY_CHAIN_MAX);
    }
    if (w->v->proof.index <= now->index) {
        return refuse(w->why, STATUS_BAD_FORM,
                      "an enrolment stands before the one that it rests on");
    }
    TRY(check_issuer(w, link, now));
    struct verify_link *out = &report->chain[report->chain_count];
    const char *role = event_open_text(link, "role");
    const char *vkey = event_open_text(link, "vkey");
    assert(role != NULL && vkey != NULL);
    TRY(vkey_parse(bytes_text(vkey), &now->key, w->why));
    now->known = true;
    now->index = w->v->proof.index;
    copy_name(out->name, sizeof out->name, vkey_name(&now->key));
    copy_name(out->role, sizeof out->role, bytes_text(role));
    copy_name(out->enroller, sizeof out->enroller, link->issuer);
    out->index = now->index;
    report->chain_count++;
    return STATUS_OK;
}

/* Fills in what the last item, the event itself, proved. */
static enum status report_event(struct work *w) {
    struct verify_report *report = w->report;
    const struct event *event = &w->v->event;
    const struct proof *proof = &w->v->proof;
    copy_name(report->issuer, sizeof report->issuer, event->issuer);
    copy_name(report->kind, sizeof report->kind, bytes_text(event->kind->name));
    report->id = event->id;
    report->seq = event->seq;
    report->index = proof->index;
    report->size = proof->checkpoint.size;
    report->has_body = event->has_body;
    if (!policy_quorum_time(&w->v->policy, w->times, &report->quorum_time)) {
        return refuse(w->why, STATUS_BAD_POLICY,
                      "the cosignatures have no time at which they are a quorum");
    }
    uint64_t quorum_ms = report->quorum_time * 1000;
    report->stamp_confirmed = quorum_ms <= report->received_ms + 3600u * 1000u;
    report->confirmed_ms = report->stamp_confirmed ? report->received_ms : quorum_ms;

    struct bytes operators[POLICY_WITNESSES_MAX];
    policy_operators(&w->v->policy_event, &w->v->policy, operators);
    for (size_t i = 0; i < w->v->policy.witness_count; i++) {
        if (!w->v->policy.witnesses[i].in_quorum) {
            continue;
        }
        struct verify_mirror *mirror = &report->mirrors[report->mirror_count++];
        copy_name(mirror->name, sizeof mirror->name, vkey_name(&w->v->policy.witnesses[i].vkey));
        copy_name(mirror->operator_name, sizeof mirror->operator_name, operators[i]);
        mirror->timestamp = w->times[i];
    }
    return STATUS_OK;
}

/* Items 2 to the last: enrolments, then the event, which is always the last item, also where it is
 * log.opened or log.policy and stands before already. */
static enum status check_chain(struct work *w) {
    struct verifier *v = w->v;
    struct signer_now now = {.known = false};
    size_t last = v->receipt.count - 1;
    bool has_link = false;
    enum status status = STATUS_OK;
    for (size_t i = 2; i <= last && status == STATUS_OK; i++) {
        struct event next;
        status = read_item(w, i, &next);
        if (status != STATUS_OK) {
            break;
        }
        status = check_checkpoint(w);
        if (status == STATUS_OK && i < last) {
            status = check_link(w, &next, &now);
        } else if (status == STATUS_OK && w->v->proof.index <= now.index) {
            status =
                refuse(w->why, STATUS_BAD_FORM, "the event stands before its issuer's enrolment");
        } else if (status == STATUS_OK && w->v->proof.index != 0) {
            status = check_issuer(w, &next, &now);
        } else if (status == STATUS_OK && !hash_equal(&next.id, &v->opened.id)) {
            /* Two inclusion proofs of different leaves at index 0 of one root cannot both hold. */
            status = refuse(w->why, STATUS_BAD_PROOF, "entry 0 is not the log.opened of item 0");
        }
        if (i == last) {
            v->event = next;
            if (status == STATUS_OK) {
                status = report_event(w);
            }
            event_release(&v->event);
        } else {
            if (has_link) {
                event_release(&v->link);
            }
            v->link = next;
            has_link = true;
        }
    }
    if (has_link) {
        event_release(&v->link);
    }
    return status;
}

enum status verify_receipt(struct verifier *verifier, struct bytes file,
                           const struct verify_trust *trust, struct verify_report *report,
                           struct refusal *why) {
    assert(trust->policy != NULL || trust->root_count > 0);
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
    enum status status = read_item(&w, 0, &verifier->opened);
    if (status != STATUS_OK) {
        return status;
    }
    status = check_opened(&w);
    if (status != STATUS_OK) {
        goto release_opened;
    }
    struct proof *opened_proof = &verifier->proof;
    struct bytes opened_checkpoint = opened_proof->checkpoint_note;
    status = read_item(&w, 1, &verifier->policy_event);
    if (status != STATUS_OK) {
        goto release_opened;
    }
    status = check_policy(&w);
    /* Item 0 could not be checked against a policy before the policy was read. One checkpoint
     * serves a whole receipt. */
    if (status == STATUS_OK && !bytes_equal(opened_checkpoint, verifier->proof.checkpoint_note)) {
        status = refuse(why, STATUS_BAD_FORM,
                        "log.opened and log.policy are proved at different checkpoints");
    }
    if (status == STATUS_OK) {
        status = check_checkpoint(&w);
    }
    if (status == STATUS_OK) {
        status = check_chain(&w);
    }
    event_release(&verifier->policy_event);
release_opened:
    event_release(&verifier->opened);
    return status;
}
