#include "tools/fetch.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define URL_MAX 2048
#define HEADER_MAX 8192
#define CONNECT_TIMEOUT_MS 5000

struct fetcher {
    CURL *curl;
    struct fetched answer;
    char url[URL_MAX];
    char error[CURL_ERROR_SIZE];
    bool too_large;
};

bool fetch_try_later(unsigned http) {
    return http == 503 || http == 429;
}

static const char *trusted; /* NULL: the system's */

void fetch_trust(const char *ca) {
    trusted = ca;
}

static size_t on_data(char *data, size_t size, size_t count, void *context) {
    struct fetcher *f = context;
    if (buffer_append(&f->answer.body, bytes_of(data, size * count)) != STATUS_OK) {
        f->too_large = true;
        return 0; /* ends the transfer */
    }
    return size * count;
}

enum status fetcher_open(struct fetcher **out) {
    struct fetcher *f = calloc(1, sizeof *f);
    if (f == NULL || curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK ||
        (f->curl = curl_easy_init()) == NULL) {
        free(f);
        return STATUS_NOMEM;
    }
    buffer_init(&f->answer.body, 0);
    *out = f;
    return STATUS_OK;
}

void fetcher_close(struct fetcher *f) {
    if (f == NULL) {
        return;
    }
    curl_easy_cleanup(f->curl);
    buffer_clear(&f->answer.body);
    free(f);
}

static bool make_url(struct fetcher *f, const struct fetch_request *request) {
    size_t base = strlen(request->base);
    while (base > 0 && request->base[base - 1] == '/') {
        base--;
    }
    int n = snprintf(f->url, sizeof f->url, "%.*s%s", (int)base, request->base, request->path);
    return n > 0 && (size_t)n < sizeof f->url;
}

static void set_options(struct fetcher *f, const struct fetch_request *request,
                        struct curl_slist *headers) {
    CURL *c = f->curl;
    curl_easy_reset(c);
    curl_easy_setopt(c, CURLOPT_URL, f->url);
    curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(c, CURLOPT_PROXY, "");
    curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(c, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    curl_easy_setopt(c, CURLOPT_SSL_VERIFYPEER, 1L);
    curl_easy_setopt(c, CURLOPT_SSL_VERIFYHOST, 2L);
    if (trusted != NULL) {
        curl_easy_setopt(c, CURLOPT_CAINFO, trusted);
        curl_easy_setopt(c, CURLOPT_CAPATH, NULL); /* else the system's folder counts as well */
    }
    curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_TIMEOUT_MS);
    curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, (long)request->timeout_ms);
    curl_easy_setopt(c, CURLOPT_ERRORBUFFER, f->error);
    curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_data);
    curl_easy_setopt(c, CURLOPT_WRITEDATA, f);
    curl_easy_setopt(c, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(c, CURLOPT_ACCEPT_ENCODING, "gzip");
    if (request->content_type != NULL) {
        curl_easy_setopt(c, CURLOPT_POST, 1L);
        curl_easy_setopt(c, CURLOPT_POSTFIELDS,
                         request->body.len > 0 ? (const char *)request->body.data : "");
        curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body.len);
    }
}

static void take_answer(struct fetcher *f) {
    long http = 0;
    curl_off_t retry = 0;
    const char *type = NULL;
    const char *location = NULL;
    curl_easy_getinfo(f->curl, CURLINFO_RESPONSE_CODE, &http);
    curl_easy_getinfo(f->curl, CURLINFO_RETRY_AFTER, &retry);
    curl_easy_getinfo(f->curl, CURLINFO_CONTENT_TYPE, &type);
    curl_easy_getinfo(f->curl, CURLINFO_REDIRECT_URL, &location);
    snprintf(f->answer.location, sizeof f->answer.location, "%s", location != NULL ? location : "");
    f->answer.http = http > 0 ? (unsigned)http : 0;
    f->answer.retry_after_s = retry > 0 ? (uint64_t)retry : 0;
    snprintf(f->answer.content_type, sizeof f->answer.content_type, "%s", type != NULL ? type : "");
}

enum status fetch(struct fetcher *f, const struct fetch_request *request,
                  const struct fetched **out, struct refusal *why) {
    char type[96];
    struct curl_slist *headers = NULL;
    if (!make_url(f, request)) {
        return refuse(why, STATUS_BAD_FORM, "%s: the address is too long", request->base);
    }
    if (request->content_type != NULL) {
        snprintf(type, sizeof type, "Content-Type: %s", request->content_type);
        headers = curl_slist_append(NULL, type);
    }
    if (request->authorization != NULL) {
        char line[HEADER_MAX];
        snprintf(line, sizeof line, "Authorization: %s", request->authorization);
        headers = curl_slist_append(headers, line);
    }
    buffer_clear(&f->answer.body);
    buffer_init(&f->answer.body, request->response_max);
    f->error[0] = '\0';
    f->too_large = false;
    set_options(f, request, headers);
    CURLcode code = curl_easy_perform(f->curl);
    curl_slist_free_all(headers);
    if (code != CURLE_OK) {
        return refuse(why, STATUS_IO, "%s: %s", f->url,
                      f->too_large       ? "the answer is larger than it may be"
                      : f->error[0] != 0 ? f->error
                                         : curl_easy_strerror(code));
    }
    take_answer(f);
    *out = &f->answer;
    return STATUS_OK;
}
