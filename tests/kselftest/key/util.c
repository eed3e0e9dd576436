// SPDX-License-Identifier: Apache-2.0
/*
 * Helpers of the key type's test.
 */
#include "util.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <openssl/core_names.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int tap_count, tap_bad;

static void tap_line(bool good, const char *fmt, va_list ap)
{
	printf("%sok %d - ", good ? "" : "not ", ++tap_count);
	vprintf(fmt, ap);
	if (!good)
		tap_bad++;
}

bool tap(bool good, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	tap_line(good, fmt, ap);
	va_end(ap);
	printf("\n");
	fflush(stdout);
	return good;
}

bool tap_is(long got, long want, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	tap_line(got == want, fmt, ap);
	va_end(ap);
	if (got != want)
		printf(": expected %ld (%s), got %ld (%s)", want, want < 0 ? strerror(-want) : "",
		       got, got < 0 ? strerror(-got) : "");
	printf("\n");
	fflush(stdout);
	return got == want;
}

int tap_done(void)
{
	printf("1..%d\n", tap_count);
	return tap_bad ? 1 : 0;
}

static long negative_errno(long ret)
{
	return ret < 0 ? -errno : ret;
}

long key_add(const char *type, const char *desc, const void *payload, size_t len, long ring)
{
	return negative_errno(syscall(SYS_add_key, type, desc, payload, len, ring));
}

long key_request(const char *type, const char *desc, const char *callout, long ring)
{
	return negative_errno(syscall(SYS_request_key, type, desc, callout, ring));
}

long key_ctl(int op, long a, long b, long c, long d)
{
	return negative_errno(syscall(SYS_keyctl, op, a, b, c, d));
}

long key_read(long key, void *buf, size_t len)
{
	return key_ctl(KEYCTL_READ, key, (long)buf, (long)len, 0);
}

long key_derive(const char *desc, uint8_t ret_key[KEY_BYTES])
{
	long key = key_request(KEY_TYPE, desc, "", KEY_SPEC_SESSION_KEYRING);
	long len;

	if (key < 0)
		return key;
	len = key_read(key, ret_key, KEY_BYTES);
	if (len < 0)
		return len;
	return len == KEY_BYTES ? 0 : -EMSGSIZE;
}

long key_describe(long key, char *ret_text, size_t size)
{
	long len = key_ctl(KEYCTL_DESCRIBE, key, (long)ret_text, (long)size, 0);

	if (len < 0)
		return len;
	return (size_t)len <= size ? 0 : -EMSGSIZE;
}

void oracle(const uint8_t root[KEY_BYTES], const void *path, size_t len,
	    uint8_t ret_key[KEY_BYTES])
{
	oracle_bytes(root, path, len, ret_key, KEY_BYTES);
}

void oracle_bytes(const uint8_t root[KEY_BYTES], const void *info, size_t len, uint8_t *ret_bytes,
		  size_t size)
{
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, (char *)"SHA256", 0),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT, (void *)"RATLS", 5),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, (void *)root, KEY_BYTES),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, (void *)info, len),
		OSSL_PARAM_construct_end(),
	};
	EVP_KDF *kdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
	EVP_KDF_CTX *ctx = EVP_KDF_CTX_new(kdf);

	if (EVP_KDF_derive(ctx, ret_bytes, size, params) != 1) {
		fprintf(stderr, "key_test: OpenSSL cannot derive\n");
		abort();
	}
	EVP_KDF_CTX_free(ctx);
	EVP_KDF_free(kdf);
}

void spell_path(const uint8_t *path, size_t len, char ret_desc[DESC_MAX])
{
	char *out = stpcpy(ret_desc, "app:");
	size_t i;

	for (i = 0; i < len; i++) {
		if (path[i] < 0x20 || path[i] == 0x7f || memchr("%;@", path[i], 3))
			out += sprintf(out, "%%%02X", path[i]);
		else
			*out++ = (char)path[i];
	}
	*out = '\0';
}

const char *const caller_name[CALLERS] = {
	[CALLER_SAME] = "root",
	[CALLER_NO_SYS_ADMIN] = "root without CAP_SYS_ADMIN",
	[CALLER_NO_CAPS] = "root without capabilities",
	[CALLER_UID_1000] = "uid 1000",
	[CALLER_USERNS_ROOT] = "root of a child user namespace that is root outside",
	[CALLER_USERNS_USER] = "root of a child user namespace that is uid 1000 outside",
	[CALLER_OTHER_SESSION] = "root in another session",
};

static int drop_caps(uint64_t mask)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];
	int i;

	if (syscall(SYS_capget, &head, data))
		return -errno;
	for (i = 0; i < 2; i++) {
		uint32_t part = (uint32_t)(mask >> (32 * i));

		data[i].effective &= ~part;
		data[i].permitted &= ~part;
		data[i].inheritable &= ~part;
	}
	return syscall(SYS_capset, &head, data) ? -errno : 0;
}

/* Become uid 0 of a new namespace; outside, the caller stays who it is. */
static int enter_userns(unsigned int outside)
{
	char map[32];

	if (unshare(CLONE_NEWUSER))
		return -errno;
	snprintf(map, sizeof(map), "0 %u 1", outside);
	return file_write("/proc/self/uid_map", map);
}

static int become_uid_1000(void)
{
	if (setresgid(1000, 1000, 1000) || setresuid(1000, 1000, 1000))
		return -errno;
	/* A change of ids makes /proc/self root's, and uid_map with it. */
	return prctl(PR_SET_DUMPABLE, 1) ? -errno : 0;
}

static int become(enum caller caller)
{
	long ret;

	switch (caller) {
	case CALLER_NO_SYS_ADMIN:
		return drop_caps(1ULL << CAP_SYS_ADMIN);
	case CALLER_NO_CAPS:
		return drop_caps(~0ULL);
	case CALLER_UID_1000:
		return become_uid_1000();
	case CALLER_USERNS_ROOT:
		return enter_userns(0);
	case CALLER_USERNS_USER:
		ret = become_uid_1000();
		return ret ? (int)ret : enter_userns(1000);
	case CALLER_OTHER_SESSION:
		ret = key_ctl(KEYCTL_JOIN_SESSION_KEYRING, 0, 0, 0, 0);
		return ret < 0 ? (int)ret : 0;
	default:
		return 0;
	}
}

/* Exit statuses carry an errno, which is below 200, or tell that the child got nowhere. */
#define STATUS_LOST 255

long as_caller(enum caller caller, long (*fn)(void *arg), void *arg)
{
	int status;
	pid_t pid;
	long ret;

	fflush(stdout);
	pid = fork();
	if (!pid) {
		ret = become(caller);
		if (ret) {
			fprintf(stderr, "key_test: cannot be %s: %s\n", caller_name[caller],
				strerror((int)-ret));
			_exit(STATUS_LOST);
		}
		ret = fn(arg);
		_exit(ret < 0 ? (int)-ret : 0);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status) ||
	    WEXITSTATUS(status) == STATUS_LOST)
		return -ENOTRECOVERABLE;
	return -WEXITSTATUS(status);
}

int together(int n, long (*fn)(void *arg, int i), void *arg, long *ret_failed)
{
	int gate[2], i, good = 0, status;
	long ret;
	char byte;

	*ret_failed = 0;
	if (pipe(gate))
		return -1;
	fflush(stdout);
	for (i = 0; i < n; i++) {
		if (fork())
			continue;
		close(gate[1]);
		/* End of file for everybody at once, when the parent lets go of its end. */
		ret = read(gate[0], &byte, 1);
		if (!ret)
			ret = fn(arg, i);
		_exit(ret < 0 ? (int)-ret : 0);
	}
	close(gate[0]);
	close(gate[1]);
	for (i = 0; i < n; i++) {
		ret = -ENOTRECOVERABLE;
		if (wait(&status) > 0 && WIFEXITED(status))
			ret = -WEXITSTATUS(status);
		if (!ret)
			good++;
		else if (!*ret_failed)
			*ret_failed = ret;
		else if (*ret_failed != ret)
			*ret_failed = -ENOTUNIQ;
	}
	return good;
}

int file_read(const char *path, char *ret_text, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t len;

	if (fd < 0)
		return -errno;
	len = read(fd, ret_text, size - 1);
	close(fd);
	if (len < 0)
		return -EIO;
	ret_text[len] = '\0';
	ret_text[strcspn(ret_text, "\n")] = '\0';
	return 0;
}

int file_write(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	ssize_t len;
	int ret = 0;

	if (fd < 0)
		return -errno;
	len = write(fd, text, strlen(text));
	if (len < 0)
		ret = -errno;
	close(fd);
	return ret;
}

int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

int run_tool(char *ret_text, size_t size, const char *program, ...)
{
	char *argv[8] = { (char *)program };
	int out[2], n = 1, status;
	size_t len = 0;
	ssize_t got;
	va_list ap;
	pid_t pid;

	va_start(ap, program);
	while (n < 7 && (argv[n] = va_arg(ap, char *)))
		n++;
	va_end(ap);
	ret_text[0] = '\0';
	if (pipe(out))
		return 255;
	fflush(stdout);
	pid = fork();
	if (!pid) {
		dup2(out[1], STDOUT_FILENO);
		dup2(out[1], STDERR_FILENO);
		close(out[0]);
		close(out[1]);
		execv(program, argv);
		_exit(126);
	}
	close(out[1]);
	while (len < size - 1 && (got = read(out[0], ret_text + len, size - 1 - len)) > 0)
		len += (size_t)got;
	ret_text[len] = '\0';
	close(out[0]);
	if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		return 255;
	return WEXITSTATUS(status);
}

bool quota_read(long *ret_keys, long *ret_bytes)
{
	FILE *f = fopen("/proc/key-users", "re");
	long uid, usage, keys, inst, max;
	bool found = false;
	char line[128];

	while (f && !found && fgets(line, sizeof(line), f))
		found = sscanf(line, "%ld: %ld %ld/%ld %ld/%ld %ld/%ld", &uid, &usage, &keys, &inst,
			       ret_keys, &max, ret_bytes, &max) == 8 &&
			!uid;
	if (f)
		fclose(f);
	return found;
}

void quota_settle(long *ret_keys, long *ret_bytes)
{
	long keys = -1, bytes = -1;
	int calm = 0, n;

	for (n = 0; n < 400 && calm < 10; n++) {
		usleep(50000);
		if (!quota_read(ret_keys, ret_bytes))
			return;
		calm = keys == *ret_keys && bytes == *ret_bytes ? calm + 1 : 0;
		keys = *ret_keys;
		bytes = *ret_bytes;
	}
}
