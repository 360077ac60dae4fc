/* Events (specs/event.md): a signed note whose text is "dutylog/event/v1" and one JSON object in
 * its RFC 8785 form with the members body, issuer, kind, log, open, prev, seq. The event's id is
 * SHA-256 of the note's text. The log's entry is "received <unix ms>\n" and the note.
 *
 * event_parse checks everything that the bytes alone decide: form, canonical JSON, members against
 * the kind's row, visibility, that the first signature line is the issuer's and the rest are sorted
 * by key name. Which keys may sign, and the signatures themselves, need the log's prefix:
 * ledger/accept.h.
 *
 * Parsing allocates (jansson): release with event_release. Views borrow from the parsed bytes. */
#ifndef DUTYLOG_LEDGER_EVENT_H
#define DUTYLOG_LEDGER_EVENT_H

#include "ledger/kind.h"
#include "ledger/note.h"
#include "ledger/policy.h"

#include <jansson.h>

#define EVENT_FIRST_LINE "dutylog/event/v1"

/* As much of a note as an event can be: an eighth of struct note, since thousands wait at a time.
 */
struct event_note {
    struct bytes text;
    struct note_signature signatures[EVENT_SIGNATURES_MAX];
    size_t count;
};

/* What an event is about: the case of its open members, or the event that it names. */
struct event_about {
    bool has_case; /* has both `ori` and `case` */
    uint8_t ori[ORI_SIZE];
    uint8_t handle[HANDLE_SIZE];
    bool has_named; /* has `event` */
    struct hash named;
};

struct event {
    struct bytes all;
    struct event_note note;
    struct hash id;
    const struct kind *kind;
    struct bytes log; /* borrows from `root` as do all names below */
    struct bytes issuer;
    uint64_t seq;
    bool has_prev;
    struct hash prev;
    bool has_body;
    struct hash body;
    struct event_about about;
    json_t *open; /* NULL if absent; owned by `root` */
    json_t *root; /* owned */
};

/* BAD_FORM, BAD_CANONICAL, BAD_KIND, BAD_MEMBER (naming the member), BAD_POLICY (of a log.policy),
 * TOO_LARGE; DENIED_SIGNATURE: a missing, surplus or misplaced signature line. */
enum status event_parse(struct bytes note, struct event *out, struct refusal *why) MUST_USE;
void event_release(struct event *event);
/* The same of a text that is not signed yet: all but the signature lines. */
enum status event_parse_text(struct bytes text, struct event *out, struct refusal *why) MUST_USE;
/* The place of an event that was accepted before, and whose bytes are the same (a hash says so):
 * kind, issuer, seq, prev, body, id and what it is about, many times faster than event_parse;
 * nothing is owned, and `open`, `root`, `log` and the signatures are not read. Trusts the form:
 * what is no event may be read as one. False: of a kind whose members acceptance acts on, or not
 * read; event_parse says what it is. */
bool event_read_known(struct bytes note, struct event *out) MUST_USE;

/* The parts that a text is built of. */
struct event_draft {
    struct bytes log;
    struct bytes issuer;
    struct bytes kind;
    uint64_t seq;
    const struct hash *prev; /* NULL at seq 1 */
    const struct hash *body; /* NULL without closed members */
    const json_t *open;      /* NULL without open members */
};
/* Writes the note text (both lines). Sign it with event_sign. BAD_MEMBER and so on, as event_parse
 * would; what was written is then taken back. `open` may have its members in any order. */
enum status event_format(struct writer *w, const struct event_draft *draft,
                         struct refusal *why) MUST_USE;
/* Writes the whole note: the text, an empty line, the issuer's line (signers[0]), the rest sorted
 * by key name. Refuses whatever event_parse would refuse; what was written is then taken back. */
enum status event_sign(struct writer *w, struct bytes text, const struct signer *const *signers,
                       size_t count, struct refusal *why) MUST_USE;

/* The same of lines that were made apart, in any order, each once. */
enum status event_assemble(struct writer *w, struct bytes text, const struct note_signature *lines,
                           size_t count, struct refusal *why) MUST_USE;

/* Splits an entry "received <unix ms>\n<note>" and back. */
enum status entry_parse(struct bytes entry, uint64_t *received_ms, struct bytes *note,
                        struct refusal *why) MUST_USE;
void entry_format(struct writer *w, uint64_t received_ms, struct bytes note);

/* A string or integer member of `open`; NULL or false if absent. Borrowed. */
const char *event_open_text(const struct event *event, const char *name);
bool event_open_integer(const struct event *event, const char *name, uint64_t *out);
/* The policy of a log.policy, with the operator of each witness (empty beyond witness_count). Both
 * borrow from the event. */
void event_policy(const struct event *event, struct policy *out,
                  struct bytes operators[POLICY_WITNESSES_MAX]);

#endif
