/* SPDX-License-Identifier: Apache-2.0 */
/* Every size limit on foreign input, in bytes unless named otherwise. One place, so that a reviewer sees them all. */
#ifndef DS_BASE_LIMITS_H
#define DS_BASE_LIMITS_H

#define DS_MAX_QUOTE        (64u << 10)  /* spec/dcap 1.6 */
#define DS_MAX_COLLATERAL   (1u << 20)   /* spec/dcap 4.1 */
#define DS_MAX_EVENT_LOG    (4u << 20)   /* JSON or TCG2 */
#define DS_MAX_EVENTS       65536u       /* entries */
#define DS_MAX_EVENT_NAME   64u          /* [A-Za-z0-9._-] */
#define DS_MAX_EVENT_DATA   4000u        /* payload of an event made through our kernel ABI */
#define DS_MAX_ATTESTATION  (10u << 20)  /* spec/kms 1.6 */
#define DS_MAX_RPC_BODY     (10u << 20)  /* spec/guest-api 1.4 */
#define DS_MAX_CERT_PEM     (256u << 10) /* a chain in PEM */
#define DS_MAX_HOST_INPUT   (4u << 20)   /* the whole blob */
#define DS_MAX_APP_COMPOSE  (1u << 20)
#define DS_MAX_SYS_CONFIG   (32u << 10)
#define DS_MAX_INSTANCE_INFO (10u << 10)
#define DS_MAX_ENCRYPTED_ENV (256u << 10)
#define DS_MAX_USER_CONFIG  (1u << 20)
#define DS_MAX_CLIENT_HELLO (16u << 10)
#define DS_MAX_CONFIG_FILE  (1u << 20)

#endif
