/* SPDX-License-Identifier: Apache-2.0 */
#include "fold/sample.h"

bool sample_keep(const struct sampling *s, const u8 trace_id[static 16])
{
	u64 n = 0;

	if (s->ratio >= 1)
		return true;
	for (int i = 9; i < 16; i++)
		n = n << 8 | trace_id[i];
	return n < (u64)(s->ratio * (double)(1ull << 56)); /* exact: a double has 53 bits */
}
