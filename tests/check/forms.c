/* Says of each line of its input, the JSON of an event, whether an event of it has the right form:
 * a line "ok", or the refusal. For tests/check/schema.py.
 *
 *     check-forms <events >verdicts
 */
#include "ledger/event.h"

#include <stdio.h>
#include <stdlib.h>

/* A line by nobody. It is looked at after the text, so that it is refused where the text is not. */
static const char line_by_nobody[] = "\n\xe2\x80\x94 nobody.example "
                                     "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
                                     "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n";

static void judge(const char *json, size_t len) {
    static uint8_t memory[EVENT_SIZE_MAX];
    struct refusal why = {.text = ""};
    struct event event;
    struct writer w;
    writer_init(&w, memory, sizeof memory);
    writer_text(&w, EVENT_FIRST_LINE "\n");
    writer_bytes(&w, bytes_of(json, len));
    writer_text(&w, "\n");
    writer_text(&w, line_by_nobody);
    if (w.failed) {
        puts("too large");
        return;
    }
    enum status status = event_parse(writer_view(&w), &event, &why);
    if (status == STATUS_OK) {
        event_release(&event);
    }
    puts(status == STATUS_DENIED_SIGNATURE ? "ok" : why.text);
}

int main(void) {
    char *line = NULL;
    size_t size = 0;
    ssize_t len;
    while ((len = getline(&line, &size, stdin)) > 0) {
        judge(line, (size_t)len - 1);
    }
    free(line);
    return fflush(stdout) == 0 ? 0 : 1;
}
