/* SPDX-License-Identifier: Apache-2.0 */
/* The reader of capture files: every byte of them is foreign. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include "capture/tap_format.h"

#define TIME_MAX (1ull << 62) /* ns: sums of two must fit */

struct tap_file {
	struct str bytes;
	size_t at;	/* of the next frame */
	u32 kinds;	/* KIND_END of the writer: its ledger has as many cells */
	bool mapped;
};

static int refuse(char *err, size_t err_cap, size_t at, const char *why)
{
	snprintf(err, err_cap,
		 "is a damaged capture file: %s at byte %zu: it was cut off or changed; make it anew "
		 "with podtrace capture", why, at);
	return -EBADMSG;
}

/* The writer's tables must be a prefix of ours: ids are append-only. */
static int check_header(const struct tap_header *h, char *err, size_t err_cap)
{
	if (h->version != TAP_VERSION || h->kinds > KIND_END || h->meters > METER_END ||
	    h->ledger != LEDGER_END)
		goto other;
	for (size_t i = 1; i < h->kinds; i++)
		if (h->kind_sizes[i] != kinds[i].size)
			goto other;
	return 0;
other:
	snprintf(err, err_cap, "is a capture file of another version of podtrace (format %u): replay it "
		 "with the podtrace that made it", h->version);
	return -EPROTONOSUPPORT;
}

static void set_origin(const struct tap_header *h, struct tap_origin *ret)
{
	*ret = (struct tap_origin){ .boot_ns = h->boot_ns,
				    .wall_offset_ns = h->wall_offset_ns,
				    .command_args = (u8)h->command_args };
	str_copy(ret->host, sizeof(ret->host), str_ofn(h->host, sizeof(h->host)));
	str_copy(ret->node, sizeof(ret->node), str_ofn(h->node, sizeof(h->node)));
	str_copy(ret->host_id, sizeof(ret->host_id), str_ofn(h->host_id, sizeof(h->host_id)));
	str_copy(ret->arch, sizeof(ret->arch), str_ofn(h->arch, sizeof(h->arch)));
	str_copy(ret->kernel, sizeof(ret->kernel), str_ofn(h->kernel, sizeof(h->kernel)));
	str_copy(ret->os_name, sizeof(ret->os_name), str_ofn(h->os_name, sizeof(h->os_name)));
	str_copy(ret->os_version, sizeof(ret->os_version),
		 str_ofn(h->os_version, sizeof(h->os_version)));
	str_copy(ret->os_description, sizeof(ret->os_description),
		 str_ofn(h->os_description, sizeof(h->os_description)));
}

static int read_header(struct tap_file *f, struct tap_origin *ret, char *err, size_t err_cap)
{
	struct tap_header h;
	int e;

	if (f->bytes.n < 8 || memcmp(f->bytes.p, TAP_MAGIC, 8)) {
		snprintf(err, err_cap, "is no capture file: it does not begin with \"%s\"; make one "
			 "with podtrace capture", TAP_MAGIC);
		return -EBADMSG;
	}
	if (f->bytes.n < sizeof(h))
		return refuse(err, err_cap, f->bytes.n, "the header is cut off");
	memcpy(&h, f->bytes.p, sizeof(h));
	if (h.header_size != sizeof(h) ||
	    h.crc != (u32)crc32(0, (const Bytef *)&h, offsetof(struct tap_header, crc)))
		return refuse(err, err_cap, 0, "the header has a wrong checksum");
	e = check_header(&h, err, err_cap);
	if (e)
		return e;
	if (h.boot_ns > TIME_MAX || h.wall_offset_ns < 0 || h.wall_offset_ns > (s64)TIME_MAX)
		return refuse(err, err_cap, 0, "the header has an impossible time");
	set_origin(&h, ret);
	f->at = sizeof(h);
	f->kinds = h.kinds;
	return 0;
}

/* Smallest and largest payload of each type. */
static const struct {
	u32 min, max;
} sizes[TAP_TYPE_COUNT] = {
	[TAP_RECORD] = { sizeof(struct rec_head), TAP_FRAME_MAX },
	[TAP_CGROUP] = { sizeof(u64), sizeof(u64) + 4096 },
	[TAP_CONTAINER] = { sizeof(u64), TAP_FRAME_MAX },
	[TAP_POD] = { sizeof(u64), TAP_FRAME_MAX },
	[TAP_ENVIRON] = { sizeof(struct tap_environ_payload), sizeof(struct tap_environ_payload) },
	[TAP_EXPECT] = { sizeof(u64), sizeof(u64) },
	[TAP_CHECK] = { sizeof(struct tap_check), sizeof(struct tap_check) },
	[TAP_RUNTIME] = { sizeof(struct tap_runtime), sizeof(struct tap_runtime) },
	[TAP_METER] = { sizeof(struct tap_meter_payload), sizeof(struct tap_meter_payload) },
	[TAP_FIGURES] = { offsetof(struct reading_set, value), sizeof(struct reading_set) },
	[TAP_COLLECT] = { sizeof(u64), sizeof(u64) },
	[TAP_LEDGER] = { sizeof(struct ledger_cell), sizeof(struct ledger_page) },
	[TAP_FEATURE] = { sizeof(struct tap_feature_payload), sizeof(struct tap_feature_payload) },
	[TAP_END] = { sizeof(struct tap_end_payload), sizeof(struct tap_end_payload) },
};

/* The frame at f->at; false if there is no whole, sound one. */
static bool frame_at(const struct tap_file *f, struct tap_frame *ret, const char **ret_payload)
{
	uLong crc;

	if (f->bytes.n - f->at < sizeof(*ret))
		return false;
	memcpy(ret, f->bytes.p + f->at, sizeof(*ret));
	*ret_payload = f->bytes.p + f->at + sizeof(*ret);
	if (!ret->type || ret->type >= TAP_TYPE_COUNT || ret->size < sizes[ret->type].min ||
	    ret->size > sizes[ret->type].max || ret->rsvd ||
	    (ret->type == TAP_LEDGER && ret->size != f->kinds * sizeof(struct ledger_cell)) ||
	    ret->size > f->bytes.n - f->at - sizeof(*ret))
		return false;
	crc = crc32(0, (const Bytef *)ret, offsetof(struct tap_frame, crc));
	return ret->crc == (u32)crc32(crc, (const Bytef *)*ret_payload, ret->size);
}

static int check_frames(struct tap_file *f, char *err, size_t err_cap)
{
	u64 frames = 0, records = 0;
	size_t begin = f->at;

	for (;;) {
		struct tap_end_payload end;
		struct tap_frame frame;
		const char *payload;

		if (!frame_at(f, &frame, &payload))
			return refuse(err, err_cap, f->at, "no sound frame");
		f->at += sizeof(frame) + frame.size;
		if (frame.type != TAP_END) {
			frames++;
			records += frame.type == TAP_RECORD;
			continue;
		}
		memcpy(&end, payload, sizeof(end));
		if (end.frames != frames || end.records != records || f->at != f->bytes.n)
			return refuse(err, err_cap, f->at, "the end does not count what is there");
		f->at = begin;
		return 0;
	}
}

int tap_open_bytes(struct tap_file **ret, struct str bytes, struct tap_origin *ret_origin,
		   char *err, size_t err_cap)
{
	struct tap_file *f = calloc(1, sizeof(*f));
	int e;

	if (!f) {
		snprintf(err, err_cap, "out of memory");
		return -ENOMEM;
	}
	f->bytes = bytes;
	e = read_header(f, ret_origin, err, err_cap);
	if (!e)
		e = check_frames(f, err, err_cap);
	if (e) {
		free(f);
		return e;
	}
	*ret = f;
	return 0;
}

int tap_open(struct tap_file **ret, const char *path, struct tap_origin *ret_origin, char *err,
	     size_t err_cap)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), e;
	struct stat st;
	void *p;

	if (fd < 0 || fstat(fd, &st)) {
		e = -errno;
		snprintf(err, err_cap, "cannot be read: %s: name a file that podtrace capture made",
			 strerror(-e));
		if (fd >= 0)
			close(fd);
		return e;
	}
	p = st.st_size ? mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0) : MAP_FAILED;
	close(fd);
	if (p == MAP_FAILED) {
		snprintf(err, err_cap,
			 "is empty or no file: name a file that podtrace capture made");
		return -EBADMSG;
	}
	e = tap_open_bytes(ret, (struct str){ p, (size_t)st.st_size }, ret_origin, err, err_cap);
	if (e)
		munmap(p, (size_t)st.st_size);
	else
		(*ret)->mapped = true;
	return e;
}

static void play_feature(const char *payload, const struct tap_player *player)
{
	struct tap_feature_payload p;
	struct feature_status status;

	memcpy(&p, payload, sizeof(p));
	if (p.feature >= features_n || p.state > FEATURE_OFF || p.rung >= RUNG_COUNT)
		return;
	status = (struct feature_status){ .feature = &features[p.feature],
					  .state = (enum feature_state)p.state,
					  .rung = (enum rung)p.rung,
					  .err = p.err };
	str_copy(status.reason, sizeof(status.reason), str_ofn(p.reason, sizeof(p.reason)));
	str_copy(status.fix, sizeof(status.fix), str_ofn(p.fix, sizeof(p.fix)));
	player->feature(player->ctx, &status);
}

static void play_meter(const char *payload, const struct tap_player *player)
{
	struct tap_meter_payload p;

	memcpy(&p, payload, sizeof(p));
	if (p.key.meter && p.key.meter < METER_END)
		player->meter(player->ctx, &p.key, &p.cell);
}

static void play_figures(const char *payload, size_t size, const struct tap_player *player)
{
	size_t n = (size - offsetof(struct reading_set, value)) / sizeof(u64);
	struct reading_set set = { 0 };

	memcpy(&set, payload, size);
	set.has &= n ? ~0ull >> (64 - n) : 0;
	if (set.start_ns <= TIME_MAX && set.read_ns <= TIME_MAX)
		player->figures(player->ctx, &set);
}

/* Records are copied to where their fields are aligned. */
static void play_record(const char *payload, size_t size, const struct tap_player *player)
{
	union {
		struct rec_head head;
		char bytes[TAP_FRAME_MAX];
	} room;

	memcpy(&room, payload, size);
	player->record(player->ctx, &room, size);
}

static void play_environ(const char *payload, const struct tap_player *player)
{
	struct tap_environ_payload p;

	memcpy(&p, payload, sizeof(p));
	p.found.service_name[sizeof(p.found.service_name) - 1] = '\0';
	p.found.resource_attributes[sizeof(p.found.resource_attributes) - 1] = '\0';
	player->environ(player->ctx, p.cgroup, &p.found);
}

static void play_check(const char *payload, const struct tap_player *player)
{
	struct tap_check c;

	memcpy(&c, payload, sizeof(c));
	if (c.state > FEATURE_OFF || !memchr(c.family, 0, sizeof(c.family)) ||
	    !memchr(c.name, 0, sizeof(c.name)) || !memchr(c.rung, 0, sizeof(c.rung)))
		return;
	player->check(player->ctx, &c);
}

static void play_runtime(const char *payload, const struct tap_player *player)
{
	struct tap_runtime r;

	memcpy(&r, payload, sizeof(r));
	if (memchr(r.name, 0, sizeof(r.name)) && memchr(r.version, 0, sizeof(r.version)))
		player->runtime(player->ctx, &r);
}

static void play(u32 type, const char *payload, size_t size, const struct tap_player *player)
{
	struct ledger_page page;
	u64 number;

	memcpy(&number, payload, sizeof(number));
	switch (type) {
	case TAP_RECORD:
		play_record(payload, size, player);
		break;
	case TAP_CGROUP:
		player->cgroup(player->ctx, number,
			       (struct str){ payload + sizeof(number), size - sizeof(number) });
		break;
	case TAP_CONTAINER:
		tap_play_container((struct str){ payload, size }, player);
		break;
	case TAP_POD:
		tap_play_pod((struct str){ payload, size }, player);
		break;
	case TAP_ENVIRON:
		play_environ(payload, player);
		break;
	case TAP_EXPECT:
		player->expect(player->ctx, number);
		break;
	case TAP_CHECK:
		play_check(payload, player);
		break;
	case TAP_RUNTIME:
		play_runtime(payload, player);
		break;
	case TAP_METER:
		play_meter(payload, player);
		break;
	case TAP_FIGURES:
		play_figures(payload, size, player);
		break;
	case TAP_COLLECT:
		player->collect(player->ctx, number);
		break;
	case TAP_LEDGER:
		memset(&page, 0, sizeof(page));
		memcpy(&page, payload, size);
		player->ledger(player->ctx, &page);
		break;
	case TAP_FEATURE:
		play_feature(payload, player);
		break;
	}
}

bool tap_next(struct tap_file *f, const struct tap_player *player)
{
	struct tap_frame frame;
	const char *payload;

	if (!frame_at(f, &frame, &payload) || frame.type == TAP_END)
		return false;
	f->at += sizeof(frame) + frame.size;
	play(frame.type, payload, frame.size, player);
	return true;
}

void tap_close(struct tap_file *f)
{
	if (!f)
		return;
	if (f->mapped)
		munmap((void *)f->bytes.p, f->bytes.n);
	free(f);
}
