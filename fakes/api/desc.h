/*
 * desc: aclmdlDesc, a snapshot of a model's inputs and outputs.
 *
 * It shares the lists of the model or file it was filled from, and so stays
 * good after an unload. The strings it gives out live until it is filled
 * again or destroyed.
 */
#ifndef FAKE_DESC_H
#define FAKE_DESC_H

#include "base/acl.h"
#include "file/inout.h"

typedef enum Direction { INPUT, OUTPUT } Direction;

typedef struct Desc {
    Inout *inout;               /* a share of it; NULL: not filled */
    uint32_t model;             /* id, or 0 when filled from a file */
} Desc;

/* The description of an argument that must not be NULL: 0, or a status. */
int desc_need(const aclmdlDesc *handle, Desc **desc);

/* Its inputs or outputs; none while it is not filled. */
const TensorList *desc_list(const Desc *desc, Direction direction);

/*
 * What a getter without a status looks at: the list, empty for NULL and,
 * after a violation, for what is no description.
 */
const TensorList *desc_look(const aclmdlDesc *handle, Direction direction);

/* The tensor at an index of desc_look(), or NULL. */
const TensorInfo *desc_look_at(const aclmdlDesc *handle, Direction direction, size_t index);

enum { DESC_NAME_SIZE = 128 };  /* of aclmdlIODims */

/*
 * The name that fits into aclmdlIODims: the tensor's own, or one made of the
 * model and the index, with a letter behind while another tensor has it.
 */
void desc_name(const Desc *desc, Direction direction, size_t index, char name[DESC_NAME_SIZE]);

/* Has a tensor no dim that is open? */
bool tensor_is_fixed(const TensorInfo *info);

#endif
