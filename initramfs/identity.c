// SPDX-License-Identifier: Apache-2.0
/* Who this instance is, from compose file and instance info (spec/boot 3.3), and what of a compose
 * file we can do. */
#include <ds/base/text.h>
#include <ds/crypto/hash.h>

#include "ctx.h"

int identity_make(const struct ds_compose *compose, struct ds_span compose_bytes,
		  const struct ds_instance_info *info, const uint8_t seed[20], struct identity *ret)
{
	struct identity id = { .instance_id_len = 0 };
	uint8_t h[32];

	DS_TRY(ds_sha256_1(compose_bytes, id.compose_hash));
	memcpy(id.app_id, info->has_app_id ? info->app_id : id.compose_hash, sizeof(id.app_id));
	/* Without a key provider nothing binds an instance to the host's wish: its seed does not
	 * count. */
	memcpy(id.seed, info->has_seed && compose->key_provider != DS_KP_NONE ? info->seed : seed,
	       sizeof(id.seed));
	if (!compose->no_instance_id) {
		struct ds_span parts[] = { DS_SPAN_ARRAY(id.seed), DS_SPAN_ARRAY(id.app_id) };

		DS_TRY(ds_sha256(parts, DS_ARRAY_SIZE(parts), h));
		memcpy(id.instance_id, h, sizeof(id.instance_id));
		id.instance_id_len = sizeof(id.instance_id);
	}
	*ret = id;
	return 0;
}

static void expected_mrconfigid(const struct identity *id, const struct ds_compose *compose,
				unsigned int version, uint8_t ret[48])
{
	/* The wire numbers of V2, in the order of enum ds_key_provider. */
	static const uint8_t kinds[] = {
		[DS_KP_NONE] = 0, [DS_KP_LOCAL] = 1, [DS_KP_KMS] = 2, [DS_KP_TPM] = 3
	};
	struct ds_span parts[] = { DS_SPAN_ARRAY(id->compose_hash), DS_SPAN_ARRAY(id->app_id),
				   DS_SPAN(&kinds[compose->key_provider], 1),
				   ds_buf_span(&compose->key_provider_id) };

	memset(ret, 0, 48);
	ret[0] = (uint8_t)version;
	if (version == 1)
		memcpy(ret + 1, id->compose_hash, 32);
	else
		ds_keccak256(parts, DS_ARRAY_SIZE(parts), ret + 1);
}

int identity_check_mrconfigid(const struct identity *id, const struct ds_compose *compose,
			      const uint8_t mrconfigid[48], struct ds_err *err)
{
	static const uint8_t zero[48];
	char want_hex[67], got_hex[67];
	uint8_t want[48];

	if (!memcmp(mrconfigid, zero, sizeof(zero)))
		return 0;
	if (mrconfigid[0] != 1 && mrconfigid[0] != 2)
		return ds_err_set(err, -EOPNOTSUPP, "mrconfigid", 0,
				  "form 1 or 2 expected, found %u", mrconfigid[0]);
	expected_mrconfigid(id, compose, mrconfigid[0], want);
	if (memcmp(want, mrconfigid, sizeof(want)))
		return ds_err_set(err, -EPERM, "mrconfigid", 0, "%s expected, found %s",
				  ds_hex_encode(want, 33, want_hex),
				  ds_hex_encode(mrconfigid, 33, got_hex));
	return 0;
}

static int unsupported(struct ds_err *err, const char *what)
{
	return ds_err_set(err, -EOPNOTSUPP, "app-compose.json", 0,
			  "%s: not supported by this version", what);
}

static int check_requirements(const struct ds_compose *c, struct ds_err *err)
{
	if (c->os_version)
		return unsupported(err, "requirements.os_version");
	if (c->launch_token_hash)
		return unsupported(err, "requirements.launch_token_hash");
	if (c->measure_acpi >= 0)
		return unsupported(err, "requirements.tdx_measure_acpi_tables");
	if (c->has_platforms && !(c->platforms & DS_PLATFORM_TDX))
		return ds_err_set(
			err, -EPERM, "app-compose.json", 0,
			"requirements.platforms: this is dstack-tdx, which is not in the list");
	return 0;
}

int compose_supported(const struct ds_compose *c, struct ds_err *err)
{
	char shown[40];

	if (strcmp(c->runner, "bash"))
		return ds_err_set(err, -EOPNOTSUPP, "app-compose.json", 0,
				  "runner: bash expected, found \"%s\"",
				  ds_escape(DS_SPAN_STR(c->runner), shown, sizeof(shown)));
	if (!c->bash_script || !*c->bash_script)
		return ds_err_set(err, -EBADMSG, "app-compose.json", 0,
				  "bash_script: missing, runner bash needs it");
	if (*c->pre_launch_script)
		return unsupported(err, "pre_launch_script");
	if (c->n_verity_volumes)
		return unsupported(err, "verity_volumes");
	if (c->event_log_version != 1)
		return unsupported(err, "event_log_version 2");
	if (c->key_provider != DS_KP_KMS && c->key_provider != DS_KP_NONE)
		return ds_err_set(err, -EOPNOTSUPP, "app-compose.json", 0,
				  "key_provider: kms or none expected, found %s",
				  ds_key_provider_name(c->key_provider));
	/* A KMS that is not pinned is whatever the host says it is. */
	if (c->key_provider == DS_KP_KMS && !c->key_provider_id.n)
		return ds_err_set(
			err, -EPERM, "app-compose.json", 0,
			"key_provider_id: missing, the public key of the KMS root CA expected");
	return check_requirements(c, err);
}
