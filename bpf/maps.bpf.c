/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The shared maps and nothing else: loaded first, so that no family depends on another. */
#include "lib/call.h"
#include "lib/maps.h"
