// SPDX-License-Identifier: Apache-2.0
/* links: src/net/tls.c libs: bearssl */
/* net/tls: what BearSSL would choke on is cleaned away, what it can use stays. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "net/tls.h"

/* openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1, and -newkey ed25519:
 * self-signed, 100 years. */
static const char good[] = "-----BEGIN CERTIFICATE-----\n"
			   "MIIBcjCCARegAwIBAgIUUWNZuZ3WyX0ShY2tuxqaWHQOi9AwCgYIKoZIzj0EAwIw\n"
			   "DTELMAkGA1UEAwwCZWMwIBcNMjYxMTIxMTIwNDEzWhgPMjEyNjEwMjgxMjA0MTNa\n"
			   "MA0xCzAJBgNVBAMMAmVjMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE48yuIGl7\n"
			   "QdUEAXKQnwFn/Bo7kG03H8NyX9R6w0dt3msBhXZ39qMiOrDMDYOsKdTpJLnUl7II\n"
			   "97MjhwydQqbJxKNTMFEwHQYDVR0OBBYEFMfcFiaZi28EgxJnjbS+3TmfU3pXMB8G\n"
			   "A1UdIwQYMBaAFMfcFiaZi28EgxJnjbS+3TmfU3pXMA8GA1UdEwEB/wQFMAMBAf8w\n"
			   "CgYIKoZIzj0EAwIDSQAwRgIhAP0F6nBBq/J+YOdPNMA1LXynGCSWNoeeCHBCXQEC\n"
			   "J8enAiEArEfy3vAK5e2kJvN/ieuMjSdkKY7G2VUTQ0fRSsie5jk=\n"
			   "-----END CERTIFICATE-----\n";
static const char ed25519[] = "-----BEGIN CERTIFICATE-----\n"
			      "MIIBMDCB46ADAgECAhQ5RJucKq5GoR8LZ98RkE/LdguZKTAFBgMrZXAwDTELMAkG\n"
			      "A1UEAwwCZWQwIBcNMjYxMTIxMTIwNDEzWhgPMjEyNjEwMjgxMjA0MTNaMA0xCzAJ\n"
			      "BgNVBAMMAmVkMCowBQYDK2VwAyEAuB3pTBbWZ2mKB6xv58PxaopVsmNY+BH9Sw4P\n"
			      "aJpPU+KjUzBRMB0GA1UdDgQWBBRRUqO0M0S7WMepvDWTSXSfopyXyjAfBgNVHSME\n"
			      "GDAWgBRRUqO0M0S7WMepvDWTSXSfopyXyjAPBgNVHRMBAf8EBTADAQH/MAUGAytl\n"
			      "cANBAJUJuye50JmQi5kj8rcp+UetvGNJ09xWnw4N9oWI6bh3r9AczPOAKX2T/KhO\n"
			      "23dyaOYFuyH6ba5boqAT0Ng50wU=\n"
			      "-----END CERTIFICATE-----\n";

#define LINE "-----BEGIN CERTIFICATE-----\n"

static struct buf out;
static size_t kept, dropped;

static void clean(const char *text)
{
	buf_reset(&out);
	tls_ca_clean(&out, str_of(text), &kept, &dropped);
}

static void assert_is(const char *text, size_t want_kept, size_t want_dropped)
{
	assert_int_equal(kept, want_kept);
	assert_int_equal(dropped, want_dropped);
	assert_int_equal(out.n, strlen(text));
	assert_memory_equal(out.p, text, out.n);
}

static char *joined(const char *a, const char *b, const char *c)
{
	static char text[16384];

	snprintf(text, sizeof(text), "%s%s%s", a, b, c);
	return text;
}

static void test_good(void **state)
{
	(void)state;
	clean(good);
	assert_is(good, 1, 0);
	clean(joined("# a comment\n", good, "more talk\n"));
	assert_is(good, 1, 0);
	clean(joined(good, "", good));
	assert_int_equal(kept, 2);
}

/* CRLF, blanks at line ends, no last newline: curl with BearSSL fails on each. */
static void test_ends(void **state)
{
	char text[4096];
	size_t n = 0;

	(void)state;
	for (const char *p = good; *p; p++) {
		if (*p == '\n')
			text[n++] = '\r';
		text[n++] = *p;
	}
	text[n] = 0;
	clean(text);
	assert_is(good, 1, 0);
	memcpy(text, good, sizeof(good) - 2);
	text[sizeof(good) - 2] = 0;
	assert_int_not_equal(text[strlen(text) - 1], '\n');
	clean(text);
	assert_is(good, 1, 0);
}

static void test_unusable(void **state)
{
	char text[4096];

	(void)state;
	clean(joined(ed25519, good, ed25519));
	assert_is(good, 1, 2);
	clean(ed25519);
	assert_is("", 0, 1);
	/* A damaged one, one that ends in the middle, one that begins in the middle. */
	strcpy(text, good);
	text[200] = '!';
	clean(joined(text, good, ""));
	assert_is(good, 1, 1);
	strcpy(text, good);
	text[100] ^= 1;
	clean(text);
	assert_int_equal(kept + dropped, 1);
	strcpy(text, good);
	text[200] = 0;
	clean(joined(good, text, ""));
	assert_is(good, 1, 1);
	clean(joined(text, "\n", good));
	assert_is(good, 1, 1);
	clean(joined(LINE, "-----END CERTIFICATE-----\n", ""));
	assert_is("", 0, 1);
	clean("");
	assert_is("", 0, 0);
	/* A private key that stands in the file by mistake does not go on. */
	clean(joined("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", good, ""));
	assert_is(good, 1, 0);
}

static void test_load(void **state)
{
	char path[] = "/tmp/net_tls_XXXXXX", err[256] = "";
	int fd = mkstemp(path);

	(void)state;
	assert_true(write(fd, good, sizeof(good) - 1) > 0);
	buf_reset(&out);
	assert_int_equal(tls_ca_load(&out, path, &kept, &dropped, err, sizeof(err)), 0);
	assert_is(good, 1, 0);
	assert_int_equal(ftruncate(fd, 0), 0);
	buf_reset(&out);
	assert_int_equal(tls_ca_load(&out, path, &kept, &dropped, err, sizeof(err)), -EINVAL);
	assert_non_null(strstr(err, path));
	assert_int_equal(ftruncate(fd, TLS_CA_BYTES_MAX + 1), 0);
	assert_int_equal(tls_ca_load(&out, path, &kept, &dropped, err, sizeof(err)), -EFBIG);
	close(fd);
	unlink(path);
	assert_int_equal(tls_ca_load(&out, path, &kept, &dropped, err, sizeof(err)), -ENOENT);
	assert_int_equal(tls_ca_load(&out, "/tmp", &kept, &dropped, err, sizeof(err)), -EISDIR);
}

/* Where there is a bundle of the system, nearly all of it is usable. */
static void test_system(void **state)
{
	char err[256] = "";

	(void)state;
	buf_reset(&out);
	if (tls_ca_load(&out, NULL, &kept, &dropped, err, sizeof(err)) == -ENOENT) {
		print_message("no CA bundle on this machine\n");
		skip();
	}
	assert_true(kept > 10 && dropped * 5 < kept);
}

static int setup(void **state)
{
	(void)state;
	buf_init(&out, TLS_CA_BYTES_MAX);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	buf_free(&out);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),	 cmocka_unit_test(test_ends),
		cmocka_unit_test(test_unusable), cmocka_unit_test(test_load),
		cmocka_unit_test(test_system),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
