/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The kernel does not run a program on a CPU that is running it already (prog->active,
 * kernel/trace/bpf_trace.c). So what comes in a softirq that interrupts the program would not be
 * seen, and where tracepoints can be preempted (since 7.0) neither what is scheduled meanwhile. So
 * a tracepoint can have a program several times: copies that the loader makes (PROG_COPIED in
 * registry.def), of which one or another is free. All run the same code, one after the other:
 * whoever is first to see an event notes it and tells it, the others find the note.
 */
#ifndef LIB_AGAIN_H
#define LIB_AGAIN_H

#include "maps.h"

#define NOTES_MAX 4096

/*
 * What was told last of objects. Nobody must take a note away: it is never mistaken for that of a
 * later event. Two that share a place and come at once are told twice: one chance in NOTES_MAX.
 */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, NOTES_MAX);
	__type(key, __u32);
	__type(value, __u64);
} notes SEC(".maps");

/*
 * The same without places to share, where tracepoints can be preempted: between one copy and the
 * next all others may have their turn, and one in NOTES_MAX of them would take the note away.
 */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4 * NOTES_MAX);
	__type(key, __u64);
	__type(value, __u64);
} told SEC(".maps");

/* 0 in the program itself, 1 in its first copy: the number of which is written over the mark's. */
INLINE __u32 copy_number(void)
{
	__u32 n;

	asm volatile("%0 = %1" : "=r"(n) : "i"(COPY_MARK));
	return n - COPY_MARK;
}

/* Numbers that are near become places that are not: Fibonacci hashing, TAOCP 6.4 */
INLINE __u64 note_hash(__u64 of)
{
	return of * 11400714819323198485ull;
}

/*
 * Whether it is told already that `what` happened to the object; it is from now on. The object: a
 * number that is its own. Exact if the same never happens to it twice in a row, and one thing
 * after the other (under a lock, or in its own task).
 */
INLINE bool again(__u64 object, __u64 what)
{
	__u64 hash = note_hash(object), note = hash ^ what, *last;
	__u32 i = hash >> 52;

	if (config.preempted) {
		last = bpf_map_lookup_elem(&told, &object);
		if (last && *last == note)
			return true;
		bpf_map_update_elem(&told, &object, &note, BPF_ANY);
		return false;
	}
	last = bpf_map_lookup_elem(&notes, &i);
	if (!last)
		return false;
	if (*last == note)
		return true;
	*last = note;
	return false;
}

/*
 * The same of the current task's system call, of which nothing differs from the one before. Copies
 * run in the order of their numbers, so one that finds a smaller number finds this call's: or
 * the one before was missed by all from here on, and this one by all before here. Then it is lost,
 * but each of them has missed something, so it is among those that are counted as unseen.
 */
INLINE bool call_again(void)
{
	__u64 task = bpf_get_current_task(), me = copy_number(), *last;
	bool told_before;

	last = bpf_map_lookup_elem(&told, &task);
	told_before = last && *last < me;
	bpf_map_update_elem(&told, &task, &me, BPF_ANY);
	return told_before;
}

#endif
