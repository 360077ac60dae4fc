# make mutants N=100 SEED=s changes one line of the core, N times, and asks whether the tests see it: specs/mutants.md.
# FILES='ledger/policy*.c ...' names the sources, LANES is the number of mutants under test at a time.
.PHONY: mutants mutant-programs mutant-commands
N ?= 100
FILES ?= $(addprefix ledger/,accept*.c standing*.c case_gather.c judge.c revocation.c replica*.c publish*.c verify*.c store*.c policy*.c)
mutants:
	$(Q).ci/deps build test
	$(Q)OUT=build/mutants N='$(N)' SEED='$(or $(SEED),1)' FILES='$(FILES)' LANES='$(or $(LANES),$(JOBS))' \
		PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3 tests/mutants/mutants.py

# Called in the copy of the tree. A mutated object stands before the libraries, which then leave theirs out.
MUTANT_LINKS := tests/unit-ledger tests/unit-net tests/unit-tools tests/sim-run tests/check-papers tests/check-forms \
	tests/check-standings tests/check-attack dutylog dutylogd
unit_objects = $(call obj,$(wildcard tests/$(1)/test_*.c) $(TESTLIB_SRC))
objects_of_tests/unit-ledger := $(call unit_objects,ledger)
objects_of_tests/unit-net := $(call unit_objects,net)
objects_of_tests/unit-tools := $(call unit_objects,tools) $(call obj,$(filter-out tools/dutylog.c,$(CLI_SRC)))
objects_of_tests/sim-run := $(call obj,$(SIM_SRC))
objects_of_tests/check-papers := $(call obj,tests/check/papers.c) $(WORLD)
objects_of_tests/check-forms := $(call obj,tests/check/forms.c)
objects_of_tests/check-standings := $(call obj,tests/check/standings.c)
objects_of_tests/check-attack := $(call obj,$(ATTACK_SRC)) $(WORLD)
objects_of_dutylog := $(call obj,$(CLI_SRC))
objects_of_dutylogd := $(call obj,tools/dutylogd.c)

mutant-programs: $(MUTANT_LINKS:%=$(B)/%)
mutant-commands:
	$(info cc	$(CC) $(CFLAGS_ALL))
	$(foreach p,$(MUTANT_LINKS),$(info $(p)	$(CC) $(LDFLAGS_ALL) -o @OUT@ @MUTANT@ $(objects_of_$(p)) $(LIBRARIES) $(LIBS) $(if $(findstring unit,$(p)),-lcriterion)))
	@:
