/* Reading tlog-policy text (https://c2sp.org/tlog-policy). Evaluation is in policy.c. */
#include "ledger/policy.h"

#include <assert.h>
#include <string.h>

/* A group line names at most every witness and every group once, after "group <name> <k>". */
#define MEMBERS_MAX (POLICY_WITNESSES_MAX + POLICY_GROUPS_MAX)
#define WORDS_MAX (3 + MEMBERS_MAX + 1)
/* As much of a name as goes into a refusal: printf takes an int, and a refusal is one line. */
#define QUOTE(name) (int)((name).len < 60 ? (name).len : 60), (const char *)(name).data

static_assert(POLICY_WITNESSES_MAX <= 32, "policy_set has a bit for each witness");
static_assert(MEMBERS_MAX <= UINT8_MAX, "struct policy_group numbers its members in a byte");

struct parser {
    struct policy *policy;
    unsigned line; /* from 1 */
    bool has_quorum;
    bool taken[MEMBERS_MAX]; /* already a member of some group */
    struct bytes words[WORDS_MAX];
    size_t word_count;
    struct refusal *why;
};

#define REFUSE(p, format, ...)                                                                     \
    refuse((p)->why, STATUS_BAD_POLICY, "policy line %u: " format, (p)->line, __VA_ARGS__)

/* "items on each line are separated by ... sequences of ASCII space and tab characters only" */
static bool is_blank(uint8_t c) {
    return c == ' ' || c == '\t';
}

/* "the allowed octet values are 0x09 (tab), 0x0A (newline), 0x20-0x7E, and 0x80-0xFF"; the newline
 * is gone once a line is. */
static bool is_allowed(uint8_t c) {
    return c == '\t' || (c >= 0x20 && c != 0x7f);
}

static enum status split(struct parser *p, struct bytes line) {
    size_t at = 0;
    p->word_count = 0;
    for (size_t i = 0; i < line.len; i++) {
        if (!is_allowed(line.data[i])) {
            return REFUSE(p, "byte 0x%02x is not allowed in a policy", line.data[i]);
        }
    }
    for (;;) {
        while (at < line.len && is_blank(line.data[at])) {
            at++;
        }
        if (at == line.len) {
            return STATUS_OK;
        }
        if (p->word_count == 0 && line.data[at] == '#') {
            return STATUS_OK;
        }
        if (p->word_count == WORDS_MAX) {
            return REFUSE(p, "more than %d items", WORDS_MAX);
        }
        size_t start = at;
        while (at < line.len && !is_blank(line.data[at])) {
            at++;
        }
        p->words[p->word_count++] = bytes_of(line.data + start, at - start);
    }
}

static bool is_word(struct bytes word, const char *text) {
    return bytes_equal(word, bytes_text(text));
}

/* "Witnesses and groups share a single namespace." The member number of a name, or -1. */
static int find_name(const struct policy *policy, struct bytes name) {
    for (size_t i = 0; i < policy->witness_count; i++) {
        if (bytes_equal(policy->witnesses[i].name, name)) {
            return (int)i;
        }
    }
    for (size_t i = 0; i < policy->group_count; i++) {
        if (bytes_equal(policy->groups[i].name, name)) {
            return (int)(POLICY_WITNESSES_MAX + i);
        }
    }
    return -1;
}

static enum status check_new_name(struct parser *p, struct bytes name) {
    if (is_word(name, "none")) {
        return REFUSE(p, "the name %s is reserved", "none");
    }
    if (find_name(p->policy, name) >= 0) {
        return REFUSE(p, "the name %.*s is defined twice", QUOTE(name));
    }
    return STATUS_OK;
}

static enum status read_key(struct parser *p, struct bytes word, enum vkey_type type,
                            struct vkey *out) {
    struct refusal inner;
    if (vkey_parse(word, out, &inner) != STATUS_OK) {
        return REFUSE(p, "%s", inner.text);
    }
    if (out->type != type) {
        return REFUSE(p, "the key of %.60s is of type 0x%02x, and 0x%02x is needed here", out->name,
                      (unsigned)out->type, (unsigned)type);
    }
    return STATUS_OK;
}

/* The URL without the slash that it may end in, so that paths are appended in one way only. */
static enum status read_url(struct parser *p, struct bytes word, char out[POLICY_URL_MAX + 1]) {
    if (word.len > 0 && word.data[word.len - 1] == '/') {
        word.len--;
    }
    if (word.len > POLICY_URL_MAX) {
        return REFUSE(p, "the URL is longer than %d bytes", POLICY_URL_MAX);
    }
    memcpy(out, word.data, word.len);
    out[word.len] = '\0';
    return STATUS_OK;
}

/* "Two vkeys are considered duplicate if they wrap the same underlying public key, even if they
 * differ by key name and key id." The other way round, one name and ID over two public keys, is
 * refused as well: a signature line then belongs to both, and fails for one of them. */
static enum status check_key(struct parser *p, const struct vkey *key, const struct vkey *other) {
    if (memcmp(key->key.bytes, other->key.bytes, sizeof key->key.bytes) == 0) {
        return REFUSE(p, "the public key of %.60s is listed already", key->name);
    }
    if (key->id == other->id && bytes_equal(vkey_name(key), vkey_name(other))) {
        return REFUSE(p, "another key is listed under the name %.60s and the same key ID",
                      key->name);
    }
    return STATUS_OK;
}

/* log <vkey> [<url>] */
static enum status read_log(struct parser *p) {
    struct policy *policy = p->policy;
    if (p->word_count < 2 || p->word_count > 3) {
        return REFUSE(p, "%s", "a log line is: log <vkey> [<url>]");
    }
    if (policy->log_count == POLICY_LOGS_MAX) {
        return REFUSE(p, "more than %d logs", POLICY_LOGS_MAX);
    }
    struct policy_log *log = &policy->logs[policy->log_count];
    TRY(read_key(p, p->words[1], VKEY_NOTE, &log->vkey));
    for (size_t i = 0; i < policy->log_count; i++) {
        TRY(check_key(p, &log->vkey, &policy->logs[i].vkey));
    }
    if (p->word_count == 3) {
        TRY(read_url(p, p->words[2], log->url));
    }
    policy->log_count++;
    return STATUS_OK;
}

/* witness <name> <vkey> [<url>] */
static enum status read_witness(struct parser *p) {
    struct policy *policy = p->policy;
    if (p->word_count < 3 || p->word_count > 4) {
        return REFUSE(p, "%s", "a witness line is: witness <name> <vkey> [<url>]");
    }
    if (policy->witness_count == POLICY_WITNESSES_MAX) {
        return REFUSE(p, "more than %d witnesses", POLICY_WITNESSES_MAX);
    }
    struct policy_witness *witness = &policy->witnesses[policy->witness_count];
    witness->name = p->words[1];
    TRY(check_new_name(p, witness->name));
    TRY(read_key(p, p->words[2], VKEY_COSIGNATURE, &witness->vkey));
    for (size_t i = 0; i < policy->witness_count; i++) {
        TRY(check_key(p, &witness->vkey, &policy->witnesses[i].vkey));
    }
    if (p->word_count == 4) {
        TRY(read_url(p, p->words[3], witness->url));
    }
    policy->witness_count++;
    return STATUS_OK;
}

/* "1 <= k <= n", `any` = 1, `all` = n */
static enum status read_threshold(struct parser *p, struct bytes word, unsigned n, unsigned *out) {
    uint64_t k;
    if (is_word(word, "any")) {
        *out = 1;
    } else if (is_word(word, "all")) {
        *out = n;
    } else if (bytes_to_u64(word, &k) && k >= 1 && k <= n) {
        *out = (unsigned)k;
    } else {
        return REFUSE(p, "the threshold %.*s is not any, all, or a number from 1 to %u",
                      QUOTE(word), n);
    }
    return STATUS_OK;
}

/* group <name> all|any|<k> <name>... */
static enum status read_group(struct parser *p) {
    struct policy *policy = p->policy;
    if (p->word_count < 4) {
        return REFUSE(p, "%s", "a group line is: group <name> all|any|<k> <name>...");
    }
    if (policy->group_count == POLICY_GROUPS_MAX) {
        return REFUSE(p, "more than %d groups", POLICY_GROUPS_MAX);
    }
    struct policy_group *group = &policy->groups[policy->group_count];
    group->name = p->words[1];
    TRY(check_new_name(p, group->name));
    group->count = 0;
    for (size_t i = 3; i < p->word_count; i++) {
        /* Only names of preceding lines are known, so groups cannot be circular; `none` never is
         * one of them. */
        int member = find_name(policy, p->words[i]);
        if (member < 0) {
            return REFUSE(p, "the name %.*s is not defined above", QUOTE(p->words[i]));
        }
        if (p->taken[member]) {
            return REFUSE(p, "%.*s is a group member already", QUOTE(p->words[i]));
        }
        p->taken[member] = true;
        assert(group->count < MEMBERS_MAX); /* each name is taken once */
        group->members[group->count++] = (uint8_t)member;
    }
    TRY(read_threshold(p, p->words[2], group->count, &group->threshold));
    policy->group_count++;
    return STATUS_OK;
}

/* quorum <name> */
static enum status read_quorum(struct parser *p) {
    if (p->word_count != 2) {
        return REFUSE(p, "%s", "a quorum line is: quorum <name>");
    }
    if (p->has_quorum) {
        return REFUSE(p, "%s", "a second quorum line");
    }
    p->has_quorum = true;
    if (is_word(p->words[1], "none")) {
        p->policy->quorum = -1;
        return STATUS_OK;
    }
    p->policy->quorum = find_name(p->policy, p->words[1]);
    if (p->policy->quorum < 0) {
        return REFUSE(p, "the name %.*s is not defined above", QUOTE(p->words[1]));
    }
    return STATUS_OK;
}

static enum status read_line(struct parser *p, struct bytes line) {
    static const struct {
        const char *keyword;
        enum status (*read)(struct parser *p);
    } lines[] = {
        {"log", read_log},
        {"witness", read_witness},
        {"group", read_group},
        {"quorum", read_quorum},
    };
    TRY(split(p, line));
    if (p->word_count == 0) {
        return STATUS_OK;
    }
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        if (is_word(p->words[0], lines[i].keyword)) {
            return lines[i].read(p);
        }
    }
    return REFUSE(p, "it starts with %.*s, not with log, witness, group or quorum",
                  QUOTE(p->words[0]));
}

/* Groups only have members defined before them, so one pass from the last to the first reaches
 * everything below the quorum. */
static void mark_quorum(struct policy *policy) {
    bool reached[MEMBERS_MAX] = {false};
    if (policy->quorum < 0) {
        return;
    }
    reached[policy->quorum] = true;
    for (size_t i = policy->group_count; i-- > 0;) {
        const struct policy_group *group = &policy->groups[i];
        for (unsigned j = 0; reached[POLICY_WITNESSES_MAX + i] && j < group->count; j++) {
            reached[group->members[j]] = true;
        }
    }
    for (size_t i = 0; i < policy->witness_count; i++) {
        policy->witnesses[i].in_quorum = reached[i];
    }
}

enum status policy_parse(struct bytes text, struct policy *out, struct refusal *why) {
    struct policy policy = {.quorum = -1};
    struct parser p = {.policy = &policy, .why = why};
    struct reader r;
    reader_init(&r, text);
    while (r.rest.len > 0) {
        struct bytes line;
        p.line++;
        if (!reader_line(&r, &line)) {
            return REFUSE(&p, "%s", "it does not end in a newline");
        }
        TRY(read_line(&p, line));
    }
    if (!p.has_quorum) {
        return refuse(why, STATUS_BAD_POLICY, "the policy lacks its quorum line");
    }
    mark_quorum(&policy);
    *out = policy;
    return STATUS_OK;
}
