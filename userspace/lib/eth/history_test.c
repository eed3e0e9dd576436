// SPDX-License-Identifier: Apache-2.0
/* The events of a real contract give its history head (vectors_test.h); a list less or more does not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "vectors_test.h"

#include <ds/eth/history.h>

struct seen {
	uint8_t head[32];
	size_t n, skip, named;
	int r;
};

static int see(void *arg, const struct ds_eth_change *c)
{
	struct seen *s = arg;

	if (++s->n != s->skip)
		ds_eth_history_fold(s->head, c);
	s->named += ds_eth_policy_name(c->policy) != NULL;
	return s->r;
}

static int take(const char *body, size_t n, uint64_t from, uint64_t to, struct seen *s, struct ds_err *err)
{
	*err = DS_ERR_NULL;
	return ds_eth_take_changes(DS_SPAN(body, n), vec_app, from, to, see, s, err);
}

static void whole(void **state)
{
	struct seen s = { 0 }, less = { .skip = 5 }, stop = { .r = -ECANCELED };
	struct ds_err err;

	assert_int_equal(take(vec_changes, strlen(vec_changes), 0, 1000, &s, &err), 0);
	assert_true(s.n > 7 && s.named == s.n);
	assert_memory_equal(s.head, vec_app_history_head, 32);
	assert_int_equal(take(vec_changes, strlen(vec_changes), 0, 1000, &less, &err), 0);
	assert_memory_not_equal(less.head, vec_app_history_head, 32);
	assert_int_equal(take(vec_changes, strlen(vec_changes), 0, 1000, &stop, &err), -ECANCELED);
	assert_int_equal(stop.n, 1);
	for (size_t n = 0; n < strlen(vec_changes); n += 7)
		assert_int_equal(take(vec_changes, n, 0, 1000, &s, &err), -EBADMSG);
	/* of blocks that nobody asked for */
	assert_int_equal(take(vec_changes, strlen(vec_changes), 100, 1000, &s, &err), -EBADMSG);
	assert_int_equal(take(vec_changes, strlen(vec_changes), 0, 5, &s, &err), -EBADMSG);
}

static void changed(void **state)
{
	size_t n = strlen(vec_changes) / 5, same = 0; /* the first few events */
	DS_FREE char *body = strdup(vec_changes);

	assert_non_null(body);
	for (size_t i = 0; i < n; i++) {
		char c = body[i];
		struct seen s = { 0 };
		struct ds_err err;

		body[i] = c == '0' ? '1' : '0';
		if (!ds_eth_take_changes(DS_SPAN_STR(body), vec_app, 0, 1000, see, &s, &err)) {
			if (memcmp(s.head, vec_app_history_head, 32) == 0)
				same++; /* what is no part of the history */
		}
		body[i] = c;
	}
	assert_true(same > 0 && same < n);
}

#define TOPIC "0x341d3bc64e32172fc5bcf27b0f7f69dc5adc19af64b7aa1dee361e5883c32375"
#define Z63   "000000000000000000000000000000000000000000000000000000000000000"
#define APP   "0x75537828f2ce51be7289709686a69cbfdbb714f1"
#define LOG(address, topic, actor, data)                                                           \
	"{\"id\":1,\"result\":[{\"address\":\"" address "\",\"topics\":[\"" topic "\",\"" actor            \
	"\",\"0x" Z63 "0\",\"0x" Z63 "0\"],\"data\":\"" data "\",\"blockNumber\":\"0x1\"}]}"

static void malformed(void **state)
{
	static const struct {
		const char *body, *error;
	} t[] = {
		{ LOG("0x9fe46736679d2d9a65f0992f2272de9f3c7fa6e1", TOPIC, "0x" Z63 "0", "0x" Z63 "0"),
		  "not one that was asked for" },
		{ LOG(APP, "0x" Z63 "0", "0x" Z63 "0", "0x" Z63 "0"), "not one that was asked for" },
		{ LOG(APP, TOPIC, "0x1" Z63, "0x" Z63 "0"), "bytes too many" },
		{ LOG(APP, TOPIC, "0x" Z63 "0", "0x" Z63 "2"), "bytes too many" },
		{ LOG(APP, TOPIC, "0x" Z63 "0", "0x"), "data: expected 0x and 64 hex" },
		{ "{\"id\":1,\"result\":{}}", "expected an array" },
		{ "{\"id\":1,\"result\":[{}]}", "expected four topics" },
	};

	for (size_t i = 0; i < DS_ARRAY_SIZE(t); i++) {
		struct seen s = { 0 };
		struct ds_err err = DS_ERR_NULL;
		int r = ds_eth_take_changes(DS_SPAN_STR(t[i].body), vec_app, 0, 1, see, &s, &err);

		if (r != -EBADMSG || !strstr(err.msg, t[i].error))
			fail_msg("%zu: %d '%s'", i, r, err.msg);
	}
}

static void names(void **state)
{
	static const uint8_t nothing[32];
	DS_BUF struct ds_buf b = DS_BUF_NULL;

	assert_null(ds_eth_policy_name(nothing));
	assert_memory_equal(ds_eth_history_slots[1], vec_kms_slots + 96, 32);
	assert_int_equal(ds_eth_ask_changes(vec_app, 1, 255, &b), 0);
	assert_string_equal(ds_buf_cstr(&b),
			    "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"eth_getLogs\",\"params\":[{\"address\":\"" APP
			    "\",\"topics\":[\"" TOPIC "\"],\"fromBlock\":\"0x1\",\"toBlock\":\"0xff\"}]}");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whole),
		cmocka_unit_test(changed),
		cmocka_unit_test(malformed),
		cmocka_unit_test(names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
