/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For the tests of dstack-verify: an app with its KMS and its evidence, as files in the current
 * folder, with faults on request; and running a command on them. Everything fails the test when it
 * cannot.
 */
#ifndef DS_VERIFIER_WORLD_H
#define DS_VERIFIER_WORLD_H

#include <stdbool.h>
#include <stdint.h>

#include <ds/base/base.h>

#define WORLD_COMPOSE "{\"name\":\"app\"}"
#define WORLD_NONCE   0x5a /* each of the 32 bytes that quote-nonce was made for */
#define INSTANCE      0x1a /* each byte of the instance id */
/* Hex of the app id, of the instance id and of another app that the certificate names too. */
#define X10(s)	     s s s s s s s s s s
#define APP_HEX	     X10("aaaa")
#define INSTANCE_HEX X10("1a1a")
#define OTHER_HEX    X10("bbbb")

/* What is wrong; everything else is right. */
struct fault {
	const char *usage, *ca_usage;
	bool other_app_id, no_app_id, other_ca_app_id, other_info, other_key, other_root, no_ca,
		no_evidence, junk_evidence, junk_info, ended, bad_payload;
	bool no_ca_app_id, bad_ca, bad_root; /* bad: OpenSSL takes it, we cannot read it */
	bool zero_app_id;		     /* measured, and in the certificate */
	bool decoy_ca;	     /* the right app CA between leaf and issuer, which is another app's */
	bool forged_ca;	     /* with no_ca: one that has the KMS root's name and key, signed by nobody */
	bool default_app_id; /* cut from the compose-hash, as without a choice of the host */
	int bad_info;	     /* field of the app info from 1: app id, compose hash, instance id, ... */
	bool emulated;	     /* by an emulated quoting enclave; writes quote-nonce and other TDs' quotes too */
	bool os_image;	     /* measure an os-image-hash: the compose hash */
	const char *key_provider; /* payload of the event; NULL: not measured */
	bool again;	     /* another app's launch behind system-ready */
	/* a letter for each init script: what was measured, and what the app info says; NULL: nothing */
	const char *scripts, *info_scripts;
	bool event_in_rtmr2; /* a second app-id, which the log in the certificate leaves out; emulated only */
};

/*
 * chain.pem, kms-root.pem, compose.json, compose-other.json, image.json, image-other.json and what
 * older_world() writes.
 */
void world(const struct fault *f);
/*
 * An app that extended RTMR3 by the digests of another app's launch: log.json, quote,
 * collateral.json, root.pem and, in the form of older releases, chain.pem. Register and quote are
 * the same in all tellings; the arguments say which launch is told as bare digests.
 */
void older_world(bool hide_real, bool hide_forged);
/* chain.pem in that form around the quote of the file, or without one; log "": without. */
void older_parts(bool quote, const char *log);
/* chain.pem with the evidence in both forms, old and new; differ: not the same quote; hide: the older
 * form's log tells the launch as bare digests. */
void both_world(bool differ, bool hide);
void world_app_id(const struct fault *f, uint8_t ret[20]);
void world_put(const char *name, struct ds_span data);

/* For cmocka_run_group_tests(): a folder of its own for the files, removed at the end. */
int world_enter(void **state);
int world_leave(void **state);

/* Run with stdout in the file "out"; the reason in the JSON goes to reason. The exit status. */
int run(int (*cmd)(int, char **), char reason[40], const char *const *args);
/* The same, and both must be as wanted; want may be NULL. */
void expect(int (*cmd)(int, char **), const char *const *args, int want_rc, const char *want);

/* Did the command before print this? */
bool said(const char *text);

#define COMMON                                                                                     \
	"--json", "--time", "1780000000", "--collateral", "collateral.json", "--root-ca", "root.pem"

#endif
