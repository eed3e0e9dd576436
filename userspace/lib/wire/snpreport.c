// SPDX-License-Identifier: Apache-2.0
/* SEV-SNP attestation reports, see ds/wire/snpreport.h; offsets of spec/dcap 9.1. */
#include <ds/base/rd.h>
#include <ds/wire/snpreport.h>

#define DOMAIN		    "snp-report"
#define ALGO_ECDSA	    1u /* P-384 with SHA-384 */
#define FLAG_AUTHOR	    (1u << 0)
#define FLAG_MASK_CHIP	    (1u << 1)
#define FLAG_KEY_SHIFT	    2
#define FLAG_KEY_MASK	    7u
#define FLAGS_RESERVED	    (~0x1fu)
#define OFF_FLAGS	    0x48u
#define OFF_RESERVED	    0x4cu
#define OFF_CPUID	    0x188u
#define OFF_SIG		    DS_SNP_SIGNED_SIZE
#define OFF_TAIL	    0x330u
#define MIN_VERSION	    2u
#define MAX_VERSION	    5u
#define VERSION_CPUID	    3u
#define VERSION_MITIGATIONS 5u

_Static_assert(OFF_SIG + 2 * DS_SNP_SCALAR_SIZE == OFF_TAIL, "signature layout");

static const char *const products[DS_SNP_PRODUCTS] = { "Milan", "Genoa", "Turin" };

const char *ds_snp_product_name(enum ds_snp_product product)
{
	return (size_t)product < DS_SNP_PRODUCTS ? products[product] : "";
}

int ds_snp_product_parse(struct ds_span name, enum ds_snp_product *ret)
{
	for (size_t i = 0; i < DS_SNP_PRODUCTS; i++) {
		if (ds_span_eq(name, DS_SPAN_STR(products[i]))) {
			*ret = (enum ds_snp_product)i;
			return 0;
		}
	}
	return -ENOENT;
}

int ds_snp_product_from_cpuid(uint8_t family, uint8_t model, enum ds_snp_product *ret)
{
	static const struct {
		uint8_t family, from, to;
		enum ds_snp_product product;
	} rows[] = {
		{ 0x19, 0x00, 0x0f, DS_SNP_MILAN },
		{ 0x19, 0x10, 0x1f, DS_SNP_GENOA },
		{ 0x19, 0xa0, 0xaf, DS_SNP_GENOA },
		{ 0x1a, 0x00, 0x11, DS_SNP_TURIN },
	};

	for (size_t i = 0; i < DS_ARRAY_SIZE(rows); i++) {
		if (family == rows[i].family && model >= rows[i].from && model <= rows[i].to) {
			*ret = rows[i].product;
			return 0;
		}
	}
	return -ENOENT;
}

void ds_snp_tcb_read(const uint8_t raw[8], enum ds_snp_product product, struct ds_snp_tcb *ret)
{
	const uint8_t *p = raw;
	struct ds_snp_tcb t = { .has_fmc = product == DS_SNP_TURIN };

	t.microcode = raw[7];
	t.spare[5] = raw[4];
	t.spare[6] = raw[5];
	t.spare[7] = raw[6];
	if (t.has_fmc) {
		t.fmc = *p++;
		t.snp = raw[3];
	} else {
		t.spare[4] = raw[2];
		t.spare[5] = raw[3];
		t.spare[6] = raw[4];
		t.spare[7] = raw[5];
		t.snp = raw[6];
	}
	t.boot_loader = p[0];
	t.tee = p[1];
	*ret = t;
}

static int fault(enum ds_snp_fault *ret_fault, enum ds_snp_fault why, struct ds_err *err, size_t at,
		 const char *text, uint32_t got)
{
	*ret_fault = why;
	return ds_err_set(err, -EBADMSG, DOMAIN, at, "%s, got %u", text, got);
}

/* Flags, the word behind them, and all that lies outside the signed part and R, S. */
static int check_reserved(const uint8_t *p, enum ds_snp_fault *ret_fault, struct ds_err *err)
{
	uint32_t flags = ds_get_u32le(p + OFF_FLAGS), word = ds_get_u32le(p + OFF_RESERVED);

	if (flags & FLAGS_RESERVED)
		return fault(ret_fault, DS_SNP_F_RESERVED, err, OFF_FLAGS,
			     "flags: reserved bits must be zero", flags);
	if (word)
		return fault(ret_fault, DS_SNP_F_RESERVED, err, OFF_RESERVED,
			     "reserved word must be zero", word);
	for (size_t i = OFF_TAIL; i < DS_SNP_REPORT_SIZE; i++)
		if (p[i])
			return fault(ret_fault, DS_SNP_F_RESERVED, err, i,
				     "bytes behind the signature must be zero", p[i]);
	return 0;
}

static struct ds_snp_version read_version(const uint8_t p[3])
{
	return (struct ds_snp_version){ p[0], p[1], p[2] };
}

static void read_body(const uint8_t *p, struct ds_snp_body *b)
{
	uint32_t flags = ds_get_u32le(p + OFF_FLAGS);

	b->version = ds_get_u32le(p);
	b->guest_svn = ds_get_u32le(p + 4);
	b->policy = ds_get_u64le(p + 8);
	memcpy(b->family_id, p + 0x10, sizeof(b->family_id));
	memcpy(b->image_id, p + 0x20, sizeof(b->image_id));
	b->vmpl = ds_get_u32le(p + 0x30);
	b->sig_algo = ds_get_u32le(p + 0x34);
	memcpy(b->current_tcb, p + 0x38, sizeof(b->current_tcb));
	b->platform_info = ds_get_u64le(p + 0x40);
	b->author_key = flags & FLAG_AUTHOR;
	b->mask_chip_key = flags & FLAG_MASK_CHIP;
	b->signing_key = (enum ds_snp_key)(flags >> FLAG_KEY_SHIFT & FLAG_KEY_MASK);
	memcpy(b->report_data, p + 0x50, sizeof(b->report_data));
	memcpy(b->measurement, p + 0x90, sizeof(b->measurement));
	memcpy(b->host_data, p + 0xc0, sizeof(b->host_data));
	memcpy(b->id_key_digest, p + 0xe0, sizeof(b->id_key_digest));
	memcpy(b->author_key_digest, p + 0x110, sizeof(b->author_key_digest));
	memcpy(b->report_id, p + 0x140, sizeof(b->report_id));
	memcpy(b->report_id_ma, p + 0x160, sizeof(b->report_id_ma));
	memcpy(b->reported_tcb, p + 0x180, sizeof(b->reported_tcb));
	b->has_cpuid = b->version >= VERSION_CPUID;
	if (b->has_cpuid) {
		b->cpuid_family = p[OFF_CPUID];
		b->cpuid_model = p[OFF_CPUID + 1];
		b->cpuid_stepping = p[OFF_CPUID + 2];
	}
	memcpy(b->chip_id, p + 0x1a0, sizeof(b->chip_id));
	memcpy(b->committed_tcb, p + 0x1e0, sizeof(b->committed_tcb));
	b->current = read_version(p + 0x1e8);
	b->committed = read_version(p + 0x1ec);
	memcpy(b->launch_tcb, p + 0x1f0, sizeof(b->launch_tcb));
	b->has_mitigations = b->version >= VERSION_MITIGATIONS;
	if (b->has_mitigations) {
		b->launch_mitigations = ds_get_u64le(p + 0x1f8);
		b->current_mitigations = ds_get_u64le(p + 0x200);
	}
}

int ds_snp_report_parse(struct ds_span in, struct ds_snp_report *ret, enum ds_snp_fault *ret_fault,
			struct ds_err *err)
{
	struct ds_snp_report r = { 0 };

	*ret_fault = DS_SNP_OK;
	if (in.n != DS_SNP_REPORT_SIZE)
		return fault(ret_fault, DS_SNP_F_LENGTH, err, 0, "length: expected 1184 bytes",
			     (uint32_t)in.n);
	read_body(in.p, &r.body);
	if (r.body.version < MIN_VERSION || r.body.version > MAX_VERSION)
		return fault(ret_fault, DS_SNP_F_VERSION, err, 0, "version: expected 2 to 5",
			     r.body.version);
	if (r.body.sig_algo != ALGO_ECDSA)
		return fault(ret_fault, DS_SNP_F_SIG_ALGO, err, 0x34,
			     "signature algorithm: expected 1 (ECDSA P-384)", r.body.sig_algo);
	if (r.body.signing_key != DS_SNP_KEY_VCEK && r.body.signing_key != DS_SNP_KEY_VLEK)
		return fault(ret_fault, DS_SNP_F_SIGNING_KEY, err, OFF_FLAGS,
			     "signing key: expected 0 (VCEK) or 1 (VLEK)", r.body.signing_key);
	DS_TRY(check_reserved(in.p, ret_fault, err));
	r.signed_part = DS_SPAN(in.p, DS_SNP_SIGNED_SIZE);
	r.r = DS_SPAN(in.p + OFF_SIG, DS_SNP_SCALAR_SIZE);
	r.s = DS_SPAN(in.p + OFF_SIG + DS_SNP_SCALAR_SIZE, DS_SNP_SCALAR_SIZE);
	*ret = r;
	return 0;
}
