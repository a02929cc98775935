// SPDX-License-Identifier: Apache-2.0
/* One value of one row: reading it by its type, and saying what is wrong with it. */
#include <errno.h>
#include <string.h>

#include "base/parse.h"
#include "cmd/podtrace/options_internal.h"

struct str option_items(const struct option_list *list)
{
	struct str text = str_ofn(list->text, sizeof(list->text));

	return text.n ? text : (struct str){ NULL, 0 };
}

bool option_has(const struct option_list *list, struct str item)
{
	struct str rest = option_items(list), have;

	while (str_cut(&rest, ',', &have)) {
		if (str_eq(have, item))
			return true;
	}
	return false;
}

typedef int (*read_fn)(const struct option_row *row, struct str value, void *field);

static int read_bool(const struct option_row *row, struct str value, void *field)
{
	(void)row;
	return parse_bool(value, field);
}

static int read_duration(const struct option_row *row, struct str value, void *field)
{
	return parse_duration(value, row->min, row->max, field);
}

static int read_size(const struct option_row *row, struct str value, void *field)
{
	return parse_size(value, row->min, row->max, field);
}

static int read_int(const struct option_row *row, struct str value, void *field)
{
	return parse_u64(value, row->min, row->max, field);
}

static int read_fraction(const struct option_row *row, struct str value, void *field)
{
	(void)row;
	return parse_fraction(value, field);
}

/* The value is a C string: all of them come from argv, the environment or the table. */
static int read_text(const struct option_row *row, struct str value, void *field)
{
	if (value.n < row->min || value.n > row->max)
		return -E2BIG;
	*(const char **)field = value.p;
	return 0;
}

/* The index of the choice that value names, case ignored, or -1; *ret_choice is as the table
 * writes it. */
static int find_choice(const struct option_row *row, struct str value, struct str *ret_choice)
{
	struct str rest = option_choices(row), choice;

	for (int i = 0; str_cut(&rest, '|', &choice); i++) {
		if (str_eqi(choice, value)) {
			*ret_choice = choice;
			return i;
		}
	}
	return -1;
}

static int read_choice(const struct option_row *row, struct str value, void *field)
{
	int i = find_choice(row, value, &value);

	if (i < 0)
		return -EINVAL;
	*(int *)field = i;
	return 0;
}

static int read_list(const struct option_row *row, struct str value, void *field)
{
	struct option_list *list = field;
	struct str have = option_items(list), item;
	size_t n = strlen(list->text), items = 0;

	while (str_cut(&have, ',', &item))
		items++;
	while (str_cut(&value, ',', &item)) {
		item = str_trim(item);
		if (item.n == 0)
			return -EINVAL;
		if (option_choices(row).n && find_choice(row, item, &item) < 0)
			return -EINVAL;
		if (option_has(list, item))
			continue;
		if (++items > row->max || item.n + 2 > sizeof(list->text) - n)
			return -E2BIG;
		if (n)
			list->text[n++] = ',';
		n += str_copy(list->text + n, sizeof(list->text) - n, item);
	}
	return 0;
}

static const struct {
	read_fn read;
	const char *noun; /* "x" is not ... */
	const char *how;
} types[] = {
	[OPTION_BOOL] = { read_bool, "true or false",
			  "write true or false (also 1/0, yes/no, on/off)" },
	[OPTION_DURATION] = { read_duration, "a duration",
			      "write a number with a unit (ns, us, ms, s, m, h), like 20s or "
			      "1m30s" },
	[OPTION_SIZE] = { read_size, "a size",
			  "write bytes or a number with a unit (KiB, MiB, GiB), like 4MiB" },
	[OPTION_INT] = { read_int, "a whole number", "write digits only, like 5000" },
	[OPTION_FRACTION] = { read_fraction, "a fraction",
			      "write a number from 0 to 1, like 0.25" },
	[OPTION_TEXT] = { read_text, "", "" },
	[OPTION_CHOICE] = { read_choice, "allowed", "" },
	[OPTION_LIST] = { read_list, "allowed", "separate items by one comma" },
};

int option_read(const struct option_row *row, struct str value, struct options *o)
{
	return types[row->type].read(row, value, (char *)o + row->offset);
}

struct quoted option_quote(struct str value)
{
	struct quoted q;
	struct buf b;

	buf_fixed(&b, q.text, sizeof(q.text));
	buf_char(&b, '"');
	buf_json_str(&b, str_slice(value, 0, OPTION_VALUE_SHOWN));
	buf_cstr(&b, value.n > OPTION_VALUE_SHOWN ? "...\"" : "\"");
	b.p[b.n] = '\0';
	return q;
}

/* What of a list was refused: its first item that is not allowed. */
static struct str culprit(const struct option_row *row, struct str value)
{
	struct str rest = value, item;

	while (row->type == OPTION_LIST && option_choices(row).n && str_cut(&rest, ',', &item)) {
		item = str_trim(item);
		if (item.n && find_choice(row, item, &item) < 0)
			return item;
	}
	return value;
}

void option_explain(const struct option_row *row, struct str value, int err, struct buf *text)
{
	struct quoted q = option_quote(err == -EINVAL ? culprit(row, value) : value);

	if (row->type == OPTION_TEXT) {
		buf_printf(text, "has %zu bytes: %" PRI_U64 " to %" PRI_U64 " are allowed", value.n,
			   row->min, row->max);
	} else if (err == -E2BIG) {
		buf_printf(text, "%s is too much: at most %" PRI_U64 " items of %d bytes together",
			   q.text, row->max, OPTION_LIST_BYTES - 1);
	} else if (err == -ERANGE) {
		buf_printf(text, "%s is out of range: write ", q.text);
		option_limits(row, text);
	} else {
		buf_printf(text, "%s is not %s: ", q.text, types[row->type].noun);
		if (option_choices(row).n) {
			buf_cstr(text, "write ");
			option_limits(row, text);
		} else {
			buf_cstr(text, types[row->type].how);
		}
	}
}
