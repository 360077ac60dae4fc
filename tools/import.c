/* The order of things. Happy path: mapping, registry and columns are checked; what an earlier run
 * signed and did not send is sent; the file is read once to tell new rows from known ones; then row
 * by row: events are signed, each batch is committed to the state folder with the rows that made
 * it, and only then handed to the sender, which sends it while the next is made.
 *
 * - killed at any moment: the next run finds each row done, with its events in the state folder, or
 *   not begun; it sends what the log has not.
 * - the node refuses an event for what it says: what was signed from it on is taken back in one
 *   commit, and made again, without it. Rows before the refused one's are passed over; those that
 *   were told and counted are not told again.
 * - it refuses the key, or the log is closed: the run ends; what stands before is logged, what
 *   comes after is in the state folder, or taken back if that is asked for.
 * - the key signed something else meanwhile: refused before anything is signed. */
#include "tools/import.h"

#include "ledger/note.h"
#include "net/keyfile.h"
#include "tools/cli.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define DAY_S 86400
#define RECEIPT_POLL_MS 200
#define BATCH_AFTER_REFUSAL 32 /* room for the events of any row */

static uint64_t now_ms(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

struct running {
    struct import *import;
    struct signer signer;
    struct import_agencies *agencies;
    struct import_state *state;
    struct import_sender *sender;
    struct import_rows rows;
    struct import_maker maker;
    struct place start; /* of the key's next event, as the log said */
    size_t told;        /* rows that were made, told and counted, perhaps to be made again */
    size_t from;        /* the first row that is to be made again */
};

/* --- who and where --- */

static enum status find_place(struct running *r, struct refusal *why) {
    struct import *import = r->import;
    struct place *place = &r->maker.place;
    struct bytes issuer = bytes_text("dry.run/key");
    if (import->dry_run) {
        memcpy(place->log, "dry.run", sizeof "dry.run");
        place->seq = 1;
    } else {
        TRY(keyfile_read(import->key_path, &r->signer, why));
        issuer = vkey_name(&r->signer.vkey);
        TRY(place_from_node(place, import->node, issuer, why));
        r->maker.signer = &r->signer;
    }
    memcpy(import->issuer, issuer.data, issuer.len);
    import->issuer[issuer.len] = '\0';
    r->start = *place;
    memcpy(import->origin, place->log, sizeof import->origin);
    r->maker.issuer = bytes_text(import->issuer);
    return STATUS_OK;
}

/* --- sending --- */

/* Commits what was made, then hands it over. In this order: what is not durable here is never
 * sent. */
static enum status flush(struct running *r, struct refusal *why) {
    if (r->import->dry_run) {
        return STATUS_OK;
    }
    TRY(import_state_commit(r->state, why));
    if (r->maker.batch.count == 0) {
        return STATUS_OK;
    }
    size_t twice = r->maker.batch_max * 2;
    r->maker.batch_max = twice < IMPORT_BATCH_EVENTS_MAX ? twice : IMPORT_BATCH_EVENTS_MAX;
    return import_send(r->sender, &r->maker.batch, why);
}

/* The place of the event with this seq, now that those before it are logged. */
static enum status move_place(struct running *r, uint64_t seq, struct refusal *why) {
    struct place *place = &r->maker.place;
    struct hash id;
    uint64_t last = 0;
    TRY(import_state_last(r->state, &last, &id, why));
    *place = r->start;
    if (seq != r->start.seq) {
        assert(last + 1 == seq); /* it is one of those that were just sent, and not the first */
        place->seq = seq;
        place->prev = id;
        place->has_prev = true;
    }
    return STATUS_OK;
}

/* After a failure. OK: the log refused an event for what it says, and what was signed from it on is
 * taken back; sending begins anew with its seq. Otherwise `status` and `why` stand. */
static enum status withdraw(struct running *r, enum status status, uint64_t *count,
                            struct refusal *why) {
    struct refusal ignored;
    if (r->sender == NULL || import_send_end(r->sender, &ignored) == STATUS_OK) {
        return status;
    }
    const struct import_denial *denial = import_send_denial(r->sender);
    uint64_t seq = denial->seq;
    if (seq == 0) {
        return status;
    }
    if (!denial->content && !r->import->withdraw) {
        return refuse(why, status,
                      "%.150s. What is signed waits in the state folder; --withdraw takes it back",
                      denial->text);
    }
    TRY(import_state_withdraw(r->state, seq, count, why));
    r->maker.batch.count = 0;
    r->maker.batch.body.len = 0;
    if (!denial->content) {
        return refuse(why, status, "%.150s. What waited is no more: %" PRIu64 " event%s taken back",
                      denial->text, *count, *count == 1 ? " was" : "s were");
    }
    r->maker.batch_max = BATCH_AFTER_REFUSAL;
    import_send_anew(r->sender, seq);
    return move_place(r, seq, why);
}

/* Sends again what the state folder has and the log has not, byte for byte. */
static enum status resend(struct running *r, uint64_t from, uint64_t last, struct refusal *why) {
    for (uint64_t seq = from; seq <= last; seq++) {
        struct bytes note;
        struct bytes body;
        if (import_state_event(r->state, seq, &note, &body) != STATUS_OK) {
            return refuse(why, STATUS_CONFLICT_GAP,
                          "the log has this key's events up to %" PRIu64
                          ", and the state folder none with seq %" PRIu64
                          ": is it another folder's log?",
                          from - 1, seq);
        }
        if (!import_batch_add(&r->maker.batch, seq, note)) {
            TRY(import_send(r->sender, &r->maker.batch, why));
            bool added = import_batch_add(&r->maker.batch, seq, note);
            (void)added; /* the batch is empty */
        }
        cli_progress("resending", seq - from + 1, last - from + 1);
    }
    cli_progress_end();
    r->import->resent = last - from + 1;
    if (r->maker.batch.count > 0) {
        TRY(import_send(r->sender, &r->maker.batch, why));
    }
    return import_send_end(r->sender, why);
}

/* The log's last event of the key is the one that the state folder has: else none that waits here
 * could follow it. */
static enum status check_head(struct running *r, struct refusal *why) {
    const struct place *place = &r->maker.place;
    struct bytes text;
    struct bytes body;
    struct note note;
    struct hash id;
    if (!place->has_prev ||
        import_state_event(r->state, place->seq - 1, &text, &body) != STATUS_OK) {
        return STATUS_OK;
    }
    TRY(note_parse(text, &note, why));
    hash_of(note.text.data, note.text.len, &id);
    return hash_equal(&id, &place->prev)
               ? STATUS_OK
               : refuse(why, STATUS_CONFLICT_USED,
                        "the log has another event of this key with seq %" PRIu64
                        " than the state folder: the key signed elsewhere, or an older copy of the "
                        "folder is used",
                        place->seq - 1);
}

/* What is in the state folder, and what the log says, go on from one point. */
static enum status catch_up(struct running *r, struct refusal *why) {
    struct place *place = &r->maker.place;
    struct hash id;
    uint64_t last = 0;
    if (r->import->dry_run) {
        return import_state_open_memory(&r->state, why);
    }
    TRY(import_state_open(r->import->state_path, r->maker.issuer, bytes_text(place->log), &r->state,
                          why));
    TRY(import_state_last(r->state, &last, &id, why));
    if (place->seq > last + 1 && !r->import->key_used) {
        return refuse(why, STATUS_CONFLICT_USED,
                      "the key has signed %" PRIu64 " events in this log, and the state folder "
                      "knows of %" PRIu64 ": give the folder of the earlier import; or, if the key "
                      "signed them elsewhere, --key-used",
                      place->seq - 1, last);
    }
    TRY(check_head(r, why));
    if (place->seq > last) {
        return STATUS_OK;
    }
    enum status status = resend(r, place->seq, last, why);
    if (status != STATUS_OK) {
        TRY(withdraw(r, status, &r->import->withdrawn, why));
        r->import->resent = place->seq - r->start.seq;
        return STATUS_OK;
    }
    return move_place(r, last + 1, why);
}

/* --- rows --- */

/* A row that is logged with other values: told with the events that were made of it, since whoever
 * corrects them has to name them. */
static void report_changed(struct running *r, const struct import_cells *cells, size_t place) {
    const struct import_row_id *was = &r->rows.known[r->rows.was[place]];
    struct import_row row;
    char seqs[IMPORT_MADE_MAX * 21 + 1] = "";
    size_t used = 0;
    if (import_state_row(r->state, r->maker.table, was, &row) == STATUS_OK) {
        for (size_t i = 0; i < row.count; i++) {
            int n = snprintf(seqs + used, sizeof seqs - used, "%s%" PRIu64, i > 0 ? " " : "",
                             row.made[i].seq);
            used += n > 0 ? (size_t)n : 0;
        }
    }
    r->import->report.rows_changed++;
    import_report_add_more(&r->import->report, cells->line, IMPORT_CHANGED, "row",
                           bytes_text("its key is logged, with other values"), seqs);
}

static enum status take_row(struct running *r, const struct import_cells *cells, size_t place,
                            struct refusal *why) {
    struct import_report *report = &r->import->report;
    if (r->rows.fates[place] != IMPORT_ROW_CHANGED && import_maker_full(&r->maker)) {
        TRY(flush(r, why));
    }
    report->again = place < r->told;
    if (!report->again) {
        report->rows++;
        r->told = place + 1;
    } else if (r->rows.fates[place] == IMPORT_ROW_CHANGED) {
        return STATUS_OK;
    }
    r->maker.row = place;
    if (r->rows.fates[place] == IMPORT_ROW_CHANGED) {
        report_changed(r, cells, place);
        return STATUS_OK;
    }
    return import_make_row(&r->maker, cells, &r->rows.ids[place], why);
}

static enum status make_all(struct running *r, struct refusal *why) {
    struct import_file file;
    struct import_cells cells = {.memory = NULL};
    struct import_row_id id;
    size_t place = 0;
    TRY(import_file_open(&file, r->import->path, &r->import->map, why));
    memcpy(r->maker.table, file.table, sizeof r->maker.table);
    enum status status = STATUS_OK;
    while (status == STATUS_OK &&
           (status = import_file_next(&file, &cells, &id, why)) == STATUS_OK) {
        if (place == r->rows.count ||
            memcmp(&id, &r->rows.ids[place], offsetof(struct import_row_id, times)) != 0) {
            status = refuse(why, STATUS_IO, "%s: changed while it was read", file.path);
            break;
        }
        status = place < r->from ? STATUS_OK : take_row(r, &cells, place, why);
        place++;
        cli_progress("rows", place, r->rows.count);
    }
    cli_progress_end();
    import_cells_release(&cells);
    import_file_close(&file);
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

/* Which row made the refused event: told when it is made again, without it. */
static enum status find_refused(struct running *r, uint64_t seq, const char *text,
                                struct refusal *why) {
    uint8_t table[IMPORT_TABLE_SIZE];
    char name[IMPORT_NAME_MAX + 1];
    struct import_row_id id;
    size_t row = 0;
    size_t event = 0;
    enum status status = import_state_maker(r->state, seq, table, &id, name);
    if (status != STATUS_OK) {
        return refuse(why, STATUS_STORE_CORRUPT,
                      "the state folder: no row made the event with seq %" PRIu64, seq);
    }
    while (row < r->rows.count && memcmp(&r->rows.ids[row], &id, sizeof id) != 0) {
        row++;
    }
    while (event < r->import->map.event_count &&
           strcmp(r->import->map.events[event].name, name) != 0) {
        event++;
    }
    /* It was signed by this run: what earlier ones signed is sent before. */
    assert(row < r->rows.count && event < r->import->map.event_count);
    r->from = row;
    return import_refused_add(&r->maker.refused, r->rows.count, row, event, text) == STATUS_OK
               ? STATUS_OK
               : refuse(why, STATUS_NOMEM, "out of memory");
}

/* All rows, made, and sent; from the refused one on again, each time that one is. */
static enum status make_until_sent(struct running *r, struct refusal *why) {
    for (;;) {
        uint64_t count = 0;
        enum status status = make_all(r, why);
        if (status == STATUS_OK) {
            status = flush(r, why);
        }
        if (status == STATUS_OK && !r->import->dry_run) {
            status = import_send_end(r->sender, why);
        }
        if (status == STATUS_OK || r->import->dry_run) {
            return status;
        }
        struct refusal ignored;
        struct import_denial denial = {.seq = 0};
        if (import_send_end(r->sender, &ignored) != STATUS_OK) {
            denial = *import_send_denial(r->sender);
        }
        if (denial.seq != 0 && denial.content) {
            TRY(find_refused(r, denial.seq, denial.text, why));
        }
        TRY(withdraw(r, status, &count, why));
    }
}

/* Whether a quorum holds the last event, and so all before it. */
static enum status wait_for_quorum(struct running *r, struct refusal *why) {
    struct import *import = r->import;
    struct fetcher *fetcher = NULL;
    char path[NAME_SIZE_MAX + 64];
    uint64_t until = now_ms() + import->wait_s * 1000;
    snprintf(path, sizeof path, "/receipt/%s/%" PRIu64, import->issuer, r->maker.place.seq - 1);
    if (fetcher_open(&fetcher) != STATUS_OK) {
        return refuse(why, STATUS_NOMEM, "out of memory");
    }
    for (;;) {
        const struct fetched *answer = NULL;
        struct fetch_request request = {.base = import->node,
                                        .path = path,
                                        .response_max = RECEIPT_SIZE_MAX,
                                        .timeout_ms = 30000};
        enum status status = fetch(fetcher, &request, &answer, why);
        import->held = status == STATUS_OK && answer->http == 200;
        if (import->held || now_ms() >= until) {
            break;
        }
        struct timespec pause = {.tv_nsec = RECEIPT_POLL_MS * 1000000L};
        nanosleep(&pause, NULL);
    }
    fetcher_close(fetcher);
    return STATUS_OK;
}

static enum status import_rows(struct running *r, struct refusal *why) {
    struct import *import = r->import;
    uint64_t start = now_ms();
    uint64_t first = r->maker.place.seq;
    TRY(import_rows_read(&r->rows, import->path, &import->map, r->state, why));
    import->report.rows_gone = r->rows.gone;
    r->maker.first_seq = first;
    TRY(make_until_sent(r, why));
    import->took_ms = now_ms() - start;
    import->last_seq = r->maker.place.seq - 1;
    import->first_seq = import->last_seq >= first ? first : 0;
    return import->dry_run || import->last_seq == 0 ? STATUS_OK : wait_for_quorum(r, why);
}

/* SHA-256 of the file as it lies there: what an import was made from. */
static enum status hash_file(const char *path, struct hash *out, struct refusal *why) {
    static uint8_t chunk[65536];
    struct hash_stream stream;
    size_t len = 0;
    FILE *file = fopen(path, "rbe");
    if (file == NULL) {
        return refuse(why, errno == ENOENT ? STATUS_NOT_FOUND : STATUS_IO, "%s: %s", path,
                      strerror(errno));
    }
    hash_start(&stream);
    while ((len = fread(chunk, 1, sizeof chunk, file)) > 0) {
        hash_add(&stream, chunk, len);
    }
    bool failed = ferror(file) != 0;
    fclose(file);
    hash_finish(&stream, out);
    return failed ? refuse(why, STATUS_IO, "%s: cannot be read", path) : STATUS_OK;
}

static enum status start(struct running *r, struct refusal *why) {
    struct import *import = r->import;
    struct import_file file;
    TRY(import_map_open(import->mapping_path, &import->map, why));
    TRY(import_report_open(&import->report, &import->map, import->report_path, why));
    TRY(import_agencies_open(import->agencies_path, &import->map, &r->agencies, why));
    if (import->map.agency_column != IMPORT_NONE && import->agencies_path == NULL &&
        import->map.alias_count == 0) {
        return refuse(why, STATUS_BAD_FORM,
                      "the mapping names agencies by name: give the registry, --agencies FILE");
    }
    TRY(import_file_open(&file, import->path, &import->map, why)); /* before anything is asked */
    import_file_close(&file);
    TRY(hash_file(import->path, &import->file, why));
    r->maker.map = &import->map;
    r->maker.batch_max = IMPORT_BATCH_EVENTS_MAX;
    r->maker.agencies = r->agencies;
    r->maker.report = &import->report;
    buffer_init(&r->maker.batch.body, IMPORT_BATCH_SIZE_MAX);
    /* Acceptance takes a day that is one later than that of the stamp, for its time zone. */
    import_day_of((int64_t)time(NULL) / DAY_S + 1, r->maker.last_day);
    TRY(find_place(r, why));
    return import->dry_run
               ? STATUS_OK
               : import_sender_open(import->node, import->issuer, import->wait_s, &r->sender, why);
}

enum status import_run(struct import *import, struct refusal *why) {
    struct running *r = calloc(1, sizeof *r);
    if (r == NULL) {
        return refuse(why, STATUS_NOMEM, "out of memory");
    }
    r->import = import;
    enum status status = start(r, why);
    if (status == STATUS_OK) {
        status = catch_up(r, why);
    }
    r->maker.state = r->state;
    if (status == STATUS_OK) {
        status = import_rows(r, why);
    }
    if (status == STATUS_OK) {
        status = import_report_flush(&import->report, import->report_path, why);
    }
    import_sender_close(r->sender);
    import_state_close(r->state);
    import_rows_release(&r->rows);
    import_refused_release(&r->maker.refused);
    import_agencies_close(r->agencies);
    buffer_clear(&r->maker.batch.body);
    signer_wipe(&r->signer);
    free(r);
    return status;
}

void import_release(struct import *import) {
    import_report_close(&import->report);
    import_map_close(&import->map);
}
