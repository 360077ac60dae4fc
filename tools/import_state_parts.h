/* What the files of the import's state share: its keys. For tools/import_state*.c alone. */
#ifndef DUTYLOG_TOOLS_IMPORT_STATE_PARTS_H
#define DUTYLOG_TOOLS_IMPORT_STATE_PARTS_H

#include "tools/import_state.h"

#define IMPORT_STATE_KEY_MAX 64

/* A store's own key, of its format, is 'm': ledger/schema.h. None of these is. */
enum letter {
    LETTER_IDENTITY = 'I',
    LETTER_EVENT = 'N',
    LETTER_ROW = 'R',
    LETTER_CASE = 'C',
    LETTER_SUBJECT = 'S'
};

struct import_state {
    struct store *store;
    struct store_txn *txn; /* a writing one all the time; NULL only between two */
    bool read_only;
    bool memory;         /* kept nowhere else */
    struct buffer batch; /* events that are not committed yet */
    uint64_t batch_first;
    uint64_t batch_count;
};

/* A key that is written; after import_state_start. */
struct state_key {
    uint8_t data[IMPORT_STATE_KEY_MAX];
    struct writer w;
};

/* Begins a key with its letter; the rest is written to key->w. */
void import_state_start(struct state_key *key, enum letter letter);
/* Borrowed from the key. It fits: its parts have fixed sizes. */
struct bytes import_state_view(const struct state_key *key);

#endif
