// SPDX-License-Identifier: Apache-2.0
/* A SEV-SNP report judged from its first byte to the policy, in the order of spec/dcap 9.3. */
#include <openssl/x509v3.h>

#include <ds/crypto/ossl.h>
#include <ds/crypto/p384.h>

#include "snp.h"

static enum ds_reason fault_reason(enum ds_snp_fault fault)
{
	static const enum ds_reason reasons[] = {
		[DS_SNP_OK] = DS_REASON_INTERNAL,
		[DS_SNP_F_LENGTH] = DS_REASON_SNP_LENGTH,
		[DS_SNP_F_VERSION] = DS_REASON_SNP_VERSION,
		[DS_SNP_F_SIG_ALGO] = DS_REASON_SNP_SIG_ALGO,
		[DS_SNP_F_SIGNING_KEY] = DS_REASON_SNP_SIGNING_KEY,
		[DS_SNP_F_RESERVED] = DS_REASON_SNP_RESERVED,
	};

	return (size_t)fault < DS_ARRAY_SIZE(reasons) ? reasons[fault] : DS_REASON_INTERNAL;
}

/* Rows 1 and 2. */
static int check_parse(struct ds_snp_judge *j, struct ds_span report)
{
	struct ds_err err = DS_ERR_NULL;
	enum ds_snp_fault fault;

	if (ds_snp_report_parse(report, &j->report, &fault, &err))
		return ds_verdict_fail(j->v, fault_reason(fault), "byte 0x%zx: %s", err.offset,
				       err.msg);
	j->v->has_snp = true;
	j->v->snp = j->report.body;
	ds_verdict_pass(j->v, "report", "report version %u, signed by a %s", j->report.body.version,
			j->report.body.signing_key == DS_SNP_KEY_VLEK ? "VLEK" : "VCEK");
	return 0;
}

/* Row 7. */
static int check_signing_key(struct ds_snp_judge *j)
{
	bool vlek = j->report.body.signing_key == DS_SNP_KEY_VLEK;

	if (vlek != j->vlek)
		return ds_verdict_fail_text(j->v, DS_REASON_SNP_SIGNING_KEY,
					    "signing key of the report and kind of certificate",
					    vlek ? "VLEK" : "VCEK", j->vlek ? "VLEK" : "VCEK");
	return 0;
}

/* 72 bytes little-endian to 48 bytes big-endian; false if it does not fit. */
static bool scalar(struct ds_span le, uint8_t out[DS_P384_RS_SIZE / 2])
{
	const size_t n = DS_P384_RS_SIZE / 2;

	for (size_t i = n; i < le.n; i++)
		if (le.p[i])
			return false;
	for (size_t i = 0; i < n; i++)
		out[i] = le.p[n - 1 - i];
	return true;
}

/* Row 8. */
static int check_signature(struct ds_snp_judge *j)
{
	uint8_t rs[DS_P384_RS_SIZE];
	unsigned char *der = NULL;
	int n = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(j->vek.x), &der), r = 0;
	struct ds_span spki = DS_SPAN(der, n > 0 ? (size_t)n : 0);

	if (!ds_p384_is_spki(spki))
		r = ds_verdict_fail(j->v, DS_REASON_SNP_KEY_TYPE,
				    "key of the VCEK or VLEK: expected one on P-384");
	else if (!scalar(j->report.r, rs) || !scalar(j->report.s, rs + sizeof(rs) / 2))
		r = ds_verdict_fail(j->v, DS_REASON_SNP_SIGNATURE,
				    "R or S of the signature is longer than 48 bytes");
	if (!r) {
		r = ds_p384_verify_raw(spki, j->report.signed_part, rs);
		if (r == -EKEYREJECTED || r == -EBADMSG)
			r = ds_verdict_fail(j->v, DS_REASON_SNP_SIGNATURE,
					    "report is not signed by the key of its certificate");
	}
	OPENSSL_free(der);
	if (!r)
		ds_verdict_pass(j->v, "signature", "report is signed by the %s",
				j->vlek ? "VLEK" : "VCEK");
	return r;
}

/* The levels that go into the product's TCB version. */
static unsigned int spl_set(enum ds_snp_product product)
{
	unsigned int set = 1u << DS_AMD_SPL_BOOT_LOADER | 1u << DS_AMD_SPL_TEE |
			   1u << DS_AMD_SPL_SNP | 1u << DS_AMD_SPL_MICROCODE;

	return product == DS_SNP_TURIN ? set | 1u << DS_AMD_SPL_FMC : set;
}

/* What of a complete certificate is missing; NULL: nothing. */
static const char *missing(const struct ds_snp_judge *j)
{
	size_t hwid_len = j->product == DS_SNP_TURIN ? 8 : 64;
	unsigned int want = spl_set(j->product), fmc = 1u << DS_AMD_SPL_FMC;

	if (!j->ext.has_version)
		return "structure version";
	if (!j->ext.product[0])
		return "product name";
	if (want & ~(unsigned int)j->ext.has_spl)
		return "security patch level";
	if (!(want & fmc) && j->ext.has_spl & fmc)
		return "right set of security patch levels";
	if (!j->vlek && j->ext.hwid_len != hwid_len)
		return "hardware id of the product's length";
	if (j->vlek && !j->ext.csp_id[0])
		return "CSP id";
	return NULL;
}

/* Row 9, first half. */
static int check_ext(struct ds_snp_judge *j)
{
	const STACK_OF(X509_EXTENSION) *exts = X509_get0_extensions(j->vek.x);
	struct ds_err err = DS_ERR_NULL;
	unsigned char *der = NULL;
	const char *what;
	int n = exts ? i2d_X509_EXTENSIONS(exts, &der) : 0, r;

	r = ds_amd_ext_parse(DS_SPAN(der, n > 0 ? (size_t)n : 0), &j->ext, &err);
	OPENSSL_free(der);
	if (r)
		return ds_verdict_fail(j->v, DS_REASON_SNP_EXT, "extensions: %s", err.msg);
	what = missing(j);
	if (what)
		return ds_verdict_fail(j->v, DS_REASON_SNP_EXT, "the %s has no %s",
				       j->vlek ? "VLEK" : "VCEK", what);
	return 0;
}

/* Row 9, second half: certificate, ARK and processor speak of one product. */
static int check_product(struct ds_snp_judge *j)
{
	const struct ds_snp_body *b = &j->report.body;
	const char *name = j->ext.product, *want = ds_snp_product_name(j->product);
	enum ds_snp_product of_cpu;
	char cpu[32];

	if (!ds_span_eq(DS_SPAN(name, strcspn(name, "-")), DS_SPAN_STR(want)))
		return ds_verdict_fail_text(j->v, DS_REASON_SNP_PRODUCT,
					    "product of the ARK and of the certificate", want,
					    name);
	if (!b->has_cpuid)
		return 0;
	(void)snprintf(cpu, sizeof(cpu), "family 0x%02x model 0x%02x", b->cpuid_family,
		       b->cpuid_model);
	if (ds_snp_product_from_cpuid(b->cpuid_family, b->cpuid_model, &of_cpu) ||
	    of_cpu != j->product)
		return ds_verdict_fail_text(j->v, DS_REASON_SNP_PRODUCT,
					    "product of the certificate and CPUID of the report",
					    want, cpu);
	return 0;
}

static int tcb_differs(struct ds_snp_judge *j, const char *what, unsigned int cert,
		       unsigned int report)
{
	char e[16], a[16], text[64];

	if (cert == report)
		return 0;
	(void)snprintf(e, sizeof(e), "%u", cert);
	(void)snprintf(a, sizeof(a), "%u", report);
	(void)snprintf(text, sizeof(text), "%s of the certificate and of the reported TCB", what);
	return ds_verdict_fail_text(j->v, DS_REASON_SNP_TCB_MISMATCH, text, e, a);
}

/* Row 10: the certificate is for the reported TCB, level by level. */
static int check_tcb_match(struct ds_snp_judge *j)
{
	const struct ds_amd_ext *e = &j->ext;
	struct ds_snp_tcb t;

	ds_snp_tcb_read(j->report.body.reported_tcb, j->product, &t);
	if (t.has_fmc)
		DS_TRY(tcb_differs(j, "FMC level", e->spl[DS_AMD_SPL_FMC], t.fmc));
	DS_TRY(tcb_differs(j, "boot loader level", e->spl[DS_AMD_SPL_BOOT_LOADER], t.boot_loader));
	DS_TRY(tcb_differs(j, "TEE level", e->spl[DS_AMD_SPL_TEE], t.tee));
	DS_TRY(tcb_differs(j, "SNP level", e->spl[DS_AMD_SPL_SNP], t.snp));
	DS_TRY(tcb_differs(j, "microcode level", e->spl[DS_AMD_SPL_MICROCODE], t.microcode));
	for (unsigned int i = DS_AMD_SPL_4; i <= DS_AMD_SPL_7; i++)
		DS_TRY(tcb_differs(j, "spare level", e->spl[i], t.spare[i]));
	ds_verdict_pass(j->v, "tcb", "the certificate is for the reported TCB");
	return 0;
}

/* Row 11: a VCEK belongs to one chip. */
static int check_chip(struct ds_snp_judge *j)
{
	const struct ds_snp_body *b = &j->report.body;
	uint8_t want[DS_SNP_CHIP_ID] = { 0 };

	if (j->vlek) {
		ds_verdict_pass(j->v, "chip-id", "a VLEK names a provider, not a chip: %s",
				j->ext.csp_id);
		return 0;
	}
	if (b->mask_chip_key)
		return ds_verdict_fail(j->v, DS_REASON_SNP_CHIP_ID,
				       "MASK_CHIP_KEY is set, so a VCEK cannot have signed");
	memcpy(want, j->ext.hwid, j->ext.hwid_len);
	if (memcmp(want, b->chip_id, sizeof(want)))
		return ds_verdict_fail_hex(j->v, DS_REASON_SNP_CHIP_ID,
					   "hardware id of the VCEK and chip id of the report",
					   DS_SPAN_ARRAY(want), DS_SPAN_ARRAY(b->chip_id));
	ds_verdict_pass(j->v, "chip-id", "the VCEK is that of the chip");
	return 0;
}

static int judge(struct ds_snp_judge *j, struct ds_span report, const struct ds_snp_certs *certs,
		 size_t n_certs, struct ds_span crl)
{
	DS_TRY(check_parse(j, report));
	for (size_t i = 0; i < n_certs; i++)
		if (certs[i].in.n)
			DS_TRY(ds_snp_certs_add(j, &certs[i]));
	DS_TRY(ds_snp_check_chain(j));
	DS_TRY(ds_snp_check_crl(j, crl));
	DS_TRY(check_signing_key(j));
	DS_TRY(check_signature(j));
	DS_TRY(check_ext(j));
	DS_TRY(check_product(j));
	ds_verdict_pass(j->v, "product", "%s: ARK, certificate%s", j->ext.product,
			j->report.body.has_cpuid ? ", CPUID" : "");
	j->v->has_snp_cert = true;
	j->v->snp_product = j->product;
	j->v->snp_ext = j->ext;
	DS_TRY(check_tcb_match(j));
	DS_TRY(check_chip(j));
	return ds_snp_check_policy(j);
}

static void judge_done(struct ds_snp_judge *j)
{
	ds_buf_done(&j->root_der);
	ds_acert_done(&j->vek);
	ds_acert_done(&j->ask);
	ds_acert_done(&j->asvk);
	ds_acert_done(&j->ark);
	X509_CRL_free(j->crl);
	(void)ds_ossl_err(NULL, 0, "attest", "");
}

int ds_judge_snp(struct ds_span report, const struct ds_snp_certs *certs, size_t n_certs,
		 struct ds_span crl, const struct ds_verify_opts *opts, struct ds_verdict *v)
{
	struct ds_snp_judge j = {
		.policy = opts->policy ? opts->policy : &ds_tcb_policy_default,
		.v = v,
	};
	int r = 0;

	ds_verdict_init(v);
	v->tee = DS_TEE_SNP;
	v->time = opts->time;
	v->custom_root = opts->root_ca.n > 0;
	if (opts->root_ca.n)
		r = ds_root_load(opts->root_ca, &j.root_der);
	if (r == -EBADMSG)
		r = ds_verdict_fail(v, DS_REASON_SNP_ROOT_UNTRUSTED,
				    "the root CA given is not one certificate in PEM or DER");
	if (!r)
		r = judge(&j, report, certs, n_certs, crl);
	judge_done(&j);
	return r;
}

int ds_attest_snp(const struct ds_snp_evidence *in, const struct ds_verify_opts *opts,
		  struct ds_verdict *ret)
{
	const struct ds_snp_certs certs[] = { { in->vek, "VCEK or VLEK", false },
					      { in->chain, "chain", false } };
	int r = ds_judge_snp(in->report, certs, DS_ARRAY_SIZE(certs), in->crl, opts, ret);

	if (r < 0)
		return r;
	if (!r)
		ds_verdict_accept(ret);
	return 0;
}
