/* Cases gathered by a node, for tests: histories of several logs as their hosts wrote them, a node
 * that takes and judges their entries, in whatever order, and the answers that it gives. The people
 * are the same in every log, their keys come of their names, and so are their houses. */
#ifndef DUTYLOG_TESTS_LIB_GATHERED_H
#define DUTYLOG_TESTS_LIB_GATHERED_H

#include "ledger/case.h"
#include "tests/lib/world.h"

#define GATHERED_LOGS 70
#define GATHERED_ENTRIES 1200
#define GATHERED_HEX "070000000000000000000000000000aa"
#define CASE_MEMBERS "'basis':'live','case':'" GATHERED_HEX "','ori':'" WORLD_ORI "'"
/* An `open` of the case, of these kinds. */
#define AN_ALLEGATION                                                                              \
    "{" CASE_MEMBERS ",'occurred':'2025-12-01','party':'officer','reported':'2025-12-02'}"
#define A_FINDING                                                                                  \
    "{" CASE_MEMBERS ",'decided':'2025-12-03','decided_by':'chief','disposition':'sustained',"     \
    "'party':'officer'}"

/* A log as its host wrote it. */
struct history {
    struct world world;
    uint8_t *entries[GATHERED_ENTRIES];
    size_t lens[GATHERED_ENTRIES];
    size_t count;
};
extern struct history histories[GATHERED_LOGS];
/* Which case a node is asked for. */
struct asked {
    const char *ori;
    uint8_t handle[HANDLE_SIZE];
};
extern const struct asked gathered_case; /* WORLD_ORI, GATHERED_HEX */

/* What a node holds of them, under its own numbers. */
struct node {
    struct store *store;
    struct log logs[GATHERED_LOGS];
    uint64_t sizes[GATHERED_LOGS];
    const struct pin *pins; /* none: everything counts */
    size_t pin_count;
};

/* Chance that is the same in every run. */
uint64_t gathered_roll(uint64_t sides);

/* So many histories, each with world_start; entries are a second apart, all logs taken together. */
void gathered_begin(size_t count);
void gathered_end(void);
/* That log begins again, under roots and an agency key of its own. */
void gathered_own_roots(size_t log);
void gathered_add(size_t log, struct bytes note);
void gathered_say(size_t log, enum world_who who, const char *kind, const char *open);
/* What an event of the log `from` says of an entry: its id and place, as JSON. In the memory of
 * `from`. */
const char *gathered_reference(size_t from, size_t log, size_t index);
/* The same of a log's last entry. */
const char *gathered_last(size_t from, size_t log);

/* A node that knows the logs in that order (NULL: as they are). */
void holder_open(struct node *node, const size_t *order);
void holder_close(struct node *node);
/* The next entry arrives, is stored and judged; a checkpoint of it is kept. */
void holder_take(struct node *node, size_t log, bool keep);
/* All of it, the logs in turn as chance has it; of checkpoints all are kept, or some. */
void holder_take_all(struct node *node, bool all);
/* All of it, one log after the other, with a checkpoint at the end of each. */
void node_take_in_turn(struct node *node);

/* The answer, from malloc; its length. NULL with the status. */
enum status node_ask(struct node *node, const struct asked *asked, const struct case_pin *named,
                     size_t named_count, uint8_t **answer, size_t *len, struct refusal *why);
/* Of gathered_case; terminated, from malloc. */
char *node_answer(struct node *node, const struct case_pin *named, size_t named_count);
struct case_pin gathered_pin(size_t log, uint64_t size);
size_t count_of(const char *text, const char *what);

#endif
