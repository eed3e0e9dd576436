// SPDX-License-Identifier: Apache-2.0
/* TCB info and QE identity, correctly signed and wrong inside: checks 20-23 of spec/dcap 7. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <ds/attest/platform.h>
#include <ds/base/text.h>
#include <ds/crypto/pem.h>

#include "forge_rows.h"

#define Z16 "0000000000000000"
#define Z96 Z16 Z16 Z16 Z16 Z16 Z16
#define A4  "\"a\",\"a\",\"a\",\"a\","
#define A16 A4 A4 A4 A4
#define AGAIN                                                                                      \
	"{\"id\":\"tdx_01\",\"mrsigner\":\"" Z96 "\",\"attributes\":\"" Z16                        \
	"\",\"attributesMask\":\"" Z16 "\",\"tcbLevels\":[{\"tcb\":{\"isvsvn\":1},"                \
	"\"tcbDate\":\"2026-01-01T00:00:00Z\",\"tcbStatus\":\"UpToDate\"}]},"

static void malformed_parts(void **state)
{
	static const struct row rows[] = {
		{ "advisories that are no list",
		  { .tcb = { { "[\"INTEL-SA-P5\"]", "\"x\"" } } },
		  R(TCBINFO_FORMAT),
		  NULL },
		{ "TCB info that is no JSON",
		  { .tcb = { { "{\"id\"", "[\"id\"" } } },
		  R(TCBINFO_FORMAT),
		  NULL },
		{ "QE identity that is no JSON",
		  { .qe = { { "{\"id\"", "[\"id\"" } } },
		  R(QEID_FORMAT),
		  NULL },
		{ "empty advisory",
		  { .tcb = { { "[\"INTEL-SA-P5\"]", "[\"\"]" } } },
		  R(TCBINFO_FORMAT),
		  NULL },
		{ "level without a date",
		  { .tcb = { { "tcbDate", "x" } } },
		  R(TCBINFO_FORMAT),
		  NULL },
		{ "relaunch as the status of a level",
		  { .tcb = { { "\"UpToDate\",\"adv", "\"TDRelaunchAdvised\",\"adv" } } },
		  R(TCBINFO_FORMAT),
		  NULL },
		{ "and with configuration",
		  { .tcb = { { "\"UpToDate\",\"adv",
			       "\"TDRelaunchAdvisedConfigurationNeeded\",\"adv" } } },
		  R(TCBINFO_FORMAT),
		  NULL },
		{ "PCESVN that is no number",
		  { .tcb = { { "\"pcesvn\":13", "\"pcesvn\":\"13\"" } } },
		  R(TCBINFO_FORMAT),
		  NULL },
		{ "64 advisories",
		  { .tcb = { { "[\"INTEL-SA-P5\"]",
			       "[" A16 A16 A16 A4 A4 A4 "\"a\",\"a\",\"a\",\"a\"]" } } },
		  R(NONE),
		  NULL },
		{ "65 advisories",
		  { .tcb = { { "[\"INTEL-SA-P5\"]", "[" A16 A16 A16 A16 "\"a\"]" } } },
		  R(TCBINFO_FORMAT),
		  NULL },
		{ "advisory of 24 bytes",
		  { .tcb = { { "INTEL-SA-P5", "INTEL-SA-00000000000000P" } } },
		  R(TCBINFO_FORMAT),
		  NULL },
		{ "module with a short signer",
		  { .tcb = { { "\"TDX_01\",\"mrsigner\":\"00", "\"TDX_01\",\"mrsigner\":\"" } } },
		  R(TCBINFO_FORMAT),
		  NULL },
		{ "module named by a number",
		  { .tcb = { { "\"TDX_01\"", "1" } } },
		  R(TCBINFO_FORMAT),
		  NULL },
		{ "PCESVN below zero",
		  { .tcb = { { "\"pcesvn\":13", "\"pcesvn\":-13" } } },
		  R(TCBINFO_FORMAT),
		  NULL },
		{ "module without levels",
		  { .tcb = { { "\"tcbLevels\":[{\"tcb\":{\"isvsvn\":5}",
			       "\"tcbLevels\":[],\"x\":[{\"tcb\":{\"isvsvn\":5}" } } },
		  R(TCBINFO_FORMAT),
		  NULL },
		{ "module id of 16 bytes",
		  { .tcb = { { "\"TDX_01\"", "\"TDX_0123456789ab\"" } } },
		  R(TCBINFO_FORMAT),
		  NULL },
		{ "module without a name",
		  { .tcb = { { "\"TDX_01\"", "\"\"" } } },
		  R(TCBINFO_FORMAT),
		  NULL },
		{ "module twice",
		  { .tcb = { { "\"tdxModuleIdentities\":[", "\"tdxModuleIdentities\":[" AGAIN } } },
		  R(TCBINFO_FORMAT),
		  NULL },
		{ "modules that are no list",
		  { .tcb = { { "\"tdxModuleIdentities\":[",
			       "\"tdxModuleIdentities\":1,\"x\":[" } } },
		  R(TCBINFO_FORMAT),
		  NULL },
		{ "tdxModule of short values",
		  { .tcb = { { "\"tdxModule\":{\"mrsigner\":\"00",
			       "\"tdxModule\":{\"mrsigner\":\"" } } },
		  R(TCBINFO_FORMAT),
		  NULL },
		{ "no module identities",
		  { .tcb = { { "\"tdxModuleIdentities\":", "\"x\":" } } },
		  R(TDX_MODULE_UNKNOWN),
		  NULL },
		{ "no tdxModule",
		  { .tcb = { { "\"tdxModule\":", "\"x\":" } }, .body = { { 1, 0, true } } },
		  R(TDX_MODULE_UNKNOWN),
		  NULL },
		{ "tdxModule of another signer",
		  { .tcb = { { "\"tdxModule\":{\"mrsigner\":\"00",
			       "\"tdxModule\":{\"mrsigner\":\"01" } },
		    .body = { { 1, 0, true } } },
		  R(SEAM_SIGNER),
		  NULL },
		{ "attributes that the identity asks for",
		  { .tcb = { { "\"attributes\":\"0000000000000000\",\"attributesMask\":"
			       "\"FFFFFFFFFFFFFFFF\",\"tcbLevels",
			       "\"attributes\":\"0100000000000000\",\"attributesMask\":"
			       "\"FFFFFFFFFFFFFFFF\",\"tcbLevels" } } },
		  R(SEAM_ATTRIBUTES),
		  NULL },
		{ "QE levels that are no list",
		  { .qe = { { "\"tcbLevels\":[", "\"tcbLevels\":1,\"x\":[" } } },
		  R(QEID_FORMAT),
		  NULL },
		{ "PCK with two names", { .pck = { .two_names = true } }, R(PCK_NAME), NULL },
		{ "platform manifest", { .cert_type = 7 }, R(CERT_DATA_UNSUPPORTED), NULL },
		{ "PPID", { .cert_type = 1 }, R(CERT_DATA_UNSUPPORTED), NULL },
		{ "PPID under RSA-2048", { .cert_type = 2 }, R(CERT_DATA_UNSUPPORTED), NULL },
		{ "PPID under RSA-3072", { .cert_type = 3 }, R(CERT_DATA_UNSUPPORTED), NULL },
		{ "wrapped once more", { .cert_type = 6 }, R(PARSE_CERT_TYPE), NULL },
		{ "unknown type", { .cert_type = 8 }, R(PARSE_CERT_TYPE), NULL },
		{ "PCK leaf alone", { .cert_type = 4 }, R(CERT_DATA_UNSUPPORTED), NULL },
	};

	run(rows, DS_ARRAY_SIZE(rows));
}

static void documents(void **state)
{
	static const struct row rows[] = {
		{ "SGX TCB info", { .tcb = { { "\"TDX\"", "\"SGX\"" } } }, R(TCBINFO_KIND), NULL },
		{ "TCB info version 2",
		  { .tcb = { { "\"version\":3", "\"version\":2" } } },
		  R(TCBINFO_KIND),
		  NULL },
		{ "tcbType 1",
		  { .tcb = { { "\"tcbType\":0", "\"tcbType\":1" } } },
		  R(TCBINFO_KIND),
		  NULL },
		{ "15 components",
		  { .tcb = { { "[{\"svn\":5},", "[" } } },
		  R(TCBINFO_FORMAT),
		  NULL },
		{ "17 components",
		  { .tcb = { { "[{\"svn\":5},", "[{\"svn\":5},{\"svn\":5}," } } },
		  R(TCBINFO_FORMAT),
		  NULL },
		{ "component 256",
		  { .tcb = { { "[{\"svn\":5},", "[{\"svn\":256}," } } },
		  R(TCBINFO_FORMAT),
		  NULL },
		{ "unknown status",
		  { .tcb = { { "\"tcbStatus\":\"UpToDate\",\"adv",
			       "\"tcbStatus\":\"Fine\",\"adv" } } },
		  R(TCBINFO_FORMAT),
		  NULL },
		{ "relaunch is no level",
		  { .tcb = { { "\"UpToDate\",\"adv", "\"TDRelaunchAdvised\",\"adv" } } },
		  R(TCBINFO_FORMAT),
		  NULL },
		{ "module status SWHardeningNeeded",
		  { .tcb = { { "\"UpToDate\"},", "\"SWHardeningNeeded\"}," } } },
		  R(TCBINFO_FORMAT),
		  NULL },
		{ "no levels",
		  { .tcb = { { "\"tcbLevels\":[{\"tcb\":{\"sgx",
			       "\"tcbLevels\":[],\"x\":[{\"tcb\":{\"sgx" } } },
		  R(TCBINFO_FORMAT),
		  NULL },
		{ "key twice",
		  { .tcb = { { "{\"id\"", "{\"id\":\"TDX\",\"id\"" } } },
		  R(TCBINFO_FORMAT),
		  NULL },
		{ "advisory is a number",
		  { .tcb = { { "[\"INTEL-SA-P5\"]", "[5]" } } },
		  R(TCBINFO_FORMAT),
		  NULL },
		{ "date with a zone",
		  { .tcb = { { "2026-06-30T00:00:00Z", "2026-06-30T00:00:00+00:00" } } },
		  R(TCBINFO_FORMAT),
		  NULL },
		{ "TCB info ended",
		  { .tcb = { { "2026-06-30", "2026-05-28" } } },
		  R(TCBINFO_EXPIRED),
		  NULL },
		{ "TCB info of tomorrow",
		  { .tcb = { { "2026-05-01", "2026-05-29" } } },
		  R(TCBINFO_NOT_YET_VALID),
		  NULL },
		{ "identity of the SGX QE",
		  { .qe = { { "\"TD_QE\"", "\"QE\"" } } },
		  R(QEID_KIND),
		  NULL },
		{ "QE identity version 3",
		  { .qe = { { "\"version\":2", "\"version\":3" } } },
		  R(QEID_KIND),
		  NULL },
		{ "short mask",
		  { .qe = { { "\"FFFFFFFF\"", "\"FFFFFF\"" } } },
		  R(QEID_FORMAT),
		  NULL },
		{ "QE identity ended",
		  { .qe = { { "2026-06-30", "2026-05-28" } } },
		  R(QEID_EXPIRED),
		  NULL },
		{ "QE identity of tomorrow",
		  { .qe = { { "2026-05-01", "2026-05-29" } } },
		  R(QEID_NOT_YET_VALID),
		  NULL },
		{ "other FMSPC",
		  { .tcb = { { FORGE_FMSPC, "30606a000001" } } },
		  R(FMSPC_MISMATCH),
		  NULL },
		{ "other PCEID",
		  { .tcb = { { "\"pceId\":\"0000\"", "\"pceId\":\"0001\"" } } },
		  R(PCEID_MISMATCH),
		  NULL },
	};

	run(rows, DS_ARRAY_SIZE(rows));
}

/* Each key of the signed documents under another name: no default stands in for it. */
static void every_key_is_needed(void **state)
{
	static const char *const tcb[] = { "issueDate",	 "nextUpdate", "fmspc",
					   "pceId",	 "tcbLevels",  "tcbEvaluationDataNumber",
					   "tcbStatus",	 "tcbDate",    "attributesMask",
					   "attributes", "mrsigner",   "sgxtcbcomponents",
					   "svn",	 "pcesvn",     "tdxtcbcomponents",
					   "isvsvn" };
	static const char *const qe[] = { "issueDate",	"nextUpdate",	  "tcbEvaluationDataNumber",
					  "miscselect", "miscselectMask", "attributes",
					  "mrsigner",	"attributesMask", "isvprodid",
					  "tcbLevels",	"isvsvn",	  "tcbStatus" };
	static const char *const kind[] = { "id", "version", "tcbType" };
	char find[40];

	for (size_t i = 0; i < DS_ARRAY_SIZE(tcb); i++) {
		struct row r = {
			tcb[i], { .tcb = { { find, "\"x\":" } } }, R(TCBINFO_FORMAT), NULL
		};

		(void)snprintf(find, sizeof(find), "\"%s\":", tcb[i]);
		run(&r, 1);
	}
	for (size_t i = 0; i < DS_ARRAY_SIZE(qe); i++) {
		struct row r = { qe[i], { .qe = { { find, "\"x\":" } } }, R(QEID_FORMAT), NULL };

		(void)snprintf(find, sizeof(find), "\"%s\":", qe[i]);
		run(&r, 1);
	}
	for (size_t i = 0; i < DS_ARRAY_SIZE(kind); i++) {
		struct row t = {
			kind[i], { .tcb = { { find, "\"x\":" } } }, R(TCBINFO_KIND), NULL
		};
		struct row q = { kind[i], { .qe = { { find, "\"x\":" } } }, R(QEID_KIND), NULL };

		(void)snprintf(find, sizeof(find), "\"%s\":", kind[i]);
		run(&t, 1);
		if (strcmp(kind[i], "tcbType"))
			run(&q, 1);
	}
}

/* The file of collateral: what is wrong with it is said by name. */
static void collateral_file(void **state)
{
	static const char *const keys[] = { "pck_crl_issuer_chain",
					    "root_ca_crl",
					    "pck_crl",
					    "tcb_info_issuer_chain",
					    "tcb_info",
					    "tcb_info_signature",
					    "qe_identity",
					    "qe_identity_issuer_chain",
					    "qe_identity_signature" };
	static const char *const faults[] = { "missing", "not a string" };
	static const struct {
		const char *text, *says;
	} files[] = { { "{", "JSON: " }, { "[]", "not a JSON object" }, { "{}", "missing" } };
	FORGED struct forged w = { 0 };
	char find[40], put[60], says[60];
	struct ds_verdict v;

	for (size_t i = 0; i < 2 * DS_ARRAY_SIZE(keys); i++) {
		const char *key = keys[i / 2];

		(void)snprintf(find, sizeof(find), "\"%s\":\"", key);
		(void)snprintf(put, sizeof(put), i % 2 ? "\"%s\":1,\"x\":\"" : "\"x-%s\":\"", key);
		(void)snprintf(says, sizeof(says), "%s: %s", key, faults[i % 2]);
		forge(&(struct forge){ .collateral = { find, put } }, &w);
		assert_int_equal(judge(&w, T, NULL, &v), 0);
		assert_int_equal(v.reason, R(COLLATERAL_FORMAT));
		if (!strstr(v.detail, says))
			fail_msg("expected '%s', got '%s'", says, v.detail);
	}
	for (size_t i = 0; i < DS_ARRAY_SIZE(files); i++) {
		ds_buf_done(&w.collateral);
		assert_int_equal(ds_buf_add_span(&w.collateral, DS_SPAN_STR(files[i].text)), 0);
		assert_int_equal(judge(&w, T, NULL, &v), 0);
		assert_int_equal(v.reason, R(COLLATERAL_FORMAT));
		if (!strstr(v.detail, files[i].says))
			fail_msg("expected '%s', got '%s'", files[i].says, v.detail);
	}
}

/* Where a later check refuses with the same reason. */
static void faults_are_named(void **state)
{
	static const struct {
		struct forge f;
		enum ds_reason want;
		const char *says;
	} rows[] = {
		{ { .signer = { .issuer_cn = "Other" } },
		  R(TCB_SIGNER_CHAIN),
		  "signer's issuer is not the root" },
	};
	FORGED struct forged w = { 0 };
	struct ds_verdict v;

	for (size_t i = 0; i < DS_ARRAY_SIZE(rows); i++) {
		forge(&rows[i].f, &w);
		assert_int_equal(judge(&w, T, NULL, &v), 0);
		assert_int_equal(v.reason, rows[i].want);
		if (!strstr(v.detail, rows[i].says))
			fail_msg("expected '%s', got '%s'", rows[i].says, v.detail);
	}
}

static void pem(struct ds_buf *b, const char *label, struct ds_span der)
{
	size_t n = ds_pem_size(label, der.n);

	assert_int_equal(ds_buf_reserve(b, n), 0);
	ds_pem_encode(label, der.p, der.n, b->p + b->n);
	b->n += n;
}

/* A root that is not one certificate, whole and sound: never Intel's in its place. */
static void root_given(void **state)
{
	static const uint8_t constraints[] = { 0x55, 0x1d, 0x13, 0x01, 0x01, 0xff, 0x04 };
	FORGED struct forged w = { 0 };
	DS_BUF struct ds_buf der = DS_BUF_NULL, longer = DS_BUF_NULL, odd = DS_BUF_NULL;
	struct ds_buf in[10] = { 0 };
	struct ds_rd rd;
	struct ds_span label, body;
	struct ds_verdict v;
	uint8_t *at;

	forge(&(struct forge){ 0 }, &w);
	rd = ds_rd_init(ds_buf_span(&w.root_pem));
	assert_int_equal(ds_pem_next(&rd, &label, &body), 0);
	assert_int_equal(ds_buf_reserve(&der, body.n), 0);
	assert_int_equal(ds_pem_decode(body, der.p, der.cap, &der.n), 0);
	assert_int_equal(ds_buf_add_span(&longer, ds_buf_span(&der)), 0);
	assert_int_equal(ds_buf_add_u8(&longer, 0), 0);
	assert_int_equal(ds_buf_add_span(&odd, ds_buf_span(&der)), 0);
	at = memmem(odd.p, odd.n, constraints, sizeof(constraints));
	assert_non_null(at);
	at[sizeof(constraints) + 1] ^= 1; /* what should be a SEQUENCE */
	assert_int_equal(ds_buf_add_span(&in[0], DS_SPAN_LIT("\n")), 0);
	assert_int_equal(ds_buf_add_span(&in[1], ds_buf_span(&longer)), 0);
	assert_int_equal(ds_buf_add_span(&in[2], ds_buf_span(&odd)), 0);
	assert_int_equal(ds_buf_add_span(&in[3], DS_SPAN(der.p, der.n - 1)), 0);
	pem(&in[4], "CERTIFICATE", DS_SPAN_NULL);
	pem(&in[5], "CERTIFICATE", ds_buf_span(&longer));
	pem(&in[6], "CERTIFICATE", ds_buf_span(&odd));
	pem(&in[7], "X509 CRL", ds_buf_span(&der));
	for (int i = 0; i < 2; i++)
		pem(&in[8], "CERTIFICATE", ds_buf_span(&der));
	assert_int_equal(ds_buf_add_span(&in[9], ds_buf_span(&w.root_pem)), 0);
	in[9].p[40] = '!';
	for (size_t i = 0; i < DS_ARRAY_SIZE(in); i++) {
		ds_buf_done(&w.root_pem);
		w.root_pem = in[i];
		assert_int_equal(judge(&w, T, NULL, &v), 0);
		assert_int_equal(v.reason, R(ROOT_UNTRUSTED));
		if (!strstr(v.detail, "the root CA given is not one certificate"))
			fail_msg("root %zu: %s", i, v.detail);
	}
	ds_buf_done(&w.root_pem);
	w.root_pem = ds_buf_steal(&der);
	assert_int_equal(judge(&w, T, NULL, &v), 0);
	assert_true(v.accepted);
}

/* What a quote says about its platform, before anything is verified. */
static void platform_of_a_quote(void **state)
{
	static const struct {
		struct forge f;
		const char *says;
	} rows[] = {
		{ { .late = { 0, 3, true } }, "version" },
		{ { .cert_type = 1 }, "certification data type: expected 5" },
		{ { .chain_short = true }, "PCK chain cannot be read" },
		{ { .chain_four = true }, "PCK chain cannot be read" },
		{ { .no_ext = true }, "SGX extension: missing, or more than one" },
		{ { .pck = { .two_sgx = true } }, "SGX extension: missing, or more than one" },
		{ { .short_fmspc = true }, "SGX extension: " },
	};
	FORGED struct forged w = { 0 };
	struct ds_platform_id id;
	uint8_t fmspc[6];

	assert_int_equal(ds_hex_decode_exact(FORGE_FMSPC, fmspc, sizeof(fmspc)), 0);
	for (int processor = 0; processor < 2; processor++) {
		forge(&(struct forge){ .processor = processor }, &w);
		assert_int_equal(ds_quote_platform(ds_buf_span(&w.quote), &id, NULL), 0);
		assert_memory_equal(id.fmspc, fmspc, sizeof(fmspc));
		assert_int_equal(id.processor, processor);
	}
	for (size_t i = 0; i < DS_ARRAY_SIZE(rows); i++) {
		struct ds_err err = DS_ERR_NULL;

		forge(&rows[i].f, &w);
		assert_int_equal(ds_quote_platform(ds_buf_span(&w.quote), &id, &err), -EBADMSG);
		if (strncmp(err.msg, rows[i].says, strlen(rows[i].says)))
			fail_msg("expected '%s', got '%s'", rows[i].says, err.msg);
	}
}

static void dates_of_a_list(void **state)
{
	static const struct {
		struct forge_crl crl;
		int want;
	} rows[] = {
		{ { .from = T - 5, .to = T + 5 }, 0 }, { { .trailing = true }, -EBADMSG },
		{ { .bad_from = true }, -EBADMSG },    { { .no_next = true }, -EBADMSG },
		{ { .empty = true }, -EBADMSG },
	};
	static const char key[] = "\"pck_crl\":\"";
	FORGED struct forged w = { 0 };

	for (size_t i = 0; i < DS_ARRAY_SIZE(rows); i++) {
		DS_BUF struct ds_buf der = DS_BUF_NULL;
		int64_t from = 0, to = 0;
		const char *hex;

		forge(&(struct forge){ .pck_crl = rows[i].crl }, &w);
		hex = strstr(ds_buf_cstr(&w.collateral), key);
		assert_non_null(hex);
		hex += strlen(key);
		assert_int_equal(ds_hex_decode_buf(hex, strcspn(hex, "\""), 1u << 16, &der), 0);
		assert_int_equal(ds_crl_dates(ds_buf_span(&der), &from, &to), rows[i].want);
		assert_int_equal(from, rows[i].want ? 0 : T - 5);
		assert_int_equal(to, rows[i].want ? 0 : T + 5);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(documents),	       cmocka_unit_test(every_key_is_needed),
		cmocka_unit_test(malformed_parts),     cmocka_unit_test(collateral_file),
		cmocka_unit_test(faults_are_named),    cmocka_unit_test(root_given),
		cmocka_unit_test(platform_of_a_quote), cmocka_unit_test(dates_of_a_list),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
