// SPDX-License-Identifier: Apache-2.0
/* The policy file: each key arrives where it belongs, everything else is an error with its line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <ds/base/file.h>
#include <ds/net/tcbpolicy.h>

#define X8(s)	 s s s s s s s s
#define CHIP(b)	 X8(X8(b))
#define MR(byte) X8(byte byte byte byte byte byte)
#define IMAGE(name)                                                                                \
	"[image " name "]\nmrtd = " MR("d1") "\nrtmr0 = " MR("e0") "\nrtmr1 = " MR("e1")           \
		"\nrtmr2 = " MR("e2") "\n"

static void snp_keys(const struct ds_snp_policy *p)
{
	assert_true(p->policy_allowed == 0x30000 && p->policy_required == 0x120000);
	assert_true(p->platform_required == 0x20 && p->max_vmpl == 1);
	assert_int_equal(p->products, 1u << DS_SNP_MILAN | 1u << DS_SNP_TURIN);
	assert_true(p->deny_vlek && p->require_crl && p->min_crl == 1767225600);
	assert_memory_equal(&p->min_tcb[DS_SNP_MILAN],
			    &((struct ds_snp_min_tcb){ 0, 4, 1, 24, 219 }), 5);
	assert_int_equal(p->min_tcb[DS_SNP_TURIN].fmc, 2);
	assert_int_equal(p->min_tcb[DS_SNP_GENOA].microcode, 0);
	assert_true(p->n_allow_chip == 1 && p->allow_chip[0][63] == 0x0a);
	assert_true(p->n_deny_chip == 2 && p->deny_chip[1][0] == 0x0c);
}

static void every_key(void **state)
{
	static const char text[] =
		"# all of it\n[policy]\n"
		"tcb_status = UpToDate, SWHardeningNeeded\n"
		"td_attributes_allowed = 8000000058000001\n"
		"td_attributes_required = 0000000010000000\n"
		"insecure_allow_debug = yes\nxfam_allowed = 00000000000602e7\n"
		"min_tcb_evaluation = 18\nmin_qe_evaluation = 17\n"
		"min_sgx_svn = 4 4 2\nmin_tdx_svn = 0,0,5\nmin_tdx_module = 1:11, 3:5\n"
		"min_pce_svn = 11\nmin_qe_svn = 4\n"
		"min_root_crl_issued = 2026-02-26T13:04:00Z\n"
		"min_pck_crl_issued = 2026-08-12T23:57:11Z\nsnp_min_crl_issued = 2026-01-01T00:00:00Z\n"
		"tolerate_advisory = INTEL-SA-00001, INTEL-SA-00002\ndeny_advisory = INTEL-SA-00003\n"
		"allow_fmspc = b0c06f000000\nallow_fmspc = 90c06f000000\n"
		"deny_fmspc = 50806f000000\nallow_ppid = " X8("0a0b") "\ndeny_ppid = " X8("0c0d")
		"\nallow_platform_instance = " X8("0102") "\ndeny_platform_instance = " X8("0304")
		"\nservice_td = " MR("77")
		"\nsnp_policy_allowed = 0000000000030000\nsnp_policy_required = 0000000000120000\n"
		"snp_platform_info_required = 0000000000000020\nsnp_max_vmpl = 1\n"
		"snp_products = Milan Turin\nsnp_deny_vlek = yes\nsnp_require_crl = yes\n"
		"snp_min_tcb_milan = boot_loader:4 tee:1 snp:24\nsnp_min_tcb_milan = microcode:219\n"
		"snp_min_tcb_turin = fmc:2\n"
		"snp_allow_chip = " CHIP("0a") "\nsnp_deny_chip = " CHIP("0b") " " CHIP("0c")
		"\n" IMAGE("one") IMAGE("two") "os_image_hash = " X8(
			"01020304") "\nsnp_measurement = " MR("5e") "\n[image three]\nsnp_measurement = "
		MR("5f") "\n";
	struct ds_tcb_policy_file *f = NULL;
	struct ds_err err = DS_ERR_NULL;
	const struct ds_tcb_policy *p;

	if (ds_tcb_policy_parse(DS_SPAN_STR(text), "p", &f, &err))
		fail_msg("%s", err.msg);
	p = ds_tcb_policy_get(f);
	assert_int_equal(p->tcb_status, 1u << DS_TCB_UP_TO_DATE | 1u << DS_TCB_SW_HARDENING);
	assert_true(p->td_attr_allowed == 0x8000000058000001 && p->td_attr_required == 0x10000000);
	assert_true(p->allow_debug && p->xfam_allowed == 0x602e7);
	assert_true(p->min_evaluation == 18 && p->min_qe_evaluation == 17);
	assert_true(p->min_root_crl == 1772111040 && p->min_pck_crl == 1786579031);
	assert_memory_equal(p->min_svn.sgx, "\4\4\2\0", 4);
	assert_memory_equal(p->min_svn.tdx, "\0\0\5\0", 4);
	assert_true(p->min_svn.pce == 11 && p->min_svn.qe == 4 && p->min_svn.n_module == 2);
	assert_true(p->min_svn.module[1].major == 3 && p->min_svn.module[1].minor == 5);
	assert_true(p->n_tolerate_advisory == 2 && !p->tolerate_any_advisory);
	assert_string_equal(p->tolerate_advisory[1], "INTEL-SA-00002");
	assert_true(p->n_deny_advisory == 1 && p->n_service_td == 1);
	assert_true(p->n_allow_fmspc == 2 && p->allow_fmspc[1][0] == 0x90);
	assert_true(p->n_deny_fmspc == 1 && p->deny_fmspc[0][0] == 0x50);
	assert_true(p->n_allow_ppid == 1 && p->allow_ppid[0][0] == 0x0a);
	assert_true(p->n_deny_ppid == 1 && p->deny_ppid[0][0] == 0x0c);
	assert_true(p->n_allow_instance == 1 && p->allow_instance[0][0] == 1);
	assert_true(p->n_deny_instance == 1 && p->deny_instance[0][0] == 3);
	assert_true(p->n_image == 3 && p->image[1].rt_mr[2][47] == 0xe2);
	assert_true(!p->image[0].has_snp && p->image[1].has_snp && !p->image[1].snp_only);
	assert_true(p->image[1].snp[47] == 0x5e && p->image[2].snp_only && p->image[2].snp[0] == 0x5f);
	snp_keys(&p->snp);
	assert_null(ds_tcb_policy_image_hash(f, 0));
	assert_non_null(ds_tcb_policy_image_hash(f, 1));
	assert_int_equal(ds_tcb_policy_image_hash(f, 1)[31], 4);
	assert_null(ds_tcb_policy_image_hash(f, 2));
	ds_tcb_policy_free(f);
}

static void defaults(void **state)
{
	struct ds_tcb_policy_file *f = NULL;
	const struct ds_tcb_policy *p;

	assert_int_equal(ds_tcb_policy_parse(DS_SPAN_LIT(""), "p", &f, NULL), 0);
	p = ds_tcb_policy_get(f);
	assert_int_equal(p->tcb_status, ds_tcb_policy_default.tcb_status);
	assert_true(p->td_attr_allowed == ds_tcb_policy_default.td_attr_allowed &&
		    p->td_attr_required == ds_tcb_policy_default.td_attr_required &&
		    !p->allow_debug && !p->tolerate_any_advisory);
	ds_tcb_policy_free(f);
	f = NULL;
	assert_int_equal(ds_tcb_policy_parse(DS_SPAN_LIT("[policy]\ntolerate_advisory = any\n"),
					     "p", &f, NULL),
			 0);
	assert_true(ds_tcb_policy_get(f)->tolerate_any_advisory);
	ds_tcb_policy_free(f);
	f = NULL;
	assert_int_equal(ds_tcb_policy_parse(DS_SPAN_LIT("[policy]\ndeny_advisory = DSTACK-EMUL-00001 "
							 "INTEL-SA-1234567\n"),
					     "p", &f, NULL),
			 0);
	assert_int_equal(ds_tcb_policy_get(f)->n_deny_advisory, 2);
	ds_tcb_policy_free(f);
}

static void errors(void **state)
{
	static const struct {
		const char *text, *says;
	} rows[] = {
		{ "[policy]\ncolour = blue\n", "p:2: unknown key 'colour'" },
		{ "[polisy]\ntcb_status = UpToDate\n", "p:2: unknown key" },
		{ "[policy]\ntcb_status = Fine\n", "p:2: tcb_status: unknown TCB status 'Fine'" },
		{ "[policy]\ntcb_status = Revoked\n", "never be allowed" },
		{ "[policy]\nallow_fmspc =\n", "p:2: allow_fmspc: empty list" },
		{ "[policy]\nallow_ppid = ,\n", "empty list" },
		{ "[policy]\nmin_sgx_svn =\n", "p:2: min_sgx_svn: empty list" },
		{ "[policy]\nmin_tdx_module = ,\n", "empty list" },
		{ "[policy]\nmin_tdx_svn = 4 4\nmin_tdx_svn = 0 0 5\n",
		  "p:3: min_tdx_svn: given twice in [policy], first in line 2" },
		{ "[policy]\nmin_sgx_svn = 4 4\nmin_sgx_svn = 0 0 5\n", "given twice" },
		{ "[policy]\ndeny_advisory =\n", "empty list" },
		{ "[policy]\nsnp_min_tcb_milan =\n", "empty list" },
		{ "[policy]\nxfam_allowed = 0000000000000000\n", "allows no TD" },
		{ "[image\tx]\n[policy]\n", "p: unknown section [image\\x09x]" },
		{ "[Image x]\n", "p: unknown section [Image x]" },
		{ "[policy]\n[images]\n", "p: unknown section [images]" },
		{ "[policy2]\n[policy]\n", "p: unknown section [policy2]" },
		{ IMAGE("ab") "[image a]\n", "p: image a is empty" },
		{ "[policy]\ntd_attributes_allowed = 12\n", "expected 16 hex digits" },
		{ "[policy]\nxfam_allowed = 12\n", "expected 16 hex digits" },
		{ "[policy]\nallow_fmspc = b0c06f0000\n", "expected 12 hex digits" },
		{ "[policy]\nmin_sgx_svn = 256\n", "expected a number up to 255" },
		{ "[policy]\nmin_sgx_svn = 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1\n", "16 components" },
		{ "[policy]\nmin_tdx_module = 11\n", "MAJOR:MINOR" },
		{ "[policy]\nmin_tdx_module = 1:256\n", "MAJOR:MINOR" },
		{ "[policy]\nmin_tdx_module = :2\n", "MAJOR:MINOR" },
		{ "[policy]\nmin_tdx_module = 1:2 1:3\n", "given twice" },
		{ "[policy]\nmin_tdx_module = 1:1 2:1 3:1 4:1 5:1 6:1 7:1 8:1 9:1\n", "8 modules" },
		{ "[policy]\nmin_qe_svn = 65536\n", "up to 65535" },
		{ "[policy]\nmin_pck_crl_issued = 2026-08-12\n", "min_pck_crl_issued: expected YYYY" },
		{ "[policy]\nmin_root_crl_issued = 1970-01-01T00:00:00Z\n", "expected YYYY" },
		{ "[policy]\ndeny_advisory = any-name-that-is-too-long\n", "expected an advisory" },
		{ "[policy]\ndeny_advisory = INTEL-SA-0000000000000837\n", "expected an advisory" },
		{ "[policy]\ndeny_advisory = any\n", "expected an advisory like INTEL-SA-00837" },
		{ "[policy]\ndeny_advisory = INTEL-SA-0837\n", "got 'INTEL-SA-0837'" },
		{ "[policy]\ndeny_advisory = INTEL-SA-00837.\n", "expected an advisory" },
		{ "[policy]\ndeny_advisory = INTEL\n", "got 'INTEL'" },
		{ "[policy]\ndeny_advisory = -00837\n", "got '-00837'" },
		{ "[policy]\ndeny_advisory = INTEL_SA_00837\n", "expected an advisory" },
		{ "[policy]\ndeny_advisory = INTEL--00837\n", "expected an advisory" },
		{ "[policy]\ndeny_advisory = -00837\n", "expected an advisory" },
		{ "[policy]\ndeny_advisory = -SA-00837\n", "expected an advisory" },
		{ "[policy]\ndeny_advisory = intel-sa-00837\n", "expected an advisory" },
		{ "[policy]\ndeny_advisory = 00837\n", "expected an advisory" },
		{ "[policy]\ntolerate_advisory = INTEL-SA-00001;INTEL-SA-00002\n", "expected an" },
		{ "[policy]\nsnp_products = Rome\n", "unknown product 'Rome'" },
		{ "[policy]\nsnp_min_tcb_milan = boot_loader=4\n", "LEVEL:N" },
		{ "[policy]\nsnp_min_tcb_milan = :4\n", "LEVEL:N" },
		{ "[policy]\nsnp_min_tcb_milan = snp:256\n", "up to 255" },
		{ "[policy]\nsnp_min_tcb_milan = snp:24 snp:2\n", "p:2: snp_min_tcb_milan: snp is given twice" },
		{ "[policy]\nsnp_min_tcb_turin = fmc:2\nsnp_min_tcb_turin = fmc:1\n",
		  "p:3: snp_min_tcb_turin: fmc is given twice" },
		{ "[policy]\nsnp_min_tcb_rome = snp:2\n", "unknown key" },
		{ "[policy]\nsnp_max_vmpl = 4\n", "up to 3" },
		{ "[policy]\nsnp_allow_chip =\n", "empty list" },
		{ "[policy]\nsnp_deny_chip = 00\n", "expected 128 hex digits" },
		{ "[image a]\nsnp_measurement = " MR("00") "\nmrtd = " MR("00") "\n",
		  "image a needs mrtd, rtmr0" },
		{ "[policy]\nimage = no-such-file\n", "p:2: image: no-such-file: No such file" },
		{ "[image a]\nmrtd = " MR("00") "\n", "image a needs mrtd, rtmr0" },
		{ IMAGE("a") "os_image_hash = 00\n", "expected 64 hex digits" },
		{ "[image a]\nmrtd = 00\n", "expected 96 hex digits" },
		{ "[image a]\nrtmr3 = " MR("00") "\n", "unknown key" },
		{ IMAGE("a") "mrtd = " MR("00") "\n", "p:6: mrtd: given twice in [image a], first in line 2" },
		{ "[image x]\n[policy]\n", "p: image x is empty" },
		{ IMAGE("a") " [image x]", "image x is empty" },
		{ "[image ]\nmrtd = " MR("00") "\n", "name of an image" },
	};

	for (size_t i = 0; i < DS_ARRAY_SIZE(rows); i++) {
		struct ds_tcb_policy_file *f = NULL;
		struct ds_err err = DS_ERR_NULL;

		if (!ds_tcb_policy_parse(DS_SPAN_STR(rows[i].text), "p", &f, &err))
			fail_msg("row %zu was taken", i);
		if (!strstr(err.msg, rows[i].says))
			fail_msg("row %zu: expected '%s', got '%s'", i, rows[i].says, err.msg);
	}
}

/* Which of two values counts is nobody's guess: keys with one value come once, lists add up. */
static void given_twice(void **state)
{
	static const struct {
		const char *key, *value, *other;
	} once[] = {
		{ "tcb_status", "UpToDate", "UpToDate, OutOfDate" },
		{ "td_attributes_allowed", "0000000010000000", "8000000058000001" },
		{ "td_attributes_required", "0000000010000000", "0000000000000000" },
		{ "insecure_allow_debug", "no", "yes" },
		{ "xfam_allowed", "00000000000602e7", "ffffffffffffffff" },
		{ "min_tcb_evaluation", "18", "0" },
		{ "min_qe_evaluation", "17", "0" },
		{ "min_root_crl_issued", "2026-08-12T23:57:11Z", "2026-08-12T23:57:11Z" },
		{ "min_pck_crl_issued", "2026-08-12T23:57:11Z", "2020-08-12T23:57:11Z" },
		{ "snp_min_crl_issued", "2026-08-12T23:57:11Z", "2020-08-12T23:57:11Z" },
		{ "min_sgx_svn", "0", "4" },
		{ "min_tdx_svn", "0 0 5", "0" },
		{ "min_pce_svn", "11", "0" },
		{ "min_qe_svn", "4", "0" },
		{ "snp_policy_allowed", "0000000000030000", "00000000000b0000" },
		{ "snp_policy_required", "0000000000120000", "0000000000020000" },
		{ "snp_platform_info_required", "0000000000000020", "0000000000000000" },
		{ "snp_max_vmpl", "0", "3" },
		{ "snp_products", "Turin", "Milan Turin" },
		{ "snp_deny_vlek", "yes", "no" },
		{ "snp_require_crl", "yes", "no" },
	};
	static const struct {
		const char *key, *value, *other;
	} more[] = {
		{ "tolerate_advisory", "INTEL-SA-00001", "INTEL-SA-00002" },
		{ "deny_advisory", "INTEL-SA-00001", "INTEL-SA-00002" },
		{ "allow_fmspc", "b0c06f000000", "90c06f000000" },
		{ "deny_fmspc", "b0c06f000000", "90c06f000000" },
		{ "allow_ppid", X8("0a0b"), X8("0c0d") },
		{ "deny_ppid", X8("0a0b"), X8("0c0d") },
		{ "allow_platform_instance", X8("0a0b"), X8("0c0d") },
		{ "deny_platform_instance", X8("0a0b"), X8("0c0d") },
		{ "service_td", MR("77"), MR("78") },
		{ "min_tdx_module", "1:11", "3:5" },
		{ "snp_min_tcb_milan", "snp:24", "tee:1" },
		{ "snp_allow_chip", CHIP("0a"), CHIP("0b") },
		{ "snp_deny_chip", CHIP("0a"), CHIP("0b") },
	};
	struct ds_tcb_policy_file *f = NULL;
	struct ds_err err = DS_ERR_NULL;
	char text[1024], says[128];

	for (size_t i = 0; i < DS_ARRAY_SIZE(once); i++) {
		snprintf(text, sizeof(text), "[policy]\n%s = %s\n" IMAGE("a") "[policy]\n%s = %s\n",
			 once[i].key, once[i].value, once[i].key, once[i].other);
		snprintf(says, sizeof(says), "p:9: %s: given twice in [policy], first in line 2",
			 once[i].key);
		if (!ds_tcb_policy_parse(DS_SPAN_STR(text), "p", &f, &err))
			fail_msg("%s was taken twice", once[i].key);
		assert_string_equal(err.msg, says);
	}
	for (size_t i = 0; i < DS_ARRAY_SIZE(more); i++) {
		snprintf(text, sizeof(text), "[policy]\n%s = %s\n%s = %s\n", more[i].key, more[i].value,
			 more[i].key, more[i].other);
		if (ds_tcb_policy_parse(DS_SPAN_STR(text), "p", &f, &err))
			fail_msg("%s: %s", more[i].key, err.msg);
		f = ds_tcb_policy_free(f);
	}
}

static void image_files(void **state)
{
	static const char good[] = "{\"mrtd\":\"" MR("d1") "\",\"rtmr0\":\"" MR(
		"e0") "\",\"rtmr1\":\"" MR("e1") "\",\"rtmr2\":\"" MR("e2") "\"}";
	static const char bad[] = ",\"os_image_hash\":\"12\"}";
	char path[] = "/tmp/tcbpolicy-test-XXXXXX", text[128];
	struct ds_tcb_policy_file *f = NULL;
	struct ds_err err = DS_ERR_NULL;
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(ds_write_full(fd, good, sizeof(good) - 1), 0);
	snprintf(text, sizeof(text), "[policy]\nimage = %s\n" , path);
	if (ds_tcb_policy_parse(DS_SPAN_STR(text), "p", &f, &err))
		fail_msg("%s", err.msg);
	assert_int_equal(ds_tcb_policy_get(f)->n_image, 1);
	assert_int_equal(ds_tcb_policy_get(f)->image[0].rt_mr[1][0], 0xe1);
	ds_tcb_policy_free(f);
	assert_int_equal(pwrite(fd, bad, sizeof(bad) - 1, sizeof(good) - 2), sizeof(bad) - 1);
	assert_int_not_equal(ds_tcb_policy_parse(DS_SPAN_STR(text), "p", &f, &err), 0);
	assert_non_null(strstr(err.msg, "os_image_hash: expected 64 hex digits"));
	assert_int_equal(ds_tcb_policy_load("no-such-file", &f, &err), -ENOENT);
	assert_int_equal(ftruncate(fd, 20), 0);
	assert_int_not_equal(ds_tcb_policy_parse(DS_SPAN_STR(text), "p", &f, &err), 0);
	assert_non_null(strstr(err.msg, path));
	close(fd);
	unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_key),
		cmocka_unit_test(defaults),
		cmocka_unit_test(errors),
		cmocka_unit_test(given_twice),
		cmocka_unit_test(image_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
