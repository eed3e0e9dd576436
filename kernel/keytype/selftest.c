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

/* The app keys "A" and "S" of the reference and what GetKey derives from them. */
#define DS_TEST_A "1a2b3c4d5e6f7a8b9c0d1e2f3a4b5c6d7e8f9a0b1c2d3e4f5a6b7c8d9e0f1a2b"
#define DS_TEST_S "d6e88992cdeeee35fe70b5db61ab66cdb191fb9b6ec9313757ef162dd7214d5d"

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
		ds_hkdf_ratls(ikm, info, strlen(info), okm);
		if (memcmp(okm, want, DS_KEY_LEN)) {
			pr_err("selftest: path \"%s\": want %*phN, got %*phN\n", info, DS_KEY_LEN,
			       want, DS_KEY_LEN, okm);
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
};

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

/* The permissions of a root key already keep readers out; this is the refusal behind them. */
static int ds_test_read_root(void)
{
	struct ds_key_payload payload = { .class = DS_KEY_ROOT, .root = DS_ROOT_K256 };
	struct key key = { .payload.data[0] = &payload };
	char buffer[DS_KEY_LEN];

	if (ds_key_type.read(&key, buffer, sizeof(buffer)) == -EOPNOTSUPP &&
	    ds_key_type.read(&key, NULL, 0) == -EOPNOTSUPP)
		return 0;
	pr_err("selftest: a root key can be read\n");
	return -ENOTRECOVERABLE;
}

static int ds_test_take(void)
{
	struct ds_key_payload payload = { .class = DS_KEY_ROOT, .take_once = true };
	u8 bytes[DS_KEY_LEN];

	memset(payload.bytes, 1, DS_KEY_LEN);
	if (ds_roots_take(&payload, bytes) || memchr_inv(bytes, 1, DS_KEY_LEN) ||
	    memchr_inv(payload.bytes, 0, DS_KEY_LEN) ||
	    ds_roots_take(&payload, bytes) != -EKEYREVOKED) {
		pr_err("selftest: a take-once key is not taken once\n");
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
		ret = ds_test_read_root();
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
