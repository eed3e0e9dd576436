/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A worker in a child process, and the hands of everybody around it: the control process, clients
 * and backends on loopback. Backends listen on 127.77.0.x, so that the instance table leads to
 * them. Every helper ends the test when something it needs fails.
 */
#ifndef DS_GATEWAY_FRONT_RIG_H
#define DS_GATEWAY_FRONT_RIG_H

#include "front.h"

#define IP1 0x7f4d0002u /* 127.77.0.2 */
#define IP2 0x7f4d0003u

struct rig {
	pid_t pid;
	int listener, control;
	uint16_t port;
	int backend; /* listens on IP1 */
	uint16_t backend_port;
};

/* The next worker's configuration. */
extern struct ds_gw_conf conf;

int listen_any(uint32_t ip, uint16_t *ret_port);
void tell(struct rig *r, enum ds_gw_msg_kind kind, uint8_t instance, uint8_t app, uint32_t ip);
int dial(const struct rig *r);
size_t make_hello(const char *name, uint8_t *out, size_t filler);
void send_all(int fd, const void *p, size_t n);
void hello_to(int fd, const char *name);
void rig_up(struct rig *r);
void rig_down(struct rig *r);
int take(int listener);
void id_name(char *out, size_t n, uint8_t id, const char *rest);
void backend_name(const struct rig *r, uint8_t id, char out[100]);
void expect(int fd, const void *p, size_t n);
void expect_end(int fd);
void expect_alert(int fd, uint8_t number);

#endif
