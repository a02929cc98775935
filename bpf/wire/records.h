/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only OR BSD-2-Clause */
/* The records of all families, for who expands the registry's KIND rows. */
#ifndef WIRE_RECORDS_H
#define WIRE_RECORDS_H

#include "cgroup.h"
#include "db.h"
#include "dns.h"
#include "file.h"
#include "http.h"
#include "lock.h"
#include "lookup.h"
#include "memory.h"
#include "process.h"
#include "syscall.h"
#include "tcp.h"
#include "udp.h"

#endif
