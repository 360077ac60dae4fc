#include "crypto/encoding.h"
#include "ledger/event.h"
#include "ledger/kind_page.h"
#include "ledger/law.h"
#include "ledger/member.h"
#include "ledger/rules.h"
#include "net/file.h"
#include "net/keyfile.h"
#include "tools/cli.h"
#include "tools/make_event.h"
#include "tools/members.h"
#include "tools/place.h"
#include "tools/schema.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct option options[] = {
    {"key", required_argument, NULL, 'k'},
    {"cosign", required_argument, NULL, 'c'},
    {"log", required_argument, NULL, 'l'},
    {"node", required_argument, NULL, 'n'},
    {"seq", required_argument, NULL, 'q'},
    {"prev", required_argument, NULL, 'p'},
    {"set", required_argument, NULL, 's'},
    {"closed", required_argument, NULL, 'x'},
    {"from", required_argument, NULL, 'f'},
    {"disclose", required_argument, NULL, 'd'},
    {"outbox", required_argument, NULL, 'b'},
    {"out", required_argument, NULL, 'o'},
    {"template", required_argument, NULL, 't'},
    {"list", no_argument, NULL, 'i'},
    {"kinds", no_argument, NULL, 'K'},
    {"schema", no_argument, NULL, 'S'},
    {"issuer", required_argument, NULL, 'u'},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

struct making {
    const char *key_path;
    const char *issuer; /* a draft, to be signed elsewhere; NULL: signed here */
    const char *cosign[EVENT_SIGNATURES_MAX];
    size_t cosign_count;
    const char *node;
    const char *outbox_folder;
    const char *out;
    bool has_seq;
    struct place place;
    struct members members;
    struct signer signers[EVENT_SIGNATURES_MAX];
    size_t signer_count;
    struct outbox outbox;
    struct body_draft body;
    uint8_t note[EVENT_SIZE_MAX];
    struct writer w;
};

/* --- help --- */

static int list_kinds(void) {
    for (size_t i = 0; i < KIND_COUNT; i++) {
        const struct kind *kind = kind_at((enum kind_id)i);
        printf("%-23s %s\n", kind->name, kind->help);
    }
    return CLI_OK;
}

static int print_page(void) {
    char *page = malloc(KIND_PAGE_MAX);
    struct writer w;
    if (page == NULL) {
        return cli_error("event", CLI_FAILED, "out of memory");
    }
    writer_init(&w, page, KIND_PAGE_MAX);
    kind_page_write(&w, rules_newest());
    assert(!w.failed); /* the table is ours, and its page's size a constant */
    fwrite(page, 1, w.len, stdout);
    free(page);
    return CLI_OK;
}

static int print_schema(void) {
    json_t *schema = event_schema();
    char *text = schema != NULL ? json_dumps(schema, JSON_INDENT(1) | JSON_SORT_KEYS) : NULL;
    json_decref(schema);
    if (text == NULL) {
        return cli_error("event", CLI_FAILED, "out of memory");
    }
    puts(text);
    free(text);
    return CLI_OK;
}

/* What a member is, for a clerk: what it says, what it accepts, how much of it. */
static json_t *describe(const struct kind_member *m) {
    char text[2048];
    struct writer w;
    writer_init(&w, text, sizeof text);
    writer_text(&w, m->help);
    writer_text(&w, ": ");
    writer_text(&w, member_accepts(m->type));
    for (size_t i = 0; m->codes != NULL && m->codes[i] != NULL; i++) {
        writer_text(&w, i == 0 ? " " : ", ");
        writer_text(&w, m->codes[i]);
    }
    if (m->max > 0) {
        writer_text(&w, ", at most ");
        writer_decimal(&w, m->max);
    }
    writer_text(&w, m->required ? " (required)" : m->required_live ? " (required if live)" : "");
    assert(!w.failed); /* the table is ours */
    return json_stringn(text, w.len);
}

/* The law that closes one member in a state; NULL: none, or no state is asked for. */
static const struct law_row *law_in(const struct kind *kind, const char *member,
                                    const char *state) {
    const struct law_row *row;
    for (size_t i = 0; state != NULL && (row = law_at(i)) != NULL; i++) {
        if (row->kind == kind->id && row->member != NULL && strcmp(row->member, member) == 0 &&
            strncmp(row->state, state, 2) == 0) {
            return row;
        }
    }
    return NULL;
}

/* What law closes stands among the closed ones, and among the open ones too where something opens
 * it. NULL: out of memory. */
static json_t *describe_members(const struct kind *kind, enum visibility visibility,
                                const char *state) {
    json_t *members = json_object();
    for (size_t i = 0; i < kind->member_count && members != NULL; i++) {
        const struct kind_member *m = &kind->members[i];
        const struct law_row *law = law_in(kind, m->name, state);
        bool here = m->visibility == visibility;
        if (law != NULL) {
            here = visibility == VISIBLE_CLOSED || law->unless != NULL;
        }
        if (here && json_object_set_new(members, m->name, describe(m)) != 0) {
            json_decref(members);
            members = NULL;
        }
    }
    return members;
}

/* What law closes of the kind in a state, before the template, on standard error: the template
 * itself is JSON. */
static void print_law(const struct kind *kind, const char *state) {
    for (size_t i = 0; law_at(i) != NULL; i++) {
        const struct law_row *row = law_at(i);
        if (row->kind != kind->id || strncmp(row->state, state, 2) != 0) {
            continue;
        }
        fprintf(stderr, "%s: %s %s closed", row->state,
                row->member != NULL ? row->member : "the whole event", "is to be");
        if (row->unless != NULL) {
            fprintf(stderr, ", unless %s is %s", row->unless, row->value);
        }
        fprintf(stderr, ": %s (%s)\n", row->says, row->citation);
    }
}

static int print_template(const char *name, const char *state) {
    const struct kind *kind = kind_find(name, strlen(name));
    if (kind == NULL) {
        return cli_usage("event", "no kind '%s'; --list shows them", name);
    }
    if (state != NULL) {
        print_law(kind, state);
    }
    json_t *template = json_pack("{s:o, s:o}", "open", describe_members(kind, VISIBLE_OPEN, state),
                                 "closed", describe_members(kind, VISIBLE_CLOSED, state));
    if (template == NULL || json_dumpf(template, stdout, JSON_INDENT(2)) != 0) {
        json_decref(template);
        return cli_error("event", CLI_FAILED, "out of memory");
    }
    putchar('\n');
    json_decref(template);
    return CLI_OK;
}

/* --- making --- */

static struct bytes issuer_of(const struct making *m) {
    return m->issuer != NULL ? bytes_text(m->issuer) : vkey_name(&m->signers[0].vkey);
}

static enum status take_place_option(struct making *m, int c, struct refusal *why) {
    switch (c) {
    case 'l':
        if (strlen(optarg) > NAME_SIZE_MAX) {
            return refuse(why, STATUS_BAD_FORM, "--log: at most %d bytes", NAME_SIZE_MAX);
        }
        memcpy(m->place.log, optarg, strlen(optarg) + 1);
        return STATUS_OK;
    case 'q':
        m->has_seq = cli_number(optarg, 1, UINT64_C(1) << 52, &m->place.seq);
        return m->has_seq ? STATUS_OK : refuse(why, STATUS_BAD_FORM, "--seq takes a number from 1");
    case 'p':
        m->place.has_prev = bytes_hex_to_hash(bytes_text(optarg), &m->place.prev);
        return m->place.has_prev
                   ? STATUS_OK
                   : refuse(why, STATUS_BAD_FORM, "--prev takes 64 lowercase hex characters");
    default:
        return refuse(why, STATUS_BAD_FORM, "unknown option");
    }
}

static enum status take_option(struct making *m, int c, struct refusal *why) {
    switch (c) {
    case 'k':
        m->key_path = optarg;
        return STATUS_OK;
    case 'c':
        if (m->cosign_count == EVENT_SIGNATURES_MAX - 1) {
            return refuse(why, STATUS_TOO_LARGE, "at most %d --cosign", EVENT_SIGNATURES_MAX - 1);
        }
        m->cosign[m->cosign_count++] = optarg;
        return STATUS_OK;
    case 'u':
        m->issuer = optarg;
        return STATUS_OK;
    case 'n':
        m->node = optarg;
        return STATUS_OK;
    case 'b':
        m->outbox_folder = optarg;
        return STATUS_OK;
    case 'o':
        m->out = optarg;
        return STATUS_OK;
    case 's':
        return members_set(&m->members, optarg, false, why);
    case 'x':
        return members_set(&m->members, optarg, true, why);
    case 'f':
        return members_from_file(&m->members, optarg, why);
    case 'd':
        return members_disclose(&m->members, optarg, why);
    default:
        return take_place_option(m, c, why);
    }
}

static enum status load_signers(struct making *m, struct refusal *why) {
    if (m->issuer != NULL) {
        return m->key_path == NULL && m->cosign_count == 0 && m->out != NULL &&
                       text_is_issuer(bytes_text(m->issuer))
                   ? STATUS_OK
                   : refuse(why, STATUS_BAD_FORM,
                            "--issuer NAME makes a draft for others to sign: without --key and "
                            "--cosign, into --out FILE");
    }
    if (m->members.kind->id == KIND_REPORT_LODGED && m->key_path == NULL) {
        m->signer_count = 1;
        return members_one_time(&m->members, &m->signers[0], why);
    }
    if (m->key_path == NULL) {
        return refuse(why, STATUS_BAD_FORM, "give the issuer's key with --key FILE");
    }
    TRY(keyfile_read(m->key_path, &m->signers[0], why));
    m->signer_count = 1;
    for (size_t i = 0; i < m->cosign_count; i++) {
        TRY(keyfile_read(m->cosign[i], &m->signers[m->signer_count], why));
        m->signer_count++;
    }
    return STATUS_OK;
}

static enum status find_place(struct making *m, struct refusal *why) {
    struct bytes issuer = issuer_of(m);
    if (m->outbox_folder != NULL) {
        TRY(outbox_open(&m->outbox, m->outbox_folder, why));
    }
    if (!m->has_seq && m->node != NULL) {
        TRY(place_from_node(&m->place, m->node, issuer, why));
    }
    if (!m->has_seq && m->outbox_folder != NULL) {
        TRY(place_from_outbox(&m->place, &m->outbox, issuer, why));
    }
    if (m->place.seq == 0) {
        m->place.seq = 1;
        m->place.has_prev = false;
    }
    if (m->place.log[0] == '\0') {
        return refuse(why, STATUS_BAD_FORM, "say which log it is for: --log ORIGIN, or --node URL");
    }
    return m->place.has_prev || m->place.seq == 1
               ? STATUS_OK
               : refuse(why, STATUS_BAD_FORM,
                        "--seq %" PRIu64 " needs --prev, the id of the event before", m->place.seq);
}

static enum status make(struct making *m, struct refusal *why) {
    struct bytes issuer = issuer_of(m);
    struct body_context context = {
        .log = bytes_text(m->place.log), .issuer = issuer, .seq = m->place.seq};
    struct hash root;
    TRY(body_draft_of(&m->members, &m->body, why));
    if (m->body.count > 0) {
        TRY(body_root(&context, m->body.members, m->body.count, &root, why));
    }
    struct event_draft draft = {.log = context.log,
                                .issuer = issuer,
                                .kind = bytes_text(m->members.kind->name),
                                .seq = m->place.seq,
                                .prev = m->place.has_prev ? &m->place.prev : NULL,
                                .body = m->body.count > 0 ? &root : NULL,
                                .open =
                                    json_object_size(m->members.open) > 0 ? m->members.open : NULL};
    if (m->issuer != NULL) {
        writer_init(&m->w, m->note, sizeof m->note);
        return event_format(&m->w, &draft, why);
    }
    const struct signer *signers[EVENT_SIGNATURES_MAX];
    for (size_t i = 0; i < m->signer_count; i++) {
        signers[i] = &m->signers[i];
    }
    writer_init(&m->w, m->note, sizeof m->note);
    return make_event(&m->w, &draft, signers, m->signer_count, NULL, why);
}

/* The body first: an event whose salts are lost could never be disclosed. */
static enum status write_out(struct making *m, const char *base, const char *ending,
                             struct refusal *why) {
    char path[OUTBOX_PATH_MAX + 16];
    struct body_context context = {
        .log = bytes_text(m->place.log), .issuer = issuer_of(m), .seq = m->place.seq};
    if (m->body.count > 0) {
        char *json = body_draft_json(&m->body, &context);
        snprintf(path, sizeof path, "%s.body", base);
        enum status status = json != NULL ? file_create(path, bytes_text(json), why)
                                          : refuse(why, STATUS_NOMEM, "out of memory");
        free(json);
        TRY(status);
    }
    snprintf(path, sizeof path, "%s%s", base, ending);
    TRY(file_create(path, writer_view(&m->w), why));
    printf("%s\n", path);
    return STATUS_OK;
}

static enum status deliver(struct making *m, struct refusal *why) {
    char base[OUTBOX_PATH_MAX];
    if (m->outbox_folder != NULL) {
        TRY(outbox_base(&m->outbox, issuer_of(m), m->place.seq, base, why));
        return write_out(m, base, ".event", why);
    }
    if (m->out != NULL) {
        return strlen(m->out) < OUTBOX_PATH_MAX
                   ? write_out(m, m->out, "", why)
                   : refuse(why, STATUS_BAD_FORM, "--out: the name is too long");
    }
    if (m->body.count > 0) {
        return refuse(
            why, STATUS_BAD_FORM,
            "closed members need a place for their salts: give --outbox DIR or --out FILE");
    }
    fwrite(m->note, 1, m->w.len, stdout);
    return STATUS_OK;
}

static int run(struct making *m, int argc, char **argv) {
    struct refusal why = {.text = ""};
    int c = 0;
    enum status status = STATUS_OK;
    while (status == STATUS_OK && (c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
        status = take_option(m, c, &why);
    }
    if (status == STATUS_OK && optind != argc) {
        status = refuse(&why, STATUS_BAD_FORM, "unexpected '%s'", argv[optind]);
    }
    if (status == STATUS_OK && m->outbox_folder != NULL && m->out != NULL) {
        status = refuse(&why, STATUS_BAD_FORM, "--outbox and --out exclude each other");
    }
    if (status != STATUS_OK) {
        return cli_usage("event", "%s", why.text);
    }
    status = load_signers(m, &why);
    if (status == STATUS_OK) {
        status = find_place(m, &why);
    }
    if (status == STATUS_OK) {
        status = make(m, &why);
    }
    if (status == STATUS_OK) {
        status = deliver(m, &why);
    }
    return status == STATUS_OK ? CLI_OK : cli_error("event", cli_exit_of(status), "%s", why.text);
}

int cmd_event(int argc, char **argv) {
    if (argc < 2 || strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        return argc < 2 ? cli_usage("event", "say what kind of event; --list shows them")
                        : cli_help("event");
    }
    if (strcmp(argv[1], "--list") == 0) {
        return list_kinds();
    }
    if (strcmp(argv[1], "--kinds") == 0) {
        return print_page();
    }
    if (strcmp(argv[1], "--schema") == 0) {
        return print_schema();
    }
    if (strcmp(argv[1], "--template") == 0) {
        bool of_state = argc == 5 && strcmp(argv[3], "--state") == 0 && strlen(argv[4]) >= 2;
        return argc == 3 || of_state
                   ? print_template(argv[2], of_state ? argv[4] : NULL)
                   : cli_usage("event", "--template takes a kind, and --state CA or an ORI");
    }
    const struct kind *kind = kind_find(argv[1], strlen(argv[1]));
    if (kind == NULL) {
        return cli_usage("event", "no kind '%s'; --list shows them", argv[1]);
    }
    struct making *m = calloc(1, sizeof *m);
    if (m == NULL || members_init(&m->members, kind) != STATUS_OK) {
        free(m);
        return cli_error("event", CLI_FAILED, "out of memory");
    }
    m->outbox.lock = -1;
    int exit_code = run(m, argc - 1, argv + 1);
    members_release(&m->members);
    body_draft_release(&m->body);
    outbox_close(&m->outbox);
    for (size_t i = 0; i < EVENT_SIGNATURES_MAX; i++) {
        signer_wipe(&m->signers[i]);
    }
    free(m);
    return exit_code;
}
