// SPDX-License-Identifier: Apache-2.0
/* links: src/enrich/cgroup_path.c */
/* Any bytes as a cgroup path: what comes out is well-formed and agrees with itself. */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "enrich/cgroup_path.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool hex_or(char c, const char *others)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c && strchr(others, c));
}

static void check_text(const char *s, const char *others)
{
	for (; *s; s++)
		assert(hex_or(*s, others));
}

static bool one_of(const char *s, const char *const *list, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (!strcmp(s, list[i]))
			return true;
	}
	return false;
}

/* Everything in w is terminated, of its form, and in its place for the kind. */
static void check(const struct who *w)
{
	static const char *const runtimes[] = { "", "containerd", "cri-o", "docker", "podman" };
	static const char *const qos[] = { "", "guaranteed", "burstable", "besteffort" };
	size_t id = strnlen(w->container_id, sizeof(w->container_id));
	size_t uid = strnlen(w->pod_uid, sizeof(w->pod_uid));
	size_t unit = strnlen(w->unit, sizeof(w->unit));
	bool container = w->kind == WHO_CONTAINER || w->kind == WHO_HELPER;

	assert(id == (container ? WHO_ID_MAX - 1 : 0));
	assert(uid == 0 || uid == 32 || uid == WHO_UID_MAX - 1);
	assert(uid != 0 || w->kind != WHO_POD);
	assert(uid == 0 || container || w->kind == WHO_POD);
	assert(unit < sizeof(w->unit) && (unit > 0) == (w->kind == WHO_UNIT));
	check_text(w->container_id, "");
	check_text(w->pod_uid, uid == 32 ? "" : "-");
	for (size_t i = 0; uid == WHO_UID_MAX - 1 && i < uid; i++)
		assert((w->pod_uid[i] == '-') == (i == 8 || i == 13 || i == 18 || i == 23));
	assert(one_of(w->runtime, runtimes, ARRAY_SIZE(runtimes)));
	assert(container || !w->runtime[0]);
	assert(one_of(w->qos, qos, ARRAY_SIZE(qos)));
	assert(uid || !w->qos[0]);
	assert(str_is_utf8(str_of(w->unit)));
	for (const char *p = w->unit; *p; p++)
		assert((unsigned char)*p >= ' ' && *p != 0x7f);
	assert(w->kind == WHO_HOST || container || w->kind == WHO_POD || w->kind == WHO_UNIT);
	assert(w->resource == -1 && w->last_ns == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str path = { (const char *)data, size };
	size_t own = cgroup_path_own(path);
	struct who whole, part;

	memset(&whole, 0xa5, sizeof(whole));
	cgroup_path_parse(path, &whole);
	check(&whole);

	/* The prefix that names it is a prefix, ends a component, and names the same. */
	assert(own <= size);
	assert(own == size || path.p[own] == '/');
	cgroup_path_parse(str_slice(path, 0, own), &part);
	assert(!memcmp(&whole, &part, sizeof(whole)));
	assert(cgroup_path_own(str_slice(path, 0, own)) == own);
	return 0;
}
