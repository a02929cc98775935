/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names in a capture file: what runtime, API server and environments said, when they said it.
 * A frame holds numbers and texts one behind the other, a text with its length (16 bits) in
 * front; the reader takes them in the same order. A frame that does not hold what it should is
 * passed over: its checksum is right, so somebody made it so.
 */
#include <string.h>
#include "base/buf.h"
#include "capture/tap_format.h"

/* ---- writing ------------------------------------------------------------------------------ */

static void put_u32(struct buf *b, u32 v)
{
	buf_add(b, &v, sizeof(v));
}

static void put_u64(struct buf *b, u64 v)
{
	buf_add(b, &v, sizeof(v));
}

static void put_text(struct buf *b, struct str s)
{
	u16 n = (u16)(s.n < UINT16_MAX ? s.n : UINT16_MAX);

	buf_add(b, &n, sizeof(n));
	buf_add(b, s.p, n);
}

/* As many as there is room for. */
static void put_labels(struct buf *b, const struct label *labels, size_t n)
{
	size_t fit = 0, bytes = b->n + sizeof(u32);

	while (fit < n) {
		bytes += labels[fit].key.n + labels[fit].value.n + 2 * sizeof(u16);
		if (bytes > TAP_FRAME_MAX / 2)
			break;
		fit++;
	}
	put_u32(b, (u32)fit);
	for (size_t i = 0; i < fit; i++) {
		put_text(b, labels[i].key);
		put_text(b, labels[i].value);
	}
}

void tap_put_container(struct buf *b, const struct container *c)
{
	put_u32(b, c->source);
	put_u32(b, c->sandbox);
	put_u32(b, c->exited);
	put_u32(b, c->restarts);
	put_u64(b, c->created_ns);
	put_text(b, str_of(c->id));
	put_text(b, str_of(c->pod_uid));
	put_text(b, c->pod_namespace);
	put_text(b, c->pod_name);
	put_text(b, c->name);
	put_text(b, c->image);
	put_text(b, c->image_id);
}

void tap_put_pod(struct buf *b, const struct pod *p)
{
	put_u32(b, p->source);
	put_u32(b, p->host_network);
	put_u64(b, p->started_ns);
	put_text(b, str_of(p->uid));
	put_text(b, str_of(p->api_uid));
	put_text(b, p->namespace);
	put_text(b, p->name);
	put_text(b, p->ip);
	put_text(b, p->node);
	for (size_t i = 0; i < ARRAY_SIZE(p->owner); i++) {
		put_u32(b, p->owner[i].kind);
		put_text(b, p->owner[i].name);
		put_text(b, p->owner[i].uid);
	}
	put_labels(b, p->labels, p->labels_n);
	put_labels(b, p->annotations, p->annotations_n);
}

/* ---- reading ------------------------------------------------------------------------------ */

struct reader {
	struct str rest;
	bool bad;
};

static void get(struct reader *r, void *dst, size_t n)
{
	memset(dst, 0, n);
	if (r->bad || r->rest.n < n) {
		r->bad = true;
		return;
	}
	memcpy(dst, r->rest.p, n);
	r->rest = str_slice(r->rest, n, r->rest.n);
}

static u32 get_u32(struct reader *r)
{
	u32 v;

	get(r, &v, sizeof(v));
	return v;
}

static u64 get_u64(struct reader *r)
{
	u64 v;

	get(r, &v, sizeof(v));
	return v;
}

static struct str get_text(struct reader *r)
{
	struct str s;
	u16 n;

	get(r, &n, sizeof(n));
	if (r->bad || r->rest.n < n) {
		r->bad = true;
		return (struct str){ NULL, 0 };
	}
	s = str_slice(r->rest, 0, n);
	r->rest = str_slice(r->rest, n, r->rest.n);
	return s;
}

static size_t get_labels(struct reader *r, struct label labels[static POD_LABELS_MAX])
{
	u32 n = get_u32(r);

	if (n > POD_LABELS_MAX) {
		r->bad = true;
		return 0;
	}
	for (u32 i = 0; i < n; i++) {
		labels[i].key = get_text(r);
		labels[i].value = get_text(r);
	}
	return n;
}

static enum name_source get_source(struct reader *r)
{
	u32 source = get_u32(r);

	if (source > NAME_FROM_API)
		r->bad = true;
	return (enum name_source)source;
}

void tap_play_container(struct str payload, const struct tap_player *player)
{
	struct reader r = { .rest = payload };
	struct container c = { .source = get_source(&r) };

	c.sandbox = get_u32(&r);
	c.exited = get_u32(&r);
	c.restarts = get_u32(&r);
	c.created_ns = get_u64(&r);
	str_copy(c.id, sizeof(c.id), get_text(&r));
	str_copy(c.pod_uid, sizeof(c.pod_uid), get_text(&r));
	c.pod_namespace = get_text(&r);
	c.pod_name = get_text(&r);
	c.name = get_text(&r);
	c.image = get_text(&r);
	c.image_id = get_text(&r);
	if (!r.bad)
		player->container(player->ctx, &c);
}

void tap_play_pod(struct str payload, const struct tap_player *player)
{
	struct label labels[POD_LABELS_MAX], annotations[POD_LABELS_MAX];
	struct reader r = { .rest = payload };
	struct pod p = { .source = get_source(&r) };

	p.host_network = get_u32(&r);
	p.started_ns = get_u64(&r);
	str_copy(p.uid, sizeof(p.uid), get_text(&r));
	str_copy(p.api_uid, sizeof(p.api_uid), get_text(&r));
	p.namespace = get_text(&r);
	p.name = get_text(&r);
	p.ip = get_text(&r);
	p.node = get_text(&r);
	for (size_t i = 0; i < ARRAY_SIZE(p.owner); i++) {
		u32 kind = get_u32(&r);

		r.bad |= kind > WORKLOAD_OTHER;
		p.owner[i].kind = (enum workload_kind)kind;
		p.owner[i].name = get_text(&r);
		p.owner[i].uid = get_text(&r);
	}
	p.labels_n = get_labels(&r, labels);
	p.annotations_n = get_labels(&r, annotations);
	p.labels = labels;
	p.annotations = annotations;
	if (!r.bad)
		player->pod(player->ctx, &p);
}
