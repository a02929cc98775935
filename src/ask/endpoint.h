/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where texts say that the runtime's socket is: a kubelet's arguments, configuration files.
 * Pure: text in, text out; any bytes, any length.
 */
#ifndef ASK_ENDPOINT_H
#define ASK_ENDPOINT_H

#include "base/str.h"

/* The value of flag ("--config") in arguments as /proc/PID/cmdline has them, each ended by a
 * NUL: "--config=X", or "--config" and then "X". The last one counts and "--" ends the flags
 * (github.com/spf13/pflag). A view of args; p is NULL when it is not given. */
struct str endpoint_argument(struct str args, struct str flag);

/*
 * The text of one top-level key of a configuration file. JSON when it begins with "{"; else
 * the YAML that people and kubeadm write: the key at the very beginning of a line, its value
 * behind it on the same line, plain or in quotes, without escapes. What is written in another
 * way is not found. false: not there, not text, or it does not fit.
 */
bool endpoint_setting(struct str text, struct str key, char *dst, size_t cap);

#endif
