// SPDX-License-Identifier: Apache-2.0
/* Keys: derived in the kernel, of type "user", and through the agent's socket. */
#include <ds/keys/holder.h>
#include <errno.h>
#include <fcntl.h>
#include <keyutils.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"

#define RING_FILE    "/sys/module/dstack_key/parameters/keyring"
#define AGENT	     "/t/dstack-agent"
#define AGENT_DIR    "/agent"
#define AGENT_SOCKET "/tmp/dstack.sock"
#define NOTIFY	     "/tmp/notify"

static const uint8_t root_key[32] = "not a secret: a benchmark's root";

/* Every caller's keys go into a session keyring of its own. */
static int session_init(void)
{
	return keyctl_join_session_keyring(NULL) < 0 ? -1 : 0;
}

/* Read, and out of the keyring again, so that the next one is made anew. */
static int read_and_drop(key_serial_t key)
{
	uint8_t bytes[32];

	if (key < 0 || keyctl_read(key, (char *)bytes, sizeof(bytes)) != sizeof(bytes))
		return -1;
	return keyctl_unlink(key, KEY_SPEC_SESSION_KEYRING) ? -1 : 0;
}

static int app_key_run(void)
{
	return read_and_drop(request_key("dstack", "app:bench", "", KEY_SPEC_SESSION_KEYRING));
}

const struct op op_app_key = {
	.name = "request_key dstack app:", .init = session_init, .run = app_key_run
};

static int user_key_run(void)
{
	return read_and_drop(
		add_key("user", "bench", root_key, sizeof(root_key), KEY_SPEC_SESSION_KEYRING));
}

const struct op op_user_key = { .name = "add_key user", .init = session_init, .run = user_key_run };

int keys_prepare(void)
{
	char text[16] = "";
	int fd = open(RING_FILE, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

	if (fd >= 0)
		close(fd);
	if (n <= 0)
		return -1;
	return add_key("dstack", "root:k256", root_key, sizeof(root_key),
		       (key_serial_t)strtol(text, NULL, 10)) < 0
		       ? -1
		       : 0;
}

static int unix_socket(int type, const char *path, bool listening)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0), r;

	if (fd < 0)
		return -1;
	strncpy(addr.sun_path, path, sizeof(addr.sun_path) - 1);
	r = (listening ? bind : connect)(fd, (const void *)&addr, sizeof(addr));
	if (!r)
		return fd;
	close(fd);
	return -1;
}

/* The holder as pid 1 of the guest has it, without its jail. */
static int holder_start(int *ret_client)
{
	DS_SECRET struct ds_secret *key = ds_secret_from(root_key, sizeof(root_key));
	int sv[2], r;

	if (!key || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv))
		return -1;
	if (!fork()) {
		close(sv[0]);
		_exit(ds_holder_serve(sv[1]) ? 1 : 0);
	}
	close(sv[1]);
	r = ds_holder_load(sv[0], key);
	if (!r)
		r = ds_holder_connect(sv[0], ret_client);
	errno = -r;
	return r ? -1 : 0; /* the control socket stays open: its end is the holder's */
}

int agent_start(void)
{
	char number[16], said[32] = "";
	int notify, client;
	pid_t pid;

	if (holder_start(&client))
		return -1;
	notify = unix_socket(SOCK_DGRAM, NOTIFY, true);
	if (notify < 0)
		return -1;
	pid = fork();
	if (!pid) {
		snprintf(number, sizeof(number), "%d", client);
		fcntl(client, F_SETFD, 0);
		setenv("NOTIFY_SOCKET", NOTIFY, 1);
		execl(AGENT, AGENT, "serve", "--run-dir", AGENT_DIR, "--socket", AGENT_SOCKET,
		      "--holder-fd", number, NULL);
		perror(AGENT);
		/* Nobody else would tell the one who waits. */
		if (send(unix_socket(SOCK_DGRAM, NOTIFY, false), "no", 2, 0) < 0)
			perror(NOTIFY);
		_exit(127);
	}
	if (pid < 0 || recv(notify, said, sizeof(said) - 1, 0) < 0)
		return -1;
	errno = EPIPE;
	return strncmp(said, "READY=1", 7) ? -1 : 0;
}

static const char request[] =
	"POST /GetKey HTTP/1.1\r\nHost: d\r\nContent-Type: application/json\r\n"
	"Content-Length: 30\r\n\r\n{\"path\":\"bench\",\"purpose\":\"b\"}";

static int no_init(void)
{
	return 0;
}

/* The agent ends a connection after each answer. */
static int get_key_run(void)
{
	int fd = unix_socket(SOCK_STREAM, AGENT_SOCKET, false);
	char reply[4096];
	size_t have = 0;
	ssize_t n = -1;

	if (fd < 0)
		return -1;
	if (send(fd, request, sizeof(request) - 1, MSG_NOSIGNAL) == sizeof(request) - 1) {
		while ((n = recv(fd, reply + have, sizeof(reply) - 1 - have, 0)) > 0)
			have += (size_t)n;
	}
	close(fd);
	reply[have] = '\0';
	if (!n && !strncmp(reply, "HTTP/1.1 200", 12) && strstr(reply, "\"key\":"))
		return 0;
	fprintf(stderr, "GetKey: %s\n", reply);
	errno = EBADMSG;
	return -1;
}

const struct op op_get_key = { .name = "agent's GetKey", .init = no_init, .run = get_key_run };
