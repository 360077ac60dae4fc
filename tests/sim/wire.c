#include "tests/sim/wire.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct call {
    unsigned refs;
    size_t from;
    size_t to;
    uint64_t from_life;
    enum wire_kind kind;
    size_t book;
    uint64_t shows;
    bool settled;
    wire_reply reply;
    void *context;
    size_t len;
    uint8_t body[];
};

/* An answer on its way back. */
struct letter {
    struct call *call;
    unsigned http;
    uint64_t told_ms;
    size_t len;
    uint8_t body[];
};

static void release(struct call *call) {
    assert(call->refs > 0);
    if (--call->refs == 0) {
        free(call);
    }
}

static uint64_t delay(struct sim *sim, const struct call *call) {
    const struct rates *rates = &sim->rates;
    uint64_t ms = dice_chance(&sim->dice, rates->slow)
                      ? dice_between(&sim->dice, rates->slow_ms[0], rates->slow_ms[1])
                      : dice_between(&sim->dice, rates->delay_ms[0], rates->delay_ms[1]);
    return ms + sim->lag_ms[call->from] + sim->lag_ms[call->to];
}

/* The caller hears the first answer, and nothing after it. */
static void settle(struct sim *sim, struct call *call, unsigned http, uint64_t told_ms,
                   struct bytes body) {
    if (call->settled) {
        return;
    }
    call->settled = true;
    if (call->from < SIM_NODES_MAX) {
        const struct node *node = &sim->nodes[call->from];
        if (!node->up || node->life != call->from_life) {
            return;
        }
    }
    sim->told_ms = told_ms;
    call->reply(sim, call->context, call->book, http, body);
    sim->told_ms = 0;
}

/* --- answers --- */

static void letter_drop(struct sim *sim, void *context) {
    struct letter *letter = context;
    (void)sim;
    release(letter->call);
    free(letter);
}

static void letter_run(struct sim *sim, void *context) {
    struct letter *letter = context;
    if (!sim->blocked[letter->call->to][letter->call->from]) {
        settle(sim, letter->call, letter->http, letter->told_ms,
               bytes_of(letter->body, letter->len));
    }
    letter_drop(sim, letter);
}

static void send_letter(struct sim *sim, struct call *call, unsigned http, struct bytes body) {
    struct letter *letter = malloc(sizeof *letter + body.len);
    assert(letter != NULL);
    uint64_t told_ms = http != 0 ? node_now_ms(&sim->nodes[call->to]) : 0;
    *letter = (struct letter){.call = call, .http = http, .told_ms = told_ms, .len = body.len};
    if (body.len > 0) {
        memcpy(letter->body, body.data, body.len);
    }
    call->refs++;
    sim_after(sim, delay(sim, call), NULL, letter_run, letter_drop, letter);
}

void wire_answer(struct arrival *arrival, unsigned http, struct bytes body) {
    struct sim *sim = arrival->node->sim;
    if (arrival->node->dying) {
        wire_forget(arrival);
        return;
    }
    if (!dice_chance(&sim->dice, sim->rates.lost)) {
        send_letter(sim, arrival->call, http, body);
    }
    wire_forget(arrival);
}

void wire_forget(struct arrival *arrival) {
    const struct node *node = arrival->node;
    if (node->dying && !node->silent) {
        send_letter(node->sim, arrival->call, 0, bytes_of(NULL, 0)); /* its kernel hangs up */
    }
    release(arrival->call);
    free(arrival);
}

void wire_drop(struct sim *sim, void *arrival) {
    (void)sim;
    wire_forget(arrival);
}

/* --- requests --- */

static void call_drop(struct sim *sim, void *context) {
    (void)sim;
    release(context);
}

static void timed_out(struct sim *sim, void *context) {
    settle(sim, context, 0, 0, bytes_of(NULL, 0));
    release(context);
}

static void arrive(struct sim *sim, void *context) {
    struct call *call = context;
    struct node *node = &sim->nodes[call->to];
    bool cut = sim->blocked[call->from][call->to];
    book_landed(&sim->books[call->book], call->shows, !cut && node->up);
    if (cut) {
        release(call);
        return;
    }
    if (!node->up) {
        send_letter(sim, call, 0, bytes_of(NULL, 0)); /* the connection is refused */
        release(call);
        return;
    }
    struct arrival *arrival = malloc(sizeof *arrival);
    assert(arrival != NULL);
    *arrival = (struct arrival){.call = call,
                                .node = node,
                                .kind = call->kind,
                                .from = call->from,
                                .book = call->book,
                                .body = bytes_of(call->body, call->len),
                                .whole = true};
    if (call->kind == WIRE_ENTRIES && dice_chance(&sim->dice, sim->rates.cut_short)) {
        arrival->body.len = dice_below(&sim->dice, call->len);
        arrival->whole = false;
    }
    node_serve(node, arrival);
}

void wire_call(struct sim *sim, const struct wire_request *request) {
    struct call *call = malloc(sizeof *call + request->body.len);
    assert(call != NULL);
    *call = (struct call){.refs = 1,
                          .from = request->from,
                          .to = request->to,
                          .kind = request->kind,
                          .book = request->book,
                          .shows = request->shows,
                          .reply = request->reply,
                          .context = request->context,
                          .len = request->body.len};
    if (request->from < SIM_NODES_MAX) {
        call->from_life = sim->nodes[request->from].life;
    }
    if (call->len > 0) {
        memcpy(call->body, request->body.data, call->len);
    }
    sim_after(sim, request->timeout_ms, NULL, timed_out, call_drop, call);
    if (dice_chance(&sim->dice, sim->rates.lost)) {
        return;
    }
    unsigned copies = dice_chance(&sim->dice, sim->rates.doubled) ? 2 : 1;
    for (unsigned i = 0; i < copies; i++) {
        call->refs++;
        book_flies(&sim->books[call->book], call->shows);
        sim_after(sim, delay(sim, call), NULL, arrive, call_drop, call);
    }
}

void wire_block(struct sim *sim, size_t a, size_t b, bool blocked) {
    sim->blocked[a][b] = blocked;
    sim->blocked[b][a] = blocked;
}
