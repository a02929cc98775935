/* SPDX-License-Identifier: Apache-2.0 */
/* Private to api.c (life, failures, questions besides) and api_watch.c (list, then watch). */
#ifndef ASK_API_MACHINE_H
#define ASK_API_MACHINE_H

#include "ask/api_book.h"
#include "ask/api_request.h"
#include "ask/api_split.h"

#define API_VERSION_MAX	 128	/* of a resourceVersion: opaque, a number today */
#define API_CONTINUE_MAX 4096	/* base64 of a key and a number: some hundred */

struct api {
	struct loop *loop;
	struct api_config cfg;
	char node[POD_NAME_MAX + 1];
	struct api_status st;
	struct transfers *transfers;
	struct api_server server;
	struct api_book *book;
	struct api_pod *pod;	/* scratch of what is just read */

	/* The list or the watch. */
	struct api_request pods;
	struct api_split split;
	struct loop_timer *again;
	unsigned tries;		/* failures in a row */
	bool watching;		/* the request is a watch */
	bool consistent;	/* list what etcd has, not what the server remembers */
	char version[API_VERSION_MAX]; /* to watch from; "" list first */
	char next[API_CONTINUE_MAX];   /* of the list's next page; "" the first */
	unsigned pages;
	u64 lists;		/* complete ones */
	u64 began_ns;		/* the watch */
	u64 began_events;
	struct {		/* the ERROR event that ended it; http 0: none */
		int http;
		char message[256];
	} error;

	/* Questions besides. */
	struct api_request aside;
	struct buf aside_text;
	struct loop_timer *chores;
	unsigned aside_tries;
	bool aside_pausing;
	bool version_asked, asking_version;
};

void api_watch_init(struct api *a);
void api_again(void *ctx);	/* go on where it failed */

/* The state is that, without a reason. */
void api_tell(struct api *a, enum api_state state);
/* The list or watch failed: say so, and try again after a while. */
void api_fail(struct api *a, const struct api_answer *x);
/* Ask with a->pods; a failure is dealt with. */
void api_get(struct api *a, const char *path, u64 timeout_ns);
/* There may be questions. */
void api_kick(struct api *a);
/* How long to wait: 1, 2, 4 ... 60 s, or what the server wants; and up to a quarter more. */
u64 api_backoff(unsigned *tries, u64 retry_after_ns);

#endif
