/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A decoded event: what a record said, checked once, plus whose it is (filled by enrich).
 * Nouns only. Views point into the record or into enrich's tables and are valid until the
 * event has been handed to the last stage; who keeps one longer, copies it.
 */
#ifndef EVENT_H
#define EVENT_H

#include "base/str.h"
#include "who.h"
#include "../bpf/wire/records.h"

/* What is known of a process, kept from its exec to its exit. Owned by enrich. */
struct process {
	u32 pid, ppid, uid;
	u64 start_ns;		/* boot ns: with pid its identity */
	u64 exec_ns;		/* last exec, 0: not seen */
	char comm[COMM_LEN + 1];
	char exe[PATH_MAX_WIRE];	/* path given to execve; "" not known */
	char args[256];		/* for a person: blanks between, cut */
};

struct tcp_tuple {
	u8 local[16], remote[16];
	u16 local_port, remote_port;
	bool v6;
	enum tcp_role role;
	u32 netns;
};

struct ev_exec {
	u32 ppid, uid, gid, pid_ns;
	struct str path;
	struct str args;	/* NUL-separated, as the process has them */
	u32 args_n;		/* bytes it really has */
	struct str cwd;		/* "/a/b"; "" not known */
};

struct ev_exec_failed {
	u32 ppid, uid, gid;
	int err;
	struct str path;
};

struct ev_fork {
	u32 child;
	u64 child_key;
};

struct ev_exit {
	u32 ppid, uid;
	int code, sig;
	bool core;
	u64 run_ns;
};

struct ev_syscall_call {
	u16 nr;			/* SYSCALL_COMPAT: by the 32-bit ABI */
	int err;
};

struct ev_lookup_getaddrinfo {
	u64 duration_ns;
	u16 result;		/* 0: found; EAI_* without the sign, EAI_UNKNOWN */
	u16 family;		/* AF_*; 0: any */
	struct str name;	/* "": none was given */
};

struct ev_memory_oom_kill {
	u64 total_vm, anon, file, shmem, swap, pgtables; /* bytes */
	u64 limit, used;	/* of the cgroup; limit 0: none, or not known */
	u32 uid, by_pid;
	int score_adj;
};

struct ev_db_query {
	enum db_call call;
	enum db_result result;
	u64 duration_ns;
	bool whole;		/* the shape is all of the statement's */
	struct str shape;	/* without what stood in it, base/sql.h; "": not known */
};

struct ev_file_op {
	enum file_op op;
	int err;
	u64 duration_ns;
	u64 bytes;
	u64 inode;		/* 0: not known */
	u32 device;		/* major << 20 | minor */
	u32 open_flags;
	bool deleted;		/* path is the last it had */
	struct str path;	/* of what was cut (REC_CUT) the end, without a slash before it */
	struct str to;		/* of a rename */
};

struct ev_lock_futex {
	enum lock_op op;
	int err;
	u64 duration_ns;
	u64 address;		/* 0: of several */
};

struct ev_tcp_connect {
	struct tcp_tuple tuple;
	u64 start_ns, duration_ns;
	int err;
};

struct ev_tcp_accept {
	struct tcp_tuple tuple;
	u64 wait_ns;
	bool wait_known;
};

struct ev_tcp_state {
	struct tcp_tuple tuple;
	u16 from, to;
};

struct ev_tcp_close {
	struct tcp_tuple tuple;
	u64 start_ns;		/* 0: older than we are */
	u64 sent, received;
	u32 srtt_us, retransmits, segs_out, segs_in;
	int err;
	u16 from;
};

struct ev_tcp_retransmit {
	struct tcp_tuple tuple;
	enum tcp_segment segment;
	u16 state;
	u32 total;
};

struct ev_tcp_reset {
	struct tcp_tuple tuple;
	enum tcp_direction direction;
	u16 state;
};

/* A call that sent or received, or could not. */
struct ev_io {
	struct tcp_tuple tuple;
	bool peer_known;
	u64 duration_ns, bytes;
	u32 messages;
	int err;
};

struct ev_tcp_listen_drop {
	struct tcp_tuple tuple;
	u32 drops, backlog, backlog_max;
};

struct ev_dns_packet {
	struct tcp_tuple tuple;
	enum dns_transport transport;
	enum tcp_direction direction;
	struct str payload;	/* its first bytes */
	u32 size, seq;		/* as in rec_dns_packet */
};

struct ev_dns_lookup {
	struct tcp_tuple tuple;
	enum dns_transport transport;
	enum dns_outcome outcome;
	u64 start_ns, duration_ns;
	u16 type, rcode, attempts, answers;
	struct str name, addresses, names;
};

struct ev_http_head {
	struct tcp_tuple tuple;
	enum tcp_direction direction;
	u32 seq, size, other, number; /* as in rec_http_head */
	u16 part;		/* HTTP_* */
	struct str text;
};

struct ev_http_close {
	u32 seq[2];
};

struct ev_http_request {
	struct tcp_tuple tuple;
	enum http_outcome outcome;
	u64 start_ns, duration_ns;
	u64 request_bytes, response_bytes; /* HTTP_BYTES_UNKNOWN */
	u16 status, version;
	struct str method, path, address, parent;
};

struct ev_cgroup_mkdir {
	struct str path;	/* from the root of the tree; empty: could not be read */
	u32 level;
};

struct event {
	enum wire_kind kind;
	u16 flags;		/* REC_* */
	u16 cpu;
	u64 when_ns;		/* boot ns */
	u64 cgroup;
	u64 key;
	u32 pid, tid;
	struct str comm;	/* name of the owner's thread; empty: not known */
	struct who *who;	/* set by enrich, never NULL after it */
	const struct process *process; /* set by enrich; NULL: nothing known of it */
	union {
		struct ev_exec process_exec;
		struct ev_exec_failed process_exec_failed;
		struct ev_fork process_fork;
		struct ev_exit process_exit;
		struct ev_tcp_connect tcp_connect;
		struct ev_tcp_accept tcp_accept;
		struct ev_syscall_call syscall_call;
		struct ev_lookup_getaddrinfo lookup_getaddrinfo;
		struct ev_db_query db_query;
		struct ev_file_op file_op;
		struct ev_lock_futex lock_futex;
		struct ev_memory_oom_kill memory_oom_kill;
		struct ev_tcp_state tcp_state;
		struct ev_tcp_close tcp_close;
		struct ev_tcp_retransmit tcp_retransmit;
		struct ev_tcp_reset tcp_reset;
		struct ev_tcp_listen_drop tcp_listen_drop;
		struct ev_io io;	/* of udp_send, udp_receive, tcp_send, tcp_receive */
		struct ev_cgroup_mkdir cgroup_mkdir;
		struct ev_dns_packet dns_packet;
		struct ev_dns_lookup dns_lookup;
		struct ev_http_head http_head;
		struct ev_http_close http_close;
		struct ev_http_request http_request;
	};
};

#endif
