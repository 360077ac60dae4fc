#include "tests/lib/certificates.h"

#include <assert.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define DAY 86400

#define MUST(call)                                                                                 \
    do {                                                                                           \
        int rv_ = (call);                                                                          \
        assert(rv_ >= 0);                                                                          \
        (void)rv_;                                                                                 \
    } while (0)

static void write_file(const char *path, const gnutls_datum_t *content) {
    char beside[1024];
    snprintf(beside, sizeof beside, "%s.new", path);
    int fd = open(beside, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert(fd >= 0);
    ssize_t n = write(fd, content->data, content->size);
    assert(n == (ssize_t)content->size);
    close(fd);
    MUST(rename(beside, path));
}

static gnutls_x509_privkey_t make_key(void) {
    gnutls_x509_privkey_t key = NULL;
    MUST(gnutls_x509_privkey_init(&key));
    MUST(gnutls_x509_privkey_generate(key, GNUTLS_PK_ECDSA,
                                      GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0));
    return key;
}

static gnutls_x509_crt_t make_certificate(gnutls_x509_privkey_t key, const char *name,
                                          unsigned serial, long seconds) {
    gnutls_x509_crt_t crt = NULL;
    uint8_t number[2] = {(uint8_t)(1 + serial / 256), (uint8_t)serial};
    MUST(gnutls_x509_crt_init(&crt));
    MUST(gnutls_x509_crt_set_version(crt, 3));
    MUST(gnutls_x509_crt_set_serial(crt, number, sizeof number));
    MUST(gnutls_x509_crt_set_activation_time(crt, time(NULL) - DAY));
    MUST(gnutls_x509_crt_set_expiration_time(crt, time(NULL) + seconds));
    MUST(gnutls_x509_crt_set_dn_by_oid(crt, GNUTLS_OID_X520_COMMON_NAME, 0, name,
                                       (unsigned)strlen(name)));
    MUST(gnutls_x509_crt_set_key(crt, key));
    return crt;
}

void authority_make(struct authority *authority, const char *path) {
    gnutls_datum_t pem;
    authority->key = make_key();
    authority->certificate = make_certificate(authority->key, "test authority", 1, 30L * DAY);
    MUST(gnutls_x509_crt_set_ca_status(authority->certificate, 1));
    MUST(gnutls_x509_crt_set_key_usage(authority->certificate, GNUTLS_KEY_KEY_CERT_SIGN));
    MUST(gnutls_x509_crt_sign2(authority->certificate, authority->certificate, authority->key,
                               GNUTLS_DIG_SHA256, 0));
    MUST(gnutls_x509_crt_export2(authority->certificate, GNUTLS_X509_FMT_PEM, &pem));
    write_file(path, &pem);
    gnutls_free(pem.data);
}

void authority_release(struct authority *authority) {
    gnutls_x509_crt_deinit(authority->certificate);
    gnutls_x509_privkey_deinit(authority->key);
}

void authority_issue(const struct authority *authority, unsigned serial, long seconds,
                     const char *certificate_path, const char *key_path) {
    static const uint8_t here[4] = {127, 0, 0, 1};
    gnutls_datum_t pem;
    gnutls_x509_privkey_t key = make_key();
    gnutls_x509_crt_t crt = make_certificate(key, "node.example", serial, seconds);
    MUST(gnutls_x509_crt_set_subject_alt_name(crt, GNUTLS_SAN_IPADDRESS, here, sizeof here, 0));
    MUST(gnutls_x509_crt_set_key_usage(crt, GNUTLS_KEY_DIGITAL_SIGNATURE));
    MUST(gnutls_x509_crt_set_key_purpose_oid(crt, GNUTLS_KP_TLS_WWW_SERVER, 0));
    MUST(gnutls_x509_crt_sign2(crt, authority->certificate, authority->key, GNUTLS_DIG_SHA256, 0));
    MUST(gnutls_x509_crt_export2(crt, GNUTLS_X509_FMT_PEM, &pem));
    write_file(certificate_path, &pem);
    gnutls_free(pem.data);
    MUST(gnutls_x509_privkey_export2(key, GNUTLS_X509_FMT_PEM, &pem));
    write_file(key_path, &pem);
    gnutls_free(pem.data);
    gnutls_x509_crt_deinit(crt);
    gnutls_x509_privkey_deinit(key);
}
