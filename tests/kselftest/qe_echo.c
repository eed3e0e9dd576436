// SPDX-License-Identifier: Apache-2.0
/*
 * A quoting enclave that quotes nothing: it answers each request on /dev/tdx_emul_qe with a tag and
 * the TDREPORT it was given, so that a test can tell which report came back. Runs until killed.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "qe_echo.h"
#include "uapi/tdx_emul.h"

int main(void)
{
	struct tdx_emul_qe_request req;
	struct {
		struct tdx_emul_qe_reply head;
		struct qe_echo_quote quote;
	} reply;
	int fd = open(TDX_EMUL_QE_DEVICE, O_RDWR | O_CLOEXEC);

	if (fd < 0) {
		perror(TDX_EMUL_QE_DEVICE);
		return 1;
	}
	while (read(fd, &req, sizeof(req)) == sizeof(req)) {
		memset(&reply, 0, sizeof(reply));
		reply.head.id = req.id;
		reply.head.quote_len = sizeof(reply.quote);
		memcpy(reply.quote.tag, QE_ECHO_TAG, sizeof(reply.quote.tag));
		memcpy(reply.quote.tdreport, req.tdreport, sizeof(reply.quote.tdreport));
		if (write(fd, &reply, sizeof(reply)) != sizeof(reply))
			perror("qe_echo: reply");
	}
	perror("qe_echo: request");
	return 1;
}
