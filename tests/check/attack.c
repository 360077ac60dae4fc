/* Tells honest cases and attacks them, for tests/check/attack.py to say whether the attack did what
 * it may not:
 *
 *     check-attack FIRST COUNT    for each seed a line of JSON: `seed`, `pinned`; `views`, the
 * answers of GET /case one after another, the more said the later; `facts` of all that was said, by
 *         id and in that order: `adversary`, `authority` of its log, `beyond` bounds, `body`,
 *         `case`, `enroller`, `false`, `house`, `key`, `kind`, `names`; `said`: how many of them by
 * each view; `revoked`: who took whose key back
 *
 * Every event is made, signed, and accepted as on its log's host. */
#include "tests/check/attack.h"

#include "ledger/store_memory.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct case_view *view;
static struct case_memory *memory;
static unsigned views;
static size_t said[64]; /* how much, by each view */

void attack_view(struct attack *a) {
    static const uint8_t handle[HANDLE_SIZE] = {7, [15] = 0xaa};
    struct refusal why = {.text = ""};
    case_init(view, (const uint8_t *)ATTACK_ORI, handle);
    struct case_ask ask = {.authorities = &a->pin, .authority_count = a->pinned ? 1 : 0};
    enum status status = case_gather(a->txn, &ask, memory, view, &why);
    if (status != STATUS_OK) {
        fprintf(stderr, "GET /case: %s\n", why.text);
        abort();
    }
    case_judge(view);
    size_t max = case_write_max(view);
    uint8_t *text = malloc(max);
    assert(text != NULL);
    struct writer w;
    writer_init(&w, text, max);
    status = case_write(view, &w);
    assert(status == STATUS_OK);
    assert(views < sizeof said / sizeof said[0]);
    said[views] = a->count;
    printf("%s%.*s", views++ > 0 ? "," : "", (int)w.len - 1, (const char *)text);
    free(text);
    case_release(view);
}

static void print_key(const struct attack *a, const char *name, enum who who) {
    printf("\"%s\":\"%02x%02x%02x%02x\"", name, a->people[who].signer.vkey.key.bytes[0],
           a->people[who].signer.vkey.key.bytes[1], a->people[who].signer.vkey.key.bytes[2],
           a->people[who].signer.vkey.key.bytes[3]);
}

static const char *truth(bool value) {
    return value ? "true" : "false";
}

static void print_id(const struct hash *id) {
    for (size_t i = 0; i < HASH_SIZE; i++) {
        printf("%02x", id->bytes[i]);
    }
}

/* As attack.py has it of an event that is shown: for those that are not. */
static void print_house(enum who who) {
    const struct person *p = &people[who];
    if (of_agency(who)) {
        printf("\"%sagency\"", p->log == FOREIGN ? "another " : "");
    } else {
        printf("\"%s %.*s %d\"", p->role, (int)strcspn(p->name, "/"), p->name, (int)p->log);
    }
}

static void print_fact(const struct attack *a, const struct said *s) {
    const struct person *p = &people[s->who];
    printf("\"");
    print_id(&s->id);
    printf("\":{\"adversary\":%s,\"authority\":\"%d\",\"beyond\":%s,\"body\":%s,\"case\":%s,"
           "\"false\":%s,",
           truth(s->adversary), (int)p->log, truth(a->pinned && !in_bounds(s->who)),
           truth(s->has_body), truth(strstr(s->members, "'case':") != NULL), truth(s->is_false));
    print_key(a, "enroller", p->enroller);
    printf(",\"house\":");
    print_house(s->who);
    printf(",\"kind\":\"%s\",\"names\":\"", s->kind->name);
    if (s->names != NOBODY) {
        print_id(&a->said[s->names].id);
    }
    printf("\",");
    print_key(a, "key", s->who);
    printf("}");
}

static void print_revoked(const struct attack *a) {
    printf("},\"revoked\":[");
    for (size_t i = 0; i < a->revoked_count; i++) {
        const struct revoked *r = &a->revoked[i];
        printf("%s{", i > 0 ? "," : "");
        print_key(a, "by", r->by);
        printf(",");
        print_key(a, "whom", r->whom);
        printf(",\"authority\":\"%d\",\"index\":%" PRIu64 ",\"log\":%d,\"root\":%s}",
               (int)people[r->by].log, r->index, (int)people[r->by].log,
               truth(people[r->by].role == NULL));
    }
}

static void run_seed(struct attack *a, uint64_t seed) {
    roll_seed(seed);
    attack_begin(a);
    a->pinned = chance(60);
    a->bury = chance(3) ? (chance(50) ? 70 : 1000) + roll(130) : 0;
    bool lurking = chance(a->bury > 0 ? 70 : 40);
    moves_begin(a);
    printf("{\"pinned\":%s,\"seed\":%" PRIu64 ",\"views\":[", truth(a->pinned), seed);
    views = 0;
    story_tell(a, lurking);
    attack_view(a);
    if (a->bury > 0) {
        moves_bury(a);
    }
    bool shown = false;
    for (unsigned left = 1 + (unsigned)roll(6); left > 0; left--) {
        bool said_any = moves_act(a);
        shown = shown && !said_any;
        if (said_any && a->count < SAID_MANY) {
            attack_view(a);
            shown = true;
        }
    }
    if (!shown) {
        attack_view(a);
    }
    printf("],\"facts\":{");
    for (size_t i = 0; i < a->count; i++) {
        printf("%s", i > 0 ? "," : "");
        print_fact(a, &a->said[i]);
    }
    print_revoked(a);
    printf("],\"said\":[");
    for (unsigned i = 0; i < views; i++) {
        printf("%s%zu", i > 0 ? "," : "", said[i]);
    }
    printf("]}\n");
    attack_end(a);
}

int main(int argc, char **argv) {
    static struct attack a;
    if (argc != 3) {
        fprintf(stderr, "usage: check-attack FIRST COUNT\n");
        return 2;
    }
    uint64_t seed = strtoull(argv[1], NULL, 10);
    view = malloc(sizeof *view);
    memory = malloc(sizeof *memory);
    assert(view != NULL && memory != NULL);
    attack_open(&a);
    for (uint64_t left = strtoull(argv[2], NULL, 10); left > 0; left--) {
        run_seed(&a, seed++);
    }
    free(memory);
    free(view);
    store_memory_close(a.store);
    return 0;
}
