/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The file (or stdout) that gets OTLP/JSON lines, one request each. It is FILE.part until
 * file_close makes it FILE; what is under either name after a failed write is whole lines.
 */
#ifndef OTEL_FILE_H
#define OTEL_FILE_H

#include "otel/model.h"

/* Request bytes of one line, at most: JSON is about four times as long. */
#define FILE_REQUEST_MAX (256u << 10)

struct file;

/* path "-": stdout. 0, or -errno with a sentence in err. */
int file_new(struct file **ret, const char *path, char *err, size_t err_cap);
/* fsync and rename, unless a broken line could not be cut off; then free. 0 or -errno, what
 * is wrong is logged. NULL is fine. */
int file_close(struct file *f);
/* Free and leave FILE.part away: nothing was written that anybody wants. NULL is fine. */
void file_abandon(struct file *f);

/*
 * One line of an ExportXServiceRequest in protobuf. 0, or -errno and there is no line:
 * -EBADMSG (not such a request), -ENOMEM, -ENOSPC, -EPIPE ...
 */
int file_write(struct file *f, enum otel_signal signal, struct str request, u64 *ret_bytes);
const char *file_name(const struct file *f);

#endif
