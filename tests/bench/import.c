/* An agency's history of twenty years, of the size and shape of Chicago's (49,052 complaints and
 * 99,961 accusations), imported by the mappings that are shipped: signed, logged by the agency's
 * node, and held by two mirrors, each event under a receipt before the command ends. All of it on
 * this one machine; each event is signed once and verified by three nodes. */
#include "tests/bench/bounds.h"
#include "tests/bench/events.h"

#include "tests/lib/keys.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ORIGIN "agency.example/log"
#define MIRRORS 2 /* of the policy's three: a quorum */
#define COMPLAINTS 49052
#define ACCUSED 99961
#define ORI "ILCPD0000" /* as the mappings have it */

struct import {
    struct bench *bench;
    struct desks desks;
    struct signer key; /* the import's own */
    struct bench_node agency;
    struct bench_node mirrors[WORLD_MIRRORS];
    char complaints[BENCH_PATH_MAX + 32];
    char accused[BENCH_PATH_MAX + 32];
    size_t rows[2];
};

/* --- the nodes --- */

static void start_mirror(struct import *im, size_t which) {
    char sections[2048];
    struct bench_node *node = &im->mirrors[which];
    node_key(node, "mirror.key", &im->desks.world.mirrors[which]);
    snprintf(sections, sizeof sections,
             "[mirror]\nkey = mirror.key\n\n[log " ORIGIN
             "]\nvkey = %s\naccept = events\nurl = %s\n",
             bench_vkey(&im->desks.world.log.vkey), im->agency.url);
    node_start(im->bench, node, sections);
}

/* A root enrols the key for imported events alone. */
static void enrol(struct import *im) {
    struct world *world = &im->desks.world;
    char answer[512];
    im->key = test_signer("import.example", VKEY_NOTE);
    const char *open = world_text(
        world, "{'basis':'imported','kinds':['*'],'oris':['" ORI "'],'role':'agency','vkey':'%s'}",
        bench_vkey(&im->key.vkey));
    struct bytes note = world_event(
        world, &(struct world_event){.issuer = WORLD_ROOT_1, .kind = "key.enrolled", .open = open});
    unsigned http = node_post(&im->agency, "/add", "text/plain", note, answer, sizeof answer);
    bench_must(http / 100 == 2, "the enrolment is refused: %u %s", http, answer);
    node_key(&im->agency, "import.key", &im->key);
}

static void start(struct import *im) {
    static const char *const names[WORLD_MIRRORS] = {"state", "doj", "university"};
    const char *urls[WORLD_MIRRORS];
    node_make(im->bench, &im->agency, "agency");
    for (size_t i = 0; i < WORLD_MIRRORS; i++) {
        node_make(im->bench, &im->mirrors[i], names[i]);
        urls[i] = im->mirrors[i].url;
    }
    desks_init(&im->desks, ORIGIN, 0, urls);
    node_key(&im->agency, "log.key", &im->desks.world.log);
    for (size_t i = 0; i < MIRRORS; i++) {
        start_mirror(im, i);
    }
    node_start(im->bench, &im->agency,
               "[host]\norigin = " ORIGIN "\nkey = log.key\naccept = events\n\n"
               "[limits]\nissuer_rate = 0\n");
    desks_open_log(&im->desks, &im->agency);
    enrol(im);
}

static void stop(struct import *im) {
    node_remove(&im->agency);
    for (size_t i = 0; i < WORLD_MIRRORS; i++) {
        node_remove(&im->mirrors[i]);
    }
    desks_release(&im->desks);
    free(im);
}

/* --- the files --- */

static FILE *create(const struct import *im, char *path, size_t cap, const char *name) {
    snprintf(path, cap, "%s/%s", im->bench->folder, name);
    FILE *file = fopen(path, "w");
    bench_must(file != NULL, "%s: cannot be written", path);
    return file;
}

static void write_complaints(struct import *im) {
    FILE *file = create(im, im->complaints, sizeof im->complaints, "complaints.csv");
    fputs("cr_id,incident_date,case_type,incident_time,complaint_date,closed_date,beat,"
          "investigating_agency,complainant_type\n",
          file);
    for (unsigned i = 0; i < im->rows[0]; i++) {
        unsigned year = 2000 + i % 20;
        fprintf(file,
                "%u,%u-%02u-%02u,Complaint Register,%02u:%02u,%u-%02u-%02u,%u-%02u-%02u,%u.0,"
                "COPA,Civilian\n",
                1000000 + i, year, i % 12 + 1, i % 27 + 1, i % 24, i % 60, year, i % 12 + 1,
                i % 27 + 2, year + 1, i % 11 + 1, i % 28 + 1, i % 2500);
    }
    bench_must(fclose(file) == 0, "%s: cannot be written", im->complaints);
}

/* Three in five accusations have a finding, one in fifteen a penalty, as Chicago's. */
static void write_accused(struct import *im) {
    static const char *const findings[] = {"NOT SUSTAINED", "UNFOUNDED", "SUSTAINED", "", ""};
    FILE *file = create(im, im->accused, sizeof im->accused, "accused.csv");
    fputs("row_id,cr_id,assigned_unit,current_unit,assigned_rank,rank,duty_status,accused_arrested,"
          "injury_condition,complaint_code,complaint_status,allegation_category,"
          "recommended_finding,final_finding,recommended_penalty,final_penalty,merge,"
          "complaints-accused_2000-2023_2023-08_p053540_ID\n",
          file);
    for (unsigned i = 0; i < im->rows[1]; i++) {
        fprintf(file,
                "%u,%u,,%u.0,POLICE OFFICER,POLICE OFFICER,,N,,05A,Case Final,"
                "Excessive Force,,%s,,%s,1.0,chi-%08x\n",
                i + 1, 1000000 + i / 2 % (unsigned)im->rows[0], i % 300, findings[i % 5],
                i % 15 == 2 ? "005 - 5 DAY SUSPENSION" : "", i * 2654435761u);
    }
    bench_must(fclose(file) == 0, "%s: cannot be written", im->accused);
}

/* --- measuring --- */

static double import_run(const struct import *im, const char *file, const char *mapping) {
    char key[BENCH_PATH_MAX + 96];
    char state[BENCH_PATH_MAX + 32];
    snprintf(key, sizeof key, "%s/import.key", im->agency.folder);
    snprintf(state, sizeof state, "%s/import", im->bench->folder);
    const char *const arguments[] = {"import", file,           "--mapping", mapping, "--key", key,
                                     "--node", im->agency.url, "--state",   state,   NULL};
    return tool_run(im->bench, arguments);
}

/* Waits until both mirrors judged as much as the agency has: how much that is. */
static uint64_t judged(const struct import *im) {
    uint64_t size = node_log_number(&im->agency, "size");
    for (size_t i = 0; i < MIRRORS; i++) {
        while (node_log_number(&im->mirrors[i], "judged") < size) {
            nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
        }
    }
    return size;
}

static void measure(struct import *im) {
    double verify = bound_verify(im->bench->cores);
    uint64_t before = judged(im);
    uint64_t begin = bench_now_ns();
    double seconds =
        import_run(im, im->complaints, "specs/mappings/import-chicago-complaints.ini") +
        import_run(im, im->accused, "specs/mappings/import-chicago-accused.ini");
    uint64_t made = judged(im) - before;
    double until_judged = bench_seconds_since(begin);
    bench_must(made > im->rows[0] + im->rows[1], "%llu events of %zu rows",
               (unsigned long long)made, im->rows[0] + im->rows[1]);
    report_row(im->bench, &(struct bench_row){.id = "import",
                                              .what = "import, each event under a quorum",
                                              .value = (double)made / seconds,
                                              .unit = "events/s",
                                              .bound_what = "a third of verify/s, all cores",
                                              .bound = verify / 3,
                                              .size_is = SIZE_VALUE_MIN,
                                              .size = 5000});
    report_row(im->bench, &(struct bench_row){.id = "import_judged",
                                              .what = "the same, until both judged it",
                                              .value = (double)made / until_judged,
                                              .unit = "events/s",
                                              .bound_what = "a third of verify/s, all cores",
                                              .bound = verify / 3});
    report_note(im->bench, "%zu rows made %llu events", im->rows[0] + im->rows[1],
                (unsigned long long)made);
}

void bench_import(struct bench *bench) {
    struct import *im = calloc(1, sizeof *im);
    bench_must(im != NULL, "out of memory");
    im->bench = bench;
    im->rows[0] = bench->quick ? COMPLAINTS / 10 : COMPLAINTS;
    im->rows[1] = bench->quick ? ACCUSED / 10 : ACCUSED;
    report_section(bench, "an agency's history imported, two mirrors");
    start(im);
    write_complaints(im);
    write_accused(im);
    measure(im);
    stop(im);
}
