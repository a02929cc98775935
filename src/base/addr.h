/* SPDX-License-Identifier: Apache-2.0 */
/* IP addresses as text (RFC 5952 for IPv6). */
#ifndef BASE_ADDR_H
#define BASE_ADDR_H

#include "base/str.h"

#define ADDR_TEXT_MAX 46 /* INET6_ADDRSTRLEN */

/* addr: 16 bytes in network order, IPv4 in the first four. Returns dst as a view. */
struct str addr_text(char dst[static ADDR_TEXT_MAX], const u8 addr[static 16], bool v6);

#endif
