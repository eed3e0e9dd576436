// SPDX-License-Identifier: Apache-2.0
/* See follow.h. */
#include <fcntl.h>
#include <poll.h>
#include <sys/inotify.h>
#include <time.h>

#include "follow.h"

struct tail {
	int fd;
	char line[VM_NOTIFY_LINE_MAX];
	size_t n;
	bool skip; /* the current line is over the limit: drop it up to its end */
};

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* Judge one whole line; 0 to go on. */
static int one_line(struct tail *t, follow_fn fn, void *ctx)
{
	struct notify_event ev;

	if (notify_parse(DS_SPAN(t->line, t->n), &ev))
		return 0; /* not an event: the port is the guest's to write to */
	fn(ctx, &ev);
	if (!strcmp(ev.event, "boot.error"))
		return FOLLOW_REFUSED;
	if (!strcmp(ev.event, "boot.progress") && !strcmp(ev.payload, "done"))
		return FOLLOW_READY;
	return 0;
}

static int drain(struct tail *t, follow_fn fn, void *ctx)
{
	char buf[4096];
	ssize_t got;

	while ((got = read(t->fd, buf, sizeof(buf))) > 0) {
		for (ssize_t i = 0; i < got; i++) {
			if (buf[i] == '\n') {
				int r = t->skip ? 0 : one_line(t, fn, ctx);

				t->n = 0;
				t->skip = false;
				if (r)
					return r;
			} else if (t->n < sizeof(t->line)) {
				t->line[t->n++] = buf[i];
			} else {
				t->skip = true;
			}
		}
	}
	return got < 0 ? -errno : 0;
}

static int watch(const struct vm *vm, int *ret_ino)
{
	char path[PATH_MAX + 16];
	int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);

	if (fd < 0)
		return -errno;
	snprintf(path, sizeof(path), "%s/notify.log", vm->path);
	if (inotify_add_watch(fd, path, IN_MODIFY) < 0) {
		int r = -errno;

		close(fd);
		return r;
	}
	*ret_ino = fd;
	return 0;
}

int follow_boot(const struct vm *vm, int pidfd, unsigned int timeout_s, follow_fn fn, void *ctx)
{
	DS_FREE struct tail *t = calloc(1, sizeof(*t));
	DS_FD int log = openat(vm->dirfd, "notify.log", O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	DS_FD int ino = -1;
	int64_t end = now_ms() + (int64_t)timeout_s * 1000;
	bool gone = false;
	int r;

	if (!t)
		return -ENOMEM;
	if (log < 0)
		return -errno;
	t->fd = log;
	DS_TRY(watch(vm, &ino));
	for (;;) {
		struct pollfd p[2] = { { ino, POLLIN, 0 }, { pidfd, POLLIN, 0 } };
		char sink[4096];
		int64_t left = end - now_ms();

		r = drain(t, fn, ctx);
		if (r)
			return r;
		if (gone)
			return FOLLOW_EXITED;
		if (left <= 0)
			return FOLLOW_TIMEOUT;
		if (poll(p, 2, (int)left) < 0 && errno != EINTR)
			return -errno;
		gone = p[1].revents != 0; /* look once more: its last words may have just arrived */
		while (read(ino, sink, sizeof(sink)) > 0)
			;
	}
}
