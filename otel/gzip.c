// SPDX-License-Identifier: Apache-2.0
#include "otel/gzip.h"

#include <errno.h>
#include <stdlib.h>
#include <zlib.h>

#include "otel/scratch.h"

/* Telemetry repeats itself: level 1 finds nearly all of it, at a third of level 6's time. */
#define LEVEL	    1
#define GZIP_WINDOW (15 + 16) /* + 16: a gzip header, not zlib's */

/* What deflateInit2 asks for, 268 KB in five pieces, and 6 KB for itself (zlib 1.3.1, zconf.h:
 * (1 << (windowBits + 2)) + (1 << (memLevel + 9))). */
#define STATE_BYTES (288u << 10)

struct gzip {
	struct scratch state;
	size_t used;
};

static voidpf take(voidpf opaque, uInt n, uInt size)
{
	struct gzip *g = opaque;
	size_t bytes = ((size_t)n * size + 15) & ~(size_t)15;
	u8 *p = g->state.mem + g->used;

	if (bytes > g->state.size - g->used)
		return Z_NULL;
	g->used += bytes;
	return p;
}

static void give(voidpf opaque, voidpf p)
{
}

static int init(struct gzip *g, z_stream *z)
{
	*z = (z_stream){ .zalloc = take, .zfree = give, .opaque = g };
	g->used = 0;
	if (deflateInit2(z, LEVEL, Z_DEFLATED, GZIP_WINDOW, 8, Z_DEFAULT_STRATEGY) != Z_OK)
		return -ENOMEM;
	return 0;
}

struct gzip *gzip_new(void)
{
	struct gzip *g = calloc(1, sizeof(*g));
	z_stream z;

	/* once, to know that there is room */
	if (!g || scratch_init(&g->state, STATE_BYTES) || init(g, &z)) {
		gzip_free(g);
		return NULL;
	}
	scratch_rest(&g->state);
	return g;
}

void gzip_free(struct gzip *g)
{
	if (!g)
		return;
	scratch_free(&g->state);
	free(g);
}

static int pack(z_stream *z, struct str raw, struct buf *ret)
{
	size_t room = deflateBound(z, raw.n);
	u8 *out = buf_room(ret, room);

	if (!out)
		return ret->err;
	z->next_in = (Bytef *)raw.p;
	z->avail_in = (uInt)raw.n;
	z->next_out = out;
	z->avail_out = (uInt)room;
	if (deflate(z, Z_FINISH) != Z_STREAM_END)
		return -ENOSPC;
	ret->n = room - z->avail_out;
	return 0;
}

int gzip_pack(struct gzip *g, struct str raw, struct buf *ret)
{
	z_stream z;
	int bad = init(g, &z);

	buf_reset(ret);
	return bad ? bad : pack(&z, raw, ret);
}

void gzip_rest(struct gzip *g)
{
	if (g)
		scratch_rest(&g->state);
}
