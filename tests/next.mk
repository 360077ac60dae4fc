# The programs of the kinds table after this one (DUTYLOG_TABLE_NEXT, ledger/kind.h), which has one kind more: what a mirror of
# this build makes of a log under it is tests/integration/test_rules.py. Only what knows how many kinds there are differs.
NEXT_SRC := $(shell grep -lE 'KIND_COUNT|KIND_TABLE_NUMBER|DUTYLOG_TABLE_NEXT|KIND_NEXT_TESTED' ledger/*.c net/*.c tools/*.c)
ifneq ($(shell grep -lE 'KIND_COUNT' ledger/*.h net/*.h tools/*.h),ledger/kind.h)
$(error a header other than ledger/kind.h knows KIND_COUNT: tests/next.mk would link objects that differ in it)
endif
next = $(patsubst %.c,$(B)/next/%.o,$(filter $(NEXT_SRC),$(1))) $(call obj,$(filter-out $(NEXT_SRC),$(1)))
NEXT_CORE := $(patsubst %.c,$(B)/next/%.o,$(filter ledger/% net/%,$(NEXT_SRC)))

$(B)/next/%.o: %.c Makefile tests/next.mk
	$(call say,CC,next/$<)
	$(Q)mkdir -p $(@D) && $(CC) $(CFLAGS_ALL) -DDUTYLOG_TABLE_NEXT -MMD -MP -c -o $@ $<
$(B)/next/dutylogd: $(call next,tools/dutylogd.c) $(NEXT_CORE) $(LIBRARIES)
	$(call say,LD,$@)
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ $^ $(LIBS)
$(B)/next/dutylog: $(call next,$(CLI_SRC)) $(NEXT_CORE) $(LIBRARIES)
	$(call say,LD,$@)
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ $^ $(LIBS)

test-programs: $(B)/next/dutylogd $(B)/next/dutylog
