// SPDX-License-Identifier: Apache-2.0
/* links: cmd/podtrace/options*.c */
/* Options: the help, its width and completeness, and the tables it comes from. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/log.h"
#include "cmd/podtrace/options.h"

static struct options o;
static struct options_report report;

/* Words of a command line without "podtrace"; variables NAME=VALUE. */
#define ARGS(...) ((char *[]){ "podtrace", __VA_ARGS__, NULL })
#define NO_ARGS	  ((char *[]){ "podtrace", NULL })
#define ENV(...)  ((char *[]){ __VA_ARGS__, NULL })
#define NO_ENV	  ((char *[]){ NULL })

static int parse(char **argv, char **env)
{
	int argc = 0, err;

	while (argv[argc])
		argc++;
	err = options_parse(&o, argc, argv, env, &report);
	assert_true(err == 0 || err == -EINVAL);
	assert_int_equal(err == 0, report.error[0] == '\0');
	return err;
}

static void good(char **argv, char **env)
{
	if (parse(argv, env) != 0)
		fail_msg("refused: %s", report.error);
	assert_int_equal(report.warnings_n, 0);
}

static void bad(char **argv, char **env, const char *error)
{
	assert_int_equal(parse(argv, env), -EINVAL);
	assert_string_equal(report.error, error);
}

static void help_and_version(void **state)
{
	(void)state;
	good(ARGS("--help"), NO_ENV);
	assert_true(o.help && !o.command_given);
	good(ARGS("agent", "-h", "--nonsense"), ENV("PODTRACE_RING_SIZE=bad"));
	assert_true(o.help && o.command == COMMAND_AGENT);
	good(ARGS("capture", "-h"), NO_ENV); /* without its FILE */
	bad(ARGS("agent", "--nonsense", "-h"), NO_ENV,
	    "--nonsense: unknown option: \"podtrace help agent\" lists those there are");
	good(ARGS("--version"), ENV("PODTRACE_RING_SIZE=bad"));
	assert_int_equal(o.command, COMMAND_VERSION);
	good(ARGS("-V"), NO_ENV);
	assert_int_equal(o.command, COMMAND_VERSION);
	good(ARGS("version"), NO_ENV);
	good(ARGS("help"), NO_ENV);
	good(ARGS("help", "trace"), NO_ENV);
	assert_string_equal(o.args[0], "trace");
}

/* --cgroup is not --cgroup-base. */
static bool has_word(const struct buf *b, const char *word)
{
	const char *at = b->p, *end = b->p + b->n;
	size_t n = strlen(word);

	while ((at = memmem(at, (size_t)(end - at), word, n)) != NULL) {
		at += n;
		if (at == end || *at == ' ' || *at == '\n')
			return true;
	}
	return false;
}

/* No line of any help is over 100 columns, and each option of the command is in it. */
static void help_text(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 1u << 16);
	good(ARGS("help"), NO_ENV);
	options_help(&o, &b);
	assert_int_equal(b.err, 0);
	for (size_t c = 0; c < COMMAND_COUNT; c++) {
		char name[32];

		snprintf(name, sizeof(name), "  %s", command_rows[c].name);
		assert_non_null(memmem(b.p, b.n, name, strlen(name)));
	}
	for (size_t c = 0; c < COMMAND_COUNT; c++) {
		struct str rest, line;
		char want[96];

		buf_reset(&b);
		good(ARGS("help", (char *)command_rows[c].name), NO_ENV);
		options_help(&o, &b);
		assert_int_equal(b.err, 0);
		for (size_t i = 0; i < OPTION_COUNT; i++) {
			const struct option_row *row = &option_rows[i];

			snprintf(want, sizeof(want), row->flag ? " --%s" : "  %s",
				 row->flag ? row->flag : row->env);
			assert_int_equal(has_word(&b, want), !!(row->commands & 1u << c));
		}
		rest = buf_view(&b);
		while (str_cut(&rest, '\n', &line)) {
			assert_true(line.n <= 100);
			assert_true(line.n == 0 || line.p[line.n - 1] != ' ');
		}
	}
	buf_reset(&b);
	good(ARGS("capture", "-h"), NO_ENV);
	options_help(&o, &b);
	assert_true(str_starts(buf_view(&b), STR("Usage: podtrace capture [OPTION...] FILE\n\n")));
	assert_non_null(memmem(b.p, b.n, "  -d, --duration TIME         Stop after", 40));
	buf_free(&b);
}

/* The rows themselves: names unique and well-formed, enums in the order of the choices. */
static void tables(void **state)
{
	static const struct {
		enum option option;
		int value;
		const char *name;
	} choices[] = {
		{ OPTION_output, OUTPUT_TEXT, "text" },
		{ OPTION_output, OUTPUT_JSON, "json" },
		{ OPTION_log_level, LOG_ERROR, "error" },
		{ OPTION_log_level, LOG_WARN, "warn" },
		{ OPTION_log_level, LOG_INFO, "info" },
		{ OPTION_log_level, LOG_DEBUG, "debug" },
		{ OPTION_log_format, LOG_LOGFMT, "logfmt" },
		{ OPTION_log_format, LOG_JSON, "json" },
		{ OPTION_otlp_compression, COMPRESSION_NONE, "none" },
		{ OPTION_otlp_compression, COMPRESSION_GZIP, "gzip" },
		{ OPTION_otlp_logs_compression, COMPRESSION_GZIP, "gzip" },
		{ OPTION_traces_exporter, EXPORTER_OTLP, "otlp" },
		{ OPTION_traces_exporter, EXPORTER_NONE, "none" },
		{ OPTION_sampler, SAMPLER_ALWAYS_ON, "always_on" },
		{ OPTION_sampler, SAMPLER_ALWAYS_OFF, "always_off" },
		{ OPTION_sampler, SAMPLER_RATIO, "traceidratio" },
		{ OPTION_sampler, SAMPLER_PARENT_ALWAYS_ON, "parentbased_always_on" },
		{ OPTION_sampler, SAMPLER_PARENT_ALWAYS_OFF, "parentbased_always_off" },
		{ OPTION_sampler, SAMPLER_PARENT_RATIO, "parentbased_traceidratio" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(choices); i++) {
		struct str rest = option_choices(&option_rows[choices[i].option]), name;

		for (int k = 0; k <= choices[i].value; k++)
			assert_true(str_cut(&rest, '|', &name));
		assert_true(str_eq(name, str_of(choices[i].name)));
	}
	for (size_t i = 0; i < OPTION_COUNT; i++) {
		const struct option_row *a = &option_rows[i];
		size_t n = strlen(a->help);

		assert_true(a->flag || a->env);
		assert_true(a->commands != 0 && a->min <= a->max);
		assert_true(n > 10 && a->help[n - 1] == '.');
		assert_int_equal(a->type == OPTION_BOOL, a->arg == NULL);
		for (size_t k = 0; k < i; k++) {
			const struct option_row *b = &option_rows[k];

			assert_false(a->flag && b->flag && strcmp(a->flag, b->flag) == 0);
			assert_false(a->env && b->env && strcmp(a->env, b->env) == 0);
			assert_false(a->letter && a->letter == b->letter);
		}
	}
	for (size_t i = 0; i < COMMAND_COUNT; i++)
		assert_true(command_rows[i].args_max <= OPTIONS_ARGS_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(help_and_version),
		cmocka_unit_test(help_text),
		cmocka_unit_test(tables),
	};

	return cmocka_run_group_tests_name("options/help", tests, NULL, NULL);
}
