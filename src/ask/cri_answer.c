// SPDX-License-Identifier: Apache-2.0
#include "ask/cri_answer.h"

#include <errno.h>
#include <string.h>

#include <cri/cri.pb-c.h>

#include "ask/arena.h"

/* The kubelet's own labels and annotations (kubernetes pkg/kubelet/types/labels.go, pod_update.go).
 */
#define LABEL_POD_NAME	    STR("io.kubernetes.pod.name")
#define LABEL_POD_NAMESPACE STR("io.kubernetes.pod.namespace")
#define LABEL_POD_UID	    STR("io.kubernetes.pod.uid")
#define LABEL_CONTAINER	    STR("io.kubernetes.container.name")
#define CONFIG_SOURCE	    STR("kubernetes.io/config.source")

/* Each map has an entry type of its own, all alike. */
struct entry {
	ProtobufCMessage base;
	char *key, *value;
};
#define IS_ENTRY(type)                                                                             \
	_Static_assert(sizeof(type) == sizeof(struct entry) &&                                     \
			       offsetof(type, key) == offsetof(struct entry, key) &&               \
			       offsetof(type, value) == offsetof(struct entry, value),             \
		       "a map's entry")
IS_ENTRY(Runtime__V1__PodSandbox__LabelsEntry);
IS_ENTRY(Runtime__V1__PodSandbox__AnnotationsEntry);
IS_ENTRY(Runtime__V1__PodSandboxStatus__LabelsEntry);
IS_ENTRY(Runtime__V1__PodSandboxStatus__AnnotationsEntry);
IS_ENTRY(Runtime__V1__Container__LabelsEntry);
IS_ENTRY(Runtime__V1__ContainerStatus__LabelsEntry);

struct map {
	const void *entries; /* struct entry ** */
	size_t n;
};

/* What lists and events have in common. */
struct sandbox {
	const char *id;
	const Runtime__V1__PodSandboxMetadata *metadata;
	s64 created_at;
	struct map labels, annotations;
	u32 flags; /* of cri_known_pod */
	/* What lists do not say: */
	const char *ip;
	bool host_network;
};

struct application {
	const char *id, *sandbox_id;
	const Runtime__V1__ContainerMetadata *metadata;
	const Runtime__V1__ImageSpec *image;
	const char *image_ref, *image_id;
	s64 created_at;
	struct map labels;
	u32 flags;
	Runtime__V1__ContainerState state;
};

/* ---- maps ---------------------------------------------------------------------------------- */

static struct str map_get(struct map m, struct str key)
{
	const struct entry *const *e = m.entries;

	for (size_t i = 0; i < m.n; i++) {
		if (str_eq(str_of(e[i]->key), key))
			return str_of(e[i]->value);
	}
	return (struct str){ NULL, 0 };
}

/* Those whose key begins with prefix, POD_LABELS_MAX at most. */
static size_t map_labels(struct map m, struct str prefix, struct label ret[static POD_LABELS_MAX],
			 bool *cut)
{
	const struct entry *const *e = m.entries;
	size_t n = 0;

	for (size_t i = 0; i < m.n; i++) {
		struct label label = { str_of(e[i]->key), str_of(e[i]->value) };

		if (!str_starts(label.key, prefix))
			continue;
		if (n == POD_LABELS_MAX) {
			*cut = true;
			break;
		}
		ret[n++] = label;
	}
	return n;
}

/* ---- drafts --------------------------------------------------------------------------------- */

static u64 unix_ns(s64 t)
{
	return t > 0 ? (u64)t : 0;
}

/* A uid that does not fit would be another one if it were cut: "". */
static bool copy_uid(char dst[static WHO_UID_MAX], struct str uid)
{
	bool fits = uid.n < WHO_UID_MAX;

	str_copy(dst, WHO_UID_MAX, fits ? uid : STR(""));
	return fits && uid.n > 0;
}

static void tell_sandbox(struct cri_known *k, const struct sandbox *s)
{
	static const Runtime__V1__PodSandboxMetadata none = RUNTIME__V1__POD_SANDBOX_METADATA__INIT;
	const Runtime__V1__PodSandboxMetadata *m = s->metadata ? s->metadata : &none;
	struct label labels[POD_LABELS_MAX], annotations[POD_LABELS_MAX];
	struct pod pod = { .source = NAME_FROM_CRI,
			   .host_network = s->host_network,
			   .namespace = str_of(m->namespace_),
			   .name = str_of(m->name),
			   .ip = str_of(s->ip),
			   .labels = labels,
			   .annotations = annotations };
	struct container c = { .source = NAME_FROM_CRI,
			       .sandbox = true,
			       .pod_namespace = pod.namespace,
			       .pod_name = pod.name,
			       .restarts = m->attempt,
			       .created_ns = unix_ns(s->created_at) };

	if (!cri_id_ok(str_of(s->id))) {
		k->status->skipped++;
		return;
	}
	str_copy(c.id, sizeof(c.id), str_of(s->id));
	if (!copy_uid(pod.uid, str_of(m->uid)))
		k->status->skipped++;
	str_copy(c.pod_uid, sizeof(c.pod_uid), str_of(pod.uid));
	/* A static pod's uid is its file's hash; the API server's copy of it has another one. */
	if (str_eq(map_get(s->annotations, CONFIG_SOURCE), STR("api")))
		str_copy(pod.api_uid, sizeof(pod.api_uid), str_of(pod.uid));
	/* A second sandbox is younger than its pod. */
	if (m->attempt == 0)
		pod.started_ns = c.created_ns;
	pod.labels_n = map_labels(s->labels, STR(""), labels, &pod.cut);
	pod.annotations_n =
		map_labels(s->annotations, STR(POD_ANNOTATION_PREFIX), annotations, &pod.cut);
	pod_derive_owner(&pod);
	cri_known_pod(k, &pod, &c, s->flags);
}

/* As the manifest has it. The kubelet asks for an image by its digest, once it has it: that is
 * its id and not its name. */
static struct str image_name(const Runtime__V1__ImageSpec *image)
{
	struct str name = str_of(image ? image->user_specified_image : NULL);

	if (!name.n)
		name = str_of(image ? image->image : NULL);
	return str_starts(name, STR("sha256:")) || cri_id_ok(name) ? STR("") : name;
}

/* containerd: id "sha256:...", reference the same. CRI-O: id bare hex, reference with a digest. */
static struct str image_id(const struct application *a)
{
	struct str id = str_of(a->image_id), ref = str_of(a->image_ref);

	return ref.n && !str_starts(id, STR("sha256:")) ? ref : id;
}

static void tell_application(struct cri_known *k, const struct application *a)
{
	struct str label = map_get(a->labels, LABEL_CONTAINER);
	struct str uid = map_get(a->labels, LABEL_POD_UID);
	struct container c = { .source = NAME_FROM_CRI,
			       .pod_namespace = map_get(a->labels, LABEL_POD_NAMESPACE),
			       .pod_name = map_get(a->labels, LABEL_POD_NAME),
			       .name = label.n || !a->metadata ? label : str_of(a->metadata->name),
			       .image = image_name(a->image),
			       .image_id = image_id(a),
			       .restarts = a->metadata ? a->metadata->attempt : 0,
			       .exited = a->state == RUNTIME__V1__CONTAINER_STATE__CONTAINER_EXITED,
			       .created_ns = unix_ns(a->created_at) };

	if (!cri_id_ok(str_of(a->id))) {
		k->status->skipped++;
		return;
	}
	str_copy(c.id, sizeof(c.id), str_of(a->id));
	if (!uid.n)
		uid = str_of(cri_known_uid(k, str_of(a->sandbox_id)));
	copy_uid(c.pod_uid, uid);
	cri_known_container(k, &c, str_of(a->sandbox_id), a->flags);
}

/* ---- lists ----------------------------------------------------------------------------------- */

static u32 if_dead(Runtime__V1__PodSandboxState state)
{
	return state == RUNTIME__V1__POD_SANDBOX_STATE__SANDBOX_READY ? 0 : CRI_DEAD;
}

static void tell_listed(struct cri_known *k, const Runtime__V1__PodSandbox *p)
{
	struct sandbox s = { .id = p->id,
			     .flags = if_dead(p->state),
			     .metadata = p->metadata,
			     .created_at = p->created_at,
			     .labels = { p->labels, p->n_labels },
			     .annotations = { p->annotations, p->n_annotations } };

	tell_sandbox(k, &s);
}

static void tell_those(struct cri_known *k, const Runtime__V1__ListPodSandboxResponse *m, u32 flags)
{
	for (size_t i = 0; i < m->n_items; i++) {
		if (if_dead(m->items[i]->state) == flags)
			tell_listed(k, m->items[i]);
	}
}

int cri_answer_pods(struct cri_known *k, struct str message)
{
	struct arena a = ARENA(CRI_MEMORY_MAX);
	int err;
	const Runtime__V1__ListPodSandboxResponse *m = arena_unpack(
		&a, &runtime__v1__list_pod_sandbox_response__descriptor, message, &err);

	/* A pod's dead sandboxes first, so that its living one has the last word. */
	if (m) {
		tell_those(k, m, CRI_DEAD);
		tell_those(k, m, 0);
	}
	arena_free(&a, false);
	return err;
}

int cri_answer_containers(struct cri_known *k, struct str message)
{
	struct arena a = ARENA(CRI_MEMORY_MAX);
	int err;
	const Runtime__V1__ListContainersResponse *m =
		arena_unpack(&a, &runtime__v1__list_containers_response__descriptor, message, &err);

	for (size_t i = 0; m && i < m->n_containers; i++) {
		const Runtime__V1__Container *c = m->containers[i];
		struct application app = { .id = c->id,
					   .sandbox_id = c->pod_sandbox_id,
					   .metadata = c->metadata,
					   .image = c->image,
					   .image_ref = c->image_ref,
					   .image_id = c->image_id,
					   .created_at = c->created_at,
					   .state = c->state,
					   .labels = { c->labels, c->n_labels } };

		tell_application(k, &app);
	}
	arena_free(&a, false);
	return err;
}

/* ---- what tells all: events and a pod's status
 * ---------------------------------------------------------------------------------- */

static bool is_host_network(const Runtime__V1__PodSandboxStatus *p)
{
	return p->linux_ && p->linux_->namespaces && p->linux_->namespaces->options &&
	       p->linux_->namespaces->options->network == RUNTIME__V1__NAMESPACE_MODE__NODE;
}

static void tell_sandbox_status(struct cri_known *k, const Runtime__V1__PodSandboxStatus *p)
{
	struct sandbox s = { .id = p->id,
			     .metadata = p->metadata,
			     .created_at = p->created_at,
			     .labels = { p->labels, p->n_labels },
			     .annotations = { p->annotations, p->n_annotations },
			     .flags = CRI_FULL | if_dead(p->state),
			     .ip = p->network ? p->network->ip : NULL,
			     .host_network = is_host_network(p) };

	tell_sandbox(k, &s);
}

int cri_answer_pod(struct cri_known *k, struct str message)
{
	struct arena a = ARENA(CRI_MEMORY_MAX);
	int err;
	const Runtime__V1__PodSandboxStatusResponse *m = arena_unpack(
		&a, &runtime__v1__pod_sandbox_status_response__descriptor, message, &err);

	if (m && m->status)
		tell_sandbox_status(k, m->status);
	arena_free(&a, false);
	return err;
}

static void tell_status(struct cri_known *k, const Runtime__V1__ContainerStatus *c,
			const char *sandbox_id)
{
	struct application app = { .id = c->id,
				   .sandbox_id = sandbox_id,
				   .metadata = c->metadata,
				   .image = c->image,
				   .image_ref = c->image_ref,
				   .image_id = c->image_id,
				   .created_at = c->created_at,
				   .state = c->state,
				   .labels = { c->labels, c->n_labels },
				   .flags = CRI_FULL };

	tell_application(k, &app);
}

int cri_answer_event(struct cri_known *k, struct str message)
{
	struct arena a = ARENA(CRI_MEMORY_MAX);
	int err;
	const Runtime__V1__ContainerEventResponse *m =
		arena_unpack(&a, &runtime__v1__container_event_response__descriptor, message, &err);
	const Runtime__V1__PodSandboxStatus *p = m ? m->pod_sandbox_status : NULL;
	struct str gone = STR("");

	if (m &&
	    m->container_event_type == RUNTIME__V1__CONTAINER_EVENT_TYPE__CONTAINER_DELETED_EVENT)
		gone = str_of(m->container_id);
	/* The last event of a sandbox may come after its pod's next one: it is told no more. */
	if (p && !str_eq(str_of(p->id), gone))
		tell_sandbox_status(k, p);
	for (size_t i = 0; m && i < m->n_containers_statuses; i++) {
		if (!str_eq(str_of(m->containers_statuses[i]->id), gone))
			tell_status(k, m->containers_statuses[i], p ? p->id : "");
	}
	if (cri_id_ok(gone))
		cri_known_gone(k, gone);
	else if (gone.n)
		k->status->skipped++;
	arena_free(&a, false);
	return err;
}
