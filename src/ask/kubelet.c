// SPDX-License-Identifier: Apache-2.0
/*
 * Each process is looked at through its open directory of /proc, which does not become
 * another process's when a pid is used again. Most are out after the first small file.
 */
#include "ask/kubelet.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ask/endpoint.h"
#include "ask/find.h"
#include "base/file.h"

#define PATH_BYTES   4096
#define STATUS_BYTES 4096	 /* its uids are on the ninth line */
#define CGROUP_BYTES (56u << 10) /* as enrich/cgroup_proc.h has it */

/* Room for one file at a time. */
struct scratch {
	char text[KUBELET_CONFIG_MAX + 1];
};

static struct str read_text(int dir, const char *name, struct scratch *s, size_t max)
{
	int n = file_read(dir, name, s->text, max + 1);

	return (struct str){ s->text, n > 0 ? (size_t)n : 0 };
}

/* Real, effective, saved and file system uid are all 0. */
static bool is_root(struct str status)
{
	struct str line, id;
	size_t ids = 0;

	while (str_cut(&status, '\n', &line)) {
		if (!str_starts(line, STR("Uid:\t")))
			continue;
		line = str_slice(line, 5, line.n);
		while (str_cut(&line, '\t', &id)) {
			if (!str_eq(id, STR("0")))
				return false;
			ids++;
		}
		return ids == 4;
	}
	return false;
}

static bool is_kubelet(int dir, bool (*outside_pods)(struct str cgroup), struct scratch *s)
{
	return str_eq(read_text(dir, "comm", s, 64), STR("kubelet\n")) &&
	       is_root(read_text(dir, "status", s, STATUS_BYTES)) &&
	       outside_pods(read_text(dir, "cgroup", s, CGROUP_BYTES));
}

static void read_config(int dir, const char *path, struct scratch *s, struct kubelet *ret)
{
	char endpoint[KUBELET_PATH_MAX];
	int root = openat(dir, "root", O_PATH | O_DIRECTORY | O_CLOEXEC);
	int n;

	if (root < 0)
		return;
	n = file_read_in(root, path, s->text, sizeof(s->text));
	close(root);
	if (n > 0 && endpoint_setting((struct str){ s->text, (size_t)n },
				      STR("containerRuntimeEndpoint"), endpoint, sizeof(endpoint)))
		cri_endpoint_path(str_of(endpoint), ret->by_config, sizeof(ret->by_config));
}

static void ask(int dir, struct scratch *s, struct kubelet *ret)
{
	struct str args = read_text(dir, "cmdline", s, KUBELET_ARGS_MAX), value;
	char config[PATH_BYTES];

	memset(ret, 0, sizeof(*ret));
	cri_endpoint_path(endpoint_argument(args, STR("--container-runtime-endpoint")),
			  ret->by_arguments, sizeof(ret->by_arguments));
	value = endpoint_argument(args, STR("--config"));
	if (!value.n || value.p[0] != '/' || value.n >= sizeof(config))
		return;
	str_copy(config, sizeof(config), value);
	read_config(dir, config, s, ret);
}

/* Whether one of them is told here; then *ret is it. */
static bool look_at(int proc, const char *name, bool (*outside_pods)(struct str cgroup),
		    struct scratch *s, struct kubelet *ret)
{
	int dir = openat(proc, name, O_PATH | O_DIRECTORY | O_CLOEXEC);
	bool found;

	if (dir < 0)
		return false;
	found = is_kubelet(dir, outside_pods, s);
	if (found)
		ask(dir, s, ret);
	close(dir);
	return found;
}

size_t kubelets_find(const char *proc_base, bool (*outside_pods)(struct str cgroup),
		     struct kubelet ret[static KUBELETS_MAX])
{
	struct scratch *s = malloc(sizeof(*s));
	DIR *proc = opendir(proc_base);
	size_t n = 0, seen = 0;
	struct dirent *e;

	while (s && proc && n < KUBELETS_MAX && seen < KUBELET_PROCS_MAX && (e = readdir(proc))) {
		if (!isdigit((unsigned char)e->d_name[0]))
			continue;
		seen++;
		n += look_at(dirfd(proc), e->d_name, outside_pods, s, &ret[n]);
	}
	if (proc)
		closedir(proc);
	free(s);
	return n;
}
