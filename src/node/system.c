/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "node/system.h"

/* One row per way a system names itself; variant NULL: whatever stands there. The first
 * that fits counts. */
static const struct {
	const char *id, *variant;
	enum system system;
} known[] = {
	{ "talos", NULL, SYSTEM_TALOS },
	{ "flatcar", NULL, SYSTEM_FLATCAR },
	{ "rhcos", NULL, SYSTEM_RHCOS },
	{ "scos", NULL, SYSTEM_RHCOS },
	{ "rhel", "coreos", SYSTEM_RHCOS }, /* since OpenShift 4.19 */
	{ "centos", "coreos", SYSTEM_RHCOS },
	{ "bottlerocket", NULL, SYSTEM_BOTTLEROCKET },
	{ "fedora", "coreos", SYSTEM_FCOS },
	{ "opensuse-microos", NULL, SYSTEM_MICROOS },
	{ "opensuse-leap-micro", NULL, SYSTEM_MICROOS },
	{ "sle-micro", NULL, SYSTEM_MICROOS },
	{ "sl-micro", NULL, SYSTEM_MICROOS },
	{ "cos", NULL, SYSTEM_COS },
};

const char *system_name(enum system system)
{
	static const char *const names[] = {
		[SYSTEM_UNKNOWN] = "unknown",
		[SYSTEM_OTHER] = "other",
		[SYSTEM_TALOS] = "talos",
		[SYSTEM_FLATCAR] = "flatcar",
		[SYSTEM_RHCOS] = "rhcos",
		[SYSTEM_BOTTLEROCKET] = "bottlerocket",
		[SYSTEM_FCOS] = "fedora-coreos",
		[SYSTEM_MICROOS] = "microos",
		[SYSTEM_COS] = "cos",
	};

	return names[system];
}

const char *btf_name(enum btf btf)
{
	static const char *const names[] = {
		[BTF_UNKNOWN] = "unknown",
		[BTF_NONE] = "none",
		[BTF_OWN] = "own",
		[BTF_FILE] = "file",
		[BTF_EMBEDDED] = "embedded",
	};

	return names[btf];
}

/* A value as the shell reads it: in quotes or bare; a backslash takes the next byte. */
static void unquote(struct str value, char *dst, size_t cap)
{
	char room[256];
	size_t n = 0;

	value = str_trim(value);
	if (value.n >= 2 && (value.p[0] == '"' || value.p[0] == '\'') &&
	    value.p[value.n - 1] == value.p[0])
		value = str_slice(value, 1, value.n - 1);
	for (size_t i = 0; i < value.n && n < sizeof(room); i++) {
		if (value.p[i] == '\\' && i + 1 < value.n)
			i++;
		room[n++] = value.p[i];
	}
	str_copy_utf8(dst, cap, (struct str){ room, n }, NULL);
}

static enum system recognise(const struct node_system *s)
{
	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if (!strcmp(s->id, known[i].id) &&
		    (!known[i].variant || !strcmp(s->variant, known[i].variant)))
			return known[i].system;
	return SYSTEM_OTHER;
}

void system_parse(struct str text, struct node_system *ret)
{
	char name[64] = "", version[64] = "";
	struct {
		struct str key;
		char *dst;
		size_t cap;
	} wanted[] = {
		{ STR("ID"), ret->id, sizeof(ret->id) },
		{ STR("VARIANT_ID"), ret->variant, sizeof(ret->variant) },
		{ STR("VERSION_ID"), ret->version, sizeof(ret->version) },
		{ STR("PRETTY_NAME"), ret->name, sizeof(ret->name) },
		{ STR("NAME"), name, sizeof(name) },
		{ STR("VERSION"), version, sizeof(version) },
	};
	struct str line, key;

	memset(ret, 0, sizeof(*ret));
	while (str_cut(&text, '\n', &line)) {
		if (!str_cut(&line, '=', &key) || !line.p)
			continue;
		for (size_t i = 0; i < ARRAY_SIZE(wanted); i++)
			if (str_eq(str_trim(key), wanted[i].key))
				unquote(line, wanted[i].dst, wanted[i].cap);
	}
	if (!ret->id[0] && !ret->name[0] && !name[0])
		return;
	if (!ret->name[0])
		snprintf(ret->name, sizeof(ret->name), "%s%s%s", name, version[0] ? " " : "",
			 version);
	ret->system = recognise(ret);
}

void system_read(const struct node_roots *roots, struct node_system *ret)
{
	static const char *const files[] = { "etc/os-release", "usr/lib/os-release" };
	char text[NODE_FILE_MAX], pid1[NODE_PATH_MAX];
	const char *places[] = { pid1, roots->root };

	memset(ret, 0, sizeof(*ret));
	if (!node_path(pid1, roots->proc, "1/root"))
		return;
	for (size_t p = 0; p < ARRAY_SIZE(places); p++) {
		for (size_t f = 0; f < ARRAY_SIZE(files); f++) {
			int n = node_read(places[p], files[f], text, sizeof(text));

			if (n > 0)
				system_parse((struct str){ text, (size_t)n }, ret);
			if (ret->system != SYSTEM_UNKNOWN)
				return;
		}
	}
}

enum btf btf_read(const struct node_roots *roots, const char *file, bool embedded)
{
	int err = file ? 0 : node_readable(roots->sys, "kernel/btf/vmlinux");

	if (file)
		return BTF_FILE;
	if (!err)
		return BTF_OWN;
	if (embedded)
		return BTF_EMBEDDED;
	return err == -ENOENT ? BTF_NONE : BTF_UNKNOWN;
}
