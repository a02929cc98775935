// SPDX-License-Identifier: Apache-2.0
/* links: src/pod.c src/ask/?r*.c src/net/tr*.c libs: cri-proto curl nghttp2 protobuf-c yyjson */
/* ask/cri without a runtime: how one is looked for, what is said when there is none, and what
 * comes of one that goes away. */
#include <sys/fsuid.h>
#include <sys/stat.h>

#include "tests/unit/cri_runtime.h"

static const char *second_path(void)
{
	static char path[100];

	snprintf(path, sizeof(path), "/tmp/ask_cri_second_%d.sock", getpid());
	return path;
}

/* The first and only candidate is no runtime: the reason, and what to do. */
static void check_none(struct world *w, const char *reason, const char *fix, int err, u64 ms)
{
	const struct cri_status *s;

	start(w);
	assert_true(run(w, is_none, ms));
	s = cri_status(w->cri);
	print_message("%s\n  -> %s\n", s->reason, s->fix);
	if (!strstr(s->reason, reason) || !strstr(s->fix, fix))
		fail_msg("wanted: %s -> %s", reason, fix);
	assert_int_equal(s->err, err);
	assert_string_equal(s->endpoint, "");
	assert_int_equal(w->states_n, 1);
	assert_int_equal(w->states[0], CRI_NONE);
	end(w);
}

static void test_no_candidates(void **state)
{
	struct world *w = begin(SERVER_GRPC);

	(void)state;
	w->candidates_n = 0;
	check_none(w, "CRI endpoint not found", "PODTRACE_CRI_ENDPOINT", 0, 1000);
}

static void test_no_file(void **state)
{
	struct world *w = begin(SERVER_GRPC);

	(void)state;
	server_stop(&w->server);
	unlink(w->server.path);
	check_none(w, "CRI endpoint not found: ", "or set PODTRACE_CRI_ENDPOINT", ENOENT, 1000);
}

static void test_no_socket(void **state)
{
	struct world *w = begin(SERVER_GRPC);

	(void)state;
	str_copy(w->candidates[0].path, 256, STR("/tmp"));
	check_none(w, "/tmp (the test): it is a directory and no socket", "directory", ENOTSOCK, 1000);
}

static void test_refused(void **state)
{
	struct world *w = begin(SERVER_GRPC);

	(void)state;
	server_stop(&w->server);
	check_none(w, "nobody listens there (ECONNREFUSED)", "start the runtime", ECONNREFUSED, 1000);
}

static void test_denied(void **state)
{
	struct world *w = begin(SERVER_GRPC);

	(void)state;
	chmod(w->server.path, 0600);
	setfsuid(65534);
	check_none(w, "permission denied", "spc_t", EACCES, 1000);
	setfsuid(geteuid());
}

static void test_hangs(void **state)
{
	(void)state;
	check_none(begin(SERVER_HANG), "no answer in time", "restart", ETIMEDOUT, 6000);
}

static void test_long_path(void **state)
{
	struct world *w = begin(SERVER_GRPC);
	char *path = w->candidates[0].path;

	(void)state;
	memset(path, '/', 200);
	str_copy(path + 200, 50, str_of(w->server.path));
	check_none(w, "longer than a socket's address", "shorter path", ENAMETOOLONG, 1000);
}

static void test_http1(void **state)
{
	struct world *w = begin(SERVER_TALK);

	(void)state;
	w->server.text = STR("HTTP/1.1 400 Bad Request\r\n\r\n");
	check_none(w, "no container runtime: ", "CRI socket of containerd or CRI-O", 0, 1000);
}

static void no_service(struct world *w, struct call *k)
{
	(void)w;
	call_error(k, 12, "unknown service runtime.v1.RuntimeService");
}

static void unavailable(struct world *w, struct call *k)
{
	(void)w;
	call_error(k, 14, "server is not initialized yet");
}

static void nonsense(struct world *w, struct call *k)
{
	(void)w;
	call_answer(k, STR("\xff\xff\xff\xff"));
}

/* gRPC without CRI, as of containerd for Docker. */
static void test_no_service(void **state)
{
	struct world *w = begin(SERVER_GRPC);

	(void)state;
	w->bad_method = "Version";
	w->bad = no_service;
	check_none(w, "UNIMPLEMENTED: unknown service", "disabled_plugins", 0, 1000);
}

static void test_wrong_version(void **state)
{
	struct world *w = begin(SERVER_GRPC);

	(void)state;
	w->bad_method = "Version";
	w->bad = nonsense;
	check_none(w, "its answer is no version of a container runtime", "CRI socket", 0, 1000);
}

static void no_words(struct world *w, struct call *k)
{
	(void)w;
	call_error(k, 2, "");
}

static void test_no_words(void **state)
{
	struct world *w = begin(SERVER_GRPC);

	(void)state;
	w->bad_method = "Version";
	w->bad = no_words;
	check_none(w, "UNKNOWN: it does not say why", "the runtime's own log", 0, 1000);
}

/* Who has set an endpoint by an option would set a variable in vain. */
static void test_names_the_option(void **state)
{
	struct world *w = begin(SERVER_GRPC);

	(void)state;
	str_copy(w->candidates[0].path, 256, STR("/nonexistent.sock"));
	w->candidates[0].required = true;
	w->candidates[0].how = "--cri-endpoint";
	check_none(w, "/nonexistent.sock (--cri-endpoint): there is no such file",
		   "or set --cri-endpoint", ENOENT, 1000);
}

/* ---- one of several ---------------------------------------------------------------------------
 */

static void test_most_telling(void **state)
{
	struct world *w = begin(SERVER_GRPC);
	const struct cri_status *s;

	(void)state;
	add_candidate(w, "/tmp");
	add_candidate(w, "/nonexistent.sock");
	w->bad_method = "Version";
	w->bad = no_service;
	start(w);
	assert_true(run(w, is_none, 1000));
	s = cri_status(w->cri);
	print_message("%s\n", s->reason);
	assert_non_null(strstr(s->reason, "3 places tried; /tmp/ask_cri_"));
	assert_non_null(strstr(s->reason, "UNIMPLEMENTED"));
	end(w);
}

/* A required one is the only one. */
static void test_required(void **state)
{
	struct world *w = begin(SERVER_GRPC);

	(void)state;
	add_candidate(w, "/nonexistent.sock");
	w->candidates[1].required = true;
	start(w);
	assert_true(run(w, is_none, 1000));
	assert_non_null(strstr(cri_status(w->cri)->reason, "not found: /nonexistent.sock"));
	assert_int_equal(w->server.connections_n, 0);
	end(w);
}

static u64 ticks;

static void on_count(void *ctx)
{
	(void)ctx;
	ticks++;
}

/* The first one accepts and says nothing; the loop goes on, and so does the search. */
static void test_hang_then_next(void **state)
{
	struct world *w = begin(SERVER_GRPC);
	struct server hangs = { .mode = SERVER_DEAF };
	struct loop_timer *t = loop_timer_new(w->loop, on_count, NULL);

	(void)state;
	str_copy(hangs.path, sizeof(hangs.path), str_of(second_path()));
	server_start(&hangs, w->loop);
	w->candidates_n = 0;
	add_candidate(w, hangs.path);
	add_candidate(w, w->server.path);
	loop_arm(t, 0, 10 * MS);
	ticks = 0;
	start(w);
	assert_true(run(w, is_up, 7000));
	assert_true(ticks > 400);
	assert_string_equal(cri_status(w->cri)->endpoint, w->server.path);
	assert_int_equal(cri_status(w->cri)->failures, 1);
	loop_timer_free(t);
	server_stop(&hangs);
	unlink(hangs.path);
	end(w);
}

/* One whose lists fail is left for the next; there is none, so it is asked again. */
static void test_starting_up(void **state)
{
	struct world *w = begin(SERVER_GRPC);

	(void)state;
	w->bad_method = "ListPodSandbox";
	w->bad = unavailable;
	start(w);
	assert_true(run(w, is_none, 1000));
	assert_non_null(strstr(cri_status(w->cri)->reason, "not initialized yet"));
	assert_int_equal(w->versions, 1);
	w->bad_method = NULL;
	assert_true(run(w, is_up, 1500));
	assert_int_equal(w->versions, 2);
	assert_string_equal(cri_status(w->cri)->reason, "");
	assert_int_equal(cri_status(w->cri)->restarts, 0);
	end(w);
}

static size_t refind(void *ctx, struct cri_candidate ret[CRI_CANDIDATES_MAX])
{
	struct world *w = ctx;

	ret[0] = (struct cri_candidate){ .how = "found later" };
	str_copy(ret[0].path, sizeof(ret[0].path), str_of(w->server.path));
	return 1;
}

/* Nothing at first; what is there is looked for again each time. */
static void test_refind(void **state)
{
	struct world *w = begin(SERVER_GRPC);
	const struct cri_config config = { .candidates_n = 0,
					   .container = on_container,
					   .pod = on_pod,
					   .container_gone = on_container_gone,
					   .pod_gone = on_pod_gone,
					   .unanswered = on_unanswered,
					   .changed = on_changed,
					   .refind = refind,
					   .ctx = w };

	(void)state;
	assert_int_equal(cri_new(&w->cri, w->loop, &config), 0);
	assert_true(run(w, is_none, 100));
	assert_true(run(w, is_up, 1500));
	assert_string_equal(cri_status(w->cri)->how, "found later");
	end(w);
}

/* ---- it goes away
 * --------------------------------------------------------------------------------- */

static bool is_down(struct world *w)
{
	return cri_status(w->cri)->state == CRI_DOWN;
}

static void test_restart(void **state)
{
	struct world *w = begin(SERVER_GRPC);
	struct fake_pod *p = add_pod(w, "one"), *q;
	struct fake_container *old = add_container(w, p, "old");
	static const enum cri_state states[] = { CRI_READING, CRI_UP,	   CRI_DOWN,
						 CRI_DOWN,    CRI_READING, CRI_UP };

	(void)state;
	start(w);
	settle(w);
	forget(w);
	server_stop(&w->server);
	assert_true(run(w, is_down, 1000));
	assert_non_null(strstr(cri_status(w->cri)->reason, "GetContainerEvents at /tmp/ask_cri_"));
	assert_non_null(strstr(cri_status(w->cri)->fix, "podtrace finds it again"));
	run(w, NULL, 1200);
	assert_non_null(strstr(cri_status(w->cri)->reason, "ECONNREFUSED"));
	assert_non_null(strstr(cri_status(w->cri)->fix, "start the runtime"));
	assert_int_equal(cri_status(w->cri)->err, ECONNREFUSED);
	assert_int_equal(w->gone_n + w->told_n, 0);
	p->hidden = old->hidden = true;
	q = add_pod(w, "two");
	server_start(&w->server, w->loop);
	settle(w);
	assert_int_equal(cri_status(w->cri)->restarts, 1);
	assert_int_equal(cri_status(w->cri)->err, 0);
	assert_string_equal(cri_status(w->cri)->fix, "");
	assert_true(cri_status(w->cri)->events);
	assert_int_equal(w->told_n, 2); /* once by the list, once with its address */
	assert_int_equal(w->told_pods_n, 2);
	assert_string_equal(w->containers[0]->id, q->id);
	assert_int_equal(w->gone_n, 2);
	assert_int_equal(w->pod_gone_n, 1);
	assert_string_equal(w->pod_gone[0], p->uid);
	assert_int_equal(w->states_n, ARRAY_SIZE(states));
	assert_memory_equal(w->states, states, sizeof(states));
	end(w);
}

static void silent(struct world *w, struct call *k)
{
	(void)w;
	(void)k;
}

/* It hangs while it is in use: three questions without an answer. */
static void test_hangs_later(void **state)
{
	struct world *w = begin(SERVER_GRPC);
	char id[WHO_ID_MAX];

	(void)state;
	start(w);
	assert_true(run(w, is_up, 1000));
	w->bad_method = "ListContainers";
	w->bad = silent;
	for (size_t i = 0; i < 3; i++)
		cri_want(w->cri, str_of(make_id(id, 'e', i)));
	run(w, NULL, 4000);
	assert_int_equal(cri_status(w->cri)->state, CRI_UP);
	assert_true(run(w, is_down, 1500));
	assert_non_null(strstr(cri_status(w->cri)->reason, "no answer in time"));
	assert_non_null(strstr(cri_status(w->cri)->fix, "crictl version"));
	/* Found again, its lists hang: it is none. */
	run(w, NULL, 1500);
	assert_int_equal(cri_status(w->cri)->state, CRI_READING);
	assert_true(run(w, is_down, 6000));
	end(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_candidates),  cmocka_unit_test(test_no_file),
		cmocka_unit_test(test_no_socket),      cmocka_unit_test(test_refused),
		cmocka_unit_test(test_denied),	       cmocka_unit_test(test_hangs),
		cmocka_unit_test(test_long_path),      cmocka_unit_test(test_http1),
		cmocka_unit_test(test_no_service),     cmocka_unit_test(test_wrong_version),
		cmocka_unit_test(test_most_telling),   cmocka_unit_test(test_required),
		cmocka_unit_test(test_hang_then_next), cmocka_unit_test(test_starting_up),
		cmocka_unit_test(test_refind),	       cmocka_unit_test(test_restart),
		cmocka_unit_test(test_hangs_later),    cmocka_unit_test(test_no_words),
		cmocka_unit_test(test_names_the_option),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
