/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The three JSON files of the host input: app-compose.json (spec/boot 3.1), .sys-config.json (2.3)
 * and .instance_info (2.5). Pure and strict: duplicate keys, wrong types, junk after the document
 * and values out of range are errors that name the key. Unknown top-level keys are ignored, as the
 * specification wants; unknown keys in requirements, gpu_policy and
 * kms_attestation (ours) are errors.
 *
 * A parsed struct owns its JSON tree; its strings point into it until _done(). Whether a wish can
 * be fulfilled (runner, requirements, ...) is the caller's decision, not the parser's.
 */
#ifndef DS_WIRE_COMPOSE_H
#define DS_WIRE_COMPOSE_H

#include <ds/base/base.h>
#include <jansson.h>

#define DS_COMPOSE_MAX_SCRIPTS 5
#define DS_COMPOSE_MAX_PIN     512 /* key_provider_id in bytes */
#define DS_COMPOSE_MAX_KMS_MR  16
#define DS_SYSCONFIG_MAX_URLS  8

enum ds_key_provider { DS_KP_NONE, DS_KP_LOCAL, DS_KP_KMS, DS_KP_TPM };

/* requirements.platforms (spec/boot 3.2), as bits. */
enum ds_platform_bits {
	DS_PLATFORM_TDX = 1 << 0,
	DS_PLATFORM_GCP_TDX = 1 << 1,
	DS_PLATFORM_SNP = 1 << 2,
	DS_PLATFORM_NITRO = 1 << 3,
	DS_PLATFORM_NITRO_TPM = 1 << 4,
};

/* Our own key "kms_attestation": what the KMS has to be before it is asked for keys. */
struct ds_kms_wish {
	uint8_t mr_aggregated[DS_COMPOSE_MAX_KMS_MR][32];
	size_t n;		/* 0: nothing is asked for but the pin */
	const char *quote_root; /* PEM; NULL: the built-in roots */
	bool allow_emulated;
};

struct ds_compose {
	json_t *root;
	unsigned int manifest_version;
	const char *name;
	const char *runner;
	const char *bash_script;       /* NULL if absent */
	const char *pre_launch_script; /* "" if absent */
	const char *init_script[DS_COMPOSE_MAX_SCRIPTS];
	size_t n_init_script;
	enum ds_key_provider key_provider;
	struct ds_buf key_provider_id;
	struct ds_kms_wish kms_attestation;
	const char *storage_fs; /* NULL if absent */
	bool gateway_enabled;
	bool no_instance_id;
	bool public_logs, public_sysinfo, public_tcbinfo;
	bool secure_time;
	unsigned int event_log_version;
	size_t n_verity_volumes;
	json_t *port_policy; /* borrowed; NULL if absent */
	json_t *allowed_envs; /* borrowed array of strings; NULL if absent */
	bool has_requirements;
	bool has_platforms;
	unsigned int platforms; /* enum ds_platform_bits */
	const char *os_version;
	const char *launch_token_hash;
	int measure_acpi;	      /* -1 absent, 0, 1 */
	struct ds_buf gpu_policy_jcs; /* RFC 8785 form of requirements.gpu_policy, "{}" if absent */
};

#define DS_COMPOSE_NULL ((struct ds_compose){ .root = NULL })
DS_MUST int ds_compose_parse(struct ds_span in, struct ds_compose *ret, struct ds_err *err);
void ds_compose_done(struct ds_compose *c);
const char *ds_key_provider_name(enum ds_key_provider kp);

struct ds_sysconfig {
	json_t *root;
	const char *kms_url[DS_SYSCONFIG_MAX_URLS];
	size_t n_kms_url;
	const char *gateway_url[DS_SYSCONFIG_MAX_URLS];
	size_t n_gateway_url;
	const char *vm_config; /* JSON text, verbatim */
	const char *mr_config; /* "" if absent */
	/* Our own part, key "dstack_c"; NULL where absent. */
	const char *net_address; /* "10.0.2.15/24" */
	const char *net_gateway;
	const char *net_dns;
};

#define DS_SYSCONFIG_NULL ((struct ds_sysconfig){ .root = NULL })
DS_MUST int ds_sysconfig_parse(struct ds_span in, struct ds_sysconfig *ret, struct ds_err *err);
void ds_sysconfig_done(struct ds_sysconfig *c);

struct ds_instance_info {
	uint8_t seed[20], app_id[20];
	bool has_seed, has_app_id;
};

/* The field instance_id is checked for its form and otherwise ignored: the guest computes its own.
 */
DS_MUST int ds_instance_info_parse(struct ds_span in, struct ds_instance_info *ret,
				   struct ds_err *err);

#endif
