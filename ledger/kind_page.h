/* The kinds table as a page: specs/kinds.md is what this writes, byte for byte, so the table can be
 * read, compared and named by its SHA-256, with no tool of ours (specs/kinds.md). Pure. */
#ifndef DUTYLOG_LEDGER_KIND_PAGE_H
#define DUTYLOG_LEDGER_KIND_PAGE_H

#include "ledger/bytes.h"
#include "ledger/kind.h"

/* A member's type in the words of specs/event.md#types: "day"; for MEMBER_CODE: "code", for
 * MEMBER_CODES: "codes". Static. */
const char *member_type_name(enum member_type type);
/* Writes the page of a table that this build has; at most KIND_PAGE_MAX bytes. */
#define KIND_PAGE_MAX (128 * 1024)
void kind_page_write(struct writer *w, uint32_t table);
/* The page's SHA-256: the table's name in a rules.activated. */
void kind_page_hash(uint32_t table, struct hash *out);

#endif
