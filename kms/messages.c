// SPDX-License-Identifier: Apache-2.0
/*
 * The messages of the KMS's calls (spec/kms 2): the same fields in JSON and in protobuf. Numbers are
 * on the wire: never change one. key_epoch is ours, far from the numbers that the reference hands
 * out.
 */
#include "net.h"

#define EPOCH { "key_epoch", 100, DS_PB_U32, 0, NULL }
#define END   { 0 }

static const struct ds_pb_field empty[] = { END };

static const struct ds_pb_field app_key_request[] = {
	{ "api_version", 1, DS_PB_U32, 0, NULL },
	{ "vm_config", 2, DS_PB_STR, 0, NULL },
	EPOCH,
	END,
};
static const struct ds_pb_field app_key_reply[] = {
	{ "ca_cert", 1, DS_PB_STR, 0, NULL },
	{ "disk_crypt_key", 2, DS_PB_BYTES, 0, NULL },
	{ "env_crypt_key", 3, DS_PB_BYTES, 0, NULL },
	{ "k256_key", 4, DS_PB_BYTES, 0, NULL },
	{ "k256_signature", 5, DS_PB_BYTES, 0, NULL },
	{ "tproxy_app_id", 6, DS_PB_STR, 0, NULL },
	{ "gateway_app_id", 7, DS_PB_STR, 0, NULL },
	{ "os_image_hash", 8, DS_PB_BYTES, 0, NULL },
	EPOCH,
	END,
};

static const struct ds_pb_field app_id_request[] = {
	{ "app_id", 1, DS_PB_BYTES, 0, NULL },
	EPOCH,
	END,
};
static const struct ds_pb_field public_key_reply[] = {
	{ "public_key", 1, DS_PB_BYTES, 0, NULL },
	{ "signature", 2, DS_PB_BYTES, 0, NULL },
	{ "timestamp", 3, DS_PB_U64, 0, NULL },
	{ "signature_v1", 4, DS_PB_BYTES, 0, NULL },
	EPOCH,
	END,
};

static const struct ds_pb_field bootstrap[] = {
	{ "ca_pubkey", 1, DS_PB_BYTES, 0, NULL },
	{ "k256_pubkey", 2, DS_PB_BYTES, 0, NULL },
	{ "attestation", 3, DS_PB_BYTES, 0, NULL },
	END,
};
static const struct ds_pb_field meta_reply[] = {
	{ "ca_cert", 1, DS_PB_STR, 0, NULL },
	{ "allow_any_upgrade", 2, DS_PB_BOOL, 0, NULL },
	{ "k256_pubkey", 3, DS_PB_BYTES, 0, NULL },
	{ "bootstrap_info", 4, DS_PB_MSG, 0, bootstrap },
	{ "is_dev", 5, DS_PB_BOOL, 0, NULL },
	{ "gateway_app_id", 6, DS_PB_STR, DS_PB_OPTIONAL, NULL },
	{ "kms_contract_address", 7, DS_PB_STR, DS_PB_OPTIONAL, NULL },
	{ "chain_id", 8, DS_PB_U64, DS_PB_OPTIONAL, NULL },
	{ "app_auth_implementation", 9, DS_PB_STR, DS_PB_OPTIONAL, NULL },
	EPOCH,
	{ "seal", 101, DS_PB_STR, 0, NULL },
	END,
};

static const struct ds_pb_field temp_ca_reply[] = {
	{ "temp_ca_cert", 1, DS_PB_STR, 0, NULL },
	{ "temp_ca_key", 2, DS_PB_STR, 0, NULL },
	{ "ca_cert", 3, DS_PB_STR, 0, NULL },
	EPOCH,
	END,
};

static const struct ds_pb_field sign_cert_request[] = {
	{ "api_version", 1, DS_PB_U32, 0, NULL },
	{ "csr", 2, DS_PB_BYTES, 0, NULL },
	{ "signature", 3, DS_PB_BYTES, 0, NULL },
	{ "vm_config", 4, DS_PB_STR, 0, NULL },
	EPOCH,
	END,
};
static const struct ds_pb_field sign_cert_reply[] = {
	{ "certificate_chain", 1, DS_PB_STR, DS_PB_REPEATED, NULL },
	EPOCH,
	END,
};

/* seal_to and sealed_keys are ours, see net_replicate.c */
static const struct ds_pb_field kms_key_request[] = {
	{ "vm_config", 1, DS_PB_STR, 0, NULL },
	EPOCH,
	{ "seal_to", 101, DS_PB_BYTES, 0, NULL },
	END,
};
static const struct ds_pb_field kms_keys[] = {
	{ "ca_key", 1, DS_PB_STR, 0, NULL },
	{ "k256_key", 2, DS_PB_BYTES, 0, NULL },
	END,
};
static const struct ds_pb_field kms_key_reply[] = {
	{ "temp_ca_key", 1, DS_PB_STR, 0, NULL },
	{ "keys", 2, DS_PB_MSG, DS_PB_REPEATED, kms_keys },
	EPOCH,
	{ "sealed_keys", 101, DS_PB_BYTES, 0, NULL },
	END,
};

/* token is ours, see onboard.h */
#define TOKEN { "token", 101, DS_PB_STR, 0, NULL }

static const struct ds_pb_field bootstrap_request[] = {
	{ "domain", 1, DS_PB_STR, 0, NULL },
	TOKEN,
	END,
};
static const struct ds_pb_field onboard_request[] = {
	{ "source_url", 1, DS_PB_STR, 0, NULL },
	{ "domain", 2, DS_PB_STR, 0, NULL },
	TOKEN,
	END,
};
static const struct ds_pb_field onboard_reply[] = {
	{ "k256_pubkey", 1, DS_PB_BYTES, 0, NULL },
	END,
};
static const struct ds_pb_field token_request[] = { TOKEN, END };
static const struct ds_pb_field attestation_info_reply[] = {
	{ "device_id", 1, DS_PB_BYTES, 0, NULL },
	{ "mr_aggregated", 2, DS_PB_BYTES, 0, NULL },
	{ "os_image_hash", 3, DS_PB_BYTES, 0, NULL },
	{ "tee_variant", 4, DS_PB_STR, 0, NULL },
	{ "site_name", 5, DS_PB_STR, 0, NULL },
	{ "eth_rpc_url", 6, DS_PB_STR, 0, NULL },
	{ "kms_contract_address", 7, DS_PB_STR, 0, NULL },
	{ "ppid", 8, DS_PB_BYTES, 0, NULL },
	{ "seal_to", 101, DS_PB_BYTES, 0, NULL }, /* ours as well */
	END,
};

const struct ds_prpc_messages kms_messages[] = {
	{ "GetAppKey", app_key_request, app_key_reply },
	{ "GetAppEnvEncryptPubKey", app_id_request, public_key_reply },
	{ "GetKmsKey", kms_key_request, kms_key_reply },
	{ "GetMeta", empty, meta_reply },
	{ "GetTempCaCert", empty, temp_ca_reply },
	{ "SignCert", sign_cert_request, sign_cert_reply },
};
const size_t kms_n_messages = DS_ARRAY_SIZE(kms_messages);

const struct ds_prpc_messages kms_onboard_messages[] = {
	{ "Bootstrap", bootstrap_request, bootstrap },
	{ "Finish", token_request, empty },
	{ "GetAttestationInfo", token_request, attestation_info_reply },
	{ "Onboard", onboard_request, onboard_reply },
};
const size_t kms_n_onboard_messages = DS_ARRAY_SIZE(kms_onboard_messages);
