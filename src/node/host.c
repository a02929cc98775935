/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>
#include "node/host.h"
#include "node/system.h"

/* semconv: host.id is the machine id, never the DMI's. */
static void read_id(const char *path, char *dst, size_t cap)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char text[64];
	ssize_t n;

	if (fd < 0)
		return;
	n = read(fd, text, sizeof(text));
	close(fd);
	if (n > 0)
		str_copy_utf8(dst, cap, str_trim((struct str){ text, (size_t)n }), NULL);
}

static const char *arch_of(const char *machine)
{
	if (!strcmp(machine, "x86_64"))
		return "amd64";
	return !strcmp(machine, "aarch64") ? "arm64" : "";
}

static void read_os(const struct node_roots *roots, struct host *ret)
{
	struct node_system s;

	system_read(roots, &s);
	str_copy(ret->os_name, sizeof(ret->os_name), str_of(s.id));
	str_copy(ret->os_version, sizeof(ret->os_version), str_of(s.version));
	str_copy(ret->os_description, sizeof(ret->os_description), str_of(s.name));
}

void host_read(const struct node_roots *roots, const char *node, struct host *ret)
{
	struct utsname u;

	memset(ret, 0, sizeof(*ret));
	if (!uname(&u)) {
		str_copy(ret->arch, sizeof(ret->arch), str_of(arch_of(u.machine)));
		str_copy(ret->kernel, sizeof(ret->kernel), str_of(u.release));
		str_copy_utf8(ret->name, sizeof(ret->name), str_of(u.nodename), NULL);
	}
	if (node && *node) {
		str_copy_utf8(ret->node, sizeof(ret->node), str_of(node), NULL);
		str_copy(ret->name, sizeof(ret->name), str_of(ret->node));
	}
	read_os(roots, ret);
	read_id("/etc/machine-id", ret->id, sizeof(ret->id));
	if (!ret->id[0])
		read_id("/var/lib/dbus/machine-id", ret->id, sizeof(ret->id));
}
