#include "ledger/answer.h"
#include "tests/lib/check.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <string.h>

/* What is promised for each refusal (specs/http.md, specs/event.md#refusals). */
static const struct {
    enum status status;
    unsigned http;
} expected[] = {
    {STATUS_OK, 200},
    {STATUS_BAD_FORM, 400},
    {STATUS_BAD_CANONICAL, 400},
    {STATUS_BAD_MEMBER, 400},
    {STATUS_BAD_KIND, 400},
    {STATUS_BAD_LOG, 400},
    {STATUS_BAD_SIZE, 400},
    {STATUS_BAD_POLICY, 400},
    {STATUS_DENIED_KEY, 403},
    {STATUS_DENIED_SCOPE, 403},
    {STATUS_DENIED_SIGNATURE, 403},
    {STATUS_NOT_FOUND, 404},
    {STATUS_UNKNOWN_LOG, 404},
    {STATUS_CONFLICT_GAP, 409},
    {STATUS_CONFLICT_USED, 409},
    {STATUS_CONFLICT_SIZE, 409},
    {STATUS_CONFLICT_HEAD, 409},
    {STATUS_TOO_LARGE, 413},
    {STATUS_BAD_PROOF, 422},
    {STATUS_CONFLICT_ROOT, 422},
    {STATUS_CLOSED, 410},
    {STATUS_STORE_FAILED, 503},
    {STATUS_STORE_IN_USE, 503},
    {STATUS_BUSY, 503},
    {STATUS_CLOCK, 503},
    {STATUS_FULL, 503},
    {STATUS_NOMEM, 503},
    {STATUS_RATE, 429},
    {STATUS_UNJUDGED, 503},
    {STATUS_STORE_DOUBT, 500},
    {STATUS_STORE_CORRUPT, 500},
    {STATUS_IO, 500},
};

Test(answer, gives_every_status_its_code) {
    cr_assert_eq(sizeof expected / sizeof expected[0], STATUS_COUNT);
    for (size_t i = 0; i < STATUS_COUNT; i++) {
        cr_assert_eq(answer_http(expected[i].status), expected[i].http, "%s",
                     status_name(expected[i].status));
    }
}

Test(answer, says_a_refusal_in_one_line) {
    struct answer answer;
    struct refusal why;
    enum status status = refuse(&why, STATUS_CONFLICT_GAP, "member seq: %d is expected", 7);
    cr_assert_eq(status, STATUS_CONFLICT_GAP);
    answer_refusal(&answer, &why);
    cr_assert_eq(answer.http, 409);
    cr_assert_str_eq(answer.content_type, "text/plain; charset=utf-8");
    CHECK_TEXT(bytes_of(answer.body, answer.len), "member seq: 7 is expected\n");
}

Test(answer, says_the_longest_refusal_whole) {
    struct answer answer;
    struct refusal why;
    enum status status = refuse(&why, STATUS_BAD_FORM, "%0300d", 7);
    cr_assert_eq(status, STATUS_BAD_FORM);
    answer_refusal(&answer, &why);
    cr_assert_eq(answer.len, REFUSAL_TEXT_MAX);
    cr_assert_eq(answer.body[answer.len - 1], '\n');
}

Test(answer, carries_any_body_that_fits) {
    struct answer answer;
    uint8_t body[ANSWER_BODY_MAX];
    memset(body, 'b', sizeof body);
    answer_set(&answer, 200, "text/plain", bytes_of(body, sizeof body));
    CHECK_BYTES(bytes_of(answer.body, answer.len), bytes_of(body, sizeof body));
    answer_set(&answer, 202, "text/x.tlog.size", bytes_of(NULL, 0));
    cr_assert_eq(answer.http, 202);
    cr_assert_eq(answer.len, 0);
    cr_assert_str_eq(answer.content_type, "text/x.tlog.size");
}

Test(answer, stops_at_a_body_too_long, .signal = SIGABRT) {
    struct answer answer;
    uint8_t body[ANSWER_BODY_MAX + 1] = {0};
    answer_set(&answer, 200, "text/plain", bytes_of(body, sizeof body));
}
