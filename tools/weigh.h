/* Whether a changed row's outcome is lower or higher than it was (specs/lists.md#outcomes). */
#ifndef DUTYLOG_TOOLS_WEIGH_H
#define DUTYLOG_TOOLS_WEIGH_H

#include "tools/reconcile.h"

/* FATE_LOWER, _HIGHER, _MIXED, _FULLER or _OTHER, of two leaves with one key that differ. `map` may
 * be NULL. BAD_FORM: a leaf has not as many other cells as the mapping. */
enum status weigh(const struct list_map *map, struct bytes old, struct bytes new, enum fate *fate,
                  struct refusal *why) MUST_USE;

#endif
