// SPDX-License-Identifier: Apache-2.0
/* links: src/pod.c src/ask/?r*.c src/net/tr*.c libs: cri-proto curl nghttp2 protobuf-c yyjson */
/* ask/cri with a runtime that does what it should: what it tells, and that it is told once. */
#include "tests/unit/cri_runtime.h"

#define DELETED RUNTIME__V1__CONTAINER_EVENT_TYPE__CONTAINER_DELETED_EVENT
#define CREATED RUNTIME__V1__CONTAINER_EVENT_TYPE__CONTAINER_CREATED_EVENT

static struct fake_pod *shop_pod(struct world *w)
{
	struct fake_pod *p = add_pod(w, "cart-7d4b8c9f6d-x2x4z");

	p->label[0][0] = "pod-template-hash";
	p->label[0][1] = "7d4b8c9f6d";
	p->annotation[0][0] = "kubernetes.io/config.source";
	p->annotation[0][1] = "api";
	p->annotation[1][0] = "kubectl.kubernetes.io/last-applied-configuration";
	p->annotation[1][1] = "{\"secret\":1}";
	p->annotation[2][0] = "resource.opentelemetry.io/team";
	p->annotation[2][1] = "blue";
	return p;
}

static bool is_str(struct str s, const char *want)
{
	return str_eq(s, str_of(want));
}

static bool told_some(struct world *w)
{
	return w->told_n > 0;
}

static bool is_gone(struct world *w)
{
	return w->gone_n > 0;
}

/* ---- what is told --------------------------------------------------------------------------- */

static void check_told(struct world *w)
{
	const struct pod *p = w->pods[0];
	const struct container *sandbox = w->containers[0], *c = w->containers[1];

	assert_int_equal(p->source, NAME_FROM_CRI);
	assert_string_equal(p->uid, w->pod[0].uid);
	assert_string_equal(p->api_uid, w->pod[0].uid);
	assert_true(is_str(p->namespace, "shop") && is_str(p->name, "cart-7d4b8c9f6d-x2x4z"));
	assert_int_equal(p->started_ns, 1700000000000000000);
	assert_int_equal(p->labels_n, 1);
	assert_int_equal(p->annotations_n, 1);
	assert_true(is_str(p->annotations[0].value, "blue"));
	assert_int_equal(p->owner[0].kind, WORKLOAD_REPLICASET);
	assert_int_equal(p->owner[1].kind, WORKLOAD_DEPLOYMENT);
	assert_true(is_str(p->owner[1].name, "cart"));
	assert_true(sandbox->sandbox);
	assert_string_equal(sandbox->id, w->pod[0].id);
	assert_string_equal(sandbox->pod_uid, w->pod[0].uid);
	assert_int_equal(sandbox->name.n, 0);
	assert_false(c->sandbox);
	assert_string_equal(c->id, w->container[0].id);
	assert_string_equal(c->pod_uid, w->pod[0].uid);
	assert_true(is_str(c->pod_namespace, "shop") && is_str(c->name, "web"));
	assert_true(is_str(c->pod_name, "cart-7d4b8c9f6d-x2x4z"));
	assert_true(is_str(c->image, "busybox:1") && is_str(c->image_id, "sha256:12"));
	assert_int_equal(c->restarts, 2);
	assert_int_equal(c->created_ns, 1700000001000000000);
}

static void test_up(void **state)
{
	struct world *w = begin(SERVER_GRPC);
	const struct cri_status *s;

	(void)state;
	add_container(w, shop_pod(w), "web")->image_ref = "sha256:12";
	start(w);
	s = cri_status(w->cri);
	assert_int_equal(s->state, CRI_SEARCHING);
	settle(w);
	assert_int_equal(w->states_n, 2);
	assert_int_equal(w->states[0], CRI_READING);
	assert_string_equal(s->endpoint, w->server.path);
	assert_string_equal(s->how, "the test");
	assert_string_equal(s->runtime, "containerd");
	assert_string_equal(s->version, "2.1.9");
	assert_string_equal(s->driver, "systemd");
	assert_true(s->events);
	assert_string_equal(s->reason, "");
	/* Version, RuntimeConfig, the stream, two lists, and one pod's status */
	assert_int_equal(s->calls, 6);
	assert_int_equal(s->failures, 0);
	assert_int_equal(w->told_n, 3);
	assert_int_equal(w->told_pods_n, 2);
	check_told(w);
	assert_true(w->containers[2]->sandbox);
	assert_int_equal(w->pods[0]->ip.n, 0);
	assert_true(is_str(w->pods[1]->ip, "10.0.0.7"));
	assert_int_equal(w->pods[1]->owner[1].kind, WORKLOAD_DEPLOYMENT);
	assert_true(cri_bytes(w->cri) < 64 << 10);
	end(w);
}

/* Names of images: the manifest's if it is there, never a digest. */
static void test_images(void **state)
{
	static const struct {
		const char *image, *user, *ref, *id, *name, *want_id;
	} rows[] = {
		{ "busybox:1", NULL, "sha256:1", NULL, "busybox:1", "sha256:1" },
		{ "sha256:1", "nginx:1.27", "sha256:1", "sha256:2", "nginx:1.27", "sha256:2" },
		{ "sha256:1", NULL, NULL, NULL, "", "" },
		{ "0123456789012345678901234567890123456789012345678901234567890123", NULL, "r@d",
		  NULL, "", "r@d" },
		{ "a@sha256:1", "", "x", NULL, "a@sha256:1", "x" },
		{ "a:1", NULL, "r/a@sha256:1", "0123", "a:1", "r/a@sha256:1" },
		{ "a:1", NULL, NULL, "0123", "a:1", "0123" },
	};
	struct world *w = begin(SERVER_GRPC);
	struct fake_pod *p = add_pod(w, "p");

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct fake_container *c = add_container(w, p, "c");

		c->image = rows[i].image;
		c->user_image = rows[i].user;
		c->image_ref = rows[i].ref;
		c->image_id = rows[i].id;
	}
	p->dead = true; /* nothing more is asked of it */
	start(w);
	settle(w);
	assert_int_equal(w->told_n, 1 + ARRAY_SIZE(rows));
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		assert_true(is_str(w->containers[i + 1]->image, rows[i].name));
		assert_true(is_str(w->containers[i + 1]->image_id, rows[i].want_id));
	}
	end(w);
}

static bool all_filled(struct world *w)
{
	return w->told_pods_n == 2000;
}

static void test_thousand(void **state)
{
	struct world *w = begin(SERVER_GRPC);

	(void)state;
	for (int i = 0; i < 1000; i++)
		add_container(w, shop_pod(w), "web");
	start(w);
	assert_true(run(w, all_filled, 20000));
	assert_int_equal(w->told_n, 3000);
	assert_int_equal(w->pod_asks, 1000);
	assert_int_equal(cri_status(w->cri)->skipped, 0);
	assert_int_equal(cri_status(w->cri)->calls, 1005);
	end(w);
}

/* ---- news by the stream ------------------------------------------------------------------------
 */

static void push(struct world *w, struct str message)
{
	assert_non_null(w->stream);
	call_message(w->stream, message);
	server_flush(&w->server);
}

static void test_events(void **state)
{
	struct world *w = begin(SERVER_GRPC);
	struct fake_container *c = add_container(w, shop_pod(w), "web"), *d;
	struct fake_pod *p;

	(void)state;
	start(w);
	settle(w);
	forget(w);
	/* What is known is not told again, unless something is new. */
	push(w, event_message(c->pod, c, CREATED, true));
	push(w, event_message(c->pod, c, CREATED, true));
	run(w, NULL, 20);
	assert_int_equal(w->told_n + w->told_pods_n, 0);
	c->user_image = "nginx:1.27";
	push(w, event_message(c->pod, c, CREATED, true));
	assert_true(run(w, told_some, 1000));
	run(w, NULL, 20);
	assert_int_equal(w->told_n, 1);
	assert_true(is_str(w->containers[0]->image, "nginx:1.27"));
	assert_int_equal(w->told_pods_n, 0);
	forget(w);
	/* A new pod. */
	p = shop_pod(w);
	d = add_container(w, p, "db");
	push(w, event_message(p, d, CREATED, true));
	assert_true(run(w, told_some, 1000));
	assert_int_equal(w->told_n, 2);
	assert_string_equal(w->containers[1]->id, d->id);
	assert_string_equal(w->pods[0]->uid, p->uid);
	assert_int_equal(w->gone_n, 0);
	forget(w);
	/* Its end, in the order of a kubelet; the last event carries nothing more. */
	push(w, event_message(p, d, DELETED, true));
	assert_true(run(w, is_gone, 1000));
	assert_int_equal(w->gone_n, 1);
	assert_string_equal(w->gone[0], d->id);
	assert_int_equal(w->pod_gone_n, 0);
	push(w, event_message(p, NULL, DELETED, false));
	run(w, NULL, 20);
	assert_int_equal(w->gone_n, 2);
	assert_string_equal(w->gone[1], p->id);
	assert_int_equal(w->pod_gone_n, 1);
	assert_string_equal(w->pod_gone[0], p->uid);
	assert_int_equal(w->told_n, 0);
	assert_int_equal(cri_status(w->cri)->events_n, 6);
	assert_int_equal(w->pod_lists + w->container_lists, 2);
	end(w);
}

/* The first sandbox died: its end is not the pod's. */
static void test_second_sandbox(void **state)
{
	struct world *w = begin(SERVER_GRPC);
	struct fake_pod *live = shop_pod(w), *dead = shop_pod(w);

	(void)state;
	memcpy(dead->uid, live->uid, sizeof(dead->uid));
	dead->dead = true;
	live->attempt = 1;
	start(w);
	settle(w);
	/* The living one has the last word, though it stands first in the list, and alone is asked
	 * for its address. */
	assert_int_equal(w->told_pods_n, 3);
	assert_int_equal(w->pods[0]->started_ns, 1700000000000000000);
	assert_int_equal(w->pods[1]->started_ns, 0);
	assert_int_equal(w->pods[2]->started_ns, 0);
	assert_string_equal(w->containers[2]->id, live->id);
	push(w, event_message(dead, NULL, CREATED + 2, true)); /* it stopped */
	push(w, event_message(dead, NULL, DELETED, true));
	run(w, NULL, 20);
	assert_int_equal(w->gone_n, 1);
	assert_int_equal(w->pod_gone_n, 0);
	assert_int_equal(w->told_pods_n, 3);
	push(w, event_message(live, NULL, DELETED, false));
	run(w, NULL, 20);
	assert_int_equal(w->pod_gone_n, 1);
	end(w);
}

/* ---- no stream
 * ------------------------------------------------------------------------------------ */

static bool polled(struct world *w)
{
	return w->container_lists == 2;
}

static void check_polling(struct world *w, u64 streams)
{
	struct fake_pod *p = shop_pod(w);
	struct fake_container *old = add_container(w, p, "old"), *new;
	u64 begin_ns;

	add_container(w, p, "stays");
	start(w);
	settle(w);
	assert_false(cri_status(w->cri)->events);
	assert_int_equal(cri_status(w->cri)->failures, 0);
	assert_string_equal(cri_status(w->cri)->reason, "");
	assert_int_equal(w->told_n, 4);
	forget(w);
	begin_ns = clock_boot_ns();
	old->hidden = true;
	new = add_container(w, p, "new");
	assert_true(run(w, polled, 6000));
	assert_true(clock_boot_ns() - begin_ns > CRI_POLL_NS - 200 * MS);
	run(w, NULL, 50);
	/* Only what is new is told. */
	assert_int_equal(w->told_n, 1);
	assert_string_equal(w->containers[0]->id, new->id);
	assert_int_equal(w->told_pods_n, 0);
	assert_int_equal(w->gone_n, 1);
	assert_string_equal(w->gone[0], old->id);
	assert_int_equal(cri_status(w->cri)->polls, 1);
	assert_int_equal(w->streams, streams);
}

static void test_unimplemented(void **state)
{
	struct world *w = begin(SERVER_GRPC);

	(void)state;
	w->events = EVENTS_UNIMPLEMENTED;
	w->driver = -1;
	check_polling(w, 1);
	assert_string_equal(cri_status(w->cri)->driver, "");
	end(w);
}

/* CRI-O without enable_pod_events. */
static void test_stream_ends(void **state)
{
	struct world *w = begin(SERVER_GRPC);

	(void)state;
	w->events = EVENTS_END;
	w->runtime = "cri-o";
	check_polling(w, 1);
	end(w);
}

/* containerd 1.7 has a stream that would take the events away from others. */
static void test_stream_that_steals(void **state)
{
	struct world *w = begin(SERVER_GRPC);

	(void)state;
	w->version = "1.7.24~ds1";
	check_polling(w, 0);
	end(w);
}

/* A stream that breaks by the runtime's own word is opened again, three times in all; each time
 * the lists are read. */
static void test_stream_breaks(void **state)
{
	struct world *w = begin(SERVER_GRPC);

	(void)state;
	w->events = EVENTS_BREAK;
	start(w);
	assert_true(run(w, is_up, 2000));
	assert_false(cri_status(w->cri)->events);
	assert_int_equal(cri_status(w->cri)->failures, 1);
	assert_true(run(w, polled, 6000));
	run(w, NULL, 50);
	assert_int_equal(w->streams, 2);
	assert_int_equal(cri_status(w->cri)->failures, 2);
	assert_int_equal(cri_status(w->cri)->state, CRI_UP);
	end(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_up),
		cmocka_unit_test(test_images),
		cmocka_unit_test(test_thousand),
		cmocka_unit_test(test_events),
		cmocka_unit_test(test_second_sandbox),
		cmocka_unit_test(test_unimplemented),
		cmocka_unit_test(test_stream_ends),
		cmocka_unit_test(test_stream_that_steals),
		cmocka_unit_test(test_stream_breaks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
