// SPDX-License-Identifier: Apache-2.0
/* links: src/enrich/cgroup_path.c */
/*
 * Real cgroup paths of the platforms we run on, and paths that look like them and are not.
 * Sources of the forms stand in src/enrich/cgroup_path.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "enrich/cgroup_path.h"

#define A    "2f4c1d6b0a9e8d7c5b3a1928374655647382910fedcba98765432100aabbccdd"
#define B    "b0c1d2e3f405162738495a6b7c8d9eafb0c1d2e3f405162738495a6b7c8d9eaf"
#define C63  "2f4c1d6b0a9e8d7c5b3a1928374655647382910fedcba98765432100aabbccd"
#define UID  "6c1b6a5e-7d2f-4c3b-9a8e-0f1e2d3c4b5a"
#define UID_ "6c1b6a5e_7d2f_4c3b_9a8e_0f1e2d3c4b5a"
#define UID2 "0a9b8c7d-1122-4333-8444-555566667777"
#define MD5  "d6f1d5a2c4b3e7f8091a2b3c4d5e6f70"
#define QB   "kubepods-burstable"
#define USER "/user.slice/user-1000.slice/user@1000.service"
#define KIND_POD                                                                                 \
	"/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-burstable.slice/"                \
	"kubelet-kubepods-burstable-pod" UID_ ".slice"

struct expect {
	enum who_kind kind;
	const char *pod, *id, *runtime, *qos, *unit;
};

#define CTR(pod, id, runtime, qos) { WHO_CONTAINER, pod, id, runtime, qos, "" }
#define HELPER(pod, id, runtime, qos) { WHO_HELPER, pod, id, runtime, qos, "" }
#define POD(pod, qos) { WHO_POD, pod, "", "", qos, "" }
#define UNIT(unit) { WHO_UNIT, "", "", "", "", unit }
#define HOST { WHO_HOST, "", "", "", "", "" }

/* own: the part that names it; NULL: all of the path. */
static const struct test_path {
	const char *path;
	struct expect is;
	const char *own;
} paths[] = {
	/* Talos (cgroupfs driver, containerd) */
	{ "/kubepods/burstable/pod" UID "/" A, CTR(UID, A, "", "burstable"), NULL },
	{ "/kubepods/besteffort/pod" UID "/" A, CTR(UID, A, "", "besteffort"), NULL },
	{ "/kubepods/pod" UID "/" A, CTR(UID, A, "", "guaranteed"), NULL },
	{ "/kubepods/burstable/pod" MD5 "/" A, CTR(MD5, A, "", "burstable"), NULL },
	{ "/kubepods/burstable/pod" UID, POD(UID, "burstable"), NULL },
	{ "/kubepods/pod" UID, POD(UID, "guaranteed"), NULL },
	{ "/kubepods/burstable/pod" UID "/exec-of-something", POD(UID, "burstable"),
	  "/kubepods/burstable/pod" UID },
	{ "/kubepods/burstable/pod" UID "/" A "/init.scope", CTR(UID, A, "", "burstable"),
	  "/kubepods/burstable/pod" UID "/" A },
	{ "/init", UNIT("init"), NULL },
	{ "/system/runtime", UNIT("system/runtime"), NULL },
	{ "/system/apid", UNIT("system/apid"), NULL },
	{ "/system/udevd", UNIT("system/udevd"), NULL },
	{ "/system/extensions/tailscale", UNIT("system/extensions/tailscale"), NULL },
	{ "/system/extensions", UNIT("system/extensions"), NULL },
	{ "/system", UNIT("system"), NULL },
	{ "/podruntime/kubelet", UNIT("podruntime/kubelet"), NULL },
	{ "/podruntime/runtime", UNIT("podruntime/runtime"), NULL },
	{ "/podruntime/etcd", UNIT("podruntime/etcd"), NULL },
	{ "/podruntime/shim/x/y", UNIT("podruntime/shim"), "/podruntime/shim" },
	{ "/taloscontainers/web/a", UNIT("taloscontainers/web"), "/taloscontainers/web" },

	/* Flatcar, Bottlerocket, EKS, COS (systemd driver, containerd) */
	{ "/kubepods.slice/" QB ".slice/" QB "-pod" UID_ ".slice/cri-containerd-" A ".scope",
	  CTR(UID, A, "containerd", "burstable"), NULL },
	{ "/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod" UID_
	  ".slice/cri-containerd-" A ".scope",
	  CTR(UID, A, "containerd", "besteffort"), NULL },
	{ "/kubepods.slice/kubepods-pod" UID_ ".slice/cri-containerd-" A ".scope",
	  CTR(UID, A, "containerd", "guaranteed"), NULL },
	{ "/kubepods.slice/kubepods-pod" MD5 ".slice/cri-containerd-" A ".scope",
	  CTR(MD5, A, "containerd", "guaranteed"), NULL },
	{ "/kubepods.slice/" QB ".slice/" QB "-pod" MD5 ".slice/cri-containerd-" A ".scope",
	  CTR(MD5, A, "containerd", "burstable"), NULL },
	{ "/kubepods.slice/" QB ".slice/" QB "-pod" UID_ ".slice", POD(UID, "burstable"), NULL },
	{ "/kubepods.slice/" QB ".slice/" QB "-pod" UID_ ".slice/cri-containerd-" A
	  ".scope/system.slice/nginx.service",
	  CTR(UID, A, "containerd", "burstable"),
	  "/kubepods.slice/" QB ".slice/" QB "-pod" UID_ ".slice/cri-containerd-" A ".scope" },
	{ "/kubepods.slice", UNIT("kubepods.slice"), NULL },
	{ "/kubepods.slice/" QB ".slice", UNIT(QB ".slice"), NULL },
	{ "/kubepods/burstable", HOST, NULL },
	{ "/runtime.slice/containerd.service", UNIT("containerd.service"), NULL },
	{ "/system.slice/host-containerd.service", UNIT("host-containerd.service"), NULL },

	/* systemd-style path given to a runtime set to cgroupfs */
	{ "/system.slice/containerd.service/" QB "-pod" UID_ ".slice:cri-containerd:" A,
	  CTR(UID, A, "containerd", "burstable"), NULL },
	{ "/kubepods-pod" UID_ ".slice:crio:" A "/container", CTR(UID, A, "cri-o", "guaranteed"),
	  "/kubepods-pod" UID_ ".slice:crio:" A },
	{ "/system.slice:docker:" A, CTR("", A, "docker", ""), NULL },

	/* OpenShift, CRI-O */
	{ "/kubepods.slice/" QB ".slice/" QB "-pod" UID_ ".slice/crio-" A ".scope",
	  CTR(UID, A, "cri-o", "burstable"), NULL },
	{ "/kubepods.slice/" QB ".slice/" QB "-pod" UID_ ".slice/crio-" A ".scope/container",
	  CTR(UID, A, "cri-o", "burstable"),
	  "/kubepods.slice/" QB ".slice/" QB "-pod" UID_ ".slice/crio-" A ".scope" },
	{ "/kubepods.slice/" QB ".slice/" QB "-pod" UID_ ".slice/crio-" A ".scope/exec-4711",
	  CTR(UID, A, "cri-o", "burstable"),
	  "/kubepods.slice/" QB ".slice/" QB "-pod" UID_ ".slice/crio-" A ".scope" },
	{ "/kubepods.slice/kubepods-pod" UID_ ".slice/crio-conmon-" A ".scope",
	  HELPER(UID, A, "cri-o", "guaranteed"), NULL },
	{ "/system.slice/crio-conmon-" A ".scope", HELPER("", A, "cri-o", ""), NULL },
	{ "/kubepods/besteffort/pod" UID "/crio-" A, CTR(UID, A, "cri-o", "besteffort"), NULL },
	{ "/kubepods/besteffort/pod" UID "/crio-conmon-" A,
	  HELPER(UID, A, "cri-o", "besteffort"), NULL },
	{ "/system.slice/crio.service", UNIT("crio.service"), NULL },

	/* docker: dockershim, cri-dockerd, plain, ECS, a build runner */
	{ "/kubepods.slice/" QB ".slice/" QB "-pod" UID_ ".slice/docker-" A ".scope",
	  CTR(UID, A, "docker", "burstable"), NULL },
	{ "/docker/" A, CTR("", A, "docker", ""), NULL },
	{ "/system.slice/docker-" A ".scope", CTR("", A, "docker", ""), NULL },
	{ "/system.slice/docker-" A ".scope/init.scope", CTR("", A, "docker", ""),
	  "/system.slice/docker-" A ".scope" },
	{ USER "/user.slice/docker-" A ".scope", CTR("", A, "docker", ""), NULL },
	{ "/ecs/0123456789abcdef0123456789abcdef/" A, CTR("", A, "", ""), NULL },
	{ "/ecstasks.slice/ecstasks-0123456789abcdef0123456789abcdef.slice/docker-" A ".scope",
	  CTR("", A, "docker", ""), NULL },
	{ "/actions_job/" A, CTR("", A, "", ""), NULL },
	{ "/docker/buildkit/xq3f7m2k9", HOST, NULL },
	{ "/docker", HOST, NULL },

	/* podman, Quadlet, nerdctl, containerd */
	{ "/machine.slice/libpod-" A ".scope", CTR("", A, "podman", ""), NULL },
	{ "/machine.slice/libpod-" A ".scope/container", CTR("", A, "podman", ""),
	  "/machine.slice/libpod-" A ".scope" },
	{ "/machine.slice/libpod-conmon-" A ".scope", HELPER("", A, "podman", ""), NULL },
	{ "/machine.slice/machine-libpod_pod_" B ".slice/libpod-" A ".scope",
	  CTR("", A, "podman", ""), NULL },
	{ "/machine.slice/machine-libpod_pod_" B ".slice",
	  UNIT("machine-libpod_pod_" B ".slice"), NULL },
	{ USER "/user.slice/libpod-" A ".scope/container", CTR("", A, "podman", ""),
	  USER "/user.slice/libpod-" A ".scope" },
	{ "/libpod_parent/libpod-" A, CTR("", A, "podman", ""), NULL },
	{ "/libpod_parent/" B "/libpod-" A, CTR("", A, "podman", ""), NULL },
	{ "/libpod_parent/" B "/conmon", HOST, NULL },
	{ "/system.slice/web.service/libpod-payload-" A, CTR("", A, "podman", ""), NULL },
	{ "/system.slice/web.service/runtime", UNIT("web.service"), "/system.slice/web.service" },
	{ "/system.slice/nerdctl-" A ".scope", CTR("", A, "containerd", ""), NULL },
	{ "/default/" A, CTR("", A, "containerd", ""), NULL },
	{ "/k8s.io/" A, CTR("", A, "containerd", ""), NULL },
	{ "/default/admin", UNIT("default/admin"), NULL },

	/* nested: kind, minikube, k3d, k3s, docker in a pod, a cluster in a pod */
	{ "/system.slice/docker-" B ".scope" KIND_POD "/cri-containerd-" A ".scope",
	  CTR(UID, A, "containerd", "burstable"), NULL },
	{ KIND_POD "/cri-containerd-" A ".scope", CTR(UID, A, "containerd", "burstable"), NULL },
	{ "/docker/" B "/kubelet/kubepods/besteffort/pod" UID "/" A,
	  CTR(UID, A, "", "besteffort"), NULL },
	{ "/docker/" B "/kubelet/kubepods/besteffort/pod" UID, POD(UID, "besteffort"), NULL },
	{ "/docker/" B "/kubelet.slice/kubelet.service", CTR("", B, "docker", ""),
	  "/docker/" B },
	{ "/docker/" B "/init", CTR("", B, "docker", ""), "/docker/" B },
	{ "/docker/" B "/kubepods/pod" UID "/" A, CTR(UID, A, "", "guaranteed"), NULL },
	{ "/system.slice/docker-" B ".scope/kubepods.slice/kubepods-pod" UID_
	  ".slice/docker-" A ".scope",
	  CTR(UID, A, "docker", "guaranteed"), NULL },
	{ "/machine.slice/libpod-" B ".scope/container/kubelet.slice/kubelet-kubepods.slice/"
	  "kubelet-kubepods-pod" UID_ ".slice/cri-containerd-" A ".scope",
	  CTR(UID, A, "containerd", "guaranteed"), NULL },
	{ "/kubepods/burstable/pod" UID "/" B "/docker/" A, CTR(UID, B, "", "burstable"),
	  "/kubepods/burstable/pod" UID "/" B },
	{ "/kubepods/burstable/pod" UID "/" B "/docker/" C63, CTR(UID, B, "", "burstable"),
	  "/kubepods/burstable/pod" UID "/" B },
	{ "/kubepods/pod" UID "/" B "/kubelet/kubepods/burstable/pod" UID2 "/" A,
	  CTR(UID, B, "", "guaranteed"), "/kubepods/pod" UID "/" B },
	{ "/kubepods/pod" UID "/" B "/kubelet/kubepods/burstable/pod" UID2,
	  CTR(UID, B, "", "guaranteed"), "/kubepods/pod" UID "/" B },
	{ "/kubepods/pod" UID "/" B "/libpod_parent/libpod-conmon-" A,
	  CTR(UID, B, "", "guaranteed"), "/kubepods/pod" UID "/" B },
	{ "/system.slice/k3s.service", UNIT("k3s.service"), NULL },
	{ "/lxc.payload.node1/kubepods/burstable/pod" UID "/" A, CTR(UID, A, "", "burstable"),
	  NULL },
	{ "/kubelet", UNIT("kubelet"), NULL },

	/* directories that somebody made below what was delegated to him */
	{ USER "/kubepods/burstable/pod" UID "/" A, UNIT("user@1000.service"),
	  "/user.slice/user-1000.slice/user@1000.service" },
	{ USER "/cri-containerd-" A ".scope", UNIT("user@1000.service"),
	  "/user.slice/user-1000.slice/user@1000.service" },
	{ USER "/kubepods.slice/kubepods-pod" UID_ ".slice/crio-" A ".scope",
	  UNIT("user@1000.service"), "/user.slice/user-1000.slice/user@1000.service" },
	{ "/system.slice/ssh.service/kubepods/pod" UID "/" A, UNIT("ssh.service"),
	  "/system.slice/ssh.service" },
	{ "/system.slice/ssh.service/docker/" A, UNIT("ssh.service"), "/system.slice/ssh.service" },
	{ "/system.slice/containerd.service/kubepods/pod" UID "/" A,
	  CTR(UID, A, "", "guaranteed"), NULL },
	{ "/kubepods/pod" UID "/" B "/cri-containerd-" A ".scope", CTR(UID, B, "", "guaranteed"),
	  "/kubepods/pod" UID "/" B },
	{ "/kubepods/pod" UID "/" B "/" A, CTR(UID, B, "", "guaranteed"),
	  "/kubepods/pod" UID "/" B },

	/* escaped kubelet roots */
	{ "/my_root.slice/my_root-kubepods.slice/my_root-kubepods-besteffort.slice/"
	  "my_root-kubepods-besteffort-pod" UID_ ".slice/crio-" A ".scope",
	  CTR(UID, A, "cri-o", "besteffort"), NULL },
	{ "/a.slice/a-b.slice/a-b-kubepods.slice/a-b-kubepods-pod" UID_
	  ".slice/cri-containerd-" A ".scope",
	  CTR(UID, A, "containerd", "guaranteed"), NULL },
	{ "/my-root/sub/kubepods/burstable/pod" UID "/" A, CTR(UID, A, "", "burstable"), NULL },

	/* more of each: static pods, classes, helpers, exec children */
	{ "/system/trustd", UNIT("system/trustd"), NULL },
	{ "/system/dashboard", UNIT("system/dashboard"), NULL },
	{ "/system/debug", UNIT("system/debug"), NULL },
	{ "/system/sandbox", UNIT("system/sandbox"), NULL },
	{ "/kubepods/pod" MD5 "/" A, CTR(MD5, A, "", "guaranteed"), NULL },
	{ "/kubepods/besteffort/pod" UID "/" A "/docker/" C63, CTR(UID, A, "", "besteffort"),
	  "/kubepods/besteffort/pod" UID "/" A },
	{ "/kubepods.slice/" QB ".slice/" QB "-pod" MD5 ".slice/crio-" A ".scope/container",
	  CTR(MD5, A, "cri-o", "burstable"),
	  "/kubepods.slice/" QB ".slice/" QB "-pod" MD5 ".slice/crio-" A ".scope" },
	{ "/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod" UID_
	  ".slice/crio-" A ".scope/container/init.scope",
	  CTR(UID, A, "cri-o", "besteffort"),
	  "/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod" UID_
	  ".slice/crio-" A ".scope" },
	{ "/kubepods.slice/" QB ".slice/" QB "-pod" UID_ ".slice/crio-conmon-" A
	  ".scope/supervisor",
	  HELPER(UID, A, "cri-o", "burstable"),
	  "/kubepods.slice/" QB ".slice/" QB "-pod" UID_ ".slice/crio-conmon-" A ".scope" },
	{ "/kubepods.slice/kubepods-pod" UID_ ".slice/crio-" A ".scope/exec-9c1e",
	  CTR(UID, A, "cri-o", "guaranteed"),
	  "/kubepods.slice/kubepods-pod" UID_ ".slice/crio-" A ".scope" },
	{ "/pod.slice/crio-" A ".scope", CTR("", A, "cri-o", ""), NULL }, /* crictl runp */
	{ "/machine.slice/crio-" A ".scope", CTR("", A, "cri-o", ""), NULL },
	{ "/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod" UID_
	  ".slice/docker-" A ".scope/system.slice/sshd.service",
	  CTR(UID, A, "docker", "besteffort"),
	  "/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod" UID_
	  ".slice/docker-" A ".scope" },

	/* kind, k3s and k3d, minikube: other classes, drivers, views */
	{ "/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-besteffort.slice/"
	  "kubelet-kubepods-besteffort-pod" UID_ ".slice/cri-containerd-" A ".scope",
	  CTR(UID, A, "containerd", "besteffort"), NULL },
	{ "/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-pod" MD5
	  ".slice/cri-containerd-" A ".scope",
	  CTR(MD5, A, "containerd", "guaranteed"), NULL },
	{ "/docker/" B KIND_POD "/cri-containerd-" A ".scope/init.scope",
	  CTR(UID, A, "containerd", "burstable"),
	  "/docker/" B KIND_POD "/cri-containerd-" A ".scope" },
	{ "/system.slice/docker-" B ".scope" KIND_POD, POD(UID, "burstable"), NULL },
	{ "/system.slice/docker-" B ".scope/system.slice/containerd.service",
	  CTR("", B, "docker", ""), "/system.slice/docker-" B ".scope" },
	{ "/system.slice/docker-" B ".scope/kubepods/besteffort/pod" UID "/" A,
	  CTR(UID, A, "", "besteffort"), NULL }, /* k3d */
	{ "/system.slice/docker-" B ".scope/k3s", CTR("", B, "docker", ""),
	  "/system.slice/docker-" B ".scope" },
	{ "/system.slice/k3s.service/containerd", UNIT("k3s.service"),
	  "/system.slice/k3s.service" },
	{ "/system.slice/k3s-agent.service", UNIT("k3s-agent.service"), NULL },
	{ "/system.slice/rke2-server.service", UNIT("rke2-server.service"), NULL },
	{ "/system.slice/snap.microk8s.daemon-kubelite.service",
	  UNIT("snap.microk8s.daemon-kubelite.service"), NULL },
	{ "/system.slice/k0scontroller.service", UNIT("k0scontroller.service"), NULL },
	{ "/docker/" B "/kubepods.slice/" QB ".slice/" QB "-pod" UID_ ".slice/docker-" A ".scope",
	  CTR(UID, A, "docker", "burstable"), NULL },
	{ "/docker/" B "/kubepods/burstable/pod" UID "/" A, CTR(UID, A, "", "burstable"), NULL },
	{ "/machine.slice/libpod-" B ".scope/container/kubepods/burstable/pod" MD5 "/" A,
	  CTR(MD5, A, "", "burstable"), NULL },

	/* docker and podman in a pod, podman without root */
	{ "/kubepods.slice/" QB ".slice/" QB "-pod" UID_ ".slice/cri-containerd-" B
	  ".scope/docker/" A,
	  CTR(UID, B, "containerd", "burstable"),
	  "/kubepods.slice/" QB ".slice/" QB "-pod" UID_ ".slice/cri-containerd-" B ".scope" },
	{ "/kubepods.slice/" QB ".slice/" QB "-pod" UID_ ".slice/crio-" B
	  ".scope/container/libpod_parent/libpod-" A,
	  CTR(UID, B, "cri-o", "burstable"),
	  "/kubepods.slice/" QB ".slice/" QB "-pod" UID_ ".slice/crio-" B ".scope" },
	{ USER "/user.slice/libpod-conmon-" A ".scope", HELPER("", A, "podman", ""), NULL },
	{ USER "/user.slice/user-libpod_pod_" B ".slice/libpod-" A ".scope/container",
	  CTR("", A, "podman", ""), USER "/user.slice/user-libpod_pod_" B ".slice/libpod-" A ".scope" },
	{ USER "/app.slice/web.service/libpod-payload-" A, CTR("", A, "podman", ""), NULL },
	{ USER "/user.slice/nerdctl-" A ".scope", CTR("", A, "containerd", ""), NULL },

	/* the v1 paths of one process: each hierarchy's its own */
	{ "/kubepods/burstable/pod" UID "/" A "/devices", CTR(UID, A, "", "burstable"),
	  "/kubepods/burstable/pod" UID "/" A },
	{ "/user.slice/user-0.slice/session-1.scope", UNIT("session-1.scope"), NULL },

	/* seen from a cgroup namespace */
	{ "/../../kubepods/burstable/pod" UID "/" A, CTR(UID, A, "", "burstable"), NULL },
	{ "/../../pod" UID "/" A, CTR(UID, A, "", ""), NULL },
	{ "/../../../burstable/pod" UID "/" A, CTR(UID, A, "", "burstable"), NULL },
	{ "/../" QB "-pod" UID_ ".slice/cri-containerd-" A ".scope",
	  CTR(UID, A, "containerd", "burstable"), NULL },
	{ "/../cri-containerd-" A ".scope", CTR("", A, "containerd", ""), NULL },
	{ "/../../system.slice/ssh.service", UNIT("ssh.service"), NULL },
	{ "/..", HOST, NULL },

	/* units, sessions, machines */
	{ "/", HOST, NULL },
	{ "", HOST, NULL },
	{ "/init.scope", UNIT("init.scope"), NULL },
	{ "/system.slice", UNIT("system.slice"), NULL },
	{ "/system.slice/ssh.service", UNIT("ssh.service"), NULL },
	{ "/system.slice/system-getty.slice/getty@tty1.service", UNIT("getty@tty1.service"),
	  NULL },
	{ "/system.slice/system-serial\\x2dgetty.slice/serial-getty@ttyS0.service",
	  UNIT("serial-getty@ttyS0.service"), NULL },
	{ "/system.slice/postgresql.service/worker", UNIT("postgresql.service"),
	  "/system.slice/postgresql.service" },
	{ "/system.slice/dbus.socket", UNIT("dbus.socket"), NULL },
	{ "/system.slice/boot.mount", UNIT("boot.mount"), NULL },
	{ "/system.slice/run-r0123.scope", UNIT("run-r0123.scope"), NULL },
	{ "/user.slice/user-1000.slice/session-3.scope", UNIT("session-3.scope"), NULL },
	{ USER "/app.slice/app-org.gnome.Terminal.slice/vte-spawn-1.scope",
	  UNIT("user@1000.service"), USER },
	{ "/user.slice/user-1000.slice", UNIT("user-1000.slice"), NULL },
	{ "/machine.slice/systemd-nspawn@web.service/payload/system.slice/ssh.service",
	  UNIT("systemd-nspawn@web.service"), "/machine.slice/systemd-nspawn@web.service" },
	{ "/machine.slice/machine-qemu\\x2d1\\x2dvm.scope/libvirt/emulator",
	  UNIT("machine-qemu\\x2d1\\x2dvm.scope"),
	  "/machine.slice/machine-qemu\\x2d1\\x2dvm.scope" },
	{ "/lxc.payload.web/system.slice/nginx.service", UNIT("lxc.payload.web"),
	  "/lxc.payload.web" },
	{ "/lxc.monitor.web", UNIT("lxc.monitor.web"), NULL },
	{ "/lxc/101/ns/system.slice/cron.service", UNIT("lxc/101"), "/lxc/101" },
	{ "/lxc.payload/web/x", UNIT("lxc.payload/web"), "/lxc.payload/web" },
	{ "/lxc.payload.web/system.slice/docker-" A ".scope", CTR("", A, "docker", ""), NULL },

	/* none of them */
	{ "/kubepods/burstable/pod" UID "/" C63, POD(UID, "burstable"),
	  "/kubepods/burstable/pod" UID },
	{ "/kubepods/burstable/pod" UID "/" A "0", POD(UID, "burstable"),
	  "/kubepods/burstable/pod" UID },
	{ "/docker/" C63, HOST, NULL },
	{ "/docker/" C63 "g", HOST, NULL },
	{ "/docker/" C63 "A", HOST, NULL },
	{ "/system.slice/docker-" C63 ".scope", UNIT("docker-" C63 ".scope"), NULL },
	{ "/system.slice/docker-" A, UNIT("system.slice"), "/system.slice" },
	{ "/system.slice/docker-" A ".service", UNIT("docker-" A ".service"), NULL },
	{ "/system.slice/dockr-" A ".scope", UNIT("dockr-" A ".scope"), NULL },
	{ "/system.slice/x-docker-" A ".scope", UNIT("x-docker-" A ".scope"), NULL },
	{ "/system.slice/docker-.scope", UNIT("docker-.scope"), NULL },
	{ "/system.slice/docker.service", UNIT("docker.service"), NULL },
	{ "/system.slice/crio-conmon-.scope", UNIT("crio-conmon-.scope"), NULL },
	{ "/system.slice:evil:" A, HOST, NULL },
	{ "/system.slice:docker:" C63, HOST, NULL },
	{ "/kubepods/burstable/pod", HOST, NULL },
	{ "/kubepods/burstable/podium", HOST, NULL },
	{ "/kubepods/burstable/pod" UID "x", HOST, NULL },
	{ "/kubepods/burstable/pod" UID_, HOST, NULL },
	{ "/kubepods/burstable/podd6f1d5a2c4b3e7f8091a2b3c4d5e6f7", HOST, NULL },
	{ "/kubepods/burstable/pod6c1b6a5e-7d2f-4c3b-9a8e-0f1e2d3c4b5g", HOST, NULL },
	{ "/kubepods/burstable/pod6c1b6a5e7-d2f-4c3b-9a8e-0f1e2d3c4b5a", HOST, NULL },
	{ "/tmp/pod" UID "/x", HOST, NULL },
	{ "/burst/pod" UID, HOST, NULL },
	{ "/tmp/burstable/pod" UID, HOST, NULL },
	{ "/xkubepods/burstable/pod" UID, HOST, NULL },
	{ "/xkubepods.slice/xkubepods-pod" UID_ ".slice", UNIT("xkubepods-pod" UID_ ".slice"),
	  NULL },
	{ "/kubepods.slice/kubepods-pod" UID ".slice", UNIT("kubepods-pod" UID ".slice"), NULL },
	{ "/kubepods.slice/kubepods-pod.slice", UNIT("kubepods-pod.slice"), NULL },
	{ "/kubepods.slice/kubepods-burst-pod" UID_ ".slice",
	  UNIT("kubepods-burst-pod" UID_ ".slice"), NULL },
	{ "/a.slice/a-pod" UID_ ".slice", UNIT("a-pod" UID_ ".slice"), NULL },
	{ "/foo/bar.service", HOST, NULL },
	{ "/.service", HOST, NULL },
	{ "/.slice/.scope", HOST, NULL },
	{ "/initial", HOST, NULL },
	{ "/systemx/y", HOST, NULL },
	{ "kubepods", HOST, NULL },
};

static void same(const char *path, const char *what, const char *got, const char *want)
{
	if (strcmp(got, want))
		fail_msg("%s: %s is \"%s\", not \"%s\"", path, what, got, want);
}

static void check(const char *path, const struct who *who, const struct expect *is)
{
	if (who->kind != is->kind)
		fail_msg("%s: kind is %d, not %d", path, who->kind, is->kind);
	same(path, "pod", who->pod_uid, is->pod);
	same(path, "id", who->container_id, is->id);
	same(path, "runtime", who->runtime, is->runtime);
	same(path, "qos", who->qos, is->qos);
	same(path, "unit", who->unit, is->unit);
	assert_int_equal(who->resource, -1);
	assert_true(who->last_ns == 0);
}

static void test_paths(void **state)
{
	(void)state;
	assert_true(ARRAY_SIZE(paths) >= 180); /* none is lost in an edit */
	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		const struct test_path *t = &paths[i];
		size_t n = strlen(t->path), own;
		char *p = malloc(n ? n : 1); /* exactly so long: ASan sees a byte too many */
		struct who who;

		assert_non_null(p);
		memcpy(p, t->path, n);
		memset(&who, 0xa5, sizeof(who));
		cgroup_path_parse((struct str){ p, n }, &who);
		check(t->path, &who, &t->is);
		own = cgroup_path_own((struct str){ p, n });
		if (own != (t->own ? strlen(t->own) : n))
			fail_msg("%s: own part is %.*s", t->path, (int)own, t->path);
		cgroup_path_parse((struct str){ p, own }, &who);
		check(t->path, &who, &t->is);
		free(p);
	}
}

/* A cgroup namespace above, a slash behind and slashes doubled change nothing. */
static void test_variants(void **state)
{
	static const char *const forms[] = { "/../..%s", "%s/", "/%s", "/..%s//" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(paths) * ARRAY_SIZE(forms); i++) {
		const struct test_path *t = &paths[i / ARRAY_SIZE(forms)];
		const char *form = forms[i % ARRAY_SIZE(forms)], *at = strstr(form, "%s");
		struct expect is = t->is;
		char path[1024];
		struct who who;

		snprintf(path, sizeof(path), "%.*s%s%s", (int)(at - form), form, t->path, at + 2);
		if (t->path[0] != '/' || strstr(path, "../burstable/") ||
		    !strncmp(t->path, "/burstable", 10))
			continue;
		cgroup_path_parse(str_of(path), &who);
		check(path, &who, &is);
	}
}

/* Every cut of every path: nothing crashes, and an id is whole or none. */
static void test_cuts(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		for (size_t n = 0; n <= strlen(paths[i].path); n++) {
			char *p = malloc(n ? n : 1);
			struct who who;
			size_t len;

			assert_non_null(p);
			memcpy(p, paths[i].path, n);
			cgroup_path_parse((struct str){ p, n }, &who);
			len = strlen(who.container_id);
			assert_true(len == 0 || len == WHO_ID_MAX - 1);
			assert_true(cgroup_path_own((struct str){ p, n }) <= n);
			free(p);
		}
	}
}

static void test_hostile(void **state)
{
	static const char nul[] = "/system.slice/a\0b.service";
	size_t n = 1 << 20;
	char *p = malloc(n);
	struct who who;

	(void)state;
	assert_non_null(p);
	cgroup_path_parse((struct str){ NULL, 0 }, &who);
	assert_int_equal(who.kind, WHO_HOST);
	cgroup_path_parse((struct str){ nul, sizeof(nul) - 1 }, &who);
	assert_string_equal(who.unit, "a?b.service");
	cgroup_path_parse(STR("/system.slice/a\x1b[31m\x01\x7f.service"), &who);
	assert_string_equal(who.unit, "a?[31m??.service");
	cgroup_path_parse(STR("/system.slice/a\xff.service"), &who);
	assert_string_equal(who.unit, "a\xef\xbf\xbd.service");

	memset(p, '/', n); /* a million components */
	cgroup_path_parse((struct str){ p, n }, &who);
	assert_int_equal(who.kind, WHO_HOST);
	memset(p, 'a', n); /* one of a megabyte */
	memcpy(p + n - 8, ".service", 8);
	cgroup_path_parse((struct str){ p, n }, &who);
	assert_int_equal(who.kind, WHO_UNIT);
	assert_int_equal(strlen(who.unit), WHO_UNIT_MAX - 1);
	assert_int_equal(cgroup_path_own((struct str){ p, n }), n);
	free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_paths),
		cmocka_unit_test(test_variants),
		cmocka_unit_test(test_cuts),
		cmocka_unit_test(test_hostile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
