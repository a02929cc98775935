/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Counting what became of each event: see enum ledger. */
#ifndef LIB_LEDGER_H
#define LIB_LEDGER_H

#include "maps.h"

INLINE struct ledger_cell *ledger_cell(enum wire_kind kind)
{
	__u32 zero = 0;
	struct ledger_page *page = bpf_map_lookup_elem(&ledger, &zero);

	return page ? &page->kind[kind] : 0;
}

/* Atomic: a program in an interrupt may count the same cell on this CPU. */
INLINE void cell_count(struct ledger_cell *cell, enum ledger what)
{
	__sync_fetch_and_add(&cell->n[what], 1);
}

INLINE void count(enum wire_kind kind, enum ledger what)
{
	struct ledger_cell *cell = ledger_cell(kind);

	if (cell)
		cell_count(cell, what);
}

#endif
