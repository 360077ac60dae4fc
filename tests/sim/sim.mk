# The simulator: tests/sim/*.c on the core and on tests/lib/world.c; no net/, no tools/.
SIM_SRC := $(wildcard tests/sim/*.c) tests/lib/world.c tests/lib/keys.c
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
