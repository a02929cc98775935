/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the CRI client share; cri.h is the contract. */
#ifndef ASK_CRI_INTERNAL_H
#define ASK_CRI_INTERNAL_H

#include "ask/cri_answer.h"
#include "ask/grpc.h"

#define CRI_METHOD(name) "/runtime.v1.RuntimeService/" name

#define CRI_TIMEOUTS_MAX 3u	/* in a row: the runtime hangs, others are tried */
#define CRI_ASKING_MAX	 8u	/* questions for single containers at a time */
#define CRI_PLACES_MAX	 16u	/* cri_locate at a time */
#define CRI_SMALL_MAX	 (4u << 20)	/* an answer about one container */
#define CRI_WORDS_MAX	 (GRPC_TEXT_MAX + 32)

/* Why a candidate is none, the least telling first. */
enum cri_trouble {
	CRI_FINE,
	CRI_MISSING,	/* no such file */
	CRI_LONG_PATH,	/* there is no address of that length */
	CRI_NO_SOCKET,	/* something else of that name */
	CRI_REFUSED,	/* nobody listens */
	CRI_GARBAGE,	/* who listens speaks something else, or hangs up */
	CRI_NO_SERVICE,	/* gRPC, but no runtime.v1 */
	CRI_HANGS,
	CRI_ERROR,	/* it answers with an error */
	CRI_DENIED,	/* we may not connect */
};

/* What went wrong with a place or a call. */
struct cri_fault {
	enum cri_trouble trouble;
	int err;		/* errno, 0: none of it is known */
	char words[CRI_WORDS_MAX];
};

/* One question of cri_want that is on its way. */
struct cri_asking {
	struct cri *cri;
	struct grpc_call *call;		/* NULL: free */
	char id[WHO_ID_MAX];
	bool sandbox;			/* PodSandboxStatus; else ListContainers */
};

struct cri_place_call {
	struct cri *cri;
	struct grpc *grpc;		/* NULL: free */
	const char *fields;
	cri_place_fn fn;
	void *ctx;
};

struct cri {
	struct loop *loop;
	struct cri_config config;
	struct cri_candidate *candidates;	/* owned, room for CRI_CANDIDATES_MAX */
	size_t candidates_n;
	struct cri_status status;
	struct cri_known known;
	struct grpc *grpc;		/* to the candidate that is tried or used; NULL */
	struct loop_timer *timer;	/* next search, next lists */
	bool was_up;
	u64 up_ns;			/* since when */
	u32 timeouts;			/* in a row */

	/* search */
	size_t at;			/* candidate that is tried */
	size_t tried;			/* in this round */
	u64 rounds;
	u64 pause_ns;			/* after this one */
	struct cri_fault worst;		/* the most telling so far, and about which one */
	size_t worst_at;

	/* lists */
	bool listing;
	bool lists_bad;			/* one of this round failed: its reason stays */

	/* news */
	struct grpc_call *stream;	/* NULL: none */
	bool stream_never;		/* this runtime has none, or none for us */
	u32 stream_strikes;
	u64 stream_ns;			/* when it was opened */

	/* questions about one container */
	struct table *wants;
	struct loop_timer *want_timer;
	struct cri_asking asking[CRI_ASKING_MAX];
	struct cri_place_call places[CRI_PLACES_MAX];
};

/* ---- cri.c ---- */

/* A unary call, counted. 0 or -errno. */
int cri_call(struct cri *c, struct grpc *g, struct grpc_call **ret, struct grpc_request *r);
/*
 * Each end of a call but Version's goes through here: counts, the reason, and whether the
 * runtime is gone. what: "ListContainers". 0: the answer is to be read; -EIO: this call
 * failed; -ENOTCONN: the runtime was given up, nothing of it is there any more.
 */
int cri_ended(struct cri *c, const char *what, const struct grpc_end *end);
/* Its answer could not be read (cri_answer.h). */
void cri_unreadable(struct cri *c, const char *what, int err);
/* The runtime is of no use (any more): its calls are gone, the search goes on. */
void cri_lost(struct cri *c, const struct cri_fault *fault);
/* Both lists are read, or failed in a way that no other runtime mends. */
void cri_listed(struct cri *c);
void cri_arm(struct cri *c, u64 after_ns);
static inline bool cri_is_there(const struct cri *c)
{
	return c->grpc && (c->status.state == CRI_READING || c->status.state == CRI_UP);
}

/* ---- cri_reason.c ---- */

/* Is there a socket at all? True: try it. */
bool cri_look(const char *path, struct cri_fault *ret);
/* How a call failed. */
void cri_judge(const struct grpc_end *end, struct cri_fault *ret);
struct cri_fault cri_fault(enum cri_trouble trouble, int err, const char *words);
/* Remember what is wrong with the candidate that is tried. */
void cri_note(struct cri *c, const struct cri_fault *fault);
/* status.reason, .fix and .err of a search without result. */
void cri_explain(struct cri *c);
/* The same of a call to the runtime that is there, or was: "METHOD at /run/x.sock: words". */
void cri_complain(struct cri *c, const char *what, const struct cri_fault *fault);
void cri_all_well(struct cri *c);

/* ---- cri_lists.c ---- */

void cri_lists(struct cri *c);	/* read both, unless that is under way */

/* ---- cri_events.c ---- */

void cri_events(struct cri *c);	/* open the stream, unless it is open or of no use */

/* ---- cri_want.c ---- */

int cri_wants_new(struct cri *c);
void cri_wants_free(struct cri *c);
void cri_wants_go(struct cri *c);	/* a runtime is there */
void cri_wants_fill(struct cri *c);	/* ask for what lists do not say of pods */
void cri_wants_stop(struct cri *c);	/* its calls are gone */

/* ---- cri_place.c ---- */

/* The runtime is gone: those who asked are told the reason. */
void cri_places_stop(struct cri *c, const char *reason);
void cri_places_free(struct cri *c);	/* without a word */

#endif
