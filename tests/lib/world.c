#include "tests/lib/world.h"

#include "crypto/encoding.h"
#include "ledger/cosignature.h"
#include "ledger/evidence.h"
#include "ledger/json.h"
#include "tests/lib/keys.h"
#include "tests/lib/sample.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const names[WORLD_PEOPLE] = {"root-1", "root-2",   "root-3",   "operator",
                                                "agency", "clerk",    "board",    "court",
                                                "post",   "newcomer", "stranger", "post/2"};
static const char *const mirror_operators[WORLD_MIRRORS] = {"state", "doj", "university"};
static const char *const closed_names[WORLD_CLOSED] = {"case_number", "narrative", "officer"};
static const char *const closed_values[WORLD_CLOSED] = {
    "\"24-00117\"", "\"Stood by while a colleague knelt.\"", "\"o-5f21\""};

/* --- memory --- */

struct world_memory {
    struct world_memory *next;
    uint8_t data[];
};

static uint8_t *take_memory(struct world *world, size_t len) {
    struct world_memory *memory = malloc(sizeof *memory + len);
    assert(memory != NULL);
    memory->next = world->memory;
    world->memory = memory;
    return memory->data;
}

static struct bytes keep(struct world *world, struct bytes b) {
    uint8_t *data = take_memory(world, b.len + 1);
    memcpy(data, b.data, b.len);
    data[b.len] = '\0';
    return bytes_of(data, b.len);
}

const char *world_text(struct world *world, const char *format, ...) {
    char text[EVENT_SIZE_MAX];
    va_list arguments;
    va_start(arguments, format);
    int n = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    assert(n >= 0 && (size_t)n < sizeof text);
    return (const char *)keep(world, bytes_of(text, (size_t)n)).data;
}

void world_init(struct world *world, const char *origin) {
    memset(world, 0, sizeof *world);
    world->log = test_signer(origin, VKEY_NOTE);
    for (size_t i = 0; i < WORLD_PEOPLE; i++) {
        world->people[i] = test_signer(names[i], VKEY_NOTE);
    }
    for (size_t i = 0; i < WORLD_MIRRORS; i++) {
        const char *name = mirror_operators[i];
        world->mirrors[i] =
            test_signer(world_text(world, "%s.example/mirror", name), VKEY_COSIGNATURE);
        world->witnesses[i] =
            test_signer(world_text(world, "%s.example/witness", name), VKEY_COSIGNATURE);
    }
}

void world_release(struct world *world) {
    while (world->memory != NULL) {
        struct world_memory *next = world->memory->next;
        free(world->memory);
        world->memory = next;
    }
}

const char *world_name(const struct world *world, enum world_who who) {
    return world->people[who].vkey.name;
}

static const char *vkey_text(struct world *world, const struct vkey *key) {
    uint8_t text[VKEY_SIZE_MAX];
    struct writer w;
    writer_init(&w, text, sizeof text);
    vkey_format(&w, key);
    assert(!w.failed);
    return (const char *)keep(world, writer_view(&w)).data;
}

/* --- making and signing --- */

/* JSON that was written with ' for ". */
static json_t *read_json(const char *text) {
    char copy[EVENT_SIZE_MAX];
    size_t len = strlen(text);
    assert(len < sizeof copy);
    for (size_t i = 0; i < len; i++) {
        copy[i] = text[i] == '\'' ? '"' : text[i];
    }
    json_error_t error;
    json_t *value = json_loadb(copy, len, JSON_DECODE_ANY, &error);
    if (value == NULL) {
        fprintf(stderr, "world: %s in: %s\n", error.text, text);
    }
    assert(value != NULL);
    return value;
}

static uint64_t seq_of(const struct world *world, const struct world_event *event) {
    return event->seq != 0 ? event->seq : world->last[event->issuer].seq + 1;
}

static struct bytes format_text(struct world *world, const struct world_event *event) {
    uint8_t text[EVENT_SIZE_MAX];
    struct writer w;
    struct refusal why;
    struct event_draft draft = {.log = event->log != NULL ? bytes_text(event->log)
                                                          : vkey_name(&world->log.vkey),
                                .issuer = vkey_name(&world->people[event->issuer].vkey),
                                .kind = bytes_text(event->kind),
                                .seq = seq_of(world, event),
                                .body = event->body};
    if (draft.seq > 1) {
        draft.prev = event->prev != NULL ? event->prev : &world->last[event->issuer].id;
    }
    const char *open =
        event->open != NULL ? event->open : world_open(world, event->issuer, event->kind);
    json_t *value = read_json(open);
    draft.open = value;
    writer_init(&w, text, sizeof text);
    enum status status = event_format(&w, &draft, &why);
    if (status != STATUS_OK) {
        fprintf(stderr, "world: %s: %s in: %s\n", event->kind, why.text, open);
    }
    assert(status == STATUS_OK);
    json_decref(value);
    return keep(world, writer_view(&w));
}

const char *world_event_text(struct world *world, const struct world_event *event) {
    return (const char *)format_text(world, event).data;
}

const char *world_bend(struct world *world, const char *text, const char *from, const char *to) {
    const char *at = strstr(text, from);
    assert(at != NULL);
    return world_text(world, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
}

struct bytes world_sign(struct world *world, struct bytes text, const enum world_who *signers,
                        size_t count) {
    uint8_t note[EVENT_SIZE_MAX];
    struct writer w;
    writer_init(&w, note, sizeof note);
    writer_bytes(&w, text);
    writer_text(&w, "\n");
    for (size_t i = 0; i < count; i++) {
        note_sign(&w, text, &world->people[signers[i]]);
    }
    assert(!w.failed);
    return keep(world, writer_view(&w));
}

/* The issuer, then the roots that sign too. */
static size_t choose_signers(const struct world_event *event, enum world_who *signers) {
    const struct kind *kind = kind_find(event->kind, strlen(event->kind));
    assert(kind != NULL);
    uint32_t roots = event->roots;
    size_t count = 0;
    if (roots == 0 && kind->roots_threshold) {
        roots =
            kind->id == KIND_LOG_OPENED ? 1 << WORLD_ROOT_1 | 1 << WORLD_ROOT_2 : 1 << WORLD_ROOT_2;
    }
    signers[count++] = event->issuer;
    for (unsigned i = WORLD_ROOT_1; i <= WORLD_ROOT_3; i++) {
        if ((roots >> i & 1) != 0) {
            signers[count++] = (enum world_who)i;
        }
    }
    return count;
}

struct hash world_id(struct bytes note) {
    struct note parsed;
    struct hash id;
    enum status status = note_parse(note, &parsed, NULL);
    assert(status == STATUS_OK);
    hash_of(parsed.text.data, parsed.text.len, &id);
    return id;
}

struct bytes world_event(struct world *world, const struct world_event *event) {
    enum world_who signers[WORLD_PEOPLE];
    struct event parsed;
    struct refusal why;
    struct bytes text = format_text(world, event);
    size_t count = choose_signers(event, signers);
    struct bytes note = world_sign(world, text, signers, count);
    enum status status = event_parse(note, &parsed, &why);
    if (status != STATUS_OK) {
        fprintf(stderr, "world: %s: %s\n", event->kind, why.text);
    }
    assert(status == STATUS_OK);
    if (!event->aside) {
        world->last[event->issuer].seq = parsed.seq;
        world->last[event->issuer].id = parsed.id;
    }
    event_release(&parsed);
    return note;
}

struct bytes world_aside(struct world *world, enum world_who issuer, const char *kind,
                         const char *open) {
    return world_event(
        world, &(struct world_event){.issuer = issuer, .kind = kind, .open = open, .aside = true});
}

struct bytes world_damage(struct bytes note, size_t which) {
    struct note parsed;
    enum status status = note_parse(note, &parsed, NULL);
    assert(status == STATUS_OK && which < parsed.count);
    /* Past the key ID, well inside R. */
    uint8_t *byte = (uint8_t *)(uintptr_t)parsed.signatures[which].encoded.data + 20;
    *byte = *byte == 'A' ? 'B' : 'A';
    return note;
}

struct bytes world_sample(struct world *world, enum world_who issuer, const char *kind) {
    return world_event(world, &(struct world_event){.issuer = issuer, .kind = kind});
}

/* --- registry --- */

const char *world_opened_open(struct world *world) {
    const char *roots[3];
    for (size_t i = 0; i < 3; i++) {
        roots[i] = vkey_text(world, &world->people[WORLD_ROOT_1 + i].vkey);
    }
    return world_text(world,
                      "{'authority':['%s','%s','%s'],'log_role':'agency','log_vkey':'%s',"
                      "'operator':'agency','operator_vkey':'%s','ori':'" WORLD_ORI
                      "','threshold':2}",
                      roots[0], roots[1], roots[2], vkey_text(world, &world->log.vkey),
                      vkey_text(world, &world->people[WORLD_OPERATOR].vkey));
}

struct bytes world_opened(struct world *world) {
    return world_sample(world, WORLD_OPERATOR, "log.opened");
}

const char *world_policy_text(struct world *world, const char *const urls[WORLD_MIRRORS]) {
    const char *text = world_text(world, "log %s\n", vkey_text(world, &world->log.vkey));
    for (size_t i = 0; i < WORLD_MIRRORS; i++) {
        text = world_text(world, "%switness %s %s%s%s\n", text, mirror_operators[i],
                          vkey_text(world, &world->mirrors[i].vkey), urls != NULL ? " " : "",
                          urls != NULL ? urls[i] : "");
    }
    for (size_t i = 0; i < WORLD_MIRRORS; i++) {
        text = world_text(world, "%switness %s-witness %s\n", text, mirror_operators[i],
                          vkey_text(world, &world->witnesses[i].vkey));
    }
    return world_text(world, "%sgroup mirrors 2 %s %s %s\nquorum mirrors\n", text,
                      mirror_operators[0], mirror_operators[1], mirror_operators[2]);
}

const char *world_policy_open(struct world *world, const char *text, const char *operators) {
    uint8_t quoted[POLICY_SIZE_MAX + 512];
    struct writer w;
    writer_init(&w, quoted, sizeof quoted);
    jcs_write_text(&w, bytes_text(text));
    assert(!w.failed);
    struct bytes kept = keep(world, writer_view(&w));
    return world_text(world, "{'operators':%s,'policy':%s}",
                      operators != NULL ? operators
                                        : "{'state':'state','doj':'doj','university':'university',"
                                          "'state-witness':'state','doj-witness':'doj',"
                                          "'university-witness':'university'}",
                      (const char *)kept.data);
}

struct bytes world_policy(struct world *world) {
    return world_sample(world, WORLD_ROOT_1, "log.policy");
}

static const char *role_of(enum world_who who) {
    switch (who) {
    case WORLD_AGENCY:
        return "agency";
    case WORLD_BOARD:
        return "oversight";
    case WORLD_COURT:
        return "court";
    case WORLD_POST:
    case WORLD_POST_2:
        return "post";
    case WORLD_CLERK:
    case WORLD_NEWCOMER:
    case WORLD_STRANGER:
    case WORLD_ROOT_1:
    case WORLD_ROOT_2:
    case WORLD_ROOT_3:
    case WORLD_OPERATOR:
    case WORLD_PEOPLE:
        break;
    }
    return "clerk";
}

const char *world_enrol_open(struct world *world, enum world_who whom, const char *role,
                             const char *oris, const char *kinds, const char *basis,
                             const char *more) {
    return world_text(world, "{'basis':'%s','kinds':%s,'oris':%s,'role':'%s','vkey':'%s'%s}", basis,
                      kinds, oris, role, vkey_text(world, &world->people[whom].vkey), more);
}

struct bytes world_enrol_as(struct world *world, enum world_who by, enum world_who whom,
                            const char *role, const char *oris, const char *kinds,
                            const char *basis, const char *more) {
    const char *open = world_enrol_open(world, whom, role, oris, kinds, basis, more);
    return world_event(world,
                       &(struct world_event){.issuer = by, .kind = "key.enrolled", .open = open});
}

struct bytes world_enrol(struct world *world, enum world_who by, enum world_who whom) {
    const char *role = role_of(whom);
    bool local = strcmp(role, "agency") == 0 || strcmp(role, "clerk") == 0;
    return world_enrol_as(world, by, whom, role, local ? "['" WORLD_ORI "']" : "[]", "['*']",
                          "both", "");
}

struct bytes world_revoke(struct world *world, enum world_who by, enum world_who whom) {
    const char *open = world_text(world, "{'key':'%s','reason':'lost'}", world_name(world, whom));
    return world_event(world,
                       &(struct world_event){.issuer = by, .kind = "key.revoked", .open = open});
}

const char *world_rotate_open(struct world *world, enum world_who old, enum world_who fresh,
                              const char *more) {
    const char *role = role_of(old);
    bool local = strcmp(role, "agency") == 0 || strcmp(role, "clerk") == 0;
    return world_enrol_open(
        world, fresh, role, local ? "['" WORLD_ORI "']" : "[]", "['*']", "both",
        world_text(world, ",'key':'%s','reason':'lost'%s", world_name(world, old), more));
}

void world_start(struct world *world, struct bytes notes[WORLD_START]) {
    notes[0] = world_opened(world);
    notes[1] = world_policy(world);
    notes[2] = world_enrol(world, WORLD_ROOT_1, WORLD_AGENCY);
    notes[3] = world_enrol(world, WORLD_AGENCY, WORLD_CLERK);
    notes[4] = world_enrol(world, WORLD_ROOT_1, WORLD_BOARD);
    notes[5] = world_enrol(world, WORLD_ROOT_1, WORLD_COURT);
    notes[6] = world_enrol(world, WORLD_ROOT_1, WORLD_POST);
}

/* --- samples --- */

static const char *hex_of(struct world *world, const struct hash *hash) {
    uint8_t text[2 * HASH_SIZE];
    struct writer w;
    writer_init(&w, text, sizeof text);
    writer_hash_hex(&w, hash);
    return (const char *)keep(world, writer_view(&w)).data;
}

/* A reference to an event by `issuer`. */
static const char *event_at(struct world *world, enum world_who issuer, uint64_t seq,
                            const struct hash *id) {
    return world_text(world, "{'id':'%s','issuer':'%s','log':'%s','seq':%llu}", hex_of(world, id),
                      world_name(world, issuer), world->log.vkey.name, (unsigned long long)seq);
}

static const char *last_event(struct world *world, enum world_who issuer) {
    assert(world->last[issuer].seq > 0);
    return event_at(world, issuer, world->last[issuer].seq, &world->last[issuer].id);
}

const char *world_fork_open(struct world *world, const struct vkey *accused, struct bytes file) {
    char text[BASE64_LEN(EVENT_SIZE_MAX) + 1];
    assert(file.len <= EVENT_SIZE_MAX);
    text[base64_encode(text, file.data, file.len)] = '\0';
    return world_text(world, "{'evidence':'%s','origin':'%s','vkey':'%s'}", text,
                      world->log.vkey.name, vkey_text(world, accused));
}

/* Two roots at one size, both signed by the log and by mirror 0. */
static const char *evidence(struct world *world) {
    uint8_t memory[EVENT_SIZE_MAX];
    struct writer w;
    struct hash roots[2] = {{{1}}, {{2}}};
    writer_init(&w, memory, sizeof memory);
    enum status status = evidence_of_checkpoints(
        &world->log.vkey, world_checkpoint(world, 9, &roots[0], WORLD_TIME_MS / 1000, 1),
        world_checkpoint(world, 9, &roots[1], WORLD_TIME_MS / 1000, 1), NULL, &w);
    assert(status == STATUS_OK);
    return world_fork_open(world, &world->log.vkey, writer_view(&w));
}

/* A checkpoint as the text of a JSON string. */
static const char *checkpoint_json(struct world *world, const struct signer *log, uint64_t size) {
    uint8_t note[1024];
    uint8_t text[2048];
    struct writer w;
    struct writer t;
    struct hash root;
    char seed[32];
    snprintf(seed, sizeof seed, "root of %llu", (unsigned long long)size);
    hash_of((const uint8_t *)seed, strlen(seed), &root);
    writer_init(&w, note, sizeof note);
    writer_init(&t, text, sizeof text);
    checkpoint_sign(&w, vkey_name(&log->vkey), size, &root, log);
    for (size_t i = 0; i < w.len; i++) {
        if (w.data[i] == '\n') {
            writer_text(&t, "\\n");
        } else {
            writer_u8(&t, w.data[i]);
        }
    }
    assert(!w.failed && !t.failed);
    return world_text(world, "%.*s", (int)t.len, (const char *)t.data);
}

const char *world_succeeded_open(struct world *world, const struct signer *old,
                                 const struct vkey *successor, uint64_t closing,
                                 uint64_t abandoned) {
    struct signer other = test_signer("old.example/log", VKEY_NOTE);
    const struct signer *log = old != NULL ? old : &other;
    const char *given_up = abandoned > 0 ? world_text(world, "'abandoned':'%s',",
                                                      checkpoint_json(world, log, abandoned))
                                         : "";
    return world_text(world,
                      "{%s'checkpoint':'%s','reason':'key_lost','successor':'%s','vkey':'%s'}",
                      given_up, checkpoint_json(world, log, closing), vkey_text(world, successor),
                      vkey_text(world, &log->vkey));
}

/* Of a kind that needs nothing of this world but its agency. */
static const char *plain_open(struct world *world, const struct kind *kind) {
    static const char hash[] = "0707070707070707070707070707070707070707070707070707070707070707";
    uint8_t memory[4096];
    struct writer w;
    struct sample sample = {.ori = WORLD_ORI,
                            .handle = "0123456789abcdef0123456789abcdef",
                            .hash = hash,
                            .vkey = vkey_text(world, &world->people[WORLD_NEWCOMER].vkey),
                            .event = world_text(world,
                                                "{'id':'%s','issuer':'desk','log':"
                                                "'other.example/log','seq':3}",
                                                hash),
                            .day = "2025-12-20"};
    writer_init(&w, memory, sizeof memory - 1);
    sample_open(&w, kind, &sample);
    assert(!w.failed);
    writer_u8(&w, '\0');
    return (const char *)keep(world, writer_view(&w)).data;
}

const char *world_replace_open(struct world *world, enum world_who old, enum world_who fresh) {
    return world_text(world, "{'key':'%s','reason':'lost','vkey':'%s'}", world_name(world, old),
                      vkey_text(world, &world->people[fresh].vkey));
}

const char *world_open(struct world *world, enum world_who issuer, const char *kind) {
    const struct kind *row = kind_find(kind, strlen(kind));
    assert(row != NULL);
    if (row->id == KIND_CORRECTION) {
        return world_text(world, "{'event':%s,'ori':'" WORLD_ORI "','what':'wrong_date'}",
                          last_event(world, issuer));
    }
    if (row->id == KIND_EVENT_OPENED) {
        return world_disclose(world, issuer, 1);
    }
    if (row->id == KIND_FORK_OBSERVED) {
        return evidence(world);
    }
    if (row->id == KIND_KEY_ENROLLED) {
        return world_enrol_open(world, WORLD_NEWCOMER, "clerk", "['" WORLD_ORI "']", "['*']",
                                "both", "");
    }
    if (row->id == KIND_KEY_REVOKED) {
        return world_text(world, "{'key':'%s','reason':'lost'}", world_name(world, WORLD_CLERK));
    }
    if (row->id == KIND_KEY_ROTATED) {
        return world_rotate_open(world, WORLD_CLERK, WORLD_NEWCOMER, "");
    }
    if (row->id == KIND_LOG_OPENED) {
        return world_opened_open(world);
    }
    if (row->id == KIND_LOG_POLICY) {
        return world_policy_open(world, world_policy_text(world, NULL), NULL);
    }
    if (row->id == KIND_LOG_SUCCEEDED) {
        return world_succeeded_open(world, NULL, &world->log.vkey, 9, 12);
    }
    if (row->id == KIND_NODE_SILENT) {
        return world_text(world,
                          "{'last':'2025-12-20T00:00:00Z','observed':'2025-12-21T00:00:01Z',"
                          "'origin':'%s','vkey':'%s'}",
                          world->log.vkey.name, vkey_text(world, &world->mirrors[0].vkey));
    }
    if (row->id == KIND_ROOT_REPLACED) {
        return world_replace_open(world, WORLD_ROOT_3, WORLD_NEWCOMER);
    }
    if (row->id == KIND_RULES_ACTIVATED) {
        return "{'hash':'0707070707070707070707070707070707070707070707070707070707070707',"
               "'table':2}";
    }
    return plain_open(world, row);
}

/* --- closed members --- */

static struct body_context context_of(const struct world *world, enum world_who issuer,
                                      uint64_t seq) {
    return (struct body_context){.log = vkey_name(&world->log.vkey),
                                 .issuer = vkey_name(&world->people[issuer].vkey),
                                 .seq = seq};
}

struct bytes world_closed_sample(struct world *world, enum world_who issuer, const char *kind) {
    struct world_closed_event *closed = &world->closed[issuer];
    struct hash root;
    closed->seq = world->last[issuer].seq + 1;
    struct body_context context = context_of(world, issuer, closed->seq);
    for (size_t i = 0; i < WORLD_CLOSED; i++) {
        struct body_member *member = &closed->members[i];
        uint64_t salt = ++world->salts;
        struct hash random;
        hash_of(&salt, sizeof salt, &random);
        member->name = bytes_text(closed_names[i]);
        member->value = bytes_text(closed_values[i]);
        memcpy(member->salt, random.bytes, BODY_SALT_SIZE);
    }
    enum status status = body_root(&context, closed->members, WORLD_CLOSED, &root, NULL);
    assert(status == STATUS_OK);
    struct bytes note =
        world_event(world, &(struct world_event){.issuer = issuer, .kind = kind, .body = &root});
    closed->id = world->last[issuer].id;
    return note;
}

const char *world_disclose(struct world *world, enum world_who issuer, size_t which) {
    const struct world_closed_event *closed = &world->closed[issuer];
    const struct body_member *member = &closed->members[which];
    struct body_context context = context_of(world, issuer, closed->seq);
    struct merkle_proof proof;
    struct hash salt;
    const char *hashes = "";
    assert(closed->seq > 0);
    enum status status = body_prove(&context, closed->members, WORLD_CLOSED, which, &proof);
    assert(status == STATUS_OK);
    for (size_t i = 0; i < proof.count; i++) {
        hashes = world_text(world, "%s%s'%s'", hashes, i > 0 ? "," : "",
                            hex_of(world, &proof.hashes[i]));
    }
    memcpy(salt.bytes, member->salt, BODY_SALT_SIZE);
    return world_text(world,
                      "{'count':%d,'event':%s,'index':%zu,'member':'%s','ori':'" WORLD_ORI
                      "','proof':[%s],'salt':'%s','value':%s}",
                      WORLD_CLOSED, event_at(world, issuer, closed->seq, &closed->id), which,
                      closed_names[which], hashes, hex_of(world, &salt), closed_values[which]);
}

/* --- checkpoints --- */

struct bytes world_checkpoint(struct world *world, uint64_t size, const struct hash *root,
                              uint64_t time, uint32_t mirrors) {
    uint8_t note[CHECKPOINT_SIZE_MAX];
    uint8_t text[CHECKPOINT_TEXT_MAX];
    struct writer w;
    struct writer t;
    struct bytes origin = vkey_name(&world->log.vkey);
    writer_init(&w, note, sizeof note);
    writer_init(&t, text, sizeof text);
    checkpoint_format_text(&t, origin, size, root);
    checkpoint_sign(&w, origin, size, root, &world->log);
    for (unsigned i = 0; i < WORLD_MIRRORS; i++) {
        if ((mirrors >> i & 1) != 0) {
            cosignature_sign(&w, writer_view(&t), time, &world->mirrors[i]);
        }
    }
    assert(!w.failed && !t.failed);
    return keep(world, writer_view(&w));
}
