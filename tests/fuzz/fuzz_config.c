/* node.ini. */
#include "net/config.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct node_config config;
    struct refusal why = {.text = ""};
    if (config_parse(bytes_of(data, size), "node.ini", &config, &why) == STATUS_OK) {
        assert(config.log_count <= CONFIG_LOGS_MAX && config.name[0] != '\0');
        node_config_release(&config);
    } else {
        assert(why.text[0] != '\0'); /* whoever edits the file is told what is wrong */
    }
    return 0;
}
