/* GET /case/<ORI>/<handle>: a case as all logs named show it (ledger/case.h); with /left_out, a
 * page of what is not looked at. Gathered, judged and written by a worker in a read transaction of
 * its own, since a case may have a thousand events; the memory for it is taken there, so that no
 * more of it is in use than there are workers.
 *
 *   - a path or pins that are none: 400, before anything is read;
 *   - a log not held 404, a pin beyond what can be shown 409, no such case 404, too large 413;
 *   - over 64 at once, whoever asks: 503, so that events are verified meanwhile;
 *   - the client has left meanwhile: the answer is dropped. */
#include "crypto/encoding.h"
#include "ledger/case.h"
#include "ledger/member.h"
#include "net/handlers.h"
#include "net/recogniser.h"

#include <stdlib.h>
#include <string.h>

#define EVENTS_PER_REQUEST 20 /* so many cost as much as another request */
#define CASES_AT_ONCE 64 /* an eighth of the workers' queue: the others verify what is logged */

struct case_call {
    struct node *node;
    struct request *request; /* held until the end */
    struct work work;
    uint8_t ori[ORI_SIZE];
    uint8_t handle[HANDLE_SIZE];
    struct case_pin named[CASE_NAMED_MAX];
    size_t named_count;
    bool left_out; /* what is not looked at is asked for, */
    uint64_t from; /* from this one on */
    enum status status;
    struct refusal why;
    size_t events;   /* that were read, whether or not they are in the answer */
    uint8_t *answer; /* from malloc; NULL: none */
    size_t answer_len;
};

/* --- reading the request --- */

static bool read_ori(struct bytes text, uint8_t ori[ORI_SIZE]) {
    if (!text_is_ori(text)) {
        return false;
    }
    memcpy(ori, text.data, text.len);
    return true;
}

static bool read_pin(struct bytes text, struct case_pin *pin) {
    struct reader r;
    struct bytes hex;
    reader_init(&r, text);
    return reader_until(&r, ':', &hex) && bytes_hex_to_hash(hex, &pin->id) &&
           bytes_to_u64(r.rest, &pin->size) && pin->size > 0;
}

/* `<hex>:<size>`, several with commas between; no log twice. */
static bool read_pins(struct bytes text, struct case_call *call) {
    struct reader r;
    reader_init(&r, text);
    while (call->named_count < CASE_NAMED_MAX) {
        struct bytes one = r.rest;
        bool more = memchr(r.rest.data, ',', r.rest.len) != NULL;
        struct case_pin *pin = &call->named[call->named_count];
        if ((more && !reader_until(&r, ',', &one)) || !read_pin(one, pin)) {
            return false;
        }
        for (size_t i = 0; i < call->named_count; i++) {
            if (hash_equal(&call->named[i].id, &pin->id)) {
                return false;
            }
        }
        call->named_count++;
        if (!more) {
            return true;
        }
    }
    return false;
}

/* --- on a worker --- */

static enum status write_answer(struct case_call *call, const struct case_memory *memory,
                                const struct case_view *view) {
    struct writer w;
    size_t max = call->left_out ? CASE_PAGE_SIZE_MAX : case_write_max(view);
    call->answer = malloc(max);
    if (call->answer == NULL) {
        return STATUS_NOMEM;
    }
    writer_init(&w, call->answer, max);
    TRY(call->left_out ? case_write_left_out(view, memory, call->from, &w) : case_write(view, &w));
    call->answer_len = w.len;
    return STATUS_OK;
}

/* What was read, beside what is answered. */
static size_t events_read(const struct case_view *view) {
    size_t count = view->count;
    for (size_t i = 0; i < view->left_out_count; i++) {
        uint64_t left_out = view->left_out[i].count;
        count += left_out < CASE_ROWS_MAX ? (size_t)left_out : CASE_ROWS_MAX;
    }
    return count;
}

static enum status make_answer(struct case_call *call, struct case_memory *memory,
                               struct case_view *view) {
    struct store_txn *txn = NULL;
    struct case_ask ask = {.named = call->named, .named_count = call->named_count};
    ask.authorities = recogniser_pins(call->node->recogniser, &ask.authority_count);
    TRY(store_begin(call->node->store, STORE_READ, &txn));
    case_init(view, call->ori, call->handle);
    enum status status = case_gather(txn, &ask, memory, view, &call->why);
    call->events = events_read(view);
    if (status == STATUS_OK && call->left_out) {
        status = case_list_left_out(txn, &ask, memory, view, &call->why);
    } else if (status == STATUS_OK) {
        case_judge(view);
    }
    if (status == STATUS_OK) {
        status = write_answer(call, memory, view);
    }
    case_release(view);
    store_abort(txn);
    return status;
}

static void case_run(struct work *work) {
    struct case_call *call = work->context;
    struct case_view *view = malloc(sizeof *view);
    struct case_memory *memory = malloc(sizeof *memory);
    bool room = view != NULL && memory != NULL;
    call->status = room ? make_answer(call, memory, view) : STATUS_NOMEM;
    free(memory);
    free(view);
}

/* --- on the loop --- */

static void answer(struct case_call *call) {
    struct request *request = call->request;
    size_t shrunk = call->answer_len > 0 ? call->answer_len : 1;
    request_cost(request, (unsigned)(call->events / EVENTS_PER_REQUEST));
    if (call->status == STATUS_OK) {
        static const struct reply_header no_cache = {"Cache-Control", "no-cache"};
        uint8_t *body = realloc(call->answer, shrunk);
        struct reply reply = {.http = 200,
                              .content_type = "application/json",
                              .body = bytes_of(body != NULL ? body : call->answer, shrunk),
                              .body_is = REPLY_TAKE,
                              .headers = &no_cache,
                              .header_count = 1};
        call->answer = NULL;
        request_answer(request, &reply);
    } else if (call->why.status == call->status) {
        request_refuse(request, &call->why);
    } else if (call->status == STATUS_NOMEM || call->status == STATUS_BUSY) {
        request_answer_text(request, 503, "out of memory or readers: try again in a second");
    } else {
        handler_answer_status(request, call->status, "no such case");
    }
}

static void case_done(struct work *work) {
    struct case_call *call = work->context;
    call->node->cases--;
    if (!request_ended(call->request)) {
        answer(call);
    }
    request_release(call->request);
    free(call->answer);
    free(call);
}

/* What is wrong with the request; NULL: nothing. */
static const char *read_call(struct request *request, struct case_call *call) {
    struct bytes handle = request_segment(request, 1);
    struct bytes at;
    struct bytes from;
    if (!read_ori(request_segment(request, 0), call->ori) ||
        !hex_decode((const char *)handle.data, handle.len, call->handle, HANDLE_SIZE)) {
        return "case/<ORI>/<handle>: nine of A-Z 0-9, and 32 lowercase hex";
    }
    if (request_query(request, "at", &at) && !read_pins(at, call)) {
        static_assert(CASE_NAMED_MAX == 64, "the line says so");
        return "at=<hex of a log>:<size>,...: each log once, 64 at most, sizes from 1";
    }
    if (call->left_out && request_query(request, "from", &from) &&
        !bytes_to_u64(from, &call->from)) {
        return "from=<n>: a number, from 0 on: `next` of the page before";
    }
    return NULL;
}

static void take_call(struct request *request, bool left_out) {
    struct case_call *call = calloc(1, sizeof *call);
    if (call == NULL) {
        request_answer_text(request, 503, "out of memory: try again in a second");
        return;
    }
    call->left_out = left_out;
    const char *wrong = read_call(request, call);
    if (wrong != NULL) {
        free(call);
        request_answer_text(request, 400, "%s", wrong);
        return;
    }
    call->node = request_context(request);
    call->request = request;
    call->work = (struct work){.run = case_run, .done = case_done, .context = call};
    request_hold(request);
    call->node->cases++;
    if (call->node->cases > CASES_AT_ONCE ||
        workers_submit(call->node->workers, &call->work) != STATUS_OK) {
        call->node->cases--;
        request_answer_text(request, 503, "busy: try again in a second");
        request_release(request);
        free(call);
    }
}

void handle_case(struct request *request) {
    take_call(request, false);
}

void handle_case_left_out(struct request *request) {
    take_call(request, true);
}
