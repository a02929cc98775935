/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a span costs from the model to gzipped bytes, in CPU time of one core: a typical HTTP span
 * of 15 attributes, 20 resources, batches of 1024.
 *
 *	spans [ROUNDS]		one JSON object: ns a span and round for each stage
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "otel/encode.h"
#include "otel/frame.h"
#include "otel/gzip.h"
#include "otel/queue.h"

#define BATCH	   1024
#define RESOURCES  20
#define ROUNDS_MAX 64
#define BYTES	   (2u << 20)

struct row {
	struct span span;
	char path[32], peer[16], server[16];
};

static void die(const char *what)
{
	fprintf(stderr, "spans: %s\n", what);
	exit(1);
}

static u64 cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (u64)t.tv_sec * NSEC_PER_SEC + (u64)t.tv_nsec;
}

static void fill(struct row *r, u64 i)
{
	struct attrs *a = &r->span.attrs;

	r->span = (struct span){ .scope = "podtrace/http",
				 .name = STR("GET /api/v1/orders/{id}"),
				 .kind = SPAN_SERVER,
				 .flags = SPAN_SAMPLED | SPAN_RANDOM,
				 .start_ns = 1795258560000000000 + i * 1000003 };
	r->span.end_ns = r->span.start_ns + (u64)random() % 50000000;
	for (size_t k = 0; k < 16; k++)
		r->span.trace_id[k] = (u8)random();
	for (size_t k = 0; k < 8; k++)
		r->span.span_id[k] = (u8)random();
	snprintf(r->path, sizeof(r->path), "/api/v1/orders/%ld", random() % 100000);
	snprintf(r->peer, sizeof(r->peer), "10.42.%ld.%ld", random() % 4, random() % 250);
	snprintf(r->server, sizeof(r->server), "10.42.1.%ld", random() % 20);
	attr_str(a, "http.request.method", STR("GET"));
	attr_str(a, "url.path", str_of(r->path));
	attr_str(a, "url.scheme", STR("http"));
	attr_int(a, "http.response.status_code", 200);
	attr_str(a, "network.protocol.version", STR("1.1"));
	attr_str(a, "network.peer.address", str_of(r->peer));
	attr_int(a, "network.peer.port", 30000 + random() % 20000);
	attr_str(a, "server.address", str_of(r->server));
	attr_int(a, "server.port", 8080);
	attr_str(a, "client.address", str_of(r->peer));
	attr_str(a, "user_agent.original", STR("Go-http-client/1.1"));
	attr_int(a, "process.pid", 1000 + random() % 50);
	attr_int(a, "thread.id", 1000 + random() % 50);
	attr_str(a, "process.executable.name", STR("orders-service"));
	attr_bool(a, "podtrace.tls", false);
}

struct line {
	struct encoder *encoder;
	struct book *book;
	struct gzip *gzip;
	struct queue queue;
	struct frame_piece pieces[2 * BATCH];
	u8 *raw;
	struct buf out;
	int resource[RESOURCES];
	double ns[3][ROUNDS_MAX]; /* encode, frame, gzip: of a span */
	size_t raw_n;
};

static struct str frame(struct line *l)
{
	size_t cursor = queue_start(&l->queue);
	struct str raw;

	for (u32 i = 0; i < BATCH; i++) {
		u32 off;
		const struct queue_item *item = queue_next(&l->queue, &cursor, &off);

		l->pieces[i] = (struct frame_piece){ frame_key(item->resource, item->scope, 0, i),
						     off, item->n };
	}
	frame_sort(l->pieces, l->pieces + BATCH, BATCH);
	raw = frame_build(l->book, l->pieces, BATCH, l->queue.mem, false, l->raw, BYTES);
	queue_pop(&l->queue, BATCH, cursor);
	return raw;
}

static void batch(struct line *l, const struct row *rows, unsigned round)
{
	u64 start = cpu_ns(), encoded, framed;
	int scope = book_scope(l->book, l->encoder, rows->span.scope);
	struct str raw;

	for (u32 i = 0; i < BATCH; i++) {
		struct str s = encode_span(l->encoder, &rows[i].span);
		struct queue_item item = { .n = (u32)s.n,
					   .resource = (u16)l->resource[i * 7 % RESOURCES],
					   .scope = (u16)scope };

		if (!queue_push(&l->queue, &item, s.p))
			die("the queue is too small");
	}
	encoded = cpu_ns();
	raw = frame(l);
	framed = cpu_ns();
	if (gzip_pack(l->gzip, raw, &l->out))
		die("gzip");
	l->ns[2][round] = (double)(cpu_ns() - framed) / BATCH;
	l->ns[1][round] = (double)(framed - encoded) / BATCH;
	l->ns[0][round] = (double)(encoded - start) / BATCH;
	l->raw_n = raw.n;
}

static void set_up(struct line *l, struct row *rows)
{
	struct attrs attrs = { 0 };

	l->encoder = encoder_new();
	l->book = book_new("bench");
	l->gzip = gzip_new();
	l->raw = malloc(BYTES);
	buf_init(&l->out, 2 * BYTES);
	if (!l->encoder || !l->book || !l->gzip || !l->raw || queue_init(&l->queue, 2 * BYTES))
		die("out of memory");
	attr_str(&attrs, "service.name", STR("orders"));
	attr_str(&attrs, "k8s.pod.name", STR("orders-6d4cf56db6-abcde"));
	for (size_t i = 0; i < RESOURCES; i++)
		l->resource[i] = book_resource(l->book, encode_resource(l->encoder, &attrs));
	for (size_t i = 0; i < BATCH; i++)
		fill(&rows[i], i);
}

int main(int argc, char **argv)
{
	static const char *const stages[] = { "encode", "frame", "gzip" };
	unsigned rounds = argc > 1 ? (unsigned)atoi(argv[1]) % ROUNDS_MAX : 30;
	static struct row rows[BATCH];
	static struct line l;

	set_up(&l, rows);
	for (unsigned i = 0; i < rounds; i++)
		batch(&l, rows, i);
	printf("{\"bytes\":%zu,\"gzipped\":%zu", l.raw_n / BATCH, l.out.n / BATCH);
	for (int i = 0; i < 3; i++) {
		printf(",\"%s\":[", stages[i]);
		for (unsigned k = 0; k < rounds; k++)
			printf("%s%.0f", k ? "," : "", l.ns[i][k]);
		printf("]");
	}
	printf("}\n");
	return 0;
}
