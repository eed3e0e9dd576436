// SPDX-License-Identifier: Apache-2.0
/* canary address|undefined: does what the sanitizers have to report, so that their silence means something. */
#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int main(int argc, char **argv)
{
	volatile int big = INT_MAX;
	char *volatile p = malloc(8); /* what it points to is hidden from the other sanitizer */

	if (argc != 2 || !p)
		return 2;
	if (!strcmp(argv[1], "address"))
		return p[8];
	return !strcmp(argv[1], "undefined") ? (big + 1) & 1 : 2;
}
