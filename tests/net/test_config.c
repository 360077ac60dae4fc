/* node.ini: everything that is taken, and every refusal with its line. */
#include "net/config.h"

#include "net/file.h"
#include "tests/lib/folder.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char vkey_of[3][VKEY_SIZE_MAX + 1];

/* vkey_of[0] is of agency.example/log, [1] of the same as a cosigner's, [2] of other.example/log.
 */
static void make_vkeys(void) {
    static const char *const names[] = {"agency.example/log", "agency.example/log",
                                        "other.example/log"};
    for (int i = 0; i < 3; i++) {
        uint8_t seed[SIGN_SEED_SIZE] = {(uint8_t)i};
        struct signer signer;
        cr_assert_eq(
            signer_make(bytes_text(names[i]), i == 1 ? VKEY_COSIGNATURE : VKEY_NOTE, seed, &signer),
            STATUS_OK);
        struct writer w;
        writer_init(&w, vkey_of[i], VKEY_SIZE_MAX);
        vkey_format(&w, &signer.vkey);
        cr_assert_eq(writer_status(&w), STATUS_OK);
        vkey_of[i][w.len] = '\0';
    }
}

#define NODE "[node]\nname = a\nlisten = 127.0.0.1:80\ndata = d\n"
#define HOST "[host]\norigin = own.example\nkey = k\naccept = events\n"

static struct node_config config;
static struct refusal why;

static enum status parse(const char *format, ...) __attribute__((format(printf, 1, 2)));
static enum status parse(const char *format, ...) {
    static char text[8192];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return config_parse(bytes_text(text), "etc/node.ini", &config, &why);
}

Test(config, takes_everything) {
    make_vkeys();
    cr_assert_eq(parse("; a comment\n"
                       "# another\n"
                       "\n"
                       "  [node]   ; here too\r\n"
                       "\tname = state-1.x_y ; and here\r\n"
                       "listen = [::1]:0\n"
                       "data = sub/data\n"
                       "log_level = debug\n"
                       "log_format = json\n"
                       "operator = Town of Springfield, \xc3\xa9\n"
                       "[log agency.example/log]\n"
                       "vkey = %s\n"
                       "accept = opaque\n"
                       "url = http://127.0.0.1:8080/a/\n"
                       "pull = 60\n"
                       "operator = Agency\n"
                       "[host]\n"
                       "origin = own.example/log\n"
                       "key = /keys/log.key\n"
                       "accept = opaque\n"
                       "policy = p.txt\n"
                       "round_timeout = 100\n"
                       "refresh = 86400\n"
                       "[mirror]\n"
                       "key: m.key\n"
                       "witness_key=w.key\n"
                       "[log other.example/log]\n"
                       "vkey = %s\n"
                       "accept = events",
                       vkey_of[0], vkey_of[2]),
                 STATUS_OK, "%s", why.text);
    cr_assert_str_eq(config.name, "state-1.x_y");
    cr_assert_str_eq(config.address, "::1");
    cr_assert_eq(config.port, 0);
    cr_assert_str_eq(config.data, "etc/sub/data");
    cr_assert_eq(config.log_level, LOG_DEBUG);
    cr_assert_eq(config.log_format, LOG_JSON);
    cr_assert_str_eq(config.operator_name, "Town of Springfield, \xc3\xa9");
    cr_assert(config.has_host && config.has_mirror);
    cr_assert_str_eq(config.host.origin, "own.example/log");
    cr_assert_str_eq(config.host.key, "/keys/log.key");
    cr_assert_eq(config.host.accept, ACCEPT_OPAQUE);
    cr_assert_str_eq(config.host.policy, "etc/p.txt");
    cr_assert_eq(config.host.round_timeout_ms, 100);
    cr_assert_eq(config.host.refresh_ms, 86400000);
    cr_assert_str_eq(config.mirror.key, "etc/m.key");
    cr_assert_str_eq(config.mirror.witness_key, "etc/w.key");
    cr_assert_eq(config.log_count, 2);
    cr_assert_str_eq(config.logs[0].vkey.name, "agency.example/log");
    cr_assert_eq(config.logs[0].accept, ACCEPT_OPAQUE);
    cr_assert_str_eq(config.logs[0].url, "http://127.0.0.1:8080/a");
    cr_assert_eq(config.logs[0].pull_ms, 60000);
    cr_assert_str_eq(config.logs[0].operator_name, "Agency");
    cr_assert_eq(config.logs[0].line, 11);
    cr_assert_str_eq(config.logs[1].vkey.name, "other.example/log");
    cr_assert_eq(config.logs[1].pull_ms, 0);
    cr_assert_str_eq(config.logs[1].url, "");
    node_config_release(&config);
}

Test(config, defaults) {
    cr_assert_eq(parse(NODE), STATUS_OK, "%s", why.text);
    cr_assert_not(config.has_host || config.has_mirror);
    cr_assert_eq(config.log_level, LOG_INFO);
    cr_assert_eq(config.log_format, LOG_TEXT);
    cr_assert_eq(config.log_count, 0);
    cr_assert_eq(parse(NODE HOST), STATUS_OK, "%s", why.text);
    cr_assert_eq(config.host.round_timeout_ms, 5000);
    cr_assert_eq(config.host.refresh_ms, 3600000);
    cr_assert_eq(config_parse(bytes_text(NODE), "node.ini", &config, &why), STATUS_OK);
    cr_assert_str_eq(config.data, "d");
    cr_assert_eq(config_parse(bytes_text(NODE), "/node.ini", &config, &why), STATUS_OK);
    cr_assert_str_eq(config.data, "/./d");
}

/* `needle` names what is wrong; the refusal begins with file and line. */
static void refused(int line, const char *needle, const char *text) {
    struct node_config before;
    memset(&config, 0x5a, sizeof config);
    before = config;
    enum status status = parse("%s", text);
    cr_assert_eq(status, STATUS_BAD_FORM, "taken: %s", text);
    char start[64];
    snprintf(start, sizeof start, "etc/node.ini:%d: ", line);
    cr_assert_eq(strncmp(why.text, start, strlen(start)), 0, "%s: %s", text, why.text);
    cr_assert_not_null(strstr(why.text, needle), "%s: %s", text, why.text);
    cr_assert_eq(memcmp(&before, &config, sizeof config), 0, "touched on failure");
}

Test(config, refuses_form) {
    refused(0, "no [node]", "");
    refused(1, "no [node]", "; nothing\n");
    refused(1, "before any section", "name = a\n" NODE);
    refused(1, "unknown section", "[nodes]\n");
    refused(1, "unknown section", "[]\n");
    refused(1, "unknown section", "[Node]\n");
    refused(1, "unknown section", "[log]\n");
    refused(1, "ends in ']'", "[node\nname = a\n");
    refused(1, "comment may follow", "[node] x\n");
    refused(1, "comment may follow", "[node];x\n");
    refused(5, "unknown option \"colour\"", NODE "colour = blue\n");
    refused(5, "unknown option \"origin\"", NODE "origin = a\n");
    refused(5, "unknown option \"Name\"", NODE "Name = a\n");
    refused(5, "given twice", NODE "name = b\n");
    refused(5, "given twice", NODE "  data = b\n");
    refused(5, "[node] stands at line 1", NODE "[node]\n");
    refused(9, "[host] stands at line 5", NODE HOST "[host]\n");
    refused(5, "neither", NODE "rubbish\n");
    char long_line[1000];
    snprintf(long_line, sizeof long_line, NODE "o%0250d = x\n", 0);
    refused(5, "longer than 198", long_line);
    char nul[] = NODE "operator = a\0b\n";
    cr_assert_eq(config_parse(bytes_of(nul, sizeof nul - 1), "etc/node.ini", &config, &why),
                 STATUS_BAD_FORM);
    cr_assert_not_null(strstr(why.text, "etc/node.ini:5: holds a NUL"));
}

Test(config, refuses_missing_options) {
    refused(1, "lacks \"name\"", "[node]\nlisten = 127.0.0.1:1\ndata = d\n");
    refused(1, "lacks \"listen\"", "[node]\nname = a\ndata = d\n");
    refused(1, "lacks \"data\"", "[node]\nname = a\nlisten = 127.0.0.1:1\n" HOST);
    refused(5, "lacks \"origin\"", NODE "[host]\nkey = k\naccept = events\n");
    refused(5, "lacks \"key\"", NODE "[host]\norigin = a\naccept = events\n");
    refused(5, "lacks \"accept\"", NODE "[host]\norigin = a\nkey = k\n");
    refused(5, "lacks \"key\"", NODE "[mirror]\n");
    refused(5, "lacks \"vkey\"", NODE "[log a.example]\naccept = events\n");
}

Test(config, refuses_values) {
    refused(2, "a-z", "[node]\nname = Agency\n");
    refused(2, "1 to", "[node]\nname =\n");
    static const char *const listens[] = {
        "8080",          "127.0.0.1",     "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:-1",
        "127.0.0.1:080", "::1:80",        "[::1:80",    "[]:80",           "[127.0.0.1]:80",
        "localhost:80",  "[127.0.0.1:80", ":80",        "1127.0.0.1:80"};
    for (size_t i = 0; i < sizeof listens / sizeof listens[0]; i++) {
        char text[256];
        snprintf(text, sizeof text, "[node]\nlisten = %s\n", listens[i]);
        refused(2, "listen is", text);
    }
    refused(5, "log_level is", NODE "log_level = loud\n");
    refused(5, "log_format is", NODE "log_format = xml\n");
    refused(5, "control character", NODE "operator = a\x01\n");
    refused(6, "an origin", NODE "[host]\norigin = a b\n");
    refused(6, "an origin", NODE "[host]\norigin = a+b\n");
    refused(6, "\"events\" or \"opaque\"", NODE "[host]\naccept = all\n");
    refused(9, "100 to 600000", NODE HOST "round_timeout = 99\n");
    refused(9, "100 to 600000", NODE HOST "round_timeout = 600001\n");
    refused(9, "100 to 600000", NODE HOST "round_timeout = 0500\n");
    refused(9, "100 to 600000", NODE HOST "round_timeout = 5s\n");
    refused(9, "60 to 86400", NODE HOST "refresh = 59\n");
    refused(5, "remove \"policy\"", NODE HOST "policy = p\n");
    refused(5, "needs \"policy\"", NODE "[host]\norigin = a\nkey = k\naccept = opaque\n");
    refused(5, "one file", NODE "[mirror]\nkey = k\nwitness_key = k\n");
    refused(9, "key file of [host]", NODE HOST "[mirror]\nkey = k\n");
    refused(9, "key file of [host]", NODE HOST "[mirror]\nkey = m\nwitness_key = k\n");
    char text[2048];
    char path[CONFIG_PATH_MAX + 10];
    memset(path, 'p', sizeof path - 1);
    path[sizeof path - 1] = '\0';
    snprintf(text, sizeof text, "[node]\ndata = %.150s\n", path);
    cr_assert_eq(config_parse(bytes_text(text), path, &config, &why), STATUS_BAD_FORM);
}

/* --- TLS, and who may be heard in clear --- */

#define FAR "[node]\nname = a\nlisten = %s\ndata = d\n"

Test(config, listens_in_clear_on_loopback_only) {
    static const char *const listens[] = {"10.0.0.1:80", "0.0.0.0:80", "[::]:80", "128.0.0.1:80",
                                          "[2001:db8::1]:80"};
    for (size_t i = 0; i < sizeof listens / sizeof listens[0]; i++) {
        char text[512];
        snprintf(text, sizeof text, FAR, listens[i]);
        refused(3, "tls_certificate", text);
        refused(3, "behind_proxy", text);
        refused(3, "127.0.0.1:80", text);
        cr_assert_eq(parse(FAR "tls_certificate = c\ntls_key = k\n", listens[i]), STATUS_OK, "%s",
                     why.text);
        cr_assert_not(config.loopback || config.behind_proxy);
        cr_assert_str_eq(config.tls_certificate, "etc/c");
        cr_assert_str_eq(config.tls_key, "etc/k");
        cr_assert_eq(parse(FAR "behind_proxy = 192.0.2.1\n", listens[i]), STATUS_OK, "%s",
                     why.text);
        cr_assert(config.behind_proxy);
    }
    refused(1, "add the other", NODE "tls_certificate = c\n");
    refused(1, "add the other", NODE "tls_key = c\n");
    refused(5, "IP address", NODE "behind_proxy = yes\n");
    cr_assert_eq(parse(NODE), STATUS_OK);
    cr_assert(config.loopback);
}

Test(config, limits) {
    cr_assert_eq(parse(NODE), STATUS_OK);
    cr_assert_eq(config.limits.connections, 4000);
    cr_assert_eq(config.limits.address_connections, 256);
    cr_assert_eq(config.limits.address_rate, 1000);
    cr_assert_eq(config.limits.issuer_rate, 1000);
    cr_assert_eq(config.limits.body_bytes, 64 << 20);
    cr_assert_eq(
        parse(NODE "known = 192.0.2.1\t 2001:db8::1\nca = a.pem\npassphrase_file = p\n[limits]\n"
                   "connections = 64\naddress_connections = 1\naddress_rate = 0\n"
                   "issuer_rate = 5\nbodies = 8\n"),
        STATUS_OK, "%s", why.text);
    cr_assert_eq(config.limits.connections, 64);
    cr_assert_eq(config.limits.address_connections, 1);
    cr_assert_eq(config.limits.address_rate, 0);
    cr_assert_eq(config.limits.issuer_rate, 5);
    cr_assert_eq(config.limits.body_bytes, 8 << 20);
    cr_assert_eq(config.known_count, 2);
    cr_assert_str_eq(config.ca, "etc/a.pem");
    refused(6, "64 to 100000", NODE "[limits]\nconnections = 63\n");
    refused(6, "1 to 100000", NODE "[limits]\naddress_connections = 0\n");
    refused(6, "0 to 1000000", NODE "[limits]\naddress_rate = -1\n");
    refused(6, "0 to 1000000", NODE "[limits]\nissuer_rate = 1000001\n");
    refused(6, "8 to 65536", NODE "[limits]\nbodies = 7\n");
    refused(6, "stands at line 5", NODE "[limits]\n[limits]\n");
    refused(5, "IP addresses", NODE "known = 192.0.2.1, 192.0.2.2\n");
    char many[2048] = NODE "known =";
    for (int i = 0; i <= CONFIG_KNOWN_MAX; i++) {
        snprintf(many + strlen(many), sizeof many - strlen(many), " ::");
    }
    snprintf(many + strlen(many), sizeof many - strlen(many), "\n");
    refused(5, "more than 32", many);
}

Test(config, refuses_logs) {
    make_vkeys();
    char text[4096];
#define LOG "[log agency.example/log]\nvkey = %s\naccept = events\n"
    snprintf(text, sizeof text, NODE LOG LOG, vkey_of[0], vkey_of[0]);
    refused(8, "stands at line 5", text);
    snprintf(text, sizeof text, NODE LOG, vkey_of[1]);
    refused(6, "cosigner's key", text);
    snprintf(text, sizeof text, NODE LOG, vkey_of[2]);
    refused(6, "must be the same", text);
    char broken[VKEY_SIZE_MAX + 1];
    memcpy(broken, vkey_of[0], sizeof broken);
    broken[strlen(broken) - 2] ^= 1;
    snprintf(text, sizeof text, NODE LOG, broken);
    refused(6, "", text);
    snprintf(text, sizeof text, NODE LOG "pull = 5\n", vkey_of[0]);
    refused(5, "needs \"url\"", text);
    snprintf(text, sizeof text, NODE LOG "pull = 86401\n", vkey_of[0]);
    refused(8, "0 to 86400", text);
    static const char *const urls[] = {"ftp://x", "http://",    "http:///x",   "https://",
                                       "x",       "http://a b", "http://a/?q", "http://a/#f"};
    for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++) {
        snprintf(text, sizeof text, NODE LOG "url = %s\n", vkey_of[0], urls[i]);
        refused(8, "url", text);
    }
    snprintf(text, sizeof text,
             NODE "[host]\norigin = agency.example/log\nkey = k\naccept = events\n" LOG,
             vkey_of[0]);
    refused(9, "hosts that log itself", text);
    refused(5, "needs an origin", NODE "[log ]\n");
    refused(5, "needs an origin", NODE "[log a b]\n");
}

/* Origins are longer than the 49 characters that inih keeps of a section. */
Test(config, long_origins) {
    char origin[131];
    memset(origin, 'o', sizeof origin);
    origin[130] = '\0';
    for (int last = 'a'; last <= 'b'; last++) {
        char text[2048] = NODE;
        for (char c = 'a'; c <= 'b'; c++) {
            origin[129] = c;
            uint8_t seed[SIGN_SEED_SIZE] = {0};
            struct signer signer;
            cr_assert_eq(signer_make(bytes_text(origin), VKEY_NOTE, seed, &signer), STATUS_OK);
            char vkey[VKEY_SIZE_MAX + 1];
            struct writer w;
            writer_init(&w, vkey, VKEY_SIZE_MAX);
            vkey_format(&w, &signer.vkey);
            vkey[w.len] = '\0';
            snprintf(text + strlen(text), sizeof text - strlen(text),
                     "[log %s]\nvkey=%s\naccept=events\n", origin, vkey);
        }
        cr_assert_eq(parse("%s", text), STATUS_OK, "%s", why.text);
        cr_assert_eq(config.log_count, 2);
        cr_assert_neq(strcmp(config.logs[0].vkey.name, config.logs[1].vkey.name), 0);
        node_config_release(&config);
    }
}

Test(config, pins_authorities) {
    make_vkeys();
    cr_assert_eq(parse(NODE
                       "[authority doj]\nroot = %s\nroot = %s\nthreshold = 1\nurl = http://h/\n"
                       "pull = 60\n[authority other]\nroot = %s\nroot = %s\n",
                       vkey_of[0], vkey_of[2], vkey_of[2], vkey_of[0]),
                 STATUS_OK, "%s", why.text);
    cr_assert_eq(config.authority_count, 2);
    const struct config_authority *doj = &config.authorities[0];
    cr_assert_str_eq(doj->pin.name, "doj");
    cr_assert_eq(doj->pin.root_count, 2);
    cr_assert_str_eq(doj->pin.roots[1].name, "other.example/log");
    cr_assert_eq(doj->pin.threshold, 1);
    cr_assert_str_eq(doj->url, "http://h");
    cr_assert_eq(doj->pull_ms, 60000);
    cr_assert_eq(config.authorities[1].pin.threshold, 2); /* all */
    cr_assert_eq(config.authorities[1].pull_ms, 300000);
    cr_assert_str_empty(config.authorities[1].url);
    cr_assert_eq(node_config_reserve(&config), STATUS_OK);
    node_config_release(&config);
}

static void refused_authority(int line, const char *needle, const char *lines) {
    char text[8192];
    snprintf(text, sizeof text, NODE "%s", lines);
    refused(line, needle, text);
}

Test(config, refuses_authorities) {
    char text[4096];
    make_vkeys();
    refused_authority(5, "unknown section", "[authority]\n");
    refused_authority(5, "only a-z", "[authority The DOJ]\n");
    refused_authority(5, "give 1 to 64", "[authority ]\n");
    refused_authority(5, "lacks \"root\"", "[authority doj]\n");
    refused_authority(6, "", "[authority doj]\nroot = no key\n");
    refused_authority(6, "whole number from 1 to 16", "[authority doj]\nthreshold = 0\n");
    snprintf(text, sizeof text, "[authority doj]\nroot = %s\n", vkey_of[1]);
    refused_authority(6, "cosigner", text);
    snprintf(text, sizeof text, "[authority doj]\nroot = %s\nroot = %s\n", vkey_of[0], vkey_of[0]);
    refused_authority(7, "named twice", text);
    snprintf(text, sizeof text, "[authority doj]\nroot = %s\nthreshold = 2\n", vkey_of[0]);
    refused_authority(5, "1 roots and a threshold of 2", text);
    snprintf(text, sizeof text, "[authority doj]\nroot = %s\n[authority doj]\n", vkey_of[0]);
    refused_authority(7, "stands at line 5", text);
    snprintf(text, sizeof text, "[authority doj]\nroot = %s\npull = 86401\n", vkey_of[0]);
    refused_authority(7, "from 0 to 86400", text);
}

/* Every prefix and every one-byte change of a good file is taken or refused, never worse. */
Test(config, mangled) {
    make_vkeys();
    char good[4096];
    snprintf(good, sizeof good,
             NODE HOST "[mirror]\nkey = m\n" LOG "url = http://h\n[authority a]\nroot = %s\n",
             vkey_of[0], vkey_of[2]);
    size_t len = strlen(good);
    size_t refusals = 0;
    for (size_t cut = 0; cut <= len; cut++) {
        if (config_parse(bytes_of(good, cut), "n", &config, &why) == STATUS_OK) {
            node_config_release(&config);
        } else {
            refusals++;
            cr_assert_eq(strncmp(why.text, "n:", 2), 0);
        }
    }
    cr_assert_gt(refusals, 200);
    static const uint8_t changes[] = {0, '\n', '[', ']', '=', ';', ' ', 0xff};
    for (size_t i = 0; i < len; i++) {
        for (size_t k = 0; k < sizeof changes; k++) {
            char kept = good[i];
            good[i] = (char)changes[k];
            if (config_parse(bytes_of(good, len), "n", &config, &why) == STATUS_OK) {
                node_config_release(&config);
            }
            good[i] = kept;
        }
    }
}

Test(config, loads_and_looks_at_files) {
    struct folder folder;
    folder_make(&folder);
    char ini[600];
    char key[600];
    char policy[600];
    snprintf(ini, sizeof ini, "%s/node.ini", folder.path);
    snprintf(key, sizeof key, "%s/k", folder.path);
    snprintf(policy, sizeof policy, "%s/p", folder.path);
    cr_assert_eq(config_load(ini, &config, &why), STATUS_NOT_FOUND);
    const char *text = NODE "[host]\norigin = a\nkey = k\naccept = opaque\npolicy = p\n";
    cr_assert_eq(file_write(ini, bytes_text(text), &why), STATUS_OK);
    cr_assert_eq(config_load(ini, &config, &why), STATUS_NOT_FOUND);
    cr_assert_not_null(strstr(why.text, "node.ini:7: "), "%s", why.text);
    cr_assert_eq(file_write(key, bytes_text("secret"), &why), STATUS_OK);
    cr_assert_eq(config_load(ini, &config, &why), STATUS_NOT_FOUND);
    cr_assert_not_null(strstr(why.text, "node.ini:9: "), "%s", why.text);
    cr_assert_eq(file_write(policy, bytes_text("policy"), &why), STATUS_OK);
    cr_assert_eq(config_load(ini, &config, &why), STATUS_OK, "%s", why.text);
    cr_assert_str_eq(config.host.key, key);
    node_config_release(&config);
    cr_assert_eq(chmod(key, 0640), 0);
    cr_assert_eq(config_load(ini, &config, &why), STATUS_DENIED_KEY);
    cr_assert_not_null(strstr(why.text, "node.ini:7: "), "%s", why.text);
    cr_assert_not_null(strstr(why.text, "chmod 600"), "%s", why.text);
    folder_remove(&folder);
}
