/* SPDX-License-Identifier: Apache-2.0 */
/* What libbpf says goes to our log; what an errno means is put into words. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/log.h"
#include "capture/internal.h"

/* libbpf names a failing program only in its messages ("libbpf: prog 'NAME': ..."), and hands the
 * verifier's log over in one of them. Kept until say_forget. */
static struct {
	char program[64];
	char words[120]; /* the line of the verifier's log that says why */
} failed;

static void remember_program(const char *line)
{
	static const struct str before = STR("libbpf: prog '");
	struct str rest = str_of(line), name;

	if (!str_starts(rest, before) || failed.program[0])
		return;
	rest = str_slice(rest, before.n, rest.n);
	str_cut(&rest, '\'', &name);
	str_copy(failed.program, sizeof(failed.program), name);
}

/* The last line that says something: statistics come behind it, since 7.3 an essay. */
static void remember_words(const char *log)
{
	struct str rest = str_of(log), line, last = STR("");

	while (str_cut(&rest, '\n', &line)) {
		line = str_trim(line);
		if (str_starts(line, STR("Verification failed: ")))
			break;
		if (line.n && !str_ends(line, STR("-- BEGIN PROG LOAD LOG --")) &&
		    !str_starts(line, STR("processed ")) &&
		    !str_starts(line, STR("verification time")) &&
		    !str_starts(line, STR("stack depth")) && !str_starts(line, STR("-- END")))
			last = line;
	}
	str_copy(failed.words, sizeof(failed.words), last);
}

#define LOG_LINES 40 /* of a verifier's log, the last ones: what went before has no end */

static void log_last_lines(const char *log)
{
	const char *from = log + strlen(log);
	struct str rest, line;

	for (int lines = 0; from > log; from--)
		if (from[-1] == '\n' && ++lines > LOG_LINES)
			break;
	rest = str_of(from);
	while (str_cut(&rest, '\n', &line))
		if (line.n)
			log_debug("verifier", "%.*s", (int)line.n, line.p);
}

static int on_message(enum libbpf_print_level level, const char *fmt, va_list args)
{
	char *text;

	if (vasprintf(&text, fmt, args) < 0)
		return 0;
	if (level == LIBBPF_WARN)
		remember_program(text);
	if (strstr(text, "-- BEGIN PROG LOAD LOG --")) {
		remember_words(text);
		log_last_lines(text);
	}
	/* a refused rung is no warning of ours: the ladder goes on, the feature table tells */
	text[strcspn(text, "\n")] = 0;
	log_debug("libbpf", "%s", text);
	free(text);
	return 0;
}

void say_setup(void)
{
	libbpf_set_print(on_message);
}

void say_forget(void)
{
	memset(&failed, 0, sizeof(failed));
}

const char *say_failed_program(void)
{
	return failed.program;
}

#define ENOTSUPP 524 /* the kernel's own: arm64 before 6.4 has no trampolines for BPF */

#define SAYS_ANYTHING ""
/* The verifier's words where a blinded program reads (patch.c). */
#define SAYS_READS "unspec#0"

static const struct {
	int err;
	const char *says; /* only if the verifier's words have this in them; NULL: or none at all */
	const char *reason;
	const char *fix;
} refusals[] = {
	{ EINVAL, SAYS_READS,
	  "reads kernel memory by helper, forbidden here (lockdown=confidentiality or --forbid)",
	  "lockdown=integrity on the kernel's command line, or no probe_read in --forbid" },
	{ EINVAL, "invalid func unknown#", "needs a BPF helper that this kernel does not have", "" },
	{ EPERM, NULL, "not permitted (EPERM)",
	  "give the container the capabilities BPF and PERFMON (SYS_ADMIN before Linux 5.8), and "
	  "NET_ADMIN to see packets" },
	{ EACCES, SAYS_ANYTHING, "refused by the verifier", "" },
	{ EACCES, NULL, "denied by a security module (EACCES)",
	  "allow the bpf class to its SELinux domain, or run it as spc_t" },
	{ ESRCH, NULL, "the kernel has no such target", "" },
	{ ENOENT, NULL, "the kernel has no such target", "" },
	{ ENOMEM, NULL, "out of memory (ENOMEM)", "raise the memory limit" },
	{ EMFILE, NULL, "no descriptor is left (EMFILE)",
	  "allow more open files (ulimit -n; LimitNOFILE= of a unit)" },
	{ EOPNOTSUPP, NULL, "not built into this kernel (EOPNOTSUPP)", "" },
	{ ENOTSUPP, NULL, "the kernel cannot attach there (ENOTSUPP)", "" },
	{ EINVAL, SAYS_ANYTHING, "refused by the verifier", "" },
	{ EINVAL, NULL, "this kernel does not have it (EINVAL)", "" },
};

void say_refusal(struct feature_status *status, int err)
{
	const char *words = failed.words;

	status->verified = words[0];
	for (size_t i = 0; i < ARRAY_SIZE(refusals); i++) {
		const char *says = refusals[i].says;

		if (refusals[i].err != err || (says && (!words[0] || !strstr(words, says))))
			continue;
		if (says && says[0])
			words = ""; /* said already */
		snprintf(status->reason, sizeof(status->reason), "%s%s%s", refusals[i].reason,
			 words[0] ? ": " : "", words);
		snprintf(status->fix, sizeof(status->fix), "%s", refusals[i].fix);
		return;
	}
	snprintf(status->reason, sizeof(status->reason), "%s (errno %d)%s%s", strerror(err), err,
		 words[0] ? ": " : "", words);
	status->fix[0] = 0;
}

void say_types(struct feature_status *s, const struct types *t)
{
	static const char own[] = "the kernel does not tell its types";

	s->err = ESRCH; /* as libbpf has it */
	if (t->unseen) {
		snprintf(s->reason, sizeof(s->reason),
			 "the kernel's types are not to be seen: no sysfs is mounted at /sys");
		snprintf(s->fix, sizeof(s->fix), "mount -t sysfs sysfs /sys");
		return;
	}
	if (t->source != TYPES_NONE) {
		snprintf(s->reason, sizeof(s->reason), "%s (no /sys/kernel/btf/vmlinux)", own);
		snprintf(s->fix, sizeof(s->fix), "a kernel built with CONFIG_DEBUG_INFO_BTF");
		return;
	}
	if (t->misfit[0])
		snprintf(s->reason, sizeof(s->reason),
			 "%s, those podtrace carries are of no use: %s", own, t->misfit);
	else
		snprintf(s->reason, sizeof(s->reason), "%s, podtrace carries none for %s", own,
			 t->release);
	snprintf(s->fix, sizeof(s->fix),
		 "--btf FILE with this kernel's types; `make btf VMLINUX=...` makes one");
}

void say_missing(struct feature_status *status, const struct targets *targets, size_t prog)
{
	static const char *const what[RUNG_COUNT] = {
		[RUNG_tp_btf] = "tracepoint", [RUNG_raw_tp] = "tracepoint",
		[RUNG_iter] = "iterator",     [RUNG_fentry] = "function",
		[RUNG_kprobe] = "function",
	};
	enum rung rung = progs[prog].rung;

	if (rung == RUNG_cgroup) {
		status->err = ENOENT;
		snprintf(status->reason, sizeof(status->reason),
			 "the root of the cgroup v2 tree is not to be seen from this cgroup namespace");
		snprintf(status->fix, sizeof(status->fix),
			 "mount the node's /sys/fs/cgroup, see --cgroup-base");
		return;
	}
	if (!targets->btf && rung != RUNG_raw_tp && rung != RUNG_kprobe) {
		say_types(status, targets->types);
		return;
	}
	status->err = ENOENT;
	status->fix[0] = 0;
	snprintf(status->reason, sizeof(status->reason), "the kernel has no %s %s", what[rung],
		 targets->name[prog]);
}
