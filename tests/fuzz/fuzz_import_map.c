/* An import's mapping, and cells through what it says: INI of a clerk, tables, patterns, days. */
#include "tests/fuzz/fuzz.h"
#include "tools/import_map.h"
#include "tools/import_value.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct import_map map;
    struct refusal why = {.text = ""};
    struct bytes text = bytes_of(data, size);
    if (import_map_parse(text, "map.ini", &map, &why) == STATUS_OK) {
        assert(map.event_count > 0 && map.key_count > 0 && map.column_count <= IMPORT_COLUMNS_MAX);
        for (size_t t = 0; t < map.table_count; t++) {
            uint64_t number = 0;
            struct bytes cell = bytes_of(data, size < 40 ? size : 40);
            const struct import_value *value = import_map_value(&map, t, cell, &number);
            assert(value == NULL || value->code != NULL);
        }
        for (size_t i = 0; i < map.column_count; i++) {
            char day[IMPORT_DAY_SIZE + 1];
            if (import_date(text, map.columns[i].dates, day, &why) == STATUS_OK) {
                assert(day[4] == '-' && day[7] == '-');
            }
        }
    } else {
        assert(why.text[0] != '\0'); /* whoever writes the mapping is told what is wrong */
    }
    import_map_close(&map);
    return 0;
}
