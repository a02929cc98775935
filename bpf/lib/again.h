/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The kernel does not run a program on a CPU that is running it already (prog->active,
 * kernel/trace/bpf_trace.c): an event in a softirq that interrupts the program would not be
 * seen, which is one state change of a socket in a thousand on a busy node. So such a
 * tracepoint has two programs. The first notes what it tells; the second, attached after it,
 * tells what is not noted. At least one of them is free: a softirq is not interrupted by another.
 */
#ifndef LIB_AGAIN_H
#define LIB_AGAIN_H

#include "prog.h"

#define NOTES_MAX 4096

/*
 * By address: what was told last of the object there. Whoever changes an object holds its lock,
 * and nothing happens to it twice in a row: so a note is never old and nobody must take it away.
 * Two objects that share a note and change at once are told twice: one chance in NOTES_MAX.
 */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, NOTES_MAX);
	__type(key, __u32);
	__type(value, __u64);
} notes SEC(".maps");

struct addresses {
	volatile __u64 of[2]; /* the first program's, the second's */
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct addresses);
} addresses SEC(".maps");

/* A typed pointer as a number: the verifier allows no arithmetic with it, but forgets what it
 * was in a map. Neither program interrupts itself, so its place is its own. */
INLINE __u64 address_of(const void *object, const bool again)
{
	__u32 zero = 0;
	struct addresses *a = bpf_map_lookup_elem(&addresses, &zero);

	if (!a)
		return 0;
	a->of[again] = (__u64)object;
	return a->of[again];
}

/* Note that `what` is told of the object; whether it was noted already. what: below 256. */
INLINE bool note(const void *object, __u8 what, const bool again)
{
	__u64 address = address_of(object, again), told = address ^ (__u64)what << 56, *last;
	/* addresses differ in their middle: Fibonacci hashing, TAOCP 6.4 */
	__u32 i = address * 11400714819323198485ull >> 52;
	bool noted;

	last = bpf_map_lookup_elem(&notes, &i);
	if (!last)
		return false;
	noted = *last == told;
	*last = told;
	return noted;
}

/* PROGRAMS() twice: NAME_btf and NAME_raw, then NAME_again_btf and NAME_again_raw. */
#define PROGRAMS_AGAIN(name, tracepoint, object, what, call, args...)                              \
	PROGRAMS(name, tracepoint, (note(object, what, false), call), ##args)                      \
	PROGRAMS(name##_again, tracepoint, note(object, what, true) ? 0 : call, ##args)

#endif
