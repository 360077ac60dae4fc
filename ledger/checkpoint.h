/* Checkpoints (https://c2sp.org/tlog-checkpoint): a signed note whose text is origin, size and
 * root, a line each, then opaque extension lines. We write none, and carry those of others. Views
 * borrow from the parsed bytes. */
#ifndef DUTYLOG_LEDGER_CHECKPOINT_H
#define DUTYLOG_LEDGER_CHECKPOINT_H

#include "ledger/note.h"

struct checkpoint {
    struct bytes origin;
    uint64_t size;
    struct hash root;
    struct bytes extensions; /* each line with its newline; often empty */
};

/* Room for the text we write: origin, 19 digits, 44 characters, three newlines. */
#define CHECKPOINT_TEXT_MAX (NAME_SIZE_MAX + 19 + 44 + 3)

/* Parses the text of a checkpoint (a note's text). BAD_FORM: it is none; BAD_SIZE: a size over
 * TREE_SIZE_MAX, which no tree reaches and no proof of ours covers; TOO_LARGE: an origin over
 * NAME_SIZE_MAX, or all over CHECKPOINT_SIZE_MAX. */
enum status checkpoint_parse_text(struct bytes text, struct checkpoint *out,
                                  struct refusal *why) MUST_USE;
/* Parses a signed checkpoint: note and text. No signature is verified. Refuses as
 * checkpoint_parse_text and note_parse do. */
enum status checkpoint_parse(struct bytes input, struct note *note, struct checkpoint *out,
                             struct refusal *why) MUST_USE;
void checkpoint_format_text(struct writer *w, struct bytes origin, uint64_t size,
                            const struct hash *root);
/* Writes the signed checkpoint: text, empty line, the log's signature line. */
void checkpoint_sign(struct writer *w, struct bytes origin, uint64_t size, const struct hash *root,
                     const struct signer *log);

#endif
