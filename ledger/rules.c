#include "ledger/rules.h"

#include "ledger/issuer.h"
#include "ledger/json.h"
#include "ledger/kind_page.h"

#include <assert.h>
#include <string.h>

uint32_t rules_newest(void) {
    return KIND_TABLE_NUMBER;
}

void rules_hash(uint32_t table, struct hash *out) {
    /* A page takes a quarter of a millisecond to write, and acceptance asks for each event. */
    static _Thread_local struct {
        uint32_t table;
        struct hash hash;
    } last;
    assert(table >= 1 && table <= KIND_TABLE_NUMBER);
    if (last.table != table) {
        kind_page_hash(table, &last.hash);
        last.table = table;
    }
    *out = last.hash;
}

enum status rules_in_force(struct store_txn *txn, uint32_t log, struct rules *out) {
    struct accept_state state;
    TRY(accept_state_get(txn, log, &state));
    *out = state.rules;
    return STATUS_OK;
}

bool rules_known(const struct rules *rules) {
    struct hash hash;
    if (rules->table <= 1) {
        return true; /* every build has it, and it is named by no event */
    }
    if (rules->table > KIND_TABLE_NUMBER) {
        return false;
    }
    rules_hash(rules->table, &hash);
    return hash_equal(&hash, &rules->hash);
}

enum status rules_check(struct store_txn *txn, const struct log *log, struct refusal *why) {
    struct rules rules;
    TRY(rules_in_force(txn, log->number, &rules));
    if (rules_known(&rules)) {
        return STATUS_OK;
    }
    if (rules.table > KIND_TABLE_NUMBER) {
        return refuse(why, STATUS_UNJUDGED,
                      "entry %llu put this log under kinds table %u, and this build has table %u: "
                      "install a dutylog that has it",
                      (unsigned long long)rules.since, rules.table, KIND_TABLE_NUMBER);
    }
    return refuse(why, STATUS_UNJUDGED,
                  "entry %llu put this log under another kinds table %u than this build has: "
                  "install a dutylog that has the one of its hash",
                  (unsigned long long)rules.since, rules.table);
}

enum status rules_may_activate(const struct event *event, struct refusal *why) {
    struct rules rules;
    rules_of(event, 0, &rules);
    if (rules_known(&rules)) {
        return STATUS_OK;
    }
    if (rules.table > KIND_TABLE_NUMBER) {
        return refuse(why, STATUS_BAD_MEMBER,
                      "member table: this node has kinds table %u, and not %u: install a dutylog "
                      "that has it here first, and on the mirrors",
                      KIND_TABLE_NUMBER, rules.table);
    }
    return refuse(why, STATUS_BAD_MEMBER,
                  "member hash: not that of kinds table %u as this node has it: dutylog event "
                  "--kinds prints the table that is hashed",
                  rules.table);
}

void rules_of(const struct event *event, uint64_t index, struct rules *out) {
    uint64_t table = 0;
    assert(event->kind->id == KIND_RULES_ACTIVATED);
    bool good = event_open_integer(event, "table", &table) &&
                bytes_hex_to_hash(jcs_text(json_object_get(event->open, "hash")), &out->hash);
    assert(good && table <= UINT32_MAX); /* members of the row, the table with its maximum */
    out->table = (uint32_t)table;
    out->since = index;
}
