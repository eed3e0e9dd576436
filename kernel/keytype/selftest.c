// SPDX-License-Identifier: GPL-2.0-only
/*
 * Self-test at load, in DEBUG builds: what can be tested without a caller in userspace. A failure
 * refuses the load.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/array_size.h>
#include <linux/errno.h>
#include <linux/hex.h>
#include <linux/key-type.h>
#include <linux/printk.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "dstack_phase.h"
#include "roots.h"
#include "type.h"

/* The app keys "A" and "S" of the reference and what GetKey derives from them. */
#define DS_TEST_A "1a2b3c4d5e6f7a8b9c0d1e2f3a4b5c6d7e8f9a0b1c2d3e4f5a6b7c8d9e0f1a2b"
#define DS_TEST_S "d6e88992cdeeee35fe70b5db61ab66cdb191fb9b6ec9313757ef162dd7214d5d"

/* From DS_TEST_S by the HMAC of Python. */
#define DS_TEST_VOLUME \
	"69a1c5c79ff8fdb609578e10ddc95a7cc5fcefd01fdd3fa182408a1f34ff2e6e" \
	"8610e1a895c61f40a4dbe2f369bceeced4337c4ec134dd0ea928380ddf66a876" \
	"58003345625fd8e35a18d8506b533589478081aae382c2b33392d4b261347b7f"

static const struct {
	const char *ikm;
	const char *info;
	const char *okm;
} ds_test_vectors[] = {
	{ DS_TEST_A, "vms", "9db79b3fefe69f2a7b7efbc908c854bf845a629023361f2c9cb3db09fb99010f" },
	{ DS_TEST_S, "/test/path",
	  "b9fbb7171185c421c58610a2acba8ceae93623ae47815618cbad1e98fc042cb7" },
	{ DS_TEST_S, "", "aa221ae548b5a8f52fcb8687cfd873712f6a1232b2717e5ee3d58ab74f21905b" },
	{ DS_TEST_S, "test", "133e8ca6e532ead3e38f00347408771da296e9c70e8e3e362f485154e64ef4e8" },
};

static int ds_test_derivation(void)
{
	u8 ikm[DS_KEY_LEN], want[DS_KEY_LEN], okm[DS_KEY_LEN];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(ds_test_vectors); i++) {
		const char *info = ds_test_vectors[i].info;

		if (hex2bin(ikm, ds_test_vectors[i].ikm, DS_KEY_LEN) ||
		    hex2bin(want, ds_test_vectors[i].okm, DS_KEY_LEN))
			return -EINVAL;
		ds_hkdf_ratls(ikm, info, strlen(info), okm, DS_KEY_LEN);
		if (memcmp(okm, want, DS_KEY_LEN)) {
			pr_err("selftest: path \"%s\": want %*phN, got %*phN\n", info, DS_KEY_LEN,
			       want, DS_KEY_LEN, okm);
			return -ENOTRECOVERABLE;
		}
	}
	return 0;
}

/* More than one block, cut anywhere: a shorter key is the beginning of a longer one. */
static int ds_test_long(void)
{
	static const char info[] = "dstack-volume-key:96:data";
	u8 ikm[DS_KEY_LEN], want[DS_KEY_VOLUME_MAX], okm[DS_KEY_VOLUME_MAX];
	size_t len;

	if (hex2bin(ikm, DS_TEST_S, sizeof(ikm)) ||
	    hex2bin(want, DS_TEST_VOLUME, sizeof(want)))
		return -EINVAL;
	for (len = 0; len <= sizeof(okm); len++) {
		memset(okm, 0, sizeof(okm));
		ds_hkdf_ratls(ikm, info, strlen(info), okm, len);
		if (memcmp(okm, want, len) || memchr_inv(okm + len, 0, sizeof(okm) - len)) {
			pr_err("selftest: a derived key of %zu bytes is wrong\n", len);
			return -ENOTRECOVERABLE;
		}
	}
	return 0;
}

static const struct {
	const char *text;
	int ret;
	const char *path;	/* decoded; NULL for root keys */
	u32 epoch;
} ds_test_descs[] = {
	{ "root:k256", 0, NULL, 0 },
	{ "root:disk;take-once@0", 0, NULL, 0 },
	{ "root:env@4294967295", 0, NULL, 4294967295U },
	{ "root:k256;take-once", -EINVAL },
	{ "root:", -EINVAL },
	{ "root:k25", -EINVAL },
	{ "root:k2566", -EINVAL },
	{ "root:env@4294967296", -EINVAL },
	{ "root:env@00", -EINVAL },
	{ "root:env@", -EINVAL },
	{ "root:disk;take-once;take-once", -EINVAL },
	{ "app:", 0, "", 0 },
	{ "app:/demo", 0, "/demo", 0 },
	{ "app:a%3Bb%40c%25d%0A", 0, "a;b@c%d\n", 0 },
	{ "app:x;purpose=p%3B;alg=ed25519@7", 0, "x", 7 },
	{ "app:x;alg=k256", 0, "x", 0 },
	{ "app:x;alg=rsa", -EOPNOTSUPP },
	{ "app:x;alg=", -EINVAL },
	{ "app:x;purpose=", -EINVAL },
	{ "app:x;alg=k256;purpose=p", -EINVAL },
	{ "app:x%2F", -EINVAL },
	{ "app:x%3b", -EINVAL },
	{ "app:x%", -EINVAL },
	{ "app:x%2", -EINVAL },
	{ "app:x\n", -EINVAL },
	{ "app:x@1x", -EINVAL },
	{ "App:x", -EINVAL },
	{ "", -EINVAL },
	{ "volume:", -EINVAL },
	{ "volume:a b", -EINVAL },
	{ "volume:a/b", -EINVAL },
	{ "volume:a:b", -EINVAL },
	{ "volume:%41", -EINVAL },
	{ "volume:\xc3\xa4", -EINVAL },
	{ "volume:x;size=", -EINVAL },
	{ "volume:x;size=48", -EOPNOTSUPP },
	{ "volume:x;size=640", -EOPNOTSUPP },
	{ "volume:x;size=64;size=64", -EINVAL },
	{ "volume:x@0;size=64", -EINVAL },
	{ "volume:x;take-once", -EINVAL },
	{ "volume:0123456789012345678901234567890123456789012345678901234567890123x",
	  -ENAMETOOLONG },
};

static const struct {
	const char *text;
	size_t label_len;
	unsigned int size;
	u32 epoch;
} ds_test_volumes[] = {
	{ "volume:data", 4, 64, 0 },
	{ "volume:A-z_0.9;size=32@1", 7, 32, 1 },
	{ "volume:d;size=96", 1, 96, 0 },
	{ "volume:0123456789012345678901234567890123456789012345678901234567890123", 64, 64, 0 },
};

static int ds_test_volume_parser(void)
{
	struct ds_key_desc desc;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(ds_test_volumes); i++) {
		const char *text = ds_test_volumes[i].text;

		if (ds_key_desc_parse(text, &desc) || desc.class != DS_KEY_VOLUME ||
		    desc.label != text + strlen("volume:") ||
		    desc.label_len != ds_test_volumes[i].label_len ||
		    desc.size != ds_test_volumes[i].size ||
		    desc.epoch != ds_test_volumes[i].epoch) {
			pr_err("selftest: description \"%s\" is misread\n", text);
			return -ENOTRECOVERABLE;
		}
	}
	return 0;
}

static int ds_test_parser(void)
{
	struct ds_key_desc desc;
	u8 path[32];
	size_t i;
	int ret;

	for (i = 0; i < ARRAY_SIZE(ds_test_descs); i++) {
		const char *want = ds_test_descs[i].path;

		ret = ds_key_desc_parse(ds_test_descs[i].text, &desc);
		if (ret != ds_test_descs[i].ret)
			goto fail;
		if (ret)
			continue;
		if (desc.epoch != ds_test_descs[i].epoch ||
		    desc.class != (want ? DS_KEY_APP : DS_KEY_ROOT))
			goto fail;
		if (!want)
			continue;
		if (desc.path_len != strlen(want) || desc.path_len > sizeof(path))
			goto fail;
		ds_key_desc_path(&desc, path);
		if (memcmp(path, want, desc.path_len))
			goto fail;
	}
	return 0;
fail:
	pr_err("selftest: description %zu: want %d, got %d\n", i, ds_test_descs[i].ret, ret);
	return -ENOTRECOVERABLE;
}

/* The permissions of root keys and leases already keep readers out; this is what is behind them. */
static int ds_test_read_refused(void)
{
	static const enum ds_key_class classes[] = { DS_KEY_ROOT, DS_KEY_VOLUME };
	char buffer[DS_KEY_LEN];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(classes); i++) {
		struct ds_key_payload payload = { .class = classes[i] };
		struct key key = { .payload.data[0] = &payload };

		if (ds_key_type.read(&key, buffer, sizeof(buffer)) != -EOPNOTSUPP ||
		    ds_key_type.read(&key, NULL, 0) != -EOPNOTSUPP) {
			pr_err("selftest: a key of class %d can be read\n", classes[i]);
			return -ENOTRECOVERABLE;
		}
	}
	return 0;
}

/* What the program of the upcall may instantiate a key with. */
static int ds_test_kms_payload(void)
{
	static const struct {
		const char *name;
		size_t len;
		int ret;
	} rows[] = {
		{ "env-pub", 31, -EINVAL }, { "env-pub", 32, 0 }, { "env-pub", 33, -EINVAL },
		{ "k256-pub", 32, -EINVAL }, { "k256-pub", 33, 0 }, { "k256-pub", 34, -EINVAL },
		{ "root-ca", 0, -EINVAL }, { "root-ca", 1, 0 }, { "app-ca", 8192, 0 },
		{ "app-ca", 8193, -EINVAL }, { "other", 32, -EINVAL }, { NULL, 32, -EINVAL },
	};
	void *data = kzalloc(8193, GFP_KERNEL);
	int ret = data ? 0 : -ENOMEM;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows) && !ret; i++) {
		struct key_preparsed_payload prep = {
			.orig_description = rows[i].name,
			.data = data,
			.datalen = rows[i].len,
		};

		if (ds_kms_type.preparse(&prep) != rows[i].ret) {
			pr_err("selftest: %s of %zu bytes: want %d\n", rows[i].name, rows[i].len,
			       rows[i].ret);
			ret = -ENOTRECOVERABLE;
		}
		ds_kms_type.free_preparse(&prep);
	}
	kfree(data);
	return ret;
}

static int ds_test_take(void)
{
	struct ds_key_payload payload = { .class = DS_KEY_ROOT, .take_once = true };
	u8 bytes[DS_KEY_LEN], derived[DS_KEY_LEN];

	memset(payload.bytes, 1, DS_KEY_LEN);
	if (ds_roots_expand(&payload, "x", 1, derived, DS_KEY_LEN) ||
	    ds_roots_take(&payload, bytes) || memchr_inv(bytes, 1, DS_KEY_LEN) ||
	    memchr_inv(payload.bytes, 0, DS_KEY_LEN) ||
	    ds_roots_take(&payload, bytes) != -EKEYREVOKED ||
	    ds_roots_expand(&payload, "x", 1, derived, DS_KEY_LEN) != -ENOKEY ||
	    memchr_inv(derived, 0, DS_KEY_LEN)) {
		pr_err("selftest: a take-once key is not taken once, or used when it is gone\n");
		return -ENOTRECOVERABLE;
	}
	return 0;
}

/* What userspace cannot see: a short buffer is left alone, a revoked key lets go of its bytes. */
static int ds_test_read_app(void)
{
	struct ds_key_payload *payload = kzalloc(sizeof(*payload), GFP_KERNEL);
	struct key key = { .datalen = DS_KEY_LEN, .payload.data[0] = payload };
	char buffer[DS_KEY_LEN];

	if (!payload)
		return -ENOMEM;
	payload->class = DS_KEY_APP;
	memset(buffer, 1, sizeof(buffer));
	if (ds_key_type.read(&key, buffer, DS_KEY_LEN - 1) != DS_KEY_LEN ||
	    memchr_inv(buffer, 1, sizeof(buffer))) {
		pr_err("selftest: a short buffer is written to\n");
		kfree(payload);
		return -ENOTRECOVERABLE;
	}
	ds_key_type.revoke(&key);
	if (key.payload.data[0] ||
	    ds_key_type.read(&key, buffer, sizeof(buffer)) != -EKEYREVOKED) {
		pr_err("selftest: a revoked key keeps its bytes\n");
		return -ENOTRECOVERABLE;
	}
	return 0;
}

/* The keyring is closed in phase runtime; this is the refusal behind it. */
static int ds_test_claim(void)
{
	struct key key = { .usage = REFCOUNT_INIT(1) };

	if (dstack_phase_get() == DSTACK_PHASE_BOOT)
		return 0;
	if (ds_roots_claim(DS_ROOT_DISK, &key) != -EPERM) {
		pr_err("selftest: a root key can be added in phase runtime\n");
		return -ENOTRECOVERABLE;
	}
	return 0;
}

int ds_key_selftest(void)
{
	int ret;

	ret = ds_test_derivation();
	if (!ret)
		ret = ds_test_parser();
	if (!ret)
		ret = ds_test_long();
	if (!ret)
		ret = ds_test_volume_parser();
	if (!ret)
		ret = ds_test_kms_payload();
	if (!ret)
		ret = ds_test_read_refused();
	if (!ret)
		ret = ds_test_read_app();
	if (!ret)
		ret = ds_test_take();
	if (!ret)
		ret = ds_test_claim();
	if (!ret)
		pr_info("selftest: passed, phase %s\n",
			dstack_phase_get() == DSTACK_PHASE_BOOT ? "boot" : "runtime");
	return ret;
}
