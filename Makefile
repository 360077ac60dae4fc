# dutylog: `make` builds all, `make demo` runs the main job, `make test` passes the tests.
# B is the build folder; SAN=address|undefined|thread builds with that sanitizer into build-SAN; V=1 shows commands;
# WERROR=1 makes warnings errors (CI does).

SAN ?=
B ?= build$(if $(SAN),-$(SAN))
CC ?= gcc
PKGS := libsodium nettle lmdb libuv libmicrohttpd libcurl jansson zlib
PKG_CONFIG ?= pkg-config

all:
.PHONY: all libraries deps clean
.DELETE_ON_ERROR:
.SUFFIXES:
# Objects of the tests are kept, though only a pattern names them.
.SECONDARY:
MAKEFLAGS += --no-builtin-rules

Q := $(if $(V),,@)
say = $(if $(V),,@printf '  %-5s %s\n' $(1) $(2))

WARN := -Wall -Wextra -Wshadow -Wconversion -Wsign-conversion -Wformat=2 -Wstrict-prototypes \
	-Wmissing-prototypes -Wold-style-definition -Wpointer-arith -Wcast-qual -Wwrite-strings -Wundef \
	-Wvla -Wswitch-enum -Wimplicit-fallthrough -Wnull-dereference $(if $(WERROR),-Werror)
SANFLAGS_address := -fsanitize=address,undefined -fno-sanitize-recover=undefined
SANFLAGS_undefined := -fsanitize=undefined -fno-sanitize-recover=undefined
SANFLAGS_thread := -fsanitize=thread
OPT ?= -O2
HARDEN := -fstack-protector-strong -fPIE $(if $(SAN),,-D_FORTIFY_SOURCE=2)
PKG_CFLAGS := $(shell $(PKG_CONFIG) --cflags $(PKGS) 2>/dev/null)
PKG_LIBS := $(shell $(PKG_CONFIG) --libs $(PKGS) 2>/dev/null) -linih
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
TEST_FOLDERS := $(foreach d,crypto ledger net tools,$(if $(wildcard tests/$(d)/test_*.c),$(d)))
TEST_BINARIES := $(TEST_FOLDERS:%=$(B)/tests/unit-%)

all: $(LIBRARIES) $(if $(wildcard tools/dutylogd.c),$(B)/dutylogd) $(if $(wildcard tools/dutylog.c),$(B)/dutylog)

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
$(B)/tests/unit-%: $$(call obj,$$(wildcard tests/$$*/test_*.c) $(TESTLIB_SRC)) $(LIBRARIES)
	$(call say,LD,$@)
	$(Q)mkdir -p $(@D) && $(CC) $(LDFLAGS_ALL) -o $@ $^ $(LIBS) -lcriterion

.PHONY: unit
unit: $(TEST_BINARIES)
	$(Q)for t in $(TEST_BINARIES); do $$t --quiet || exit 1; done

clean:
	rm -rf build build-*

-include $(shell find $(B) -name '*.d' 2>/dev/null)
