#include "ledger/event.h"
#include "net/file.h"
#include "tools/cli.h"
#include "tools/fetch.h"
#include "tools/outbox.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define TIMEOUT_MS 30000
#define POLL_MS 500

static const struct option options[] = {
    {"node", required_argument, NULL, 'n'}, {"outbox", required_argument, NULL, 'b'},
    {"wait", required_argument, NULL, 'w'}, {"quiet", no_argument, NULL, 'q'},
    {"help", no_argument, NULL, 'h'},       {NULL, 0, NULL, 0},
};

struct sending {
    const char *node;
    uint64_t wait_s;
    bool quiet;
    struct fetcher *fetcher;
    size_t receipts;
    size_t pending;
};

static uint64_t now_ms(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static void sleep_ms(uint64_t ms) {
    struct timespec t = {.tv_sec = (time_t)(ms / 1000), .tv_nsec = (long)(ms % 1000) * 1000000};
    nanosleep(&t, NULL);
}

/* One event on its way: its file's name without the ending, and where its receipt goes. */
struct parcel {
    const char *event_path;
    char receipt_path[OUTBOX_PATH_MAX + 16];
    char ask[NAME_SIZE_MAX + 64]; /* /receipt/<issuer>/<seq> */
};

static enum status save_receipt(struct sending *s, const struct parcel *parcel,
                                struct bytes receipt, struct refusal *why) {
    TRY(file_write(parcel->receipt_path, receipt, why));
    s->receipts++;
    if (!s->quiet) {
        printf("%s\n", parcel->receipt_path);
    }
    return STATUS_OK;
}

/* Asks for the receipt until it is there or the time is up. */
static enum status poll_receipt(struct sending *s, const struct parcel *parcel,
                                struct refusal *why) {
    uint64_t until = now_ms() + s->wait_s * 1000;
    for (;;) {
        const struct fetched *answer = NULL;
        struct fetch_request request = {.base = s->node,
                                        .path = parcel->ask,
                                        .response_max = RECEIPT_SIZE_MAX,
                                        .timeout_ms = TIMEOUT_MS};
        enum status status = fetch(s->fetcher, &request, &answer, why);
        if (status == STATUS_OK && answer->http == 200) {
            return save_receipt(s, parcel, buffer_view(&answer->body), why);
        }
        if (now_ms() >= until) {
            s->pending++;
            return STATUS_OK;
        }
        sleep_ms(POLL_MS);
    }
}

static enum status refused(const struct parcel *parcel, const struct fetched *answer,
                           struct refusal *why) {
    struct bytes body = buffer_view(&answer->body);
    while (body.len > 0 && body.data[body.len - 1] == '\n') {
        body.len--;
    }
    return refuse(why, STATUS_DENIED_SCOPE, "%s: refused with %u: %.*s", parcel->event_path,
                  answer->http, (int)(body.len < 180 ? body.len : 180), body.data);
}

/* 503 means that nothing was kept, and no answer that we do not know: the same bytes may be sent
 * again either way. */
static enum status send_note(struct sending *s, const struct parcel *parcel, struct bytes note,
                             struct refusal *why) {
    uint64_t until = now_ms() + s->wait_s * 1000;
    for (;;) {
        const struct fetched *answer = NULL;
        struct fetch_request request = {.base = s->node,
                                        .path = "/add",
                                        .content_type = "text/plain; charset=utf-8",
                                        .body = note,
                                        .response_max = RECEIPT_SIZE_MAX,
                                        .timeout_ms = TIMEOUT_MS};
        enum status status = fetch(s->fetcher, &request, &answer, why);
        if (status == STATUS_OK && answer->http == 200) {
            return save_receipt(s, parcel, buffer_view(&answer->body), why);
        }
        if (status == STATUS_OK && answer->http == 202) {
            return poll_receipt(s, parcel, why);
        }
        if (status == STATUS_OK && answer->http != 503) {
            return refused(parcel, answer, why);
        }
        if (status == STATUS_OK) {
            refuse(
                why, STATUS_BUSY,
                "%s: the node is overloaded or stopping: the event is kept here, try again later",
                parcel->event_path);
        }
        if (now_ms() >= until) {
            return why->status;
        }
        sleep_ms(POLL_MS);
    }
}

static enum status send_file(struct sending *s, struct parcel *parcel, struct refusal *why) {
    struct buffer note;
    struct event event;
    buffer_init(&note, EVENT_SIZE_MAX);
    enum status status = file_read(parcel->event_path, &note, why);
    if (status == STATUS_OK) {
        status = event_parse(buffer_view(&note), &event, why);
    }
    if (status == STATUS_OK) {
        snprintf(parcel->ask, sizeof parcel->ask, "/receipt/%.*s/%" PRIu64, (int)event.issuer.len,
                 event.issuer.data, event.seq);
        event_release(&event);
        status = send_note(s, parcel, buffer_view(&note), why);
    }
    buffer_clear(&note);
    return status;
}

static enum status parcel_of(struct parcel *parcel, const char *base, const char *event_path,
                             struct refusal *why) {
    parcel->event_path = event_path;
    int n = snprintf(parcel->receipt_path, sizeof parcel->receipt_path, "%s.receipt", base);
    return n > 0 && (size_t)n < sizeof parcel->receipt_path
               ? STATUS_OK
               : refuse(why, STATUS_BAD_FORM, "%s: the name is too long", base);
}

/* All that waits in the outbox, in order; a refusal holds back the issuer's later events too, so it
 * ends the run. */
static enum status send_outbox(struct sending *s, const char *folder, struct refusal *why) {
    struct outbox outbox;
    char **bases = NULL;
    size_t count = 0;
    TRY(outbox_open(&outbox, folder, why));
    enum status status = outbox_pending(&outbox, &bases, &count, why);
    for (size_t i = 0; i < count && status == STATUS_OK; i++) {
        struct parcel parcel;
        char path[OUTBOX_PATH_MAX + 16];
        cli_progress("submit", i, count);
        snprintf(path, sizeof path, "%s.event", bases[i]);
        status = parcel_of(&parcel, bases[i], path, why);
        if (status == STATUS_OK) {
            status = send_file(s, &parcel, why);
        }
    }
    cli_progress_end();
    outbox_free_list(bases, count);
    outbox_close(&outbox);
    return status;
}

static enum status send_named(struct sending *s, const char *path, struct refusal *why) {
    struct parcel parcel;
    char base[OUTBOX_PATH_MAX];
    size_t len = strlen(path);
    if (len >= sizeof base) {
        return refuse(why, STATUS_BAD_FORM, "%s: the name is too long", path);
    }
    memcpy(base, path, len + 1);
    if (len > 6 && strcmp(path + len - 6, ".event") == 0) {
        base[len - 6] = '\0';
    }
    TRY(parcel_of(&parcel, base, path, why));
    return send_file(s, &parcel, why);
}

static int run(struct sending *s, const char *outbox, int count, char **files) {
    struct refusal why = {.text = ""};
    enum status status = fetcher_open(&s->fetcher);
    if (status != STATUS_OK) {
        return cli_error("submit", CLI_FAILED, "out of memory");
    }
    if (outbox != NULL) {
        status = send_outbox(s, outbox, &why);
    }
    for (int i = 0; i < count && status == STATUS_OK; i++) {
        status = send_named(s, files[i], &why);
    }
    fetcher_close(s->fetcher);
    if (status != STATUS_OK) {
        return cli_error("submit", cli_exit_of(status), "%s", why.text);
    }
    if (s->pending > 0) {
        return cli_error("submit", CLI_PENDING,
                         "%zu logged and durable at the node, but no quorum of mirrors yet: run "
                         "the same again later",
                         s->pending);
    }
    return CLI_OK;
}

int cmd_submit(int argc, char **argv) {
    struct sending s = {.wait_s = 60};
    const char *outbox = NULL;
    int c = 0;
    while ((c = getopt_long(argc, argv, "hq", options, NULL)) != -1) {
        switch (c) {
        case 'n':
            s.node = optarg;
            break;
        case 'b':
            outbox = optarg;
            break;
        case 'w':
            if (!cli_number(optarg, 0, 86400, &s.wait_s)) {
                return cli_usage("submit", "--wait takes seconds, at most 86400");
            }
            break;
        case 'q':
            s.quiet = true;
            break;
        case 'h':
            return cli_help("submit");
        default:
            return cli_usage("submit", "unknown option");
        }
    }
    if (s.node == NULL || (outbox == NULL) == (optind == argc)) {
        return cli_usage("submit", "give --node URL, and either --outbox DIR or event files");
    }
    return run(&s, outbox, argc - optind, argv + optind);
}
