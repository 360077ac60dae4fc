# dutylog: `make` builds all, `make demo` runs the main job, `make test` passes the tests, `make help` lists the rest.
# B is the build folder; SAN=address|undefined|thread builds with that sanitizer into build-SAN; V=1 shows commands;
# WERROR=1 makes warnings errors (`make lint` does).

SAN ?=
B ?= build$(if $(SAN),-$(SAN))
ifeq ($(origin CC),default)
CC := gcc
endif
PKGS := libsodium nettle lmdb libuv libmicrohttpd gnutls libcurl jansson zlib
PKG_CONFIG ?= pkg-config
JOBS ?= $(shell nproc)
PREFIX ?= /usr/local

all:
.PHONY: all libraries objects help deps clean install
.DELETE_ON_ERROR:
.SECONDARY:
.SUFFIXES:
MAKEFLAGS += --no-builtin-rules --no-print-directory

Q := $(if $(V),,@)
say = $(if $(V),,@printf '  %-5s %s\n' $(1) $(2))

WARN := -Wall -Wextra -Wshadow -Wconversion -Wsign-conversion -Wformat=2 -Wstrict-prototypes \
	-Wmissing-prototypes -Wold-style-definition -Wpointer-arith -Wcast-qual -Wwrite-strings -Wundef \
	-Wvla -Wswitch-enum -Wimplicit-fallthrough -Wnull-dereference $(if $(WERROR),-Werror)
SANFLAGS_address := -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
SANFLAGS_undefined := -fsanitize=undefined -fno-sanitize-recover=undefined
SANFLAGS_thread := -fsanitize=thread
SANFLAGS_fuzz := -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined
OPT ?= -O2
HARDEN := -fstack-protector-strong -fPIE $(if $(SAN),,-D_FORTIFY_SOURCE=2)
PKG_CFLAGS := $(shell $(PKG_CONFIG) --cflags $(PKGS) 2>/dev/null)
PKG_LIBS := $(shell $(PKG_CONFIG) --libs $(PKGS) 2>/dev/null) -linih -lcsv
ifeq ($(strip $(PKG_LIBS))$(filter deps test demo bench fuzz lint layers help clean,$(MAKECMDGOALS)),-linih -lcsv)
$(warning libraries or pkg-config are missing: run 'make deps')
endif
CFLAGS_ALL := -std=c11 -D_GNU_SOURCE -I. -g $(OPT) $(WARN) $(HARDEN) $(SANFLAGS_$(SAN)) $(PKG_CFLAGS) $(CFLAGS)
LDFLAGS_ALL := -pie -Wl,-z,relro,-z,now $(SANFLAGS_$(SAN)) $(LDFLAGS)
LIBS := $(PKG_LIBS) -lpthread

CRYPTO_SRC := $(wildcard crypto/*.c)
LEDGER_SRC := $(wildcard ledger/*.c)
NET_SRC := $(wildcard net/*.c)
CLI_SRC := $(filter-out tools/dutylogd.c,$(wildcard tools/*.c))
TESTLIB_SRC := $(wildcard tests/lib/*.c)
obj = $(patsubst %.c,$(B)/%.o,$(1))

LIBRARIES := $(B)/libdutylog_net.a $(B)/libdutylog_ledger.a $(B)/libdutylog_crypto.a
PROGRAMS := $(if $(wildcard tools/dutylogd.c),$(B)/dutylogd) $(if $(wildcard tools/dutylog.c),$(B)/dutylog)
TEST_FOLDERS := $(foreach d,crypto ledger net tools,$(if $(wildcard tests/$(d)/test_*.c),$(d)))
TEST_BINARIES := $(TEST_FOLDERS:%=$(B)/tests/unit-%)
FUZZ_NAMES := $(patsubst tests/fuzz/fuzz_%.c,%,$(wildcard tests/fuzz/fuzz_*.c))

all: $(LIBRARIES) $(PROGRAMS)

libraries: $(LIBRARIES)

$(B)/libdutylog_crypto.a: $(call obj,$(CRYPTO_SRC))
$(B)/libdutylog_ledger.a: $(call obj,$(LEDGER_SRC))
$(B)/libdutylog_net.a: $(call obj,$(NET_SRC))
$(B)/%.a:
	$(call say,AR,$@)
	$(Q)rm -f $@ && ar rcs $@ $^

$(B)/%.o: %.c Makefile
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D) && $(CC) $(CFLAGS_ALL) -MMD -MP -c -o $@ $<

$(B)/dutylogd: $(call obj,tools/dutylogd.c) $(LIBRARIES)
	$(call say,LD,$@)
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ $^ $(LIBS)
$(B)/dutylog: $(call obj,$(CLI_SRC)) $(LIBRARIES)
	$(call say,LD,$@)
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ $^ $(LIBS)

# One Criterion binary per folder of tests; a suite is a module.
.SECONDEXPANSION:
$(B)/tests/unit-%: $$(call obj,$$(wildcard tests/$$*/test_*.c) $(TESTLIB_SRC) \
		$$(if $$(filter tools,$$*),$(filter-out tools/dutylog.c,$(CLI_SRC)))) $(LIBRARIES)
	$(call say,LD,$@)
	$(Q)mkdir -p $(@D) && $(CC) $(LDFLAGS_ALL) -o $@ $^ $(LIBS) -lcriterion

# A fuzzer's harness, once with libFuzzer's main and once with one that replays a corpus; and what both start from.
# One of a command's parser takes the commands in too.
COMMANDS = $(if $(filter import_map rows,$*),$(call obj,$(filter-out tools/dutylog.c,$(CLI_SRC))))
WORLD := $(call obj,tests/lib/world.c tests/lib/world_lodge.c tests/lib/sample.c tests/lib/keys.c tests/lib/paper.c tests/lib/chain.c)
$(B)/tests/fuzz-%: $$(call obj,tests/fuzz/fuzz_$$*.c) $(WORLD) $$(COMMANDS) $(LIBRARIES)
	$(call say,LD,$@)
	$(Q)mkdir -p $(@D) && $(CC) $(LDFLAGS_ALL) -fsanitize=fuzzer -o $@ $^ $(LIBS)
$(B)/tests/replay-%: $$(call obj,tests/fuzz/fuzz_$$*.c tests/fuzz/replay.c) $(WORLD) $$(COMMANDS) $(LIBRARIES)
	$(call say,LD,$@)
	$(Q)mkdir -p $(@D) && $(CC) $(LDFLAGS_ALL) -o $@ $^ $(LIBS)
$(B)/tests/fuzz-seeds: $(call obj,tests/fuzz/seeds.c) $(WORLD) $(LIBRARIES)
	$(call say,LD,$@)
	$(Q)mkdir -p $(@D) && $(CC) $(LDFLAGS_ALL) -o $@ $^ $(LIBS)
$(B)/tests/check-forms: $(call obj,tests/check/forms.c) $(LIBRARIES)
$(B)/tests/check-papers: $(call obj,tests/check/papers.c) $(WORLD) $(LIBRARIES)
$(B)/tests/check-logs: $(call obj,tests/check/logs.c) $(WORLD) $(LIBRARIES)
$(B)/tests/check-standings: $(call obj,tests/check/standings.c) $(LIBRARIES)
$(B)/tests/check-forms $(B)/tests/check-papers $(B)/tests/check-logs $(B)/tests/check-standings:
	$(call say,LD,$@)
	$(Q)mkdir -p $(@D) && $(CC) $(LDFLAGS_ALL) -o $@ $^ $(LIBS)

.PHONY: unit test-programs fuzzers
unit: $(TEST_BINARIES)
	$(Q)tests/run.sh unit $(B)
test-programs: all $(TEST_BINARIES) $(B)/tests/check-papers $(B)/tests/check-forms $(B)/tests/check-logs $(B)/tests/check-standings $(B)/tests/fuzz-seeds $(FUZZ_NAMES:%=$(B)/tests/replay-%)
fuzzers: $(B)/tests/fuzz-seeds $(FUZZ_NAMES:%=$(B)/tests/fuzz-%)
# Everything that compiles, linked or not: for `make lint`.
objects: $(call obj,$(CRYPTO_SRC) $(LEDGER_SRC) $(NET_SRC) $(wildcard tools/*.c) $(wildcard tests/*/*.c))

# Targets for a fresh machine first install what is missing, then run make anew: pkg-config is asked as this file is
# read.
AGAIN = $(Q)$(MAKE) -j$(JOBS)
.PHONY: test demo demo-run fuzz
deps:
	$(Q).ci/deps build test lint fuzz demo bench model

# Unit tests run plain and under AddressSanitizer with UndefinedBehaviorSanitizer; threads under ThreadSanitizer.
test:
	$(Q).ci/deps build test
	$(AGAIN) test-programs
	$(AGAIN) SAN=address test-programs
	$(AGAIN) SAN=thread all $(if $(filter net,$(TEST_FOLDERS)),build-thread/tests/unit-net)
	$(Q)tests/run.sh all

demo:
	$(Q).ci/deps demo
	$(AGAIN) all
	$(Q)/usr/bin/python3 tests/demo/demo.py

SECONDS ?= 60
fuzz:
	$(Q).ci/deps fuzz
	$(AGAIN) SAN=fuzz CC=clang fuzzers
	$(Q)tests/fuzz/run.sh build-fuzz $(SECONDS) $(FUZZ_NAMES)

.PHONY: lint layers format
lint:
	$(Q).ci/deps lint
	$(Q)tests/lint/selftest.sh
	$(Q)tests/lint/lint.sh
	$(AGAIN) -k B=build-lint-gcc CC=gcc WERROR=1 objects
	$(AGAIN) -k B=build-lint-clang CC=clang OPT=-O1 WERROR=1 objects
	@echo lint: passed
layers:
	$(Q).ci/deps build
	$(AGAIN) libraries
	$(Q)tests/lint/layers.sh $(B)
format:
	$(Q)clang-format -i $(shell git ls-files '*.c' '*.h')

-include tests/bench/bench.mk
-include tests/model/model.mk

# Manual pages are made from what the programs say of themselves.
SHARE = $(DESTDIR)$(PREFIX)/share
SYSTEM = $(DESTDIR)$(PREFIX)/lib
install: all
	$(Q)tools/install/manual.sh $(B)
	install -d $(DESTDIR)$(PREFIX)/bin $(SHARE)/doc/dutylog/decisions $(SHARE)/doc/dutylog/examples $(SHARE)/doc/dutylog/mappings $(SHARE)/dutylog \
		$(SHARE)/man/man1 $(SHARE)/man/man5 $(SHARE)/man/man8 $(SYSTEM)/systemd/system $(SYSTEM)/sysusers.d $(SYSTEM)/tmpfiles.d
	install -m 755 $(PROGRAMS) $(DESTDIR)$(PREFIX)/bin
	install -m 644 README.md LICENSE $(wildcard specs/*.md) $(SHARE)/doc/dutylog
	install -m 644 $(wildcard specs/decisions/*.md) $(SHARE)/doc/dutylog/decisions
	install -m 644 $(wildcard tools/install/node-*.ini tools/install/watch-*.ini) $(SHARE)/doc/dutylog/examples
	install -m 644 $(wildcard specs/mappings/*.ini) $(SHARE)/doc/dutylog/mappings
	install -m 644 tools/install/alerts.yaml $(SHARE)/dutylog
	install -m 644 $(B)/man/dutylog.1 $(SHARE)/man/man1
	install -m 644 $(B)/man/dutylog-node.ini.5 $(SHARE)/man/man5
	install -m 644 $(B)/man/dutylogd.8 $(SHARE)/man/man8
	for unit in dutylogd.service dutylog-watch@.service dutylog-watch@.timer; do \
		sed 's#@BINDIR@#$(PREFIX)/bin#' tools/install/$$unit > $(SYSTEM)/systemd/system/$$unit || exit 1; \
		chmod 644 $(SYSTEM)/systemd/system/$$unit; done
	install -m 644 tools/install/sysusers.conf $(SYSTEM)/sysusers.d/dutylog.conf
	install -m 644 tools/install/tmpfiles.conf $(SYSTEM)/tmpfiles.d/dutylog.conf

help:
	@echo 'make                     the daemon dutylogd and the command line dutylog, in build/'
	@echo 'make demo                the main job on real processes (KEEP=1 leaves them running)'
	@echo 'make test                all tests; make unit: those of the modules alone (SAN=address|thread too)'
	@echo 'make fuzz SECONDS=60     every parser under libFuzzer'
	@echo 'make bench               how fast it is, beside what the machine allows (BENCH_QUICK=1: a minute)'
	@echo 'make model               every state of the formal model (specs/model.md), with spin'
	@echo 'make attack SEEDS=2000   keys that may not do it, against honest cases; make attack-bugs: that wrong rules are found'
	@echo 'make power CRASHES=200   power loss of real nodes, so often; make power-bugs: that unsafe ones are found'
	@echo 'make mutants N=100 SEED=1  one-line mutants of the core, each under the tests (specs/mutants.md)'
	@echo 'make lint layers format  style; who may use whom; clang-format'
	@echo 'make deps                installs what a Debian 12 lacks for all of these'
	@echo 'make install             PREFIX=/usr/local DESTDIR='
	@echo 'make clean               removes build and build-*'

clean:
	rm -rf build build-*

include tests/next.mk
include tests/check/attack.mk
include tests/sim/sim.mk
include tests/faults/faults.mk
include tests/mutants/mutants.mk

-include $(shell find $(B) -name '*.d' 2>/dev/null)
