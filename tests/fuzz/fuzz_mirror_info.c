/* What a mirror answers to an upload: text/x.tlog.mirror-info. */
#include "ledger/push.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct mirror_info info;
    struct mirror_info again;
    uint8_t memory[1024];
    struct writer w;
    if (mirror_info_parse(bytes_of(data, size), &info) != STATUS_OK) {
        return 0;
    }
    /* A ticket that is too long is read as none, so it is the values that come back. */
    writer_init(&w, memory, sizeof memory);
    mirror_info_format(&w, &info);
    assert(!w.failed);
    enum status status = mirror_info_parse(writer_view(&w), &again);
    assert(status == STATUS_OK);
    assert(again.pending == info.pending && again.next_entry == info.next_entry);
    assert(bytes_equal(bytes_of(again.ticket, again.ticket_len),
                       bytes_of(info.ticket, info.ticket_len)));
    return 0;
}
