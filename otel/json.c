// SPDX-License-Identifier: Apache-2.0
#include "otel/json.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void put_message(struct buf *b, const ProtobufCMessage *m, u32 depth);

void json_double(struct buf *b, double d)
{
	char text[32];

	if (isnan(d)) {
		buf_cstr(b, "\"NaN\"");
		return;
	}
	if (isinf(d)) {
		buf_cstr(b, d > 0 ? "\"Infinity\"" : "\"-Infinity\"");
		return;
	}
	/* 17 digits are always enough, and for most numbers people write 15 are. */
	for (int digits = 15; digits <= 17; digits++) {
		snprintf(text, sizeof(text), "%.*g", digits, d);
		if (strtod(text, NULL) == d)
			break;
	}
	buf_cstr(b, text);
}

static void put_hex(struct buf *b, const ProtobufCBinaryData *d)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < d->len; i++) {
		buf_char(b, digits[d->data[i] >> 4]);
		buf_char(b, digits[d->data[i] & 15]);
	}
}

static void put_base64(struct buf *b, const ProtobufCBinaryData *d)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	for (size_t i = 0; i < d->len; i += 3) {
		size_t n = d->len - i < 3 ? d->len - i : 3;
		u32 w = (u32)d->data[i] << 16;

		if (n > 1)
			w |= (u32)d->data[i + 1] << 8;
		if (n > 2)
			w |= d->data[i + 2];
		buf_char(b, digits[w >> 18]);
		buf_char(b, digits[w >> 12 & 63]);
		buf_char(b, n > 1 ? digits[w >> 6 & 63] : '=');
		buf_char(b, n > 2 ? digits[w & 63] : '=');
	}
}

/* trace_id, span_id, parent_span_id: the ones OTLP writes as hex. */
static bool is_id(const char *name)
{
	struct str s = str_of(name);

	return str_eq(s, STR("trace_id")) || str_ends(s, STR("span_id"));
}

static size_t size_of(ProtobufCType type)
{
	switch (type) {
	case PROTOBUF_C_TYPE_INT64:
	case PROTOBUF_C_TYPE_SINT64:
	case PROTOBUF_C_TYPE_SFIXED64:
	case PROTOBUF_C_TYPE_UINT64:
	case PROTOBUF_C_TYPE_FIXED64:
	case PROTOBUF_C_TYPE_DOUBLE:
		return 8;
	case PROTOBUF_C_TYPE_BOOL:
		return sizeof(protobuf_c_boolean);
	case PROTOBUF_C_TYPE_STRING:
	case PROTOBUF_C_TYPE_MESSAGE:
		return sizeof(void *);
	case PROTOBUF_C_TYPE_BYTES:
		return sizeof(ProtobufCBinaryData);
	default:
		return 4;
	}
}

/* value: where a field of this type stands. */
static void put_value(struct buf *b, const ProtobufCFieldDescriptor *f, const void *value,
		      u32 depth)
{
	const ProtobufCBinaryData *bytes = value;
	const char *s;

	switch (f->type) {
	case PROTOBUF_C_TYPE_INT64:
	case PROTOBUF_C_TYPE_SINT64:
	case PROTOBUF_C_TYPE_SFIXED64:
		buf_printf(b, "\"%" PRI_S64 "\"", *(const s64 *)value);
		break;
	case PROTOBUF_C_TYPE_UINT64:
	case PROTOBUF_C_TYPE_FIXED64:
		buf_printf(b, "\"%" PRI_U64 "\"", *(const u64 *)value);
		break;
	case PROTOBUF_C_TYPE_UINT32:
	case PROTOBUF_C_TYPE_FIXED32:
		buf_printf(b, "%u", *(const u32 *)value);
		break;
	case PROTOBUF_C_TYPE_DOUBLE:
		json_double(b, *(const double *)value);
		break;
	case PROTOBUF_C_TYPE_FLOAT:
		json_double(b, (double)*(const float *)value);
		break;
	case PROTOBUF_C_TYPE_BOOL:
		buf_cstr(b, *(const protobuf_c_boolean *)value ? "true" : "false");
		break;
	case PROTOBUF_C_TYPE_STRING:
		s = *(char *const *)value;
		buf_char(b, '"');
		buf_json_str(b, str_of(s));
		buf_char(b, '"');
		break;
	case PROTOBUF_C_TYPE_BYTES:
		buf_char(b, '"');
		(is_id(f->name) ? put_hex : put_base64)(b, bytes);
		buf_char(b, '"');
		break;
	case PROTOBUF_C_TYPE_MESSAGE:
		put_message(b, *(ProtobufCMessage *const *)value, depth + 1);
		break;
	default: /* int32, sint32, sfixed32, enum */
		buf_printf(b, "%d", *(const s32 *)value);
	}
}

/* Is the field left out? oneof: only the member that is set is there. */
static bool is_absent(const ProtobufCFieldDescriptor *f, const u8 *m)
{
	static const u8 zero[sizeof(ProtobufCBinaryData)];
	const void *value = m + f->offset;
	const char *s;

	if (f->label == PROTOBUF_C_LABEL_REPEATED)
		return *(const size_t *)(m + f->quantifier_offset) == 0;
	if (f->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) {
		if (*(const u32 *)(m + f->quantifier_offset) != f->id)
			return true;
		return f->type == PROTOBUF_C_TYPE_MESSAGE && !*(void *const *)value;
	}
	switch (f->type) {
	case PROTOBUF_C_TYPE_STRING:
		s = *(char *const *)value;
		return !s || !*s;
	case PROTOBUF_C_TYPE_BYTES:
		return ((const ProtobufCBinaryData *)value)->len == 0;
	default:
		/* -0.0 has a bit set: it is not the default. */
		return !memcmp(value, zero, size_of(f->type));
	}
}

/* The rule of protobuf's json_name: drop each '_', and the letter after it is a capital. */
static void put_name(struct buf *b, const char *name)
{
	bool up = false;

	for (; *name; name++) {
		if (*name == '_') {
			up = true;
			continue;
		}
		buf_char(b, up && *name >= 'a' && *name <= 'z' ? (char)(*name - 'a' + 'A') : *name);
		up = false;
	}
}

static void put_field(struct buf *b, const ProtobufCFieldDescriptor *f, const u8 *m, u32 depth)
{
	const u8 *v = m + f->offset;

	buf_char(b, '"');
	put_name(b, f->name);
	buf_cstr(b, "\":");
	if (f->label != PROTOBUF_C_LABEL_REPEATED) {
		put_value(b, f, v, depth);
		return;
	}
	v = *(const u8 *const *)v;
	buf_char(b, '[');
	for (size_t i = 0; i < *(const size_t *)(m + f->quantifier_offset); i++) {
		if (i)
			buf_char(b, ',');
		put_value(b, f, v + i * size_of(f->type), depth);
	}
	buf_char(b, ']');
}

static void put_message(struct buf *b, const ProtobufCMessage *m, u32 depth)
{
	bool first = true;

	if (depth >= JSON_DEPTH_MAX)
		b->err = -ELOOP;
	if (b->err)
		return;
	buf_char(b, '{');
	for (unsigned i = 0; i < m->descriptor->n_fields; i++) {
		const ProtobufCFieldDescriptor *f = &m->descriptor->fields[i];

		if (is_absent(f, (const u8 *)m))
			continue;
		if (!first)
			buf_char(b, ',');
		first = false;
		put_field(b, f, (const u8 *)m, depth);
	}
	buf_char(b, '}');
}

void json_message(struct buf *b, const ProtobufCMessage *m)
{
	put_message(b, m, 0);
}
