// SPDX-License-Identifier: Apache-2.0
/* links: src/ask/endpoint.c libs: yyjson */
/* Any bytes as a kubelet's arguments, as a configuration file, as an endpoint: what is found
 * lies in what was given, fits, and is a path that a terminal does not obey. */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "ask/endpoint.h"
#include "ask/find.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_path(struct str endpoint)
{
	char path[64];

	memset(path, 0xa5, sizeof(path));
	if (!cri_endpoint_path(endpoint, path, sizeof(path)))
		return;
	assert(memchr(path, '\0', sizeof(path)));
	assert(path[0] == '/' && path[1]);
	assert(str_ends(endpoint, str_of(path)));
	for (const char *p = path; *p; p++)
		assert((unsigned char)*p >= ' ' && *p != 0x7f);
}

static void check_setting(struct str text, struct str key)
{
	char value[64];

	memset(value, 0xa5, sizeof(value));
	if (!endpoint_setting(text, key, value, sizeof(value)))
		return;
	assert(memchr(value, '\0', sizeof(value)));
	assert(value[0]);
	check_path(str_of(value));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = { (const char *)data, size }, value;

	value = endpoint_argument(text, STR("--container-runtime-endpoint"));
	assert(!value.p || (value.p >= text.p && value.p + value.n <= text.p + text.n));
	assert(str_find(value, '\0') == value.n);
	check_path(value);
	check_path(text);
	check_setting(text, STR("containerRuntimeEndpoint"));
	check_setting(text, STR("runtime-endpoint"));
	return 0;
}
