/* Criterion cannot start its test processes under ThreadSanitizer; under AddressSanitizer it passes
 * a test that leaks, and at times leaks itself. There, and only there, this takes the place of its
 * main: the same tests, each in a process of its own, as many at once as there are processors. A
 * sanitizer's report changes its process's exit status, and so fails the test. Prints TAP.
 *
 *     unit-net [--filter SUITE/NAME] [other options are ignored]
 */
#if defined(__has_feature)
#if __has_feature(thread_sanitizer) || __has_feature(address_sanitizer)
#define PLAIN_RUNNER 1
#endif
#endif
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__) || defined(PLAIN_RUNNER)

#include <criterion/criterion.h>
#include <criterion/logging.h>
#include <fnmatch.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define EXIT_SKIPPED 77

/* The linker's names for the sections in which Test() and TestSuite() leave their pointers; weak,
 * since a program may have no TestSuite(). */
extern struct criterion_test *__start_cr_tst[];
extern struct criterion_test *__stop_cr_tst[];
extern struct criterion_suite *__start_cr_sts[] __attribute__((weak));
extern struct criterion_suite *__stop_cr_sts[] __attribute__((weak));

/* What the tests call of Criterion, in the program before the library. */
void criterion_send_assert(struct criterion_assert_stats *stats) {
    if (!stats->passed) {
        fprintf(stderr, "%s:%u: %s\n", stats->file, stats->line, stats->message);
    }
}

void criterion_abort_test(void) {
    _exit(1);
}

void criterion_skip_test(const char *format, ...) {
    (void)format;
    _exit(EXIT_SKIPPED);
}

void cr_log(enum criterion_severity severity, const char *format, ...) {
    va_list arguments;
    (void)severity;
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
}

void criterion_internal_test_setup(void) {
}

void criterion_internal_test_main(void (*fn)(void)) {
    fn();
}

void criterion_internal_test_teardown(void) {
}

typedef void (*fixture)(void);

/* What the test's suite asks to run before and after each of its tests; NULL: nothing. */
static void suite_fixtures(const char *name, fixture *init, fixture *fini) {
    *init = NULL;
    *fini = NULL;
    for (struct criterion_suite **i = __start_cr_sts; i < __stop_cr_sts; i++) {
        if (*i != NULL && (*i)->data != NULL && strcmp((*i)->name, name) == 0) {
            *init = (*i)->data->init;
            *fini = (*i)->data->fini;
        }
    }
}

static void call(fixture f) {
    if (f != NULL) {
        f();
    }
}

/* One test in its own process: fixtures outside in. */
static void run(const struct criterion_test *test) {
    fixture init;
    fixture fini;
    suite_fixtures(test->category, &init, &fini);
    call(init);
    call(test->data->init);
    test->test();
    call(test->data->fini);
    call(fini);
}

struct running {
    pid_t pid; /* 0: free */
    const struct criterion_test *test;
};

#define RUNNING_MAX 64

static void start(struct running *slot, const struct criterion_test *test) {
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        run(test);
        exit(0); /* not _exit: the sanitizer reports then, and changes the status */
    }
    if (pid < 0) {
        perror("fork");
        exit(2);
    }
    slot->pid = pid;
    slot->test = test;
}

/* Prints the line of one that has ended. Returns whether it passed. */
static bool report(const struct criterion_test *test, int status) {
    bool signaled = WIFSIGNALED(status);
    int code = signaled ? WTERMSIG(status) : WEXITSTATUS(status);
    bool skipped = !signaled && code == EXIT_SKIPPED;
    bool passed = signaled ? code == test->data->signal
                           : test->data->signal == 0 && code == test->data->exit_code;
    if (skipped) {
        printf("ok - %s::%s  # SKIP\n", test->category, test->name);
    } else if (passed) {
        printf("ok - %s::%s\n", test->category, test->name);
    } else {
        printf("not ok - %s::%s\n  %s %d\n", test->category, test->name,
               signaled ? "signal" : "exit status", code);
    }
    return passed || skipped;
}

/* Waits for one to end and frees its slot. Returns whether it passed. */
static bool wait_for_one(struct running *slots, size_t count) {
    int status = -1;
    pid_t pid = wait(&status);
    for (size_t i = 0; i < count; i++) {
        if (slots[i].pid == pid && pid > 0) {
            slots[i].pid = 0;
            return report(slots[i].test, status);
        }
    }
    perror("wait");
    exit(2);
}

static struct running *free_slot(struct running *slots, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (slots[i].pid == 0) {
            return &slots[i];
        }
    }
    return NULL;
}

static bool wanted(const struct criterion_test *test, const char *filter) {
    char name[256];
    if (test == NULL || test->data->disabled) {
        return false;
    }
    snprintf(name, sizeof name, "%s/%s", test->category, test->name);
    return fnmatch(filter, name, 0) == 0;
}

int main(int argc, char **argv) {
    const char *filter = "*";
    for (int i = 1; i + 1 < argc; i++) {
        if (strcmp(argv[i], "--filter") == 0) {
            filter = argv[i + 1];
        }
    }
    struct running slots[RUNNING_MAX] = {{0}};
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    size_t count = processors < 1 ? 1 : processors > RUNNING_MAX ? RUNNING_MAX : (size_t)processors;
    int failed = 0;
    for (struct criterion_test **i = __start_cr_tst; i < __stop_cr_tst; i++) {
        if (!wanted(*i, filter)) {
            continue;
        }
        struct running *slot = free_slot(slots, count);
        while (slot == NULL) {
            failed += wait_for_one(slots, count) ? 0 : 1;
            slot = free_slot(slots, count);
        }
        start(slot, *i);
    }
    for (size_t i = 0; i < count; i++) {
        while (slots[i].pid != 0) {
            failed += wait_for_one(slots, count) ? 0 : 1;
        }
    }
    return failed == 0 ? 0 : 1;
}

#endif
