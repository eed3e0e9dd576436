// SPDX-License-Identifier: Apache-2.0
/* Run another program of this project, found beside ours, and take its standard output. */
#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>

#include <ds/base/file.h>

#include "run.h"

extern char **environ;

int sibling_path(const char *name, char *ret, size_t cap)
{
	char self[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	char *slash;
	int len;

	if (n < 0)
		return -errno;
	self[n] = '\0';
	slash = strrchr(self, '/');
	if (!slash)
		return -ENOENT;
	*slash = '\0';
	len = snprintf(ret, cap, "%s/%s", self, name);
	return len < 0 || (size_t)len >= cap ? -ENAMETOOLONG : 0;
}

int run_capture(char *const argv[], size_t max, struct ds_buf *ret_out, int *ret_status)
{
	posix_spawn_file_actions_t fa;
	DS_BUF struct ds_buf out = DS_BUF_NULL;
	int pipefd[2], status, r;
	pid_t pid;

	if (pipe2(pipefd, O_CLOEXEC))
		return -errno;
	posix_spawn_file_actions_init(&fa);
	posix_spawn_file_actions_adddup2(&fa, pipefd[1], STDOUT_FILENO);
	r = -posix_spawn(&pid, argv[0], &fa, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&fa);
	close(pipefd[1]);
	if (r) {
		close(pipefd[0]);
		return r;
	}
	r = ds_read_fd(pipefd[0], max, &out);
	close(pipefd[0]);
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	if (r)
		return r;
	*ret_status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	*ret_out = ds_buf_steal(&out);
	return 0;
}
