#include "net/reload.h"

#include "net/log.h"

#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>

#define LOOK_MS 5000u
#define WARN_SECONDS (14 * 86400)
#define WARN_EVERY_MS 86400000u

struct reload {
    struct loop *loop;
    struct tls *tls;
    uv_signal_t hangup;
    struct timer *timer;
    bool warned;
    uint64_t warned_ms;
};

static void warn_of_end(struct reload *reload) {
    const struct tls_state *state = tls_state(reload->tls);
    uint64_t now = loop_now_ms(reload->loop);
    int64_t left = state->expires - (int64_t)(clock_wall_ms() / 1000);
    if (left > WARN_SECONDS || (reload->warned && now - reload->warned_ms < WARN_EVERY_MS)) {
        return;
    }
    reload->warned = true;
    reload->warned_ms = now;
    log_line(left > 0 ? LOG_WARN : LOG_ERROR, "tls", left > 0 ? "runs_out" : "has_run_out",
             "hours_left=%" PRId64 " do=\"renew the certificate: it is read anew by itself\"",
             left / 3600);
}

static void look_cb(void *context) {
    struct reload *reload = context;
    if (tls_changed(reload->tls) && tls_reload(reload->tls, NULL) == STATUS_OK) {
        reload->warned = false;
    }
    warn_of_end(reload);
}

static void hangup_cb(uv_signal_t *handle, int signum) {
    struct reload *reload = handle->data;
    (void)signum;
    if (reload->tls == NULL) {
        log_line(LOG_INFO, "tls", "nothing_to_reload", "signal=SIGHUP");
    } else if (tls_reload(reload->tls, NULL) == STATUS_OK) {
        reload->warned = false;
    }
}

enum status reload_open(struct loop *loop, struct tls *tls, struct reload **out) {
    struct reload *reload = calloc(1, sizeof *reload);
    if (reload == NULL) {
        return STATUS_NOMEM;
    }
    reload->loop = loop;
    reload->tls = tls;
    enum status status =
        tls != NULL ? timer_open(loop, look_cb, reload, &reload->timer) : STATUS_OK;
    if (status == STATUS_OK && uv_signal_init(loop_uv(loop), &reload->hangup) != 0) {
        timer_close(reload->timer);
        status = STATUS_IO;
    }
    if (status != STATUS_OK) {
        free(reload);
        return status;
    }
    reload->hangup.data = reload;
    uv_unref((uv_handle_t *)&reload->hangup);
    if (uv_signal_start(&reload->hangup, hangup_cb, SIGHUP) != 0) {
        reload_close(reload);
        return STATUS_IO;
    }
    if (tls != NULL) {
        warn_of_end(reload);
        timer_start(reload->timer, LOOK_MS, LOOK_MS);
    }
    *out = reload;
    return STATUS_OK;
}

static void closed_cb(uv_handle_t *handle) {
    free(handle->data);
}

void reload_close(struct reload *reload) {
    if (reload == NULL) {
        return;
    }
    timer_close(reload->timer);
    uv_close((uv_handle_t *)&reload->hangup, closed_cb);
}
