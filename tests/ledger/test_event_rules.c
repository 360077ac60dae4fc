/* What relates members to each other and to the signature lines: one refusal for each rule. */
#include "ledger/body.h"
#include "ledger/json.h"
#include "tests/lib/events.h"

#include <criterion/criterion.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

TestSuite(event_rules, .init = events_setup);

/* --- refusals of the rules --- */

/* `from` in the kind's good `open` becomes `before`, the vkey of such a key, `after`: refused. */
static void refuse_key(enum kind_id id, const char *from, const char *before, const char *name,
                       uint8_t number, const char *after, const char *says) {
    struct signer odd;
    char vkey[VKEY_SIZE_MAX + 1];
    char to[1024];
    struct writer w;
    event_key(name, VKEY_NOTE, number, &odd);
    writer_init(&w, vkey, VKEY_SIZE_MAX);
    vkey_format(&w, &odd.vkey);
    snprintf(to, sizeof to, "%s%.*s%s", before, (int)w.len, vkey, after);
    refuse_changed(id, from, to, STATUS_BAD_MEMBER, says);
}

/* The kind's good event with `from` in its text replaced by `to`, signed by these: accepted. */
static void accept_changed(enum kind_id id, const char *from, const char *to,
                           const struct signer *const *signers, size_t count) {
    static char text[EVENT_TEXT_SIZE];
    static char changed[EVENT_TEXT_SIZE];
    good_text(id, good_open(id), false, 1, text);
    const char *at = strstr(text, from);
    cr_assert_not_null(at, "%s", from);
    snprintf(changed, sizeof changed, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
    event_accepted(sign_text(changed, signers, count));
}

Test(event_rules, log_opened_fits_itself) {
    enum kind_id id = KIND_LOG_OPENED;
    refuse_changed(id, "\"log_vkey\":\"$L\"", "\"log_vkey\":\"$C\"", STATUS_BAD_MEMBER,
                   "log_vkey must be named log.example");
    refuse_changed(id, "\"operator_vkey\":\"$O\"", "\"operator_vkey\":\"$C\"", STATUS_BAD_MEMBER,
                   "operator_vkey must be named op.example/7");
    refuse_changed(id, "\"log_role\":\"agency\"", "\"log_role\":\"clerk\"", STATUS_BAD_MEMBER,
                   "log_role must be one of: agency, state, doj, independent");
    char text[EVENT_TEXT_SIZE];
    const struct signer *signers[3];
    good_text(id, good_open(id), false, 2, text);
    event_refused(sign_text(text, signers, signers_of(id, signers)), STATUS_BAD_MEMBER,
                  "seq must be 1");
}

Test(event_rules, log_opened_has_distinct_keys) {
    enum kind_id id = KIND_LOG_OPENED;
    const char *own = "is the log's or the operator's own";
    refuse_key(id, "\"operator_vkey\":\"$O\"", "\"operator_vkey\":\"", "op.example/7", 1, "\"",
               "another key than log_vkey");
    /* One rule each: the operator's name, the log's public key, the operator's public key. */
    refuse_key(id, "[\"$A\"", "[\"", "op.example/7", 77, "\",\"$A\"", own);
    refuse_key(id, "\"$D\"]", "\"$D\",\"", "zed.example", 1, "\"]", own);
    refuse_key(id, "\"$D\"]", "\"$D\",\"", "zed.example", 2, "\"]", own);
    refuse_key(id, "[\"$A\"", "[\"", "ROOT", 50, "\",\"$A\"", "the key name ROOT");
    refuse_key(id, "\"$D\"]", "\"$D\",\"", "root2.example/Z", 50, "\"]", "root2.example/Z");
}

Test(event_rules, a_threshold_is_from_one_to_all) {
    enum kind_id id = KIND_LOG_OPENED;
    const struct signer *signers[4] = {&operator_key, &roots[0], &roots[1], &roots[2]};
    refuse_changed(id, "\"threshold\":2", "\"threshold\":0", STATUS_BAD_MEMBER,
                   "threshold must be from 1 to 3");
    refuse_changed(id, "\"threshold\":2", "\"threshold\":4", STATUS_BAD_MEMBER,
                   "threshold must be from 1 to 3");
    refuse_changed(id, "\"threshold\":2", "\"threshold\":8", STATUS_BAD_MEMBER, "at most 7");
    accept_changed(id, "\"threshold\":2", "\"threshold\":1", signers, 2);
    accept_changed(id, "\"threshold\":2", "\"threshold\":3", signers, 4);
}

Test(event_rules, log_policy_is_safe_and_names_every_operator) {
    enum kind_id id = KIND_LOG_POLICY;
    refuse_changed(id, "log $L", "log $C", STATUS_BAD_POLICY, "the policy is for the log pd.exam");
    refuse_changed(id, "log $L", "log $L\\nlog $C", STATUS_BAD_POLICY, "exactly that log, not 2");
    refuse_changed(id, "group g 2", "group g 1", STATUS_BAD_POLICY, "two disjoint sets");
    refuse_changed(id, "quorum g", "quorum none", STATUS_BAD_POLICY, "two disjoint sets");
    refuse_changed(id, "quorum g", "quorum x", STATUS_BAD_MEMBER,
                   "line 6: the name x is not defined");
    refuse_changed(id, "\"b\":\"doj\",", "", STATUS_BAD_MEMBER, "operators lacks the witness b");
    refuse_changed(id, "\"c\":\"newsroom\"", "\"c\":\"newsroom\",\"d\":\"x\"", STATUS_BAD_MEMBER,
                   "a witness that the policy lacks");
    refuse_changed(id, "\"b\":\"doj\"", "\"b\":\"\"", STATUS_BAD_MEMBER, "operators must be");
    refuse_changed(id, "\"b\":\"doj\"", "\"b\":\"state\"", STATUS_BAD_POLICY,
                   "operators: the mirrors of state alone could satisfy the quorum of policy");
    /* A witness with a name that no member can have. */
    refuse_changed(id, "witness c $2", "witness c# $2", STATUS_BAD_MEMBER, "name c is not defined");
}

Test(event_rules, a_witness_may_have_the_longest_name_of_a_member) {
    static char text[EVENT_TEXT_SIZE];
    char open[4096];
    char name[JCS_NAME_MAX + 2] = "";
    char vkeys[3][EVENT_TEXT_SIZE];
    const struct signer *signers[1] = {&roots[0]};
    event_expand("$L", vkeys[0]);
    event_expand("$0", vkeys[1]);
    event_expand("$1", vkeys[2]);
    memset(name, 'w', JCS_NAME_MAX);
    for (unsigned round = 0; round < 2; round++) {
        snprintf(open, sizeof open,
                 "{\"operators\":{\"v\":\"doj\",\"%.64s\":\"state\"},\"policy\":\"log %.200s"
                 "\\nwitness %s %.200s\\nwitness v %.200s\\ngroup g all v %s\\nquorum g\\n\"}",
                 name, vkeys[0], name, vkeys[1], vkeys[2], name);
        good_text(KIND_LOG_POLICY, open, false, 1, text);
        if (round == 0) {
            event_accepted(sign_text(text, signers, 1));
            name[JCS_NAME_MAX] = 'w';
        } else {
            event_refused(sign_text(text, signers, 1), STATUS_BAD_MEMBER,
                          "operators lacks the witness www");
        }
    }
}

Test(event_rules, a_policy_is_given_with_its_operators) {
    static struct event event;
    static struct policy policy;
    struct bytes operators[POLICY_WITNESSES_MAX];
    struct refusal why;
    cr_assert_eq(event_parse(good_event(KIND_LOG_POLICY, false, 1), &event, &why), STATUS_OK);
    event_policy(&event, &policy, operators);
    cr_assert_eq(policy.witness_count, 3);
    cr_assert(bytes_equal(operators[0], bytes_text("state")));
    cr_assert(bytes_equal(operators[1], bytes_text("doj")));
    cr_assert(bytes_equal(operators[2], bytes_text("newsroom")));
    cr_assert_eq(operators[3].len, 0);
    cr_assert(vkey_equal(&policy.logs[0].vkey, &log_key.vkey));
    event_release(&event);
}

Test(event_rules, key_enrolled_fits) {
    enum kind_id id = KIND_KEY_ENROLLED;
    refuse_changed(id, "\"vkey\":\"$C\"", "\"vkey\":\"$A\"", STATUS_BAD_MEMBER,
                   "another key than the issuer's");
    refuse_changed(id, "\"until\":\"2024-01-01\"", "\"until\":\"2023-12-31\"", STATUS_BAD_MEMBER,
                   "until must not be before from");
    refuse_changed(id, "\"vkey\":\"$C\"", "\"vkey\":\"$0\"", STATUS_BAD_MEMBER, "of type 0x01");
    refuse_changed(id, "\"role\":\"clerk\"", "\"role\":\"root\"", STATUS_BAD_MEMBER,
                   "role must be one of: agency, clerk");
    refuse_changed(id, "\"basis\":\"live\"", "\"basis\":\"all\"", STATUS_BAD_MEMBER,
                   "basis must be one of: live, imported, both");
    refuse_key(id, "\"vkey\":\"$C\"", "\"vkey\":\"", "Clerk", 50, "\"", "the key name Clerk");
    const struct signer *signers[1] = {&roots[0]};
    accept_changed(id, "\"from\":\"2024-01-01\",", "", signers, 1);
    accept_changed(id, "\"until\":\"2024-01-01\",", "", signers, 1);
}

Test(event_rules, event_opened_has_a_proof_of_the_right_length) {
    enum kind_id id = KIND_EVENT_OPENED;
    refuse_changed(id, "\"index\":1", "\"index\":3", STATUS_BAD_MEMBER,
                   "index must be below count");
    refuse_changed(id, "[\"$H\",\"$H\"]", "[\"$H\"]", STATUS_BAD_MEMBER,
                   "proof must have 2 hashes");
    refuse_changed(id, "\"count\":3", "\"count\":5", STATUS_BAD_MEMBER, "proof must have 3 hashes");
    refuse_changed(id, "\"count\":3", "\"count\":65", STATUS_BAD_MEMBER, "count must be");
}

/* The proof's length is what the code that makes proofs gives. */
Test(event_rules, proof_length_agrees_with_the_prover) {
    struct body_member members[EVENT_MEMBERS_MAX];
    char names[EVENT_MEMBERS_MAX][3];
    struct body_context context = {bytes_text(EVENT_LOG), bytes_text("a"), 1};
    for (unsigned i = 0; i < EVENT_MEMBERS_MAX; i++) {
        names[i][0] = (char)('a' + i / 26);
        names[i][1] = (char)('a' + i % 26);
        members[i] = (struct body_member){.name = bytes_of(names[i], 2), .value = bytes_text("1")};
    }
    for (size_t count = 1; count <= EVENT_MEMBERS_MAX; count++) {
        for (size_t index = 0; index < count; index++) {
            static char text[EVENT_TEXT_SIZE];
            char open[4096];
            struct merkle_proof proof;
            const struct signer *signers[1] = {&clerk};
            cr_assert_eq(body_prove(&context, members, count, index, &proof), STATUS_OK);
            size_t len = (size_t)snprintf(open, sizeof open,
                                          "{\"count\":%zu,\"event\":" EVENT_REF
                                          ",\"index\":%zu,\"member\":\"narrative\",\"ori\":"
                                          "\"NY0303000\",\"proof\":[",
                                          count, index);
            for (size_t i = 0; i < proof.count; i++) {
                len +=
                    (size_t)snprintf(open + len, sizeof open - len, "%s\"$H\"", i > 0 ? "," : "");
            }
            snprintf(open + len, sizeof open - len, "],\"salt\":\"$H\",\"value\":1}");
            good_text(KIND_EVENT_OPENED, open, false, 1, text);
            event_accepted(sign_text(text, signers, 1));
        }
    }
}

/* --- signature lines --- */

static struct bytes with_signers(enum kind_id id, size_t count, ...) {
    static char text[EVENT_TEXT_SIZE];
    const struct signer *signers[NOTE_SIGNATURES_MAX];
    va_list args;
    va_start(args, count);
    for (size_t i = 0; i < count; i++) {
        signers[i] = va_arg(args, const struct signer *);
    }
    va_end(args);
    good_text(id, good_open(id), false, 1, text);
    return sign_text(text, signers, count);
}

Test(event_rules, signature_lines_are_exactly_those_of_the_kind) {
    enum status denied = STATUS_DENIED_SIGNATURE;
    event_refused(with_signers(KIND_CORRECTION, 1, &roots[0]), denied,
                  "must be by the issuer, pd.exam");
    event_refused(with_signers(KIND_CORRECTION, 2, &clerk, &roots[0]), denied,
                  "by its issuer alone");
    event_refused(with_signers(KIND_CORRECTION, 2, &roots[0], &clerk), denied,
                  "must be by the issuer");
    event_refused(with_signers(KIND_CORRECTION, 2, &clerk, &clerk), denied,
                  "the issuer signed twice");

    event_accepted(with_signers(KIND_LOG_POLICY, 1, &roots[0]));
    event_accepted(with_signers(KIND_LOG_POLICY, 3, &roots[0], &roots[1], &roots[2]));
    event_refused(with_signers(KIND_LOG_POLICY, 3, &roots[0], &roots[2], &roots[1]), denied,
                  "root1.example is out of order");
    event_refused(with_signers(KIND_LOG_POLICY, 3, &roots[0], &roots[1], &roots[1]), denied,
                  "root1.example is out of order");
    event_refused(with_signers(KIND_LOG_POLICY, 3, &roots[0], &roots[1], &roots[0]), denied,
                  "the issuer signed twice");
    event_accepted(with_signers(KIND_LOG_POLICY, 8, &roots[0], &roots[1], &roots[2], &roots[3],
                                &roots[4], &roots[5], &roots[6], &roots[7]));
    event_refused(with_signers(KIND_LOG_POLICY, 9, &roots[0], &roots[1], &roots[2], &roots[3],
                               &roots[4], &roots[5], &roots[6], &roots[7], &roots[8]),
                  denied, "9 signatures, and 8 are the most");
}

/* Lines made apart, in every order that they can come in, give the same note; what the kind does
 * not take is refused, and nothing is written. */
Test(event_rules, lines_made_apart_come_together) {
    const struct signer *signers[4] = {&roots[0], &roots[1], &roots[2], &roots[3]};
    static uint8_t copies[4][1024];
    static uint8_t memory[EVENT_SIZE_MAX];
    static char text[EVENT_TEXT_SIZE];
    struct note_signature lines[4];
    size_t count = 0;
    good_text(KIND_LOG_POLICY, good_open(KIND_LOG_POLICY), false, 1, text);
    for (size_t i = 0; i < 4; i++) {
        struct writer w;
        writer_init(&w, copies[i], sizeof copies[i]);
        note_sign(&w, bytes_text(text), signers[i]);
        cr_assert_eq(note_parse_lines(writer_view(&w), &lines[i], 1, &count, NULL), STATUS_OK);
    }
    struct bytes expected =
        with_signers(KIND_LOG_POLICY, 4, signers[0], signers[1], signers[2], signers[3]);
    for (size_t order = 0; order < 256; order++) {
        struct note_signature shuffled[4];
        struct writer w;
        bool permutation = true;
        for (size_t i = 0; i < 4; i++) {
            shuffled[i] = lines[order >> (2 * i) & 3];
            for (size_t j = 0; j < i; j++) {
                permutation = permutation && (order >> (2 * i) & 3) != (order >> (2 * j) & 3);
            }
        }
        writer_init(&w, memory, sizeof memory);
        enum status status = event_assemble(&w, bytes_text(text), shuffled, 4, NULL);
        if (permutation) {
            cr_assert_eq(status, STATUS_OK);
            cr_assert(bytes_equal(writer_view(&w), expected));
        } else {
            cr_assert_eq(status, STATUS_DENIED_SIGNATURE);
            cr_assert_eq(w.len, 0);
        }
    }
    struct writer w;
    writer_init(&w, memory, sizeof memory);
    cr_assert_eq(event_assemble(&w, bytes_text(text), &lines[1], 3, NULL), STATUS_DENIED_SIGNATURE);
    cr_assert_eq(event_assemble(&w, bytes_text(text), lines, 0, NULL), STATUS_DENIED_SIGNATURE);
    cr_assert_eq(event_assemble(&w, bytes_text("dutylog/event/v1\n{}\n"), lines, 1, NULL),
                 STATUS_BAD_MEMBER);
    cr_assert_eq(w.len, 0);
}

/* The issuer's line is the first, wherever its name sorts. */
Test(event_rules, the_issuer_comes_first_though_its_name_sorts_last) {
    uint8_t memory[EVENT_SIZE_MAX];
    static char text[EVENT_TEXT_SIZE];
    struct writer w;
    struct refusal why = {0};
    const struct signer *signers[3] = {&roots[2], &roots[1], &roots[0]};
    const struct signer *sorted[3] = {&roots[2], &roots[0], &roots[1]};
    good_text(KIND_LOG_POLICY, good_open(KIND_LOG_POLICY), false, 1, text);
    char *issuer = strstr(text, "root0.example");
    cr_assert_not_null(issuer);
    issuer[4] = '2';
    event_accepted(sign_text(text, sorted, 3));
    writer_init(&w, memory, sizeof memory);
    cr_assert_eq(event_sign(&w, bytes_text(text), signers, 3, &why), STATUS_OK, "%s", why.text);
    cr_assert(bytes_equal(writer_view(&w), sign_text(text, sorted, 3)));
}

Test(event_rules, log_opened_carries_its_operator_and_exactly_the_threshold) {
    enum status denied = STATUS_DENIED_SIGNATURE;
    struct signer twin;
    event_accepted(with_signers(KIND_LOG_OPENED, 3, &operator_key, &roots[1], &roots[2]));
    event_refused(with_signers(KIND_LOG_OPENED, 1, &operator_key), denied,
                  "0 signatures by keys of authority, and exactly 2");
    event_refused(with_signers(KIND_LOG_OPENED, 2, &operator_key, &roots[0]), denied, "exactly 2");
    event_refused(with_signers(KIND_LOG_OPENED, 4, &operator_key, &roots[0], &roots[1], &roots[2]),
                  denied, "3 signatures by keys of authority, and exactly 2");
    event_refused(with_signers(KIND_LOG_OPENED, 3, &operator_key, &roots[0], &roots[3]), denied,
                  "root3.example is no key of authority");
    /* Other keys under the names of the right ones. */
    event_key("root1.example", VKEY_NOTE, 60, &twin);
    event_refused(with_signers(KIND_LOG_OPENED, 3, &operator_key, &roots[0], &twin), denied,
                  "root1.example is no key of authority");
    event_key("op.example/7", VKEY_NOTE, 61, &twin);
    event_refused(with_signers(KIND_LOG_OPENED, 3, &twin, &roots[0], &roots[1]), denied,
                  "not by operator_vkey");
}

Test(event_rules, a_line_of_another_algorithm_is_refused) {
    static char text[EVENT_TEXT_SIZE];
    uint8_t memory[EVENT_TEXT_SIZE];
    uint8_t blob[72] = {0};
    struct writer w;
    good_text(KIND_CORRECTION, good_open(KIND_CORRECTION), false, 1, text);
    writer_init(&w, memory, sizeof memory);
    writer_text(&w, text);
    writer_text(&w, "\n");
    note_append_line(&w, vkey_name(&clerk.vkey), clerk.vkey.id, blob, sizeof blob);
    event_refused(writer_view(&w), STATUS_DENIED_SIGNATURE, "is not Ed25519");
}

/* --- rules that several kinds share --- */

Test(event_rules, what_occurred_was_not_reported_before) {
    refuse_changed(KIND_WITNESS_REPORTED, "\"occurred\":\"2024-01-02\"",
                   "\"occurred\":\"2024-01-03\"", STATUS_BAD_MEMBER,
                   "occurred must not be after reported");
}

Test(event_rules, subjects_are_counted_from_one) {
    refuse_changed(KIND_FINDING_RECOMMENDED, "\"subject\":3", "\"subject\":0", STATUS_BAD_MEMBER,
                   "subject must be from 1");
    refuse_changed(KIND_FINDING_RECOMMENDED, "\"subject\":3", "\"subject\":1000", STATUS_BAD_MEMBER,
                   "at most 999");
}

Test(event_rules, no_agency_is_part_of_itself) {
    refuse_changed(KIND_AGENCY_MERGED, "NY9999900", "NY0303000", STATUS_BAD_MEMBER,
                   "into must be another agency");
}

Test(event_rules, what_stands_together_does) {
    refuse_changed(KIND_PERIOD_REPORTED, "\"first_case\":\"chief\",", "", STATUS_BAD_MEMBER,
                   "stand together");
    refuse_changed(KIND_STANDARD_PUBLISHED, "\"deadline\":3,", "", STATUS_BAD_MEMBER,
                   "stand together");
}
