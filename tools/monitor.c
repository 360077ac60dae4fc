#include "tools/monitor.h"

#include "tools/cli.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const char *finding_name(enum finding_type type) {
    static const char *const names[] = {
        [FINDING_FORK] = "fork",
        [FINDING_UNPROVED] = "unproved",
        [FINDING_SHRUNK] = "shrunk",
        [FINDING_BAD] = "bad",
        [FINDING_SILENT] = "silent",
        [FINDING_STALE] = "stale",
        [FINDING_UNREACHABLE] = "unreachable",
    };
    return names[type];
}

void monitor_find(struct monitor *m, enum finding_type type, const char *file, const char *format,
                  ...) {
    if (m->finding_count == MONITOR_FINDINGS_MAX) {
        return; /* a hundred findings say enough */
    }
    struct finding *finding = &m->findings[m->finding_count++];
    struct refusal clean;
    char text[REFUSAL_TEXT_MAX];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    refuse(&clean, STATUS_OK, "%s", text); /* it may quote a peer: printable characters alone */
    finding->type = type;
    memcpy(finding->text, clean.text, sizeof finding->text);
    snprintf(finding->file, sizeof finding->file, "%s", file);
}

uint64_t monitor_newest(const struct monitored *log, const struct view *view) {
    struct note note;
    struct checkpoint checkpoint;
    uint64_t newest = 0;
    if (checkpoint_parse(view->note, &note, &checkpoint, NULL) != STATUS_OK) {
        return 0;
    }
    for (size_t i = 0; i < log->cosigner_count; i++) {
        uint64_t time = 0;
        if (cosignature_find(&note, &log->cosigners[i], &time) == STATUS_OK && time > newest) {
            newest = time;
        }
    }
    return newest;
}

/* --- asking --- */

static void ask(struct monitor *m) {
    m->served = m->options->url_count;
    m->view_count = m->served;
    for (size_t i = 0; i < m->served; i++) {
        struct view *view = &m->views[i];
        view_fetch(m->fetcher, m->options->urls[i], &m->log->vkey, view);
        m->newest[i] = 0;
        if (view->state == VIEW_SERVED) {
            m->newest[i] = monitor_newest(m->log, view);
        } else if (view->state == VIEW_BAD) {
            monitor_find(m, FINDING_BAD, "", "%.80s: %.140s", view->url, view->why.text);
        } else if (view->state == VIEW_UNREACHABLE) {
            monitor_find(m, FINDING_UNREACHABLE, "", "%.200s", view->why.text);
        }
    }
}

/* --- what shows in one node's answers alone --- */

static void find_shrunk(struct monitor *m) {
    for (size_t i = m->served; i < m->view_count; i++) {
        const struct view *before = &m->views[i];
        for (size_t k = 0; k < m->served; k++) {
            const struct view *now = &m->views[k];
            bool gone = now->state == VIEW_ABSENT;
            if (strcmp(now->url, before->url) == 0 &&
                (gone || (now->state == VIEW_SERVED && now->point.size < before->point.size))) {
                monitor_find(m, FINDING_SHRUNK, "",
                             "%.100s: %" PRIu64 " entries, and %" PRIu64 " when last asked",
                             now->url, gone ? 0 : now->point.size, before->point.size);
            }
        }
    }
}

/* The newest cosignature by one cosigner in all views, those remembered too; 0: none. */
static uint64_t newest_by(const struct monitor *m, const struct vkey *cosigner) {
    uint64_t newest = 0;
    for (size_t i = 0; i < m->view_count; i++) {
        const struct view *view = &m->views[i];
        struct note note;
        struct checkpoint checkpoint;
        uint64_t time = 0;
        if ((view->state == VIEW_SERVED || view->state == VIEW_REMEMBERED) &&
            checkpoint_parse(view->note, &note, &checkpoint, NULL) == STATUS_OK &&
            cosignature_find(&note, cosigner, &time) == STATUS_OK && time > newest) {
            newest = time;
        }
    }
    return newest;
}

/* A cosigner that the policy's quorum counts. Nothing is said where nobody answered. */
static void find_silent(struct monitor *m) {
    size_t answered = 0;
    for (size_t i = 0; i < m->served; i++) {
        answered += m->views[i].state == VIEW_SERVED;
    }
    for (size_t k = 0; k < m->log->cosigner_count && answered > 0; k++) {
        char when[21] = "never";
        uint64_t newest = newest_by(m, &m->log->cosigners[k]);
        if (!m->log->counts[k] ||
            (newest != 0 && newest + m->options->silent_after >= m->options->now)) {
            continue;
        }
        if (newest != 0) {
            cli_time(newest, when);
        }
        monitor_find(m, FINDING_SILENT, "", "%.100s: newest cosignature seen: %s",
                     m->log->cosigners[k].name, when);
    }
}

/* Behind the largest view, and either so since an earlier run, or with cosignatures that old. */
static void find_stale(struct monitor *m) {
    uint64_t largest = 0;
    uint64_t newest = 0;
    for (size_t i = 0; i < m->served; i++) {
        if (m->views[i].state == VIEW_SERVED) {
            largest = m->views[i].point.size > largest ? m->views[i].point.size : largest;
            newest = m->newest[i] > newest ? m->newest[i] : newest;
        }
    }
    for (size_t i = 0; i < m->served; i++) {
        const struct view *view = &m->views[i];
        if (view->state != VIEW_SERVED || view->point.size == largest) {
            m->behind_since[i] = view->state == VIEW_SERVED ? 0 : m->behind_since[i];
            continue;
        }
        if (m->behind_since[i] == 0) {
            m->behind_since[i] = m->options->now;
        }
        bool old = m->newest[i] != 0 && m->newest[i] + m->options->stale_after < newest;
        if (old || m->behind_since[i] + m->options->stale_after < m->options->now) {
            monitor_find(m, FINDING_STALE, "", "%.100s: %" PRIu64 " entries, others serve %" PRIu64,
                         view->url, view->point.size, largest);
        }
    }
}

enum status monitor_run(struct monitor *m, struct refusal *why) {
    m->finding_count = 0;
    memset(m->behind_since, 0, sizeof m->behind_since);
    ask(m);
    if (m->options->state != NULL) {
        TRY(monitor_recall(m, why));
    }
    monitor_compare(m);
    find_shrunk(m);
    find_silent(m);
    find_stale(m);
    return m->options->state != NULL ? monitor_record(m, why) : STATUS_OK;
}
