/* SPDX-License-Identifier: Apache-2.0 */
/* What stands for the libraries that programs are at: its functions fail at once, so that what is measured is the programs. */
#define FAILS(name, result)                                                                        \
	int name(void);                                                                            \
	int name(void)                                                                             \
	{                                                                                          \
		return result;                                                                     \
	}

FAILS(getaddrinfo, -2) /* EAI_NONAME */

FAILS(PQexec, 0)
FAILS(PQexecParams, 0)
FAILS(PQprepare, 0)
FAILS(PQexecPrepared, 0)
FAILS(PQsendQuery, 0)
FAILS(PQsendQueryParams, 0)
FAILS(PQsendPrepare, 0)
FAILS(PQsendQueryPrepared, 0)
FAILS(PQgetResult, 0)
FAILS(PQfinish, 0)

FAILS(mysql_query, 1)
FAILS(mysql_real_query, 1)
FAILS(mysql_send_query, 1)
FAILS(mysql_read_query_result, 1)
FAILS(mysql_stmt_prepare, 1)
FAILS(mysql_stmt_execute, 1)

/* By this one a libpq is known (src/capture/proof.c). */
int PQresultStatus(const char *result);
int PQresultStatus(const char *result)
{
	return result ? *(const int *)(result + 40) : 7;
}
