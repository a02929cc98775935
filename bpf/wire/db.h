/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only OR BSD-2-Clause */
/* Records of the db family. */
#ifndef WIRE_DB_H
#define WIRE_DB_H

#include "head.h"

enum db_system { DB_POSTGRESQL, DB_MYSQL, DB_SYSTEM_END };

/* By which function the statement was sent. */
enum db_call {
	DB_PQEXEC,
	DB_PQEXECPARAMS,
	DB_PQPREPARE,
	DB_PQEXECPREPARED,
	DB_PQSENDQUERY,	/* and its kin: until the results, which PQgetResult gives */
	DB_PQSENDQUERYPARAMS,
	DB_PQSENDPREPARE,
	DB_PQSENDQUERYPREPARED,
	DB_MYSQL_QUERY,	/* the first of this system */
	DB_MYSQL_REAL_QUERY,
	DB_MYSQL_SEND_QUERY, /* until mysql_read_query_result */
	DB_MYSQL_STMT_PREPARE,
	DB_MYSQL_STMT_EXECUTE,
	DB_CALL_END
};

enum db_result {
	DB_DONE,
	DB_REFUSED,	/* the library says no more than that it failed */
	DB_NO_RESULT,	/* not sent, or no memory for its result */
	DB_BAD_RESPONSE, /* PGRES_BAD_RESPONSE: what came is no answer */
	DB_FATAL_ERROR, /* PGRES_FATAL_ERROR */
	DB_ABORTED,	/* PGRES_PIPELINE_ABORTED: one before it in the pipeline failed */
	DB_RESULT_END
};

#define DB_STATEMENT_MAX 511	/* bytes; what is as long is cut; a mask */
#define DB_NAME_MAX 64		/* of a prepared statement, its NUL included: NAMEDATALEN */

/*
 * Where PGresult has its ExecStatusType: for a file where PQresultStatus reads it elsewhere nothing is
 * attached (src/capture/proof.c).
 */
#define PGRESULT_STATUS 40

struct rec_db_query {
	struct rec_head head;	/* when_ns: the end */
	__u64 duration_ns;
	__u16 call;		/* enum db_call */
	__u16 result;		/* enum db_result */
	struct rec_text statement; /* as the program wrote it; none: prepared when nobody looked */
	__u8 comm[COMM_LEN];
};

#endif
