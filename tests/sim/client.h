/* A workstation with a key: its outbox of signed notes, which it sends again, the same bytes, until
 * it holds a receipt for each or is refused for good. It never dies: an outbox is on a disk of its
 * own. */
#ifndef DUTYLOG_TESTS_SIM_CLIENT_H
#define DUTYLOG_TESTS_SIM_CLIENT_H

#include "tests/sim/book.h"

#define CLIENT_ITEMS_MAX 64
#define CLIENT_CALLS_MAX 16

enum item_state {
    ITEM_NEW,    /* to be sent */
    ITEM_SENT,   /* under way */
    ITEM_PLACED, /* taken by the log, without a receipt */
    ITEM_ASKED,  /* its receipt is asked for */
    ITEM_DONE,
    ITEM_REFUSED,
};

struct item {
    struct bytes note; /* the book's world's */
    char issuer[64];
    uint64_t seq;
    enum item_state state;
    enum status status; /* why it was refused */
    uint64_t index;
    uint64_t received_ms;
    uint64_t next_try;    /* true time */
    struct bytes receipt; /* owned */
};

struct client_call {
    struct client *client;
    bool used;
    size_t first;
    size_t count;
};

struct client {
    struct sim *sim;
    char name[16];
    size_t end;
    struct book *book;
    struct node *target;
    enum world_who who;
    struct item items[CLIENT_ITEMS_MAX];
    size_t count;
    struct client_call calls[CLIENT_CALLS_MAX];
    size_t batch; /* how many it sends in one request at most */
    bool patient; /* sends the next ones only once those before are placed */
    bool
        may_be_refused; /* it is one of two with one key, sends what is wrong, or will be revoked */
    bool loose;         /* its events do not follow each other */
    bool stopped;       /* an event was refused: those after it can't follow */
    uint64_t retry_ms;
};

struct client *client_add(struct sim *sim, const char *name, struct book *book, enum world_who who);
/* Puts a note into the outbox. Its issuer may be any. */
void client_put(struct client *client, struct bytes note);
/* Looks after its outbox now, and again by itself every `retry_ms` / 4. */
void client_start(struct client *client);
/* Sends what is due, once. */
void client_look(struct client *client);
/* Every event has a receipt, or can't have one. */
bool client_content(const struct client *client);
struct client *client_named(struct sim *sim, const char *name);
void client_release(struct client *client);

#endif
