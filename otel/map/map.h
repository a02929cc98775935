/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a kernel event is in OpenTelemetry: names, attributes, severity, status. One function
 * per kind (registry), one for the metrics, one for resources. Pure: no I/O, no state; the
 * views they make live as long as the event and the room given to them.
 *
 * Names are those of semantic conventions 1.44 where it has one; our own begin with
 * "podtrace.". docs/events.md lists them.
 */
#ifndef OTEL_MAP_H
#define OTEL_MAP_H

#include "base/addr.h"
#include "base/clock.h"
#include "base/dns.h"
#include "base/http.h"
#include "event.h"
#include "kinds.h"
#include "node/host.h"
#include "otel/map/declared.h"
#include "otel/model.h"

/* Room for texts that are made here: owned by the caller, as long-lived as the result. */
#define MAP_ARGS_MAX 64
#define MAP_SUMMARY_MAX 256 /* db.query.summary: the semantic conventions' limit, and a NUL */
struct map_room {
	char local[ADDR_TEXT_MAX], remote[ADDR_TEXT_MAX];
	char time[2][CLOCK_TEXT_MAX];
	struct str args[MAP_ARGS_MAX];
	char error[16];
	char inode[24], device[24];
	char address[20]; /* of memory */
	char type[DNS_TYPE_TEXT_MAX];
	char name[DNS_TYPE_TEXT_MAX + 4];
	char summary[MAP_SUMMARY_MAX];
};

struct mapped {
	bool has_span;
	bool has_parent;	/* trace_id, parent_span_id and flags of the span are set */
	bool has_note;		/* worth a log record of its own */
	struct span span;	/* attrs only: those that the note does not have */
	struct note note;	/* always filled: the event's name and attributes */
	struct map_room room;
};

struct map_config {
	s64 wall_offset_ns;	/* boot time → UNIX time */
	bool command_args;	/* export arguments of processes */
};

/* ret must not move afterwards: it holds views of its own room. Ids are left zero. */
void map_event(const struct event *ev, const struct map_config *config, struct mapped *ret);

#define KIND(id, kind, family, stream, live, name, text)                                         \
	void otlp_##kind(const struct event *ev, const struct map_config *config,          \
			 struct mapped *ret);
#include "../../bpf/registry.def"

/* ---- resources: docs/resources.md has the table --------------------------------------------- */

/* What the user wants in the resources of pods, and what is known of their runtime. All zero:
 * nothing. Views, valid as long as this is used. */
struct map_resource_config {
	struct str pod_labels;	/* keys of labels to export, behind commas; "*": all */
	bool service_labels;	/* app.kubernetes.io/ instance, name, version name a service */
	/* Of the kubelet's runtime, as CRI's Version says: "containerd", "2.1.4"; "" not known. */
	struct str runtime_name, runtime_version;
};

/* Limits of one resource; attributes over them are left out, longer keys too: attrs.dropped. */
#define RESOURCE_BYTES_MAX (16u << 10) /* keys and values */
#define RESOURCE_KEY_MAX 352	       /* "k8s.pod.label." and POD_LABEL_BYTES_MAX, rounded up */
#define RESOURCE_TEXT_MAX (8u << 10)   /* texts that are made here, keys mostly */

struct mapped_resource {
	struct attrs attrs;
	u16 known;		/* the first so many are ours, behind them is what others say */
	bool cut;		/* a name or value in it is not whole */
	/* the room of the texts in it */
	size_t bytes, text_n;
	char text[RESOURCE_TEXT_MAX];
	char time[CLOCK_TEXT_MAX];
	struct str tag, digest[2];
	struct declared declared;
};

/*
 * The resource that stands for who. No key is in it twice: what we know for certain comes
 * first, then what the process declares (OTEL_RESOURCE_ATTRIBUTES), the pod's annotations, its
 * labels, and the first of one key is kept. Nothing declared has a name below k8s., container.,
 * host. and the like, known or not: a process may lie about where it is.
 *
 * ret must not move afterwards; its views are of who's names, host, config and its own room.
 */
void map_who(const struct who *who, const struct host *host,
	     const struct map_resource_config *config, struct mapped_resource *ret);
/* Our own resource. name: OTEL_SERVICE_NAME or NULL. */
void map_self(const struct host *host, const char *name, const char *version,
	      struct mapped_resource *ret);

/* The metric of a meter; static. */
const struct metric_desc *map_meter(enum wire_meter meter);
/* The metric of a figure; static. */
const struct metric_desc *map_figure(enum figure_id figure);
/* Attributes that dim and err of a meter's key stand for. */
void map_dim(const struct meter_key *key, struct attrs *ret);

/* enum db_system, and what failed (enum db_result), if it did. */
void map_db(struct attrs *ret, unsigned system, unsigned result);
/* Name of an operation on a file (enum file_op), and of its errno, if any. */
void map_file_op(struct attrs *ret, unsigned op, int err);
/* How a futex was waited on (enum lock_op), and the errno, if any, that ended it. */
void map_futex(struct attrs *ret, unsigned op, int err);
/* Name of a call and of its errno, if any. */
void map_syscall(struct attrs *ret, unsigned nr, int err);
/* Both ends of a socket; the remote one only if it is known. */
void map_ends(struct attrs *ret, struct str transport, const struct tcp_tuple *t, bool peer_known,
	      struct map_room *room);
/* Pid and creation time of the event's process. */
void map_process(struct attrs *ret, const struct event *ev, const struct map_config *config,
		 struct map_room *room);
/* Who it was, if that is known. */
void map_owner(struct attrs *ret, const struct event *ev);
void map_seconds(struct attrs *ret, const char *key, u64 ns);
/* enum tcp_direction */
void map_direction(struct attrs *ret, unsigned direction);
/* network.connection.state of a TCP state: "established" ... */
const char *map_tcp_state(unsigned state);
/* What the dimensions of DNS meters stand for. */
void map_dns_packet(struct attrs *ret, unsigned dim);
void map_dns_lookup(struct attrs *ret, unsigned dim);
void map_dns_role(struct attrs *ret, unsigned role);
void map_dns_discarded(struct attrs *ret, unsigned why);
/* What the dimensions of HTTP meters stand for. */
void map_http(struct attrs *ret, bool server, unsigned dim, int err);
void map_http_discarded(struct attrs *ret, unsigned why);
/* Name of a signal: "SIGKILL"; "SIG64" for those without one. buf is used for the latter. */
const char *map_signal(int sig, char buf[static 16]);

#endif
