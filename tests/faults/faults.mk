# Faults done to real nodes. `make test` runs a few of each kind; here are as many as the guarantees are worth.

.PHONY: power power-bugs

POWER := $(B)/tests/power.so
MEMORY := $(B)/tests/memory.so
CLOCK := $(B)/tests/clock.so
CRASHES ?= 200

$(POWER) $(MEMORY) $(CLOCK): $(B)/tests/%.so: tests/faults/%.c
	$(call say,SO,$@)
	$(Q)mkdir -p $(@D) && $(CC) -std=c11 -D_GNU_SOURCE -O2 -g $(WARN) -fPIC -shared -fvisibility=hidden -o $@ $< -lpthread -ldl

# make power CRASHES=200 lets power fail so often, in the agency's node and a mirror's.
power: $(PROGRAMS) $(POWER)
	$(Q)CRASHES=$(CRASHES) B=$(B) tests/integration/test_power_loss.py

# A daemon that never syncs, and one that answers before the meta page is durable, must both be found.
UNSAFE := NO_SYNC NO_META_SYNC

define unsafe_rules
$(B)/unsafe/$(1)/object.o: ledger/store_lmdb_open.c
	$$(call say,CC,$$@)
	$$(Q)mkdir -p $$(@D) && $$(CC) $$(CFLAGS_ALL) -DDUTYLOG_UNSAFE_$(1) -Wno-unused -c -o $$@ $$<
$(B)/unsafe/$(1)/dutylogd: $(B)/tools/dutylogd.o $(B)/unsafe/$(1)/object.o $$(LIBRARIES)
	$$(call say,LD,$$@)
	$$(Q)$$(CC) $$(LDFLAGS_ALL) -o $$@ $$^ $$(LIBS) && cp $(B)/dutylog $$(@D)/ && mkdir -p $$(@D)/tests && cp $(POWER) $$(@D)/tests/
endef
$(foreach u,$(UNSAFE),$(eval $(call unsafe_rules,$(u))))

power-bugs: $(PROGRAMS) $(POWER) $(UNSAFE:%=$(B)/unsafe/%/dutylogd)
	$(Q)for u in $(UNSAFE); do \
		if CRASHES=$(CRASHES) B=$(B)/unsafe/$$u tests/integration/test_power_loss.py >$(B)/unsafe/$$u/out 2>&1; \
		then echo "power-bugs: $$u was not found"; exit 1; \
		else echo "power-bugs: $$u found: $$(grep -m1 -aoE 'after loss [0-9]+.*' $(B)/unsafe/$$u/out | cut -c1-200)"; fi; \
	done

ifeq ($(SAN),)
test-programs: $(POWER) $(MEMORY) $(CLOCK)
endif
