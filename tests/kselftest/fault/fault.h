/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of fault_test. */
#ifndef FAULT_H
#define FAULT_H

#include <keyutils.h>
#include <stdbool.h>

#define FAIL_NTH	"/proc/thread-self/fail-nth"
#define NTH_MAX		500
#define NTH_MANY	1000000

/*
 * Runs op() with the nth allocation failing, for n from 1 until all of them succeed. op() returns 0
 * or -1 and errno; check(), if any, is told what op() returned and says whether the state is right.
 */
void every_allocation(int (*op)(void), bool (*check)(int ret));

/*
 * The same from the nth on, for what can be done once: the first success is the last, so it ends at
 * an allocation that does not matter.
 */
void every_allocation_once(int nth, int (*op)(void), bool (*check)(int ret));

/* How many it needs, -1 if that cannot be known. */
int count_allocations(int (*op)(void));

/* keys.c, in this order: phase boot, no root key yet; the program is /sbin/request-key too. */
void root_keys_are_not_used_up(void);
void app_keys_are_right_or_absent(void);
void volume_keys_are_whole_or_absent(void);
void a_take_once_key_is_not_lost(void);
void kms_keys_are_right_or_absent(void);
void instantiation_can_be_repeated(void);

/* keys.c: all of them in one go, without a fault; and there are no others. */
bool keys_are_well(void);

/* keys.c: as /sbin/request-key, for this key. The exit status. */
int upcall(key_serial_t key);

/* load.c: in this order, nothing is loaded; their files, in this order. */
extern const char *const *load_files;
void loads_can_be_refused(void);
void emul_is_loaded_or_not(void);
void rtmr_is_loaded_or_not(void);

#endif /* FAULT_H */
