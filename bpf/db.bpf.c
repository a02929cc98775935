/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The db family: statements that programs send to databases by libpq and by the C clients of MySQL
 * and MariaDB. One begins with the call that sends it and ends when the library gives its result:
 * with that call's return, or, of those that only send, with the one that fetches the result. What a
 * library calls of itself is inside such a call and no statement of its own.
 */
#include "lib/cgroup.h"
#include "lib/emit.h"
#include "lib/meter.h"
#include "lib/task.h"
#include "db_text.h"

/* Calls beside those of enum db_call. */
enum { CALL_GET_RESULT = DB_CALL_END, CALL_READ_RESULT, CALL_FINISH };

/* ExecStatusType of libpq-fe.h, which is part of libpq's ABI. */
enum {
	PGRES_BAD_RESPONSE = 5,
	PGRES_FATAL_ERROR = 7,
	PGRES_PIPELINE_SYNC = 10,
	PGRES_PIPELINE_ABORTED = 11,
};

/* ---- what is under way ------------------------------------------------------------------ */

/* How deep inside a call a library calls itself: less than that, in bytes of stack. What is farther
 * away has a stack of its own, or the outer call was left by longjmp. */
#define INSIDE_MAX 8192

/* At the return x86 has taken the address it returns to from the stack. */
INLINE __u64 stack_of(struct pt_regs *regs, bool returns)
{
	__u64 sp = PT_REGS_SP(regs);

#if defined(__TARGET_ARCH_x86)
	sp -= returns ? 8 : 0;
#endif
	return sp;
}

/* Those that are sent and have no result yet, in the order they were sent (pipeline mode has many). */
struct queue {
	__u32 sent, done; /* how many */
	__u64 last_ns;	  /* the result of the next one to end: the last there was, 0: none yet */
	__u32 result;	  /* enum db_result: its first failure */
	__u32 rsvd;
};

struct conn {
	__u64 conn;
	__u32 pid;
	__u32 seq; /* of db_sent: which one it is; 0 */
};

struct sent {
	__u64 when_ns;
	__u16 call;
	__u16 rsvd[3];
	struct text text;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1024);
	__type(key, struct conn);
	__type(value, struct queue);
} db_queues SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1024);
	__type(key, struct conn);
	__type(value, struct sent);
} db_sent SEC(".maps");

static const struct sent nothing_sent;

/* ---- telling ----------------------------------------------------------------------------- */

struct told {
	__u64 now_ns, ns;
	__u32 call, result;
	const struct in_call *in; /* where its text is, or */
	const struct text *text;
};

INLINE bool is_mysql(__u32 call)
{
	return call >= DB_MYSQL_QUERY;
}

/* The text is read to where it is sent from: its length and flags are then where the record ends, which
 * is written after it. */
INLINE void send_query(void *ctx, const struct told *told, __u64 cgroup, __u64 start)
{
	struct scratch *s = scratch_take(KIND_db_query);
	__u64 thread = bpf_get_current_pid_tgid();
	struct rec_db_query *rec;
	struct text *text;
	__u64 len;

	if (!s)
		return;
	rec = (struct rec_db_query *)s->record;
	text = (struct text *)(s->record + sizeof(*rec) - __builtin_offsetof(struct text, bytes));
	text->len = text->flags = 0;
	if (told->in)
		put_text(text, told->in);
	else if (told->text)
		__builtin_memcpy(text, told->text, sizeof(*text));
	len = text->len & DB_STATEMENT_MAX;
	rec->head.flags = text->flags;
	stamp(&rec->head, KIND_db_query, sizeof(*rec) + len, told->now_ns, cgroup);
	rec->head.flags |= told->result ? REC_FAILED : 0;
	if (is_slow(FAMILY_db, told->ns))
		rec->head.flags |= REC_SLOW;
	rec->head.pid = thread >> 32;
	rec->head.tid = thread;
	rec->head.key = start;
	rec->duration_ns = told->ns;
	rec->call = told->call;
	rec->result = told->result;
	rec->statement.off = len ? sizeof(*rec) : 0;
	rec->statement.len = len;
	current_comm(rec->comm);
	send(ctx, rec, MASKED(sizeof(*rec) + len, TAIL_MASK), KIND_db_query, true);
	scratch_give(s);
}

INLINE int on_told(void *ctx, const struct told *told, const bool btf)
{
	struct task_struct *task = current_task(btf);
	__u64 cgroup = cgroup_id(task_cgroup(task, btf), btf);
	__u16 dim = is_mysql(told->call) | told->result << 1;

	counted(KIND_db_query, true);
	meter_time(KIND_db_query, METER_KEY(METER_db_duration, cgroup, dim, 0), told->ns, bounds_DB);
	if (streamed(KIND_db_query, told->result || is_slow(FAMILY_db, told->ns)))
		send_query(ctx, told, cgroup, task_start(task, btf));
	return 0;
}

BODY(tell, (void *ctx, const struct told *told), on_told(ctx, told, btf))

/* ---- results ----------------------------------------------------------------------------- */

/* Of a PGresult; its status in *ret. */
INLINE __u32 result_of(__u64 pgresult, __u32 *ret_status)
{
	*ret_status = 0;
	if (!pgresult)
		return DB_NO_RESULT;
	bpf_probe_read_user(ret_status, sizeof(*ret_status), (void *)(pgresult + PGRESULT_STATUS));
	switch (*ret_status) {
	case PGRES_BAD_RESPONSE:
		return DB_BAD_RESPONSE;
	case PGRES_FATAL_ERROR:
		return DB_FATAL_ERROR;
	case PGRES_PIPELINE_ABORTED:
		return DB_ABORTED;
	default:
		return DB_DONE;
	}
}

INLINE struct conn conn_of(__u64 conn)
{
	return (struct conn){ .conn = conn, .pid = bpf_get_current_pid_tgid() >> 32 };
}

/* What was sent before and has no result will have none: the library throws it away. */
INLINE void forget_sent(__u64 conn)
{
	struct conn key = conn_of(conn);
	struct queue *q = bpf_map_lookup_elem(&db_queues, &key);

	if (!q)
		return;
	NO_UNROLL
	for (int i = 0; i < 64 && q->done != q->sent; i++) {
		q->done++;
		count(KIND_db_query, LEDGER_LOST_STATE);
	}
	bpf_map_delete_elem(&db_queues, &key);
}

static __noinline int was_sent(const struct in_call *in)
{
	struct conn key = conn_of(in->conn);
	struct queue *q, none = {};
	struct sent *sent;

	q = bpf_map_lookup_elem(&db_queues, &key);
	if (!q) {
		bpf_map_update_elem(&db_queues, &key, &none, BPF_NOEXIST);
		q = bpf_map_lookup_elem(&db_queues, &key);
	}
	if (!q) {
		count(KIND_db_query, LEDGER_LOST_STATE);
		return 0;
	}
	key.seq = ++q->sent;
	bpf_map_update_elem(&db_sent, &key, &nothing_sent, BPF_ANY);
	sent = bpf_map_lookup_elem(&db_sent, &key);
	if (!sent) /* it is missing when its result comes */
		return 0;
	sent->when_ns = in->when_ns;
	sent->call = in->call;
	put_text(&sent->text, in);
	return 0;
}

/* The next one that was sent has ended. */
INLINE void sent_ended(void *ctx, const struct conn *conn, struct queue *q, __u64 when_ns,
		       __u32 result, const bool btf)
{
	struct conn key = *conn;
	struct told told = {};
	struct sent *sent;

	key.seq = ++q->done;
	q->last_ns = q->result = 0;
	sent = bpf_map_lookup_elem(&db_sent, &key);
	if (!sent) {
		count(KIND_db_query, LEDGER_LOST_STATE);
		return;
	}
	told.now_ns = bpf_ktime_get_boot_ns();
	told.ns = when_ns - sent->when_ns;
	told.call = sent->call;
	told.result = result;
	told.text = &sent->text;
	OF(tell)(ctx, &told);
	bpf_map_delete_elem(&db_sent, &key);
}

/* A statement can have several results, or one in pieces: NULL ends it. Its time is that of the last
 * result; when the program asks again is its own affair. */
INLINE void got_result(void *ctx, const struct in_call *in, __u64 pgresult, const bool btf)
{
	struct conn key = conn_of(in->conn);
	struct queue *q = bpf_map_lookup_elem(&db_queues, &key);
	__u32 result, status;

	if (!q || q->sent == q->done)
		return;
	if (!pgresult) {
		if (q->last_ns)
			sent_ended(ctx, &key, q, q->last_ns, q->result, btf);
		return;
	}
	result = result_of(pgresult, &status);
	if (status == PGRES_PIPELINE_SYNC)
		return;
	q->last_ns = bpf_ktime_get_boot_ns();
	if (!q->result)
		q->result = result;
}

INLINE void read_result(void *ctx, const struct in_call *in, bool failed, const bool btf)
{
	struct conn key = conn_of(in->conn);
	struct queue *q = bpf_map_lookup_elem(&db_queues, &key);

	if (q && q->sent != q->done)
		sent_ended(ctx, &key, q, bpf_ktime_get_boot_ns(), failed ? DB_REFUSED : DB_DONE, btf);
}

/* ---- programs ---------------------------------------------------------------------------- */

/* Where the statement is among the arguments. */
INLINE void take_arguments(struct in_call *in, struct pt_regs *regs)
{
	__u64 second = PT_REGS_PARM2(regs), third = PT_REGS_PARM3(regs);

	in->conn = PT_REGS_PARM1(regs);
	in->len = TO_ITS_NUL;
	switch (in->call) {
	case DB_PQPREPARE:
	case DB_PQSENDPREPARE:
		in->name = second;
		in->text = third;
		break;
	case DB_PQEXECPREPARED:
	case DB_PQSENDQUERYPREPARED:
		in->name = second;
		break;
	case DB_MYSQL_REAL_QUERY:
	case DB_MYSQL_SEND_QUERY:
	case DB_MYSQL_STMT_PREPARE:
		in->text = second;
		in->len = third;
		break;
	case DB_PQEXEC:
	case DB_PQEXECPARAMS:
	case DB_PQSENDQUERY:
	case DB_PQSENDQUERYPARAMS:
	case DB_MYSQL_QUERY:
		in->text = second;
	}
}

INLINE int on_call(struct pt_regs *regs, __u32 call, const bool btf)
{
	struct cgroup *cgrp = task_cgroup(current_task(btf), btf);
	__u64 thread = bpf_get_current_pid_tgid(), sp = stack_of(regs, false);
	struct in_call in = { .when_ns = bpf_ktime_get_boot_ns(), .sp = sp, .call = call, .open = true };
	struct in_call *outer = bpf_map_lookup_elem(&db_calls, &thread);

	if (outer && outer->open && outer->sp - sp < INSIDE_MAX)
		return 0;
	in.wanted = wanted(cgrp, cgroup_id(cgrp, btf), btf);
	take_arguments(&in, regs);
	/* seen when it ends: a thread may end first */
	if (!in.wanted && call < DB_CALL_END)
		counted(KIND_db_query, false);
	if (bpf_map_update_elem(&db_calls, &thread, &in, BPF_ANY) && in.wanted)
		count(KIND_db_query, LEDGER_LOST_STATE);
	return 0;
}

INLINE int on_finish(struct pt_regs *regs)
{
	forget_sent(PT_REGS_PARM1(regs));
	return 0;
}

INLINE void tell_call(void *ctx, const struct in_call *in, __u32 result, const bool btf)
{
	__u64 now = bpf_ktime_get_boot_ns();
	struct told told = { now, now - in->when_ns, in->call, result, in, 0 };

	OF(tell)(ctx, &told);
}

INLINE void on_ended(struct pt_regs *regs, const struct in_call *in, const bool btf)
{
	__u64 ret = PT_REGS_RC(regs);
	__u32 status;

	switch (in->call) {
	case CALL_GET_RESULT:
		got_result(regs, in, ret, btf);
		return;
	case CALL_READ_RESULT:
		read_result(regs, in, (__u32)ret, btf);
		return;
	case DB_PQSENDPREPARE:
	case DB_PQPREPARE:
	case DB_MYSQL_STMT_PREPARE:
		keep_prepared(in);
	}
	switch (in->call) {
	case DB_PQSENDQUERY:
	case DB_PQSENDQUERYPARAMS:
	case DB_PQSENDPREPARE:
	case DB_PQSENDQUERYPREPARED:
		if ((__u32)ret)
			was_sent(in);
		else
			tell_call(regs, in, DB_NO_RESULT, btf);
		return;
	case DB_MYSQL_SEND_QUERY:
		forget_sent(in->conn);
		if (!(__u32)ret)
			was_sent(in);
		else
			tell_call(regs, in, DB_REFUSED, btf);
		return;
	}
	if (is_mysql(in->call)) {
		tell_call(regs, in, (__u32)ret ? DB_REFUSED : DB_DONE, btf);
		return;
	}
	forget_sent(in->conn);
	tell_call(regs, in, result_of(ret, &status), btf);
}

INLINE int on_return(struct pt_regs *regs, const bool btf)
{
	__u64 thread = bpf_get_current_pid_tgid(), sp = stack_of(regs, true);
	struct in_call *of = bpf_map_lookup_elem(&db_calls, &thread), in;

	if (!of || of->sp < sp) {
		/* too many are under way: the note gave its place to another one's */
		struct cgroup *cgrp = task_cgroup(current_task(btf), btf);

		if (wanted(cgrp, cgroup_id(cgrp, btf), btf))
			count(KIND_db_query, LEDGER_LOST_STATE);
		return 0;
	}
	if (of->sp != sp || !of->open)
		return 0;
	of->open = false;
	if (!of->wanted)
		return 0;
	in = *of;
	on_ended(regs, &in, btf);
	return 0;
}

BODY(call, (struct pt_regs *regs, __u32 call), on_call(regs, call, btf))
BODY(return, (struct pt_regs *regs), on_return(regs, btf))

INLINE bool by_type(void)
{
	return !config.probe_read && config.typed_task;
}

#define BEGIN(call) by_type() ? call_typed(ctx, call) : call_plain(ctx, call)
#define END by_type() ? return_typed(ctx) : return_plain(ctx)

UPROBES(PQexec, "libpq:PQexec", BEGIN(DB_PQEXEC))
UPROBES(PQexecParams, "libpq:PQexecParams", BEGIN(DB_PQEXECPARAMS))
UPROBES(PQprepare, "libpq:PQprepare", BEGIN(DB_PQPREPARE))
UPROBES(PQexecPrepared, "libpq:PQexecPrepared", BEGIN(DB_PQEXECPREPARED))
UPROBES(PQsendQuery, "libpq:PQsendQuery", BEGIN(DB_PQSENDQUERY))
UPROBES(PQsendQueryParams, "libpq:PQsendQueryParams", BEGIN(DB_PQSENDQUERYPARAMS))
UPROBES(PQsendPrepare, "libpq:PQsendPrepare", BEGIN(DB_PQSENDPREPARE))
UPROBES(PQsendQueryPrepared, "libpq:PQsendQueryPrepared", BEGIN(DB_PQSENDQUERYPREPARED))
UPROBES(PQgetResult, "libpq:PQgetResult", BEGIN(CALL_GET_RESULT))
UPROBES(PQfinish, "libpq:PQfinish", on_finish(ctx))
URETPROBES(libpq_return,
	   "libpq:PQexec,PQexecParams,PQprepare,PQexecPrepared,PQsendQuery,PQsendQueryParams,"
	   "PQsendPrepare,PQsendQueryPrepared,PQgetResult", END, int ret)

UPROBES(mysql_query, "libmysql:mysql_query", BEGIN(DB_MYSQL_QUERY))
UPROBES(mysql_real_query, "libmysql:mysql_real_query", BEGIN(DB_MYSQL_REAL_QUERY))
UPROBES(mysql_send_query, "libmysql:mysql_send_query", BEGIN(DB_MYSQL_SEND_QUERY))
UPROBES(mysql_read_query_result, "libmysql:mysql_read_query_result", BEGIN(CALL_READ_RESULT))
UPROBES(mysql_stmt_prepare, "libmysql:mysql_stmt_prepare", BEGIN(DB_MYSQL_STMT_PREPARE))
UPROBES(mysql_stmt_execute, "libmysql:mysql_stmt_execute", BEGIN(DB_MYSQL_STMT_EXECUTE))
URETPROBES(libmysql_return,
	   "libmysql:mysql_query,mysql_real_query,mysql_send_query,mysql_read_query_result,"
	   "mysql_stmt_prepare,mysql_stmt_execute", END, int ret)
