// SPDX-License-Identifier: Apache-2.0
/* Tests of the key holder, in a process of its own as in production. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <ds/base/text.h>
#include <ds/keys/derive.h>
#include <ds/keys/holder.h>

static pid_t start(int *ret_ctl)
{
	int sv[2];
	pid_t pid;

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		close(sv[0]);
		_exit(ds_holder_serve(sv[1]) ? 1 : 0);
	}
	close(sv[1]);
	*ret_ctl = sv[0];
	return pid;
}

static void stop(pid_t pid, int ctl)
{
	int st;

	close(ctl);
	assert_int_equal(waitpid(pid, &st, 0), pid);
	assert_true(WIFEXITED(st) && WEXITSTATUS(st) == 0);
}

/* spec/guest-api 5, rows 7, 9, 11. */
static void signs_the_vector(void **state)
{
	DS_SECRET struct ds_secret *key = ds_secret_new(32);
	uint8_t pub[33], sig[65];
	char hex[131];
	int ctl, cl;
	pid_t pid = start(&ctl);

	assert_non_null(key);
	assert_int_equal(ds_hex_decode_exact(
				 "d6e88992cdeeee35fe70b5db61ab66cdb191fb9b6ec9313757ef162dd7214d5d",
				 key->p, 32),
			 0);
	assert_int_equal(
		ds_hex_decode_exact(
			"02c1082e78670feed1c847db81dbd71be37e4d53200a746c0a89f0afa8173cf566", pub,
			33),
		0);
	assert_int_equal(ds_holder_connect(ctl, &cl), 0);
	assert_int_equal(ds_holder_sign(cl, DS_SPAN_LIT("test-purpose"), DS_SPAN_ARRAY(pub), sig),
			 -ENOKEY);
	assert_int_equal(ds_holder_load(ctl, key), 0);
	assert_int_equal(ds_holder_load(ctl, key), -EALREADY);
	assert_int_equal(ds_holder_sign(cl, DS_SPAN_LIT("test-purpose"), DS_SPAN_ARRAY(pub), sig),
			 0);
	assert_string_equal(ds_hex_encode(sig, 65, hex),
			    "f50c51735a97072f0c98125ed61fc84e2fdb36e95990b9e57337dadc0e2a9712"
			    "227f04e07209faecb8891d59ec144a6c13e411dc90b3423f28071bd3fe11978d01");
	assert_int_equal(ds_holder_sign(cl, DS_SPAN_NULL, DS_SPAN(pub, 31), sig), -EINVAL);
	assert_int_equal(ds_holder_sign(cl, DS_SPAN(pub, DS_HOLDER_PURPOSE_MAX + 1),
					DS_SPAN_ARRAY(pub), sig),
			 -EFBIG);
	close(cl);
	stop(pid, ctl);
}

static void new_client_replaces_the_old(void **state)
{
	static const uint8_t pub[33] = { 2 };
	DS_SECRET struct ds_secret *key = ds_secret_new(32);
	uint8_t sig[65], again[65];
	int ctl, a, b;
	pid_t pid = start(&ctl);

	assert_non_null(key);
	key->p[31] = 1;
	assert_int_equal(ds_holder_load(ctl, key), 0);
	assert_int_equal(ds_holder_connect(ctl, &a), 0);
	assert_int_equal(ds_holder_sign(a, DS_SPAN_LIT("x"), DS_SPAN_ARRAY(pub), sig), 0);
	assert_int_equal(ds_holder_connect(ctl, &b), 0);
	assert_int_equal(ds_holder_sign(a, DS_SPAN_LIT("x"), DS_SPAN_ARRAY(pub), again), -EPIPE);
	assert_int_equal(ds_holder_sign(b, DS_SPAN_LIT("x"), DS_SPAN_ARRAY(pub), again), 0);
	assert_memory_equal(sig, again, 65);
	close(a);
	close(b);
	stop(pid, ctl);
}

/* Packets of a wrong size end the client's session, and only that. */
static void nonsense_cuts_the_client_off(void **state)
{
	static const uint8_t pub[33] = { 2 }, junk[3000];
	DS_SECRET struct ds_secret *key = ds_secret_new(32);
	static const size_t sizes[] = { 1, 15, 1079, 1081, 3000 };
	uint8_t sig[65];
	int ctl, last;
	pid_t pid = start(&ctl);

	assert_non_null(key);
	key->p[0] = 1;
	assert_int_equal(ds_holder_load(ctl, key), 0);
	for (size_t i = 0; i < DS_ARRAY_SIZE(sizes); i++) {
		char c;
		int cl;

		assert_int_equal(ds_holder_connect(ctl, &cl), 0);
		assert_int_equal(send(cl, junk, sizes[i], MSG_NOSIGNAL), (int)sizes[i]);
		assert_int_equal(recv(cl, &c, 1, 0), 0);
		close(cl);
	}
	assert_int_equal(ds_holder_connect(ctl, &last), 0);
	assert_int_equal(ds_holder_sign(last, DS_SPAN_LIT("x"), DS_SPAN_ARRAY(pub), sig), 0);
	close(last);
	stop(pid, ctl);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(signs_the_vector),
		cmocka_unit_test(new_client_replaces_the_old),
		cmocka_unit_test(nonsense_cuts_the_client_off),
	};

	return cmocka_run_group_tests_name("holder", tests, NULL, NULL);
}
