/* SPDX-License-Identifier: Apache-2.0 */
/* Libraries in processes: what is found is attached to, what nobody has any more is let go. */
#ifndef LIBRARIES_H
#define LIBRARIES_H

#include "capture/capture.h"

struct libraries;

/* NULL: out of memory. */
struct libraries *libraries_new(struct loop *l, const char *proc_base, struct capture *capture);
/* Looks no more; what is attached goes with the capture's programs. NULL is fine. */
void libraries_free(struct libraries *ls);
/* Say once what cannot be attached to. Every few seconds. NULL, at the end of a run, is fine. */
void libraries_tell(struct libraries *ls);

#endif
