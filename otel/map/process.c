/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Processes. A finished one becomes a span as semantic conventions describe the run of a
 * program (cli spans): named by its executable, INTERNAL, error when its exit code is not 0.
 */
#include <stdio.h>
#include <string.h>
#include "base/errname.h"
#include "otel/map/map.h"

static struct str basename_of(struct str path)
{
	for (size_t i = path.n; i > 0; i--)
		if (path.p[i - 1] == '/')
			return str_slice(path, i, path.n);
	return path;
}

const char *map_signal(int sig, char buf[static 16])
{
	static const char *const names[] = {
		NULL,	   "SIGHUP",  "SIGINT",	   "SIGQUIT", "SIGILL",	   "SIGTRAP",  "SIGABRT",
		"SIGBUS",  "SIGFPE",  "SIGKILL",   "SIGUSR1", "SIGSEGV",   "SIGUSR2",  "SIGPIPE",
		"SIGALRM", "SIGTERM", "SIGSTKFLT", "SIGCHLD", "SIGCONT",   "SIGSTOP",  "SIGTSTP",
		"SIGTTIN", "SIGTTOU", "SIGURG",	   "SIGXCPU", "SIGXFSZ",   "SIGVTALRM", "SIGPROF",
		"SIGWINCH", "SIGIO",  "SIGPWR",	   "SIGSYS",
	};

	if (sig > 0 && (size_t)sig < ARRAY_SIZE(names))
		return names[sig];
	snprintf(buf, 16, "SIG%d", sig);
	return buf;
}

/* process.creation.time is, with the pid, what identifies a process (semconv). */
void map_process(struct attrs *a, const struct event *ev, const struct map_config *config,
		 struct map_room *room)
{
	attr_int(a, "process.pid", ev->pid);
	if (!ev->key)
		return;
	clock_text(room->time[0], clock_wall_ns(ev->key, config->wall_offset_ns));
	attr_str(a, "process.creation.time", str_of(room->time[0]));
}

static void put_args(struct attrs *a, const struct ev_exec *exec, const struct map_config *config,
		     struct map_room *room)
{
	struct str rest = exec->args, arg;
	size_t n = 0;

	if (!config->command_args || !rest.n)
		return;
	if (!rest.p[rest.n - 1])
		rest.n--; /* the last one's NUL ends it, it does not begin another */
	while (n < MAP_ARGS_MAX && str_cut(&rest, 0, &arg))
		room->args[n++] = arg;
	attr_strs(a, "process.command_args", room->args, n);
}

void otlp_process_exec(const struct event *ev, const struct map_config *config, struct mapped *ret)
{
	const struct ev_exec *exec = &ev->process_exec;
	struct attrs *a = &ret->note.attrs;

	map_process(a, ev, config, &ret->room);
	attr_int(a, "process.parent_pid", exec->ppid);
	if (exec->pid_ns && exec->pid_ns != ev->pid)
		attr_int(a, "process.vpid", exec->pid_ns);
	attr_str(a, "process.executable.name", basename_of(exec->path));
	attr_str(a, "process.executable.path", exec->path);
	if (exec->cwd.n)
		attr_str(a, "process.working_directory", exec->cwd);
	attr_int(a, "process.real_user.id", exec->uid);
	put_args(a, exec, config, &ret->room);
}

void otlp_process_exec_failed(const struct event *ev, const struct map_config *config,
			      struct mapped *ret)
{
	const struct ev_exec_failed *failed = &ev->process_exec_failed;
	struct attrs *a = &ret->note.attrs;

	ret->has_note = true;
	ret->note.severity = NOTE_WARN;
	map_process(a, ev, config, &ret->room);
	attr_int(a, "process.parent_pid", failed->ppid);
	attr_str(a, "thread.name", ev->comm);
	attr_str(a, "process.executable.path", failed->path);
	attr_int(a, "process.real_user.id", failed->uid);
	attr_str(a, "error.type", str_of(errname(failed->err)));
}

void otlp_process_fork(const struct event *ev, const struct map_config *config, struct mapped *ret)
{
	const struct ev_fork *fork = &ev->process_fork;
	struct attrs *a = &ret->note.attrs;

	attr_int(a, "process.pid", fork->child);
	clock_text(ret->room.time[0], clock_wall_ns(fork->child_key, config->wall_offset_ns));
	attr_str(a, "process.creation.time", str_of(ret->room.time[0]));
	attr_int(a, "process.parent_pid", ev->pid);
	attr_str(a, "thread.name", ev->comm);
}

static struct str exit_error(const struct ev_exit *exit, struct map_room *room)
{
	if (exit->sig)
		return str_of(map_signal(exit->sig, room->error));
	snprintf(room->error, sizeof(room->error), "exit_%d", exit->code);
	return str_of(room->error);
}

void otlp_process_exit(const struct event *ev, const struct map_config *config, struct mapped *ret)
{
	const struct ev_exit *exit = &ev->process_exit;
	const struct process *process = ev->process;
	bool failed = exit->code || exit->sig;
	struct attrs *a = &ret->note.attrs;
	struct str path = process ? str_of(process->exe) : STR("");

	map_process(a, ev, config, &ret->room);
	attr_int(a, "process.parent_pid", exit->ppid);
	attr_str(a, "process.executable.name", path.n ? basename_of(path) : ev->comm);
	if (path.n)
		attr_str(a, "process.executable.path", path);
	attr_int(a, "process.real_user.id", exit->uid);
	attr_int(a, "process.exit.code", exit->sig ? 128 + exit->sig : exit->code);
	if (exit->sig) {
		attr_int(a, "podtrace.process.exit.signal", exit->sig);
		attr_bool(a, "podtrace.process.exit.core", exit->core);
	}
	if (failed)
		attr_str(a, "error.type", exit_error(exit, &ret->room));
	ret->has_note = failed;
	ret->note.severity = failed ? NOTE_WARN : NOTE_INFO;

	ret->has_span = true;
	ret->span.name = path.n ? basename_of(path) : ev->comm;
	ret->span.start_ns = ret->span.end_ns - exit->run_ns;
	ret->span.status = failed ? STATUS_ERROR : STATUS_UNSET;
	ret->span.attrs = ret->note.attrs;
}
