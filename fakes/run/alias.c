#include "run/alias.h"

#include <stdio.h>
#include <stdlib.h>

#include "call/message.h"
#include "call/settings.h"
#include "call/violations.h"
#include "memory/memory.h"
#include "model/gear_run.h"
#include "model/model_memory.h"
#include "run/update_input.h"

enum { FEW = 32 };              /* extents that need no memory of their own */

typedef enum ExtentKind { EXTENT_INPUT, EXTENT_OUTPUT, EXTENT_LENT } ExtentKind;

/* A range that a run uses, where this process finds its bytes. */
typedef struct Extent {
    uintptr_t start;
    uintptr_t end;
    bool writes;
    ExtentKind kind;
    size_t index;
} Extent;

typedef struct Extents {
    Extent *item;
    size_t count;
} Extents;

static void add(Extents *extents, ExtentKind kind, size_t index, bool writes,
                const unsigned char *bytes, size_t size)
{
    if (bytes != NULL && size > 0)
        extents->item[extents->count++] =
            (Extent){(uintptr_t)bytes, (uintptr_t)bytes + size, writes, kind, index};
}

/* An update reads the inputs that it assigns. */
static void add_assigned(Extents *extents, const Run *run)
{
    const Program *program = &run->model->program;

    for (size_t i = 0; i < program->assigns.count; i++) {
        const Assign *assign = program_assign(program, i);
        const DataBuffer *buffer = update_source(run->input, assign);
        size_t need = program_variable(program, assign->variable)->nbytes;
        size_t room = 0;
        if (buffer == NULL)
            continue;
        if (buffer->size < need)
            need = buffer->size;
        const unsigned char *bytes = device_peek(buffer->data, &room);
        add(extents, EXTENT_INPUT, assign->index, false, bytes, need < room ? need : room);
    }
}

/* The numbers that choose a gear are read, and are no tensor of a blob. */
static void add_gear(Extents *extents, const Run *run)
{
    size_t index = run->gear->input_index;
    const DataBuffer *buffer = index < run->input->count ? dataset_peek(run->input, index) : NULL;
    size_t need = run->model->inout->gears.gear[0].width * sizeof(uint32_t);
    size_t room = 0;

    if (buffer == NULL)
        return;
    const unsigned char *bytes = device_peek(buffer->data, &room);
    if (room >= need)
        add(extents, EXTENT_INPUT, index, false, bytes, need);
}

static void add_blobs(Extents *extents, const Run *run)
{
    const Inout *inout = run->model->inout;

    for (size_t i = 0; i < inout->inputs.count; i++)
        add(extents, EXTENT_INPUT, i, false, run->input_blob[i].bytes, run->input_blob[i].size);
    for (size_t i = 0; i < inout->outputs.count; i++)
        add(extents, EXTENT_OUTPUT, i, true, run->output_blob[i].bytes, run->output_blob[i].size);
    if (run->gear != NULL)
        add_gear(extents, run);
}

static Extent lent_extent(const Model *model, size_t i)
{
    const Lent *lent = &model->lent[i];
    uintptr_t start = (uintptr_t)lent->bytes;

    return (Extent){start, start + lent->claim.rows.size, lent->claim.writes, EXTENT_LENT, i};
}

static void collect(Extents *extents, const Run *run)
{
    if (run->model->program.kind == PROGRAM_ASSIGN)
        add_assigned(extents, run);
    else
        add_blobs(extents, run);
}

static int by_start(const void *a, const void *b)
{
    const Extent *one = a;
    const Extent *two = b;

    return (one->start > two->start) - (one->start < two->start);
}

/* "output 1 at 0x7f..." */
static const char *name_of(const Run *run, const Extent *extent, char *text, size_t size)
{
    static const char *const lent[] = {[CLAIM_WORK] = "the work memory",
                                       [CLAIM_WEIGHTS] = "the weight memory",
                                       [CLAIM_AREA] = "the variables"};

    if (extent->kind == EXTENT_LENT) {
        const Claim *claim = &run->model->lent[extent->index].claim;
        snprintf(text, size, "%s at 0x%llx", lent[claim->kind],
                 (unsigned long long)claim->rows.start);
        return text;
    }
    bool input = extent->kind == EXTENT_INPUT;
    const DataBuffer *buffer = dataset_peek(input ? run->input : run->output, extent->index);
    snprintf(text, size, "%s %zu at %p", input ? "input" : "output", extent->index,
             buffer != NULL ? buffer->data : NULL);
    return text;
}

static bool is_in_place(const Extent *a, const Extent *b)
{
    return a->start == b->start && a->kind != b->kind && a->kind != EXTENT_LENT &&
           b->kind != EXTENT_LENT;
}

static int complain(const Run *run, const Extent *a, const Extent *b)
{
    char one[80];
    char two[80];

    name_of(run, a, one, sizeof one);
    name_of(run, b, two, sizeof two);
    if (is_in_place(a, b)) {
        violate_mildly(V_IN_PLACE, "model %u, %s and %s", run->model->id, one, two);
        return E_NONE;
    }
    return violate(V_ALIASED, "model %u, %s (%zu bytes) and %s (%zu bytes)", run->model->id, one,
                   (size_t)(a->end - a->start), two, (size_t)(b->end - b->start));
}

/* In order of their starts, each lies over some of the next ones or none. */
static int check_all(const Run *run, Extents *extents)
{
    int status = E_NONE;

    qsort(extents->item, extents->count, sizeof *extents->item, by_start);
    for (size_t i = 0; i < extents->count; i++) {
        const Extent *a = &extents->item[i];
        for (size_t k = i + 1;
             status == E_NONE && k < extents->count && extents->item[k].start < a->end; k++)
            if (a->writes || extents->item[k].writes)
                status = complain(run, a, &extents->item[k]);
    }
    return status;
}

/* The first lent range that ends behind an address; they are in order, and apart. */
static size_t first_behind(const Model *model, uintptr_t address)
{
    size_t first = 0;
    size_t end = model->lent_count;

    while (first < end) {
        size_t middle = first + (end - first) / 2;
        if (lent_extent(model, middle).end <= address)
            first = middle + 1;
        else
            end = middle;
    }
    return first;
}

static int check_lent(const Run *run, const Extent *one)
{
    const Model *model = run->model;
    int status = E_NONE;

    for (size_t i = first_behind(model, one->start); status == E_NONE && i < model->lent_count;
         i++) {
        Extent lent = lent_extent(model, i);
        if (lent.start >= one->end)
            break;
        if (lent.writes || one->writes)
            status =
                lent.start < one->start ? complain(run, &lent, one) : complain(run, one, &lent);
    }
    return status;
}

static int check(const Run *run, Extents *extents)
{
    const Model *model = run->model;

    collect(extents, run);
    if (!model->lent_apart) {
        for (size_t i = 0; i < model->lent_count; i++)
            extents->item[extents->count++] = lent_extent(model, i);
        return check_all(run, extents);
    }
    int status = check_all(run, extents);
    for (size_t i = 0; status == E_NONE && i < extents->count; i++)
        status = check_lent(run, &extents->item[i]);
    return status;
}

/* How many extents a run may have. */
static size_t most(const Model *model)
{
    return model->inout->inputs.count + model->inout->outputs.count + 1 +
           model->program.assigns.count + (model->lent_apart ? 0 : model->lent_count);
}

int alias_check(const Run *run)
{
    Extent few[FEW];
    Extents extents = {few, 0};

    if (most(run->model) > FEW)
        extents.item = malloc(most(run->model) * sizeof *extents.item);
    if (extents.item == NULL)
        return refuse(E_BAD_ALLOC, "no memory for an execution");
    int status = check(run, &extents);
    if (extents.item != few)
        free(extents.item);
    return settings.strict ? status : E_NONE;
}
