// SPDX-License-Identifier: Apache-2.0
/* The PCK certificate chain inside the quote: checks 7-13 and 17 of spec/dcap 7. */
#include <openssl/objects.h>
#include <openssl/x509v3.h>

#include <ds/crypto/ossl.h>
#include <ds/crypto/p256.h>

#include "priv.h"

#define OID_SGX "1.2.840.113741.1.13.1" /* spec/dcap 3.2 */

enum { LEAF, CA, ROOT };

static int check_type(struct ds_judge *j)
{
	if (j->q.cert_type == DS_QUOTE_CERT_PCK_CHAIN)
		return 0;
	return ds_verdict_fail(j->v, DS_REASON_CERT_DATA_UNSUPPORTED,
			       "certification data type: expected 5 (PCK chain), got %u; ask the "
			       "platform for a quote that carries its chain",
			       j->q.cert_type);
}

static int check_format(struct ds_judge *j)
{
	int r = ds_acerts_from_pem(j->q.cert_data, j->plat->pck, DS_PCK_CHAIN_LEN);

	if (r == -EBADMSG)
		return ds_verdict_fail(j->v, DS_REASON_PCK_CHAIN_FORMAT,
				       "expected exactly three PEM certificates in %zu bytes",
				       j->q.cert_data.n);
	return r;
}

/* Names are a security check: every PCK in the world chains to the same root. */
static int check_names(struct ds_judge *j)
{
	if (!ds_cert_cn_is(j->plat->pck[LEAF].x, DS_CN_PCK))
		return ds_verdict_fail(j->v, DS_REASON_PCK_NAME, "leaf is not \"" DS_CN_PCK "\"");
	if (!ds_cert_cn_is(j->plat->pck[CA].x, DS_CN_PLATFORM) &&
	    !ds_cert_cn_is(j->plat->pck[CA].x, DS_CN_PROCESSOR))
		return ds_verdict_fail(j->v, DS_REASON_PCK_NAME,
				       "CA is neither \"" DS_CN_PLATFORM "\" nor \"" DS_CN_PROCESSOR
				       "\"");
	if (!ds_cert_cn_is(j->plat->pck[ROOT].x, DS_CN_ROOT))
		return ds_verdict_fail(j->v, DS_REASON_PCK_NAME, "root is not \"" DS_CN_ROOT "\"");
	if (!ds_cert_issued_by_name(j->plat->pck[LEAF].x, j->plat->pck[CA].x))
		return ds_verdict_fail(j->v, DS_REASON_PCK_CHAIN_ORDER,
				       "issuer of the PCK is not the CA in the chain");
	if (!ds_cert_issued_by_name(j->plat->pck[CA].x, j->plat->pck[ROOT].x))
		return ds_verdict_fail(j->v, DS_REASON_PCK_CHAIN_ORDER,
				       "issuer of the PCK CA is not the root in the chain");
	return 0;
}

static int check_roles(struct ds_judge *j)
{
	X509 *ca = j->plat->pck[CA].x;
	uint8_t xy[64];
	int r;

	if (!ds_cert_has_ext_flag(ca, EXFLAG_BCONS | EXFLAG_CA | EXFLAG_KUSAGE) ||
	    !(X509_get_key_usage(ca) & KU_KEY_CERT_SIGN))
		return ds_verdict_fail(j->v, DS_REASON_PCK_CHAIN_CA,
				       "PCK CA may not sign certificates");
	if (X509_get_pathlen(ca) != 0)
		return ds_verdict_fail(j->v, DS_REASON_PCK_CHAIN_CA,
				       "path length of the PCK CA: expected 0, got %ld",
				       X509_get_pathlen(ca));
	if (ds_cert_has_ext_flag(j->plat->pck[LEAF].x, EXFLAG_CA))
		return ds_verdict_fail(j->v, DS_REASON_PCK_CHAIN_CA, "PCK says it is a CA");
	r = ds_cert_xy(j->plat->pck[LEAF].x, xy);
	if (!r)
		r = ds_p256_pub_new(xy, &j->plat->key);
	if (r == -EBADMSG)
		return ds_verdict_fail(j->v, DS_REASON_PCK_CHAIN_CA, "PCK key is not on P-256");
	return r;
}

static int check_signatures(struct ds_judge *j)
{
	if (!ds_cert_signed_by(j->plat->pck[CA].x, j->plat->pck[ROOT].x))
		return ds_verdict_fail(j->v, DS_REASON_PCK_CHAIN_SIGNATURE,
				       "PCK CA is not signed by the root");
	if (!ds_cert_signed_by(j->plat->pck[LEAF].x, j->plat->pck[CA].x))
		return ds_verdict_fail(j->v, DS_REASON_PCK_CHAIN_SIGNATURE,
				       "PCK is not signed by the PCK CA");
	return 0;
}

/* Everything about the chain that no clock changes. */
static int prove(struct ds_judge *j)
{
	struct ds_platform *p = j->plat;

	DS_TRY(check_names(j));
	DS_TRY(check_roles(j));
	DS_TRY(check_signatures(j));
	DS_TRY(ds_read_cert_dates(j, &p->pck[ROOT], "root certificate"));
	DS_TRY(ds_read_cert_dates(j, &p->pck[CA], "PCK CA certificate"));
	DS_TRY(ds_read_cert_dates(j, &p->pck[LEAF], "PCK certificate"));
	p->processor = ds_cert_cn_is(p->pck[CA].x, DS_CN_PROCESSOR);
	p->chain_ok = true;
	return 0;
}

int ds_check_pck_chain(struct ds_judge *j)
{
	struct ds_platform *p = j->plat;

	DS_TRY(check_type(j));
	if (!p->chain_ok) {
		DS_TRY(check_format(j));
		DS_TRY(ds_check_root(j, &p->pck[ROOT]));
	}
	ds_verdict_pass(j->v, "root", "root is %s",
			j->v->custom_root ? "the one given" : "the pinned Intel SGX Root CA");
	if (!p->chain_ok)
		DS_TRY(prove(j));
	ds_verdict_pass(j->v, "pck-chain", "PCK, %s CA, root: names, roles, signatures",
			p->processor ? "Processor" : "Platform");
	DS_TRY(ds_check_cert_time(j, &p->pck[ROOT], "root certificate"));
	DS_TRY(ds_check_cert_time(j, &p->pck[CA], "PCK CA certificate"));
	DS_TRY(ds_check_cert_time(j, &p->pck[LEAF], "PCK certificate"));
	ds_verdict_pass(j->v, "dates", "certificates are in date");
	return 0;
}

int ds_pck_sgx_extension(const X509 *x, struct ds_span *ret)
{
	ASN1_OBJECT *oid = OBJ_txt2obj(OID_SGX, 1);
	const ASN1_OCTET_STRING *value;
	int i, again;

	if (!oid)
		return -ENOMEM;
	i = X509_get_ext_by_OBJ(x, oid, -1);
	again = i < 0 ? -1 : X509_get_ext_by_OBJ(x, oid, i);
	ASN1_OBJECT_free(oid);
	if (i < 0 || again >= 0)
		return -EBADMSG;
	value = X509_EXTENSION_get_data(X509_get_ext(x, i));
	*ret = DS_SPAN(ASN1_STRING_get0_data(value), (size_t)ASN1_STRING_length(value));
	return 0;
}

static int prove_ext(struct ds_judge *j)
{
	struct ds_err err = DS_ERR_NULL;
	struct ds_platform *p = j->plat;
	struct ds_span value;
	int r;

	r = ds_pck_sgx_extension(p->pck[LEAF].x, &value);
	if (r == -EBADMSG)
		return ds_verdict_fail(j->v, DS_REASON_PCK_EXT,
				       "PCK has no SGX extension, or more than one");
	if (r)
		return r;
	if (ds_pck_ext_parse(value, &p->ext, &err))
		return ds_verdict_fail(j->v, DS_REASON_PCK_EXT, "SGX extension: %s", err.msg);
	if (p->ext.platform == p->processor)
		return ds_verdict_fail(j->v, DS_REASON_PCK_EXT,
				       "SGX extension has %s items under the %s CA",
				       p->ext.platform ? "platform" : "processor",
				       p->processor ? "Processor" : "Platform");
	p->ext_ok = true;
	return 0;
}

int ds_check_pck_ext(struct ds_judge *j)
{
	const struct ds_pck_ext *ext = &j->plat->ext;

	if (!j->plat->ext_ok)
		DS_TRY(prove_ext(j));
	memcpy(j->v->ppid, ext->ppid, sizeof(j->v->ppid));
	memcpy(j->v->fmspc, ext->fmspc, sizeof(j->v->fmspc));
	memcpy(j->v->instance, ext->instance, sizeof(j->v->instance));
	j->v->has_platform = true;
	ds_verdict_pass(j->v, "pck-ext", "SGX extension is complete");
	return 0;
}
