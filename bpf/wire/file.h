/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only OR BSD-2-Clause */
/* Records of the file family. */
#ifndef WIRE_FILE_H
#define WIRE_FILE_H

#include "head.h"

enum file_op {
	FILE_OPEN,
	FILE_READ,
	FILE_WRITE,
	FILE_SYNC,
	FILE_CLOSE,
	FILE_UNLINK,
	FILE_RMDIR,
	FILE_RENAME,
	FILE_OP_END
};

#define FILE_PATH_MAX 4096 /* as it was asked for; what the kernel takes is one less */
#define FILE_WALK_MAX 4353 /* as it was found, in components, see rec_process_exec: 4,096 at least */
#define FILE_BASE_MAX 3072 /* directory of a path that was asked for, in components */

#define FILE_WALKED 0x1u  /* path is of an open file, in components from the innermost to the root */
#define FILE_DELETED 0x2u /* which has no name any more: path is the last it had */

struct rec_file_op {
	struct rec_head head;
	__u64 duration_ns;
	__u64 bytes;		/* read or written */
	__u64 inode;		/* of the kernel's own; 0: not known */
	__u32 device;		/* its file system's, major << 20 | minor */
	__u32 open_flags;	/* O_* of an open */
	__s32 err;		/* positive errno */
	__u16 op;		/* enum file_op */
	__u16 what;		/* FILE_* */
	__u8 comm[COMM_LEN];
	struct rec_text path;
	struct rec_text base;	/* the directory of a relative path, in components */
	struct rec_text to;	/* of a rename */
	struct rec_text to_base;
};

#endif
