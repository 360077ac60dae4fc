/* By whose word each log of a case counts: what the answer says of it, and its proof. */
#include "tools/case_verify_parts.h"

#include <stdlib.h>
#include <string.h>

static bool same_key(const struct sign_public *a, const struct sign_public *b) {
    return memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}

/* An entry by which a log counts, as the answer has it. */
static enum status read_word(struct work *w, const json_t *said, struct case_word *out) {
    static const char receipt[] = "/receipt/";
    const char *log = json_string_value(json_object_get(said, "log"));
    const char *proof = json_string_value(json_object_get(said, "proof"));
    const char *name = proof != NULL ? strstr(proof, receipt) : NULL;
    const char *seq = proof != NULL ? strrchr(proof, '/') : NULL;
    if (log == NULL || name == NULL || seq < name + sizeof receipt - 1 ||
        (size_t)(seq - name) - (sizeof receipt - 1) > NAME_SIZE_MAX ||
        strlen(log) > NAME_SIZE_MAX || !bytes_to_u64(bytes_text(seq + 1), &out->seq)) {
        return refuse(w->why, STATUS_BAD_FORM, "logs: not as specs/standing.md has them");
    }
    struct case_log *in = case_log_named(w->view, bytes_text(log));
    if (in == NULL || in->size == 0) {
        return refuse(w->why, STATUS_BAD_FORM, "%.60s: is not among the logs that the answer names",
                      log);
    }
    name += sizeof receipt - 1;
    out->known = true;
    out->log = (size_t)(in - w->view->logs);
    out->index = (uint64_t)json_integer_value(json_object_get(said, "index"));
    memcpy(out->issuer, name, (size_t)(seq - name));
    out->issuer[seq - name] = '\0';
    return STATUS_OK;
}

static enum recognition_class class_of(const char *role) {
    if (role == NULL) {
        return RECOGNISED_AT_ALL;
    }
    return strcmp(role, "court") == 0  ? RECOGNISED_COURT
           : strcmp(role, "post") == 0 ? RECOGNISED_POST
                                       : RECOGNISED_OVERSIGHT;
}

/* By whose word the logs count: all are named by now. */
enum status case_read_words(struct work *w) {
    const json_t *logs = json_object_get(w->verify->answer, "logs");
    for (size_t i = 0; i < json_array_size(logs); i++) {
        const json_t *said = json_array_get(logs, i);
        const json_t *by = json_object_get(said, "by");
        const json_t *withdrawn = json_object_get(said, "withdrawn");
        struct case_log *log = &w->view->logs[i];
        log->contributes = true;
        for (size_t k = 0; k < json_array_size(by); k++) {
            const json_t *word = json_array_get(by, k);
            const char *role = json_string_value(json_object_get(word, "role"));
            TRY(read_word(w, word, &log->by[class_of(role)]));
        }
        if (withdrawn != NULL) {
            TRY(read_word(w, withdrawn, &log->withdrawn));
        }
    }
    return STATUS_OK;
}

static enum status read_pin(struct work *w, const json_t *said, struct pin *out) {
    const json_t *roots = json_object_get(said, "roots");
    json_int_t threshold = json_integer_value(json_object_get(said, "threshold"));
    memset(out, 0, sizeof *out);
    for (size_t i = 0; i < json_array_size(roots) && i < PIN_ROOTS_MAX; i++) {
        const char *text = json_string_value(json_array_get(roots, i));
        struct hash key;
        if (text == NULL || !bytes_hex_to_hash(bytes_text(text), &key)) {
            return refuse(w->why, STATUS_BAD_FORM, "pins: not as specs/standing.md has them");
        }
        memcpy(out->roots[out->root_count++].key.bytes, key.bytes, SIGN_PUBLIC_SIZE);
    }
    if (threshold < 1 || (size_t)threshold > out->root_count) {
        return refuse(w->why, STATUS_BAD_FORM, "pins: not as specs/standing.md has them");
    }
    out->threshold = (size_t)threshold;
    return STATUS_OK;
}

/* A node that counts by pins must count by the roots that the asker gave. */
static enum status check_pins(const struct work *w) {
    const struct verify_trust *trust = w->verify->trust;
    const struct pin *pin = &w->view->pins[0];
    bool same = w->view->pin_count == 1 && pin->root_count == trust->root_count &&
                pin->threshold == trust->threshold;
    for (size_t i = 0; same && i < trust->root_count; i++) {
        bool found = false;
        for (size_t k = 0; k < pin->root_count; k++) {
            found = found || same_key(&pin->roots[k].key, &trust->roots[i].key);
        }
        same = found;
    }
    return same || trust->root_count == 0 || w->view->pin_count == 0
               ? STATUS_OK
               : refuse(w->why, STATUS_DENIED_KEY,
                        "the node counts by other pins than the roots and threshold given: --json "
                        "shows its pins");
}

enum status case_read_pins(struct work *w) {
    const json_t *pins = json_object_get(w->verify->answer, "pins");
    for (size_t i = 0; i < json_array_size(pins) && i < CASE_PINS_MAX; i++) {
        TRY(read_pin(w, json_array_get(pins, i), &w->view->pins[w->view->pin_count]));
        w->view->pin_count++;
    }
    return check_pins(w);
}

static bool is_anchored(const struct work *w, size_t log) {
    const struct authority *authority = &w->authorities[log];
    for (size_t i = 0; i < w->view->pin_count; i++) {
        if (pin_holds(&w->view->pins[i], authority->signers, authority->signer_count)) {
            return true;
        }
    }
    return false;
}

/* Does the log count for signers of that group? What the answer says of it is proved at the end. */
bool case_is_beyond(const struct work *w, size_t log, uint32_t role) {
    static const enum recognition_class classes[GROUPS] = {
        [GROUP_COURT] = RECOGNISED_COURT,         [GROUP_POST] = RECOGNISED_POST,
        [GROUP_OVERSIGHT] = RECOGNISED_OVERSIGHT, [GROUP_AGENCY] = RECOGNISED_AT_ALL,
        [GROUP_OTHER] = RECOGNISED_AT_ALL,
    };
    return w->view->pin_count > 0 && !is_anchored(w, log) &&
           !w->view->logs[log].by[classes[house_group(role)]].known;
}

/* --- by whose word logs count --- */

/* Does the proved entry recognise the log, for one of the case's agencies, and for signers of that
 * class? */
static bool recognises(const struct work *w, const struct proved *proved, size_t log,
                       enum recognition_class class) {
    static const uint32_t roles[RECOGNISED_CLASSES] = {[RECOGNISED_COURT] = ROLE_COURT,
                                                       [RECOGNISED_OVERSIGHT] = ROLE_OVERSIGHT,
                                                       [RECOGNISED_POST] = ROLE_POST};
    struct recognition_bounds bounds;
    struct vkey vkey;
    bool covers = false;
    if (proved->event.kind->id != KIND_LOG_RECOGNISED ||
        vkey_parse(bytes_text(event_open_text(&proved->event, "log_vkey")), &vkey, NULL) !=
            STATUS_OK ||
        !vkey_equal(&vkey, &w->authorities[log].log)) {
        return false;
    }
    recognition_bounds_of(&proved->event, &bounds);
    for (size_t i = 0; i < w->view->ori_count; i++) {
        covers = covers || recognition_covers(&bounds, (const char *)w->view->oris[i]);
    }
    return covers && (roles[class] & ~bounds.roles) == 0;
}

static enum status prove_word(struct work *w, const json_t *said, size_t log,
                              enum recognition_class class) {
    struct proved proved;
    struct authority authority;
    uint8_t *copy = NULL;
    size_t in = 0;
    enum status status = case_prove(w, said, &copy, &proved, &authority);
    if (status == STATUS_OK) {
        status = case_note_log(w, &proved, &authority, &in);
        if (status == STATUS_OK && !recognises(w, &proved, log, class)) {
            status = refuse(w->why, STATUS_BAD_PROOF,
                            "logs: entry %llu of %s does not recognise %.60s for that",
                            (unsigned long long)proved.report.index, proved.report.origin,
                            w->view->logs[log].origin);
        }
        event_release(&proved.event);
    }
    free(copy);
    return status;
}

/* Each log that is recognised is so by a log that counts for the same, up to one that the pins
 * anchor. */
static enum status check_ways(const struct work *w, size_t log, enum recognition_class class) {
    size_t at = log;
    for (unsigned steps = 0; !is_anchored(w, at); steps++) {
        const struct case_word *by = &w->view->logs[at].by[class];
        by = by->known ? by : &w->view->logs[at].by[RECOGNISED_AT_ALL];
        if (!by->known || steps == RECOGNITION_DEPTH_MAX) {
            return refuse(w->why, STATUS_BAD_PROOF,
                          "logs: nothing leads from %.60s up to the node's pins",
                          w->view->logs[log].origin);
        }
        at = by->log;
    }
    return STATUS_OK;
}

static enum status prove_log(struct work *w, size_t log, const json_t *said) {
    const json_t *by = json_object_get(said, "by");
    for (size_t k = 0; k < json_array_size(by); k++) {
        const json_t *word = json_array_get(by, k);
        const char *role = json_string_value(json_object_get(word, "role"));
        TRY(prove_word(w, word, log, class_of(role)));
    }
    return STATUS_OK;
}

/* From logs with events up: what is said of a recogniser can be held against its own key once
 * something in it is proved. */
enum status case_prove_words(struct work *w) {
    const json_t *logs = json_object_get(w->verify->answer, "logs");
    size_t count = json_array_size(logs);
    for (unsigned depth = 0; w->view->pin_count > 0 && depth <= RECOGNITION_DEPTH_MAX; depth++) {
        for (size_t i = 0; i < count; i++) {
            if (w->authorities[i].count > 0 && !w->worded[i]) {
                w->worded[i] = true;
                TRY(prove_log(w, i, json_array_get(logs, i)));
            }
        }
    }
    for (size_t i = 0; i < count && w->view->pin_count > 0; i++) {
        for (int class = 0; class < RECOGNISED_CLASSES; class ++) {
            if (w->view->logs[i].by[class].known) {
                TRY(check_ways(w, i, (enum recognition_class) class));
            }
        }
    }
    return STATUS_OK;
}
