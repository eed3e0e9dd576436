// SPDX-License-Identifier: Apache-2.0
/*
 * A KMS's net process that was taken over: stops the one of a running service, takes its socket to
 * the keys process, and asks there for the roots, sealed for a key of its own. For root.
 *
 *   kms_taken --key              prints that key
 *   kms_taken PID                prints what each question brought
 */
#include "../../kms/keys.h"

#include <ds/base/text.h>
#include <ds/crypto/hash.h>
#include <ds/crypto/x25519.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static const uint8_t own_secret[32] = { 0x40, [31] = 0x41 };

static bool is_seqpacket(int fd)
{
	int type = 0;
	socklen_t n = sizeof(type);

	return !getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &n) && type == SOCK_SEQPACKET;
}

/* When this is over it has stopped: it must not see the answers. */
static int stop(pid_t pid)
{
	int status = 0;

	if (ptrace(PTRACE_SEIZE, pid, 0, 0) || ptrace(PTRACE_INTERRUPT, pid, 0, 0))
		return -1;
	return waitpid(pid, &status, __WALL) == pid && WIFSTOPPED(status) ? 0 : -1;
}

/* The only one of that kind that the process has. */
static int take_socket(pid_t pid)
{
	int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	int found = -1, error = ENOENT;

	for (int no = 0; no < 256 && found < 0 && pidfd >= 0; no++) {
		int fd = (int)syscall(SYS_pidfd_getfd, pidfd, no, 0);

		if (fd >= 0 && is_seqpacket(fd))
			found = fd;
		else if (fd >= 0)
			close(fd);
		else if (errno != EBADF)
			error = errno;
	}
	if (pidfd < 0)
		error = errno;
	else
		close(pidfd);
	errno = error;
	return found;
}

/* What was got is shown by its hash alone. */
static void say_material(const char *what, int r, const struct ds_secret *m)
{
	uint8_t hash[32];
	char hex[65];

	if (r || ds_sha256_1(DS_SPAN(m->p + 32, 32), hash))
		printf("%s: %s\n", what, strerror(-r));
	else
		printf("%s: the root, sha256 %s\n", what, ds_hex_encode(hash, 32, hex));
}

static void ask_all(int sock, const uint8_t own[32])
{
	DS_SECRET struct ds_secret *sk = ds_secret_from(own_secret, sizeof(own_secret));
	DS_SECRET struct ds_secret *opened = NULL, *plain = NULL, *app = NULL;
	uint8_t msg[KMS_MESSAGE_SIZE], id[20] = { 1 };
	int r = sk ? kms_keys_export(sock, own, msg) : -ENOMEM;

	if (!r)
		r = kms_open_message(sk, DS_SPAN_ARRAY(msg), &opened, NULL);
	say_material("sealed", r, opened);
	r = kms_keys_export_stock(sock, &plain);
	say_material("stock", r, plain);
	/* the socket is the right one: these it has for anybody */
	r = kms_keys_app(sock, 0, id, DS_SPAN_NULL, &app);
	printf("app: %s\n", r ? strerror(-r) : "its keys");
}

int main(int argc, char **argv)
{
	uint8_t own[32];
	char hex[65];
	pid_t pid;
	int sock;

	if (argc != 2 || ds_x25519_pub(own_secret, own))
		return 2;
	if (!strcmp(argv[1], "--key"))
		return puts(ds_hex_encode(own, 32, hex)) < 0;
	pid = (pid_t)strtol(argv[1], NULL, 10);
	if (pid <= 1 || stop(pid)) {
		printf("no socket: %s\n", strerror(errno));
		return 1;
	}
	sock = take_socket(pid);
	if (sock >= 0)
		ask_all(sock, own);
	else
		printf("no socket: %s\n", strerror(errno));
	return ptrace(PTRACE_DETACH, pid, 0, 0) || sock < 0;
}
