// SPDX-License-Identifier: Apache-2.0
/* links: src/enrich/locate.c src/enrich/cgroup*.c */
/* Any bytes as what a runtime says of a container's cgroup: its expansion stays below the
 * slice it names, and what a person reads of it is text. */
#include <assert.h>
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "enrich/locate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_text(const char *s)
{
	assert(str_is_utf8(str_of(s)));
	for (; *s; s++) {
		assert((unsigned char)*s >= ' ' && *s != 0x7f);
		assert((unsigned char)*s != 0xc2 || (unsigned char)s[1] >= 0xa0);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct str id =
		STR("2f4c1d6b0a9e8d7c5b3a1928374655647382910fedcba98765432100aabbccdd");
	struct locate l = { .cgroup_base = "/sys/fs/cgroup", .proc_base = "/proc" };
	struct str told = { (const char *)data, size };
	char path[CGROUPS_PATH_MAX], text[1000];
	int n = locate_expand(told, path, sizeof(path));

	assert(n == -EINVAL || n == -ENAMETOOLONG || n > 0);
	if (n > 0) {
		struct str p = { path, (size_t)n };

		assert(strlen(path) == (size_t)n && path[0] == '/');
		assert(str_ends(p, STR(".scope")));
		while (p.n) { /* every directory above is a slice */
			size_t slash = p.n;

			while (p.p[slash - 1] != '/')
				slash--;
			p = str_slice(p, 0, slash - 1);
			assert(!p.n || str_ends(p, STR(".slice")));
		}
	}
	n = locate_by_runtime(&l, id, told, NULL, path, sizeof(path));
	assert(n == -ENOENT); /* there is no tree */
	locate_explain(&l, told, text, sizeof(text));
	check_text(text);
	return 0;
}
