// SPDX-License-Identifier: Apache-2.0
/* Key and evidence of this KMS. */
#include "self.h"

#include <ds/base/limits.h>
#include <ds/base/log.h>
#include <ds/base/text.h>
#include <ds/net/client.h>
#include <ds/net/kms.h>
#include <ds/net/prpc.h>
#include <ds/x509/cert.h>

#define DOM "kms"

int kms_attest_request(const uint8_t report_data[64], struct ds_buf *ret)
{
	char hex[129];

	return ds_buf_addf(ret, "{\"report_data\":\"%s\"}", ds_hex_encode(report_data, 64, hex));
}

int kms_attest_reply(int status, struct ds_span body, const uint8_t report_data[64],
		     struct ds_attestation *ret, struct ds_err *err)
{
	DS_ATTESTATION struct ds_attestation att = DS_ATTESTATION_NULL;
	DS_BUF struct ds_buf blob = DS_BUF_NULL;
	DS_JSON json_t *o = NULL;
	char why[120];

	if (status != 200)
		return ds_err_set(err, -EPERM, DOM, 0, "Attest refused: %s",
				  ds_kms_error(status, body, why, sizeof(why)));
	o = json_loadb((const char *)body.p, body.n, JSON_REJECT_DUPLICATES, NULL);
	if (!json_is_object(o))
		return ds_err_set(err, -EBADMSG, DOM, 0, "Attest: the reply is no JSON object");
	DS_TRY(ds_json_hex(o, "attestation", DS_MAX_ATTESTATION, &blob, err));
	DS_TRY(ds_attestation_decode(ds_buf_span(&blob), &att, err));
	if (memcmp(att.report_data, report_data, 64))
		return ds_err_set(err, -EBADMSG, DOM, 0, "Attest: evidence for other report data");
	*ret = att;
	att = DS_ATTESTATION_NULL;
	return 0;
}

static int ask_agent(const char *socket, struct kms_self *self, struct ds_err *err)
{
	DS_BUF struct ds_buf url = DS_BUF_NULL, ask = DS_BUF_NULL, body = DS_BUF_NULL;
	struct ds_client_cfg cfg = { 0 };
	uint8_t report_data[64];
	int status = 0;

	DS_TRY(ds_ratls_report_data(DS_SPAN_ARRAY(self->spki), report_data));
	DS_TRY(kms_attest_request(report_data, &ask));
	DS_TRY(ds_buf_addf(&url, "unix:%s:/Attest", socket));
	if (!ds_buf_cstr(&url))
		return -ENOMEM;
	DS_TRY(ds_call(&cfg, (const char *)url.p, ds_buf_span(&ask), &body, &status, err));
	DS_TRY(kms_attest_reply(status, ds_buf_span(&body), report_data, &self->att, err));
	DS_TRY(ds_attestation_encode(&self->att, DS_ATTESTATION_STRIPPED, &self->stripped));
	self->attested = true;
	return 0;
}

int kms_self_make(const struct kms_conf *conf, struct kms_self *ret, struct ds_err *err)
{
	struct kms_self self = { .att = DS_ATTESTATION_NULL };
	int r = ds_p256_generate(&self.key);

	if (!r)
		r = ds_p256_spki(self.key, self.spki);
	if (!r && conf->agent)
		r = ask_agent(conf->agent, &self, err);
	if (r) {
		kms_self_done(&self);
		return r;
	}
	*ret = self;
	return 0;
}

void kms_self_done(struct kms_self *self)
{
	self->key = ds_p256_free(self->key);
	ds_attestation_done(&self->att);
	ds_buf_done(&self->stripped);
	*self = (struct kms_self){ .att = DS_ATTESTATION_NULL };
}
