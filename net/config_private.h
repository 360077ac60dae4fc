/* What reading node.ini is made of:
 *
 *   config.c         lines, sections, the table of options, what holds between them
 *   config_values.c  what one value may be */
#ifndef DUTYLOG_NET_CONFIG_PRIVATE_H
#define DUTYLOG_NET_CONFIG_PRIVATE_H

#include "net/config.h"

enum section {
    SECTION_NONE,
    SECTION_NODE,
    SECTION_HOST,
    SECTION_MIRROR,
    SECTION_LIMITS,
    SECTION_LOG,
    SECTION_AUTHORITY
};

struct config_parser {
    const char *path; /* of node.ini, for messages */
    struct bytes folder;
    bool check_files;
    struct bytes rest; /* not yet read */
    unsigned line;
    enum section section;
    unsigned section_line;
    unsigned section_lines[SECTION_LOG]; /* where each of those that come once is; 0: nowhere */
    unsigned listen_line;
    uint64_t seen;                      /* options of this section, by row */
    struct config_log *log;             /* the section's, in out->logs */
    struct config_authority *authority; /* likewise */
    char origin[NAME_SIZE_MAX + 1];     /* of [log ORIGIN] */
    size_t log_cap;
    struct node_config *out;
    bool failed;
    struct refusal *why;
};

/* Refuses at a line; the first refusal stands. Returns false. */
bool config_bad(struct config_parser *p, unsigned line, enum status status, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
#define BAD(p, ...) config_bad((p), (p)->line, STATUS_BAD_FORM, __VA_ARGS__)

/* Each reads a value into its place, or refuses it at the parser's line and returns false. */
bool value_text(struct config_parser *p, const char *value, char *out, size_t cap);
bool value_word(struct config_parser *p, const char *value, char *out, size_t cap);
bool value_origin(struct config_parser *p, const char *value, char *out);
/* A whole number from min to max, times `unit`. */
bool value_number(struct config_parser *p, const char *value, uint64_t min, uint64_t max,
                  uint64_t unit, uint64_t *out);
bool value_path(struct config_parser *p, const char *value, char *out);
/* A path to a file of at most `max` bytes that is there; a secret's: that nobody else can use. */
bool value_file(struct config_parser *p, const char *value, size_t max, char *out);
bool value_secret(struct config_parser *p, const char *value, char *out);
bool value_accept(struct config_parser *p, const char *value, enum config_accept *out);
bool value_url(struct config_parser *p, const char *value, char *out);
/* out->address and out->port. */
bool value_listen(struct config_parser *p, const char *value);
bool value_address(struct config_parser *p, const char *value, struct address *out);
/* Up to CONFIG_KNOWN_MAX, with white space between. */
bool value_known(struct config_parser *p, const char *value);
/* Up to CONFIG_EXEMPT_MAX names of keys, likewise. */
bool value_exempt(struct config_parser *p, const char *value);
bool value_log_level(struct config_parser *p, const char *value);
bool value_log_format(struct config_parser *p, const char *value);
/* The section's log's. */
bool value_vkey(struct config_parser *p, const char *value);
/* One more root of the section's authority. */
bool value_root(struct config_parser *p, const char *value);

#endif
