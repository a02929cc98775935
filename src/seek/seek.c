/* SPDX-License-Identifier: Apache-2.0 */
/* The files that are known, who has them, and when they are given back. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "seek/impl.h"

#define TURN_NS NSEC_PER_MSEC	      /* between two steps of a walk */
#define SWEEP_NS (2 * NSEC_PER_SEC)   /* between two looks at who still has a file */
#define BLIND_NS (5 * NSEC_PER_SEC)   /* between two walks where the kernel does not tell */
#define WITNESSES_MAX 4

/* A process that has a file, and where. */
struct witness {
	u32 pid; /* 0: none */
	u32 rsvd;
	u64 from, to;
};

struct file {
	struct found_key key;
	bool used;
	int handle;	/* -errno: refused */
	u64 orphan;	/* number of the walk that may still find somebody; 0: it has a witness */
	struct witness witness[WITNESSES_MAX];
};

struct seek {
	struct seek_config config;
	struct seek_stats stats;
	struct loop *loop;
	struct loop_timer *turn, *sweep;
	struct walk *walk;
	struct news *news; /* NULL: the kernel does not tell */
	u64 walks;	   /* that have begun */
	bool walking, again;
	u64 lost_seen;
	u64 walked_ns;
	struct file file[SEEK_FILES_MAX];
};

/* ---- walks --------------------------------------------------------------------------------- */

static void start_walk(struct seek *s)
{
	if (s->walking) {
		s->again = true;
		return;
	}
	s->walking = true;
	s->again = false;
	s->walks++;
	s->walked_ns = loop_now(s->loop);
	loop_arm(s->turn, 0, TURN_NS);
}

/* The number of the walk that sees all there is from now on. */
static u64 next_walk(const struct seek *s)
{
	return s->walks + 1;
}

/* ---- files --------------------------------------------------------------------------------- */

static void give_back(struct seek *s, struct file *f)
{
	if (f->handle >= 0) {
		s->config.detach(s->config.ctx, f->handle);
		s->stats.files--;
		s->stats.detached++;
	}
	memset(f, 0, sizeof(*f));
}

static void refuse(struct seek *s, int err, struct str path)
{
	s->stats.refused++;
	if (s->stats.refused > 1)
		return;
	s->stats.refused_err = -err;
	str_copy(s->stats.refused_path, sizeof(s->stats.refused_path), path);
}

static struct file *find(struct seek *s, const struct found_key *key)
{
	for (size_t i = 0; i < SEEK_FILES_MAX; i++)
		if (s->file[i].used && found_same(&s->file[i].key, key))
			return &s->file[i];
	return NULL;
}

static struct file *find_room(struct seek *s)
{
	for (size_t i = 0; i < SEEK_FILES_MAX; i++)
		if (!s->file[i].used)
			return &s->file[i];
	return NULL;
}

static void attach(struct seek *s, struct file *f, u32 which, u32 pid, struct found *found,
		   struct str path)
{
	int fd = found_look(found, s->config.proc_base, pid);

	f->key = found->key;
	if (!fd)
		fd = found_open(found);
	f->handle = fd < 0 ? fd : s->config.attach(s->config.ctx, which, fd);
	if (fd >= 0)
		close(fd);
	if (f->handle < 0) {
		refuse(s, f->handle, path);
		return;
	}
	s->stats.files++;
	s->stats.attached++;
}

static void note_witness(struct file *f, u32 pid, const struct mapping *m)
{
	struct witness *free = NULL;

	f->orphan = 0;
	for (size_t i = 0; i < WITNESSES_MAX; i++) {
		if (f->witness[i].pid == pid)
			return;
		if (!f->witness[i].pid)
			free = &f->witness[i];
	}
	if (free)
		*free = (struct witness){ .pid = pid, .from = m->from, .to = m->to };
}

/* A process has mapped a file. */
static void met(void *ctx, u32 pid, const struct mapping *m)
{
	struct seek *s = ctx;
	u32 which = library_of_file(mapping_file(m)) & s->config.libraries;
	struct found found;
	struct file *f;
	int err;

	if (!which)
		return;
	err = found_name(&found, s->config.proc_base, pid, m);
	if (err) {
		s->stats.hidden += err == -EACCES || err == -EPERM;
		return; /* else it is gone already */
	}
	f = find(s, &found.key);
	if (!f) {
		f = find_room(s);
		if (!f) {
			s->stats.over++;
			goto out;
		}
		f->used = true;
		attach(s, f, which, pid, &found, m->path);
	}
	note_witness(f, pid, m);
out:
	close(found.named);
}

/* Whether he still has it: the same place, the same file. If we may not look, he is alive. */
static bool has(struct seek *s, const struct witness *w, const struct found_key *key)
{
	const struct mapping m = { .from = w->from, .to = w->to };
	struct found now;
	int err = found_name(&now, s->config.proc_base, w->pid, &m);

	if (err)
		return err == -EPERM;
	close(now.named);
	return found_same(key, &now.key);
}

static bool has_witness(struct seek *s, struct file *f)
{
	for (size_t i = 0; i < WITNESSES_MAX; i++) {
		if (!f->witness[i].pid)
			continue;
		if (has(s, &f->witness[i], &f->key))
			return true;
		f->witness[i].pid = 0;
	}
	return false;
}

/* ---- time ---------------------------------------------------------------------------------- */

static void walk_ended(struct seek *s)
{
	s->walking = false;
	loop_disarm(s->turn);
	for (size_t i = 0; i < SEEK_FILES_MAX; i++)
		if (s->file[i].used && s->file[i].orphan && s->file[i].orphan <= s->walks)
			give_back(s, &s->file[i]);
	if (s->again)
		start_walk(s);
}

static void on_turn(void *ctx)
{
	struct seek *s = ctx;
	bool done;

	if (walk_step(s->walk, &done) || done)
		walk_ended(s);
}

static void on_sweep(void *ctx)
{
	struct seek *s = ctx;
	bool look = false;

	for (size_t i = 0; i < SEEK_FILES_MAX; i++) {
		struct file *f = &s->file[i];

		if (!f->used || f->orphan || has_witness(s, f))
			continue;
		f->orphan = next_walk(s);
		look = true;
	}
	if (s->news && news_lost(s->news) != s->lost_seen) {
		s->lost_seen = news_lost(s->news);
		look = true;
	}
	if (!s->news && loop_now(s->loop) - s->walked_ns >= BLIND_NS)
		look = true;
	if (look)
		start_walk(s);
}

/* ---- life ---------------------------------------------------------------------------------- */

int seek_new(struct seek **ret, struct loop *l, const struct seek_config *config)
{
	struct seek *s = calloc(1, sizeof(*s));
	int err;

	if (!s)
		return -ENOMEM;
	s->config = *config;
	s->loop = l;
	s->turn = loop_timer_new(l, on_turn, s);
	s->sweep = loop_timer_new(l, on_sweep, s);
	s->walk = walk_new(config->proc_base, met, s);
	if (!s->turn || !s->sweep || !s->walk) {
		seek_free(s);
		return -ENOMEM;
	}
	*ret = s;
	if (!config->libraries)
		return 0;
	/* the news first: what is mapped between the two is met twice */
	err = news_new(&s->news, l, met, s);
	s->stats.told = !err;
	s->stats.told_err = -err;
	start_walk(s);
	loop_arm(s->sweep, SWEEP_NS, SWEEP_NS);
	return 0;
}

void seek_free(struct seek *s)
{
	if (!s)
		return;
	news_free(s->news);
	walk_free(s->walk);
	loop_timer_free(s->turn);
	loop_timer_free(s->sweep);
	free(s);
}

void seek_stats(const struct seek *s, struct seek_stats *ret)
{
	*ret = s->stats;
	ret->lost = s->news ? news_lost(s->news) : 0;
	ret->hidden += s->walk ? walk_hidden(s->walk) : 0;
}
