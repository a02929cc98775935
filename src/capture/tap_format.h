/* SPDX-License-Identifier: Apache-2.0 */
/* The bytes of a capture file; little-endian, no padding. Shared by writer and reader. */
#ifndef CAPTURE_TAP_FORMAT_H
#define CAPTURE_TAP_FORMAT_H

#include "base/buf.h"
#include "capture/tap.h"

#define TAP_MAGIC "podtrace"
#define TAP_VERSION 4u
#define TAP_KINDS_MAX 256
#define TAP_FRAME_MAX 65536u

struct tap_header {
	char magic[8];
	u32 version;
	u32 header_size;	/* of this */
	u32 kinds;		/* KIND_END of the writer */
	u32 meters;		/* METER_END */
	u32 ledger;		/* LEDGER_END */
	u32 command_args;
	u64 boot_ns;
	s64 wall_offset_ns;
	char host[256];
	char node[256];
	char host_id[64];
	char arch[16];
	char kernel[64];
	char os_name[64];
	char os_version[64];
	char os_description[128];
	u16 kind_sizes[TAP_KINDS_MAX];
	u32 rsvd;
	u32 crc;		/* of all before it */
};

enum tap_type {
	TAP_RECORD = 1,
	TAP_CGROUP,
	TAP_CONTAINER,	/* tap_names.c */
	TAP_POD,
	TAP_ENVIRON,
	TAP_EXPECT,	/* u64: whether names may come, from now on */
	TAP_CHECK,
	TAP_RUNTIME,
	TAP_METER,
	TAP_FIGURES,	/* struct reading_set, with fewer values if an older podtrace wrote it */
	TAP_COLLECT,
	TAP_LEDGER,
	TAP_FEATURE,
	TAP_END,
	TAP_TYPE_COUNT
};

struct tap_frame {
	u32 size;	/* of the payload behind it */
	u32 type;	/* enum tap_type */
	u32 crc;	/* of size, type and payload */
	u32 rsvd;
};

struct tap_meter_payload {
	struct meter_key key;
	struct meter_cell cell;
};

struct tap_feature_payload {
	u32 feature;	/* index in features */
	u32 state;
	u32 rung;
	s32 err;
	char reason[160];
	char fix[120];
};

struct tap_environ_payload {
	u64 cgroup;
	struct environ_otel found;
};

struct tap_end_payload {
	u64 frames;	/* before this one */
	u64 records;
};

/* Payloads of TAP_CONTAINER and TAP_POD, both ways. */
void tap_put_container(struct buf *b, const struct container *c);
void tap_put_pod(struct buf *b, const struct pod *p);
void tap_play_container(struct str payload, const struct tap_player *player);
void tap_play_pod(struct str payload, const struct tap_player *player);

#endif
