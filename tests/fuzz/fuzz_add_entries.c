/* The body of add-entries, whole and as it trickles in: both must give the same. */
#include "ledger/mirror.h"
#include "tests/fuzz/fuzz.h"

#define PACKAGES 4

static struct bytes front(struct bytes b, size_t len) {
    return bytes_of(b.data, len);
}

/* Parses one package with all of the rest at hand, then again from pieces. */
static enum status check_package(struct bytes rest, uint64_t start, uint64_t end,
                                 size_t *consumed) {
    struct package_scan whole_scan = {.entries = 0};
    struct package_scan scan = {.entries = 0};
    struct package whole;
    struct package piecewise;
    size_t piecewise_consumed = 0;
    enum status status = package_parse(rest, start, end, &whole_scan, &whole, consumed);
    enum status last = STATUS_NOT_FOUND;
    for (size_t part = 1; part <= 4 && last == STATUS_NOT_FOUND; part++) {
        last = package_parse(front(rest, rest.len * part / 4), start, end, &scan, &piecewise,
                             &piecewise_consumed);
    }
    assert(last == status);
    if (status == STATUS_OK) {
        assert(piecewise_consumed == *consumed && *consumed <= rest.len);
        assert(bytes_equal(whole.entries, piecewise.entries));
        assert(whole.proof.count == piecewise.proof.count);
        /* One byte fewer is not enough. */
        struct package_scan fresh = {.entries = 0};
        size_t unused;
        enum status cut =
            package_parse(front(rest, *consumed - 1), start, end, &fresh, &piecewise, &unused);
        assert(cut == STATUS_NOT_FOUND);
    }
    return status;
}

static void check_packages(struct bytes rest, const struct upload_header *header) {
    uint64_t start = header->start;
    for (int i = 0; i < PACKAGES && start < header->end; i++) {
        uint64_t end;
        size_t consumed = 0;
        package_bounds(start, header->end, &end);
        if (check_package(rest, start, end, &consumed) != STATUS_OK) {
            return;
        }
        rest = bytes_of(rest.data + consumed, rest.len - consumed);
        start = end;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct bytes input = bytes_of(data, size);
    struct upload_header header;
    struct upload_header cut;
    struct refusal why;
    size_t consumed = 0;
    size_t unused;
    if (upload_header_parse(input, &header, &consumed, &why) != STATUS_OK) {
        return 0;
    }
    uint8_t memory[2 + NAME_SIZE_MAX + 8 + 8 + 2 + TICKET_SIZE_MAX];
    struct writer w;
    writer_init(&w, memory, sizeof memory);
    upload_header_format(&w, &header);
    fuzz_same(&w, front(input, consumed));
    enum status short_status = upload_header_parse(front(input, consumed - 1), &cut, &unused, &why);
    assert(short_status != STATUS_OK);
    /* upload_begin refuses larger ones before a package is read. */
    if (header.end <= TREE_SIZE_MAX) {
        check_packages(bytes_of(data + consumed, size - consumed), &header);
    }
    return 0;
}
