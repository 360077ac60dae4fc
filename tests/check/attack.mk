# The adversary as a program: tests/check/attack*.c on the core and on what tests/lib makes of a log's beginning.
ATTACK_SRC := $(wildcard tests/check/attack*.c)
ATTACK_LIBRARIES := $(B)/libdutylog_ledger.a $(B)/libdutylog_crypto.a

$(B)/tests/check-attack: $(call obj,$(ATTACK_SRC)) $(WORLD) $(ATTACK_LIBRARIES)
	$(call say,LD,$@)
	$(Q)mkdir -p $(@D) && $(CC) $(LDFLAGS_ALL) -o $@ $^ $(LIBS)
test-programs: $(B)/tests/check-attack

# make attack SEEDS=n [FIRST=s] runs seeds.
.PHONY: attack attack-bugs
attack: $(B)/tests/check-attack
	$(Q)B=$(B) FIRST=$(FIRST) SEEDS=$(if $(filter file,$(origin SEEDS)),2000,$(SEEDS)) tests/check/attack.py

# Planted bugs, each a hook in the files of standing and cases: a build differs in the objects that have it.
CASE_SRC := $(wildcard ledger/standing*.c ledger/case*.c ledger/house.c)
CASE_HOOKS := $(shell grep -oE 'DUTYLOG_BUG_[A-Z_]+' $(CASE_SRC) /dev/null | sort -u)
CASE_BUGS := $(sort $(patsubst DUTYLOG_BUG_%,%,$(foreach h,$(CASE_HOOKS),$(lastword $(subst :, ,$(h))))))
case_bug_src = $(foreach h,$(CASE_HOOKS),$(if $(filter %:DUTYLOG_BUG_$(1),$(h)),$(firstword $(subst :, ,$(h)))))

define case_bug_rules
$(B)/attacks/$(1)/%.o: %.c Makefile
	$(Q)mkdir -p $$(@D) && $(CC) $(CFLAGS_ALL) -DDUTYLOG_BUG_$(1) -Wno-unused -MMD -MP -c -o $$@ $$<
$(B)/attacks/$(1)/check-attack: $(patsubst %.c,$(B)/attacks/$(1)/%.o,$(call case_bug_src,$(1))) \
		$(call obj,$(ATTACK_SRC)) $(WORLD) $(ATTACK_LIBRARIES)
	$(call say,LD,$$@)
	$(Q)$(CC) $(LDFLAGS_ALL) -o $$@ $$^ $(LIBS)
endef
$(foreach b,$(CASE_BUGS),$(eval $(call case_bug_rules,$(b))))

# make attack-bugs finds every planted bug within 2,000 seeds, and says with which one and how.
attack-bugs: $(CASE_BUGS:%=$(B)/attacks/%/check-attack)
	$(Q)B=$(B) tests/check/attack_bugs.sh $(CASE_BUGS)
test-programs: $(if $(SAN),,$(CASE_BUGS:%=$(B)/attacks/%/check-attack))
