#include "ledger/bytes.h"

#include "crypto/encoding.h"

#include <assert.h>
#include <string.h>

struct bytes bytes_of(const void *data, size_t len) {
    assert(data != NULL || len == 0);
    return (struct bytes){.data = data, .len = len};
}

struct bytes bytes_text(const char *text) {
    return bytes_of(text, strlen(text));
}

bool bytes_equal(struct bytes a, struct bytes b) {
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

int bytes_compare(struct bytes a, struct bytes b) {
    size_t common = a.len < b.len ? a.len : b.len;
    int order = common == 0 ? 0 : memcmp(a.data, b.data, common);
    if (order != 0) {
        return order;
    }
    return (a.len > b.len) - (a.len < b.len);
}

bool bytes_starts_with(struct bytes a, const char *prefix) {
    size_t len = strlen(prefix);
    return a.len >= len && (len == 0 || memcmp(a.data, prefix, len) == 0);
}

bool bytes_utf8_valid(struct bytes b) {
    struct reader r;
    reader_init(&r, b);
    while (r.rest.len > 0) {
        /* Most text is ASCII: eight bytes at a step while none has its top bit set. */
        uint64_t eight;
        if (r.rest.len >= sizeof eight) {
            memcpy(&eight, r.rest.data, sizeof eight);
            if ((eight & UINT64_C(0x8080808080808080)) == 0) {
                r.rest.data += sizeof eight;
                r.rest.len -= sizeof eight;
                continue;
            }
        }
        uint32_t rune;
        if (!reader_rune(&r, &rune)) {
            return false;
        }
    }
    return true;
}

void reader_init(struct reader *r, struct bytes input) {
    r->rest = input;
    r->failed = false;
}

bool reader_take(struct reader *r, size_t len, struct bytes *out) {
    if (r->failed || r->rest.len < len) {
        r->failed = true;
        return false;
    }
    *out = (struct bytes){.data = r->rest.data, .len = len};
    if (len != 0) {
        r->rest.data += len;
        r->rest.len -= len;
    }
    return true;
}

static bool reader_big_endian(struct reader *r, size_t len, uint64_t *out) {
    struct bytes raw;
    if (!reader_take(r, len, &raw)) {
        return false;
    }
    uint64_t v = 0;
    for (size_t i = 0; i < len; i++) {
        v = v << 8 | raw.data[i];
    }
    *out = v;
    return true;
}

bool reader_u8(struct reader *r, uint8_t *out) {
    uint64_t v;
    if (!reader_big_endian(r, sizeof *out, &v)) {
        return false;
    }
    *out = (uint8_t)v;
    return true;
}

bool reader_u16(struct reader *r, uint16_t *out) {
    uint64_t v;
    if (!reader_big_endian(r, sizeof *out, &v)) {
        return false;
    }
    *out = (uint16_t)v;
    return true;
}

bool reader_u32(struct reader *r, uint32_t *out) {
    uint64_t v;
    if (!reader_big_endian(r, sizeof *out, &v)) {
        return false;
    }
    *out = (uint32_t)v;
    return true;
}

bool reader_u64(struct reader *r, uint64_t *out) {
    return reader_big_endian(r, sizeof *out, out);
}

bool reader_hash(struct reader *r, struct hash *out) {
    struct bytes raw;
    if (!reader_take(r, HASH_SIZE, &raw)) {
        return false;
    }
    memcpy(out->bytes, raw.data, HASH_SIZE);
    return true;
}

bool reader_until(struct reader *r, uint8_t delimiter, struct bytes *out) {
    const uint8_t *end =
        r->failed || r->rest.len == 0 ? NULL : memchr(r->rest.data, delimiter, r->rest.len);
    if (end == NULL) {
        r->failed = true;
        return false;
    }
    size_t len = (size_t)(end - r->rest.data);
    *out = (struct bytes){.data = r->rest.data, .len = len};
    r->rest.data += len + 1;
    r->rest.len -= len + 1;
    return true;
}

bool reader_line(struct reader *r, struct bytes *line) {
    return reader_until(r, '\n', line);
}

bool reader_skip(struct reader *r, const char *text) {
    if (!bytes_starts_with(r->rest, text)) {
        return false;
    }
    struct bytes skipped;
    return reader_take(r, strlen(text), &skipped);
}

/* How many bytes the sequence takes that begins with `lead`, 0 if none does, and the range of its
 * second byte, in which all the special cases of table 3-7 lie. */
static size_t rune_shape(uint8_t lead, uint8_t *low, uint8_t *high) {
    *low = 0x80;
    *high = 0xbf;
    if (lead < 0x80) {
        return 1;
    }
    if (lead >= 0xc2 && lead <= 0xdf) {
        return 2;
    }
    if (lead >= 0xe0 && lead <= 0xef) {
        *low = lead == 0xe0 ? 0xa0 : 0x80;  /* below would be overlong */
        *high = lead == 0xed ? 0x9f : 0xbf; /* above are the surrogates */
        return 3;
    }
    if (lead >= 0xf0 && lead <= 0xf4) {
        *low = lead == 0xf0 ? 0x90 : 0x80;  /* below would be overlong */
        *high = lead == 0xf4 ? 0x8f : 0xbf; /* above is beyond U+10FFFF */
        return 4;
    }
    return 0;
}

bool reader_rune(struct reader *r, uint32_t *out) {
    if (r->failed || r->rest.len == 0) {
        r->failed = true;
        return false;
    }
    const uint8_t *p = r->rest.data;
    uint8_t low, high;
    size_t len = rune_shape(p[0], &low, &high);
    if (len == 0 || r->rest.len < len) {
        r->failed = true;
        return false;
    }
    /* The lead of an n-byte sequence, n > 1, carries 7 - n bits. */
    uint32_t rune = len == 1 ? p[0] : p[0] & (0x7fU >> len);
    for (size_t i = 1; i < len; i++) {
        if (p[i] < low || p[i] > high) {
            r->failed = true;
            return false;
        }
        rune = rune << 6 | (p[i] & 0x3fU);
        low = 0x80;
        high = 0xbf;
    }
    r->rest.data += len;
    r->rest.len -= len;
    *out = rune;
    return true;
}

bool reader_done(const struct reader *r) {
    return !r->failed && r->rest.len == 0;
}

bool bytes_to_u64(struct bytes text, uint64_t *out) {
    if (text.len == 0 || text.len > 19 || (text.len > 1 && text.data[0] == '0')) {
        return false;
    }
    uint64_t v = 0; /* 19 digits stay below 2^64 */
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] < '0' || text.data[i] > '9') {
            return false;
        }
        v = v * 10 + (uint64_t)(text.data[i] - '0');
    }
    if (v > INT64_MAX) {
        return false;
    }
    *out = v;
    return true;
}

bool bytes_to_hash(struct bytes text, struct hash *out) {
    /* 44 characters may also stand for 31 or 33 bytes. */
    struct hash decoded;
    size_t len;
    if (text.len != BASE64_LEN(HASH_SIZE) ||
        !base64_decode((const char *)text.data, text.len, decoded.bytes, HASH_SIZE, &len) ||
        len != HASH_SIZE) {
        return false;
    }
    *out = decoded;
    return true;
}

bool bytes_hex_to_hash(struct bytes text, struct hash *out) {
    return text.len == HEX_LEN(HASH_SIZE) &&
           hex_decode((const char *)text.data, text.len, out->bytes, HASH_SIZE);
}

void writer_init(struct writer *w, void *memory, size_t cap) {
    assert(memory != NULL || cap == 0);
    *w = (struct writer){.data = memory, .cap = cap};
}

uint8_t *writer_reserve(struct writer *w, size_t len) {
    if (w->failed || w->cap - w->len < len) {
        w->failed = true;
        return NULL;
    }
    uint8_t *room = w->data + w->len;
    w->len += len;
    return room;
}

void writer_put(struct writer *w, const void *data, size_t len) {
    if (len == 0) {
        return;
    }
    uint8_t *room = writer_reserve(w, len);
    if (room != NULL) {
        memcpy(room, data, len);
    }
}

void writer_bytes(struct writer *w, struct bytes b) {
    writer_put(w, b.data, b.len);
}

void writer_text(struct writer *w, const char *text) {
    writer_put(w, text, strlen(text));
}

static void writer_big_endian(struct writer *w, size_t len, uint64_t v) {
    uint8_t *room = writer_reserve(w, len);
    if (room == NULL) {
        return;
    }
    for (size_t i = len; i-- > 0;) {
        room[i] = (uint8_t)v;
        v >>= 8;
    }
}

void writer_u8(struct writer *w, uint8_t v) {
    writer_big_endian(w, sizeof v, v);
}

void writer_u16(struct writer *w, uint16_t v) {
    writer_big_endian(w, sizeof v, v);
}

void writer_u32(struct writer *w, uint32_t v) {
    writer_big_endian(w, sizeof v, v);
}

void writer_u64(struct writer *w, uint64_t v) {
    writer_big_endian(w, sizeof v, v);
}

void writer_hash(struct writer *w, const struct hash *h) {
    writer_put(w, h->bytes, HASH_SIZE);
}

void writer_hash_base64(struct writer *w, const struct hash *h) {
    uint8_t *room = writer_reserve(w, BASE64_LEN(HASH_SIZE));
    if (room != NULL) {
        base64_encode((char *)room, h->bytes, HASH_SIZE);
    }
}

void writer_hash_hex(struct writer *w, const struct hash *h) {
    uint8_t *room = writer_reserve(w, HEX_LEN(HASH_SIZE));
    if (room != NULL) {
        hex_encode((char *)room, h->bytes, HASH_SIZE);
    }
}

void writer_decimal(struct writer *w, uint64_t v) {
    uint8_t digits[20]; /* 2^64 - 1 has 20 */
    size_t at = sizeof digits;
    do {
        digits[--at] = (uint8_t)('0' + v % 10);
        v /= 10;
    } while (v != 0);
    writer_put(w, digits + at, sizeof digits - at);
}

struct bytes writer_view(const struct writer *w) {
    return (struct bytes){.data = w->data, .len = w->len};
}

enum status writer_status(const struct writer *w) {
    return w->failed ? STATUS_TOO_LARGE : STATUS_OK;
}
