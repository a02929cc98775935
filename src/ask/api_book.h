/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which pods are known. A pod is told when what made it is known, too, so that it gets its
 * final name at once; if that takes longer than API_HOLD_NS it is told with what its names
 * say, and again with the answer. A pod that a new list does not have any more is told as gone;
 * so is one that makes room when there are API_PODS_MAX.
 */
#ifndef ASK_API_BOOK_H
#define ASK_API_BOOK_H

#include "ask/api_owner.h"
#include "ask/api_pod.h"

/* A kubelet runs 110 pods as it comes, 500 on the largest nodes. Not above API_OWNERS_MAX: each
 * may have an owner of its own to ask for. */
#define API_PODS_MAX 1024u
#define API_HOLD_NS  (2 * NSEC_PER_SEC)

struct api_book;

/* 0 or -ENOMEM. Of the configuration pod, pod_gone and container are used. */
int api_book_new(struct api_book **ret, struct loop *l, const struct api_config *cfg);
void api_book_free(struct api_book *b);		/* NULL is fine; nothing is told as gone */
size_t api_book_bytes(const struct api_book *b);
struct api_owners *api_book_owners(struct api_book *b);

void api_book_pod(struct api_book *b, const struct api_pod *p);
void api_book_gone(struct api_book *b, const char *uid);

/* A list: what was not given to api_book_pod between begin and end is gone. */
void api_book_begin(struct api_book *b);
void api_book_end(struct api_book *b);

/* A question of owners was answered or denied: tell whom it concerns. */
void api_book_answered(struct api_book *b);

size_t api_book_len(const struct api_book *b);
u64 api_book_evicted(const struct api_book *b);

#endif
