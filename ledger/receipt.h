/* Receipts (specs/event.md#receipt): one text file that proves, offline, that an event is in a log
 * and that every mirror of a quorum had stored it: "dutylog/receipt/v1\n", then items, each "item
 * <note bytes> <proof bytes>\n", the note, its tlog-proof (whose `extra` is exactly the received
 * line). Items in order: log.opened, the log.policy in force, the enrolments from a root down, the
 * event, then any `held`.
 *
 * Here is only the outer form, which has one spelling: a receipt that parses is receipt_start and
 * receipt_item of its items. What the items are and prove is for whoever verifies. Views borrow
 * from the parsed bytes. */
#ifndef DUTYLOG_LEDGER_RECEIPT_H
#define DUTYLOG_LEDGER_RECEIPT_H

#include "ledger/bytes.h"
#include "ledger/limits.h"

#define RECEIPT_ITEMS_MAX 16

struct receipt_item {
    struct bytes note;  /* at most ENTRY_SIZE_MAX */
    struct bytes proof; /* at most PROOF_SIZE_MAX */
};
struct receipt {
    struct receipt_item items[RECEIPT_ITEMS_MAX];
    size_t count; /* at least 1 */
};

/* BAD_FORM: another first line, no item, a size that is not decimal or is 0, bytes missing or left
 * over; TOO_LARGE: beyond RECEIPT_SIZE_MAX, RECEIPT_ITEMS_MAX or an item's maxima. */
enum status receipt_parse(struct bytes input, struct receipt *out, struct refusal *why) MUST_USE;
/* Writes the first line; then one receipt_item for each item, copying both parts. Asserts that they
 * are within their maxima and not empty. */
void receipt_start(struct writer *w);
void receipt_item(struct writer *w, struct bytes note, struct bytes proof);

#endif
