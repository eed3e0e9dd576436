// SPDX-License-Identifier: Apache-2.0
/* Signatures on P-384. */
#include "vec_test.h"

#include <ds/crypto/p384.h>

/* RFC 6979 A.2.6: key, and signature of "sample" with SHA-384 */
#define HEAD "3076301006072a8648ce3d020106052b8104002203620004"
#define XY                                                                                         \
	"ec3a4e415b4e19a4568618029f427fa5da9a8bc4ae92e02e06aae5286b300c64"                         \
	"def8f0ea9055866064a254515480bc138015d9b72d7d57244ea8ef9ac0c62189"                         \
	"6708a59367f9dfb9f54ca84b3f1c9db1288b231c3ae0d4fe7344fd2533264720"
#define R                                                                                          \
	"94edbb92a5ecb8aad4736e56c691916b3f88140666ce9fa73d64c4ea95ad133c"                         \
	"81a648152e44acf96e36dd1e80fabe46"
#define S                                                                                          \
	"99ef4aeb15f178cea1fe40db2603138f130e740a19624526203b6351d0a3a94f"                         \
	"a329c145786e679e7b82c71a38628ac8"
#define ORDER                                                                                      \
	"ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf"                         \
	"581a0db248b0a77aecec196accc52973"
#define ZERO                                                                                       \
	"0000000000000000000000000000000000000000000000000000000000000000"                         \
	"00000000000000000000000000000000"

static void verifies(void **state)
{
	static const struct {
		const char *rs, *msg;
		int want;
	} rows[] = {
		{ R S, "sample", 0 },
		{ R S, "samplE", -EKEYREJECTED },
		{ S R, "sample", -EKEYREJECTED },
		{ ZERO S, "sample", -EKEYREJECTED },
		{ R ZERO, "sample", -EKEYREJECTED },
		{ ORDER S, "sample", -EKEYREJECTED },
		{ R ORDER, "sample", -EKEYREJECTED },
	};

	for (size_t i = 0; i < DS_ARRAY_SIZE(rows); i++)
		assert_int_equal(ds_p384_verify_raw(hex(HEAD XY), DS_SPAN_STR(rows[i].msg),
						    hex(rows[i].rs).p),
				 rows[i].want);
}

static void one_form_of_key(void **state)
{
	uint8_t key[DS_P384_SPKI_SIZE];

	memcpy(key, hex(HEAD XY).p, sizeof(key));
	for (size_t n = 0; n < sizeof(key); n++)
		assert_false(ds_p384_is_spki(DS_SPAN(key, n)));
	for (size_t i = 0; i < sizeof(key); i++) {
		key[i] ^= 1;
		/* another header, or a point that is not on the curve */
		assert_int_equal(
			ds_p384_verify_raw(DS_SPAN_ARRAY(key), DS_SPAN_LIT("sample"), hex(R S).p),
			-EBADMSG);
		key[i] ^= 1;
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(verifies),
		cmocka_unit_test(one_form_of_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
