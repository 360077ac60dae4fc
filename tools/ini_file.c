#include "tools/ini_file.h"

#include "net/file.h"

#include <ini.h>
#include <string.h>

struct parse {
    ini_take *take;
    void *context;
    enum status status;
    struct refusal why;
};

static int on_line(void *context, const char *section, const char *name, const char *value) {
    struct parse *p = context;
    if (p->status == STATUS_OK) {
        p->status = p->take(p->context, section, name, value, &p->why);
    }
    return p->status == STATUS_OK;
}

/* The number of the first line that inih would cut; 0: none. */
static int find_long_line(struct bytes content) {
    int number = 0;
    while (content.len > 0) {
        const uint8_t *newline = memchr(content.data, '\n', content.len);
        size_t len = newline != NULL ? (size_t)(newline - content.data) : content.len;
        const uint8_t *close =
            content.data[0] == '[' ? memchr(content.data, ']', len) : content.data;
        size_t section = close != NULL ? (size_t)(close - content.data) : len;
        number++;
        if (len > INI_LINE_SIZE_MAX || section > INI_SECTION_SIZE_MAX + 1) {
            return number;
        }
        size_t step = newline != NULL ? len + 1 : len;
        content = bytes_of(content.data + step, content.len - step);
    }
    return 0;
}

enum status ini_file_read(const char *path, struct buffer *content, ini_take *take, void *context,
                          struct refusal *why) {
    struct parse p = {.take = take, .context = context, .status = STATUS_OK};
    TRY(file_read(path, content, why));
    if (content->len > 0 && memchr(content->data, 0, content->len) != NULL) {
        return refuse(why, STATUS_BAD_FORM, "%s: holds a NUL byte: this is no text file", path);
    }
    int line = find_long_line(buffer_view(content));
    if (line != 0) {
        return refuse(
            why, STATUS_BAD_FORM,
            "%s, line %d: a line has at most %d characters, a section's name %d: go on in "
            "the next line, indented",
            path, line, INI_LINE_SIZE_MAX, INI_SECTION_SIZE_MAX);
    }
    content->max++;
    if (buffer_append(content, bytes_of("", 1)) != STATUS_OK) {
        return refuse(why, STATUS_NOMEM, "out of memory");
    }
    line = ini_parse_string((const char *)content->data, on_line, &p);
    content->len--;
    if (line == 0) {
        return STATUS_OK;
    }
    return p.status != STATUS_OK ? refuse(why, p.status, "%s, line %d: %s", path, line, p.why.text)
                                 : refuse(why, line < 0 ? STATUS_NOMEM : STATUS_BAD_FORM,
                                          "%s, line %d: neither a section nor name = value", path,
                                          line < 0 ? 0 : line);
}
