/* SPDX-License-Identifier: Apache-2.0 */
/* The process: argv, environment, exit codes. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>
#include "base/log.h"
#include "cmd/podtrace/run.h"
#include "version.h"

int fail(int code, const char *fmt, ...)
{
	va_list args;

	fputs("podtrace: ", stderr);
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fputc('\n', stderr);
	return code;
}

int fail_setup(const char *what, int err)
{
	return fail(EXIT_RUN, "cannot set up %s: %s%s", what, strerror(err),
		    err == EMFILE || err == ENFILE ?
			    ": allow more open files (ulimit -n; LimitNOFILE= of a unit)" : "");
}

/* Maps, programs and their links are descriptors: as many as we may have. */
static void raise_nofile(void)
{
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files))
		return;
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
}

/* Wait this long for somebody to read help, version or doctor. */
#define SAY_WAIT_NS (60 * NSEC_PER_SEC)

int out_say(struct out *out)
{
	int err;

	out_finish(out, SAY_WAIT_NS);
	err = out->err;
	out_free(out);
	return err ? fail(EXIT_RUN, "cannot write to standard output: %s", strerror(-err)) : EXIT_OK;
}

static int run_help(const struct options *o)
{
	struct out out;

	out_init(&out);
	options_help(o, &out.buf);
	return out_say(&out);
}

static int run_version(const struct options *o)
{
	struct out out;

	out_init(&out);
	buf_printf(&out.buf, "podtrace %s\n", PODTRACE_VERSION);
	return out_say(&out);
}

/* A descriptor of ours must not take the place of a closed 0, 1 or 2: what is said on stderr
 * would go into it. */
static void fill_standard(void)
{
	for (int fd = 0; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0 && errno == EBADF &&
		    open("/dev/null", fd ? O_WRONLY : O_RDONLY) != fd)
			_exit(EXIT_RUN);
}

static int (*const commands[COMMAND_COUNT])(const struct options *) = {
	[COMMAND_TRACE] = run_live,    [COMMAND_AGENT] = run_live,
	[COMMAND_CAPTURE] = run_live,  [COMMAND_REPLAY] = run_replay,
	[COMMAND_DOCTOR] = run_doctor, [COMMAND_VERSION] = run_version, [COMMAND_HELP] = run_help,
};

int main(int argc, char **argv)
{
	static struct options_report report;
	static struct options o;
	int err;

	fill_standard();
	raise_nofile();
	signal(SIGPIPE, SIG_IGN); /* a reader that goes away is an error of write, not our end */
	err = options_parse(&o, argc, argv, environ, &report);
	if (err)
		return fail(EXIT_USAGE, "%s", report.error);
	log_setup((enum log_level)o.log_level, (enum log_format)o.log_format);
	for (size_t i = 0; i < report.warnings_n; i++)
		log_warn("options", "%s", report.warnings[i]);
	if (report.warnings_more)
		log_warn("options", "and %zu more like these", report.warnings_more);
	if (o.help)
		return run_help(&o);
	return commands[o.command](&o);
}
