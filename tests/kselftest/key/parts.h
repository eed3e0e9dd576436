/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parts of the key type's test, in the order of one boot. State shared by them is the kernel's:
 * which root keys exist, and the phase.
 */
#ifndef KEY_PARTS_H
#define KEY_PARTS_H

#include <stdint.h>

#include "util.h"

/* The root key of the reference's simulator, of which the published vectors are made. */
extern const uint8_t test_k256[KEY_BYTES];
extern const uint8_t test_disk[KEY_BYTES];

/* Serial of ".dstack" as sysfs says. */
extern long test_ring;

/* root.c: phase boot, no root key yet; uses up "disk" and "env" */
void test_take_once(void);

/* root.c: phase boot, no root key yet; adds "k256" */
void test_before_roots(void);
void test_add_refused(void);
void test_add_roots(void);
void test_root_operations(void);

/* app.c: needs root:k256 */
void test_vectors(void);
void test_random_paths(void);
void test_descriptions(void);
void test_app_callers(void);
void test_app_operations(void);
void test_together(void);

/* property.c: needs root:k256 */
void test_against_userspace(void);

/* ops.c: needs root:k256 */
void test_lifecycle(void);
void test_accounting(void);
void test_one_key(void);
void test_namespaces(void);

/* volume.c: phase boot, no root key yet, dm-crypt and brd loaded; ends in phase runtime */
void test_volumes(void);

/* kms.c: /sbin/request-key, dstack-request-key and its configuration are there; no agent runs */
void test_kms(void);

/* wait.c: phase boot, no root key yet, a preemptible kernel */
void test_wait(void);

/* tools.c: /bin/keyctl is there; phase boot, no root key yet */
void test_tools(void);

#endif /* KEY_PARTS_H */
