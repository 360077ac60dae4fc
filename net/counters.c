#include "net/counters.h"

#include <assert.h>
#include <stdatomic.h>
#include <stddef.h>

static _Atomic uint64_t values[COUNTER_COUNT];

/* A status in lower case, as the other reasons are. */
static const char *status_reason(enum status status) {
    static char names[STATUS_COUNT][32];
    static atomic_bool made;
    if (!atomic_load(&made)) {
        /* Threads that come here together write the same bytes. */
        for (unsigned i = 0; i < STATUS_COUNT; i++) {
            const char *name = status_name((enum status)i);
            for (size_t n = 0; name[n] != '\0'; n++) {
                assert(n + 1 < sizeof names[i]);
                bool upper = name[n] >= 'A' && name[n] <= 'Z';
                names[i][n] = upper ? (char)(name[n] - 'A' + 'a') : name[n];
            }
        }
        atomic_store(&made, true);
    }
    return names[status];
}

static const struct {
    const char *name;
    const char *help;
} families[] = {
#define FAMILY_ROW(family, name, help) {name, help},
    COUNTER_FAMILIES(FAMILY_ROW)
#undef FAMILY_ROW
};

static const struct {
    enum counter counter;
    enum counter_family family;
    const char *reason;
} rows[] = {
#define TABLE_ROW(name, family, reason) {COUNTER_##name, COUNTERS_##family, reason},
    COUNTER_TABLE(TABLE_ROW)
#undef TABLE_ROW
};
#define ROW_COUNT (sizeof rows / sizeof rows[0])

static bool is_ok(enum counter counter) {
    return counter == COUNTER_STATUS(STATUS_OK) || counter == COUNTER_EVENT(STATUS_OK);
}

void counter_add(enum counter counter) {
    assert((unsigned)counter < COUNTER_COUNT && !is_ok(counter));
    atomic_fetch_add_explicit(&values[counter], 1, memory_order_relaxed);
}

uint64_t counter_value(enum counter counter) {
    assert((unsigned)counter < COUNTER_COUNT);
    return atomic_load_explicit(&values[counter], memory_order_relaxed);
}

enum counter counter_of_http(unsigned http) {
    assert(http >= 400 && http <= 599);
    switch (http) {
    case 400:
        return COUNTER_REFUSED_400;
    case 401:
        return COUNTER_REFUSED_401;
    case 403:
        return COUNTER_REFUSED_403;
    case 404:
        return COUNTER_REFUSED_404;
    case 409:
        return COUNTER_REFUSED_409;
    case 413:
        return COUNTER_REFUSED_413;
    case 422:
        return COUNTER_REFUSED_422;
    case 503:
        return COUNTER_REFUSED_503;
    default:
        return http < 500 ? COUNTER_REFUSED_4XX : COUNTER_REFUSED_5XX;
    }
}

const char *counter_reason(enum counter counter) {
    assert((unsigned)counter < COUNTER_COUNT && !is_ok(counter));
    if (counter < COUNTER_EVENT_FIRST) {
        return status_reason((enum status)(counter - COUNTER_STATUS_FIRST));
    }
    if (counter <= COUNTER_TABLE_BEFORE) {
        return status_reason((enum status)(counter - COUNTER_EVENT_FIRST));
    }
    return rows[counter - COUNTER_TABLE_BEFORE - 1].reason;
}

void counters_each(void (*each)(void *context, const struct counter_view *view), void *context) {
    for (unsigned family = 0; family < COUNTER_FAMILY_COUNT; family++) {
        struct counter_view view = {
            .family = families[family].name, .help = families[family].help, .first = true};
        bool by_status = family == COUNTERS_REFUSALS || family == COUNTERS_EVENTS;
        for (unsigned i = STATUS_OK + 1; by_status && i < STATUS_COUNT; i++) {
            enum status status = (enum status)i;
            view.reason = status_reason(status);
            view.value = counter_value(family == COUNTERS_REFUSALS ? COUNTER_STATUS(status)
                                                                   : COUNTER_EVENT(status));
            each(context, &view);
            view.first = false;
        }
        for (size_t i = 0; i < ROW_COUNT; i++) {
            if (rows[i].family != family) {
                continue;
            }
            view.reason = rows[i].reason;
            view.value = counter_value(rows[i].counter);
            each(context, &view);
            view.first = false;
        }
    }
}
