/* Certificates for tests: an authority, and servers that it vouches for. */
#ifndef DUTYLOG_TESTS_CERTIFICATES_H
#define DUTYLOG_TESTS_CERTIFICATES_H

#include <gnutls/x509.h>
#include <stdint.h>

struct authority {
    gnutls_x509_crt_t certificate;
    gnutls_x509_privkey_t key;
};

/* Makes one and writes its certificate to `path`. Assert success, as all here. */
void authority_make(struct authority *authority, const char *path);
void authority_release(struct authority *authority);
/* A server on 127.0.0.1, from a day before now to `seconds` after; its chain and key (mode 0600)
 * in PEM, each written whole beside the path and renamed. */
void authority_issue(const struct authority *authority, unsigned serial, long seconds,
                     const char *certificate_path, const char *key_path);

#endif
