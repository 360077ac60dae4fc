#include "net/tls.h"

#include "net/config.h"
#include "net/counters.h"
#include "net/file.h"
#include "net/log.h"

#include <assert.h>
#include <gnutls/x509.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

struct tls_pair {
    unsigned refs;
    gnutls_pcert_st certificates[TLS_CHAIN_MAX];
    unsigned count;
    gnutls_privkey_t key;
    int64_t expires;
};

/* What tells one content of a file from the next without reading it. */
struct stamp {
    dev_t device;
    ino_t file;
    off_t size;
    struct timespec changed;
    bool there;
};

struct tls {
    char certificate[CONFIG_PATH_MAX];
    char key[CONFIG_PATH_MAX];
    struct stamp stamps[2];
    struct tls_pair *pair;
    struct tls_state state;
};

char tls_priorities[] = "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:%SERVER_PRECEDENCE";

/* --- pairs --- */

void tls_pair_release(struct tls_pair *pair) {
    if (pair == NULL) {
        return;
    }
    assert(pair->refs > 0);
    if (--pair->refs > 0) {
        return;
    }
    for (unsigned i = 0; i < pair->count; i++) {
        gnutls_pcert_deinit(&pair->certificates[i]);
    }
    gnutls_privkey_deinit(pair->key); /* wipes it; NULL is allowed */
    free(pair);
}

struct tls_pair *tls_pair_hold(struct tls *tls) {
    tls->pair->refs++;
    return tls->pair;
}

void tls_pair_view(struct tls_pair *pair, gnutls_pcert_st **certificates, unsigned *count,
                   gnutls_privkey_t *key) {
    *certificates = pair->certificates;
    *count = pair->count;
    *key = pair->key;
}

static enum status check_dates(const struct tls *tls, struct tls_pair *pair,
                               const gnutls_x509_crt_t leaf, struct refusal *why) {
    pair->expires = (int64_t)gnutls_x509_crt_get_expiration_time(leaf);
    if (pair->expires <= (int64_t)time(NULL)) {
        return refuse(why, STATUS_BAD_FORM, "%s: the certificate has run out: have it renewed",
                      tls->certificate);
    }
    return STATUS_OK;
}

/* The key belongs to the certificate if it gives the certificate's public key. */
static enum status check_match(const struct tls *tls, const struct tls_pair *pair,
                               const gnutls_x509_crt_t leaf, struct refusal *why) {
    uint8_t ids[2][64];
    size_t lens[2] = {sizeof ids[0], sizeof ids[1]};
    gnutls_pubkey_t public_key = NULL;
    bool same =
        gnutls_pubkey_init(&public_key) == 0 &&
        gnutls_pubkey_import_privkey(public_key, pair->key, 0, 0) == 0 &&
        gnutls_pubkey_get_key_id(public_key, GNUTLS_KEYID_USE_SHA256, ids[0], &lens[0]) == 0 &&
        gnutls_x509_crt_get_key_id(leaf, GNUTLS_KEYID_USE_SHA256, ids[1], &lens[1]) == 0 &&
        lens[0] == lens[1] && memcmp(ids[0], ids[1], lens[0]) == 0;
    if (public_key != NULL) {
        gnutls_pubkey_deinit(public_key);
    }
    if (!same) {
        return refuse(why, STATUS_BAD_FORM,
                      "%s: not the key of the certificate in %s: give the two that belong together",
                      tls->key, tls->certificate);
    }
    return STATUS_OK;
}

static enum status import_certificates(const struct tls *tls, struct tls_pair *pair,
                                       const gnutls_datum_t *pem, struct refusal *why) {
    unsigned count = TLS_CHAIN_MAX;
    int rv =
        gnutls_pcert_list_import_x509_raw(pair->certificates, &count, pem, GNUTLS_X509_FMT_PEM, 0);
    if (rv < 0) {
        return refuse(why, STATUS_BAD_FORM,
                      "%s: no chain of at most %d certificates in PEM, the server's own first: %s",
                      tls->certificate, TLS_CHAIN_MAX, gnutls_strerror(rv));
    }
    pair->count = count;
    return STATUS_OK;
}

static enum status import(const struct tls *tls, struct tls_pair *pair, const gnutls_datum_t *pem,
                          const gnutls_datum_t *key, struct refusal *why) {
    gnutls_x509_crt_t leaf = NULL;
    TRY(import_certificates(tls, pair, pem, why));
    int rv = gnutls_privkey_init(&pair->key);
    if (rv == 0) {
        rv = gnutls_privkey_import_x509_raw(pair->key, key, GNUTLS_X509_FMT_PEM, NULL, 0);
    }
    if (rv < 0) {
        return refuse(why, STATUS_BAD_FORM, "%s: no secret key in PEM without a password: %s",
                      tls->key, gnutls_strerror(rv));
    }
    rv = gnutls_pcert_export_x509(&pair->certificates[0], &leaf);
    if (rv < 0) {
        return refuse(why, STATUS_NOMEM, "%s: %s", tls->certificate, gnutls_strerror(rv));
    }
    enum status status = check_match(tls, pair, leaf, why);
    if (status == STATUS_OK) {
        status = check_dates(tls, pair, leaf, why);
    }
    gnutls_x509_crt_deinit(leaf);
    return status;
}

static gnutls_datum_t datum_of(const struct buffer *content) {
    return (gnutls_datum_t){.data = content->data, .size = (unsigned)content->len};
}

static enum status read_pair(const struct tls *tls, struct tls_pair **out, struct refusal *why) {
    struct buffer certificate;
    struct buffer key;
    struct tls_pair *pair = calloc(1, sizeof *pair);
    if (pair == NULL) {
        return refuse(why, STATUS_NOMEM, "out of memory");
    }
    pair->refs = 1;
    buffer_init(&certificate, TLS_FILE_MAX);
    buffer_init(&key, TLS_FILE_MAX);
    enum status status = file_read(tls->certificate, &certificate, why);
    if (status == STATUS_OK) {
        status = file_read_secret(tls->key, &key, why);
    }
    if (status == STATUS_OK) {
        gnutls_datum_t parts[2] = {datum_of(&certificate), datum_of(&key)};
        status = import(tls, pair, &parts[0], &parts[1], why);
    }
    buffer_wipe(&key);
    buffer_clear(&certificate);
    if (status != STATUS_OK) {
        tls_pair_release(pair);
        return status;
    }
    *out = pair;
    return STATUS_OK;
}

/* --- files --- */

static struct stamp stamp_of(const char *path) {
    struct stat info;
    if (stat(path, &info) != 0) {
        return (struct stamp){.there = false};
    }
    return (struct stamp){.device = info.st_dev,
                          .file = info.st_ino,
                          .size = info.st_size,
                          .changed = info.st_ctim,
                          .there = true};
}

static bool stamp_equal(const struct stamp *a, const struct stamp *b) {
    return a->there == b->there && a->device == b->device && a->file == b->file &&
           a->size == b->size && a->changed.tv_sec == b->changed.tv_sec &&
           a->changed.tv_nsec == b->changed.tv_nsec;
}

/* Before the reading: what changes during it is read once more. */
static void take_stamps(struct tls *tls) {
    tls->stamps[0] = stamp_of(tls->certificate);
    tls->stamps[1] = stamp_of(tls->key);
}

bool tls_changed(const struct tls *tls) {
    struct stamp certificate = stamp_of(tls->certificate);
    struct stamp key = stamp_of(tls->key);
    return !stamp_equal(&certificate, &tls->stamps[0]) || !stamp_equal(&key, &tls->stamps[1]);
}

/* --- the whole --- */

enum status tls_reload(struct tls *tls, struct refusal *why) {
    struct tls_pair *fresh = NULL;
    struct refusal first = {.text = ""};
    take_stamps(tls);
    enum status status = read_pair(tls, &fresh, &first);
    if (status != STATUS_OK) {
        tls->state.failed++;
        tls->state.stale = true;
        tls->state.why = first;
        counter_add(COUNTER_TLS_KEPT_OLD);
        log_line(LOG_ERROR, "tls", "not_reloaded", "why=\"%s\" expires=%" PRId64, first.text,
                 tls->state.expires);
        return refuse(why, status, "%s", first.text);
    }
    assert(fresh != NULL);
    tls_pair_release(tls->pair);
    tls->pair = fresh;
    tls->state.expires = fresh->expires;
    tls->state.loaded++;
    tls->state.stale = false;
    counter_add(COUNTER_TLS_LOADED);
    log_line(LOG_INFO, "tls", "loaded", "certificate=%s expires=%" PRId64, tls->certificate,
             fresh->expires);
    return STATUS_OK;
}

static bool copy_path(const char *path, char out[static CONFIG_PATH_MAX]) {
    size_t len = strlen(path);
    if (len >= CONFIG_PATH_MAX) {
        return false;
    }
    memcpy(out, path, len + 1);
    return true;
}

enum status tls_open(const char *certificate, const char *key, struct tls **out,
                     struct refusal *why) {
    struct tls *tls = calloc(1, sizeof *tls);
    if (tls == NULL) {
        return refuse(why, STATUS_NOMEM, "out of memory");
    }
    if (!copy_path(certificate, tls->certificate) || !copy_path(key, tls->key)) {
        free(tls);
        return refuse(why, STATUS_TOO_LARGE, "a path has at most %d characters",
                      CONFIG_PATH_MAX - 1);
    }
    enum status status = tls_reload(tls, why);
    if (status != STATUS_OK) {
        free(tls);
        return status;
    }
    *out = tls;
    return STATUS_OK;
}

void tls_close(struct tls *tls) {
    if (tls != NULL) {
        tls_pair_release(tls->pair);
        free(tls);
    }
}

const struct tls_state *tls_state(const struct tls *tls) {
    return &tls->state;
}
