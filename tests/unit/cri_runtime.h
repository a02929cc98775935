/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A container runtime for tests: pods and containers in tables, told by CRI over cri_server.h,
 * with the faults a test asks for; and a client of it whose callbacks are kept.
 */
#ifndef TESTS_UNIT_CRI_RUNTIME_H
#define TESTS_UNIT_CRI_RUNTIME_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <cri/cri.pb-c.h>

#include "ask/cri.h"
#include "base/clock.h"
#include "tests/unit/cri_server.h"

#define MS	 NSEC_PER_MSEC
#define IDS_MAX	 1100
#define TOLD_MAX 4096

struct fake_pod {
	char id[WHO_ID_MAX], uid[80];
	const char *name;
	u32 attempt;
	bool dead, hidden;
	const char *label[4][2], *annotation[4][2];
};

struct fake_container {
	char id[WHO_ID_MAX];
	const struct fake_pod *pod;
	const char *name, *image, *user_image, *image_ref, *image_id;
	bool hidden; /* exists, but the runtime does not tell yet */
};

struct world {
	struct loop *loop;
	struct server server;
	struct cri *cri;
	struct cri_candidate candidates[4];
	size_t candidates_n;

	/* the runtime */
	struct fake_pod pod[IDS_MAX];
	struct fake_container container[IDS_MAX];
	size_t pods_n, containers_n;
	const char *runtime, *version, *info;
	int driver; /* -1: UNIMPLEMENTED */
	enum { EVENTS_OPEN, EVENTS_UNIMPLEMENTED, EVENTS_END, EVENTS_BREAK } events;
	struct call *stream;
	/* A method that does not do what it should, and what it does instead. */
	const char *bad_method;
	void (*bad)(struct world *w, struct call *k);
	u64 versions, pod_lists, container_lists, pod_asks, container_asks, streams, statuses;
	u64 asked_at[64]; /* container_asks */

	/* what was told */
	struct container *containers[TOLD_MAX];
	struct pod *pods[TOLD_MAX];
	char gone[TOLD_MAX][WHO_ID_MAX];
	char pod_gone[64][WHO_UID_MAX];
	char unanswered[600][WHO_ID_MAX];
	size_t told_n, told_pods_n, gone_n, pod_gone_n, unanswered_n;
	enum cri_state states[32];
	size_t states_n;
	char reasons[32][320];
	bool (*until)(struct world *w);
	u64 end_ns;
};

/* 64 hex digits that begin with a letter and end in n. */
static inline const char *make_id(char dst[static WHO_ID_MAX], char kind, size_t n)
{
	memset(dst, kind, 56);
	snprintf(dst + 56, 9, "%08zx", n);
	return dst;
}

static inline struct fake_pod *add_pod(struct world *w, const char *name)
{
	struct fake_pod *p = &w->pod[w->pods_n];

	*p = (struct fake_pod){ .name = name };
	make_id(p->id, 'a', w->pods_n);
	snprintf(p->uid, sizeof(p->uid), "00000000-0000-4000-8000-%012zx", w->pods_n++);
	return p;
}

static inline struct fake_container *add_container(struct world *w, const struct fake_pod *pod,
						   const char *name)
{
	struct fake_container *c = &w->container[w->containers_n];

	*c = (struct fake_container){ .pod = pod, .name = name, .image = "busybox:1" };
	make_id(c->id, 'c', w->containers_n++);
	return c;
}

/* ---- messages ----------------------------------------------------------------------------- */

/* Memory of one message; nothing in it is freed but all. */
static char arena_bytes[64 << 20];
static size_t arena_n;

static inline void *take(size_t n)
{
	void *p = arena_bytes + arena_n;

	arena_n += (n + 15) & ~(size_t)15;
	assert_true(arena_n <= sizeof(arena_bytes));
	return p;
}

static inline void *message_new(const ProtobufCMessageDescriptor *type)
{
	void *m = take(type->sizeof_message);

	protobuf_c_message_init(type, m);
	return m;
}

/* A map: entries have types of their own, all alike. Ends with a NULL key. */
static inline void *map_new(const ProtobufCMessageDescriptor *type, const char *const pairs[][2],
			    size_t pairs_n, size_t *ret_n)
{
	struct {
		ProtobufCMessage base;
		char *key, *value;
	} **entries = take(pairs_n * sizeof(*entries));

	for (*ret_n = 0; *ret_n < pairs_n && pairs[*ret_n][0]; ++*ret_n) {
		entries[*ret_n] = message_new(type);
		entries[*ret_n]->key = (char *)pairs[*ret_n][0];
		entries[*ret_n]->value = (char *)pairs[*ret_n][1];
	}
	return entries;
}

static inline struct str packed(const void *message)
{
	size_t n = protobuf_c_message_get_packed_size(message);
	u8 *p = take(n);

	protobuf_c_message_pack(message, p);
	return (struct str){ (char *)p, n };
}

static inline Runtime__V1__PodSandboxMetadata *pod_metadata(const struct fake_pod *p)
{
	Runtime__V1__PodSandboxMetadata *m =
		message_new(&runtime__v1__pod_sandbox_metadata__descriptor);

	m->name = (char *)p->name;
	m->uid = (char *)p->uid;
	m->namespace_ = (char *)"shop";
	m->attempt = p->attempt;
	return m;
}

static inline Runtime__V1__PodSandbox *pod_message(const struct fake_pod *p)
{
	Runtime__V1__PodSandbox *m = message_new(&runtime__v1__pod_sandbox__descriptor);

	m->id = (char *)p->id;
	m->metadata = pod_metadata(p);
	m->state = p->dead ? RUNTIME__V1__POD_SANDBOX_STATE__SANDBOX_NOTREADY
			   : RUNTIME__V1__POD_SANDBOX_STATE__SANDBOX_READY;
	m->created_at = 1700000000000000000;
	m->labels = map_new(&runtime__v1__pod_sandbox__labels_entry__descriptor,
			    (const char *const(*)[2])p->label, ARRAY_SIZE(p->label), &m->n_labels);
	m->annotations = map_new(&runtime__v1__pod_sandbox__annotations_entry__descriptor,
				 (const char *const(*)[2])p->annotation, ARRAY_SIZE(p->annotation),
				 &m->n_annotations);
	return m;
}

static inline Runtime__V1__ImageSpec *image_message(const struct fake_container *c)
{
	Runtime__V1__ImageSpec *m = message_new(&runtime__v1__image_spec__descriptor);

	m->image = (char *)c->image;
	if (c->user_image)
		m->user_specified_image = (char *)c->user_image;
	return m;
}

static inline Runtime__V1__ContainerMetadata *container_metadata(const struct fake_container *c)
{
	Runtime__V1__ContainerMetadata *m =
		message_new(&runtime__v1__container_metadata__descriptor);

	m->name = (char *)c->name;
	m->attempt = 2;
	return m;
}

#define KUBELET_LABELS(c)                                                                          \
	{                                                                                          \
		{ "io.kubernetes.container.name", (c)->name },                                     \
		{ "io.kubernetes.pod.name", (c)->pod->name },                                      \
		{ "io.kubernetes.pod.namespace", "shop" },                                         \
		{ "io.kubernetes.pod.uid", (c)->pod->uid },                                        \
	}

static inline Runtime__V1__Container *container_message(const struct fake_container *c)
{
	Runtime__V1__Container *m = message_new(&runtime__v1__container__descriptor);
	const char *labels[][2] = KUBELET_LABELS(c);

	m->id = (char *)c->id;
	m->pod_sandbox_id = (char *)c->pod->id;
	m->metadata = container_metadata(c);
	m->image = image_message(c);
	m->image_ref = (char *)(c->image_ref ? c->image_ref : "");
	m->image_id = (char *)(c->image_id ? c->image_id : "");
	m->created_at = 1700000001000000000;
	m->labels = map_new(&runtime__v1__container__labels_entry__descriptor,
			    (const char *const(*)[2])labels, ARRAY_SIZE(labels), &m->n_labels);
	return m;
}

static inline struct str pods_message(struct world *w)
{
	Runtime__V1__ListPodSandboxResponse m = RUNTIME__V1__LIST_POD_SANDBOX_RESPONSE__INIT;

	arena_n = 0;
	m.items = take(IDS_MAX * sizeof(*m.items));
	for (size_t i = 0; i < w->pods_n; i++) {
		if (!w->pod[i].hidden)
			m.items[m.n_items++] = pod_message(&w->pod[i]);
	}
	return packed(&m);
}

static inline struct str containers_message(struct world *w, const char *id)
{
	Runtime__V1__ListContainersResponse m = RUNTIME__V1__LIST_CONTAINERS_RESPONSE__INIT;

	arena_n = 0;
	m.containers = take(IDS_MAX * sizeof(*m.containers));
	for (size_t i = 0; i < w->containers_n; i++) {
		if (!w->container[i].hidden && (!id || !strcmp(id, w->container[i].id)))
			m.containers[m.n_containers++] = container_message(&w->container[i]);
	}
	return packed(&m);
}

static inline Runtime__V1__PodSandboxStatus *pod_status(const struct fake_pod *p)
{
	Runtime__V1__PodSandboxStatus *m =
		message_new(&runtime__v1__pod_sandbox_status__descriptor);

	m->id = (char *)p->id;
	m->metadata = pod_metadata(p);
	m->state = p->dead;
	m->created_at = 1700000000000000000;
	m->network = message_new(&runtime__v1__pod_sandbox_network_status__descriptor);
	m->network->ip = (char *)"10.0.0.7";
	m->labels = map_new(&runtime__v1__pod_sandbox_status__labels_entry__descriptor,
			    (const char *const(*)[2])p->label, ARRAY_SIZE(p->label), &m->n_labels);
	m->annotations = map_new(&runtime__v1__pod_sandbox_status__annotations_entry__descriptor,
				 (const char *const(*)[2])p->annotation, ARRAY_SIZE(p->annotation),
				 &m->n_annotations);
	return m;
}

/* An event of a pod's container, or (c NULL) of its sandbox. */
static inline struct str event_message(const struct fake_pod *p, const struct fake_container *c,
				       Runtime__V1__ContainerEventType type, bool with_pod)
{
	Runtime__V1__ContainerEventResponse m = RUNTIME__V1__CONTAINER_EVENT_RESPONSE__INIT;
	Runtime__V1__ContainerStatus status = RUNTIME__V1__CONTAINER_STATUS__INIT, *one = &status;

	arena_n = 0;
	m.container_id = (char *)(c ? c->id : p->id);
	m.container_event_type = type;
	m.pod_sandbox_status = with_pod ? pod_status(p) : NULL;
	if (c) {
		const char *labels[][2] = KUBELET_LABELS(c);

		status.id = (char *)c->id;
		status.metadata = container_metadata(c);
		status.image = image_message(c);
		status.created_at = 1700000001000000000;
		status.labels = map_new(&runtime__v1__container_status__labels_entry__descriptor,
					(const char *const(*)[2])labels, ARRAY_SIZE(labels),
					&status.n_labels);
		m.containers_statuses = &one;
		m.n_containers_statuses = 1;
	}
	return packed(&m);
}

/* ---- the runtime's answers ------------------------------------------------------------------ */

static inline void answer_version(struct world *w, struct call *k)
{
	Runtime__V1__VersionResponse m = RUNTIME__V1__VERSION_RESPONSE__INIT;

	arena_n = 0;
	m.runtime_name = (char *)w->runtime;
	m.runtime_version = (char *)w->version;
	call_answer(k, packed(&m));
}

static inline void answer_driver(struct world *w, struct call *k)
{
	Runtime__V1__RuntimeConfigResponse m = RUNTIME__V1__RUNTIME_CONFIG_RESPONSE__INIT;
	Runtime__V1__LinuxRuntimeConfiguration on = RUNTIME__V1__LINUX_RUNTIME_CONFIGURATION__INIT;

	arena_n = 0;
	on.cgroup_driver = (Runtime__V1__CgroupDriver)w->driver;
	m.linux_ = &on;
	if (w->driver < 0)
		call_error(k, 12, "unknown method RuntimeConfig");
	else
		call_answer(k, packed(&m));
}

static inline void answer_pods(struct world *w, struct call *k, struct str message)
{
	Runtime__V1__ListPodSandboxRequest *q = runtime__v1__list_pod_sandbox_request__unpack(
		NULL, message.n, (const u8 *)message.p);

	assert_null(q->filter);
	w->pod_lists++;
	call_answer(k, pods_message(w));
	runtime__v1__list_pod_sandbox_request__free_unpacked(q, NULL);
}

static inline void answer_pod(struct world *w, struct call *k, struct str message)
{
	Runtime__V1__PodSandboxStatusResponse m = RUNTIME__V1__POD_SANDBOX_STATUS_RESPONSE__INIT;
	Runtime__V1__PodSandboxStatusRequest *q = runtime__v1__pod_sandbox_status_request__unpack(
		NULL, message.n, (const u8 *)message.p);

	w->pod_asks++;
	arena_n = 0;
	for (size_t i = 0; i < w->pods_n; i++) {
		if (!w->pod[i].hidden && !strcmp(q->pod_sandbox_id, w->pod[i].id))
			m.status = pod_status(&w->pod[i]);
	}
	if (m.status)
		call_answer(k, packed(&m));
	else
		call_error(k, 5, "no such sandbox");
	runtime__v1__pod_sandbox_status_request__free_unpacked(q, NULL);
}

static inline void answer_containers(struct world *w, struct call *k, struct str message)
{
	Runtime__V1__ListContainersRequest *q = runtime__v1__list_containers_request__unpack(
		NULL, message.n, (const u8 *)message.p);

	if (q->filter && w->container_asks < ARRAY_SIZE(w->asked_at))
		w->asked_at[w->container_asks] = clock_boot_ns();
	*(q->filter ? &w->container_asks : &w->container_lists) += 1;
	call_answer(k, containers_message(w, q->filter ? q->filter->id : NULL));
	runtime__v1__list_containers_request__free_unpacked(q, NULL);
}

static inline void answer_events(struct world *w, struct call *k)
{
	w->streams++;
	if (w->events == EVENTS_UNIMPLEMENTED)
		call_error(k, 12, "unknown method GetContainerEvents");
	else if (w->events == EVENTS_END)
		call_end(k, 0, "");
	else if (w->events == EVENTS_BREAK)
		call_end(k, 14, "shutting down");
	else
		w->stream = k;
}

static inline void answer_status(struct world *w, struct call *k)
{
	Runtime__V1__ContainerStatusResponse m = RUNTIME__V1__CONTAINER_STATUS_RESPONSE__INIT;
	const char *info[][2] = { { "info", w->info } };

	w->statuses++;
	arena_n = 0;
	m.info = map_new(&runtime__v1__container_status_response__info_entry__descriptor,
			 (const char *const(*)[2])info, ARRAY_SIZE(info), &m.n_info);
	if (w->info)
		call_answer(k, packed(&m));
	else
		call_error(k, 5, "no such container");
}

static inline void on_call(void *ctx, struct call *k, struct str message)
{
	struct world *w = ctx;

	w->versions += !strcmp(k->method, "Version");
	if (w->bad_method && !strcmp(k->method, w->bad_method))
		w->bad(w, k);
	else if (!strcmp(k->method, "Version"))
		answer_version(w, k);
	else if (!strcmp(k->method, "RuntimeConfig"))
		answer_driver(w, k);
	else if (!strcmp(k->method, "ListPodSandbox"))
		answer_pods(w, k, message);
	else if (!strcmp(k->method, "PodSandboxStatus"))
		answer_pod(w, k, message);
	else if (!strcmp(k->method, "ListContainers"))
		answer_containers(w, k, message);
	else if (!strcmp(k->method, "GetContainerEvents"))
		answer_events(w, k);
	else if (!strcmp(k->method, "ContainerStatus"))
		answer_status(w, k);
	else
		fail_msg("method %s", k->method);
}

/* ---- the client's callbacks -------------------------------------------------------------------
 */

static inline void on_container(void *ctx, const struct container *draft)
{
	struct world *w = ctx;

	assert_true(w->told_n < TOLD_MAX);
	w->containers[w->told_n++] = container_new(draft);
}

static inline void on_pod(void *ctx, const struct pod *draft)
{
	struct world *w = ctx;

	assert_true(w->told_pods_n < TOLD_MAX);
	w->pods[w->told_pods_n++] = pod_new(draft);
}

static inline void on_container_gone(void *ctx, struct str id)
{
	struct world *w = ctx;

	str_copy(w->gone[w->gone_n++], WHO_ID_MAX, id);
}

static inline void on_pod_gone(void *ctx, struct str uid)
{
	struct world *w = ctx;

	str_copy(w->pod_gone[w->pod_gone_n++], WHO_UID_MAX, uid);
}

static inline void on_unanswered(void *ctx, struct str id)
{
	struct world *w = ctx;

	str_copy(w->unanswered[w->unanswered_n++], WHO_ID_MAX, id);
}

static inline void on_changed(void *ctx, const struct cri_status *status)
{
	struct world *w = ctx;

	assert_true(w->states_n < ARRAY_SIZE(w->states));
	str_copy(w->reasons[w->states_n], sizeof(w->reasons[0]), str_of(status->reason));
	w->states[w->states_n++] = status->state;
}

/* ---- a test ------------------------------------------------------------------------------------
 */

static inline void add_candidate(struct world *w, const char *path)
{
	struct cri_candidate *c = &w->candidates[w->candidates_n++];

	*c = (struct cri_candidate){ .how = "the test" };
	str_copy(c->path, sizeof(c->path), str_of(path));
}

/* A runtime that listens and does it all; the client comes with start(). */
static inline struct world *begin(enum server_mode mode)
{
	struct world *w = calloc(1, sizeof(*w));

	w->loop = loop_new();
	w->runtime = "containerd";
	w->version = "v2.1.9";
	w->driver = 0;
	w->server = (struct server){ .mode = mode, .fn = on_call, .ctx = w };
	snprintf(w->server.path, sizeof(w->server.path), "/tmp/ask_cri_%d.sock", getpid());
	server_start(&w->server, w->loop);
	add_candidate(w, w->server.path);
	return w;
}

static inline void start(struct world *w)
{
	const struct cri_config config = { .candidates = w->candidates,
					   .candidates_n = w->candidates_n,
					   .container = on_container,
					   .pod = on_pod,
					   .container_gone = on_container_gone,
					   .pod_gone = on_pod_gone,
					   .unanswered = on_unanswered,
					   .changed = on_changed,
					   .ctx = w };

	assert_int_equal(cri_new(&w->cri, w->loop, &config), 0);
}

static inline void on_tick(void *ctx)
{
	struct world *w = ctx;

	if (w->until && w->until(w))
		loop_stop(w->loop, 0);
	else if (clock_boot_ns() >= w->end_ns)
		loop_stop(w->loop, 1);
}

/* false: it did not become so in that time. until NULL: just wait. */
static inline bool run(struct world *w, bool (*until)(struct world *w), u64 ms)
{
	struct loop_timer *t = loop_timer_new(w->loop, on_tick, w);
	int ret;

	w->until = until;
	w->end_ns = clock_boot_ns() + ms * MS;
	loop_arm(t, 0, MS);
	ret = loop_run(w->loop);
	loop_timer_free(t);
	return ret == 0;
}

static inline bool is_up(struct world *w)
{
	return cri_status(w->cri)->state == CRI_UP;
}

/* Up, and each pod asked for what lists do not say; those questions are not counted. */
static inline void settle(struct world *w)
{
	assert_true(run(w, is_up, 10000));
	run(w, NULL, 30);
	w->pod_asks = 0;
}

static inline bool is_none(struct world *w)
{
	return cri_status(w->cri)->state == CRI_NONE;
}

/* Everything told so far is forgotten. */
static inline void forget(struct world *w)
{
	for (size_t i = 0; i < w->told_n; i++)
		container_unref(w->containers[i]);
	for (size_t i = 0; i < w->told_pods_n; i++)
		pod_unref(w->pods[i]);
	w->told_n = w->told_pods_n = w->gone_n = w->pod_gone_n = w->unanswered_n = 0;
}

static inline void end(struct world *w)
{
	forget(w);
	cri_free(w->cri);
	server_stop(&w->server);
	unlink(w->server.path);
	loop_free(w->loop);
	free(w);
}

#endif
