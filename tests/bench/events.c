#include "tests/bench/events.h"

#include "tests/lib/keys.h"

#include <assert.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *enrolment(struct desks *desks, const struct signer *signer) {
    return world_text(&desks->world,
                      "{'basis':'both','kinds':['*'],'oris':['" WORLD_ORI
                      "'],'role':'clerk','vkey':'%s'}",
                      bench_vkey(&signer->vkey));
}

void desks_init(struct desks *desks, const char *origin, size_t count,
                const char *const urls[WORLD_MIRRORS]) {
    assert(count <= DESKS_MAX);
    memset(desks, 0, sizeof *desks);
    struct world *world = &desks->world;
    world_init(world, origin);
    desks->count = count;
    desks->start[desks->start_count++] = world_opened(world);
    if (urls != NULL) {
        const char *open = world_policy_open(world, world_policy_text(world, urls), NULL);
        desks->start[desks->start_count++] = world_event(
            world,
            &(struct world_event){.issuer = WORLD_ROOT_1, .kind = "log.policy", .open = open});
    }
    desks->start[desks->start_count++] = world_enrol(world, WORLD_ROOT_1, WORLD_AGENCY);
    for (size_t i = 0; i < count; i++) {
        char name[32];
        snprintf(name, sizeof name, "desk-%02zu.example", i + 1);
        desks->desks[i].signer = test_signer(name, VKEY_NOTE);
        desks->start[desks->start_count++] = world_event(
            world, &(struct world_event){.issuer = WORLD_AGENCY,
                                         .kind = "key.enrolled",
                                         .open = enrolment(desks, &desks->desks[i].signer)});
    }
}

void desks_release(struct desks *desks) {
    world_release(&desks->world);
}

void desks_open_log(struct desks *desks, const struct bench_node *node) {
    for (size_t i = 0; i < desks->start_count; i++) {
        char answer[512];
        unsigned http =
            node_post(node, "/add", "text/plain", desks->start[i], answer, sizeof answer);
        bench_must(http / 100 == 2, "%s refuses the log's beginning: %u %s", node->name, http,
                   answer);
    }
}

/* --- one event --- */

static void put_text(struct writer *w, const struct desks *desks, const struct desk *desk,
                     const struct hash *body) {
    writer_text(w, EVENT_FIRST_LINE "\n{\"body\":\"");
    writer_hash_hex(w, body);
    writer_text(w, "\",\"issuer\":\"");
    writer_bytes(w, vkey_name(&desk->signer.vkey));
    writer_text(w, "\",\"kind\":\"finding.final\",\"log\":\"");
    writer_bytes(w, vkey_name(&desks->world.log.vkey));
    writer_text(w, "\",\"open\":{\"basis\":\"live\",\"case\":\"");
    uint8_t hex[2 * HASH_SIZE];
    struct writer handle;
    writer_init(&handle, hex, sizeof hex);
    writer_hash_hex(&handle, body);
    writer_put(w, hex, 32);
    writer_text(w,
                "\",\"decided\":\"2023-09-20\",\"decided_by\":\"commissioner\","
                "\"disposition\":\"sustained\",\"ori\":\"" WORLD_ORI "\",\"party\":\"officer\"}");
    if (desk->seq > 0) {
        writer_text(w, ",\"prev\":\"");
        writer_hash_hex(w, &desk->head);
        writer_text(w, "\"");
    }
    writer_text(w, ",\"seq\":");
    writer_decimal(w, desk->seq + 1);
    writer_text(w, "}\n");
}

size_t desk_event(const struct desks *desks, struct desk *desk, bool sign, uint8_t *out,
                  size_t cap) {
    static const uint8_t unsigned_blob[SIGN_SIGNATURE_SIZE];
    struct writer w;
    struct hash body;
    hash_of(&desk->made, sizeof desk->made, &body);
    hash_node(&body, &desk->head, &body);
    writer_init(&w, out, cap);
    put_text(&w, desks, desk, &body);
    struct bytes text = writer_view(&w);
    writer_text(&w, "\n");
    if (sign) {
        note_sign(&w, text, &desk->signer);
    } else {
        note_append_line(&w, vkey_name(&desk->signer.vkey), desk->signer.vkey.id, unsigned_blob,
                         sizeof unsigned_blob);
    }
    bench_must(writer_status(&w) == STATUS_OK, "an event does not fit");
    hash_of(text.data, text.len, &desk->head);
    desk->seq++;
    desk->made++;
    return w.len;
}

/* --- requests --- */

struct filling {
    struct desks *desks;
    struct load *load;
    size_t first; /* desks first, first + step, … */
    size_t step;
    size_t requests;
    size_t events;
    uint64_t step_ns;
};

static void fill_request(const struct filling *f, struct desk *desk, struct load_request *request) {
    size_t cap = f->events * (EVENT_ROOM + 2);
    uint8_t *body = malloc(cap);
    size_t len = 0;
    bench_must(body != NULL, "out of memory");
    for (size_t i = 0; i < f->events; i++) {
        size_t prefix = f->events > 1 ? 2 : 0;
        size_t event = desk_event(f->desks, desk, true, body + len + prefix, cap - len - prefix);
        if (prefix > 0) {
            body[len] = (uint8_t)(event >> 8);
            body[len + 1] = (uint8_t)event;
        }
        len += prefix + event;
    }
    request->head =
        load_head("POST", "/add", f->events > 1 ? "application/octet-stream" : "text/plain", len);
    request->body = bytes_of(body, len);
    request->weight = f->events;
}

static void *fill_some(void *context) {
    const struct filling *f = context;
    for (size_t d = f->first; d < f->desks->count; d += f->step) {
        struct load_stream *stream = &f->load->streams[d];
        stream->requests = calloc(f->requests, sizeof *stream->requests);
        stream->count = f->requests;
        bench_must(stream->requests != NULL, "out of memory");
        for (size_t i = 0; i < f->requests; i++) {
            fill_request(f, &f->desks->desks[d], &stream->requests[i]);
            stream->requests[i].due_ns = (i * f->desks->count + d) * f->step_ns;
        }
    }
    return NULL;
}

void desks_fill(struct desks *desks, struct load *load, unsigned cores, size_t requests,
                size_t events, uint64_t step_ns) {
    struct filling fillings[64];
    pthread_t threads[64];
    size_t count = cores < 64 ? cores : 64;
    for (size_t i = 0; i < count; i++) {
        fillings[i] = (struct filling){desks, load, i, count, requests, events, step_ns};
        bench_must(pthread_create(&threads[i], NULL, fill_some, &fillings[i]) == 0,
                   "no thread to be had");
    }
    for (size_t i = 0; i < count; i++) {
        pthread_join(threads[i], NULL);
    }
    load->stream_count = desks->count;
}

void desks_discard(struct load *load) {
    for (size_t d = 0; d < load->stream_count; d++) {
        for (size_t i = 0; i < load->streams[d].count; i++) {
            free((void *)(uintptr_t)load->streams[d].requests[i].head.data);
            free((void *)(uintptr_t)load->streams[d].requests[i].body.data);
        }
        free(load->streams[d].requests);
    }
    load->stream_count = 0;
}
