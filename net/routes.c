/* Every path that a node answers, in one table; specs/http.md is its other half. */
#include "net/handlers.h"
#include "net/submitter.h"

#define EVENT_BODY SUBMIT_BODY_MAX

#define GET(path, handler)                                                                         \
    { .method = "GET", .pattern = (path), .on_end = (handler) }

const struct route node_routes[] = {
    {.method = "POST",
     .pattern = "/add",
     .flags = ROUTE_GZIP,
     .body_max = EVENT_BODY,
     .deadline_ms = SUBMIT_DEADLINE_MS,
     .on_headers = submit_on_headers,
     .on_end = submit_on_end,
     .on_cancel = submit_on_cancel,
     .on_free = submit_on_free},
    {.method = "POST",
     .pattern = "/add-checkpoint",
     .body_max = ADD_CHECKPOINT_SIZE_MAX,
     .on_end = handle_add_checkpoint},
    {.method = "POST",
     .pattern = "/add-candidate",
     .body_max = ADD_CANDIDATE_SIZE_MAX,
     .on_end = handle_add_candidate},
    {.method = "POST",
     .pattern = "/add-entries",
     .flags = ROUTE_GZIP | ROUTE_UPLOAD,
     .body_max = (size_t)600 << 20,
     .on_headers = entries_on_headers,
     .on_body = entries_on_body,
     .on_end = entries_on_end,
     .on_cancel = entries_on_cancel,
     .on_free = entries_on_free},
    GET("/checkpoint", handle_own_checkpoint),
    GET("/tile/**", handle_own_tile),
    GET("/receipt/**", handle_receipt),
    GET("/issuer/**", handle_issuer),
    GET("/case/*/*", handle_case),
    GET("/case/*/*/left_out", handle_case_left_out),
    GET("/evidence", handle_evidence_list),
    GET("/evidence/*/*", handle_evidence),
    GET("/access", handle_access),
    GET("/conflicts", handle_conflicts),
    GET("/logs", handle_logs),
    GET("/recognised", handle_recognised),
    GET("/agency/*", handle_agency),
    GET("/agencies", handle_agencies),
    GET("/status", handle_status),
    GET("/healthz", handle_healthz),
    GET("/metrics", handle_metrics),
    GET("/witness/*/checkpoint", handle_witness_checkpoint),
    GET("/*/checkpoint", handle_log_checkpoint),
    GET("/*/kept/*", handle_kept),
    GET("/*/tile/**", handle_log_tile),
    GET("/*/receipt/**", handle_log_receipt),
};

const size_t node_route_count = sizeof node_routes / sizeof node_routes[0];
