# SPDX-License-Identifier: Apache-2.0
ds_srcs += $(addprefix userspace/lib/crypto/,ossl.c hash.c keccak.c reportdata.c kdf.c \
	rand.c pem.c aead.c p256.c p256_codec.c p384.c k256.c x25519.c)
ds_tests += $(addprefix userspace/lib/crypto/,hash_test.c aead_test.c p256_test.c p384_test.c k256_test.c x25519_test.c)
