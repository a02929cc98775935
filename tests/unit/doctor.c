// SPDX-License-Identifier: Apache-2.0
/* links: src/kinds.c src/report/[a-z]*.c libs: */
/* report/doctor: what it says of a node, both ways, and that no foreign text gets through raw. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "report/doctor.h"

static struct doctor d;
static char text[65536];

static const char *rendered(void (*render)(const struct doctor *, struct buf *))
{
	struct buf b;

	buf_fixed(&b, text, sizeof(text));
	render(&d, &b);
	buf_char(&b, '\0');
	assert_int_equal(b.err, 0);
	return text;
}

static void has(const char *part)
{
	if (!strstr(text, part))
		fail_msg("\"%s\" is not in \"%s\"", part, text);
}

static struct doctor_fact *fact(const char *name, bool list, const char *value)
{
	struct doctor_fact *f = &d.facts[d.facts_n++];

	*f = (struct doctor_fact){ .name = name, .list = list };
	str_copy(f->value, sizeof(f->value), str_of(value));
	return f;
}

static struct doctor_feature *feature(const char *name, const char *state, int err,
				      const char *reason)
{
	struct doctor_feature *f = &d.features[d.features_n++];

	*f = (struct doctor_feature){ .group = "tcp",
				      .name = name,
				      .state = state,
				      .err = err,
				      .rung = strcmp(state, "off") ? "tp_btf" : "",
				      .needs = "BPF PERFMON",
				      .without = "not seen" };
	str_copy(f->reason, sizeof(f->reason), str_of(reason));
	str_copy(f->fix, sizeof(f->fix), str_of(reason[0] ? "do it" : ""));
	return f;
}

static int setup(void **state)
{
	(void)state;
	memset(&d, 0, sizeof(d));
	d.version = "1.2";
	return 0;
}

static void facts(void **state)
{
	struct doctor_fact *f = fact("lockdown", false, "unknown");

	(void)state;
	str_copy(f->note, sizeof(f->note), STR("cannot read it"));
	str_copy(f->fix, sizeof(f->fix), STR("mount it"));
	fact("lsm", true, "lockdown yama");
	fact("missing_mounts", true, "");
	rendered(doctor_text);
	has("\n  lockdown             unknown\n");
	has("cannot read it\n");
	has("to do: mount it\n");
	has("\n  lsm                  lockdown yama\n");
	has("\n  missing_mounts       none\n");
	rendered(doctor_json);
	has("\"facts\":{\"lockdown\":{\"value\":\"unknown\",\"note\":\"cannot read it\","
	    "\"fix\":\"mount it\"},\"lsm\":{\"value\":[\"lockdown\",\"yama\"],\"note\":\"\","
	    "\"fix\":\"\"},\"missing_mounts\":{\"value\":[],");
}

/* A long list goes on in the same column, and nothing of it is lost. */
static void long_list(void **state)
{
	char value[512] = "";
	size_t n = 0, items = 0;

	(void)state;
	while (n + 12 < sizeof(value)) {
		n += (size_t)snprintf(value + n, sizeof(value) - n, "%sitem%02zu", n ? " " : "",
				      items);
		items++;
	}
	fact("capabilities", true, value);
	rendered(doctor_text);
	for (struct str rest = str_of(text), line; str_cut(&rest, '\n', &line);)
		assert_true(line.n <= 100);
	for (size_t i = 0; i < items; i++) {
		snprintf(value, sizeof(value), "item%02zu", i);
		has(value);
	}
	has("\n                       item");
}

static void features(void **state)
{
	(void)state;
	d.verdict = DOCTOR_SOME;
	d.exit_code = 3;
	feature("state", "on", 0, "");
	feature("accept", "off", EPERM, "not permitted");
	feature("reset", "off", EPERM, "not permitted");
	feature("retransmit", "reduced", EINVAL, "refused");
	rendered(doctor_text);
	has("tcp/state                  on       tp_btf       -          BPF PERFMON\n");
	has("tcp/accept                 off      -            EPERM      BPF PERFMON\n");
	has("without it: not seen\n");
	/* one reason for both of its kind, another for the next */
	assert_null(strstr(strstr(text, "not permitted") + 1, "not permitted"));
	has("tcp/retransmit             reduced  tp_btf       EINVAL");
	has("because: refused\n");
	has("podtrace works here, but not all of it: 1 on, 1 reduced, 2 off\n");
	rendered(doctor_json);
	has("\"verdict\":\"some\",\"exit_code\":3,\"on\":1,\"reduced\":1,\"off\":2");
	has("{\"family\":\"tcp\",\"feature\":\"reset\",\"state\":\"off\",\"rung\":\"\",\"reason\":"
	    "\"not permitted\",\"without\":\"not seen\",\"fix\":\"do it\",\"needs\":[\"BPF\","
	    "\"PERFMON\"],\"errno\":1,\"errno_name\":\"EPERM\"}");
}

static void verdicts(void **state)
{
	static const char *const words[] = { "everything works here", "but not all of it",
					     "cannot watch anything" };
	static const char *const ids[] = { "\"all\"", "\"some\"", "\"nothing\"" };

	(void)state;
	for (int v = 0; v < 3; v++) {
		d.verdict = (enum doctor_verdict)v;
		rendered(doctor_text);
		has(words[v]);
		rendered(doctor_json);
		has(ids[v]);
	}
}

static void memory(void **state)
{
	(void)state;
	d.tables[0] = (struct doctor_table){ true, "ring", "ringbuf", 2048, 4096 };
	d.tables[1] = (struct doctor_table){ true, "conns", "hash", 10, 1000 };
	d.tables[2] = (struct doctor_table){ false, "series", "table", 5, 700 };
	d.tables[3] = (struct doctor_table){ false, "queue of logs", "queue", 0, 300 };
	d.tables_n = 4;
	rendered(doctor_text);
	assert_null(strstr(text, "ringbuf")); /* not asked for */
	assert_null(strstr(rendered(doctor_json), "memory"));
	d.memory = true;
	rendered(doctor_text);
	has("  ring                       ringbuf                    2048         4096\n");
	has("5096  (5.0KiB)"); /* of the maps alone */
	has("queue                         -          300\n");
	rendered(doctor_json);
	has("\"memory\":{\"kernel\":{\"bytes\":5096,\"maps\":[{\"name\":\"ring\",");
	has("\"user\":{\"bytes\":1000,\"tables\":[{\"name\":\"series\",\"type\":\"table\","
	    "\"entries\":5,\"bytes\":700}");
	has("\"more\":0}");
}

/* os-release and labels are foreign text: no control byte reaches a terminal or JSON. */
static void hostile(void **state)
{
	struct doctor_fact *f = fact("os_name", false, "\033[31mred\n\"\xff\\");

	(void)state;
	str_copy(f->note, sizeof(f->note), STR("\033]0;title\a"));
	fact("lsm", true, "a\033b c\"d");
	rendered(doctor_text);
	assert_null(strpbrk(text, "\033\a"));
	has("red");
	rendered(doctor_json);
	assert_null(strpbrk(text, "\033\a\xff"));
	has("\\\"");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(facts, setup),	 cmocka_unit_test_setup(long_list, setup),
		cmocka_unit_test_setup(features, setup), cmocka_unit_test_setup(verdicts, setup),
		cmocka_unit_test_setup(memory, setup),	 cmocka_unit_test_setup(hostile, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
