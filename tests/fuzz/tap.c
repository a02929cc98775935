// SPDX-License-Identifier: Apache-2.0
/* links: src/kinds.c src/capture/tap_read.c src/capture/tap_names.c src/pod.c libs: z */
/*
 * Any bytes as a capture file: refused with a sentence, or played back whole, each frame to the
 * right function with what it promises. Checksums would stop a fuzzer at the door, so each
 * input is tried as it is, and once more with its header, checksums and counts made good.
 */
#include <stdint.h>
#include <string.h>
#include <zlib.h>

#include "capture/tap_format.h"
#include "tests/fuzz/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static volatile u8 sink;

static void touch(const void *p, size_t n)
{
	u8 sum = 0;

	for (size_t i = 0; i < n; i++)
		sum ^= ((const u8 *)p)[i];
	sink = sum;
}

/* ---- the player ----------------------------------------------------------------------------- */

static void on_record(void *ctx, const void *record, size_t size)
{
	++*(size_t *)ctx;
	CHECK((uintptr_t)record % _Alignof(u64) == 0);
	CHECK(size >= sizeof(struct rec_head) && size <= TAP_FRAME_MAX);
	touch(record, size);
}

static void on_cgroup(void *ctx, u64 id, struct str path)
{
	++*(size_t *)ctx;
	CHECK(path.n <= 4096);
	touch(path.p, path.n);
}

static void on_container(void *ctx, const struct container *c)
{
	++*(size_t *)ctx;
	CHECK(c->source <= NAME_FROM_API);
	touch(c->name.p, c->name.n);
	touch(c->image_id.p, c->image_id.n);
}

static void on_pod(void *ctx, const struct pod *p)
{
	++*(size_t *)ctx;
	CHECK(p->labels_n <= POD_LABELS_MAX && p->annotations_n <= POD_LABELS_MAX);
	for (size_t i = 0; i < p->labels_n; i++)
		touch(p->labels[i].value.p, p->labels[i].value.n);
}

static void on_environ(void *ctx, u64 cgroup, const struct environ_otel *found)
{
	++*(size_t *)ctx;
	CHECK(memchr(found->service_name, 0, sizeof(found->service_name)));
	CHECK(memchr(found->resource_attributes, 0, sizeof(found->resource_attributes)));
}

static void on_expect(void *ctx, bool names)
{
	++*(size_t *)ctx;
	(void)names;
}

static void on_check(void *ctx, const struct tap_check *c)
{
	++*(size_t *)ctx;
	CHECK(c->state <= FEATURE_OFF && memchr(c->rung, 0, sizeof(c->rung)));
}

static void on_runtime(void *ctx, const struct tap_runtime *r)
{
	++*(size_t *)ctx;
	CHECK(memchr(r->name, 0, sizeof(r->name)) && memchr(r->version, 0, sizeof(r->version)));
}

static void on_meter(void *ctx, const struct meter_key *key, const struct meter_cell *cell)
{
	++*(size_t *)ctx;
	CHECK(key->meter && key->meter < METER_END);
	touch(cell, sizeof(*cell));
}

static void on_collect(void *ctx, u64 now_ns)
{
	++*(size_t *)ctx;
}

static void on_ledger(void *ctx, const struct ledger_page *page)
{
	++*(size_t *)ctx;
	touch(page, sizeof(*page));
}

static void on_figures(void *ctx, const struct reading_set *set)
{
	++*(size_t *)ctx;
	CHECK(!(set->has >> (READING_END - 1) >> 1));
	touch(set, sizeof(*set));
}

static void on_feature(void *ctx, const struct feature_status *status)
{
	++*(size_t *)ctx;
	CHECK(status->feature >= features && status->feature < features + features_n);
	CHECK(status->state <= FEATURE_OFF && status->rung < RUNG_COUNT);
	CHECK(memchr(status->reason, 0, sizeof(status->reason)));
	CHECK(memchr(status->fix, 0, sizeof(status->fix)));
}

static bool try(const char *bytes, size_t size)
{
	size_t played = 0, frames = 0;
	struct tap_player player = { on_record, on_cgroup,  on_container, on_pod,     on_environ, on_expect,
				     on_check, on_runtime,
				     on_meter,  on_figures, on_collect, on_ledger,    on_feature, &played };
	struct tap_origin origin;
	struct tap_file *f;
	char err[256] = "";

	if (tap_open_bytes(&f, (struct str){ bytes, size }, &origin, err, sizeof(err))) {
		CHECK(strlen(err) > 20 && strlen(err) < sizeof(err) - 1);
		return false;
	}
	CHECK(memchr(origin.host, 0, sizeof(origin.host)));
	CHECK(memchr(origin.kernel, 0, sizeof(origin.kernel)));
	while (tap_next(f, &player))
		frames++;
	CHECK(!tap_next(f, &player));
	CHECK(played <= frames); /* meters and features of another version are left out */
	CHECK(frames * sizeof(struct tap_frame) < size);
	tap_close(f);
	return true;
}

/* ---- making good ---------------------------------------------------------------------------- */

static void repair_header(char *bytes)
{
	struct tap_header h;

	memcpy(&h, bytes, sizeof(h));
	memcpy(h.magic, TAP_MAGIC, sizeof(h.magic));
	h.version = TAP_VERSION;
	h.header_size = sizeof(h);
	h.kinds %= KIND_END + 2;
	h.meters %= METER_END + 2;
	h.ledger = LEDGER_END;
	h.boot_ns >>= 2;
	h.wall_offset_ns &= 0x3fffffffffffffff;
	for (size_t i = 1; i < KIND_END; i++)
		h.kind_sizes[i] = (u16)kinds[i].size;
	h.crc = (u32)crc32(0, (const Bytef *)&h, offsetof(struct tap_header, crc));
	memcpy(bytes, &h, sizeof(h));
}

/* Frames as they are, as far as they fit; an END with their counts. */
static void repair_frames(char *bytes, size_t size)
{
	struct tap_end_payload end = { 0 };
	size_t at = sizeof(struct tap_header);
	struct tap_frame frame;

	while (size - at >= sizeof(frame)) {
		char *payload = bytes + at + sizeof(frame);

		memcpy(&frame, bytes + at, sizeof(frame));
		if (frame.size > size - at - sizeof(frame))
			return;
		frame.rsvd = 0;
		if (frame.type == TAP_END && frame.size == sizeof(end))
			memcpy(payload, &end, sizeof(end));
		frame.crc = (u32)crc32(crc32(0, (const Bytef *)&frame,
					     offsetof(struct tap_frame, crc)),
				       (const Bytef *)payload, frame.size);
		memcpy(bytes + at, &frame, sizeof(frame));
		end.frames++;
		end.records += frame.type == TAP_RECORD;
		at += sizeof(frame) + frame.size;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *bytes = malloc(size ? size : 1);

	memcpy(bytes, data, size);
	try(bytes, size);
	if (size >= sizeof(struct tap_header)) {
		repair_header(bytes);
		repair_frames(bytes, size);
		try(bytes, size);
	}
	free(bytes);
	return 0;
}
