# SPDX-License-Identifier: Apache-2.0
# The only entry. `make help` lists the targets; V=1 shows the commands.

ARCH ?= amd64
ifeq ($(filter amd64 arm64,$(ARCH)),)
$(error ARCH=$(ARCH): there are amd64 and arm64)
endif
V ?= 0
Q := $(if $(filter 1,$(V)),,@)
say = $(if $(filter 1,$(V)),,@printf '  %-7s %s\n' '$(1)' '$(2)')

MAKEFLAGS += --no-builtin-rules
.SUFFIXES:
.DELETE_ON_ERROR:
.DEFAULT_GOAL := all

# ---- where things are ---------------------------------------------------------------------

B := build/$(ARCH)
SYSROOT := $(B)/sysroot
GEN := $(B)/gen
CROSS := $(if $(filter arm64,$(ARCH)),aarch64-linux-gnu-)
BPF_ARCH := $(if $(filter arm64,$(ARCH)),arm64,x86)
export SYSROOT

VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
# one time for everything that carries one: the commit's
SOURCE_DATE_EPOCH ?= $(shell git log -1 --format=%ct 2>/dev/null || echo 0)
export SOURCE_DATE_EPOCH

# ---- tools --------------------------------------------------------------------------------

CC := $(SYSROOT)/bin/musl-gcc
CLANG := clang-19
BPFTOOL := $(firstword $(wildcard /usr/sbin/bpftool /usr/bin/bpftool) bpftool)
HOSTCC := gcc
# a host may point these at other headers and libraries
unexport LIBRARY_PATH CPATH C_INCLUDE_PATH CPLUS_INCLUDE_PATH

WARN := -Wall -Wextra -Werror -Wshadow -Wtype-limits -Wformat=2 -Wmissing-prototypes -Wvla \
	-Wno-unused-parameter
CPPFLAGS := -D_GNU_SOURCE -DCURL_STATICLIB -DNGHTTP2_STATICLIB -Isrc -I. -I$(GEN)
OPTIMIZE := -Os -ffunction-sections -fdata-sections -flto=2 \
	-fno-asynchronous-unwind-tables -fno-unwind-tables -ffile-prefix-map=$(CURDIR)=.
CFLAGS := -std=gnu11 $(WARN) $(OPTIMIZE)
# no warnings here: with LTO they would be about the libraries
LDFLAGS := -static -Wl,--gc-sections -Wl,--build-id=none -Wl,-z,noexecstack -Wl,-z,relro -s
LIBS := -lotlp-proto -lcri-proto -lcurl -lnghttp2 -lbearssl -lbpf -lelf -lz -lprotobuf-c -lyyjson
BPF_CFLAGS := -O2 -g -target bpf -mcpu=v3 -D__TARGET_ARCH_$(BPF_ARCH) -Wall -Wextra -Werror \
	-Wno-unused-parameter -ffile-prefix-map=$(CURDIR)=. -isystem $(SYSROOT)/include

# ---- sources ------------------------------------------------------------------------------

# those that have programs
FAMILIES := $(sort $(shell sed -n 's/^FEATURE.\([a-z_]*\),.*/\1/p' bpf/registry.def))
SRC := $(wildcard cmd/podtrace/*.c src/*.c src/*/*.c otel/*.c otel/map/*.c)
OBJ := $(SRC:%.c=$(B)/obj/%.o)
BPF_OBJ := $(FAMILIES:%=$(B)/obj/bpf/%.bpf.o) $(B)/obj/bpf/maps.bpf.o $(B)/obj/bpf/self.bpf.o \
	$(B)/obj/bpf/fit.bpf.o $(B)/obj/bpf/preempt.bpf.o
OBJECTS := $(GEN)/bpf/objects.inc
BTF_TABLE := $(GEN)/btf/embedded.inc

# ---- the binary ---------------------------------------------------------------------------

.PHONY: all
all: $(B)/podtrace ## build the static binary: build/<arch>/podtrace

$(B)/podtrace: $(OBJ) $(SYSROOT)/.key
	$(call say,LINK,$@)
	$(Q)$(CC) $(OPTIMIZE) -w $(LDFLAGS) $(OBJ) $(LIBS) -o $@

$(OBJ): $(B)/obj/%.o: %.c | $(GEN)/version.h $(OBJECTS) $(BTF_TABLE) $(SYSROOT)/.key
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c $< -o $@

# rewritten only when it changes, so that a second make does nothing
$(GEN)/version.h: FORCE
	@mkdir -p $(@D)
	@echo '#define PODTRACE_VERSION "$(VERSION)"' >$@.new
	@if cmp -s $@.new $@; then rm $@.new; else mv $@.new $@; fi

# names of system calls, as musl numbers them
$(GEN)/syscalls.inc: $(SYSROOT)/.key
	@mkdir -p $(@D)
	$(Q)sed -n 's/^#define __NR_\([a-z0-9_]*\)[[:space:]]*\([0-9]*\)$$/[\2] = "\1",/p' \
		$(SYSROOT)/include/bits/syscall.h >$@

$(B)/obj/src/base/syscall_name.o: $(GEN)/syscalls.inc

# ---- BPF: one object a family, embedded packed ---------------------------------------------

$(BPF_OBJ): $(B)/obj/bpf/%.bpf.o: bpf/%.bpf.c | $(SYSROOT)/.key
	$(call say,BPF,$<)
	@mkdir -p $(@D)
	$(Q)$(CLANG) $(BPF_CFLAGS) -MMD -MP -MT $@ -MF $(@:.o=.d) -c $< -o $@.dwarf
	$(Q)$(BPFTOOL) gen object $@ $@.dwarf && rm $@.dwarf

$(OBJECTS): $(BPF_OBJ) tools/objects.py
	$(Q)python3 -B tools/objects.py $@ $(BPF_OBJ)

# ---- BTF: types of kernels that do not tell them, see btf/README.md --------------------------

BTF_TOOL = BPFTOOL=$(BPFTOOL) python3 -B tools/btf.py --arch $(ARCH) --objects "$(filter-out %/preempt.bpf.o,$(BPF_OBJ))"

# (preempt.bpf.c asks for a variable of the kernel's, of which only its own types tell)
# the README's table changes with every file beside it
$(BTF_TABLE): btf/README.md $(wildcard btf/$(ARCH)/*.btf) $(wildcard tools/btf*.py) $(BPF_OBJ)
	$(Q)$(BTF_TOOL) embed $@

.PHONY: btf
btf: $(BPF_OBJ) ## reduce a kernel's types for btf/: VMLINUX=file [NAME=release]; else all of btf/ anew
	$(Q)$(BTF_TOOL) $(if $(VMLINUX),add $(if $(NAME),--name "$(NAME)") "$(VMLINUX)",all)

# ---- third party --------------------------------------------------------------------------

# build.sh is out again at once when nothing changed
$(SYSROOT)/.key: third_party/sources.lock third_party/build.sh third_party/fetch.sh
	$(Q)QUIET=1 third_party/fetch.sh >/dev/null
	$(Q)third_party/build.sh $(ARCH) $(SYSROOT)
	@touch $@

include tests/tests.mk
include tests/bench/bench.mk

# ---- using it -----------------------------------------------------------------------------

.PHONY: packages run test vm bench figures coverage docs image help clean distclean

packages: ## install the Debian packages that the build needs (root)
	@third_party/install-packages.sh build

run: ## install, build, and trace this machine for 20 s (root)
	@third_party/install-packages.sh build
	@$(MAKE) --no-print-directory -j2 all
	@mkdir -p build/run
	@$(B)/podtrace trace --all --duration 20s --otlp-file build/run/otlp.jsonl
	@echo; echo "OTLP/JSON lines: build/run/otlp.jsonl"

test: ## install, build, and run all tests (root); LAYERS="unit e2e" runs some
	@third_party/install-packages.sh build arm64 test
	@$(MAKE) --no-print-directory -j2 all test-programs
	@$(MAKE) --no-print-directory -j2 ARCH=arm64 all
	@tests/run.py $(LAYERS)

# what LOCKDOWN adds, then APPEND, goes to the kernel's command line
vm: $(B)/podtrace ## a shell in a test machine: KERNEL=6.12 [LOCKDOWN=confidentiality] [APPEND="words"] [ARCH=arm64]
	@python3 -B tests/vm/machine.py $(or $(KERNEL),6.12) --shell --arch $(ARCH) --file $(B)/podtrace=/bin/podtrace \
		--append "$(if $(LOCKDOWN),lockdown=$(LOCKDOWN)) $(APPEND)"

.PHONY: test-programs
test-programs: $(TEST_PROGRAMS)

bench: ## measure what podtrace costs here, against the marks (root); writes docs/performance.md
	@third_party/install-packages.sh build test
	@$(MAKE) --no-print-directory -j2 all $(BENCH_PROGRAMS)
	@tests/bench/bench.py

figures: $(BENCH)/cost ## what each BPF program costs, anew: tests/bench/instructions.json; say why in the commit
	@tests/bench/figures.py --write

coverage: ## write docs/coverage.md from what the last run of LAYERS=vm has shown
	@tests/vm/coverage.py

docs: $(B)/gendocs ## write docs/options.md, docs/events.md and the man page from the tables
	@$(B)/gendocs docs

GENDOCS_SRC := tools/gendocs.c cmd/podtrace/options_table.c src/kinds.c \
	$(filter-out src/base/syscall_name.c,$(wildcard src/base/*.c)) # whose table is the sysroot's

$(B)/gendocs: $(GENDOCS_SRC) cmd/podtrace/options.def cmd/podtrace/commands.def bpf/registry.def
	$(call say,HOSTCC,$@)
	@mkdir -p $(@D)
	$(Q)$(HOSTCC) -std=gnu11 -O1 -D_GNU_SOURCE -Isrc -I. $(WARN) $(GENDOCS_SRC) -o $@

image: $(B)/podtrace ## write an OCI image archive: build/<arch>/podtrace-image.tar
	$(call say,IMAGE,$(B)/podtrace-image.tar)
	$(Q)images/oci.sh $(B)/podtrace $(ARCH) $(VERSION) $(B)/podtrace-image.tar

help: ## list the targets
	@sed -n 's/^\([a-z]*\):.* ## /  \1\t/p' Makefile | expand -t 14
	@echo; echo '  ARCH=amd64|arm64   V=1 shows the commands   SOURCES=folder with third-party tarballs'

clean: ## remove what was built, but not the third-party libraries
	rm -rf $(B)/obj $(B)/gen $(B)/podtrace $(B)/gendocs $(B)/podtrace-image.tar $(T) $(BENCH) build/run

distclean: ## remove build/ altogether; downloads stay in the user's cache folder
	rm -rf build

.PHONY: FORCE
FORCE:

-include $(OBJ:.o=.d) $(BPF_OBJ:.o=.d)
