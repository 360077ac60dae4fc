/* The simulator's command line; `make sim` and `make sim-stories` call it.
 *
 *     sim seeds COUNT [FIRST]      runs seeds, and says how to replay each that fails
 *     sim seed X                   runs one, with its trace if TRACE=1 is in the environment
 *     sim find COUNT [FIRST]       for planted bugs: stops at the first that fails, and exits 0
 *     sim stories FOLDER [update]  compares the stories with their traces, or writes these
 *
 * Seeds run in a child process, so that an assertion of the core is a failure of its seed and not
 * the end. */
#include "tests/sim/story.h"
#include "tests/sim/swarm.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

/* Written by the child, read by the parent. */
struct report {
    uint64_t seed; /* under way */
    uint64_t done;
    uint64_t steps;
    struct counts counts;
    uint64_t failures;
    uint64_t failed_seed;
    char failure[600];
};

static void add_counts(struct counts *sum, const struct counts *one) {
    sum->receipts += one->receipts;
    sum->crashes += one->crashes;
    sum->doubts += one->doubts;
    sum->cosignatures += one->cosignatures;
    sum->rounds += one->rounds;
    sum->halts += one->halts;
    sum->evidence += one->evidence;
    sum->unreconciled += one->unreconciled;
    sum->refusals += one->refusals;
}

static void note_failure(struct report *report, uint64_t seed, const char *text) {
    report->failures++;
    report->failed_seed = seed;
    snprintf(report->failure, sizeof report->failure, "%s", text);
}

static void run_one(struct report *report, uint64_t seed, bool twice) {
    report->seed = seed;
    struct sim *sim = swarm_run(seed, false);
    report->steps += sim->steps;
    add_counts(&report->counts, &sim->counts);
    if (sim->failed) {
        note_failure(report, seed, sim->failure);
    } else if (twice) {
        struct sim *again = swarm_run(seed, false);
        if (again->trace_hash != sim->trace_hash) {
            note_failure(report, seed, "two runs of the seed differ");
        }
        sim_free(again);
    }
    sim_free(sim);
    report->done++;
}

static void complain(const struct report *report) {
    printf("sim: seed %" PRIu64 " failed: %s\n     replay: make sim SEED=%" PRIu64 " TRACE=1\n",
           report->failed_seed, report->failure, report->failed_seed);
    fflush(stdout);
}

/* Runs seeds until the first failure in a child. False: it failed. */
static bool run_child(struct report *report, uint64_t from, uint64_t to) {
    uint64_t failures = report->failures;
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        for (uint64_t seed = from; seed < to && report->failures == failures; seed++) {
            /* Every so often a seed is run twice: a run must follow from its seed alone. */
            run_one(report, seed, seed % 16 == 0);
            if (isatty(STDOUT_FILENO) && report->done % 16 == 0) {
                printf("\rsim: %" PRIu64 " seeds", report->done);
                fflush(stdout);
            }
        }
        exit(0); /* not _exit: a leak is a failure */
    }
    int code = 0;
    if (pid < 0 || waitpid(pid, &code, 0) != pid) {
        note_failure(report, from, "no process could be started");
    } else if (!WIFEXITED(code) || WEXITSTATUS(code) != 0) {
        note_failure(report, report->seed,
                     "assert: an assertion of the core, or a sanitizer's report: see above");
        report->done++;
    }
    return report->failures == failures;
}

static int run_seeds(uint64_t count, uint64_t first, bool find) {
    struct report *report =
        mmap(NULL, sizeof *report, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (report == MAP_FAILED) {
        return 2;
    }
    for (uint64_t at = first; at < first + count;) {
        if (run_child(report, at, first + count)) {
            break;
        }
        if (find) {
            printf("%" PRIu64 " %s\n", report->failed_seed, report->failure);
            return 0;
        }
        complain(report);
        at = report->failed_seed + 1;
    }
    if (find) {
        printf("not found in %" PRIu64 " seeds\n", count);
        return 1;
    }
    const struct counts *c = &report->counts;
    printf("%ssim: %" PRIu64 " receipts, %" PRIu64 " rounds, %" PRIu64 " cosignatures, %" PRIu64
           " crashes, %" PRIu64 " doubts, %" PRIu64 " halts, %" PRIu64 " proved forks, %" PRIu64
           " unreconciled\n",
           isatty(STDOUT_FILENO) ? "\r" : "", c->receipts, c->rounds, c->cosignatures, c->crashes,
           c->doubts, c->halts, c->evidence, c->unreconciled);
    printf("sim: %" PRIu64 " seeds, %" PRIu64 " steps, %" PRIu64 " failures\n", report->done,
           report->steps, report->failures);
    return report->failures > 0;
}

static int run_seed(uint64_t seed) {
    const char *trace = getenv("TRACE");
    struct sim *sim = swarm_run(seed, trace != NULL && strcmp(trace, "0") != 0);
    bool failed = sim->failed;
    if (failed) {
        printf("sim: seed %" PRIu64 " failed: %s\n", seed, sim->failure);
    }
    printf("sim: 1 seeds, %" PRIu64 " steps, %d failures, trace %016" PRIx64 "\n", sim->steps,
           failed, sim->trace_hash);
    sim_free(sim);
    return failed;
}

static bool number(const char *text, uint64_t *out) {
    return bytes_to_u64(bytes_text(text), out);
}

int main(int argc, char **argv) {
    uint64_t a = 0;
    uint64_t b = 1;
    const char *what = argc > 1 ? argv[1] : "";
    bool numbers = argc > 2 && number(argv[2], &a) && (argc < 4 || number(argv[3], &b));
    if (strcmp(what, "seeds") == 0 && numbers) {
        return run_seeds(a, b, false);
    }
    if (strcmp(what, "find") == 0 && numbers) {
        return run_seeds(a, b, true);
    }
    if (strcmp(what, "seed") == 0 && numbers) {
        return run_seed(a);
    }
    if (strcmp(what, "stories") == 0 && argc > 2) {
        return stories_run(argv[2], argc > 3 && strcmp(argv[3], "update") == 0);
    }
    fprintf(stderr,
            "sim seeds COUNT [FIRST] | seed X | find COUNT [FIRST] | stories FOLDER [update]\n");
    return 2;
}
