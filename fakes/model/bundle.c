#include "model/bundle.h"

#include <stdlib.h>

#include "base/codes.h"
#include "call/keepers.h"
#include "call/message.h"
#include "call/tally.h"
#include "model/model_load.h"
#include "model/model_table.h"
#include "model/models.h"

static Bundle *bundles;

Bundle *bundle_find(uint32_t id)
{
    for (Bundle *bundle = bundles; bundle != NULL; bundle = bundle->next)
        if (bundle->id == id)
            return bundle;
    refuse(E_BUNDLE_ID, "%u is no living bundle", id);
    return NULL;
}

void bundle_enter(Bundle *bundle)
{
    bundle->id = table_next_shared_id();
    bundle->next = bundles;
    bundles = bundle;
    tally_made("bundle");
}

void bundle_free(Bundle *bundle)
{
    variables_drop(bundle->variables);
    free(bundle->listed_ids.id);
    free(bundle->loaded_ids.id);
    free(bundle->path);
    free(bundle->copy);
    free(bundle);
}

void bundle_forget(Bundle *bundle)
{
    Bundle **link = &bundles;

    while (*link != bundle)
        link = &(*link)->next;
    *link = bundle->next;
    bundle_free(bundle);
}

int bundle_load_part(Bundle *bundle, const BundleFile *file, size_t index,
                     const LoadOptions *memory, uint32_t *id)
{
    LoadOptions options = *memory;
    Bytes part = file->model[index];

    options.bundle = bundle->id;
    options.variables = bundle->variables;
    if (part.size < OM_HEADER)
        return refuse(E_PARAM,
                      "sub-model %zu has %zu bytes, not even a "
                      "header",
                      index, part.size);
    int status = ge_status(model_load(part, &options, id));
    if (status == E_NONE && !ids_add(&bundle->loaded_ids, *id)) {
        model_unload(model_find(*id));
        status = refuse(E_BAD_ALLOC, "no memory for another model");
    }
    return status;
}

/*
 * Newest first. The variables stay until the bundle is forgotten; with CANN
 * the first dynamic model to go takes the session's variables along, so that
 * nothing may run once aclmdlBundleUnload has begun.
 */
int bundle_unload_parts(Bundle *bundle)
{
    int last = E_NONE;

    for (size_t i = bundle->loaded_ids.count; i > 0; i--) {
        Model *model = model_find(bundle->loaded_ids.id[i - 1]);
        int status = model == NULL ? E_NONE : model_unload(model);
        if (status == E_NONE)
            ids_remove(&bundle->loaded_ids, i - 1);
        else
            last = status;
    }
    return last;
}

static void list_live(LiveVisitor *visit, void *to)
{
    models_lock();
    for (const Bundle *bundle = bundles; bundle != NULL; bundle = bundle->next) {
        size_t size = 0;
        for (size_t i = 0; i < bundle->variables->count; i++)
            size += bundle->variables->list[i]->nbytes;
        visit(&(Live){"bundle", bundle->id, bundle->made, size}, to);
    }
    models_unlock();
}

static void forget_all(void)
{
    while (bundles != NULL)
        bundle_forget(bundles);
}

KEEPER(KEEPER_BUNDLES, forget_all, list_live)
