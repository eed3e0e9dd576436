// SPDX-License-Identifier: Apache-2.0
/* The quoting enclave in software: bundle in, quotes out (spec/dcap.md 1.1 to 1.6, 10). */
#include "pki_int.h"
#include "pki_tdreport.h"

#include <ds/base/rd.h>
#include <ds/crypto/hash.h>
#include <ds/crypto/ossl.h>
#include <ds/crypto/pem.h>

#define DOMAIN	       "emul-qe"
#define CERT_MAX       4096u
#define TEE_TYPE_TDX   0x81u
#define KEY_TYPE_P256  2u
#define BODY_TYPE_15   3u /* TD 1.5, v5 only */
#define BODY_SIZE_15   648u
#define QE_REPORT_SIZE 384u
#define QE_AUTH_SIZE   32u
#define CERT_TYPE_QE   6u /* QE report certification data, the outer one */
#define CERT_TYPE_PEM  5u /* PCK chain */

static const uint8_t vendor_intel[16] = { 0x93, 0x9a, 0x72, 0x33, 0xf7, 0x9c, 0x4c, 0xa9,
					  0x94, 0x0a, 0x0d, 0xb3, 0x95, 0x7f, 0x06, 0x07 };
static const uint8_t qe_attributes[16] = { 0x15, 0, 0, 0, 0, 0, 0, 0, 0xe7 };

struct ds_emul_qe {
	struct ds_p256 *attest;
	struct ds_buf chain; /* PEM: PCK, PCK CA, root */
	uint8_t id[16];
	uint8_t attest_xy[DS_P256_XY_SIZE];
	uint8_t auth[QE_AUTH_SIZE];
	uint8_t report[QE_REPORT_SIZE];
	uint8_t report_sig[64];
};

/* The next PEM block must be a private key. */
static int take_key(struct ds_rd *rd, const char *what, struct ds_p256 **ret, struct ds_err *err)
{
	const uint8_t *start = rd->p;
	struct ds_span label, body;
	int r = ds_pem_next(rd, &label, &body);

	if (r || !ds_span_eq(label, DS_SPAN_LIT("PRIVATE KEY")))
		return ds_err_set(err, -EBADMSG, DOMAIN, ds_rd_pos(rd),
				  "bundle: no PEM private key for the %s", what);
	return ds_p256_from_pem(DS_SPAN(start, (size_t)(rd->p - start)), ret, err);
}

/* The PCK certificate must be for this key; its hash names the enclave. */
static int check_leaf(struct ds_emul_qe *qe, struct ds_span der, const struct ds_p256 *pck,
		      struct ds_err *err)
{
	uint8_t want[DS_P256_SPKI_SIZE], hash[DS_SHA256_SIZE];
	const unsigned char *p = der.p;
	X509 *x = d2i_X509(NULL, &p, (long)der.n);
	unsigned char *spki = NULL;
	int n = x ? i2d_X509_PUBKEY(X509_get_X509_PUBKEY(x), &spki) : -1;
	bool ours;

	DS_TRY(ds_p256_spki(pck, want));
	ours = n > 0 && ds_span_eq(DS_SPAN(spki, (size_t)n), DS_SPAN_ARRAY(want));
	OPENSSL_free(spki);
	X509_free(x);
	if (!ours)
		return ds_ossl_err(err, -EBADMSG, DOMAIN,
				   "bundle: the first key does not belong to the PCK certificate");
	DS_TRY(ds_sha256_1(der, hash));
	memcpy(qe->id, hash, sizeof(qe->id));
	return 0;
}

/* The rest of the bundle: exactly three certificates, kept as text. */
static int take_chain(struct ds_emul_qe *qe, struct ds_rd *rd, const struct ds_p256 *pck,
		      struct ds_err *err)
{
	struct ds_span text = DS_SPAN(rd->p, ds_rd_left(rd)), label, body;
	uint8_t der[CERT_MAX];
	size_t n_der = 0, n = 0;
	int r;

	while (!(r = ds_pem_next(rd, &label, &body))) {
		if (!ds_span_eq(label, DS_SPAN_LIT("CERTIFICATE")))
			return ds_err_set(err, -EBADMSG, DOMAIN, ds_rd_pos(rd),
					  "bundle: PEM block that is no certificate");
		if (ds_pem_decode(body, der, sizeof(der), &n_der))
			return ds_err_set(err, -EBADMSG, DOMAIN, ds_rd_pos(rd),
					  "bundle: certificate %zu", n + 1);
		if (!n++)
			DS_TRY(check_leaf(qe, DS_SPAN(der, n_der), pck, err));
	}
	if (r != DS_PEM_E_END || n != 3)
		return ds_err_set(err, -EBADMSG, DOMAIN, ds_rd_pos(rd),
				  "bundle: %zu certificates, expected 3", n);
	return ds_buf_add_span(&qe->chain, text);
}

/* The enclave report that binds the attestation key, signed by the PCK. */
static int make_report(struct ds_emul_qe *qe, const struct ds_p256 *pck)
{
	uint8_t *r = qe->report;
	struct ds_span bound[2];

	for (uint8_t i = 0; i < QE_AUTH_SIZE; i++)
		qe->auth[i] = i;
	DS_TRY(ds_p256_xy(qe->attest, qe->attest_xy));
	memcpy(r, pki_cpusvn, sizeof(pki_cpusvn));
	memcpy(r + 48, qe_attributes, sizeof(qe_attributes));
	DS_TRY(ds_sha256_1(DS_SPAN_LIT(PKI_QE_ENCLAVE_TEXT), r + 64));
	DS_TRY(ds_sha256_1(DS_SPAN_LIT(PKI_QE_SIGNER_TEXT), r + 128));
	ds_put_u16le(r + 256, PKI_QE_ISVPRODID);
	ds_put_u16le(r + 258, PKI_QE_ISVSVN);
	bound[0] = DS_SPAN_ARRAY(qe->attest_xy);
	bound[1] = DS_SPAN_ARRAY(qe->auth);
	DS_TRY(ds_sha256(bound, 2, r + 320));
	return pki_sign_raw(pck, DS_SPAN_ARRAY(qe->report), qe->report_sig);
}

int ds_emul_qe_load(struct ds_span bundle, struct ds_emul_qe **ret, struct ds_err *err)
{
	DS_EMUL_QE struct ds_emul_qe *qe = NULL;
	DS_P256 struct ds_p256 *pck = NULL;
	struct ds_rd rd = ds_rd_init(bundle);

	if (bundle.n > DS_EMUL_BUNDLE_MAX)
		return ds_err_set(err, -EFBIG, DOMAIN, 0, "bundle of %zu bytes, at most %u",
				  bundle.n, DS_EMUL_BUNDLE_MAX);
	qe = calloc(1, sizeof(*qe));
	if (!qe)
		return -ENOMEM;
	DS_TRY(take_key(&rd, "PCK", &pck, err));
	DS_TRY(take_key(&rd, "attestation key", &qe->attest, err));
	DS_TRY(take_chain(qe, &rd, pck, err));
	DS_TRY(make_report(qe, pck));
	*ret = qe;
	qe = NULL;
	return 0;
}

struct ds_emul_qe *ds_emul_qe_free(struct ds_emul_qe *qe)
{
	if (!qe)
		return NULL;
	qe->attest = ds_p256_free(qe->attest);
	ds_buf_done(&qe->chain);
	free(qe);
	return NULL;
}

static int add_header(const struct ds_emul_qe *qe, unsigned int version, struct ds_buf *buf)
{
	DS_TRY(ds_buf_add_u16le(buf, (uint16_t)version));
	DS_TRY(ds_buf_add_u16le(buf, KEY_TYPE_P256));
	DS_TRY(ds_buf_add_u32le(buf, TEE_TYPE_TDX));
	DS_TRY(ds_buf_add_u32le(buf, 0));
	DS_TRY(ds_buf_add_span(buf, DS_SPAN_ARRAY(vendor_intel)));
	DS_TRY(ds_buf_add_span(buf, DS_SPAN_ARRAY(qe->id)));
	DS_TRY(ds_buf_add_u32le(buf, 0));
	if (version == 4)
		return 0;
	DS_TRY(ds_buf_add_u16le(buf, BODY_TYPE_15));
	return ds_buf_add_u32le(buf, BODY_SIZE_15);
}

/* A report body is pieces of the TDREPORT in another order (spec/dcap.md 1.3 and 1.7). */
static int add_body(const uint8_t *tdr, unsigned int version, struct ds_buf *buf)
{
	static const struct {
		uint16_t off, size;
	} part[] = {
		{ TDR_TCB_SVN,
		  16 + 48 + 48 + 8 }, /* TEE_TCB_SVN, MRSEAM, MRSIGNERSEAM, SEAM attributes */
		{ TDR_TDINFO,
		  8 + 8 + 4 * 48 +
			  4 * 48 }, /* TDATTRIBUTES, XFAM, MRTD to MROWNERCONFIG, RTMR0-3 */
		{ TDR_REPORTDATA, 64 },
		{ TDR_TCB_SVN2, 16 }, /* the last two only in TD 1.5 bodies */
		{ TDR_SERVTD_HASH, 48 },
	};
	size_t n = DS_ARRAY_SIZE(part) - (version == 4 ? 2 : 0);

	for (size_t i = 0; i < n; i++)
		DS_TRY(ds_buf_add(buf, tdr + part[i].off, part[i].size));
	return 0;
}

static int add_signature(const struct ds_emul_qe *qe, struct ds_buf *buf)
{
	const uint32_t inner = 2 + 4 + (uint32_t)qe->chain.n;
	const uint32_t outer = QE_REPORT_SIZE + 64 + 2 + QE_AUTH_SIZE + inner;
	uint8_t rs[64];

	DS_TRY(pki_sign_raw(qe->attest, ds_buf_span(buf), rs));
	DS_TRY(ds_buf_add_u32le(buf, 64 + DS_P256_XY_SIZE + 2 + 4 + outer));
	DS_TRY(ds_buf_add_span(buf, DS_SPAN_ARRAY(rs)));
	DS_TRY(ds_buf_add_span(buf, DS_SPAN_ARRAY(qe->attest_xy)));
	DS_TRY(ds_buf_add_u16le(buf, CERT_TYPE_QE));
	DS_TRY(ds_buf_add_u32le(buf, outer));
	DS_TRY(ds_buf_add_span(buf, DS_SPAN_ARRAY(qe->report)));
	DS_TRY(ds_buf_add_span(buf, DS_SPAN_ARRAY(qe->report_sig)));
	DS_TRY(ds_buf_add_u16le(buf, QE_AUTH_SIZE));
	DS_TRY(ds_buf_add_span(buf, DS_SPAN_ARRAY(qe->auth)));
	DS_TRY(ds_buf_add_u16le(buf, CERT_TYPE_PEM));
	DS_TRY(ds_buf_add_u32le(buf, (uint32_t)qe->chain.n));
	return ds_buf_add_span(buf, ds_buf_span(&qe->chain));
}

int ds_emul_qe_quote(const struct ds_emul_qe *qe, struct ds_span tdreport, unsigned int version,
		     struct ds_buf *ret, struct ds_err *err)
{
	DS_BUF struct ds_buf buf = DS_BUF_NULL;

	if (version != 4 && version != 5)
		return ds_err_set(err, -EINVAL, DOMAIN, 0, "quote version %u, expected 4 or 5",
				  version);
	DS_TRY(pki_tdreport_check(tdreport, err));
	DS_TRY(add_header(qe, version, &buf));
	DS_TRY(add_body(tdreport.p, version, &buf));
	DS_TRY(add_signature(qe, &buf));
	*ret = ds_buf_steal(&buf);
	return 0;
}
