/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Subcommands of dstack-emul-qe. Each takes its own arguments and returns the exit status: 0,
 * 1 or 2 (usage).
 */
#ifndef DSTACK_EMUL_QE_H
#define DSTACK_EMUL_QE_H

#include <ds/base/base.h>
#include <ds/x509/pki.h>

#define EXIT_USAGE 2

int cmd_pki(int argc, char **argv);
int cmd_quote(int argc, char **argv);
int cmd_tdreport(int argc, char **argv);
int cmd_serve(int argc, char **argv);

/*
 * Read the bundle from path, or from fd when path is NULL, and load it. Logs; 0 or negative errno.
 */
DS_MUST int qe_open(const char *path, int fd, struct ds_emul_qe **ret);
/* Decimal file descriptor number, at least 3. */
DS_MUST int parse_fd(const char *s, int *ret);

/*
 * One request of the emulator from fd, one reply to it. 0: served (also when the answer was an
 * error status), negative: the device is of no more use.
 */
DS_MUST int serve_one(int fd, const struct ds_emul_qe *qe);

#endif
