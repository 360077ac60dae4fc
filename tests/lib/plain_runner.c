/* Criterion cannot start its test processes under ThreadSanitizer. There, and only there, this
 * takes the place of its main: the same tests, each in a process of its own, one after the other.
 *
 *     unit-net [--filter PATTERN] [other options are ignored]
 */
#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define PLAIN_RUNNER 1
#endif
#endif
#if defined(__SANITIZE_THREAD__) || defined(PLAIN_RUNNER)

#include <criterion/criterion.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define EXIT_SKIPPED 77

/* The linker's names for the section in which Test() leaves its pointers. */
extern struct criterion_test *__start_cr_tst[];
extern struct criterion_test *__stop_cr_tst[];

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

void criterion_internal_test_setup(void) {
}

void criterion_internal_test_main(void (*fn)(void)) {
    fn();
}

void criterion_internal_test_teardown(void) {
}

/* Runs one test; returns its wait status. */
static int run(const struct criterion_test *test) {
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        if (test->data->init != NULL) {
            test->data->init();
        }
        test->test();
        if (test->data->fini != NULL) {
            test->data->fini();
        }
        exit(0); /* not _exit: the sanitizer reports then, and changes the status */
    }
    int status = -1;
    waitpid(pid, &status, 0);
    return status;
}

static bool passed(const struct criterion_test *test, int status) {
    if (WIFSIGNALED(status)) {
        return WTERMSIG(status) == test->data->signal;
    }
    int code = WEXITSTATUS(status);
    return (code == test->data->exit_code && test->data->signal == 0) || code == EXIT_SKIPPED;
}

int main(int argc, char **argv) {
    const char *filter = "*";
    for (int i = 1; i + 1 < argc; i++) {
        if (strcmp(argv[i], "--filter") == 0) {
            filter = argv[i + 1];
        }
    }
    int total = 0;
    int failed = 0;
    for (struct criterion_test **i = __start_cr_tst; i < __stop_cr_tst; i++) {
        const struct criterion_test *test = *i;
        char name[256];
        if (test == NULL || test->data->disabled) {
            continue;
        }
        snprintf(name, sizeof name, "%s/%s", test->category, test->name);
        if (fnmatch(filter, name, 0) != 0) {
            continue;
        }
        total++;
        int status = run(test);
        if (!passed(test, status)) {
            failed++;
            printf("failed: %s (status %d)\n", name, status);
        }
    }
    printf("%d tests, %d failed\n", total, failed);
    return failed == 0 ? 0 : 1;
}

#endif
