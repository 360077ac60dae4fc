/* Request notes: how a key asks a node for what is not open to all
 * (specs/http.md#restricted-reads). A signed note with one signature, whose text is six lines:
 *
 *     dutylog/request/v1
 *     <origin of the log that the node hosts>
 *     <method>
 *     <path with query, as sent>
 *     <expiry, unix seconds>
 *     <16 random bytes in hex>
 *
 * Text that parses is text that formats to the same bytes. */
#ifndef DUTYLOG_LEDGER_REQUEST_NOTE_H
#define DUTYLOG_LEDGER_REQUEST_NOTE_H

#include "ledger/note.h"

#define REQUEST_NOTE_NONCE_SIZE 16
#define REQUEST_NOTE_TARGET_MAX 2048
#define REQUEST_NOTE_METHOD_MAX 16
#define REQUEST_NOTE_SIZE_MAX 3072
#define REQUEST_NOTE_AHEAD_MAX 300 /* seconds from now to the expiry */

struct request_note {
    struct note note; /* views borrow from the bytes that were parsed, as do those below */
    struct bytes origin;
    struct bytes method;
    struct bytes target;
    uint64_t expires; /* unix seconds */
    uint8_t nonce[REQUEST_NOTE_NONCE_SIZE];
};

/* BAD_FORM: not such a note; TOO_LARGE. */
enum status request_note_parse(struct bytes input, struct request_note *out,
                               struct refusal *why) MUST_USE;
/* Appends the whole note: the text of these values, an empty line, the signature. Asserts that they
 * make one. */
void request_note_make(struct writer *w, const struct request_note *values,
                       const struct signer *signer);

#endif
