/* A case for people: its timeline, and what it comes to. */
#ifndef DUTYLOG_TOOLS_CASE_PRINT_H
#define DUTYLOG_TOOLS_CASE_PRINT_H

#include <jansson.h>
#include <stdio.h>

/* The answer of GET /case, parsed. In 110 columns: two lines an event, then the subjects. What is
 * missing from the answer is printed as '?'. */
void case_print(FILE *out, const json_t *answer);

#endif
