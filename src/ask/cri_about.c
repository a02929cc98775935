// SPDX-License-Identifier: Apache-2.0
/* What a runtime says about itself, and about where a container is: answers without drafts. */
#include "ask/cri_answer.h"

#include <errno.h>
#include <string.h>

#include <cri/cri.pb-c.h>
#include <yyjson.h>

#include "ask/arena.h"

/* ---- the runtime --------------------------------------------------------------------------- */

static void copy_printable(char *dst, size_t cap, struct str s)
{
	size_t n = str_copy(dst, cap, s);

	for (size_t i = 0; i < n; i++) {
		if ((u8)dst[i] < ' ' || (u8)dst[i] >= 0x7f)
			dst[i] = '?';
	}
}

int cri_answer_version(struct cri_version *ret, struct str message)
{
	struct arena a = ARENA(CRI_MEMORY_MAX);
	int err;
	const Runtime__V1__VersionResponse *m =
		arena_unpack(&a, &runtime__v1__version_response__descriptor, message, &err);

	if (m) {
		struct str version = str_of(m->runtime_version);

		if (version.n > 1 && version.p[0] == 'v')
			version = str_slice(version, 1, version.n);
		copy_printable(ret->runtime, sizeof(ret->runtime), str_of(m->runtime_name));
		copy_printable(ret->version, sizeof(ret->version), version);
	}
	arena_free(&a, false);
	return err;
}

int cri_answer_driver(const char **ret, struct str message)
{
	struct arena a = ARENA(CRI_MEMORY_MAX);
	int err;
	const Runtime__V1__RuntimeConfigResponse *m =
		arena_unpack(&a, &runtime__v1__runtime_config_response__descriptor, message, &err);

	if (m) {
		*ret = "";
		if (m->linux_ && m->linux_->cgroup_driver == RUNTIME__V1__CGROUP_DRIVER__SYSTEMD)
			*ret = "systemd";
		if (m->linux_ && m->linux_->cgroup_driver == RUNTIME__V1__CGROUP_DRIVER__CGROUPFS)
			*ret = "cgroupfs";
	}
	arena_free(&a, false);
	return err;
}

/* ---- a container's place ------------------------------------------------------------------- */

static void *json_malloc(void *ctx, size_t n)
{
	return arena_alloc(ctx, n);
}

static void *json_realloc(void *ctx, void *p, size_t old, size_t n)
{
	void *more = arena_alloc(ctx, n);

	if (more && p)
		memcpy(more, p, old < n ? old : n);
	return more;
}

static void json_free(void *ctx, void *p)
{
	(void)ctx;
	(void)p;
}

/* "a.b.c" below v, or NULL. */
static yyjson_val *follow(yyjson_val *v, struct str path)
{
	struct str key;

	while (v && str_cut(&path, '.', &key))
		v = yyjson_obj_getn(v, key.p, key.n);
	return v;
}

/* false: not there, or no string. One that is too long is there, but empty. */
static bool take_cgroup(struct cri_found *ret, yyjson_val *v)
{
	struct str s;

	if (!yyjson_is_str(v))
		return false;
	s = str_ofn(yyjson_get_str(v), yyjson_get_len(v));
	ret->reason = "";
	if (s.n >= sizeof(ret->cgroup))
		ret->reason = "the runtime's answer has a longer cgroup path than can be";
	else if (!s.n)
		ret->reason = "the runtime's answer has an empty cgroup path";
	else
		str_copy(ret->cgroup, sizeof(ret->cgroup), s);
	return true;
}

static void find_place(struct cri_found *ret, yyjson_val *root, const char *fields)
{
	struct str rest = str_of(fields), field;
	yyjson_val *pid = yyjson_obj_get(root, "pid");

	if (yyjson_is_uint(pid) && yyjson_get_uint(pid) <= UINT32_MAX)
		ret->pid = (u32)yyjson_get_uint(pid);
	while (str_cut(&rest, ',', &field)) {
		if (take_cgroup(ret, follow(root, str_trim(field))))
			return;
	}
	if (!take_cgroup(ret, follow(root, STR("runtimeSpec.linux.cgroupsPath"))))
		ret->reason = "the runtime's answer has no cgroup path";
}

void cri_answer_info(struct cri_found *ret, struct str json, const char *fields)
{
	struct arena a = ARENA(CRI_MEMORY_MAX);
	yyjson_alc pieces = { json_malloc, json_realloc, json_free, &a };
	/* The input is not modified without YYJSON_READ_INSITU. */
	yyjson_doc *doc = yyjson_read_opts((char *)json.p, json.n,
					   YYJSON_READ_ALLOW_INVALID_UNICODE, &pieces, NULL);

	ret->cgroup[0] = 0;
	ret->pid = 0;
	if (doc)
		find_place(ret, yyjson_doc_get_root(doc), fields);
	else
		ret->reason = a.full ? "the runtime's answer takes too much memory"
				     : "the runtime's answer is no JSON";
	arena_free(&a, true);
}

int cri_answer_status(struct cri_found *ret, struct str message, const char *fields)
{
	struct arena a = ARENA(CRI_MEMORY_MAX);
	int err;
	const Runtime__V1__ContainerStatusResponse *m = arena_unpack(
		&a, &runtime__v1__container_status_response__descriptor, message, &err);

	if (m) {
		struct str json = STR("");

		for (size_t i = 0; i < m->n_info; i++) {
			if (str_eq(str_of(m->info[i]->key), STR("info")))
				json = str_of(m->info[i]->value);
		}
		if (json.n)
			cri_answer_info(ret, json, fields);
		else
			*ret = (struct cri_found){ .reason = "the runtime tells no details" };
	}
	arena_free(&a, true);
	return err;
}
