// SPDX-License-Identifier: Apache-2.0
/* links: src/seek/mapping.c */
/* Any bytes as a line of /proc/PID/maps and as a record of a perf event: what is taken from them is inside of them. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "seek/mapping.h"
#include "text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct mapping *m, const char *from, size_t n)
{
	struct str file = mapping_file(m);

	CHECK(m->from < m->to);
	CHECK(!m->path.n || (m->path.p >= from && m->path.p + m->path.n <= from + n));
	CHECK(file.n <= m->path.n && str_find(file, '/') == file.n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *copy = malloc(size ? size : 1); /* each byte too much is seen */
	struct mapping m;
	u32 pid;

	memcpy(copy, data, size);
	if (mapping_of_line((struct str){ copy, size }, &m))
		check(&m, copy, size);
	if (mapping_of_record(copy, size, &pid, &m)) {
		check(&m, copy, size);
		CHECK(str_find(m.path, '\0') == m.path.n);
	}
	free(copy);
	return 0;
}
