#include "tests/sim/story.h"

#include "tests/sim/check.h"
#include "tests/sim/liar.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- the stage --- */

struct book *story_rogue(struct sim *sim, uint64_t common, uint64_t size) {
    struct node *rogue = node_add(sim, "rogue", "rogue", NULL);
    struct book *book = book_add(sim, "rogue.example/log", false);
    liar_begin(rogue, book, common, size);
    return book;
}

static void set_cast(struct sim *sim) {
    sim->rates = (struct rates){.delay_ms = {5, 5}, .commit_ms = {10, 10}};
    cast_nodes(sim);
    cast_log(sim, node_named(sim, "agency"), "agency.example/log");
}

void story_stage(struct sim *sim) {
    struct client *office = cast_office(sim, &sim->books[0]);
    bool trace = sim->trace;
    sim->trace = false;
    cast_start(sim);
    client_look(office);
    sim_run_until(sim, 3000);
    assert(sim->failed || client_content(office));
    sim->trace = trace;
}

void story_tell(struct sim *sim, const char *sentence) {
    sim_say(sim, "--", "%s", sentence);
}

void story_wait(struct sim *sim, uint64_t ms) {
    sim_run_until(sim, sim->now + ms);
}

struct client *story_client(struct sim *sim, const char *name, enum world_who who) {
    struct client *client = client_add(sim, name, &sim->books[0], who);
    client->batch = 8;
    return client;
}

void story_submit(struct client *client) {
    cast_write(client, false);
    client_look(client);
}

struct node *story_down(struct sim *sim, const char *name) {
    struct node *node = node_named(sim, name);
    node->stays_down = true;
    node_crash(node, false);
    return node;
}

void story_up(struct sim *sim, const char *name) {
    struct node *node = node_named(sim, name);
    node->stays_down = false;
    node_start(node);
}

void story_expect(struct sim *sim, bool holds, const char *what) {
    if (!holds) {
        sim_fail(sim, "story", "not so: %s", what);
    }
}

/* --- traces --- */

/* The trace of a story, on the heap. False: a check failed, and `trace` ends with it. */
static bool tell(const struct story *story, char **trace) {
    size_t len = 0;
    struct sim *sim = sim_new(1);
    FILE *out = open_memstream(trace, &len);
    assert(out != NULL);
    fprintf(out, "# %s\n", story->title);
    sim->trace = true;
    sim->out = out;
    set_cast(sim);
    story->run(sim);
    if (!sim->failed && check_unfinished(sim) == NULL) {
        check_end(sim);
    }
    bool good = !sim->failed;
    sim->trace = false;
    sim_free(sim);
    fclose(out);
    return good;
}

static char *read_file(const char *path) {
    char *text = NULL;
    size_t len = 0;
    FILE *in = fopen(path, "r");
    FILE *out = open_memstream(&text, &len);
    char buffer[4096];
    assert(out != NULL);
    while (in != NULL && !feof(in) && !ferror(in)) {
        size_t got = fread(buffer, 1, sizeof buffer, in);
        fwrite(buffer, 1, got, out);
    }
    if (in != NULL) {
        fclose(in);
    }
    fclose(out);
    return text;
}

/* Says where two traces part. */
static void say_difference(const char *name, const char *expected, const char *got) {
    size_t line = 1;
    size_t start = 0;
    size_t i = 0;
    for (; expected[i] == got[i] && expected[i] != '\0'; i++) {
        if (expected[i] == '\n') {
            line++;
            start = i + 1;
        }
    }
    printf("story %s: line %zu differs from its trace\n  expected: %.*s\n  got:      %.*s\n", name,
           line, (int)strcspn(expected + start, "\n"), expected + start,
           (int)strcspn(got + start, "\n"), got + start);
}

static bool compare(const struct story *story, const char *path, const char *got, bool update) {
    if (update) {
        FILE *out = fopen(path, "w");
        if (out == NULL) {
            perror(path);
            return false;
        }
        fputs(got, out);
        fclose(out);
        return true;
    }
    char *expected = read_file(path);
    bool same = strcmp(expected, got) == 0;
    if (!same) {
        say_difference(story->name, expected, got);
    }
    free(expected);
    return same;
}

int stories_run(const char *folder, bool update) {
    const struct story *const tables[] = {stories_of_logs, stories_of_mirrors, stories_of_time,
                                          stories_of_forks};
    unsigned passed = 0;
    unsigned failed = 0;
    for (size_t t = 0; t < sizeof tables / sizeof tables[0]; t++) {
        for (const struct story *story = tables[t]; story->name != NULL; story++) {
            char path[512];
            char *trace = NULL;
            snprintf(path, sizeof path, "%s/%s.trace", folder, story->name);
            bool good = tell(story, &trace);
            if (!good) {
                printf("story %s: a check failed:\n%s", story->name, trace);
            }
            good = good && compare(story, path, trace, update);
            passed += good;
            failed += !good;
            free(trace);
        }
    }
    printf("%u passed, %u failed\n", passed, failed);
    return failed > 0;
}
