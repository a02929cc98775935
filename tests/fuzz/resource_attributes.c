// SPDX-License-Identifier: Apache-2.0
/* links: src/pod.c otel/map/[dirs]*.c libs: */
/*
 * otel/map/declared and otel/map/image: any bytes as OTEL_RESOURCE_ATTRIBUTES and as an image.
 * A list that is taken and written again with every byte escaped is taken the same; an image is
 * put together again from its parts. Then both in a resource, as the process's, the pod's and the
 * container's words: bounded, each key once and harmless, nothing of ours said by others.
 */
#include <stdint.h>
#include <string.h>

#include "base/buf.h"
#include "otel/map/image.h"
#include "otel/map/map.h"
#include "pod.h"
#include "tests/fuzz/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char again[3 * DECLARED_BYTES_MAX + 3 * DECLARED_MAX];

static void put_escaped(struct buf *b, struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		buf_printf(b, "%%%02X", (u8)s.p[i]);
}

static void check_list(struct str text)
{
	static struct declared first, second;
	struct buf b;

	declared_parse(text, &first);
	CHECK(first.n <= DECLARED_MAX && (!first.malformed || !(first.n + first.left_out)));
	buf_fixed(&b, again, sizeof(again));
	for (size_t i = 0; i < first.n; i++) {
		const struct label *l = &first.v[i];

		CHECK(l->key.n && !l->key.p[l->key.n]);
		for (size_t k = 0; k < i; k++)
			CHECK(!str_eq(first.v[k].key, l->key));
		put_escaped(&b, l->key);
		buf_char(&b, '=');
		put_escaped(&b, l->value);
		buf_char(&b, ',');
	}
	CHECK(!b.err);
	if (b.n > DECLARED_BYTES_MAX)
		return;
	declared_parse(buf_view(&b), &second);
	CHECK(!second.malformed && second.n == first.n && !second.left_out);
	for (size_t i = 0; i < first.n; i++)
		CHECK(str_eq(first.v[i].key, second.v[i].key) &&
		      str_eq(first.v[i].value, second.v[i].value));
}

static void check_image(struct str text)
{
	static char room[1 << 20];
	struct image image;
	struct buf b;

	image_split(text, &image);
	CHECK(!image.id.n || !(image.name.n + image.tag.n + image.digest.n));
	CHECK(image.id.n || image.name.n || !image.whole.n);
	buf_fixed(&b, room, sizeof(room));
	buf_str(&b, image.id);
	buf_str(&b, image.name);
	if (image.tag.n)
		buf_char(&b, ':');
	buf_str(&b, image.tag);
	if (image.digest.n)
		buf_char(&b, '@');
	buf_str(&b, image.digest);
	CHECK(b.err || str_eq(buf_view(&b), image.whole));
}

static void check_attr(const struct mapped_resource *r, size_t at)
{
	const struct attr *a = &r->attrs.v[at];

	for (const char *p = a->key; *p; p++)
		CHECK(*p > ' ' && *p <= '~' && *p != '"' && *p != '\\');
	CHECK(a->key[0] && strlen(a->key) <= RESOURCE_KEY_MAX);
	CHECK(a->type != ATTR_STR || a->s.n <= ATTR_VALUE_MAX);
	for (size_t i = 0; i < at; i++)
		CHECK(strcmp(r->attrs.v[i].key, a->key));
	CHECK(at < r->known || !str_starts(str_of(a->key), STR("k8s.")) ||
	      str_starts(str_of(a->key), STR("k8s.pod.label.")));
	CHECK(at < r->known || !str_starts(str_of(a->key), STR("host")) || a->key[4] != '.');
}

static void check_resource(struct str text, enum who_kind kind)
{
	static const struct host host = { .name = "node-1" };
	static const struct map_resource_config config = { .pod_labels = STR("*"),
							   .service_labels = true };
	static struct mapped_resource r;
	struct label labels[POD_LABELS_MAX];
	struct pod draft = { .labels = labels, .annotations = labels, .name = text };
	struct container container_draft = { .name = text, .image = text, .image_id = text };
	char *said = strndup(text.n ? text.p : "", text.n);
	struct who who = { .kind = kind,
			   .container_id = "c",
			   .otel_service_name = said,
			   .otel_resource_attributes = said };
	struct str rest = text, part;

	while (draft.labels_n < POD_LABELS_MAX && str_cut(&rest, ',', &part)) {
		struct label *l = &labels[draft.labels_n++];

		*l = (struct label){ .value = part };
		str_cut(&l->value, '=', &l->key);
	}
	draft.annotations_n = draft.labels_n;
	who.pod = pod_new(&draft);
	who.container = container_new(&container_draft);
	map_who(&who, &host, &config, &r);
	CHECK(r.known <= r.attrs.n && r.attrs.n <= ATTRS_MAX);
	for (size_t i = 0; i < r.attrs.n; i++)
		check_attr(&r, i);
	pod_unref((struct pod *)who.pod);
	container_unref((struct container *)who.container);
	free(said);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text;

	if (!size)
		return 0;
	text = (struct str){ (const char *)data + 1, size - 1 };
	check_list(text);
	check_image(text);
	check_resource(text, (enum who_kind)(data[0] % (WHO_HELPER + 1)));
	return 0;
}
