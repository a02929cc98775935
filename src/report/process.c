/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include "base/errname.h"
#include "report/live.h"

#define PATH_SHOWN 160
#define ARGS_SHOWN 200

/* The arguments with blanks between them; without any, the path. */
static void put_command(const struct ev_exec *exec, struct buf *out)
{
	struct str rest = exec->args, arg;
	size_t begin = out->n;

	if (!rest.n) {
		live_text(out, exec->path, PATH_SHOWN);
		return;
	}
	if (!rest.p[rest.n - 1])
		rest.n--;
	while (out->n - begin < ARGS_SHOWN && str_cut(&rest, 0, &arg)) {
		if (out->n > begin)
			buf_char(out, ' ');
		live_text(out, arg, ARGS_SHOWN);
	}
	if (rest.p || exec->args.n < exec->args_n)
		buf_cstr(out, " ...");
}

void live_process_exec(const struct event *ev, struct buf *out)
{
	const struct ev_exec *exec = &ev->process_exec;

	buf_cstr(out, "exec ");
	put_command(exec, out);
	buf_printf(out, "  (parent %u, user %u", exec->ppid, exec->uid);
	if (exec->cwd.n) {
		buf_cstr(out, ", in ");
		live_text(out, exec->cwd, PATH_SHOWN);
	}
	buf_char(out, ')');
}

void live_process_exec_failed(const struct event *ev, struct buf *out)
{
	const struct ev_exec_failed *failed = &ev->process_exec_failed;

	buf_cstr(out, "exec ");
	live_text(out, failed->path.n ? failed->path : STR("?"), PATH_SHOWN);
	buf_printf(out, " failed: %s (%s)", strerror(failed->err), errname(failed->err));
}

void live_process_fork(const struct event *ev, struct buf *out)
{
	buf_printf(out, "fork %u", ev->process_fork.child);
}

void live_process_exit(const struct event *ev, struct buf *out)
{
	const struct ev_exit *exit = &ev->process_exit;

	if (exit->sig)
		buf_printf(out, "exit by signal %d (%s)%s", exit->sig, strsignal(exit->sig),
			   exit->core ? ", core dumped" : "");
	else
		buf_printf(out, "exit %d", exit->code);
	buf_cstr(out, " after ");
	live_time(out, exit->run_ns);
}
