// SPDX-License-Identifier: Apache-2.0
/* The bundle of the quoting enclave, from a file or an inherited descriptor. */
#include "emul_qe.h"

#include <ds/base/file.h>
#include <ds/base/log.h>
#include <ds/base/text.h>

int parse_fd(const char *s, int *ret)
{
	uint64_t v;
	int r = ds_parse_u64(s, strlen(s), 65535, &v);

	if (r || v < 3)
		return -EINVAL;
	*ret = (int)v;
	return 0;
}

/* Straight into secret memory: an ordinary buffer would leave copies behind as it grows. */
static int read_secret_fd(int fd, struct ds_secret **ret)
{
	DS_SECRET struct ds_secret *buf = ds_secret_new(DS_EMUL_BUNDLE_MAX + 1);
	size_t n = 0;

	if (!buf)
		return -ENOMEM;
	/*
	 * A supervisor hands the same descriptor to each new instance of us: start over if it can
	 * seek.
	 */
	if (lseek(fd, 0, SEEK_SET) < 0 && errno != ESPIPE)
		return -errno;
	for (;;) {
		ssize_t r = read(fd, buf->p + n, buf->n - n);

		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0)
			return -errno;
		if (!r)
			break;
		n += (size_t)r;
		if (n > DS_EMUL_BUNDLE_MAX)
			return -EFBIG;
	}
	*ret = ds_secret_from(buf->p, n);
	return *ret ? 0 : -ENOMEM;
}

int qe_open(const char *path, int fd, struct ds_emul_qe **ret)
{
	DS_SECRET struct ds_secret *bundle = NULL;
	struct ds_err err = DS_ERR_NULL;
	int r;

	r = ds_secret_harden_process();
	if (r) {
		ds_log(DS_LOG_ERR, "cannot protect this process: %s", strerror(-r));
		return r;
	}
	r = path ? ds_read_file_secret(AT_FDCWD, path, DS_EMUL_BUNDLE_MAX, &bundle)
		 : read_secret_fd(fd, &bundle);
	if (r) {
		ds_log(DS_LOG_ERR, "bundle %s: %s", path ? path : "descriptor", strerror(-r));
		return r;
	}
	r = ds_emul_qe_load(DS_SPAN(bundle->p, bundle->n), ret, &err);
	if (r)
		ds_log(DS_LOG_ERR, "%s", err.code ? err.msg : strerror(-r));
	return r;
}
