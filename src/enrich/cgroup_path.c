// SPDX-License-Identifier: Apache-2.0
/*
 * One pass over the components, from the root. Three questions are asked of each: is it a
 * pod, is it a container, is it still the name of a unit; the answers are joined at the end.
 *
 *	path   = [".."...] any* [pod] any* [leaf] child*
 *	pod    = "kubepods/" [qos "/"] "pod" uid			cgroupfs driver
 *	       | [root "-"] "kubepods" ["-" qos] "-pod" uid_ ".slice"	systemd driver
 *	uid    = 8-4-4-4-12 hex | 32 hex (static pod: md5 of its manifest, kubelet
 *		 pkg/kubelet/config/common.go); uid_ has "_" for "-"
 *	leaf   = id | prefix id [".scope"] | slice ":" prefix ":" id
 *	id     = 64 lower-case hex digits
 *
 * Names by kubelet pkg/kubelet/cm/cgroup_manager_linux.go (root: its --cgroup-root, each
 * component's "-" escaped; Guaranteed has no level of its own), containerd
 * internal/cri/server/helpers.go, CRI-O internal/config/cgmgr, podman libpod (cgroups=split:
 * "libpod-payload-", what Quadlet uses). The form with colons is a systemd-style path
 * given to a runtime that is set to cgroupfs: it becomes the directory's literal name.
 */
#include "enrich/cgroup_path.h"

#include <string.h>

#define ID_LEN	 (WHO_ID_MAX - 1)
#define UID_LEN	 (WHO_UID_MAX - 1)
#define UID_BARE 32

enum scope { SCOPE_YES, SCOPE_MAYBE };

/* In front of an id. A name that begins so but has no id behind it is nothing special. */
static const struct leaf {
	struct str prefix;
	const char *runtime;
	enum scope scope; /* whether ".scope" must end it */
	bool helper;
	bool rootless; /* users run it, each below their own unit */
} leaves[] = {
	{ STR("cri-containerd-"), "containerd", SCOPE_YES, false, false },
	{ STR("crio-conmon-"), "cri-o", SCOPE_MAYBE, true, false },
	{ STR("crio-"), "cri-o", SCOPE_MAYBE, false, false },
	{ STR("docker-"), "docker", SCOPE_YES, false, true },
	{ STR("libpod-conmon-"), "podman", SCOPE_MAYBE, true, true },
	{ STR("libpod-payload-"), "podman", SCOPE_MAYBE, false, true },
	{ STR("libpod-"), "podman", SCOPE_MAYBE, false, true },
	{ STR("nerdctl-"), "containerd", SCOPE_YES, false, true },
};

/*
 * Services that make containers, by the beginnings of their names. What is below any other
 * service or below user.slice was perhaps delegated to somebody who may make directories
 * there as he likes: it names no pod, and no container but those that users run.
 */
static const struct str makers[] = {
	STR("containerd"), STR("docker"), STR("cri-docker"), STR("crio"),	    STR("podman"),
	STR("kubelet"),	   STR("k3s"),	  STR("k0s"),	     STR("rke2"),	    STR("ecs"),
	STR("snap."),	   STR("nomad"),  STR("buildkit"),   STR("actions.runner"),
};

/* What the directory above a bare id tells of it. */
static const struct parent {
	struct str name;
	const char *runtime; /* NULL: its ids are no containers */
} parents[] = {
	{ STR("docker"), "docker" },
	{ STR("k8s.io"), "containerd" },  /* containerd's cgroupsPath is /<namespace>/<id> */
	{ STR("default"), "containerd" }, /* likewise, nerdctl's namespace */
	{ STR("libpod_parent"), NULL },	  /* podman's pods, that is, the place of conmon */
};

static const char *const qos_names[] = { "burstable", "besteffort", "guaranteed" };

/* Suffixes of units that may own processes; a slice is only the way to them. */
static const struct str unit_types[] = {
	STR(".service"), STR(".scope"), STR(".socket"), STR(".mount"), STR(".swap"),
};

/* Trees that systemd does not make: how many components name the service or machine. */
static const struct root {
	struct str name;
	size_t depth;
	bool prefix;	   /* name is only its beginning */
	struct str deeper; /* second component that itself has children which are services */
} roots[] = {
	{ STR("init"), 1, false, STR("") }, /* these four: Talos, pkg/machinery/constants */
	{ STR("system"), 2, false, STR("extensions") },
	{ STR("podruntime"), 2, false, STR("") },
	{ STR("taloscontainers"), 2, false, STR("") },
	{ STR("kubelet"), 1, false, STR("") }, /* kind and kubeadm with cgroupfs */
	{ STR("default"), 2, false, STR("") }, /* containerd's namespace, named containers */
	{ STR("lxc"), 2, false, STR("") },     /* Proxmox: /lxc/101/ns */
	{ STR("lxc.payload"), 2, false, STR("") },
	{ STR("lxc.monitor"), 2, false, STR("") },
	{ STR("lxc.payload"), 1, true, STR("") }, /* lxc.payload.NAME, lxc.payload-NAME */
	{ STR("lxc.monitor"), 1, true, STR("") },
};

enum unit_state { UNIT_TOP, UNIT_SLICES, UNIT_ROOT, UNIT_DONE };

struct scan {
	struct str path;
	struct str prev1, prev2; /* the component before, and the one before that */

	struct str id; /* innermost */
	const char *runtime;
	bool helper;
	size_t id_end; /* offset behind its component */

	char uid[WHO_UID_MAX]; /* of the first pod */
	const char *qos;
	size_t pod_end; /* 0: no pod */

	bool foreign; /* see makers */

	enum unit_state unit_state;
	struct str unit_deeper;
	size_t unit_left; /* UNIT_ROOT: components still to come */
	size_t unit_from, unit_end;
};

static bool is_hex(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		if (!(s.p[i] >= '0' && s.p[i] <= '9') && !(s.p[i] >= 'a' && s.p[i] <= 'f'))
			return false;
	}
	return true;
}

static bool is_id(struct str s)
{
	return s.n == ID_LEN && is_hex(s);
}

/* s without its suffix, or the view with p NULL. */
static struct str without_end(struct str s, struct str suffix)
{
	if (!str_ends(s, suffix))
		return (struct str){ NULL, 0 };
	return str_slice(s, 0, s.n - suffix.n);
}

static bool uid_copy(struct str s, char sep, char dst[static WHO_UID_MAX])
{
	static const size_t dashes[] = { 8, 13, 18, 23, UID_LEN };
	size_t from = 0;

	if (s.n == UID_BARE && is_hex(s)) {
		str_copy(dst, WHO_UID_MAX, s);
		return true;
	}
	if (s.n != UID_LEN)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(dashes); i++) {
		if (!is_hex(str_slice(s, from, dashes[i])))
			return false;
		if (dashes[i] < s.n && s.p[dashes[i]] != sep)
			return false;
		from = dashes[i] + 1;
	}
	str_copy(dst, WHO_UID_MAX, s);
	for (size_t i = 0; i < ARRAY_SIZE(dashes) - 1; i++)
		dst[dashes[i]] = '-';
	return true;
}

static const char *qos_of(struct str name)
{
	for (size_t i = 0; i < ARRAY_SIZE(qos_names); i++) {
		if (str_eq(name, str_of(qos_names[i])))
			return qos_names[i];
	}
	return NULL;
}

/* "kubepods", alone or at the end of an escaped root: "kubelet-kubepods". */
static bool is_kubepods(struct str name)
{
	struct str root = without_end(name, STR("kubepods"));

	return root.p && (root.n == 0 || root.p[root.n - 1] == '-');
}

/* The slice of a pod, read from its end, since the escaped root may be anything. */
static bool pod_systemd(struct str c, char uid[static WHO_UID_MAX], const char **ret_qos)
{
	static const size_t lens[] = { UID_LEN, UID_BARE };
	struct str s = without_end(c, STR(".slice"));

	for (size_t i = 0; i < ARRAY_SIZE(lens); i++) {
		struct str head;

		if (s.n <= lens[i] || !uid_copy(str_slice(s, s.n - lens[i], s.n), '_', uid))
			continue;
		head = without_end(str_slice(s, 0, s.n - lens[i]), STR("-pod"));
		if (!head.p)
			continue;
		if (is_kubepods(head)) {
			*ret_qos = "guaranteed";
			return true;
		}
		for (size_t q = 0; q < ARRAY_SIZE(qos_names); q++) {
			struct str kube = without_end(head, str_of(qos_names[q]));

			if (!kube.n || kube.p[kube.n - 1] != '-')
				continue;
			*ret_qos = qos_names[q];
			return is_kubepods(str_slice(kube, 0, kube.n - 1));
		}
	}
	return false;
}

/* Above the root of a cgroup namespace only ".." is known of the path, or nothing. */
static bool is_hidden(struct str c)
{
	return c.n == 0 || str_eq(c, STR(".."));
}

static bool pod_cgroupfs(const struct scan *s, struct str c, char uid[static WHO_UID_MAX],
			 const char **ret_qos)
{
	const char *qos;

	if (!str_starts(c, STR("pod")) || !uid_copy(str_slice(c, 3, c.n), '-', uid))
		return false;
	if (str_eq(s->prev1, STR("kubepods"))) {
		*ret_qos = "guaranteed";
		return true;
	}
	if (str_eq(s->prev1, STR(".."))) {
		*ret_qos = "";
		return true;
	}
	qos = qos_of(s->prev1);
	if (!qos || !(str_eq(s->prev2, STR("kubepods")) || is_hidden(s->prev2)))
		return false;
	*ret_qos = qos;
	return true;
}

static void see_pod(struct scan *s, struct str c, size_t end)
{
	char uid[WHO_UID_MAX];
	const char *qos = "";

	if (s->pod_end || s->foreign)
		return; /* the first one counts */
	if (!pod_cgroupfs(s, c, uid, &qos) &&
	    !pod_systemd(str_slice(c, 0, str_find(c, ':')), uid, &qos))
		return;
	memcpy(s->uid, uid, sizeof(uid));
	s->qos = qos;
	s->pod_end = end;
}

/* "slice:prefix:id" */
static const struct leaf *leaf_colons(struct str c, struct str *ret_id)
{
	struct str slice, prefix, rest = c;

	if (!str_cut(&rest, ':', &slice) || !str_cut(&rest, ':', &prefix) || !is_id(rest))
		return NULL;
	for (size_t i = 0; i < ARRAY_SIZE(leaves); i++) {
		const struct leaf *l = &leaves[i];

		if (!str_eq(prefix, str_slice(l->prefix, 0, l->prefix.n - 1)))
			continue;
		*ret_id = rest;
		return l;
	}
	return NULL;
}

static const struct leaf *leaf_of(struct str c, struct str *ret_id)
{
	struct str bare = without_end(c, STR(".scope"));

	for (size_t i = 0; i < ARRAY_SIZE(leaves); i++) {
		const struct leaf *l = &leaves[i];
		struct str s = bare.p || l->scope == SCOPE_YES ? bare : c;

		if (!s.p || !str_starts(s, l->prefix))
			continue;
		s = str_slice(s, l->prefix.n, s.n);
		if (!is_id(s))
			continue;
		*ret_id = s;
		return l;
	}
	return leaf_colons(c, ret_id);
}

static void see_container(struct scan *s, struct str c, size_t end)
{
	const char *runtime = "";
	const struct leaf *l;
	struct str id;

	/* of a pod the kubelet's own container counts: what runs in it may name what it makes */
	if (s->pod_end && s->id_end > s->pod_end)
		return;
	if (is_id(c)) {
		if (s->foreign)
			return;
		for (size_t i = 0; i < ARRAY_SIZE(parents); i++) {
			if (str_eq(s->prev1, parents[i].name))
				runtime = parents[i].runtime;
		}
		if (!runtime)
			return;
		s->id = c;
		s->runtime = runtime;
		s->helper = false;
		s->id_end = end;
		return;
	}
	l = leaf_of(c, &id);
	if (!l || (s->foreign && !l->rootless))
		return;
	s->id = id;
	s->runtime = l->runtime;
	s->helper = l->helper;
	s->id_end = end;
}

static bool is_maker(struct str c)
{
	for (size_t i = 0; i < ARRAY_SIZE(makers); i++) {
		if (str_starts(c, makers[i]))
			return true;
	}
	return false;
}

static bool is_type(struct str c, struct str suffix)
{
	return c.n > suffix.n && str_ends(c, suffix);
}

/* Outside of containers: from here on directories may be anybody's. */
static bool is_delegated(struct str c)
{
	return str_eq(c, STR("user.slice")) || (is_type(c, STR(".service")) && !is_maker(c));
}

static bool is_unit(struct str c)
{
	for (size_t i = 0; i < ARRAY_SIZE(unit_types); i++) {
		if (is_type(c, unit_types[i]))
			return true;
	}
	return false;
}

static const struct root *root_of(struct str c)
{
	for (size_t i = 0; i < ARRAY_SIZE(roots); i++) {
		const struct root *r = &roots[i];

		if (r->prefix ? str_starts(c, r->name) : str_eq(c, r->name))
			return r;
	}
	return NULL;
}

/* Slices lead to the first unit that is none; what is below it is its own affair. */
static void see_unit(struct scan *s, struct str c, size_t end)
{
	const struct root *r;

	switch (s->unit_state) {
	case UNIT_TOP:
	case UNIT_SLICES:
		if (is_type(c, STR(".slice")) || is_unit(c)) {
			s->unit_state = is_unit(c) ? UNIT_DONE : UNIT_SLICES;
			s->unit_from = end - c.n;
			s->unit_end = end;
			return;
		}
		r = s->unit_state == UNIT_TOP ? root_of(c) : NULL;
		s->unit_state = r && r->depth > 1 ? UNIT_ROOT : UNIT_DONE;
		if (!r)
			return;
		s->unit_from = end - c.n;
		s->unit_end = end;
		s->unit_left = r->depth - 1;
		s->unit_deeper = r->deeper;
		return;
	case UNIT_ROOT:
		s->unit_end = end;
		if (s->unit_deeper.n && str_eq(c, s->unit_deeper))
			s->unit_left++;
		s->unit_deeper = STR("");
		if (--s->unit_left == 0)
			s->unit_state = UNIT_DONE;
		return;
	case UNIT_DONE:
		return;
	}
}

static void scan_path(struct str path, struct scan *ret)
{
	struct str rest = path, c;

	memset(ret, 0, sizeof(*ret));
	ret->path = path;
	ret->qos = "";
	while (str_cut(&rest, '/', &c)) {
		size_t end = rest.p ? path.n - rest.n - 1 : path.n;

		if (c.n == 0)
			continue;
		if (!str_eq(c, STR(".."))) {
			ret->foreign |= !ret->id_end && !ret->pod_end && is_delegated(c);
			see_pod(ret, c, end);
			see_container(ret, c, end);
			see_unit(ret, c, end);
		}
		ret->prev2 = ret->prev1;
		ret->prev1 = c;
	}
}

static void unit_copy(const struct scan *s, char dst[static WHO_UNIT_MAX])
{
	struct str unit = str_slice(s->path, s->unit_from, s->unit_end);
	size_t n = str_copy_utf8(dst, WHO_UNIT_MAX, unit, NULL);

	for (size_t i = 0; i < n; i++) {
		if ((unsigned char)dst[i] < ' ' || dst[i] == 0x7f)
			dst[i] = '?';
	}
}

void cgroup_path_parse(struct str path, struct who *ret)
{
	struct scan s;

	scan_path(path, &s);
	memset(ret, 0, sizeof(*ret));
	ret->resource = -1;
	str_copy(ret->pod_uid, sizeof(ret->pod_uid), str_of(s.uid));
	str_copy(ret->qos, sizeof(ret->qos), str_of(s.qos));
	/* A pod below the innermost container is one whose container we do not see. */
	if (s.id_end && s.id_end >= s.pod_end) {
		ret->kind = s.helper ? WHO_HELPER : WHO_CONTAINER;
		str_copy(ret->container_id, sizeof(ret->container_id), s.id);
		str_copy(ret->runtime, sizeof(ret->runtime), str_of(s.runtime));
	} else if (s.pod_end) {
		ret->kind = WHO_POD;
	} else if (s.unit_end) {
		ret->kind = WHO_UNIT;
		unit_copy(&s, ret->unit);
	} else {
		ret->kind = WHO_HOST;
	}
}

size_t cgroup_path_own(struct str path)
{
	struct scan s;

	scan_path(path, &s);
	if (s.id_end && s.id_end >= s.pod_end)
		return s.id_end;
	if (s.pod_end)
		return s.pod_end;
	return s.unit_end ? s.unit_end : path.n;
}
