/* An allocation that fails, for a process that does not know of it: a library to be preloaded. The
 * n-th call of malloc, calloc, realloc or of what else gives memory returns NULL, and only that.
 *
 *   MEMORY_FAIL    which, from 1; 0: none
 *   MEMORY_COUNT   a file to which the number of calls is written at the end, in decimal */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))

/* glibc's own, under the names that it keeps for those who replace the others. */
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *memory, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);

static atomic_ullong calls;
static unsigned long long fail_at;

static atomic_bool armed;

/* What came before main is the loader's and the libraries'. */
int __libc_start_main(int (*main)(int, char **, char **), int argc, char **argv, void (*init)(void),
                      void (*fini)(void), void (*rtld_fini)(void), void *stack_end);
EXPORT int __libc_start_main(int (*main)(int, char **, char **), int argc, char **argv,
                             void (*init)(void), void (*fini)(void), void (*rtld_fini)(void),
                             void *stack_end) {
    int (*real)(int (*)(int, char **, char **), int, char **, void (*)(void), void (*)(void),
                void (*)(void), void *);
    void *found = dlsym(RTLD_NEXT, "__libc_start_main");
    const char *value = getenv("MEMORY_FAIL");
    memcpy(&real, &found, sizeof real);
    fail_at = value != NULL ? strtoull(value, NULL, 10) : 0;
    atomic_store(&armed, true);
    return real(main, argc, argv, init, fini, rtld_fini, stack_end);
}

__attribute__((destructor)) static void write_count(void) {
    const char *path = getenv("MEMORY_COUNT");
    int fd = path != NULL ? open(path, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600) : -1;
    if (fd >= 0) {
        dprintf(fd, "%llu\n", atomic_load(&calls));
        close(fd);
    }
}

static bool fails(void) {
    if (!atomic_load(&armed) || atomic_fetch_add(&calls, 1) + 1 != fail_at) {
        return false;
    }
    errno = ENOMEM;
    return true;
}

EXPORT void *malloc(size_t size) {
    return fails() ? NULL : __libc_malloc(size);
}
EXPORT void *calloc(size_t count, size_t size) {
    return fails() ? NULL : __libc_calloc(count, size);
}
EXPORT void *realloc(void *memory, size_t size) {
    return fails() ? NULL : __libc_realloc(memory, size);
}
EXPORT void *memalign(size_t alignment, size_t size) {
    return fails() ? NULL : __libc_memalign(alignment, size);
}
EXPORT void *aligned_alloc(size_t alignment, size_t size) {
    return memalign(alignment, size);
}
EXPORT int posix_memalign(void **out, size_t alignment, size_t size) {
    void *memory = memalign(alignment, size);
    *out = memory != NULL ? memory : *out;
    return memory != NULL ? 0 : ENOMEM;
}
