/* Restricted reads (specs/http.md#restricted-reads): a handler that is asked for what is not open
 * to all passes the request here, and is called back once the request note has been accepted,
 * remembered, and the read written to the access log, all durably. Refused, the request is answered
 * here: 401 where another note would do, 403 where this key never will, each with a counter of its
 * own. */
#ifndef DUTYLOG_NET_ACCESS_H
#define DUTYLOG_NET_ACCESS_H

#include "net/node.h"

/* `roles`: of which the key must have one. `serve` answers the request; it is not called if the
 * request has ended meanwhile. */
void access_ask(struct request *request, uint32_t roles, void (*serve)(struct request *request));

#endif
