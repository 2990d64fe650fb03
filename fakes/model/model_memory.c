#include "model/model_memory.h"

#include <stdlib.h>
#include <string.h>

#include "base/codes.h"
#include "base/text.h"
#include "call/message.h"
#include "call/violations.h"
#include "memory/memory.h"
#include "model/model_engine.h"

enum { PADDING = 512 };         /* between variables that lie side by side */

static int check_area(const Area *area, const char *what)
{
    if (area->owned || area->address == NULL ||
        device_bytes(area->address, area->size, what) != NULL)
        return E_NONE;
    return violation_status();
}

static int check_areas(const Model *model)
{
    int status = check_area(&model->work, "workPtr");

    if (status == E_NONE)
        status = check_area(&model->weights, "weightPtr");
    for (size_t i = 0; status == E_NONE && i < model->program.externals.count; i++)
        status = check_area(&model->external[i], program_external(&model->program, i)->name);
    for (size_t i = 0; status == E_NONE && i < model->program.variables.count; i++) {
        const Tensor *variable = program_variable(&model->program, i);
        if (device_bytes(model->variable[i], variable->nbytes, "varWeightPtr") == NULL)
            status = violation_status();
    }
    return status;
}

/* Nothing was freed since the last look: nothing needs another. */
int model_check_memory(Model *model)
{
    unsigned epoch = device_memory_epoch();
    int status = E_NONE;

    if (model->memory_epoch != epoch)
        status = check_areas(model);
    if (status != E_NONE)
        return status;
    model->memory_epoch = epoch;
    return model_renew(model);
}

/* Adds a range of lent memory; one without bytes is nothing. */
static void add_lent(Model *model, ClaimKind kind, void *address, size_t size, bool writes)
{
    size_t room = 0;
    unsigned char *bytes = size > 0 ? device_peek(address, &room) : NULL;

    if (bytes != NULL)
        model->lent[model->lent_count++] =
            (Lent){.claim = {kind, writes, {(uintptr_t)address, size, 0, 0}}, .bytes = bytes};
}

static void add_area(Model *model, ClaimKind kind, const Area *area, bool writes)
{
    if (!area->owned && area->address != NULL)
        add_lent(model, kind, area->address, area->size, writes);
}

/* A file that several constants share stands there once for each. */
static void add_externals(Model *model)
{
    for (size_t i = 0; i < model->program.externals.count; i++) {
        size_t k = 0;
        while (k < i && model->external[k].address != model->external[i].address)
            k++;
        if (k == i)
            add_area(model, CLAIM_WEIGHTS, &model->external[i], false);
    }
}

static int by_start(const void *a, const void *b)
{
    const Rows *one = &((const Lent *)a)->claim.rows;
    const Rows *two = &((const Lent *)b)->claim.rows;

    return (one->start > two->start) - (one->start < two->start);
}

/* Variables with nothing but padding between them become one range. */
static void join(Model *model, size_t first)
{
    size_t last = first;

    for (size_t i = first + 1; i < model->lent_count; i++) {
        Claim *before = &model->lent[last].claim;
        const Claim *next = &model->lent[i].claim;
        uintptr_t so_far = before->rows.start + before->rows.size;
        uintptr_t end = next->rows.start + next->rows.size;
        if (next->writes != before->writes || next->rows.start >= so_far + PADDING)
            model->lent[++last] = model->lent[i];
        else if (end > so_far)
            before->rows.size = end - before->rows.start;
    }
    if (first < model->lent_count)
        model->lent_count = last + 1;
}

static void add_variable(Model *model, size_t i, bool writes)
{
    add_lent(model, CLAIM_AREA, model->variable[i], program_variable(&model->program, i)->nbytes,
             writes);
}

/* What an inference reads; all that an update could write. */
static void add_variables(Model *model)
{
    const Program *program = &model->program;
    size_t first = model->lent_count;

    if (model->variables->area == NULL)
        return;
    for (size_t i = 0; i < program->feeds.count; i++)
        if (program_feed(program, i)->source == SOURCE_VARIABLE)
            add_variable(model, program_feed(program, i)->index, false);
    for (size_t i = 0; i < program->assigns.count; i++)
        add_variable(model, program_assign(program, i)->variable, true);
    qsort(model->lent + first, model->lent_count - first, sizeof *model->lent, by_start);
    join(model, first);
}

/* The file goes after the load, and another engine needs the graph again. */
static int keep_graph(Model *model)
{
    Bytes *onnx = &model->program.onnx;

    model->graph = malloc(onnx->size);
    if (model->graph == NULL)
        return refuse(GE_FAILED, "no memory for a graph of %zu bytes", onnx->size);
    memcpy(model->graph, onnx->data, onnx->size);
    onnx->data = model->graph;
    return E_NONE;
}

static int by_bytes(const void *a, const void *b)
{
    const Lent *one = a;
    const Lent *two = b;

    return (one->bytes > two->bytes) - (one->bytes < two->bytes);
}

/* Puts what was lent in order; whether no range meets another. */
static bool are_apart(Model *model)
{
    bool apart = true;

    qsort(model->lent, model->lent_count, sizeof *model->lent, by_bytes);
    for (size_t i = 1; i < model->lent_count; i++)
        if (model->lent[i].bytes < model->lent[i - 1].bytes + model->lent[i - 1].claim.rows.size)
            apart = false;
    return apart;
}

static void watch_weights(Model *model)
{
    for (size_t i = 0; i < model->lent_count; i++) {
        Lent *lent = &model->lent[i];
        if (lent->claim.kind != CLAIM_WEIGHTS)
            continue;
        lent->watch = (Watch){NULL, lent->claim.rows.start, lent->claim.rows.size, &model->stale};
        watch_begin(&lent->watch);
    }
}

int model_lent_take(Model *model)
{
    const Program *program = &model->program;

    model->lent =
        calloc(2 + program->externals.count + program->feeds.count + program->assigns.count,
               sizeof *model->lent);
    if (model->lent == NULL)
        return refuse(GE_FAILED, "no memory for a model");
    add_area(model, CLAIM_WORK, &model->work, true);
    add_area(model, CLAIM_WEIGHTS, &model->weights, false);
    add_externals(model);
    add_variables(model);
    model->lent_apart = are_apart(model);
    if (program->kind != PROGRAM_ONNX)
        return E_NONE;
    watch_weights(model);
    return keep_graph(model);
}

void model_lent_free(Model *model)
{
    for (size_t i = 0; i < model->lent_count; i++)
        if (model->lent[i].watch.size > 0)
            watch_end(&model->lent[i].watch);
    free(model->lent);
    free(model->graph);
    model->lent = NULL;
    model->lent_count = 0;
    model->graph = NULL;
}

static bool is_set(const Model *model, const Feed *feed)
{
    return feed->source != SOURCE_VARIABLE ||
           device_is_written(model->variable[feed->index],
                             program_variable(&model->program, feed->index)->nbytes);
}

/* Names the variables that were never set; how many there are. */
static size_t name_unset(const Model *model, Text *names)
{
    const Program *program = &model->program;
    size_t unset = 0;

    for (size_t i = 0; i < program->feeds.count; i++) {
        const Feed *feed = program_feed(program, i);
        if (!is_set(model, feed))
            text_add(names, "%s\"%s\"", unset++ > 0 ? ", " : "",
                     program_variable(program, feed->index)->name);
    }
    return unset;
}

/* What was set once stays so until such memory is copied into it. */
void model_check_variables(Model *model)
{
    char buffer[600];
    Text names = text_in(buffer, sizeof buffer);
    unsigned epoch = device_unwritten_epoch();

    if (model->all_set && model->set_epoch == epoch)
        return;
    model->set_epoch = epoch;
    model->all_set = name_unset(model, &names) == 0;
    if (!model->all_set)
        violate_mildly(V_VARIABLES_UNSET, "model %u of bundle %u reads %s", model->id,
                       model->bundle, buffer);
}
