// SPDX-License-Identifier: Apache-2.0
/* Arguments of a process as a person may read them, on a terminal too. */
#include "enrich/process.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#define CUT_MARK "..."

struct line {
	char *p;
	size_t n, cap; /* cap: without NUL and mark */
	bool cut;
};

static void put(struct line *l, const char *p, size_t n)
{
	if (l->cut || n > l->cap - l->n) {
		l->cut = true;
		return;
	}
	memcpy(l->p + l->n, p, n);
	l->n += n;
}

/* Escapes C0, DEL and C1 (U+0080..U+009F): all a terminal may obey. */
static void put_char(struct line *l, const char *p, size_t n)
{
	unsigned char c = (unsigned char)p[0];
	char text[8];

	if (n == 0)
		put(l, STR_UTF8_REPLACEMENT, sizeof(STR_UTF8_REPLACEMENT) - 1);
	else if (c == '\n')
		put(l, "\\n", 2);
	else if (c == '\t')
		put(l, "\\t", 2);
	else if (c < ' ' || c == 0x7f)
		put(l, text, (size_t)snprintf(text, sizeof(text), "\\x%02x", c));
	else if (c == 0xc2 && (unsigned char)p[1] < 0xa0)
		put(l, text, (size_t)snprintf(text, sizeof(text), "\\x%02x", (unsigned char)p[1]));
	else
		put(l, p, n);
}

/* Most arguments are nothing but this: it is copied at once. */
static size_t plain_len(struct str s)
{
	size_t n = 0;

	while (n < s.n && s.p[n] >= ' ' && s.p[n] < 0x7f)
		n++;
	return n;
}

static void put_plain(struct line *l, const char *p, size_t n)
{
	size_t room = l->cap - l->n;

	put(l, p, n < room ? n : room);
	if (n > room)
		l->cut = true;
}

static void put_arg(struct line *l, struct str arg)
{
	if (arg.n == 0)
		put(l, "''", 2);
	while (arg.n && !l->cut) {
		size_t n = plain_len(arg);

		if (n) {
			put_plain(l, arg.p, n);
		} else {
			n = str_utf8_len(arg);
			put_char(l, arg.p, n);
			n = n ? n : 1;
		}
		arg = str_slice(arg, n, arg.n);
	}
}

void process_args_text(char *dst, size_t cap, struct str args, size_t args_n)
{
	struct line l = { .p = dst, .cap = cap - sizeof(CUT_MARK) };
	bool missing = args.n < args_n;
	struct str rest, arg;

	assert(cap >= 2 * sizeof(CUT_MARK));
	if (args.n && args.p[args.n - 1] == '\0')
		args.n--; /* each is ended by NUL: it would give an empty one more */
	else if (args.n == 0)
		args.p = NULL;
	rest = args;
	for (bool first = true; !l.cut && str_cut(&rest, '\0', &arg); first = false) {
		if (!first)
			put(&l, " ", 1);
		put_arg(&l, arg);
	}
	if (l.cut || missing) {
		memcpy(dst + l.n, CUT_MARK, sizeof(CUT_MARK) - 1);
		l.n += sizeof(CUT_MARK) - 1;
	}
	dst[l.n] = '\0';
}
