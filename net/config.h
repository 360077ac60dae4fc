/* node.ini: what a node is. Roles are sections:
 *
 *     [node]                          ; once, always
 *     name = agency                   ; shown to people; [a-z0-9._-]
 *     listen = 127.0.0.1:8080         ; port 0: any free one. Off loopback only with one of:
 *     tls_certificate = node.pem      ; PEM, the node's own first; read anew when it changes
 *     tls_key = node.key              ; secret, PEM
 *     behind_proxy = 192.0.2.1        ; a proxy that does TLS: no other may connect in clear, and
 *                                     ; its X-Forwarded-For is who asks
 *     passphrase_file = words         ; its first line opens locked keys; secret, or a credential
 *     ca = authorities.pem            ; trust these with https://, not the system's; optional
 *     known = 192.0.2.7 2001:db8::1   ; clients with places of their own in a flood; optional
 *     data = data                     ; folder; paths are relative to the folder of node.ini
 *     gossip = 600                    ; seconds between rounds of asking peers; 0: never; to 86400
 *     log_level = info                ; debug, info, warn, error, off
 *     log_format = text               ; or json
 *     operator = Town of Springfield  ; who runs this node; optional
 *     head = ../head                  ; file outside the data folder that tells an old folder from
 *                                     ; the present one (ledger/guard.h); made by dutylog keygen
 *     exempt = a.example/mirror       ; keys' names, a space between: the guard does not wait to
 *                                     ; hear of them; optional, at most 8
 *
 *     [host]                          ; a log of its own; optional
 *     origin = agency.example/log
 *     key = log.key                   ; secret: 0x01 key of that name
 *     accept = events                 ; or opaque
 *     policy = policy.txt             ; with opaque only: events take theirs from the log
 *     round_timeout = 5000            ; milliseconds, 100 to 600000
 *     refresh = 3600                  ; seconds, 60 to 86400
 *
 *     [mirror]                        ; cosign what is mirrored; optional
 *     key = mirror.key                ; secret: 0x04
 *     witness_key = witness.key       ; secret: 0x04, another; optional
 *
 *     [limits]                        ; optional, as each line; these are the defaults
 *     connections = 4000              ; 64 to 100000
 *     address_connections = 256       ; of one address
 *     address_rate = 1000             ; requests a second of one address, four seconds' at once;
 *                                     ; 0: any
 *     issuer_rate = 1000              ; events a second of one issuer, a minute's at once; 0: any
 *     bodies = 64                     ; MiB of all request bodies in flight, 8 to 65536
 *
 *     [log agency.example/log]        ; a log to mirror; any number
 *     vkey = agency.example/log+…     ; its name is the origin
 *     accept = events                 ; or opaque
 *     url = http://127.0.0.1:8080     ; where its tiles can be had; needed if pull is not 0
 *     pull = 0                        ; seconds between pulls, at most 86400; 0: it pushes to us
 *     operator = Town of Springfield  ; who runs it; optional
 *
 *     [authority doj]                 ; pins roots (specs/registry.md); up to 16, optional
 *     root = doj.example/root-1+…     ; a vkey; one line for each, up to 16
 *     threshold = 2                   ; how many must have signed a log's opening; all, if not said
 *     url = https://log.doj.example   ; where the authority's own log is to be had; optional
 *     pull = 300                      ; seconds between pulls of the logs that it recognises, to
 *                                     ; 86400; 0: they are not mirrored
 *
 * An unknown section or option, a duplicate, a bad or missing value, a secret that others can read:
 * refused, with file:line and what to do. Key files are checked for existence and permissions here
 * and loaded by the node. */
#ifndef DUTYLOG_NET_CONFIG_H
#define DUTYLOG_NET_CONFIG_H

#include "ledger/limits.h"
#include "ledger/recognition.h"
#include "ledger/vkey.h"
#include "net/log.h"
#include "net/peers.h"

#include <stdint.h>

#define CONFIG_PATH_MAX 1024
#define CONFIG_TEXT_MAX 200
#define CONFIG_LOGS_MAX 4096
#define CONFIG_KNOWN_MAX 32
#define CONFIG_AUTHORITIES_MAX 16
#define CONFIG_EXEMPT_MAX 8
#define CONFIG_CA_MAX (4 * 1024 * 1024)
#define CONFIG_SIZE_MAX (4 * 1024 * 1024)

enum config_accept { ACCEPT_EVENTS, ACCEPT_OPAQUE };

struct config_host {
    char origin[NAME_SIZE_MAX + 1];
    enum config_accept accept;
    char key[CONFIG_PATH_MAX];
    char policy[CONFIG_PATH_MAX]; /* "" unless opaque */
    uint64_t round_timeout_ms;
    uint64_t refresh_ms;
};

struct config_mirror {
    char key[CONFIG_PATH_MAX];
    char witness_key[CONFIG_PATH_MAX]; /* "" if none */
};

struct config_log {
    struct vkey vkey;
    enum config_accept accept;
    char url[CONFIG_TEXT_MAX + 1]; /* "" if none; without a final slash */
    uint64_t pull_ms;              /* 0: push only */
    char operator_name[CONFIG_TEXT_MAX + 1];
    unsigned line; /* of the section, for messages; 0: of no section, since an authority recognised
                      the log (net/recogniser.h) */
};

struct config_authority {
    struct pin pin;
    char url[CONFIG_TEXT_MAX + 1]; /* "" if none; without a final slash */
    uint64_t pull_ms;              /* 0: what it recognises is not mirrored */
    unsigned line;
};

struct config_limits {
    uint64_t connections;
    uint64_t address_connections;
    uint64_t address_rate;
    uint64_t issuer_rate;
    uint64_t body_bytes;
};

/* Strings are terminated; paths are resolved. Owns `logs` and `authorities`: node_config_release.
 */
struct node_config {
    char name[NAME_SIZE_MAX + 1];
    char address[64]; /* "127.0.0.1", "::1" */
    uint16_t port;
    bool loopback;                         /* it listens there */
    char tls_certificate[CONFIG_PATH_MAX]; /* "" if none; then tls_key is too */
    char tls_key[CONFIG_PATH_MAX];
    char ca[CONFIG_PATH_MAX]; /* "": the system's */
    bool behind_proxy;
    struct address proxy;
    struct address known[CONFIG_KNOWN_MAX];
    size_t known_count;
    char data[CONFIG_PATH_MAX];
    uint64_t gossip_ms;                    /* 0: never */
    char passphrase_file[CONFIG_PATH_MAX]; /* "": keys are not locked */
    char head[CONFIG_PATH_MAX];            /* "": none, and the guard is weaker */
    char exempt[CONFIG_EXEMPT_MAX][NAME_SIZE_MAX + 1];
    size_t exempt_count;
    enum log_level log_level;
    enum log_format log_format; /* LOG_TEXT unless given */
    char operator_name[CONFIG_TEXT_MAX + 1];
    bool has_host;
    struct config_host host;
    bool has_mirror;
    struct config_mirror mirror;
    struct config_limits limits;
    struct config_log *logs;
    size_t log_count;
    struct config_authority *authorities;
    size_t authority_count;
};

/* Reads and checks everything, including that key and policy files are there. BAD_FORM with "file:
 * line: …", NOT_FOUND, IO, NOMEM; DENIED_KEY: a key file that others can read. `out` is untouched
 * on failure, and to be released on success. */
enum status config_load(const char *path, struct node_config *out, struct refusal *why) MUST_USE;
/* The same of text in memory, looking at no other file; `path` is for messages and to resolve
 * paths. */
enum status config_parse(struct bytes text, const char *path, struct node_config *out,
                         struct refusal *why) MUST_USE;
void node_config_release(struct node_config *config);
/* Makes room for CONFIG_LOGS_MAX logs at once, so that what points at one of them may stay. NOMEM.
 */
enum status node_config_reserve(struct node_config *config) MUST_USE;

#endif
