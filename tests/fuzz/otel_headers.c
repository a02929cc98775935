// SPDX-License-Identifier: Apache-2.0
/* links: otel/headers.c */
/*
 * otel/headers: what is accepted can be put into an HTTP request as it is (a token, a value without
 * control characters), and written again with every byte escaped it is read back the same. What is
 * refused has a reason that is one line, and calls nobody.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "otel/headers.h"

#define CHECK(cond)                                                                                \
	do {                                                                                       \
		if (!(cond))                                                                       \
			abort();                                                                   \
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* What was heard, as text to compare, and the same as input again. */
struct heard {
	struct buf text, again;
	int calls;
};

static int hear(void *ctx, struct str name, struct str value)
{
	struct heard *h = ctx;

	h->calls++;
	CHECK(name.n);
	for (size_t i = 0; i < name.n; i++)
		CHECK(name.p[i] > ' ' && name.p[i] < 0x7f &&
		      !strchr(":,=;\"()<>@[]{}/?\\", name.p[i]));
	CHECK(value.n <= HEADER_VALUE_MAX);
	buf_printf(&h->text, "[%zu %zu]", name.n, value.n);
	buf_str(&h->text, name);
	buf_str(&h->text, value);
	buf_str(&h->again, name);
	buf_char(&h->again, '=');
	for (size_t i = 0; i < value.n; i++) {
		CHECK((u8)value.p[i] >= 0x20 && value.p[i] != 0x7f);
		buf_printf(&h->again, "%%%02x", (u8)value.p[i]);
	}
	buf_char(&h->again, ',');
	return 0;
}

static int parse(struct heard *h, struct str s)
{
	char err[200] = "";
	int bad;

	buf_init(&h->text, SIZE_MAX / 2);
	buf_init(&h->again, SIZE_MAX / 2);
	h->calls = 0;
	bad = headers_parse(s, hear, h, err, sizeof(err));
	CHECK(!bad == !err[0]);
	CHECK(!strpbrk(err, "\r\n"));
	CHECK(h->calls <= HEADERS_MAX);
	return bad;
}

static void forget(struct heard *h)
{
	buf_free(&h->text);
	buf_free(&h->again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct heard first, second;

	if (parse(&first, (struct str){ (const char *)data, n })) {
		CHECK(first.calls == 0);
		forget(&first);
		return 0;
	}
	CHECK(parse(&second, buf_view(&first.again)) == 0);
	CHECK(str_eq(buf_view(&first.text), buf_view(&second.text)));
	forget(&first);
	forget(&second);
	return 0;
}
