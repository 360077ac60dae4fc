/* Clocks that run ahead or back for a while, what other nodes say of them, and what of it may be
 * seen in the times of events (design G7). What is drawn comes from dice of its own, so that a seed
 * without wrong clocks runs as it does without this file. */
#ifndef DUTYLOG_TESTS_SIM_CLOCKS_H
#define DUTYLOG_TESTS_SIM_CLOCKS_H

#include "tests/sim/sim.h"

enum clocks_mode {
    CLOCKS_RIGHT,    /* but for what other mischief does */
    CLOCKS_ONE,      /* one mirror's is wrong now and then */
    CLOCKS_RECKLESS, /* one mirror's is, and it cosigns all the same, as software not ours may */
    CLOCKS_TWO,      /* two mirrors' are wrong alike, for some seconds; then all is restarted */
    CLOCKS_HOST,     /* the log's own is */
    CLOCKS_MODES,
};

struct clocks_plan {
    enum clocks_mode mode;
    struct dice dice;
    struct sim *sim;
    struct book *book;
    uint64_t until; /* true time: none is set wrong after it */
};

/* Draws a mode, and begins. The plan stays where it is until the simulation ends. */
void clocks_begin(struct clocks_plan *plan, struct sim *sim, struct book *book, uint64_t until);

/* What the host and the other mirrors of a log's policy say of a mirror's clock, as net/clocks.h
 * hears them: those that can be reached. */
enum peers_say clocks_peers(const struct node *node, size_t book);

/* A cosignature leaves, which was asked for when the peers said so. */
void clocks_check_cosigned(struct node *node, size_t book, uint64_t time, enum peers_say peers);
/* A head was signed: nothing beyond it was there before. */
void clocks_note_cut(struct book *book, uint64_t size);
/* Not before it was there, unless wrong clocks alone make a quorum. */
void clocks_check_confirmed(struct book *book, uint64_t index, uint64_t confirmed_ms);
/* After the faults, once something was published: no event is confirmed in the future, unless
 * without wrong clocks there is no quorum. */
void clocks_check_end(struct sim *sim);

#endif
