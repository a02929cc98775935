/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Counting what became of each event: see enum ledger. */
#ifndef LIB_LEDGER_H
#define LIB_LEDGER_H

#include "maps.h"

INLINE void count(enum wire_kind kind, enum ledger what)
{
	__u32 zero = 0;
	struct ledger_page *page = bpf_map_lookup_elem(&ledger, &zero);

	/* atomic: a program in an interrupt may count the same cell on this CPU */
	if (page)
		__sync_fetch_and_add(&page->kind[kind].n[what], 1);
}

#endif
