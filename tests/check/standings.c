/* Makes cases by chance and judges them, for tests/check/standing.py to judge again:
 *
 *     check-standings SEED COUNT    a line of JSON for each: `answer` as GET /case gives it, and
 * what that does not say: as `facts`, of each of its events, in order, `authority`, `beyond`,
 * `body`, `false`, `key`; and all `revocations` that bind their signers
 *
 * The events are what event_parse takes, signatures aside; their references are to any event made
 * before, which is more than acceptance of one log would take and no more than several logs hold.
 */
#include "ledger/case.h"
#include "ledger/house.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_SIZE 4096
#define MADE_MAX 40
#define ORI "NY0303000"

static uint64_t state;

static uint64_t roll(uint64_t sides) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state % sides;
}

static bool chance(unsigned percent) {
    return roll(100) < percent;
}

static const char *const origins[] = {"agency.example/log", "courts.example/log",
                                      "state.example/log"};
/* Houses by the first component of the name; one key is two people. */
static const struct {
    const char *name;
    uint32_t role;
    int key; /* 0: of its own */
} people[] = {
    {"root", ROLE_ROOT, 0},
    {"agency", ROLE_AGENCY, 0},
    {"desk-1", ROLE_CLERK, 0},
    {"desk-2", ROLE_CLERK, 0},
    {"board/a", ROLE_OVERSIGHT, 0},
    {"board/b", ROLE_OVERSIGHT, 0},
    {"inspector", ROLE_OVERSIGHT, 99},
    {"inspector-2", ROLE_OVERSIGHT, 99},
    {"post", ROLE_POST, 0},
    {"court/a", ROLE_COURT, 0},
    {"court/b", ROLE_COURT, 0},
    {"tribunal", ROLE_COURT, 0},
    {"newsroom", ROLE_OBSERVER, 0},
};
#define PEOPLE (sizeof people / sizeof people[0])

/* $d a day, $x a disposition, $b who recommends, $m measures; ?E perhaps an event, $E one, $R
 * perhaps a replacement. */
static const struct {
    const char *kind;
    unsigned weight;
    bool of_case;
    const char *open;
} forms[] = {
    {"failure.alleged", 6, true, ",\"occurred\":$d,\"reported\":\"2024-01-03\""},
    {"investigation.opened", 3, true, ",\"opened\":$d"},
    {"finding.recommended", 3, true,
     ",\"disposition\":$x,\"recommended\":$d,\"recommended_by\":$b"},
    {"finding.final", 8, true, ",\"decided\":$d,\"decided_by\":\"chief\",\"disposition\":$x"},
    {"finding.reversed", 5, true, ",\"decided\":$d,\"decided_by\":\"chief\",\"event\":$E"},
    {"discipline.recommended", 2, true,
     ",\"discipline\":$m,\"recommended\":$d,\"recommended_by\":$b"},
    {"discipline.imposed", 6, true, "?E,\"decided_by\":\"chief\",\"discipline\":$m,\"imposed\":$d"},
    {"discipline.served", 3, true, "?E,\"served\":$d"},
    {"discipline.not_served", 2, true, "?E,\"ascertained\":$d,\"reason\":\"retired\""},
    {"appeal.filed", 6, true, "?E,\"filed\":$d,\"forum\":\"court\""},
    {"appeal.decided", 8, true,
     ",\"event\":$E$M,\"decided\":$d,\"decided_by\":\"judge\",\"outcome\":$o"},
    {"decertification.ordered", 3, true,
     ",\"action\":\"suspended\",\"decided\":$d,\"decided_by\":\"post\""},
    {"officer.separated", 2, true, ",\"reason\":\"retired\",\"separated\":$d"},
    {"notice.sent", 1, true, ",\"notice\":\"finding\",\"sent\":$d,\"to\":\"post\""},
    {"correction", 9, false, "\"event\":$E,\"ori\":$O,\"what\":\"wrong_code\"$R"},
    {"event.opened", 2, false,
     "\"count\":1,\"event\":$E,\"index\":0,\"member\":\"narrative\",\"ori\":$O,\"proof\":[],"
     "\"salt\":\"1111111111111111111111111111111111111111111111111111111111111111\","
     "\"value\":\"x\""},
    {"closed", 1, false,
     "\"basis\":\"live\",\"case\":\"07000000000000000000000000000000\",\"ori\":\"" ORI "\""},
    {"response.appended", 2, false, "\"by\":\"officer\",\"event\":$E,\"ori\":$O"},
    {"seal.ordered", 2, false,
     "\"event\":$E,\"members\":[\"narrative\"],\"order\":"
     "\"aa000000000000000000000000000000000000000000000000000000000000aa\",\"ordered\":$d,"
     "\"ordered_by\":\"court\",\"ori\":$O"},
    {"held", 1, false, "\"count\":1,\"event\":$E,\"holder\":\"state\""},
};
#define FORMS (sizeof forms / sizeof forms[0])

struct made {
    size_t form;
    char open[TEXT_SIZE];
    uint8_t text[EVENT_SIZE_MAX];
    size_t text_len;
};
static struct made made[MADE_MAX];
static struct case_view *view;
static struct case_bonds bonds[MADE_MAX];
static struct hash authorities[3]; /* of the three logs; two may be one */
static uint8_t handle[HANDLE_SIZE] = {7};
/* A case that mostly goes as cases do: in order, by signers who may, about what came last. */
static bool orderly;

static const char *reference_to(size_t which) {
    static char text[TEXT_SIZE];
    const struct event *event = &view->items[which].event;
    char hex[2 * HASH_SIZE + 1];
    for (size_t i = 0; i < HASH_SIZE; i++) {
        snprintf(hex + 2 * i, 3, "%02x", event->id.bytes[i]);
    }
    snprintf(text, sizeof text,
             "{\"id\":\"%s\",\"issuer\":\"%.*s\",\"log\":\"%.*s\",\"seq\":%" PRIu64 "}", hex,
             (int)event->issuer.len, (const char *)event->issuer.data, (int)event->log.len,
             (const char *)event->log.data, event->seq);
    return text;
}

/* An event that this form is mostly about, else any. */
static size_t pick_target(size_t form) {
    const struct kind *kind = kind_find(forms[form].kind, strlen(forms[form].kind));
    for (unsigned tries = 0; tries < 12 && !chance(5); tries++) {
        size_t which =
            orderly ? view->count - 1 - roll(tries + 1) % view->count : roll(view->count);
        if ((kind->refers & KIND_BIT(view->items[which].event.kind->id)) != 0) {
            return which;
        }
    }
    return roll(view->count);
}

static const char *expansion(char what, bool maybe, size_t form) {
    static char text[TEXT_SIZE];
    static const char *const outcomes[] = {"reversed",  "reversed", "reduced",
                                           "increased", "upheld",   "remanded"};
    static const char *const dispositions[] = {"sustained", "exonerated"};
    text[0] = '\0';
    if (maybe && (chance(40) || view->count == 0)) {
        return text;
    }
    switch (what) {
    case 'd':
        snprintf(text, sizeof text, "\"2024-01-0%u\"", 1 + (unsigned)roll(2));
        break;
    case 'x':
        snprintf(text, sizeof text, "\"%s\"", dispositions[roll(2)]);
        break;
    case 'b':
        snprintf(text, sizeof text, "\"board-%u\"", (unsigned)roll(2));
        break;
    case 'm':
        snprintf(text, sizeof text, "[{\"code\":\"probation\",\"days\":%u}]",
                 1 + (unsigned)roll(2));
        break;
    case 'M':
        snprintf(text, sizeof text, ",\"discipline\":[{\"code\":\"counseling\"}]");
        break;
    case 'o':
        snprintf(text, sizeof text, "\"%s\"", outcomes[roll(6)]);
        break;
    case 'O':
        snprintf(text, sizeof text, "\"%s\"", chance(94) ? ORI : "MN0000000");
        break;
    case 'E':
        snprintf(text, sizeof text, "%s%s", maybe ? ",\"event\":" : "",
                 reference_to(pick_target(form)));
        break;
    default:
        assert(what == 'R');
        if (chance(50)) {
            snprintf(text, sizeof text, ",\"replaced_by\":%s", reference_to(roll(view->count)));
        }
    }
    return text;
}

static void fill_open(size_t form, char *out) {
    size_t len = 0;
    out[0] = '\0';
    if (forms[form].of_case) {
        static const char *const subjects[] = {"", ",\"subject\":1", ",\"subject\":2"};
        len += (size_t)snprintf(out, TEXT_SIZE,
                                "\"basis\":\"%s\",\"case\":\"07000000000000000000000000000000\","
                                "\"ori\":\"" ORI "\",\"party\":\"%s\"%s",
                                chance(25) ? "imported" : "live",
                                chance(92) ? "officer" : "supervisor",
                                subjects[chance(70) ? 0 : roll(3)]);
    }
    for (const char *at = forms[form].open; *at != '\0'; at++) {
        if (*at == '$' || *at == '?') {
            len += (size_t)snprintf(out + len, TEXT_SIZE - len, "%s",
                                    expansion(at[1], *at == '?', form));
            at++;
        } else {
            out[len++] = *at;
            out[len] = '\0';
        }
    }
}

static size_t pick_form(void) {
    uint64_t sum = 0;
    for (size_t i = 0; i < FORMS; i++) {
        sum += forms[i].weight;
    }
    for (;;) {
        uint64_t at = roll(sum);
        size_t form = 0;
        while (at >= forms[form].weight) {
            at -= forms[form++].weight;
        }
        if (view->count > 0 || strstr(forms[form].open, "$E") == NULL) {
            return form;
        }
    }
}

static void parse_event(struct made *m, const char *origin, const char *issuer, uint64_t seq,
                        struct event *out) {
    static const struct hash any = {{9}};
    char json[TEXT_SIZE + 2];
    struct writer w;
    struct refusal why;
    snprintf(json, sizeof json, "{%s}", m->open);
    json_t *open = json_loads(json, 0, NULL);
    const struct kind *kind = kind_find(forms[m->form].kind, strlen(forms[m->form].kind));
    if (open == NULL) {
        fprintf(stderr, "not JSON: %s\n", json);
        abort();
    }
    writer_init(&w, m->text, sizeof m->text);
    struct event_draft draft = {.log = bytes_text(origin),
                                .issuer = bytes_text(issuer),
                                .kind = bytes_text(kind->name),
                                .seq = seq,
                                .prev = seq > 1 ? &any : NULL,
                                .body = kind_has_closed(kind) && chance(20) ? &any : NULL,
                                .open = open};
    enum status status = event_format(&w, &draft, &why);
    if (status == STATUS_OK) {
        m->text_len = w.len;
        status = event_parse_text(bytes_of(m->text, m->text_len), out, &why);
    }
    if (status != STATUS_OK) {
        fprintf(stderr, "%s: %s\n", why.text, json);
        abort();
    }
    json_decref(open);
}

static size_t log_at(const char *origin) {
    struct case_log *log = case_log_named(view, bytes_text(origin));
    log->size = 1000;
    log->contributes = true;
    return (size_t)(log - view->logs);
}

static struct sign_public key_of(size_t who) {
    struct sign_public key = {{(uint8_t)(people[who].key != 0 ? people[who].key : (int)who + 1)}};
    return key;
}

/* Another event, or one made before once more: as it was, or but for its `event`. */
static void add_event(uint64_t moments, uint64_t apart) {
    struct made *m = &made[view->count];
    struct case_item *item = &view->items[view->count];
    size_t log = roll(3);
    const char *origin = origins[log];
    size_t who = orderly && !chance(15) ? 9 : roll(PEOPLE);
    if (view->count > 0 && chance(orderly ? 5 : 20)) {
        const struct made *again = &made[roll(view->count)];
        m->form = again->form;
        memcpy(m->open, again->open, sizeof m->open);
    } else {
        m->form = pick_form();
        fill_open(m->form, m->open);
    }
    uint64_t time = 1704067200000 + (orderly ? view->count : roll(moments)) * apart;
    *item = (struct case_item){.log = log_at(origin),
                               .index = 10 + view->count * 7 % MADE_MAX,
                               .stamp_ms = time,
                               .confirmed_ms = orderly || chance(90) ? time : time + 7200000,
                               .beyond = chance(3)};
    item->signer = (struct standing_signer){.key = key_of(who), .role = people[who].role};
    item->signer.house =
        house_of(people[who].role, bytes_text(people[who].name), &authorities[log]);
    parse_event(m, origin, people[who].name, 1 + view->count, &item->event);
    view->count++;
}

static struct case_revocation make_revocation(size_t which, uint64_t moments, uint64_t apart) {
    uint64_t time = 1704067200000 + roll(moments) * apart;
    return (struct case_revocation){
        .log = log_at(origins[roll(3)]),
        .index = 100 + which,
        .stamp_ms = time,
        .confirmed_ms = time,
        .seq = 1,
        .issuer = "root",
        .reason = chance(50) ? REVOKED_COMPROMISED : REVOKED_RETIRED,
        .since_ms = chance(50) ? 0 : 1704067200000 + roll(moments) * apart,
    };
}

static void print_hex(const struct sign_public *key) {
    printf("\"%02x\"", key->bytes[0]);
}

static void print_case(void) {
    size_t max = case_write_max(view);
    uint8_t *memory = malloc(max);
    struct writer w;
    assert(memory != NULL);
    writer_init(&w, memory, max);
    enum status status = case_write(view, &w);
    assert(status == STATUS_OK);
    printf("{\"answer\":%.*s,\"facts\":[", (int)w.len - 1, (const char *)memory);
    for (size_t i = 0; i < view->count; i++) {
        const struct case_item *item = view->sorted[i];
        size_t log = 0;
        while (strcmp(origins[log], view->logs[item->log].origin) != 0) {
            log++;
        }
        printf("%s{\"authority\":\"%02x\",\"beyond\":%s,\"body\":%s,\"false\":%s,\"key\":",
               i > 0 ? "," : "", authorities[log].bytes[0], item->beyond ? "true" : "false",
               item->event.has_body ? "true" : "false",
               view->events[i].unfitting ? "true" : "false");
        print_hex(&item->signer.key);
        printf("}");
    }
    free(memory);
}

static void print_revocations(struct case_revocation *rows, bool binds[][3], bool by_root[][3],
                              size_t count) {
    const char *before = "";
    printf("],\"revocations\":[");
    for (size_t i = 0; i < view->count; i++) {
        size_t item = (size_t)(view->sorted[i] - view->items);
        for (size_t j = 0; j < count; j++) {
            if (binds[item][j]) {
                printf("%s{\"compromised\":%s,\"confirmed\":%" PRIu64
                       ",\"event\":%zu,\"index\":%" PRIu64
                       ",\"log\":\"%s\",\"root\":%s,\"since\":%" PRIu64 "}",
                       before, rows[j].reason == REVOKED_COMPROMISED ? "true" : "false",
                       rows[j].confirmed_ms, i, rows[j].index, view->logs[rows[j].log].origin,
                       by_root[item][j] ? "true" : "false", rows[j].since_ms);
                before = ",";
            }
        }
    }
    printf("]}\n");
}

static void make_case(void) {
    static bool binds[MADE_MAX][3];
    static bool by_root[MADE_MAX][3];
    struct case_revocation rows[3];
    const uint8_t *ori = (const uint8_t *)ORI;
    case_init(view, ori, handle);
    size_t count = 2 + roll(MADE_MAX - 2);
    uint64_t moments = 1 + roll(2 * count);
    uint64_t apart = chance(50) ? 1000 : chance(50) ? 600000 : 5000000; /* an hour is between */
    size_t revocations = chance(40) ? 3 : 0;
    orderly = chance(50);
    for (size_t i = 0; i < 3; i++) {
        authorities[i] = (struct hash){{(uint8_t)(chance(70) ? 1 : 2 + i)}};
    }
    for (size_t i = 0; i < count; i++) {
        add_event(moments, apart);
    }
    for (size_t j = 0; j < revocations; j++) {
        rows[j] = make_revocation(j, moments, apart);
    }
    for (size_t i = 0; i < count; i++) {
        memset(&bonds[i], 0, sizeof bonds[i]);
        for (size_t j = 0; j < revocations; j++) {
            binds[i][j] = chance(20);
            by_root[i][j] = chance(50);
            if (binds[i][j]) {
                case_bond(view, &view->items[i], &rows[j], by_root[i][j], &bonds[i]);
            }
        }
        case_bind(view, i, &bonds[i]);
    }
    case_judge(view);
    print_case();
    print_revocations(rows, binds, by_root, revocations);
    case_release(view);
}

int main(int argc, char **argv) {
    if (argc != 3) {
        fprintf(stderr, "usage: check-standings SEED COUNT\n");
        return 2;
    }
    state = strtoull(argv[1], NULL, 10) * 2654435761u + 88172645463325252u;
    view = malloc(sizeof *view);
    assert(view != NULL);
    for (unsigned long i = strtoul(argv[2], NULL, 10); i > 0; i--) {
        make_case();
    }
    free(view);
    return 0;
}
