// SPDX-License-Identifier: Apache-2.0
/* The PCK certificate chain inside the quote: checks 7-13 and 17 of spec/dcap 7. */
#include <openssl/objects.h>
#include <openssl/x509v3.h>

#include <ds/crypto/ossl.h>

#include "priv.h"

#define CN_ROOT	     "Intel SGX Root CA"
#define CN_PLATFORM  "Intel SGX PCK Platform CA"
#define CN_PROCESSOR "Intel SGX PCK Processor CA"
#define CN_PCK	     "Intel SGX PCK Certificate"
#define OID_SGX	     "1.2.840.113741.1.13.1" /* spec/dcap 3.2 */

enum { LEAF, CA, ROOT };

static int check_format(struct ds_judge *j)
{
	int r;

	if (j->q.cert_type != DS_QUOTE_CERT_PCK_CHAIN)
		return ds_verdict_fail(
			j->v, DS_REASON_CERT_DATA_UNSUPPORTED,
			"certification data type: expected 5 (PCK chain), got %u; ask the "
			"platform for a quote that carries its chain",
			j->q.cert_type);
	r = ds_acerts_from_pem(j->q.cert_data, j->pck, DS_PCK_CHAIN_LEN);
	if (r == -EBADMSG)
		return ds_verdict_fail(j->v, DS_REASON_PCK_CHAIN_FORMAT,
				       "expected exactly three PEM certificates in %zu bytes",
				       j->q.cert_data.n);
	return r;
}

/* Names are a security check: every PCK in the world chains to the same root. */
static int check_names(struct ds_judge *j)
{
	if (!ds_cert_cn_is(j->pck[LEAF].x, CN_PCK))
		return ds_verdict_fail(j->v, DS_REASON_PCK_NAME, "leaf is not \"" CN_PCK "\"");
	if (!ds_cert_cn_is(j->pck[CA].x, CN_PLATFORM) && !ds_cert_cn_is(j->pck[CA].x, CN_PROCESSOR))
		return ds_verdict_fail(j->v, DS_REASON_PCK_NAME,
				       "CA is neither \"" CN_PLATFORM "\" nor \"" CN_PROCESSOR
				       "\"");
	if (!ds_cert_cn_is(j->pck[ROOT].x, CN_ROOT))
		return ds_verdict_fail(j->v, DS_REASON_PCK_NAME, "root is not \"" CN_ROOT "\"");
	if (!ds_cert_issued_by_name(j->pck[LEAF].x, j->pck[CA].x))
		return ds_verdict_fail(j->v, DS_REASON_PCK_CHAIN_ORDER,
				       "issuer of the PCK is not the CA in the chain");
	if (!ds_cert_issued_by_name(j->pck[CA].x, j->pck[ROOT].x))
		return ds_verdict_fail(j->v, DS_REASON_PCK_CHAIN_ORDER,
				       "issuer of the PCK CA is not the root in the chain");
	return 0;
}

static int check_roles(struct ds_judge *j)
{
	X509 *ca = j->pck[CA].x;
	uint8_t xy[64];

	if (!ds_cert_has_ext_flag(ca, EXFLAG_BCONS | EXFLAG_CA | EXFLAG_KUSAGE) ||
	    !(X509_get_key_usage(ca) & KU_KEY_CERT_SIGN))
		return ds_verdict_fail(j->v, DS_REASON_PCK_CHAIN_CA,
				       "PCK CA may not sign certificates");
	if (X509_get_pathlen(ca) != 0)
		return ds_verdict_fail(j->v, DS_REASON_PCK_CHAIN_CA,
				       "path length of the PCK CA: expected 0, got %ld",
				       X509_get_pathlen(ca));
	if (ds_cert_has_ext_flag(j->pck[LEAF].x, EXFLAG_CA))
		return ds_verdict_fail(j->v, DS_REASON_PCK_CHAIN_CA, "PCK says it is a CA");
	if (ds_cert_xy(j->pck[LEAF].x, xy))
		return ds_verdict_fail(j->v, DS_REASON_PCK_CHAIN_CA, "PCK key is not on P-256");
	return 0;
}

static int check_signatures(struct ds_judge *j)
{
	if (!ds_cert_signed_by(j->pck[CA].x, j->pck[ROOT].x))
		return ds_verdict_fail(j->v, DS_REASON_PCK_CHAIN_SIGNATURE,
				       "PCK CA is not signed by the root");
	if (!ds_cert_signed_by(j->pck[LEAF].x, j->pck[CA].x))
		return ds_verdict_fail(j->v, DS_REASON_PCK_CHAIN_SIGNATURE,
				       "PCK is not signed by the PCK CA");
	return 0;
}

int ds_check_pck_chain(struct ds_judge *j)
{
	DS_TRY(check_format(j));
	DS_TRY(ds_check_root(j, &j->pck[ROOT]));
	ds_verdict_pass(j->v, "root", "root is %s",
			j->v->custom_root ? "the one given" : "the pinned Intel SGX Root CA");
	DS_TRY(check_names(j));
	DS_TRY(check_roles(j));
	DS_TRY(check_signatures(j));
	ds_verdict_pass(j->v, "pck-chain", "PCK, %s CA, root: names, roles, signatures",
			ds_cert_cn_is(j->pck[CA].x, CN_PLATFORM) ? "Platform" : "Processor");
	DS_TRY(ds_check_cert_time(j, j->pck[ROOT].x, "root certificate"));
	DS_TRY(ds_check_cert_time(j, j->pck[CA].x, "PCK CA certificate"));
	DS_TRY(ds_check_cert_time(j, j->pck[LEAF].x, "PCK certificate"));
	ds_verdict_pass(j->v, "dates", "certificates are in date");
	return 0;
}

/* The value of the one SGX extension, borrowed from x. */
static int sgx_extension(const X509 *x, struct ds_span *ret)
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

int ds_check_pck_ext(struct ds_judge *j)
{
	struct ds_err err = DS_ERR_NULL;
	struct ds_span value;
	bool platform;
	int r;

	r = sgx_extension(j->pck[LEAF].x, &value);
	if (r == -EBADMSG)
		return ds_verdict_fail(j->v, DS_REASON_PCK_EXT,
				       "PCK has no SGX extension, or more than one");
	if (r)
		return r;
	if (ds_pck_ext_parse(value, &j->ext, &err))
		return ds_verdict_fail(j->v, DS_REASON_PCK_EXT, "SGX extension: %s", err.msg);
	platform = ds_cert_cn_is(j->pck[CA].x, CN_PLATFORM);
	if (j->ext.platform != platform)
		return ds_verdict_fail(j->v, DS_REASON_PCK_EXT,
				       "SGX extension has %s items under the %s CA",
				       j->ext.platform ? "platform" : "processor",
				       platform ? "Platform" : "Processor");
	memcpy(j->v->ppid, j->ext.ppid, sizeof(j->v->ppid));
	memcpy(j->v->fmspc, j->ext.fmspc, sizeof(j->v->fmspc));
	memcpy(j->v->instance, j->ext.instance, sizeof(j->v->instance));
	j->v->has_platform = true;
	ds_verdict_pass(j->v, "pck-ext", "SGX extension is complete");
	return 0;
}
