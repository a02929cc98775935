/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/clock.h"
#include "base/log.h"
#include "cmd/podtrace/run.h"
#include "cmd/podtrace/targets.h"
#include "enrich/cgroup.h"
#include "enrich/cgroup_proc.h"

struct directory {
	const char *option; /* "--cgroup", "--pid" */
	char path[CGROUPS_PATH_MAX];
	u64 id;
	bool gone; /* and said so */
};

struct targets {
	const struct options *o;
	struct target *named;
	struct directory *directories;
	size_t n;
};

static bool has_directories(const struct options *o)
{
	return option_items(&o->cgroup).n || option_items(&o->pid).n;
}

int targets_new(struct targets **ret, const struct options *o)
{
	struct targets *t = calloc(1, sizeof(*t));
	int code;

	if (!t)
		return fail(EXIT_RUN, "out of memory");
	t->o = o;
	code = target_options(o, &t->named);
	if (code) {
		targets_free(t);
		return code;
	}
	*ret = t;
	return EXIT_OK;
}

void targets_free(struct targets *t)
{
	if (!t)
		return;
	target_free(t->named);
	free(t->directories);
	free(t);
}

bool targets_any(const struct targets *t)
{
	return t->named || has_directories(t->o);
}

const struct target *targets_named(const struct targets *t)
{
	return t->named;
}

/* ---- directories -------------------------------------------------------------------------- */

static int add_directory(struct targets *t, const struct pipe *pipe, const char *option,
			 const char *given, const char *dir)
{
	struct directory *d = &t->directories[t->n];
	int n, err = pipe_cgroup_id(pipe, dir, &d->id);

	if (err)
		return fail(EXIT_RUN,
			    "%s: \"%s\" is no cgroup of this node (%s): give a directory "
			    "below %s",
			    option, given, strerror(-err), t->o->cgroup_base);
	n = enrich_cgroup_path(pipe_enrich(pipe), d->id, d->path, sizeof(d->path));
	if (n == 1 && !t->o->allow_broad)
		return fail(EXIT_USAGE,
			    "%s: \"%s\" is in the root of the cgroups, which means the "
			    "whole node: write --all instead, or set PODTRACE_ALLOW_BROAD_CGROUP=1",
			    option, given);
	d->option = option;
	t->n++;
	return EXIT_OK;
}

/* Where a process is, by its /proc/PID/cgroup. */
static int add_pid(struct targets *t, const struct pipe *pipe, struct str pid)
{
	char file[CGROUPS_PATH_MAX], text[CGROUP_PROC_MAX], number[16], dir[CGROUPS_PATH_MAX];
	struct str path;
	ssize_t n = -1;
	int fd;

	str_copy(number, sizeof(number), pid);
	snprintf(file, sizeof(file), "%s/%s/cgroup", t->o->proc_base, number);
	fd = open(file, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		n = read(fd, text, sizeof(text));
		close(fd);
	}
	if (n < 0)
		return fail(EXIT_RUN,
			    "--pid: %s: %s: give the id of a running process, as this pid "
			    "namespace has it",
			    number, errno == ENOENT ? "there is no such process" : strerror(errno));
	if (!cgroup_proc_path((struct str){ text, (size_t)n }, &path, NULL))
		return fail(EXIT_RUN, "--pid: %s: %s names no cgroup", number, file);
	str_copy(dir, sizeof(dir), path);
	return add_directory(t, pipe, "--pid", number, dir);
}

int targets_resolve(struct targets *t, const struct pipe *pipe)
{
	struct str cgroups = option_items(&t->o->cgroup), pids = option_items(&t->o->pid), item;
	char dir[CGROUPS_PATH_MAX];
	int code = EXIT_OK;

	if (!has_directories(t->o))
		return EXIT_OK;
	t->directories = calloc(TARGETS_MAX, sizeof(*t->directories));
	if (!t->directories)
		return fail(EXIT_RUN, "out of memory");
	while (!code && t->n < TARGETS_MAX && str_cut(&cgroups, ',', &item)) {
		str_copy(dir, sizeof(dir), item);
		code = add_directory(t, pipe, "--cgroup", dir, dir);
	}
	while (!code && t->n < TARGETS_MAX && str_cut(&pids, ',', &item))
		code = add_pid(t, pipe, item);
	return code;
}

bool targets_placed(void *ctx, struct str path)
{
	const struct targets *t = ctx;

	for (size_t i = 0; i < t->n; i++) {
		struct str dir = str_of(t->directories[i].path);

		if (str_starts(path, dir) &&
		    (path.n == dir.n || path.p[dir.n] == '/' || dir.n == 1))
			return true;
	}
	return false;
}

void targets_check(struct targets *t, const struct pipe *pipe)
{
	for (size_t i = 0; i < t->n; i++) {
		struct directory *d = &t->directories[i];

		if (d->gone || enrich_cgroup_exists(pipe_enrich(pipe), d->id))
			continue;
		d->gone = true;
		log_warn("target",
			 "%s: cgroup %s is gone: nothing more will come of it, also if one "
			 "of that name is made again",
			 d->option, d->path);
	}
}

int targets_apply(const struct targets *t, struct capture *capture)
{
	for (size_t i = 0; i < t->n; i++) {
		int err = capture_target(capture, t->directories[i].id, true);

		if (err)
			return fail(EXIT_RUN, "%s: cannot put %s into the kernel's filter: %s",
				    t->directories[i].option, t->directories[i].path,
				    strerror(-err));
	}
	return EXIT_OK;
}
