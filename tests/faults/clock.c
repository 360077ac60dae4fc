/* A wall clock that is wrong, for a process that does not know of it: a library to be preloaded
 * (LD_PRELOAD) into a node. CLOCK_FILE names a file that holds, as 8 bytes of this machine, by how
 * many seconds the clock is ahead (or behind, below 0); it may be changed while the process runs.
 * The monotonic clock stays right. */
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))

static const volatile int64_t *ahead; /* NULL: the clock is right */

__attribute__((constructor)) static void begin(void) {
    const char *name = getenv("CLOCK_FILE");
    int file = name != NULL ? open(name, O_RDONLY | O_CLOEXEC) : -1;
    if (file >= 0) {
        void *map = mmap(NULL, sizeof *ahead, PROT_READ, MAP_SHARED, file, 0);
        ahead = map != MAP_FAILED ? map : NULL;
        close(file);
    }
    unsetenv("LD_PRELOAD");
}

/* By the system call: other libraries ask for the time before this one has begun. */
EXPORT int clock_gettime(clockid_t id, struct timespec *out) {
    int rv = (int)syscall(SYS_clock_gettime, id, out);
    if (rv == 0 && ahead != NULL && (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE)) {
        out->tv_sec += *ahead;
    }
    return rv;
}

EXPORT int gettimeofday(struct timeval *restrict out, void *restrict zone) {
    struct timespec now;
    (void)zone;
    int rv = clock_gettime(CLOCK_REALTIME, &now);
    out->tv_sec = now.tv_sec;
    out->tv_usec = now.tv_nsec / 1000;
    return rv;
}

EXPORT time_t time(time_t *out) {
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    if (out != NULL) {
        *out = now.tv_sec;
    }
    return now.tv_sec;
}
