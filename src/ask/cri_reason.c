// SPDX-License-Identifier: Apache-2.0
/* What is wrong, in words for people, and what they can do about it. */
#include "ask/cri_internal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "base/errname.h"

#define FIX_MOUNT                                                                                  \
	"mount the directory of the runtime's socket (hostPath /run/containerd or /run/crio), "    \
	"or set PODTRACE_CRI_ENDPOINT"

static const char *const fixes[] = {
	[CRI_FINE] = FIX_MOUNT, /* no candidate at all */
	[CRI_MISSING] = FIX_MOUNT,
	[CRI_LONG_PATH] = "mount the directory of the socket at a shorter path",
	[CRI_NO_SOCKET] = "mount the socket's directory, not the socket itself: what is missing "
			  "when a container starts is made a directory",
	[CRI_REFUSED] = "start the runtime; where it runs, mount the socket's directory, not the "
			"socket itself, which a restart replaces",
	[CRI_GARBAGE] = "set PODTRACE_CRI_ENDPOINT to the CRI socket of containerd or CRI-O",
	[CRI_NO_SERVICE] = "enable the runtime's CRI v1 plugin (disabled_plugins in containerd's "
			   "config.toml), or set PODTRACE_CRI_ENDPOINT to another runtime",
	[CRI_HANGS] = "see whether the runtime answers others (crictl version) and restart it",
	[CRI_ERROR] = "see the runtime's own log",
	[CRI_DENIED] = "run as user 0; with SELinux, give the pod seLinuxOptions.type spc_t",
};

static enum cri_trouble of_errno(int err)
{
	switch (err) {
	case ENOENT:
	case ENOTDIR:
		return CRI_MISSING;
	case EACCES:
	case EPERM:
		return CRI_DENIED;
	case ECONNREFUSED:
		return CRI_REFUSED;
	default:
		return CRI_ERROR;
	}
}

static const char *words_of(enum cri_trouble trouble, int err)
{
	switch (trouble) {
	case CRI_MISSING:
		return "there is no such file";
	case CRI_DENIED:
		return "permission denied";
	case CRI_REFUSED:
		return "nobody listens there (ECONNREFUSED)";
	default:
		return err ? errname(err) : "no connection";
	}
}

enum cri_trouble cri_look(const char *path, char text[static CRI_WORDS_MAX])
{
	enum cri_trouble trouble;
	struct stat st;

	if (stat(path, &st)) {
		trouble = of_errno(errno);
		str_copy(text, CRI_WORDS_MAX, str_of(words_of(trouble, errno)));
		return trouble;
	}
	if (!S_ISSOCK(st.st_mode)) {
		snprintf(text, CRI_WORDS_MAX, "it is %s and no socket",
			 S_ISDIR(st.st_mode) ? "a directory" : "a file");
		return CRI_NO_SOCKET;
	}
	if (strlen(path) >= sizeof(((struct sockaddr_un *)NULL)->sun_path)) {
		snprintf(text, CRI_WORDS_MAX, "the path is longer than a socket's address");
		return CRI_LONG_PATH;
	}
	return CRI_FINE;
}

enum cri_trouble cri_judge(const struct grpc_end *end)
{
	switch (end->fault) {
	case GRPC_NO_CONNECTION:
		return of_errno(end->err);
	case GRPC_TIMEOUT:
		return CRI_HANGS;
	case GRPC_BROKEN:
	case GRPC_TOO_LARGE:
		return CRI_GARBAGE;
	case GRPC_ANSWERED:
		return end->status == GRPC_UNIMPLEMENTED ? CRI_NO_SERVICE : CRI_ERROR;
	default:
		return CRI_ERROR;
	}
}

void cri_words(char dst[static CRI_WORDS_MAX], const struct grpc_end *end)
{
	if (end->fault == GRPC_NO_CONNECTION)
		str_copy(dst, CRI_WORDS_MAX, str_of(words_of(cri_judge(end), end->err)));
	else if (end->fault == GRPC_ANSWERED)
		snprintf(dst, CRI_WORDS_MAX, "%s: %s", grpc_status_name(end->status), end->text);
	else
		str_copy(dst, CRI_WORDS_MAX, str_of(end->text));
}

void cri_note(struct cri *c, enum cri_trouble trouble, const char *text)
{
	if (trouble <= c->worst)
		return;
	c->worst = trouble;
	c->worst_at = c->at;
	str_copy(c->worst_text, sizeof(c->worst_text), str_of(text));
}

/* The same way with each of them, or the most telling of several. */
void cri_explain(struct cri *c)
{
	const struct cri_candidate *worst = &c->candidates[c->worst_at];
	struct cri_status *s = &c->status;
	char several[32] = "";

	str_copy(s->fix, sizeof(s->fix), str_of(fixes[c->worst]));
	if (!c->tried) {
		str_copy(s->reason, sizeof(s->reason),
			 STR("CRI endpoint not found: no container runtime's socket is where one "
			     "usually is"));
		return;
	}
	if (c->tried > 1)
		snprintf(several, sizeof(several), "%u places tried; ", (u32)c->tried);
	snprintf(s->reason, sizeof(s->reason), "%s%s%.100s (%.30s): %.128s",
		 c->worst == CRI_MISSING ? "CRI endpoint not found: " : "no container runtime: ",
		 several, worst->path, worst->how, c->worst_text);
}

void cri_complain(struct cri *c, const char *what, const char *words)
{
	snprintf(c->status.reason, sizeof(c->status.reason), "%s at %.100s: %s", what,
		 c->status.endpoint, words);
	c->status.fix[0] = 0;
}

void cri_all_well(struct cri *c)
{
	c->status.reason[0] = c->status.fix[0] = 0;
}
