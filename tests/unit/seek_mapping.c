// SPDX-License-Identifier: Apache-2.0
/* links: src/seek/mapping.c src/kinds.c */
/* seek/mapping: lines of /proc/PID/maps, records of mappings, and which files are libraries. */
#include <linux/perf_event.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "kinds.h"
#include "seek/mapping.h"

#define LIBC "7f0c8a000000-7f0c8a001000 r-xp 00026000 fd:01 1234                       /usr/lib/libc.so.6"

static bool same(struct str a, const char *b)
{
	return str_eq(a, str_of(b));
}

static void lines(void **state)
{
	struct mapping m;

	(void)state;
	assert_true(mapping_of_line(STR(LIBC), &m));
	assert_true(m.from == 0x7f0c8a000000 && m.to == 0x7f0c8a001000 && m.exec);
	assert_true(same(m.path, "/usr/lib/libc.so.6") && same(mapping_file(&m), "libc.so.6"));
	assert_true(mapping_of_line(STR(LIBC " (deleted)"), &m));
	assert_true(same(m.path, "/usr/lib/libc.so.6"));
	assert_true(mapping_of_line(STR("1000-2000 rw-p 00000000 00:00 0 "), &m));
	assert_true(!m.exec && !m.path.n && !mapping_file(&m).n);
	assert_true(mapping_of_line(STR("1000-2000 r--p 00000000 fd:01 5 /a b/c d"), &m));
	assert_true(same(m.path, "/a b/c d") && same(mapping_file(&m), "c d"));
}

static void no_lines(void **state)
{
	static const char *const bad[] = {
		"", " ", "1000-2000", "1000-2000 r-xp 0 fd:01", "1000 r-xp 0 fd:01 5 /a", "x-y r-xp 0 0:0 5 /a",
		"2000-1000 r-xp 0 0:0 5 /a", "1000-1000 r-xp 0 0:0 5 /a", "1000-2000 x 0 0:0 5 /a",
		"11111111111111111-2 r-xp 0 0:0 5 /a",
	};
	struct mapping m;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		if (mapping_of_line(str_of(bad[i]), &m))
			fail_msg("\"%s\" is no line", bad[i]);
}

/* As the kernel writes it: header, pid, tid, address, length, offset, device and inode, protection, flags. */
struct record {
	struct perf_event_header header;
	u32 pid, tid;
	u64 address, length, offset;
	u8 inode[24];
	u32 prot, flags;
	char path[24];
};

static void records(void **state)
{
	struct record r = { .header.type = PERF_RECORD_MMAP2, .pid = 7, .address = 0x1000, .length = 0x2000,
			    .prot = 5, .path = "/lib/libc.so.6" };
	struct mapping m;
	u32 pid;

	(void)state;
	assert_true(mapping_of_record(&r, sizeof(r), &pid, &m));
	assert_true(pid == 7 && m.from == 0x1000 && m.to == 0x3000 && m.exec);
	assert_true(same(m.path, "/lib/libc.so.6"));
	memset(r.path, 'x', sizeof(r.path)); /* without an end */
	assert_true(mapping_of_record(&r, sizeof(r), &pid, &m));
	assert_int_equal(m.path.n, sizeof(r.path));
	assert_true(mapping_of_record(&r, offsetof(struct record, path), &pid, &m));
	assert_int_equal(m.path.n, 0);
	assert_false(mapping_of_record(&r, offsetof(struct record, path) - 1, &pid, &m));
	r.prot = 1;
	assert_true(mapping_of_record(&r, sizeof(r), &pid, &m) && !m.exec);
	r.length = UINT64_MAX;
	assert_false(mapping_of_record(&r, sizeof(r), &pid, &m));
	r.length = 0;
	assert_false(mapping_of_record(&r, sizeof(r), &pid, &m));
	r.length = 1;
	r.header.type = PERF_RECORD_MMAP;
	assert_false(mapping_of_record(&r, sizeof(r), &pid, &m));
}

static void names(void **state)
{
	static const char *const libc[] = { "libc.so.6", "libc-2.31.so", "ld-musl-x86_64.so.1",
					    "ld-musl-aarch64.so.1", "libc.musl-x86_64.so.1" };
	static const char *const others[] = { "", "libc.so", "libc.so.66", "alibc.so.6", "libc-2.so", "libcurl.so.4",
					      "libc-2.31.so.1", "ld-linux-x86-64.so.2", "ld-musl-.so", "libc-3.1.so" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(libc); i++)
		assert_int_equal(library_of_file(str_of(libc[i])), 1u << LIBRARY_libc);
	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		if (library_of_file(str_of(others[i])))
			fail_msg("\"%s\" is no C library", others[i]);
	assert_int_equal(library_find(STR("libc")), LIBRARY_libc);
	assert_int_equal(library_find(STR("libd")), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(lines), cmocka_unit_test(no_lines),
					    cmocka_unit_test(records), cmocka_unit_test(names) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
