// SPDX-License-Identifier: Apache-2.0
/* links: cmd/podtrace/options*.c cmd/podtrace/target_options.c src/select/target*.c src/pod.c */
/* A whole command line becomes a target, or one line that says what is wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#undef fail /* cmocka's macro; ours is a function */

#include "cmd/podtrace/run.h"
#include "pod.h"

static struct options o;
static struct options_report report;
static char said[1024];

/* As main.c's, but kept. */
int fail(int code, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(said, sizeof(said), fmt, ap);
	va_end(ap);
	return code;
}

#define ARGS(...) ((char *[]){ "podtrace", __VA_ARGS__, NULL })
#define NO_ENV	  ((char *[]){ NULL })
#define BROAD	  ((char *[]){ "PODTRACE_ALLOW_BROAD_CGROUP=1", NULL })

static struct target *made(char **argv, char **env, int code, const char *words)
{
	struct target *t = (void *)argv;
	int argc = 0;

	while (argv[argc])
		argc++;
	options_parse(&o, argc, argv, env, &report);
	assert_string_equal(report.error, "");
	said[0] = '\0';
	assert_int_equal(target_options(&o, &t), code);
	assert_string_equal(said, words);
	assert_true(!t || !code);
	return t;
}

/* Whether production/web-1's container app with app=web is asked for. */
static void asks(char **argv, bool yes)
{
	struct target *t = made(argv, NO_ENV, EXIT_OK, "");
	struct label label = { STR("app"), STR("web") };
	struct pod pod = { .source = NAME_FROM_CRI, .namespace = STR("production"),
			   .name = STR("web-1"), .labels = &label, .labels_n = 1 };
	struct container container = { .name = STR("app") };
	struct who who = { .kind = WHO_CONTAINER, .container_id = "0123456789", .pod = &pod,
			   .container = &container };

	assert_non_null(t);
	assert_int_equal(target_match(t, &who, true), yes ? TARGET_YES : TARGET_NO);
	target_free(t);
}

static void options_reach_it(void **state)
{
	(void)state;
	asks(ARGS("-n", "production", "web-1"), true);
	asks(ARGS("-n", "production", "web-2", "web-3"), false);
	asks(ARGS("trace", "web-2", "--pod", "web-1"), true);
	asks(ARGS("-n", "dev,production"), true);
	asks(ARGS("-n", "dev"), false);
	asks(ARGS("agent", "--pod", "a,web-*"), true);
	asks(ARGS("agent", "--pod", "web-*,!web-1"), false);
	asks(ARGS("-l", "app in (db, web)"), true);
	asks(ARGS("-l", "app in (db, cache)"), false);
	asks(ARGS("-n", "production", "-c", "app"), true);
	asks(ARGS("-n", "production", "-c", "db"), false);
	asks(ARGS("--container-id", "01234567"), true);
	asks(ARGS("--container-id", "11234567"), false);
	asks(ARGS("capture", "--pod", "web-1", "web-2"), true); /* a file called web-2 */
	asks(ARGS("capture", "--pod", "web-2", "web-1"), false);
}

static void no_names(void **state)
{
	(void)state;
	assert_null(made(ARGS("-a"), NO_ENV, EXIT_OK, ""));
	assert_null(made(ARGS("agent"), NO_ENV, EXIT_OK, ""));
	assert_null(made(ARGS("--cgroup", "x"), NO_ENV, EXIT_OK, ""));
	assert_null(made(ARGS("capture", "--pid", "1", "web-1"), NO_ENV, EXIT_OK, ""));
	assert_null(made(ARGS("-n", "Prod"), NO_ENV, EXIT_USAGE,
			 "--namespace: \"Prod\": can never match: the name of a namespace has no "
			 "capital letters: at most 63 bytes, * and ? as wildcards"));
	assert_null(made(ARGS("-c", "/kubepods"), NO_ENV, EXIT_USAGE,
			 "--container: \"/kubepods\": can never match: the name of a container has "
			 "only lower-case letters, digits and -: at most 63 bytes, * and ? as "
			 "wildcards"));
}

static void broad(void **state)
{
	static const char words[] =
		"these targets mean the whole node but for some: name what to watch, or write --all "
		"as well (or set PODTRACE_ALLOW_BROAD_CGROUP=1)";
	static const char both[] =
		"--all: the whole node and what is named exclude each other: write one of them; with "
		"--all, names can only exclude (-n '!kube-system')";
	struct target *t;

	(void)state;
	assert_null(made(ARGS("-n", "!kube-system"), NO_ENV, EXIT_USAGE, words));
	assert_null(made(ARGS("trace", "*"), NO_ENV, EXIT_USAGE, words));
	assert_null(made(ARGS("-a", "-n", "shop"), NO_ENV, EXIT_USAGE, both));
	assert_null(made(ARGS("trace", "-a", "web-1"), NO_ENV, EXIT_USAGE, both));
	t = made(ARGS("-a", "-n", "!kube-system"), NO_ENV, EXIT_OK, "");
	assert_non_null(t);
	target_free(t);
	t = made(ARGS("-n", "!kube-system"), BROAD, EXIT_OK, "");
	assert_non_null(t);
	target_free(t);
	t = made(ARGS("-n", "!kube-system", "-l", "app"), NO_ENV, EXIT_OK, "");
	assert_non_null(t);
	target_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(options_reach_it),
		cmocka_unit_test(no_names),
		cmocka_unit_test(broad),
	};

	return cmocka_run_group_tests_name("target_options", tests, NULL, NULL);
}
