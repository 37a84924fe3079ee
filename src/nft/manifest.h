/* SPDX-License-Identifier: GPL-2.0-or-later
 * What lies beside a compiled script: where it came from, and which piece of it is which object.
 */
#ifndef FWC_MANIFEST_H
#define FWC_MANIFEST_H

#include <jansson.h>

#include "nft/nft.h"
#include "util/map.h"
#include "util/sha256.h"

#define MANIFEST_FORMAT 2 /* 1 has all of it in JSON, and is read as well */
#define MANIFEST_SEAL "seal"
/* Files beside it. */
#define MANIFEST_HELD "ruleset.dump"
#define MANIFEST_INDEX "ruleset.index"
#define MANIFEST_RUNTIME "runtime.json"

struct manifest_place {
	const char *at; /* "firewall.fwc:12"; "" for what fwc adds by itself */
	const char *text; /* the policy's words, or those of the comment; "" if there are none */
	/* of a rule that not every kernel takes, see rule_standin(); else NULL */
	const char *needs, *instead;
};

enum manifest_kind { OBJECT_SET, OBJECT_MAP, OBJECT_CHAIN, OBJECT_HELPER, OBJECT_FLOWTABLE,
		     OBJECT_QUOTA };

struct manifest_object {
	enum manifest_kind kind;
	const char *name, *stem;
	size_t off, len; /* of its block in the script */
	bool dynamic, base;
	struct manifest_place place; /* of a set, helper or flowtable */
	uint32_t first, nplaces; /* what is still in the index of what follows */
	VEC(struct manifest_place) rules; /* of a chain, in their order; see manifest_whole() */
	struct map elems; /* of a map: key's text -> struct manifest_place; the same */
};

struct manifest_index {
	const char *places, *texts;
	uint32_t nplaces, ntexts;
};

struct manifest_source {
	const char *path; /* absolute */
	const char *sha256;
};

/* Whether what the kernel holds was shown to be what the policy means. */
enum proved {
	PROVED, /* of what a kernel held */
	PROVED_COMPILED, /* of what was compiled: no kernel could be asked */
	PROVED_BUDGET, /* not: the budget ended */
	PROVED_NOT, /* not: nobody asked, or it was refused to be asked */
};

struct manifest_timeout {
	const char *name; /* letters, digits and - */
	uint32_t seconds;
	const char *at;
};

struct manifest_bulk { /* a set whose elements are a file of their own (store/lists.h) */
	const char *set, *digest, *of; /* as struct ir_bulk has it */
	uint8_t prefix;
	uint64_t n; /* elements */
	enum bulk_role role;
	const char *base; /* or NULL */
};

#define MANIFEST_TIMEOUT_MAX 2147483 /* no kernel takes more */

struct manifest {
	enum proved proved;
	const char *version; /* of the fwc that wrote it */
	const char *policy; /* as messages name it */
	const char *sha256; /* of the script */
	size_t size;
	const char *inspect; /* SHA-256 of the tables of inspectors; NULL: there are none */
	bool inspect_json; /* they are of fwc 0.1 */
	const char *runtime; /* SHA-256 of MANIFEST_RUNTIME; NULL: nothing fills sets at run time */
	const char *runtime_gist; /* of what it says, wherever the policy says it */
	const char *held; /* SHA-256 of what a kernel held of the script; NULL: not kept */
	const char *held_by; /* kernel_maker() */
	int forwarding; /* -1: not said, 0, 1 */
	int live_flows; /* -1: not said, 0: kept, 1: ended when they are refused */
	VEC(struct manifest_timeout) timeouts; /* of connection tracking, in the kernel */
	VEC(struct manifest_bulk) bulk;
	struct ir_offload offload;
	VEC(struct ir_zone) zones; /* none in manifests of earlier versions */
	VEC(struct manifest_source) sources;
	VEC(struct manifest_place) lacks; /* what was left out, as the kernel does not have it */
	VEC(const char *) patterns; /* of files that are included; absolute */
	VEC(struct manifest_object *) objects;
	struct map by_name; /* "c:NAME", "s:NAME" */
	struct map digests; /* of `held`, see nft/digest.h; empty: not kept */
	struct manifest_index index;
};

struct manifest_input {
	enum proved proved;
	const char *version, *policy;
	const char *cwd; /* relative paths of sources are below it */
	struct source *const *sources;
	size_t nsources;
	const char *const *patterns; /* of includes */
	size_t npatterns;
	const struct ir_ruleset *ruleset;
	const struct buf *script;
	const struct buf *inspect; /* or NULL */
	const struct buf *runtime; /* or NULL */
	const struct buf *held; /* dump_canonical(), or NULL */
	const char *held_by;
};

struct manifest *manifest_build(struct arena *a, const struct manifest_input *in);
/* The head as JSON, and the index, which it has the hash of. */
json_t *manifest_json(const struct manifest *m, struct buf *index);
/* The same in two steps, for one that is proved when nobody needs the manifest any more. */
json_t *manifest_head(const struct manifest *m, struct buf *index);
json_t *manifest_sealed(json_t *head, enum proved proved);
/* What was left out of it: "at", "text", "needs". */
json_t *manifest_lacks_json(const struct manifest *m);
/* The hash of all members but the seal; false if out of memory for it. */
bool manifest_seal(const json_t *j, char hex[SHA256_HEX]);
/* Checks the manifest against its seal (if it has one), and script and index against it to the last
 * offset; NULL and *why if they do not belong together. Members that this version does not know are
 * left alone. The bytes of the index are copied. script NULL: it is not looked at, nor what of it
 * the objects are. */
struct manifest *manifest_read(struct arena *a, const json_t *j, const struct buf *script,
			       const struct buf *index, const char **why);
/* What stands in the manifest alone, nothing of objects: checked against its seal only. */
struct manifest *manifest_read_head(struct arena *a, const json_t *j, const char **why);

/* ---- manifest_index.c ---- */

/* The long part of a manifest: which piece of the script is which object, whose places they are,
 * and the hash of what a kernel held of each. Places are taken apart where one is asked for.
 *	"fwcindex", numbers: objects, places, digests, bytes of text
 *	object   kind, flags (1 dynamic, 2 base), name, stem, offset and length in the script,
 *	         first place and number of places (of a chain's rules, a map's elements), own place
 *	         (of a set)
 *	place    at, text, needs, instead, key
 *	digest   key ("c:NAME", see nft/digest.h), 32 bytes
 *	texts    each ends with a NUL
 *
 * Numbers have 32 bits, the lowest byte first. A text is named by where it begins among the texts;
 * 0xffffffff: there is none.
 */
void index_write(const struct manifest *m, struct buf *out);
/* Fills objects and digests; `bytes` stay where they are. False if they are no index. */
bool index_read(struct arena *a, struct manifest *m, const char *bytes, size_t n);
/* Fills the object's rules or elements. */
void index_places(const struct manifest *m, struct manifest_object *o);

/* ---- manifest.c ---- */

/* "proved", "not proved: budget", ...; as the manifest has it. */
const char *manifest_proved_text(enum proved p);
const char *manifest_kind_name(enum manifest_kind k);
struct manifest_object *manifest_find(const struct manifest *m, bool chain, const char *name);
/* The object with its rules or elements. */
struct manifest_object *manifest_whole(const struct manifest *m, struct manifest_object *o);
/* The same of the object of that name, or NULL. */
struct manifest_object *manifest_find_whole(const struct manifest *m, bool chain, const char *name);
/* False if there is one of that name. */
bool manifest_add(struct manifest *m, struct manifest_object *o);

#endif
