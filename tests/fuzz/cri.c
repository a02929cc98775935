// SPDX-License-Identifier: Apache-2.0
/* links: src/pod.c src/ask/ar*.c src/ask/?r*_[ak]*.c libs: cri-proto curl protobuf-c yyjson */
/*
 * ask/cri: whatever a runtime answers, drafts have ids and uids that are some, counts that are
 * within their limits and can be copied; what is gone was said to be. The first byte chooses the
 * message, or frames of gRPC with its trailers. Two messages a run: the second may take back
 * what the first one told.
 */
#include <stdint.h>
#include <string.h>

#include "ask/cri_answer.h"
#include "ask/grpc_answer.h"
#include "tests/fuzz/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void check_label(const struct label *l)
{
	CHECK(!memchr(l->key.p, 0, l->key.n));
	CHECK(!l->value.n || !memchr(l->value.p, 0, l->value.n));
}

static void on_container(void *ctx, const struct container *draft)
{
	struct container *c = container_new(draft);

	(void)ctx;
	CHECK(cri_id_ok(str_of(draft->id)));
	CHECK(strnlen(draft->pod_uid, WHO_UID_MAX) < WHO_UID_MAX);
	CHECK(draft->source == NAME_FROM_CRI);
	CHECK(c && c->name.n <= POD_NAME_MAX && c->image.n <= CONTAINER_IMAGE_MAX);
	container_unref(c);
}

static void on_pod(void *ctx, const struct pod *draft)
{
	struct pod *p = pod_new(draft);

	(void)ctx;
	CHECK(draft->uid[0] && strnlen(draft->uid, WHO_UID_MAX) < WHO_UID_MAX);
	CHECK(draft->labels_n <= POD_LABELS_MAX && draft->annotations_n <= POD_LABELS_MAX);
	for (size_t i = 0; i < draft->labels_n; i++)
		check_label(&draft->labels[i]);
	for (size_t i = 0; i < draft->annotations_n; i++)
		CHECK(str_starts(draft->annotations[i].key, STR(POD_ANNOTATION_PREFIX)));
	CHECK(p && p->name.n <= POD_NAME_MAX);
	pod_unref(p);
}

static void on_container_gone(void *ctx, struct str id)
{
	(void)ctx;
	CHECK(cri_id_ok(id));
}

static void on_pod_gone(void *ctx, struct str uid)
{
	(void)ctx;
	CHECK(uid.n && uid.n < WHO_UID_MAX);
}

static void check_printable(const char *s, size_t cap)
{
	size_t n = strnlen(s, cap);

	CHECK(n < cap);
	for (size_t i = 0; i < n; i++)
		CHECK(s[i] >= ' ' && s[i] < 0x7f);
}

static void fuzz_message(struct cri_known *k, u8 which, struct str message)
{
	struct cri_found found;
	struct cri_version v;
	const char *driver;

	switch (which % 7) {
	case 0:
		cri_known_round(k);
		if (!cri_answer_pods(k, message))
			cri_known_sweep(k, true);
		break;
	case 1:
		cri_known_round(k);
		if (!cri_answer_containers(k, message))
			cri_known_sweep(k, false);
		break;
	case 2:
		cri_answer_event(k, message);
		break;
	case 3:
		if (!cri_answer_version(&v, message)) {
			check_printable(v.runtime, sizeof(v.runtime));
			check_printable(v.version, sizeof(v.version));
		}
		break;
	case 4:
		if (!cri_answer_driver(&driver, message))
			CHECK(strlen(driver) < 16);
		break;
	case 5:
		if (cri_answer_status(&found, message, "a.b,c"))
			break;
		CHECK(!found.cgroup[0] == !!found.reason[0]);
		break;
	default:
		cri_answer_info(&found, message, "a.b,c");
		CHECK(strnlen(found.cgroup, sizeof(found.cgroup)) < sizeof(found.cgroup));
		CHECK(!found.cgroup[0] == !!found.reason[0]);
	}
}

/* Lines end in \n; after an empty one come the frames, in pieces of the sizes that bytes say. */
static void fuzz_frames(struct str s, u8 flags)
{
	struct grpc_answer a = { .max = 1000, .unary = flags & 1, .secret = flags & 2 };
	struct grpc_message *m;
	struct grpc_end end;
	struct str line;
	u64 taken = 0;

	while (str_cut(&s, '\n', &line) && line.n)
		grpc_answer_header(&a, line);
	while (s.n) {
		size_t piece = (u8)s.p[0] % 16;

		s = str_slice(s, 1, s.n);
		if (!grpc_answer_body(&a, str_slice(s, 0, piece)))
			break;
		s = str_slice(s, piece, s.n);
		if (!a.unary && (m = grpc_answer_take(&a))) {
			CHECK(m->n <= a.max);
			taken++;
			grpc_message_free(m, a.secret);
		}
		CHECK((a.bytes == 0) == (!a.first && !a.part));
	}
	CHECK(taken <= a.end.messages);
	grpc_answer_end(&a, &end, flags & 4 ? CURLE_OK : CURLE_RECV_ERROR, flags & 8 ? 200 : 0, 0,
			"");
	check_printable(end.text, sizeof(end.text));
	CHECK(!end.message.n || (a.unary && !end.fault && !end.status));
	CHECK(end.text[0] || (!end.fault));
	grpc_answer_free(&a);
	CHECK(a.bytes == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	const struct cri_config config = { .container = on_container,
					   .pod = on_pod,
					   .container_gone = on_container_gone,
					   .pod_gone = on_pod_gone };
	struct cri_status status = { 0 };
	struct cri_known known;
	size_t half;

	if (n < 3)
		return 0;
	if (data[0] & 0x80) {
		fuzz_frames((struct str){ (const char *)data + 1, n - 1 }, data[0]);
		return 0;
	}
	CHECK(!cri_known_init(&known, &config, &status));
	half = 3 + (n - 3) * data[2] / 255;
	fuzz_message(&known, data[0], (struct str){ (const char *)data + 3, half - 3 });
	fuzz_message(&known, data[1], (struct str){ (const char *)data + half, n - half });
	cri_known_end(&known);
	return 0;
}
