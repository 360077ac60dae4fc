# `make bench`: the benchmark; BENCH_QUICK=1 for a minute's, BENCH_ONLY=ingest,latency for some parts.
$(B)/tests/benchmark: $(call obj,$(wildcard tests/bench/*.c) tests/lib/world.c tests/lib/sample.c tests/lib/keys.c tests/lib/certificates.c \
		$(filter-out tools/dutylog.c,$(CLI_SRC))) $(LIBRARIES)
	$(call say,LD,$@)
	$(Q)mkdir -p $(@D) && $(CC) $(LDFLAGS_ALL) -o $@ $^ $(LIBS)

.PHONY: bench
bench:
	$(Q).ci/deps bench
	$(AGAIN) all $(B)/tests/benchmark
	$(Q)$(B)/tests/benchmark $(B)
