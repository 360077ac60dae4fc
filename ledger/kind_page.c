#include "ledger/kind_page.h"

#include "ledger/law.h"

#include <assert.h>

static const char *const type_names[MEMBER_TYPE_COUNT] = {
    [MEMBER_TEXT] = "text",
    [MEMBER_TOKEN] = "token",
    [MEMBER_NAME] = "name",
    [MEMBER_ORIGIN] = "origin",
    [MEMBER_HASH] = "hash",
    [MEMBER_HANDLE] = "handle",
    [MEMBER_ORI] = "ORI",
    [MEMBER_DATE] = "day",
    [MEMBER_TIME] = "time",
    [MEMBER_INTEGER] = "integer",
    [MEMBER_CODE] = "code",
    [MEMBER_VKEY] = "vkey",
    [MEMBER_VKEY_ACCUSED] = "any vkey",
    [MEMBER_VKEYS] = "vkeys",
    [MEMBER_POLICY] = "policy",
    [MEMBER_OPERATORS] = "operators",
    [MEMBER_ORIS] = "ORIs",
    [MEMBER_SOME_ORIS] = "some ORIs",
    [MEMBER_KINDS] = "kinds",
    [MEMBER_SALT] = "salt",
    [MEMBER_HASHES] = "hashes",
    [MEMBER_ANY] = "any",
    [MEMBER_DISCIPLINE] = "discipline",
    [MEMBER_EVIDENCE] = "evidence",
    [MEMBER_EVENT] = "event",
    [MEMBER_CHECKPOINT] = "checkpoint",
    [MEMBER_TITLE] = "title",
    [MEMBER_ADDRESS] = "address",
    [MEMBER_MONTH] = "month",
    [MEMBER_STATE] = "state",
    [MEMBER_STATES] = "states",
    [MEMBER_CODES] = "codes",
    [MEMBER_TOKENS] = "tokens",
};

const char *member_type_name(enum member_type type) {
    assert(type < MEMBER_TYPE_COUNT);
    return type_names[type];
}

/* "a, b, c": an item after the first has a comma before it. */
static void put_item(struct writer *w, bool *first, const char *item) {
    writer_text(w, *first ? "" : ", ");
    writer_text(w, item);
    *first = false;
}

/* | `member` | type, at most max | open, required | help | */
static void put_member(struct writer *w, const struct kind_member *member) {
    bool first = true;
    writer_text(w, "| `");
    writer_text(w, member->name);
    writer_text(w, "` | ");
    if (member->type == MEMBER_CODE || member->type == MEMBER_CODES) {
        writer_text(w, member->type == MEMBER_CODES ? "some of " : "");
        for (size_t i = 0; member->codes[i] != NULL; i++) {
            put_item(w, &first, member->codes[i]);
        }
    } else {
        writer_text(w, type_names[member->type]);
    }
    if (member->max > 0) {
        writer_text(w, ", at most ");
        writer_decimal(w, member->max);
    }
    writer_text(w, member->visibility == VISIBLE_CLOSED ? " | closed | "
                   : member->required                   ? " | open, required | "
                   : member->required_live              ? " | open, required if live | "
                                                        : " | open | ");
    writer_text(w, member->help);
    writer_text(w, member->past ? " (not after its receipt) |\n" : " |\n");
}

static void put_roles(struct writer *w, const struct kind *kind) {
    bool first = true;
    for (uint32_t role = ROLE_ROOT; role <= ROLE_LAST; role <<= 1) {
        if ((kind->roles & role) != 0) {
            put_item(w, &first, role_name(role));
        }
    }
}

static void put_case(struct writer *w, const struct kind *kind) {
    bool first = true;
    if (kind->effect != EFFECT_NONE) {
        writer_text(w, " Effect: ");
        writer_text(w, effect_name(kind->effect));
        writer_text(w, ".");
    }
    for (size_t i = 0; i < EFFECT_COUNT; i++) {
        if ((kind->after & EFFECT_BIT(i)) != 0) {
            writer_text(w, first ? " After one that: " : "");
            put_item(w, &first, effect_name((enum effect)i));
        }
    }
    writer_text(w, first ? "" : ".");
}

static void put_refers(struct writer *w, const struct kind *kind, uint32_t table) {
    bool first = true;
    if (kind->refers == 0) {
        return;
    }
    writer_text(w, " `event` is of kind: ");
    for (size_t i = 0; i < KIND_COUNT && kind->refers != KINDS_ALL; i++) {
        if ((kind->refers & KIND_BIT(i)) != 0 && kind_at((enum kind_id)i)->table <= table) {
            put_item(w, &first, kind_at((enum kind_id)i)->name);
        }
    }
    writer_text(w, kind->refers == KINDS_ALL ? "any." : ".");
}

static void put_kind(struct writer *w, const struct kind *kind, uint32_t table) {
    writer_text(w, "\n### `");
    writer_text(w, kind->name);
    writer_text(w, "`\n");
    writer_u8(w, (uint8_t)(kind->help[0] - 'a' + 'A'));
    writer_text(w, kind->help + 1);
    writer_text(w, ". Issuer: ");
    put_roles(w, kind);
    writer_text(w, kind->roots_threshold ? ". Signed by the authority." : ".");
    put_case(w, kind);
    put_refers(w, kind, table);
    writer_text(w, "\n\n| member | type | | |\n|---|---|---|---|\n");
    for (size_t i = 0; i < kind->member_count; i++) {
        put_member(w, &kind->members[i]);
    }
}

static void put_disciplines(struct writer *w) {
    writer_text(w, "A measure is an object with `code`, one of ");
    bool first = true;
    for (const struct kind_discipline *row = kind_disciplines; row->code != NULL; row++) {
        put_item(w, &first, row->code);
    }
    writer_text(w, ".\nWith ");
    first = true;
    for (const struct kind_discipline *row = kind_disciplines; row->code != NULL; row++) {
        if (row->term) {
            put_item(w, &first, row->code);
        }
    }
    writer_text(w,
                " it has exactly one of `days` and `months`, an integer from 1 to 99,999; with ");
    first = true;
    for (const struct kind_discipline *row = kind_disciplines; row->code != NULL; row++) {
        if (row->paid) {
            put_item(w, &first, row->code);
        }
    }
    writer_text(w, " also `paid`,\ntrue or false; and no other member. `none` stands alone.\n");
}

static void put_code(struct writer *w, const char *text) {
    writer_text(w, "`");
    writer_text(w, text);
    writer_text(w, "`");
}

static void put_law(struct writer *w, uint32_t table) {
    writer_text(w,
                "\n## Law\n\nWhat law keeps closed, by the state that the ORI begins with: the "
                "whole event (it is then of kind `closed`, with\nits true kind and members in "
                "the body), or one open member (it then goes into the body). Only law whose text "
                "was read\nstands here: a state without a row is not one without law.\n\n"
                "| state | kind | closed | unless | law | |\n|---|---|---|---|---|---|\n");
    for (size_t i = 0; law_at(i) != NULL; i++) {
        const struct law_row *row = law_at(i);
        if (row->table > table) {
            continue;
        }
        writer_text(w, "| ");
        writer_text(w, row->state);
        writer_text(w, " | ");
        put_code(w, kind_at(row->kind)->name);
        writer_text(w, " | ");
        put_code(w, row->member != NULL ? row->member : "kind");
        writer_text(w, " | ");
        if (row->unless != NULL) {
            put_code(w, row->unless);
            writer_text(w, " is ");
            writer_text(w, row->value);
        }
        writer_text(w, " | ");
        writer_text(w, row->citation);
        writer_text(w, " | ");
        writer_text(w, row->says);
        writer_text(w, " |\n");
    }
}

static void put_head(struct writer *w, uint32_t table) {
    writer_text(w, "# Kinds of events\n\n"
                   "Kinds table number ");
    writer_decimal(w, table);
    writer_text(w,
                ". `dutylog event --kinds` writes this page from the table that it works by, so "
                "page and program\ncannot differ; the page's SHA-256 is the table's name in "
                "`rules.activated`. Types, rules beyond the rows, and what\nacceptance asks: "
                "[event.md](event.md). What an effect does to a case: "
                "[standing.md](standing.md). For programs:\n"
                "[event.schema.json](event.schema.json), written by `dutylog event --schema`.\n\n"
                "*Required* members must be there; *required if live* ones must be there where "
                "`basis` is `live`: a record taken\nover from before may lack its dates. Closed "
                "members are never required, since a leaf cannot show them. An open\nmember is "
                "public for ever: none is free text about a case or names a person, but for what "
                "`event.opened` discloses on\npurpose. A day that is *not after its receipt* "
                "may be one day later than the day of the stamp, since its time zone may be.\n"
                "\n## Discipline\n\n");
    put_disciplines(w);
    writer_text(w, "\n## Effects\n\nWhat an event does to the case that it names. One that asks "
                   "for another before it (*after one that*) and comes too early\nis out of "
                   "order, which shows in its standing and refuses nothing.\n\n"
                   "| effect | |\n|---|---|\n");
    for (size_t i = EFFECT_NONE + 1; i < EFFECT_COUNT; i++) {
        writer_text(w, "| ");
        writer_text(w, effect_name((enum effect)i));
        writer_text(w, " | ");
        writer_text(w, effect_help((enum effect)i));
        writer_text(w, " |\n");
    }
    put_law(w, table);
    writer_text(w, "\n## Kinds\n");
}

/* The parts that the page consists of: the head, then a kind each. */
#define PARTS ((size_t)1 + KIND_COUNT)

static void put_part(struct writer *w, uint32_t table, size_t part) {
    if (part == 0) {
        put_head(w, table);
        return;
    }
    const struct kind *kind = kind_at((enum kind_id)(part - 1));
    if (kind->table <= table) {
        put_kind(w, kind, table);
    }
}

void kind_page_write(struct writer *w, uint32_t table) {
    assert(table >= 1 && table <= KIND_TABLE_NUMBER);
    for (size_t part = 0; part < PARTS; part++) {
        put_part(w, table, part);
    }
}

void kind_page_hash(uint32_t table, struct hash *out) {
    struct hash_stream stream;
    hash_start(&stream);
    for (size_t part = 0; part < PARTS; part++) {
        uint8_t memory[16 * 1024];
        struct writer w;
        writer_init(&w, memory, sizeof memory);
        put_part(&w, table, part);
        assert(!w.failed); /* a unit test writes every part */
        hash_add(&stream, memory, w.len);
    }
    hash_finish(&stream, out);
}
