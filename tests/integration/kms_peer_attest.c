// SPDX-License-Identifier: Apache-2.0
/* Evidence of a guest, honest or spoiled in one named way, see kms_peer.c. */
#include "kms_peer.h"

#include <ds/attest/eventlog.h>
#include <ds/attest/kernel.h>
#include <ds/base/file.h>
#include <ds/base/rd.h>
#include <ds/crypto/p256.h>
#include <ds/base/text.h>
#include <ds/crypto/pem.h>
#include <ds/net/prpc.h>
#include <ds/wire/scale.h>
#include <ds/x509/cert.h>
#include <jansson.h>

static int add(struct ds_eventlog *log, const char *name, const void *payload, size_t n)
{
	return ds_eventlog_add(log, DS_EVENT_IMR, DS_EV_RUNTIME, NULL, name, DS_SPAN(payload, n),
			       NULL);
}

static int make_log(struct peer *p, struct ds_eventlog *log)
{
	DS_TRY(add(log, "system-preparing", "", 0));
	if (!spoiled(p, "no-app-id"))
		DS_TRY(add(log, "app-id", p->app,
			   spoiled(p, "short-app-id") ? 19 : sizeof(p->app)));
	DS_TRY(add(log, "compose-hash", p->compose, sizeof(p->compose)));
	DS_TRY(add(log, "instance-id", p->inst, p->inst_n));
	if (!spoiled(p, "no-boot-mr-done"))
		DS_TRY(add(log, "boot-mr-done", "", 0));
	return p->until_ready ? add(log, "system-ready", "", 0) : 0;
}

/* One INTEGER of a signature in DER, as the 32 bytes of a quote. */
static const uint8_t *integer(const uint8_t *p, uint8_t ret[32])
{
	size_t n = p[1], skip = n > 32 ? n - 32 : 0;

	memset(ret, 0, 32);
	memcpy(ret + 32 - (n - skip), p + 2 + skip, n - skip);
	return p + 2 + n;
}

/* The quoting enclave signs for machines with the emulator's mark only; its key can do without. */
static int take_mark(struct peer *p, struct ds_buf *quote)
{
	const size_t signed_n = 48 + 584, mr_seam = 48 + 16;
	DS_BUF struct ds_buf bundle = DS_BUF_NULL, der = DS_BUF_NULL;
	DS_P256 struct ds_p256 *key = NULL;
	struct ds_span label, body;
	const uint8_t *start;
	struct ds_rd rd;

	DS_TRY(ds_read_file(AT_FDCWD, p->bundle, DS_EMUL_BUNDLE_MAX, &bundle));
	rd = ds_rd_init(ds_buf_span(&bundle));
	DS_TRY(ds_pem_next(&rd, &label, &body)); /* the PCK's */
	start = rd.p;
	DS_TRY(ds_pem_next(&rd, &label, &body));
	DS_TRY(ds_p256_from_pem(DS_SPAN(start, (size_t)(rd.p - start)), &key, &err));
	memset(quote->p + mr_seam, 0x77, 48);
	DS_TRY(ds_p256_sign(key, DS_SPAN(quote->p, signed_n), &der));
	integer(integer(der.p + 2, quote->p + signed_n + 4), quote->p + signed_n + 36);
	return 0;
}

/* A quote of the machine, for the session; or one that is sound but of another app or session. */
static int make_quote(struct peer *p, struct ds_buf *ret)
{
	DS_EVENTLOG struct ds_eventlog log = DS_EVENTLOG_NULL;
	uint8_t report[DS_TDREPORT_SIZE];
	struct peer who = *p;

	if (spoiled(p, "other-log"))
		memset(who.app, 0x77, sizeof(who.app));
	if (spoiled(p, "other-quote"))
		memset(who.td.report_data, 0x77, sizeof(who.td.report_data));
	DS_TRY(make_log(&who, &log));
	DS_TRY(ds_eventlog_replay_rtmr3(&log, NULL, who.td.rt_mr[3], &err));
	DS_TRY(ds_emul_tdreport(&who.td, report));
	DS_TRY(ds_emul_qe_quote(p->qe, DS_SPAN_ARRAY(report), 4, ret, &err));
	return spoiled(p, "no-mark") ? take_mark(p, ret) : 0;
}

/* Evidence for p->td.report_data; the quote is over the log as it is, spoiling comes after. */
int attest_data(struct peer *p, struct ds_attestation *ret)
{
	DS_EVENTLOG struct ds_eventlog log = DS_EVENTLOG_NULL;
	DS_BUF struct ds_buf quote = DS_BUF_NULL;

	DS_TRY(make_log(p, &log));
	DS_TRY(make_quote(p, &quote));
	if (spoiled(p, "truncated-quote"))
		quote.n -= 1;
	if (spoiled(p, "half-quote"))
		quote.n /= 2;
	if (spoiled(p, "flipped-quote"))
		quote.p[200] ^= 1;
	if (spoiled(p, "edited-log"))
		log.ev[2].payload.p[0] ^= 1;
	if (spoiled(p, "extra-event"))
		DS_TRY(add(&log, "another", "x", 1));
	return ds_kernel_attestation(&quote, &log, p->td.report_data, DS_SPAN_STR(p->vm_config),
				     ret);
}

/* Evidence for key. */
int attest(struct peer *p, const struct ds_p256 *key, struct ds_attestation *ret)
{
	uint8_t spki[DS_P256_SPKI_SIZE];

	DS_TRY(ds_p256_spki(key, spki));
	DS_TRY(ds_ratls_report_data(DS_SPAN_ARRAY(spki), p->td.report_data));
	return attest_data(p, ret);
}

static json_t *event_json(const struct ds_event *ev)
{
	DS_BUF struct ds_buf payload = DS_BUF_NULL;

	if (ds_buf_add_hex(&payload, ds_buf_span(&ev->payload)))
		return NULL;
	return json_pack("{s:i,s:I,s:s,s:s,s:s}", "imr", (int)ev->imr, "event_type",
			 (json_int_t)ev->type, "digest", "", "event", ev->name, "event_payload",
			 payload.n ? ds_buf_cstr(&payload) : "");
}

static int add_log_json(const struct ds_eventlog *log, struct ds_buf *ret)
{
	DS_JSON json_t *list = json_array();
	DS_FREE char *text = NULL;

	for (size_t i = 0; i < log->n; i++)
		if (json_array_append_new(list, event_json(&log->ev[i])))
			return -ENOMEM;
	text = json_dumps(list, JSON_COMPACT);
	return text ? ds_scale_add_bytes(ret, DS_SPAN_STR(text)) : -ENOMEM;
}

int sign_cert_v1(const struct ds_csr *csr, const struct ds_p256 *key, const char *vm_config,
		 struct ds_buf *ret)
{
	DS_BUF struct ds_buf b = DS_BUF_NULL, sig = DS_BUF_NULL, hex = DS_BUF_NULL,
			     sig_hex = DS_BUF_NULL;
	DS_JSON json_t *o = NULL;
	DS_FREE char *text = NULL;

	DS_TRY(ds_scale_add_bytes(&b, DS_SPAN_LIT("please sign cert:")));
	DS_TRY(ds_scale_add_bytes(&b, ds_buf_span(&csr->spki)));
	DS_TRY(ds_scale_add_bool(&b, false)); /* no organisation */
	DS_TRY(ds_scale_add_bytes(&b, DS_SPAN_STR(csr->subject)));
	DS_TRY(ds_scale_add_compact(&b, csr->n_alt_names));
	for (size_t i = 0; i < csr->n_alt_names; i++)
		DS_TRY(ds_scale_add_bytes(&b, DS_SPAN_STR(csr->alt_names[i])));
	DS_TRY(ds_scale_add_bool(&b, csr->server_auth));
	DS_TRY(ds_scale_add_bool(&b, csr->client_auth));
	DS_TRY(ds_scale_add_bool(&b, csr->ext_quote));
	DS_TRY(ds_scale_add_bytes(&b, ds_buf_span(&csr->att.quote)));
	DS_TRY(add_log_json(&csr->att.log, &b));
	DS_TRY(ds_p256_sign(key, ds_buf_span(&b), &sig));
	DS_TRY(ds_buf_add_hex(&hex, ds_buf_span(&b)));
	DS_TRY(ds_buf_add_hex(&sig_hex, ds_buf_span(&sig)));
	o = json_pack("{s:i,s:s%,s:s%,s:s}", "api_version", 1, "csr", hex.p, hex.n, "signature",
		      sig_hex.p, sig_hex.n, "vm_config", vm_config);
	text = o ? json_dumps(o, JSON_COMPACT) : NULL;
	return text ? ds_buf_add(ret, text, strlen(text)) : -ENOMEM;
}
