/* Sending signed events to a log in their order, by threads, so that the next are made meanwhile
 * (POST /add of several: specs/http.md).
 *
 *   happy path: a batch is handed over, sent in one request, and every line of the answer is 200 or
 *   202: durable at the log. Since the answer waits for a quorum, the next batch follows as soon as
 *   the log has committed this one (GET /issuer says so): three are on their way at most.
 *   - overloaded (429, 503), or no answer: nothing or only the front was taken; what is left is
 * sent again after as long as the node says, or a second, until `wait_s` is over.
 *   - refused: the first refusal ends the sending; what stands before it is logged, and no batch
 *     behind it is sent. Once all has come back, sending may begin anew, from that event on.
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

/* The event that the log refused for good. */
struct import_denial {
    uint64_t seq; /* 0: none was */
    bool content; /* for what it says: others of the key may be taken */
    char text[REFUSAL_TEXT_MAX];
};

struct import_sender;

/* `node` is borrowed; `issuer` is the name of the key that signed. NOMEM. */
enum status import_sender_open(const char *node, const char *issuer, uint64_t wait_s,
                               struct import_sender **out, struct refusal *why) MUST_USE;
/* Waits for what is on its way. */
void import_sender_close(struct import_sender *sender);
/* Hands the batch over, after waiting for the third before it: takes its bytes and leaves it empty.
 * The refusal is that of any batch before. */
enum status import_send(struct import_sender *sender, struct import_batch *batch,
                        struct refusal *why) MUST_USE;
/* Waits for all. OK: all that was handed over is logged. */
enum status import_send_end(struct import_sender *sender, struct refusal *why) MUST_USE;
/* After import_send_end. Borrowed until the next batch. */
const struct import_denial *import_send_denial(const struct import_sender *sender);
/* After import_send_end failed: forgets it. The next batch begins with `seq`. */
void import_send_anew(struct import_sender *sender, uint64_t seq);
/* Appends a note; the batch's first note says where it begins. False: it is full. */
bool import_batch_add(struct import_batch *batch, uint64_t seq, struct bytes note);

#endif
