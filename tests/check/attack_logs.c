/* Who signs, and how an event gets into a log: as on its host, by acceptance. */
#include "tests/check/attack.h"

#include "ledger/body.h"
#include "ledger/publish_parts.h"
#include "ledger/store_memory.h"
#include "ledger/tree.h"
#include "tests/lib/world.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define START_MS 1772323200000u /* 2026-03-01 */
#define OPEN_SIZE 4096

#define OWN "'" ATTACK_ORI "'"
#define BOTH "'" ATTACK_OTHER_ORI "','" ATTACK_ORI "'"
#define FOREIGN_OWN "'" ATTACK_FOREIGN_ORI "'"
#define ANY ""

const struct person people[PEOPLE] = {
    [PD_ROOT] = {"pd-root", NULL, NULL, PD, PD_ROOT, OWN},
    [PD_OPERATOR] = {"pd-operator", NULL, NULL, PD, PD_ROOT, OWN},
    [PD_CHIEF] = {"pd/chief", NULL, "agency", PD, PD_ROOT, OWN},
    [PD_DESK] = {"pd/desk-1", NULL, "clerk", PD, PD_CHIEF, OWN},
    [PD_DESK_2] = {"pd/desk-2", NULL, "clerk", PD, PD_CHIEF, OWN},
    [PD_COURT] = {"courts/1", "pd courts/1", "court", PD, PD_ROOT, ANY},
    [PD_POST] = {"post/1", "pd post/1", "post", PD, PD_ROOT, ANY},
    [PD_BOARD] = {"board/1", "pd board/1", "oversight", PD, PD_ROOT, ANY},
    [PD_TRIBUNAL] = {"tribunal", NULL, "court", PD, PD_ROOT, ANY},
    [STATE_ROOT] = {"state-root", NULL, NULL, STATE, STATE_ROOT, OWN},
    [STATE_OPERATOR] = {"state-operator", NULL, NULL, STATE, STATE_ROOT, OWN},
    [STATE_CHIEF] = {"pd/chief", NULL, "agency", STATE, STATE_ROOT, BOTH},
    [STATE_DESK] = {"pd/desk-1", NULL, "clerk", STATE, STATE_CHIEF, BOTH},
    [STATE_DESK_3] = {"pd/desk-3", NULL, "clerk", STATE, STATE_CHIEF, BOTH},
    [BOARD_1] = {"board/1", NULL, "oversight", STATE, STATE_ROOT, ANY},
    [BOARD_2] = {"board/2", NULL, "oversight", STATE, STATE_ROOT, ANY},
    [RIVAL] = {"rival/1", NULL, "oversight", STATE, STATE_ROOT, ANY},
    [POST_1] = {"post/1", NULL, "post", STATE, STATE_ROOT, ANY},
    [POST_2] = {"post/2", NULL, "post", STATE, STATE_ROOT, ANY},
    [ACADEMY] = {"academy", NULL, "post", STATE, STATE_ROOT, ANY},
    [COURT_1] = {"courts/1", NULL, "court", STATE, STATE_ROOT, ANY},
    [COURT_2] = {"courts/2", NULL, "court", STATE, STATE_ROOT, ANY},
    [FEDERAL] = {"federal/1", NULL, "court", STATE, STATE_ROOT, ANY},
    [COURTS_ROOT] = {"judiciary", NULL, NULL, COURTS, COURTS_ROOT, OWN},
    [COURTS_OPERATOR] = {"courts-operator", NULL, NULL, COURTS, COURTS_ROOT, OWN},
    [COURT_3] = {"courts/3", NULL, "court", COURTS, COURTS_ROOT, ANY},
    [COUNTY] = {"county/1", NULL, "court", COURTS, COURTS_ROOT, ANY},
    [COURTS_POST] = {"post/3", NULL, "post", COURTS, COURTS_ROOT, ANY},
    [FOREIGN_ROOT] = {"xpd-root", NULL, NULL, FOREIGN, FOREIGN_ROOT, FOREIGN_OWN},
    [FOREIGN_OPERATOR] = {"xpd-operator", NULL, NULL, FOREIGN, FOREIGN_ROOT, FOREIGN_OWN},
    [FOREIGN_CHIEF] = {"xpd/chief", NULL, "agency", FOREIGN, FOREIGN_ROOT, FOREIGN_OWN},
    [FOREIGN_DESK] = {"xpd/desk-1", NULL, "clerk", FOREIGN, FOREIGN_CHIEF, FOREIGN_OWN},
};

static const char *const origins[ATTACK_LOGS] = {"courts.example/log", "pd.example/log",
                                                 "state.example/log", "xpd.example/log"};
static const enum who roots[ATTACK_LOGS] = {COURTS_ROOT, PD_ROOT, STATE_ROOT, FOREIGN_ROOT};

/* --- chance --- */

static uint64_t state;

void roll_seed(uint64_t seed) {
    state = seed * 0x9e3779b97f4a7c15u + 88172645463325252u;
    state += state == 0;
    for (unsigned i = 0; i < 8; i++) {
        (void)roll(2);
    }
}

uint64_t roll(uint64_t sides) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (state >> 11) % sides;
}

bool chance(unsigned percent) {
    return roll(100) < percent;
}

/* --- ranks, as the page has them --- */

unsigned rank_of(enum who who) {
    const char *role = people[who].role;
    if (role == NULL) {
        return 0;
    }
    return strcmp(role, "court") == 0 ? 3 : strcmp(role, "post") == 0 ? 2 : 1;
}

bool of_agency(enum who who) {
    const char *role = people[who].role;
    return role != NULL && (strcmp(role, "agency") == 0 || strcmp(role, "clerk") == 0);
}

static bool one_house(enum who one, enum who other) {
    size_t first = strcspn(people[one].name, "/");
    if (of_agency(one) || of_agency(other)) {
        return of_agency(one) && of_agency(other);
    }
    return people[one].log == people[other].log &&
           strcmp(people[one].role, people[other].role) == 0 &&
           first == strcspn(people[other].name, "/") &&
           memcmp(people[one].name, people[other].name, first) == 0;
}

bool may_undo(enum who one, enum who other) {
    unsigned rank = rank_of(one);
    unsigned asked = rank_of(other);
    return rank > asked ||
           (rank == asked && (one_house(one, other) || (of_agency(other) && !of_agency(one))));
}

bool in_bounds(enum who who) {
    const char *role = people[who].role;
    switch (people[who].log) {
    case COURTS:
        return role != NULL && strcmp(role, "post") != 0;
    case PD:
    case FOREIGN:
        return of_agency(who);
    case STATE:
    case ATTACK_LOGS:
        break;
    }
    return true;
}

/* --- making events --- */

/* JSON that was written with ' for ". */
static json_t *read_json(const char *text) {
    char copy[OPEN_SIZE];
    size_t len = strlen(text);
    assert(len < sizeof copy);
    for (size_t i = 0; i <= len; i++) {
        copy[i] = text[i] == '\'' ? '"' : text[i];
    }
    json_t *value = json_loads(copy, 0, NULL);
    if (value == NULL) {
        fprintf(stderr, "not JSON: %s\n", copy);
        abort();
    }
    return value;
}

static void hex_of(const uint8_t *bytes, size_t count, char *out) {
    for (size_t i = 0; i < count; i++) {
        snprintf(out + 2 * i, 3, "%02x", bytes[i]);
    }
}

/* The note of an event by this person, who has not said it before. */
static struct bytes make_note(struct attack *a, enum who who, const char *kind, const char *open,
                              const struct hash *body, uint8_t *room, size_t size) {
    uint8_t text[EVENT_SIZE_MAX];
    struct writer w;
    struct refusal why = {.text = ""};
    json_t *value = read_json(open);
    const struct signer *signers[2] = {&a->people[who].signer,
                                       &a->people[roots[people[who].log]].signer};
    size_t signer_count = strcmp(kind, "log.opened") == 0 ? 2 : 1;
    struct event_draft draft = {.log = bytes_text(origins[people[who].log]),
                                .issuer = bytes_text(people[who].name),
                                .kind = bytes_text(kind),
                                .seq = a->people[who].seq + 1,
                                .prev = a->people[who].seq > 0 ? &a->people[who].id : NULL,
                                .body = body,
                                .open = value};
    writer_init(&w, text, sizeof text);
    enum status status = event_format(&w, &draft, &why);
    struct bytes view = writer_view(&w);
    if (status == STATUS_OK) {
        writer_init(&w, room, size);
        status = event_sign(&w, view, signers, signer_count, &why);
    }
    if (status != STATUS_OK) {
        fprintf(stderr, "%s: %s\n", why.text, open);
        abort();
    }
    json_decref(value);
    return writer_view(&w);
}

/* --- into a log --- */

static uint64_t stamp_now(const struct attack *a, enum attack_log log) {
    uint64_t stamp = a->true_ms;
    if (log != STATE) {
        stamp += (uint64_t)a->skew_ms; /* wraps to less */
    }
    return stamp > a->at[log].stamp_ms ? stamp : a->at[log].stamp_ms;
}

static void append(struct attack *a, enum attack_log log, struct bytes entry) {
    static struct tree tree;
    uint32_t number = a->logs[log].number;
    enum status status = tree_load(a->txn, number, &tree);
    assert(status == STATUS_OK);
    status = tree_append(&tree, a->txn, entry, NULL);
    assert(status == STATUS_OK);
    status = tree_flush(&tree, a->txn);
    assert(status == STATUS_OK);
}

static void keep_checkpoint(struct attack *a, enum attack_log log, uint64_t quorum) {
    struct published at = {
        .size = a->at[log].size, .quorum_time = quorum, .note = bytes_text("a checkpoint")};
    a->at[log].quorum = at.quorum_time;
    enum status status = judge_set_size(a->txn, a->logs[log].number, a->at[log].size);
    assert(status == STATUS_OK);
    status = publish_keep(a->txn, a->logs[log].number, &at);
    assert(status == STATUS_OK);
}

/* As POST /add of its host: refused, or the next entry, soon under a checkpoint of a quorum. */
static bool accept_note(struct attack *a, enum who who, struct bytes note, struct said *out) {
    static uint8_t memory[ENTRY_SIZE_MAX];
    enum attack_log log = people[who].log;
    struct judgement judgement;
    struct accept_place place;
    struct refusal why = {.text = ""};
    struct writer w;
    uint64_t index = a->at[log].size;
    writer_init(&w, memory, sizeof memory);
    entry_format(&w, stamp_now(a, log), note);
    (a->trusted ? judge_prepare_trusted : judge_prepare)(a->txn, &a->logs[log], index,
                                                         writer_view(&w), &judgement);
    enum status status = accept_check(a->txn, &a->logs[log], &judgement.submission, index,
                                      judgement.stamp_ms, &place, &why);
    bool accepted = status == STATUS_OK && !place.logged;
    if (!accepted) {
        snprintf(a->why, sizeof a->why, "%s", why.text);
    } else {
        append(a, log, writer_view(&w));
        status = judge_entry(a->txn, &a->logs[log], &judgement);
        assert(status == STATUS_OK);
        out->id = judgement.submission.event.id;
        out->seq = judgement.submission.event.seq;
        out->kind = judgement.submission.event.kind;
        out->who = who;
        out->index = index;
        out->stamp_ms = judgement.stamp_ms;
        a->people[who].seq = out->seq;
        a->people[who].id = out->id;
        a->at[log].size++;
        a->at[log].stamp_ms = judgement.stamp_ms;
    }
    judgement_release(&judgement);
    return accepted;
}

static bool enter(struct attack *a, enum who who, const char *kind, const char *open,
                  const struct hash *body, struct said *out) {
    static uint8_t note[EVENT_SIZE_MAX];
    struct bytes made = make_note(a, who, kind, open, body, note, sizeof note);
    return accept_note(a, who, made, out);
}

/* Must be taken: of the beginning. */
static void begin_with(struct attack *a, enum who who, const char *kind, const char *open) {
    struct said said;
    if (!enter(a, who, kind, open, NULL, &said)) {
        fprintf(stderr, "%s: %s\n", kind, a->why);
        abort();
    }
    a->true_ms += 1000;
}

/* --- the beginning --- */

static const char *vkey_of(const struct vkey *vkey) {
    static char texts[4][VKEY_SIZE_MAX + 1];
    static unsigned next;
    char *text = texts[next++ % 4];
    struct writer w;
    writer_init(&w, (uint8_t *)text, VKEY_SIZE_MAX);
    vkey_format(&w, vkey);
    assert(!w.failed);
    text[w.len] = '\0';
    return text;
}

static void make_key(const char *name, const char *seed, struct signer *out) {
    struct hash hash;
    hash_of((const uint8_t *)seed, strlen(seed), &hash);
    enum status status = signer_make(bytes_text(name), VKEY_NOTE, hash.bytes, out);
    assert(status == STATUS_OK);
}

static void open_log(struct attack *a, enum attack_log log) {
    char open[OPEN_SIZE];
    struct world world;
    struct signer key;
    enum who operator= roots[log] + 1;
    make_key(origins[log], origins[log], &key);
    enum status status = logs_register(a->txn, &key.vkey, LOG_EVENTS, &a->logs[log], NULL);
    assert(status == STATUS_OK);
    snprintf(open, sizeof open,
             "{'authority':['%s'],'log_role':'%s','log_vkey':'%s','operator':'%s',"
             "'operator_vkey':'%s'%s,'threshold':1}",
             vkey_of(&a->people[roots[log]].signer.vkey), log == PD || log == FOREIGN ? "agency" : "state",
             vkey_of(&key.vkey), people[operator].name, vkey_of(&a->people[operator].signer.vkey),
             log == PD        ? ",'ori':'" ATTACK_ORI "'"
             : log == FOREIGN ? ",'ori':'" ATTACK_FOREIGN_ORI "'"
                              : "");
    begin_with(a, operator, "log.opened", open);
    world_init(&world, origins[log]); /* the same name, the same key */
    begin_with(a, roots[log], "log.policy",
               world_policy_open(&world, world_policy_text(&world, NULL), NULL));
    world_release(&world);
}

static void enrol(struct attack *a, enum who who) {
    char open[OPEN_SIZE];
    const struct person *p = &people[who];
    snprintf(open, sizeof open,
             "{'basis':'both','kinds':['*'],'oris':[%s],'role':'%s','vkey':'%s'}", p->oris, p->role,
             vkey_of(&a->people[who].signer.vkey));
    begin_with(a, p->enroller, "key.enrolled", open);
}

/* The state recognises the agency's log for that agency, and the courts' for courts. */
static void recognise(struct attack *a, enum attack_log log, const char *bounds) {
    char open[OPEN_SIZE];
    struct signer key;
    make_key(origins[log], origins[log], &key);
    snprintf(open, sizeof open, "{'address':'https://%s','log_vkey':'%s','operator':'%s'%s}",
             origins[log], vkey_of(&key.vkey), people[roots[log] + 1].name, bounds);
    begin_with(a, STATE_ROOT, "log.recognised", open);
}

void attack_open(struct attack *a) {
    bool ready = crypto_init();
    assert(ready);
    memset(a, 0, sizeof *a);
    enum status status = store_memory_open(NULL, &a->store);
    assert(status == STATUS_OK);
    status = store_begin(a->store, STORE_WRITE, &a->txn);
    assert(status == STATUS_OK);
    for (size_t i = 0; i < PEOPLE; i++) {
        make_key(people[i].name, people[i].seed != NULL ? people[i].seed : people[i].name,
                 &a->people[i].signer);
    }
    a->true_ms = START_MS;
    for (enum attack_log log = 0; log < ATTACK_LOGS; log++) {
        open_log(a, log);
    }
    for (enum who who = 0; who < PEOPLE; who++) {
        if (people[who].role != NULL) {
            enrol(a, who);
        }
    }
    recognise(a, PD, ",'oris':['" ATTACK_OTHER_ORI "','" ATTACK_ORI "']");
    recognise(a, FOREIGN, ",'oris':['" ATTACK_FOREIGN_ORI "']");
    recognise(a, COURTS, ",'roles':['court']");
    a->pin = (struct pin){.name = "state", .root_count = 1, .threshold = 1};
    a->pin.roots[0] = a->people[STATE_ROOT].signer.vkey;
    for (enum attack_log log = 0; log < ATTACK_LOGS; log++) {
        keep_checkpoint(a, log, a->true_ms / 1000);
    }
    status = store_commit(a->txn);
    assert(status == STATUS_OK);
}

/* Each seed is one write transaction on the same beginning, and then given up. */
static struct attack beginning;

void attack_begin(struct attack *a) {
    if (beginning.store == NULL) {
        beginning = *a;
    }
    *a = beginning;
    a->true_ms += 30 * 24 * (uint64_t)HOUR_MS;
    enum status status = store_begin(a->store, STORE_WRITE, &a->txn);
    assert(status == STATUS_OK);
}

void attack_end(struct attack *a) {
    store_abort(a->txn);
}

/* --- what is said of the case --- */

const char *reference_to(const struct attack *a, size_t event) {
    static char texts[4][300];
    static unsigned next;
    char *text = texts[next++ % 4];
    char hex[2 * HASH_SIZE + 1];
    const struct said *s = &a->said[event];
    hex_of(s->id.bytes, HASH_SIZE, hex);
    snprintf(text, sizeof texts[0], "{'id':'%s','issuer':'%s','log':'%s','seq':%" PRIu64 "}", hex,
             people[s->who].name, origins[people[s->who].log], s->seq);
    return text;
}

const char *of_case(unsigned subject) {
    static char texts[4][200];
    static unsigned next;
    char *text = texts[next++ % 4];
    int n = snprintf(text, sizeof texts[0],
                     "'basis':'live','case':'" ATTACK_HANDLE "'," ORI_HERE ",'party':'officer'");
    if (subject != 1) {
        snprintf(text + n, sizeof texts[0] - (size_t)n, ",'subject':%u", subject);
    }
    return text;
}

static const char *ori_of(const struct attack *a, enum who who) {
    if (people[who].log == FOREIGN) {
        return ATTACK_FOREIGN_ORI;
    }
    return a->merged && people[who].log != PD && chance(60) ? ATTACK_OTHER_ORI : ATTACK_ORI;
}

/* What was not said before gets its ORI here; the adversary's clerks take some of it over from
 * older records. */
static void fill_in(const struct attack *a, enum who who, char *members) {
    static const char live[] = "'basis':'live'";
    static const char imported[] = "'basis':'imported'";
    char *ori = strstr(members, ORI_HERE);
    char *basis = strstr(members, live);
    if (ori == NULL) {
        return;
    }
    memcpy(strchr(ori, '#'), ori_of(a, who), ORI_SIZE);
    if (basis != NULL && a->adversary && of_agency(who) && chance(8)) {
        size_t grown = sizeof imported - sizeof live;
        assert(strlen(members) + grown < MEMBERS_SIZE);
        memmove(basis + sizeof imported - 1, basis + sizeof live - 1,
                strlen(basis + sizeof live - 1) + 1);
        memcpy(basis, imported, sizeof imported - 1);
    }
}

/* The subject that the members say; else that of the event named, if there is no case in them. */
static unsigned subject_of(const struct attack *a, const struct said *said) {
    const char *at = strstr(said->members, "'subject':");
    if (at != NULL) {
        return (unsigned)strtoul(at + strlen("'subject':"), NULL, 10);
    }
    bool has_case = strstr(said->members, "'case':") != NULL;
    return has_case || said->names == NOBODY ? 1 : a->said[said->names].subject;
}

static void let_quorum_hold(struct attack *a, enum attack_log log) {
    a->true_ms += 2000 + roll(30000);
    keep_checkpoint(a, log, a->true_ms / 1000);
}

static size_t finish(struct attack *a, enum who who, const char *kind, const struct hash *body) {
    struct said *said = &a->said[a->count];
    char open[OPEN_SIZE];
    assert(a->count < SAID_MAX);
    snprintf(open, sizeof open, "{%s%s%s}", said->members, said->names != NOBODY ? ",'event':" : "",
             said->names != NOBODY ? reference_to(a, said->names) : "");
    said->subject = subject_of(a, said);
    said->adversary = a->adversary;
    said->has_body = body != NULL;
    said->is_false = false;
    if (!enter(a, who, kind, open, body, said)) {
        return NOBODY;
    }
    let_quorum_hold(a, people[who].log);
    return a->count++;
}

__attribute__((format(printf, 4, 0))) static void
put_members(struct attack *a, enum who who, size_t names, const char *members, va_list arguments) {
    struct said *said = &a->said[a->count];
    said->names = names;
    int n = vsnprintf(said->members, sizeof said->members, members, arguments);
    assert(n >= 0 && (size_t)n < sizeof said->members);
    fill_in(a, who, said->members);
}

size_t say(struct attack *a, enum who who, const char *kind, size_t names, const char *members,
           ...) {
    va_list arguments;
    va_start(arguments, members);
    put_members(a, who, names, members, arguments);
    va_end(arguments);
    return finish(a, who, kind, NULL);
}

/* --- closed members --- */

static struct body_member closed_member(void) {
    struct body_member member = {.name = bytes_text("officer"), .value = bytes_text("\"o-1\"")};
    memset(member.salt, 7, sizeof member.salt);
    return member;
}

size_t say_closed(struct attack *a, enum who who, const char *kind, size_t names,
                  const char *members, ...) {
    struct body_member member = closed_member();
    struct body_context context = {.log = bytes_text(origins[people[who].log]),
                                   .issuer = bytes_text(people[who].name),
                                   .seq = a->people[who].seq + 1};
    struct hash root;
    va_list arguments;
    enum status status = body_root(&context, &member, 1, &root, NULL);
    assert(status == STATUS_OK);
    va_start(arguments, members);
    put_members(a, who, names, members, arguments);
    va_end(arguments);
    return finish(a, who, kind, &root);
}

size_t disclose(struct attack *a, enum who who, size_t event, bool falsely) {
    size_t made =
        say(a, who, "event.opened", event,
            "'count':1,'index':0,'member':'officer','ori':'" ATTACK_ORI "','proof':[],'salt':"
            "'0707070707070707070707070707070707070707070707070707070707070707',"
            "'value':'%s'",
            falsely ? "o-2" : "o-1");
    if (made != NOBODY) {
        a->said[made].is_false = falsely || !a->said[event].has_body;
    }
    return made;
}

/* --- revocations, mergers --- */

bool merge(struct attack *a, enum who who, const char *ori, const char *into) {
    char open[OPEN_SIZE];
    struct said said;
    snprintf(open, sizeof open, "{'from':'2026-03-01','into':'%s','ori':'%s'}", into, ori);
    bool accepted = enter(a, who, "agency.merged", open, NULL, &said);
    if (accepted) {
        let_quorum_hold(a, people[who].log);
    }
    return accepted;
}

bool revoke(struct attack *a, enum who by, enum who whom, const char *reason, const char *since) {
    char open[OPEN_SIZE];
    struct said said;
    char vkey[300] = "";
    if (people[by].log != people[whom].log) {
        snprintf(vkey, sizeof vkey, ",'vkey':'%s'", vkey_of(&a->people[whom].signer.vkey));
    }
    snprintf(open, sizeof open, "{'key':'%s','reason':'%s'%s%s}", people[whom].name, reason, since,
             vkey);
    if (a->revoked_count == sizeof a->revoked / sizeof a->revoked[0] ||
        !enter(a, by, "key.revoked", open, NULL, &said)) {
        return false;
    }
    let_quorum_hold(a, people[by].log);
    a->revoked[a->revoked_count++] = (struct revoked){.by = by, .whom = whom, .index = said.index};
    return true;
}
