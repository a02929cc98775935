// SPDX-License-Identifier: Apache-2.0
/* links: src/node/read.c */
/* base/file: beginnings of files, what is none, and links that lead out of another root. */
#include "node_fixture.h"

#include "base/file.h"

static char got[16];

static int read_it(const char *path, size_t cap)
{
	char name[NODE_PATH_MAX];

	node_name(name, path);
	memset(got, 'x', sizeof(got));
	return file_read(AT_FDCWD, name, got, cap);
}

static void files(void **state)
{
	(void)state;
	node_file("root/a", "hello");
	assert_int_equal(read_it("root/a", sizeof(got)), 5);
	assert_string_equal(got, "hello");
	assert_int_equal(read_it("root/a", 6), 5);
	assert_string_equal(got, "hello");
	assert_int_equal(read_it("root/a", 5), 4);
	assert_string_equal(got, "hell");
	assert_int_equal(read_it("root/a", 1), 0);
	assert_string_equal(got, "");
	node_file("root/empty", "");
	assert_int_equal(read_it("root/empty", sizeof(got)), 0);
	assert_string_equal(got, "");
}

static void none(void **state)
{
	char name[NODE_PATH_MAX];

	(void)state;
	assert_int_equal(read_it("gone", sizeof(got)), -ENOENT);
	assert_int_equal(read_it("proc", sizeof(got)), -EISDIR);
	node_name(name, "fifo");
	assert_int_equal(mkfifo(name, 0600), 0);
	assert_int_equal(read_it("fifo", sizeof(got)), -EINVAL); /* and does not wait */
	assert_int_equal(file_read(AT_FDCWD, "/dev/zero", got, sizeof(got)), -EINVAL);
	assert_true(file_read(AT_FDCWD, "/proc/self/status", got, sizeof(got)) > 0);
}

/* /etc/c is a link to /real/c: below the root, not ours. */
static void in_root(void **state)
{
	char name[NODE_PATH_MAX];
	int root;

	(void)state;
	node_file("root/real/c", "inside");
	node_dir("root/etc");
	node_name(name, "root/etc/c");
	assert_int_equal(symlink("/real/c", name), 0);
	node_name(name, "root/etc/out");
	assert_int_equal(symlink("../../../../../../../../proc/self/status", name), 0);
	root = open(roots.root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	assert_true(root >= 0);
	assert_int_equal(file_read_in(root, "/real/c", got, sizeof(got)), 6);
	assert_int_equal(file_read_in(root, "/etc/c", got, sizeof(got)), 6);
	assert_string_equal(got, "inside");
	assert_int_equal(file_read_in(root, "/etc/out", got, sizeof(got)), -ENOENT);
	/* the control: without a root of its own the first leads nowhere, the second out */
	assert_int_equal(file_read(root, "etc/c", got, sizeof(got)), -ENOENT);
	assert_true(file_read(root, "etc/out", got, sizeof(got)) > 0);
	assert_int_equal(file_read_in(root, "/", got, sizeof(got)), -ENOENT);
	close(root);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		NODE_TEST(files),
		NODE_TEST(none),
		NODE_TEST(in_root),
	};

	return cmocka_run_group_tests_name("base_file", tests, NULL, NULL);
}
