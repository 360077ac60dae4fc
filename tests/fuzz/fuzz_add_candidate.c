/* The body of add-candidate: what parses is what its two parts parse to alone. */
#include "ledger/mirror.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct bytes input = bytes_of(data, size);
    struct add_candidate request;
    struct add_candidate cut;
    struct upload_header header;
    struct refusal why;
    size_t consumed = 0;
    if (add_candidate_parse(input, &request, &why) != STATUS_OK) {
        return 0;
    }
    assert(request.checkpoint.data == data + 2 && request.checkpoint.len <= size - 2);
    size_t at = 2 + request.checkpoint.len;
    enum status status =
        upload_header_parse(bytes_of(data + at, size - at), &header, &consumed, &why);
    assert(status == STATUS_OK && header.start == request.header.start);
    assert(request.package.start == header.start && request.package.end == header.end);
    assert(request.package.entries.data == data + at + consumed);
    assert(request.package.entries.len + 1 + request.package.proof.count * HASH_SIZE ==
           size - at - consumed);
    /* One byte fewer is not enough. */
    enum status short_status = add_candidate_parse(bytes_of(data, size - 1), &cut, &why);
    assert(short_status != STATUS_OK);
    return 0;
}
