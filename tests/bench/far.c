#include "tests/bench/far.h"

#include "tests/bench/bench.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

struct far {
    int listener;
    uint16_t port; /* of the node */
    atomic_uint delay_ms;
};

struct pipe_one_way {
    struct far *far;
    int from;
    int to;
};

static struct sockaddr_in loopback(uint16_t port) {
    return (struct sockaddr_in){
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

/* What came while it waited goes with it: a way that is long and not narrow. */
static void *carry(void *argument) {
    struct pipe_one_way *pipe = argument;
    uint8_t *data = malloc(1 << 20);
    ssize_t n = 0;
    while (data != NULL && (n = recv(pipe->from, data, 1, MSG_PEEK)) > 0) {
        unsigned ms = atomic_load(&pipe->far->delay_ms);
        struct timespec wait = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};
        nanosleep(&wait, NULL);
        n = recv(pipe->from, data, 1 << 20, 0);
        if (n <= 0 || send(pipe->to, data, (size_t)n, MSG_NOSIGNAL) != n) {
            break;
        }
    }
    shutdown(pipe->to, SHUT_WR);
    free(data);
    free(pipe);
    return NULL;
}

static void begin(struct far *far, int from, int to) {
    pthread_t thread;
    struct pipe_one_way *pipe = malloc(sizeof *pipe);
    bench_must(pipe != NULL, "out of memory");
    *pipe = (struct pipe_one_way){.far = far, .from = from, .to = to};
    bench_must(pthread_create(&thread, NULL, carry, pipe) == 0, "no thread to be had");
    pthread_detach(thread);
}

static void *accept_all(void *argument) {
    struct far *far = argument;
    int on = 1;
    for (;;) {
        struct sockaddr_in address = loopback(far->port);
        int near = accept(far->listener, NULL, NULL);
        int away = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (near < 0) {
            return NULL;
        }
        if (connect(away, (struct sockaddr *)&address, sizeof address) != 0) {
            close(near);
            close(away);
            continue;
        }
        (void)setsockopt(near, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        (void)setsockopt(away, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        begin(far, near, away);
        begin(far, away, near);
    }
}

struct far *far_open(uint16_t port, char *url, size_t cap) {
    struct far *far = calloc(1, sizeof *far);
    struct sockaddr_in address = loopback(0);
    socklen_t len = sizeof address;
    pthread_t thread = 0;
    bench_must(far != NULL, "out of memory");
    far->port = port;
    far->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bench_must(far->listener >= 0 &&
                   bind(far->listener, (struct sockaddr *)&address, sizeof address) == 0 &&
                   listen(far->listener, 16) == 0 &&
                   getsockname(far->listener, (struct sockaddr *)&address, &len) == 0 &&
                   pthread_create(&thread, NULL, accept_all, far) == 0,
               "no relay to be had");
    pthread_detach(thread);
    snprintf(url, cap, "http://127.0.0.1:%u", ntohs(address.sin_port));
    return far;
}

void far_delay(struct far *far, unsigned ms) {
    atomic_store(&far->delay_ms, ms);
}
