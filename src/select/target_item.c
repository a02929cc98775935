// SPDX-License-Identifier: Apache-2.0
/*
 * Lists of names, patterns and ids. What can never be a name in Kubernetes (capital letters, "_",
 * too long: apimachinery pkg/util/validation, RFC 1123) is refused here, not matched in vain.
 */
#include <errno.h>

#include "select/target_internal.h"

#define LABEL_MAX     63 /* bytes between two dots: RFC 1123 */
#define SUBDOMAIN_MAX 253
#define ID_MIN	      8 /* digits: fewer would name several containers of a busy node */
#define ID_MAX	      (WHO_ID_MAX - 1)

static const struct rule {
	const char *what;
	size_t max;
	bool dots;
} rules[] = {
	[OF_NAMESPACE] = { "a namespace", LABEL_MAX, false },
	[OF_POD] = { "a pod", SUBDOMAIN_MAX, true },
	[OF_CONTAINER] = { "a container", LABEL_MAX, false },
};

bool target_is_pattern(struct str name)
{
	return str_find(name, '*') < name.n || str_find(name, '?') < name.n;
}

/* Names have at least one byte: one ? narrows nothing. */
bool target_is_anything(struct str name)
{
	size_t stars = 0, marks = 0;

	for (size_t i = 0; i < name.n; i++) {
		stars += name.p[i] == '*';
		marks += name.p[i] == '?';
	}
	return stars && marks <= 1 && stars + marks == name.n;
}

const char *target_name_wrong(struct str name, size_t max, bool dots, bool wild)
{
	char last = '.'; /* as if a label had begun before: neither - nor . may follow one */
	size_t n = 0;

	for (size_t i = 0; i < name.n; i++) {
		char c = name.p[i];

		n += !wild || c != '*';
		if (c >= 'A' && c <= 'Z')
			return "has no capital letters";
		if ((c == '-' && last == '.') ||
		    (c == '.' && dots && (last == '.' || last == '-')) ||
		    (c == '-' && i + 1 == name.n) || (c == '.' && dots && i + 1 == name.n))
			return dots ? "begins and ends with a letter or a digit, also around a dot"
				    : "begins and ends with a letter or a digit";
		if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '-' &&
		    !(c == '.' && dots) && !(wild && (c == '*' || c == '?')))
			return dots ? "has only lower-case letters, digits, - and ."
				    : "has only lower-case letters, digits and -";
		last = c;
	}
	if (n > max)
		return "is shorter";
	return NULL;
}

static int check(struct target_parse *p, enum item_of of, struct str whole, enum item_of as,
		 struct str name)
{
	const struct rule *rule = &rules[as];
	const char *wrong = target_name_wrong(name, rule->max, rule->dots, true);

	if (!name.n)
		return target_fail(p, of, whole, "the name of %s is missing", rule->what);
	if (wrong)
		return target_fail(p, of, whole,
				   "can never match: the name of %s %s: at most %zu bytes, "
				   "* and ? as wildcards",
				   rule->what, wrong, rule->max);
	return 0;
}

/* As people copy them from kubectl: "containerd://ID", too. */
static int parse_id(struct target_parse *p, struct str whole, struct item *item)
{
	struct str id = item->name;

	for (size_t i = 0; i + 3 <= id.n; i++) {
		if (str_eq(str_slice(id, i, i + 3), STR("://"))) {
			id = str_slice(id, i + 3, id.n);
			break;
		}
	}
	for (size_t i = 0; i < id.n; i++) {
		char *c = p->t->text + (id.p - p->t->text) + i;

		if (*c >= 'A' && *c <= 'F')
			*c = (char)(*c + ('a' - 'A'));
		if (!(*c >= '0' && *c <= '9') && !(*c >= 'a' && *c <= 'f'))
			return target_fail(p, OF_ID, whole,
					   "a container's id is written in hex digits, without "
					   "wildcards");
	}
	if (id.n < ID_MIN || id.n > ID_MAX)
		return target_fail(p, OF_ID, whole, "has %zu digits: write %d to %d of them", id.n,
				   ID_MIN, ID_MAX);
	item->name = id;
	return 0;
}

static int parse_pod(struct target_parse *p, struct str whole, struct item *item)
{
	struct str rest = item->name, first;
	int err;

	str_cut(&rest, '/', &first);
	if (!rest.p)
		return check(p, OF_POD, whole, OF_POD, first);
	if (str_find(rest, '/') < rest.n)
		return target_fail(p, OF_POD, whole, "has two slashes: write POD or NAMESPACE/POD");
	item->space = first;
	item->name = rest;
	err = check(p, OF_POD, whole, OF_NAMESPACE, first);
	return err ? err : check(p, OF_POD, whole, OF_POD, rest);
}

static int parse_item(struct target_parse *p, enum item_of of, struct str whole)
{
	struct item *item = target_add(p, of);

	if (!item)
		return target_too_many(p);
	item->name = whole;
	if (str_starts(whole, STR("!"))) {
		item->exclude = true;
		item->name = str_trim(str_slice(whole, 1, whole.n));
	}
	if (!item->name.n)
		return target_fail(p, of, whole, "a name is missing: separate items by one comma");
	if (of == OF_ID)
		return parse_id(p, whole, item);
	if (of == OF_POD)
		return parse_pod(p, whole, item);
	return check(p, of, whole, of, item->name);
}

int target_parse_items(struct target_parse *p, enum item_of of, struct str text)
{
	struct str item;
	int err = 0;

	while (!err && str_cut(&text, ',', &item))
		err = parse_item(p, of, str_trim(item));
	return err;
}
