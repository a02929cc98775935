// SPDX-License-Identifier: Apache-2.0
/* links: src/pod.c src/ask/?r*.c src/net/tr*.c libs: cri-proto curl nghttp2 protobuf-c yyjson */
/* ask/cri: single containers, asked for as they appear. */
#include "ask/cri_internal.h"
#include "tests/unit/cri_runtime.h"

/* A runtime that is up and knows nothing yet; what is hidden appears later. */
static struct world *begin_up(void (*fill)(struct world *w))
{
	struct world *w = begin(SERVER_GRPC);

	fill(w);
	start(w);
	settle(w);
	forget(w);
	return w;
}

static void want(struct world *w, const char *id)
{
	cri_want(w->cri, str_of(id));
}

static bool told_one(struct world *w)
{
	return w->told_n == 1;
}

static bool told_two(struct world *w)
{
	return w->told_n == 2;
}

static bool given_up(struct world *w)
{
	return w->unanswered_n > 0;
}

static void fill_one(struct world *w)
{
	add_container(w, add_pod(w, "one"), "web");
}

static void fill_hidden(struct world *w)
{
	fill_one(w);
	w->pod[0].hidden = w->container[0].hidden = true;
}

static void test_known(void **state)
{
	struct world *w = begin_up(fill_one);
	u64 begin_ns = clock_boot_ns();

	(void)state;
	want(w, w->container[0].id);
	/* Twice is one question. */
	want(w, w->container[0].id);
	assert_true(run(w, told_one, 1000));
	print_message("answered in %.3f ms\n", (double)(clock_boot_ns() - begin_ns) / 1e6);
	run(w, NULL, 50);
	assert_string_equal(w->containers[0]->id, w->container[0].id);
	assert_int_equal(w->told_n, 1);
	assert_int_equal(w->container_asks, 1);
	assert_int_equal(w->pod_asks, 0);
	/* And a third time, later, is another one. */
	want(w, w->container[0].id);
	assert_true(run(w, told_two, 1000));
	assert_int_equal(w->container_asks, 2);
	assert_int_equal(w->gone_n + w->unanswered_n, 0);
	end(w);
}

static void test_sandbox(void **state)
{
	struct world *w = begin_up(fill_one);

	(void)state;
	want(w, w->pod[0].id);
	assert_true(run(w, told_one, 1000));
	run(w, NULL, 50);
	assert_true(w->containers[0]->sandbox);
	assert_int_equal(w->told_pods_n, 1);
	assert_int_equal(w->container_asks, 1);
	assert_int_equal(w->pod_asks, 1);
	end(w);
}

/* Its pod is told with it, if it never was. */
static void test_with_pod(void **state)
{
	struct world *w = begin_up(fill_hidden);

	(void)state;
	w->pod[0].hidden = w->container[0].hidden = false;
	want(w, w->container[0].id);
	assert_true(run(w, told_two, 1000));
	run(w, NULL, 50);
	assert_string_equal(w->containers[0]->id, w->container[0].id);
	assert_string_equal(w->containers[1]->id, w->pod[0].id);
	assert_int_equal(w->told_pods_n, 1);
	assert_int_equal(w->container_asks, 1);
	assert_int_equal(w->pod_asks, 1);
	end(w);
}

/* It appears after 200 ms: asked at 0, 20, 60, 140 and 300 ms. */
static void test_back_off(void **state)
{
	static const u64 pauses[] = { 20, 40, 80, 160 };
	struct world *w = begin_up(fill_hidden);

	(void)state;
	want(w, w->container[0].id);
	run(w, NULL, 200);
	assert_int_equal(w->told_n, 0);
	w->container[0].hidden = false;
	assert_true(run(w, told_one, 1000));
	assert_int_equal(w->container_asks, 5);
	for (size_t i = 0; i < ARRAY_SIZE(pauses); i++) {
		u64 ms = (w->asked_at[i + 1] - w->asked_at[i]) / MS;

		print_message("pause %zu: %u ms\n", i, (unsigned)ms);
		assert_true(ms >= pauses[i] && ms < pauses[i] + 60);
	}
	assert_int_equal(w->unanswered_n, 0);
	end(w);
}

/* Nobody knows it. Its pod is asked for in vain as well, but nobody wanted that. */
static void test_unanswered(void **state)
{
	struct world *w = begin_up(fill_hidden);
	u64 begin_ns = clock_boot_ns(), took;
	char id[WHO_ID_MAX];

	(void)state;
	w->container[0].hidden = false;
	want(w, w->container[0].id);
	want(w, make_id(id, 'e', 1));
	assert_true(run(w, given_up, 11000));
	took = clock_boot_ns() - begin_ns;
	assert_true(took >= CRI_WANT_NS && took < CRI_WANT_NS + 200 * MS);
	run(w, NULL, 100);
	assert_int_equal(w->unanswered_n, 1);
	assert_string_equal(w->unanswered[0], id);
	assert_int_equal(cri_status(w->cri)->wants_unanswered, 1);
	assert_int_equal(w->told_n, 1);
	/* Some thirteen in the first two seconds, five in the other eight. */
	print_message("asked %u and %u times\n", (unsigned)w->container_asks,
		      (unsigned)w->pod_asks);
	assert_true(w->container_asks >= 15 && w->container_asks <= 20);
	assert_int_equal(cri_status(w->cri)->failures, 0);
	end(w);
}

/* ---- many ----------------------------------------------------------------------------------- */

#define MANY (CRI_WANTS_MAX + 10)

static struct call *held[MANY];
static size_t held_n;

static void hold(struct world *w, struct call *k)
{
	(void)w;
	held[held_n++] = k;
}

static void fill_many(struct world *w)
{
	struct fake_pod *p = add_pod(w, "one");

	for (size_t i = 0; i < MANY; i++)
		add_container(w, p, "c")->hidden = true;
}

static bool told_all(struct world *w)
{
	return w->told_n == CRI_WANTS_MAX;
}

/* Those over the limit are counted; eight questions are under way at a time. */
static void test_full(void **state)
{
	struct world *w = begin_up(fill_many);

	(void)state;
	held_n = 0;
	w->bad_method = "ListContainers";
	w->bad = hold;
	for (size_t i = 0; i < MANY; i++)
		want(w, w->container[i].id);
	assert_int_equal(cri_status(w->cri)->wants_lost, 10);
	run(w, NULL, 100);
	assert_int_equal(held_n, CRI_ASKING_MAX);
	w->bad_method = NULL;
	for (size_t i = 0; i < w->containers_n; i++)
		w->container[i].hidden = false;
	for (size_t i = 0; i < held_n; i++)
		on_call(w, held[i], str_slice(buf_view(&held[i]->in), 5, held[i]->in.n));
	server_flush(&w->server);
	assert_true(run(w, told_all, 5000));
	run(w, NULL, 50);
	assert_int_equal(w->told_n, CRI_WANTS_MAX);
	assert_int_equal(w->container_asks, CRI_WANTS_MAX);
	assert_int_equal(w->pod_asks, 0);
	end(w);
}

/* Our own questions about twenty pods hang: those of others find room. */
static void test_room(void **state)
{
	struct world *w = begin(SERVER_GRPC);

	(void)state;
	for (int i = 0; i < 20; i++)
		add_container(w, add_pod(w, "p"), "c");
	held_n = 0;
	w->bad_method = "PodSandboxStatus";
	w->bad = hold;
	start(w);
	settle(w);
	assert_int_equal(held_n, CRI_ASKING_MAX / 2);
	forget(w);
	for (int i = 0; i < 20; i++)
		want(w, w->container[i].id);
	run(w, NULL, 100);
	assert_int_equal(w->told_n, 20);
	assert_int_equal(w->container_asks, 20);
	assert_int_equal(held_n, CRI_ASKING_MAX / 2);
	end(w);
}

/* What the stream told meanwhile is not asked for. */
static void test_stream_is_faster(void **state)
{
	struct world *w = begin_up(fill_hidden);

	(void)state;
	want(w, w->container[0].id);
	run(w, NULL, 10);
	assert_int_equal(w->container_asks, 1);
	call_message(w->stream, event_message(&w->pod[0], &w->container[0], 0, true));
	server_flush(&w->server);
	assert_true(run(w, told_two, 1000));
	run(w, NULL, 200);
	assert_int_equal(w->container_asks, 1);
	assert_int_equal(w->unanswered_n, 0);
	end(w);
}

static void refuse(struct world *w, struct call *k)
{
	w->container_asks++;
	call_error(k, 13, "not now");
}

/* Errors are no answer: asked again. */
static void test_errors(void **state)
{
	struct world *w = begin_up(fill_one);

	(void)state;
	w->bad_method = "ListContainers";
	w->bad = refuse;
	want(w, w->container[0].id);
	run(w, NULL, 30);
	assert_int_equal(w->container_asks, 2);
	w->bad_method = NULL;
	assert_true(run(w, told_one, 1000));
	assert_int_equal(cri_status(w->cri)->failures, 2);
	assert_string_equal(cri_status(w->cri)->reason, "");
	assert_int_equal(cri_status(w->cri)->state, CRI_UP);
	end(w);
}

/* What is under way when the runtime goes is asked of the next one. */
static void test_across_restart(void **state)
{
	struct world *w = begin_up(fill_hidden);

	(void)state;
	want(w, w->container[0].id);
	run(w, NULL, 10);
	server_stop(&w->server);
	run(w, NULL, 50);
	assert_int_equal(cri_status(w->cri)->state, CRI_DOWN);
	/* Nothing happens while none is there. */
	want(w, w->pod[0].id);
	w->container_asks = 0;
	server_start(&w->server, w->loop);
	assert_true(run(w, is_up, 3000));
	w->container[0].hidden = false;
	assert_true(run(w, told_one, 3000));
	assert_true(w->container_asks > 0);
	run(w, NULL, 100);
	assert_int_equal(w->told_pods_n, 0);
	end(w);
}

static void test_no_question(void **state)
{
	struct world *w = begin(SERVER_GRPC);

	(void)state;
	fill_one(w);
	start(w);
	want(w, w->container[0].id);
	settle(w);
	want(w, "");
	want(w, "0123");
	want(w, "C000000000000000000000000000000000000000000000000000000000000000");
	want(w, "../../../../../../../../../../../../../../../../etc/passwd000000");
	run(w, NULL, 50);
	assert_int_equal(w->container_asks + w->pod_asks, 0);
	end(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_known),	    cmocka_unit_test(test_sandbox),
		cmocka_unit_test(test_with_pod),    cmocka_unit_test(test_back_off),
		cmocka_unit_test(test_unanswered),  cmocka_unit_test(test_full),
		cmocka_unit_test(test_room),	    cmocka_unit_test(test_stream_is_faster),
		cmocka_unit_test(test_errors),	    cmocka_unit_test(test_across_restart),
		cmocka_unit_test(test_no_question),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
