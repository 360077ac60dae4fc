/* Sending signed events to a log in their order, by a thread of its own, so that the next are made
 * meanwhile (POST /add of several: specs/http.md).
 *
 *   happy path: a batch is handed over, sent in one request, and every line of the answer is 200 or
 *   202: durable at the log. One batch is on its way at a time.
 *   - overloaded (429, 503), or no answer: nothing or only the front was taken; what is left is
 * sent again after as long as the node says, or a second, until `wait_s` is over.
 *   - refused: the first refusal ends the sending; what stands before it is logged.
 * The same bytes may be sent any number of times: the log knows them by their id. */
#ifndef DUTYLOG_TOOLS_IMPORT_SEND_H
#define DUTYLOG_TOOLS_IMPORT_SEND_H

#include "net/buffer.h"

#define IMPORT_BATCH_EVENTS_MAX 1024
#define IMPORT_BATCH_SIZE_MAX (4u << 20)

struct import_batch {
    struct buffer body; /* each note after its u16 length */
    uint64_t first;     /* seq of the first */
    size_t count;
};

struct import_sender;

/* `node` is borrowed. NOMEM. */
enum status import_sender_open(const char *node, uint64_t wait_s, struct import_sender **out,
                               struct refusal *why) MUST_USE;
/* Waits for what is on its way. */
void import_sender_close(struct import_sender *sender);
/* Waits for the batch before, then hands this one over: takes its bytes and leaves it empty. The
 * refusal is that of any batch before. */
enum status import_send(struct import_sender *sender, struct import_batch *batch,
                        struct refusal *why) MUST_USE;
/* Waits for all. OK: all that was handed over is logged. */
enum status import_send_end(struct import_sender *sender, struct refusal *why) MUST_USE;
/* The last seq of which the log said that it has it; 0: none. After import_send or
 * import_send_end. */
uint64_t import_sent(const struct import_sender *sender);

/* Appends a note; the batch's first note says where it begins. False: it is full. */
bool import_batch_add(struct import_batch *batch, uint64_t seq, struct bytes note);

#endif
