# The simulator: tests/sim/*.c on the core and on tests/lib/world.c; no net/, no tools/.
SIM_SRC := $(wildcard tests/sim/*.c) tests/lib/world.c tests/lib/world_lodge.c tests/lib/sample.c tests/lib/keys.c
SIM_LIBRARIES := $(B)/libdutylog_ledger.a $(B)/libdutylog_crypto.a
SIM := $(B)/tests/sim-run

$(SIM): $(call obj,$(SIM_SRC)) $(SIM_LIBRARIES)
	$(call say,LD,$@)
	$(Q)mkdir -p $(@D) && $(CC) $(LDFLAGS_ALL) -o $@ $^ $(LIBS)

# make sim SEEDS=n [FIRST=s] runs seeds; make sim SEED=x [TRACE=1] replays one.
.PHONY: sim sim-stories sim-bugs
SEEDS ?= 500
FIRST ?= 1
sim: $(SIM)
	$(Q)$(if $(SEED),TRACE=$(TRACE) $(SIM) seed $(SEED),$(SIM) seeds $(SEEDS) $(FIRST))
# make sim-stories compares the stories with their traces; UPDATE=1 writes the traces anew.
sim-stories: $(SIM)
	$(Q)$(SIM) stories tests/sim/stories $(if $(UPDATE),update)

# Planted bugs: each build differs in the ledger objects that have the hook, and nothing else. Those in standing and
# cases are the attack program's (tests/check/attack.mk).
BUG_HOOKS := $(shell grep -oE 'DUTYLOG_BUG_[A-Z_]+' $(filter-out $(CASE_SRC),$(wildcard ledger/*.c)) tests/sim/*.c 2>/dev/null | sort -u)
BUGS := $(sort $(patsubst DUTYLOG_BUG_%,%,$(foreach h,$(BUG_HOOKS),$(lastword $(subst :, ,$(h))))))
bug_src = $(foreach h,$(BUG_HOOKS),$(if $(filter %:DUTYLOG_BUG_$(1),$(h)),$(firstword $(subst :, ,$(h)))))

define bug_rules
$(B)/bugs/$(1)/%.o: %.c Makefile
	$(Q)mkdir -p $$(@D) && $(CC) $(CFLAGS_ALL) -DDUTYLOG_BUG_$(1) -Wno-unused -MMD -MP -c -o $$@ $$<
$(B)/bugs/$(1)/sim-run: $(patsubst %.c,$(B)/bugs/$(1)/%.o,$(call bug_src,$(1))) \
		$(call obj,$(filter-out $(call bug_src,$(1)),$(SIM_SRC))) $(SIM_LIBRARIES)
	$(call say,LD,$$@)
	$(Q)$(CC) $(LDFLAGS_ALL) -o $$@ $$^ $(LIBS)
endef
$(foreach b,$(BUGS),$(eval $(call bug_rules,$(b))))

# make sim-bugs finds every planted bug within BUG_SEEDS seeds, and says with which one and how.
BUG_SEEDS ?= 400
sim-bugs: $(BUGS:%=$(B)/bugs/%/sim-run)
	$(Q)tests/sim/bugs.sh $(B) $(BUG_SEEDS) $(BUGS)

# `make test` runs tests/sim/check.sh, plain and under AddressSanitizer.
test-programs: $(SIM) $(if $(SAN),,$(BUGS:%=$(B)/bugs/%/sim-run))
