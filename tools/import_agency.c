#include "tools/import_agency.h"

#include "ledger/member.h"
#include "tools/csv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAMES_MAX (1u << 18)
#define NORMAL_MAX (4 * IMPORT_AGENCY_NAME_MAX)
#define NEAR_COUNT 2
#define NEAR_DISTANCE_MAX 6

struct agency_name {
    struct bytes normal; /* owned, sorted by it */
    char ori[IMPORT_ORI_SIZE + 1];
    bool several; /* agencies have it */
};

struct import_agencies {
    struct agency_name *names;
    size_t count;
    size_t cap;
    bool registry;
};

/* --- the normal form --- */

static void put_word(uint8_t *out, size_t *len, const char *word) {
    size_t n = strlen(word);
    memcpy(out + *len, word, n);
    *len += n;
}

/* Letters and digits stay, upper-cased if ASCII; so do bytes of other letters. An apostrophe of any
 * sort goes without a trace ("SHERIFF'S", "SHERIFFS"); "&" is AND; all else parts words. */
struct bytes import_agency_normal(struct bytes raw, uint8_t memory[static NORMAL_MAX]) {
    size_t len = 0;
    bool blank = false;
    struct reader r;
    reader_init(&r, bytes_of(raw.data,
                             raw.len < IMPORT_AGENCY_NAME_MAX ? raw.len : IMPORT_AGENCY_NAME_MAX));
    while (r.rest.len > 0) {
        struct bytes before = r.rest;
        uint32_t rune = 0;
        if (!reader_rune(&r, &rune)) {
            break; /* cut within a character, by the limit */
        }
        bool letter = (rune >= '0' && rune <= '9') || (rune >= 'A' && rune <= 'Z') ||
                      (rune >= 'a' && rune <= 'z') ||
                      (rune > 0xbf && rune != 0xfffd && (rune < 0x2000 || rune > 0x206f));
        if (rune == '\'' || rune == '`' || rune == 0x2018 || rune == 0x2019 || rune == 0xfffd ||
            rune == 0xb4) {
            continue;
        }
        if (!letter && rune != '&') {
            blank = true;
            continue;
        }
        if ((blank || rune == '&') && len > 0 && memory[len - 1] != ' ') {
            memory[len++] = ' ';
        }
        blank = rune == '&';
        if (rune == '&') {
            put_word(memory, &len, "AND");
        } else {
            size_t size = before.len - r.rest.len;
            memcpy(memory + len, before.data, size);
            memory[len] = rune >= 'a' && rune <= 'z' ? (uint8_t)(rune - 'a' + 'A') : memory[len];
            len += size;
        }
    }
    return bytes_of(memory, len);
}

/* --- the table --- */

static int by_name(const void *a, const void *b) {
    const struct agency_name *x = a;
    const struct agency_name *y = b;
    int order = bytes_compare(x->normal, y->normal);
    return order != 0 ? order : strcmp(x->ori, y->ori);
}

static enum status add(struct import_agencies *all, struct bytes name, struct bytes ori) {
    uint8_t memory[NORMAL_MAX];
    struct bytes normal = import_agency_normal(name, memory);
    if (normal.len == 0) {
        return STATUS_OK;
    }
    if (all->count == all->cap) {
        size_t cap = all->cap > 0 ? all->cap * 2 : 256;
        struct agency_name *grown =
            cap <= NAMES_MAX ? realloc(all->names, cap * sizeof *grown) : NULL;
        if (grown == NULL) {
            return STATUS_NOMEM;
        }
        all->names = grown;
        all->cap = cap;
    }
    uint8_t *copy = malloc(normal.len);
    if (copy == NULL) {
        return STATUS_NOMEM;
    }
    memcpy(copy, normal.data, normal.len);
    struct agency_name *entry = &all->names[all->count++];
    *entry = (struct agency_name){.normal = bytes_of(copy, normal.len)};
    memcpy(entry->ori, ori.data, IMPORT_ORI_SIZE);
    return STATUS_OK;
}

/* One of each, and a mark on those that several agencies have. */
static void sort(struct import_agencies *all) {
    size_t kept = 0;
    if (all->count == 0) {
        return;
    }
    qsort(all->names, all->count, sizeof *all->names, by_name);
    for (size_t i = 1; i < all->count; i++) {
        struct agency_name *last = &all->names[kept];
        if (bytes_equal(last->normal, all->names[i].normal)) {
            last->several = last->several || strcmp(last->ori, all->names[i].ori) != 0;
            free((void *)(uintptr_t)all->names[i].normal.data);
        } else {
            all->names[++kept] = all->names[i];
        }
    }
    all->count = kept + 1;
}

static const struct agency_name *find(const struct import_agencies *all, struct bytes normal) {
    size_t low = 0;
    size_t high = all->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = bytes_compare(all->names[middle].normal, normal);
        if (order == 0) {
            return &all->names[middle];
        }
        low = order < 0 ? middle + 1 : low;
        high = order < 0 ? high : middle;
    }
    return NULL;
}

static bool is_ori(struct bytes text) {
    static const struct kind_member row = {.name = "ori", .type = MEMBER_ORI};
    json_t *value = json_stringn((const char *)text.data, text.len);
    bool good = value != NULL && member_check(&row, value, NULL) == STATUS_OK;
    json_decref(value);
    return good;
}

/* --- reading --- */

static struct bytes cell_at(const struct csv_row *row, size_t column) {
    return column < row->count ? row->cells[column] : bytes_of(NULL, 0);
}

static enum status read_row(struct import_agencies *all, const struct csv_row *row,
                            const size_t columns[3]) {
    struct bytes ori = cell_at(row, columns[0]);
    struct bytes former = cell_at(row, columns[2]);
    if (!is_ori(ori)) {
        return STATUS_BAD_FORM;
    }
    TRY(add(all, cell_at(row, columns[1]), ori));
    while (former.len > 0) {
        const uint8_t *bar = memchr(former.data, '|', former.len);
        size_t len = bar != NULL ? (size_t)(bar - former.data) : former.len;
        TRY(add(all, bytes_of(former.data, len), ori));
        former = bar != NULL ? bytes_of(bar + 1, former.len - len - 1) : bytes_of(NULL, 0);
    }
    /* So that an ORI is found as one, whatever its agency is called. */
    return add(all, ori, ori);
}

static enum status read_registry(struct import_agencies *all, const char *path,
                                 struct refusal *why) {
    static const char *const names[] = {"ori", "name", "former names"};
    size_t columns[3];
    struct csv *csv = NULL;
    struct csv_row row;
    TRY(csv_open(path, &csv, why));
    enum status status = STATUS_OK;
    for (size_t i = 0; i < 3 && status == STATUS_OK; i++) {
        status = csv_column(csv, names[i], &columns[i], why);
    }
    while (status == STATUS_OK && (status = csv_next(csv, &row, why)) == STATUS_OK) {
        status = read_row(all, &row, columns);
        if (status != STATUS_OK) {
            refuse(why, status, "%s, line %llu: %s", path, (unsigned long long)row.line,
                   status == STATUS_NOMEM ? "too many agencies" : "ori is not nine of A-Z 0-9");
        }
    }
    csv_close(csv);
    all->registry = true;
    sort(all);
    if (status == STATUS_NOT_FOUND && all->count == 0) {
        return refuse(why, STATUS_BAD_FORM,
                      "%s: lists no agency: ask a node that pins the authority of the log that "
                      "registers them",
                      path);
    }
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

static struct bytes trimmed(const char *text) {
    struct bytes b = bytes_text(text);
    while (b.len > 0 && b.data[0] == ' ') {
        b = bytes_of(b.data + 1, b.len - 1);
    }
    while (b.len > 0 && b.data[b.len - 1] == ' ') {
        b.len--;
    }
    return b;
}

/* An alias may not give an agency's own name to another; and it names one that there is. */
static enum status add_aliases(struct import_agencies *all, const struct import_map *map,
                               struct refusal *why) {
    size_t before = all->count;
    for (size_t i = 0; i < map->alias_count; i++) {
        uint8_t memory[NORMAL_MAX];
        struct bytes agency = trimmed(map->aliases[i].agency);
        struct import_agencies registry = *all;
        registry.count = before;
        const struct agency_name *name = find(&registry, import_agency_normal(agency, memory));
        char ori[IMPORT_ORI_SIZE + 1] = "";
        if (name != NULL && !name->several) {
            memcpy(ori, name->ori, sizeof ori);
        } else if (!all->registry && is_ori(agency)) {
            memcpy(ori, agency.data, IMPORT_ORI_SIZE);
        }
        if (ori[0] == '\0') {
            continue; /* an alias of what this registry lacks: its rows are reported as they come */
        }
        if (find(&registry, import_agency_normal(trimmed(map->aliases[i].spelling), memory)) !=
            NULL) {
            return refuse(why, STATUS_BAD_FORM,
                          "[agencies], %.80s: is itself a name in the registry",
                          map->aliases[i].spelling);
        }
        if (add(all, trimmed(map->aliases[i].spelling), bytes_text(ori)) != STATUS_OK) {
            return refuse(why, STATUS_NOMEM, "too many agencies");
        }
    }
    sort(all);
    return STATUS_OK;
}

enum status import_agencies_open(const char *path, const struct import_map *map,
                                 struct import_agencies **out, struct refusal *why) {
    struct import_agencies *all = calloc(1, sizeof *all);
    enum status status = all != NULL ? STATUS_OK : refuse(why, STATUS_NOMEM, "out of memory");
    if (status == STATUS_OK && path != NULL) {
        status = read_registry(all, path, why);
    }
    if (status == STATUS_OK) {
        status = add_aliases(all, map, why);
    }
    if (status == STATUS_OK && map->ori != NULL) {
        status = import_agency_check(all, bytes_text(map->ori), why);
    }
    if (status != STATUS_OK) {
        import_agencies_close(all);
        return status;
    }
    *out = all;
    return STATUS_OK;
}

void import_agencies_close(struct import_agencies *all) {
    for (size_t i = 0; all != NULL && i < all->count; i++) {
        free((void *)(uintptr_t)all->names[i].normal.data);
    }
    if (all != NULL) {
        free(all->names);
        free(all);
    }
}

/* --- looking for one --- */

/* How many letters to add, drop or change; more than the maximum counts as one above it. */
static unsigned distance(struct bytes a, struct bytes b) {
    unsigned row[NORMAL_MAX + 1];
    if (a.len > b.len + NEAR_DISTANCE_MAX || b.len > a.len + NEAR_DISTANCE_MAX ||
        b.len > NORMAL_MAX) {
        return NEAR_DISTANCE_MAX + 1;
    }
    for (size_t j = 0; j <= b.len; j++) {
        row[j] = (unsigned)j;
    }
    for (size_t i = 1; i <= a.len; i++) {
        unsigned diagonal = row[0];
        row[0] = (unsigned)i;
        for (size_t j = 1; j <= b.len; j++) {
            unsigned change = diagonal + (a.data[i - 1] != b.data[j - 1]);
            unsigned one_more = (row[j] < row[j - 1] ? row[j] : row[j - 1]) + 1;
            diagonal = row[j];
            row[j] = change < one_more ? change : one_more;
        }
    }
    return row[b.len] < NEAR_DISTANCE_MAX ? row[b.len]
                                          : NEAR_DISTANCE_MAX + (row[b.len] > NEAR_DISTANCE_MAX);
}

/* "; near: A, B". */
static void tell_near(const struct import_agencies *all, struct bytes normal, char *out,
                      size_t cap) {
    const struct agency_name *near[NEAR_COUNT] = {NULL, NULL};
    unsigned best[NEAR_COUNT] = {NEAR_DISTANCE_MAX + 1, NEAR_DISTANCE_MAX + 1};
    for (size_t i = 0; i < all->count; i++) {
        unsigned d = distance(normal, all->names[i].normal);
        if (d < best[0]) {
            near[1] = near[0];
            best[1] = best[0];
            near[0] = &all->names[i];
            best[0] = d;
        } else if (d < best[1]) {
            near[1] = &all->names[i];
            best[1] = d;
        }
    }
    out[0] = '\0';
    for (size_t i = 0, used = 0; i < NEAR_COUNT && near[i] != NULL; i++) {
        int n = snprintf(out + used, cap - used, "%s%.*s", i == 0 ? "; near: " : ", ",
                         (int)near[i]->normal.len, (const char *)near[i]->normal.data);
        used += n > 0 && used + (size_t)n < cap ? (size_t)n : 0;
    }
}

enum status import_agency_find(const struct import_agencies *all, struct bytes name,
                               char ori[static IMPORT_ORI_SIZE + 1], struct refusal *why) {
    uint8_t memory[NORMAL_MAX];
    char near[160];
    struct bytes normal = import_agency_normal(name, memory);
    const struct agency_name *found = find(all, normal);
    if (found != NULL && !found->several) {
        memcpy(ori, found->ori, IMPORT_ORI_SIZE + 1);
        return STATUS_OK;
    }
    if (found != NULL) {
        return refuse(why, STATUS_NOT_FOUND, "several agencies of the registry have this name");
    }
    tell_near(all, normal, near, sizeof near);
    if (!all->registry) {
        return refuse(why, STATUS_NOT_FOUND,
                      "no line of [agencies] has it, and no registry was given: --agencies FILE%s",
                      near);
    }
    return refuse(why, STATUS_NOT_FOUND, "agency not in the registry%s", near);
}

enum status import_agency_check(const struct import_agencies *all, struct bytes ori,
                                struct refusal *why) {
    if (!is_ori(ori)) {
        return refuse(why, STATUS_BAD_FORM, "'%.*s' is no ORI: nine of A-Z 0-9",
                      (int)(ori.len < 40 ? ori.len : 40), ori.data);
    }
    uint8_t memory[NORMAL_MAX];
    const struct agency_name *found = find(all, import_agency_normal(ori, memory));
    return !all->registry || (found != NULL && memcmp(found->ori, ori.data, IMPORT_ORI_SIZE) == 0)
               ? STATUS_OK
               : refuse(why, STATUS_NOT_FOUND, "the ORI %.*s is not in the registry",
                        IMPORT_ORI_SIZE, ori.data);
}
