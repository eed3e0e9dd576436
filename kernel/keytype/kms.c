// SPDX-License-Identifier: GPL-2.0-only
/*
 * The key type "dstack_kms": what only a KMS can tell.
 *
 * It is a type of its own because it wants the core's upcall to /sbin/request-key, which a type
 * with a request_key operation cannot have. Who may make the core run a program as root, and for
 * what, is decided when the key is allocated, in the task that asks.
 */
#include <linux/array_size.h>
#include <linux/err.h>
#include <linux/key-type.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "type.h"

#define DS_KMS_PEM_MAX 8192

/**
 * struct ds_kms_name - something that a KMS can be asked
 * @name: description of the key
 * @min: bytes of the shortest answer
 * @max: bytes of the longest answer
 */
struct ds_kms_name {
	const char *name;
	size_t min;
	size_t max;
};

static const struct ds_kms_name ds_kms_names[] = {
	{ "root-ca", 1, DS_KMS_PEM_MAX },
	{ "app-ca", 1, DS_KMS_PEM_MAX },
	{ "k256-pub", 33, 33 },
	{ "env-pub", 32, 32 },
};

static const struct ds_kms_name *ds_kms_find(const char *text)
{
	size_t i;

	for (i = 0; text && i < ARRAY_SIZE(ds_kms_names); i++)
		if (!strcmp(text, ds_kms_names[i].name))
			return &ds_kms_names[i];
	return NULL;
}

static int ds_kms_vet_description(const char *text)
{
	if (!ds_kms_find(text))
		return -EINVAL;
	return ds_key_caller_is_root() ? 0 : -EPERM;
}

static int ds_kms_preparse(struct key_preparsed_payload *prep)
{
	const struct ds_kms_name *name = ds_kms_find(prep->orig_description);

	if (!name || prep->datalen < name->min || prep->datalen > name->max)
		return -EINVAL;
	prep->payload.data[0] = kmemdup(prep->data, prep->datalen, GFP_KERNEL);
	if (!prep->payload.data[0])
		return -ENOMEM;
	prep->quotalen = prep->datalen;
	return 0;
}

static void ds_kms_free_preparse(struct key_preparsed_payload *prep)
{
	kfree_sensitive(prep->payload.data[0]);
}

static int ds_kms_instantiate(struct key *key, struct key_preparsed_payload *prep)
{
	/* add_key() makes no such key: what is found under a name was asked for. */
	if (!test_bit(KEY_FLAG_USER_CONSTRUCT, &key->flags))
		return -EPERM;
	return generic_key_instantiate(key, prep);
}

/* The core holds the key's semaphore for writing. */
static void ds_kms_revoke(struct key *key)
{
	kfree_sensitive(key->payload.data[0]);
	key->payload.data[0] = NULL;
	WARN_ON_ONCE(key_payload_reserve(key, 0));	/* giving back cannot fail */
}

static void ds_kms_destroy(struct key *key)
{
	kfree_sensitive(key->payload.data[0]);
}

/* The core holds the key's semaphore for reading. */
static long ds_kms_read(const struct key *key, char *buffer, size_t buflen)
{
	const u8 *payload = key->payload.data[0];

	if (!payload)
		return -EKEYREVOKED;
	if (buffer && buflen >= key->datalen)
		memcpy(buffer, payload, key->datalen);
	return key->datalen;
}

struct key_type ds_kms_type = {
	.name			= "dstack_kms",
	.flags			= KEY_TYPE_INSTANT_REAP,
	.vet_description	= ds_kms_vet_description,
	.preparse		= ds_kms_preparse,
	.free_preparse		= ds_kms_free_preparse,
	.instantiate		= ds_kms_instantiate,
	.revoke			= ds_kms_revoke,
	.destroy		= ds_kms_destroy,
	.describe		= ds_key_describe,
	.read			= ds_kms_read,
};
