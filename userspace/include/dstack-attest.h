/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libdstack-attest: everything that is installed, see dstack-attest(3). Before version 1 the layout of
 * the structs may change with the soname.
 */
#ifndef DSTACK_ATTEST_H
#define DSTACK_ATTEST_H

#ifdef __cplusplus
extern "C" {
#endif

#include <ds/base/base.h>
#include <ds/base/limits.h>
#include <ds/wire/quote.h>
#include <ds/wire/eventlog.h>
#include <ds/wire/attestation.h>
#include <ds/wire/amdext.h>
#include <ds/wire/snpreport.h>
#include <ds/attest/reason.h>
#include <ds/attest/verdict.h>
#include <ds/attest/verify.h>
#include <ds/attest/cache.h>
#include <ds/attest/eventlog.h>

#ifdef __cplusplus
}
#endif

#endif
