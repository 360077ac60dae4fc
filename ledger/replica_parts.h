/* What the files of the replica share: replica.c (events and time), replica_round.c (candidates,
 * quorum, policies), replica_mirror.c (one mirror's requests and answers), replica_check.c. Private
 * to them. */
#ifndef DUTYLOG_LEDGER_REPLICA_PARTS_H
#define DUTYLOG_LEDGER_REPLICA_PARTS_H

#include "ledger/replica.h"

#define BACKOFF_MIN_MS 250
#define BACKOFF_MAX_MS 30000
/* After a cut or a publish failed (disk full), the next try. */
#define STORE_RETRY_MS 1000
/* Lines that come after the quorum are added to the published checkpoint this long after it, all at
 * once: a commit that is not spent while there is anything else to do. */
#define LATE_LINES_MS 1000
/* How often in a row a mirror may correct us (409) before it counts as a failure. An honest one
 * needs two: its pending size, then its next entry. */
#define CORRECTIONS_MAX 4
#define ROUND_DOUBLINGS_MAX 3
/* A mirror that knows no add-candidate is asked again after so many entries. */
#define APART_ENTRIES 100000

/* replica.c */
struct replica_action *replica_act(struct replica_actions *actions, enum replica_action_type type);
/* Stops for good. `note` is the proof, or empty; `mirror` showed it. */
void replica_halt(struct replica *replica, struct replica_actions *actions, enum replica_halt halt,
                  const struct refusal *why, struct bytes note, size_t mirror);
/* Forgets what was heard, and begins to hear anew. */
void replica_begin_guard(struct replica *replica, enum replica_guard guard);

/* replica_guard.c */
bool replica_guard_passed(const struct replica *replica);
/* False: the record outside names a head that the candidate is not, nor continues. */
bool replica_guard_covers(const struct replica *replica);
/* True if the time of a cosignature is no earlier than the guard allows. */
bool replica_guard_fresh(const struct replica *replica, uint64_t timestamp);
/* Looks for a witness's line on the candidate in the answer to add-checkpoint. */
void replica_guard_hear(struct replica *replica, struct bytes body);

/* replica_round.c */
bool replica_has_policy(const struct replica *replica);
/* Puts the cosignatures gathered aside. */
void replica_begin_gathering(struct replica *replica);
/* Every policy that counts for the candidate is met by the lines gathered. */
bool replica_quorum_met(const struct replica *replica);
/* Asks the mirrors that cosigned already to do so afresh. */
void replica_refresh(struct replica *replica);
void replica_take_policy(struct replica *replica, struct replica_actions *actions,
                         struct policy *policy, uint64_t index);
void replica_take_cut(struct replica *replica, struct replica_actions *actions,
                      const struct replica_event *event);
void replica_take_published(struct replica *replica, struct replica_actions *actions,
                            enum status status);
/* Publishes, cuts or refreshes if one of these is due now. */
void replica_advance(struct replica *replica, struct replica_actions *actions);
/* The time of the next of these that time alone brings; UINT64_MAX: none. */
uint64_t replica_round_wake(const struct replica *replica);

/* replica_mirror.c */
bool replica_mirror_busy(const struct replica_mirror *mirror);
/* Begin with the first question. */
void replica_mirror_forget(struct replica_mirror *mirror);
/* Brings the table in line with the policies. */
void replica_place_mirrors(struct replica *replica);
void replica_take_response(struct replica *replica, struct replica_actions *actions,
                           const struct replica_event *event);
/* Sends the next request of every mirror for which one is due. */
void replica_push(struct replica *replica, struct replica_actions *actions);
bool replica_may_push(const struct replica *replica);

#endif
