// SPDX-License-Identifier: Apache-2.0
/* links: src/node/lsm.c src/node/read.c */
/* node/lsm: what security modules say, and that what cannot be read is unknown. */
#include "node_fixture.h"

#include "node/lsm.h"

static struct node_lsm lsm;

static enum lockdown lockdown_of(const char *text)
{
	node_file("sys/kernel/security/lockdown", text);
	lsm_read(&roots, &lsm);
	assert_int_equal(lsm.lockdown_err, 0);
	return lsm.lockdown;
}

static void lockdown_modes(void **state)
{
	(void)state;
	assert_int_equal(lockdown_of("[none] integrity confidentiality\n"), LOCKDOWN_NONE);
	assert_int_equal(lockdown_of("none [integrity] confidentiality\n"), LOCKDOWN_INTEGRITY);
	assert_int_equal(lockdown_of("none integrity [confidentiality]\n"),
			 LOCKDOWN_CONFIDENTIALITY);
}

/* Never "none" by default. */
static void lockdown_unreadable(void **state)
{
	(void)state;
	lsm_read(&roots, &lsm);
	assert_int_equal(lsm.lockdown, LOCKDOWN_UNKNOWN);
	assert_int_equal(lsm.lockdown_err, ENOENT);
	assert_string_equal(lockdown_name(lsm.lockdown), "unknown");
	node_dir("sys/kernel/security/lockdown"); /* it is there, and no file */
	lsm_read(&roots, &lsm);
	assert_int_equal(lsm.lockdown, LOCKDOWN_UNKNOWN);
	assert_int_equal(lsm.lockdown_err, EISDIR);
}

static void lockdown_damaged(void **state)
{
	static const char *const texts[] = { "",
					     "\n",
					     "none integrity",
					     "[",
					     "none [",
					     "[]",
					     "none [integrity",
					     "[unknown]",
					     "[integrityx]",
					     "]none[" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		assert_int_equal(lockdown_of(texts[i]), LOCKDOWN_UNKNOWN);
}

/* The list is there and lockdown is not in it: the kernel has none. In it: still unknown. */
static void lockdown_not_built(void **state)
{
	(void)state;
	node_file("sys/kernel/security/lsm", "capability,yama,apparmor");
	lsm_read(&roots, &lsm);
	assert_int_equal(lsm.lockdown, LOCKDOWN_NONE);
	node_file("sys/kernel/security/lsm", "lockdown,capability,yama");
	lsm_read(&roots, &lsm);
	assert_int_equal(lsm.lockdown, LOCKDOWN_UNKNOWN);
	node_file("sys/kernel/security/lsm", "capability,lockdown2");
	lsm_read(&roots, &lsm);
	assert_int_equal(lsm.lockdown, LOCKDOWN_NONE);
}

static void list(void **state)
{
	char long_list[1000];

	(void)state;
	lsm_read(&roots, &lsm);
	assert_string_equal(lsm.list, "");
	node_file("sys/kernel/security/lsm", "lockdown,capability,yama,selinux,bpf\n");
	lsm_read(&roots, &lsm);
	assert_string_equal(lsm.list, "lockdown,capability,yama,selinux,bpf");
	memset(long_list, 'a', sizeof(long_list) - 1);
	long_list[sizeof(long_list) - 1] = '\0';
	node_file("sys/kernel/security/lsm", long_list);
	lsm_read(&roots, &lsm);
	assert_int_equal(strlen(lsm.list), sizeof(lsm.list) - 1);
}

static void selinux(void **state)
{
	(void)state;
	/* a sysfs without fs/ tells nothing */
	lsm_read(&roots, &lsm);
	assert_int_equal(lsm.selinux, SELINUX_UNKNOWN);
	node_dir("sys/fs");
	lsm_read(&roots, &lsm);
	assert_int_equal(lsm.selinux, SELINUX_ABSENT);
	node_dir("sys/fs/selinux"); /* the kernel made it, nothing is mounted */
	lsm_read(&roots, &lsm);
	assert_int_equal(lsm.selinux, SELINUX_UNKNOWN);
	node_file("sys/fs/selinux/enforce", "1");
	lsm_read(&roots, &lsm);
	assert_int_equal(lsm.selinux, SELINUX_ENFORCING);
	node_file("sys/fs/selinux/enforce", "0\n");
	lsm_read(&roots, &lsm);
	assert_int_equal(lsm.selinux, SELINUX_PERMISSIVE);
	node_file("sys/fs/selinux/enforce", "10");
	lsm_read(&roots, &lsm);
	assert_int_equal(lsm.selinux, SELINUX_UNKNOWN);
	node_file("sys/fs/selinux/enforce", "");
	lsm_read(&roots, &lsm);
	assert_int_equal(lsm.selinux, SELINUX_UNKNOWN);
}

static void label(void **state)
{
	static const char context[] = "system_u:system_r:spc_t:s0";

	(void)state;
	lsm_read(&roots, &lsm);
	assert_false(lsm.label_known);
	node_file_n("proc/self/attr/current", context, sizeof(context)); /* with its NUL */
	lsm_read(&roots, &lsm);
	assert_true(lsm.label_known);
	assert_string_equal(lsm.label, context);
	node_file("proc/self/attr/current", "cri-containerd.apparmor.d (enforce)\n");
	lsm_read(&roots, &lsm);
	assert_string_equal(lsm.label, "cri-containerd.apparmor.d (enforce)");
	node_file("proc/self/attr/current", "");
	lsm_read(&roots, &lsm);
	assert_true(lsm.label_known);
	assert_string_equal(lsm.label, "");
	node_file("proc/self/attr/current", "a\xff\n");
	lsm_read(&roots, &lsm);
	assert_string_equal(lsm.label, "a" STR_UTF8_REPLACEMENT);
}

/* A fifo in the place of a file must not hold us up. */
static void no_waiting(void **state)
{
	char name[NODE_PATH_MAX];

	(void)state;
	node_dir("sys/kernel/security");
	node_name(name, "sys/kernel/security/lockdown");
	assert_int_equal(mkfifo(name, 0600), 0);
	lsm_read(&roots, &lsm);
	assert_int_equal(lsm.lockdown, LOCKDOWN_UNKNOWN);
	assert_int_equal(lsm.lockdown_err, EINVAL);
}

/* This machine, whatever it is, as far as it must be so. */
static void here(void **state)
{
	struct node_roots real = { "/proc", "/sys", "/sys/fs/cgroup", "", NULL };

	(void)state;
	lsm_read(&real, &lsm);
	assert_true(access("/sys/kernel/security/lockdown", R_OK) == 0 ||
		    lsm.lockdown == LOCKDOWN_UNKNOWN || lsm.list[0]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		NODE_TEST(lockdown_modes),
		NODE_TEST(lockdown_unreadable),
		NODE_TEST(lockdown_damaged),
		NODE_TEST(lockdown_not_built),
		NODE_TEST(list),
		NODE_TEST(selinux),
		NODE_TEST(label),
		NODE_TEST(no_waiting),
		NODE_TEST(here),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
