// SPDX-License-Identifier: Apache-2.0
/* links: cmd/podtrace/options*.c */
/*
 * argv and environment from bytes: words end at a NUL or line feed, those after a word "ENV"
 * are variables. Success means no error text, every value inside its limits, every list well
 * formed; failure a text; texts are one printable line; parsing again gives the same.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/podtrace/options.h"

#define CHECK(cond)                                                                                \
	do {                                                                                       \
		if (!(cond))                                                                       \
			abort();                                                                   \
	} while (0)
#define WORDS_MAX 80 /* more than there may be arguments */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_line(const char *line)
{
	struct str s = str_ofn(line, OPTIONS_LINE_MAX);

	CHECK(s.n > 0 && s.n < OPTIONS_LINE_MAX);
	for (size_t i = 0; i < s.n; i++)
		CHECK((u8)line[i] >= 0x20 && line[i] != 0x7f);
}

static void check_field(const struct options *o, const struct option_row *row)
{
	const void *field = (const char *)o + row->offset;
	struct str rest, item;
	bool set = o->source[row - option_rows] != FROM_DEFAULT || row->preset;
	size_t n = 0;

	CHECK(o->source[row - option_rows] <= FROM_FLAG);
	switch (row->type) {
	case OPTION_DURATION:
	case OPTION_SIZE:
	case OPTION_INT:
		CHECK(!set || (*(const u64 *)field >= row->min && *(const u64 *)field <= row->max));
		break;
	case OPTION_FRACTION:
		CHECK(*(const double *)field >= 0 && *(const double *)field <= 1);
		break;
	case OPTION_TEXT:
		rest = str_of(*(const char *const *)field);
		CHECK(set ? rest.n >= row->min && rest.n <= row->max : !rest.p);
		break;
	case OPTION_CHOICE:
		CHECK(*(const int *)field >= (set ? 0 : -1) && *(const int *)field < 8);
		break;
	case OPTION_LIST:
		rest = option_items(field);
		while (str_cut(&rest, ',', &item)) {
			CHECK(item.n > 0 && str_eq(item, str_trim(item)));
			CHECK(option_has(field, item));
			n++;
		}
		CHECK(n <= row->max);
		break;
	case OPTION_BOOL:
		break;
	}
}

static void check_help(const struct options *o)
{
	struct buf b;

	buf_init(&b, 1u << 16);
	options_help(o, &b);
	CHECK(b.err == 0 && b.n > 0);
	buf_free(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct options o, again;
	static struct options_report report;
	char *argv[WORDS_MAX + 2] = { "podtrace" }, *env[WORDS_MAX + 1] = { NULL };
	char *text = malloc(size + 1);
	int argc = 1, envc = 0, err;
	bool in_env = false;

	if (size)
		memcpy(text, data, size);
	text[size] = '\0';
	for (size_t i = 0, start = 0; i <= size; i++) {
		if (i < size && text[i] != '\n' && text[i] != '\0')
			continue;
		text[i] = '\0';
		if (strcmp(text + start, "ENV") == 0)
			in_env = true;
		else if (in_env && envc < WORDS_MAX)
			env[envc++] = text + start;
		else if (!in_env && argc <= WORDS_MAX)
			argv[argc++] = text + start;
		start = i + 1;
	}
	err = options_parse(&o, argc, argv, env, &report);
	CHECK(err == 0 || err == -EINVAL);
	CHECK((err == 0) == (report.error[0] == '\0'));
	if (err)
		check_line(report.error);
	for (size_t i = 0; i < report.warnings_n; i++)
		check_line(report.warnings[i]);
	for (size_t i = 0; err == 0 && i < OPTION_COUNT; i++)
		check_field(&o, &option_rows[i]);
	if (err == 0) {
		CHECK(o.command < COMMAND_COUNT && o.args_n <= OPTIONS_ARGS_MAX);
		check_help(&o);
	}
	CHECK(options_parse(&again, argc, argv, env, &report) == err);
	CHECK(memcmp(&o, &again, sizeof(o)) == 0);
	free(text);
	return 0;
}
