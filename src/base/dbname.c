/* SPDX-License-Identifier: Apache-2.0 */
#include "base/dbname.h"
#include "base/types.h"

const char *db_call_name(unsigned call)
{
	static const char *const names[DB_CALLS] = {
		"PQexec",
		"PQexecParams",
		"PQprepare",
		"PQexecPrepared",
		"PQsendQuery",
		"PQsendQueryParams",
		"PQsendPrepare",
		"PQsendQueryPrepared",
		"mysql_query",
		"mysql_real_query",
		"mysql_send_query",
		"mysql_stmt_prepare",
		"mysql_stmt_execute",
	};

	return call < DB_CALLS ? names[call] : "_OTHER";
}

const char *db_result_name(unsigned result)
{
	static const char *const names[DB_RESULTS] = {
		[2] = "no_result",
		[3] = "PGRES_BAD_RESPONSE",
		[4] = "PGRES_FATAL_ERROR",
		[5] = "PGRES_PIPELINE_ABORTED",
	};

	return result < DB_RESULTS && names[result] ? names[result] : "_OTHER";
}
