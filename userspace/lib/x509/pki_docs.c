// SPDX-License-Identifier: Apache-2.0
/* TCB info v3 and QE identity v2 of the pretended platform (spec/dcap.md 4.4, 4.5). */
#include "pki_int.h"

#include <ds/base/text.h>
#include <ds/crypto/hash.h>

#define ZERO_MR                                                                                    \
	"000000000000000000000000000000000000000000000000"                                         \
	"000000000000000000000000000000000000000000000000"
#define TCB_DATE "2026-01-01T00:00:00Z"
#define ADVISORY "DSTACK-EMUL-00001"
#define EVAL_NUM 1
#define MODULE_ID                                                                                  \
	"\"mrsigner\":\"" ZERO_MR                                                                  \
	"\",\"attributes\":\"0000000000000000\",\"attributesMask\":\"FFFFFFFFFFFFFFFF\""

static const char *or_good(const char *status)
{
	return status ? status : "UpToDate";
}

static int add_dates(struct ds_buf *buf, const struct ds_pki_docs *docs)
{
	char from[DS_TIME_SIZE], to[DS_TIME_SIZE];

	return ds_buf_addf(buf, "\"issueDate\":\"%s\",\"nextUpdate\":\"%s\"",
			   ds_time_format_rfc3339(docs->issued, from),
			   ds_time_format_rfc3339(docs->next_update, to));
}

/* Closes the level that the caller opened with its "tcb" object. */
static int add_status(struct ds_buf *buf, const char *status)
{
	DS_TRY(ds_buf_addf(buf, ",\"tcbDate\":\"%s\",\"tcbStatus\":\"%s\"", TCB_DATE, status));
	if (strcmp(status, "UpToDate"))
		DS_TRY(ds_buf_addf(buf, ",\"advisoryIDs\":[\"%s\"]", ADVISORY));
	return ds_buf_addf(buf, "}");
}

static int add_components(struct ds_buf *buf, const char *name, const uint8_t svn[16])
{
	DS_TRY(ds_buf_addf(buf, "\"%s\":[", name));
	for (int i = 0; i < 16; i++)
		DS_TRY(ds_buf_addf(buf, "%s{\"svn\":%u}", i ? "," : "", svn[i]));
	return ds_buf_addf(buf, "]");
}

/* above: how far components 0 (SGX) and 2 (TDX) lie above the pretended platform. */
static int add_platform_level(struct ds_buf *buf, int above, const char *status)
{
	uint8_t sgx[16], tdx[16] = { PKI_MOD_SVN, 0, (uint8_t)((int)PKI_TDX_SVN + above) };

	memcpy(sgx, pki_cpusvn, sizeof(sgx));
	sgx[0] = (uint8_t)(sgx[0] + above);
	DS_TRY(ds_buf_addf(buf, "{\"tcb\":{"));
	DS_TRY(add_components(buf, "sgxtcbcomponents", sgx));
	DS_TRY(ds_buf_addf(buf, ",\"pcesvn\":%u,", PKI_PCESVN));
	DS_TRY(add_components(buf, "tdxtcbcomponents", tdx));
	DS_TRY(ds_buf_addf(buf, "}"));
	return add_status(buf, status);
}

/*
 * Descending isvsvn levels around the one that the emulator meets. A status other than UpToDate for
 * that one means that a better level exists, as in real documents.
 */
static int add_svn_levels(struct ds_buf *buf, unsigned int svn, const char *status)
{
	const char *word = or_good(status);

	DS_TRY(ds_buf_addf(buf, "\"tcbLevels\":["));
	if (strcmp(word, "UpToDate")) {
		DS_TRY(ds_buf_addf(buf, "{\"tcb\":{\"isvsvn\":%u}", svn + 1));
		DS_TRY(add_status(buf, "UpToDate"));
		DS_TRY(ds_buf_addf(buf, ","));
	}
	DS_TRY(ds_buf_addf(buf, "{\"tcb\":{\"isvsvn\":%u}", svn));
	DS_TRY(add_status(buf, word));
	DS_TRY(ds_buf_addf(buf, ",{\"tcb\":{\"isvsvn\":%u}", svn - 1));
	DS_TRY(add_status(buf, "OutOfDate"));
	return ds_buf_addf(buf, "]");
}

int pki_tcb_info(const struct ds_pki *pki, const struct ds_pki_docs *docs, struct ds_buf *buf)
{
	const char *word = or_good(docs->tcb_status);

	DS_TRY(ds_buf_addf(buf, "{\"id\":\"TDX\",\"version\":3,"));
	DS_TRY(add_dates(buf, docs));
	DS_TRY(ds_buf_addf(buf, ",\"fmspc\":\""));
	DS_TRY(ds_buf_add_hex(buf, DS_SPAN_ARRAY(pki->fmspc)));
	DS_TRY(ds_buf_addf(buf,
			   "\",\"pceId\":\"0000\",\"tcbType\":0,\"tcbEvaluationDataNumber\":%d,",
			   EVAL_NUM));
	DS_TRY(ds_buf_addf(buf, "\"tdxModule\":{%s},", MODULE_ID));
	DS_TRY(ds_buf_addf(buf, "\"tdxModuleIdentities\":[{\"id\":\"TDX_01\",%s,", MODULE_ID));
	DS_TRY(add_svn_levels(buf, PKI_MOD_SVN, docs->module_status));
	DS_TRY(ds_buf_addf(buf, "}],\"tcbLevels\":["));
	if (strcmp(word, "UpToDate")) {
		DS_TRY(add_platform_level(buf, 1, "UpToDate"));
		DS_TRY(ds_buf_addf(buf, ","));
	}
	DS_TRY(add_platform_level(buf, 0, word));
	DS_TRY(ds_buf_addf(buf, ","));
	DS_TRY(add_platform_level(buf, -1, "OutOfDate"));
	return ds_buf_addf(buf, "]}");
}

int pki_qe_identity(const struct ds_pki_docs *docs, struct ds_buf *buf)
{
	uint8_t signer[DS_SHA256_SIZE];

	DS_TRY(ds_sha256_1(DS_SPAN_LIT(PKI_QE_SIGNER_TEXT), signer));
	DS_TRY(ds_buf_addf(buf, "{\"id\":\"TD_QE\",\"version\":2,"));
	DS_TRY(add_dates(buf, docs));
	DS_TRY(ds_buf_addf(buf,
			   ",\"tcbEvaluationDataNumber\":%d,\"miscselect\":\"%s\","
			   "\"miscselectMask\":\"FFFFFFFF\",",
			   EVAL_NUM, PKI_QE_MISCSELECT));
	DS_TRY(ds_buf_addf(
		buf, "\"attributes\":\"11000000000000000000000000000000\","
		     "\"attributesMask\":\"FBFFFFFFFFFFFFFF0000000000000000\",\"mrsigner\":\""));
	DS_TRY(ds_buf_add_hex(buf, DS_SPAN_ARRAY(signer)));
	DS_TRY(ds_buf_addf(buf, "\",\"isvprodid\":%u,", PKI_QE_ISVPRODID));
	DS_TRY(add_svn_levels(buf, PKI_QE_ISVSVN, docs->qe_status));
	return ds_buf_addf(buf, "}");
}
