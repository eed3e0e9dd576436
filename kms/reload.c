// SPDX-License-Identifier: Apache-2.0
/* Files that are read again when they change. */
#include "net.h"

#include <ds/base/file.h>
#include <ds/base/log.h>

int kms_file_load(struct kms_file *f, const char *path, size_t max, struct ds_err *err)
{
	int r;

	f->path = path;
	r = stat(path, &f->seen) ? -errno : ds_read_file(AT_FDCWD, path, max, &f->data);
	if (r)
		return ds_err_set(err, r, "kms", 0, "%s: %s", path, strerror(-r));
	return 0;
}

/*
 * A file that cannot be read any more keeps its last content: that expires by itself, keys are not
 * refused for a typo. Said once per change.
 */
void kms_file_refresh(struct kms_file *f, size_t max)
{
	struct kms_file fresh = { .path = f->path };
	struct ds_err err = DS_ERR_NULL;
	struct stat st;

	if (!f->path)
		return;
	if (stat(f->path, &st))
		memset(&st, 0, sizeof(st));
	if (st.st_ino == f->seen.st_ino && st.st_size == f->seen.st_size &&
	    st.st_mtim.tv_sec == f->seen.st_mtim.tv_sec &&
	    st.st_mtim.tv_nsec == f->seen.st_mtim.tv_nsec)
		return;
	f->seen = st;
	if (kms_file_load(&fresh, f->path, max, &err)) {
		ds_log(DS_LOG_WARN,
		       "event=reload-failed note=\"the old content stays\" error=\"%s\"", err.msg);
		return;
	}
	ds_log(DS_LOG_NOTICE, "event=reload file=%s", f->path);
	ds_buf_done(&f->data);
	*f = fresh;
}
