#include "tools/text_print.h"

#include <string.h>

static bool steers(uint32_t rune) {
    return rune < ' ' || (rune >= 0x7f && rune <= 0x9f) || rune == 0x61c || rune == 0x200e ||
           rune == 0x200f || (rune >= 0x202a && rune <= 0x202e) ||
           (rune >= 0x2066 && rune <= 0x2069);
}

void text_print(FILE *out, struct bytes text) {
    struct reader r;
    reader_init(&r, text);
    while (r.rest.len > 0) {
        struct bytes before = r.rest;
        uint32_t rune = 0;
        bool good = reader_rune(&r, &rune);
        if (!good) { /* not ours to judge here: a byte, and on */
            reader_init(&r, bytes_of(before.data + 1, before.len - 1));
        }
        if (good && !steers(rune)) {
            fwrite(before.data, 1, before.len - r.rest.len, out);
        } else {
            putc('?', out);
        }
    }
}

void text_print_csv(FILE *out, struct bytes text) {
    putc('"', out);
    if (text.len > 0 && memchr("=+-@\t\r", text.data[0], 6) != NULL) {
        putc('\'', out);
    }
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] == '"') {
            putc('"', out);
        }
        putc(text.data[i], out);
    }
    putc('"', out);
}
