// SPDX-License-Identifier: Apache-2.0
/* links: src/pod.c src/ask/?r*.c src/net/tr*.c libs: cri-proto curl nghttp2 protobuf-c yyjson */
/* ask/cri with a runtime that means no good, or is not well: limits hold, nothing is told that is
 * not so, and what the environment of a container holds is kept nowhere. */
#include "ask/arena.h"
#include "ask/cri_internal.h"
#include "tests/unit/cri_runtime.h"

/* ---- secrets ----------------------------------------------------------------------------------
 */

#define SECRET "hunter2-hunter2-hunter2"

static u64 wiped; /* copies of the secret that were zeroed */

static bool holds_secret(const void *p, size_t n)
{
	return memmem(p, n, SECRET, strlen(SECRET)) != NULL;
}

/* In place of libc's: what is wiped is looked at first. */
void explicit_bzero(void *p, size_t n)
{
	const void *seen = p;

	__asm__("" : "+r"(seen)); /* the declaration promises that nothing is read */
	wiped += holds_secret(seen, n);
	memset(p, 0, n);
	__asm__ __volatile__("" : : "r"(p) : "memory");
}

struct answer {
	char cgroup[CRI_CGROUP_MAX], reason[320];
	u32 pid;
	u64 n;
};

static void on_place(void *ctx, const struct cri_place *place)
{
	struct answer *a = ctx;

	str_copy(a->cgroup, sizeof(a->cgroup), place->cgroup);
	str_copy(a->reason, sizeof(a->reason), str_of(place->reason));
	a->pid = place->pid;
	a->n++;
}

#define INFO                                                                                       \
	"{\"sandboxID\":\"x\",\"pid\":4711,\"config\":{\"envs\":[{\"key\":\"PASSWORD\",\"value\":" \
	"\"" SECRET                                                                                \
	"\"}]},\"mine\":{\"deep\":{\"cgroup\":\"/mine\"}},\"runtimeSpec\":{\"process\":"           \
	"{\"env\":[\"PASSWORD=" SECRET "\"]},\"linux\":{\"cgroupsPath\":\"/kubepods/podx/y\"}}}"

static struct answer locate(struct world *w, const char *info, const char *fields)
{
	struct answer a = { .n = 0 };
	char id[WHO_ID_MAX];

	w->info = info;
	assert_int_equal(cri_locate(w->cri, str_of(make_id(id, 'c', 0)), fields, on_place, &a), 0);
	run(w, NULL, 50);
	assert_int_equal(a.n, 1);
	return a;
}

static struct world *begin_up(void)
{
	struct world *w = begin(SERVER_GRPC);

	add_container(w, add_pod(w, "one"), "web");
	start(w);
	settle(w);
	return w;
}

/* The answer's bytes, their copy as a message, and the JSON read: all three are wiped, and so are
 * curl's buffers, of which each version has its own number. */
static void test_secret(void **state)
{
	struct world *w = begin_up();
	const void *key;
	void *value;
	size_t pos = 0;
	struct answer a;

	(void)state;
	wiped = 0;
	a = locate(w, INFO, NULL);
	assert_string_equal(a.cgroup, "/kubepods/podx/y");
	assert_string_equal(a.reason, "");
	assert_int_equal(a.pid, 4711);
	assert_true(wiped > 3);
	assert_false(holds_secret(&a, sizeof(a)));
	assert_false(holds_secret(w->cri, sizeof(*w->cri)));
	while (table_next(w->cri->known.ids, &pos, &key, &value))
		assert_false(holds_secret(key, 512));
	/* Nor does it come out of JSON that is broken behind it, or by a field's name. */
	a = locate(w, "{\"env\":\"" SECRET "\",", NULL);
	assert_string_equal(a.reason, "the runtime's answer is no JSON");
	assert_string_equal(a.cgroup, "");
	assert_true(wiped > 6);
	assert_false(holds_secret(&a, sizeof(a)));
	assert_false(holds_secret(w->cri, sizeof(*w->cri)));
	end(w);
}

static void test_places(void **state)
{
	static const struct {
		const char *info, *fields, *cgroup, *reason;
	} rows[] = {
		{ INFO, "mine.deep.cgroup", "/mine", "" },
		{ INFO, "no.such, mine.deep ,,pid,mine.deep.cgroup.more,mine.deep.cgroup", "/mine",
		  "" },
		{ INFO, "", "/kubepods/podx/y", "" },
		{ "{\"pid\":-1}", NULL, "", "the runtime's answer has no cgroup path" },
		{ "{\"pid\":99999999999,\"runtimeSpec\":{\"linux\":{\"cgroupsPath\":\"\"}}}", NULL,
		  "", "the runtime's answer has an empty cgroup path" },
		{ "[]", "a.b", "", "the runtime's answer has no cgroup path" },
		{ "\"x\"", NULL, "", "the runtime's answer has no cgroup path" },
		{ "", NULL, "", "the runtime tells no details" },
		{ NULL, NULL, "", "the runtime does not know this container" },
	};
	struct world *w = begin_up();

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct answer a = locate(w, rows[i].info, rows[i].fields);

		assert_string_equal(a.cgroup, rows[i].cgroup);
		assert_string_equal(a.reason, rows[i].reason);
		assert_int_equal(a.pid, rows[i].info && strstr(rows[i].info, "4711") ? 4711 : 0);
	}
	assert_int_equal(w->statuses, ARRAY_SIZE(rows));
	assert_int_equal(cri_status(w->cri)->failures, 0);
	end(w);
}

static void silent(struct world *w, struct call *k)
{
	(void)w;
	(void)k;
}

/* Sixteen at a time; all are told when the runtime goes. */
static void test_places_limit(void **state)
{
	struct world *w = begin(SERVER_GRPC);
	struct answer a = { .n = 0 };
	char id[WHO_ID_MAX];

	(void)state;
	make_id(id, 'c', 0);
	start(w);
	assert_int_equal(cri_locate(w->cri, str_of(id), NULL, on_place, &a), -ENOTCONN);
	assert_true(run(w, is_up, 1000));
	w->bad_method = "ContainerStatus";
	w->bad = silent;
	assert_int_equal(cri_locate(w->cri, STR("x"), NULL, on_place, &a), -EINVAL);
	for (int i = 0; i < 16; i++)
		assert_int_equal(cri_locate(w->cri, str_of(id), NULL, on_place, &a), 0);
	assert_int_equal(cri_locate(w->cri, str_of(id), NULL, on_place, &a), -ENOSPC);
	run(w, NULL, 20);
	server_stop(&w->server);
	run(w, NULL, 50);
	assert_int_equal(a.n, 16);
	assert_string_equal(a.reason, "the container runtime went away");
	end(w);
}

/* ---- sizes --------------------------------------------------------------------------------------
 */

/* 17 MB are announced. */
static void oversized(struct world *w, struct call *k)
{
	(void)w;
	call_raw(k, (struct str){ "\0\x01\x10\0\0", 5 });
}

/* A million empty pods of two bytes each: a hundred times as much memory. */
static void bomb(struct world *w, struct call *k)
{
	size_t n = 2 << 20;
	char *bytes = malloc(n);

	(void)w;
	for (size_t i = 0; i < n; i += 2)
		memcpy(bytes + i, "\x0a", 2);
	call_answer(k, (struct str){ bytes, n });
	free(bytes);
}

static void wrong_type(struct world *w, struct call *k)
{
	(void)w;
	/* Field 1 is a message, not a number. */
	call_answer(k, STR("\x08\x05"));
}

static void cut(struct world *w, struct call *k)
{
	(void)w;
	call_raw(k, (struct str){ "\0\0\0\x10\0\x0a\x10", 7 });
	call_end(k, 0, "");
}

/* Lists that are too much: the rest goes on, and the reason stays. */
static void test_lists_too_large(void **state)
{
	static const struct {
		void (*bad)(struct world *w, struct call *k);
		const char *reason;
		u64 too_large;
	} rows[] = {
		{ oversized, "the answer has 17825792 bytes, and 16777216 are the limit", 1 },
		{ bomb, "the answer takes too much memory", 1 },
		{ wrong_type, "the answer is no message of that type", 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct world *w = begin(SERVER_GRPC);
		const struct cri_status *s;

		add_container(w, add_pod(w, "one"), "web");
		w->bad_method = "ListPodSandbox";
		w->bad = rows[i].bad;
		start(w);
		s = cri_status(w->cri);
		assert_true(run(w, is_up, 10000));
		print_message("%s\n", s->reason);
		assert_non_null(strstr(s->reason, "ListPodSandbox at /tmp/ask_cri_"));
		assert_non_null(strstr(s->reason, rows[i].reason));
		assert_int_equal(s->failures, 1);
		assert_int_equal(s->too_large, rows[i].too_large);
		assert_int_equal(w->told_pods_n, 0);
		assert_int_equal(w->told_n, 1);
		assert_true(s->events);
		assert_true(cri_bytes(w->cri) < 64 << 10);
		end(w);
	}
}

static void test_list_cut(void **state)
{
	struct world *w = begin(SERVER_GRPC);

	(void)state;
	w->bad_method = "ListContainers";
	w->bad = cut;
	start(w);
	assert_true(run(w, is_none, 1000));
	assert_non_null(strstr(cri_status(w->cri)->reason, "the answer ended inside a message"));
	assert_int_equal(w->told_n, 0);
	end(w);
}

/* An event nobody can read costs a round of lists, not the stream. */
static void test_bad_event(void **state)
{
	struct world *w = begin_up();

	(void)state;
	call_message(w->stream, STR("\x08\x05"));
	call_message(w->stream, event_message(&w->pod[0], NULL, 3, false));
	server_flush(&w->server);
	run(w, NULL, 50);
	assert_int_equal(cri_status(w->cri)->events_n, 2);
	assert_int_equal(cri_status(w->cri)->failures, 1);
	assert_int_equal(w->gone_n, 1);
	assert_int_equal(cri_status(w->cri)->state, CRI_UP);
	assert_true(cri_status(w->cri)->events);
	run(w, NULL, 5200);
	assert_int_equal(w->container_lists, 2);
	assert_string_equal(cri_status(w->cri)->reason, "");
	end(w);
}

/* ---- names
 * --------------------------------------------------------------------------------------- */

/* Ids that are none are counted; a pod without a usable uid is told as a container only. */
static void test_bad_ids(void **state)
{
	static const char *const bad[] = {
		"",
		"0123",
		"C000000000000000000000000000000000000000000000000000000000000000",
		"../../../../../../../../../../../../../../etc/passwd",
		"g0000000000000000000000000000000",
	};
	struct world *w = begin(SERVER_GRPC);
	struct fake_pod *long_uid = add_pod(w, "long"), *no_uid = add_pod(w, "none"), *p;

	(void)state;
	memset(long_uid->uid, 'x', 40);
	long_uid->uid[40] = 0;
	no_uid->uid[0] = 0;
	p = add_pod(w, "good");
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		snprintf(add_container(w, p, "c")->id, WHO_ID_MAX, "%s", bad[i]);
		snprintf(add_pod(w, "p")->id, WHO_ID_MAX, "%s", bad[i]);
	}
	snprintf(add_container(w, p, "short")->id, WHO_ID_MAX, "%032d", 7);
	start(w);
	settle(w);
	assert_int_equal(cri_status(w->cri)->skipped, 2 * ARRAY_SIZE(bad) + 2);
	assert_int_equal(w->told_pods_n, 2); /* once with its address */
	assert_int_equal(w->told_n, 5);	     /* three sandboxes and a container */
	assert_string_equal(w->containers[0]->pod_uid, "");
	end(w);
}

/* Bytes of any kind are told as they are, up to a NUL, cut by pod_new. */
static void test_bad_names(void **state)
{
	struct world *w = begin(SERVER_GRPC);
	static char name[5000];
	struct fake_pod *p;

	(void)state;
	memset(name, 0xfe, sizeof(name) - 1);
	p = add_pod(w, name);
	p->label[0][0] = "key";
	p->label[0][1] = name;
	p->label[1][0] = name;
	p->label[1][1] = "value";
	add_container(w, p, name);
	start(w);
	assert_true(run(w, is_up, 1000));
	assert_int_equal(w->pods[0]->name.n, POD_NAME_MAX);
	assert_int_equal((u8)w->pods[0]->name.p[0], 0xfe);
	assert_true(w->pods[0]->cut);
	assert_int_equal(w->pods[0]->labels_n, 1);
	assert_int_equal(w->pods[0]->labels[0].value.n, POD_LABEL_BYTES_MAX);
	assert_int_equal(w->containers[1]->name.n, POD_NAME_MAX);
	end(w);
}

/* ---- memory
 * --------------------------------------------------------------------------------------- */

static void test_arena(void **state)
{
	struct arena a = ARENA(1 << 20);
	size_t taken = 0;
	char *p;

	(void)state;
	while ((p = arena_alloc(&a, 1000))) {
		assert_int_equal((uintptr_t)p % 16, 0);
		memset(p, 0xff, 1000);
		taken += 1000;
		assert_true(a.bytes <= a.max);
	}
	assert_true(a.full);
	assert_true(taken > a.max * 9 / 10);
	arena_free(&a, false);
	a = ARENA(1 << 20);
	assert_null(arena_alloc(&a, SIZE_MAX));
	assert_null(arena_alloc(&a, (1 << 20) + 1));
	assert_null(arena_alloc(&a, 1 << 20)); /* its own head is memory, too */
	assert_non_null(arena_alloc(&a, (1 << 20) - 4096));
	assert_true(a.full);
	assert_non_null(arena_alloc(&a, 0));
	arena_free(&a, true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_secret),	     cmocka_unit_test(test_places),
		cmocka_unit_test(test_places_limit), cmocka_unit_test(test_lists_too_large),
		cmocka_unit_test(test_list_cut),     cmocka_unit_test(test_bad_event),
		cmocka_unit_test(test_bad_ids),	     cmocka_unit_test(test_bad_names),
		cmocka_unit_test(test_arena),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
