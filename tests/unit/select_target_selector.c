// SPDX-License-Identifier: Apache-2.0
/* links: src/select/target*.c src/pod.c */
/* kubectl's label selectors: what each matches, what is none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/unit/select_target.h"

#define N63 "a23456789012345678901234567890123456789012345678901234567890123"

/* Against app=web, tier=front-end, empty=, app.kubernetes.io/name=shop, weight=10, in=notin. */
static const struct {
	const char *selector;
	bool is;
} cases[] = {
	{ "app=web", true },
	{ "app==web", true },
	{ "app=we", false },
	{ "app=Web", false },
	{ "ap=web", false },
	{ "nokey=web", false },
	{ "app!=web", false },
	{ "app!=db", true },
	{ "nokey!=db", true }, /* without the key as well */
	{ "app.kubernetes.io/name=shop", true },
	{ "kubernetes.io/name=shop", false },
	{ "empty=", true },
	{ "empty==,app", true },
	{ "empty!=", false },
	{ "app=", false },
	{ "app!=", true },
	{ "nokey=", false },
	{ "nokey!=", true },

	{ "app", true },
	{ "empty", true },
	{ "nokey", false },
	{ "!app", false },
	{ "!nokey", true },
	{ "! nokey", true },

	{ "app in (web)", true },
	{ "app in (db,web)", true },
	{ "app in (db, web )", true },
	{ "app in(db,web)", true },
	{ " \tapp\r\nin  ( db ,web) ", true },
	{ "app in (db)", false },
	{ "nokey in (web)", false },
	{ "app notin (web)", false },
	{ "app notin (db,cache)", true },
	{ "nokey notin (web)", true },
	{ "empty in ()", true },
	{ "empty in (,)", true },
	{ "empty in (a,)", true },
	{ "empty in (,a)", true },
	{ "empty in (a,,b)", true },
	{ "empty in (a)", false },
	{ "app in ()", false },
	{ "empty notin ()", false },
	{ "app notin ()", true },
	{ "nokey notin ()", true },
	{ "nokey in ()", false },
	/* words of the grammar as keys and values */
	{ "in", true },
	{ "in=notin", true },
	{ "in in (in,notin)", true },
	{ "in notin (notin)", false },
	{ "notin", false },
	{ "notin in (in)", false },
	{ "!in", false },

	{ "weight>9", true },
	{ "weight > 9", true },
	{ "weight>10", false },
	{ "weight<11", true },
	{ "weight<10", false },
	{ "weight>007", true },
	{ "app>1", false },
	{ "app<1", false },
	{ "nokey<1", false },
	{ "empty<1", false },

	{ "app=web,tier=front-end", true },
	{ "app = web , tier = front-end", true },
	{ "app=web,tier=back", false },
	{ "app=db,tier=front-end", false },
	{ "app,!nokey,tier in (front-end,back),weight!=11", true },
	{ "app,!nokey,tier in (front-end,back),weight!=10", false },
	{ "app=web,app=db", false },
	{ "app=web,app!=db", true },
};

static void matches(void **state)
{
	static const struct label labels[] = {
		{ STR("app"), STR("web") },	{ STR("tier"), STR("front-end") },
		{ STR("empty"), STR("") },	{ STR("app.kubernetes.io/name"), STR("shop") },
		{ STR("weight"), STR("10") },	{ STR("in"), STR("notin") },
	};
	char err[TARGET_ERROR_MAX];
	struct somebody s;

	(void)state;
	somebody(&s, "ns", "pod", "c");
	memcpy(s.labels, labels, sizeof(labels));
	s.pod.labels_n = ARRAY_SIZE(labels);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct target *t = targets(&(struct texts){ .l = cases[i].selector }, 0, err);

		if (target_match(t, &s.who, true) != (cases[i].is ? TARGET_YES : TARGET_NO))
			fail_msg("%zu: %s", i, cases[i].selector);
		assert_true(target_needs_labels(t));
		target_free(t);
	}
}

#define SOON  "\": out of place: "
#define EARLY "--selector: \"\": the selector ends too early: "
#define FIRST "a label's key or ! is expected"
#define OP    "=, ==, !=, in, notin, > or < is expected behind a key"
#define NEXT  "a comma or the end is expected"
#define KEY                                                                                      \
	"\": is no label's key: write NAME or DOMAIN/NAME, NAME of 1 to 63 letters, digits, -, " \
	"_ and ., a letter or digit at both ends"
#define DOMAIN                                                                                  \
	"\": is no label's key: before its slash stands a domain's name, lower-case, of at most " \
	"253 bytes"
#define VALUE                                                                                    \
	"\": is no label's value: at most 63 letters, digits, -, _ and ., a letter or digit at " \
	"both ends"
static const struct {
	const char *selector, *err; /* NULL: is fine */
} refusals[] = {
	{ "", EARLY FIRST },
	{ "  ", EARLY FIRST },
	{ "a,", EARLY FIRST },
	{ "!", EARLY FIRST },
	{ ",a", "--selector: \"," SOON FIRST },
	{ "a,,b", "--selector: \"," SOON FIRST },
	{ "=a", "--selector: \"=" SOON FIRST },
	{ "!!a", "--selector: \"!" SOON FIRST },
	{ "(a)", "--selector: \"(" SOON FIRST },
	{ "!a=b", "--selector: \"=" SOON NEXT },
	{ "!a in (b)", "--selector: \"in" SOON NEXT },
	{ "a b", "--selector: \"b" SOON OP },
	{ "a IN (b)", "--selector: \"IN" SOON OP },
	{ "a (b)", "--selector: \"(" SOON OP },
	{ "a! =b", "--selector: \"!" SOON OP },
	{ "a=b c", "--selector: \"c" SOON NEXT },
	{ "a=b=c", "--selector: \"=" SOON NEXT },
	{ "a=b)", "--selector: \")" SOON NEXT },
	{ "a===b", "--selector: \"=" SOON "a label's value is expected" },
	{ "a=!b", "--selector: \"!" SOON "a label's value is expected" },
	{ "a=(b)", "--selector: \"(" SOON "a label's value is expected" },
	{ "a in b", "--selector: \"b" SOON "( is expected behind in and notin" },
	{ "a in", EARLY "( is expected behind in and notin" },
	{ "a notin =(b)", "--selector: \"=" SOON "( is expected behind in and notin" },
	{ "a in (", EARLY ", or ) is expected in a list of values" },
	{ "a in (b", EARLY ", or ) is expected in a list of values" },
	{ "a in (b,", EARLY ", or ) is expected in a list of values" },
	{ "a in (b c)", "--selector: \"c" SOON ", or ) is expected in a list of values" },
	{ "a in (b=c)", "--selector: \"=" SOON ", or ) is expected in a list of values" },
	{ "a in ((b))", "--selector: \"(" SOON ", or ) is expected in a list of values" },
	{ "a in (b))", "--selector: \")" SOON NEXT },
	{ "a>x", "--selector: \"x" SOON "> and < compare whole numbers" },
	{ "a>1.5", "--selector: \"1.5" SOON "> and < compare whole numbers" },
	{ "a<9223372036854775807", NULL },
	{ "a<9223372036854775808",
	  "--selector: \"9223372036854775808" SOON "> and < compare whole numbers" },
	{ "a>", EARLY "> and < compare whole numbers" },
	{ "a>-1", "--selector: \"-1" VALUE }, /* kubectl's rule: a value begins with no dash */

	{ N63, NULL },
	{ N63 "4", "--selector: \"a23456789012345678901234567890123456789012345678..." KEY },
	{ "A_b.c-D", NULL },
	{ "-a", "--selector: \"-a" KEY },
	{ "a.", "--selector: \"a." KEY },
	{ "a\"b\"", "--selector: \"a\\\"b\\\"" KEY },
	{ "a\xc3\xa4", "--selector: \"a\xc3\xa4" KEY },
	{ "a*", "--selector: \"a*" KEY },
	{ "x.y-z/a", NULL },
	{ "x/", "--selector: \"x/" KEY },
	{ "/a", "--selector: \"/a" DOMAIN },
	{ "X/a", "--selector: \"X/a" DOMAIN },
	{ "x_y/a", "--selector: \"x_y/a" DOMAIN },
	{ "*/a", "--selector: \"*/a" DOMAIN },
	{ "x./a", "--selector: \"x./a" DOMAIN },
	{ "x/y/a", "--selector: \"x/y/a" KEY },
	{ N63 "." N63 "." N63 ".2345678901234567890123456789012345678901234567890123456789012/a",
	  NULL },
	{ N63 "." N63 "." N63 ".23456789012345678901234567890123456789012345678901234567890123/a",
	  "--selector: \"a23456789012345678901234567890123456789012345678..." DOMAIN },
	{ "a=" N63, NULL },
	{ "a=" N63 "4", "--selector: \"a23456789012345678901234567890123456789012345678..." VALUE },
	{ "a=_b", "--selector: \"_b" VALUE },
	{ "a in (b,c*)", "--selector: \"c*" VALUE },
	{ "a='b'", "--selector: \"'b'" VALUE },
};

static void refused(void **state)
{
	char err[TARGET_ERROR_MAX];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(refusals); i++) {
		target_free(targets(&(struct texts){ .l = refusals[i].selector },
				    refusals[i].err ? -EINVAL : 0, err));
		if (strcmp(err, refusals[i].err ? refusals[i].err : "") != 0)
			fail_msg("%zu: %s: %s", i, refusals[i].selector, err);
	}
}

/* A pod with more labels than are kept: what is not among them may have been left out. */
static void labels_cut(void **state)
{
	static char keys[POD_LABELS_MAX][4];
	static const struct {
		const char *selector;
		enum target_match full, cut;
	} asked[] = {
		{ "k0", TARGET_YES, TARGET_YES },     { "k0=v", TARGET_YES, TARGET_YES },
		{ "k0!=v", TARGET_NO, TARGET_NO },    { "!k0", TARGET_NO, TARGET_NO },
		{ "other", TARGET_NO, TARGET_LATER }, { "!other", TARGET_YES, TARGET_LATER },
		{ "other!=v", TARGET_YES, TARGET_LATER }, { "other,!k0", TARGET_NO, TARGET_NO },
	};
	char err[TARGET_ERROR_MAX];
	struct somebody s;

	(void)state;
	somebody(&s, "ns", "pod", "c");
	for (size_t i = 0; i < POD_LABELS_MAX; i++) {
		keys[i][0] = 'k';
		keys[i][1] = (char)('0' + i);
		s.labels[i] = (struct label){ str_of(keys[i]), STR("v") };
	}
	s.pod.labels_n = POD_LABELS_MAX;
	for (size_t i = 0; i < ARRAY_SIZE(asked); i++) {
		struct target *t = targets(&(struct texts){ .l = asked[i].selector }, 0, err);

		s.pod.cut = false;
		assert_int_equal(target_match(t, &s.who, true), asked[i].full);
		s.pod.cut = true;
		assert_int_equal(target_match(t, &s.who, true), asked[i].cut);
		s.pod.labels_n--; /* something else was cut */
		assert_int_equal(target_match(t, &s.who, true), asked[i].full);
		s.pod.labels_n++;
		target_free(t);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(matches),
		cmocka_unit_test(refused),
		cmocka_unit_test(labels_cut),
	};

	return cmocka_run_group_tests_name("select/selector", tests, NULL, NULL);
}
