/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What pods and containers are called, as a container runtime (CRI), the API server or the
 * kubelet's log directory tells it. Nouns: one block of memory each, never changed once made,
 * shared by counting references; a newer answer is a new block.
 *
 * To make one, fill a struct on the stack with views of anything and hand it to pod_new or
 * container_new, which copies what it points to, cut to the limits below. All bytes in it are
 * foreign: any byte, not UTF-8, no NUL (a view ends before the first one). Views of a block are
 * never NULL: an empty one is "".
 */
#ifndef POD_H
#define POD_H

#include "base/str.h"
#include "who.h"

/* Limits; what is over them is cut or left out, and `cut` is set. */
#define POD_NAME_MAX 253	/* bytes of any name: a DNS subdomain (RFC 1123), Kubernetes' limit */
#define POD_LABELS_MAX 64	/* of labels, and of annotations */
#define POD_LABEL_BYTES_MAX 320	/* a key: 253 + "/" + 63; a value of a label: 63 */
#define POD_ANNOTATION_VALUE_MAX 1024
#define CONTAINER_IMAGE_MAX 512

/* Who told it. Of a pod the later one in this list knows more; of a container the runtime
 * knows best, since the API server's status has neither sandboxes nor times. */
enum name_source {
	NAME_FROM_LOGS,		/* the kubelet's log directory: names only */
	NAME_FROM_CRI,		/* labels and annotations, no owners */
	NAME_FROM_API,
};

struct label {
	struct str key, value;
};

/* Kubernetes' workloads, in the order in which service.name prefers them. */
enum workload_kind {
	WORKLOAD_NONE,
	WORKLOAD_DEPLOYMENT,
	WORKLOAD_REPLICASET,
	WORKLOAD_STATEFULSET,
	WORKLOAD_DAEMONSET,
	WORKLOAD_CRONJOB,
	WORKLOAD_JOB,
	WORKLOAD_OTHER,		/* ReplicationController, a custom resource: no attribute */
};

struct workload {
	enum workload_kind kind;
	struct str name;
	struct str uid;		/* "" not known: derived from names, not asked for */
};

/* Keys worth keeping of a pod's annotations; pod_new leaves others out, without `cut` (they
 * hold anything, kubectl's last-applied-configuration among it). */
#define POD_ANNOTATION_PREFIX "resource.opentelemetry.io/"

struct pod {
	unsigned refs;
	enum name_source source;
	bool cut;
	bool host_network;
	/* As cgroup paths and the runtime have it: for a static pod the hash of its file. */
	char uid[WHO_UID_MAX];
	/* The API server's; differs for static pods (their mirror's). "" not known. */
	char api_uid[WHO_UID_MAX];
	struct str namespace, name;
	struct str ip;		/* "" not known */
	struct str node;	/* "" not known */
	u64 started_ns;		/* UNIX time, 0: not known */
	const struct label *labels, *annotations;
	size_t labels_n, annotations_n;
	/* What made it, and what made that: replicaset, deployment; job, cronjob. */
	struct workload owner[2];
};

struct container {
	unsigned refs;
	enum name_source source;
	bool cut;
	bool sandbox;		/* a pod's pause container: no application */
	bool exited;		/* when first told, its processes were gone already */
	char id[WHO_ID_MAX];
	char pod_uid[WHO_UID_MAX];	/* "" outside Kubernetes */
	/* For those who come before their pod's own answer: */
	struct str pod_namespace, pod_name;
	struct str name;	/* of the container in its pod; "" of a sandbox */
	struct str image;	/* as written in the pod's manifest, if known: "nginx:1.27" */
	struct str image_id;	/* "sha256:..." or a reference with digest; "" not known */
	u32 restarts;		/* CRI's attempt */
	u64 created_ns;		/* UNIX time, 0: not known */
};

/* A copy of draft with one reference; refs of draft is not looked at. NULL: out of memory. */
struct pod *pod_new(const struct pod *draft);
struct container *container_new(const struct container *draft);

/* Both take NULL. The last unref frees. */
struct pod *pod_ref(struct pod *p);
void pod_unref(struct pod *p);
struct container *container_ref(struct container *c);
void container_unref(struct container *c);

/* Bytes of the block, for the memory bill. */
size_t pod_bytes(const struct pod *p);
size_t container_bytes(const struct container *c);

/* Value of a label or annotation by its key; a NULL view if there is none. */
struct str label_get(const struct label *labels, size_t n, struct str key);

/*
 * Fill draft->owner from names and labels alone, for sources that know no owners (CRI), where
 * that is certain: a Deployment's pod is NAME-HASH-xxxxx with HASH in its label
 * pod-template-hash (the ReplicaSet is owner[0]); a StatefulSet's ends in "-" and the value of
 * apps.kubernetes.io/pod-index, and equals statefulset.kubernetes.io/pod-name, of which one may
 * be missing; a DaemonSet's is NAME-xxxxx with controller-revision-hash and
 * pod-template-generation; a Job's is NAME-xxxxx or NAME-INDEX-xxxxx with NAME in
 * batch.kubernetes.io/job-name or job-name. A long name that the API server cut derives
 * nothing but a Job. A CronJob is never derived: its Jobs may be called anything. Owners that
 * draft has stay. Views into draft's own strings.
 */
void pod_derive_owner(struct pod *draft);

const char *workload_kind_name(enum workload_kind kind);	/* "deployment"; "" NONE, OTHER */

#endif
