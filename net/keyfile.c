#include "net/keyfile.h"

#include "net/buffer.h"
#include "net/file.h"

enum status keyfile_read(const char *path, struct signer *out, struct refusal *why) {
    struct buffer content;
    buffer_init(&content, SIGNER_SIZE_MAX + 1);
    enum status status = file_read_secret(path, &content, why);
    if (status == STATUS_OK) {
        struct bytes text = buffer_view(&content);
        if (text.len > 0 && text.data[text.len - 1] == '\n') {
            text.len--;
        }
        status = signer_parse(text, out, why);
    }
    buffer_wipe(&content);
    return status;
}

enum status keyfile_create(const char *path, const struct signer *signer, struct refusal *why) {
    uint8_t text[SIGNER_SIZE_MAX + 1];
    struct writer w;
    writer_init(&w, text, sizeof text);
    signer_format(&w, signer);
    writer_u8(&w, '\n');
    enum status status = writer_status(&w);
    if (status == STATUS_OK) {
        status = file_create(path, writer_view(&w), why);
    }
    crypto_wipe(text, sizeof text);
    return status;
}
