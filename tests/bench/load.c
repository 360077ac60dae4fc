#include "tests/bench/load.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#define ANSWER_MAX (4u << 20)
#define TICK_NS 20000000u
#define BUSY_NS 1000000u

struct connection {
    int fd;
    size_t next; /* request under way or to be sent */
    bool sending;
    bool waiting; /* all is sent, the answer is not whole */
    size_t sent;
    uint64_t since_ns;
    uint64_t not_before_ns; /* after a 503 */
    uint8_t *answer;
    size_t answer_len;
    size_t answer_size; /* head and body; 0: not known yet */
    unsigned http;
    size_t body_len;
};

struct run {
    struct load *load;
    struct load_result *result;
    struct connection connections[LOAD_STREAMS_MAX];
    uint64_t start_ns;
    uint64_t last_ns;
};

bool load_is_200(unsigned http) {
    return http == 200;
}

bool load_is_2xx(unsigned http) {
    return http / 100 == 2;
}

struct bytes load_head(const char *method, const char *path, const char *type, size_t len) {
    char head[1024];
    int n;
    if (type == NULL) {
        n = snprintf(head, sizeof head, "%s %s HTTP/1.1\r\nHost: bench\r\n\r\n", method, path);
    } else {
        n = snprintf(
            head, sizeof head,
            "%s %s HTTP/1.1\r\nHost: bench\r\nContent-Type: %s\r\nContent-Length: %zu\r\n\r\n",
            method, path, type, len);
    }
    char *copy = malloc((size_t)n);
    bench_must(n > 0 && (size_t)n < sizeof head && copy != NULL, "a request's head does not fit");
    memcpy(copy, head, (size_t)n);
    return bytes_of(copy, (size_t)n);
}

static void open_connection(struct run *run, struct connection *c) {
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons(run->load->port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int one = 1;
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bench_must(c->fd >= 0 && connect(c->fd, (struct sockaddr *)&address, sizeof address) == 0,
               "cannot connect to the node");
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    bench_must(fcntl(c->fd, F_SETFL, O_NONBLOCK) == 0, "cannot connect to the node");
    c->answer = malloc(ANSWER_MAX);
    bench_must(c->answer != NULL, "out of memory");
}

/* --- sending --- */

static void send_more(struct run *run, struct connection *c, const struct load_request *request) {
    size_t total = request->head.len + request->body.len;
    while (c->sent < total) {
        struct iovec parts[2];
        int count = 0;
        size_t skip = c->sent;
        const struct bytes pieces[] = {request->head, request->body};
        for (int i = 0; i < 2; i++) {
            size_t gone = skip < pieces[i].len ? skip : pieces[i].len;
            skip -= gone;
            if (gone < pieces[i].len) {
                parts[count++] =
                    (struct iovec){.iov_base = (void *)(uintptr_t)(pieces[i].data + gone),
                                   .iov_len = pieces[i].len - gone};
            }
        }
        ssize_t n = writev(c->fd, parts, count);
        if (n < 0 && errno == EAGAIN) {
            return;
        }
        bench_must(n > 0, "the node closed a connection that was being written to");
        c->sent += (size_t)n;
    }
    (void)run;
    c->sending = false;
    c->waiting = true;
}

/* True if the connection's next request may go out now; else `wake` is when. */
static bool may_send(const struct run *run, size_t which, uint64_t now, uint64_t *wake) {
    const struct load_stream *stream = &run->load->streams[which];
    const struct connection *c = &run->connections[which];
    if (c->sending || c->waiting || c->next == stream->count ||
        (run->load->limit_ns != 0 && now >= run->start_ns + run->load->limit_ns)) {
        return false;
    }
    uint64_t due = run->start_ns + stream->requests[c->next].due_ns;
    due = due > c->not_before_ns ? due : c->not_before_ns;
    if (due > now && due < *wake) {
        *wake = due;
    }
    return due <= now;
}

static void begin(struct run *run, size_t which, uint64_t now) {
    struct connection *c = &run->connections[which];
    const struct load_request *request = &run->load->streams[which].requests[c->next];
    c->sending = true;
    c->sent = 0;
    if (c->not_before_ns == 0) {
        c->since_ns = request->due_ns != 0 ? run->start_ns + request->due_ns : now;
    }
    c->answer_len = 0;
    c->answer_size = 0;
    send_more(run, c, request);
}

/* --- answers --- */

/* Looks for the end of the head and the body's length; libmicrohttpd always says it. */
static void read_head(struct connection *c) {
    static const char length_name[] = "Content-Length:";
    c->answer[c->answer_len] = '\0';
    const char *text = (const char *)c->answer;
    const char *end = strstr(text, "\r\n\r\n");
    if (end == NULL) {
        return;
    }
    const char *length = strcasestr(text, length_name);
    bench_must(length != NULL && length < end, "an answer without its length");
    c->http = (unsigned)strtoul(text + 9, NULL, 10);
    c->body_len = strtoul(length + sizeof length_name - 1, NULL, 10);
    c->answer_size = (size_t)(end + 4 - text) + c->body_len;
    bench_must(c->answer_size < ANSWER_MAX, "an answer that is too long");
}

static void finish(struct run *run, size_t which) {
    struct connection *c = &run->connections[which];
    struct load *load = run->load;
    struct load_request *request = &load->streams[which].requests[c->next];
    uint64_t now = bench_now_ns();
    c->waiting = false;
    run->last_ns = now;
    if (c->http == 503 && load->busy_repeats) {
        run->result->repeated++;
        c->not_before_ns = now + BUSY_NS;
        return;
    }
    c->answer[c->answer_len] = '\0';
    bench_must(load->expected(c->http), "an answer %u: %.200s", c->http,
               (const char *)c->answer + (c->answer_size - c->body_len));
    c->not_before_ns = 0;
    request->http = c->http;
    request->seconds = (double)(now - c->since_ns) / 1e9;
    run->result->answered++;
    run->result->weight += request->weight;
    run->result->bytes += c->body_len;
    c->next++;
}

static void receive(struct run *run, size_t which) {
    struct connection *c = &run->connections[which];
    ssize_t n = read(c->fd, c->answer + c->answer_len, ANSWER_MAX - 1 - c->answer_len);
    if (n < 0 && errno == EAGAIN) {
        return;
    }
    bench_must(n > 0, "the node closed a connection that waits for its answer");
    c->answer_len += (size_t)n;
    if (c->answer_size == 0) {
        read_head(c);
    }
    if (c->answer_size != 0 && c->answer_len >= c->answer_size) {
        bench_must(c->waiting, "an answer %u before the request was sent: %.200s", c->http,
                   (const char *)c->answer + (c->answer_size - c->body_len));
        finish(run, which);
    }
}

/* --- running --- */

/* Begins what is due. False: nothing is under way, and nothing will be. */
static bool advance(struct run *run, uint64_t *wake) {
    bool more = false;
    for (size_t i = 0; i < run->load->stream_count; i++) {
        struct connection *c = &run->connections[i];
        uint64_t now = bench_now_ns();
        *wake = *wake < now + TICK_NS ? *wake : now + TICK_NS;
        uint64_t later = UINT64_MAX;
        if (may_send(run, i, now, &later)) {
            begin(run, i, now);
        }
        *wake = later < *wake ? later : *wake;
        more = more || c->sending || c->waiting || later != UINT64_MAX;
    }
    return more;
}

static void wait_for_events(struct run *run, uint64_t wake) {
    struct pollfd fds[LOAD_STREAMS_MAX];
    size_t count = run->load->stream_count;
    for (size_t i = 0; i < count; i++) {
        const struct connection *c = &run->connections[i];
        fds[i] = (struct pollfd){.fd = c->fd, .events = POLLIN};
        if (c->sending) {
            fds[i].events = POLLIN | POLLOUT;
        }
    }
    uint64_t now = bench_now_ns();
    uint64_t delay = wake > now ? wake - now : 0;
    struct timespec time = {.tv_sec = (time_t)(delay / 1000000000u),
                            .tv_nsec = (long)(delay % 1000000000u)};
    (void)ppoll(fds, count, &time, NULL);
    for (size_t i = 0; i < count; i++) {
        struct connection *c = &run->connections[i];
        if ((fds[i].revents & POLLOUT) != 0) {
            send_more(run, c, &run->load->streams[i].requests[c->next]);
        }
        if ((fds[i].revents & (POLLIN | POLLHUP | POLLERR)) != 0) {
            receive(run, i);
        }
    }
}

void load_run(struct load *load, struct load_result *result) {
    struct run *run = calloc(1, sizeof *run);
    bench_must(run != NULL && load->stream_count <= LOAD_STREAMS_MAX, "out of memory");
    memset(result, 0, sizeof *result);
    run->load = load;
    run->result = result;
    for (size_t i = 0; i < load->stream_count; i++) {
        open_connection(run, &run->connections[i]);
    }
    run->start_ns = bench_now_ns();
    uint64_t ticked = run->start_ns;
    uint64_t wake = UINT64_MAX;
    while (advance(run, &wake)) {
        wait_for_events(run, wake);
        wake = UINT64_MAX;
        if (load->tick != NULL && bench_now_ns() >= ticked + TICK_NS) {
            ticked = bench_now_ns();
            load->tick(load->context);
        }
    }
    result->seconds = (double)(run->last_ns - run->start_ns) / 1e9;
    for (size_t i = 0; i < load->stream_count; i++) {
        close(run->connections[i].fd);
        free(run->connections[i].answer);
    }
    free(run);
}
