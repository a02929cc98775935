// SPDX-License-Identifier: Apache-2.0
/* links: src/node/system.c src/node/read.c */
/* os-release of any node, and fields of /proc/self/status: texts end, names are valid UTF-8. */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "node/system.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const char *text, size_t cap)
{
	assert(strnlen(text, cap) < cap);
	assert(str_is_utf8(str_of(text)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = { (const char *)data, size }, value;
	struct node_system s;

	system_parse(text, &s);
	check(s.name, sizeof(s.name));
	check(s.id, sizeof(s.id));
	check(s.variant, sizeof(s.variant));
	check(s.version, sizeof(s.version));
	assert(system_name(s.system) != NULL);
	if (node_field(text, STR("Cap"), &value))
		assert(value.n == 0 || (value.p >= text.p && value.p + value.n <= text.p + text.n));
	return 0;
}
