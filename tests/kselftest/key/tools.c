// SPDX-License-Identifier: Apache-2.0
/*
 * keyctl(1) of keyutils on app keys: what docs/keyring.md shows, as people type it.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "parts.h"

#define KEYCTL "/bin/keyctl"

static char text[8192];

/* keyctl with these arguments; true if it exits with 0. */
#define keyctl(...) (!run_tool(text, sizeof(text), KEYCTL, __VA_ARGS__, NULL))

static void chomp(void)
{
	text[strcspn(text, "\n")] = '\0';
}

/*
 * What keyctl says of a key that the core's collector is about to take, has taken out of the keyring
 * (by which root possessed it), or has taken away: it comes at a time of its own after a revocation or
 * invalidation.
 */
static bool gone(void)
{
	return strstr(text, "Required key not available") || strstr(text, "Permission denied") ||
	       strstr(text, "No such file or directory");
}

void test_tools(void)
{
	uint8_t want[KEY_BYTES];
	char id[32], other[32];
	long ring;

	tap(key_add(KEY_TYPE, "root:k256", test_k256, KEY_BYTES, test_ring) > 0, "add root:k256");
	tap(keyctl("request2", KEY_TYPE, "app:/demo", "", "@s"), "keyctl request2");
	chomp();
	snprintf(id, sizeof(id), "%.31s", text);
	oracle(test_k256, "/demo", 5, want);
	tap(keyctl("pipe", id) && !memcmp(text, want, KEY_BYTES), "keyctl pipe gives the bytes");
	tap(keyctl("describe", id) &&
		    strstr(text, ": als-rv-----v------------     0     0 dstack: app:/demo\n"),
	    "keyctl describe: %s", (chomp(), text));
	tap(keyctl("rdescribe", id) && (chomp(), !strcmp(text, "dstack;0;0;3b010000;app:/demo")),
	    "keyctl rdescribe: %s", text);
	tap(keyctl("show", "@s") && strstr(text, "dstack: app:/demo") && strstr(text, id),
	    "keyctl show lists it");
	tap(keyctl("request", KEY_TYPE, "app:/demo"), "keyctl request finds it");
	chomp();
	tap(!strcmp(text, id), "and it is the same");
	tap(keyctl("search", "@s", KEY_TYPE, "app:/demo"), "so does keyctl search");
	ring = key_add("keyring", "second", NULL, 0, KEY_SPEC_SESSION_KEYRING);
	snprintf(other, sizeof(other), "%ld", ring);
	tap(keyctl("link", id, other), "keyctl link");
	tap(keyctl("list", other) && strstr(text, "app:/demo"), "keyctl list shows it there");
	tap(keyctl("unlink", id, other), "keyctl unlink");
	tap(keyctl("timeout", id, "1000"), "keyctl timeout");
	tap(keyctl("update", id, "x") == false && strstr(text, "Permission denied"),
	    "keyctl update is refused");
	tap(keyctl("instantiate", id, "x", "@s") == false &&
		    strstr(text, "Operation not permitted"),
	    "keyctl instantiate is refused");
	tap(keyctl("add", KEY_TYPE, "app:/mine", "x", "@s") == false &&
		    strstr(text, "Operation not permitted"),
	    "keyctl add is refused");
	tap(keyctl("revoke", id), "keyctl revoke");
	tap(keyctl("pipe", id) == false && (strstr(text, "Key has been revoked") || gone()),
	    "then keyctl pipe is refused");
	tap(keyctl("invalidate", id) == false && (strstr(text, "Key has been revoked") || gone()),
	    "and keyctl invalidate, which does not see revoked keys");
	tap(keyctl("unlink", id, "@s") || gone(), "keyctl unlink");
	tap(keyctl("request2", KEY_TYPE, "app:/demo", "", "@s"), "keyctl request2 makes it afresh");
	chomp();
	snprintf(id, sizeof(id), "%.31s", text);
	tap(keyctl("invalidate", id), "keyctl invalidate");
	tap(keyctl("pipe", id) == false && gone(), "then it is gone: %s", (chomp(), text));
	tap(keyctl("request2", KEY_TYPE, "root:k256", "", "@s") == false &&
		    strstr(text, "Operation not permitted"),
	    "keyctl request2 of a root key is refused");
	snprintf(other, sizeof(other), "%ld", test_ring);
	tap(keyctl("list", other) && strstr(text, "dstack: root:k256"),
	    "keyctl list shows root keys");
}
