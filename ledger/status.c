#include "ledger/status.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

static const char *const texts[] = {
#define STATUS_TEXT(name, text) text,
    STATUS_TABLE(STATUS_TEXT)
#undef STATUS_TEXT
};

static const char *const names[] = {
#define STATUS_NAME(name, text) #name,
    STATUS_TABLE(STATUS_NAME)
#undef STATUS_NAME
};

const char *status_text(enum status status) {
    assert(status >= 0 && status < STATUS_COUNT);
    return texts[status];
}

const char *status_name(enum status status) {
    assert(status >= 0 && status < STATUS_COUNT);
    return names[status];
}

enum status refuse(struct refusal *why, enum status status, const char *format, ...) {
    if (why == NULL) {
        return status;
    }
    why->status = status;
    va_list args;
    va_start(args, format);
    int n = vsnprintf(why->text, sizeof why->text, format, args);
    va_end(args);
    assert(n >= 0);
    /* The text may quote a peer, and goes to terminals and logs: nothing there may be acted on. */
    for (char *c = why->text; *c != '\0'; c++) {
        if (*c < 0x20 || *c > 0x7e) {
            *c = '?';
        }
    }
    return status;
}
