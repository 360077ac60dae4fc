/* The server's certificate and its key (GnuTLS): read from files, given to handshakes, read anew
 * without a restart.
 *
 * A *pair* is a certificate chain with its key, as read at one moment. A connection keeps the pair
 * that its handshake began with, so a new one replaces the old for later connections only. What
 * cannot be used (no such file, key and certificate that do not belong together, a certificate that
 * has run out, a key that others can read) never replaces what can: the old pair stays, and
 * tls_state says why.
 *
 * TLS 1.2 and 1.3 only. */
#ifndef DUTYLOG_NET_TLS_H
#define DUTYLOG_NET_TLS_H

#include "ledger/status.h"

#include <gnutls/abstract.h>
#include <stdint.h>

#define TLS_FILE_MAX (256 * 1024)
#define TLS_CHAIN_MAX 8

struct tls;
struct tls_pair;

/* What GnuTLS may choose from. Not const: libmicrohttpd's options are not. */
extern char tls_priorities[];

/* Reads both files (PEM; the certificate first in its chain). Copies the paths. BAD_FORM,
 * DENIED_KEY (the key file can be read by others), NOT_FOUND, IO, TOO_LARGE, NOMEM; `why` says what
 * to do. A certificate that has run out is BAD_FORM. */
enum status tls_open(const char *certificate, const char *key, struct tls **out,
                     struct refusal *why) MUST_USE;
void tls_close(struct tls *tls); /* pairs that connections hold live on */
/* Reads both files again. On failure the old pair stays. Logged and counted either way. */
enum status tls_reload(struct tls *tls, struct refusal *why) MUST_USE;
/* Whether a file is another, or has another time or size, than when both were last read, well or
 * not. */
bool tls_changed(const struct tls *tls);

struct tls_state {
    int64_t expires;    /* unix seconds: the end of the certificate in use */
    uint64_t loaded;    /* times that a pair was taken, the first included */
    uint64_t failed;    /* times that the old one was kept */
    bool stale;         /* the last reading failed */
    struct refusal why; /* if stale */
};
const struct tls_state *tls_state(const struct tls *tls);

/* The pair in use, held for the caller until tls_pair_release. */
struct tls_pair *tls_pair_hold(struct tls *tls);
void tls_pair_release(struct tls_pair *pair); /* NULL is allowed */
/* For a gnutls_certificate_retrieve_function3: borrowed from the pair. */
void tls_pair_view(struct tls_pair *pair, gnutls_pcert_st **certificates, unsigned *count,
                   gnutls_privkey_t *key);

#endif
