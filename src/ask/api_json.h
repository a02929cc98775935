/* SPDX-License-Identifier: Apache-2.0 */
/*
 * yyjson with the limits that foreign JSON needs. Its reader keeps no stack of its own and does
 * not recurse (yyjson 0.10, read_root_minify): nesting costs 16 bytes of heap a level, as any
 * value does. All values of a document are one block, which API_VALUES_MAX bounds.
 */
#ifndef ASK_API_JSON_H
#define ASK_API_JSON_H

#include <yyjson.h>
#include "base/buf.h"

/* Real pods have a value for each 12 to 25 bytes of text, so this is enough for 4 MiB of them;
 * text that has one for each two bytes is no pod. */
#define API_VALUES_MAX (16u << 20)

/*
 * Reads text in place: it is overwritten, and strings of the document are views into it. 0, or
 * -EBADMSG (no JSON), -EFBIG (over API_VALUES_MAX, or text has no 4 bytes of room left),
 * -ENOMEM. *ret is freed with yyjson_doc_free.
 */
int api_json_read(struct buf *text, yyjson_doc **ret);

/* The text of a string value up to its first NUL; "" of anything else and of NULL. */
struct str api_json_str(const yyjson_val *v);

/* dst becomes s with each byte that is not printable ASCII as "?", cut to cap - 1 bytes. */
void api_printable(char *dst, size_t cap, struct str s);

#endif
