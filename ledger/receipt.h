/* Receipts (specs/event.md#receipt): one text file that proves, offline, that an event is in a log
 * and that every mirror of a quorum had stored it: "dutylog/receipt/v1\n", then items, each "item
 * <note bytes> <proof bytes>\n", the note, its tlog-proof (whose `extra` is exactly the received
 * line). Items in order: log.opened, the log.policy in force, the enrolments from a root down, the
 * event, then any `held`. Views borrow. */
#ifndef DUTYLOG_LEDGER_RECEIPT_H
#define DUTYLOG_LEDGER_RECEIPT_H

#include "ledger/bytes.h"
#include "ledger/limits.h"

#define RECEIPT_ITEMS_MAX 16

struct receipt_item {
    struct bytes note;
    struct bytes proof;
};
struct receipt {
    struct receipt_item items[RECEIPT_ITEMS_MAX];
    size_t count;
};

enum status receipt_parse(struct bytes input, struct receipt *out, struct refusal *why) MUST_USE;
void receipt_start(struct writer *w);
void receipt_item(struct writer *w, struct bytes note, struct bytes proof);

#endif
