/* SPDX-License-Identifier: Apache-2.0 */
#include <linux/capability.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "base/errname.h"
#include "base/log.h"
#include "cmd/podtrace/libraries.h"
#include "seek/seek.h"

struct libraries {
	struct seek *seek;
	struct capture *capture;
	bool refused_told, over_told, hidden_told;
};

/* With it what is hidden all the same is hidden for good (by a security module, a sandbox). */
static bool has_ptrace(void)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = { 0 };

	return !syscall(SYS_capget, &head, data) && data[0].effective >> CAP_SYS_PTRACE & 1;
}

static int on_file(void *ctx, u32 which, int fd)
{
	int handle = capture_attach(((struct libraries *)ctx)->capture, which, fd);

	if (handle >= 0)
		log_debug("libraries", "file %d is attached to", handle);
	return handle;
}

static void on_gone(void *ctx, int handle)
{
	log_debug("libraries", "file %d is let go: nobody has it any more", handle);
	capture_detach(((struct libraries *)ctx)->capture, handle);
}

struct libraries *libraries_new(struct loop *l, const char *proc_base, struct capture *capture)
{
	struct libraries *ls = calloc(1, sizeof(*ls));
	struct seek_config config = { .proc_base = proc_base,
				      .libraries = capture_libraries(capture),
				      .attach = on_file,
				      .detach = on_gone,
				      .ctx = ls };
	struct seek_stats stats;

	if (!ls)
		return NULL;
	ls->capture = capture;
	if (seek_new(&ls->seek, l, &config)) {
		free(ls);
		return NULL;
	}
	seek_stats(ls->seek, &stats);
	if (config.libraries && !stats.told)
		log_warn("libraries", "the kernel does not tell of libraries that are loaded: "
			 "perf_event_open: %s (%s): new ones are found by a look at all processes every "
			 "few seconds, and what they do until then is not seen; give podtrace the "
			 "capability PERFMON", strerror(stats.told_err), errname(stats.told_err));
	return ls;
}

void libraries_free(struct libraries *ls)
{
	if (!ls)
		return;
	seek_free(ls->seek);
	free(ls);
}

void libraries_tell(struct libraries *ls)
{
	struct seek_stats stats;

	if (!ls)
		return;
	seek_stats(ls->seek, &stats);
	if (stats.refused && !ls->refused_told)
		log_warn("libraries", "\"%s\", as its processes see it, is not attached to: %s (%s): "
			 "what is called in it is not seen; said once, for whatever comes after it too",
			 stats.refused_path, strerror(stats.refused_err), errname(stats.refused_err));
	if (stats.over && !ls->over_told)
		log_warn("libraries", "more than %d libraries are in use: those that came last are not "
			 "attached to until others are gone", SEEK_FILES_MAX);
	if (stats.hidden && !ls->hidden_told && !has_ptrace())
		log_info("libraries", "the libraries of some processes cannot be looked at, and what is called in "
			 "them is not seen: give podtrace the capability SYS_PTRACE");
	ls->hidden_told = stats.hidden;
	ls->refused_told = stats.refused;
	ls->over_told = stats.over;
}
