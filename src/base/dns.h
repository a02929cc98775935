/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DNS messages (RFC 1035 section 4) as they are on the network: any bytes may come. Own code,
 * because of a message only the beginning may be there, which the readers of a C library refuse as
 * a whole, and because theirs join labels with dots that may be in the labels.
 */
#ifndef BASE_DNS_H
#define BASE_DNS_H

#include "base/buf.h"

struct dns {
	u16 id;
	bool answer;
	bool cut;		/* TC: the answer did not fit, ask by TCP */
	u16 rcode;		/* without the upper bits that EDNS adds */
	u16 type;		/* of the question */
	u16 answers;		/* records, as the head says */
};

/*
 * The one question of a message, of which bytes may be missing at the end: name gets its name as
 * text, without the dot at the end ("." is the root), what is not printable as \DDD, a dot or
 * backslash in a label behind a backslash. false: this is no query and no answer.
 */
bool dns_question(struct str message, struct dns *ret, struct buf *name);

/*
 * Of an answer's records, as far as they are there: addresses gets those of A and AAAA as text, names
 * those that CNAMEs lead to, each ended by NUL; what does not fit is left out. Only if dns_question
 * said true.
 */
void dns_records(struct str message, struct buf *addresses, struct buf *names);

/* "A", "AAAA"; "TYPE4711" of one without a name (RFC 3597), in buf. */
#define DNS_TYPE_TEXT_MAX 12
const char *dns_type(u16 type, char buf[static DNS_TYPE_TEXT_MAX]);
/* "noerror", "nxdomain"; "rcode12" of one without a name, static. */
const char *dns_rcode(u16 rcode);

#endif
