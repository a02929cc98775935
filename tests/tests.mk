# SPDX-License-Identifier: Apache-2.0
# The programs of the test layers unit, kind and fuzz: the user side built for the host's own
# libc, with sanitizers. What a test links beyond src/base stands in its first line:
#   /* links: src/a.c otel/*.c libs: curl z */

T := build/test
TEST_CPPFLAGS := -D_GNU_SOURCE -Isrc -I. -I$(GEN) -I$(T)/include
TEST_CFLAGS := -std=gnu11 -O1 -g $(WARN) -fno-lto -fno-omit-frame-pointer \
	-fsanitize=address,undefined -fno-sanitize-recover=all
FUZZ_CFLAGS := -std=gnu11 -O1 -g $(WARN) -fno-omit-frame-pointer \
	-fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all
# in the order a linker wants them; these are plain C from the sysroot, the same for every libc
SYSROOT_LIBS := otlp-proto cri-proto yyjson
TEST_LIBS := otlp-proto cri-proto curl nghttp2 bearssl protobuf-c yyjson bpf elf z

BASE_SRC := $(wildcard src/base/*.c)
UNIT_SRC := $(wildcard tests/unit/*.c)
FUZZ_SRC := $(wildcard tests/fuzz/*.c)
KIND_SRC := $(wildcard tests/kind/kind.c)

links = $(shell sed -n '1,3s|^/\* links:\(.*\)\*/$$|\1|p' $(1) | sed 's| libs:.*||')
libs = $(shell sed -n '1,3s|^/\* links:.* libs:\(.*\)\*/$$|\1|p' $(1))
sources = $(sort $(BASE_SRC) $(wildcard $(call links,$(1))))
ordered = $(foreach l,$(TEST_LIBS),$(if $(filter $(l),$(1)),$(if $(filter $(SYSROOT_LIBS),$(l)),$(SYSROOT)/lib/lib$(l).a,-l$(l))))

$(T)/include/.done: $(SYSROOT)/.key
	@mkdir -p $(@D)
	@for h in opentelemetry cri yyjson.h bpf; do ln -sfn $(abspath $(SYSROOT))/include/$$h $(@D)/$$h; done
	@touch $@

$(T)/san/%.o: %.c | $(GEN)/version.h $(OBJECTS) $(BTF_TABLE) $(T)/include/.done
	$(call say,CC,$< (test))
	@mkdir -p $(@D)
	$(Q)$(HOSTCC) $(TEST_CPPFLAGS) $(TEST_CFLAGS) -MMD -MP -c $< -o $@

$(T)/fuzzed/%.o: %.c | $(GEN)/version.h $(OBJECTS) $(BTF_TABLE) $(T)/include/.done
	$(call say,CC,$< (fuzz))
	@mkdir -p $(@D)
	$(Q)$(CLANG) $(TEST_CPPFLAGS) $(FUZZ_CFLAGS) -MMD -MP -c $< -o $@

# $(1) source, $(2) program, $(3) folder of objects, $(4) compiler and flags, $(5) libraries
define test_program
$(2): $(patsubst %.c,$(3)/%.o,$(1) $(call sources,$(1))) | $(SYSROOT)/.key
	$$(call say,LINK,$(2))
	@mkdir -p $$(@D)
	$$(Q)$(4) $$(filter %.o,$$^) $$(call ordered,$(call libs,$(1))) $(5) -o $$@
endef

$(foreach s,$(UNIT_SRC),$(eval $(call test_program,$(s),$(s:tests/%.c=$(T)/%),$(T)/san,$(HOSTCC) $(TEST_CFLAGS),-lcmocka -lm)))
$(foreach s,$(KIND_SRC),$(eval $(call test_program,$(s),$(s:tests/%.c=$(T)/%),$(T)/san,$(HOSTCC) $(TEST_CFLAGS),-lcmocka -lm)))
$(foreach s,$(FUZZ_SRC),$(eval $(call test_program,$(s),$(s:tests/%.c=$(T)/%),$(T)/fuzzed,$(CLANG) $(FUZZ_CFLAGS) -fsanitize=fuzzer,-lm)))

# The API server's client as a program, twice: with sanitizers and the host's curl (OpenSSL), and
# as podtrace has it, with BearSSL.
API_SRC := tests/api/client.c
API_LINKS := $(API_SRC) src/pod.c $(wildcard src/ask/api*.c) src/net/transfer.c src/net/tls.c $(BASE_SRC)
API_LIBS := curl nghttp2 bearssl yyjson z

$(T)/api/client: $(API_LINKS:%.c=$(T)/san/%.o) | $(SYSROOT)/.key
	$(call say,LINK,$@)
	@mkdir -p $(@D)
	$(Q)$(HOSTCC) $(TEST_CFLAGS) $^ $(SYSROOT)/lib/libyyjson.a -lcurl -lbearssl -o $@

$(T)/api/client-static: $(API_LINKS) $(wildcard src/ask/*.h src/net/*.h src/base/*.h src/*.h) | $(GEN)/version.h $(SYSROOT)/.key
	$(call say,CC,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) $(LDFLAGS) $(API_LINKS) $(API_LIBS:%=-l%) -o $@

# Programs that some kernel refuses or misleads, an object each, and what tries them in a test machine. No LTO: it would
# warn of libbpf.
TRAPS := $(shell sed -n 's/^#ifdef TRAP_//p' tests/vm/traps.bpf.c)
TRAP_OBJ := $(TRAPS:%=$(T)/traps/%.bpf.o)

$(TRAP_OBJ): $(T)/traps/%.bpf.o: tests/vm/traps.bpf.c | $(SYSROOT)/.key
	$(call say,BPF,$< ($*))
	@mkdir -p $(@D)
	$(Q)$(CLANG) $(BPF_CFLAGS) -DTRAP_$* -c $< -o $@

$(T)/traps/try: tests/vm/traps.c | $(SYSROOT)/.key
	$(call say,CC,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -fno-lto $(LDFLAGS) $< -lbpf -lelf -lz -o $@

TEST_PROGRAMS := $(T)/api/client $(T)/api/client-static $(UNIT_SRC:tests/%.c=$(T)/%) $(KIND_SRC:tests/%.c=$(T)/%) $(FUZZ_SRC:tests/%.c=$(T)/%) \
	$(TRAP_OBJ) $(T)/traps/try

-include $(shell find $(T) -name '*.d' 2>/dev/null)
