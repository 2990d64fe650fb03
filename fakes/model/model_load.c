#include "model/model_load.h"

#include "base/codes.h"
#include "call/message.h"
#include "call/tally.h"
#include "model/model_table.h"
#include "model/models.h"
#include "runtime/initialised.h"

/* The graph engine must be initialised to load a static model. */
static int may_load(Bytes file)
{
    return om_is_dynamic(file) ? E_NONE : engine_needed();
}

/* Every load takes a static id, even one that then gets another or fails. */
int model_load(Bytes file, const LoadOptions *options, uint32_t *id)
{
    Model *model = NULL;
    int status = may_load(file);

    if (status != E_NONE)
        return status;
    uint32_t taken = table_next_static_id();
    status = model_build(file, options, &model);
    if (status != E_NONE)
        return status;
    model->id = model->dynamic ? table_next_shared_id() : taken;
    if (model->id == 0 || !table_add(model)) {
        model_let_go(model);
        return refuse(GE_FAILED, "there is no room for another model");
    }
    tally_made("model");
    *id = model->id;
    return E_NONE;
}
