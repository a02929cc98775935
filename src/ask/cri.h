/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The container runtime, asked over its CRI socket (runtime.v1.RuntimeService, gRPC over a
 * unix socket): which containers and pods there are, what they are called, and news of them.
 * All on the caller's loop; nothing blocks.
 *
 *  - Candidates (find.h) are tried in order: a socket that answers Version is taken. If none
 *    does, again after 1, 2, 4 ... 30 s, so a runtime that comes later is found.
 *  - Then GetContainerEvents, if the runtime has it, and both lists (ListPodSandbox,
 *    ListContainers), in this order: what happens while they are written comes by the stream.
 *    With a stream the lists are read every five minutes; without one (UNIMPLEMENTED; CRI-O with
 *    enable_pod_events=false ends it at once with OK; containerd 1.7 takes each event away from
 *    its other listeners, the kubelet among them, so we do not listen) every CRI_POLL_NS.
 *    Whenever a stream breaks, lists are read with the next one: nothing that happened in
 *    between is missed.
 *  - Lists know neither a pod's address nor whether it is on the host's network: each living pod
 *    is asked for once more (PodSandboxStatus) and then told again. The same draft is never told
 *    twice unless cri_want asks for it.
 *  - cri_want: ask for one container now, as its cgroup was just seen, and for its pod if that
 *    was never told. CRI-O and sandboxes are listed only after their cgroup is made: asked again
 *    after 20, 40, 80, 160 ms, then every 200 ms for two seconds, then after pauses that
 *    double, until CRI_WANT_NS have passed.
 *  - A runtime that dies, is restarted, or leaves three calls in a row without an answer costs a
 *    CRI_DOWN and the way from the start.
 *
 * What it answers is hostile: messages over CRI_MESSAGE_MAX, more memory than
 * CRI_MEMORY_MAX to unpack one, wrong types, cut frames end the call, with the reason in the
 * status and a counter. Environment variables and whatever else is secret in ContainerStatus's
 * verbose JSON is skipped while parsing: only cgroup fields and the pid are ever kept.
 */
#ifndef ASK_CRI_H
#define ASK_CRI_H

#include "base/loop.h"
#include "pod.h"

#define CRI_MESSAGE_MAX	 (16u << 20)	/* what the kubelet and both runtimes allow */
#define CRI_MEMORY_MAX	 (48u << 20)	/* unpacked, one message */
#define CRI_TIMEOUT_NS	 (5 * NSEC_PER_SEC)	/* of a unary call */
#define CRI_POLL_NS	 (5 * NSEC_PER_SEC)
#define CRI_WANT_NS	 (10 * NSEC_PER_SEC)
#define CRI_WANTS_MAX	 512u
#define CRI_CANDIDATES_MAX 80
#define CRI_KNOWN_MAX	 8192u	/* containers and sandboxes; a node runs some hundreds */

/* A place where a socket may be, and why we look there ("kubelet's arguments"). */
struct cri_candidate {
	char path[256];		/* of a unix socket, without unix:// */
	const char *how;	/* static */
	bool required;		/* explicitly configured: no others are tried; how: by what */
};

enum cri_state {
	CRI_SEARCHING,		/* no candidate has answered yet, first round */
	CRI_NONE,		/* none answered; tried again later */
	CRI_READING,		/* found, lists under way */
	CRI_UP,			/* lists read, news by stream or by polling */
	CRI_DOWN,		/* was up; being tried again */
};

struct cri_status {
	enum cri_state state;
	char endpoint[256];	/* path of the socket; "" none yet */
	const char *how;	/* of its candidate */
	char runtime[32], version[64];	/* "containerd" "1.7.24"; printable ASCII */
	char driver[16];	/* RuntimeConfig: "systemd", "cgroupfs"; "" the runtime does not tell */
	bool events;		/* news by stream; false: polling */
	/* Why there is none, or why the last call failed, as a sentence; "" if all is well. */
	char reason[320];
	char fix[160];		/* what to do about it */
	int err;		/* errno behind it; 0: none is known */
	u64 calls, failures;	/* unary calls and streams; those that failed */
	u64 events_n, polls;
	u64 too_large;		/* messages over a limit; counted in failures, too */
	u64 wants_lost;		/* cri_want without room */
	u64 wants_unanswered;	/* given up after CRI_WANT_NS */
	u64 restarts;		/* CRI_UP after CRI_DOWN */
	u64 skipped;		/* no usable id, or a pod without a usable uid; each time it is seen */
	u64 forgotten;		/* known ones over CRI_KNOWN_MAX: their end is not told */
};

/* All are called from the loop, never before cri_new has returned. */
struct cri_config {
	const struct cri_candidate *candidates;	/* copied */
	size_t candidates_n;
	/* Something is known (anew): draft of pod.h, valid during the call. Sandboxes come as a
	 * pod, and once more as a container with `sandbox` set. */
	void (*container)(void *ctx, const struct container *draft);
	void (*pod)(void *ctx, const struct pod *draft);
	/* No longer there. id of a container, or (pod) the uid. Its name is still right. */
	void (*container_gone)(void *ctx, struct str id);
	void (*pod_gone)(void *ctx, struct str uid);
	/* A wanted container is not known to the runtime: CRI_WANT_NS have passed. */
	void (*unanswered)(void *ctx, struct str id);
	/* The state changed, or the reason for CRI_NONE or CRI_DOWN. */
	void (*changed)(void *ctx, const struct cri_status *status);
	/* May be NULL, unlike the others: fills ret anew before each search but the first, and
	 * returns how many there are. */
	size_t (*refind)(void *ctx, struct cri_candidate ret[CRI_CANDIDATES_MAX]);
	void *ctx;
};

struct cri;

int cri_new(struct cri **ret, struct loop *l, const struct cri_config *config);	/* 0 or -errno */
/* NULL is fine; from any handler but cri's own. Nothing is called any more. */
void cri_free(struct cri *c);

/* Ask for this container (32 to 64 lower-case hex digits; also a sandbox's) as soon as possible:
 * the question leaves in this turn, and the answer is told even if it was told before. Asking
 * twice is one question. Nothing happens while no runtime is there: lists come when it is. */
void cri_want(struct cri *c, struct str id);

/*
 * Where a container's cgroup is and its pid, by ContainerStatus (verbose): for a person's
 * --pid and for nodes on which no other way finds the directory. fields: JSON paths below
 * the info's object to look at first, comma separated (PODTRACE_CRI_CGROUP_FIELDS), or NULL;
 * then runtimeSpec.linux.cgroupsPath; it must stay until fn is called. That happens once, from
 * the loop: path as the runtime wrote it ("/kubepods/..." or "slice:prefix:id", any bytes), ""
 * with a reason if it did not tell or went away. -ENOTCONN when no runtime is there, -ENOSPC
 * when 16 are under way, -EINVAL no id, -ENOMEM.
 */
struct cri_place {
	struct str cgroup;
	u32 pid;		/* in the runtime's pid namespace; 0: not told */
	const char *reason;	/* "" or why cgroup is empty */
};
typedef void (*cri_place_fn)(void *ctx, const struct cri_place *place);
int cri_locate(struct cri *c, struct str id, const char *fields, cri_place_fn fn, void *ctx);

const struct cri_status *cri_status(const struct cri *c);
size_t cri_bytes(const struct cri *c);	/* now */
size_t cri_bytes_max(const struct cri *c); /* with all entries; without an answer that is read */

#endif
