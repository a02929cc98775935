// SPDX-License-Identifier: Apache-2.0
/* links: src/capture/btf_embedded.c src/capture/btf_file.c libs: z */
/* The kernel's types from elsewhere: what is no such file is told, what podtrace carries is sound.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/btf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "capture/btf_embedded.h"
#include "capture/btf_file.h"

static char folder[] = "/tmp/podtrace-btf-XXXXXX";
static char path[64];

static int setup(void **state)
{
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/file", folder);
	return 0;
}

static int teardown(void **state)
{
	unlink(path);
	return rmdir(folder);
}

/* A file of size bytes that begins with these; the rest is a hole. */
static void put(const void *bytes, size_t n, off_t size)
{
	int fd = open(path, O_CREAT | O_TRUNC | O_WRONLY, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, n), n);
	assert_int_equal(ftruncate(fd, size), 0);
	close(fd);
}

/* As short as can be: 12 bytes of types, 4 of strings. */
static struct btf_header sound(void)
{
	return (struct btf_header){ .magic = BTF_MAGIC,
				    .version = BTF_VERSION,
				    .hdr_len = sizeof(struct btf_header),
				    .type_len = 12,
				    .str_off = 12,
				    .str_len = 4 };
}

#define SOUND_SIZE (sizeof(struct btf_header) + 16)

static void refused(const char *name, int err, const char *words)
{
	char why[128] = "";

	assert_int_equal(btf_file_check(name, why, sizeof(why)), err);
	if (!strstr(why, words))
		fail_msg("\"%s\" lacks \"%s\"", why, words);
}

static void test_header(void **state)
{
	struct btf_header h = sound();

	assert_true(btf_bytes(&h, sizeof(h), SOUND_SIZE));
	assert_true(btf_bytes(&h, sizeof(h), SOUND_SIZE + 1));
	assert_false(btf_bytes(&h, sizeof(h) - 1, SOUND_SIZE));
	assert_false(btf_bytes(&h, sizeof(h), SOUND_SIZE - 1));
#define WRONG(field, value)                                                                        \
	h = sound();                                                                               \
	h.field = value;                                                                           \
	assert_false(btf_bytes(&h, sizeof(h), SOUND_SIZE))
	WRONG(magic, 0x9feb);
	WRONG(version, 2);
	WRONG(hdr_len, 23);
	WRONG(hdr_len, UINT32_MAX);
	WRONG(type_off, UINT32_MAX);
	WRONG(type_len, 0);
	WRONG(type_len, UINT32_MAX);
	WRONG(str_off, UINT32_MAX);
	WRONG(str_len, 0);
	WRONG(str_len, UINT32_MAX);
}

static void test_files(void **state)
{
	struct btf_header h = sound(), swapped = h;
	char why[128];

	refused("/nonexistent", -ENOENT, "No such file");
	refused(folder, -EISDIR, "directory");
	refused("/dev/zero", -EINVAL, "no regular file");
	refused("/proc/self/exe", -EINVAL, "make btf");
	put("", 0, 0);
	refused(path, -EINVAL, "empty");
	put("\x1f\x8b\x08", 3, 3);
	refused(path, -EINVAL, "packed");
	put("kernel", 6, 6);
	refused(path, -EINVAL, "no BTF");
	swapped.magic = 0x9feb;
	put(&swapped, sizeof(swapped), SOUND_SIZE);
	refused(path, -EINVAL, "byte order");
	put(&h, sizeof(h), SOUND_SIZE - 1);
	refused(path, -EINVAL, "cut off");
	put(&h, 2, 2);
	refused(path, -EINVAL, "cut off");
	put(&h, sizeof(h), SOUND_SIZE); /* the control */
	assert_int_equal(btf_file_check(path, why, sizeof(why)), 0);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkfifo(path, 0600), 0); /* nobody writes: must not wait */
	refused(path, -EINVAL, "no regular file");
	assert_int_equal(unlink(path), 0);
}

static void test_large(void **state)
{
	struct btf_header h = sound();
	char why[128];

	put(&h, sizeof(h), BTF_FILE_MAX);
	assert_int_equal(btf_file_check(path, why, sizeof(why)), 0);
	put(&h, sizeof(h), BTF_FILE_MAX + 1);
	refused(path, -EFBIG, "64 MiB");
	put(&h, sizeof(h), 4ll << 30);
	refused(path, -EFBIG, "64 MiB");
}

/* ---- those that podtrace carries --------------------------------------------------------------
 */

static void test_each_opens(void **state)
{
	size_t n;
	const struct btf_embedded *all = btf_embedded(&n);

	assert_true(n >= 2);
	for (size_t i = 0; i < n; i++) {
		struct stat st;
		char header[sizeof(struct btf_header)];
		int fd = btf_embedded_open(&all[i]);

		assert_true(fd >= 0);
		assert_int_equal(fstat(fd, &st), 0);
		assert_int_equal(st.st_size, all[i].n);
		assert_int_equal(pread(fd, header, sizeof(header), 0), sizeof(header));
		assert_true(btf_bytes(header, sizeof(header), all[i].n));
		assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
		close(fd);
	}
}

static void test_found_by_release(void **state)
{
	size_t n;
	const struct btf_embedded *all = btf_embedded(&n);
	char longer[80];

	for (size_t i = 0; i < n; i++) {
		assert_ptr_equal(btf_embedded_find(all[i].release), &all[i]);
		snprintf(longer, sizeof(longer), "%sx", all[i].release);
		assert_null(btf_embedded_find(longer));
		longer[strlen(longer) - 2] = 0;
		assert_null(btf_embedded_find(longer));
	}
	assert_null(btf_embedded_find(""));
}

static void test_damaged(void **state)
{
	size_t n;
	struct btf_embedded e = *btf_embedded(&n);
	u8 *packed = malloc(e.packed_n);

	memcpy(packed, e.packed, e.packed_n);
	e.packed = packed;
	packed[e.packed_n / 2] ^= 1;
	assert_int_equal(btf_embedded_open(&e), -EINVAL);
	packed[e.packed_n / 2] ^= 1;
	e.packed_n--;
	assert_int_equal(btf_embedded_open(&e), -EINVAL);
	e.packed_n++;
	e.n--;
	assert_int_equal(btf_embedded_open(&e), -EINVAL);
	e.n += 2;
	assert_int_equal(btf_embedded_open(&e), -EINVAL);
	e.n = SIZE_MAX;
	assert_int_equal(btf_embedded_open(&e), -ENOMEM);
	free(packed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_header),
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_large),
		cmocka_unit_test(test_each_opens),
		cmocka_unit_test(test_found_by_release),
		cmocka_unit_test(test_damaged),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
