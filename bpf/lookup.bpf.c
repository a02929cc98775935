/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The lookup family: calls of getaddrinfo, which a C library answers from files, a cache or the
 * network. What a static program does, or one with a resolver of its own, is not seen here.
 */
#include "lib/cgroup.h"
#include "lib/emit.h"
#include "lib/meter.h"
#include "lib/task.h"
#include "wire/lookup.h"

/* A call: its thread, and where in its stack, for one can be inside another (by a plug-in of
 * the library). */
struct call {
	__u64 thread; /* pid and tid */
	__u64 sp;
};

struct called {
	__u64 when_ns;
	__u64 name, hints; /* where the arguments are; the library may be the first to read them */
	__u32 told;
	__u32 rsvd;
};

/*
 * Nobody takes a note away: what one of a file's programs has told another finds told, should a
 * file have them twice (its inode by two names), and one of a thread that is gone gives its place
 * to a newer one.
 */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1024);
	__type(key, struct call);
	__type(value, struct called);
} lookups SEC(".maps");

/* The stack as it is at the first instruction; at the return x86 has taken the address it
 * returns to from it. */
INLINE struct call call_of(struct pt_regs *regs, bool returns)
{
	__u64 sp = PT_REGS_SP(regs);

#if defined(__TARGET_ARCH_x86)
	sp -= returns ? 8 : 0;
#endif
	return (struct call){ bpf_get_current_pid_tgid(), sp };
}

INLINE __u16 result_of(int result)
{
	return result <= 0 && result >= -(int)EAI_MAX ? -result : EAI_UNKNOWN;
}

/* The name, behind the record. Its length. */
INLINE __u32 put_name(struct rec_lookup_getaddrinfo *rec, __u8 *tail, __u64 name)
{
	long n;

	if (!name)
		return 0;
	n = bpf_probe_read_user_str(tail, LOOKUP_NAME_MAX + 1, (void *)name);
	if (n <= 0) {
		rec->head.flags |= REC_UNREAD;
		return 0;
	}
	n = (n - 1) & LOOKUP_NAME_MAX;
	if (n == LOOKUP_NAME_MAX)
		rec->head.flags |= REC_CUT;
	rec->name.off = sizeof(*rec);
	rec->name.len = n;
	return n;
}

INLINE void send_lookup(void *ctx, const struct called *called, __u64 now, __u64 cgroup,
			__u64 start, __u16 result)
{
	struct {
		struct rec_lookup_getaddrinfo rec;
		__u8 tail[LOOKUP_NAME_MAX + 1];
	} all = {};
	struct rec_lookup_getaddrinfo *rec = &all.rec;
	__u64 thread = bpf_get_current_pid_tgid();
	__s32 family = 0;
	__u32 n;

	stamp(&rec->head, KIND_lookup_getaddrinfo, 0, now, cgroup);
	rec->head.flags = result ? REC_FAILED : 0;
	rec->head.pid = thread >> 32;
	rec->head.tid = thread;
	rec->head.key = start;
	rec->duration_ns = now - called->when_ns;
	rec->result = result;
	/* struct addrinfo begins with ai_flags and ai_family */
	if (called->hints &&
	    !bpf_probe_read_user(&family, sizeof(family), (void *)called->hints + sizeof(__s32)))
		rec->family = family;
	current_comm(rec->comm);
	n = put_name(rec, all.tail, called->name);
	rec->head.size = sizeof(*rec) + n;
	send(ctx, rec, sizeof(*rec) + n, KIND_lookup_getaddrinfo, true);
}

INLINE int on_call(struct pt_regs *regs, __u64 name, __u64 hints, const bool btf)
{
	struct called called = { .when_ns = bpf_ktime_get_boot_ns(), .name = name, .hints = hints };
	struct cgroup *cgrp = task_cgroup(current_task(btf), btf);
	struct call call = call_of(regs, false);

	/* seen when it ends: a thread may end first */
	if (!wanted(cgrp, cgroup_id(cgrp, btf), btf))
		counted(KIND_lookup_getaddrinfo, false);
	else if (bpf_map_update_elem(&lookups, &call, &called, BPF_ANY))
		count(KIND_lookup_getaddrinfo, LEDGER_LOST_STATE);
	return 0;
}

INLINE int on_return(struct pt_regs *regs, int ret, const bool btf)
{
	struct task_struct *task = current_task(btf);
	struct cgroup *cgrp = task_cgroup(task, btf);
	__u64 cgroup = cgroup_id(cgrp, btf), now = bpf_ktime_get_boot_ns();
	struct call call = call_of(regs, true);
	struct called *called = bpf_map_lookup_elem(&lookups, &call);
	__u16 result = result_of(ret);

	if (!called) {
		/* too many are under way: the note gave its place to another one's */
		if (wanted(cgrp, cgroup, btf))
			count(KIND_lookup_getaddrinfo, LEDGER_LOST_STATE);
		return 0;
	}
	if (called->told)
		return 0;
	called->told = true;
	counted(KIND_lookup_getaddrinfo, true);
	meter_time(KIND_lookup_getaddrinfo, METER_KEY(METER_lookup_duration, cgroup, result, 0),
		   now - called->when_ns, bounds_FAST);
	if (streamed(KIND_lookup_getaddrinfo, result))
		send_lookup(regs, called, now, cgroup, task_start(task, btf), result);
	return 0;
}

BODY(call, (struct pt_regs *regs, __u64 name, __u64 hints), on_call(regs, name, hints, btf))
BODY(return, (struct pt_regs *regs, int ret), on_return(regs, ret, btf))

INLINE bool by_type(void)
{
	return !config.probe_read && config.typed_task;
}

UPROBES(getaddrinfo, "libc:getaddrinfo",
	by_type() ? call_typed(ctx, name, hints) : call_plain(ctx, name, hints), __u64 name,
	__u64 service, __u64 hints)
URETPROBES(getaddrinfo_return, "libc:getaddrinfo",
	   by_type() ? return_typed(ctx, ret) : return_plain(ctx, ret), int ret)
