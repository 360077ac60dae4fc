#include "net/exposition.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define SECONDS_FORMAT "%" PRIu64 ".%06" PRIu64
#define SECONDS_ARGS(micros) (micros) / 1000000, (micros) % 1000000

static const char letters[] = "abcdefghijklmnopqrstuvwxyz_";

static void put(struct exposition *e, const char *text) {
    if (e->status == STATUS_OK) {
        e->status = buffer_append(e->out, bytes_text(text));
    }
}

/* As a label's value or a help text stands in the format: a backslash, a newline and, between
 * quotes, a quote are escaped. */
static void put_escaped(struct exposition *e, const char *text, bool quoted) {
    const char *special = quoted ? "\\\n\"" : "\\\n";
    const char *c = text;
    for (;;) {
        size_t plain = strcspn(c, special);
        if (e->status == STATUS_OK) {
            e->status = buffer_append(e->out, bytes_of(c, plain));
        }
        c += plain;
        if (*c == '\0') {
            return;
        }
        put(e, *c == '\n' ? "\\n" : *c == '"' ? "\\\"" : "\\\\");
        c++;
    }
}

void expose_init(struct exposition *e, struct buffer *out) {
    *e = (struct exposition){.out = out, .status = STATUS_OK};
}

void expose_family(struct exposition *e, enum expose_type type, const char *name,
                   const char *help) {
    static const char *const types[] = {"counter", "gauge", "histogram"};
    static const char total[] = "_total";
    size_t len = strlen(name);
    assert(len > sizeof total && len < sizeof e->family && strspn(name, letters) == len);
    bool ends_in_total = strcmp(name + len - strlen(total), total) == 0;
    assert(ends_in_total == (type == EXPOSE_COUNTER));
    memcpy(e->family, name, len + 1);
    put(e, "# HELP ");
    put(e, name);
    put(e, " ");
    put_escaped(e, help, false);
    put(e, "\n# TYPE ");
    put(e, name);
    put(e, " ");
    put(e, types[type]);
    put(e, "\n");
}

static void put_sample(struct exposition *e, const char *suffix, const struct expose_label *labels,
                       size_t count, const char *value) {
    assert(e->family[0] != '\0' && count <= EXPOSITION_LABELS_MAX);
    put(e, e->family);
    put(e, suffix);
    for (size_t i = 0; i < count; i++) {
        assert(labels[i].name[0] != '\0' &&
               strspn(labels[i].name, letters) == strlen(labels[i].name));
        put(e, i == 0 ? "{" : ",");
        put(e, labels[i].name);
        put(e, "=\"");
        put_escaped(e, labels[i].value, true);
        put(e, "\"");
    }
    put(e, count > 0 ? "} " : " ");
    put(e, value);
    put(e, "\n");
}

void expose_number(struct exposition *e, const struct expose_label *labels, size_t count,
                   int64_t value) {
    char text[32];
    snprintf(text, sizeof text, "%" PRId64, value);
    put_sample(e, "", labels, count, text);
}

void expose_seconds(struct exposition *e, const struct expose_label *labels, size_t count,
                    uint64_t micros) {
    char text[64];
    snprintf(text, sizeof text, SECONDS_FORMAT, SECONDS_ARGS(micros));
    put_sample(e, "", labels, count, text);
}

void expose_single(struct exposition *e, enum expose_type type, const char *name, const char *help,
                   int64_t value) {
    expose_family(e, type, name, help);
    expose_number(e, NULL, 0, value);
}

void expose_histogram(struct exposition *e, const struct histogram_view *view) {
    char bound[64];
    char value[64];
    expose_family(e, EXPOSE_HISTOGRAM, view->name, view->help);
    for (size_t i = 0; i <= HISTOGRAM_BOUND_COUNT; i++) {
        if (i < HISTOGRAM_BOUND_COUNT) {
            snprintf(bound, sizeof bound, SECONDS_FORMAT, SECONDS_ARGS(view->bounds[i]));
        } else {
            snprintf(bound, sizeof bound, "+Inf");
        }
        struct expose_label le = {"le", bound};
        snprintf(value, sizeof value, "%" PRIu64, view->counts[i]);
        put_sample(e, "_bucket", &le, 1, value);
    }
    snprintf(value, sizeof value, SECONDS_FORMAT, SECONDS_ARGS(view->sum));
    put_sample(e, "_sum", NULL, 0, value);
    snprintf(value, sizeof value, "%" PRIu64, view->counts[HISTOGRAM_BOUND_COUNT]);
    put_sample(e, "_count", NULL, 0, value);
}
