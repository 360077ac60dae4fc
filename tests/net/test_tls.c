/* The server's certificate: what is taken, what is refused, and that what is good stays. */
#include "net/tls.h"

#include "net/log.h"
#include "tests/lib/certificates.h"
#include "tests/lib/folder.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static struct folder folder;
static struct authority authority;
static char certificate[600];
static char key[600];
static char other_key[600];
static struct refusal why;

static void setup(void) {
    log_set_level(LOG_OFF);
    folder_make(&folder);
    snprintf(certificate, sizeof certificate, "%s/node.pem", folder.path);
    snprintf(key, sizeof key, "%s/node.key", folder.path);
    snprintf(other_key, sizeof other_key, "%s/other.key", folder.path);
    char ca[600];
    snprintf(ca, sizeof ca, "%s/ca.pem", folder.path);
    authority_make(&authority, ca);
    authority_issue(&authority, 1, 3600, certificate, key);
}

static void teardown(void) {
    authority_release(&authority);
    folder_remove(&folder);
}

TestSuite(tls, .init = setup, .fini = teardown);

static void write_text(const char *path, const char *text) {
    FILE *f = fopen(path, "w");
    cr_assert_not_null(f);
    fputs(text, f);
    fclose(f);
}

static void refused(const char *c, const char *k, enum status expected, const char *needle) {
    struct tls *tls = NULL;
    enum status status = tls_open(c, k, &tls, &why);
    cr_assert_eq(status, expected, "%s: %s", status_name(status), why.text);
    cr_assert_not_null(strstr(why.text, needle), "%s", why.text);
    cr_assert_null(tls);
}

Test(tls, takes_a_pair) {
    struct tls *tls = NULL;
    cr_assert_eq(tls_open(certificate, key, &tls, &why), STATUS_OK, "%s", why.text);
    const struct tls_state *state = tls_state(tls);
    cr_assert_eq(state->loaded, 1);
    cr_assert_not(state->stale);
    cr_assert_leq(state->expires - time(NULL), 3600);
    cr_assert_geq(state->expires - time(NULL), 3500);
    struct tls_pair *pair = tls_pair_hold(tls);
    gnutls_pcert_st *certificates = NULL;
    unsigned count = 0;
    gnutls_privkey_t secret = NULL;
    tls_pair_view(pair, &certificates, &count, &secret);
    cr_assert_eq(count, 1);
    cr_assert_not_null(secret);
    tls_close(tls);
    tls_pair_release(pair); /* it outlives the rest */
}

Test(tls, refuses_what_cannot_be_used) {
    char missing[600];
    snprintf(missing, sizeof missing, "%s/none", folder.path);
    refused(missing, key, STATUS_NOT_FOUND, missing);
    refused(certificate, missing, STATUS_NOT_FOUND, missing);
    refused(key, key, STATUS_BAD_FORM, "in PEM");
    refused(certificate, certificate, STATUS_BAD_FORM, "in PEM");
    char second[600];
    snprintf(second, sizeof second, "%s/second.pem", folder.path);
    authority_issue(&authority, 2, 3600, second, other_key);
    refused(certificate, other_key, STATUS_BAD_FORM, "belong together");
    authority_issue(&authority, 3, -60, second, other_key);
    refused(second, other_key, STATUS_BAD_FORM, "run out");
    cr_assert_eq(chmod(key, 0640), 0);
    refused(certificate, key, STATUS_DENIED_KEY, "600");
    char path[5000];
    memset(path, 'x', sizeof path - 1);
    path[sizeof path - 1] = '\0';
    refused(path, key, STATUS_TOO_LARGE, "path");
}

Test(tls, reads_anew) {
    struct tls *tls = NULL;
    cr_assert_eq(tls_open(certificate, key, &tls, &why), STATUS_OK);
    int64_t first = tls_state(tls)->expires;
    struct tls_pair *held = tls_pair_hold(tls);
    cr_assert_not(tls_changed(tls));
    authority_issue(&authority, 4, 7200, certificate, key);
    cr_assert(tls_changed(tls));
    cr_assert_eq(tls_reload(tls, &why), STATUS_OK, "%s", why.text);
    cr_assert_gt(tls_state(tls)->expires, first);
    cr_assert_eq(tls_state(tls)->loaded, 2);
    cr_assert_not(tls_changed(tls));
    struct tls_pair *fresh = tls_pair_hold(tls);
    cr_assert_neq(fresh, held, "later handshakes take the new one");
    tls_pair_release(held);
    tls_pair_release(fresh);
    tls_close(tls);
}

Test(tls, keeps_the_old_pair) {
    struct tls *tls = NULL;
    cr_assert_eq(tls_open(certificate, key, &tls, &why), STATUS_OK);
    struct tls_pair *before = tls_pair_hold(tls);
    write_text(certificate, "half a certifica");
    cr_assert(tls_changed(tls));
    cr_assert_eq(tls_reload(tls, &why), STATUS_BAD_FORM);
    cr_assert_not(tls_changed(tls), "said once, not every time it is looked at");
    cr_assert(tls_state(tls)->stale);
    cr_assert_eq(tls_state(tls)->failed, 1);
    cr_assert_not_null(strstr(tls_state(tls)->why.text, certificate));
    struct tls_pair *after = tls_pair_hold(tls);
    cr_assert_eq(before, after);
    /* The certificate alone is new: half of a renewal. */
    authority_issue(&authority, 5, 7200, certificate, other_key);
    cr_assert_eq(tls_reload(tls, &why), STATUS_BAD_FORM);
    cr_assert_eq(rename(other_key, key), 0);
    cr_assert(tls_changed(tls));
    cr_assert_eq(tls_reload(tls, NULL), STATUS_OK);
    cr_assert_not(tls_state(tls)->stale);
    cr_assert_eq(unlink(key), 0);
    cr_assert(tls_changed(tls));
    tls_pair_release(before);
    tls_pair_release(after);
    tls_close(tls);
}
