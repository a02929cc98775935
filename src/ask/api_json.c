// SPDX-License-Identifier: Apache-2.0
#include "ask/api_json.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void *take(void *ctx, size_t size)
{
	(void)ctx;
	return size <= API_VALUES_MAX ? malloc(size) : NULL;
}

static void *grow(void *ctx, void *p, size_t old_size, size_t size)
{
	(void)ctx;
	(void)old_size;
	return size <= API_VALUES_MAX ? realloc(p, size) : NULL;
}

static void give_back(void *ctx, void *p)
{
	(void)ctx;
	free(p);
}

int api_json_read(struct buf *text, yyjson_doc **ret)
{
	static const yyjson_alc bounded = { take, grow, give_back, NULL };
	yyjson_read_err err;
	size_t n = text->n;
	char *padding = buf_room(text, YYJSON_PADDING_SIZE);

	if (!padding)
		return text->err == -ENOMEM ? -ENOMEM : -EFBIG;
	memset(padding, 0, YYJSON_PADDING_SIZE);
	text->n = n;
	*ret = yyjson_read_opts(text->p, n, YYJSON_READ_INSITU, &bounded, &err);
	if (*ret)
		return 0;
	return err.code == YYJSON_READ_ERROR_MEMORY_ALLOCATION ? -EFBIG : -EBADMSG;
}

struct str api_json_str(const yyjson_val *v)
{
	const char *s = yyjson_get_str((yyjson_val *)v);

	return s ? str_ofn(s, yyjson_get_len((yyjson_val *)v)) : (struct str){ "", 0 };
}

void api_printable(char *dst, size_t cap, struct str s)
{
	size_t n = str_copy(dst, cap, s);

	for (size_t i = 0; i < n; i++) {
		if (dst[i] < ' ' || dst[i] > '~')
			dst[i] = '?';
	}
}
