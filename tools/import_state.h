/* What an import remembers (specs/import.md#state), in a folder of its own, mode 0700: a store
 * (ledger/store_lmdb.h) of the events that it signed, with the closed values and salts of each; of
 * the rows that made them; of the cases and their handles. It is secret: with it anybody knows
 * which handle is which case number, and whom each event is about.
 *
 * Nothing is sent that is not durable here, and what is durable here is signed again only after the
 * log refused it for good (import_state_withdraw): one
 * commit holds a batch of events with the rows that made them, so that a crash at any moment leaves
 * each row done or not begun. One process at a time. Keys start with a letter of their own:
 *
 * - 'I': {"issuer","log"} in canonical JSON. The folder belongs to these.
 * - 'N', seq of the first (u64): a batch; of each event u32 length and the signed note, u32 length
 *   and its .body file (JSON), empty if it has none.
 * - 'R', table (8), key (16), content (12), times (u32): handle (16), subject (u32), then of each
 *   event that the row made u8 length and its name in the mapping, and its seq (u64).
 * - 'C', case (16): handle (16), the next subject (u32).
 * - 'S', case (16), value (16): subject (u32).
 *
 * Numbers are big-endian; what has a size in bytes only is the front of a SHA-256. */
#ifndef DUTYLOG_TOOLS_IMPORT_STATE_H
#define DUTYLOG_TOOLS_IMPORT_STATE_H

#include "ledger/store.h"
#include "net/buffer.h"

#define IMPORT_HANDLE_SIZE 16
#define IMPORT_ID_SIZE 16
#define IMPORT_CONTENT_SIZE 12
#define IMPORT_TABLE_SIZE 8
#define IMPORT_MADE_MAX 64 /* events of one row, over all mappings it was read by */
#define IMPORT_NAME_MAX 48

/* What row of what table: by the cells that say which it is, by all that make it what it is, and
 * how many rows like it stand before it. Compares bytewise. */
struct import_row_id {
    uint8_t key[IMPORT_ID_SIZE];
    uint8_t content[IMPORT_CONTENT_SIZE];
    uint8_t times[4];
};

struct import_made {
    char name[IMPORT_NAME_MAX + 1];
    uint64_t seq;
};

/* A row that made something. */
struct import_row {
    uint8_t handle[IMPORT_HANDLE_SIZE];
    uint32_t subject; /* 0: none */
    struct import_made made[IMPORT_MADE_MAX];
    size_t count;
};

struct import_state;

/* Opens the folder, or makes it. STORE_IN_USE: another import. DENIED_KEY: it belongs to another
 * log or key. Read-only: NOT_FOUND, if there is none. */
enum status import_state_open(const char *folder, struct bytes issuer, struct bytes log,
                              struct import_state **out, struct refusal *why) MUST_USE;
enum status import_state_open_read(const char *folder, struct import_state **out,
                                   struct refusal *why) MUST_USE;
/* One that is kept nowhere and forgotten: to see what an import would make. */
enum status import_state_open_memory(struct import_state **out, struct refusal *why) MUST_USE;
/* What is not committed is lost. */
void import_state_close(struct import_state *state);
/* Makes durable what was put since. */
enum status import_state_commit(struct import_state *state, struct refusal *why) MUST_USE;

/* The last event that was committed; seq 0: none. */
enum status import_state_last(struct import_state *state, uint64_t *seq, struct hash *id,
                              struct refusal *why) MUST_USE;
/* An event that was committed. Views are borrowed until the next put. NOT_FOUND. `body` is empty if
 * it has none. */
enum status import_state_event(struct import_state *state, uint64_t seq, struct bytes *note,
                               struct bytes *body) MUST_USE;
/* Calls back for every event that was committed, in order, until it does not answer OK. */
enum status import_state_each(struct import_state *state,
                              enum status (*each)(void *context, uint64_t seq, struct bytes note,
                                                  struct bytes body),
                              void *context) MUST_USE;
/* Of the events of a batch, which the next commit ends, each with the next seq. */
enum status import_state_put_event(struct import_state *state, uint64_t seq, struct bytes note,
                                   struct bytes body) MUST_USE;

/* The row that made the event, by a look at all rows; NOT_FOUND. */
enum status import_state_maker(struct import_state *state, uint64_t seq,
                               uint8_t table[IMPORT_TABLE_SIZE], struct import_row_id *id,
                               char name[static IMPORT_NAME_MAX + 1]) MUST_USE;
/* Takes back all events from `seq` on, in one commit: they are no more, and what rows made them did
 * not. What is not committed is lost first. `count`: how many were taken back. */
enum status import_state_withdraw(struct import_state *state, uint64_t seq, uint64_t *count,
                                  struct refusal *why) MUST_USE;

/* NOT_FOUND: the row made nothing yet. */
enum status import_state_row(struct import_state *state, const uint8_t table[IMPORT_TABLE_SIZE],
                             const struct import_row_id *id, struct import_row *out) MUST_USE;
enum status import_state_put_row(struct import_state *state, const uint8_t table[IMPORT_TABLE_SIZE],
                                 const struct import_row_id *id,
                                 const struct import_row *row) MUST_USE;
/* The rows of the table that made something, in bytewise order. Returns-owned. */
enum status import_state_rows(struct import_state *state, const uint8_t table[IMPORT_TABLE_SIZE],
                              struct import_row_id **out, size_t *count) MUST_USE;

/* The case's handle: random when it is first asked for, and the same ever after. */
enum status import_state_case(struct import_state *state, const uint8_t id[IMPORT_ID_SIZE],
                              uint8_t handle[IMPORT_HANDLE_SIZE]) MUST_USE;
/* The same of a case that was met. NOT_FOUND. */
enum status import_state_find_case(struct import_state *state, const uint8_t id[IMPORT_ID_SIZE],
                                   uint8_t handle[IMPORT_HANDLE_SIZE]) MUST_USE;
/* What a case, or a party of one, is known by here: of the source's name and a normal form. */
void import_state_id(const char *source, struct bytes value, uint8_t out[IMPORT_ID_SIZE]);
/* The number of a party of a known case, from 1: with a value, the one that this value has or gets;
 * without, the next. TOO_LARGE: over 999. */
enum status import_state_subject(struct import_state *state, const uint8_t id[IMPORT_ID_SIZE],
                                 const uint8_t *value, uint32_t *out) MUST_USE;

#endif
