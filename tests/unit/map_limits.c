// SPDX-License-Identifier: Apache-2.0
/* links: src/pod.c otel/encode.c otel/map/[dirs]*.c libs: otlp-proto protobuf-c */
/* otel/map: resources of the largest and the most hostile names: bounded, each loss counted, each
 * key once, and bytes that a receiver takes. */
#include <stdlib.h>

#include "opentelemetry/proto/resource/v1/resource.pb-c.h"
#include "otel/encode.h"
#include "otel/map/map.h"
#include "pod.h"
#include "tests/unit/semconv.h"

#define ID     "8a5f0c3d2e1b4a69788796a5b4c3d2e1f00112233445566778899aabbccddeef"
#define PREFIX "resource.opentelemetry.io/"

typedef Opentelemetry__Proto__Resource__V1__Resource pb_resource;

static struct mapped_resource r; /* large */
static const struct host host = { .name = "node-1", .arch = "amd64" };
static const struct map_resource_config every = { .pod_labels = STR("*") };

static void check_encoded(void)
{
	struct encoder *e = encoder_new();
	struct str bytes = encode_resource(e, &r.attrs);
	pb_resource *m = opentelemetry__proto__resource__v1__resource__unpack(NULL, bytes.n,
									      (const u8 *)bytes.p);

	assert_non_null(m);
	assert_int_equal(m->n_attributes, r.attrs.n);
	assert_int_equal(m->dropped_attributes_count, r.attrs.dropped);
	for (size_t i = 0; i < m->n_attributes; i++) {
		assert_true(str_is_utf8(str_of(m->attributes[i]->key)));
		if (m->attributes[i]->value->value_case ==
		    OPENTELEMETRY__PROTO__COMMON__V1__ANY_VALUE__VALUE_STRING_VALUE)
			assert_true(str_is_utf8(str_of(m->attributes[i]->value->string_value)));
	}
	opentelemetry__proto__resource__v1__resource__free_unpacked(m, NULL);
	encoder_free(e);
}

/* That of every resource, whatever it was made of. */
static void map(const struct who *who)
{
	size_t bytes = 0;

	memset(&r, 0xa5, sizeof(r));
	map_who(who, &host, &every, &r);
	assert_true(r.attrs.n <= ATTRS_MAX);
	for (size_t i = 0; i < r.attrs.n; i++) {
		const struct attr *a = &r.attrs.v[i];

		bytes += strlen(a->key);
		for (const char *p = a->key; *p; p++)
			assert_true(*p > ' ' && *p <= '~' && *p != '"' && *p != '\\');
		for (size_t k = 0; k < i; k++)
			assert_string_not_equal(r.attrs.v[k].key, a->key);
		if (a->type == ATTR_STR)
			bytes += a->s.n;
		for (size_t k = 0; a->type == ATTR_STRS && k < a->strs.n; k++)
			bytes += a->strs.v[k].n;
	}
	assert_true(bytes <= RESOURCE_BYTES_MAX);
	check_encoded();
}

/* A pod and a container of texts of n bytes, cut as their contract says. */
static struct who made_of(const char *text, size_t n, bool annotated)
{
	static char keys[2 * POD_LABELS_MAX][64];
	struct label labels[2 * POD_LABELS_MAX];
	struct str s = { text, n };
	struct pod pod = { .source = NAME_FROM_API,
			   .namespace = s,
			   .name = s,
			   .ip = s,
			   .node = s,
			   .labels = labels,
			   .labels_n = POD_LABELS_MAX,
			   .annotations = labels + POD_LABELS_MAX,
			   .annotations_n = annotated ? POD_LABELS_MAX : 0,
			   .owner = { { WORKLOAD_JOB, s, s }, { WORKLOAD_CRONJOB, s, s } } };
	struct container container = { .source = NAME_FROM_API,
				       .pod_namespace = s,
				       .pod_name = s,
				       .name = s,
				       .image = s,
				       .image_id = s };

	for (size_t i = 0; i < ARRAY_SIZE(labels); i++) {
		bool label = i < POD_LABELS_MAX;

		snprintf(keys[i], sizeof(keys[i]), "%skey-%zu", label ? "" : PREFIX, i);
		labels[i] = (struct label){ str_of(keys[i]), s };
	}
	return (struct who){ .kind = WHO_CONTAINER,
			     .container_id = ID,
			     .pod = pod_new(&pod),
			     .container = container_new(&container) };
}

static void forget(struct who *who)
{
	pod_unref((struct pod *)who->pod);
	container_unref((struct container *)who->container);
}

static size_t count(const char *prefix)
{
	size_t n = 0;

	for (size_t i = 0; i < r.attrs.n; i++)
		n += str_starts(str_of(r.attrs.v[i].key), str_of(prefix));
	return n;
}

/* Small ones: the number of attributes ends it, and two places are for flags. */
static void test_many(void **state)
{
	char list[8 * DECLARED_MAX] = "";
	struct who who = made_of("x", 1, true);
	size_t known;

	(void)state;
	for (size_t i = 0; i < 70; i++)
		snprintf(list + strlen(list), sizeof(list) - strlen(list), "d%zu=1,", i);
	who.otel_resource_attributes = list;
	((struct pod *)who.pod)->cut = true;
	map(&who);
	known = r.known;
	assert_int_equal(r.attrs.n, ATTRS_MAX - 1);
	assert_true(find(&r.attrs, "podtrace.resource.cut")->b);
	/* declared before annotations before labels; six were too many for the list */
	assert_int_equal(count("d"), DECLARED_MAX);
	assert_int_equal(count("key-"), ATTRS_MAX - 2 - known - DECLARED_MAX);
	assert_int_equal(count("k8s.pod.label."), 0);
	assert_int_equal(r.attrs.dropped, 70 + 2 * POD_LABELS_MAX - (ATTRS_MAX - 2 - known));
	who.otel_resource_attributes = NULL;
	map(&who);
	assert_int_equal(count("key-"), POD_LABELS_MAX);
	assert_int_equal(count("k8s.pod.label."), ATTRS_MAX - 2 - r.known - POD_LABELS_MAX);
	assert_int_equal(r.attrs.dropped, 2 * POD_LABELS_MAX - (ATTRS_MAX - 2 - r.known));
	forget(&who);
	who = made_of("x", 1, false);
	map(&who);
	assert_int_equal(count("k8s.pod.label."), POD_LABELS_MAX);
	assert_int_equal(r.attrs.dropped, 0);
	forget(&who);
}

/* Long ones: the bytes end it. */
static void test_long(void **state)
{
	static char text[10240];
	struct who who;

	(void)state;
	memset(text, 'a', sizeof(text));
	who = made_of(text, sizeof(text), true);
	who.otel_service_name = strndup(text, sizeof(text));
	who.otel_resource_attributes = who.otel_service_name;
	map(&who);
	assert_int_equal(find(&r.attrs, "service.name")->s.n, ATTR_VALUE_MAX);
	assert_int_equal(find(&r.attrs, "k8s.pod.name")->s.n, POD_NAME_MAX);
	assert_true(find(&r.attrs, "podtrace.resource.cut")->b);
	assert_true(find(&r.attrs, "podtrace.resource.env_malformed")->b);
	assert_int_equal(count("key-") + count("k8s.pod.label.") + r.attrs.dropped,
			 2 * POD_LABELS_MAX);
	assert_true(count("key-") > 0 && r.attrs.dropped > 0);
	free((char *)who.otel_service_name);
	forget(&who);
}

static void test_cut(void **state)
{
	char name[ATTR_VALUE_MAX + 8];
	struct who who = { .kind = WHO_CONTAINER, .container_id = ID, .otel_service_name = name };

	(void)state;
	memset(name, 'a', sizeof(name));
	name[ATTR_VALUE_MAX] = '\0';
	map(&who);
	assert_int_equal(find(&r.attrs, "service.name")->s.n, ATTR_VALUE_MAX);
	assert_null(find(&r.attrs, "podtrace.resource.cut"));
	/* a character of two bytes, half in */
	memcpy(name + ATTR_VALUE_MAX - 1, "\xc3\xa9", 3);
	map(&who);
	assert_int_equal(find(&r.attrs, "service.name")->s.n, ATTR_VALUE_MAX - 1);
	assert_true(find(&r.attrs, "podtrace.resource.cut")->b);
	/* no character at all */
	memset(name, 0x80, sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	map(&who);
	assert_in_range(find(&r.attrs, "service.name")->s.n, ATTR_VALUE_MAX - 3, ATTR_VALUE_MAX);
}

/* Every byte in every place: as names, values, keys, lists. */
static void test_hostile(void **state)
{
	static char text[1024], list[2048];

	(void)state;
	srandom(1);
	for (int round = 0; round < 500; round++) {
		size_t n = (size_t)random() % sizeof(text);
		struct who who;

		for (size_t i = 0; i < n; i++)
			text[i] = (char)(random() % 4 ? random() : ",=@:/%\"\\"[random() % 8]);
		who = made_of(text, n, round % 2);
		snprintf(list, sizeof(list), "a=b,%.*s=%.*s", (int)n / 2, text, (int)n / 2,
			 text + n / 2);
		who.otel_service_name = list;
		who.otel_resource_attributes = list;
		who.kind = (enum who_kind)(round % (WHO_HELPER + 1));
		map(&who);
		forget(&who);
	}
}

/* Keys that would break a line of JSON or a protobuf string are left out, and counted. */
static void test_keys(void **state)
{
	static const char *const bad[] = {
		"", "a b", "a\"b", "a\\b", "a\x01", "a\x7f", "\xc3\xa9"
	};
	struct label labels[ARRAY_SIZE(bad) + 1];
	char long_key[RESOURCE_KEY_MAX + 2];
	struct pod pod = { .name = STR("p"), .labels = labels };
	struct who who = { .kind = WHO_CONTAINER, .pod = &pod };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		labels[pod.labels_n++] = (struct label){ str_of(bad[i]), STR("v") };
	labels[pod.labels_n++] = (struct label){ STR("ok/it.is_-"), STR("v") };
	map(&who);
	assert_int_equal(count("k8s.pod.label."), 1);
	assert_str(&r.attrs, "k8s.pod.label.ok/it.is_-", "v");
	assert_int_equal(r.attrs.dropped, ARRAY_SIZE(bad));
	/* the longest, and one more */
	memset(long_key, 'k', sizeof(long_key));
	labels[0].key = (struct str){ long_key, RESOURCE_KEY_MAX - strlen("k8s.pod.label.") };
	pod.labels_n = 1;
	map(&who);
	assert_int_equal(r.attrs.dropped, 0);
	labels[0].key.n++;
	map(&who);
	assert_int_equal(r.attrs.dropped, 1);
	/* one key twice: the first */
	labels[0] = (struct label){ STR("k"), STR("1") };
	labels[1] = (struct label){ STR("k"), STR("2") };
	pod.labels_n = 2;
	map(&who);
	assert_str(&r.attrs, "k8s.pod.label.k", "1");
	assert_int_equal(count("k8s.pod.label."), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_many), cmocka_unit_test(test_long),
		cmocka_unit_test(test_cut),  cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_keys),
	};

	return cmocka_run_group_tests(tests, semconv_load, semconv_unload);
}
