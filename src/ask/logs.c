// SPDX-License-Identifier: Apache-2.0
/*
 * Names as the kubelet writes them are of three kinds of characters only, none of which is
 * the "_" between them; a name that is anything else is somebody else's file. A link's name
 * that the kubelet cut to 255 bytes (legacy.go) has lost the end of its id: it is none.
 */
#include "ask/logs.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>

#define NAMESPACE_MAX 63 /* bytes of a label, RFC 1123: of a namespace's or container's name */
#define UID_HASH      32 /* a static pod's: md5 in hex */

static bool is_small(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z');
}

/* [a-z0-9]([-a-z0-9]*[a-z0-9])?, with dots where a subdomain is meant */
static bool is_name(struct str s, size_t max, bool dots)
{
	if (s.n == 0 || s.n > max || !is_small(s.p[0]) || !is_small(s.p[s.n - 1]))
		return false;
	for (size_t i = 0; i < s.n; i++) {
		if (!is_small(s.p[i]) && s.p[i] != '-' && !(dots && s.p[i] == '.'))
			return false;
	}
	return true;
}

static bool is_hex(struct str s, size_t n)
{
	for (size_t i = 0; i < s.n; i++) {
		if (!is_small(s.p[i]) || s.p[i] > 'f')
			return false;
	}
	return s.n == n;
}

static bool is_uid(struct str s)
{
	static const size_t parts[] = { 8, 4, 4, 4, 12 };
	struct str part;

	if (is_hex(s, UID_HASH))
		return true;
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		if (!str_cut(&s, '-', &part) || !is_hex(part, parts[i]))
			return false;
	}
	return !s.p;
}

bool logs_container_name(struct str name, struct str *ret_pod, struct str *ret_namespace,
			 struct str *ret_container, struct str *ret_id)
{
	static const struct str end = STR(".log");
	struct str pod, namespace, container, id;
	size_t id_n = WHO_ID_MAX - 1;

	if (!str_ends(name, end))
		return false;
	name = str_slice(name, 0, name.n - end.n);
	if (!str_cut(&name, '_', &pod) || !str_cut(&name, '_', &namespace))
		return false;
	if (name.n < id_n + 2 || name.p[name.n - id_n - 1] != '-')
		return false;
	container = str_slice(name, 0, name.n - id_n - 1);
	id = str_slice(name, name.n - id_n, name.n);
	if (!is_name(pod, POD_NAME_MAX, true) || !is_name(namespace, NAMESPACE_MAX, false) ||
	    !is_name(container, NAMESPACE_MAX, false) || !is_hex(id, id_n))
		return false;
	*ret_pod = pod;
	*ret_namespace = namespace;
	*ret_container = container;
	*ret_id = id;
	return true;
}

bool logs_pod_name(struct str name, struct str *ret_namespace, struct str *ret_pod,
		   struct str *ret_uid)
{
	struct str namespace, pod;

	if (!str_cut(&name, '_', &namespace) || !str_cut(&name, '_', &pod) || !is_uid(name) ||
	    !is_name(namespace, NAMESPACE_MAX, false) || !is_name(pod, POD_NAME_MAX, true))
		return false;
	*ret_namespace = namespace;
	*ret_pod = pod;
	*ret_uid = name;
	return true;
}

static bool tell_pod(const struct logs_config *config, struct str name)
{
	struct pod draft = { .source = NAME_FROM_LOGS };
	struct str uid;

	if (!logs_pod_name(name, &draft.namespace, &draft.name, &uid))
		return false;
	str_copy(draft.uid, sizeof(draft.uid), uid);
	config->pod(config->ctx, &draft);
	return true;
}

static bool tell_container(const struct logs_config *config, struct str name)
{
	struct container draft = { .source = NAME_FROM_LOGS };
	struct str id;

	if (!logs_container_name(name, &draft.pod_name, &draft.pod_namespace, &draft.name, &id))
		return false;
	str_copy(draft.id, sizeof(draft.id), id);
	config->container(config->ctx, &draft);
	return true;
}

/* Number of names told, or -errno: it could not be opened. */
static int read_dir(const struct logs_config *config, const char *path,
		    bool (*tell)(const struct logs_config *config, struct str name))
{
	char name[PATH_MAX];
	struct dirent *e;
	int told = 0;
	DIR *dir;

	if (snprintf(name, sizeof(name), "%s%s", config->root, path) >= (int)sizeof(name))
		return -ENAMETOOLONG;
	dir = opendir(name);
	if (!dir)
		return -errno;
	for (u32 i = 0; i < LOGS_ENTRIES_MAX && (e = readdir(dir)); i++)
		told += tell(config, str_of(e->d_name));
	closedir(dir);
	return told;
}

int logs_read(const struct logs_config *config)
{
	int pods = read_dir(config, "/var/log/pods", tell_pod); /* before who belongs to them */
	int containers = read_dir(config, "/var/log/containers", tell_container);

	if (pods < 0 && containers < 0)
		return pods;
	return (pods > 0 ? pods : 0) + (containers > 0 ? containers : 0);
}
