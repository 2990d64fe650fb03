/*
 * desc_names: the names of tensors, as aclmdlIODims has them.
 *
 * The struct has room for names of 127 characters. A longer one is replaced
 * there, and only there, by one made of the model and the index.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/desc.h"
#include "call/calls.h"
#include "memory/host_memory.h"
#include "memory/objects.h"

static bool name_taken(const Desc *desc, const char *name)
{
    const TensorList *inputs = desc_list(desc, INPUT);
    const TensorList *outputs = desc_list(desc, OUTPUT);

    return tensor_index(inputs, name) < inputs->count ||
           tensor_index(outputs, name) < outputs->count;
}

void desc_name(const Desc *desc, Direction direction, size_t index, char name[DESC_NAME_SIZE])
{
    const char *own = desc_list(desc, direction)->tensor[index].name;

    if (strlen(own) < DESC_NAME_SIZE) {
        strcpy(name, own);
        return;
    }
    int length = snprintf(name, DESC_NAME_SIZE, "acl_modelId_%u_%s_%zu", desc->model,
                          direction == INPUT ? "input" : "output", index);
    for (char letter = 'a'; letter <= 'z' && name_taken(desc, name); letter++)
        snprintf(name + length, DESC_NAME_SIZE - (size_t)length, "_%c", letter);
}

/* Moves past a text, if it is there. */
static bool skip(const char **at, const char *text)
{
    size_t length = strlen(text);
    bool there = strncmp(*at, text, length) == 0;

    *at += there ? length : 0;
    return there;
}

/* Moves past a number without a sign. */
static bool skip_number(const char **at, unsigned long *number)
{
    char *end = NULL;

    if (!isdigit((unsigned char)**at))
        return false;
    *number = strtoul(*at, &end, 10);
    *at = end;
    return true;
}

/*
 * The tensor that acl_modelId_<id>_input_<index> means, whether its own name
 * is long or not; one more part behind a '_' is not looked at. The id must be
 * the description's.
 */
static const char *converted_name(const Desc *desc, const char *name)
{
    unsigned long id = 0;
    unsigned long index = 0;

    if (!skip(&name, "acl_modelId_") || !skip_number(&name, &id) || id != desc->model ||
        !skip(&name, "_"))
        return NULL;
    bool input = skip(&name, "input_");
    const TensorList *list = desc_list(desc, input ? INPUT : OUTPUT);
    if ((!input && !skip(&name, "output_")) || !skip_number(&name, &index))
        return NULL;
    if (skip(&name, "_"))
        name += strcspn(name, "_");
    return *name == '\0' && index < list->count ? list->tensor[index].name : NULL;
}

/* The name in a list that is this one, or NULL. */
static const char *own_name(const TensorList *list, const char *name)
{
    size_t index = tensor_index(list, name);

    return index < list->count ? list->tensor[index].name : NULL;
}

const char *aclmdlGetTensorRealName(const aclmdlDesc *modelDesc, const char *name)
{
    ENTER_AS(aclmdlGetTensorRealName, NULL, "modelDesc=%p, name=%p", (const void *)modelDesc,
             (const void *)name);
    const Desc *desc =
        modelDesc == NULL ? NULL : object_find(modelDesc, KIND_MODEL_DESC, "modelDesc");
    if (desc == NULL || name == NULL || host_check(name, "name") != E_NONE)
        return NULL;
    const char *real = own_name(desc_list(desc, INPUT), name);
    if (real == NULL)
        real = own_name(desc_list(desc, OUTPUT), name);
    return real != NULL ? real : converted_name(desc, name);
}
