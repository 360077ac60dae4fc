/* `make bench`: tests/bench/bench.h says what it is. BENCH_QUICK=1: about a minute, on less data.
 * BENCH_ONLY=ingest,latency: those parts alone. */
#include "crypto/sign.h"
#include "tests/bench/nodes.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct {
    const char *name;
    void (*run)(struct bench *bench);
} parts[] = {
    {"bounds", bench_bounds},   {"ingest", bench_ingest},   {"append", bench_append},
    {"latency", bench_latency}, {"flow", bench_flow},       {"mirror", bench_mirror},
    {"stored", bench_stored},   {"restore", bench_restore}, {"many", bench_many},
    {"secure", bench_secure},   {"lists", bench_lists},     {"cases", bench_cases},
    {"import", bench_import},
};

static bool wanted(const char *name) {
    const char *only = getenv("BENCH_ONLY");
    return only == NULL || *only == '\0' || strstr(only, name) != NULL;
}

int main(int argc, char **argv) {
    struct bench bench = {.cores = (unsigned)sysconf(_SC_NPROCESSORS_ONLN)};
    const char *quick = getenv("BENCH_QUICK");
    char json[BENCH_PATH_MAX + 32];
    bench_must(argc == 2 && strlen(argv[1]) < BENCH_PATH_MAX / 2, "usage: bench BUILD");
    bench_must(crypto_init(), "libsodium does not start");
    signal(SIGPIPE, SIG_IGN);
    bench.quick = quick != NULL && *quick != '\0' && strcmp(quick, "0") != 0;
    snprintf(bench.build, sizeof bench.build, "%s", argv[1]);
    snprintf(bench.folder, sizeof bench.folder, "%s/bench", argv[1]);
    folder_clear(bench.folder);
    bench_must(mkdir(bench.folder, 0700) == 0, "cannot make %s", bench.folder);
    report_open(&bench);
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        if (wanted(parts[i].name)) {
            parts[i].run(&bench);
        }
    }
    snprintf(json, sizeof json, "%s/bench.json", argv[1]);
    report_close(&bench, json);
    folder_clear(bench.folder);
    return 0;
}
