// SPDX-License-Identifier: Apache-2.0
/* links: src/ask/grpc.c src/ask/grpc_answer.c src/net/transfer.c libs: curl nghttp2 */
/* ask/grpc: calls and streams against a server that does everything a peer may do. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <curl/curl.h>
#include <sys/fsuid.h>
#include <sys/stat.h>

#include "ask/grpc.h"
#include "tests/unit/cri_server.h"

#define MAX 100000 /* bytes of a message */

struct world {
	struct loop *loop;
	struct server server;
	struct grpc *grpc;
	struct grpc_call *call;
	void (*answer)(struct world *w, struct call *k);
	struct grpc_end end;
	char body[64]; /* of the unary answer */
	u64 ends, messages, bytes;
	size_t held_max;
	enum { GO_ON, CANCEL, FREE } then; /* in the first message of a stream */
	bool free_at_end;
};

static void on_call(void *ctx, struct call *k, struct str message)
{
	struct world *w = ctx;

	(void)message;
	w->answer(w, k);
}

static void begin(struct world *w, enum server_mode mode)
{
	*w = (struct world){ .loop = loop_new(),
			     .server = { .mode = mode, .fn = on_call, .ctx = w } };
	snprintf(w->server.path, sizeof(w->server.path), "/tmp/ask_grpc_%d.sock", getpid());
	server_start(&w->server, w->loop);
	assert_int_equal(grpc_new(&w->grpc, w->loop, w->server.path), 0);
}

static void end(struct world *w)
{
	grpc_free(w->grpc);
	server_stop(&w->server);
	unlink(w->server.path);
	loop_free(w->loop);
}

static void on_end(void *ctx, const struct grpc_end *e)
{
	struct world *w = ctx;

	w->ends++;
	w->call = NULL;
	w->end = *e;
	str_copy(w->body, sizeof(w->body), e->message);
	if (w->free_at_end) {
		grpc_free(w->grpc);
		w->grpc = NULL;
	}
	loop_stop(w->loop, 0);
}

static void on_message(void *ctx, struct str message)
{
	struct world *w = ctx;

	w->messages++;
	w->bytes += message.n;
	if (grpc_bytes(w->grpc) > w->held_max)
		w->held_max = grpc_bytes(w->grpc);
	if (w->then == CANCEL)
		grpc_cancel(w->call);
	if (w->then == FREE) {
		grpc_free(w->grpc);
		w->grpc = NULL;
	}
	if (w->then != GO_ON)
		loop_stop(w->loop, 0);
}

static void ask(struct world *w, bool stream, u64 timeout_ms)
{
	struct grpc_request r = { .method = "/runtime.v1.RuntimeService/Any",
				  .message = STR("hello"),
				  .message_max = MAX,
				  .timeout_ns = timeout_ms * NSEC_PER_MSEC,
				  .secret = true,
				  .message_fn = stream ? on_message : NULL,
				  .end_fn = on_end,
				  .ctx = w };

	assert_int_equal(grpc_start(&w->call, w->grpc, &r), 0);
	assert_int_equal(loop_run(w->loop), 0);
}

static void on_time(void *ctx)
{
	loop_stop(ctx, 0);
}

static void run_for(struct loop *l, u64 ms)
{
	struct loop_timer *t = loop_timer_new(l, on_time, l);

	loop_arm(t, ms * NSEC_PER_MSEC, 0);
	assert_int_equal(loop_run(l), 0);
	loop_timer_free(t);
}

/* ---- calls ------------------------------------------------------------------------------ */

static void echo(struct world *w, struct call *k)
{
	(void)w;
	call_answer(k, str_slice(buf_view(&k->in), 5, k->in.n));
}

/* See grpc.c: with an old curl each call has a connection of its own. */
static bool shares(void)
{
	return curl_version_info(CURLVERSION_NOW)->version_num >= 0x080000;
}

static void test_unary(void **state)
{
	struct world w;

	(void)state;
	begin(&w, SERVER_GRPC);
	w.answer = echo;
	for (int i = 0; i < 3; i++) {
		ask(&w, false, 2000);
		assert_int_equal(w.end.fault, GRPC_ANSWERED);
		assert_int_equal(w.end.status, GRPC_OK);
		assert_string_equal(w.end.text, "");
		assert_string_equal(w.body, "hello");
		assert_int_equal(w.end.messages, 1);
	}
	assert_int_equal(w.ends, 3);
	assert_int_equal(w.server.calls_n, 3);
	assert_int_equal(w.server.connections_n, shares() ? 1 : 3);
	end(&w);
}

static void largest(struct world *w, struct call *k)
{
	static char bytes[MAX];

	(void)w;
	call_answer(k, (struct str){ bytes, sizeof(bytes) });
}

static void empty(struct world *w, struct call *k)
{
	(void)w;
	call_answer(k, STR(""));
}

/* An answer of the limit is taken, one of nothing is one. */
static void test_sizes(void **state)
{
	struct world w;

	(void)state;
	begin(&w, SERVER_GRPC);
	w.answer = largest;
	ask(&w, false, 2000);
	assert_int_equal(w.end.fault, GRPC_ANSWERED);
	assert_int_equal(w.end.message.n, MAX);
	w.answer = empty;
	ask(&w, false, 2000);
	assert_int_equal(w.end.fault, GRPC_ANSWERED);
	assert_int_equal(w.end.messages, 1);
	assert_int_equal(w.end.message.n, 0);
	end(&w);
}

static void unimplemented(struct world *w, struct call *k)
{
	(void)w;
	call_error(k, 12, "unknown%20service%0d%0a%1b[31m%zz%C3%BC%00.");
}

static void refuses_late(struct world *w, struct call *k)
{
	(void)w;
	call_message(k, STR("half of the truth"));
	call_end(k, 4242, "no%2");
}

static void no_number(struct world *w, struct call *k)
{
	(void)w;
	call_end(k, 0, "");
	snprintf(k->status, sizeof(k->status), "fine");
}

static void test_status(void **state)
{
	struct world w;

	(void)state;
	begin(&w, SERVER_GRPC);
	w.answer = unimplemented;
	ask(&w, false, 2000);
	assert_int_equal(w.end.fault, GRPC_ANSWERED);
	assert_int_equal(w.end.status, GRPC_UNIMPLEMENTED);
	assert_string_equal(w.end.text, "unknown service??"
					"?[31m%zz???.");
	assert_string_equal(grpc_status_name(12), "UNIMPLEMENTED");
	w.answer = refuses_late;
	ask(&w, false, 2000);
	assert_int_equal(w.end.fault, GRPC_ANSWERED);
	assert_int_equal(w.end.status, 4242);
	assert_int_equal(w.end.message.n, 0);
	assert_string_equal(w.end.text, "no%2");
	assert_string_equal(grpc_status_name(4242), "a status out of range");
	w.answer = no_number;
	ask(&w, false, 2000);
	assert_int_equal(w.end.status, 2);
	end(&w);
}

/* ---- what is no answer --------------------------------------------------------------------- */

static void compressed(struct world *w, struct call *k)
{
	(void)w;
	call_raw(k, (struct str){ "\x01\0\0\0\x01x", 6 });
	call_end(k, 0, "");
}

static void no_frame(struct world *w, struct call *k)
{
	(void)w;
	call_raw(k, STR("<html>"));
	call_end(k, 0, "");
}

static void too_large(struct world *w, struct call *k)
{
	(void)w;
	/* The length alone is enough. */
	call_raw(k, (struct str){ "\0\x00\x01\x86\xa1", 5 });
}

static void cut_message(struct world *w, struct call *k)
{
	(void)w;
	call_raw(k, (struct str){ "\0\0\0\0\x09half", 9 });
	call_end(k, 0, "");
}

static void cut_head(struct world *w, struct call *k)
{
	(void)w;
	call_raw(k, (struct str){ "\0\0\0", 3 });
	call_end(k, 0, "");
}

static void twice(struct world *w, struct call *k)
{
	(void)w;
	call_message(k, STR("a"));
	call_answer(k, STR("b"));
}

static void no_message(struct world *w, struct call *k)
{
	(void)w;
	call_end(k, 0, "");
}

static void reset(struct world *w, struct call *k)
{
	(void)w;
	call_raw(k, (struct str){ "\0\0\0\0\x09half", 9 });
	call_reset(k);
}

static void reset_at_once(struct world *w, struct call *k)
{
	(void)w;
	call_reset(k);
}

static void hang_up(struct world *w, struct call *k)
{
	(void)k;
	/* Not under the session's feet. */
	shutdown(w->server.connections->fd, SHUT_RDWR);
}

static const struct {
	void (*answer)(struct world *w, struct call *k);
	enum grpc_fault fault;
	const char *text; /* the beginning */
} rows[] = {
	{ compressed, GRPC_BROKEN, "the answer is compressed, which was not asked for" },
	{ no_frame, GRPC_BROKEN, "the answer is no gRPC message" },
	{ too_large, GRPC_TOO_LARGE, "the answer has 100001 bytes, and 100000 are the limit" },
	{ cut_message, GRPC_BROKEN, "the answer ended inside a message" },
	{ cut_head, GRPC_BROKEN, "the answer ended inside a message" },
	{ twice, GRPC_BROKEN, "two answers came to one question" },
	{ no_message, GRPC_BROKEN, "the answer has no message" },
	{ reset, GRPC_BROKEN, "HTTP/2 stream" },
	{ reset_at_once, GRPC_BROKEN, "" },
	{ hang_up, GRPC_BROKEN, "the connection ended before the answer did" },
};

static void test_broken(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct world w;

		begin(&w, SERVER_GRPC);
		w.answer = rows[i].answer;
		ask(&w, false, 2000);
		print_message("%zu: %s\n", i, w.end.text);
		assert_int_equal(w.end.fault, rows[i].fault);
		assert_int_equal(w.end.message.n, 0);
		assert_true(str_starts(str_of(w.end.text), str_of(rows[i].text)));
		assert_true(w.end.text[0] != 0);
		/* The channel is of use still. */
		w.answer = echo;
		ask(&w, false, 2000);
		assert_int_equal(w.end.fault, GRPC_ANSWERED);
		assert_string_equal(w.body, "hello");
		end(&w);
	}
}

static void test_foreign(void **state)
{
	struct world w;

	(void)state;
	begin(&w, SERVER_GRPC);
	w.answer = echo;
	w.server.http = "503";
	ask(&w, false, 2000);
	assert_int_equal(w.end.fault, GRPC_BROKEN);
	assert_string_equal(w.end.text, "it answered HTTP status 503, which is not gRPC");
	w.server.http = "200";
	w.server.type = "text/html";
	ask(&w, false, 2000);
	assert_int_equal(w.end.fault, GRPC_BROKEN);
	assert_string_equal(w.end.text,
			    "it answered content type \"text/html\", which is not gRPC");
	w.server.type = "application/grpc+proto";
	ask(&w, false, 2000);
	assert_int_equal(w.end.fault, GRPC_ANSWERED);
	end(&w);
}

static void test_other_listeners(void **state)
{
	static const struct str texts[] = {
		{ "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n", 47 },
		{ "SSH-2.0-OpenSSH_9.2\r\n", 21 },
		{ "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 16 },
		{ "", 0 },
	};
	struct world w;

	(void)state;
	for (size_t i = 0; i < 2 * ARRAY_SIZE(texts) - 1; i++) {
		begin(&w, i % 2 ? SERVER_TALK : SERVER_TEXT);
		w.server.text = texts[i / 2];
		ask(&w, false, 2000);
		print_message("%zu: %s\n", i, w.end.text);
		assert_int_equal(w.end.fault, GRPC_BROKEN);
		assert_true(w.end.text[0] != 0);
		end(&w);
	}
	begin(&w, SERVER_HANG);
	ask(&w, false, 100);
	assert_int_equal(w.end.fault, GRPC_TIMEOUT);
	assert_string_equal(w.end.text, "no answer in time");
	end(&w);
	begin(&w, SERVER_DEAF);
	ask(&w, false, 100);
	assert_int_equal(w.end.fault, GRPC_TIMEOUT);
	end(&w);
}

static void test_no_connection(void **state)
{
	struct world w;
	char path[200];

	(void)state;
	begin(&w, SERVER_GRPC);
	w.answer = echo;
	chmod(w.server.path, 0600);
	setfsuid(65534);
	ask(&w, false, 2000);
	setfsuid(geteuid());
	assert_int_equal(w.end.fault, GRPC_NO_CONNECTION);
	assert_int_equal(w.end.err, EACCES);
	assert_string_equal(w.end.text, "EACCES");
	server_stop(&w.server);
	ask(&w, false, 2000);
	assert_int_equal(w.end.fault, GRPC_NO_CONNECTION);
	assert_int_equal(w.end.err, ECONNREFUSED);
	unlink(w.server.path);
	ask(&w, false, 2000);
	assert_int_equal(w.end.fault, GRPC_NO_CONNECTION);
	assert_int_equal(w.end.err, ENOENT);
	/* It comes back, and the same channel finds it. */
	server_start(&w.server, w.loop);
	ask(&w, false, 2000);
	assert_int_equal(w.end.fault, GRPC_ANSWERED);
	end(&w);
	memset(path, 'x', sizeof(path) - 1);
	path[sizeof(path) - 1] = 0;
	assert_int_equal(grpc_new(&w.grpc, NULL, path), -ENAMETOOLONG);
}

/* ---- streams ------------------------------------------------------------------------------ */

#define MANY 3000

static void many(struct world *w, struct call *k)
{
	static char bytes[1000];

	(void)w;
	for (int i = 0; i < MANY; i++)
		call_message(k, (struct str){ bytes, sizeof(bytes) });
	call_end(k, 0, "");
}

/* 3 MB come faster than they are told: they wait at the server, not here. */
static void test_stream(void **state)
{
	struct world w;

	(void)state;
	begin(&w, SERVER_GRPC);
	w.answer = many;
	ask(&w, true, 2000);
	assert_int_equal(w.end.fault, GRPC_ANSWERED);
	assert_int_equal(w.end.status, GRPC_OK);
	assert_int_equal(w.messages, MANY);
	assert_int_equal(w.bytes, MANY * 1000);
	assert_int_equal(w.end.messages, MANY);
	print_message("held at most: %zu\n", w.held_max);
	assert_true(w.held_max < 2 * GRPC_QUEUE_MAX);
	end(&w);
}

static void one_and_wait(struct world *w, struct call *k)
{
	(void)w;
	call_message(k, STR("news"));
}

/* No time limit but for connecting; the next message comes when it comes. */
static void test_stall(void **state)
{
	struct world w;
	struct grpc_call *stream;

	(void)state;
	begin(&w, SERVER_GRPC);
	w.answer = one_and_wait;
	w.then = GO_ON;
	run_for(w.loop, 1);
	{
		struct grpc_request r = { .method = "/runtime.v1.RuntimeService/Any",
					  .message_max = MAX,
					  .timeout_ns = 100 * NSEC_PER_MSEC,
					  .message_fn = on_message,
					  .end_fn = on_end,
					  .ctx = &w };

		assert_int_equal(grpc_start(&stream, w.grpc, &r), 0);
	}
	run_for(w.loop, 400);
	assert_int_equal(w.messages, 1);
	assert_int_equal(w.ends, 0);
	/* Others use the connection meanwhile. */
	w.answer = echo;
	ask(&w, false, 2000);
	assert_int_equal(w.end.fault, GRPC_ANSWERED);
	assert_int_equal(w.server.connections_n, shares() ? 1 : 2);
	/* The server dies. */
	server_stop(&w.server);
	assert_int_equal(loop_run(w.loop), 0);
	assert_int_equal(w.ends, 2);
	assert_int_equal(w.end.fault, GRPC_BROKEN);
	assert_int_equal(w.end.messages, 1);
	end(&w);
}

static void bad_second(struct world *w, struct call *k)
{
	(void)w;
	call_message(k, STR("news"));
	call_raw(k, (struct str){ "\0\xff\xff\xff\xff", 5 });
}

/* What was whole before a bad frame is told. */
static void test_stream_broken(void **state)
{
	struct world w;

	(void)state;
	begin(&w, SERVER_GRPC);
	w.answer = bad_second;
	ask(&w, true, 2000);
	assert_int_equal(w.messages, 1);
	assert_int_equal(w.end.fault, GRPC_TOO_LARGE);
	w.answer = cut_message;
	ask(&w, true, 2000);
	assert_int_equal(w.messages, 1);
	assert_int_equal(w.end.fault, GRPC_BROKEN);
	assert_string_equal(w.end.text, "the answer ended inside a message");
	w.answer = no_message;
	ask(&w, true, 2000);
	assert_int_equal(w.end.fault, GRPC_ANSWERED);
	assert_int_equal(w.end.messages, 0);
	end(&w);
}

/* Everything may be given up from everywhere. */
static void test_give_up(void **state)
{
	struct world w;

	(void)state;
	begin(&w, SERVER_GRPC);
	w.answer = many;
	w.then = CANCEL;
	ask(&w, true, 2000);
	run_for(w.loop, 20);
	assert_int_equal(w.messages, 1);
	assert_int_equal(w.ends, 0);
	w.then = FREE;
	ask(&w, true, 2000);
	run_for(w.loop, 20);
	assert_int_equal(w.messages, 2);
	assert_int_equal(w.ends, 0);
	assert_int_equal(grpc_new(&w.grpc, w.loop, w.server.path), 0);
	w.answer = echo;
	w.free_at_end = true;
	ask(&w, false, 2000);
	assert_int_equal(w.ends, 1);
	assert_string_equal(w.body, "hello");
	run_for(w.loop, 20);
	assert_null(w.server.connections);
	grpc_cancel(NULL);
	end(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_unary),	      cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_status),	      cmocka_unit_test(test_broken),
		cmocka_unit_test(test_foreign),	      cmocka_unit_test(test_other_listeners),
		cmocka_unit_test(test_no_connection), cmocka_unit_test(test_stream),
		cmocka_unit_test(test_stall),	      cmocka_unit_test(test_stream_broken),
		cmocka_unit_test(test_give_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
