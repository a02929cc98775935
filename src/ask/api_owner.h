/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What made the ReplicaSets and Jobs that made the pods: a pod tells only the first step. Each
 * is asked for once and its answer kept, also that nobody made it. Where the server does not
 * let us (403, 404), names decide, and it is asked for again API_OWNER_AGAIN_NS later at the
 * earliest. Pure: questions come out, answers go in.
 */
#ifndef ASK_API_OWNER_H
#define ASK_API_OWNER_H

#include "ask/api.h"
#include "ask/api_json.h"

#define API_OWNER_AGAIN_NS (600 * NSEC_PER_SEC)
#define API_OWNER_PATH_MAX 640

struct api_owners;

int api_owners_new(struct api_owners **ret);	/* 0 or -ENOMEM */
void api_owners_free(struct api_owners *o);	/* NULL is fine */
size_t api_owners_bytes(const struct api_owners *o);

/*
 * Fill draft->owner[1] for what draft->owner[0] is. true: that is all there is to know. false:
 * it is noted as a question and owner[1] is what names tell. Views into o, until the next call.
 */
bool api_owners_fill(struct api_owners *o, struct pod *draft, u64 now_ns);

/* A question: dst becomes the path to GET. false: there is none. The same one comes again
 * until it is answered or denied. */
bool api_owners_next(struct api_owners *o, char dst[static API_OWNER_PATH_MAX]);

/* What that path gave: the object's JSON. */
void api_owners_answer(struct api_owners *o, yyjson_val *object);
/* It cannot be had. */
void api_owners_deny(struct api_owners *o, u64 now_ns);

#endif
