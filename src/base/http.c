/* SPDX-License-Identifier: Apache-2.0 */
#include "base/http.h"
#include "base/parse.h"

#define METHOD_MAX 24
#define PARENT_LEN 55

static const char *const methods[HTTP_METHOD_END] = {
	[HTTP_OTHER] = "_OTHER",   [HTTP_GET] = "GET",	     [HTTP_HEAD] = "HEAD",
	[HTTP_POST] = "POST",	   [HTTP_PUT] = "PUT",	     [HTTP_DELETE] = "DELETE",
	[HTTP_CONNECT] = "CONNECT", [HTTP_OPTIONS] = "OPTIONS", [HTTP_TRACE] = "TRACE",
	[HTTP_PATCH] = "PATCH",	   [HTTP_QUERY] = "QUERY",
};

enum http_method http_method_of(struct str name)
{
	for (unsigned i = HTTP_OTHER + 1; i < HTTP_METHOD_END; i++)
		if (str_eq(name, str_of(methods[i])))
			return (enum http_method)i;
	return HTTP_OTHER;
}

const char *http_method_name(enum http_method method)
{
	return methods[method];
}

static bool read_version(struct str text, u16 *ret)
{
	if (text.n != 8 || !str_starts(text, STR("HTTP/1.")) || text.p[7] < '0' || text.p[7] > '9')
		return false;
	*ret = (u16)(text.p[7] - '0');
	return true;
}

static bool is_method(struct str text)
{
	if (!text.n || text.n > METHOD_MAX)
		return false;
	for (size_t i = 0; i < text.n; i++)
		if ((text.p[i] < 'A' || text.p[i] > 'Z') && text.p[i] != '-')
			return false;
	return true;
}

static bool read_request(struct str line, struct http_message *ret)
{
	struct str method, target;

	if (!str_cut(&line, ' ', &method) || !str_cut(&line, ' ', &target))
		return false;
	ret->method = method;
	ret->target = target;
	return is_method(method) && target.n && read_version(line, &ret->version);
}

static bool read_response(struct str line, struct http_message *ret)
{
	struct str version, status;
	u64 n;

	if (!str_cut(&line, ' ', &version) || !str_cut(&line, ' ', &status))
		return false;
	if (!read_version(version, &ret->version) || status.n != 3 ||
	    parse_u64(status, 100, 999, &n))
		return false;
	ret->is_response = true;
	ret->status = (u16)n;
	return true;
}

/* chunked is last, if it is there (RFC 9112 section 6.1) */
static bool is_chunked(struct str codings)
{
	return codings.n >= 7 && str_eqi(str_slice(codings, codings.n - 7, codings.n), STR("chunked"));
}

static void read_header(struct str line, struct http_message *ret)
{
	struct str value = str_trim(str_slice(line, 1, line.n));

	switch (line.n ? line.p[0] : 0) {
	case HEADER_HOST:
		ret->host = value;
		break;
	case HEADER_PARENT:
		ret->parent = value;
		break;
	case HEADER_LENGTH:
		ret->has_length = !parse_u64(value, 0, 1ull << 62, &ret->length);
		break;
	case HEADER_CODING:
		ret->chunked = is_chunked(value);
		break;
	}
}

bool http_read(struct str head, struct http_message *ret)
{
	struct str line;
	bool read;

	*ret = (struct http_message){ .host = STR(""), .parent = STR("") };
	if (!str_cut(&head, '\n', &line) || !head.p) /* not all of it is there */
		return false;
	line = str_trim(line);
	read = str_starts(line, STR("HTTP/1.")) ? read_response(line, ret) : read_request(line, ret);
	if (!read)
		return false;
	while (str_cut(&head, '\n', &line))
		read_header(line, ret);
	ret->has_length &= !ret->chunked; /* which is ignored beside it (section 6.3) */
	return true;
}

struct str http_path(struct str target)
{
	size_t n = str_find(target, '?'), at;

	target = str_slice(target, 0, n < target.n ? n + 1 : n);
	if (!target.n || target.p[0] == '/')
		return target;
	for (at = 0; at + 3 <= target.n; at++) {
		struct str rest = str_slice(target, at, target.n);

		if (!str_starts(rest, STR("://")))
			continue;
		rest = str_slice(rest, 3, rest.n);
		rest = str_slice(rest, str_find(rest, '/'), rest.n);
		return rest.n ? rest : STR("/");
	}
	at = str_find(target, '@');
	return at < target.n ? str_slice(target, at + 1, target.n) : target;
}

/* Digits of two bytes each, in lower case. */
static bool read_hex(struct str text, u8 *ret, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct str digits = str_slice(text, 2 * i, 2 * i + 2);
		u64 v;

		for (size_t d = 0; d < digits.n; d++)
			if (digits.p[d] >= 'A' && digits.p[d] <= 'F')
				return false;
		if (parse_hex(digits, &v))
			return false;
		ret[i] = (u8)v;
	}
	return true;
}

static bool is_zero(const u8 *id, size_t n)
{
	while (n && !id[n - 1])
		n--;
	return !n;
}

bool http_parent_read(struct str text, struct http_parent *ret)
{
	u8 version;

	if (text.n < PARENT_LEN || text.p[2] != '-' || text.p[35] != '-' || text.p[52] != '-')
		return false;
	if (!read_hex(str_slice(text, 0, 2), &version, 1) || version == 0xff)
		return false;
	if (text.n > PARENT_LEN && (!version || text.p[PARENT_LEN] != '-'))
		return false;
	return read_hex(str_slice(text, 3, 35), ret->trace_id, sizeof(ret->trace_id)) &&
	       read_hex(str_slice(text, 36, 52), ret->span_id, sizeof(ret->span_id)) &&
	       read_hex(str_slice(text, 53, 55), &ret->flags, 1) &&
	       !is_zero(ret->trace_id, sizeof(ret->trace_id)) &&
	       !is_zero(ret->span_id, sizeof(ret->span_id));
}
