// SPDX-License-Identifier: Apache-2.0
/* links: cmd/podtrace/options*.c */
/* Options: precedence, each type, every refusal with its words, help and tables. */
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

static void warned(char **argv, char **env, const char *warning)
{
	if (parse(argv, env) != 0)
		fail_msg("refused: %s", report.error);
	assert_int_equal(report.warnings_n, 1);
	assert_string_equal(report.warnings[0], warning);
}

static void defaults(void **state)
{
	(void)state;
	good(ARGS("-a"), NO_ENV);
	assert_int_equal(o.command, COMMAND_TRACE);
	assert_false(o.command_given);
	assert_string_equal(o.families.text, "all");
	assert_true(option_has(&o.families, STR("all")));
	assert_true(o.duration_ns == 0);
	assert_int_equal(o.output, OUTPUT_TEXT);
	assert_int_equal(o.log_level, LOG_INFO);
	assert_int_equal(o.log_format, LOG_LOGFMT);
	assert_false(o.quiet || o.command_args || o.sdk_disabled || o.help || o.version);
	assert_true(o.ring_bytes == 2u << 20 && o.queue_bytes == 8u << 20);
	assert_true(o.batch_bytes == 2u << 20 && o.capture_max_bytes == 256u << 20);
	assert_true(o.shutdown_timeout_ns == 5 * NSEC_PER_SEC);
	assert_string_equal(o.cgroup_base, "/sys/fs/cgroup");
	assert_string_equal(o.proc_base, "/proc");
	assert_null(o.otlp_endpoint);
	assert_null(o.otlp_file);
	assert_null(o.otlp_headers);
	assert_null(o.btf);
	assert_null(option_items(&o.cgroup).p);
	assert_null(option_items(&o.namespace).p);
	assert_null(option_items(&o.pod_labels).p);
	assert_null(o.selector);
	assert_null(o.cri_endpoint);
	assert_null(o.node_name);
	assert_true(o.cri_resolve && o.kubernetes);
	assert_false(o.allow_broad || o.service_name_labels);
	assert_null(option_items(&o.forbid).p);
	assert_int_equal(o.otlp_compression, COMPRESSION_GZIP);
	assert_int_equal(o.otlp_traces_compression, -1); /* follows the general one */
	assert_true(o.otlp_timeout_ms == 10000 && o.otlp_logs_timeout_ms == 0);
	assert_int_equal(o.metrics_exporter, EXPORTER_OTLP);
	assert_int_equal(o.sampler, SAMPLER_PARENT_ALWAYS_ON);
	assert_true(o.sampler_ratio == 1.0);
	assert_true(o.metric_interval_ms == 60000 && o.batch_delay_ms == 5000);
	assert_true(o.batch_items == 512);
	for (size_t i = 0; i < OPTION_COUNT; i++)
		assert_int_equal(o.source[i], i == OPTION_all ? FROM_FLAG : FROM_DEFAULT);
}

static void precedence(void **state)
{
	(void)state;
	good(ARGS("-a"), ENV("PODTRACE_DURATION=3s"));
	assert_true(o.duration_ns == 3 * NSEC_PER_SEC);
	assert_int_equal(o.source[OPTION_duration_ns], FROM_ENV);
	good(ARGS("-a", "--duration", "7s"), ENV("PODTRACE_DURATION=3s"));
	assert_true(o.duration_ns == 7 * NSEC_PER_SEC);
	assert_int_equal(o.source[OPTION_duration_ns], FROM_FLAG);
	/* A flag overrules even a variable that is wrong. */
	good(ARGS("-a", "--duration", "7s"), ENV("PODTRACE_DURATION=nonsense"));
	good(ARGS("-a", "--duration", "7s", "-d", "8s"), NO_ENV); /* the last counts */
	assert_true(o.duration_ns == 8 * NSEC_PER_SEC);
	good(ARGS("-a"), ENV("PODTRACE_DURATION=")); /* empty: not set */
	assert_int_equal(o.source[OPTION_duration_ns], FROM_DEFAULT);
	good(ARGS("-a"), ENV("PODTRACE_DURATION=1s", "PODTRACE_DURATION=2s"));
	assert_true(o.duration_ns == 1 * NSEC_PER_SEC); /* as getenv */
	/* Of another command: not looked at. */
	good(ARGS("replay", "f"), ENV("PODTRACE_RING_SIZE=nonsense"));
	assert_true(o.ring_bytes == 2u << 20);
}

static void spellings(void **state)
{
	(void)state;
	good(ARGS("--all", "--duration=1m30s"), NO_ENV);
	assert_true(o.duration_ns == 90 * NSEC_PER_SEC);
	good(ARGS("-qad1m30s"), NO_ENV);
	assert_true(o.all && o.quiet && o.duration_ns == 90 * NSEC_PER_SEC);
	good(ARGS("-qad", "2s"), NO_ENV);
	assert_true(o.duration_ns == 2 * NSEC_PER_SEC);
	good(ARGS("--all=yes", "--quiet=off", "--no-command-args"), NO_ENV);
	assert_true(o.all && !o.quiet && !o.command_args);
	good(ARGS("-a", "--otlp-file", "-"), NO_ENV); /* one dash is a value */
	assert_string_equal(o.otlp_file, "-");
	good(ARGS("-a", "--otlp-file=--odd"), NO_ENV);
	assert_string_equal(o.otlp_file, "--odd");
	good(ARGS("-a", "--otlp-endpoint=http://h/?a=b"), NO_ENV); /* the first = only */
	assert_string_equal(o.otlp_endpoint, "http://h/?a=b");
	good(ARGS("replay", "-q", "file"), NO_ENV);
	assert_string_equal(o.args[0], "file");
	good(ARGS("replay", "file", "-q"), NO_ENV); /* options after arguments, too */
	assert_true(o.quiet && o.args_n == 1);
	good(ARGS("replay", "--", "-q"), NO_ENV);
	assert_true(!o.quiet && o.args_n == 1);
	assert_string_equal(o.args[0], "-q");
	good(ARGS("-a", "--output", "JSON"), NO_ENV);
	assert_int_equal(o.output, OUTPUT_JSON);
}

static const char families[] = "--families: \"disk\" is not allowed: write any of all"
#define FAMILY(family, text) ", " #family
#include "../../bpf/registry.def"
	;

static void lists(void **state)
{
	char many[17 * 3 + 1] = "", long_item[OPTION_LIST_BYTES + 16] = "--cgroup=";
	struct str rest, item;

	(void)state;
	good(ARGS("--cgroup", "a,b", "--cgroup", "c", "--cgroup= d "), NO_ENV);
	assert_string_equal(o.cgroup.text, "a,b,c,d");
	rest = option_items(&o.cgroup);
	for (const char *c = "abcd"; *c; c++) {
		assert_true(str_cut(&rest, ',', &item));
		assert_int_equal(item.n, 1);
		assert_int_equal(item.p[0], *c);
	}
	assert_false(str_cut(&rest, ',', &item));
	good(ARGS("-a", "-f", "tcp", "--families", "TCP,process,tcp"), NO_ENV);
	assert_string_equal(o.families.text, "tcp,process"); /* the default went away */
	good(ARGS("-a", "-f", "TCP"), NO_ENV);
	assert_true(option_has(&o.families, STR("tcp"))); /* kept as the table writes it */
	good(ARGS("-a", "-f", "tcp"), ENV("PODTRACE_FAMILIES=process"));
	assert_string_equal(o.families.text,
			    "tcp"); /* a flag replaces, not adds to, the variable */
	good(ARGS("-a"), ENV("PODTRACE_FAMILIES=process"));
	assert_string_equal(o.families.text, "process");
	assert_false(option_has(&o.families, STR("proc")));
	bad(ARGS("-a", "--families=tcp,disk"), NO_ENV, families);
	bad(ARGS("--cgroup", "a,,b"), NO_ENV, "--cgroup: \"a,,b\" is not allowed: separate items by one comma");
	bad(ARGS("--cgroup="), NO_ENV,
	    "--cgroup: \"\" is not allowed: separate items by one comma");
	for (int i = 0; i < 17; i++) {
		many[3 * i] = (char)('0' + i / 10);
		many[3 * i + 1] = (char)('0' + i % 10);
		many[3 * i + 2] = ',';
	}
	many[3 * 16 + 2] = '\0';
	bad(ARGS("-a", "--forbid", many), NO_ENV,
	    "--forbid: \"00,01,02,03,04,05,06,07,08,09,10,11,12,13,14,15,...\" is too much: at "
	    "most 16 "
	    "items of 4095 bytes together");
	many[3 * 15 + 2] = '\0';
	good(ARGS("-a", "--forbid", many), NO_ENV);

	memset(long_item + 9, 'x', OPTION_LIST_BYTES - 2);
	good(ARGS(long_item), NO_ENV);
	assert_int_equal(option_items(&o.cgroup).n, OPTION_LIST_BYTES - 2);
	assert_int_equal(parse(ARGS(long_item, "--cgroup", "y"), NO_ENV), -EINVAL);
	strcat(long_item, "xx");
	assert_int_equal(parse(ARGS(long_item), NO_ENV), -EINVAL);
}

static void refusals(void **state)
{
	(void)state;
	bad(ARGS("--duration", "20x"), NO_ENV,
	    "--duration: \"20x\" is not a duration: write a number with a unit (ns, us, ms, s, m, "
	    "h), "
	    "like 20s or 1m30s");
	bad(ARGS("-d25h"), NO_ENV, "-d: \"25h\" is out of range: write 0 to 24h");
	bad(ARGS("--duration="), NO_ENV,
	    "--duration: \"\" is not a duration: write a number with a unit (ns, us, ms, s, m, h), "
	    "like 20s or 1m30s");
	bad(ARGS("--ring-size", "4095"), NO_ENV,
	    "--ring-size: \"4095\" is out of range: write 4KiB to 1GiB");
	good(ARGS("-a", "--ring-size", "4096"), NO_ENV);
	good(ARGS("-a", "--ring-size", "1GiB"), NO_ENV);
	bad(ARGS("--ring-size", "1073741825"), NO_ENV,
	    "--ring-size: \"1073741825\" is out of range: write 4KiB to 1GiB");
	bad(ARGS("--ring-size", "4MB"), NO_ENV,
	    "--ring-size: \"4MB\" is not a size: write bytes or a number with a unit (KiB, MiB, "
	    "GiB), "
	    "like 4MiB");
	bad(ARGS("--output", "xml"), NO_ENV,
	    "--output: \"xml\" is not allowed: write one of text, json");
	bad(ARGS("--quiet=2"), NO_ENV,
	    "--quiet: \"2\" is not true or false: write true or false (also 1/0, yes/no, on/off)");
	bad(ARGS("--otlp-file="), NO_ENV, "--otlp-file: has 0 bytes: 1 to 4095 are allowed");
	bad(ARGS("--duration"), NO_ENV, "--duration: the value is missing: write --duration TIME");
	bad(ARGS("-d"), NO_ENV, "-d: the value is missing: write -d TIME");
	bad(ARGS("--otlp-file", "--quiet"), NO_ENV,
	    "--otlp-file: the value is missing: write --otlp-file FILE");
	bad(ARGS("-a", "--queue-size", "1MiB"), NO_ENV,
	    "--queue-size: 1048576 bytes are less than one batch: write at least 2097152, or a "
	    "smaller "
	    "--batch-size");
	good(ARGS("-a", "--queue-size", "1MiB", "--batch-size", "1MiB"), NO_ENV);
	/* What is shown of a value is cut and cannot play tricks with a terminal. */
	bad(ARGS("--output", "\x1b[2J\"\n"), NO_ENV,
	    "--output: \"\\u001b[2J\\\"\\n\" is not allowed: write one of text, json");
	bad(ARGS("--output", "0123456789012345678901234567890123456789012345678"), NO_ENV,
	    "--output: \"012345678901234567890123456789012345678901234567...\" is not allowed: "
	    "write "
	    "one of text, json");
}

#define FOR_A_POD " For a pod write podtrace -n NAMESPACE POD"
static void unknown_names(void **state)
{
	(void)state;
	bad(ARGS("--duratoin=5s"), NO_ENV, "--duratoin: unknown option: did you mean --duration?");
	bad(ARGS("--dur", "5s"), NO_ENV, "--dur: unknown option: did you mean --duration?");
	bad(ARGS("--Duration=5s"), NO_ENV, "--Duration: unknown option: did you mean --duration?");
	bad(ARGS("--ring_size=1M"), NO_ENV,
	    "--ring_size: unknown option: did you mean --ring-size?");
	bad(ARGS("--no-duration"), NO_ENV,
	    "--no-duration: unknown option: did you mean --duration?");
	bad(ARGS("--no-quiet=1"), NO_ENV, "--no-quiet: unknown option: did you mean --quiet?");
	bad(ARGS("--zzzzzz"), NO_ENV,
	    "--zzzzzz: unknown option: \"podtrace help trace\" lists those there are");
	bad(ARGS("agent", "--=x"), NO_ENV,
	    "--: unknown option: \"podtrace help agent\" lists those there are");
	bad(ARGS("-x"), NO_ENV,
	    "-x: unknown option: \"podtrace help trace\" lists those there are");
	bad(ARGS("-q\xff"), NO_ENV,
	    "-\xef\xbf\xbd: unknown option: \"podtrace help trace\" lists those there are");
	bad(ARGS("traec"), NO_ENV,
	    "\"traec\": unknown command: did you mean \"podtrace trace\"?" FOR_A_POD);
	bad(ARGS("frobnicate"), NO_ENV,
	    "\"frobnicate\": unknown command: \"podtrace help\" lists them." FOR_A_POD);
	bad(ARGS(""), NO_ENV, "\"\": unknown command: \"podtrace help\" lists them." FOR_A_POD);
	bad(ARGS("help", "agnet"), NO_ENV,
	    "\"agnet\": unknown command: did you mean \"podtrace agent\"?");
	bad(ARGS("replay", "f", "--ring-size", "5"), NO_ENV,
	    "--ring-size: not an option of \"podtrace replay\": it belongs to trace, agent, "
	    "capture, doctor");
	bad(ARGS("agent", "-q"), NO_ENV,
	    "-q: not an option of \"podtrace agent\": it belongs to trace, replay");
	bad(ARGS("version", "-a"), NO_ENV,
	    "-a: not an option of \"podtrace version\": it belongs to trace, agent, capture");
	bad(ARGS("-q", "agent"), NO_ENV,
	    "\"agent\": a command comes before its options: write podtrace agent ...; a pod of this "
	    "name stands behind \"podtrace trace\"");
	bad(ARGS("agent", "web-1"), NO_ENV,
	    "\"web-1\": one argument too many: usage: podtrace agent [OPTION...]");
	bad(ARGS("replay", "x", "y"), NO_ENV,
	    "\"y\": one argument too many: usage: podtrace replay [OPTION...] FILE");
	bad(ARGS("capture", "-a"), NO_ENV,
	    "capture: an argument is missing: usage: podtrace capture [OPTION...] FILE");
}

static void our_variables(void **state)
{
	(void)state;
	good(ARGS("agent"), ENV("PODTRACE_RING_SIZE=8Mi", "PODTRACE_LOG_LEVEL=Debug",
				"PODTRACE_COMMAND_ARGS=on", "PODTRACE_OTLP_FILE=/f", "HOME=/root",
				"NOVALUE", "=odd", "", "PODTRACE", "PODTRACE="));
	assert_true(o.ring_bytes == 8u << 20 && o.command_args);
	assert_int_equal(o.log_level, LOG_DEBUG);
	assert_string_equal(o.otlp_file, "/f");
	bad(ARGS("agent"), ENV("PODTRACE_RING_SIZE=3"),
	    "PODTRACE_RING_SIZE: \"3\" is out of range: write 4KiB to 1GiB");
	bad(ARGS("agent"), ENV("PODTRACE_COMMAND_ARGS=maybe"),
	    "PODTRACE_COMMAND_ARGS: \"maybe\" is not true or false: write true or false (also 1/0, "
	    "yes/no, on/off)");
	warned(ARGS("agent"), ENV("PODTRACE_RINGSIZE=3"),
	       "\"PODTRACE_RINGSIZE\": unknown variable, ignoring it: did you mean "
	       "PODTRACE_RING_SIZE?");
	warned(ARGS("agent"), ENV("PODTRACE_ZZZZ=3"),
	       "\"PODTRACE_ZZZZ\": unknown variable, ignoring it");
	warned(ARGS("agent"), ENV("PODTRACE_=3"), "\"PODTRACE_\": unknown variable, ignoring it");
	warned(ARGS("agent"), ENV("PODTRACE_ring_size=3"),
	       "\"PODTRACE_ring_size\": unknown variable, ignoring it");
	/* A known one that this command does not take is no reason to complain. */
	good(ARGS("version"), ENV("PODTRACE_RING_SIZE=8Mi"));
	good(ARGS("agent"), ENV("PODTRACEX=1", "XPODTRACE_A=1"));
}

/* What the kubelet injects for Services called podtrace, podtrace-agent. */
static void service_links(void **state)
{
	(void)state;
	good(ARGS("agent"),
	     ENV("PODTRACE_SERVICE_HOST=10.0.0.1", "PODTRACE_SERVICE_PORT=80",
		 "PODTRACE_SERVICE_PORT_HTTP=80", "PODTRACE_PORT=tcp://10.0.0.1:80",
		 "PODTRACE_PORT_80_TCP=tcp://10.0.0.1:80", "PODTRACE_PORT_80_TCP_PROTO=tcp",
		 "PODTRACE_PORT_80_TCP_PORT=80", "PODTRACE_PORT_80_TCP_ADDR=10.0.0.1",
		 "PODTRACE_AGENT_SERVICE_HOST=10.0.0.1", "PODTRACE_AGENT_SERVICE_PORT=80",
		 "PODTRACE_AGENT_SERVICE_PORT_X=80", "PODTRACE_AGENT_PORT=udp://10.0.0.1:80",
		 "PODTRACE_AGENT_PORT_80_UDP_ADDR=10.0.0.1"));
	warned(ARGS("agent"), ENV("PODTRACE_METRICS_PORT=9090"),
	       "\"PODTRACE_METRICS_PORT\": unknown variable, ignoring it");
	warned(ARGS("agent"), ENV("PODTRACE_SERVICE=1"),
	       "\"PODTRACE_SERVICE\": unknown variable, ignoring it: did you mean "
	       "PODTRACE_SERVICE_NAME_LABELS?");
	warned(ARGS("agent"), ENV("PODTRACE_METRICS_PORT_NAME=1"),
	       "\"PODTRACE_METRICS_PORT_NAME\": unknown variable, ignoring it");
}

static void standard_variables(void **state)
{
	(void)state;
	good(ARGS("agent"),
	     ENV("OTEL_EXPORTER_OTLP_ENDPOINT=http://c:4318", "OTEL_EXPORTER_OTLP_TIMEOUT=500",
		 "OTEL_EXPORTER_OTLP_LOGS_TIMEOUT=700", "OTEL_TRACES_EXPORTER=None",
		 "OTEL_EXPORTER_OTLP_METRICS_COMPRESSION=none", "OTEL_TRACES_SAMPLER=traceidratio",
		 "OTEL_TRACES_SAMPLER_ARG=0.25", "OTEL_SDK_DISABLED=TRUE",
		 "OTEL_EXPORTER_OTLP_HEADERS=a=b,c=d", "OTEL_NOT_OURS=1"));
	assert_string_equal(o.otlp_endpoint, "http://c:4318");
	assert_true(o.otlp_timeout_ms == 500 && o.otlp_logs_timeout_ms == 700);
	assert_int_equal(o.traces_exporter, EXPORTER_NONE);
	assert_int_equal(o.logs_exporter, EXPORTER_OTLP);
	assert_int_equal(o.otlp_metrics_compression, COMPRESSION_NONE);
	assert_int_equal(o.sampler, SAMPLER_RATIO);
	assert_true(o.sampler_ratio == 0.25 && o.sdk_disabled);
	assert_string_equal(o.otlp_headers, "a=b,c=d");

	warned(ARGS("agent"), ENV("OTEL_EXPORTER_OTLP_TIMEOUT=10s"),
	       "OTEL_EXPORTER_OTLP_TIMEOUT: \"10s\" is not a whole number: write digits only, like "
	       "5000; going on with 10000");
	assert_true(o.otlp_timeout_ms == 10000);
	assert_int_equal(o.source[OPTION_otlp_timeout_ms], FROM_DEFAULT);
	warned(ARGS("agent"), ENV("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT=0"),
	       "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT: \"0\" is out of range: write 1 to 600000; going "
	       "on "
	       "without it");
	warned(ARGS("agent"), ENV("OTEL_EXPORTER_OTLP_PROTOCOL=grpc"),
	       "OTEL_EXPORTER_OTLP_PROTOCOL: \"grpc\" is not allowed: write one of http/protobuf; "
	       "going "
	       "on with http/protobuf");
	warned(ARGS("agent"), ENV("OTEL_TRACES_SAMPLER_ARG=1.5"),
	       "OTEL_TRACES_SAMPLER_ARG: \"1.5\" is out of range: write 0 to 1; going on with 1");
	/* Only true is true there; 1 is a mistake to warn about. */
	warned(ARGS("agent"), ENV("OTEL_SDK_DISABLED=1"),
	       "OTEL_SDK_DISABLED: \"1\" is not true or false: write true or false (also 1/0, "
	       "yes/no, "
	       "on/off); going on with false");
	assert_false(o.sdk_disabled);
	good(ARGS("agent"), ENV("OTEL_SDK_DISABLED=False", "OTEL_TRACES_SAMPLER="));
	/* As a flag the same option is ours again, and strict. */
	bad(ARGS("agent", "--otlp-endpoint="), NO_ENV,
	    "--otlp-endpoint: has 0 bytes: 1 to 2048 are allowed");
}

/* A token in a header variable must not reach the log. */
static void secrets(void **state)
{
	static char variable[17000] = "OTEL_EXPORTER_OTLP_HEADERS=authorization=s3cret";

	(void)state;
	memset(variable + strlen(variable), 'x', sizeof(variable) - 1 - strlen(variable));
	warned(ARGS("agent"), ENV(variable),
	       "OTEL_EXPORTER_OTLP_HEADERS: has 16972 bytes: 1 to 16384 are allowed; going on "
	       "without "
	       "it");
	assert_null(o.otlp_headers);
}

static void many_warnings(void **state)
{
	char text[OPTIONS_WARNINGS_MAX + 5][32];
	char *env[OPTIONS_WARNINGS_MAX + 6] = { NULL };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(text); i++) {
		snprintf(text[i], sizeof(text[i]), "PODTRACE_%zu=1", i);
		env[i] = text[i];
	}
	assert_int_equal(parse(ARGS("agent"), env), 0);
	assert_int_equal(report.warnings_n, OPTIONS_WARNINGS_MAX);
	assert_int_equal(report.warnings_more, 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults),	 cmocka_unit_test(precedence),
		cmocka_unit_test(spellings),	 cmocka_unit_test(lists),
		cmocka_unit_test(refusals),	 cmocka_unit_test(unknown_names),
		cmocka_unit_test(our_variables), cmocka_unit_test(service_links),
		cmocka_unit_test(standard_variables), cmocka_unit_test(secrets),
		cmocka_unit_test(many_warnings),
	};

	return cmocka_run_group_tests_name("options", tests, NULL, NULL);
}
