/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Statements whose number and results are known, by each way that libpq and the C clients of MySQL and
 * MariaDB have to send one.
 *
 *	statements postgresql|mysql SOCKETS USER WHAT N DIR
 *
 * connects by the socket in the directory (postgresql) or the socket (mysql) SOCKETS, moves into the
 * cgroup DIR, waits for a line on standard input, and does WHAT N times; what that is, statements.py knows.
 * Prints what each turn of "slow" took, in ns. Exit code 0 if each call gave what it should.
 */
#define _GNU_SOURCE
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#ifdef WITH_POSTGRESQL
#include <libpq-fe.h>
#endif
#ifdef WITH_MYSQL
#include <mysql.h>
#endif

static int wrong;

static void expect(int is, const char *what, const char *why)
{
	if (is)
		return;
	fprintf(stderr, "statements: %s: %s\n", what, why);
	wrong = 1;
}

static void move(const char *dir)
{
	char path[512];
	FILE *f;

	snprintf(path, sizeof(path), "%s/cgroup.procs", dir);
	f = fopen(path, "w");
	if (!f || fputs("0", f) < 0 || fclose(f)) {
		perror(path);
		exit(1);
	}
}

static unsigned long long now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_BOOTTIME, &t);
	return (unsigned long long)t.tv_sec * 1000000000 + (unsigned long long)t.tv_nsec;
}

#ifdef WITH_POSTGRESQL
static PGconn *pg;

static void check(PGresult *result, ExecStatusType status, const char *what)
{
	expect(PQresultStatus(result) == status, what, PQerrorMessage(pg));
	PQclear(result);
}

/* What was sent has a result of that status, and then none. */
static void fetch(ExecStatusType status, const char *what)
{
	check(PQgetResult(pg), status, what);
	expect(!PQgetResult(pg), what, "more than one result");
}

static void pg_sync(void)
{
	const char *values[] = { "4711" };

	check(PQexec(pg, "SELECT 'S3CRET', 42 -- S3CRET"), PGRES_TUPLES_OK, "PQexec");
	check(PQexecParams(pg, "SELECT $1::int + 7", 1, NULL, values, NULL, NULL, 0), PGRES_TUPLES_OK, "PQexecParams");
	check(PQprepare(pg, "one", "SELECT $1::int, E'\\'S3CRET'", 1, NULL), PGRES_COMMAND_OK, "PQprepare");
	check(PQexecPrepared(pg, "one", 1, values, NULL, NULL, 0), PGRES_TUPLES_OK, "PQexecPrepared");
	check(PQexec(pg, "DEALLOCATE one"), PGRES_COMMAND_OK, "PQexec");
	check(PQexec(pg, "SELECT * FROM nowhere WHERE a = $x$S3CRET$x$"), PGRES_FATAL_ERROR, "PQexec that fails");
}

static void pg_async(void)
{
	const char *values[] = { "4711" };

	expect(PQsendQuery(pg, "SELECT 1; SELECT 'S3CRET'"), "PQsendQuery", PQerrorMessage(pg));
	check(PQgetResult(pg), PGRES_TUPLES_OK, "PQsendQuery");
	fetch(PGRES_TUPLES_OK, "PQsendQuery");
	expect(PQsendQueryParams(pg, "SELECT $1::int", 1, NULL, values, NULL, NULL, 0), "PQsendQueryParams", "0");
	fetch(PGRES_TUPLES_OK, "PQsendQueryParams");
	expect(PQsendPrepare(pg, "two", "SELECT $1::int AS two", 1, NULL), "PQsendPrepare", "0");
	fetch(PGRES_COMMAND_OK, "PQsendPrepare");
	expect(PQsendQueryPrepared(pg, "two", 1, values, NULL, NULL, 0), "PQsendQueryPrepared", "0");
	expect(!PQsendQuery(pg, "SELECT 'not sent'"), "PQsendQuery while another one is under way", "sent");
	fetch(PGRES_TUPLES_OK, "PQsendQueryPrepared");
	expect(PQsendQuery(pg, "SELECT 1 / 0"), "PQsendQuery", "0");
	fetch(PGRES_FATAL_ERROR, "PQsendQuery that fails");
	check(PQexec(pg, "DEALLOCATE two"), PGRES_COMMAND_OK, "PQexec");
}

/* In pipeline mode: three are under way, the second fails, so the third is not tried. */
static void pg_pipeline(void)
{
	expect(PQenterPipelineMode(pg), "PQenterPipelineMode", "0");
	expect(PQsendQueryParams(pg, "SELECT 'first'", 0, NULL, NULL, NULL, NULL, 0), "first", "0");
	expect(PQsendQueryParams(pg, "SELECT 2 / 0", 0, NULL, NULL, NULL, NULL, 0), "second", "0");
	expect(PQsendQueryParams(pg, "SELECT 'third' AS third", 0, NULL, NULL, NULL, NULL, 0), "third", "0");
	expect(PQpipelineSync(pg), "PQpipelineSync", "0");
	fetch(PGRES_TUPLES_OK, "first");
	fetch(PGRES_FATAL_ERROR, "second");
	fetch(PGRES_PIPELINE_ABORTED, "third");
	check(PQgetResult(pg), PGRES_PIPELINE_SYNC, "PQpipelineSync");
	expect(PQexitPipelineMode(pg), "PQexitPipelineMode", PQerrorMessage(pg));
}

/* Statements of connections that are gone, and of ones that nobody asked for the result of. */
static void pg_left(void)
{
	expect(PQsendQuery(pg, "SELECT 'left'"), "PQsendQuery", "0");
	check(PQexec(pg, "SELECT 'after'"), PGRES_TUPLES_OK, "PQexec");
}

static void pg_long(void)
{
	char text[4096] = "SELECT ";

	memset(text + 7, ' ', 400);
	strcpy(text + 407, "'");
	memset(text + 408, 'S', 600);
	strcpy(text + 1008, "', 1 FROM far");
	check(PQexec(pg, text), PGRES_FATAL_ERROR, "a long one");
}

static void pg_slow(void)
{
	unsigned long long begin = now();

	check(PQexec(pg, "SELECT pg_sleep(0.3), 'S3CRET'"), PGRES_TUPLES_OK, "pg_sleep");
	printf("%llu\n", now() - begin);
	begin = now();
	expect(PQsendQuery(pg, "SELECT pg_sleep(0.3), 'sent'"), "pg_sleep", "0");
	check(PQgetResult(pg), PGRES_TUPLES_OK, "pg_sleep");
	printf("%llu\n", now() - begin);
	usleep(200000); /* is no time of the statement's */
	expect(!PQgetResult(pg), "pg_sleep", "more than one result");
}

static int pg_connect(const char *sockets, const char *user)
{
	const char *keys[] = { "host", "user", "dbname", NULL }, *values[] = { sockets, user, "postgres", NULL };

	pg = PQconnectdbParams(keys, values, 0);
	expect(PQstatus(pg) == CONNECTION_OK, "connect", PQerrorMessage(pg));
	return PQstatus(pg) == CONNECTION_OK;
}
#endif

#ifdef WITH_MYSQL
static MYSQL *my;
static const char *socket_path, *user_name;

static void drop_result(void)
{
	MYSQL_RES *result = mysql_store_result(my);

	if (result)
		mysql_free_result(result);
}

static void check_mysql(int failed, int fails, const char *what)
{
	expect(!failed == !fails, what, mysql_error(my));
	if (!failed)
		drop_result();
}

static void my_sync(void)
{
	static const char text[] = "SELECT 'S3CRET', \"S3CRET\", 0x5333 # S3CRET";
	static const char prepared[] = "SELECT 'S3CRET', ?";
	MYSQL_STMT *stmt = mysql_stmt_init(my);
	MYSQL_BIND bind;
	int value = 4711;

	check_mysql(mysql_query(my, "SELECT 1, 2, 3"), 0, "mysql_query");
	check_mysql(mysql_real_query(my, text, sizeof(text) - 1), 0, "mysql_real_query");
	check_mysql(mysql_real_query(my, "SELECT 7 FROM d.nowhere", 23), 1, "mysql_real_query that fails");
	memset(&bind, 0, sizeof(bind));
	bind.buffer_type = MYSQL_TYPE_LONG;
	bind.buffer = &value;
	expect(!mysql_stmt_prepare(stmt, prepared, sizeof(prepared) - 1), "mysql_stmt_prepare", mysql_stmt_error(stmt));
	expect(!mysql_stmt_bind_param(stmt, &bind), "mysql_stmt_bind_param", mysql_stmt_error(stmt));
	expect(!mysql_stmt_execute(stmt), "mysql_stmt_execute", mysql_stmt_error(stmt));
	mysql_stmt_close(stmt);
	stmt = mysql_stmt_init(my);
	expect(mysql_stmt_prepare(stmt, "SELEKT 5", 8), "mysql_stmt_prepare that fails", "it does not");
	mysql_stmt_close(stmt);
	expect(!mysql_send_query(my, "SELECT 'sent'", 13), "mysql_send_query", mysql_error(my));
	check_mysql(mysql_read_query_result(my), 0, "mysql_read_query_result");
}

static void my_slow(void)
{
	unsigned long long begin = now();

	check_mysql(mysql_query(my, "SELECT SLEEP(0.3), 'S3CRET'"), 0, "SLEEP");
	printf("%llu\n", now() - begin);
	begin = now();
	expect(!mysql_send_query(my, "SELECT SLEEP(0.3), 'sent'", 25), "SLEEP", mysql_error(my));
	check_mysql(mysql_read_query_result(my), 0, "SLEEP");
	printf("%llu\n", now() - begin);
}

#if defined(MYSQL_WAIT_READ) && !defined(STAND_IN)
#define TOGETHER 4

/* MariaDB's non-blocking calls: several in one thread, of which those that began last end first, and then those that
 * began first. */
static void my_together(void)
{
	MYSQL all[TOGETHER];
	int waits[TOGETHER], failed[TOGETHER], left;
	char text[32];

	for (int i = 0; i < TOGETHER; i++) {
		mysql_init(&all[i]);
		mysql_options(&all[i], MYSQL_OPT_NONBLOCK, 0);
		expect(!!mysql_real_connect(&all[i], NULL, user_name, NULL, NULL, 0, socket_path, 0), "connect", mysql_error(&all[i]));
	}
	for (int order = 0; order < 2; order++) {
		for (int i = 0; i < TOGETHER; i++) {
			snprintf(text, sizeof(text), "SELECT SLEEP(0.%d)", order ? i + 1 : TOGETHER - i);
			waits[i] = mysql_real_query_start(&failed[i], &all[i], text, strlen(text));
		}
		do {
			left = 0;
			for (int i = 0; i < TOGETHER; i++) {
				struct pollfd fd = { .fd = mysql_get_socket(&all[i]), .events = POLLIN };

				if (waits[i] && poll(&fd, 1, 5) > 0)
					waits[i] = mysql_real_query_cont(&failed[i], &all[i], MYSQL_WAIT_READ);
				left += !!waits[i];
			}
		} while (left);
		for (int i = 0; i < TOGETHER; i++) {
			expect(!failed[i], "mysql_real_query_start", mysql_error(&all[i]));
			mysql_free_result(mysql_store_result(&all[i]));
		}
	}
}
#endif

static int my_connect(const char *socket, const char *user)
{
	socket_path = socket;
	user_name = user;
	my = mysql_init(NULL);
	expect(!!mysql_real_connect(my, NULL, user, NULL, NULL, 0, socket, 0), "connect", mysql_error(my));
	return !wrong;
}
#endif

static const struct {
	const char *system, *what;
	int (*connect)(const char *, const char *);
	void (*turn)(void);
} TURNS[] = {
#ifdef WITH_POSTGRESQL
	{ "postgresql", "sync", pg_connect, pg_sync },	       { "postgresql", "async", pg_connect, pg_async },
	{ "postgresql", "pipeline", pg_connect, pg_pipeline }, { "postgresql", "left", pg_connect, pg_left },
	{ "postgresql", "slow", pg_connect, pg_slow },	       { "postgresql", "long", pg_connect, pg_long },
#endif
#ifdef WITH_MYSQL
	{ "mysql", "sync", my_connect, my_sync },	       { "mysql", "slow", my_connect, my_slow },
#if defined(MYSQL_WAIT_READ) && !defined(STAND_IN)
	{ "mysql", "together", my_connect, my_together },
#endif
#endif
};

int main(int argc, char **argv)
{
	if (argc < 7)
		return 2;
	for (size_t i = 0; i < sizeof(TURNS) / sizeof(*TURNS); i++) {
		if (strcmp(argv[1], TURNS[i].system) || strcmp(argv[4], TURNS[i].what))
			continue;
		if (!TURNS[i].connect(argv[2], argv[3]))
			return 1;
		move(argv[6]);
		getchar();
		for (int n = atoi(argv[5]); n; n--)
			TURNS[i].turn();
		return wrong;
	}
	return 2;
}
