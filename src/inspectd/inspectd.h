/* SPDX-License-Identifier: GPL-2.0-or-later
 * The main thread of fwc-inspectd: tables, lanes, and whoever asks how they are.
 */
#ifndef FWC_INSPECTD_H
#define FWC_INSPECTD_H

#include <jansson.h>
#include <sys/stat.h>

#include "inspectd/busy.h"
#include "inspectd/lane.h"
#include "inspectd/responder.h"

#define CLIENTS_MAX 32
#define CLIENT_LINE 4096
#define FOLLOWER_ROOM (4 << 20) /* bytes of lines that it has not read yet */
#define QUEUE_LENGTH 1000 /* packets that wait in the kernel; fewer than SLOTS */

struct client {
	int fd; /* -1: none */
	bool follows; /* the log */
	bool prepares; /* what is prepared is its, and forgotten with it */
	int passed; /* a descriptor that came from it; -1: none */
	uint64_t lost; /* lines that it was too slow for */
	char line[CLIENT_LINE];
	size_t len;
};

struct inspectd {
	const char *tables_path; /* the file of the command line, or NULL */
	const char *applied, *trial, *pending; /* else of that directory, or, while the file trial
						  exists, of pending */
	char path[4096]; /* of the tables that were read last */
	const char *socket_path, *program;
	struct lane_options lane;
	struct responder responder;
	struct lane_tables *tables; /* NULL: none */
	struct lane_tables *prepared; /* judges with these wait; NULL: none */
	VEC(struct lane *) lanes;
	struct arena *arena;
	int events, listener, lock, signals;
	struct stat socket_file; /* as it was made; zero: it was not */
	struct client clients[CLIENTS_MAX];
	struct busy busy;
	uint64_t since; /* seconds since 1970 */
	char error[512]; /* why the last reading of tables failed; "" */
	bool keep; /* sockets outlive this process */
	bool stop, upgrade;
	bool rests; /* decisions came just now: more may, and wait a little */
};

/* ---- tables.c ---- */
/* Reads the tables and makes the lanes that they want; what cannot be used changes nothing.
 * -ENOENT: there are none, which is fine. */
int inspectd_load(struct inspectd *d, struct buf *why);
/* The tables in that file: judges get ready for them, and new queues are taken, while those of now
 * go on. The next inspectd_load() of the same bytes has them at once, any other forgets them. */
int inspectd_prepare(struct inspectd *d, int fd, struct buf *why);
void inspectd_forget(struct inspectd *d);
/* Descriptors that another process left: "queue-26000" ... in LISTEN_FDNAMES. */
void adopt_begin(void);
struct lane_fds adopt_take(uint16_t queue);
int adopt_take_one(const char *name); /* -1: there is none */
void adopt_end(void); /* closes what nobody took */
/* The names and descriptors of a lane; and of what all of them share. */
#define RESPONDER_NAMES {"raw-4", "raw-6"}
#define LANE_NFDS 4
void lane_names(const struct lane *l, int fd[LANE_NFDS], char name[LANE_NFDS][32]);

/* ---- control.c: requests, one JSON object a line ---- */
/* The place for the socket, before the queues are taken: not where another one is at work. */
int control_open(struct inspectd *d, struct buf *why);
int control_listen(struct inspectd *d, struct buf *why); /* once they are */
void control_accept(struct inspectd *d);
void control_read(struct inspectd *d, struct client *c);
bool control_events(struct inspectd *d); /* decisions that came, to all that follow the log */
void control_close(struct inspectd *d);
/* The answer to a line. Pure but for what is asked of d. */
json_t *control_answer(struct inspectd *d, struct client *c, const char *line, size_t n);

/* ---- status.c ---- */
json_t *status_json(struct inspectd *d);
json_t *told_json(const struct inspectd *d, const struct event *e);

/* ---- service.c: systemd, without its library: sd_notify(3), and the same for an own exec ---- */
void service_say(const char *text); /* "READY=1" ... */
void service_keep(const struct lane *l); /* FDSTORE=1 */
void service_forget(const struct lane *l);
/* The program anew, with the lanes' descriptors; comes back only with -errno. It finds
 * SERVICE_AGAIN in its environment: what only the first one may do is done. */
#define SERVICE_AGAIN "FWC_INSPECTD_AGAIN"
int service_exec(struct inspectd *d, char **argv);

/* ---- privileges.c ---- */
int privileges_drop(void); /* to those that queues and judges need; 0 or -errno */

#endif
