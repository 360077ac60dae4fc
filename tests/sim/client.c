#include "tests/sim/client.h"

#include "tests/sim/check.h"
#include "tests/sim/host.h"
#include "tests/sim/wire.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define TIMEOUT_MS 15000

struct client *client_add(struct sim *sim, const char *name, struct book *book,
                          enum world_who who) {
    assert(sim->client_count < SIM_CLIENTS_MAX);
    struct client *client = &sim->clients[sim->client_count];
    client->sim = sim;
    client->end = SIM_NODES_MAX + sim->client_count++;
    client->book = book;
    client->target = book->host;
    client->who = who;
    client->batch = 1;
    client->retry_ms = 2000;
    snprintf(client->name, sizeof client->name, "%s", name);
    for (size_t i = 0; i < CLIENT_CALLS_MAX; i++) {
        client->calls[i].client = client;
    }
    return client;
}

struct client *client_named(struct sim *sim, const char *name) {
    for (size_t i = 0; i < sim->client_count; i++) {
        if (strcmp(sim->clients[i].name, name) == 0) {
            return &sim->clients[i];
        }
    }
    assert(false);
    return NULL;
}

void client_release(struct client *client) {
    for (size_t i = 0; i < client->count; i++) {
        free((void *)(uintptr_t)client->items[i].receipt.data);
    }
}

void client_put(struct client *client, struct bytes note) {
    assert(client->count < CLIENT_ITEMS_MAX);
    struct item *item = &client->items[client->count++];
    *item = (struct item){.note = note, .next_try = client->sim->now};
    if (client->book->opaque) {
        return;
    }
    struct event event;
    enum status status = event_parse(note, &event, NULL);
    assert(status == STATUS_OK && event.issuer.len < sizeof item->issuer);
    memcpy(item->issuer, event.issuer.data, event.issuer.len);
    item->seq = event.seq;
    event_release(&event);
}

bool client_content(const struct client *client) {
    /* Once one can't be taken those after it can't either. */
    bool ended = client->stopped;
    for (size_t i = 0; i < client->count; i++) {
        const struct item *item = &client->items[i];
        bool fresh = item->state == ITEM_NEW || item->state == ITEM_SENT;
        ended =
            ended || (client->may_be_refused && fresh &&
                      (item->status == STATUS_DENIED_KEY || item->status == STATUS_CONFLICT_GAP));
        bool settled = item->state == ITEM_DONE || item->state == ITEM_REFUSED;
        if (!settled && !(fresh && ended)) {
            return false;
        }
    }
    return true;
}

/* --- what came of it --- */

static void later(struct client *client, struct item *item, enum item_state state) {
    item->state = state;
    item->next_try = client->sim->now + client->retry_ms;
}

static void take_receipt(struct client *client, struct item *item, struct bytes receipt) {
    uint8_t *copy = malloc(receipt.len);
    assert(copy != NULL);
    memcpy(copy, receipt.data, receipt.len);
    item->receipt = bytes_of(copy, receipt.len);
    item->state = ITEM_DONE;
    client->sim->counts.receipts++;
    sim_say(client->sim, client->name, "holds the receipt of %" PRIu64, item->index);
    check_receipt(client->book, item);
}

/* May the same bytes be taken another time? */
static bool may_pass(enum status status) {
    switch ((int)status) {
    case STATUS_CONFLICT_GAP: /* one before it is still under way */
    case STATUS_DENIED_KEY:   /* its enrolment is */
    case STATUS_STORE_FAILED:
    case STATUS_STORE_DOUBT:
    case STATUS_FULL:
    case STATUS_BUSY:
    case STATUS_CLOCK:
        return true;
    default:
        return false;
    }
}

static void take_result(struct client *client, struct item *item, const struct add_result *result) {
    if (item->state != ITEM_SENT) {
        return;
    }
    item->status = result->status;
    if (result->status == STATUS_OK) {
        item->index = result->index;
        item->received_ms = result->received_ms;
        check_promise(client->book, item);
        later(client, item, ITEM_PLACED);
        if (result->receipt.len > 0) {
            take_receipt(client, item, result->receipt);
        }
    } else if (may_pass(result->status)) {
        later(client, item, ITEM_NEW);
    } else {
        sim_say(client->sim, client->name, "is refused: %s", status_name(result->status));
        item->state = ITEM_REFUSED;
        client->stopped = !client->loose;
        check_refused(client, item);
    }
}

static void added(struct sim *sim, void *context, size_t book, unsigned http, struct bytes body) {
    struct client_call *call = context;
    struct client *client = call->client;
    struct reader r;
    struct add_result result;
    (void)sim;
    (void)book;
    (void)http;
    reader_init(&r, body);
    for (size_t i = 0; i < call->count; i++) {
        struct item *item = &client->items[call->first + i];
        if (add_result_read(&r, &result)) {
            take_result(client, item, &result);
        } else if (item->state == ITEM_SENT) {
            later(client, item, ITEM_NEW);
        }
    }
    call->used = false;
}

static void answered(struct sim *sim, void *context, size_t book, unsigned http,
                     struct bytes body) {
    struct client_call *call = context;
    struct client *client = call->client;
    struct item *item = &client->items[call->first];
    (void)sim;
    (void)book;
    if (item->state == ITEM_ASKED) {
        later(client, item, ITEM_PLACED);
        if (http == 200) {
            take_receipt(client, item, body);
        }
    }
    call->used = false;
}

/* --- asking --- */

static struct client_call *free_call(struct client *client) {
    for (size_t i = 0; i < CLIENT_CALLS_MAX; i++) {
        if (!client->calls[i].used) {
            client->calls[i].used = true;
            return &client->calls[i];
        }
    }
    return NULL;
}

static void call_host(struct client *client, struct client_call *call, enum wire_kind kind,
                      struct bytes body, wire_reply reply) {
    wire_call(client->sim, &(struct wire_request){.from = client->end,
                                                  .to = client->target->index,
                                                  .kind = kind,
                                                  .book = client->book->number,
                                                  .body = body,
                                                  .timeout_ms = TIMEOUT_MS,
                                                  .reply = reply,
                                                  .context = call});
}

static void send_from(struct client *client, size_t first) {
    static uint8_t memory[SUBMIT_EVENTS_MAX * (ENTRY_SIZE_MAX + 2)];
    struct client_call *call = free_call(client);
    struct writer w;
    if (call == NULL) {
        return;
    }
    writer_init(&w, memory, sizeof memory);
    call->first = first;
    call->count = 0;
    for (size_t i = first; i < client->count && call->count < client->batch; i++) {
        struct item *item = &client->items[i];
        if (item->state != ITEM_NEW || item->next_try > client->sim->now) {
            break;
        }
        item->state = ITEM_SENT;
        writer_u16(&w, (uint16_t)item->note.len);
        writer_bytes(&w, item->note);
        call->count++;
    }
    assert(call->count > 0 && !w.failed);
    sim_say(client->sim, client->name, "submits %zu", call->count);
    call_host(client, call, WIRE_ADD, writer_view(&w), added);
}

static void ask_receipt(struct client *client, size_t which) {
    uint8_t memory[128];
    struct item *item = &client->items[which];
    struct client_call *call = free_call(client);
    struct writer w;
    if (call == NULL) {
        return;
    }
    writer_init(&w, memory, sizeof memory);
    writer_text(&w, item->issuer);
    writer_u8(&w, ' ');
    writer_decimal(&w, client->book->opaque ? item->index : item->seq);
    call->first = which;
    call->count = 1;
    item->state = ITEM_ASKED;
    call_host(client, call, WIRE_RECEIPT, writer_view(&w), answered);
}

void client_look(struct client *client) {
    for (size_t i = 0; i < client->count; i++) {
        struct item *item = &client->items[i];
        bool due = item->next_try <= client->sim->now;
        if (item->state == ITEM_NEW && due && !client->stopped) {
            send_from(client, i);
        } else if (item->state == ITEM_PLACED && due) {
            ask_receipt(client, i);
        }
        if (client->patient && (item->state == ITEM_NEW || item->state == ITEM_SENT)) {
            return;
        }
    }
}

static void look(struct sim *sim, void *context) {
    struct client *client = context;
    client_look(client);
    sim_after(sim, client->retry_ms / 4, NULL, look, NULL, client);
}

void client_start(struct client *client) {
    sim_after(client->sim, dice_below(&client->sim->dice, client->retry_ms / 4), NULL, look, NULL,
              client);
}
