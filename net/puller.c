#include "net/puller.h"

#include "net/log.h"

enum status puller_open(struct node *node, struct puller **out) {
    for (size_t i = 0; i < node->config.log_count; i++) {
        if (node->config.logs[i].pull_ms > 0) {
            log_line(LOG_WARN, "puller", "off", "log=%s why=\"this build takes pushes only\"",
                     node->config.logs[i].vkey.name);
        }
    }
    *out = NULL;
    return STATUS_OK;
}

void puller_reconcile(struct puller *puller, uint32_t log, struct bytes note) {
    (void)puller;
    (void)log;
    (void)note;
}

void puller_close(struct puller *puller, void (*closed)(void *context), void *context) {
    (void)puller;
    closed(context);
}
