/* Agencies by name: what is the same name by the written rule, what a clerk wrote, and what stays
 * unknown however near it is. */
#include "tools/import_agency.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char registry[] = "ori,name,former names,state,type,officers,merged_into\n"
                               "VA0010000,Hampton Roads Regional Jail,,VA,other,100,\n"
                               "VA0020000,\"Fauquier County Sheriff's Office\",Fauquier "
                               "Sheriff|Warrenton Constables,VA,sheriff,90,\n"
                               "VA0030000,King & Queen County Sheriff's Office,,VA,sheriff,20,\n"
                               "VA0040000,Richmond Police Department,,VA,municipal,700,\n"
                               "VA0050000,Salem Police Department,,VA,municipal,60,\n"
                               "VA0060000,SALEM POLICE  DEPARTMENT,,VA,municipal,61,\n";

static struct import_map map;
static struct import_agencies *agencies;

static void open_all(const char *aliases) {
    char path[] = "/tmp/dutylog-agencies-XXXXXX";
    char text[1024];
    struct refusal why = {.text = ""};
    int fd = mkstemp(path);
    cr_assert(fd >= 0 && write(fd, registry, sizeof registry - 1) == sizeof registry - 1);
    close(fd);
    snprintf(text, sizeof text,
             "[import]\nsource = s\ntable = t\nagency = {a}\nkey = a\ncase = row\n[agencies]\n%s"
             "[event investigation.opened]\nparty = officer\n",
             aliases);
    cr_assert_eq(import_map_parse(bytes_text(text), "m.ini", &map, &why), STATUS_OK, "%s",
                 why.text);
    cr_assert_eq(import_agencies_open(path, &map, &agencies, &why), STATUS_OK, "%s", why.text);
    unlink(path);
}

static void close_all(void) {
    import_agencies_close(agencies);
    import_map_close(&map);
}

static const char *find(const char *name) {
    static char out[REFUSAL_TEXT_MAX + 16];
    struct refusal why = {.text = ""};
    char ori[IMPORT_ORI_SIZE + 1];
    enum status status = import_agency_find(agencies, bytes_text(name), ori, &why);
    snprintf(out, sizeof out, "%s", status == STATUS_OK ? ori : why.text);
    return out;
}

Test(import_agency, names) {
    open_all("");
    cr_expect_str_eq(find("HAMPTON  ROADS, regional-jail"), "VA0010000");
    cr_expect_str_eq(find("Fauquier County Sheriff\xe2\x80\x99s Office"), "VA0020000");
    cr_expect_str_eq(find("Fauquier County Sheriffs Office"), "VA0020000");
    cr_expect_str_eq(find("Warrenton Constables"), "VA0020000");
    cr_expect_str_eq(find("King and Queen County Sheriff's Office"), "VA0030000");
    cr_expect_str_eq(find("King&Queen County Sheriff's Office"), "VA0030000");
    cr_expect_str_eq(find("VA0040000"), "VA0040000");
    close_all();
}

Test(import_agency, never_guessed) {
    open_all("");
    cr_expect_str_eq(find("Hamptin Roads Regional Jail"),
                     "agency not in the registry; near: HAMPTON ROADS REGIONAL JAIL");
    cr_expect_str_eq(find("Salem Police Department"),
                     "several agencies of the registry have this name");
    cr_expect_str_eq(find("Richmond City Police Department"),
                     "agency not in the registry; near: RICHMOND POLICE DEPARTMENT");
    cr_expect_str_eq(find("Somewhere Entirely Else"), "agency not in the registry");
    cr_expect_str_eq(find(""), "agency not in the registry");
    cr_expect_str_eq(find("\xff\xff"), "agency not in the registry");
    char *huge = malloc(100001);
    cr_assert_not_null(huge);
    memset(huge, '&', 100000);
    huge[100000] = '\0';
    cr_expect(strstr(find(huge), "not in the registry") != NULL);
    free(huge);
    close_all();
}

Test(import_agency, as_a_clerk_decided) {
    open_all(
        "same = Hamptin Roads Regional Jail => Hampton Roads Regional Jail\n"
        "same = The Jail => VA0010000\nsame = Nowhere PD => An agency that the registry lacks\n");
    cr_expect_str_eq(find("HAMPTIN ROADS REGIONAL JAIL"), "VA0010000");
    cr_expect_str_eq(find("the jail"), "VA0010000");
    cr_expect(strstr(find("Nowhere PD"), "not in the registry") != NULL);
    close_all();
}

Test(import_agency, oris) {
    struct refusal why = {.text = ""};
    open_all("");
    cr_expect_eq(import_agency_check(agencies, bytes_text("VA0010000"), &why), STATUS_OK);
    cr_expect_eq(import_agency_check(agencies, bytes_text("VA0990000"), &why), STATUS_NOT_FOUND);
    cr_expect_eq(import_agency_check(agencies, bytes_text("va0010000"), &why), STATUS_BAD_FORM);
    cr_expect_eq(import_agency_check(agencies, bytes_text(""), &why), STATUS_BAD_FORM);
    close_all();
}
