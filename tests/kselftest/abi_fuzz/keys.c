// SPDX-License-Identifier: Apache-2.0
/* The key types, through every keyctl(2) command that takes one of their keys. */
#include <keyutils.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "rnd.h"

#define KEYS	32

static key_serial_t keys[KEYS];
static key_serial_t root_ring;	/* ".dstack", 0 without the module */

static key_serial_t some_key(void)
{
	static const key_serial_t special[] = {
		KEY_SPEC_SESSION_KEYRING, KEY_SPEC_PROCESS_KEYRING, KEY_SPEC_THREAD_KEYRING,
		KEY_SPEC_USER_KEYRING, KEY_SPEC_REQKEY_AUTH_KEY, 0, 1, -100, INT32_MAX,
	};

	return rnd_below(4) ? keys[rnd_below(KEYS)] : ONE_OF(special);
}

static key_serial_t some_keyring(void)
{
	static const key_serial_t rings[] = {
		KEY_SPEC_SESSION_KEYRING, KEY_SPEC_PROCESS_KEYRING, KEY_SPEC_THREAD_KEYRING, 0,
	};

	if (!rnd_below(16))
		return root_ring;
	return rnd_below(8) ? ONE_OF(rings) : some_key();
}

void fuzz_keys_prepare(void)
{
	static const char *const names[] = { "root:k256", "root:disk" };
	static const uint8_t material[32] = { 1 };
	FILE *f = fopen("/sys/module/dstack_key/parameters/keyring", "re");
	size_t i;

	if (f && fscanf(f, "%d", &root_ring) != 1)
		root_ring = 0;
	if (f)
		fclose(f);
	for (i = 0; root_ring && i < sizeof(names) / sizeof(names[0]); i++)
		syscall(SYS_add_key, "dstack", names[i], material, sizeof(material), root_ring);
}

/* As the kernel's /sbin/request-key: instantiate well or badly, refuse, or do nothing. */
int fuzz_upcall(int32_t key)
{
	static uint8_t bytes[16384];
	size_t size = rnd_below(2) ? 32 + rnd_below(2) : rnd_below(sizeof(bytes));
	unsigned int tries = rnd_below(4);

	syscall(SYS_keyctl, KEYCTL_ASSUME_AUTHORITY, key);
	while (tries--) {
		switch (rnd_below(6)) {
		case 0:
			syscall(SYS_keyctl, KEYCTL_NEGATE, key, rnd_below(3), some_keyring());
			break;
		case 1:
			syscall(SYS_keyctl, KEYCTL_REJECT, key, rnd_below(3), rnd_below(200),
				some_keyring());
			break;
		case 2:
			fuzz_keys();
			break;
		default:
			syscall(SYS_keyctl, KEYCTL_INSTANTIATE, key, bytes, size,
				rnd_below(4) ? 0 : some_keyring());
		}
	}
	return 0;
}

static const char *some_description(void)
{
	static const char *const heads[] = {
		"app:", "root:", "root:k256", "root:disk", "root:env", "app:/", "", "App:", "app",
		"root:k256@", "kms:", "volume:", "volume:data", "root-ca", "app-ca", "env-pub",
		"k256-pub",
	};
	static const char *const tails[] = {
		"", "/a", "a/b/c", ";purpose=x", ";alg=ed25519", ";alg=secp256k1", "@0", "@1",
		"@18446744073709551615", ";purpose=;alg=", ";purpose=a;purpose=b", "\xff", "%s%n", ":",
		"", ";size=32", ";size=96", ".-_",
	};
	static char text[4300];
	size_t n;

	snprintf(text, sizeof(text), "%s%s%s%s", ONE_OF(heads), ONE_OF(tails), ONE_OF(tails),
		 ONE_OF(tails));
	if (!rnd_below(16)) {
		n = rnd_below(sizeof(text) - 1);
		memset(text, 'a', n);
		text[n] = '\0';
	} else if (!rnd_below(8)) {
		n = strlen(text);
		text[n ? rnd_below((uint32_t)n) : 0] = (char)rnd();
	}
	return text;
}

static const char *some_type(void)
{
	static const char *const types[] = {
		"dstack", "dstack", "dstack", "dstack_kms", "dstack_kms", "user", "keyring",
		".dstack", "logon",
	};

	return ONE_OF(types);
}

static void make_key(void)
{
	size_t size = rnd_size();
	long key;

	if (rnd_below(2))
		key = syscall(SYS_add_key, some_type(), some_description(), rnd_buffer(size),
			      rnd_below(4) ? 32 + rnd_below(4) : size, some_keyring());
	else
		key = syscall(SYS_request_key, some_type(), some_description(),
			      rnd_below(4) ? "" : (const char *)NULL, some_keyring());
	if (key > 0)
		keys[rnd_below(KEYS)] = (key_serial_t)key;
}

void fuzz_keys(void)
{
	/* None that would take the session keyring or the machine's memory away from the others. */
	static const int commands[] = {
		KEYCTL_READ, KEYCTL_READ, KEYCTL_DESCRIBE, KEYCTL_UPDATE, KEYCTL_REVOKE,
		KEYCTL_CHOWN, KEYCTL_SETPERM, KEYCTL_UNLINK, KEYCTL_CLEAR, KEYCTL_SEARCH,
		KEYCTL_INSTANTIATE, KEYCTL_NEGATE, KEYCTL_SET_TIMEOUT, KEYCTL_GET_SECURITY,
		KEYCTL_REJECT, KEYCTL_INVALIDATE, KEYCTL_RESTRICT_KEYRING, KEYCTL_MOVE,
		KEYCTL_PKEY_QUERY, KEYCTL_LINK, KEYCTL_DH_COMPUTE,
	};
	int command = ONE_OF(commands);
	size_t size = rnd_size();

	if (rnd_below(2)) {
		make_key();
		return;
	}
	switch (command) {
	case KEYCTL_SEARCH:
	case KEYCTL_RESTRICT_KEYRING:
		syscall(SYS_keyctl, command, some_key(), some_type(), some_description(), 0);
		break;
	case KEYCTL_LINK:
	case KEYCTL_UNLINK:
	case KEYCTL_MOVE:
		syscall(SYS_keyctl, command, some_key(), some_keyring(), some_keyring(), 0);
		break;
	case KEYCTL_SET_TIMEOUT:
		syscall(SYS_keyctl, command, some_key(), rnd_below(3));
		break;
	case KEYCTL_CHOWN:
		syscall(SYS_keyctl, command, some_key(), rnd_below(3) - 1, rnd_below(3) - 1);
		break;
	case KEYCTL_SETPERM:
		syscall(SYS_keyctl, command, some_key(), (uint32_t)rnd());
		break;
	default:
		syscall(SYS_keyctl, command, some_key(), rnd_buffer(size), size, some_keyring(), 0);
		break;
	}
}
