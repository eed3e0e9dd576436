// SPDX-License-Identifier: Apache-2.0
/* The SEV-SNP half of a verdict's output. */
#include "verify.h"

#include <ds/base/text.h>

static void number(json_t *o, const char *key, uint64_t v)
{
	json_object_set_new(o, key, json_integer((json_int_t)v));
}

/* 16 hex digits, most significant first, as policies are written. */
static void mask(json_t *o, const char *key, uint64_t v)
{
	char text[24];

	(void)snprintf(text, sizeof(text), "%016llx", (unsigned long long)v);
	json_object_set_new(o, key, json_string(text));
}

/* The bytes of a TCB version and, once the product is known, what they mean. */
static json_t *tcb_json(const struct ds_verdict *v, const uint8_t raw[8])
{
	json_t *o = json_object();
	struct ds_snp_tcb t;

	output_hex(o, "raw", raw, 8);
	if (!v->has_snp_cert)
		return o;
	ds_snp_tcb_read(raw, v->snp_product, &t);
	if (t.has_fmc)
		number(o, "fmc", t.fmc);
	number(o, "boot_loader", t.boot_loader);
	number(o, "tee", t.tee);
	number(o, "snp", t.snp);
	number(o, "microcode", t.microcode);
	return o;
}

static void version(json_t *o, const char *key, struct ds_snp_version v)
{
	char text[16];

	(void)snprintf(text, sizeof(text), "%u.%u.%u", v.major, v.minor, v.build);
	json_object_set_new(o, key, json_string(text));
}

json_t *output_snp_report(const struct ds_verdict *v)
{
	const struct ds_snp_body *b = &v->snp;
	json_t *o = json_object();

	number(o, "report_version", b->version);
	number(o, "guest_svn", b->guest_svn);
	mask(o, "policy", b->policy);
	output_hex(o, "family_id", b->family_id, sizeof(b->family_id));
	output_hex(o, "image_id", b->image_id, sizeof(b->image_id));
	number(o, "vmpl", b->vmpl);
	mask(o, "platform_info", b->platform_info);
	json_object_set_new(o, "author_key", json_boolean(b->author_key));
	json_object_set_new(o, "mask_chip_key", json_boolean(b->mask_chip_key));
	json_object_set_new(o, "signing_key",
			    json_string(b->signing_key == DS_SNP_KEY_VLEK ? "vlek" : "vcek"));
	output_hex(o, "report_data", b->report_data, sizeof(b->report_data));
	output_hex(o, "measurement", b->measurement, sizeof(b->measurement));
	output_hex(o, "host_data", b->host_data, sizeof(b->host_data));
	output_hex(o, "id_key_digest", b->id_key_digest, sizeof(b->id_key_digest));
	output_hex(o, "author_key_digest", b->author_key_digest, sizeof(b->author_key_digest));
	output_hex(o, "report_id", b->report_id, sizeof(b->report_id));
	output_hex(o, "report_id_ma", b->report_id_ma, sizeof(b->report_id_ma));
	output_hex(o, "chip_id", b->chip_id, sizeof(b->chip_id));
	json_object_set_new(o, "current_tcb", tcb_json(v, b->current_tcb));
	json_object_set_new(o, "reported_tcb", tcb_json(v, b->reported_tcb));
	json_object_set_new(o, "committed_tcb", tcb_json(v, b->committed_tcb));
	json_object_set_new(o, "launch_tcb", tcb_json(v, b->launch_tcb));
	version(o, "current_version", b->current);
	version(o, "committed_version", b->committed);
	if (b->has_cpuid) {
		number(o, "cpuid_family", b->cpuid_family);
		number(o, "cpuid_model", b->cpuid_model);
		number(o, "cpuid_stepping", b->cpuid_stepping);
	}
	if (b->has_mitigations) {
		mask(o, "launch_mitigations", b->launch_mitigations);
		mask(o, "current_mitigations", b->current_mitigations);
	}
	return o;
}

json_t *output_snp_platform(const struct ds_verdict *v)
{
	json_t *o = json_object();

	json_object_set_new(o, "product", json_string(ds_snp_product_name(v->snp_product)));
	json_object_set_new(o, "product_name", json_string(v->snp_ext.product));
	output_hex(o, "hwid", v->snp_ext.hwid, v->snp_ext.hwid_len);
	json_object_set_new(o, "csp_id", json_string(v->snp_ext.csp_id));
	return o;
}

/* Names of the bits that are set (spec/dcap 9.1). */
static void bits(const char *what, uint64_t v, const char *const *names, size_t n_names)
{
	char text[256];
	size_t n = (size_t)snprintf(text, sizeof(text), "0x%llx", (unsigned long long)v);

	for (size_t i = 0; i < n_names; i++)
		if (names[i] && v >> i & 1)
			n += (size_t)snprintf(text + n, sizeof(text) - n, " %s", names[i]);
	output_field("", what, text);
}

static void hex_line(const char *what, const void *p, size_t n)
{
	char hex[2 * 64 + 1];

	output_field("", what, ds_hex_encode(p, n, hex));
}

void output_snp_text(const struct ds_verdict *v)
{
	static const char *const policy[] = {
		[16] = "SMT",
		[17] = "ONE",
		[18] = "MIGRATE_MA",
		[19] = "DEBUG",
		[20] = "SINGLE_SOCKET",
		[21] = "CXL",
		[22] = "AES_256_XTS",
		[23] = "RAPL_DIS",
		[24] = "CIPHERTEXT_HIDING",
		[25] = "PAGE_SWAP_DISABLE",
	};
	static const char *const platform[] = {
		"SMT", "TSME", "ECC", "RAPL_DIS", "CIPHERTEXT_HIDING", "ALIAS_CHECK_COMPLETE",
		NULL,  "TIO"
	};
	static const uint8_t none[48];
	const struct ds_snp_body *b = &v->snp;

	bits("guest policy", b->policy, policy, DS_ARRAY_SIZE(policy));
	bits("platform info", b->platform_info, platform, DS_ARRAY_SIZE(platform));
	hex_line("measurement", b->measurement, sizeof(b->measurement));
	hex_line("host_data", b->host_data, sizeof(b->host_data));
	hex_line("reported_tcb", b->reported_tcb, sizeof(b->reported_tcb));
	hex_line("current_tcb", b->current_tcb, sizeof(b->current_tcb));
	if (memcmp(b->id_key_digest, none, sizeof(none)))
		hex_line("id_key_digest", b->id_key_digest, sizeof(b->id_key_digest));
	if (b->author_key)
		hex_line("author_key_digest", b->author_key_digest, sizeof(b->author_key_digest));
}
