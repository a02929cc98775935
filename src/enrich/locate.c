// SPDX-License-Identifier: Apache-2.0
/* Three ways to one directory; each says why it failed. The path must bear the id, whoever
 * told it: a runtime's answer that names something else would trace something else. */
#include "enrich/locate.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "enrich/cgroup_path.h"
#include "enrich/cgroup_proc.h"

#define SHOWN 144 /* bytes of a path or reason in a message, with NUL */

#define FIX_SOCKET                                                                                 \
	"mount the folder of the CRI socket (/run/crio, /run/containerd); "                        \
	"PODTRACE_CRI_CGROUP_FIELDS names other fields of its answer"
#define FIX_TREE                                                                                   \
	"mount the host's /sys/fs/cgroup (hostPath, readOnly) and name it by PODTRACE_CGROUP_BASE"
#define FIX_PROC    "mount the host's /proc and name it by PODTRACE_PROC_BASE"
#define FIX_HOSTPID "set hostPID: true in podtrace's pod, which sees a pid namespace of its own"
#define FIX_RUNNING "is the container on this node, and does it run?"
#define FIX_SOON    "a container that has just started is found a moment later"

/* s for a message: UTF-8 without control characters, cut. */
static const char *show(char dst[static SHOWN], struct str s)
{
	size_t n = str_copy_utf8(dst, SHOWN, s, NULL);

	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)dst[i];

		if (c < ' ' || c == 0x7f)
			dst[i] = '?';
		else if (c == 0xc2 && (unsigned char)dst[i + 1] < 0xa0) /* C1: terminals obey */
			dst[i] = dst[i + 1] = '?';
	}
	return dst;
}

static void failed(struct locate *l, enum locate_way way, const char *fix, const char *why, ...)
	PRINTF_LIKE(4, 5);

static void failed(struct locate *l, enum locate_way way, const char *fix, const char *why, ...)
{
	va_list ap;

	va_start(ap, why);
	vsnprintf(l->why[way], sizeof(l->why[way]), why, ap);
	va_end(ap);
	str_copy(l->fix[way], sizeof(l->fix[way]), str_of(fix));
}

static int worked(struct locate *l, enum locate_way way, struct str path, char *dst, size_t cap)
{
	l->why[way][0] = '\0';
	l->fix[way][0] = '\0';
	if (path.n >= cap)
		return -ENAMETOOLONG;
	return (int)str_copy(dst, cap, path);
}

/* Better is less. */
enum bears { BEARS, BEARS_NESTED, BEARS_NOT };

/* Whether path names the container, and the part of it that does. */
static enum bears bears(struct str path, struct str id, struct str *ret_own)
{
	struct str own = str_slice(path, 0, cgroup_path_own(path));
	size_t slash = own.n;
	struct who who;

	cgroup_path_parse(own, &who);
	if (who.kind != WHO_CONTAINER || !str_eq(str_of(who.container_id), id))
		return BEARS_NOT;
	while (slash && own.p[slash - 1] != '/')
		slash--;
	*ret_own = own;
	cgroup_path_parse(str_slice(own, 0, slash), &who);
	return who.container_id[0] ? BEARS_NESTED : BEARS;
}

static bool exists(const struct locate *l, struct str path)
{
	char name[CGROUPS_PATH_MAX];
	u64 id;

	if (!l->cgroups || path.n >= sizeof(name))
		return false;
	str_copy(name, sizeof(name), path);
	return cgroups_id(l->cgroups, name, &id) == 0;
}

static bool has_dots(struct str path)
{
	struct str c;

	while (str_cut(&path, '/', &c)) {
		if (str_eq(c, STR("..")))
			return true;
	}
	return false;
}

/* ---- the runtime ------------------------------------------------------------------------ */

/* "a-b.slice" to "/a.slice/a-b.slice" (systemd.slice(5)); "-.slice" is the root. */
static bool expand_slice(struct str slice, char *dst, size_t cap, size_t *n)
{
	struct str name = str_slice(slice, 0, slice.n - STR(".slice").n);

	*n = 0;
	if (!str_ends(slice, STR(".slice")) || str_find(slice, '/') < slice.n)
		return false;
	if (str_eq(name, STR("-")))
		return true;
	for (size_t end = 0; end <= name.n; end++) {
		bool part = end == name.n || name.p[end] == '-';
		int r;

		if (!part)
			continue;
		if (end == 0 || name.p[end - 1] == '-')
			return false;
		r = snprintf(dst + *n, cap - *n, "/%.*s.slice", (int)end, name.p);
		if (r < 0 || (size_t)r >= cap - *n)
			return false;
		*n += (size_t)r;
	}
	return true;
}

int locate_expand(struct str told, char *dst, size_t cap)
{
	char path[CGROUPS_PATH_MAX];
	struct str slice, prefix, rest = told;
	size_t n;
	int r;

	if (told.n >= sizeof(path) || !str_cut(&rest, ':', &slice) ||
	    !str_cut(&rest, ':', &prefix) || !rest.n || str_find(rest, ':') < rest.n ||
	    str_find(rest, '/') < rest.n || !prefix.n || str_find(prefix, '/') < prefix.n ||
	    str_find(told, '\0') < told.n)
		return -EINVAL;
	/* what runc, crun and systemd take for no slice */
	if (!expand_slice(slice.n ? slice : STR("system.slice"), path, sizeof(path), &n))
		return -EINVAL;
	r = snprintf(path + n, sizeof(path) - n, "/%.*s-%.*s.scope", (int)prefix.n, prefix.p,
		     (int)rest.n, rest.p);
	if (r < 0 || (size_t)r >= sizeof(path) - n || n + (size_t)r >= cap)
		return -ENAMETOOLONG;
	return (int)str_copy(dst, cap, (struct str){ path, n + (size_t)r });
}

/* Below the mount, when the runtime told where the directory is for itself. */
static struct str below_mount(const struct locate *l, struct str path)
{
	const struct str mounts[] = { str_of(l->cgroup_base), STR("/sys/fs/cgroup") };

	for (size_t i = 0; i < ARRAY_SIZE(mounts); i++) {
		size_t n = mounts[i].n;

		if (n > 1 && str_starts(path, mounts[i]) && path.n > n && path.p[n] == '/')
			return str_slice(path, n, path.n);
	}
	return path;
}

/* With what runtimes leave out in front of it. Length, or 0: no such directory. */
static int try_places(const struct locate *l, struct str path, char *dst, size_t cap)
{
	static const char *const places[] = { "", "/kubepods.slice", "/kubepods" };
	const char *slash = path.n && path.p[0] == '/' ? "" : "/";

	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		int n = snprintf(dst, cap, "%s%s%.*s", places[i], slash, (int)path.n, path.p);

		if (n > 0 && (size_t)n < cap && exists(l, (struct str){ dst, (size_t)n }))
			return n;
	}
	return 0;
}

/* Length of the directory's path; 0: there is none; -EINVAL: told names something else. */
static int find_told(const struct locate *l, struct str id, struct str told, char *dst, size_t cap)
{
	char path[CGROUPS_PATH_MAX];
	struct str place = below_mount(l, told), own;
	int n = locate_expand(told, path, sizeof(path)), r;

	if (n > 0)
		place = (struct str){ path, (size_t)n };
	if (str_find(place, '\0') < place.n || has_dots(place) ||
	    bears(place, id, &own) == BEARS_NOT)
		return -EINVAL;
	r = try_places(l, own, dst, cap);
	/* a runtime with the cgroupfs driver makes one directory of the three parts */
	if (r == 0 && n > 0 && bears(told, id, &own) != BEARS_NOT)
		r = try_places(l, own, dst, cap);
	return r;
}

int locate_by_runtime(struct locate *l, struct str id, struct str told, const char *why_not,
		      char *dst, size_t cap)
{
	char found[CGROUPS_PATH_MAX], shown[SHOWN];
	int n;

	if (!told.n) {
		const char *why = why_not && why_not[0] ? why_not : "it told no path";

		failed(l, LOCATE_RUNTIME, FIX_SOCKET, "%s", show(shown, str_of(why)));
		return -ENOENT;
	}
	n = find_told(l, id, told, found, sizeof(found));
	if (n > 0)
		return worked(l, LOCATE_RUNTIME, (struct str){ found, (size_t)n }, dst, cap);
	show(shown, told);
	if (n < 0)
		failed(l, LOCATE_RUNTIME, FIX_SOCKET, "it told %s, which is not the container's",
		       shown);
	else
		failed(l, LOCATE_RUNTIME, FIX_TREE,
		       "it told %s, and no such directory is below %.40s", shown, l->cgroup_base);
	return -ENOENT;
}

/* ---- /proc ------------------------------------------------------------------------------ */

struct proc_scan {
	struct str id;
	int proc;
	size_t seen, denied;
	char text[CGROUP_PROC_MAX];
	/* the best so far; n 0: none */
	char path[CGROUPS_PATH_MAX];
	size_t n, depth;
	enum bears bears;
	/* a process that is in it, but in no directory that we see: its pid ("" none) */
	char lost_pid[16], lost[SHOWN];
};

/* Seen from a cgroup namespace, "/.." stands for each directory above. */
static struct str without_dots(struct str path)
{
	while (str_starts(path, STR("/../")))
		path = str_slice(path, 3, path.n);
	return path;
}

static size_t depth_of(struct str path)
{
	size_t depth = 0;

	for (size_t i = 0; i < path.n; i++)
		depth += path.p[i] == '/';
	return depth;
}

static void proc_consider(struct proc_scan *s, const struct locate *l, const char *pid,
			  struct str own, enum bears bears_it)
{
	struct str path = without_dots(own);
	size_t depth = depth_of(path);

	if (s->n && (bears_it > s->bears || (bears_it == s->bears && depth >= s->depth)))
		return;
	if (path.n >= sizeof(s->path))
		return;
	if (!exists(l, path)) {
		if (!s->lost_pid[0]) {
			str_copy(s->lost_pid, sizeof(s->lost_pid), str_of(pid));
			show(s->lost, own);
		}
		return;
	}
	s->n = str_copy(s->path, sizeof(s->path), path);
	s->depth = depth;
	s->bears = bears_it;
}

static void proc_look_at(struct proc_scan *s, const struct locate *l, const char *pid)
{
	char name[32];
	struct str path, own;
	enum bears b;
	int n;

	if (snprintf(name, sizeof(name), "%s/cgroup", pid) >= (int)sizeof(name))
		return;
	n = file_read(s->proc, name, s->text, sizeof(s->text));
	s->seen += n >= 0;
	s->denied += n == -EACCES || n == -EPERM;
	/* most are out here */
	if (n <= 0 || !s->id.n || !memmem(s->text, (size_t)n, s->id.p, s->id.n))
		return;
	if (!cgroup_proc_path((struct str){ s->text, (size_t)n }, &path, NULL))
		return;
	b = bears(path, s->id, &own);
	if (b != BEARS_NOT)
		proc_consider(s, l, pid, own, b);
}

/* Whether this /proc is certainly that of the node: its init is the kernel's first pid
 * namespace, whose inode is fixed (PROC_PID_INIT_INO, include/linux/proc_ns.h). */
static bool proc_is_hosts(int proc)
{
	static const struct str initial = STR("pid:[4026531836]");
	char link[64];
	ssize_t n = readlinkat(proc, "1/ns/pid", link, sizeof(link));

	if (n < 0) /* may not: then of ourselves, whose /proc it most likely is */
		n = readlinkat(proc, "self/ns/pid", link, sizeof(link));
	return n > 0 && str_eq((struct str){ link, (size_t)n }, initial);
}

static void proc_failed(struct locate *l, const struct proc_scan *s)
{
	char denied[64] = "";

	if (s->lost_pid[0]) {
		failed(l, LOCATE_PROC, FIX_TREE,
		       "process %s is in %s, and no such directory is below %.30s", s->lost_pid,
		       s->lost, l->cgroup_base);
		return;
	}
	if (s->denied)
		snprintf(denied, sizeof(denied), ", %zu more may not be read", s->denied);
	failed(l, LOCATE_PROC, proc_is_hosts(s->proc) ? FIX_RUNNING : FIX_HOSTPID,
	       "none of the %zu processes in %.60s is in it%s", s->seen, l->proc_base, denied);
}

int locate_by_proc(struct locate *l, struct str id, char *dst, size_t cap)
{
	DIR *dir = opendir(l->proc_base);
	struct proc_scan s;
	struct dirent *e;

	if (!dir) {
		failed(l, LOCATE_PROC, FIX_PROC, "cannot read %.80s: %s", l->proc_base,
		       strerror(errno));
		return -ENOENT;
	}
	s.id = id;
	s.proc = dirfd(dir);
	s.seen = s.denied = s.n = 0;
	s.lost_pid[0] = '\0';
	while (s.seen + s.denied < LOCATE_PROCS_MAX && (e = readdir(dir))) {
		if (isdigit((unsigned char)e->d_name[0]))
			proc_look_at(&s, l, e->d_name);
	}
	if (!s.n)
		proc_failed(l, &s);
	closedir(dir);
	return s.n ? worked(l, LOCATE_PROC, (struct str){ s.path, s.n }, dst, cap) : -ENOENT;
}

/* ---- the tree --------------------------------------------------------------------------- */

struct walk_scan {
	struct str id;
	char nested[CGROUPS_PATH_MAX]; /* the topmost inside of another container */
	size_t nested_n;
};

static bool walk_match(void *ctx, struct str path)
{
	struct walk_scan *s = ctx;
	struct str own;
	enum bears b = bears(path, s->id, &own);

	if (b == BEARS_NESTED && own.n == path.n && !s->nested_n)
		s->nested_n = str_copy(s->nested, sizeof(s->nested), path);
	return b == BEARS && own.n == path.n;
}

static void walk_failed(struct locate *l, int r)
{
	struct cgroups_stats stats;

	if (r != -ENOENT && r != -EAGAIN) {
		failed(l, LOCATE_WALK, FIX_TREE, "cannot walk %.80s: %s", l->cgroup_base,
		       strerror(-r));
		return;
	}
	cgroups_stats(l->cgroups, &stats);
	failed(l, LOCATE_WALK, r == -EAGAIN && !stats.partial ? FIX_SOON : FIX_TREE,
	       "none of the %zu directories below %.60s bears its id%s%s", stats.dirs,
	       l->cgroup_base, stats.partial ? "; not all of the host's tree is mounted" : "",
	       stats.dirs >= CGROUPS_WALK_DIRS ? "; more were not looked at" : "");
}

int locate_by_walk(struct locate *l, struct str id, char *dst, size_t cap)
{
	char path[CGROUPS_PATH_MAX];
	struct walk_scan s;
	int r;

	if (!l->cgroups) {
		failed(l, LOCATE_WALK, FIX_TREE, "there is no cgroup tree at %.100s",
		       l->cgroup_base);
		return -ENOENT;
	}
	s.id = id;
	s.nested_n = 0;
	r = cgroups_find(l->cgroups, id, walk_match, &s, clock_boot_ns(), path, sizeof(path));
	if (r > 0)
		return worked(l, LOCATE_WALK, (struct str){ path, (size_t)r }, dst, cap);
	if (s.nested_n)
		return worked(l, LOCATE_WALK, (struct str){ s.nested, s.nested_n }, dst, cap);
	walk_failed(l, r);
	return -ENOENT;
}

/* ---- what a person reads ----------------------------------------------------------------- */

static void append(char *dst, size_t cap, size_t *n, const char *text)
{
	*n += str_copy(dst + *n, cap - *n, str_of(text));
}

void locate_explain(const struct locate *l, struct str id, char *dst, size_t cap)
{
	static const char *const names[LOCATE_WAYS] = {
		[LOCATE_RUNTIME] = "runtime",
		[LOCATE_PROC] = "/proc",
		[LOCATE_WALK] = "cgroup tree",
	};
	const char *between = ": ";
	char shown[SHOWN];
	size_t n = 0;

	append(dst, cap, &n, "cgroup path not found for container ");
	append(dst, cap, &n, show(shown, id));
	for (size_t way = 0; way < LOCATE_WAYS; way++) {
		if (!l->why[way][0])
			continue;
		append(dst, cap, &n, between);
		append(dst, cap, &n, names[way]);
		append(dst, cap, &n, ": ");
		append(dst, cap, &n, l->why[way]);
		append(dst, cap, &n, " (");
		append(dst, cap, &n, l->fix[way]);
		append(dst, cap, &n, ")");
		between = "; ";
	}
}
