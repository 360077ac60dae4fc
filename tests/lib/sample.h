/* A good value for every open member of a kind, from its row alone: so that a kind that the table
 * gains is tested without being named here. */
#ifndef DUTYLOG_TESTS_LIB_SAMPLE_H
#define DUTYLOG_TESTS_LIB_SAMPLE_H

#include "ledger/bytes.h"
#include "ledger/kind.h"

/* What a row cannot give, as JSON text without quotes around it. */
struct sample {
    const char *ori;
    const char *handle;
    const char *hash;
    const char *vkey;
    const char *event; /* an object */
    const char *day;
};
/* Writes {"name":value,...} with all open members of the kind, in their order. Asserts for a kind
 * with a member that needs more (a policy, evidence, a checkpoint, several keys). */
void sample_open(struct writer *w, const struct kind *kind, const struct sample *sample);

#endif
