// SPDX-License-Identifier: Apache-2.0
/* links: src/enrich/environ.c src/enrich/cgroup_path.c src/enrich/cgroup_proc.c */
/* Two variables of an environment, and nothing else of it; never those of a stranger. */
#include "node_fixture.h"

#include <signal.h>
#include <sys/wait.h>

#include "enrich/environ.h"
#include "enrich_tree.h"

#define A     "2f4c1d6b0a9e8d7c5b3a1928374655647382910fedcba98765432100aabbccdd"
#define B     "b0c1d2e3f405162738495a6b7c8d9eafb0c1d2e3f405162738495a6b7c8d9eaf"
#define UID   "6c1b6a5e-7d2f-4c3b-9a8e-0f1e2d3c4b5a"
#define MINE  "0::/kubepods/burstable/pod" UID "/" A "\n"
#define NAME  "OTEL_SERVICE_NAME="
#define ATTRS "OTEL_RESOURCE_ATTRIBUTES="

static struct environ_otel got;

/* In place of libc's: it is called between reading the environment and looking at the cgroup
 * once more. */
static void (*on_wipe)(void);
static unsigned wiped;

void explicit_bzero(void *p, size_t n)
{
	volatile char *at = p;

	for (size_t i = 0; i < n; i++)
		at[i] = 0;
	wiped++;
	if (on_wipe)
		on_wipe();
}

static int read_it(const char *env, size_t n)
{
	memset(&got, 0xa5, sizeof(got));
	node_file("proc/7/cgroup", MINE);
	node_file_n("proc/7/environ", env, n);
	return environ_read(roots.proc, 7, STR(A), &got);
}

#define EXPECT(env, name, attributes)                                                              \
	do {                                                                                       \
		assert_int_equal(read_it(env, sizeof(env) - 1), 0);                                \
		assert_string_equal(got.service_name, name);                                       \
		assert_string_equal(got.resource_attributes, attributes);                          \
	} while (0)

static void values(void **state)
{
	(void)state;
	EXPECT("", "", "");
	EXPECT("PATH=/bin\0HOME=/\0", "", "");
	EXPECT("PATH=/bin\0" NAME "shop\0HOME=/\0", "shop", "");
	EXPECT(NAME "shop\0" ATTRS "a=b,c=d\0", "shop", "a=b,c=d");
	EXPECT(ATTRS "a=b\0X=1\0" NAME "shop\0", "shop", "a=b");
	EXPECT(NAME "\0", "", "");
	EXPECT(NAME "a=b\xff\n\0", "a=b\xff\n", "");
	/* the first counts, as for getenv; also when it is empty */
	EXPECT(NAME "one\0" NAME "two\0", "one", "");
	EXPECT(NAME "\0" NAME "two\0", "", "");
}

static void no_values(void **state)
{
	(void)state;
	EXPECT("OTEL_SERVICE_NAME\0", "", "");
	EXPECT("OTEL_SERVICE_NAMES=x\0", "", "");
	EXPECT("XOTEL_SERVICE_NAME=x\0", "", "");
	EXPECT("X=" NAME "x\0", "", "");
	EXPECT("otel_service_name=x\0", "", "");
	EXPECT("OTEL_RESOURCE_NAME=x\0", "", "");
	EXPECT("\0\0\0" NAME "x\0", "x", "");
	EXPECT(NAME "cut", "", ""); /* its end is not here */
	EXPECT("A=b\0OTEL_", "", "");
}

/* Entries lie anywhere over the chunks that are read. */
static void chunks(void **state)
{
	char env[9000];

	(void)state;
	for (size_t pad = 4050; pad < 4110; pad++) {
		static const char ours[] = NAME "shop\0" ATTRS "a=b\0";

		memset(env, 'x', sizeof(env));
		env[pad - 1] = '\0';
		memcpy(env + pad, ours, sizeof(ours));
		assert_int_equal(read_it(env, sizeof(env)), 0);
		assert_string_equal(got.service_name, "shop");
		assert_string_equal(got.resource_attributes, "a=b");
	}
}

/* One byte less than the room is taken, more is not; what follows it is read all the same. */
static void lengths(void **state)
{
	static const struct str end = STR("\0" ATTRS "a=b\0");
	char env[512] = NAME;
	const size_t at = sizeof(NAME) - 1;

	(void)state;
	memset(env + at, 'x', ENVIRON_NAME_MAX);
	memcpy(env + at + ENVIRON_NAME_MAX - 1, end.p, end.n);
	assert_int_equal(read_it(env, at + ENVIRON_NAME_MAX - 1 + end.n), 0);
	assert_int_equal(strlen(got.service_name), ENVIRON_NAME_MAX - 1);
	assert_string_equal(got.resource_attributes, "a=b");
	memset(env + at, 'x', ENVIRON_NAME_MAX);
	memcpy(env + at + ENVIRON_NAME_MAX, end.p, end.n);
	assert_int_equal(read_it(env, at + ENVIRON_NAME_MAX + end.n), 0);
	assert_string_equal(got.service_name, "");
	assert_string_equal(got.resource_attributes, "a=b");
}

/* What is not looked at any more: behind ENVIRON_READ_MAX, and an entry across it. */
static void limit(void **state)
{
	const size_t n = ENVIRON_READ_MAX + 100;
	char *env = malloc(n);

	(void)state;
	assert_non_null(env);
	for (size_t back = 0; back < 60; back++) {
		static const char ours[] = NAME "shop";
		size_t at = ENVIRON_READ_MAX - back;

		memset(env, 'x', n);
		env[at - 1] = '\0';
		memcpy(env + at, ours, sizeof(ours));
		assert_int_equal(read_it(env, n), 0);
		assert_string_equal(got.service_name, back >= sizeof(ours) ? "shop" : "");
	}
	free(env);
}

static void strangers(void **state)
{
	static const char *const others[] = {
		"0::/kubepods/burstable/pod" UID "/" B "\n",
		"0::/kubepods/burstable/pod" UID "\n",
		"0::/kubepods/burstable/pod" UID "/crio-conmon-" A "\n",
		"0::/system.slice/ssh.service\n",
		"0::/kubepods/burstable/pod" UID "/" A, /* cut */
		"",
	};
	static const struct environ_otel zero;

	(void)state;
	memset(&got, 0, sizeof(got));
	node_file("proc/7/environ", NAME "secret");
	for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
		node_file("proc/7/cgroup", others[i]);
		assert_int_equal(environ_read(roots.proc, 7, STR(A), &got), -ENOENT);
	}
	node_file("proc/7/cgroup", MINE);
	assert_int_equal(environ_read(roots.proc, 7, STR(B), &got), -ENOENT);
	assert_int_equal(environ_read(roots.proc, 7, STR(""), &got), -ENOENT);
	assert_int_equal(environ_read(roots.proc, 8, STR(A), &got), -ENOENT);
	assert_memory_equal(&got, &zero, sizeof(got)); /* filled only on success */
	assert_int_equal(environ_read(roots.proc, 7, STR(A), &got), 0);
}

static void move_away(void)
{
	node_file("proc/7/cgroup", "0::/kubepods/burstable/pod" UID "/" B "\n");
}

/* In the container before, in another after: a stranger's. And what was read is wiped. */
static void moved(void **state)
{
	(void)state;
	wiped = 0;
	EXPECT(NAME "shop\0", "shop", "");
	assert_int_equal(wiped, 1);
	on_wipe = move_away;
	assert_int_equal(read_it(NAME "secret", sizeof(NAME "secret")), -ENOENT);
	on_wipe = NULL;
	assert_int_equal((unsigned char)got.service_name[0], 0xa5);
}

/* docker exec on hybrid: only v1 names the container */
static void hybrid(void **state)
{
	(void)state;
	node_file("proc/7/cgroup", "4:memory:/docker/" A "\n1:name=systemd:/\n0::/\n");
	node_file_n("proc/7/environ", NAME "shop", sizeof(NAME "shop"));
	assert_int_equal(environ_read(roots.proc, 7, STR(A), &got), 0);
	assert_string_equal(got.service_name, "shop");
}

/* A file that says no, as the kernel does without SYS_PTRACE. */
static void forbidden(void **state)
{
	char name[NODE_PATH_MAX];
	pid_t child;
	int status;

	(void)state;
	if (geteuid() != 0) {
		print_message("SKIP %s: not root\n", __func__);
		skip();
	}
	node_file("proc/7/cgroup", MINE);
	node_file("proc/7/environ", NAME "secret");
	node_name(name, "proc/7/environ");
	assert_int_equal(chmod(name, 0), 0);
	assert_int_equal(chmod(node_top, 0755), 0);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		if (setresgid(65534, 65534, 65534) || setresuid(65534, 65534, 65534))
			_exit(2);
		_exit(environ_read(roots.proc, 7, STR(A), &got) == -EACCES ? 0 : 1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static pid_t sleeper(void)
{
	char *const args[] = { "sleep", "60", NULL };
	char *const env[] = { "SECRET=x", NAME "shop", ATTRS "a=b", NULL };
	pid_t child = fork();

	assert_true(child >= 0);
	if (child == 0) {
		execve("/bin/sleep", args, env);
		_exit(127);
	}
	return child;
}

/* A real process in a cgroup with a container's name. Its environment is that of the new
 * program once exec is done: until then it has none of the two. */
static void real(void **state)
{
	char procs[PATH_MAX];
	pid_t child;
	int r = 0;
	FILE *f;

	(void)state;
	TREE_NEEDED();
	tree_make("kubepods/burstable/pod" UID "/" A);
	tree_path(procs, "kubepods/burstable/pod" UID "/" A "/cgroup.procs");
	child = sleeper();
	f = fopen(procs, "w");
	assert_non_null(f);
	assert_true(fprintf(f, "%d", child) > 0);
	assert_int_equal(fclose(f), 0);
	memset(&got, 0, sizeof(got));
	for (int i = 0; i < 1000 && !r && strcmp(got.service_name, "shop"); i++) {
		r = environ_read("/proc", (u32)child, STR(A), &got);
		usleep(5000);
	}
	kill(child, SIGKILL);
	assert_int_equal(r, 0);
	assert_string_equal(got.service_name, "shop");
	assert_string_equal(got.resource_attributes, "a=b");
	assert_int_equal(waitpid(child, NULL, 0), child);
	assert_int_equal(environ_read("/proc", (u32)child, STR(A), &got), -ENOENT);
	tree_remove("kubepods/burstable/pod" UID "/" A);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		NODE_TEST(values),    NODE_TEST(no_values), NODE_TEST(chunks), NODE_TEST(lengths),
		NODE_TEST(limit),     NODE_TEST(strangers), NODE_TEST(moved),  NODE_TEST(hybrid),
		NODE_TEST(forbidden), NODE_TEST(real),
	};

	return cmocka_run_group_tests_name("enrich_environ", tests, tree_setup, tree_teardown);
}
