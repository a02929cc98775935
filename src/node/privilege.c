/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <linux/capability.h>
#include <string.h>
#include <sys/stat.h>
#include "base/parse.h"
#include "node/privilege.h"

/* include/uapi/linux/capability.h; their numbers never change. */
static const char *const cap_names[] = {
	"CHOWN",
	"DAC_OVERRIDE",
	"DAC_READ_SEARCH",
	"FOWNER",
	"FSETID",
	"KILL",
	"SETGID",
	"SETUID",
	"SETPCAP",
	"LINUX_IMMUTABLE",
	"NET_BIND_SERVICE",
	"NET_BROADCAST",
	"NET_ADMIN",
	"NET_RAW",
	"IPC_LOCK",
	"IPC_OWNER",
	"SYS_MODULE",
	"SYS_RAWIO",
	"SYS_CHROOT",
	"SYS_PTRACE",
	"SYS_PACCT",
	"SYS_ADMIN",
	"SYS_BOOT",
	"SYS_NICE",
	"SYS_RESOURCE",
	"SYS_TIME",
	"SYS_TTY_CONFIG",
	"MKNOD",
	"LEASE",
	"AUDIT_WRITE",
	"AUDIT_CONTROL",
	"SETFCAP",
	"MAC_OVERRIDE",
	"MAC_ADMIN",
	"SYSLOG",
	"WAKE_ALARM",
	"BLOCK_SUSPEND",
	"AUDIT_READ",
	"PERFMON",
	"BPF",
	"CHECKPOINT_RESTORE",
};

_Static_assert(ARRAY_SIZE(cap_names) == 41, "a name is missing");

const char *cap_name(u32 cap)
{
	return cap < ARRAY_SIZE(cap_names) ? cap_names[cap] : NULL;
}

int cap_find(struct str name)
{
	for (size_t i = 0; i < ARRAY_SIZE(cap_names); i++)
		if (str_eq(name, str_of(cap_names[i])))
			return (int)i;
	return -1;
}

bool privilege_has(const struct node_privilege *p, u32 cap)
{
	return p->caps_known && cap < 64 && (p->caps >> cap & 1);
}

void privilege_caps(const struct node_privilege *p, struct buf *ret)
{
	u64 every = p->caps_last >= 63 ? ~0ull : (1ull << (p->caps_last + 1)) - 1;
	bool first = true;

	if (!p->caps_known || !p->caps || (p->caps & every) == every) {
		buf_cstr(ret, !p->caps_known ? "unknown" : !p->caps ? "none" : "all");
		return;
	}
	for (u32 cap = 0; cap < 64; cap++) {
		if (!(p->caps >> cap & 1))
			continue;
		buf_cstr(ret, first ? "" : " ");
		if (cap_name(cap))
			buf_cstr(ret, cap_name(cap));
		else
			buf_printf(ret, "%u", cap);
		first = false;
	}
}

static void read_status(const struct node_roots *roots, struct node_privilege *ret)
{
	char text[NODE_FILE_MAX];
	int n = node_read(roots->proc, "self/status", text, sizeof(text));
	struct str all = { text, n > 0 ? (size_t)n : 0 }, value;
	u64 number;

	if (node_field(all, STR("CapEff"), &value) && !parse_hex(value, &number)) {
		ret->caps_known = true;
		ret->caps = number;
	}
	if (node_field(all, STR("Seccomp"), &value) && !parse_u64(value, 0, 2, &number))
		ret->seccomp = (enum seccomp)(SECCOMP_OFF + number);
	if (node_field(all, STR("NoNewPrivs"), &value))
		ret->no_new_privs = str_eq(value, STR("1"));
}

static void read_last(const struct node_roots *roots, struct node_privilege *ret)
{
	char text[16];
	int n = node_read(roots->proc, "sys/kernel/cap_last_cap", text, sizeof(text));
	u64 last;

	ret->caps_last = CAP_LAST_CAP;
	if (n > 0 && !parse_u64(str_trim((struct str){ text, (size_t)n }), 0, 63, &last))
		ret->caps_last = (u32)last;
}

static void read_pid_ns(const struct node_roots *roots, struct node_privilege *ret)
{
	char path[NODE_PATH_MAX];
	struct stat st;

	if (!node_path(path, roots->proc, "self/ns/pid") || stat(path, &st))
		return;
	ret->pid_ns_inode = st.st_ino;
	ret->pid_ns = st.st_ino == PID_NS_INITIAL ? PID_NS_IS_INITIAL : PID_NS_NESTED;
}

void privilege_read(const struct node_roots *roots, struct node_privilege *ret)
{
	memset(ret, 0, sizeof(*ret));
	read_status(roots, ret);
	read_last(roots, ret);
	read_pid_ns(roots, ret);
}

const char *seccomp_name(enum seccomp mode)
{
	static const char *const names[] = {
		[SECCOMP_UNKNOWN] = "unknown",
		[SECCOMP_OFF] = "off",
		[SECCOMP_STRICT] = "strict",
		[SECCOMP_FILTER] = "filter",
	};

	return names[mode];
}

const char *pid_ns_name(enum pid_ns where)
{
	static const char *const names[] = {
		[PID_NS_UNKNOWN] = "unknown",
		[PID_NS_IS_INITIAL] = "initial",
		[PID_NS_NESTED] = "nested",
	};

	return names[where];
}
