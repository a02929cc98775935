// SPDX-License-Identifier: Apache-2.0
/* What is wrong, in words for people, and what they can do about it. */
#include "ask/cri_internal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "base/errname.h"

#define MOUNT                                                                                      \
	"mount the directory of the runtime's socket (hostPath /run/containerd or /run/crio), "    \
	"or set "

/* Between the two stands what names an endpoint; without a second part nothing does. */
static const struct {
	const char *before, *after;
} fixes[] = {
	[CRI_FINE] = { MOUNT, "" }, /* no candidate at all */
	[CRI_MISSING] = { MOUNT, "" },
	[CRI_LONG_PATH] = { "mount the directory of the socket at a shorter path", NULL },
	[CRI_NO_SOCKET] = { "mount the socket's directory, not the socket itself: what is missing "
			    "when a container starts is made a directory", NULL },
	[CRI_REFUSED] = { "start the runtime; where it runs, mount the socket's directory, not the "
			  "socket itself, which a restart replaces", NULL },
	[CRI_GARBAGE] = { "set ", " to the CRI socket of containerd or CRI-O" },
	[CRI_NO_SERVICE] = { "enable the runtime's CRI v1 plugin (disabled_plugins in containerd's "
			     "config.toml), or set ", " to another runtime" },
	[CRI_HANGS] = { "see whether the runtime answers others (crictl version) and restart it",
			NULL },
	[CRI_ERROR] = { "see the runtime's own log", NULL },
	[CRI_DENIED] = { "run as user 0; with SELinux, give the pod seLinuxOptions.type spc_t",
			 NULL },
};

/* Who has set one by an option is told that one: a variable would not count beside it. */
static void put_fix(struct cri *c, enum cri_trouble trouble)
{
	const char *name = "PODTRACE_CRI_ENDPOINT", *after = fixes[trouble].after;

	for (size_t i = 0; i < c->candidates_n; i++)
		if (c->candidates[i].required)
			name = c->candidates[i].how;
	snprintf(c->status.fix, sizeof(c->status.fix), "%s%s%s", fixes[trouble].before,
		 after ? name : "", after ? after : "");
}

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

struct cri_fault cri_fault(enum cri_trouble trouble, int err, const char *words)
{
	struct cri_fault f = { .trouble = trouble, .err = err };

	str_copy(f.words, sizeof(f.words), str_of(words));
	return f;
}

bool cri_look(const char *path, struct cri_fault *ret)
{
	struct stat st;

	if (stat(path, &st)) {
		int err = errno;
		enum cri_trouble trouble = of_errno(err);

		*ret = cri_fault(trouble, err, words_of(trouble, err));
		return false;
	}
	if (!S_ISSOCK(st.st_mode)) {
		*ret = cri_fault(CRI_NO_SOCKET, ENOTSOCK,
				 S_ISDIR(st.st_mode) ? "it is a directory and no socket"
						     : "it is a file and no socket");
		return false;
	}
	if (strlen(path) >= sizeof(((struct sockaddr_un *)NULL)->sun_path)) {
		*ret = cri_fault(CRI_LONG_PATH, ENAMETOOLONG,
				 "the path is longer than a socket's address");
		return false;
	}
	return true;
}

static enum cri_trouble trouble_of(const struct grpc_end *end)
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

void cri_judge(const struct grpc_end *end, struct cri_fault *ret)
{
	*ret = cri_fault(trouble_of(end), end->err, end->text);
	if (end->fault == GRPC_NO_CONNECTION)
		*ret = cri_fault(ret->trouble, end->err, words_of(ret->trouble, end->err));
	else if (end->fault == GRPC_TIMEOUT)
		ret->err = ETIMEDOUT;
	else if (end->fault == GRPC_ANSWERED)
		snprintf(ret->words, sizeof(ret->words), "%s: %s", grpc_status_name(end->status),
			 end->text[0] ? end->text : "it does not say why");
}

void cri_note(struct cri *c, const struct cri_fault *fault)
{
	if (fault->trouble <= c->worst.trouble)
		return;
	c->worst = *fault;
	c->worst_at = c->at;
}

/* The same way with each of them, or the most telling of several. */
void cri_explain(struct cri *c)
{
	const struct cri_candidate *worst = &c->candidates[c->worst_at];
	struct cri_status *s = &c->status;
	char several[32] = "";

	put_fix(c, c->worst.trouble);
	s->err = c->worst.err;
	if (!c->tried) {
		str_copy(s->reason, sizeof(s->reason),
			 STR("CRI endpoint not found: no container runtime's socket is where one "
			     "usually is"));
		return;
	}
	if (c->tried > 1)
		snprintf(several, sizeof(several), "%u places tried; ", (u32)c->tried);
	snprintf(s->reason, sizeof(s->reason), "%s%s%.100s (%.30s): %.128s",
		 c->worst.trouble == CRI_MISSING ? "CRI endpoint not found: " : "no container runtime: ",
		 several, worst->path, worst->how, c->worst.words);
}

void cri_complain(struct cri *c, const char *what, const struct cri_fault *fault)
{
	static const char again[] = "see whether the runtime runs, and its own log; podtrace finds "
				    "it again by itself";
	struct cri_status *s = &c->status;

	snprintf(s->reason, sizeof(s->reason), "%.30s at %.100s: %.180s", what, s->endpoint,
		 fault->words);
	s->err = fault->err;
	put_fix(c, fault->trouble);
	/* It was at this place, and a runtime. */
	if (fault->trouble == CRI_MISSING || fault->trouble == CRI_GARBAGE)
		str_copy(s->fix, sizeof(s->fix), STR(again));
}

void cri_all_well(struct cri *c)
{
	c->status.reason[0] = c->status.fix[0] = 0;
	c->status.err = 0;
}
