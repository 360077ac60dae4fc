/* Which agency a source means (specs/import.md#agencies): names, compared after a written rule with
 * those of the registry and with what a clerk wrote into the mapping. What is neither is not
 * guessed at: the nearest names are only told. */
#ifndef DUTYLOG_TOOLS_IMPORT_AGENCY_H
#define DUTYLOG_TOOLS_IMPORT_AGENCY_H

#include "tools/import_map.h"

#define IMPORT_ORI_SIZE 9
#define IMPORT_AGENCY_NAME_MAX 400

struct import_agencies;

/* Of the CSV that `dutylog agencies --csv` writes (NULL: no registry) and the mapping's aliases. A
 * name that two agencies have is no name of either. Refuses an alias of a name that the registry
 * lacks, and an ORI that is none. Returns-owned. */
enum status import_agencies_open(const char *path, const struct import_map *map,
                                 struct import_agencies **out, struct refusal *why) MUST_USE;
void import_agencies_close(struct import_agencies *agencies);
/* The ORI that the name stands for. NOT_FOUND: none; `why` says so, with the nearest names. */
enum status import_agency_find(const struct import_agencies *agencies, struct bytes name,
                               char ori[static IMPORT_ORI_SIZE + 1], struct refusal *why) MUST_USE;
/* Is this an ORI, and, where there is a registry, one of its agencies? NOT_FOUND, BAD_FORM. */
enum status import_agency_check(const struct import_agencies *agencies, struct bytes ori,
                                struct refusal *why) MUST_USE;

/* The normal form in which names are compared (specs/import.md#agencies): capitals, one blank
 * between words, no apostrophes, "&" as AND, all other punctuation a blank. Of at most
 * IMPORT_AGENCY_NAME_MAX bytes of the name. */
struct bytes import_agency_normal(struct bytes raw,
                                  uint8_t memory[static 4 * IMPORT_AGENCY_NAME_MAX]);

#endif
