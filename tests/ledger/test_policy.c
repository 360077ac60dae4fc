/* Trust policies: one refusal per rule of tlog-policy, the quorum and split rules against brute
 * force over every assignment of small random policies, and checkpoints against policies. */
#include "ledger/cosignature.h"
#include "ledger/policy.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#define W POLICY_WITNESSES_MAX

static struct signer log_signer;
static struct signer other_log;
static struct signer witnesses[W + 1];
static char log_vkey[VKEY_SIZE_MAX + 1];
static char other_vkey[VKEY_SIZE_MAX + 1];
static char witness_vkey[W + 1][VKEY_SIZE_MAX + 1];

static void make_key(const char *name, enum vkey_type type, uint8_t number, struct signer *signer,
                     char text[VKEY_SIZE_MAX + 1]) {
    struct writer w;
    uint8_t seed[SIGN_SEED_SIZE] = {number, (uint8_t)type};
    cr_assert_eq(signer_make(bytes_text(name), type, seed, signer), STATUS_OK);
    writer_init(&w, text, VKEY_SIZE_MAX);
    vkey_format(&w, &signer->vkey);
    cr_assert_not(w.failed);
    text[w.len] = '\0';
}

static void setup(void) {
    cr_assert(crypto_init());
    make_key("log.example", VKEY_NOTE, 200, &log_signer, log_vkey);
    make_key("other.example", VKEY_NOTE, 201, &other_log, other_vkey);
    for (unsigned i = 0; i <= W; i++) {
        char name[32];
        snprintf(name, sizeof name, "w%u.example", i);
        make_key(name, VKEY_COSIGNATURE, (uint8_t)i, &witnesses[i], witness_vkey[i]);
    }
}

TestSuite(policy, .init = setup);

/* Policy text with $L, $M for the log keys and $0.. $9 for witness keys. */
static struct bytes expand(const char *pattern) {
    static char text[65536];
    size_t len = 0;
    for (const char *c = pattern; *c != '\0'; c++) {
        const char *key = NULL;
        if (c[0] == '$' && c[1] == 'L') {
            key = log_vkey;
        } else if (c[0] == '$' && c[1] == 'M') {
            key = other_vkey;
        } else if (c[0] == '$') {
            key = witness_vkey[c[1] - '0'];
        }
        if (key != NULL) {
            memcpy(text + len, key, strlen(key));
            len += strlen(key);
            c++;
        } else {
            text[len++] = *c;
        }
        cr_assert_lt(len, sizeof text - VKEY_SIZE_MAX);
    }
    return bytes_of(text, len);
}

static void parse(const char *pattern, struct policy *out) {
    struct refusal why = {0};
    cr_assert_eq(policy_parse(expand(pattern), out, &why), STATUS_OK, "%s: %s", pattern, why.text);
}

static void refused(const char *pattern, const char *expected) {
    static struct policy policy;
    static struct policy before;
    struct refusal why = {0};
    memset(&policy, 0x5a, sizeof policy);
    memset(&before, 0x5a, sizeof before);
    cr_expect_eq(policy_parse(expand(pattern), &policy, &why), STATUS_BAD_POLICY, "%s", pattern);
    cr_expect_eq(why.status, STATUS_BAD_POLICY);
    cr_expect(strstr(why.text, expected) != NULL, "%s: %s", pattern, why.text);
    cr_expect_eq(memcmp(&policy, &before, sizeof policy), 0, "output touched on failure");
}

Test(policy, reads_every_line_form) {
    static struct policy p;
    parse("# a comment\n"
          " \t\n"
          "\t # another\n"
          " log\t$L  https://log.example/ \n"
          "log $M\n"
          "witness X1 $0 https://w0.example/x\n"
          "witness K\xe2\x84\xaa $1\n"
          "witness #2 $2\n"
          "group any 2 X1 K\xe2\x84\xaa #2\n"
          "witness 3 $3\n"
          "group top all any 3\n"
          "witness outside $4\n"
          "group unused any outside\n"
          "quorum top\n",
          &p);
    cr_assert_eq(p.log_count, 2);
    cr_assert(vkey_equal(&p.logs[0].vkey, &log_signer.vkey));
    cr_assert_str_eq(p.logs[0].url, "https://log.example");
    cr_assert_str_eq(p.logs[1].url, "");
    cr_assert_eq(p.witness_count, 5);
    cr_assert(bytes_equal(p.witnesses[1].name, bytes_text("K\xe2\x84\xaa")));
    cr_assert_str_eq(p.witnesses[0].url, "https://w0.example/x");
    cr_assert_eq(p.group_count, 3);
    cr_assert_eq(p.groups[0].threshold, 2);
    cr_assert_eq(p.groups[0].count, 3);
    cr_assert_eq(p.groups[1].threshold, 2);
    cr_assert_eq(p.quorum, W + 1);
    for (unsigned i = 0; i < 5; i++) {
        cr_assert_eq(p.witnesses[i].in_quorum, i < 4, "witness %u", i);
    }
}

Test(policy, quorum_may_be_a_witness_or_none) {
    static struct policy p;
    parse("witness a $0\nwitness b $1\nquorum b\n", &p);
    cr_assert_eq(p.quorum, 1);
    cr_assert_not(p.witnesses[0].in_quorum);
    cr_assert(p.witnesses[1].in_quorum);
    cr_assert_not(policy_quorum_met(&p, 1));
    cr_assert(policy_quorum_met(&p, 2));
    cr_assert_not(policy_can_split(&p));
    parse("witness a $0\nwitness b $1\nquorum a\n", &p);
    cr_assert_eq(p.quorum, 0);
    cr_assert(p.witnesses[0].in_quorum);
    cr_assert_not(p.witnesses[1].in_quorum);
    cr_assert_not(policy_quorum_met(&p, 2));
    cr_assert(policy_quorum_met(&p, 1));
    cr_assert_not(policy_can_split(&p));
    parse("log $L\nquorum none\n", &p);
    cr_assert_eq(p.quorum, -1);
    cr_assert(policy_quorum_met(&p, 0));
    cr_assert(policy_can_split(&p));
}

Test(policy, refuses_each_broken_rule_with_its_line) {
    refused("", "lacks its quorum");
    refused("log $L\n", "lacks its quorum");
    refused("quorum none", "line 1: it does not end in a newline");
    refused("quorum none\nquorum none\n", "line 2: a second quorum");
    refused("quorum\n", "line 1: a quorum line is");
    refused("quorum none none\n", "line 1: a quorum line is");
    refused("\n\nquorum a\nwitness a $0\n", "line 3: the name a is not defined above");
    refused("Log $L\nquorum none\n", "line 1: it starts with Log");
    refused("log $L\r\nquorum none\n", "line 1: byte 0x0d");
    refused("# \x7f\nquorum none\n", "line 1: byte 0x7f");
    refused("log\nquorum none\n", "line 1: a log line is");
    refused("log $L url more\nquorum none\n", "line 1: a log line is");
    refused("log nonsense\nquorum none\n", "line 1: ");
    refused("log $0\nquorum none\n", "the key of w0.example is of type 0x04, and 0x01");
    refused("witness a $L\nquorum none\n", "the key of log.example is of type 0x01, and 0x04");
    refused("witness a\nquorum none\n", "a witness line is");
    refused("witness a $0 url more\nquorum none\n", "a witness line is");
    refused("log $L\nlog $L\nquorum none\n", "line 2: the public key of log.example is listed");
    refused("log $L\nlog $M\nlog $M\nquorum none\n", "line 3: the public key of other.example");
    refused("witness a $0\nwitness b $1\nwitness c $1\nquorum none\n",
            "line 3: the public key of w1.example is listed");
    refused("witness a $0\nwitness b $0\nquorum none\n", "the public key of w0.example is listed");
    refused("witness a $0\nwitness a $1\nquorum none\n", "line 2: the name a is defined twice");
    refused("witness a $0\ngroup a any a\nquorum none\n", "line 2: the name a is defined twice");
    refused("witness a $0\ngroup g any a\nwitness g $1\nquorum g\n", "the name g is defined twice");
    refused("witness none $0\nquorum none\n", "the name none is reserved");
    refused("witness a $0\ngroup none any a\nquorum none\n", "the name none is reserved");
    refused("group g any none\nquorum none\n", "the name none is not defined above");
    refused("group g any g\nquorum none\n", "the name g is not defined above");
    refused("witness a $0\ngroup g any h\ngroup h any a\nquorum g\n", "line 2: the name h is not");
    refused("witness a $0\ngroup g any\nquorum none\n", "a group line is");
    refused("witness a $0\ngroup g 0 a\nquorum g\n", "the threshold 0 is not");
    refused("witness a $0\ngroup g 2 a\nquorum g\n", "a number from 1 to 1");
    refused("witness a $0\ngroup g 01 a\nquorum g\n", "the threshold 01 is not");
    refused("witness a $0\ngroup g +1 a\nquorum g\n", "the threshold +1 is not");
    refused("witness a $0\ngroup g most a\nquorum g\n", "the threshold most is not");
    refused("witness a $0\ngroup g any a a\nquorum g\n", "a is a group member already");
    refused("witness a $0\nwitness b $1\ngroup g any a\ngroup h any a b\nquorum h\n",
            "line 4: a is a group member already");
}

/* The same public key under another name is a duplicate as well. */
Test(policy, refuses_a_key_under_two_names) {
    struct signer twin;
    char text[VKEY_SIZE_MAX + 1];
    char pattern[1024];
    make_key("twin.example", VKEY_COSIGNATURE, 0, &twin, text);
    snprintf(pattern, sizeof pattern, "witness a $0\nwitness b %s\nquorum none\n", text);
    refused(pattern, "line 2: the public key of twin.example is listed");
    make_key("twin.example", VKEY_NOTE, 200, &twin, text);
    snprintf(pattern, sizeof pattern, "log $L\nlog %s\nquorum none\n", text);
    refused(pattern, "line 2: the public key of twin.example is listed");
}

Test(policy, url_length_is_bounded) {
    static struct policy p;
    char url[POLICY_URL_MAX + 2];
    char pattern[1024];
    memset(url, 'u', sizeof url);
    url[POLICY_URL_MAX + 1] = '\0';
    snprintf(pattern, sizeof pattern, "log $L %s\nquorum none\n", url);
    refused(pattern, "the URL is longer than 256");
    url[POLICY_URL_MAX] = '\0';
    snprintf(pattern, sizeof pattern, "log $L %s\nquorum none\n", url);
    parse(pattern, &p);
    cr_assert_str_eq(p.logs[0].url, url);
}

/* Writes `count` witness lines, then `groups` groups of nothing but the last witness or group. */
static void large(char *out, size_t cap, unsigned count, unsigned groups) {
    size_t len = 0;
    for (unsigned i = 0; i < count; i++) {
        len += (size_t)snprintf(out + len, cap - len, "witness w%u %s\n", i, witness_vkey[i]);
    }
    for (unsigned i = 0; i < groups; i++) {
        len += (size_t)snprintf(out + len, cap - len, "group g%u any %c%u\n", i, i == 0 ? 'w' : 'g',
                                i == 0 ? 0 : i - 1);
    }
    snprintf(out + len, cap - len, "quorum none\n");
}

Test(policy, holds_32_of_each_and_no_more) {
    static struct policy p;
    static char text[32768];
    large(text, sizeof text, W, POLICY_GROUPS_MAX);
    parse(text, &p);
    cr_assert_eq(p.witness_count, W);
    cr_assert_eq(p.group_count, POLICY_GROUPS_MAX);
    large(text, sizeof text, W + 1, 0);
    refused(text, "line 33: more than 32 witnesses");
    large(text, sizeof text, 1, POLICY_GROUPS_MAX + 1);
    refused(text, "line 34: more than 32 groups");
    size_t len = 0;
    for (unsigned i = 0; i <= POLICY_LOGS_MAX; i++) {
        struct signer signer;
        char vkey[VKEY_SIZE_MAX + 1];
        make_key("many.example", VKEY_NOTE, (uint8_t)(i + 1), &signer, vkey);
        len += (size_t)snprintf(text + len, sizeof text - len, "log %s\n", vkey);
    }
    snprintf(text + len, sizeof text - len, "quorum none\n");
    refused(text, "line 33: more than 32 logs");
}

/* --- quorum and split, by brute force --- */

static uint32_t seed = 1;
static uint32_t draw(uint32_t below) {
    seed = seed * 1664525 + 1013904223;
    return (seed >> 8) % below;
}

/* The definition, as it is written: "at least k of its n members have witnessed". */
static bool naive_met(const struct policy *p, int member, policy_set have) {
    if (member < W) {
        return (have >> member & 1) != 0;
    }
    const struct policy_group *g = &p->groups[member - W];
    unsigned count = 0;
    for (unsigned i = 0; i < g->count; i++) {
        count += naive_met(p, g->members[i], have);
    }
    return count >= g->threshold;
}

static bool naive_split(const struct policy *p) {
    policy_set all = ((policy_set)1 << p->witness_count) - 1;
    for (policy_set a = 0; a <= all; a++) {
        /* If any set disjoint from `a` meets the quorum, the complement does. */
        if (naive_met(p, p->quorum, a) && naive_met(p, p->quorum, all & ~a)) {
            return true;
        }
    }
    return false;
}

/* A random tree: items are grouped until one is left, or a few stay outside. */
static void random_policy(struct policy *p) {
    char text[8192];
    char names[16][8];
    size_t len = 0;
    unsigned count = 1 + draw(7);
    unsigned groups = 0;
    for (unsigned i = 0; i < count; i++) {
        len +=
            (size_t)snprintf(text + len, sizeof text - len, "witness w%u %s\n", i, witness_vkey[i]);
        snprintf(names[i], sizeof names[i], "w%u", i);
    }
    while (count > 1 || groups == 0) {
        unsigned take = 1 + draw(count);
        unsigned k = 1 + draw(take);
        len += (size_t)snprintf(text + len, sizeof text - len, "group g%u %u", groups, k);
        for (unsigned i = 0; i < take; i++) {
            unsigned which = draw(count);
            len += (size_t)snprintf(text + len, sizeof text - len, " %s", names[which]);
            memmove(names[which], names[--count], sizeof names[0]);
        }
        len += (size_t)snprintf(text + len, sizeof text - len, "\n");
        snprintf(names[count++], sizeof names[0], "g%u", groups++);
        if (draw(6) == 0) {
            break;
        }
    }
    snprintf(text + len, sizeof text - len, "quorum g%u\n", groups - 1);
    struct refusal why;
    cr_assert_eq(policy_parse(bytes_text(text), p, &why), STATUS_OK, "%s%s", text, why.text);
}

Test(policy, quorum_and_split_agree_with_brute_force) {
    static struct policy p;
    unsigned split = 0;
    unsigned nested = 0;
    for (unsigned round = 0; round < 3000; round++) {
        random_policy(&p);
        for (policy_set have = 0; have < (policy_set)1 << p.witness_count; have++) {
            cr_assert_eq(policy_quorum_met(&p, have), naive_met(&p, p.quorum, have));
        }
        cr_assert_eq(policy_can_split(&p), naive_split(&p), "round %u", round);
        split += policy_can_split(&p);
        nested += p.group_count > 2;
    }
    cr_assert_gt(split, 300);
    cr_assert_lt(split, 2700);
    cr_assert_gt(nested, 300);
}

Test(policy, quorum_time_is_the_smallest_that_meets) {
    static struct policy p;
    for (unsigned round = 0; round < 1000; round++) {
        uint64_t times[W] = {0};
        uint64_t expected = UINT64_MAX;
        uint64_t got = 12345;
        random_policy(&p);
        for (size_t i = 0; i < p.witness_count; i++) {
            times[i] = draw(5);
        }
        for (uint64_t t = 0; t < 5 && expected == UINT64_MAX; t++) {
            policy_set have = 0;
            for (size_t i = 0; i < p.witness_count; i++) {
                have |= (policy_set)(times[i] > 0 && times[i] <= t) << i;
            }
            expected = naive_met(&p, p.quorum, have) ? t : UINT64_MAX;
        }
        bool found = policy_quorum_time(&p, times, &got);
        cr_assert_eq(found, expected != UINT64_MAX);
        cr_assert_eq(got, found ? expected : 12345);
    }
    uint64_t none[W] = {0};
    uint64_t time = 7;
    parse("quorum none\n", &p);
    cr_assert(policy_quorum_time(&p, none, &time));
    cr_assert_eq(time, 0);
}

/* --- the refusals of a log's own policy --- */

#define TWO_OF_THREE                                                                               \
    "log $L\nwitness a $0\nwitness b $1\nwitness c $2\nwitness d $3\ngroup g 2 a b c\nquorum g\n"

/* Who runs $0, $1, ... in that order; the last one named runs the others too. */
static void name_operators(const char *list, struct bytes operators[W]) {
    for (size_t i = 0; i < W; i++) {
        size_t len = strcspn(list, " ");
        operators[i] = bytes_of(list, len);
        list += list[len] == ' ' ? len + 1 : 0;
    }
}

static void unsafe(const char *pattern, const struct vkey *log, const char *run_by,
                   const char *expected) {
    static struct policy p;
    struct refusal why = {0};
    struct bytes operators[W];
    parse(pattern, &p);
    name_operators(run_by, operators);
    enum status status = policy_check_safe(&p, log, bytes_text("agency"), operators, &why);
    cr_expect_eq(status, expected == NULL ? STATUS_OK : STATUS_BAD_POLICY, "%s", pattern);
    cr_expect(expected == NULL || strstr(why.text, expected) != NULL, "%s", why.text);
}

Test(policy, a_safe_policy_passes_and_each_unsafe_one_is_refused) {
    static struct policy p;
    struct refusal why;
    unsafe(TWO_OF_THREE, &log_signer.vkey, "state doj newsroom", NULL);
    unsafe(TWO_OF_THREE, NULL, "state doj newsroom", NULL);
    unsafe(TWO_OF_THREE, &other_log.vkey, "state doj newsroom", "another log key");
    unsafe(TWO_OF_THREE, NULL, "agency", "w0.example is in the quorum and run by");
    unsafe("witness a $0\nquorum a\n", NULL, "state", "exactly that log, not 0");
    unsafe("log $L\nlog $M\nwitness a $0\nquorum a\n", NULL, "state", "exactly that log, not 2");
    unsafe("log $L\nquorum none\n", NULL, "state", "two disjoint sets");
    unsafe("log $L\nwitness a $0\nwitness b $1\ngroup g any a b\nquorum g\n", NULL, "state",
           "two disjoint sets");
    /* Only the quorum's witnesses may not be the operator's own. */
    struct bytes operators[W] = {bytes_text("state"), bytes_text("doj"), bytes_text("newsroom"),
                                 bytes_text("agency")};
    parse(TWO_OF_THREE, &p);
    cr_assert_eq(policy_check_safe(&p, NULL, bytes_text("agency"), operators, &why), STATUS_OK);
    operators[2] = bytes_text("agency");
    cr_assert_eq(policy_check_safe(&p, NULL, bytes_text("agency"), operators, &why),
                 STATUS_BAD_POLICY);
    cr_assert(strstr(why.text, "w2.example") != NULL);
}

#define FOUR "log $L\nwitness a $0\nwitness b $1\nwitness c $2\nwitness d $3\n"

#define TWICE_TWO_OF_THREE                                                                         \
    FOUR "witness e $4\nwitness f $5\ngroup g 2 a b c\ngroup h 2 d e f\ngroup t all g h\n"         \
         "quorum t\n"

Test(policy, no_operator_meets_the_quorum_alone) {
    unsafe(TWO_OF_THREE, NULL, "state state doj", "operators: the mirrors of state alone");
    unsafe(TWO_OF_THREE, NULL, "doj state state", "operators: the mirrors of state alone");
    unsafe(TWO_OF_THREE, NULL, "doj", "must need mirrors of two different operators at least");
    unsafe(TWO_OF_THREE, NULL, "state state.ny doj", NULL);
    /* $3 is outside the quorum, so that its operator has one voice, as the others. */
    unsafe(TWO_OF_THREE, NULL, "state doj newsroom state", NULL);
    unsafe("log $L\nwitness a $0\nquorum a\n", NULL, "state", "the mirrors of state alone");
    unsafe(FOUR "group g 3 a b c d\nquorum g\n", NULL, "state state doj doj", NULL);
    unsafe(FOUR "group g 3 a b c d\nquorum g\n", NULL, "state state doj state",
           "the mirrors of state alone");
    unsafe(TWICE_TWO_OF_THREE, NULL, "state doj newsroom state doj newsroom", NULL);
    unsafe(TWICE_TWO_OF_THREE, NULL, "state state doj doj newsroom city", NULL);
    unsafe(TWICE_TWO_OF_THREE, NULL, "state state doj doj state state", "of state alone");
}

/* Each operator's witnesses as a set, by the definition. */
static bool naive_alone(const struct policy *p, const unsigned *run_by, unsigned operators) {
    for (unsigned o = 0; o < operators; o++) {
        policy_set own = 0;
        for (size_t i = 0; i < p->witness_count; i++) {
            own |= (policy_set)(run_by[i] == o) << i;
        }
        if (naive_met(p, p->quorum, own)) {
            return true;
        }
    }
    return false;
}

Test(policy, what_one_operator_meets_alone_agrees_with_brute_force) {
    static const char *const names[3] = {"state", "doj", "newsroom"};
    static struct policy p;
    unsigned alone = 0;
    unsigned safe = 0;
    for (unsigned round = 0; round < 3000; round++) {
        struct bytes operators[W];
        struct refusal why = {0};
        unsigned run_by[W];
        random_policy(&p);
        p.log_count = 1; /* it lists none, and is asked about no key */
        p.logs[0].vkey = log_signer.vkey;
        for (size_t i = 0; i < p.witness_count; i++) {
            run_by[i] = draw(3);
            operators[i] = bytes_text(names[run_by[i]]);
        }
        if (naive_split(&p)) {
            continue; /* refused for that */
        }
        bool expected = naive_alone(&p, run_by, 3);
        enum status status = policy_check_safe(&p, NULL, bytes_text("agency"), operators, &why);
        cr_assert_eq(status, expected ? STATUS_BAD_POLICY : STATUS_OK, "round %u", round);
        alone += expected;
        safe += !expected;
    }
    cr_assert_gt(alone, 200);
    cr_assert_gt(safe, 200);
}

Test(policy, a_log_may_not_cosign_with_its_own_key) {
    struct signer same;
    char text[VKEY_SIZE_MAX + 1];
    char pattern[1024];
    uint8_t log_seed[SIGN_SEED_SIZE] = {200, VKEY_NOTE};
    struct writer w;
    cr_assert_eq(signer_make(bytes_text("m.example"), VKEY_COSIGNATURE, log_seed, &same),
                 STATUS_OK);
    writer_init(&w, text, VKEY_SIZE_MAX);
    vkey_format(&w, &same.vkey);
    text[w.len] = '\0';
    snprintf(pattern, sizeof pattern, "log $L\nwitness a %s\nquorum a\n", text);
    unsafe(pattern, NULL, "state", "m.example cosigns with the log's own key");
}

/* --- checkpoints --- */

struct signed_checkpoint {
    uint8_t memory[8192];
    struct writer w;
    struct bytes text;
    struct note note;
    struct checkpoint checkpoint;
};

static void start(struct signed_checkpoint *c, const char *origin, const struct signer *signer) {
    static uint8_t text[CHECKPOINT_TEXT_MAX];
    struct hash root;
    struct writer t;
    hash_of("root", 4, &root);
    writer_init(&t, text, sizeof text);
    checkpoint_format_text(&t, bytes_text(origin), 7, &root);
    c->text = writer_view(&t);
    writer_init(&c->w, c->memory, sizeof c->memory);
    writer_bytes(&c->w, c->text);
    writer_text(&c->w, "\n");
    note_sign(&c->w, c->text, signer);
}

static void finish(struct signed_checkpoint *c) {
    struct refusal why;
    cr_assert_eq(checkpoint_parse(writer_view(&c->w), &c->note, &c->checkpoint, &why), STATUS_OK);
}

Test(policy, check_says_who_cosigned_and_when) {
    static struct signed_checkpoint c;
    static struct policy p;
    struct refusal why;
    policy_set have = 0;
    size_t log = 9;
    uint64_t times[W];
    parse("log $M\nlog $L\nwitness a $0\nwitness b $1\nwitness c $2\nwitness d $3\n"
          "group g 2 a b c\nquorum g\n",
          &p);
    start(&c, "log.example", &log_signer);
    cosignature_sign(&c.w, c.text, 1000, &witnesses[0]);
    cosignature_sign(&c.w, c.text, 3000, &witnesses[3]);
    cosignature_sign(&c.w, c.text, 50, &witnesses[9]); /* unknown: ignored */
    finish(&c);
    cr_assert_eq(policy_check(&p, &c.note, &c.checkpoint, &have, times, &log, &why),
                 STATUS_BAD_POLICY);
    cr_assert(strstr(why.text, "quorum not met") != NULL, "%s", why.text);
    cr_assert_eq(have, 9);
    cosignature_sign(&c.w, c.text, 2000, &witnesses[2]);
    finish(&c);
    cr_assert_eq(policy_check(&p, &c.note, &c.checkpoint, &have, times, &log, &why), STATUS_OK);
    cr_assert_eq(have, 13);
    cr_assert_eq(log, 1);
    cr_assert_eq(times[0], 1000);
    cr_assert_eq(times[1], 0);
    cr_assert_eq(times[2], 2000);
    cr_assert_eq(times[3], 3000);
    uint64_t when;
    cr_assert(policy_quorum_time(&p, times, &when));
    cr_assert_eq(when, 2000);
    cr_assert_eq(policy_check(&p, &c.note, &c.checkpoint, &have, NULL, &log, &why), STATUS_OK);
}

static enum status check(struct signed_checkpoint *c, const struct policy *p, struct refusal *why) {
    policy_set have;
    size_t log;
    finish(c);
    return policy_check(p, &c->note, &c->checkpoint, &have, NULL, &log, why);
}

Test(policy, check_refuses_unknown_logs_and_bad_signatures) {
    static struct signed_checkpoint c;
    static struct policy p;
    struct refusal why;
    uint8_t bad[72] = {0, 0, 0, 0, 0, 0, 0, 1};
    parse("log $L\nwitness a $0\nwitness b $1\nquorum a\n", &p);

    start(&c, "other.example", &other_log);
    cr_assert_eq(check(&c, &p, &why), STATUS_UNKNOWN_LOG);
    start(&c, "log.example", &other_log);
    cr_assert_eq(check(&c, &p, &why), STATUS_DENIED_SIGNATURE);
    cr_assert(strstr(why.text, "not signed by its log") != NULL);

    start(&c, "log.example", &log_signer);
    note_append_line(&c.w, bytes_text("log.example"), log_signer.vkey.id, bad, 64);
    cr_assert_eq(check(&c, &p, &why), STATUS_DENIED_SIGNATURE);
    cr_assert(strstr(why.text, "the signature of log.example") != NULL);

    /* A bad line by a known witness counts against the note, whether the quorum needs it or not. */
    start(&c, "log.example", &log_signer);
    cosignature_sign(&c.w, c.text, 1000, &witnesses[0]);
    note_append_line(&c.w, bytes_text("w1.example"), witnesses[1].vkey.id, bad, sizeof bad);
    cr_assert_eq(check(&c, &p, &why), STATUS_DENIED_SIGNATURE);
    cr_assert(strstr(why.text, "the cosignature of w1.example") != NULL);
    /* A key of the same name with another ID is unknown, and ignored. */
    start(&c, "log.example", &log_signer);
    cosignature_sign(&c.w, c.text, 1000, &witnesses[0]);
    note_append_line(&c.w, bytes_text("w1.example"), witnesses[1].vkey.id + 1, bad, sizeof bad);
    cr_assert_eq(check(&c, &p, &why), STATUS_OK);
}
