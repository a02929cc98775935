// SPDX-License-Identifier: Apache-2.0
/* links: src/kinds.c src/report/[a-z]*.c libs: */
/* report/summary: the ledger adds up, and where it does not, it says so. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "report/summary.h"

static struct summary s;
static char text[32768];

static int setup(void **state)
{
	(void)state;
	memset(&s, 0, sizeof(s));
	return 0;
}

/* Of each kind k: 10k seen = k filtered + 2k counted + 4k sent + k + k + k lost. */
static void fill(void)
{
	for (size_t k = 1; k < KIND_END; k++) {
		u64 *n = s.ledger.kind[k].n;

		n[LEDGER_SEEN] = 10 * k;
		n[LEDGER_FILTERED] = k;
		n[LEDGER_COUNTED] = 2 * k;
		n[LEDGER_SENT] = 4 * k;
		n[LEDGER_LOST_RING] = n[LEDGER_LOST_SCRATCH] = n[LEDGER_LOST_FILE] = k;
		n[LEDGER_LOST_METER] = n[LEDGER_LOST_STATE] = n[LEDGER_UNSEEN] = 100; /* not part of the sum */
		s.delivered[k] = 4 * k;
	}
}

#define KINDS ((u64)KIND_END - 1)
#define KINDS_SUM (KINDS * KIND_END / 2)

static const char *rendered(void (*render)(const struct summary *, struct buf *))
{
	struct buf b;

	buf_fixed(&b, text, sizeof(text));
	render(&s, &b);
	buf_char(&b, '\0');
	assert_int_equal(b.err, 0);
	return text;
}

static void assert_part(const char *have, const char *part)
{
	if (!strstr(have, part))
		fail_msg("\"%s\" is not in \"%s\"", part, have);
}

static void assert_sum(const char *have, const char *before, u64 sum)
{
	char part[80];

	snprintf(part, sizeof(part), "%s%" PRI_U64, before, sum);
	assert_part(have, part);
}

/* ---- adding up ------------------------------------------------------------------------------ */

static void test_adds_up(void **state)
{
	(void)state;
	assert_int_equal(summary_lost(&s), 0);
	assert_int_equal(summary_unaccounted(&s), 0);
	fill();
	assert_int_equal(summary_lost(&s), 3 * KINDS_SUM);
	assert_int_equal(summary_unaccounted(&s), 0);
	/* what arrived damaged is lost, and accounted for */
	s.damaged[KIND_tcp_state] = 2;
	s.unknown_kind = 1;
	assert_int_equal(summary_lost(&s), 3 * KINDS_SUM + 3);
	assert_int_equal(summary_unaccounted(&s), 0);
}

/* Each cell off by one, in both directions, is found: none can hide behind another. */
static void test_unaccounted(void **state)
{
	static const struct {
		enum ledger what;
		u64 found; /* SENT is on both sides */
	} rows[] = { { LEDGER_SEEN, 1 },	 { LEDGER_FILTERED, 1 },
		     { LEDGER_COUNTED, 1 },	 { LEDGER_SENT, 2 },
		     { LEDGER_SAMPLED, 1 },	 { LEDGER_CAPPED, 1 },
		     { LEDGER_LOST_RING, 1 },	 { LEDGER_LOST_SCRATCH, 1 },
		     { LEDGER_LOST_FILE, 1 },	 { LEDGER_LOST_METER, 0 },
		     { LEDGER_LOST_STATE, 0 },	 { LEDGER_UNSEEN, 0 } };

	(void)state;
	assert_int_equal(ARRAY_SIZE(rows), LEDGER_END);
	fill();
	for (size_t k = 1; k < KIND_END; k++) {
		for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
			u64 *n = &s.ledger.kind[k].n[rows[i].what];

			++*n;
			assert_int_equal(summary_unaccounted(&s), rows[i].found);
			*n -= 2;
			assert_int_equal(summary_unaccounted(&s), rows[i].found);
			++*n;
		}
		s.delivered[k]--; /* sent, and never came out */
		assert_int_equal(summary_unaccounted(&s), 1);
		s.delivered[k]++;
	}
}

/* One too many of a kind does not make up for one too few of another. */
static void test_no_balance(void **state)
{
	(void)state;
	fill();
	s.ledger.kind[KIND_tcp_close].n[LEDGER_SEEN]++;
	s.ledger.kind[KIND_process_exec].n[LEDGER_SEEN]--;
	assert_int_equal(summary_unaccounted(&s), 2);
}

/* ---- what a person reads -------------------------------------------------------------------- */

static void test_text_empty(void **state)
{
	const char *out;

	(void)state;
	s.duration_ns = 20 * NSEC_PER_SEC;
	out = rendered(summary_text);
	assert_part(out, "watched for 20.0s\n");
	assert_part(out, "lost: 0; unaccounted: 0\n");
	assert_null(strstr(out, "exported"));
	assert_null(strstr(out, "process_exec"));
}

static void test_text(void **state)
{
	const char *out;

	(void)state;
	fill();
	s.transport = "ring buffer";
	s.map_bytes = 7 << 20;
	s.damaged[KIND_tcp_state] = 2;
	s.sampled_out = 5;
	s.cgroup_gone = 6;
	s.destination = "http://collector:4318/\033[2J";
	s.exports_n = 1;
	s.exports[0] = (struct summary_export){ .signal = "traces", .created = 9, .exported = 7,
						.lost = 2, .causes = { "refused" },
						.lost_by = { 2 }, .causes_n = 1 };
	s.features_n = 1;
	s.features[0] = (struct summary_feature){ .family = "tcp", .name = "listen_drop",
						  .state = "off", .rung = "", .err = 2,
						  .reason = "no\niterators", .fix = "wait\033[2J",
						  .without = "overflows are not seen" };
	out = rendered(summary_text);
	assert_part(out, " through a ring buffer, 7.0MiB of kernel memory\n");
	assert_part(out, "  process_exec                   10          1          2          4"
			 "        3\n");
	assert_part(out, "  tcp_state                      70          7         14         28"
			 "       23\n");
	assert_sum(out, "ring full ", KINDS_SUM);
	assert_sum(out, "scratch buffer in use ", KINDS_SUM);
	assert_sum(out, "no room in the capture file ", KINDS_SUM);
	assert_part(out, "damaged 2)");
	assert_sum(out, "metrics miss ", 100 * KINDS);
	assert_sum(out, "state unknown of ", 100 * KINDS);
	assert_part(out, "left out by the sampler: 5\n");
	assert_part(out, "could be named: 6\n");
	assert_part(out, "  traces   7 of 9, 2 lost (refused)\n");
	assert_part(out, "listen_drop        off              no\\x0aiterators\n");
	assert_part(out, "without it: overflows are not seen\n");
	assert_part(out, "to do: wait\\x1b[2J\n");
	assert_null(strchr(out, '\033'));
}

/* ---- what a program reads ------------------------------------------------------------------- */

/* Brackets and quotes match, and it is one line. */
static void assert_json(const char *p)
{
	char open[64];
	size_t depth = 0;
	bool quoted = false;

	for (; *p && *p != '\n'; p++) {
		assert_true((u8)*p >= 0x20);
		if (quoted) {
			if (*p == '\\')
				p++;
			else if (*p == '"')
				quoted = false;
		} else if (*p == '"') {
			quoted = true;
		} else if (*p == '{' || *p == '[') {
			assert_true(depth < sizeof(open));
			open[depth++] = *p == '{' ? '}' : ']';
		} else if (*p == '}' || *p == ']') {
			assert_true(depth > 0 && open[--depth] == *p);
		}
	}
	assert_false(quoted);
	assert_int_equal(depth, 0);
	assert_string_equal(p, "\n");
}

static void test_json(void **state)
{
	const char *out;

	(void)state;
	assert_json(rendered(summary_json));
	fill();
	s.transport = "perf \"buffer\"";
	s.features_n = 2;
	for (size_t i = 0; i < s.features_n; i++)
		s.features[i] = (struct summary_feature){ .family = "tcp", .name = "accept",
							  .state = "off", .rung = "", .err = 2,
							  .reason = "a\"\n\302\233", .fix = "",
							  .without = "" };
	s.exports_n = 2;
	for (size_t i = 0; i < s.exports_n; i++)
		s.exports[i] = (struct summary_export){ .signal = i ? "logs" : "traces",
							.created = 9, .causes = { "a", "b" },
							.lost_by = { 2, 3 }, .causes_n = 2 };
	out = rendered(summary_json);
	assert_json(out);
	assert_part(out, "\"unaccounted\":0,");
	assert_part(out, "\"process_exec\":{\"seen\":10,\"filtered\":1,\"counted\":2,\"sent\":4,"
			 "\"delivered\":4,\"sampled\":0,\"capped\":0,\"lost_ring\":1,\"lost_scratch\":1,\"lost_file\":1,");
	assert_part(out, "\"transport\":\"perf \\\"buffer\\\"\"");
	assert_part(out, "\"reason\":\"a\\\"\\n\\u009b\"");
	assert_part(out, "\"logs\":{\"created\":9,\"exported\":0,\"superseded\":0,\"lost\":{\"a\":2,\"b\":3}}");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_adds_up, setup),
		cmocka_unit_test_setup(test_unaccounted, setup),
		cmocka_unit_test_setup(test_no_balance, setup),
		cmocka_unit_test_setup(test_text_empty, setup),
		cmocka_unit_test_setup(test_text, setup),
		cmocka_unit_test_setup(test_json, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
