/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A container image as manifests, runtimes and the API server write it: a reference (the grammar
 * of github.com/distribution/reference: NAME[:TAG][@DIGEST], where NAME may begin with
 * HOST[:PORT]/), or the bare id of an image that has no name here.
 */
#ifndef OTEL_MAP_IMAGE_H
#define OTEL_MAP_IMAGE_H

#include "base/str.h"

/* Views into the text; "" absent. Either id alone, or a reference. */
struct image {
	struct str whole;  /* without "docker-pullable://" and the like */
	struct str id;	   /* "sha256:<hex>", or 64 hex digits (CRI-O) */
	struct str name;   /* as written: no docker.io/library/ is put in front */
	struct str tag;	   /* as written: "latest" is not made up */
	struct str digest; /* "sha256:<hex>" */
};

/* Any bytes. What is no reference becomes the name as it is, so that nothing is hidden. */
void image_split(struct str text, struct image *ret);

#endif
