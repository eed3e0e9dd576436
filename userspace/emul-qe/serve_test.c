// SPDX-License-Identifier: Apache-2.0
/*
 * Tests of the device protocol: a socket pair that keeps message borders stands in for
 * /dev/tdx_emul_qe.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <sys/socket.h>

#include "emul_qe.h"

#include <ds/base/log.h>
#include <uapi/tdx_emul.h>

struct fixture {
	struct ds_emul_qe *qe;
	int dev[2]; /* ours, the daemon's */
};

static int setup(void **state)
{
	static struct fixture f;
	const struct ds_pki_opts opts = { .not_before = 1790000000 };
	DS_PKI struct ds_pki *pki = NULL;
	DS_SECRET struct ds_secret *bundle = NULL;

	*state = &f;
	ds_log_max = DS_LOG_ERR;
	return ds_pki_new(&opts, &pki, NULL) || ds_pki_bundle(pki, &bundle) ||
	       ds_emul_qe_load(DS_SPAN(bundle->p, bundle->n), &f.qe, NULL) ||
	       socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, f.dev);
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	ds_emul_qe_free(f->qe);
	close(f->dev[0]);
	close(f->dev[1]);
	return 0;
}

static void ask(struct fixture *f, struct tdx_emul_qe_request *req, struct tdx_emul_qe_reply *head,
		size_t *ret_n)
{
	static uint8_t msg[sizeof(*head) + TDX_EMUL_QUOTE_MAX];
	ssize_t n;

	assert_int_equal(send(f->dev[0], req, sizeof(*req), 0), sizeof(*req));
	assert_int_equal(serve_one(f->dev[1], f->qe), 0);
	n = recv(f->dev[0], msg, sizeof(msg), MSG_DONTWAIT);
	assert_true(n >= (ssize_t)sizeof(*head));
	memcpy(head, msg, sizeof(*head));
	*ret_n = (size_t)n;
}

static void good_request_gets_a_quote(void **state)
{
	struct tdx_emul_qe_request req = { .id = 0x1122334455667788 };
	struct tdx_emul_qe_reply head;
	struct ds_emul_td td;
	size_t n;

	ds_emul_td_init(&td);
	assert_int_equal(ds_emul_tdreport(&td, req.tdreport), 0);
	ask(*state, &req, &head, &n);
	assert_true(head.id == req.id);
	assert_int_equal(head.status, TDX_EMUL_QE_OK);
	assert_int_equal(head.quote_len, n - sizeof(head));
	assert_true(head.quote_len > 4000 && head.quote_len <= TDX_EMUL_QUOTE_MAX);
}

/* A refusal is an answer too: otherwise the guest would wait for its timeout. */
static void bad_report_gets_an_error(void **state)
{
	struct tdx_emul_qe_request req = { .id = 7 };
	struct tdx_emul_qe_reply head;
	size_t n;

	ask(*state, &req, &head, &n);
	assert_true(head.id == 7);
	assert_int_equal(head.status, TDX_EMUL_QE_ERROR);
	assert_int_equal(head.quote_len, 0);
	assert_int_equal(n, sizeof(head));
}

/* A guest that offers too small a buffer must not stop the service for the others. */
static void quote_that_does_not_fit_is_an_error(void **state)
{
	struct fixture *f = *state;
	struct tdx_emul_qe_request req = { .id = 9 };
	struct tdx_emul_qe_reply head;
	struct ds_emul_td td;
	int tiny = 1;
	size_t n;

	ds_emul_td_init(&td);
	assert_int_equal(ds_emul_tdreport(&td, req.tdreport), 0);
	assert_int_equal(setsockopt(f->dev[1], SOL_SOCKET, SO_SNDBUF, &tiny, sizeof(tiny)), 0);
	ask(f, &req, &head, &n);
	assert_true(head.id == 9);
	assert_int_equal(head.status, TDX_EMUL_QE_ERROR);
	assert_int_equal(n, sizeof(head));
}

static void broken_device_ends_the_service(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(send(f->dev[0], "short", 5, 0), 5);
	assert_int_equal(serve_one(f->dev[1], f->qe), -EPROTO);
	assert_int_equal(shutdown(f->dev[0], SHUT_WR), 0);
	assert_int_equal(serve_one(f->dev[1], f->qe), -ENODEV);
	assert_int_equal(serve_one(-1, f->qe), -EBADF);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_request_gets_a_quote),
		cmocka_unit_test(bad_report_gets_an_error),
		cmocka_unit_test(quote_that_does_not_fit_is_an_error),
		cmocka_unit_test(broken_device_ends_the_service),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
