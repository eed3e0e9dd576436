// SPDX-License-Identifier: Apache-2.0
/* What a KMS or a gateway may answer: all replies of the KMS, and RegisterCvm. */
#include <ds/net/gwreg.h>
#include <ds/net/kms.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static const uint8_t pin[91] = { 0x30 };
	struct ds_kms_temp_ca ca = DS_KMS_TEMP_CA_NULL;
	struct ds_kms_app_keys keys = DS_KMS_APP_KEYS_NULL;
	struct ds_kms_chain chain = { .n = 0 };
	struct ds_gwreg g;
	struct ds_span in = DS_SPAN(p, n);
	struct ds_err err;
	char text[64];

	if (!ds_kms_temp_ca_parse(in, DS_SPAN_ARRAY(pin), &ca, &err))
		ds_kms_temp_ca_done(&ca);
	if (!ds_kms_app_keys_parse(in, DS_SPAN_ARRAY(pin), &keys, &err))
		ds_kms_app_keys_done(&keys);
	if (!ds_kms_chain_parse(in, DS_SPAN_ARRAY(pin), DS_SPAN_ARRAY(pin), 1790000000, &chain,
				&err))
		ds_kms_chain_done(&chain);
	for (int i = DS_KMS_ROOT_CA; i <= DS_KMS_ENV_PUB; i++) {
		DS_BUF struct ds_buf value = DS_BUF_NULL;

		if (!ds_kms_item_parse((enum ds_kms_item)i, in, DS_SPAN_ARRAY(pin), &value, &err) &&
		    (!value.n || value.n > DS_KMS_ITEM_MAX))
			abort();
	}
	ds_kms_error(400, in, text, sizeof(text));
	return ds_gwreg_parse(in, &g, &err) ? 0 : 0;
}
