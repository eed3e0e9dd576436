// SPDX-License-Identifier: Apache-2.0
/* The attestation blob: dispatch and the SCALE form V0, see ds/wire/attestation.h. */
#include <ds/wire/attestation.h>

#include <ds/base/limits.h>
#include <ds/wire/scale.h>

#include "attestation_v1.h"

#define DOMAIN	     "attestation"
#define V0	     0x00
#define KIND_TDX     0x00
#define KIND_SNP     0x03
#define EV_ACPI	     10u /* EV_PLATFORM_CONFIG_FLAGS, as firmware logs ACPI tables */
#define ACPI_PAYLOAD DS_SPAN_LIT("ACPI DATA")

/* Index of the quote enumeration, spec/guest-api 9. */
static const char *const kinds[] = { "TDX", "GCP TDX", "Nitro Enclave", "SEV-SNP", "AWS NitroTPM" };

void ds_attestation_done(struct ds_attestation *att)
{
	ds_buf_done(&att->quote);
	ds_eventlog_done(&att->log);
	ds_eventlog_done(&att->runtime_events);
	ds_buf_done(&att->config);
	for (size_t i = 0; i < DS_ATTESTATION_MAX_CERTS; i++)
		ds_buf_done(&att->cert[i]);
	ds_buf_done(&att->mr_config);
	*att = DS_ATTESTATION_NULL;
}

int ds_attestation_take_runtime(struct ds_attestation *att)
{
	for (size_t i = 0; i < att->log.n; i++) {
		const struct ds_event *ev = &att->log.ev[i];
		struct ds_event *copy;

		if (ev->imr != DS_EVENT_IMR || ev->type != DS_EV_RUNTIME)
			continue;
		DS_TRY(ds_eventlog_add(&att->runtime_events, ev->imr, ev->type, NULL, ev->name,
				       ds_buf_span(&ev->payload), &copy));
		copy->version = ev->version;
		DS_TRY(ds_buf_add_span(&copy->preimage, ds_buf_span(&ev->preimage)));
	}
	return 0;
}

static bool is_acpi(const struct ds_event *ev)
{
	return ev->imr == 0 && ev->type == EV_ACPI &&
	       ds_span_eq(ds_buf_span(&ev->payload), ACPI_PAYLOAD);
}

static bool kept(const struct ds_event *ev, enum ds_attestation_form form)
{
	return form == DS_ATTESTATION_FULL || ev->imr == DS_EVENT_IMR || is_acpi(ev);
}

static int encode_event(const struct ds_event *ev, enum ds_attestation_form form,
			struct ds_buf *buf)
{
	bool strip = form == DS_ATTESTATION_STRIPPED && !is_acpi(ev);
	bool runtime = ev->type == DS_EV_RUNTIME;
	struct ds_span digest = DS_SPAN_NULL, payload = ds_buf_span(&ev->payload);

	/* what is recomputed loses its digest, what is not loses its payload */
	if (ev->has_digest && !(strip && runtime))
		digest = DS_SPAN_ARRAY(ev->digest);
	if (strip && !runtime)
		payload = DS_SPAN_NULL;
	DS_TRY(ds_buf_add_u32le(buf, ev->imr));
	DS_TRY(ds_buf_add_u32le(buf, ev->type));
	DS_TRY(ds_scale_add_bytes(buf, digest));
	DS_TRY(ds_scale_add_bytes(buf, DS_SPAN_STR(ev->name)));
	return ds_scale_add_bytes(buf, payload);
}

static int encode_log(const struct ds_eventlog *log, enum ds_attestation_form form,
		      struct ds_buf *buf)
{
	size_t n = 0;

	for (size_t i = 0; i < log->n; i++)
		n += kept(&log->ev[i], form);
	DS_TRY(ds_scale_add_compact(buf, n));
	for (size_t i = 0; i < log->n; i++)
		if (kept(&log->ev[i], form))
			DS_TRY(encode_event(&log->ev[i], form, buf));
	return 0;
}

static int encode_runtime(const struct ds_eventlog *log, struct ds_buf *buf)
{
	DS_TRY(ds_scale_add_compact(buf, log->n));
	for (size_t i = 0; i < log->n; i++) {
		DS_TRY(ds_scale_add_bytes(buf, DS_SPAN_STR(log->ev[i].name)));
		DS_TRY(ds_scale_add_bytes(buf, ds_buf_span(&log->ev[i].payload)));
	}
	return 0;
}

static bool has_version_2(const struct ds_eventlog *log)
{
	for (size_t i = 0; i < log->n; i++)
		if (log->ev[i].version > 1)
			return true;
	return false;
}

static int encode_snp(const struct ds_attestation *att, struct ds_buf *buf)
{
	DS_TRY(ds_buf_add_u8(buf, KIND_SNP));
	DS_TRY(ds_scale_add_bytes(buf, ds_buf_span(&att->quote)));
	DS_TRY(ds_scale_add_compact(buf, att->n_cert));
	for (size_t i = 0; i < att->n_cert; i++)
		DS_TRY(ds_scale_add_bytes(buf, ds_buf_span(&att->cert[i])));
	return ds_scale_add_bytes(buf, ds_buf_span(&att->mr_config));
}

static int encode_tdx(const struct ds_attestation *att, enum ds_attestation_form form,
		      struct ds_buf *buf)
{
	DS_TRY(ds_buf_add_u8(buf, KIND_TDX));
	DS_TRY(ds_scale_add_bytes(buf, ds_buf_span(&att->quote)));
	return encode_log(&att->log, form, buf);
}

int ds_attestation_encode(const struct ds_attestation *att, enum ds_attestation_form form,
			  struct ds_buf *buf)
{
	DS_BUF struct ds_buf out = DS_BUF_NULL;

	if (has_version_2(&att->log) || has_version_2(&att->runtime_events))
		return -EOPNOTSUPP;
	DS_TRY(ds_buf_add_u8(&out, V0));
	if (att->kind == DS_ATTESTATION_SNP)
		DS_TRY(encode_snp(att, &out));
	else
		DS_TRY(encode_tdx(att, form, &out));
	DS_TRY(encode_runtime(&att->runtime_events, &out));
	DS_TRY(ds_buf_add(&out, att->report_data, sizeof(att->report_data)));
	DS_TRY(ds_scale_add_bytes(&out, ds_buf_span(&att->config)));
	if (out.n > DS_MAX_ATTESTATION)
		return -EFBIG;
	return ds_buf_add_span(buf, ds_buf_span(&out));
}

/* Name and payload of one event into the log. */
static int add_event(struct ds_eventlog *log, uint32_t imr, uint32_t type, struct ds_span digest,
		     struct ds_span name, struct ds_span payload)
{
	char text[DS_MAX_EVENT_NAME + 1] = "";

	if (!ds_utf8_ok(name))
		return -EBADMSG;
	if (name.n)
		memcpy(text, name.p, name.n); /* bounded by the reader */
	return ds_eventlog_add(log, imr, type, digest.n ? digest.p : NULL, text, payload, NULL);
}

static int decode_event(struct ds_rd *rd, struct ds_eventlog *log)
{
	struct ds_span head, digest, name, payload;

	DS_TRY(ds_rd_span(rd, 4 + 4, &head)); /* imr, type */
	DS_TRY(ds_scale_rd_bytes(rd, 48, &digest));
	DS_TRY(ds_scale_rd_bytes(rd, DS_MAX_EVENT_NAME, &name));
	DS_TRY(ds_scale_rd_bytes(rd, DS_MAX_EVENT_LOG, &payload));
	if (digest.n && digest.n != 48)
		return -EBADMSG;
	return add_event(log, ds_get_u32le(head.p), ds_get_u32le(head.p + 4), digest, name,
			 payload);
}

static int decode_runtime_event(struct ds_rd *rd, struct ds_eventlog *log)
{
	struct ds_span name, payload;

	DS_TRY(ds_scale_rd_bytes(rd, DS_MAX_EVENT_NAME, &name));
	DS_TRY(ds_scale_rd_bytes(rd, DS_MAX_EVENT_LOG, &payload));
	return add_event(log, DS_EVENT_IMR, DS_EV_RUNTIME, DS_SPAN_NULL, name, payload);
}

static int decode_list(struct ds_rd *rd, int (*one)(struct ds_rd *, struct ds_eventlog *),
		       struct ds_eventlog *log)
{
	size_t n;

	DS_TRY(ds_scale_rd_compact(rd, &n));
	if (n > DS_MAX_EVENTS)
		return -EFBIG;
	for (size_t i = 0; i < n; i++)
		DS_TRY(one(rd, log));
	return 0;
}

static int copy_bytes(struct ds_rd *rd, size_t max, struct ds_buf *ret)
{
	struct ds_span s;

	DS_TRY(ds_scale_rd_bytes(rd, max, &s));
	return ds_buf_add_span(ret, s);
}

static int decode_config(struct ds_rd *rd, struct ds_buf *ret)
{
	DS_TRY(copy_bytes(rd, DS_MAX_SYS_CONFIG, ret));
	return ds_utf8_ok(ds_buf_span(ret)) ? 0 : -EBADMSG;
}

static int decode_certs(struct ds_rd *rd, struct ds_attestation *att)
{
	DS_TRY(ds_scale_rd_compact(rd, &att->n_cert));
	if (att->n_cert > DS_ATTESTATION_MAX_CERTS) {
		att->n_cert = 0;
		return -EFBIG;
	}
	for (size_t i = 0; i < att->n_cert; i++)
		DS_TRY(copy_bytes(rd, DS_ATTESTATION_MAX_CERT, &att->cert[i]));
	return 0;
}

static int decode_snp(struct ds_rd *rd, struct ds_attestation *att, const char **part)
{
	*part = "report";
	DS_TRY(copy_bytes(rd, DS_ATTESTATION_MAX_REPORT, &att->quote));
	*part = "certificates";
	DS_TRY(decode_certs(rd, att));
	*part = "mr_config";
	return decode_config(rd, &att->mr_config);
}

static int decode_tdx(struct ds_rd *rd, struct ds_attestation *att, const char **part)
{
	*part = "quote";
	DS_TRY(copy_bytes(rd, DS_MAX_QUOTE, &att->quote));
	*part = "event log";
	return decode_list(rd, decode_event, &att->log);
}

/* *part: what was being read when it failed; the cursor says where. */
static int decode_v0_parts(struct ds_rd *rd, struct ds_attestation *att, const char **part)
{
	if (att->kind == DS_ATTESTATION_SNP)
		DS_TRY(decode_snp(rd, att, part));
	else
		DS_TRY(decode_tdx(rd, att, part));
	*part = "runtime events";
	DS_TRY(decode_list(rd, decode_runtime_event, &att->runtime_events));
	*part = "report data";
	DS_TRY(ds_rd_copy(rd, att->report_data, sizeof(att->report_data)));
	*part = "config";
	DS_TRY(decode_config(rd, &att->config));
	*part = "end";
	return ds_rd_end(rd);
}

static int decode_v0(struct ds_rd *rd, struct ds_attestation *att, struct ds_err *err)
{
	const char *part = "platform";
	uint8_t kind;
	int r = ds_rd_u8(rd, &kind);

	att->kind = !r && kind == KIND_SNP ? DS_ATTESTATION_SNP : DS_ATTESTATION_TDX;
	if (!r && kind != KIND_TDX && kind != KIND_SNP)
		return ds_err_set(err, kind < DS_ARRAY_SIZE(kinds) ? -EOPNOTSUPP : -EBADMSG, DOMAIN,
				  1, "platform %u (%s), expected 0 (TDX) or 3 (SEV-SNP)", kind,
				  kind < DS_ARRAY_SIZE(kinds) ? kinds[kind] : "unknown");
	if (!r)
		r = decode_v0_parts(rd, att, &part);
	if (r == -EBADMSG || r == -EFBIG)
		return ds_err_set(err, r, DOMAIN, ds_rd_pos(rd), "%s: %s", part,
				  r == -EFBIG		 ? "too large"
				  : !strcmp(part, "end") ? "bytes follow"
							 : "malformed or cut short");
	return r;
}

int ds_attestation_decode(struct ds_span in, struct ds_attestation *ret, struct ds_err *err)
{
	DS_ATTESTATION struct ds_attestation att = DS_ATTESTATION_NULL;
	struct ds_rd rd = ds_rd_init(in);
	uint8_t first;

	if (in.n > DS_MAX_ATTESTATION)
		return ds_err_set(err, -EFBIG, DOMAIN, 0, "%zu bytes, at most %u", in.n,
				  DS_MAX_ATTESTATION);
	if (!in.n)
		return ds_err_set(err, -EBADMSG, DOMAIN, 0, "empty");
	first = in.p[0];
	if (first == V0) {
		rd.p++;
		DS_TRY(decode_v0(&rd, &att, err));
	} else if ((first & 0xf0) == 0x80 || first == 0xde || first == 0xdf) {
		DS_TRY(ds_attestation_decode_v1(&rd, &att, err));
	} else {
		return ds_err_set(err, -EBADMSG, DOMAIN, 0,
				  "first byte %02x, expected 00 (V0) or a MessagePack map (V1)",
				  first);
	}
	*ret = att;
	att = DS_ATTESTATION_NULL;
	return 0;
}
