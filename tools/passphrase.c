#include "tools/passphrase.h"

#include "crypto/sign.h"
#include "net/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

/* One line from the terminal with its echo off. What the library keeps of it is our own buffer. */
static enum status ask(const char *prompt, const char *name, struct buffer *out,
                       struct refusal *why) {
    char line[PASSPHRASE_SIZE_MAX + 2];
    struct termios before;
    size_t len = 0;
    int fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
    if (fd < 0 || tcgetattr(fd, &before) != 0) {
        if (fd >= 0) {
            close(fd);
        }
        return refuse(why, STATUS_IO,
                      "no terminal to ask for the passphrase of %.60s: name a file, as dutylog "
                      "--passphrase-file FILE",
                      name);
    }
    struct termios silent = before;
    silent.c_lflag &= ~(tcflag_t)(ECHO | ECHONL);
    tcsetattr(fd, TCSAFLUSH, &silent);
    dprintf(fd, "%s %s: ", prompt, name);
    ssize_t n = 0;
    while (len < sizeof line && (n = read(fd, line + len, sizeof line - len)) > 0) {
        len += (size_t)n;
        if (line[len - 1] == '\n') {
            break;
        }
    }
    tcsetattr(fd, TCSAFLUSH, &before);
    dprintf(fd, "\n");
    close(fd);
    enum status status = STATUS_OK;
    if (n < 0 || len < 2 || line[len - 1] != '\n') {
        status = refuse(why, STATUS_BAD_FORM, "a passphrase has 1 to %d bytes, in one line",
                        PASSPHRASE_SIZE_MAX);
    } else {
        status = buffer_append(out, bytes_of(line, len - 1));
    }
    crypto_wipe(line, sizeof line);
    return status;
}

enum status passphrase_ask(const struct vkey *key, struct buffer *out, struct refusal *why) {
    return ask("passphrase of", key->name, out, why);
}

enum status passphrase_new(const char *file, const struct vkey *key, struct buffer *out,
                           struct refusal *why) {
    struct buffer again;
    if (file != NULL) {
        TRY(file_read_secret(file, out, why));
        const uint8_t *end = memchr(out->data, '\n', out->len);
        out->len = end != NULL ? (size_t)(end - out->data) : out->len;
        return out->len > 0 && out->len <= PASSPHRASE_SIZE_MAX
                   ? STATUS_OK
                   : refuse(why, STATUS_BAD_FORM, "%s: a passphrase has 1 to %d bytes, in one line",
                            file, PASSPHRASE_SIZE_MAX);
    }
    TRY(ask("new passphrase of", key->name, out, why));
    buffer_init(&again, PASSPHRASE_SIZE_MAX + 2);
    enum status status = ask("once more, that of", key->name, &again, why);
    if (status == STATUS_OK && !bytes_equal(buffer_view(out), buffer_view(&again))) {
        status = refuse(why, STATUS_BAD_FORM, "the two differ: nothing was changed");
    }
    buffer_wipe(&again);
    return status;
}
