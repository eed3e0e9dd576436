// SPDX-License-Identifier: Apache-2.0
/* Files, see ds/base/file.h. */
#include <libgen.h>
#include <sys/random.h>
#include <sys/stat.h>

#include <ds/base/file.h>
#include <ds/base/secret.h>
#include <ds/base/text.h>

int ds_read_fd(int fd, size_t max, struct ds_buf *ret)
{
	DS_BUF struct ds_buf b = DS_BUF_NULL;

	for (;;) {
		ssize_t n;

		DS_TRY(ds_buf_reserve(&b, 4096));
		n = read(fd, b.p + b.n, b.cap - b.n);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (!n)
			break;
		b.n += (size_t)n;
		if (b.n > max)
			return -EFBIG;
	}
	*ret = ds_buf_steal(&b);
	return 0;
}

int ds_read_file(int dirfd, const char *path, size_t max, struct ds_buf *ret)
{
	DS_FD int fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

	if (fd < 0)
		return -errno;
	return ds_read_fd(fd, max, ret);
}

int ds_read_file_secret(int dirfd, const char *path, size_t max, struct ds_secret **ret)
{
	DS_FD int fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	DS_SECRET struct ds_secret *s = NULL;
	size_t n = 0;

	if (fd < 0)
		return -errno;
	s = ds_secret_new(max + 1);
	if (!s)
		return -ENOMEM;
	while (n <= max) {
		ssize_t got = read(fd, s->p + n, max + 1 - n);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if (!got)
			break;
		n += (size_t)got;
	}
	if (n > max)
		return -EFBIG;
	s->n = n;
	*ret = s;
	s = NULL;
	return 0;
}

int ds_write_full(int fd, const void *p, size_t n)
{
	const uint8_t *b = p;

	while (n) {
		ssize_t put = write(fd, b, n);

		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return -errno;
		b += put;
		n -= (size_t)put;
	}
	return 0;
}

static int write_new(int dirfd, const char *tmp, struct ds_span data, mode_t mode)
{
	DS_FD int fd = openat(dirfd, tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0)
		return -errno;
	if (fchmod(fd, mode))
		return -errno;
	DS_TRY(ds_write_full(fd, data.p, data.n));
	return fsync(fd) ? -errno : 0;
}

int ds_write_file_atomic(int dirfd, const char *path, struct ds_span data, mode_t mode)
{
	DS_FREE char *tmp = NULL, *copy = strdup(path);
	uint8_t rnd[8];
	char hex[2 * sizeof(rnd) + 1];
	int r;

	if (!copy)
		return -ENOMEM;
	if (getrandom(rnd, sizeof(rnd), 0) != (ssize_t)sizeof(rnd))
		return -EIO;
	if (asprintf(&tmp, "%s.%s.tmp", path, ds_hex_encode(rnd, sizeof(rnd), hex)) < 0) {
		tmp = NULL;
		return -ENOMEM;
	}
	r = write_new(dirfd, tmp, data, mode);
	if (!r && renameat(dirfd, tmp, dirfd, path))
		r = -errno;
	if (r) {
		if (r != -EEXIST)
			unlinkat(dirfd, tmp, 0);
		return r;
	}
	DS_FD int dir = openat(dirfd, dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (dir < 0 || fsync(dir))
		return -errno;
	return 0;
}

int ds_fsync_parent(const char *path)
{
	DS_FREE char *copy = strdup(path);
	DS_FD int fd = -1;

	if (!copy)
		return -ENOMEM;
	fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 || fsync(fd) ? -errno : 0;
}
