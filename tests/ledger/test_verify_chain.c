/* Receipts that carry the chain: whose recognition a log has, up to the roots that were pinned. */
#include "ledger/verify_chain.h"

#include "tests/lib/chain.h"
#include "tests/lib/check.h"
#include "tests/lib/keys.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#define FILES_MAX (RECOGNITION_DEPTH_MAX + 1)

static struct chain *chain;
static struct verifier *verifier;
static struct verify_chain *found;
static uint8_t memory[FILES_MAX][64 * 1024];
static struct verify_subject subject; /* of the agency's own event */
static struct bytes state, doj;       /* the receipts of the two recognitions */

static struct bytes receipt_of(size_t place, enum chain_log which, size_t index) {
    struct writer w;
    writer_init(&w, memory[place], sizeof memory[place]);
    chain_receipt_of(chain, which, index, &w);
    return writer_view(&w);
}

static void setup(void) {
    chain = malloc(sizeof *chain);
    verifier = malloc(sizeof *verifier);
    found = malloc(sizeof *found);
    cr_assert(chain != NULL && verifier != NULL && found != NULL);
    chain_open(chain);
    subject =
        (struct verify_subject){.log = chain->worlds[CHAIN_AGENCY].log.vkey, .role = ROLE_AGENCY};
    memcpy(subject.ori, WORLD_ORI, sizeof subject.ori);
    state = receipt_of(0, CHAIN_STATE, chain->recognition[CHAIN_STATE]);
    doj = receipt_of(1, CHAIN_DOJ, chain->recognition[CHAIN_DOJ]);
}

static void cleanup(void) {
    chain_release(chain);
    free(chain);
    free(verifier);
    free(found);
}

TestSuite(verify_chain, .init = setup, .fini = cleanup);

/* Two of three roots of a log signed its opening. */
static struct verify_trust roots_of(enum chain_log which) {
    struct verify_trust trust = {.root_count = 3, .threshold = 2};
    for (size_t i = 0; i < 3; i++) {
        trust.roots[i] = chain->worlds[which].people[WORLD_ROOT_1 + i].vkey;
    }
    return trust;
}

static void expect(const struct bytes *files, size_t count, const struct verify_trust *trust,
                   enum status status, const char *says) {
    struct refusal why = {.text = ""};
    CHECK_STATUS(verify_chain(verifier, &subject, files, count, trust, found, &why), status);
    cr_assert_not_null(strstr(why.text, says), "%s", why.text);
}

Test(verify_chain, leads_up_to_the_roots_that_were_pinned) {
    struct verify_trust trust = roots_of(CHAIN_DOJ);
    expect((struct bytes[]){state, doj}, 2, &trust, STATUS_OK, "");
    cr_assert_eq(found->count, 2);
    cr_assert_str_eq(found->steps[0].origin, "state.example/log");
    cr_assert_str_eq(found->steps[1].origin, "doj.example/log");
    cr_assert_eq(found->steps[1].index, chain->recognition[CHAIN_DOJ]);
    cr_assert_eq(found->steps[1].roots_signed, 2);
    /* Who pins the state needs no more than its word. */
    trust = roots_of(CHAIN_STATE);
    expect(&state, 1, &trust, STATUS_OK, "");
    cr_assert_eq(found->count, 1);
}

Test(verify_chain, asks_the_pinned_roots_of_the_last_log_and_of_no_other) {
    struct verify_trust trust = roots_of(CHAIN_STATE);
    expect((struct bytes[]){state, doj}, 2, &trust, STATUS_DENIED_SIGNATURE, "recognition 2: ");
    trust = roots_of(CHAIN_DOJ);
    trust.threshold = 3;
    expect((struct bytes[]){state, doj}, 2, &trust, STATUS_DENIED_SIGNATURE, "recognition 2: ");
    trust.threshold = 2;
    expect(&state, 1, &trust, STATUS_DENIED_SIGNATURE, "recognition 1: ");
}

Test(verify_chain, has_no_gap_and_no_other_order) {
    const struct verify_trust trust = roots_of(CHAIN_DOJ);
    expect(&doj, 1, &trust, STATUS_UNKNOWN_LOG, "recognition 1: it recognises state.example/log");
    expect((struct bytes[]){doj, state}, 2, &trust, STATUS_UNKNOWN_LOG, "recognition 1: ");
    expect((struct bytes[]){state, state, doj}, 3, &trust, STATUS_UNKNOWN_LOG, "recognition 2: ");
    const struct bytes many[FILES_MAX] = {state, doj, doj, doj, doj};
    expect(many, FILES_MAX, &trust, STATUS_TOO_LARGE, "5 recognitions, and 4 are the most");
}

/* The origin is nothing: a log of the same name by another key is another log. */
Test(verify_chain, is_of_keys_and_not_of_names) {
    const struct verify_trust trust = roots_of(CHAIN_DOJ);
    struct signer other = test_signer("another", VKEY_NOTE);
    CHECK_OK(vkey_make(bytes_text("agency.example/log"), VKEY_NOTE, &other.vkey.key, &other.vkey));
    struct bytes says =
        receipt_of(2, CHAIN_STATE, chain_recognise(chain, CHAIN_STATE, &other.vkey, ""));
    expect((struct bytes[]){says, doj}, 2, &trust, STATUS_UNKNOWN_LOG, "or another key");
}

Test(verify_chain, is_of_good_receipts_of_recognitions) {
    const struct verify_trust trust = roots_of(CHAIN_DOJ);
    struct world *w = &chain->worlds[CHAIN_STATE];
    size_t index =
        paper_add(&chain->logs[CHAIN_STATE], world_sample(w, WORLD_ROOT_1, "agency.registered"));
    expect((struct bytes[]){receipt_of(2, CHAIN_STATE, index), doj}, 2, &trust, STATUS_BAD_KIND,
           "recognition 1: it is of agency.registered, not of log.recognised");
    /* Any byte of it changed: of each line one, so that all parts are meant. */
    for (size_t i = 0; i < state.len; i++) {
        if (i + 1 < state.len && memory[0][i + 1] != '\n') {
            continue;
        }
        memory[0][i] ^= 1;
        struct refusal why = {.text = ""};
        enum status status =
            verify_chain(verifier, &subject, (struct bytes[]){state, doj}, 2, &trust, found, &why);
        cr_assert(status != STATUS_OK && strstr(why.text, "recognition 1: ") != NULL, "byte %zu",
                  i);
        memory[0][i] ^= 1;
    }
    expect((struct bytes[]){state, doj}, 2, &trust, STATUS_OK, "");
}

Test(verify_chain, is_for_the_agency_and_the_role) {
    const struct verify_trust trust = roots_of(CHAIN_DOJ);
    const struct vkey *agency = &chain->worlds[CHAIN_AGENCY].log.vkey;
    const char *more = ",'oris':['" WORLD_ORI "']";
    struct bytes files[2] = {
        receipt_of(2, CHAIN_STATE, chain_recognise(chain, CHAIN_STATE, agency, more)), doj};
    expect(files, 2, &trust, STATUS_OK, "");
    subject.role = ROLE_COURT; /* of the agency's own making */
    expect(
        files, 2, &trust, STATUS_DENIED_SCOPE,
        "recognition 1: it recognises agency.example/log, and not for signers in the role court");
    more = ",'roles':['court']";
    files[0] = receipt_of(2, CHAIN_STATE, chain_recognise(chain, CHAIN_STATE, agency, more));
    expect(files, 2, &trust, STATUS_DENIED_SCOPE, "recognition 2: it recognises state.example/log");
    more = ",'roles':['court'],'states':['MN']";
    const struct vkey *above = &chain->worlds[CHAIN_STATE].log.vkey;
    files[1] = receipt_of(3, CHAIN_DOJ, chain_recognise(chain, CHAIN_DOJ, above, more));
    expect(files, 2, &trust, STATUS_OK, "");
    memcpy(subject.ori, "NY0303000", sizeof subject.ori);
    expect(files, 2, &trust, STATUS_DENIED_SCOPE,
           "recognition 2: it recognises state.example/log, and not about NY0303000");
    subject.ori[0] = '\0'; /* an event about no agency */
    expect(files, 2, &trust, STATUS_OK, "");
}

Test(verify_chain, asks_what_the_receipt_says) {
    static const struct verify_trust by_others = {.by_others = true};
    struct verify_report report;
    struct verify_subject asked;
    struct refusal why = {.text = ""};
    struct bytes event = receipt_of(2, CHAIN_AGENCY, chain->recognition[CHAIN_AGENCY]);
    CHECK_OK(verify_receipt(verifier, event, &by_others, &report, &why));
    verify_subject_of(verifier, &report, &asked);
    cr_assert(vkey_equal(&asked.log, &subject.log));
    cr_assert_str_eq(asked.ori, WORLD_ORI);
    cr_assert_eq(asked.role, ROLE_AGENCY);
    CHECK_OK(verify_receipt(verifier, doj, &by_others, &report, &why));
    verify_subject_of(verifier, &report, &asked);
    cr_assert_str_empty(asked.ori);
    cr_assert_eq(asked.role, ROLE_ROOT);
}
