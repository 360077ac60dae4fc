#include "tests/lib/events.h"

#include "ledger/checkpoint.h"
#include "ledger/lodged.h"
#include "tests/lib/sample.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

struct signer log_key;
struct signer operator_key;
struct signer clerk;
struct signer anyone;
struct signer old_log;
struct signer next_log;
struct signer roots[9];
struct signer witnesses[3];

void event_key(const char *name, enum vkey_type type, uint8_t number, struct signer *signer) {
    uint8_t seed[SIGN_SEED_SIZE] = {number};
    cr_assert_eq(signer_make(bytes_text(name), type, seed, signer), STATUS_OK);
}

void events_setup(void) {
    cr_assert(crypto_init());
    event_key(EVENT_LOG, VKEY_NOTE, 1, &log_key);
    event_key("op.example/7", VKEY_NOTE, 2, &operator_key);
    event_key("old.example/log", VKEY_NOTE, 4, &old_log);
    event_key("next.example/log", VKEY_NOTE, 5, &next_log);
    event_key("pd.example/clerk-7", VKEY_NOTE, 3, &clerk);
    event_key("unnamed", VKEY_NOTE, 6, &anyone);
    char one_time[LODGED_NAME_SIZE + 1];
    lodged_name(&anyone.vkey.key, one_time);
    event_key(one_time, VKEY_NOTE, 6, &anyone);
    for (unsigned i = 0; i < 9; i++) {
        char name[32];
        snprintf(name, sizeof name, "root%u.example", i);
        event_key(name, VKEY_NOTE, (uint8_t)(10 + i), &roots[i]);
    }
    for (unsigned i = 0; i < 3; i++) {
        char name[32];
        snprintf(name, sizeof name, "m%u.example", i);
        event_key(name, VKEY_COSIGNATURE, (uint8_t)(20 + i), &witnesses[i]);
    }
}

/* The old log's checkpoint of this size, as the text of a JSON string. */
static size_t put_checkpoint(uint64_t size, char *out) {
    uint8_t memory[1024];
    struct writer w;
    struct hash root = {{(uint8_t)size}};
    size_t len = 0;
    writer_init(&w, memory, sizeof memory);
    checkpoint_sign(&w, vkey_name(&old_log.vkey), size, &root, &old_log);
    cr_assert_not(w.failed);
    for (size_t i = 0; i < w.len; i++) {
        if (w.data[i] == '\n') {
            out[len++] = '\\';
        }
        out[len++] = w.data[i] == '\n' ? 'n' : (char)w.data[i];
    }
    return len;
}

void event_expand(const char *pattern, char *out) {
    size_t len = 0;
    for (const char *c = pattern; *c != '\0'; c++) {
        const struct signer *key = NULL;
        if (*c != '$') {
            out[len++] = *c;
            continue;
        }
        switch (*++c) {
        case 'L':
            key = &log_key;
            break;
        case 'O':
            key = &operator_key;
            break;
        case 'P':
            key = &old_log;
            break;
        case 'N':
            key = &next_log;
            break;
        case 's': /* checkpoints of the old log, in JSON */
        case 'S':
            len += put_checkpoint(*c == 'S' ? 12 : 9, out + len);
            continue;
        case 'Y':
            key = &anyone;
            break;
        case 'C':
            key = &clerk;
            break;
        case 'A':
            key = &roots[0];
            break;
        case 'B':
            key = &roots[1];
            break;
        case 'D':
            key = &roots[2];
            break;
        case '0':
        case '1':
        case '2':
            key = &witnesses[*c - '0'];
            break;
        case 'H':
            len += (size_t)snprintf(out + len, EVENT_TEXT_SIZE - len, "%s", HASH_A);
            continue;
        case 'h':
            len += (size_t)snprintf(out + len, EVENT_TEXT_SIZE - len, "%s", HANDLE);
            continue;
        default:
            cr_assert_fail("bad pattern");
        }
        struct writer w;
        writer_init(&w, out + len, VKEY_SIZE_MAX);
        vkey_format(&w, &key->vkey);
        len += w.len;
        cr_assert_lt(len, EVENT_TEXT_SIZE - 512);
    }
    out[len] = '\0';
}

/* Of the others, sample_open makes one. */
static const char *const special_open[KIND_COUNT] = {
    [KIND_CORRECTION] = "{\"event\":" EVENT_REF ",\"ori\":\"NY0303000\",\"replaced_by\":" EVENT_REF
                        ",\"what\":\"wrong_date\"}",
    [KIND_DISCIPLINE_IMPOSED] =
        "{" CASE_OPEN ",\"decided_by\":\"commissioner\",\"discipline\":[{\"code\":\"probation\","
        "\"months\":12},{\"code\":\"suspension\",\"days\":30,\"paid\":false}],\"imposed\":"
        "\"2024-02-03\",\"ori\":\"NY0303000\",\"party\":\"officer\"}",
    [KIND_EVENT_OPENED] = "{\"count\":3,\"event\":" EVENT_REF
                          ",\"index\":1,\"member\":\"narrative\",\"ori\":\"NY0303000\",\"proof\":["
                          "\"$H\",\"$H\"],\"salt\":\"$H\",\"value\":\"He \\\"stood by\\\".\\n\"}",
    [KIND_FAILURE_ALLEGED] = ALLEGED,
    [KIND_FINDING_FINAL] =
        "{" CASE_OPEN ",\"decided\":\"2024-02-02\",\"decided_by\":\"commissioner\","
        "\"disposition\":\"sustained\",\"ori\":\"NY0303000\",\"party\":"
        "\"officer\"}",
    [KIND_FORK_OBSERVED] = "{\"evidence\":\"ZHV0eWxvZy9ldmlkZW5jZS92MSBhCg==\",\"origin\":"
                           "\"log.example\",\"vkey\":\"$0\"}",
    [KIND_INTERVENTION_REPORTED] = "{" CASE_OPEN ",\"ori\":\"NY0303000\",\"party\":\"supervisor\","
                                   "\"reported\":\"2024-01-03\"}",
    [KIND_KEY_ENROLLED] = "{\"basis\":\"live\",\"from\":\"2024-01-01\",\"kinds\":[\"*\"],\"oris\":["
                          "\"NY0303000\"],\"role\":\"clerk\",\"until\":\"2024-01-01\",\"vkey\":"
                          "\"$C\"}",
    [KIND_KEY_REVOKED] = "{\"key\":\"pd.example/clerk-7\",\"reason\":\"lost\",\"since\":"
                         "\"2024-01-01\"}",
    [KIND_KEY_ROTATED] =
        "{\"basis\":\"live\",\"from\":\"2024-01-01\",\"key\":\"pd.example/clerk-6\","
        "\"kinds\":[\"*\"],\"oris\":[\"NY0303000\"],\"reason\":\"lost\",\"role\":"
        "\"clerk\",\"since\":\"2024-01-01\",\"until\":\"2024-01-01\",\"vkey\":\"$C\"}",
    [KIND_LOG_OPENED] = OPENED,
    [KIND_LOG_POLICY] = "{\"operators\":{\"a\":\"state\",\"b\":\"doj\",\"c\":\"newsroom\"},"
                        "\"policy\":\"" POLICY "\"}",
    [KIND_LOG_SUCCEEDED] = "{\"abandoned\":\"$S\",\"checkpoint\":\"$s\",\"reason\":\"key_stolen\","
                           "\"successor\":\"$N\",\"vkey\":\"$P\"}",
    [KIND_NODE_SILENT] = "{\"last\":\"2024-01-01T00:00:00Z\",\"observed\":\"2024-01-02T00:00:01Z\","
                         "\"origin\":\"log.example\",\"vkey\":\"$0\"}",
    [KIND_REPORT_LODGED] = "{\"ori\":\"NY0303000\",\"vkey\":\"$Y\"}",
    [KIND_RULES_ACTIVATED] = "{\"hash\":\"$H\",\"table\":2}",
    [KIND_STAMP_UNCONFIRMED] =
        "{\"event\":" EVENT_REF ",\"quorum\":\"2024-01-01T03:00:00Z\",\"received\":"
        "\"2024-01-01T01:00:00Z\",\"size\":9}",
};

const char *good_open(enum kind_id id) {
    static char made[KIND_COUNT][2048];
    static const struct sample sample = {.ori = "NY0303000",
                                         .handle = "$h",
                                         .hash = "$H",
                                         .vkey = "$N",
                                         .event = EVENT_REF,
                                         .day = "2024-01-02"};
    struct writer w;
    if (special_open[id] != NULL) {
        return special_open[id];
    }
    writer_init(&w, made[id], sizeof made[id] - 1);
    sample_open(&w, kind_at(id), &sample);
    cr_assert_not(w.failed);
    made[id][w.len] = '\0';
    return made[id];
}

struct bytes sign_text(const char *text, const struct signer *const *signers, size_t count) {
    static uint8_t memory[2 * EVENT_TEXT_SIZE];
    struct writer w;
    writer_init(&w, memory, sizeof memory);
    writer_text(&w, text);
    writer_text(&w, "\n");
    for (size_t i = 0; i < count; i++) {
        note_sign(&w, bytes_text(text), signers[i]);
    }
    cr_assert_not(w.failed);
    return writer_view(&w);
}

size_t signers_of(enum kind_id kind, const struct signer *signers[3]) {
    const struct kind *row = kind_at(kind);
    bool by_root = row->roots_threshold || kind_enrols(row);
    signers[0] = kind == KIND_LOG_OPENED ? &operator_key : by_root ? &roots[0] : &clerk;
    if (kind == KIND_REPORT_LODGED) {
        signers[0] = &anyone;
    }
    signers[1] = kind == KIND_LOG_OPENED ? &roots[0] : &roots[1];
    signers[2] = &roots[2];
    return kind == KIND_LOG_OPENED ? 3 : row->roots_threshold ? 2 : 1;
}

void good_text(enum kind_id id, const char *open, bool body, unsigned seq, char *out) {
    char pattern[EVENT_TEXT_SIZE];
    const struct signer *signers[3];
    signers_of(id, signers);
    if (id == KIND_REPORT_LODGED) { /* has no other form */
        body = true;
        seq = 1;
    }
    snprintf(pattern, sizeof pattern,
             "dutylog/event/v1\n{%s\"issuer\":\"%s\",\"kind\":\"%s\",\"log\":\"" EVENT_LOG
             "\"%s%s%s,"
             "\"seq\":%u}\n",
             body ? "\"body\":\"$H\"," : "", signers[0]->vkey.name, kind_at(id)->name,
             open[0] != '\0' ? ",\"open\":" : "", open, seq > 1 ? ",\"prev\":\"$H\"" : "", seq);
    event_expand(pattern, out);
}

struct bytes good_event(enum kind_id id, bool body, unsigned seq) {
    static char text[EVENT_TEXT_SIZE];
    const struct signer *signers[3];
    good_text(id, good_open(id), body, seq, text);
    return sign_text(text, signers, signers_of(id, signers));
}

void event_accepted(struct bytes note) {
    static struct event event;
    struct refusal why = {0};
    cr_expect_eq(event_parse(note, &event, &why), STATUS_OK, "%.*s: %s", (int)note.len,
                 (const char *)note.data, why.text);
    if (why.text[0] == '\0') {
        event_release(&event);
    }
}

void event_refused(struct bytes note, enum status status, const char *says) {
    static struct event event;
    struct refusal why = {0};
    event.seq = 12345;
    cr_expect_eq(event_parse(note, &event, &why), status, "%.*s: %s %s", (int)note.len,
                 (const char *)note.data, status_name(why.status), why.text);
    cr_expect(strstr(why.text, says) != NULL, "%.*s: %s", (int)note.len, (const char *)note.data,
              why.text);
    cr_expect_eq(event.seq, 12345, "output touched on failure");
}

void refuse_open(enum kind_id id, const char *open, enum status status, const char *says) {
    static char text[EVENT_TEXT_SIZE];
    const struct signer *signers[3];
    good_text(id, open, false, 1, text);
    event_refused(sign_text(text, signers, signers_of(id, signers)), status, says);
}

void refuse_changed(enum kind_id id, const char *from, const char *to, enum status status,
                    const char *says) {
    char open[4096];
    const char *at = strstr(good_open(id), from);
    cr_assert_not_null(at, "%s", from);
    snprintf(open, sizeof open, "%.*s%s%s", (int)(at - good_open(id)), good_open(id), to,
             at + strlen(from));
    refuse_open(id, open, status, says);
}
