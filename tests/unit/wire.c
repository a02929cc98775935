// SPDX-License-Identifier: Apache-2.0
/* links: src/kinds.c libs: */
/* bpf/wire: what crosses the border has no padding (this file does not compile if it has), and
 * the layout that captures on disk already have. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/types.h"

#pragma GCC diagnostic push
#pragma GCC diagnostic error "-Wpadded"
#include "bpf/wire/config.h"
#include "bpf/wire/head.h"
#include "bpf/wire/records.h"
#pragma GCC diagnostic pop

#include "kinds.h"

/* ---- sizes: changed only together with TAP_VERSION ----------------------------------------- */

#define SIZE(type, bytes) _Static_assert(sizeof(struct type) == (bytes), #type)
#define AT(type, field, byte)                                                                      \
	_Static_assert(offsetof(struct type, field) == (byte), #type "." #field)

SIZE(rec_head, 40);
AT(rec_head, when_ns, 0);
AT(rec_head, cgroup, 8);
AT(rec_head, key, 16);
AT(rec_head, pid, 24);
AT(rec_head, tid, 28);
AT(rec_head, kind, 32);
AT(rec_head, size, 34);
AT(rec_head, cpu, 36);
AT(rec_head, flags, 38);
SIZE(rec_text, 4);

SIZE(rec_process_exec, 88);
AT(rec_process_exec, comm, 56);
AT(rec_process_exec, path, 72);
AT(rec_process_exec, cwd, 80);
SIZE(rec_process_exec_failed, 80);
AT(rec_process_exec_failed, err, 52);
SIZE(rec_process_fork, 72);
AT(rec_process_fork, child, 48);
SIZE(rec_process_exit, 72);
AT(rec_process_exit, code, 48);

SIZE(rec_db_query, 72);
AT(rec_db_query, call, 48);
AT(rec_db_query, statement, 52);

SIZE(rec_dns_packet, 120);
AT(rec_dns_packet, size, 92);
AT(rec_dns_packet, payload, 100);
SIZE(rec_dns_lookup, 136);
AT(rec_dns_lookup, start_ns, 88);
AT(rec_dns_lookup, name, 108);

SIZE(wire_tuple, 48);
AT(wire_tuple, local_port, 32);
AT(wire_tuple, netns, 40);
SIZE(rec_file_op, 112);
AT(rec_file_op, err, 72);
AT(rec_file_op, path, 96);
SIZE(rec_tcp_connect, 120);
SIZE(rec_tcp_accept, 112);
SIZE(rec_tcp_state, 96);
SIZE(rec_tcp_close, 152);
AT(rec_tcp_close, sent, 96);
AT(rec_tcp_close, err, 128);
SIZE(rec_tcp_retransmit, 96);
SIZE(rec_tcp_reset, 96);
SIZE(rec_tcp_listen_drop, 104);

SIZE(rec_http_head, 128);
AT(rec_http_head, seq, 88);
AT(rec_http_head, text, 108);
SIZE(rec_http_close, 48);
SIZE(rec_http_request, 152);
AT(rec_http_request, start_ns, 88);
AT(rec_http_request, method, 120);

SIZE(ledger_cell, 96);
SIZE(meter_key, 16);
SIZE(meter_cell, 136);
AT(meter_cell, slots, 8);

/* ---- tests --------------------------------------------------------------------------------- */

/* From the registry: every struct starts with a head and is a multiple of 8, so that records
 * that follow each other stay aligned. */
static void test_records(void **state)
{
	(void)state;
#define KIND(id_, kind_, family, stream, live, name, text)                                         \
	assert_int_equal(KIND_##kind_, id_);                                                       \
	assert_int_equal(offsetof(struct rec_##kind_, head), 0);                                   \
	assert_int_equal(sizeof(struct rec_##kind_) % 8, 0);                                       \
	assert_int_equal(kinds[id_].size, sizeof(struct rec_##kind_));
#include "bpf/registry.def"
}

/* The largest record with all its texts at their limits has room. */
static void test_limits(void **state)
{
	(void)state;
	assert_true(sizeof(struct rec_process_exec) + PATH_MAX_WIRE + ARGS_MAX + CWD_MAX <=
		    REC_SIZE_MAX);
	assert_true(sizeof(struct rec_process_exec_failed) + PATH_MAX_WIRE <= REC_SIZE_MAX);
	assert_true(sizeof(struct rec_file_op) + 2 * (FILE_PATH_MAX + 1 + FILE_BASE_MAX) <=
		    REC_SIZE_MAX);
	for (size_t k = 1; k < KIND_END; k++)
		assert_in_range(kinds[k].size, sizeof(struct rec_head) + 8, REC_SIZE_MAX);
}

static void test_ledger(void **state)
{
	struct ledger_page page;

	(void)state;
	assert_int_equal(sizeof(page), KIND_END * sizeof(struct ledger_cell));
	assert_int_equal(sizeof(page.kind[0].n) / sizeof(u64), LEDGER_END);
	/* the names of what is on disk */
	assert_int_equal(LEDGER_SEEN, 0);
	assert_int_equal(LEDGER_FILTERED, 1);
	assert_int_equal(LEDGER_COUNTED, 2);
	assert_int_equal(LEDGER_SENT, 3);
	assert_int_equal(LEDGER_SAMPLED, 4);
	assert_int_equal(LEDGER_CAPPED, 5);
	assert_int_equal(LEDGER_LOST_RING, 6);
	assert_int_equal(LEDGER_LOST_SCRATCH, 7);
	assert_int_equal(LEDGER_LOST_FILE, 8);
	assert_int_equal(LEDGER_LOST_METER, 9);
	assert_int_equal(LEDGER_LOST_STATE, 10);
	assert_int_equal(LEDGER_UNSEEN, 11);
}

/* A per-CPU value is a multiple of 8; a histogram's bounds and its overflow fit into a cell. */
static void test_meters(void **state)
{
	size_t n;

	(void)state;
	assert_int_equal(sizeof(struct meter_cell) % 8, 0);
	assert_int_equal(sizeof(struct ledger_page) % 8, 0);
	for (int b = 0; b < BOUNDS_COUNT; b++) {
		bounds_of((enum meter_bounds)b, &n);
		assert_true(n + 1 <= METER_SLOTS);
	}
}

/* That the compiler sees padding where there is some, and only there. */
static void test_control(void **state)
{
#define COMPILE(members)                                                                           \
	system("echo '#pragma GCC diagnostic error \"-Wpadded\"\nstruct s { " members " };' | "    \
	       "gcc -fsyntax-only -x c - 2>/dev/null")

	(void)state;
	if (system("gcc --version >/dev/null 2>&1"))
		skip();
	assert_int_equal(COMPILE("long b; int a; int c;"), 0);
	assert_int_not_equal(COMPILE("int a; long b;"), 0);
	assert_int_not_equal(COMPILE("long b; int a;"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_records), cmocka_unit_test(test_limits),
		cmocka_unit_test(test_ledger),	cmocka_unit_test(test_meters),
		cmocka_unit_test(test_control),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
