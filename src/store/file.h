/* SPDX-License-Identifier: GPL-2.0-or-later
 * Files below an open directory: whole or not at all, never through a symbolic link.
 */
#ifndef FWC_FILE_H
#define FWC_FILE_H

#include <jansson.h>
#include <stdbool.h>
#include <sys/types.h>

#include "util/buf.h"

/* Temporary file, fsync, rename. The directory is not synced. */
int file_write(int dir, const char *name, const void *data, size_t len);
/* The same for others to read; the mode is there before the name is. */
int file_publish(int dir, const char *name, const void *data, size_t len, mode_t mode);
int file_write_json(int dir, const char *name, const json_t *j);
/* Refuses what is no plain file, what others may write, what belongs to another user. */
int file_read(int dir, const char *name, struct buf *out);
/* Whether it can be read so, and holds these bytes. */
bool file_holds(int dir, const char *name, const struct buf *want);
int file_read_json(int dir, const char *name, json_t **out);
/* Text from outside for a record, as diag_show() has it. */
json_t *file_text(const char *s);
/* The text that file_write_json() writes; false if there is none. */
bool file_json_text(struct buf *out, const json_t *j);
/* The directory `temp` takes the place of `name` in one step, and what was there goes. Synced. */
int file_put_dir(int dir, const char *temp, const char *name);
/* What an error of these functions means to people. */
const char *file_reason(int err);
/* Removes the files of that name's directory, then itself; no deeper. Of a symbolic link, only
 * the link. */
void file_remove_dir(int dir, const char *name);

#endif
