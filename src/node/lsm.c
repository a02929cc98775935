/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>
#include "node/lsm.h"

static const char *const lockdown_names[] = {
	[LOCKDOWN_UNKNOWN] = "unknown",
	[LOCKDOWN_NONE] = "none",
	[LOCKDOWN_INTEGRITY] = "integrity",
	[LOCKDOWN_CONFIDENTIALITY] = "confidentiality",
};

static const char *const selinux_names[] = {
	[SELINUX_UNKNOWN] = "unknown",
	[SELINUX_ABSENT] = "absent",
	[SELINUX_PERMISSIVE] = "permissive",
	[SELINUX_ENFORCING] = "enforcing",
};

const char *lockdown_name(enum lockdown mode)
{
	return lockdown_names[mode];
}

const char *selinux_name(enum selinux mode)
{
	return selinux_names[mode];
}

static bool has_item(struct str list, struct str wanted)
{
	struct str item;

	while (str_cut(&list, ',', &item))
		if (str_eq(item, wanted))
			return true;
	return false;
}

/* What stands between the brackets. */
static enum lockdown chosen(struct str text)
{
	struct str word;

	if (!str_cut(&text, '[', &word) || !str_cut(&text, ']', &word) || !text.p)
		return LOCKDOWN_UNKNOWN;
	for (size_t i = LOCKDOWN_NONE; i < ARRAY_SIZE(lockdown_names); i++)
		if (str_eq(word, str_of(lockdown_names[i])))
			return (enum lockdown)i;
	return LOCKDOWN_UNKNOWN;
}

static void read_list(const struct node_roots *roots, struct node_lsm *ret)
{
	char text[sizeof(ret->list)];
	int n = node_read(roots->sys, "kernel/security/lsm", text, sizeof(text));

	if (n > 0)
		str_copy_utf8(ret->list, sizeof(ret->list),
			      str_trim((struct str){ text, (size_t)n }), NULL);
}

static void read_lockdown(const struct node_roots *roots, struct node_lsm *ret)
{
	char text[128];
	int n = node_read(roots->sys, "kernel/security/lockdown", text, sizeof(text));

	if (n >= 0) {
		ret->lockdown = chosen((struct str){ text, (size_t)n });
		return;
	}
	ret->lockdown_err = -n;
	if (n == -ENOENT && ret->list[0] && !has_item(str_of(ret->list), STR("lockdown")))
		ret->lockdown = LOCKDOWN_NONE;
}

static void read_selinux(const struct node_roots *roots, struct node_lsm *ret)
{
	char text[8];
	int n = node_read(roots->sys, "fs/selinux/enforce", text, sizeof(text));
	struct str value = str_trim((struct str){ text, n > 0 ? (size_t)n : 0 });

	if (n > 0 && str_eq(value, STR("1")))
		ret->selinux = SELINUX_ENFORCING;
	else if (n > 0 && str_eq(value, STR("0")))
		ret->selinux = SELINUX_PERMISSIVE;
	else if (n == -ENOENT && node_is_dir(roots->sys, "fs") &&
		 !node_is_dir(roots->sys, "fs/selinux"))
		ret->selinux = SELINUX_ABSENT;
}

/* Without a module that labels processes the kernel answers EINVAL; the NUL and line feed
 * behind a label are the module's. */
static void read_label(const struct node_roots *roots, struct node_lsm *ret)
{
	char text[sizeof(ret->label)];
	int n = node_read(roots->proc, "self/attr/current", text, sizeof(text));

	ret->label_known = n >= 0 || n == -EINVAL;
	if (n > 0)
		str_copy_utf8(ret->label, sizeof(ret->label),
			      str_trim(str_ofn(text, strnlen(text, (size_t)n))), NULL);
}

void lsm_read(const struct node_roots *roots, struct node_lsm *ret)
{
	memset(ret, 0, sizeof(*ret));
	read_list(roots, ret);
	read_lockdown(roots, ret);
	read_selinux(roots, ret);
	read_label(roots, ret);
}
