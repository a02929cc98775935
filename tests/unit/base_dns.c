// SPDX-License-Identifier: Apache-2.0
/* base/dns: what a message says, and what is no message. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "base/dns.h"

#define QUERY "\x30\x39\x01\x00\0\1\0\0\0\0\0\0"
#define ANSWER(n) "\x30\x39\x81\x80\0\1\0" n "\0\0\0\0"
#define END "\0\0\1\0\1" /* of a name; A, IN */
#define M(bytes) ((struct str){ bytes, sizeof(bytes) - 1 })

static char text[1024], lists[2][256];
static struct dns dns;

/* A copy of exactly these bytes, so that the sanitizer sees one that is read too much. */
static bool question(struct str m)
{
	char *copy = malloc(m.n + !m.n);
	struct buf name;
	bool ret;

	memcpy(copy, m.p, m.n);
	buf_fixed(&name, text, sizeof(text));
	ret = dns_question((struct str){ copy, m.n }, &dns, &name);
	buf_char(&name, 0);
	free(copy);
	return ret;
}

static void records(struct str m)
{
	char *copy = malloc(m.n);
	struct buf addresses, names;

	assert_true(question(m));
	memcpy(copy, m.p, m.n);
	buf_fixed(&addresses, lists[0], sizeof(lists[0]));
	buf_fixed(&names, lists[1], sizeof(lists[1]));
	dns_records((struct str){ copy, m.n }, &addresses, &names);
	buf_char(&addresses, 0);
	buf_char(&names, 0);
	free(copy);
}

static void test_question(void **state)
{
	static const struct str query = M(QUERY "\7Example\3com" END);

	(void)state;
	assert_true(question(query));
	assert_string_equal(text, "Example.com");
	assert_int_equal(dns.id, 12345);
	assert_int_equal(dns.type, 1);
	assert_false(dns.answer);
	for (size_t n = 0; n < query.n; n++)
		assert_false(question((struct str){ query.p, n }));
	assert_true(question(M("\0\1\x83\x03\0\1\0\7\0\0\0\0" "\0\0\x1c\0\1")));
	assert_string_equal(text, ".");
	assert_true(dns.answer);
	assert_true(dns.cut);
	assert_int_equal(dns.rcode, 3);
	assert_int_equal(dns.type, 28);
	assert_int_equal(dns.answers, 7);
}

static void test_names(void **state)
{
	(void)state;
	assert_true(question(M(QUERY "\5a.b\\c\1d" END)));
	assert_string_equal(text, "a\\.b\\\\c.d");
	assert_true(question(M(QUERY "\6\xff\0 \n~\x7f" END)));
	assert_string_equal(text, "\\255\\000\\032\\010~\\127");
	/* back into the head: the id is a label "9\1" of no use, but an end all the same */
	assert_true(question(M("\1x\1\0\0\1\0\0\0\0\0\0" "\xc0\x09" "\0\1\0\1")));
	assert_string_equal(text, ".");
}

static void test_no_names(void **state)
{
	static const struct str bad[] = {
		M(QUERY "\xc0\x0c\0\1\0\1"),	    /* itself */
		M(QUERY "\1a\xc0\x0c\0\1\0\1"),	    /* its beginning */
		M(QUERY "\xc0\x0e\0\1\0\1"),	    /* forward */
		M(QUERY "\xff\xff\0\1\0\1"),
		M(QUERY "\x40" "aaaaaaaaaa" END),   /* a label of 64 */
		M(QUERY "\x80" "aaaaaaaaaa" END),   /* a kind of label that there is not */
		M(QUERY "\xc0"),
		M("\0\0\1\0\0\0\0\0\0\0\0\0" "\1a" END), /* no question */
		M("\0\0\1\0\0\2\0\0\0\0\0\0" "\1a" END), /* two */
		M("\0\0\x28\0\0\1\0\0\0\0\0\0" "\1a" END), /* an update */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		if (question(bad[i]))
			fail_msg("%zu is taken for a question: %s", i, text);
}

/* 255 bytes are a name, 256 are none. */
static void test_longest(void **state)
{
	static char m[12 + 256 + 5] = QUERY;
	size_t at = 12;

	(void)state;
	for (int i = 0; i < 3; i++, at += 64) {
		m[at] = 63;
		memset(m + at + 1, 0xff, 63);
	}
	m[at] = 61;
	memset(m + at + 1, 0xff, 62);
	memcpy(m + at + 62, END, 5);
	assert_true(question((struct str){ m, at + 67 }));
	assert_int_equal(strlen(text), (63 * 3 + 61) * 4 + 3);
	m[at] = 62;
	memset(m + at + 1, 0xff, 62);
	memcpy(m + at + 63, END, 5);
	assert_false(question((struct str){ m, at + 68 }));
}

static void test_records(void **state)
{
	static const struct str answer =
		M(ANSWER("\4") "\1a\1b" END
		  "\xc0\x0c\0\5\0\1\0\0\0\x3c\0\4\1x\xc0\x0e"		   /* a.b is x.b */
		  "\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4\x0a\0\0\1"
		  "\xc0\x0c\0\x10\0\1\0\0\0\x3c\0\3\2hi"		   /* TXT */
		  "\xc0\x0c\0\x1c\0\1\0\0\0\x3c\0\x10\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1");
	static const struct str odd =
		M(ANSWER("\3") "\1a" END
		  "\xc0\x0c\0\1\0\1\0\0\0\x3c\0\5\x0a\0\0\1\1"  /* an address of five bytes */
		  "\xc0\x0c\0\1\0\3\0\0\0\x3c\0\4\x0a\0\0\1"    /* of another class */
		  "\xc0\x0c\0\5\0\1\0\0\0\x3c\0\4\xc0\x0c\0\0"); /* bytes behind the name */

	(void)state;
	records(answer);
	assert_memory_equal(lists[0], "10.0.0.1\0" "2001:db8::1\0", 22);
	assert_memory_equal(lists[1], "x.b\0", 5);
	for (size_t n = 12 + 9; n < answer.n; n++)
		records((struct str){ answer.p, n });
	assert_memory_equal(lists[0], "10.0.0.1\0", 10); /* the last one is not all there */
	records(odd);
	assert_int_equal(lists[0][0], 0);
	assert_int_equal(lists[1][0], 0);
}

/* What does not fit is left out, whole. */
static void test_many(void **state)
{
	static char m[2048] = ANSWER("\xff") "\1a" END;
	size_t at = 12 + 7;
	struct buf few;
	char room[30];

	(void)state;
	for (int i = 0; i < 40; i++, at += 16)
		memcpy(m + at, "\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4\x0a\1\1\1", 16);
	records((struct str){ m, at });
	assert_int_equal(strlen(lists[0]), 8);
	assert_int_equal(lists[0][28 * 9], 0); /* 28 of them are 252 bytes */
	buf_fixed(&few, room, sizeof(room));
	dns_records((struct str){ m, at }, &few, &few);
	assert_int_equal(few.n, 27);
	assert_int_equal(few.err, 0);
}

static void test_codes(void **state)
{
	char room[DNS_TYPE_TEXT_MAX];

	(void)state;
	assert_string_equal(dns_type(1, room), "A");
	assert_string_equal(dns_type(65, room), "HTTPS");
	assert_string_equal(dns_type(65535, room), "TYPE65535");
	assert_string_equal(dns_rcode(0), "noerror");
	assert_string_equal(dns_rcode(3), "nxdomain");
	assert_string_equal(dns_rcode(15), "rcode15");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_question), cmocka_unit_test(test_names),
		cmocka_unit_test(test_no_names), cmocka_unit_test(test_longest),
		cmocka_unit_test(test_records),	 cmocka_unit_test(test_many),
		cmocka_unit_test(test_codes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
