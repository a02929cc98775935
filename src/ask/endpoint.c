// SPDX-License-Identifier: Apache-2.0
/* Flags as pflag reads them; one key of a file. Why no YAML library: docs/decisions.md. */
#include "ask/endpoint.h"

#include <yyjson.h>

#include "ask/find.h"

struct str endpoint_argument(struct str args, struct str flag)
{
	struct str value = { NULL, 0 }, arg;
	bool next = false;

	if (!args.n || !str_cut(&args, '\0', &arg)) /* the program's own name */
		return value;
	while (args.n && str_cut(&args, '\0', &arg)) {
		if (next) {
			value = arg;
			next = false;
			continue;
		}
		if (str_eq(arg, STR("--")))
			break;
		if (!str_starts(arg, flag))
			continue;
		if (arg.n == flag.n)
			next = true;
		else if (arg.p[flag.n] == '=')
			value = str_slice(arg, flag.n + 1, arg.n);
	}
	return value;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* Take "key:" with the blank behind it, or its quoted form, off the line. */
static bool take_key(struct str *line, struct str key)
{
	struct str s = *line;
	bool quoted = s.n && (s.p[0] == '"' || s.p[0] == '\'');
	char quote = quoted ? s.p[0] : '\0';

	s = str_slice(s, quoted, s.n);
	if (!str_starts(s, key))
		return false;
	s = str_slice(s, key.n, s.n);
	if (quoted) {
		if (!s.n || s.p[0] != quote)
			return false;
		s = str_slice(s, 1, s.n);
	}
	while (s.n && is_blank(s.p[0]))
		s = str_slice(s, 1, s.n);
	if (!s.n || s.p[0] != ':' || (s.n > 1 && !is_blank(s.p[1]) && s.p[1] != '\r'))
		return false;
	*line = str_slice(s, 1, s.n);
	return true;
}

/* What is behind a value may only be a comment. */
static bool is_rest(struct str s)
{
	struct str t = str_trim(s);

	return t.n == 0 || (t.p[0] == '#' && t.p > s.p);
}

static bool take_value(struct str s, struct str *ret)
{
	size_t end;

	s = str_trim(s);
	if (s.n && (s.p[0] == '"' || s.p[0] == '\'')) {
		char quote = s.p[0];

		s = str_slice(s, 1, s.n);
		end = str_find(s, quote);
		*ret = str_slice(s, 0, end);
		if (end == s.n || (quote == '"' && str_find(*ret, '\\') < end))
			return false;
		return is_rest(str_slice(s, end + 1, s.n));
	}
	for (end = 0; end < s.n; end++) {
		if (s.p[end] == '#' && (end == 0 || is_blank(s.p[end - 1])))
			break;
	}
	*ret = str_trim(str_slice(s, 0, end));
	return true;
}

static bool copy(char *dst, size_t cap, struct str s)
{
	if (!s.n || s.n >= cap || str_find(s, '\0') < s.n)
		return false;
	str_copy(dst, cap, s);
	return true;
}

static bool yaml_setting(struct str text, struct str key, char *dst, size_t cap)
{
	struct str line, value;

	while (str_cut(&text, '\n', &line)) {
		if (take_key(&line, key))
			return take_value(line, &value) && copy(dst, cap, value);
	}
	return false;
}

static bool json_setting(struct str text, struct str key, char *dst, size_t cap)
{
	yyjson_doc *doc = yyjson_read(text.p, text.n, 0);
	yyjson_val *v = yyjson_obj_getn(yyjson_doc_get_root(doc), key.p, key.n);
	bool ok = false;

	if (yyjson_is_str(v))
		ok = copy(dst, cap, (struct str){ yyjson_get_str(v), yyjson_get_len(v) });
	yyjson_doc_free(doc);
	return ok;
}

bool endpoint_setting(struct str text, struct str key, char *dst, size_t cap)
{
	static const struct str bom = STR("\xef\xbb\xbf");

	if (str_starts(text, bom))
		text = str_slice(text, bom.n, text.n);
	if (str_starts(str_trim(text), STR("{")))
		return json_setting(str_trim(text), key, dst, cap);
	return yaml_setting(text, key, dst, cap);
}

bool cri_endpoint_path(struct str endpoint, char *dst, size_t cap)
{
	struct str path = endpoint;

	if (str_starts(path, STR("unix://")))
		path = str_slice(path, 7, path.n);
	else if (str_starts(path, STR("unix:")))
		path = str_slice(path, 5, path.n);
	if (path.n < 2 || path.n >= cap || path.p[0] != '/' || path.p[path.n - 1] == '/')
		return false;
	for (size_t i = 0; i < path.n; i++) {
		if ((unsigned char)path.p[i] < ' ' || path.p[i] == 0x7f)
			return false;
	}
	str_copy(dst, cap, path);
	return true;
}
