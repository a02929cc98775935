// SPDX-License-Identifier: Apache-2.0
/*
 * Byte by byte, so that of any other variable nothing is held but what lies in the chunk
 * being read, which is wiped. All through one open directory of /proc: it stays that
 * process's, and says ESRCH when it has ended.
 */
#include "enrich/environ.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "enrich/cgroup_path.h"
#include "enrich/cgroup_proc.h"

#define CHUNK 4096

static const struct variable {
	struct str name;
	size_t at, cap; /* of the value in struct environ_otel */
} variables[] = {
	{ STR("OTEL_SERVICE_NAME="), offsetof(struct environ_otel, service_name),
	  ENVIRON_NAME_MAX },
	{ STR("OTEL_RESOURCE_ATTRIBUTES="), offsetof(struct environ_otel, resource_attributes),
	  ENVIRON_ATTRIBUTES_MAX },
};

#define ALL ((1u << ARRAY_SIZE(variables)) - 1)

struct scan {
	struct environ_otel *ret;
	u32 seen;		  /* bit per variable: its first entry counts, as for getenv */
	u32 possible;		  /* of this entry: bits of the names it begins like */
	size_t n;		  /* bytes of this entry's name or value so far */
	const struct variable *v; /* the value is being read; NULL: the name, or nothing of ours */
};

static char *value_of(const struct scan *s, const struct variable *v)
{
	return (char *)s->ret + v->at;
}

static void entry_begin(struct scan *s)
{
	s->possible = ALL & ~s->seen;
	s->n = 0;
	s->v = NULL;
}

/* A value whose end was not seen, or for which there is no room, is not taken. */
static void entry_drop(struct scan *s)
{
	if (s->v)
		memset(value_of(s, s->v), 0, s->v->cap);
	s->v = NULL;
	s->possible = 0;
}

static void name_byte(struct scan *s, char c)
{
	for (size_t i = 0; i < ARRAY_SIZE(variables); i++) {
		const struct variable *v = &variables[i];

		if (!(s->possible >> i & 1))
			continue;
		if (v->name.p[s->n] != c) {
			s->possible &= ~(1u << i);
		} else if (s->n + 1 == v->name.n) {
			s->v = v;
			s->seen |= 1u << i;
			s->n = 0;
			return;
		}
	}
	s->n++;
}

static void scan_byte(struct scan *s, char c)
{
	if (c == '\0')
		entry_begin(s);
	else if (s->v && s->n + 1 == s->v->cap)
		entry_drop(s);
	else if (s->v)
		value_of(s, s->v)[s->n++] = c;
	else if (s->possible)
		name_byte(s, c);
}

static int scan_file(int fd, struct environ_otel *ret)
{
	struct scan s = { .ret = ret };
	char chunk[CHUNK];
	size_t left = ENVIRON_READ_MAX;
	ssize_t n = 0;

	entry_begin(&s);
	while (left) {
		n = read(fd, chunk, left < sizeof(chunk) ? left : sizeof(chunk));
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		for (ssize_t i = 0; i < n; i++)
			scan_byte(&s, chunk[i]);
		left -= (size_t)n;
	}
	n = n < 0 ? -errno : 0;
	entry_drop(&s);
	explicit_bzero(chunk, sizeof(chunk));
	return (int)n;
}

static int in_container(int dir, struct str id)
{
	char text[CGROUP_PROC_MAX];
	struct str path;
	struct who who;
	int n = file_read(dir, "cgroup", text, sizeof(text));

	if (n < 0)
		return n;
	if (!cgroup_proc_path((struct str){ text, (size_t)n }, &path, NULL))
		return -ENOENT;
	cgroup_path_parse(path, &who);
	return who.kind == WHO_CONTAINER && str_eq(str_of(who.container_id), id) ? 0 : -ENOENT;
}

static int read_in(int dir, struct str container_id, struct environ_otel *ret)
{
	int r = in_container(dir, container_id), fd;

	if (r < 0)
		return r;
	fd = openat(dir, "environ", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	r = scan_file(fd, ret);
	close(fd);
	return r < 0 ? r : in_container(dir, container_id);
}

int environ_read(const char *proc_base, u32 pid, struct str container_id, struct environ_otel *ret)
{
	struct environ_otel found = { "", "" };
	char name[4096];
	int dir, r;

	if (snprintf(name, sizeof(name), "%s/%u", proc_base, pid) >= (int)sizeof(name))
		return -ENAMETOOLONG;
	dir = open(name, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		r = -errno;
	else
		r = read_in(dir, container_id, &found);
	if (dir >= 0)
		close(dir);
	if (r == 0)
		*ret = found;
	if (r == -ESRCH)
		return -ENOENT;
	return r == -EPERM ? -EACCES : r;
}
