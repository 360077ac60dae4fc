/* Bodies on their way to the handler.
 *
 * Happy path: libmicrohttpd hands over what it read, at most its read buffer; it is inflated
 * through the server's scratch memory if need be, and goes to on_body or into request->body.
 *
 * What can go wrong, and then:
 *   - more than the route takes, inflated: 413; more than an honest compressor would send for that:
 *     413 (an endless gzip header or empty blocks inflate to nothing);
 *   - not gzip, or cut off: 400;
 *   - no room in the budget for what is collected: 503;
 *   - the handler is not ready: `pause`. Input that zlib has not taken stays with libmicrohttpd and
 * is offered again when the request goes on; the little that zlib holds back comes out with it,
 *     since a gzip stream always has more input after its last output, the checksum. */
#include "net/server_private.h"

#include <assert.h>
#include <string.h>

/* Deflate expands what it cannot compress by less than this, headers included. */
static uint64_t gzip_input_max(size_t body_max) {
    return (uint64_t)body_max + body_max / 8 + 4096;
}

static void answer_too_large(struct request *request) {
    request_refuse_as(request, COUNTER_REFUSED_BODY_SIZE, 413,
                      "the body is larger than %zu bytes: send less at a time",
                      request->route->body_max);
}

/* Memory beyond what admission counted is charged as it is taken. */
static void collect(struct request *request, struct bytes chunk) {
    struct buffer *body = &request->body;
    enum status status = buffer_append(body, chunk);
    assert(status != STATUS_TOO_LARGE); /* admission set the maximum, deliver counted */
    if (status != STATUS_OK) {
        request_refuse_as(request, COUNTER_REFUSED_MEMORY, 503, "out of memory: try again later");
        return;
    }
    size_t used = body->cap + (request->gzip ? INFLATE_MEMORY : 0);
    if (used > request->charged && !request_charge(request, used - request->charged)) {
        buffer_clear(body);
        request_refuse_as(request, COUNTER_REFUSED_BODY_BUDGET, 503,
                          "too much is being sent at once: try again later");
    }
}

static void deliver(struct request *request, struct bytes chunk) {
    assert(request->phase == PHASE_BODY && !request->pause);
    request->body_out += chunk.len;
    if (request->body_out > request->route->body_max) {
        answer_too_large(request);
        return;
    }
    if (request->route->on_body == NULL) {
        collect(request, chunk);
        return;
    }
    enum body_step step = request->route->on_body(request, chunk);
    if (step == BODY_SUSPEND && request->phase == PHASE_BODY) {
        request->pause = true;
    }
}

/* Inflates until the input is used up and zlib has nothing more to give, or the request is paused
 * or answered. Returns how much of the input was taken. */
static size_t inflate_on(struct request *request, struct bytes input) {
    z_stream *z = &request->z;
    union {
        const uint8_t *borrowed;
        Bytef *unwritten; /* zlib's next_in is not const; it only reads */
    } in = {.borrowed = input.data};
    z->next_in = in.unwritten;
    assert(input.len <= UINT32_MAX);
    z->avail_in = (uInt)input.len;
    uint8_t *scratch = request->server->scratch;
    for (;;) {
        if (request->inflate_end) {
            if (z->avail_in == 0) {
                break;
            }
            /* RFC 1952 section 2.2: members follow each other. */
            inflateReset(z);
            request->inflate_end = false;
        }
        z->next_out = scratch;
        z->avail_out = SCRATCH_SIZE;
        int rv = inflate(z, Z_NO_FLUSH);
        if (rv != Z_OK && rv != Z_STREAM_END && rv != Z_BUF_ERROR) {
            request_refuse_as(request, COUNTER_REFUSED_CODING, 400,
                              "the body is not gzip as its header says");
            break;
        }
        request->inflate_end = rv == Z_STREAM_END;
        size_t made = SCRATCH_SIZE - z->avail_out;
        bool full = z->avail_out == 0;
        if (made > 0) {
            deliver(request, bytes_of(scratch, made));
        }
        if (request->phase != PHASE_BODY || request->pause) {
            break;
        }
        if (z->avail_in == 0 && !full) {
            break;
        }
    }
    size_t left = z->avail_in;
    z->next_in = NULL; /* the input is libmicrohttpd's and will move */
    z->avail_in = 0;
    return input.len - left;
}

size_t body_take(struct request *request, struct bytes data) {
    assert(request->phase == PHASE_BODY && !request->pause);
    request->window_bytes += data.len;
    if (!request->gzip) {
        request->body_in += data.len;
        deliver(request, data);
        return data.len;
    }
    size_t taken = inflate_on(request, data);
    request->body_in += taken;
    if (request->phase != PHASE_BODY) {
        return data.len; /* answered: the rest is discarded */
    }
    if (request->body_in > gzip_input_max(request->route->body_max)) {
        answer_too_large(request);
        return data.len;
    }
    assert(taken == data.len || request->pause);
    return taken;
}

void body_end(struct request *request) {
    assert(request->phase == PHASE_BODY && !request->pause);
    if (request->gzip && !request->inflate_end) {
        request_refuse_as(request, COUNTER_REFUSED_CODING, 400, "the gzip body ends too early");
        return;
    }
    request->route->on_end(request);
}

void request_resume(struct request *request) {
    if (request->ended) {
        return;
    }
    assert(request->phase == PHASE_PAUSED && request->pause);
    request->pause = false;
    request_move(request, PHASE_BODY);
    mhd_resume(request);
}
