/* The one-time key of a report.lodged: made, put into the event, and kept nowhere. */
#include "crypto/random.h"
#include "ledger/lodged.h"
#include "tools/members.h"

#include <stdio.h>

static enum status name_key(const uint8_t *seed, struct signer *out) {
    struct signer unnamed;
    char name[LODGED_NAME_SIZE + 1];
    TRY(signer_make(bytes_text("unnamed"), VKEY_NOTE, seed, &unnamed));
    lodged_name(&unnamed.vkey.key, name);
    signer_wipe(&unnamed);
    return signer_make(bytes_text(name), VKEY_NOTE, seed, out);
}

enum status members_one_time(struct members *members, struct signer *out, struct refusal *why) {
    uint8_t seed[SIGN_SEED_SIZE];
    char assignment[VKEY_SIZE_MAX + 8];
    struct writer w;
    if (json_object_get(members->open, "vkey") != NULL) {
        return refuse(why, STATUS_BAD_MEMBER,
                      "vkey is made with the event: without --key, do not set it");
    }
    random_fill(seed, sizeof seed);
    enum status status = name_key(seed, out);
    crypto_wipe(seed, sizeof seed);
    if (status != STATUS_OK) {
        return refuse(why, status, "no key could be made");
    }
    writer_init(&w, assignment, sizeof assignment - 1);
    writer_text(&w, "vkey=");
    vkey_format(&w, &out->vkey);
    TRY(writer_status(&w));
    assignment[w.len] = '\0';
    return members_set(members, assignment, false, why);
}
