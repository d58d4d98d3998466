/* Images in memory: pages that are written first and executable after, never both. */
#ifndef ONEPASS_RUN_IMAGE_H
#define ONEPASS_RUN_IMAGE_H

#include <stddef.h>

#include "plan/backend.h"

/* Copies an image into pages of its own and makes them read-execute. Returns the mapping and its size,
 * or NULL where the system allows no such page. */
void *op_image_map(const op_image *image, size_t *mapping_size);
void op_image_unmap(void *mapping, size_t mapping_size);

#endif
