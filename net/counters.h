/* Counts of what was refused, cut off or let in, one for each reason, since the process began.
 *
 * For whoever refuses: a request that is answered with 4xx or 5xx is counted by the server itself,
 * exactly once (net/server.h, request_refuse and request_refuse_as), so the sum over the reasons of
 * dutylog_refusals_total is the number of such answers. What ends without an answer (a connection
 * cut off), or is more than one answer (an event of a batch), is counted where it happens, with
 * counter_add. A new reason is a new row in COUNTER_TABLE, or, where the core gave a status,
 * COUNTER_STATUS(status).
 *
 * For whoever shows them (/metrics): counters_each calls with every row in a fixed order, the rows
 * of a family together; a row whose `first` is set begins a family: write its HELP and TYPE lines
 * there. All families are Prometheus counters:
 *
 *     # HELP dutylog_refusals_total Requests answered with 4xx or 5xx, by reason.
 *     # TYPE dutylog_refusals_total counter
 *     dutylog_refusals_total{reason="bad_form"} 3
 *
 * Rows that are zero are given too: a rate needs its beginning. Any thread may add and read. */
#ifndef DUTYLOG_NET_COUNTERS_H
#define DUTYLOG_NET_COUNTERS_H

#include "ledger/status.h"

#include <stdint.h>

/* X(family, name in /metrics, help) */
#define COUNTER_FAMILIES(X)                                                                        \
    X(REFUSALS, "dutylog_refusals_total", "Requests answered with 4xx or 5xx, by reason.")         \
    X(EVENTS, "dutylog_events_refused_total", "Events of POST /add that were refused, by reason.") \
    X(CUT, "dutylog_connections_cut_total",                                                        \
      "Connections closed from this side without an answer, by reason.")                           \
    X(ACCESS, "dutylog_access_total", "Restricted reads, by what came of them.")                   \
    X(TLS, "dutylog_tls_reloads_total", "Readings of the certificate and its key, by result.")

/* X(name, family, reason) after those of REFUSALS and EVENTS that are a status. */
#define COUNTER_TABLE(X)                                                                           \
    /* REFUSALS: the server's and the handlers' own */                                             \
    X(REFUSED_PATH, REFUSALS, "no_such_path")                                                      \
    X(REFUSED_METHOD, REFUSALS, "method")                                                          \
    X(REFUSED_TARGET, REFUSALS, "target")                                                          \
    X(REFUSED_FRAMING, REFUSALS, "framing")                                                        \
    X(REFUSED_CODING, REFUSALS, "content_encoding")                                                \
    X(REFUSED_BODY_SIZE, REFUSALS, "body_too_large")                                               \
    X(REFUSED_BODY_BUDGET, REFUSALS, "body_budget")                                                \
    X(REFUSED_RATE, REFUSALS, "address_rate")                                                      \
    X(REFUSED_DEADLINE, REFUSALS, "deadline")                                                      \
    X(REFUSED_STOPPING, REFUSALS, "stopping")                                                      \
    X(REFUSED_MEMORY, REFUSALS, "memory")                                                          \
    X(REFUSED_NOTE_MISSING, REFUSALS, "note_missing")                                              \
    X(REFUSED_NOTE_FORM, REFUSALS, "note_malformed")                                               \
    X(REFUSED_NOTE_EXPIRED, REFUSALS, "note_expired")                                              \
    X(REFUSED_NOTE_AHEAD, REFUSALS, "note_expiry_too_far")                                         \
    X(REFUSED_NOTE_LOG, REFUSALS, "note_other_log")                                                \
    X(REFUSED_NOTE_TARGET, REFUSALS, "note_other_request")                                         \
    X(REFUSED_NOTE_KEY, REFUSALS, "note_unknown_key")                                              \
    X(REFUSED_NOTE_SIGNATURE, REFUSALS, "note_signature")                                          \
    X(REFUSED_NOTE_SCOPE, REFUSALS, "note_without_right")                                          \
    X(REFUSED_NOTE_REPLAY, REFUSALS, "note_replayed")                                              \
    X(REFUSED_NOTE_FULL, REFUSALS, "note_memory_full")                                             \
    /* what the HTTP library answers by itself */                                                  \
    X(REFUSED_HEADERS, REFUSALS, "headers_too_large")                                              \
    X(REFUSED_MALFORMED, REFUSALS, "malformed_request")                                            \
    /* answers for which no reason was given */                                                    \
    X(REFUSED_400, REFUSALS, "http_400")                                                           \
    X(REFUSED_401, REFUSALS, "http_401")                                                           \
    X(REFUSED_403, REFUSALS, "http_403")                                                           \
    X(REFUSED_404, REFUSALS, "http_404")                                                           \
    X(REFUSED_409, REFUSALS, "http_409")                                                           \
    X(REFUSED_413, REFUSALS, "http_413")                                                           \
    X(REFUSED_422, REFUSALS, "http_422")                                                           \
    X(REFUSED_4XX, REFUSALS, "http_4xx")                                                           \
    X(REFUSED_503, REFUSALS, "http_503")                                                           \
    X(REFUSED_5XX, REFUSALS, "http_5xx")                                                           \
    /* CUT */                                                                                      \
    X(CUT_PEER_FULL, CUT, "address_connections")                                                   \
    X(CUT_FULL, CUT, "connections")                                                                \
    X(CUT_IDLE, CUT, "idle")                                                                       \
    X(CUT_HEADERS, CUT, "slow_headers")                                                            \
    X(CUT_BODY, CUT, "slow_body")                                                                  \
    X(CUT_DRAIN, CUT, "slow_drain")                                                                \
    X(CUT_SEND, CUT, "slow_reader")                                                                \
    X(CUT_STOPPING, CUT, "stopping")                                                               \
    X(CUT_NO_PROXY, CUT, "not_the_proxy")                                                          \
    /* ACCESS */                                                                                   \
    X(ACCESS_GRANTED, ACCESS, "granted")                                                           \
    X(ACCESS_REFUSED, ACCESS, "refused")                                                           \
    /* TLS */                                                                                      \
    X(TLS_LOADED, TLS, "loaded")                                                                   \
    X(TLS_KEPT_OLD, TLS, "failed_old_kept")

enum counter_family {
#define COUNTER_FAMILY_ENUM(family, name, help) COUNTERS_##family,
    COUNTER_FAMILIES(COUNTER_FAMILY_ENUM)
#undef COUNTER_FAMILY_ENUM
        COUNTER_FAMILY_COUNT
};

enum counter {
    COUNTER_STATUS_FIRST, /* REFUSALS by enum status, STATUS_OK never counted */
    COUNTER_EVENT_FIRST = COUNTER_STATUS_FIRST + STATUS_COUNT, /* EVENTS by enum status */
    COUNTER_TABLE_BEFORE = COUNTER_EVENT_FIRST + STATUS_COUNT - 1,
#define COUNTER_ENUM(name, family, reason) COUNTER_##name,
    COUNTER_TABLE(COUNTER_ENUM)
#undef COUNTER_ENUM
        COUNTER_COUNT
};
#define COUNTER_NONE COUNTER_COUNT
/* A request refused with what the core said; an event of a request refused so. */
#define COUNTER_STATUS(status) ((enum counter)(COUNTER_STATUS_FIRST + (unsigned)(status)))
#define COUNTER_EVENT(status) ((enum counter)(COUNTER_EVENT_FIRST + (unsigned)(status)))

/* The row of an answer of 4xx or 5xx for which nothing better is known. */
enum counter counter_of_http(unsigned http);
/* The value of its label. Static. */
const char *counter_reason(enum counter counter);

/* Asserts that it is a row, and none of STATUS_OK. */
void counter_add(enum counter counter);
uint64_t counter_value(enum counter counter);

struct counter_view {
    const char *family; /* "dutylog_refusals_total"; static, as all texts here */
    const char *help;
    const char *reason; /* the value of the label "reason" */
    uint64_t value;
    bool first; /* of its family */
};
void counters_each(void (*each)(void *context, const struct counter_view *view), void *context);

#endif
