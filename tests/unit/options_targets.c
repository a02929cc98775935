// SPDX-License-Identifier: Apache-2.0
/* links: cmd/podtrace/options*.c */
/* What to watch: pods as arguments, and what excludes, narrows and replaces what. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "cmd/podtrace/options.h"

static struct options o;
static struct options_report report;

#define ARGS(...) ((char *[]){ "podtrace", __VA_ARGS__, NULL })
#define ENV(...)  ((char *[]){ __VA_ARGS__, NULL })
#define NO_ENV	  ((char *[]){ NULL })

static int parse(char **argv, char **env)
{
	int argc = 0;

	while (argv[argc])
		argc++;
	return options_parse(&o, argc, argv, env, &report);
}

static void good(char **argv, char **env)
{
	if (parse(argv, env) != 0)
		fail_msg("refused: %s", report.error);
	assert_int_equal(report.warnings_n, 0);
	assert_string_equal(report.error, "");
}

static void bad(char **argv, char **env, const char *error)
{
	assert_int_equal(parse(argv, env), -EINVAL);
	assert_string_equal(report.error, error);
}

/* All that is watched, as one text: "-n a -p b -l c -c d -i e -P 1 -g f", "-a". */
static void watched(const char *want)
{
	const struct {
		const char *name, *text;
	} parts[] = {
		{ "-n", o.namespace.text },    { "-p", o.pod.text },
		{ "-l", o.selector },	       { "-c", o.container.text },
		{ "-i", o.container_id.text }, { "-P", o.pid.text },
		{ "-g", o.cgroup.text },
	};
	char text[512];
	struct buf b;

	buf_fixed(&b, text, sizeof(text));
	buf_cstr(&b, o.all ? " -a" : "");
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		if (parts[i].text && parts[i].text[0])
			buf_printf(&b, " %s %s", parts[i].name, parts[i].text);
	}
	for (size_t i = 0; i < o.args_n && o.command == COMMAND_TRACE; i++)
		buf_printf(&b, " %s", o.args[i]);
	text[b.n] = '\0';
	assert_string_equal(text, want);
}

static void pods(void **state)
{
	char *many[OPTIONS_ARGS_MAX + 5] = { "podtrace", "trace" };

	(void)state;
	good(ARGS("-n", "production", "my-pod", "--duration", "20s"), NO_ENV);
	assert_int_equal(o.command, COMMAND_TRACE);
	assert_false(o.command_given);
	assert_true(o.duration_ns == 20 * NSEC_PER_SEC);
	watched(" -n production my-pod");
	good(ARGS("my-pod", "other", "-n", "production"), NO_ENV);
	watched(" -n production my-pod other");
	good(ARGS("my-pod", "--namespace=production"), NO_ENV);
	watched(" -n production my-pod");
	good(ARGS("-qn", "production", "my-pod"), NO_ENV);
	watched(" -n production my-pod");
	good(ARGS("web-*", "!web-1", "-lapp=web"), NO_ENV);
	watched(" -l app=web web-* !web-1");
	good(ARGS("trace", "my-pod"), NO_ENV); /* of any namespace */
	assert_true(o.command_given);
	watched(" my-pod");
	good(ARGS("trace", "doctor", "agent"), NO_ENV); /* called like commands */
	assert_int_equal(o.command, COMMAND_TRACE);
	watched(" doctor agent");
	good(ARGS("-n", "production", "--", "doctor", "-q"), NO_ENV);
	watched(" -n production doctor -q");
	for (size_t i = 0; i <= OPTIONS_ARGS_MAX; i++)
		many[2 + i] = "p";
	bad(many, NO_ENV,
	    "\"p\": one argument too many: usage: podtrace [trace] [OPTION...] [POD...]");
	many[2 + OPTIONS_ARGS_MAX] = NULL;
	good(many, NO_ENV);
	assert_int_equal(o.args_n, OPTIONS_ARGS_MAX);
	good(ARGS("agent", "--pod", "a,b/c", "--pod=!d"), NO_ENV);
	watched(" -p a,b/c,!d");
	good(ARGS("capture", "--pod", "a", "file"), NO_ENV);
	watched(" -p a");
	assert_string_equal(o.args[0], "file");
	good(ARGS("trace", "--pod", "a", "b"), NO_ENV);
	watched(" -p a b");
	good(ARGS("agent"), ENV("PODTRACE_POD=a"));
	watched(" -p a");
}

#define POD " For a pod write podtrace -n NAMESPACE POD"
static void bare_words(void **state)
{
	(void)state;
	bad(ARGS("agnet"), NO_ENV,
	    "\"agnet\": unknown command: did you mean \"podtrace agent\"?" POD);
	bad(ARGS("my-pod"), NO_ENV,
	    "\"my-pod\": unknown command: \"podtrace help\" lists them." POD);
	bad(ARGS("my-pod", "-q", "--duration", "1s"), NO_ENV,
	    "\"my-pod\": unknown command: \"podtrace help\" lists them." POD);
	bad(ARGS("-q", "my-pod"), NO_ENV,
	    "\"my-pod\": unknown command: \"podtrace help\" lists them." POD);
	bad(ARGS("docter", "--memory"), NO_ENV, /* of the command that was meant */
	    "\"docter\": unknown command: did you mean \"podtrace doctor\"?" POD);
	bad(ARGS("my-pod"), ENV("PODTRACE_NAMESPACE=production"),
	    "\"my-pod\": unknown command: \"podtrace help\" lists them." POD);
	bad(ARGS("my-pod", "-qx", "--x", "-"), NO_ENV,
	    "\"my-pod\": unknown command: \"podtrace help\" lists them." POD);
	bad(ARGS("my-pod", "-dn"), NO_ENV, /* a value of -d */
	    "\"my-pod\": unknown command: \"podtrace help\" lists them." POD);
	bad(ARGS("my-pod", "--", "-n"), NO_ENV,
	    "\"my-pod\": unknown command: \"podtrace help\" lists them." POD);
	bad(ARGS("-n", "production", "doctor"), NO_ENV,
	    "\"doctor\": a command comes before its options: write podtrace doctor ...; a pod of "
	    "this name stands behind \"podtrace trace\"");
	/* where a command stands and like one: not a pod, whatever follows */
	bad(ARGS("agnet", "-n", "production"), NO_ENV,
	    "\"agnet\": unknown command: did you mean \"podtrace agent\"?" POD);
	good(ARGS("-n", "production", "agnet"), NO_ENV);
	good(ARGS("trace", "agnet"), NO_ENV);
	bad(ARGS("help", "agnet"), NO_ENV,
	    "\"agnet\": unknown command: did you mean \"podtrace agent\"?");
}

#define NOTHING "nothing to watch: write --all for the whole node, --namespace NAMESPACE, "
#define BOTH(other) \
	"--all: the whole node and " other " exclude each other: write one of them"
static void whole_node(void **state)
{
	(void)state;
	bad(((char *[]){ "podtrace", NULL }), NO_ENV, NOTHING "PODs or --cgroup DIRECTORY");
	bad(ARGS("capture", "f"), NO_ENV, NOTHING "--pod POD or --cgroup DIRECTORY");
	bad(ARGS("agent", "--no-all"), NO_ENV, NOTHING "--pod POD or --cgroup DIRECTORY");
	good(ARGS("agent"), NO_ENV);
	watched(" -a");
	good(ARGS("agent", "--cgroup", "/x"), NO_ENV);
	watched(" -g /x");
	good(ARGS("agent", "-n", "x"), NO_ENV);
	watched(" -n x");
	good(ARGS("--cgroup", "/x", "--no-all"), NO_ENV);
	watched(" -g /x");
	bad(ARGS("-a", "--cgroup", "/x"), NO_ENV, BOTH("--cgroup"));
	bad(ARGS("-a", "--pid", "1"), NO_ENV, BOTH("--pid"));
	/* names may exclude from the whole node: target_options looks at them */
	good(ARGS("-a", "-n", "!x"), NO_ENV);
	watched(" -a -n !x");
	good(ARGS("trace", "-a", "!x"), NO_ENV);
	watched(" -a !x");
	good(ARGS("capture", "-a", "x"), NO_ENV); /* a file */
	bad(ARGS("trace"), ENV("PODTRACE_ALL=1", "PODTRACE_CGROUP=/x"), BOTH("--cgroup"));
	bad(ARGS("trace"), ENV("PODTRACE_ALL=1", "PODTRACE_SELECTOR=x"), BOTH("--selector"));
	good(ARGS("replay", "f"), ENV("PODTRACE_ALL=1", "PODTRACE_CGROUP=/x")); /* watches nothing */
}

/* A flag wins over variables, and none of those adds to what it names. */
static void flags_and_variables(void **state)
{
	char *all[] = { "PODTRACE_NAMESPACE=n", "PODTRACE_POD=p", "PODTRACE_SELECTOR=l",
			"PODTRACE_CONTAINER=c", "PODTRACE_CONTAINER_ID=12345678",
			"PODTRACE_PID=1", "PODTRACE_CGROUP=/g", NULL };

	(void)state;
	good(ARGS("trace"), all);
	watched(" -n n -p p -l l -c c -i 12345678 -P 1 -g /g");
	good(ARGS("-a"), all);
	watched(" -a");
	for (size_t i = 0; i < OPTION_COUNT; i++)
		assert_true(o.source[i] != FROM_ENV);
	good(ARGS("-n", "x"), all); /* narrowed by the others of its sort */
	watched(" -n x -p p -l l -c c");
	good(ARGS("trace", "x"), all);
	watched(" -n n -p p -l l -c c x");
	good(ARGS("--cgroup", "/x"), all);
	watched(" -g /x");
	good(ARGS("--pid", "7"), all);
	watched(" -P 7");
	good(ARGS("-c", "x", "--container-id", "abcdef01"), all);
	watched(" -n n -p p -l l -c x -i abcdef01");
	good(ARGS("-n", "x"), ENV("PODTRACE_ALL=1"));
	watched(" -n x");
	good(ARGS("--cgroup", "/x"), ENV("PODTRACE_ALL=1"));
	watched(" -g /x");
	good(ARGS("agent", "--no-all"), all);
	watched(" -n n -p p -l l -c c -i 12345678 -P 1 -g /g");
}

static void values(void **state)
{
	(void)state;
	good(ARGS("-l", "app in (a, b),!c", "-n", "a,!b"), NO_ENV); /* a text, and a list */
	watched(" -n a,!b -l app in (a, b),!c");
	good(ARGS("-l", "a", "-l", "b"), NO_ENV);
	watched(" -l b");
	good(ARGS("--pid", "1,4194304", "--pid=1"), NO_ENV);
	watched(" -P 1,4194304");
	bad(ARGS("--pid", "0"), NO_ENV,
	    "--pid: \"0\" is no process id: write whole numbers from 1 to 4194304");
	bad(ARGS("--pid", "1,4194305"), NO_ENV,
	    "--pid: \"4194305\" is no process id: write whole numbers from 1 to 4194304");
	bad(ARGS("trace"), ENV("PODTRACE_PID=self"),
	    "PODTRACE_PID: \"self\" is no process id: write whole numbers from 1 to 4194304");
	good(ARGS("-a", "--pod-labels", "app,*", "--service-name-labels", "--node-name", "n1"),
	     ENV("PODTRACE_KUBERNETES=false", "PODTRACE_CRI_RESOLVE=0", "NODE_NAME=n2",
		 "PODTRACE_ALLOW_BROAD_CGROUP=1", "PODTRACE_CRI_CGROUP_FIELDS=linux.cgroupsPath"));
	assert_true(option_has(&o.pod_labels, STR("*")) && o.service_name_labels && o.allow_broad);
	assert_true(!o.kubernetes && !o.cri_resolve);
	assert_string_equal(o.node_name, "n1");
	assert_string_equal(o.cri_cgroup_fields, "linux.cgroupsPath");
	good(ARGS("doctor", "--cri-endpoint", "unix:///run/x.sock"), ENV("NODE_NAME=n2"));
	assert_string_equal(o.cri_endpoint, "unix:///run/x.sock");
	assert_string_equal(o.node_name, "n2");
	bad(ARGS("doctor", "-n", "x"), NO_ENV,
	    "-n: not an option of \"podtrace doctor\": it belongs to trace, agent, capture");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pods),	      cmocka_unit_test(bare_words),
		cmocka_unit_test(whole_node), cmocka_unit_test(flags_and_variables),
		cmocka_unit_test(values),
	};

	return cmocka_run_group_tests_name("options/targets", tests, NULL, NULL);
}
