// SPDX-License-Identifier: Apache-2.0
/* A verdict for people (one line per check) and for programs (--json). */
#include "verify.h"

#include <ds/base/rd.h>
#include <ds/base/text.h>

void output_hex(json_t *obj, const char *key, const void *p, size_t n)
{
	char hex[2 * 256 + 1];

	json_object_set_new(obj, key, json_string(ds_hex_encode(p, n < 256 ? n : 256, hex)));
}

/* Field names of the specification; bytes in the order of the report. */
static json_t *report_json(const struct ds_verdict *v)
{
	const struct ds_td_body *b = &v->body;
	json_t *o = json_object();
	char key[8];

	json_object_set_new(o, "quote_version", json_integer(v->quote_version));
	output_hex(o, "tee_tcb_svn", b->tee_tcb_svn, sizeof(b->tee_tcb_svn));
	output_hex(o, "mr_seam", b->mr_seam, sizeof(b->mr_seam));
	output_hex(o, "mr_signer_seam", b->mr_signer_seam, sizeof(b->mr_signer_seam));
	output_hex(o, "seam_attributes", b->seam_attributes, sizeof(b->seam_attributes));
	output_hex(o, "td_attributes", b->td_attributes, sizeof(b->td_attributes));
	output_hex(o, "xfam", b->xfam, sizeof(b->xfam));
	output_hex(o, "mr_td", b->mr_td, sizeof(b->mr_td));
	output_hex(o, "mr_config_id", b->mr_config_id, sizeof(b->mr_config_id));
	output_hex(o, "mr_owner", b->mr_owner, sizeof(b->mr_owner));
	output_hex(o, "mr_owner_config", b->mr_owner_config, sizeof(b->mr_owner_config));
	for (unsigned int i = 0; i < 4; i++) {
		(void)snprintf(key, sizeof(key), "rt_mr%u", i);
		output_hex(o, key, b->rt_mr[i], sizeof(b->rt_mr[i]));
	}
	output_hex(o, "report_data", b->report_data, sizeof(b->report_data));
	if (b->has_svn2) {
		output_hex(o, "tee_tcb_svn2", b->tee_tcb_svn2, sizeof(b->tee_tcb_svn2));
		output_hex(o, "mr_service_td", b->mr_service_td, sizeof(b->mr_service_td));
	}
	return o;
}

static json_t *platform_json(const struct ds_verdict *v)
{
	json_t *o = json_object();

	output_hex(o, "ppid", v->ppid, sizeof(v->ppid));
	output_hex(o, "fmspc", v->fmspc, sizeof(v->fmspc));
	output_hex(o, "platform_instance_id", v->instance, sizeof(v->instance));
	return o;
}

static json_t *checks_json(const struct ds_verdict *v)
{
	json_t *arr = json_array();

	for (size_t i = 0; i < v->n_checks; i++)
		json_array_append_new(arr,
				      json_pack("{s:s, s:b, s:s}", "check", v->checks[i].name, "ok",
						v->checks[i].ok, "text", v->checks[i].text));
	return arr;
}

/* A vendor's name stands for a chain that was found to end in its root, never for a wish. */
static const char *root_name(const struct ds_verdict *v)
{
	if (v->custom_root)
		return "custom";
	for (size_t i = 0; i < v->n_checks; i++)
		if (v->checks[i].ok && !strcmp(v->checks[i].name, "root"))
			return v->tee == DS_TEE_SNP ? "amd" : "intel";
	return "none";
}

json_t *output_verdict_json(const struct ds_verdict *v)
{
	json_t *o = json_object(), *ids = json_array();
	char t[DS_TIME_SIZE];

	json_object_set_new(o, "verdict", json_string(v->accepted ? "accepted" : "refused"));
	json_object_set_new(o, "reason", json_string(ds_reason_name(v->reason)));
	json_object_set_new(o, "detail", json_string(v->detail));
	if (!v->accepted)
		explain_json(o, v);
	json_object_set_new(o, "tcb_status", json_string(v->tcb_status));
	for (size_t i = 0; i < v->n_advisories; i++)
		json_array_append_new(ids, json_string(v->advisories[i]));
	json_object_set_new(o, "advisory_ids", ids);
	json_object_set_new(o, "emulated", json_boolean(v->emulated));
	json_object_set_new(o, "tee", json_string(ds_tee_name(v->tee)));
	json_object_set_new(o, "revocation_checked", json_boolean(v->revocation_checked));
	json_object_set_new(o, "root", json_string(root_name(v)));
	json_object_set_new(o, "time", json_string(ds_time_format_rfc3339(v->time, t)));
	json_object_set_new(o, "expires",
			    v->accepted && v->expires
				    ? json_string(ds_time_format_rfc3339(v->expires, t))
				    : json_string(""));
	json_object_set_new(o, "tcb_evaluation", json_integer((json_int_t)v->tcb_evaluation));
	json_object_set_new(o, "qe_evaluation", json_integer((json_int_t)v->qe_evaluation));
	if (v->has_body)
		json_object_set_new(o, "report", report_json(v));
	if (v->has_platform)
		json_object_set_new(o, "platform", platform_json(v));
	if (v->has_snp)
		json_object_set_new(o, "report", output_snp_report(v));
	if (v->has_snp_cert)
		json_object_set_new(o, "platform", output_snp_platform(v));
	json_object_set_new(o, "checks", checks_json(v));
	return o;
}

static int print_json(const struct ds_verdict *v, json_t *extra)
{
	json_t *o = output_verdict_json(v);
	char *text;
	int r = -EIO;

	if (extra && json_object_update(o, extra))
		return -ENOMEM;
	text = json_dumps(o, JSON_INDENT(2));
	if (text && puts(text) >= 0)
		r = 0;
	free(text);
	json_decref(o);
	return r;
}

/* Names of the bits that are set (spec/dcap 1.8). */
static void print_attributes(const uint8_t td_attributes[8])
{
	static const struct {
		unsigned int bit;
		const char *name;
	} names[] = {
		{ 0, "DEBUG" },
		{ 4, "HGS_PLUS_PROF" },
		{ 5, "PERF_PROF" },
		{ 6, "PMT_PROF" },
		{ 16, "ICSSD" },
		{ 27, "LASS" },
		{ 28, "SEPT_VE_DISABLE" },
		{ 29, "MIGRATABLE" },
		{ 30, "PKS" },
		{ 31, "KL" },
		{ 62, "TPA" },
		{ 63, "PERFMON" },
	};
	uint64_t attr = ds_get_u64le(td_attributes);
	char text[256];
	size_t n;

	n = (size_t)snprintf(text, sizeof(text), "0x%016llx", (unsigned long long)attr);
	for (size_t i = 0; i < DS_ARRAY_SIZE(names); i++)
		if (attr >> names[i].bit & 1)
			n += (size_t)snprintf(text + n, sizeof(text) - n, " %s", names[i].name);
	output_field("", "td attributes", text);
}

static void print_text(const struct ds_verdict *v)
{
	char hex[2 * 48 + 1], t[DS_TIME_SIZE], label[16];

	for (size_t i = 0; i < v->n_checks; i++)
		output_field(v->checks[i].ok ? "ok" : "FAIL", v->checks[i].name, v->checks[i].text);
	if (v->has_body) {
		print_attributes(v->body.td_attributes);
		output_field("", "mr_td", ds_hex_encode(v->body.mr_td, 48, hex));
		for (unsigned int i = 0; i < 4; i++) {
			(void)snprintf(label, sizeof(label), "rt_mr%u", i);
			output_field("", label, ds_hex_encode(v->body.rt_mr[i], 48, hex));
		}
	}
	for (size_t i = 0; i < v->n_advisories; i++)
		output_field("", "advisory", v->advisories[i]);
	if (v->has_snp)
		output_snp_text(v);
	if (v->custom_root && !v->emulated)
		output_linef("note", "judged under a root that is not %s",
			     v->tee == DS_TEE_SNP ? "AMD's" : "Intel's");
	if (v->tee == DS_TEE_SNP && v->accepted && !v->revocation_checked)
		output_linef("note",
			     "no revocation list was given: if AMD has revoked the ASK or ASVK, nobody noticed");
	if (v->emulated)
		output_linef("note",
			     "EMULATED: this quote comes from the TDX emulator and protects nothing");
	if (!v->accepted)
		explain_print(v);
	if (v->accepted && v->expires)
		output_linef("accepted:", "TCB %s, good until %s%s", v->tcb_status,
			     ds_time_format_rfc3339(v->expires, t), v->emulated ? ", emulated" : "");
	else if (v->accepted)
		puts("accepted");
	else
		output_linef("refused:", "%s: %s", ds_reason_name(v->reason), v->detail);
}

int output_verdict(const struct options *o, struct ds_verdict *v, json_t *extra)
{
	int r = 0;

	v->time = o->time; /* nobody may have looked at the clock before it was refused */
	if (o->json)
		r = print_json(v, extra);
	else
		print_text(v);
	if (r || fflush(stdout)) {
		fprintf(stderr, "dstack-verify: standard output: %s\n", strerror(errno));
		return EXIT_USAGE;
	}
	return v->accepted ? EXIT_ACCEPTED : EXIT_REFUSED;
}
