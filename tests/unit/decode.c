// SPDX-License-Identifier: Apache-2.0
/* links: src/kinds.c src/decode/[a-z]*.c tests/kind/world.c libs: */
/* decode: what the fields of a record mean. What is refused, and why: tests/kind/refuse.c. */
#include <string.h>

#include "tests/kind/kind.h"

static struct decode_room room;

static struct event decoded(const struct golden *g)
{
	struct event ev;

	assert_int_equal(decode(g->bytes, g->n, &room, &ev), DECODE_OK);
	assert_null(ev.who);
	assert_null(ev.process);
	return ev;
}

static void assert_text(struct str have, const char *want)
{
	if (!str_eq(have, str_of(want)))
		fail_msg("\"%.*s\", not \"%s\"", (int)have.n, have.p, want);
}

#define REC(kind, golden) ((struct rec_##kind *)(golden)->bytes)

/* ---- the head ------------------------------------------------------------------------------ */

static void test_head(void **state)
{
	struct golden g;
	struct event ev;

	(void)state;
	golden_load("tcp_connect", &g);
	ev = decoded(&g);
	assert_int_equal(ev.kind, KIND_tcp_connect);
	assert_int_equal(ev.when_ns, 5000123456789ull);
	assert_int_equal(ev.cgroup, 4711);
	assert_int_equal(ev.key, 77);
	assert_int_equal(ev.pid, 4242);
	assert_int_equal(ev.tid, 4243);
	assert_int_equal(ev.cpu, 3);
	assert_int_equal(ev.flags, REC_FAILED);
}

/* 16 bytes without NUL, none at all, and bytes behind the NUL. */
static void test_comm(void **state)
{
	struct rec_process_fork *rec;
	struct golden g;

	(void)state;
	golden_load("process_fork", &g);
	rec = REC(process_fork, &g);
	memcpy(rec->comm, "0123456789abcdef", COMM_LEN);
	assert_text(decoded(&g).comm, "0123456789abcdef");
	memcpy(rec->comm, "a\0bcdef", 8);
	assert_text(decoded(&g).comm, "a");
	rec->comm[0] = 0;
	assert_int_equal(decoded(&g).comm.n, 0);
}

static void test_fault_names(void **state)
{
	(void)state;
	for (int i = 0; i < DECODE_END; i++) {
		assert_non_null(decode_fault_name((enum decode_fault)i));
		for (int k = 0; k < i; k++)
			assert_string_not_equal(decode_fault_name((enum decode_fault)i),
						decode_fault_name((enum decode_fault)k));
	}
}

/* ---- process ------------------------------------------------------------------------------- */

static void test_exec(void **state)
{
	struct golden g;
	struct event ev;

	(void)state;
	golden_load("process_exec", &g);
	ev = decoded(&g);
	assert_text(ev.process_exec.path, "/usr/bin/curl");
	assert_int_equal(ev.process_exec.args.n, 34);
	assert_memory_equal(ev.process_exec.args.p, "curl\0-s\0http://", 15);
	assert_text(ev.process_exec.cwd, "/srv/app");
	assert_int_equal(ev.process_exec.ppid, 4000);
	assert_int_equal(ev.process_exec.uid, 1000);
	assert_int_equal(ev.process_exec.pid_ns, 17);
	assert_int_equal(ev.process_exec.args_n, 34);
}

/* An exec whose tail is nothing but this working directory. */
static void with_cwd(struct golden *g, const char *cwd, size_t n)
{
	struct rec_process_exec *rec;

	golden_load("process_exec", g);
	rec = REC(process_exec, g);
	rec->path.len = rec->args.len = 0;
	rec->cwd = (struct rec_text){ sizeof(*rec), (u16)n };
	memcpy(g->bytes + sizeof(*rec), cwd, n);
	g->n = sizeof(*rec) + n;
	rec->head.size = (u16)g->n;
}

#define CWD(g, lit) with_cwd(g, lit, sizeof(lit) - 1)

static void test_cwd(void **state)
{
	struct golden g;

	(void)state;
	CWD(&g, "\0"); /* nothing but the root */
	assert_text(decoded(&g).process_exec.cwd, "/");
	CWD(&g, "c\0b\0a\0\0");
	assert_text(decoded(&g).process_exec.cwd, "/a/b/c");
	CWD(&g, "");
	assert_text(decoded(&g).process_exec.cwd, "");
	/* the walk did not come to the root: a part of a path is none */
	CWD(&g, "c\0b\0a\0");
	assert_text(decoded(&g).process_exec.cwd, "");
	CWD(&g, "c\0b\0a");
	assert_text(decoded(&g).process_exec.cwd, "");
}

/* The longest there can be: one component, and as many as bytes allow. */
static void test_cwd_longest(void **state)
{
	char cwd[CWD_MAX + 1];
	struct golden g;
	struct str path;

	(void)state;
	memset(cwd, 'x', sizeof(cwd));
	cwd[CWD_MAX - 2] = cwd[CWD_MAX - 1] = '\0';
	with_cwd(&g, cwd, CWD_MAX);
	path = decoded(&g).process_exec.cwd;
	assert_int_equal(path.n, CWD_MAX - 1);
	assert_memory_equal(path.p, "/xxx", 4);
	for (size_t i = 1; i < sizeof(cwd); i += 2)
		cwd[i] = '\0';
	with_cwd(&g, cwd, CWD_MAX);
	path = decoded(&g).process_exec.cwd;
	assert_int_equal(path.n, CWD_MAX - 2);
	assert_memory_equal(path.p + path.n - 4, "/x/x", 4);
	/* only components, no root: the longest that has no room for more */
	memset(cwd, 'x', sizeof(cwd));
	with_cwd(&g, cwd, CWD_MAX);
	assert_text(decoded(&g).process_exec.cwd, "");
	with_cwd(&g, cwd, CWD_MAX + 1);
	assert_int_equal(decode(g.bytes, g.n, &room, &(struct event){ 0 }), DECODE_TEXT);
}

/* ---- file ---------------------------------------------------------------------------------- */

/* An operation on this path, found in components or asked for, below a directory if that is known. */
static struct ev_file_op with_path(struct golden *g, u16 what, struct str path, struct str base)
{
	struct rec_file_op *rec;

	golden_load("file_op", g);
	rec = REC(file_op, g);
	rec->what = what;
	rec->path = (struct rec_text){ sizeof(*rec), (u16)path.n };
	rec->base = (struct rec_text){ (u16)(sizeof(*rec) + path.n), (u16)base.n };
	rec->to = what ? (struct rec_text){ 0, 0 } : rec->path;
	rec->to_base = rec->base;
	memcpy(g->bytes + sizeof(*rec), path.p, path.n);
	memcpy(g->bytes + sizeof(*rec) + path.n, base.p, base.n);
	g->n = sizeof(*rec) + path.n + base.n;
	rec->head.size = (u16)g->n;
	return decoded(g).file_op;
}

static void test_file(void **state)
{
	struct ev_file_op op;
	struct golden g;

	(void)state;
	op = with_path(&g, FILE_WALKED, STR("b\0a\0\0"), STR(""));
	assert_text(op.path, "/a/b");
	assert_false(op.deleted);
	assert_true(with_path(&g, FILE_WALKED | FILE_DELETED, STR("a\0\0"), STR("")).deleted);
	assert_text(with_path(&g, FILE_WALKED, STR("\0"), STR("")).path, "/");
	/* the walk did not come to the root: what it has found */
	assert_text(with_path(&g, FILE_WALKED, STR("b\0a\0"), STR("")).path, "a/b");
	op = with_path(&g, 0, STR("/a/b"), STR(""));
	assert_text(op.path, "/a/b");
	assert_text(op.to, "/a/b");
	assert_text(with_path(&g, 0, STR("../b"), STR("")).path, "../b");
	op = with_path(&g, 0, STR("../b"), STR("d\0c\0\0"));
	assert_text(op.path, "/c/d/../b");
	assert_text(op.to, "/c/d/../b");
	assert_text(with_path(&g, 0, STR("b"), STR("\0")).path, "/b");
	assert_text(with_path(&g, 0, STR("b"), STR("d\0c\0")).path, "c/d/b");
	assert_text(with_path(&g, 0, STR(""), STR("")).path, "");
}

/* The longest of each, and one byte more. */
static void test_file_longest(void **state)
{
	static char path[FILE_WALK_MAX + 1], base[FILE_BASE_MAX + 1];
	struct ev_file_op op;
	struct golden g;

	(void)state;
	memset(path, 'x', sizeof(path));
	for (size_t i = 1; i < sizeof(base); i += 2)
		base[i - 1] = 'y';
	op = with_path(&g, FILE_WALKED, (struct str){ path, FILE_WALK_MAX }, STR(""));
	assert_int_equal(op.path.n, FILE_WALK_MAX);
	base[FILE_BASE_MAX - 2] = 0;
	op = with_path(&g, 0, (struct str){ path, FILE_PATH_MAX }, (struct str){ base, FILE_BASE_MAX });
	assert_int_equal(op.to.n, FILE_PATH_MAX + 1 + FILE_BASE_MAX - 2);
	assert_memory_equal(op.to.p, "/y/y", 4);
	assert_memory_equal(op.to.p + FILE_BASE_MAX - 4, "/y/xx", 5);
	REC(file_op, &g)->path.len++;
	assert_int_equal(decode(g.bytes, g.n, &room, &(struct event){ 0 }), DECODE_TEXT);
	REC(file_op, &g)->path.len--;
	REC(file_op, &g)->base.off--;
	REC(file_op, &g)->base.len++;
	assert_int_equal(decode(g.bytes, g.n, &room, &(struct event){ 0 }), DECODE_TEXT);
}

static void test_exec_failed(void **state)
{
	struct golden g;
	struct event ev;

	(void)state;
	golden_load("process_exec_failed", &g);
	ev = decoded(&g);
	assert_text(ev.process_exec_failed.path, "/opt/tools/missing");
	assert_int_equal(ev.process_exec_failed.err, 2);
	/* a path that could not be read */
	REC(process_exec_failed, &g)->path = (struct rec_text){ 0, 0 };
	assert_int_equal(decoded(&g).process_exec_failed.path.n, 0);
}

static void test_fork(void **state)
{
	struct golden g;
	struct event ev;

	(void)state;
	golden_load("process_fork", &g);
	ev = decoded(&g);
	assert_int_equal(ev.process_fork.child, 4244);
	assert_int_equal(ev.process_fork.child_key, ev.when_ns - 1000);
}

static void test_exit(void **state)
{
	struct rec_process_exit *rec;
	struct golden g;
	struct event ev;

	(void)state;
	golden_load("process_exit", &g);
	rec = REC(process_exit, &g);
	ev = decoded(&g);
	assert_int_equal(ev.process_exit.sig, 9);
	assert_int_equal(ev.process_exit.run_ns, ev.when_ns - 4990000000000ull);
	assert_false(ev.process_exit.core);
	rec->core = 1;
	rec->code = 255;
	rec->sig = 0;
	rec->head.key = rec->head.when_ns; /* no time at all */
	ev = decoded(&g);
	assert_true(ev.process_exit.core);
	assert_int_equal(ev.process_exit.code, 255);
	assert_int_equal(ev.process_exit.run_ns, 0);
}

/* ---- tcp ----------------------------------------------------------------------------------- */

static void test_tuple(void **state)
{
	static const u8 mapped[16] = { [10] = 0xff, [11] = 0xff, [12] = 10, [15] = 9 };
	struct rec_tcp_state *rec;
	struct tcp_tuple t;
	struct golden g;

	(void)state;
	golden_load("tcp_state", &g);
	rec = REC(tcp_state, &g);
	t = decoded(&g).tcp_state.tuple;
	assert_false(t.v6);
	assert_memory_equal(t.local, "\xc0\xa8\x01\x05", 4);
	assert_memory_equal(t.remote, "\xc0\xa8\x01\x09", 4);
	assert_int_equal(t.local_port, 22);
	assert_int_equal(t.remote_port, 50022);
	assert_int_equal(t.role, TCP_ROLE_SERVER);
	assert_int_equal(t.netns, 4026531840u);

	/* IPv4 through an IPv6 socket */
	rec->tuple.af = 10;
	memcpy(rec->tuple.local, mapped, 16);
	memcpy(rec->tuple.remote, mapped, 16);
	rec->tuple.local[15] = 8;
	t = decoded(&g).tcp_state.tuple;
	assert_false(t.v6);
	assert_memory_equal(t.local, "\x0a\x00\x00\x08", 4);
	assert_memory_equal(t.remote, "\x0a\x00\x00\x09", 4);

	/* not quite mapped */
	rec->tuple.remote[0] = 0x20;
	t = decoded(&g).tcp_state.tuple;
	assert_true(t.v6);
	assert_memory_equal(t.remote, rec->tuple.remote, 16);
}

static void test_connection(void **state)
{
	struct golden g;
	struct event ev;

	(void)state;
	golden_load("tcp_connect", &g);
	ev = decoded(&g);
	assert_int_equal(ev.tcp_connect.duration_ns, 1234567);
	assert_int_equal(ev.tcp_connect.err, 111);
	golden_load("tcp_accept", &g);
	ev = decoded(&g);
	assert_true(ev.tcp_accept.wait_known);
	assert_int_equal(ev.tcp_accept.wait_ns, 250000);
	REC(tcp_accept, &g)->established_ns = 0;
	ev = decoded(&g);
	assert_false(ev.tcp_accept.wait_known);
	assert_int_equal(ev.tcp_accept.wait_ns, 0);
	golden_load("tcp_close", &g);
	ev = decoded(&g);
	assert_int_equal(ev.tcp_close.sent, 1536);
	assert_int_equal(ev.tcp_close.received, 5000000000ull);
	assert_int_equal(ev.tcp_close.srtt_us, 420);
	assert_int_equal(ev.tcp_close.retransmits, 3);
	assert_int_equal(ev.tcp_close.segs_out, 40);
	assert_int_equal(ev.tcp_close.segs_in, 41);
	assert_int_equal(ev.tcp_close.err, 104);
	assert_int_equal(ev.tcp_close.from, 1);
}

/* An answer to a packet that no socket wanted has no ends; every other kind has. */
static void test_reset_of_nobody(void **state)
{
	struct rec_tcp_reset *rec;
	struct golden g;
	struct event ev;

	(void)state;
	golden_load("tcp_reset", &g);
	rec = REC(tcp_reset, &g);
	memset(&rec->tuple, 0, sizeof(rec->tuple));
	rec->head.pid = rec->head.tid = 0;
	rec->head.key = 0;
	rec->state = 0;
	rec->direction = TCP_SENT;
	ev = decoded(&g);
	assert_int_equal(ev.tcp_reset.tuple.remote_port, 0);
	assert_int_equal(ev.tcp_reset.direction, TCP_SENT);
}

/* ---- statements ---------------------------------------------------------------------------- */

static void put_statement(struct golden *g, const char *text)
{
	struct rec_db_query *rec = REC(db_query, g);

	rec->statement.len = (u16)strlen(text);
	memcpy(g->bytes + sizeof(*rec), text, strlen(text));
	g->n = rec->head.size = (u16)(sizeof(*rec) + strlen(text));
}

static void test_statement(void **state)
{
	struct golden g;
	struct event ev;

	(void)state;
	golden_load("db_query", &g);
	ev = decoded(&g);
	assert_int_equal(ev.db_query.call, DB_PQEXECPARAMS);
	assert_int_equal(ev.db_query.result, DB_FATAL_ERROR);
	assert_text(ev.db_query.shape, "SELECT name, ? FROM \"orders\" WHERE id IN (?) AND note = ?");
	assert_true(ev.db_query.whole);
	REC(db_query, &g)->head.flags |= REC_CUT;
	assert_false(decoded(&g).db_query.whole);

	put_statement(&g, "SELECT \"a\", `b`");
	assert_text(decoded(&g).db_query.shape, "SELECT \"a\", `b`");
	REC(db_query, &g)->call = DB_MYSQL_QUERY;
	assert_text(decoded(&g).db_query.shape, "SELECT ?, `b`");
	put_statement(&g, "");
	assert_int_equal(decoded(&g).db_query.shape.n, 0);
}

/* What a file keeps: a record with the shape, of which the same becomes; of one that is damaged no text. */
static void test_statement_veiled(void **state)
{
	const struct rec_db_query *rec;
	struct decode_veil veil;
	struct golden g, kept;

	(void)state;
	golden_load("tcp_connect", &g);
	assert_ptr_equal(decode_veiled(g.bytes, &g.n, &veil), g.bytes);
	golden_load("db_query", &g);
	kept.n = g.n;
	rec = decode_veiled(g.bytes, &kept.n, &veil);
	assert_int_equal(kept.n, rec->head.size);
	memcpy(kept.bytes, rec, kept.n);
	assert_null(memmem(kept.bytes, kept.n, "secret", 6));
	assert_text(decoded(&kept).db_query.shape, "SELECT name, ? FROM \"orders\" WHERE id IN (?) AND note = ?");
	assert_int_equal(rec->head.flags, REC_FAILED | REC_SLOW);

	put_statement(&g, "SELECT 'a\\', secret");
	kept.n = g.n;
	rec = decode_veiled(g.bytes, &kept.n, &veil);
	assert_int_equal(kept.n, sizeof(*rec) + strlen("SELECT ?"));
	assert_int_equal(rec->head.flags, REC_FAILED | REC_SLOW | REC_CUT);
	REC(db_query, &g)->statement.off++;
	kept.n = g.n;
	decode_veiled(g.bytes, &kept.n, &veil);
	assert_int_equal(kept.n, sizeof(*rec));
	kept.n = g.n - 1;
	decode_veiled(g.bytes, &kept.n, &veil);
	assert_int_equal(kept.n, sizeof(*rec));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_head),	     cmocka_unit_test(test_comm),
		cmocka_unit_test(test_fault_names),  cmocka_unit_test(test_exec),
		cmocka_unit_test(test_cwd),	     cmocka_unit_test(test_cwd_longest),
		cmocka_unit_test(test_file),
		cmocka_unit_test(test_file_longest),
		cmocka_unit_test(test_statement),    cmocka_unit_test(test_statement_veiled),
		cmocka_unit_test(test_exec_failed),  cmocka_unit_test(test_fork),
		cmocka_unit_test(test_exit),	     cmocka_unit_test(test_tuple),
		cmocka_unit_test(test_connection),   cmocka_unit_test(test_reset_of_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
