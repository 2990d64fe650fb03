/*
 * tensor_desc: aclTensorDesc, the description of a tensor.
 *
 * It has two shapes: dims, which executions use, and the storage shape,
 * which aclSetTensorShape and aclSetTensorStorageShape change and nothing
 * here reads.
 */
#ifndef FAKE_TENSOR_DESC_H
#define FAKE_TENSOR_DESC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/acl.h"

typedef struct Shape {
    size_t rank;
    int64_t *dims;              /* owned; NULL when rank is 0 */
} Shape;

typedef struct TensorDesc {
    int data_type;
    int format;
    int storage_format;
    int placement;
    Shape shape;
    Shape storage;
    char *name;                 /* owned; NULL: none given */
    void *constant;             /* owned */
    size_t constant_size;
    aclTensorDesc *next;        /* of a row; belongs to the first, or NULL */
} TensorDesc;

/*
 * Makes a description that belongs to owner (a handle, or NULL for the
 * user). Copies the dims. Returns its handle, or NULL without memory.
 */
aclTensorDesc *tensor_desc_new(int data_type, int format, const int64_t *dims, size_t rank,
                               const void *owner);

/* Copies a description for another owner, or NULL without memory. */
aclTensorDesc *tensor_desc_copy(const TensorDesc *desc, const void *owner);

/*
 * Appends a description, which belongs to first, to the row that first
 * begins. False when it is NULL.
 */
bool tensor_desc_add(aclTensorDesc *first, aclTensorDesc *last);

/* The description behind a handle; NULL, with a violation if not NULL. */
TensorDesc *tensor_desc_find(const aclTensorDesc *handle);

/* The same for functions with a status: NULL is refused too. */
int tensor_desc_need(const aclTensorDesc *handle, TensorDesc **desc);

/* Replaces a shape; false, and no change, without memory. */
bool shape_set(Shape *shape, const int64_t *dims, size_t rank);

#endif
