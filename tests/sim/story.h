/* Stories: runs written by hand, without chance, whose traces are kept. */
#ifndef DUTYLOG_TESTS_SIM_STORY_H
#define DUTYLOG_TESTS_SIM_STORY_H

#include "tests/sim/cast.h"

/* Runs all; compares each trace with FOLDER/<name>.trace, or writes it. The exit status. */
int stories_run(const char *folder, bool update);

#endif
