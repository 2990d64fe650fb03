/*
 * desc_attr: aclmdlGetOpAttr.
 *
 * ACL knows one attribute, the names of the operators that a compiler merged
 * into one. Nothing is merged in a model for this library: no operator has
 * it, and what it is without is the empty text. Without a loaded static model,
 * or for another attribute, there is no answer: GE does not know the ids of
 * dynamic models.
 */
#include <string.h>

#include "api/desc.h"
#include "call/calls.h"
#include "call/message.h"
#include "memory/host_memory.h"
#include "model/models.h"

#define ORIGINAL_NAMES "_datadump_original_op_names"

const char *aclmdlGetOpAttr(aclmdlDesc *modelDesc, const char *opName, const char *attr)
{
    ENTER_AS(aclmdlGetOpAttr, NULL, "modelDesc=%p, opName=%p, attr=%p", (void *)modelDesc,
             (const void *)opName, (const void *)attr);
    Desc *desc = NULL;
    if (desc_need(modelDesc, &desc) != E_NONE || argument_check(opName, "opName") != E_NONE ||
        argument_check(attr, "attr") != E_NONE)
        return NULL;
    Model *model = model_hold(desc->model);
    bool known = model != NULL && !model->dynamic;
    model_let_go(model);
    if (!known) {
        refuse(E_GE_MODEL_ID, "%u is no loaded static model", desc->model);
        return NULL;
    }
    if (strcmp(attr, ORIGINAL_NAMES) != 0) {
        refuse(E_PARAM, "there is no attribute \"%s\", only \"%s\"", attr, ORIGINAL_NAMES);
        return NULL;
    }
    return "";
}
