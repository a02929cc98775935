# SPDX-License-Identifier: Apache-2.0
# The programs of the bench: the release's objects and flags, so that what is measured is what is shipped.

BENCH := build/bench
BENCH_LIB := $(filter-out $(B)/obj/cmd/%,$(OBJ))
COST_OBJ := $(patsubst %,$(BENCH)/obj/%.o,cost pair trigger verify watch)
BENCH_PROGRAMS := $(BENCH)/cost $(BENCH)/drain $(BENCH)/spans
TEST_PROGRAMS += $(BENCH)/cost

$(BENCH)/obj/empty.bpf.o: tests/bench/empty.bpf.c | $(SYSROOT)/.key
	$(call say,BPF,$<)
	@mkdir -p $(@D)
	$(Q)$(CLANG) $(BPF_CFLAGS) -MMD -MP -MT $@ -MF $(@:.o=.d) -c $< -o $@

$(GEN)/bench/empty.skel.h: $(BENCH)/obj/empty.bpf.o
	@mkdir -p $(@D)
	$(Q)$(BPFTOOL) gen skeleton $< name empty_bpf >$@

$(BENCH)/obj/%.o: tests/bench/%.c | $(GEN)/bench/empty.skel.h $(GEN)/version.h $(OBJECTS) $(SYSROOT)/.key
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c $< -o $@

$(BENCH)/obj/library.so: tests/bench/library.c
	$(call say,HOSTCC,$@)
	@mkdir -p $(@D)
	$(Q)$(HOSTCC) -O1 -fPIC -shared -nostdlib -fno-asynchronous-unwind-tables -Wl,--build-id=none -s $< -o $@

$(BENCH)/obj/trigger.o: $(BENCH)/obj/library.so
$(BENCH)/obj/trigger.o: private CPPFLAGS += -DLIBRARY_FILE='"$(BENCH)/obj/library.so"'

$(BENCH)/cost: $(COST_OBJ)
$(BENCH)/drain: $(BENCH)/obj/drain.o
$(BENCH)/spans: $(BENCH)/obj/spans.o

$(BENCH_PROGRAMS): $(BENCH_LIB)
	$(call say,LINK,$@)
	$(Q)$(CC) $(OPTIMIZE) -w $(LDFLAGS) $(filter %.o,$^) $(LIBS) -o $@

-include $(wildcard $(BENCH)/obj/*.d)
