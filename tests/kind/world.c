// SPDX-License-Identifier: Apache-2.0
/* The world the golden records happen in, and the files they are in. */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "tests/kind/kind.h"

/* ---- files -------------------------------------------------------------------------------- */

bool file_load(const char *path, struct buf *ret)
{
	FILE *f = fopen(path, "r");
	char text[4096];
	size_t n;

	buf_init(ret, GOLDEN_MAX);
	if (!f)
		return false;
	while ((n = fread(text, 1, sizeof(text), f)) > 0)
		buf_add(ret, text, n);
	fclose(f);
	if (ret->err)
		fail_msg("%s: larger than %u bytes", path, GOLDEN_MAX);
	return true;
}

void file_save(const char *path, struct str text)
{
	FILE *f = fopen(path, "w");

	if (!f || (text.n && fwrite(text.p, 1, text.n, f) != text.n) || fclose(f))
		fail_msg("%s: cannot write: %s", path, strerror(errno));
}

static int digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* One line: pairs of digits with blanks between them, up to a # or the end. */
static void add_line(const char *path, struct str line, struct golden *ret)
{
	line = str_trim(str_slice(line, 0, str_find(line, '#')));
	while (line.n) {
		int high = digit(line.p[0]), low = line.n > 1 ? digit(line.p[1]) : -1;

		if (high < 0 || low < 0 || ret->n == sizeof(ret->bytes))
			fail_msg("%s: no pair of hex digits at \"%.*s\", or too long", path,
				 (int)line.n, line.p);
		ret->bytes[ret->n++] = (u8)(high << 4 | low);
		line = str_trim(str_slice(line, 2, line.n));
	}
}

void golden_load(const char *kind, struct golden *ret)
{
	struct str rest, line;
	struct buf text;
	char path[256];

	snprintf(path, sizeof(path), KIND_DIR "/%s/record.hex", kind);
	if (!file_load(path, &text))
		fail_msg("%s: cannot read: run the tests in the root of the tree", path);
	ret->n = 0;
	rest = buf_view(&text);
	while (str_cut(&rest, '\n', &line))
		add_line(path, line, ret);
	buf_free(&text);
}

/* ---- the world ---------------------------------------------------------------------------- */

#define SLICE "/kubepods.slice/kubepods-burstable.slice"
#define POD "/kubepods-burstable-pod3d9f3f28_8a40_4b5e_a6c5_1f0e9d7c2b6a.slice"
#define CONTAINER "/cri-containerd-"                                                               \
		  "8a5f0c3d2e1b4a69788796a5b4c3d2e1f00112233445566778899aabbccddeef.scope"

static int look_up(void *ctx, u64 id, char *dst, size_t cap)
{
	static const struct {
		u64 id;
		const char *path;
	} cgroups[] = {
		{ 1, "/" },
		{ 100, "/system.slice/ssh.service" },
		{ 4711, SLICE POD CONTAINER },
	};

	(void)ctx;
	for (size_t i = 0; i < ARRAY_SIZE(cgroups); i++)
		if (cgroups[i].id == id)
			return (int)str_copy(dst, cap, str_of(cgroups[i].path));
	return -ENOENT;
}

struct pipe_config world_config(void)
{
	static const struct host host = { .name = "node-1",
					  .id = "0123456789abcdef0123456789abcdef",
					  .arch = "amd64",
					  .kernel = "6.12.0" };

	return (struct pipe_config){
		.host = &host,
		.version = "1.2.3",
		.sampler = { 1 },
		.command_args = true,
		.start_ns = WORLD_START_NS,
		.wall_offset_ns = WORLD_WALL_OFFSET_NS,
		.enrich = { .lookup = look_up, .cgroups_max = 16, .processes_max = 16 },
	};
}
