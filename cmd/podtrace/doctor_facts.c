/* SPDX-License-Identifier: Apache-2.0 */
/* What the node is, in words: each fact with what follows from it, and what to do. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "base/errname.h"
#include "cmd/podtrace/doctor.h"
#include "cmd/podtrace/figures.h"
#include "enrich/cgroup_tree.h"

/* Capabilities that a feature of ours can use today; each feature names its own. */
static const char *const wanted[] = { "BPF", "PERFMON", "DAC_READ_SEARCH", "NET_ADMIN" };

struct doctor_fact *doctor_fact(struct checkup *c, const char *name, const char *value)
{
	struct doctor *d = &c->report;
	struct doctor_fact *f = &d->facts[d->facts_n++]; /* as many as are written below */

	f->name = name;
	str_copy(f->value, sizeof(f->value), str_of(value));
	return f;
}

void doctor_say(struct doctor_fact *f, const char *note, const char *fix)
{
	str_copy(f->note, sizeof(f->note), str_of(note));
	str_copy(f->fix, sizeof(f->fix), str_of(fix));
}

/* Items of a list are parted by blanks. */
static void as_list(struct doctor_fact *f, char sep)
{
	f->list = true;
	for (char *p = f->value; *p; p++)
		if (*p == sep)
			*p = ' ';
}

static const char *or_unknown(const char *value)
{
	return value[0] ? value : "unknown";
}

/* What is to be done about a mount that is missing is said once, there. */
static bool sees(const struct checkup *c, enum node_mount mount)
{
	return !(c->tree.missing >> mount & 1);
}

static void say_proc(const struct checkup *c, struct doctor_fact *f)
{
	char why[NO_PROC_MAX];

	if (!sees(c, MOUNT_PROC))
		doctor_say(f, no_proc(c->o, why), f->fix);
}

/* ---- kernel ------------------------------------------------------------------------------- */

static void add_btf(struct checkup *c)
{
	struct doctor_fact *f = doctor_fact(c, "btf", btf_name(c->btf));

	if (!sees(c, MOUNT_SYS) && c->btf != BTF_FILE) {
		str_copy(f->value, sizeof(f->value), str_of(btf_name(BTF_UNKNOWN)));
		doctor_say(f, "no sysfs is mounted at /sys, where the kernel tells its types", "");
		return;
	}

	switch (c->btf) {
	case BTF_NONE:
		doctor_say(f, "the kernel does not tell its types, and podtrace carries none for "
			      "it: programs cannot be fitted to it",
			   "podtrace doctor --btf FILE with this kernel's types; `make btf "
			   "VMLINUX=...` makes one");
		break;
	case BTF_UNKNOWN:
		doctor_say(f, "/sys/kernel/btf/vmlinux cannot be read", "");
		break;
	case BTF_EMBEDDED:
		doctor_say(f, "the kernel does not tell its types: podtrace carries those of this "
			      "release", "");
		break;
	case BTF_OWN:
	case BTF_FILE:
		break;
	}
}

static void add_kernel(struct checkup *c)
{
	struct doctor_fact *f;

	doctor_fact(c, "kernel", or_unknown(c->host.kernel));
	doctor_fact(c, "arch", or_unknown(c->host.arch));
	doctor_fact(c, "os", system_name(c->system.system));
	f = doctor_fact(c, "os_name", or_unknown(c->system.name));
	if (c->privilege.pid_ns == PID_NS_NESTED && c->system.system != SYSTEM_UNKNOWN)
		doctor_say(f, "it may be the container's: the node's is seen only from its pid namespace",
		    "");
	add_btf(c);
}

static void add_security(struct checkup *c)
{
	static const char unmounted[] = "no securityfs is mounted there";
	struct doctor_fact *f = doctor_fact(c, "lockdown", lockdown_name(c->lsm.lockdown));

	if (c->lsm.lockdown == LOCKDOWN_UNKNOWN) {
		snprintf(f->note, sizeof(f->note), "cannot read %s/kernel/security/lockdown: %s",
			 c->roots.sys,
			 !sees(c, MOUNT_SECURITYFS) ? unmounted
			 : c->lsm.lockdown_err	    ? errname(c->lsm.lockdown_err)
						    : "not its form");
	} else if (c->lsm.lockdown == LOCKDOWN_CONFIDENTIALITY) {
		doctor_say(f, "programs that copy kernel memory are refused", "");
	}
	f = doctor_fact(c, "lsm", or_unknown(c->lsm.list));
	as_list(f, ',');
	if (!c->lsm.list[0])
		snprintf(f->note, sizeof(f->note), "cannot read %s/kernel/security/lsm%s%s",
			 c->roots.sys, sees(c, MOUNT_SECURITYFS) ? "" : ": ",
			 sees(c, MOUNT_SECURITYFS) ? "" : unmounted);
	f = doctor_fact(c, "selinux", selinux_name(c->lsm.selinux));
	if (c->lsm.selinux == SELINUX_UNKNOWN)
		doctor_say(f, "cannot read /sys/fs/selinux/enforce",
		    "mount the node's /sys/fs/selinux there, read-only (hostPath: "
		    "/sys/fs/selinux)");
	f = doctor_fact(c, "label",
			!c->lsm.label_known ? "unknown" : c->lsm.label[0] ? c->lsm.label : "none");
	if (!c->lsm.label_known)
		say_proc(c, f);
}

/* ---- this process ------------------------------------------------------------------------- */

static void add_capabilities(struct checkup *c)
{
	struct doctor_fact *f = doctor_fact(c, "capabilities", "");
	struct buf value, note, fix;
	size_t missing = 0;

	buf_fixed(&value, f->value, sizeof(f->value));
	buf_fixed(&note, f->note, sizeof(f->note));
	buf_fixed(&fix, f->fix, sizeof(f->fix));
	privilege_caps(&c->privilege, &value);
	f->list = true;
	if (c->privilege.caps_known) {
		for (size_t i = 0; i < ARRAY_SIZE(wanted); i++) {
			if (privilege_has(&c->privilege, (u32)cap_find(str_of(wanted[i]))))
				continue;
			buf_printf(&note, "%s%s", missing ? " " : "of those it uses it lacks ",
				   wanted[i]);
			buf_printf(&fix, "%s%s",
				   missing ? ", "
					   : "sudo, or securityContext: "
					     "{runAsUser: 0, capabilities: {add: [",
				   wanted[i]);
			missing++;
		}
		if (missing)
			buf_cstr(&fix, "]}}");
	} else {
		buf_printf(&note, "cannot read %.160s/self/status", c->roots.proc);
	}
	value.p[value.n] = note.p[note.n] = fix.p[fix.n] = '\0';
	say_proc(c, f);
}

static void add_process(struct checkup *c)
{
	struct doctor_fact *f;

	add_capabilities(c);
	f = doctor_fact(c, "seccomp", seccomp_name(c->privilege.seccomp));
	say_proc(c, f);
	f = doctor_fact(c, "pid_namespace", pid_ns_name(c->privilege.pid_ns));
	if (c->privilege.pid_ns == PID_NS_NESTED) {
		doctor_say(f, "",
		    "hostPID: true, or without unshare (Talos 1.14: with workload isolation "
		    "it is the sandbox's all the same)");
		snprintf(f->note, sizeof(f->note),
			 "not the node's first one, but %" PRI_U64
			 ": processes have other pids here",
			 c->privilege.pid_ns_inode);
	} else if (c->privilege.pid_ns == PID_NS_UNKNOWN) {
		snprintf(f->note, sizeof(f->note), "cannot look at %.160s/self/ns/pid",
			 c->roots.proc);
		say_proc(c, f);
	}
}

/* ---- mounts ------------------------------------------------------------------------------- */

static const struct {
	const char *lost; /* without it */
	const char *fix;
} mounts[MOUNT_COUNT] = {
	[MOUNT_PROC] = { "processes and capabilities are not known",
			 FIX_PROC },
	[MOUNT_SYS] = { "the kernel's types are not found", "mount -t sysfs sysfs /sys" },
	[MOUNT_SECURITYFS] = { "lockdown and lsm are not known",
			       "mount -t securityfs securityfs /sys/kernel/security (in a pod: "
			       "hostPath /sys/kernel/security, there and read-only)" },
	[MOUNT_CGROUP] = { "containers cannot be told apart",
			   FIX_CGROUP },
};

static void add_mounts(struct checkup *c)
{
	struct doctor_fact *f = doctor_fact(c, "missing_mounts", "");
	struct buf value, note, fix;
	bool first = true;

	buf_fixed(&value, f->value, sizeof(f->value));
	buf_fixed(&note, f->note, sizeof(f->note));
	buf_fixed(&fix, f->fix, sizeof(f->fix));
	f->list = true;
	for (int m = 0; m < MOUNT_COUNT; m++) {
		if (!(c->tree.missing >> m & 1))
			continue;
		buf_printf(&value, "%s%s", first ? "" : " ", node_mount_name((enum node_mount)m));
		buf_printf(&note, "%s%s", first ? "" : "; ", mounts[m].lost);
		buf_printf(&fix, "%s%s", first ? "" : "; ", mounts[m].fix);
		first = false;
	}
	value.p[value.n] = note.p[note.n] = fix.p[fix.n] = '\0';
}

/* The one that tells containers apart. */
static void add_tree(struct checkup *c)
{
	char why[512];
	int fd = cgroup_tree_open(c->o->cgroup_base, &c->cgroup_tree, why, sizeof(why));
	struct doctor_fact *f =
		doctor_fact(c, "cgroup_tree", fd < 0 ? "none" : cgroup_tree_name(c->cgroup_tree));

	if (fd >= 0 && c->cgroup_tree != CGROUP_TREE_V2)
		doctor_say(f,
		    "v1: a connection is of the container whose process connects, listens or "
		    "accepts; one of which podtrace did not see that has no name",
		    "");
	if (fd >= 0)
		close(fd);
}

static void add_cgroup(struct checkup *c)
{
	struct doctor_fact *f = doctor_fact(c, "cgroup_version", cgroup_version_name(c->tree.version));

	if (c->tree.version == CGROUP_NONE)
		snprintf(f->note, sizeof(f->note), "no cgroups are mounted at %.120s",
			 c->roots.cgroup);
	else if (c->tree.version == CGROUP_UNKNOWN)
		snprintf(f->note, sizeof(f->note), "cannot look at %.120s: %s", c->roots.cgroup,
			 errname(c->tree.err));
	add_tree(c);
	f = doctor_fact(c, "cgroup_driver", cgroup_driver_name(c->tree.driver));
	if (c->tree.driver == DRIVER_UNKNOWN)
		doctor_say(f, "no folder of a kubelet (kubepods, kubepods.slice) is to be seen", "");
	else if (c->tree.driver == DRIVER_BOTH)
		doctor_say(f, "kubepods and kubepods.slice both exist: one is left from before", "");
	doctor_fact(c, "kubelet_root", c->tree.kubelet_root[0] ? c->tree.kubelet_root : "none");
	add_mounts(c);
}

static void add_figures(struct checkup *c)
{
	static const struct {
		enum wire_family family;
		const char *fact;
	} rows[] = { { FAMILY_sched, "figures_sched" }, { FAMILY_memory, "figures_memory" } };
	static const char *const values[] = { "all", "some", "none" };
	struct gauge *gauge = gauge_new(c->o->cgroup_base, figure_families());
	char place[NODE_PATH_MAX], reason[256];
	const char *fix;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct gauge_lack lack;

		if (!gauge || !figures_place(&c->roots, &c->tree, place, sizeof(place))) {
			doctor_fact(c, rows[i].fact, "unknown");
			continue;
		}
		gauge_try(gauge, str_of(place), rows[i].family, &lack);
		figures_say(place, &lack, reason, sizeof(reason), &fix);
		doctor_say(doctor_fact(c, rows[i].fact, values[figures_state(&lack)]), reason, fix);
	}
	gauge_free(gauge);
}

void doctor_facts(struct checkup *c)
{
	host_read(&c->roots, c->o->node_name, &c->host);
	lsm_read(&c->roots, &c->lsm);
	privilege_read(&c->roots, &c->privilege);
	tree_read(&c->roots, &c->tree);
	system_read(&c->roots, &c->system);
	c->btf = btf_read(&c->roots, c->o->btf, capture_btf_embedded());
	add_kernel(c);
	add_security(c);
	add_process(c);
	add_cgroup(c);
	add_figures(c);
}
