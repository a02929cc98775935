/* SPDX-License-Identifier: Apache-2.0 */
/* The symbolic name of a result of getaddrinfo ("EAI_NONAME"). Glibc and musl number them alike. */
#ifndef BASE_EAINAME_H
#define BASE_EAINAME_H

/* result: without its sign. Never NULL; static; "_OTHER" for a number without a name. */
const char *eainame(unsigned result);

#endif
