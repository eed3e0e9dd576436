/* SPDX-License-Identifier: GPL-2.0-only */
/* Known answers, checked at load in DEBUG builds; a wrong one refuses the load. */
#ifndef DS_RTMR_SELFTEST_H
#define DS_RTMR_SELFTEST_H

#ifdef DEBUG
int __must_check ds_selftest(void);
#else
static inline int __must_check ds_selftest(void)
{
	return 0;
}
#endif

#endif /* DS_RTMR_SELFTEST_H */
