/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>
#include "base/addr.h"
#include "base/dns.h"

#define HEAD 12
#define NAME_WIRE_MAX 255 /* RFC 1035 section 2.3.4 */
#define RECORDS_MAX 32	  /* looked at; 512 bytes hold no more */

enum { TYPE_A = 1, TYPE_CNAME = 5, TYPE_AAAA = 28, CLASS_IN = 1 };

static u16 be16(const u8 *p)
{
	return (u16)(p[0] << 8 | p[1]);
}

static void put_label(struct buf *text, const u8 *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (p[i] == '.' || p[i] == '\\')
			buf_printf(text, "\\%c", p[i]);
		else if (p[i] > ' ' && p[i] < 0x7f)
			buf_char(text, (char)p[i]);
		else
			buf_printf(text, "\\%03u", p[i]);
	}
}

/*
 * The name at off. Bytes it takes there, 0: it is none, or not all there. text: NULL, or gets it.
 * Pointers must lead back, each farther than the one before: so they come to an end.
 */
static size_t read_name(struct str m, size_t off, struct buf *text)
{
	const u8 *p = (const u8 *)m.p;
	size_t at = off, least = off, taken = 0, length = 1;

	for (;;) {
		if (at >= m.n)
			return 0;
		if (!p[at])
			break;
		if (p[at] >= 0xc0) {
			size_t to;

			if (at + 1 >= m.n)
				return 0;
			to = (size_t)(be16(p + at) & 0x3fff);
			if (to >= least)
				return 0;
			taken = taken ? taken : at + 2 - off;
			at = least = to;
			continue;
		}
		length += p[at] + 1u;
		if (p[at] > 63 || at + 1 + p[at] > m.n || length > NAME_WIRE_MAX)
			return 0;
		if (text && length > p[at] + 2u)
			buf_char(text, '.');
		if (text)
			put_label(text, p + at + 1, p[at]);
		at += p[at] + 1u;
	}
	if (text && length == 1)
		buf_char(text, '.');
	return taken ? taken : at + 1 - off;
}

bool dns_question(struct str m, struct dns *ret, struct buf *name)
{
	const u8 *p = (const u8 *)m.p;
	size_t n;

	if (m.n < HEAD || p[2] & 0x78 || be16(p + 4) != 1)
		return false;
	n = read_name(m, HEAD, name);
	if (!n || HEAD + n + 4 > m.n)
		return false;
	ret->id = be16(p);
	ret->answer = p[2] & 0x80;
	ret->cut = p[2] & 0x02;
	ret->rcode = ret->answer ? p[3] & 0xf : 0;
	ret->type = be16(p + HEAD + n);
	ret->answers = ret->answer ? be16(p + 6) : 0;
	return true;
}

/* All of it, with its NUL, or nothing. */
static void put_text(struct buf *list, struct str text)
{
	if (list->n + text.n + 1 > list->cap)
		return;
	buf_str(list, text);
	buf_char(list, 0);
}

static void put_record(struct str m, size_t off, u16 type, u16 size, struct buf *addresses,
		       struct buf *names)
{
	char text[ADDR_TEXT_MAX], room[NAME_WIRE_MAX * 4 + 1];
	u8 addr[16] = { 0 };
	struct buf name;

	if ((type == TYPE_A && size == 4) || (type == TYPE_AAAA && size == 16)) {
		memcpy(addr, m.p + off, size);
		put_text(addresses, addr_text(text, addr, type == TYPE_AAAA));
	} else if (type == TYPE_CNAME) {
		buf_fixed(&name, room, sizeof(room));
		if (read_name(m, off, &name) == size && !name.err)
			put_text(names, buf_view(&name));
	}
}

void dns_records(struct str m, struct buf *addresses, struct buf *names)
{
	const u8 *p = (const u8 *)m.p;
	size_t off = HEAD + read_name(m, HEAD, NULL) + 4, n = be16(p + 6);

	for (size_t i = 0; i < n && i < RECORDS_MAX; i++) {
		size_t name = off < m.n ? read_name(m, off, NULL) : 0;
		u16 size;

		if (!name || off + name + 10 > m.n)
			return;
		off += name;
		size = be16(p + off + 8);
		if (off + 10 + size > m.n)
			return;
		if (be16(p + off + 2) == CLASS_IN)
			put_record(m, off + 10, be16(p + off), size, addresses, names);
		off += 10u + size;
	}
}

const char *dns_type(u16 type, char buf[static DNS_TYPE_TEXT_MAX])
{
	/* IANA, DNS parameters: those that are asked for */
	static const struct {
		u16 type;
		const char *name;
	} names[] = {
		{ TYPE_A, "A" },   { 2, "NS" },	    { TYPE_CNAME, "CNAME" }, { 6, "SOA" },
		{ 12, "PTR" },	   { 15, "MX" },    { 16, "TXT" },	     { TYPE_AAAA, "AAAA" },
		{ 33, "SRV" },	   { 35, "NAPTR" }, { 43, "DS" },	     { 46, "RRSIG" },
		{ 47, "NSEC" },	   { 48, "DNSKEY" }, { 52, "TLSA" },	     { 64, "SVCB" },
		{ 65, "HTTPS" },   { 251, "IXFR" }, { 252, "AXFR" },	     { 255, "ANY" },
		{ 257, "CAA" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (names[i].type == type)
			return names[i].name;
	snprintf(buf, DNS_TYPE_TEXT_MAX, "TYPE%u", type);
	return buf;
}

const char *dns_rcode(u16 rcode)
{
	static const char *const names[16] = {
		"noerror",  "formerr",	"servfail", "nxdomain", "notimp",  "refused",
		"yxdomain", "yxrrset",	"nxrrset",  "notauth",	"notzone", "dsotypeni",
		"rcode12",  "rcode13",	"rcode14",  "rcode15",
	};

	return names[rcode & 0xf];
}
