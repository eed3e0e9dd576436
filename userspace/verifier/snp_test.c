// SPDX-License-Identifier: Apache-2.0
/* dstack-verify snp: files, options, output and exit status. What is checked has its tests in lib/attest. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <ds/base/file.h>
#include <ds/base/text.h>

#include "../lib/attest/snpforge.h"
#include "verify.h"
#include "world.h"

#define TIME  "--time", "1780000000"
#define FILES "--vek", "vek", "--chain", "chain.pem", "--root-ca", "root.pem", TIME

/* report, report.hex, vek, chain.pem, root.pem, crl */
static void files(const struct snp_forge *f)
{
	DS_BUF struct ds_buf hex = DS_BUF_NULL;
	SNP_FORGED struct snp_forged w = { 0 };

	snp_forge(f, &w);
	assert_int_equal(ds_buf_add_hex(&hex, ds_buf_span(&w.report)), 0);
	world_put("report", ds_buf_span(&w.report));
	world_put("report.hex", ds_buf_span(&hex));
	world_put("vek", ds_buf_span(&w.vek));
	world_put("chain.pem", ds_buf_span(&w.chain));
	world_put("root.pem", ds_buf_span(&w.root_pem));
	world_put("crl", ds_buf_span(&w.crl));
}

#define EXPECT(rc, why, ...)                                                                       \
	expect(cmd_snp, (const char *const[]){ "snp", "--json", __VA_ARGS__, NULL }, rc, why)

static void accepts_and_refuses(void **state)
{
	files(&(struct snp_forge){ .crl = true, .version = 5 });
	EXPECT(EXIT_ACCEPTED, "", FILES, "report");
	EXPECT(EXIT_ACCEPTED, "", FILES, "report.hex");
	assert_true(said("\"revocation_checked\": false"));
	EXPECT(EXIT_ACCEPTED, "", FILES, "--crl", "crl", "report");
	assert_true(said("\"revocation_checked\": true"));
	EXPECT(EXIT_REFUSED, "snp-root-untrusted", "--vek", "vek", "--chain", "chain.pem", TIME,
	       "report");
	EXPECT(EXIT_REFUSED, "snp-chain", "--vek", "vek", "--root-ca", "root.pem", TIME, "report");
	EXPECT(EXIT_REFUSED, "snp-length", FILES, "vek");
	EXPECT(EXIT_REFUSED, "snp-crl", FILES, "--crl", "vek", "report");
	world_put("empty", DS_SPAN_NULL);
	EXPECT(EXIT_REFUSED, "snp-crl", FILES, "--crl", "empty", "report");
	EXPECT(EXIT_REFUSED, "snp-chain", "--vek", "empty", TIME, "report");
	EXPECT(EXIT_REFUSED, "snp-length", FILES, "empty");
	world_put("policy", DS_SPAN_LIT("[policy]\nsnp_min_tcb_milan = microcode:255\n"));
	EXPECT(EXIT_REFUSED, "snp-tcb-status", FILES, "--policy", "policy", "report");
	world_put("policy", DS_SPAN_LIT("[policy]\nsnp_require_crl = yes\n"));
	EXPECT(EXIT_REFUSED, "snp-crl", FILES, "--policy", "policy", "report");
	EXPECT(EXIT_ACCEPTED, "", FILES, "--policy", "policy", "--crl", "crl", "report");
	files(&(struct snp_forge){ .vlek = true, .product = DS_SNP_TURIN });
	EXPECT(EXIT_ACCEPTED, "", FILES, "report");
	files(&(struct snp_forge){ .version = 2, .body = { { 10, 0x0b, true } } });
	EXPECT(EXIT_REFUSED, "snp-debug", FILES, "report");
}

/* Too large is refused as what it should be; what cannot be read is no verdict. */
static void input_files(void **state)
{
	static const struct {
		const char *option, *reason; /* option NULL: the report */
	} rows[] = { { NULL, "snp-length" },
		     { "--vek", "snp-chain" },
		     { "--chain", "snp-chain" },
		     { "--crl", "snp-crl" } };
	static const char *const unreadable[] = { "no-such-file", "." };

	files(&(struct snp_forge){ 0 });
	world_put("large", DS_SPAN_NULL);
	assert_int_equal(truncate("large", 1 << 20), 0);
	for (size_t i = 0; i < DS_ARRAY_SIZE(rows); i++) {
		const char *argv[16] = { "snp", "--json", FILES, "report" };
		const char **file = &argv[10];

		if (rows[i].option) {
			argv[10] = rows[i].option;
			file = &argv[11];
			argv[12] = "report";
		}
		*file = "large";
		expect(cmd_snp, argv, EXIT_REFUSED, rows[i].reason);
		for (size_t k = 0; k < DS_ARRAY_SIZE(unreadable); k++) {
			*file = unreadable[k];
			expect(cmd_snp, argv, EXIT_USAGE, NULL);
		}
	}
}

static void usage(void **state)
{
	files(&(struct snp_forge){ 0 });
	EXPECT(EXIT_USAGE, NULL, "--chain", "chain.pem", "report");
	EXPECT(EXIT_USAGE, NULL, FILES);
	EXPECT(EXIT_USAGE, NULL, FILES, "no-such-file");
	EXPECT(EXIT_USAGE, NULL, FILES, "--crl", "no-such-file", "report");
	EXPECT(EXIT_USAGE, NULL, FILES, "--collateral", "chain.pem", "report");
}

/* What people read fits a terminal, and says which chip and firmware it is about. */
static void lines_fit(void **state)
{
	static const char *const args[] = { "snp", FILES, "report", NULL };
	static const struct snp_forge worlds[] = {
		{ 0 },
		{ .body = { { 10, 0x0f, true }, { 0x30, 1, true }, { 0x48, 1, true } } },
	};

	for (size_t i = 0; i < DS_ARRAY_SIZE(worlds); i++) {
		DS_BUF struct ds_buf out = DS_BUF_NULL;
		char reason[40];

		files(&worlds[i]);
		assert_int_equal(run(cmd_snp, reason, args), i ? EXIT_REFUSED : EXIT_ACCEPTED);
		assert_int_equal(ds_read_file(AT_FDCWD, "out", 1u << 20, &out), 0);
		assert_non_null(ds_buf_cstr(&out));
		assert_non_null(strstr((char *)out.p, i ? "SMT ONE MIGRATE_MA DEBUG"
						       : "\naccepted: TCB UpToDate, good until "));
		assert_int_equal(!strstr((char *)out.p, "\nnote no revocation list was given"), i);
		assert_non_null(strstr((char *)out.p, "\nnote judged under a root that is not AMD's"));
		for (char *line = (char *)out.p; *line; line += strcspn(line, "\n") + 1)
			if (strcspn(line, "\n") > 80)
				fail_msg("%zu columns: %.*s", strcspn(line, "\n"), 100, line);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(accepts_and_refuses),
		cmocka_unit_test(usage),
		cmocka_unit_test(input_files),
		cmocka_unit_test(lines_fit),
	};

	return cmocka_run_group_tests(tests, world_enter, world_leave);
}
