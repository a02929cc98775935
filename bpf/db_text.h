/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Calls that send statements, and where the text of these comes from: the program's memory as long as the
 * call lasts, what was kept of it for later. */
#ifndef DB_TEXT_H
#define DB_TEXT_H

#include "lib/tail.h"
#include "wire/db.h"

#define TO_ITS_NUL (~0ull) /* length of a text that says it itself */

/* ---- calls ------------------------------------------------------------------------------- */

/* The call a thread is in. Nobody takes it away: one of a thread that is gone gives its place to a
 * newer one. */
struct in_call {
	__u64 when_ns;
	__u64 sp; /* at its first instruction */
	__u64 conn; /* the connection, or MySQL's prepared statement */
	__u64 text, len; /* the statement, in the program's memory; 0: it has a name alone */
	__u64 name;
	__u16 call;
	__u8 open, wanted;
	__u32 rsvd;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1024);
	__type(key, __u64); /* pid and tid */
	__type(value, struct in_call);
} db_calls SEC(".maps");

/* ---- statements that are kept ------------------------------------------------------------ */

struct text {
	__u16 len;
	__u16 flags; /* REC_CUT, REC_UNREAD */
	__u32 rsvd;
	__u8 bytes[DB_STATEMENT_MAX + 1];
} __attribute__((aligned(8)));

/* Prepared ones, by the connection and their name there, or by MySQL's handle. */
struct prepared {
	__u64 conn;
	__u32 pid;
	__u32 rsvd;
	__u8 name[DB_NAME_MAX];
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1024);
	__type(key, struct prepared);
	__type(value, struct text);
} db_prepared SEC(".maps");

static const struct text no_text;

INLINE void prepared_key(struct prepared *ret, const struct in_call *in)
{
	ret->conn = in->conn;
	ret->pid = bpf_get_current_pid_tgid() >> 32;
	if (in->name)
		bpf_probe_read_user_str(ret->name, sizeof(ret->name), (void *)in->name);
}

/* The statement as the program has it, of at most DB_STATEMENT_MAX bytes. */
static __noinline int read_text(struct text *ret, const struct in_call *in)
{
	__u64 len = in->len;
	long n;

	if (!ret || !in)
		return 0;
	if (len == TO_ITS_NUL) {
		n = bpf_probe_read_user_str(ret->bytes, sizeof(ret->bytes), (void *)in->text);
		len = n > 0 ? n - 1 : 0;
	} else {
		ret->flags |= len > DB_STATEMENT_MAX ? REC_CUT : 0;
		len = len > DB_STATEMENT_MAX ? DB_STATEMENT_MAX : len;
		n = bpf_probe_read_user(ret->bytes, MASKED(len, DB_STATEMENT_MAX), (void *)in->text);
	}
	if (n < 0) {
		ret->flags |= REC_UNREAD;
		return 0;
	}
	if (in->len == TO_ITS_NUL && len == DB_STATEMENT_MAX)
		ret->flags |= REC_CUT;
	ret->len = len;
	return 0;
}

/* What was prepared, or nothing. */
static __noinline int find_text(struct text *ret, const struct in_call *in)
{
	struct prepared key = {};
	const struct text *text;

	if (!ret || !in)
		return 0;
	prepared_key(&key, in);
	text = bpf_map_lookup_elem(&db_prepared, &key);
	if (text)
		__builtin_memcpy(ret, text, sizeof(*ret));
	return 0;
}

INLINE void put_text(struct text *ret, const struct in_call *in)
{
	if (in->text)
		read_text(ret, in);
	else
		find_text(ret, in);
}

INLINE void keep_prepared(const struct in_call *in)
{
	struct prepared key = {};
	struct text *text;

	prepared_key(&key, in);
	bpf_map_update_elem(&db_prepared, &key, &no_text, BPF_ANY);
	text = bpf_map_lookup_elem(&db_prepared, &key);
	if (text)
		read_text(text, in);
}

#endif
