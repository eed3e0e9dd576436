// SPDX-License-Identifier: Apache-2.0
/* Tables of answers: letters are answers, "." is open, "~" open but waived, "!" failed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <ds/eth/votes.h>

#define OPEN DS_ETH_E_OPEN
#define NONE DS_ETH_E_NONE

static void fill(struct ds_eth_votes *v, const char *s)
{
	*v = (struct ds_eth_votes){ .n = strlen(s) };
	for (size_t i = 0; i < v->n; i++) {
		v->v[i].waived = s[i] == '~';
		v->v[i].state = s[i] == '.' || s[i] == '~' ? DS_ETH_OPEN :
				s[i] == '!'		   ? DS_ETH_FAILED :
							     DS_ETH_ANSWERED;
		if (v->v[i].state == DS_ETH_ANSWERED && s[i] != '-')
			assert_int_equal(ds_buf_add(&v->v[i].answer, s + i, 1), 0);
	}
}

static void agree(void **state)
{
	static const struct {
		const char *s;
		size_t need;
		int r;
		char what;
	} t[] = {
		{ "a", 1, 0, 'a' },	{ ".", 1, OPEN, 0 },	{ "!", 1, NONE, 0 },
		{ "aa.", 2, 0, 'a' },	{ "ab.", 2, OPEN, 0 },	{ "aba", 2, 0, 'a' },
		{ "abb", 2, 0, 'b' },	{ "abc", 2, NONE, 0 },	{ "a!.", 2, OPEN, 0 },
		{ "a!!", 2, NONE, 0 },	{ "!!.", 2, NONE, 0 },	{ "ab!", 2, NONE, 0 },
		{ "aab.b", 3, OPEN, 0 }, { "aabbb", 3, 0, 'b' }, { "aabb!", 3, NONE, 0 },
		{ "--a", 2, 0, 0 },	{ "", 1, NONE, 0 },
	};

	for (size_t i = 0; i < DS_ARRAY_SIZE(t); i++) {
		struct ds_eth_votes v;
		size_t k = 99;
		int r;

		fill(&v, t[i].s);
		r = ds_eth_votes_agree(&v, t[i].need, &k);
		if (r != t[i].r)
			fail_msg("%s: %d", t[i].s, r);
		if (!r && t[i].what)
			assert_int_equal(v.v[k].answer.p[0], t[i].what);
		if (r)
			assert_int_equal(k, 99);
		ds_eth_votes_done(&v);
	}
}

static void common(void **state)
{
	static const struct {
		const char *s;
		size_t need;
		int r;
		char common;
	} t[] = {
		{ "ba.", 2, OPEN, 0 }, { "ba~", 2, 0, 'a' }, { "ba!", 2, 0, 'a' },
		{ "bca", 2, 0, 'b' }, /* one that holds back, or runs ahead, changes nothing */
		{ "bcz", 2, 0, 'c' }, { "b~~", 2, OPEN, 0 },  { "b!!", 2, NONE, 0 },
		{ "bb~", 2, 0, 'b' },  { "bcaab", 3, 0, 'b' }, { "a", 1, 0, 'a' },
	};

	for (size_t i = 0; i < DS_ARRAY_SIZE(t); i++) {
		struct ds_eth_votes v;
		size_t k = 0;

		fill(&v, t[i].s);
		if (ds_eth_votes_common(&v, t[i].need, &k) != t[i].r)
			fail_msg("%s", t[i].s);
		if (!t[i].r)
			assert_int_equal(v.v[k].answer.p[0], t[i].common);
		ds_eth_votes_done(&v);
	}
}

static void first(void **state)
{
	static const struct {
		const char *s;
		int r;
		char first;
	} t[] = { { "..a", 0, 'a' }, { "!ca", 0, 'c' }, { "!!.", OPEN, 0 }, { "!!!", NONE, 0 } };

	for (size_t i = 0; i < DS_ARRAY_SIZE(t); i++) {
		struct ds_eth_votes v;
		size_t k = 0;

		fill(&v, t[i].s);
		assert_int_equal(ds_eth_votes_first(&v, 1, &k), t[i].r);
		if (!t[i].r)
			assert_int_equal(v.v[k].answer.p[0], t[i].first);
		ds_eth_votes_done(&v);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(agree), cmocka_unit_test(common), cmocka_unit_test(first) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
