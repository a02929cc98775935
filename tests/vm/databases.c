/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What stands for libpq.so.5 (AS_LIBPQ) and libmariadb.so.3 in machines that have no server: they answer what statements.c
 * sends, and call themselves inside as real ones do (PQexec of libpq before 14, mysql_real_query of MySQL).
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A statement says itself how it ends. */
static int fails(const char *text)
{
	return strstr(text, "nowhere") || strstr(text, " FROM far") || strstr(text, " / 0") || strstr(text, "SELEKT");
}

static void take_time(const char *text)
{
	if (strstr(text, "(0.3)"))
		usleep(300000);
}

#ifdef AS_LIBPQ
#include <libpq-fe.h>

#define RESULTS_MAX 64

struct pg_result {
	char others[40];
	ExecStatusType status;
};

struct pg_conn {
	int status[RESULTS_MAX]; /* of the results to come; -1: NULL */
	int from, n;
	int pipeline, aborted;
	char slow[256];
};

PGconn *PQconnectdbParams(const char *const *keys, const char *const *values, int expand)
{
	(void)keys, (void)values, (void)expand;
	return calloc(1, sizeof(PGconn));
}

ConnStatusType PQstatus(const PGconn *conn)
{
	return conn ? CONNECTION_OK : CONNECTION_BAD;
}

char *PQerrorMessage(const PGconn *conn)
{
	(void)conn;
	return (char *)"";
}

ExecStatusType PQresultStatus(const PGresult *result)
{
	return result ? result->status : PGRES_FATAL_ERROR;
}

void PQclear(PGresult *result)
{
	free(result);
}

static int put(PGconn *conn, int status)
{
	conn->status[conn->n++ % RESULTS_MAX] = status;
	return 1;
}

static int put_all(PGconn *conn, const char *text, ExecStatusType good)
{
	if (!conn->pipeline && conn->from != conn->n)
		return 0;
	strncpy(conn->slow, text, sizeof(conn->slow) - 1);
	if (conn->aborted)
		put(conn, PGRES_PIPELINE_ABORTED);
	else if (fails(text))
		put(conn, PGRES_FATAL_ERROR);
	else
		for (const char *p = text; p; p = strchr(p + 1, ';'))
			put(conn, good);
	conn->aborted = conn->pipeline && (conn->aborted || fails(text));
	return put(conn, -1);
}

int PQsendQuery(PGconn *conn, const char *text)
{
	return put_all(conn, text, strstr(text, "SELECT") ? PGRES_TUPLES_OK : PGRES_COMMAND_OK);
}

int PQsendQueryParams(PGconn *conn, const char *text, int n, const Oid *types, const char *const *values,
		      const int *lengths, const int *formats, int format)
{
	(void)n, (void)types, (void)values, (void)lengths, (void)formats, (void)format;
	return put_all(conn, text, PGRES_TUPLES_OK);
}

int PQsendPrepare(PGconn *conn, const char *name, const char *text, int n, const Oid *types)
{
	(void)name, (void)n, (void)types;
	return put_all(conn, text, PGRES_COMMAND_OK);
}

int PQsendQueryPrepared(PGconn *conn, const char *name, int n, const char *const *values, const int *lengths,
			const int *formats, int format)
{
	(void)n, (void)values, (void)lengths, (void)formats, (void)format;
	return put_all(conn, name, PGRES_TUPLES_OK);
}

PGresult *PQgetResult(PGconn *conn)
{
	PGresult *result;

	if (conn->from == conn->n)
		return NULL;
	if (conn->status[conn->from % RESULTS_MAX] < 0) {
		conn->from++;
		return NULL;
	}
	take_time(conn->slow);
	*conn->slow = 0;
	result = calloc(1, sizeof(*result));
	result->status = (ExecStatusType)conn->status[conn->from++ % RESULTS_MAX];
	return result;
}

static void drain(PGconn *conn)
{
	while (conn->from != conn->n)
		PQclear(PQgetResult(conn));
}

static PGresult *finish(PGconn *conn)
{
	PGresult *last = NULL, *result;

	while ((result = PQgetResult(conn)) != NULL) {
		PQclear(last);
		last = result;
	}
	return last;
}

PGresult *PQexec(PGconn *conn, const char *text)
{
	drain(conn);
	return PQsendQuery(conn, text) ? finish(conn) : NULL;
}

PGresult *PQexecParams(PGconn *conn, const char *text, int n, const Oid *types, const char *const *values,
		       const int *lengths, const int *formats, int format)
{
	drain(conn);
	return PQsendQueryParams(conn, text, n, types, values, lengths, formats, format) ? finish(conn) : NULL;
}

PGresult *PQprepare(PGconn *conn, const char *name, const char *text, int n, const Oid *types)
{
	drain(conn);
	return PQsendPrepare(conn, name, text, n, types) ? finish(conn) : NULL;
}

PGresult *PQexecPrepared(PGconn *conn, const char *name, int n, const char *const *values, const int *lengths,
			 const int *formats, int format)
{
	drain(conn);
	return PQsendQueryPrepared(conn, name, n, values, lengths, formats, format) ? finish(conn) : NULL;
}

void PQfinish(PGconn *conn)
{
	free(conn);
}

int PQenterPipelineMode(PGconn *conn)
{
	return conn->pipeline = 1;
}

int PQpipelineSync(PGconn *conn)
{
	conn->aborted = 0;
	return put(conn, PGRES_PIPELINE_SYNC);
}

int PQexitPipelineMode(PGconn *conn)
{
	conn->pipeline = 0;
	return 1;
}
#else
#include <mysql.h>

static char sent[256];

static void keep(const char *text, unsigned long n)
{
	memset(sent, 0, sizeof(sent));
	memcpy(sent, text, n < sizeof(sent) ? n : sizeof(sent) - 1);
}

MYSQL *STDCALL mysql_init(MYSQL *mysql)
{
	return mysql ? mysql : calloc(1, sizeof(*mysql));
}

MYSQL *STDCALL mysql_real_connect(MYSQL *mysql, const char *host, const char *user, const char *password, const char *db,
				  unsigned int port, const char *socket, unsigned long flags)
{
	(void)host, (void)user, (void)password, (void)db, (void)port, (void)socket, (void)flags;
	return mysql;
}

const char *STDCALL mysql_error(MYSQL *mysql)
{
	(void)mysql;
	return "";
}

int STDCALL mysql_send_query(MYSQL *mysql, const char *text, unsigned long n)
{
	(void)mysql;
	keep(text, n);
	return 0;
}

my_bool STDCALL mysql_read_query_result(MYSQL *mysql)
{
	(void)mysql;
	take_time(sent);
	return fails(sent) ? 1 : 0;
}

int STDCALL mysql_real_query(MYSQL *mysql, const char *text, unsigned long n)
{
	return mysql_send_query(mysql, text, n) || mysql_read_query_result(mysql);
}

int STDCALL mysql_query(MYSQL *mysql, const char *text)
{
	return mysql_real_query(mysql, text, strlen(text));
}

MYSQL_RES *STDCALL mysql_store_result(MYSQL *mysql)
{
	(void)mysql;
	return NULL;
}

void STDCALL mysql_free_result(MYSQL_RES *result)
{
	(void)result;
}

MYSQL_STMT *STDCALL mysql_stmt_init(MYSQL *mysql)
{
	(void)mysql;
	return malloc(64);
}

const char *STDCALL mysql_stmt_error(MYSQL_STMT *stmt)
{
	(void)stmt;
	return "";
}

int STDCALL mysql_stmt_prepare(MYSQL_STMT *stmt, const char *text, unsigned long n)
{
	(void)stmt;
	keep(text, n);
	return fails(sent);
}

my_bool STDCALL mysql_stmt_bind_param(MYSQL_STMT *stmt, MYSQL_BIND *bind)
{
	(void)stmt, (void)bind;
	return 0;
}

int STDCALL mysql_stmt_execute(MYSQL_STMT *stmt)
{
	(void)stmt;
	return 0;
}

my_bool STDCALL mysql_stmt_close(MYSQL_STMT *stmt)
{
	free(stmt);
	return 0;
}
#endif
