/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whole-file reads with a limit and atomic writes. Paths are relative to dirfd (AT_FDCWD for the working directory).
 */
#ifndef DS_BASE_FILE_H
#define DS_BASE_FILE_H

#include <ds/base/base.h>
#include <fcntl.h>

/* Read from fd to end of file; -EFBIG when more than max bytes come. */
DS_MUST int ds_read_fd(int fd, size_t max, struct ds_buf *ret);
/* Open without following a final symbolic link, then ds_read_fd(). */
DS_MUST int ds_read_file(int dirfd, const char *path, size_t max, struct ds_buf *ret);
/* The same, into secret memory (the file is the only copy); -EFBIG above max. */
struct ds_secret;
DS_MUST int ds_read_file_secret(int dirfd, const char *path, size_t max, struct ds_secret **ret);
/* Loop over short writes and EINTR. */
DS_MUST int ds_write_full(int fd, const void *p, size_t n);
/* Temporary name in the same directory, fsync, rename, fsync of the directory; mode is exact (umask ignored). */
DS_MUST int ds_write_file_atomic(int dirfd, const char *path, struct ds_span data, mode_t mode);
/* fsync of the directory that path is in: a name that was made there outlives a power cut. */
DS_MUST int ds_fsync_parent(const char *path);

#endif
