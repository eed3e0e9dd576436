/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the test of the key type needs: TAP output, the keyring system calls, callers of several
 * kinds, and a derivation that shares no code with the kernel.
 *
 * System calls here return the result or a negative errno. One process, except where said.
 */
#ifndef KEY_UTIL_H
#define KEY_UTIL_H

#include <linux/keyctl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KEY_TYPE	"dstack"
#define KEY_BYTES	32
#define PATH_BYTES_MAX	1024	/* decoded */
#define DESC_MAX	4096

/* No user memory is there. */
static const void *const nowhere = (void *)8;

/* How many keys root may have. */
#define ROOT_MAXKEYS	"/proc/sys/kernel/keys/root_maxkeys"

/* One TAP line; the format says what was tested. */
bool tap(bool good, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* One TAP line for a result, with the expected and the actual value if it is wrong. */
bool tap_is(long got, long want, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* The plan, last. Returns the exit status of the program. */
int tap_done(void);

long key_add(const char *type, const char *desc, const void *payload, size_t len, long ring);
long key_request(const char *type, const char *desc, const char *callout, long ring);
long key_ctl(int op, long a, long b, long c, long d);
long key_read(long key, void *buf, size_t len);
/* request_key() into the session keyring, then read: 0 and the bytes. */
long key_derive(const char *desc, uint8_t ret_key[KEY_BYTES]);
/* The line keyctl describe prints, without the serial. */
long key_describe(long key, char *ret_text, size_t size);

/* What the kernel should derive, by OpenSSL: 32 bytes for a path, or any number for any info. */
void oracle(const uint8_t root[KEY_BYTES], const void *path, size_t len,
	    uint8_t ret_key[KEY_BYTES]);
void oracle_bytes(const uint8_t root[KEY_BYTES], const void *info, size_t len, uint8_t *ret_bytes,
		  size_t size);
/* "app:" and the path in its one spelling. */
void spell_path(const uint8_t *path, size_t len, char ret_desc[DESC_MAX]);

enum caller {
	CALLER_SAME,
	CALLER_NO_SYS_ADMIN,	/* uid 0 that has given up CAP_SYS_ADMIN */
	CALLER_NO_CAPS,		/* uid 0 with no capability */
	CALLER_UID_1000,
	CALLER_USERNS_ROOT,	/* uid 0 of a child namespace that maps 0 to 0 */
	CALLER_USERNS_USER,	/* uid 0 of a child namespace that maps 0 to 1000 */
	CALLER_OTHER_SESSION,	/* uid 0 in a session keyring of its own */
	CALLERS
};

extern const char *const caller_name[CALLERS];

/* Run fn(arg) in a child process as another caller: what it returns, 0 or a negative errno. */
long as_caller(enum caller caller, long (*fn)(void *arg), void *arg);

/*
 * Run fn(arg, i) in n processes that start together. Returns how many ended with 0; ret_failed is
 * the result of the others, 0 if there are none and -ENOTUNIQ if they differ.
 */
int together(int n, long (*fn)(void *arg, int i), void *arg, long *ret_failed);

/* What /proc/key-users says root has used of its quota. */
bool quota_read(long *ret_keys, long *ret_bytes);
/* The same when nothing has changed for a while: keys of earlier tests are still being collected. */
void quota_settle(long *ret_keys, long *ret_bytes);

/* Milliseconds, which never go back. */
int64_t now_ms(void);

/*
 * Run a program of the VM with up to 6 arguments; what it writes, both outputs, is in ret_text.
 * Returns its exit status, 255 if it did not end by itself.
 */
int run_tool(char *ret_text, size_t size, const char *program, ...) __attribute__((sentinel));

/* Read a file of a few bytes without its newline, or write one. 0 or a negative errno. */
int file_read(const char *path, char *ret_text, size_t size);
int file_write(const char *path, const char *text);

#endif /* KEY_UTIL_H */
