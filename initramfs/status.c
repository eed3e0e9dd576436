// SPDX-License-Identifier: Apache-2.0
/* What services tell pid 1, in the words of sd_notify(3): READY=1 and STATUS=text, one datagram
 * each. */
#include <ds/base/log.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "ctx.h"

#define STATUS_SOCKET RUN_DIR "/notify"

int status_open(void)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX, .sun_path = STATUS_SOCKET };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return -errno;
	/* umask makes it root's alone. */
	if (bind(fd, (struct sockaddr *)&sa, sizeof(sa)) ||
	    setenv("NOTIFY_SOCKET", STATUS_SOCKET, 1)) {
		int r = -errno;

		close(fd);
		return r;
	}
	return fd;
}

bool status_read(struct ctx *c, int fd)
{
	bool ready = false;
	char buf[512];
	ssize_t n;

	while ((n = recv(fd, buf, sizeof(buf) - 1, 0)) > 0) {
		buf[n] = 0;
		for (char *line = strtok(buf, "\n"); line; line = strtok(NULL, "\n")) {
			if (!strcmp(line, "READY=1"))
				ready = true;
			else if (!strncmp(line, "STATUS=", 7))
				notify_progress(c, "%s", line + 7);
		}
	}
	return ready;
}
