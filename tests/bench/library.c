/* SPDX-License-Identifier: Apache-2.0 */
/* What stands for a C library: its function fails at once, so that what is measured is the programs at it. */
int getaddrinfo(void);

int getaddrinfo(void)
{
	return -2; /* EAI_NONAME */
}
