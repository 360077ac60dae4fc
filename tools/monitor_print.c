#include "tools/cli.h"
#include "tools/monitor.h"

#include "crypto/encoding.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const char *state_name(enum view_state state) {
    static const char *const names[] = {
        [VIEW_SERVED] = "served", [VIEW_UNREACHABLE] = "unreachable", [VIEW_ABSENT] = "absent",
        [VIEW_BAD] = "bad",       [VIEW_REMEMBERED] = "remembered",
    };
    return names[state];
}

void monitor_print(const struct monitor *m, bool quiet) {
    if (!quiet || m->finding_count > 0) {
        printf("log %s\n", m->log->vkey.name);
    }
    for (size_t i = 0; i < m->served && !quiet; i++) {
        const struct view *view = &m->views[i];
        char when[21] = "-";
        if (m->newest[i] != 0) {
            cli_time(m->newest[i], when);
        }
        if (view->state == VIEW_SERVED) {
            printf("  %-44s %12" PRIu64 "  %s\n", view->url, view->point.size, when);
        } else {
            printf("  %-44s %12s  -\n", view->url, state_name(view->state));
        }
    }
    for (size_t i = 0; i < m->finding_count; i++) {
        const struct finding *finding = &m->findings[i];
        printf("  %-11s %s\n", finding_name(finding->type), finding->text);
        if (finding->file[0] != '\0') {
            printf("  %-11s %s: check it with dutylog verify --key VKEY, and pass it on\n",
                   "evidence", finding->file);
        }
    }
}

static json_t *view_json(const struct monitor *m, size_t which) {
    const struct view *view = &m->views[which];
    json_t *object = json_pack("{s:s, s:s}", "state", state_name(view->state), "url", view->url);
    if (object != NULL && view->state == VIEW_SERVED) {
        char root[2 * HASH_SIZE];
        hex_encode(root, view->point.root.bytes, HASH_SIZE);
        json_object_set_new(object, "root", json_stringn(root, sizeof root));
        json_object_set_new(object, "size", json_integer((json_int_t)view->point.size));
        json_object_set_new(object, "newest", json_integer((json_int_t)m->newest[which]));
    }
    return object;
}

json_t *monitor_json(const struct monitor *m) {
    json_t *views = json_array();
    json_t *findings = json_array();
    for (size_t i = 0; i < m->served; i++) {
        json_array_append_new(views, view_json(m, i));
    }
    for (size_t i = 0; i < m->finding_count; i++) {
        const struct finding *finding = &m->findings[i];
        json_t *object =
            json_pack("{s:s, s:s}", "text", finding->text, "type", finding_name(finding->type));
        if (object != NULL && finding->file[0] != '\0') {
            json_object_set_new(object, "file", json_string(finding->file));
        }
        json_array_append_new(findings, object);
    }
    return json_pack("{s:o, s:s, s:o}", "findings", findings, "log", m->log->vkey.name, "views",
                     views);
}
