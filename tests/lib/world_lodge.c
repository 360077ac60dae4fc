/* Reports by anyone in the world for tests (tests/lib/world.h). */
#include "ledger/lodged.h"
#include "tests/lib/keys.h"
#include "tests/lib/world.h"

#include <assert.h>

struct bytes world_lodge(struct world *world, unsigned number, const char **issuer) {
    static const char title[] = "one-time-key-%u";
    struct signer unnamed = test_signer(world_text(world, title, number), VKEY_NOTE);
    struct signer one_time = unnamed;
    char name[LODGED_NAME_SIZE + 1];
    uint8_t memory[4096];
    uint8_t text[4096];
    struct writer w;
    struct writer t;
    struct hash body;
    hash_of(&number, sizeof number, &body);
    lodged_name(&unnamed.vkey.key, name);
    enum status status = vkey_make(bytes_text(name), VKEY_NOTE, &unnamed.vkey.key, &one_time.vkey);
    assert(status == STATUS_OK);
    writer_init(&w, memory, sizeof memory);
    vkey_format(&w, &one_time.vkey);
    json_t *open = json_pack("{s:s, s:s%}", "ori", WORLD_ORI, "vkey", (const char *)memory, w.len);
    assert(!w.failed && open != NULL);
    struct event_draft draft = {.log = vkey_name(&world->log.vkey),
                                .issuer = bytes_text(name),
                                .kind = bytes_text("report.lodged"),
                                .seq = 1,
                                .body = &body,
                                .open = open};
    writer_init(&t, text, sizeof text);
    writer_init(&w, memory, sizeof memory);
    const struct signer *signers[1] = {&one_time};
    status = event_format(&t, &draft, NULL);
    assert(status == STATUS_OK);
    status = event_sign(&w, writer_view(&t), signers, 1, NULL);
    assert(status == STATUS_OK);
    json_decref(open);
    if (issuer != NULL) {
        *issuer = world_text(world, "%s", name);
    }
    return bytes_text(world_text(world, "%.*s", (int)w.len, (const char *)memory));
}
