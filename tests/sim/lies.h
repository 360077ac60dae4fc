/* A dishonest mirror: it runs the honest code, and answers now and then with something else. */
#ifndef DUTYLOG_TESTS_SIM_LIES_H
#define DUTYLOG_TESTS_SIM_LIES_H

#include "tests/sim/wire.h"

enum lie {
    LIE_LARGER,     /* 409: it holds more than was ever signed */
    LIE_SIZE,       /* 409 with any number */
    LIE_REFUSE,     /* 422 */
    LIE_EMPTY,      /* 200 with nothing */
    LIE_GARBAGE,    /* 200 with noise */
    LIE_NOT_STORED, /* a good cosignature on what it does not store */
    LIE_OTHER_ROOT, /* its cosignature on another root */
    LIE_TIME,       /* a good cosignature at a time that is not now */
    LIE_INFO,       /* 202 or 409 with any numbers and a ticket */
    LIE_SILENT,     /* no answer */
    LIE_OLD_NOTE,   /* a damaged checkpoint */
    LIE_COUNT
};

/* Makes the node lie, each time with this chance, by one of the lies whose bits are set. */
void lies_begin(struct node *node, unsigned permille, uint32_t kinds);
/* Answers as the node would, or with a lie. Takes the arrival. */
void lies_answer(struct arrival *arrival, unsigned http, struct bytes body);
/* Answers before the node has looked at it; false: not this time. */
bool lies_instead(struct arrival *arrival);

#endif
