// SPDX-License-Identifier: Apache-2.0
/* The test PKI as a whole, see ds/x509/pki.h. */
#include "pki_int.h"

#include <ds/base/text.h>

#define DAY	   INT64_C(86400)
#define ROOT_LIFE  (30 * 365 * DAY)
#define CA_LIFE	   (15 * 365 * DAY)
#define LEAF_LIFE  (7 * 365 * DAY)
#define STATUS_MAX 64u

static int new_pck(const struct ds_pki *pki, struct pki_entity *ret, struct ds_err *err)
{
	DS_BUF struct ds_buf ext = DS_BUF_NULL;
	struct pki_cert_spec pck = { .cn = "Intel SGX PCK Certificate",
				     .not_before = pki->not_before,
				     .not_after = pki->not_before + LEAF_LIFE };

	DS_TRY(pki_sgx_ext(pki, &ext));
	pck.sgx_ext = ds_buf_span(&ext);
	return pki_entity_new(&pck, &pki->ca, ret, err);
}

int ds_pki_next_platform(struct ds_pki *pki, struct ds_err *err)
{
	struct pki_entity pck = { 0 };

	if (pki->platform == UINT8_MAX)
		return ds_err_set(err, -ERANGE, PKI_DOMAIN, 0, "more than %u platforms", UINT8_MAX + 1u);
	pki->platform++;
	DS_TRY(new_pck(pki, &pck, err));
	pki_entity_done(&pki->pck);
	pki->pck = pck;
	return 0;
}

int ds_pki_new(const struct ds_pki_opts *opts, struct ds_pki **ret, struct ds_err *err)
{
	DS_PKI struct ds_pki *pki = calloc(1, sizeof(*pki));
	int64_t from = opts->not_before;
	struct pki_cert_spec root = { .cn = "Intel SGX Root CA",
				      .is_ca = true,
				      .pathlen = 1,
				      .not_before = from,
				      .not_after = from + ROOT_LIFE };
	struct pki_cert_spec ca = { .cn = opts->processor ? "Intel SGX PCK Processor CA"
							  : "Intel SGX PCK Platform CA",
				    .is_ca = true,
				    .pathlen = 0,
				    .not_before = from,
				    .not_after = from + CA_LIFE };
	struct pki_cert_spec signer = { .cn = "Intel SGX TCB Signing",
					.not_before = from,
					.not_after = from + LEAF_LIFE };

	if (!pki)
		return -ENOMEM;
	pki->processor = opts->processor;
	pki->not_before = from;
	memcpy(pki->fmspc, opts->fmspc, sizeof(pki->fmspc));
	DS_TRY(pki_entity_new(&root, NULL, &pki->root, err));
	DS_TRY(pki_entity_new(&ca, &pki->root, &pki->ca, err));
	DS_TRY(new_pck(pki, &pki->pck, err));
	DS_TRY(pki_entity_new(&signer, &pki->root, &pki->signer, err));
	DS_TRY(ds_p256_generate(&pki->attest));
	*ret = pki;
	pki = NULL;
	return 0;
}

struct ds_pki *ds_pki_free(struct ds_pki *pki)
{
	if (!pki)
		return NULL;
	pki_entity_done(&pki->root);
	pki_entity_done(&pki->ca);
	pki_entity_done(&pki->pck);
	pki_entity_done(&pki->signer);
	pki->attest = ds_p256_free(pki->attest);
	free(pki);
	return NULL;
}

int ds_pki_root_pem(const struct ds_pki *pki, struct ds_buf *buf)
{
	return pki_cert_pem(pki->root.cert, buf);
}

/* "name":"text", with the two escapes that our own texts need. */
static int add_text(struct ds_buf *buf, const char *name, struct ds_span text)
{
	DS_TRY(ds_buf_addf(buf, "\"%s\":\"", name));
	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] == '\n')
			DS_TRY(ds_buf_addf(buf, "\\n"));
		else if (text.p[i] == '"')
			DS_TRY(ds_buf_addf(buf, "\\\""));
		else
			DS_TRY(ds_buf_add_u8(buf, text.p[i]));
	}
	return ds_buf_addf(buf, "\"");
}

static int add_hex(struct ds_buf *buf, const char *name, struct ds_span bytes)
{
	DS_TRY(ds_buf_addf(buf, "\"%s\":\"", name));
	DS_TRY(ds_buf_add_hex(buf, bytes));
	return ds_buf_addf(buf, "\",");
}

static int add_chain(const struct ds_pki *pki, const struct pki_entity *leaf, const char *name,
		     struct ds_buf *buf)
{
	DS_BUF struct ds_buf pem = DS_BUF_NULL;

	DS_TRY(pki_cert_pem(leaf->cert, &pem));
	DS_TRY(pki_cert_pem(pki->root.cert, &pem));
	DS_TRY(add_text(buf, name, ds_buf_span(&pem)));
	return ds_buf_addf(buf, ",");
}

/* A signed document with its chain and signature: three fields. */
static int add_signed(const struct ds_pki *pki, const char *name, struct ds_span text,
		      struct ds_buf *buf)
{
	uint8_t rs[64];
	char field[64];

	snprintf(field, sizeof(field), "%s_issuer_chain", name);
	DS_TRY(add_chain(pki, &pki->signer, field, buf));
	DS_TRY(add_text(buf, name, text));
	DS_TRY(ds_buf_addf(buf, ","));
	DS_TRY(pki_sign_raw(pki->signer.key, text, rs));
	snprintf(field, sizeof(field), "%s_signature", name);
	return add_hex(buf, field, DS_SPAN_ARRAY(rs));
}

static int add_crls(const struct ds_pki *pki, const struct ds_pki_docs *docs, struct ds_buf *buf,
		    struct ds_err *err)
{
	DS_BUF struct ds_buf root = DS_BUF_NULL, pck = DS_BUF_NULL;
	const X509 *gone = docs->revoke_ca	 ? pki->ca.cert
			   : docs->revoke_signer ? pki->signer.cert
						 : NULL;

	DS_TRY(pki_crl(&pki->root, gone, docs->issued, docs->next_update, &root, err));
	DS_TRY(pki_crl(&pki->ca, docs->revoke_pck ? pki->pck.cert : NULL, docs->issued,
		       docs->next_update, &pck, err));
	DS_TRY(add_hex(buf, "root_ca_crl", ds_buf_span(&root)));
	return add_hex(buf, "pck_crl", ds_buf_span(&pck));
}

/* The words go into JSON as they are. */
static int check_status(const char *word, struct ds_err *err)
{
	size_t n = word ? strlen(word) : 1;

	if (!n || n > STATUS_MAX ||
	    (word && strspn(word, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz") != n))
		return ds_err_set(err, -EINVAL, PKI_DOMAIN, 0, "status '%s': 1 to %u letters", word,
				  STATUS_MAX);
	return 0;
}

int ds_pki_collateral(const struct ds_pki *pki, const struct ds_pki_docs *docs, struct ds_buf *ret,
		      struct ds_err *err)
{
	DS_BUF struct ds_buf buf = DS_BUF_NULL, tcb = DS_BUF_NULL, qe = DS_BUF_NULL;

	DS_TRY(check_status(docs->tcb_status, err));
	DS_TRY(check_status(docs->module_status, err));
	DS_TRY(check_status(docs->qe_status, err));
	if (docs->revoke_ca && docs->revoke_signer)
		return ds_err_set(err, -EINVAL, PKI_DOMAIN, 0,
				  "one revocation in the root list at a time");
	DS_TRY(pki_tcb_info(pki, docs, &tcb));
	DS_TRY(pki_qe_identity(docs, &qe));
	DS_TRY(ds_buf_addf(&buf, "{"));
	DS_TRY(add_chain(pki, &pki->ca, "pck_crl_issuer_chain", &buf));
	DS_TRY(add_crls(pki, docs, &buf, err));
	DS_TRY(add_signed(pki, "tcb_info", ds_buf_span(&tcb), &buf));
	DS_TRY(add_signed(pki, "qe_identity", ds_buf_span(&qe), &buf));
	buf.n--; /* the last comma */
	DS_TRY(ds_buf_addf(&buf, "}\n"));
	return ds_buf_add_span(ret, ds_buf_span(&buf));
}

int ds_pki_bundle(const struct ds_pki *pki, struct ds_secret **ret)
{
	DS_SECRET struct ds_secret *pck = NULL, *attest = NULL, *all = NULL;
	DS_BUF struct ds_buf chain = DS_BUF_NULL;

	DS_TRY(ds_p256_pkcs8_pem(pki->pck.key, &pck));
	DS_TRY(ds_p256_pkcs8_pem(pki->attest, &attest));
	DS_TRY(pki_cert_pem(pki->pck.cert, &chain));
	DS_TRY(pki_cert_pem(pki->ca.cert, &chain));
	DS_TRY(pki_cert_pem(pki->root.cert, &chain));
	all = ds_secret_new(pck->n + attest->n + chain.n);
	if (!all)
		return -ENOMEM;
	memcpy(all->p, pck->p, pck->n);
	memcpy(all->p + pck->n, attest->p, attest->n);
	memcpy(all->p + pck->n + attest->n, chain.p, chain.n);
	*ret = all;
	all = NULL;
	return 0;
}
