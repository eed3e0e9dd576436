// SPDX-License-Identifier: Apache-2.0
/* The policy file: what it accepts, and one refusal per rule. */
#include "policy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#define H20(b) b b b b b b b b b b b b b b b b b b b b
#define H32(b) H20(b) b b b b b b b b b b b b
#define H48(b) H32(b) b b b b b b b b b b b b b b b b

#define IMAGE(name, mrtd, hash)                                                                    \
	"[image " name "]\nmrtd = " H48(mrtd) "\nrtmr0 = " H48("00") "\nrtmr1 = " H48(             \
		"00") "\nrtmr2 = " H48("00") "\nos_image_hash = " H32(hash) "\n"
#define APP "[app " H20("11") "]\ncompose_hash = " H32("33") ", " H32("34") "\ndevice = any\n"

static void test_parse(void **state)
{
	static const struct {
		const char *in;
		int r;
		const char *error;
	} t[] = {
		{ "", 0, "" },
		{ "[policy]\ntcb_status = UpToDate, SWHardeningNeeded\nallow_emulated = no\n" IMAGE(
			  "a", "44", "55") APP,
		  0, "" },
		{ "[policy]\ntcb_status = Fine\n", -EINVAL, "unknown TCB status 'Fine'" },
		{ "[policy]\ntcb_status = Revoked\n", -EINVAL, "never be allowed" },
		{ "[policy]\nallow_emulated = maybe\n", -EINVAL, "expected yes or no" },
		{ "[policy]\ngateway_app_id = any\n", -EINVAL, "hex digits" },
		{ "[policy]\nreserved_names = gateway.example, .apps.example\n", 0, "" },
		{ "[policy]\nnode_names = kms2.example, 192.0.2.7, fd00::7\n", 0, "" },
		{ "[policy]\nnode_names = *.example\n", -EINVAL,
		  "expected host names or addresses, got '*.example'" },
		{ "[policy]\nmin_tcb_evaluation = 17\n", 0, "" },
		{ "[policy]\nmin_tcb_evaluation = -1\n", -EINVAL, "expected a number" },
		{ "[policy]\nreserved_names = *.example\n", -EINVAL,
		  "expected host names, or .NAME for all below it, got '*.example'" },
		{ "[policy]\nextra = 1\n", -EINVAL,
		  "p:2: unknown key 'extra' in section [policy]" },
		{ "[kms]\nmr_aggregated = " H32("77") "\ndevice = any\n", 0, "" },
		{ "[kms]\nmr_aggregated = 77\n", -EINVAL, "64 hex digits" },
		{ "[kms]\ncompose_hash = " H32("77") "\n", -EINVAL, "unknown key 'compose_hash'" },
		{ "[kms]\nimage = b\n", -EINVAL, "[kms] names image 'b', which is not there" },
		/* any image, any status of the other file, no name kept: more than was meant */
		{ "[kms]\nimage =\n", -EINVAL, "p:2: image: empty list" },
		{ "[app " H20("11") "]\nimage =\n", -EINVAL, "p:2: image: empty list" },
		{ "[app " H20("11") "]\nimage = , ,\n", -EINVAL, "p:2: image: empty list" },
		{ "[policy]\ntcb_status =\n", -EINVAL, "p:2: tcb_status: empty list" },
		{ "[policy]\nreserved_names = ,\n", -EINVAL, "p:2: reserved_names: empty list" },
		/* nobody */
		{ "[app " H20("11") "]\ncompose_hash =\ndevice =\n", 0, "" },
		{ "[other]\nx = 1\n", -EINVAL, "unknown key 'x' in section [other]" },
		{ "[image a]\nmrtd = 00\n", -EINVAL, "96 hex digits" },
		{ "[image a]\nrtmr3 = " H48("00") "\n", -EINVAL, "unknown key 'rtmr3'" },
		{ "[image a]\nmrtd = " H48("00") "\n", -EINVAL, "[image a] needs mrtd, rtmr0" },
		{ "[image a]\nmrtd = " H48("00") "\nmrtd = " H48("01") "\n", -EINVAL,
		  "p:3: mrtd: given twice in [image a], first in line 2" },
		{ "[policy]\nallow_emulated = no\nallow_emulated = yes\n", -EINVAL,
		  "p:3: allow_emulated: given twice in [policy], first in line 2" },
		{ "[policy]\nmin_tcb_evaluation = 17\n" IMAGE("a", "44", "55") "[policy]\n"
		  "min_tcb_evaluation = 0\n", -EINVAL, "min_tcb_evaluation: given twice in [policy], first in line 2" },
		{ "[policy]\ngateway_app_id = " H20("11") "\ngateway_app_id = " H20("12") "\n", -EINVAL,
		  "p:3: gateway_app_id: given twice" },
		{ IMAGE("a", "44", "55") IMAGE("a", "44", "55"), -EINVAL, "mrtd: given twice in [image a]" },
		{ IMAGE("a", "44", "55") "snp_measurement = " H48("77") "\nsnp_measurement = " H48(
			  "78") "\n", -EINVAL, "snp_measurement: given twice" },
		{ "[app " H20("11") "]\ncompose_hash = " H32("33") "\ncompose_hash = " H32("34")
		  "\ndevice = any\ndevice = " H32("35") "\n[policy]\ntcb_status = UpToDate\n"
		  "tcb_status = OutOfDate\nreserved_names = a.b\nreserved_names = c.d\n"
		  "node_names = e.f\nnode_names = g.h\n[kms]\nmr_aggregated = " H32("77")
		  "\nmr_aggregated = " H32("78") "\n", 0, "" },
		{ "[image a]\nsnp_measurement = " H48("77") "\nos_image_hash = " H32("55") "\n", 0,
		  "" },
		{ IMAGE("a", "44", "55") "snp_measurement = " H48("77") "\n", 0, "" },
		{ "[image a]\nsnp_measurement = " H48("77") "\n", -EINVAL, "and os_image_hash" },
		{ "[image a]\nsnp_measurement = " H48("77") "\nos_image_hash = " H32(
			  "55") "\nmrtd = " H48("44") "\n",
		  -EINVAL, "[image a] needs mrtd, rtmr0" },
		{ "[image a/b]\nmrtd = " H48("00") "\n", -EINVAL, "image name" },
		{ "[app 1111]\ndevice = any\n", -EINVAL, "40 hex digits" },
		{ "[app " H20("11") "]\ncompose_hash = 33\n", -EINVAL, "64 hex digits" },
		{ "[app " H20("11") "]\nimage = b\n", -EINVAL,
		  "names image 'b', which is not there" },
	};

	for (size_t i = 0; i < DS_ARRAY_SIZE(t); i++) {
		struct kms_policy *p = NULL;
		struct ds_err err = DS_ERR_NULL;
		int r = kms_policy_parse(DS_SPAN_STR(t[i].in), "p", &p, &err);

		if (r != t[i].r || !strstr(err.msg, t[i].error))
			fail_msg("%zu: got %d '%s'", i, r, err.msg);
		assert_int_equal(p != NULL, r == 0);
		kms_policy_free(p);
	}
}

struct question {
	struct ds_verdict v;
	struct ds_identity id;
	uint8_t claimed[32];
	size_t claimed_n;
};

static struct question good(void)
{
	struct question q = { .claimed_n = 32 };

	q.v.has_body = true;
	memset(q.v.body.mr_td, 0x44, 48);
	memset(q.id.app_id, 0x11, 20);
	memset(q.id.compose_hash, 0x33, 32);
	memset(q.claimed, 0x55, 32);
	return q;
}

static enum kms_deny ask(const char *text, const struct question *q, const char *want_image)
{
	const struct kms_image *im = NULL;
	struct kms_policy *p = NULL;
	enum kms_deny d;

	assert_int_equal(kms_policy_parse(DS_SPAN_STR(text), "p", &p, NULL), 0);
	d = kms_policy_decide(p, &q->v, &q->id, DS_SPAN(q->claimed, q->claimed_n), &im);
	assert_int_equal(im != NULL, d == KMS_ALLOW);
	if (im)
		assert_string_equal(im->name, want_image);
	kms_policy_free(p);
	return d;
}

static void test_decide(void **state)
{
	static const char policy[] = IMAGE("a", "44", "55") APP;
	struct question q = good();

	assert_int_equal(ask(policy, &q, "a"), KMS_ALLOW);
	assert_int_equal(ask("", &q, ""), KMS_DENY_APP);
	q.v.emulated = true;
	assert_int_equal(ask(policy, &q, ""), KMS_DENY_EMULATED);
	assert_int_equal(
		ask("[policy]\nallow_emulated = yes\n" IMAGE("a", "44", "55") APP, &q, "a"),
		KMS_ALLOW);
	/* a root of our own may be a test's: the same switch */
	q = good();
	q.v.custom_root = true;
	assert_int_equal(ask(policy, &q, ""), KMS_DENY_ROOT);
	assert_int_equal(
		ask("[policy]\nallow_emulated = yes\n" IMAGE("a", "44", "55") APP, &q, "a"),
		KMS_ALLOW);
	q = good();
	q.id.app_id[19] ^= 1;
	assert_int_equal(ask(policy, &q, ""), KMS_DENY_APP);
	q = good();
	q.id.compose_hash[31] ^= 1;
	assert_int_equal(ask(policy, &q, ""), KMS_DENY_COMPOSE);
	memset(q.id.compose_hash, 0x34, 32);
	assert_int_equal(ask(policy, &q, "a"), KMS_ALLOW);
	q = good();
	q.claimed[0] ^= 1;
	assert_int_equal(ask(policy, &q, ""), KMS_DENY_IMAGE);
	q.claimed_n = 0; /* says nothing: the measured one */
	assert_int_equal(ask(policy, &q, "a"), KMS_ALLOW);
}

/* Each measured register counts. */
static void test_registers(void **state)
{
	static const char policy[] = IMAGE("a", "44", "55") APP;
	struct question q = good();

	q.v.body.mr_td[47] ^= 1;
	assert_int_equal(ask(policy, &q, ""), KMS_DENY_IMAGE);
	for (int i = 0; i < 3; i++) {
		q = good();
		q.v.body.rt_mr[i][0] = 1;
		assert_int_equal(ask(policy, &q, ""), KMS_DENY_IMAGE);
	}
	q = good();
	q.v.body.rt_mr[3][0] = 1; /* the app's register, judged by its events */
	assert_int_equal(ask(policy, &q, "a"), KMS_ALLOW);
}

/* A report of SEV-SNP is compared with what an image measures there, and with nothing else. */
static void test_snp(void **state)
{
	static const char both[] = IMAGE("a", "44", "55") "snp_measurement = " H48("77") "\n" APP;
	static const char only[] = "[image a]\nsnp_measurement = " H48(
		"77") "\nos_image_hash = " H32("55") "\n" APP;
	static const char listed[] = "[image a]\nsnp_measurement = " H48(
		"77") "\nos_image_hash = " H32("55") "\n[app " H20("11") "]\ncompose_hash = " H32(
		"33") "\ndevice = " H32("dd") "\n";
	struct question q = good();

	assert_int_equal(ask(both, &q, "a"), KMS_ALLOW);
	assert_int_equal(ask(only, &q, ""), KMS_DENY_IMAGE);
	memset(q.v.body.mr_td, 0, 48); /* what an image without registers seems to have */
	assert_int_equal(ask(only, &q, ""), KMS_DENY_IMAGE);
	q = good();
	q.v.tee = DS_TEE_SNP;
	assert_int_equal(ask(both, &q, ""), KMS_DENY_IMAGE);
	q.v.has_snp = true;
	memset(q.v.snp.measurement, 0x77, 48);
	assert_int_equal(ask(both, &q, "a"), KMS_ALLOW);
	assert_int_equal(ask(only, &q, "a"), KMS_ALLOW);
	assert_int_equal(ask(IMAGE("a", "44", "55") APP, &q, ""), KMS_DENY_IMAGE);
	/* a masked chip id is nobody's: a list of devices cannot have it */
	memset(q.id.device_id, 0xdd, 32);
	assert_int_equal(ask(listed, &q, ""), KMS_DENY_DEVICE);
	q.v.snp.chip_id[0] = 1;
	assert_int_equal(ask(listed, &q, "a"), KMS_ALLOW);
	q.id.device_id[0] ^= 1;
	assert_int_equal(ask(listed, &q, ""), KMS_DENY_DEVICE);
	q.v.snp.measurement[47] ^= 1;
	assert_int_equal(ask(both, &q, ""), KMS_DENY_IMAGE);
}

static void test_lists(void **state)
{
	struct question q = good();

	/* the same registers under two names: the app's choice decides */
	assert_int_equal(
		ask(IMAGE("a", "44", "55") IMAGE("b", "44", "55") APP "image = b\n", &q, "b"),
		KMS_ALLOW);
	assert_int_equal(
		ask(IMAGE("a", "44", "55") IMAGE("b", "46", "55") APP "image = b\n", &q, ""),
		KMS_DENY_IMAGE);
	/* devices: listed, any, none */
	assert_int_equal(ask(IMAGE("a", "44", "55") "[app " H20("11") "]\ncompose_hash = " H32(
				     "33") "\ndevice = " H32("00"),
			     &q, "a"),
			 KMS_ALLOW);
	q.id.device_id[0] = 1;
	assert_int_equal(ask(IMAGE("a", "44", "55") "[app " H20("11") "]\ncompose_hash = " H32(
				     "33") "\ndevice = " H32("00"),
			     &q, ""),
			 KMS_DENY_DEVICE);
	assert_int_equal(
		ask(IMAGE("a", "44", "55") "[app " H20("11") "]\ncompose_hash = " H32("33") "\n",
		    &q, ""),
		KMS_DENY_DEVICE);
	assert_int_equal(ask(IMAGE("a", "44", "55") "[app " H20("11") "]\ndevice = any\n", &q, ""),
			 KMS_DENY_COMPOSE);
}

static enum kms_deny ask_kms(const char *text, const struct question *q)
{
	const struct kms_image *im = NULL;
	struct kms_policy *p = NULL;
	enum kms_deny d;

	assert_int_equal(kms_policy_parse(DS_SPAN_STR(text), "p", &p, NULL), 0);
	d = kms_policy_decide_kms(p, &q->v, &q->id, DS_SPAN(q->claimed, q->claimed_n), &im);
	assert_int_equal(im != NULL, d == KMS_ALLOW);
	kms_policy_free(p);
	return d;
}

/* isKmsAllowed, and that an app's lines make nobody a node. */
static void test_nodes(void **state)
{
	static const char policy[] = IMAGE("a", "44", "55") IMAGE("b", "45", "55")
		"[kms]\nmr_aggregated = " H32("66") ", " H32("77") "\ndevice = " H32("88") "\nimage = a\n";
	struct question q = good();

	memset(q.id.mr_aggregated, 0x77, 32);
	memset(q.id.device_id, 0x88, 32);
	assert_int_equal(ask_kms(policy, &q), KMS_ALLOW);
	assert_int_equal(ask_kms(IMAGE("a", "44", "55") APP, &q), KMS_DENY_KMS_MR);
	assert_int_equal(ask_kms(IMAGE("a", "44", "55") "[kms]\nmr_aggregated = " H32("77") "\n", &q),
			 KMS_DENY_KMS_DEVICE);
	assert_int_equal(ask_kms(IMAGE("a", "44", "55") "[kms]\nmr_aggregated = " H32("77")
					 "\ndevice = any\n",
				 &q),
			 KMS_ALLOW);
	q.v.tcb = DS_TCB_SW_HARDENING;
	assert_int_equal(ask_kms(policy, &q), KMS_DENY_KMS_TCB);
	q.v.tcb = DS_TCB_UP_TO_DATE;
	q.v.emulated = true;
	assert_int_equal(ask_kms(policy, &q), KMS_DENY_EMULATED);
	q.v.emulated = false;
	q.v.custom_root = true;
	assert_int_equal(ask_kms(policy, &q), KMS_DENY_ROOT);
	q.v.custom_root = false;
	q.id.mr_aggregated[31] ^= 1;
	assert_int_equal(ask_kms(policy, &q), KMS_DENY_KMS_MR);
	q.id.mr_aggregated[31] ^= 1;
	q.id.device_id[31] ^= 1;
	assert_int_equal(ask_kms(policy, &q), KMS_DENY_KMS_DEVICE);
	q.id.device_id[31] ^= 1;
	memset(q.v.body.mr_td, 0x45, 48);
	assert_int_equal(ask_kms(policy, &q), KMS_DENY_IMAGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_decide),
		cmocka_unit_test(test_registers),
		cmocka_unit_test(test_snp),
		cmocka_unit_test(test_lists),
		cmocka_unit_test(test_nodes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
