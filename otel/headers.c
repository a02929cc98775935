// SPDX-License-Identifier: Apache-2.0
#include "otel/headers.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/percent.h"

/* Ours to set: another value would break the request or answer for a different one. */
static const char *const reserved[] = {
	"content-type",	    "content-encoding",
	"content-length",   "transfer-encoding",
	"connection",	    "host",
	"expect",	    "te",
	"accept-encoding",  "upgrade",
	"trailer",	    "keep-alive",
	"proxy-connection",
};

static bool is_token(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9') &&
		    (!c || !strchr("!#$%&'*+-.^_`|~", c)))
			return false;
	}
	return s.n > 0;
}

/* NULL, or what is wrong with it. Blanks may stand undecoded, as other SDKs take them. */
static const char *decode(struct str s, char dst[static HEADER_VALUE_MAX], size_t *ret_n)
{
	size_t n = 0;

	while (s.n) {
		int c = percent_take(&s);

		if (c < 0)
			return "has a % that two hex digits do not follow (write %25)";
		if (c < 0x20 || c == 0x7f)
			return "holds a control character, which could forge a header line";
		if (n == HEADER_VALUE_MAX)
			return "is longer than 8192 bytes";
		dst[n++] = (char)c;
	}
	*ret_n = n;
	return NULL;
}

static const char *check_name(struct str name)
{
	if (!is_token(name))
		return "is not a header name";
	for (size_t i = 0; i < ARRAY_SIZE(reserved); i++) {
		if (str_eqi(name, str_of(reserved[i])))
			return "is set by podtrace itself, leave it out";
	}
	return NULL;
}

static int refuse(char *err, size_t err_cap, size_t at, struct str name, const char *what)
{
	/* A part without '=' may be half of a secret: only names are shown. */
	char shown[64];

	str_copy_utf8(shown, sizeof(shown), name, NULL);
	for (char *p = shown; *p; p++) {
		if ((u8)*p < 0x20 || *p == 0x7f)
			*p = '?';
	}
	snprintf(err, err_cap, "header %zu%s%s%s of the OTLP headers %s", at, name.n ? " (" : "",
		 shown, name.n ? ")" : "", what);
	return -EINVAL;
}

static int walk(struct str text, headers_fn fn, void *ctx, char *err, size_t err_cap)
{
	char value[HEADER_VALUE_MAX];
	struct str part;
	size_t at = 0;

	while (str_cut(&text, ',', &part)) {
		struct str name, rest = str_trim(part);
		const char *wrong;
		size_t n = 0;
		int ret;

		if (!rest.n)
			continue;
		at++;
		if (str_find(rest, '=') == rest.n)
			return refuse(err, err_cap, at, STR(""), "has no '='; write name=value");
		str_cut(&rest, '=', &name);
		name = str_trim(name);
		wrong = check_name(name);
		if (!wrong)
			wrong = decode(str_trim(rest), value, &n);
		if (!wrong && at > HEADERS_MAX)
			wrong = "is one too many: 32 at most";
		if (wrong)
			return refuse(err, err_cap, at, name, wrong);
		ret = fn ? fn(ctx, name, (struct str){ value, n }) : 0;
		if (ret)
			return ret;
	}
	return 0;
}

int headers_parse(struct str text, headers_fn fn, void *ctx, char *err, size_t err_cap)
{
	int ret = walk(text, NULL, NULL, err, err_cap);

	return ret ? ret : walk(text, fn, ctx, err, err_cap);
}
