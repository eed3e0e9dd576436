// SPDX-License-Identifier: Apache-2.0
/* Reasons, status words and the making of verdicts, see ds/attest/verdict.h. */
#include <stdarg.h>

#include <ds/attest/verdict.h>
#include <ds/base/text.h>

static const char *const reason_names[] = {
#define NAME(id, name) name,
	DS_REASONS(NAME)
#undef NAME
};

static const char *const tcb_names[DS_TCB_COUNT] = {
	[DS_TCB_UP_TO_DATE] = "UpToDate",
	[DS_TCB_SW_HARDENING] = "SWHardeningNeeded",
	[DS_TCB_CONFIG] = "ConfigurationNeeded",
	[DS_TCB_CONFIG_SW_HARDENING] = "ConfigurationAndSWHardeningNeeded",
	[DS_TCB_RELAUNCH] = "TDRelaunchAdvised",
	[DS_TCB_RELAUNCH_CONFIG] = "TDRelaunchAdvisedConfigurationNeeded",
	[DS_TCB_OUT_OF_DATE] = "OutOfDate",
	[DS_TCB_OUT_OF_DATE_CONFIG] = "OutOfDateConfigurationNeeded",
	[DS_TCB_REVOKED] = "Revoked",
};

const struct ds_tcb_policy ds_tcb_policy_default = {
	.tcb_status = 1u << DS_TCB_UP_TO_DATE,
	.td_attr_allowed = DS_TD_ATTR_LASS | DS_TD_ATTR_SEPT_VE | DS_TD_ATTR_PKS |
			   DS_TD_ATTR_PERFMON,
	.td_attr_required = DS_TD_ATTR_SEPT_VE,
	.snp = {
		.policy_allowed = DS_SNP_POLICY_ABI | DS_SNP_POLICY_SMT | DS_SNP_POLICY_ONE |
				  DS_SNP_POLICY_SINGLE_SOCKET | DS_SNP_POLICY_CXL |
				  DS_SNP_POLICY_AES_256_XTS | DS_SNP_POLICY_RAPL_DIS |
				  DS_SNP_POLICY_CIPHERTEXT | DS_SNP_POLICY_PAGE_SWAP_DIS,
		.policy_required = DS_SNP_POLICY_ONE,
		.products = (1u << DS_SNP_PRODUCTS) - 1,
	},
};

const char *ds_tee_name(enum ds_tee tee)
{
	return tee == DS_TEE_SNP ? "snp" : "tdx";
}

const char *ds_reason_name(enum ds_reason reason)
{
	return (size_t)reason < DS_REASON_COUNT ? reason_names[reason] : "internal";
}

const char *ds_tcb_status_name(enum ds_tcb_status status)
{
	return (size_t)status < DS_TCB_COUNT ? tcb_names[status] : "";
}

int ds_tcb_status_parse(struct ds_span word, enum ds_tcb_status *ret)
{
	for (size_t i = 0; i < DS_TCB_COUNT; i++) {
		if (ds_span_eq(word, DS_SPAN_STR(tcb_names[i]))) {
			*ret = (enum ds_tcb_status)i;
			return 0;
		}
	}
	return -ENOENT;
}

void ds_verdict_init(struct ds_verdict *v)
{
	memset(v, 0, sizeof(*v));
	v->reason = DS_REASON_INTERNAL;
}

/* A full table drops the text of later checks, never their effect on the verdict. */
static void record(struct ds_verdict *v, const char *name, bool ok, const char *text)
{
	struct ds_check *c;

	if (v->n_checks == DS_VERDICT_CHECKS)
		return;
	c = &v->checks[v->n_checks++];
	c->name = name;
	c->ok = ok;
	ds_escape(DS_SPAN_STR(text), c->text, sizeof(c->text));
}

void ds_verdict_pass(struct ds_verdict *v, const char *name, const char *fmt, ...)
{
	char text[256];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	record(v, name, true, text);
}

static int fail(struct ds_verdict *v, enum ds_reason reason, const char *expected,
		const char *actual, const char *text)
{
	record(v, ds_reason_name(reason), false, text);
	if (v->reason == DS_REASON_NONE || v->reason == DS_REASON_INTERNAL) {
		v->reason = reason;
		ds_escape(DS_SPAN_STR(text), v->detail, sizeof(v->detail));
		ds_escape(DS_SPAN_STR(expected), v->expected, sizeof(v->expected));
		ds_escape(DS_SPAN_STR(actual), v->actual, sizeof(v->actual));
	}
	v->accepted = false;
	return DS_ATTEST_REFUSED;
}

int ds_verdict_fail(struct ds_verdict *v, enum ds_reason reason, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return fail(v, reason, "", "", text);
}

int ds_verdict_fail_text(struct ds_verdict *v, enum ds_reason reason, const char *what,
			 const char *expected, const char *actual)
{
	char text[512];

	(void)snprintf(text, sizeof(text), "%s: expected %s, got %s", what, expected, actual);
	return fail(v, reason, expected, actual, text);
}

/* Hex cut to what the fields of a verdict hold. */
static void hex_cut(struct ds_span s, char out[200])
{
	ds_hex_encode(s.p, s.n < 96 ? s.n : 96, out);
}

int ds_verdict_fail_hex(struct ds_verdict *v, enum ds_reason reason, const char *what,
			struct ds_span expected, struct ds_span actual)
{
	char e[200], a[200], text[512];

	hex_cut(expected, e);
	hex_cut(actual, a);
	(void)snprintf(text, sizeof(text), "%s: expected %.24s%s, got %.24s%s", what, e,
		       expected.n > 12 ? "..." : "", a, actual.n > 12 ? "..." : "");
	return fail(v, reason, e, a, text);
}

void ds_verdict_accept(struct ds_verdict *v)
{
	if (v->reason != DS_REASON_INTERNAL || !v->n_checks)
		return;
	v->reason = DS_REASON_NONE;
	v->accepted = true;
}

int ds_verdict_dates(struct ds_verdict *v, const char *what, int64_t from, int64_t to,
		     enum ds_reason early, enum ds_reason late)
{
	bool is_early = v->time < from;
	char now[DS_TIME_SIZE], edge[DS_TIME_SIZE], text[160];

	if (!is_early && v->time <= to) {
		ds_verdict_until(v, to);
		return 0;
	}
	ds_time_format_rfc3339(v->time, now);
	ds_time_format_rfc3339(is_early ? from : to, edge);
	(void)snprintf(text, sizeof(text), "%s: %s %s, judged at %s", what,
		       is_early ? "good only from" : "ended", edge, now);
	return fail(v, is_early ? early : late, edge, now, text);
}

void ds_verdict_until(struct ds_verdict *v, int64_t t)
{
	if (!v->expires || t < v->expires)
		v->expires = t;
}
