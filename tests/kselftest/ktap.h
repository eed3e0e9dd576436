/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TAP for the kernel test programs: KT_CHECK() per fact, a table of test functions, kt_main().
 *
 * One test function is one TAP line. The first failed check of a test is shown with file, line,
 * expression and errno; the test function returns there, and so it does at KT_SKIP(). Not thread-safe: worker threads and
 * children report through their return value.
 */
#ifndef DS_KTAP_H
#define DS_KTAP_H

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct kt_test {
	const char *name;
	void (*run)(void);
};

static bool kt_failed;
static const char *kt_skipped;

static inline void kt_fail(const char *file, int line, const char *what)
{
	printf("# %s:%d: %s (errno %d %s)\n", file, line, what, errno, strerror(errno));
	kt_failed = true;
}

#define KT_CHECK(expr) do { \
	if (!(expr)) { \
		kt_fail(__FILE__, __LINE__, #expr); \
		return; \
	} \
} while (0)

/* The call must fail with this error number. */
#define KT_ERRNO(expr, want) do { \
	errno = 0; \
	if ((long)(expr) != -1 || errno != (want)) { \
		kt_fail(__FILE__, __LINE__, #expr " should fail with " #want); \
		return; \
	} \
} while (0)

/* Not on this kernel: the line says so. */
#define KT_SKIP(why) do { \
	kt_skipped = (why); \
	return; \
} while (0)

static inline int kt_main(const struct kt_test *tests, size_t n)
{
	bool bad = false;
	size_t i;

	setvbuf(stdout, NULL, _IOLBF, 0);
	printf("1..%zu\n", n);
	for (i = 0; i < n; i++) {
		kt_failed = false;
		kt_skipped = NULL;
		tests[i].run();
		printf("%sok %zu - %s%s%s\n", kt_failed ? "not " : "", i + 1, tests[i].name,
		       kt_skipped ? " # SKIP " : "", kt_skipped ? kt_skipped : "");
		bad |= kt_failed;
	}
	return bad;
}

#define KT_MAIN(tests) \
int main(void) \
{ \
	return kt_main(tests, sizeof(tests) / sizeof((tests)[0])); \
}

/* Whole file, at most size bytes, in as many reads as it takes. -1 and errno on error. */
static inline ssize_t kt_read_file(const char *path, void *to, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t have = 0;
	ssize_t n = 0;

	if (fd < 0)
		return -1;
	while (have < size && (n = read(fd, (char *)to + have, size - have)) > 0)
		have += (size_t)n;
	close(fd);
	return n < 0 ? -1 : (ssize_t)have;
}

/* One write(2); -1 and errno on error, a short write is EIO. */
static inline int kt_write_file(const char *path, const void *data, size_t len)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC), saved;
	ssize_t n;

	if (fd < 0)
		return -1;
	n = write(fd, data, len);
	saved = n >= 0 && (size_t)n != len ? EIO : errno;
	close(fd);
	errno = saved;
	return n == (ssize_t)len ? 0 : -1;
}

static inline int kt_write_text(const char *path, const char *text)
{
	return kt_write_file(path, text, strlen(text));
}

#endif /* DS_KTAP_H */
