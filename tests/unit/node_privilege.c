// SPDX-License-Identifier: Apache-2.0
/* links: src/node/privilege.c src/node/read.c */
/* node/privilege: capabilities, seccomp and the pid namespace, by fixtures and of this process. */
#include "node_fixture.h"

#include <linux/capability.h>

#include "base/buf.h"
#include "node/privilege.h"

static struct node_privilege p;
static char text[1024];

static const char *caps(void)
{
	struct buf b;

	buf_fixed(&b, text, sizeof(text));
	privilege_caps(&p, &b);
	assert_int_equal(b.err, 0);
	text[b.n] = '\0';
	return text;
}

static void status(const char *eff, const char *seccomp, const char *last)
{
	char file[512];

	snprintf(file, sizeof(file),
		 "Name:\tpodtrace\nUmask:\t0022\nPid:\t7\nCapInh:\t0000000000000000\n"
		 "CapPrm:\t000001ffffffffff\nCapEff:\t%s\nCapBnd:\t000001ffffffffff\n"
		 "NoNewPrivs:\t1\nSeccomp:\t%s\nSeccomp_filters:\t1\n",
		 eff, seccomp);
	node_file("proc/self/status", file);
	node_file("proc/sys/kernel/cap_last_cap", last);
	privilege_read(&roots, &p);
}

static void capabilities(void **state)
{
	(void)state;
	status("000001ffffffffff", "0", "40\n");
	assert_string_equal(caps(), "all");
	assert_true(privilege_has(&p, CAP_BPF));
	/* what the manifest gives: DAC_READ_SEARCH 2, PERFMON 38, BPF 39 */
	status("000000c000000004", "2", "40\n");
	assert_string_equal(caps(), "DAC_READ_SEARCH PERFMON BPF");
	assert_true(privilege_has(&p, CAP_PERFMON));
	assert_false(privilege_has(&p, CAP_SYS_ADMIN));
	assert_false(privilege_has(&p, 99));
	status("0000000000000000", "2", "40\n");
	assert_string_equal(caps(), "none");
	assert_true(p.caps_known && p.no_new_privs);
	/* a kernel before 5.8 has 38 of them: all of those is all */
	status("0000003fffffffff", "0", "37\n");
	assert_string_equal(caps(), "all");
	/* a newer one has more than we have names for */
	status("8000020000000001", "0", "63\n");
	assert_string_equal(caps(), "CHOWN 41 63");
	status("ffffffffffffffff", "0", "63\n");
	assert_string_equal(caps(), "all");
}

static void names(void **state)
{
	(void)state;
	assert_string_equal(cap_name(CAP_BPF), "BPF");
	assert_string_equal(cap_name(CAP_PERFMON), "PERFMON");
	assert_string_equal(cap_name(CAP_SYS_ADMIN), "SYS_ADMIN");
	assert_string_equal(cap_name(CAP_CHECKPOINT_RESTORE), "CHECKPOINT_RESTORE");
	assert_string_equal(cap_name(CAP_SETFCAP), "SETFCAP");
	assert_string_equal(cap_name(CAP_AUDIT_READ), "AUDIT_READ");
	assert_null(cap_name(41));
	for (u32 i = 0; i < 41; i++)
		assert_int_equal(cap_find(str_of(cap_name(i))), i);
	assert_int_equal(cap_find(STR("CAP_BPF")), -1);
}

static void damaged(void **state)
{
	static const char *const eff[] = { "", "xyz", "1ffffffffffffffff", "-1", "0x1" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(eff); i++) {
		status(eff[i], "3", "nonsense");
		assert_false(p.caps_known);
		assert_false(privilege_has(&p, CAP_BPF));
		assert_string_equal(caps(), "unknown");
		assert_int_equal(p.seccomp, SECCOMP_UNKNOWN);
		assert_int_equal(p.caps_last, CAP_LAST_CAP);
	}
}

static void seccomp(void **state)
{
	static const char *const modes[] = { "off", "strict", "filter" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(modes); i++) {
		char mode[2] = { (char)('0' + i), '\0' };

		status("0000000000000000", mode, "40");
		assert_string_equal(seccomp_name(p.seccomp), modes[i]);
	}
}

static void nothing_to_read(void **state)
{
	(void)state;
	privilege_read(&roots, &p);
	assert_string_equal(caps(), "unknown");
	assert_string_equal(seccomp_name(p.seccomp), "unknown");
	assert_string_equal(pid_ns_name(p.pid_ns), "unknown");
	assert_int_equal(p.pid_ns_inode, 0);
	/* a file of ours has no inode of the kernel's first namespace: nested */
	node_file("proc/self/ns/pid", "");
	privilege_read(&roots, &p);
	assert_string_equal(pid_ns_name(p.pid_ns), "nested");
}

/* This process: the kernel tells the same by capget. */
static void here(void **state)
{
	struct node_roots real = { "/proc", "/sys", "/sys/fs/cgroup", "", NULL };
	struct stat st;

	(void)state;
	privilege_read(&real, &p);
	assert_true(p.caps_known);
	assert_int_not_equal(p.seccomp, SECCOMP_UNKNOWN);
	assert_int_equal(stat("/proc/self/ns/pid", &st), 0);
	assert_int_equal(p.pid_ns, st.st_ino == 0xeffffffcu ? PID_NS_IS_INITIAL : PID_NS_NESTED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		NODE_TEST(capabilities), NODE_TEST(names),	     NODE_TEST(damaged),
		NODE_TEST(seccomp),	 NODE_TEST(nothing_to_read), NODE_TEST(here),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
