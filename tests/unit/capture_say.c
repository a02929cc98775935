// SPDX-License-Identifier: Apache-2.0
/* links: src/capture/say.c src/kinds.c */
/* Which program was refused, and why, from what libbpf says: by that the ladder steps down. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "capture/internal.h"

static libbpf_print_fn_t told;

/* In libbpf's place. */
libbpf_print_fn_t libbpf_set_print(libbpf_print_fn_t fn)
{
	told = fn;
	return NULL;
}

static void __attribute__((format(printf, 2, 3))) libbpf_says(enum libbpf_print_level level,
							      const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	told(level, fmt, args);
	va_end(args);
}

static int setup(void **state)
{
	say_setup();
	say_forget();
	return 0;
}

/* Its words are libbpf 1.7's, from a refusal on Linux 5.10. */
static void refuse(const char *program)
{
	libbpf_says(LIBBPF_DEBUG, "libbpf: prog 'other': relo #4: patched insn #9\n");
	libbpf_says(LIBBPF_WARN, "libbpf: prog '%s': BPF program load failed: -EINVAL\n", program);
	libbpf_says(LIBBPF_WARN, "libbpf: prog '%s': -- BEGIN PROG LOAD LOG --\n%s", program,
		    "0: (79) r6 = *(u64 *)(r1 +8)\nBPF_STX uses reserved fields\n"
		    "processed 0 insns (limit 1000000) max_states_per_insn 0\n"
		    "-- END PROG LOAD LOG --\n");
	libbpf_says(LIBBPF_WARN, "libbpf: prog '%s': failed to load: -EINVAL\n", program);
	libbpf_says(LIBBPF_WARN, "libbpf: failed to load object 'process'\n");
}

static void test_refused_program(void **state)
{
	struct feature_status s = { 0 };

	assert_string_equal(say_failed_program(), "");
	refuse("process_exec_btf");
	assert_string_equal(say_failed_program(), "process_exec_btf");
	say_refusal(&s, EINVAL);
	assert_string_equal(s.reason, "refused by the verifier: BPF_STX uses reserved fields");
	say_forget();
	assert_string_equal(say_failed_program(), "");
	refuse("tcp_state_raw");
	assert_string_equal(say_failed_program(), "tcp_state_raw");
}

static void test_no_program_to_blame(void **state)
{
	struct feature_status s = { 0 };

	libbpf_says(LIBBPF_WARN, "libbpf: failed to find valid kernel BTF\n");
	libbpf_says(LIBBPF_WARN, "libbpf: Error loading vmlinux BTF: -ESRCH\n");
	libbpf_says(LIBBPF_WARN, "libbpf: program 'x'\n");
	assert_string_equal(say_failed_program(), "");
	say_refusal(&s, ESRCH);
	assert_string_equal(s.reason, "the kernel has no such target");
}

static void test_no_types(void **state)
{
	struct types types = { .source = TYPES_EMBEDDED, .release = "5.10.0-99-other" };
	struct feature_status s = { 0 };

	say_types(&s, &types);
	assert_int_equal(s.err, ESRCH);
	assert_non_null(strstr(s.reason, "/sys/kernel/btf/vmlinux"));
	assert_non_null(strstr(s.fix, "CONFIG_DEBUG_INFO_BTF"));
	types.source = TYPES_NONE;
	say_types(&s, &types);
	assert_non_null(strstr(s.reason, "none for 5.10.0-99-other"));
	assert_non_null(strstr(s.fix, "--btf FILE"));
	assert_non_null(strstr(s.fix, "make btf"));
	memset(types.misfit, 'x', sizeof(types.misfit) - 1);
	say_types(&s, &types);
	assert_non_null(strstr(s.reason, "of no use: xxx"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_refused_program, setup),
		cmocka_unit_test_setup(test_no_program_to_blame, setup),
		cmocka_unit_test_setup(test_no_types, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
