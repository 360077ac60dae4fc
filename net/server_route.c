#include "net/server_private.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#define ALLOW_SIZE 64

static struct bytes cut_segment(const char **pattern) {
    const char *start = *pattern;
    const char *slash = strchr(start, '/');
    size_t len = slash != NULL ? (size_t)(slash - start) : strlen(start);
    *pattern = slash != NULL ? slash + 1 : NULL;
    return bytes_of(start, len);
}

bool route_match(const char *pattern, struct bytes path, struct bytes *segments, size_t *count) {
    assert(pattern[0] == '/');
    if (path.len == 0 || path.data[0] != '/') {
        return false;
    }
    *count = 0;
    const char *want = pattern + 1;
    struct bytes rest = bytes_of(path.data + 1, path.len - 1);
    bool more = true; /* a segment follows, perhaps an empty one */
    while (want != NULL) {
        struct bytes segment = cut_segment(&want);
        if (!more) {
            return false;
        }
        if (bytes_equal(segment, bytes_text("**"))) {
            assert(want == NULL && *count < SEGMENTS_MAX);
            segments[(*count)++] = rest;
            return rest.len > 0;
        }
        const uint8_t *slash = rest.len > 0 ? memchr(rest.data, '/', rest.len) : NULL;
        struct bytes have = slash != NULL ? bytes_of(rest.data, (size_t)(slash - rest.data)) : rest;
        more = slash != NULL;
        rest = more ? bytes_of(slash + 1, rest.len - have.len - 1) : bytes_of(NULL, 0);
        if (bytes_equal(segment, bytes_text("*"))) {
            assert(*count < SEGMENTS_MAX);
            segments[(*count)++] = have;
            if (have.len == 0) {
                return false;
            }
        } else if (!bytes_equal(segment, have)) {
            return false;
        }
    }
    return !more;
}

static bool method_fits(const struct route *route, const char *method) {
    return strcmp(route->method, method) == 0 ||
           (strcmp(route->method, "GET") == 0 && strcmp(method, "HEAD") == 0);
}

static void add_allowed(char *allow, const char *method) {
    size_t len = strlen(allow);
    if (strstr(allow, method) != NULL) {
        return;
    }
    int n = snprintf(allow + len, ALLOW_SIZE - len, "%s%s%s", len > 0 ? ", " : "", method,
                     strcmp(method, "GET") == 0 ? ", HEAD" : "");
    assert(n > 0 && (size_t)n < ALLOW_SIZE - len);
}

static void answer_not_allowed(struct request *request, const char *allow) {
    char text[ALLOW_SIZE + 64];
    int n =
        snprintf(text, sizeof text, "%s is not for this path: use %s\n", request->method, allow);
    assert(n > 0 && (size_t)n < sizeof text);
    struct reply_header header = {.name = "Allow", .value = allow};
    struct reply reply = {.http = 405,
                          .content_type = "text/plain; charset=utf-8",
                          .body = bytes_of(text, (size_t)n),
                          .headers = &header,
                          .header_count = 1};
    request_set_reason(request, COUNTER_REFUSED_METHOD);
    request_answer(request, &reply);
}

static void split_target(struct request *request) {
    const char *mark = memchr(request->target, '?', request->target_len);
    size_t path_len = mark != NULL ? (size_t)(mark - request->target) : request->target_len;
    request->path = bytes_of(request->target, path_len);
    request->query =
        mark != NULL ? bytes_of(mark + 1, request->target_len - path_len - 1) : bytes_of(NULL, 0);
}

void route_request(struct request *request) {
    if (request->target_too_long) {
        request_refuse_as(request, COUNTER_REFUSED_TARGET, 414,
                          "the request target is longer than %d bytes: shorten it", TARGET_MAX);
        return;
    }
    split_target(request);
    if (request->target[0] != '/') {
        request_refuse_as(request, COUNTER_REFUSED_TARGET, 400,
                          "the request target must be a path that begins with '/'");
        return;
    }
    char allow[ALLOW_SIZE] = "";
    for (size_t i = 0; i < request->server->route_count; i++) {
        const struct route *route = &request->server->routes[i];
        if (!route_match(route->pattern, request->path, request->segments,
                         &request->segment_count)) {
            continue;
        }
        if (method_fits(route, request->method)) {
            request->route = route;
            return;
        }
        add_allowed(allow, route->method);
    }
    if (allow[0] != '\0') {
        answer_not_allowed(request, allow);
    } else {
        request_refuse_as(request, COUNTER_REFUSED_PATH, 404,
                          "nothing is at this path: see / for what there is");
    }
}

bool request_query(const struct request *request, const char *name, struct bytes *value) {
    struct bytes rest = request->query;
    size_t name_len = strlen(name);
    while (rest.len > 0) {
        const uint8_t *end = memchr(rest.data, '&', rest.len);
        size_t len = end != NULL ? (size_t)(end - rest.data) : rest.len;
        if (len >= name_len && memcmp(rest.data, name, name_len) == 0 &&
            (len == name_len || rest.data[name_len] == '=')) {
            size_t skip = len == name_len ? name_len : name_len + 1;
            *value = bytes_of(rest.data + skip, len - skip);
            return true;
        }
        size_t step = end != NULL ? len + 1 : len;
        rest = bytes_of(rest.data + step, rest.len - step);
    }
    return false;
}
