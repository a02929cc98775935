/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who an event belongs to: a container, a systemd unit, or the host itself. One `struct who`
 * stands for one OTLP resource; several cgroups (a container's children, exec sessions) can
 * lead to the same one. Owned by enrich; stays at its address until enrich drops it, which
 * it says first (enrich.h), so that the exporter's resource can be dropped too.
 */
#ifndef WHO_H
#define WHO_H

#include "base/str.h"

struct container;	/* pod.h */
struct pod;

enum who_kind {
	WHO_UNKNOWN,	/* the cgroup was gone before it could be read: counted */
	WHO_HOST,	/* a process of the node outside any container or service */
	WHO_UNIT,	/* a systemd service, scope or slice of the node */
	WHO_CONTAINER,	/* a container, in a pod or not */
	WHO_POD,	/* the pod's own cgroup: no container of it */
	WHO_HELPER,	/* conmon and the like: bears a container's id, is not the container */
};

#define WHO_ID_MAX 65		/* 64 hex digits and NUL */
#define WHO_UID_MAX 37		/* 8-4-4-4-12 and NUL */
#define WHO_UNIT_MAX 128

/* What a process says of itself by two variables of its environment (enrich/environ.h). */
#define ENVIRON_NAME_MAX 256		/* of the values, with NUL; a longer one is not taken */
#define ENVIRON_ATTRIBUTES_MAX 2048
struct environ_otel {
	char service_name[ENVIRON_NAME_MAX];		/* "" not set */
	char resource_attributes[ENVIRON_ATTRIBUTES_MAX];
};

struct who {
	enum who_kind kind;
	char container_id[WHO_ID_MAX];	/* "" if none */
	char pod_uid[WHO_UID_MAX];	/* "" if none; with dashes, or 32 hex (static pod) */
	char runtime[16];		/* containerd, cri-o, docker, podman; "" not told by the path */
	char qos[12];			/* guaranteed, burstable, besteffort; "" outside kubepods */
	char unit[WHO_UNIT_MAX];	/* "ssh.service"; "" if none */
	/* What it is called and by whom we know. Owned by enrich; NULL: not known (yet). They
	 * are replaced as better answers come: `names` counts that up. */
	const struct container *container;
	const struct pod *pod;
	u32 names;
	/* OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES of its first process that could be read,
	 * as they are in its environment; NULL: none. Owned by enrich. */
	const char *otel_service_name, *otel_resource_attributes;
	/* Of WHO_UNKNOWN why, as it is counted: "cgroup_gone", "cgroup_unread"; "no_cgroup": it
	 * belongs to no task and no socket. Else NULL. */
	const char *unknown;
	int resource;			/* the exporter's number, -1: not registered yet */
	u32 resource_names;		/* `names` when it was registered */
	u32 metric_names;		/* when metrics were last exported, if they ever were */
	bool metric_told;
	bool wanted;			/* a named target */
	u64 left_ns;			/* stopped being one, boot ns; 0: never */
	u64 last_ns;			/* last event, boot ns */
	bool placed;			/* in a directory that was asked for */
	u32 held;			/* events of it that wait for its name (fold/hold.h) */
};

#endif
