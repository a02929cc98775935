/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include "base/addr.h"

struct str addr_text(char dst[static ADDR_TEXT_MAX], const u8 addr[static 16], bool v6)
{
	if (!inet_ntop(v6 ? AF_INET6 : AF_INET, addr, dst, ADDR_TEXT_MAX))
		dst[0] = 0; /* cannot happen: family and size are given */
	return str_of(dst);
}
