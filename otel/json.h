/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any protobuf-c message as OTLP/JSON: proto3's JSON mapping with what OTLP changes in it
 * (opentelemetry-proto docs/specification.md, "JSON Protobuf Encoding"): lowerCamelCase
 * names, trace and span ids as lower-case hex, other bytes as base64, 64-bit integers as
 * decimal strings, enums as integers, NaN and infinities as strings. Fields at their default
 * are left out, unless they are members of a oneof that is set to them.
 */
#ifndef OTEL_JSON_H
#define OTEL_JSON_H

#include <protobuf-c/protobuf-c.h>

#include "base/buf.h"

#define JSON_DEPTH_MAX 32 /* messages in messages; our own go to 9 */

/* One object, no newline. Deeper than JSON_DEPTH_MAX: b->err = -ELOOP. */
void json_message(struct buf *b, const ProtobufCMessage *m);

/* The shortest text that reads back as d; NaN and infinities with their quotes. */
void json_double(struct buf *b, double d);

#endif
