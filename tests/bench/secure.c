/* What TLS costs: batches of signed events into an agency's node, over TLS and in clear, by the
 * same client (libcurl, a thread for each connection). */
#include "tests/bench/bounds.h"
#include "tests/bench/events.h"
#include "tests/lib/certificates.h"

#include <curl/curl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ORIGIN "agency.example/log"
#define DESKS 8
#define EVENTS_PER_REQUEST 1024
#define REPEATS 3

struct sender {
    const char *url;
    const char *ca; /* NULL: in clear */
    struct load_stream *stream;
    pthread_t thread;
};

static size_t drop(char *data, size_t size, size_t count, void *context) {
    (void)data;
    (void)context;
    return size * count;
}

static void *send_all(void *argument) {
    struct sender *sender = argument;
    struct curl_slist *headers = curl_slist_append(NULL, "Content-Type: application/octet-stream");
    CURL *curl = curl_easy_init();
    headers = curl_slist_append(headers, "Expect:");
    bench_must(curl != NULL, "out of memory");
    curl_easy_setopt(curl, CURLOPT_URL, sender->url);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_PROXY, "");
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, drop);
    if (sender->ca != NULL) {
        curl_easy_setopt(curl, CURLOPT_CAINFO, sender->ca);
    }
    for (size_t i = 0; i < sender->stream->count; i++) {
        long http = 0;
        const struct bytes body = sender->stream->requests[i].body;
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, (const char *)body.data);
        curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body.len);
        do {
            CURLcode code = curl_easy_perform(curl);
            bench_must(code == CURLE_OK, "%s: %s", sender->url, curl_easy_strerror(code));
            curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &http);
        } while (http == 503); /* busy: the same again */
        bench_must(http / 100 == 2, "%s: HTTP status %ld", sender->url, http);
    }
    curl_easy_cleanup(curl);
    curl_slist_free_all(headers);
    return NULL;
}

/* Events a second. */
static double rate(struct bench *bench, struct desks *desks, const char *url, const char *ca) {
    static struct sender senders[DESKS];
    struct load load = {.port = 0};
    size_t requests = bench->quick ? 3 : 8;
    desks_fill(desks, &load, bench->cores, requests, EVENTS_PER_REQUEST, 0);
    uint64_t start = bench_now_ns();
    for (size_t i = 0; i < DESKS; i++) {
        senders[i] = (struct sender){.url = url, .ca = ca, .stream = &load.streams[i]};
        bench_must(pthread_create(&senders[i].thread, NULL, send_all, &senders[i]) == 0,
                   "no thread to be had");
    }
    for (size_t i = 0; i < DESKS; i++) {
        pthread_join(senders[i].thread, NULL);
    }
    double seconds = bench_seconds_since(start);
    desks_discard(&load);
    return (double)(DESKS * requests * EVENTS_PER_REQUEST) / seconds;
}

struct site {
    struct desks *desks;
    struct bench_node node;
    char url[96];
};

static void open_site(struct bench *bench, struct site *site, const char *name) {
    site->desks = malloc(sizeof *site->desks);
    bench_must(site->desks != NULL, "out of memory");
    desks_init(site->desks, ORIGIN, DESKS, NULL);
    node_make(bench, &site->node, name);
    node_key(&site->node, "log.key", &site->desks->world.log);
    node_start(bench, &site->node, "[host]\norigin = " ORIGIN "\nkey = log.key\naccept = events\n");
    desks_open_log(site->desks, &site->node);
    snprintf(site->url, sizeof site->url, "%s/add", site->node.url);
}

/* From now on the node speaks TLS. */
static void secure(struct bench *bench, struct site *site, char *ca, size_t cap) {
    struct authority authority;
    char certificate[BENCH_PATH_MAX + 96];
    char key[BENCH_PATH_MAX + 96];
    snprintf(ca, cap, "%s/ca.pem", site->node.folder);
    snprintf(certificate, sizeof certificate, "%s/node.pem", site->node.folder);
    snprintf(key, sizeof key, "%s/node.key", site->node.folder);
    authority_make(&authority, ca);
    authority_issue(&authority, 1, 86400, certificate, key);
    authority_release(&authority);
    node_stop(&site->node);
    node_start_tls(bench, &site->node,
                   "[host]\norigin = " ORIGIN "\nkey = log.key\naccept = events\n");
    snprintf(site->url, sizeof site->url, "https://127.0.0.1:%u/add", site->node.port);
}

void bench_secure(struct bench *bench) {
    struct site clear;
    struct site tls;
    char ca[BENCH_PATH_MAX + 96];
    double ratios[REPEATS];
    double rates[REPEATS];
    double clears[REPEATS];
    report_section(bench, "an agency's node over TLS");
    open_site(bench, &clear, "clear");
    open_site(bench, &tls, "tls");
    secure(bench, &tls, ca, sizeof ca);
    for (size_t i = 0; i < REPEATS; i++) {
        clears[i] = rate(bench, clear.desks, clear.url, NULL);
        rates[i] = rate(bench, tls.desks, tls.url, ca);
        ratios[i] = rates[i] / clears[i];
    }
    report_row(bench, &(struct bench_row){.id = "tls_ingest",
                                          .what = "signed ingest in batches over TLS",
                                          .value = bench_median(rates, REPEATS),
                                          .unit = "events/s",
                                          .bound_what = "events/s in clear, the same client",
                                          .bound = bench_median(clears, REPEATS),
                                          .ratio = bench_median(ratios, REPEATS),
                                          .size_is = SIZE_RATIO_MIN,
                                          .size = 0.85});
    node_remove(&clear.node);
    node_remove(&tls.node);
    desks_release(clear.desks);
    desks_release(tls.desks);
    free(clear.desks);
    free(tls.desks);
}
