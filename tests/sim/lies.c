#include "tests/sim/lies.h"

#include "ledger/push.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct lies {
    unsigned permille;
    uint32_t kinds;
    /* The last checkpoint that it was sent, of any log. */
    size_t book;
    uint64_t size;
    struct hash root;
};

void lies_begin(struct node *node, unsigned permille, uint32_t kinds) {
    free(node->lies);
    node->lies = calloc(1, sizeof *node->lies);
    assert(node->lies != NULL);
    node->lies->permille = permille;
    node->lies->kinds = kinds;
    node->honest = false;
}

static void remember(struct arrival *arrival) {
    struct lies *lies = arrival->node->lies;
    struct add_candidate candidate = {.checkpoint = arrival->body};
    struct add_checkpoint request;
    if (arrival->kind != WIRE_CHECKPOINT &&
        (arrival->kind != WIRE_CANDIDATE ||
         add_candidate_parse(arrival->body, &candidate, NULL) != STATUS_OK)) {
        return;
    }
    if (add_checkpoint_parse(candidate.checkpoint, &request, NULL) == STATUS_OK) {
        lies->book = arrival->book;
        lies->size = request.checkpoint.size;
        lies->root = request.checkpoint.root;
    }
}

/* A cosignature by its mirror key. */
static void cosign(struct arrival *arrival, struct writer *w, enum lie lie) {
    struct node *node = arrival->node;
    struct lies *lies = node->lies;
    uint8_t text[CHECKPOINT_TEXT_MAX];
    struct writer t;
    struct hash root = lies->root;
    static const uint64_t times[] = {1, 1500000000, 4000000000u, (uint64_t)INT64_MAX};
    uint64_t time = node_now_ms(node) / 1000;
    if (lie == LIE_OTHER_ROOT) {
        root.bytes[7] ^= 1;
    } else if (lie == LIE_TIME) {
        time = times[dice_below(&node->sim->dice, sizeof times / sizeof times[0])];
    }
    writer_init(&t, text, sizeof text);
    checkpoint_format_text(&t, book_origin(&node->sim->books[arrival->book]), lies->size, &root);
    cosignature_sign(w, writer_view(&t), time, &node->mirror_signer);
}

static uint64_t any_size(struct arrival *arrival) {
    struct dice *dice = &arrival->node->sim->dice;
    return dice_below(dice, 2 * arrival->node->lies->size + 2);
}

static void put_info(struct arrival *arrival, struct writer *w) {
    struct dice *dice = &arrival->node->sim->dice;
    struct mirror_info info = {.pending = any_size(arrival), .next_entry = any_size(arrival)};
    info.ticket_len = dice_below(dice, TICKET_SIZE_MAX + 1);
    memset(info.ticket, 0x5a, info.ticket_len);
    mirror_info_format(w, &info);
}

static void put_noise(struct arrival *arrival, struct writer *w) {
    struct dice *dice = &arrival->node->sim->dice;
    size_t len = dice_below(dice, 500);
    for (size_t i = 0; i < len; i++) {
        writer_u8(w, (uint8_t)dice_roll(dice));
    }
}

static enum lie choose(struct node *node) {
    for (;;) {
        enum lie lie = (enum lie)dice_below(&node->sim->dice, LIE_COUNT);
        if ((node->lies->kinds >> lie & 1) != 0) {
            return lie;
        }
    }
}

/* Sends the lie, if it is one for such a request. `body`: what the honest answer would be. */
static bool tell(struct arrival *arrival, enum lie lie, struct bytes body) {
    uint8_t memory[CHECKPOINT_SIZE_MAX + 4096];
    struct writer w;
    unsigned http = 200;
    bool both = arrival->kind == WIRE_CANDIDATE;
    bool entries = arrival->kind == WIRE_ENTRIES || both;
    bool checkpoint = arrival->kind == WIRE_CHECKPOINT || both;
    bool fits = true;
    writer_init(&w, memory, sizeof memory);
    switch (lie) {
    case LIE_LARGER:
    case LIE_SIZE:
        http = 409;
        fits = checkpoint;
        writer_decimal(&w,
                       lie == LIE_LARGER ? arrival->node->lies->size + 1000000 : any_size(arrival));
        writer_u8(&w, '\n');
        break;
    case LIE_REFUSE:
        http = 422;
        break;
    case LIE_EMPTY:
        break;
    case LIE_GARBAGE:
        put_noise(arrival, &w);
        break;
    case LIE_NOT_STORED:
    case LIE_OTHER_ROOT:
    case LIE_TIME:
        fits = entries && arrival->node->lies->book == arrival->book;
        cosign(arrival, &w, lie);
        break;
    case LIE_INFO:
        http = dice_chance(&arrival->node->sim->dice, 500) ? 202 : 409;
        fits = entries;
        put_info(arrival, &w);
        break;
    case LIE_SILENT:
        if (!entries && !checkpoint) {
            return false;
        }
        node_say(arrival->node, "lies: says nothing");
        wire_forget(arrival);
        return true;
    case LIE_OLD_NOTE:
        fits = !entries && !checkpoint && body.len > 0;
        writer_bytes(&w, body);
        w.data[w.len / 2] ^= fits ? 1 : 0;
        break;
    case LIE_COUNT:
        fits = false;
        break;
    }
    if (!fits) {
        return false;
    }
    assert(!w.failed);
    node_say(arrival->node, "lies %d: %u", (int)lie, http);
    wire_answer(arrival, http, writer_view(&w));
    return true;
}

static bool now(const struct node *node) {
    return node->lies != NULL && !node->dying &&
           dice_chance(&node->sim->dice, node->lies->permille);
}

void lies_answer(struct arrival *arrival, unsigned http, struct bytes body) {
    struct node *node = arrival->node;
    if (!now(node) || !tell(arrival, choose(node), body)) {
        wire_answer(arrival, http, body);
    }
}

bool lies_instead(struct arrival *arrival) {
    struct node *node = arrival->node;
    remember(arrival);
    return now(node) && dice_chance(&node->sim->dice, 500) &&
           tell(arrival, choose(node), bytes_of(NULL, 0));
}
