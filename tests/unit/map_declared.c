// SPDX-License-Identifier: Apache-2.0
/* links: src/pod.c otel/map/declared.c otel/map/image.c libs: */
/* otel/map: lists of attributes as processes declare them, and images in all shapes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "base/buf.h"
#include "otel/map/declared.h"
#include "otel/map/image.h"

/* ---- lists ---------------------------------------------------------------------------------- */

/* "[key][value]..." of what was taken, "malformed". */
static const char *shown(const struct declared *d)
{
	static char text[4 * DECLARED_BYTES_MAX];
	struct buf b;

	if (d->malformed) {
		assert_int_equal(d->n, 0);
		return "malformed";
	}
	buf_fixed(&b, text, sizeof(text));
	for (size_t i = 0; i < d->n; i++) {
		buf_printf(&b, "[%s][", d->v[i].key.p);
		assert_int_equal(strlen(d->v[i].key.p), d->v[i].key.n);
		buf_str(&b, d->v[i].value);
		buf_char(&b, ']');
	}
	buf_char(&b, '\0');
	assert_int_equal(b.err, 0);
	return text;
}

static void test_lists(void **state)
{
	static const struct {
		const char *text, *want;
	} rows[] = {
		{ "", "" },
		{ " ", "" },
		{ ",, ,", "" },
		{ "a=1", "[a][1]" },
		{ "a=1,", "[a][1]" },
		{ " a = 1 , b = 2 3 ", "[a][1][b][2 3]" },
		{ "a=", "[a][]" },
		{ "a=b=c", "[a][b=c]" },
		{ "a=%2C%3d%25", "[a][,=%]" },
		{ "a=%C3%A9", "[a][\xc3\xa9]" },
		{ "a=%20x%20", "[a][ x ]" },
		{ "a%3Db=1", "[a=b][1]" },
		{ "a=1,b=2,a=3", "[a][3][b][2]" },
		{ "service.name=shop,deployment.environment.name=prod",
		  "[service.name][shop][deployment.environment.name][prod]" },
		{ "a=\xff\xfe", "[a][\xff\xfe]" },
		/* one error makes the whole void */
		{ "a", "malformed" },
		{ "a=1,b", "malformed" },
		{ "=1", "malformed" },
		{ "a=1, =2", "malformed" },
		{ "a=%", "malformed" },
		{ "a=%4", "malformed" },
		{ "a=1,b=%zz,c=3", "malformed" },
		{ "%a=1", "malformed" },
	};
	static struct declared d;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		declared_parse(str_of(rows[i].text), &d);
		if (strcmp(shown(&d), rows[i].want))
			fail_msg("\"%s\": want %s, have %s", rows[i].text, rows[i].want, shown(&d));
	}
	declared_parse((struct str){ NULL, 0 }, &d);
	assert_false(d.malformed);
	assert_int_equal(d.n, 0);
}

static void test_list_limits(void **state)
{
	static char text[DECLARED_BYTES_MAX + 1];
	static struct declared d;
	struct buf b;

	(void)state;
	buf_fixed(&b, text, sizeof(text));
	for (int i = 0; i < DECLARED_MAX + 7; i++)
		buf_printf(&b, "k%d=%d,", i, i);
	buf_cstr(&b, "k0=last"); /* known: still taken */
	declared_parse(buf_view(&b), &d);
	assert_int_equal(d.n, DECLARED_MAX);
	assert_int_equal(d.left_out, 7);
	assert_true(str_eq(d.v[0].value, STR("last")));
	/* as long as can be, and one longer */
	memset(text, 'v', sizeof(text));
	memcpy(text, "k=", 2);
	declared_parse((struct str){ text, DECLARED_BYTES_MAX }, &d);
	assert_int_equal(d.n, 1);
	assert_int_equal(d.v[0].value.n, DECLARED_BYTES_MAX - 2);
	declared_parse((struct str){ text, DECLARED_BYTES_MAX + 1 }, &d);
	assert_true(d.malformed);
	/* the most keys there can be in the least room */
	for (size_t i = 0; i < DECLARED_BYTES_MAX; i++)
		text[i] = "k=,"[i % 3];
	declared_parse((struct str){ text, DECLARED_BYTES_MAX - 1 }, &d);
	assert_int_equal(d.n, 1);
	assert_int_equal(d.left_out, 0);
}

/* ---- images --------------------------------------------------------------------------------- */

#define HEX64  "8a5f0c3d2e1b4a69788796a5b4c3d2e1f00112233445566778899aabbccddeef"
#define SHA256 "sha256:" HEX64

static void test_images(void **state)
{
	static const struct {
		const char *text, *id, *name, *tag, *digest;
	} rows[] = {
		{ "", "", "", "", "" },
		{ "nginx", "", "nginx", "", "" },
		{ "nginx:1.27", "", "nginx", "1.27", "" },
		{ " nginx:1.27 ", "", "nginx", "1.27", "" },
		{ "library/nginx:1.27-alpine", "", "library/nginx", "1.27-alpine", "" },
		{ "docker.io/library/nginx:latest", "", "docker.io/library/nginx", "latest", "" },
		{ "registry:5000/shop/orders", "", "registry:5000/shop/orders", "", "" },
		{ "registry:5000/shop/orders:v1", "", "registry:5000/shop/orders", "v1", "" },
		{ "localhost:5000", "", "localhost", "5000", "" },
		{ "[2001:db8::1]:5000/orders:v1", "", "[2001:db8::1]:5000/orders", "v1", "" },
		{ "[2001:db8::1]/orders", "", "[2001:db8::1]/orders", "", "" },
		{ "nginx@" SHA256, "", "nginx", "", SHA256 },
		{ "nginx:1.27@" SHA256, "", "nginx", "1.27", SHA256 },
		{ "registry:5000/a/b:v1_x.y-z@" SHA256, "", "registry:5000/a/b", "v1_x.y-z",
		  SHA256 },
		{ "registry:5000/a/b@" SHA256, "", "registry:5000/a/b", "", SHA256 },
		{ "a/b@sha512:" HEX64 HEX64, "", "a/b", "", "sha512:" HEX64 HEX64 },
		{ "a@x+y.z_1-2:" HEX64, "", "a", "", "x+y.z_1-2:" HEX64 },
		{ SHA256, SHA256, "", "", "" },
		{ HEX64, HEX64, "", "", "" },
		{ "docker://" SHA256, SHA256, "", "", "" },
		{ "docker-pullable://registry:5000/a@" SHA256, "", "registry:5000/a", "", SHA256 },
		{ "sha256:1.27", "", "sha256", "1.27", "" },
		/* what is no reference is shown as it is */
		{ "nginx:", "", "nginx:", "", "" },
		{ ":1.27", "", ":1.27", "", "" },
		{ "nginx:-1", "", "nginx:-1", "", "" },
		{ "nginx:a b", "", "nginx:a b", "", "" },
		{ "nginx@sha256:zz", "", "nginx@sha256:zz", "", "" },
		{ "nginx@" HEX64, "", "nginx@" HEX64, "", "" },
		{ "@" SHA256, "", "@" SHA256, "", "" },
		{ "a@b@" SHA256, "", "a@b@" SHA256, "", "" },
		{ "HTTP://x", "", "HTTP://x", "", "" },
		{ "\xff\xfe:\x01", "", "\xff\xfe:\x01", "", "" },
		{ "/", "", "/", "", "" },
		{ "a/", "", "a/", "", "" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct image image;

		image_split(str_of(rows[i].text), &image);
		if (!str_eq(image.id, str_of(rows[i].id)) ||
		    !str_eq(image.name, str_of(rows[i].name)) ||
		    !str_eq(image.tag, str_of(rows[i].tag)) ||
		    !str_eq(image.digest, str_of(rows[i].digest)))
			fail_msg("\"%s\": id \"%.*s\" name \"%.*s\" tag \"%.*s\" digest \"%.*s\"",
				 rows[i].text, (int)image.id.n, image.id.p, (int)image.name.n,
				 image.name.p, (int)image.tag.n, image.tag.p, (int)image.digest.n,
				 image.digest.p);
	}
}

static void test_image_limits(void **state)
{
	char text[300] = "nginx:";
	struct image image;

	(void)state;
	memset(text + 6, 't', 129);
	image_split((struct str){ text, 6 + 128 }, &image);
	assert_int_equal(image.tag.n, 128);
	image_split((struct str){ text, 6 + 129 }, &image);
	assert_int_equal(image.tag.n, 0);
	assert_int_equal(image.name.n, 6 + 129);
	/* 31 digits are no digest, 32 are */
	image_split(STR("a@sha256:0123456789abcdef0123456789abcde"), &image);
	assert_int_equal(image.digest.n, 0);
	image_split(STR("a@sha256:0123456789abcdef0123456789abcdef"), &image);
	assert_int_equal(image.digest.n, 39);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lists),
		cmocka_unit_test(test_list_limits),
		cmocka_unit_test(test_images),
		cmocka_unit_test(test_image_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
