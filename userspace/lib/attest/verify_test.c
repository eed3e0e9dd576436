// SPDX-License-Identifier: Apache-2.0
/*
 * Each check of spec/dcap 7 with evidence that is right in everything else: a row dies when its
 * check is removed. The published corpus (tests/integration/10-verify-corpus) covers the same
 * ground with data that is not ours.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <ds/attest/verify.h>
#include <ds/base/text.h>

#include "forge.h"

#define T	FORGE_TIME
#define R(name) DS_REASON_##name

struct row {
	const char *what;
	struct forge f;
	enum ds_reason want;
	const char *status; /* NULL: not looked at */
};

static int judge(const struct forged *w, int64_t t, const struct ds_tcb_policy *policy,
		 struct ds_verdict *v)
{
	const struct ds_verify_opts opts = { ds_buf_span(&w->root_pem), t, policy };

	return ds_attest_quote(ds_buf_span(&w->quote), ds_buf_span(&w->collateral), &opts, v);
}

static void run(const struct row *rows, size_t n)
{
	FORGED struct forged w = { 0 };
	struct ds_verdict v;

	for (size_t i = 0; i < n; i++) {
		forge(&rows[i].f, &w);
		assert_int_equal(judge(&w, T, NULL, &v), 0);
		if (v.reason != rows[i].want || v.accepted != (rows[i].want == DS_REASON_NONE))
			fail_msg("%s: expected '%s', got '%s' (%s)", rows[i].what,
				 ds_reason_name(rows[i].want), ds_reason_name(v.reason), v.detail);
		if (rows[i].status && strcmp(v.tcb_status, rows[i].status))
			fail_msg("%s: expected status '%s', got '%s'", rows[i].what, rows[i].status,
				 v.tcb_status);
		assert_int_equal(v.detail[0] != '\0', !v.accepted);
	}
}

static void accepted(void **state)
{
	static const struct row rows[] = {
		{ "v4", { 0 }, R(NONE), "UpToDate" },
		{ "v5", { .v5 = true }, R(NONE), "UpToDate" },
		{ "Processor CA", { .processor = true }, R(NONE), "UpToDate" },
		{ "LASS, PKS, PERFMON",
		  { .body = { { 123, 0x58, true }, { 127, 0x80, true } } },
		  R(NONE),
		  "UpToDate" },
		{ "module id in lower case",
		  { .tcb = { { "TDX_01", "tdx_01" } } },
		  R(NONE),
		  "UpToDate" },
		{ "NUL behind a chain",
		  { .collateral = { "-----END CERTIFICATE-----\\n\",\"tcb_info\"",
				    "-----END CERTIFICATE-----\\n\\u0000\",\"tcb_info\"" } },
		  R(NONE),
		  "UpToDate" },
		{ "blanks in signed text",
		  { .tcb = { { "\"version\":3", " \"version\" : 3" } } },
		  R(NONE),
		  "UpToDate" },
		{ "unknown keys",
		  { .qe = { { "{\"id\"", "{\"new\":[{}],\"id\"" } } },
		  R(NONE),
		  "UpToDate" },
		{ "0x before the root CRL",
		  { .collateral = { "\"root_ca_crl\":\"", "\"root_ca_crl\":\"0x" } },
		  R(NONE),
		  NULL },
	};

	run(rows, DS_ARRAY_SIZE(rows));
}

static void pck_chain(void **state)
{
	static const struct row rows[] = {
		{ "two certificates", { .chain_short = true }, R(PCK_CHAIN_FORMAT), NULL },
		{ "four certificates", { .chain_four = true }, R(PCK_CHAIN_FORMAT), NULL },
		{ "other root of the same name",
		  { .chain_other_root = true },
		  R(ROOT_UNTRUSTED),
		  NULL },
		{ "leaf of another role",
		  { .pck = { .cn = "Intel SGX TCB Signing" } },
		  R(PCK_NAME),
		  NULL },
		{ "CA of another name", { .ca = { .cn = "Intel SGX PCK CA" } }, R(PCK_NAME), NULL },
		{ "root of another name", { .root = { .cn = "Intel Root" } }, R(PCK_NAME), NULL },
		{ "PCK of another issuer",
		  { .pck = { .issuer_cn = "Other" } },
		  R(PCK_CHAIN_ORDER),
		  NULL },
		{ "CA of another issuer",
		  { .ca = { .issuer_cn = "Other" } },
		  R(PCK_CHAIN_ORDER),
		  NULL },
		{ "CA without the flag", { .ca = { .flip_ca = true } }, R(PCK_CHAIN_CA), NULL },
		{ "CA without key usage",
		  { .ca = { .no_key_usage = true } },
		  R(PCK_CHAIN_CA),
		  NULL },
		{ "CA with a longer path", { .ca = { .long_path = true } }, R(PCK_CHAIN_CA), NULL },
		{ "PCK with the CA flag", { .pck = { .flip_ca = true } }, R(PCK_CHAIN_CA), NULL },
		{ "PCK key on P-384", { .pck = { .p384 = true } }, R(PCK_CHAIN_CA), NULL },
		{ "CA signed by another key",
		  { .ca = { .signer = EVIL } },
		  R(PCK_CHAIN_SIGNATURE),
		  NULL },
		{ "PCK signed by another key",
		  { .pck = { .signer = EVIL } },
		  R(PCK_CHAIN_SIGNATURE),
		  NULL },
		{ "root ended", { .root = { .to = T - 1 } }, R(CERT_EXPIRED), NULL },
		{ "CA ended", { .ca = { .to = T - 1 } }, R(CERT_EXPIRED), NULL },
		{ "PCK ended", { .pck = { .to = T - 1 } }, R(CERT_EXPIRED), NULL },
		{ "PCK of tomorrow", { .pck = { .from = T + 1 } }, R(CERT_NOT_YET_VALID), NULL },
		{ "unknown critical extension",
		  { .pck = { .critical = true } },
		  R(PCK_CHAIN_PROFILE),
		  NULL },
		{ "no SGX extension", { .no_ext = true }, R(PCK_EXT), NULL },
		{ "FMSPC of 5 bytes", { .short_fmspc = true }, R(PCK_EXT), NULL },
		{ "extension of the other CA's kind",
		  { .ext_of_other_ca = true },
		  R(PCK_EXT),
		  NULL },
	};

	run(rows, DS_ARRAY_SIZE(rows));
}

static void collateral_and_lists(void **state)
{
	static const struct row rows[] = {
		{ "no QE identity", { .drop = "qe_identity" }, R(COLLATERAL_FORMAT), NULL },
		{ "no root CRL", { .drop = "root_ca_crl" }, R(COLLATERAL_FORMAT), NULL },
		{ "no PCK CRL", { .drop = "pck_crl" }, R(COLLATERAL_FORMAT), NULL },
		{ "no signature", { .drop = "tcb_info_signature" }, R(COLLATERAL_FORMAT), NULL },
		{ "key twice",
		  { .collateral = { "{\"pck", "{\"pck_crl\":\"\",\"pck" } },
		  R(COLLATERAL_FORMAT),
		  NULL },
		{ "not hex",
		  { .collateral = { "\"pck_crl\":\"", "\"pck_crl\":\"zz" } },
		  R(COLLATERAL_FORMAT),
		  NULL },
		{ "short signature",
		  { .collateral = { "\"qe_identity_signature\":\"",
				    "\"qe_identity_signature\":\"00" } },
		  R(COLLATERAL_FORMAT),
		  NULL },
		{ "not a string",
		  { .collateral = { "\"pck_crl\":\"", "\"pck_crl\":1,\"x\":\"" } },
		  R(COLLATERAL_FORMAT),
		  NULL },
		{ "empty PCK CRL", { .pck_crl = { .empty = true } }, R(CRL_FORMAT), NULL },
		{ "bytes behind the root CRL",
		  { .root_crl = { .trailing = true } },
		  R(CRL_FORMAT),
		  NULL },
		{ "no CRL number", { .pck_crl = { .no_number = true } }, R(CRL_FORMAT), NULL },
		{ "critical CRL extension",
		  { .pck_crl = { .critical = true } },
		  R(CRL_FORMAT),
		  NULL },
		{ "root CRL of another issuer",
		  { .root_crl = { .issuer_cn = "Other" } },
		  R(CRL_ISSUER),
		  NULL },
		{ "PCK CRL of another issuer",
		  { .pck_crl = { .issuer_cn = "Other" } },
		  R(CRL_ISSUER),
		  NULL },
		{ "root CRL by another key",
		  { .root_crl = { .signer = EVIL } },
		  R(CRL_SIGNATURE),
		  NULL },
		{ "PCK CRL by another key",
		  { .pck_crl = { .signer = EVIL } },
		  R(CRL_SIGNATURE),
		  NULL },
		{ "old root CRL", { .root_crl = { .to = T - 1 } }, R(CRL_EXPIRED), NULL },
		{ "old PCK CRL", { .pck_crl = { .to = T - 1 } }, R(CRL_EXPIRED), NULL },
		{ "last second of a CRL", { .pck_crl = { .to = T } }, R(NONE), NULL },
		{ "CRL of tomorrow", { .pck_crl = { .from = T + 1 } }, R(CRL_NOT_YET_VALID), NULL },
		{ "CA revoked", { .root_crl = { .revoke_first = true } }, R(PCK_CA_REVOKED), NULL },
		{ "PCK revoked", { .pck_crl = { .revoke_first = true } }, R(PCK_REVOKED), NULL },
		{ "signer revoked",
		  { .root_crl = { .revoke_second = true } },
		  R(TCB_SIGNER_REVOKED),
		  NULL },
		{ "somebody else revoked",
		  { .pck_crl = { .revoke_second = true } },
		  R(NONE),
		  NULL },
	};

	run(rows, DS_ARRAY_SIZE(rows));
}

static void signers(void **state)
{
	static const struct row rows[] = {
		{ "signer without root",
		  { .signer_chain_short = true },
		  R(TCB_SIGNER_CHAIN),
		  NULL },
		{ "signer's chain under another root",
		  { .signer_other_root = true },
		  R(ROOT_UNTRUSTED),
		  NULL },
		{ "the PCK CA as signer",
		  { .signer_chain_is_ca = true },
		  R(TCB_SIGNER_NAME),
		  NULL },
		{ "signer of another name",
		  { .signer = { .cn = "Intel SGX PCK Certificate" } },
		  R(TCB_SIGNER_NAME),
		  NULL },
		{ "signer of another issuer",
		  { .signer = { .issuer_cn = "Other" } },
		  R(TCB_SIGNER_CHAIN),
		  NULL },
		{ "signer is a CA", { .signer = { .flip_ca = true } }, R(TCB_SIGNER_CHAIN), NULL },
		{ "signer signed by another key",
		  { .signer = { .signer = EVIL } },
		  R(TCB_SIGNER_CHAIN),
		  NULL },
		{ "signer with a critical extension",
		  { .signer = { .critical = true } },
		  R(TCB_SIGNER_CHAIN),
		  NULL },
		{ "signer on P-384", { .signer = { .p384 = true } }, R(TCB_SIGNER_CHAIN), NULL },
		{ "signer ended", { .signer = { .to = T - 1 } }, R(CERT_EXPIRED), NULL },
		{ "signer of tomorrow",
		  { .signer = { .from = T + 1 } },
		  R(CERT_NOT_YET_VALID),
		  NULL },
		{ "TCB info by another key", { .tcb_signer = EVIL }, R(TCBINFO_SIGNATURE), NULL },
		{ "TCB info edited",
		  { .tcb_late = { "\"OutOfDate\"", "\"UpToDate\"" } },
		  R(TCBINFO_SIGNATURE),
		  NULL },
		{ "TCB info re-indented",
		  { .tcb_late = { "\"version\":3", "\"version\": 3" } },
		  R(TCBINFO_SIGNATURE),
		  NULL },
		{ "blank behind TCB info",
		  { .tcb_late = { "]}]}", "]}]} " } },
		  R(TCBINFO_SIGNATURE),
		  NULL },
		{ "QE identity by another key", { .qe_signer = EVIL }, R(QEID_SIGNATURE), NULL },
		{ "QE identity edited",
		  { .qe_late = { "\"isvsvn\":6", "\"isvsvn\":1" } },
		  R(QEID_SIGNATURE),
		  NULL },
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

static void quoting_enclave(void **state)
{
	static const struct row rows[] = {
		{ "QE report by another key",
		  { .report_signer = EVIL },
		  R(QE_REPORT_SIGNATURE),
		  NULL },
		{ "foreign attestation key", { .foreign_key = true }, R(QE_AUTH_BINDING), NULL },
		{ "hash without the authentication data",
		  { .unbound_auth = true },
		  R(QE_AUTH_BINDING),
		  NULL },
		{ "second half not zero",
		  { .qe_report = { { 383, 1, true } } },
		  R(QE_AUTH_BINDING),
		  NULL },
		{ "MISCSELECT", { .qe_report = { { 16, 1, true } } }, R(QE_MISCSELECT), NULL },
		{ "debug, mask or not",
		  { .qe_report = { { 48, 0x17, true } }, .qe = { { "\"FBFFF", "\"F9FFF" } } },
		  R(QE_DEBUG),
		  NULL },
		{ "ATTRIBUTES", { .qe_report = { { 48, 0x05, true } } }, R(QE_ATTRIBUTES), NULL },
		{ "MODE64 is left open", { .qe_report = { { 48, 0x11, true } } }, R(NONE), NULL },
		{ "MRSIGNER", { .qe_report = { { 159, 0, true } } }, R(QE_MRSIGNER), NULL },
		{ "ISVPRODID of the SGX QE",
		  { .qe_report = { { 256, 1, true } } },
		  R(QE_ISVPRODID),
		  NULL },
		{ "ISVSVN below all",
		  { .qe_report = { { 258, 3, true } } },
		  R(QE_TCB_NO_LEVEL),
		  NULL },
		{ "ISVSVN of an old level",
		  { .qe_report = { { 258, 5, true } } },
		  R(TCB_STATUS),
		  "OutOfDate" },
		{ "QE revoked",
		  { .qe = { { "\"UpToDate\"", "\"Revoked\"" } } },
		  R(TCB_STATUS),
		  "Revoked" },
		{ "quote by another key", { .quote_signer = EVIL }, R(QUOTE_SIGNATURE), NULL },
		{ "one bit of MRTD",
		  { .late = { 48 + 136, 0xd0, true } },
		  R(QUOTE_SIGNATURE),
		  NULL },
		{ "user data", { .late = { 47, 1, true } }, R(QUOTE_SIGNATURE), NULL },
	};

	run(rows, DS_ARRAY_SIZE(rows));
}

static void platform(void **state)
{
	static const struct row rows[] = {
		{ "unknown module", { .body = { { 1, 2, true } } }, R(TDX_MODULE_UNKNOWN), NULL },
		{ "module SVN below all",
		  { .body = { { 0, 1, true } } },
		  R(TDX_MODULE_NO_LEVEL),
		  NULL },
		{ "module at an old level",
		  { .body = { { 0, 4, true } } },
		  R(TCB_STATUS),
		  "OutOfDate" },
		{ "MRSIGNERSEAM", { .body = { { 64, 1, true } } }, R(SEAM_SIGNER), NULL },
		{ "SEAMATTRIBUTES", { .body = { { 112, 1, true } } }, R(SEAM_ATTRIBUTES), NULL },
		{ "SEAMATTRIBUTES outside the mask",
		  { .body = { { 119, 1, true } },
		    .tcb = { { "FFFFFFFFFFFFFFFF\",\"tcbLevels",
			       "FFFFFFFFFFFFFF00\",\"tcbLevels" } } },
		  R(SEAM_ATTRIBUTES),
		  NULL },
		{ "no level low enough",
		  { .tcb = { { "[{\"svn\":5},", "[{\"svn\":6}," },
			     { "[{\"svn\":2},", "[{\"svn\":6}," } } },
		  R(TCB_NO_LEVEL),
		  NULL },
		{ "the second level",
		  { .tcb = { { "[{\"svn\":5},", "[{\"svn\":6}," } } },
		  R(TCB_STATUS),
		  "OutOfDate" },
		{ "last SGX component counts",
		  { .tcb = { { "{\"svn\":5}],\"pcesvn\"", "{\"svn\":6}],\"pcesvn\"" } } },
		  R(TCB_STATUS),
		  "OutOfDate" },
		{ "PCESVN counts",
		  { .tcb = { { "\"pcesvn\":13", "\"pcesvn\":14" } } },
		  R(TCB_STATUS),
		  "OutOfDate" },
		{ "late microcode counts",
		  { .body = { { 2, 2, true } } },
		  R(TCB_STATUS),
		  "OutOfDate" },
		{ "components 0 and 1 are the module's",
		  { .tcb = { { "tdxtcbcomponents\":[{\"svn\":5},{\"svn\":0}",
			       "tdxtcbcomponents\":[{\"svn\":9},{\"svn\":9}" } } },
		  R(NONE),
		  "UpToDate" },
		{ "without a module version all count",
		  { .body = { { 1, 0, true } } },
		  R(NONE),
		  "UpToDate" },
		{ "and component 0 too",
		  { .body = { { 0, 4, true }, { 1, 0, true } } },
		  R(TCB_STATUS),
		  "OutOfDate" },
		{ "order in the file does not matter",
		  { .tcb = { { "\"tcbLevels\":[{\"tcb\":{\"sgx",
			       "\"tcbLevels\":[{\"tcb\":{\"x\":1,\"sgx" } } },
		  R(NONE),
		  NULL },
		{ "v5: module updated under the TD",
		  { .v5 = true, .body = { { 0, 4, true } } },
		  R(TCB_STATUS),
		  "TDRelaunchAdvised" },
		{ "v5: current module unknown",
		  { .v5 = true, .body = { { 585, 7, true } } },
		  R(TDX_MODULE_UNKNOWN),
		  NULL },
		{ "v5: current module old",
		  { .v5 = true, .body = { { 584, 4, true } } },
		  R(TCB_STATUS),
		  "OutOfDate" },
		{ "configuration needed",
		  { .tcb = { { "\"UpToDate\",\"adv", "\"ConfigurationNeeded\",\"adv" } } },
		  R(TCB_STATUS),
		  "ConfigurationNeeded" },
		{ "and the module old",
		  { .tcb = { { "\"UpToDate\",\"adv", "\"ConfigurationNeeded\",\"adv" } },
		    .body = { { 0, 4, true } } },
		  R(TCB_STATUS),
		  "OutOfDateConfigurationNeeded" },
	};

	run(rows, DS_ARRAY_SIZE(rows));
}

static void td_attributes(void **state)
{
	static const struct row rows[] = {
		{ "DEBUG", { .body = { { 120, 1, true } } }, R(TD_DEBUG), "UpToDate" },
		{ "PERF_PROF", { .body = { { 120, 0x20, true } } }, R(TD_DEBUG), "UpToDate" },
		{ "MIGRATABLE", { .body = { { 123, 0x30, true } } }, R(TD_MIGRATABLE), "UpToDate" },
		{ "no SEPT_VE_DISABLE",
		  { .body = { { 123, 0, true } } },
		  R(TD_SEPT_VE),
		  "UpToDate" },
		{ "reserved bit",
		  { .body = { { 125, 1, true } } },
		  R(TD_ATTRIBUTES_RESERVED),
		  "UpToDate" },
		{ "ICSSD",
		  { .body = { { 122, 1, true } } },
		  R(TD_ATTRIBUTES_RESERVED),
		  "UpToDate" },
		{ "service TD",
		  { .v5 = true, .body = { { 647, 1, true } } },
		  R(TD_SERVICE_TD),
		  "UpToDate" },
	};

	run(rows, DS_ARRAY_SIZE(rows));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(accepted),
		cmocka_unit_test(pck_chain),
		cmocka_unit_test(collateral_and_lists),
		cmocka_unit_test(signers),
		cmocka_unit_test(documents),
		cmocka_unit_test(quoting_enclave),
		cmocka_unit_test(platform),
		cmocka_unit_test(td_attributes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
