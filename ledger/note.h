/* Signed notes (https://c2sp.org/signed-note): a text, an empty line, then signature lines
 *
 *     — <key name> base64(32-bit key ID || signature)
 *
 * Parsing is strict and loses nothing: a note that parses is text + "\n" + its signature lines,
 * byte for byte. Views in `struct note` borrow from the bytes that were parsed. */
#ifndef DUTYLOG_LEDGER_NOTE_H
#define DUTYLOG_LEDGER_NOTE_H

#include "ledger/bytes.h"
#include "ledger/limits.h"
#include "ledger/vkey.h"

struct note_signature {
    struct bytes line;    /* the whole line with its newline */
    struct bytes name;    /* key name */
    struct bytes encoded; /* the base64 characters, checked to be canonical */
    uint32_t key_id;
    size_t blob_len; /* decoded length after the key ID, at least 1 */
};

struct note {
    struct bytes all;
    struct bytes text; /* with its final newline */
    struct note_signature signatures[NOTE_SIGNATURES_MAX];
    size_t count;
};

/* True for what a note may hold: UTF-8 that ends in a newline, without control characters below
 * U+0020 but newline. */
bool note_text_valid(struct bytes text);

/* Parses a whole note. BAD_FORM: not UTF-8, a control character, no signature, a bad line;
 * TOO_LARGE: more than NOTE_SIGNATURES_MAX lines. */
enum status note_parse(struct bytes input, struct note *out, struct refusal *why) MUST_USE;

/* Parses signature lines alone, as a witness or mirror returns them; zero lines are fine.
 * Refuses as note_parse does; TOO_LARGE: more than `cap` lines, at most NOTE_SIGNATURES_MAX. */
enum status note_parse_lines(struct bytes input, struct note_signature *out, size_t cap,
                             size_t *count, struct refusal *why) MUST_USE;

/* Decodes the signature bytes after the key ID into `out`. TOO_LARGE: more than `cap`. */
enum status note_signature_decode(const struct note_signature *signature, uint8_t *out, size_t cap,
                                  size_t *len) MUST_USE;

/* True if the line's name and key ID are those of the vkey. */
bool note_signature_is_by(const struct note_signature *signature, const struct vkey *key);

/* Verifies one line by a type 0x01 key over `text`. False also for a line by another key. */
bool note_signature_verify(const struct note_signature *signature, struct bytes text,
                           const struct vkey *key) MUST_USE;

/* Looks for signatures by a type 0x01 key. OK: one is there and every one by that key verifies;
 * NOT_FOUND: none, or a key of another type; DENIED_SIGNATURE: one by that name and ID does not
 * verify (the note is malformed). */
enum status note_verify(const struct note *note, const struct vkey *key) MUST_USE;

/* Appends one type 0x01 signature line over `text` to `w`. Asserts that the key is of that type and
 * that the text is one. */
void note_sign(struct writer *w, struct bytes text, const struct signer *signer);
/* Writes the note with one signature line only, the first by `key`, which stands for all by it.
 * Asserts that it is there. */
void note_put_by(struct writer *w, const struct note *note, const struct vkey *key);
/* Appends a signature line from its raw parts (`blob` = what follows the key ID). */
void note_append_line(struct writer *w, struct bytes name, uint32_t key_id, const uint8_t *blob,
                      size_t blob_len);

/* True for a name that a signature line may carry: not empty, at most NAME_SIZE_MAX, UTF-8, no
 * Unicode space, no '+', no control character. */
bool note_name_valid(struct bytes name);

#endif
