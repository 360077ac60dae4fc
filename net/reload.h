/* Reads the certificate and its key anew while the node runs (net/tls.h): at SIGHUP, and when
 * either file is another than before, which is looked at every few seconds. Says daily when the
 * certificate is about to run out. SIGHUP does nothing to a node without TLS, instead of ending it.
 */
#ifndef DUTYLOG_NET_RELOAD_H
#define DUTYLOG_NET_RELOAD_H

#include "net/loop.h"
#include "net/tls.h"

struct reload;

/* Borrows `tls` (NULL: none) until reload_close. NOMEM, IO. */
enum status reload_open(struct loop *loop, struct tls *tls, struct reload **out) MUST_USE;
/* NULL is allowed. The memory is freed by the loop. */
void reload_close(struct reload *reload);

#endif
