/* SPDX-License-Identifier: Apache-2.0 */
/* Names of the functions that send statements to databases, and of how these fail, by their numbers in
 * bpf/wire/db.h. */
#ifndef BASE_DBNAME_H
#define BASE_DBNAME_H

#define DB_CALLS 13
#define DB_RESULTS 6

/* Of an enum db_call: "PQexec". */
const char *db_call_name(unsigned call);
/* Of an enum db_result that is a failure: "PGRES_FATAL_ERROR"; "_OTHER" if no more is known. */
const char *db_result_name(unsigned result);

#endif
