/* Events for tests: the keys of a small world, one good event of every kind, and what a test says
 * of a note. */
#ifndef DUTYLOG_TESTS_LIB_EVENTS_H
#define DUTYLOG_TESTS_LIB_EVENTS_H

#include "ledger/event.h"

#define EVENT_LOG "log.example"
#define HASH_A "aa000000000000000000000000000000000000000000000000000000000000aa"
#define HANDLE "0123456789abcdef0123456789abcdef"
#define EVENT_TEXT_SIZE 20000

extern struct signer log_key;
extern struct signer operator_key;
extern struct signer clerk;
extern struct signer anyone; /* a one-time key, named as such */
extern struct signer old_log;
extern struct signer next_log;
extern struct signer roots[9];
extern struct signer witnesses[3];

/* For TestSuite's .init: makes the keys. */
void events_setup(void);
void event_key(const char *name, enum vkey_type type, uint8_t number, struct signer *signer);

/* Replaces $L log, $O operator, $C clerk, $Y the one-time key, $A $B $D roots 0 to 2, $0 to $2
 * witnesses by their vkeys, $P the old log, $N the one that goes on; $s and $S by the old log's
 * checkpoints of size 9 and 12 as JSON, $H by a hash, $h by a handle. `out` has EVENT_TEXT_SIZE
 * bytes. */
void event_expand(const char *pattern, char *out);

/* One good `open` for each kind, in canonical order, to be expanded. */
#define CASE_OPEN "\"basis\":\"live\",\"case\":\"$h\""
#define ALLEGED                                                                                    \
    "{" CASE_OPEN ",\"occurred\":\"2024-01-02\",\"ori\":\"NY0303000\",\"party\":\"officer\","      \
    "\"reported\":\"2024-01-03\"}"
#define OPENED                                                                                     \
    "{\"authority\":[\"$A\",\"$B\",\"$D\"],\"log_role\":\"agency\",\"log_vkey\":\"$L\","           \
    "\"operator\":\"pd\",\"operator_vkey\":\"$O\",\"ori\":\"NY0303000\",\"threshold\":2}"
#define POLICY "log $L\\nwitness a $0\\nwitness b $1\\nwitness c $2\\ngroup g 2 a b c\\nquorum g\\n"
#define EVENT_REF                                                                                  \
    "{\"id\":\"$H\",\"issuer\":\"pd.example/clerk-7\",\"log\":\"log.example\",\"seq\":4}"
const char *good_open(enum kind_id id);

/* Who signs a good event of the kind, the issuer first. */
size_t signers_of(enum kind_id kind, const struct signer *signers[3]);
/* A text of the kind around `open` ("" for none), with `body` or not, at seq 1 or 2 (of
 * report.lodged, always with a body and at 1). */
void good_text(enum kind_id id, const char *open, bool body, unsigned seq, char *out);
/* Signs any text, event or not. Static memory, as in good_event. */
struct bytes sign_text(const char *text, const struct signer *const *signers, size_t count);
struct bytes good_event(enum kind_id id, bool body, unsigned seq);

void event_accepted(struct bytes note);
/* Refused with the status and a text that has `says` in it, and the output untouched. */
void event_refused(struct bytes note, enum status status, const char *says);
/* The same of a note of the kind around `open`; and of its good one with `from` replaced by `to`.
 */
void refuse_open(enum kind_id id, const char *open, enum status status, const char *says);
void refuse_changed(enum kind_id id, const char *from, const char *to, enum status status,
                    const char *says);

#endif
