/* SPDX-License-Identifier: Apache-2.0 */
/* The symbolic name of an errno ("ECONNREFUSED"): what people and dashboards know. */
#ifndef BASE_ERRNAME_H
#define BASE_ERRNAME_H

/* Never NULL; static; "_OTHER" for a number Linux does not name. */
const char *errname(int err);

#endif
