// SPDX-License-Identifier: Apache-2.0
#include "ask/grpc_answer.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/errname.h"
#include "base/parse.h"

static const char *const status_names[] = {
	"OK",
	"CANCELLED",
	"UNKNOWN",
	"INVALID_ARGUMENT",
	"DEADLINE_EXCEEDED",
	"NOT_FOUND",
	"ALREADY_EXISTS",
	"PERMISSION_DENIED",
	"RESOURCE_EXHAUSTED",
	"FAILED_PRECONDITION",
	"ABORTED",
	"OUT_OF_RANGE",
	"UNIMPLEMENTED",
	"INTERNAL",
	"UNAVAILABLE",
	"DATA_LOSS",
	"UNAUTHENTICATED",
};

const char *grpc_status_name(u32 status)
{
	return status < ARRAY_SIZE(status_names) ? status_names[status] : "a status out of range";
}

/* ---- texts of the peer ------------------------------------------------------------------- */

/* Printable ASCII only: these go to terminals and logs. */
static void copy_printable(char *dst, size_t cap, struct str s)
{
	size_t n = str_copy(dst, cap, s);

	for (size_t i = 0; i < n; i++) {
		if ((u8)dst[i] < ' ' || (u8)dst[i] >= 0x7f)
			dst[i] = '?';
	}
}

/* grpc-message is percent-encoded UTF-8; what is no valid escape stays as it is. */
static void decode(char *dst, size_t cap, struct str s)
{
	char plain[GRPC_TEXT_MAX];
	size_t n = 0;
	u64 byte;

	while (s.n && n < sizeof(plain)) {
		if (s.n >= 3 && s.p[0] == '%' && !parse_hex(str_slice(s, 1, 3), &byte)) {
			plain[n++] = (char)byte;
			s = str_slice(s, 3, s.n);
		} else {
			plain[n++] = s.p[0];
			s = str_slice(s, 1, s.n);
		}
	}
	copy_printable(dst, cap, (struct str){ plain, n });
}

/* ---- header and trailers ----------------------------------------------------------------- */

static void read_status(struct grpc_answer *a, struct str value)
{
	u64 status;

	a->has_status = true;
	/* One that is no number is as good as UNKNOWN, says the specification. */
	if (parse_u64(value, 0, UINT32_MAX, &status))
		status = 2;
	a->end.status = (u32)status;
}

void grpc_answer_header(struct grpc_answer *a, struct str line)
{
	struct str name, value = str_trim(line);

	if (!str_cut(&value, ':', &name))
		return;
	value = str_trim(value);
	if (str_eqi(name, STR("content-type"))) {
		a->is_grpc = str_starts(value, STR("application/grpc"));
		copy_printable(a->type, sizeof(a->type), value);
	} else if (str_eqi(name, STR("grpc-status"))) {
		read_status(a, value);
	} else if (str_eqi(name, STR("grpc-message"))) {
		decode(a->end.text, sizeof(a->end.text), value);
	}
}

/* ---- messages ---------------------------------------------------------------------------- */

void grpc_message_free(struct grpc_message *m, bool wipe)
{
	if (m && wipe)
		explicit_bzero(m->bytes, m->n);
	free(m);
}

static bool refuse(struct grpc_answer *a, enum grpc_fault fault, const char *text)
{
	a->end.fault = fault;
	str_copy(a->end.text, sizeof(a->end.text), str_of(text));
	return false;
}

/* The whole length is known from the head: one allocation, which leaves no copies behind. */
static bool begin_message(struct grpc_answer *a)
{
	size_t n = (size_t)a->head[1] << 24 | (size_t)a->head[2] << 16 | (size_t)a->head[3] << 8 |
		   a->head[4];

	if (a->head[0] == 1)
		return refuse(a, GRPC_BROKEN, "the answer is compressed, which was not asked for");
	if (a->head[0])
		return refuse(a, GRPC_BROKEN, "the answer is no gRPC message");
	if (a->unary && a->end.messages)
		return refuse(a, GRPC_BROKEN, "two answers came to one question");
	if (n > a->max) {
		snprintf(a->end.text, sizeof(a->end.text),
			 "the answer has %zu bytes, and %zu are the limit", n, a->max);
		a->end.fault = GRPC_TOO_LARGE;
		return false;
	}
	a->part = malloc(sizeof(*a->part) + n);
	if (!a->part)
		return refuse(a, GRPC_NO_MEMORY, "out of memory for the answer");
	a->part->next = NULL;
	a->part->n = n;
	a->part_n = 0;
	a->bytes += sizeof(*a->part) + n;
	return true;
}

static void end_message(struct grpc_answer *a)
{
	if (a->last)
		a->last->next = a->part;
	else
		a->first = a->part;
	a->last = a->part;
	a->part = NULL;
	a->head_n = 0;
	a->end.messages++;
}

static size_t min(size_t a, size_t b)
{
	return a < b ? a : b;
}

bool grpc_answer_body(struct grpc_answer *a, struct str data)
{
	size_t n;

	if (a->end.fault)
		return false;
	if (!a->is_grpc)
		return refuse(a, GRPC_BROKEN, ""); /* the words come with the verdict */
	while (data.n) {
		if (!a->part) {
			n = min(sizeof(a->head) - a->head_n, data.n);
			memcpy(a->head + a->head_n, data.p, n);
			a->head_n += n;
			data = str_slice(data, n, data.n);
			if (a->head_n < sizeof(a->head))
				break;
			if (!begin_message(a))
				return false;
		}
		n = min(a->part->n - a->part_n, data.n);
		if (n)
			memcpy(a->part->bytes + a->part_n, data.p, n);
		a->part_n += n;
		data = str_slice(data, n, data.n);
		if (a->part_n == a->part->n)
			end_message(a);
	}
	return true;
}

struct grpc_message *grpc_answer_take(struct grpc_answer *a)
{
	struct grpc_message *m = a->first;

	if (!m)
		return NULL;
	a->first = m->next;
	if (!a->first)
		a->last = NULL;
	a->bytes -= sizeof(*m) + m->n;
	return m;
}

void grpc_answer_free(struct grpc_answer *a)
{
	struct grpc_message *m;

	while ((m = grpc_answer_take(a)))
		grpc_message_free(m, a->secret);
	grpc_message_free(a->part, a->secret);
	a->part = NULL;
	a->bytes = 0;
}

/* ---- the verdict ------------------------------------------------------------------------- */

static void judge_broken(struct grpc_end *end, const char *what)
{
	end->fault = GRPC_BROKEN;
	copy_printable(end->text, sizeof(end->text), str_of(what));
}

/* curl could not finish. */
static void judge_failure(struct grpc_end *end, CURLcode result, int os_errno, const char *error)
{
	switch (result) {
	case CURLE_COULDNT_CONNECT:
		end->fault = GRPC_NO_CONNECTION;
		end->err = os_errno;
		str_copy(end->text, sizeof(end->text),
			 str_of(os_errno ? errname(os_errno) : "no connection"));
		break;
	case CURLE_OPERATION_TIMEDOUT:
		end->fault = GRPC_TIMEOUT;
		str_copy(end->text, sizeof(end->text), STR("no answer in time"));
		break;
	case CURLE_OUT_OF_MEMORY:
		end->fault = GRPC_NO_MEMORY;
		str_copy(end->text, sizeof(end->text), STR("out of memory"));
		break;
	case CURLE_PARTIAL_FILE:
	case CURLE_GOT_NOTHING:
	case CURLE_RECV_ERROR:
	case CURLE_SEND_ERROR:
		judge_broken(end, "the connection ended before the answer did");
		break;
	default:
		judge_broken(end, error[0] ? error : curl_easy_strerror(result));
	}
}

/* The peer ended the exchange by itself, without a word of gRPC. */
static void judge_foreign(const struct grpc_answer *a, struct grpc_end *end, long http)
{
	char text[GRPC_TEXT_MAX];

	if (http && http != 200)
		snprintf(text, sizeof(text), "it answered HTTP status %ld, which is not gRPC",
			 http);
	else if (http && !a->is_grpc)
		snprintf(text, sizeof(text), "it answered content type \"%s\", which is not gRPC",
			 a->type);
	else
		snprintf(text, sizeof(text), "the answer ended without a gRPC status");
	judge_broken(end, text);
}

/* Status OK: is what came what an answer consists of? */
static void judge_content(const struct grpc_answer *a, struct grpc_end *end)
{
	if (a->head_n)
		judge_broken(end, "the answer ended inside a message");
	else if (a->unary && !a->first)
		judge_broken(end, "the answer has no message");
	else if (a->unary)
		end->message = (struct str){ a->first->bytes, a->first->n };
}

void grpc_answer_end(struct grpc_answer *a, struct grpc_end *ret, CURLcode result, long http,
		     int os_errno, const char *error)
{
	*ret = a->end;
	if (a->end.fault && a->is_grpc)
		return;
	/* A status that came counts, even if the stream was reset after it. */
	if (a->has_status && a->is_grpc && http == 200) {
		if (ret->status == GRPC_OK) {
			ret->text[0] = 0;
			judge_content(a, ret);
		}
		return;
	}
	if (result == CURLE_OK || result == CURLE_WRITE_ERROR || (http && http != 200))
		judge_foreign(a, ret, http);
	else
		judge_failure(ret, result, os_errno, error);
}
