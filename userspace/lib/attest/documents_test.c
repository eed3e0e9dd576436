// SPDX-License-Identifier: Apache-2.0
/* TCB info and QE identity, correctly signed and wrong inside: checks 20-23 of spec/dcap 7. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(documents),
		cmocka_unit_test(every_key_is_needed),
		cmocka_unit_test(malformed_parts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
