/* Every view against every other: by the log's key along the sizes, by each cosigner's key in
 * pairs. */
#include "crypto/encoding.h"
#include "ledger/evidence.h"
#include "net/file.h"
#include "tools/monitor.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* --- evidence --- */

/* Two found with one pair of checkpoints are one file; it may be there from an earlier run. */
static void keep_evidence(struct monitor *m, const struct vkey *accused, struct bytes file) {
    char path[512];
    char hex[2 * HASH_SIZE + 1];
    struct hash hash;
    struct evidence evidence;
    struct refusal proved = {.text = ""};
    struct refusal why = {.text = ""};
    hash_of(file.data, file.len, &hash);
    hex[hex_encode(hex, hash.bytes, HASH_SIZE)] = '\0';
    int n = snprintf(path, sizeof path, "%s/%.16s.evidence", m->options->evidence, hex);
    if (evidence_parse(file, &evidence, &proved) != STATUS_OK ||
        evidence_verify(&evidence, accused, &proved) != STATUS_OK || n < 0 ||
        (size_t)n >= sizeof path) {
        monitor_find(m, FINDING_UNPROVED, "", "evidence cannot be written: %.160s", proved.text);
        return;
    }
    enum status status = file_make_folder(m->options->evidence, &why); /* not before it is needed */
    if (status == STATUS_OK) {
        status = file_create(path, file, &why);
    }
    if (status != STATUS_OK && status != STATUS_CONFLICT_USED) {
        monitor_find(m, FINDING_FORK, "", "%.120s (not written: %.80s)", proved.text, why.text);
        return;
    }
    monitor_find(m, FINDING_FORK, path, "%.200s", proved.text);
}

static bool accuse(struct monitor *m, const struct vkey *key, const struct view *one,
                   const struct view *two, const struct merkle_proof *subproof) {
    struct writer w;
    writer_init(&w, m->evidence, sizeof m->evidence);
    if (evidence_of_checkpoints(key, one->note, two->note, subproof, &w) != STATUS_OK) {
        return false;
    }
    keep_evidence(m, key, writer_view(&w));
    return true;
}

/* --- the log --- */

/* Whoever serves at least the larger tree now may have its tiles: first those who serve just that.
 */
static bool may_serve(const struct view *server, const struct view *larger, bool exactly) {
    bool same = server->point.size == larger->point.size &&
                hash_equal(&server->point.root, &larger->point.root);
    return server->state == VIEW_SERVED && same == exactly &&
           (exactly || server->point.size >= larger->point.size);
}

static enum compare_result compare_by(struct monitor *m, const struct view *server,
                                      const struct view *small, const struct view *large,
                                      struct merkle_proof *subproof) {
    struct tile missing[PULL_TILES_MAX];
    struct refusal why;
    enum compare_result result = COMPARE_NO_TREE;
    size_t count = 0;
    pull_tiles_clear(&m->tiles);
    if (!compare_missing(&m->tiles, &small->point, &large->point, missing, &count) ||
        view_fetch_tiles(m->fetcher, server, missing, count, &m->tiles, &why) != STATUS_OK ||
        compare_conclude(&m->tiles, &small->point, &large->point, &result, subproof) != STATUS_OK) {
        return COMPARE_NO_TREE;
    }
    return result;
}

static enum compare_result compare_trees(struct monitor *m, const struct view *small,
                                         const struct view *large, struct merkle_proof *subproof) {
    subproof->count = 0;
    if (small->point.size == large->point.size) {
        return COMPARE_FORKED;
    }
    for (int exactly = 1; exactly >= 0; exactly--) {
        for (size_t i = 0; i < m->served; i++) {
            if (may_serve(&m->views[i], large, exactly == 1)) {
                enum compare_result result = compare_by(m, &m->views[i], small, large, subproof);
                if (result != COMPARE_NO_TREE) {
                    return result;
                }
            }
        }
    }
    return COMPARE_NO_TREE;
}

/* Two views of neighbouring sizes: what is proved along all neighbours holds for all. */
static void compare_neighbours(struct monitor *m, const struct view *small,
                               const struct view *large) {
    struct merkle_proof subproof;
    enum compare_result result = compare_trees(m, small, large, &subproof);
    if (result == COMPARE_FITS) {
        return;
    }
    bool proved = result == COMPARE_FORKED && accuse(m, &m->log->vkey, small, large, &subproof);
    for (size_t i = 0; i < m->log->cosigner_count && result == COMPARE_FORKED; i++) {
        (void)accuse(m, &m->log->cosigners[i], small, large, &subproof);
    }
    /* What only the record still has is a log that shrank, and is found as that. */
    if (!proved && large->state != VIEW_REMEMBERED) {
        monitor_find(m, FINDING_UNPROVED, "",
                     "%.60s at %" PRIu64 " and %.60s at %" PRIu64
                     ": the tiles served are not those of the signed tree",
                     small->url, small->point.size, large->url, large->point.size);
    }
}

static bool has_point(const struct view *view) {
    return view->state == VIEW_SERVED || view->state == VIEW_REMEMBERED;
}

static bool same_point(const struct view *one, const struct view *two) {
    return one->point.size == two->point.size && hash_equal(&one->point.root, &two->point.root);
}

/* The views by size, each point once, a served one before a remembered one. */
static size_t sort_points(struct monitor *m, const struct view *sorted[MONITOR_VIEWS_MAX]) {
    size_t count = 0;
    for (size_t i = 0; i < m->view_count; i++) {
        const struct view *view = &m->views[i];
        size_t at = count;
        bool known = !has_point(view);
        for (size_t k = 0; k < count && !known; k++) {
            known = same_point(sorted[k], view);
        }
        if (known) {
            continue;
        }
        for (; at > 0 && sorted[at - 1]->point.size > view->point.size; at--) {
            sorted[at] = sorted[at - 1];
        }
        sorted[at] = view;
        count++;
    }
    return count;
}

/* --- cosigners --- */

/* A cosigner that went back shows in any two notes, also of trees that fit each other. */
static void compare_times(struct monitor *m) {
    for (size_t k = 0; k < m->log->cosigner_count; k++) {
        bool found = false;
        for (size_t i = 0; i < m->view_count && !found; i++) {
            for (size_t j = 0; j < i && !found; j++) {
                found = has_point(&m->views[i]) && has_point(&m->views[j]) &&
                        m->views[i].point.size != m->views[j].point.size &&
                        accuse(m, &m->log->cosigners[k], &m->views[j], &m->views[i], NULL);
            }
        }
    }
}

void monitor_compare(struct monitor *m) {
    const struct view *sorted[MONITOR_VIEWS_MAX];
    size_t count = sort_points(m, sorted);
    for (size_t i = 1; i < count; i++) {
        compare_neighbours(m, sorted[i - 1], sorted[i]);
    }
    compare_times(m);
}
