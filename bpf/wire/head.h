/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only OR BSD-2-Clause */
/*
 * What crosses the border between kernel and user space. Included by both sides, so it
 * includes no system header: the fixed-width types __u8..__u64, __s32 come from the
 * includer. Everything is little-endian host order, naturally aligned, without padding
 * (tests/unit/wire.c builds all of bpf/wire under -Wpadded).
 */
#ifndef WIRE_HEAD_H
#define WIRE_HEAD_H

enum wire_kind {
#define KIND(id, kind, family, stream, live, name, text) KIND_##kind = id,
#include "../registry.def"
	KIND_END /* one past the last: ids are dense from 1 */
};

/* The ledger's row of the family call, which has no kind: what is lost there may be of each kind
 * that it feeds, and user space adds it to them. */
#define KIND_NONE ((enum wire_kind)0)

enum wire_meter {
#define METER(id, meter, family, type, name, unit, dim, bounds, text) METER_##meter = id,
#include "../registry.def"
	METER_END
};

enum wire_family {
#define FAMILY(family, text) FAMILY_##family,
#include "../registry.def"
	FAMILY_END
};

#define COMM_LEN 16 /* TASK_COMM_LEN */

/* Every record starts so. */
struct rec_head {
	__u64 when_ns;	/* bpf_ktime_get_boot_ns */
	__u64 cgroup;	/* whose it is: id of the task's or the socket's cgroup */
	__u64 key;	/* what belongs together: start of the process (boot ns), socket */
	__u32 pid;	/* of the owner, initial pid namespace; 0: not known */
	__u32 tid;
	__u16 kind;	/* enum wire_kind */
	__u16 size;	/* of the whole record, head and tail included */
	__u16 cpu;
	__u16 flags;	/* REC_* */
};

#define REC_FAILED 0x1u		/* the operation failed: `err` is set */
#define REC_CUT 0x2u		/* a text in the tail was longer than its limit */
#define REC_UNREAD 0x4u		/* a text in the tail could not be read (page not present) */
#define REC_OLDER 0x8u		/* began before we looked: start and owner are not known */
#define REC_SLOW 0x10u		/* it took as long as config.slow_us of its family, or longer */

/* A piece of the tail: bytes after the fixed part of the record. */
struct rec_text {
	__u16 off;	/* from the start of the record */
	__u16 len;
};

#define REC_SIZE_MAX 16384 /* a mask in programs; two paths, each behind a directory: rec_file_op */

/*
 * The ledger: what became of each event, per kind. For every kind and at any moment of rest
 *
 *	SEEN = FILTERED + COUNTED + SENT + SAMPLED + CAPPED + sum of LOST_*
 *
 * SEEN is counted at the top of a program and the others where they happen, so that a path
 * that forgets to count shows up as a difference.
 */
enum ledger {
	LEDGER_SEEN,		/* an event of this kind happened */
	LEDGER_FILTERED,	/* its cgroup is not wanted */
	LEDGER_COUNTED,		/* in the metrics, not streamed by choice */
	LEDGER_SENT,		/* put into the ring */
	LEDGER_SAMPLED,		/* in the metrics, left out by --sample */
	LEDGER_CAPPED,		/* in the metrics, one too many of its second (--event-cap) */
	LEDGER_LOST_RING,	/* the ring was full */
	LEDGER_LOST_SCRATCH,	/* the per-CPU scratch buffer was in use (nested program) */
	LEDGER_LOST_FILE,	/* user space: the capture file had no room for it */
	LEDGER_LOST_METER,	/* not part of the sum: the meter table was full */
	LEDGER_LOST_STATE,	/* not part of the sum: a state table was full, see family */
	LEDGER_UNSEEN,		/* user space, not part of the sum, of whatever cgroup: the kernel
				 * did not run the program, which was interrupted or (since 7.0)
				 * preempted while it ran on the same CPU (recursion_misses, 5.12).
				 * At most: a program can be for many kinds, or for few calls. */
	LEDGER_END
};

struct ledger_cell {
	__u64 n[LEDGER_END];
};

/* Per CPU, one element: read and summed by user space. */
struct ledger_page {
	struct ledger_cell kind[KIND_END];
};

/* ---- metrics kept in the kernel -------------------------------------------------------- */

#define METER_SLOTS 16 /* at most 15 bounds and the overflow */

struct meter_key {
	__u64 cgroup;
	__u16 meter;	/* enum wire_meter */
	__u16 dim;	/* meaning by the meter's dim column */
	__s32 err;	/* errno, where the dimension has one */
};

struct meter_cell {
	__u64 sum;	/* counter: the count; histogram: sum of ns */
	__u64 slots[METER_SLOTS]; /* histogram: counts per bucket, (lower, upper] */
};

#endif
