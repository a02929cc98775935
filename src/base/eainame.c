/* SPDX-License-Identifier: Apache-2.0 */
#include "base/eainame.h"
#include "base/types.h"

/* By number, not by netdb.h: musl's lacks those that glibc alone returns. */
static const char *const names[] = {
	[1] = "EAI_BADFLAGS",	[2] = "EAI_NONAME",	  [3] = "EAI_AGAIN",
	[4] = "EAI_FAIL",	[5] = "EAI_NODATA",	  [6] = "EAI_FAMILY",
	[7] = "EAI_SOCKTYPE",	[8] = "EAI_SERVICE",	  [9] = "EAI_ADDRFAMILY",
	[10] = "EAI_MEMORY",	[11] = "EAI_SYSTEM",	  [12] = "EAI_OVERFLOW",
	[100] = "EAI_INPROGRESS", [101] = "EAI_CANCELED", [102] = "EAI_NOTCANCELED",
	[103] = "EAI_ALLDONE",	[104] = "EAI_INTR",	  [105] = "EAI_IDN_ENCODE",
};

const char *eainame(unsigned result)
{
	return result < ARRAY_SIZE(names) && names[result] ? names[result] : "_OTHER";
}
