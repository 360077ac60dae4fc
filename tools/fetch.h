/* One HTTP request at a time, for commands (libcurl). Follows no redirect, takes no proxy from the
 * environment, speaks http and https only (TLS 1.2
 * or later, certificates verified), keeps connections, and keeps nothing of an answer beyond
 * its maximum. */
#ifndef DUTYLOG_TOOLS_FETCH_H
#define DUTYLOG_TOOLS_FETCH_H

#include "net/buffer.h"

struct fetcher;

struct fetched {
    unsigned http; /* 0: no answer, see `why` */
    char content_type[64];
    char location[512];     /* where a redirect leads; "": none */
    uint64_t retry_after_s; /* 0: none */
    struct buffer body;     /* owned by the fetcher until the next request */
};

/* From now on only the authorities of this PEM file are trusted with https, instead of the
 * system's. Borrowed for the life of the process. */
void fetch_trust(const char *ca);

/* NOMEM. */
enum status fetcher_open(struct fetcher **out) MUST_USE;
void fetcher_close(struct fetcher *fetcher);

struct fetch_request {
    const char *base;         /* "http://127.0.0.1:8080", with or without a final slash */
    const char *path;         /* "/checkpoint" */
    const char *content_type; /* NULL: GET; else POST with `body` */
    struct bytes body;
    const char *authorization; /* the header of that name; NULL: none */
    size_t response_max;
    uint64_t timeout_ms;
};
/* Whether nothing came of a request, and the same may be asked again later. */
bool fetch_try_later(unsigned http);
/* OK: there was an answer, whatever its status; borrowed until the next request. IO: there was
 * none; `why` says so. */
enum status fetch(struct fetcher *fetcher, const struct fetch_request *request,
                  const struct fetched **out, struct refusal *why) MUST_USE;

#endif
