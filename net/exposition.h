/* Writes metrics in Prometheus' text form, version 0.0.4
 * (https://prometheus.io/docs/instrumenting/exposition_formats/): families of samples, each family
 * begun once with its help and type. Names are ours and asserted; label values may hold anything
 * and are escaped. */
#ifndef DUTYLOG_NET_EXPOSITION_H
#define DUTYLOG_NET_EXPOSITION_H

#include "net/buffer.h"
#include "net/histogram.h"

#define EXPOSITION_TYPE "text/plain; version=0.0.4; charset=utf-8"
#define EXPOSITION_LABELS_MAX 4

enum expose_type { EXPOSE_COUNTER, EXPOSE_GAUGE, EXPOSE_HISTOGRAM };

/* The first failure stays in `status` (NOMEM, TOO_LARGE) and later calls do nothing: one look at
 * the end suffices. Borrows the buffer. */
struct exposition {
    struct buffer *out;
    enum status status;
    char family[64]; /* that samples go to */
};

struct expose_label {
    const char *name;
    const char *value;
};

void expose_init(struct exposition *e, struct buffer *out);
/* Begins a family; the samples that follow belong to it. Asserts a name of [a-z_]+ that is not too
 * long, and that a counter, and nothing else, ends in "_total". */
void expose_family(struct exposition *e, enum expose_type type, const char *name, const char *help);
void expose_number(struct exposition *e, const struct expose_label *labels, size_t count,
                   int64_t value);
/* A time in seconds, given in microseconds. */
void expose_seconds(struct exposition *e, const struct expose_label *labels, size_t count,
                    uint64_t micros);
/* A family of one sample without labels. */
void expose_single(struct exposition *e, enum expose_type type, const char *name, const char *help,
                   int64_t value);
/* A whole family. */
void expose_histogram(struct exposition *e, const struct histogram_view *view);

#endif
