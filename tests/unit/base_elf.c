// SPDX-License-Identifier: Apache-2.0
/* links: */
/* base/elf: functions of the host's own C library where the dynamic linker has them, small files with either hash
 * table, and files that are cut off, damaged or no ELF. */
#include <dlfcn.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/elf.h"

#define SMALL "tests/fuzz/corpus/elf/"

static u64 at[ELF_OFFSETS_MAX];

static int open_file(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		fail_msg("%s: %s: run the tests in the root of the tree", path, strerror(errno));
	return fd;
}

static int in_memory(const void *bytes, size_t n)
{
	int fd = memfd_create("elf", MFD_CLOEXEC);

	assert_true(fd >= 0 && write(fd, bytes, n) == (ssize_t)n);
	return fd;
}

static int look_in(const void *bytes, size_t n)
{
	int fd = in_memory(bytes, n), found = elf_function(fd, "getaddrinfo", at);

	close(fd);
	return found;
}

static size_t load(const char *path, u8 *dst, size_t cap)
{
	int fd = open_file(path);
	ssize_t n = read(fd, dst, cap);

	close(fd);
	assert_in_range(n, 1, (ssize_t)cap - 1);
	return (size_t)n;
}

/* Where /proc/self/maps says the byte of the file is that the dynamic linker found. */
static u64 file_offset(void *function, char path[static 256])
{
	unsigned long from, to, offset;
	char line[512], *name;
	FILE *f = fopen("/proc/self/maps", "r");

	assert_non_null(f);
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%lx-%lx %*s %lx", &from, &to, &offset) != 3 ||
		    (unsigned long)function < from || (unsigned long)function >= to)
			continue;
		name = strchr(line, '/');
		assert_non_null(name);
		snprintf(path, 256, "%.*s", (int)strcspn(name, "\n"), name);
		fclose(f);
		return (unsigned long)function - from + offset;
	}
	fail_msg("not mapped");
	return 0;
}

static void same_as_the_linker(void **state)
{
	static const char *const names[] = { "getaddrinfo", "fopen", "pthread_mutex_lock" };
	char path[256];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		void *function = dlsym(RTLD_NEXT, names[i]);
		u64 want = file_offset(function, path);
		int fd = open_file(path), n = elf_function(fd, names[i], at);
		bool found = false;

		assert_in_range(n, 1, ELF_OFFSETS_MAX);
		for (int k = 0; k < n; k++)
			found |= at[k] == want;
		assert_true(found);
		assert_int_equal(elf_function(fd, "no_such_function", at), 0);
		assert_int_equal(elf_function(fd, "environ", at), 0); /* is data */
		close(fd);
	}
}

static void either_table(void **state)
{
	static const char *const files[] = { SMALL "gnu", SMALL "sysv", SMALL "both" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		int fd = open_file(files[i]);
		u64 other[ELF_OFFSETS_MAX];

		assert_int_equal(elf_function(fd, "getaddrinfo", at), 1);
		assert_int_equal(elf_function(fd, "getaddrinf", other), 1);
		assert_int_not_equal(at[0], other[0]);
		assert_int_equal(elf_function(fd, "getaddrinfo2", other), 0);
		assert_int_equal(elf_function(fd, "", other), 0);
		close(fd);
	}
}

static void chosen_at_run_time(void **state)
{
	u8 bytes[4096];
	size_t n = load(SMALL "gnu", bytes, sizeof(bytes)), changed = 0;

	(void)state;
	assert_int_equal(look_in(bytes, n), 1);
	/* each of its symbols becomes an IFUNC */
	for (size_t i = 0; i + sizeof(Elf64_Sym) <= n; i += 8) {
		Elf64_Sym *sym = (void *)(bytes + i);

		if (sym->st_info == ELF64_ST_INFO(STB_GLOBAL, STT_FUNC) && sym->st_shndx < 32) {
			sym->st_info = ELF64_ST_INFO(STB_GLOBAL, STT_GNU_IFUNC);
			changed++;
		}
	}
	assert_true(changed >= 3);
	assert_int_equal(look_in(bytes, n), 0);
}

static void not_ours(void **state)
{
	u8 bytes[4096], bad[4096];
	size_t n = load(SMALL "gnu", bytes, sizeof(bytes));
	static const struct {
		size_t at;
		u8 value;
		int err;
	} rows[] = {
		{ 0, 'x', -ENOEXEC },
		{ EI_CLASS, ELFCLASS32, -ENOEXEC },
		{ EI_DATA, ELFDATA2MSB, -ENOEXEC },
		{ offsetof(Elf64_Ehdr, e_type), ET_CORE, -ENOEXEC },
		{ offsetof(Elf64_Ehdr, e_machine), EM_386, -ENOEXEC },
		{ offsetof(Elf64_Ehdr, e_phentsize), 1, -EBADMSG },
		{ offsetof(Elf64_Ehdr, e_phnum), 0, -EBADMSG },
		{ offsetof(Elf64_Ehdr, e_phnum) + 1, 0xff, -EBADMSG },
		{ offsetof(Elf64_Ehdr, e_phoff) + 7, 0xff, -EBADMSG },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		memcpy(bad, bytes, n);
		bad[rows[i].at] = rows[i].value;
		assert_int_equal(look_in(bad, n), rows[i].err);
	}
	assert_int_equal(look_in("", 0), -ENOEXEC);
	assert_int_equal(elf_function(-1, "getaddrinfo", at), -EBADF);
}

/* Cut off anywhere: a verdict, never more than was there. */
static void cut_off(void **state)
{
	u8 bytes[4096];
	size_t n = load(SMALL "gnu", bytes, sizeof(bytes)), whole = 0;

	(void)state;
	for (size_t i = 0; i < n; i++) {
		int got = look_in(bytes, i);

		assert_true(got == 1 || got == 0 || got == -ENOEXEC || got == -EBADMSG);
		whole += got == 1;
	}
	assert_true(whole < n / 2); /* what is behind the code is not needed */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(same_as_the_linker), cmocka_unit_test(either_table),
		cmocka_unit_test(chosen_at_run_time), cmocka_unit_test(not_ours),
		cmocka_unit_test(cut_off),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
