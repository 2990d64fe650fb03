#include "run/aipp_feed.h"

#include <string.h>

#include "aipp/image.h"
#include "base/codes.h"
#include "call/message.h"
#include "call/violations.h"
#include "file/aipp_gear.h"
#include "model/gear_run.h"

/* The parameters of one run: of each image, or the same of all. */
typedef struct Told {
    AippHead head;
    const unsigned char *parts;
    size_t step;                /* bytes between two images' parts; 0: one for all */
} Told;

static void part_of(const Told *told, size_t i, AippPart *part)
{
    memcpy(part, told->parts + i * told->step, sizeof *part);
}

static int refuse_parameters(const AippRecord *record, size_t image)
{
    return violate(V_AIPP_UNSET,
                   "input %u, image %zu; call aclmdlSetInputAIPP, or aclmdlSetAIPPByInputIndex, "
                   "before the run",
                   record->parameters, image);
}

/* What lies in the memory of the input with the parameters: others may write there meanwhile. */
static void read_parameters(const Blob *parameters, Told *told)
{
    memcpy(&told->head, parameters->bytes, sizeof told->head);
    told->parts = parameters->bytes + sizeof told->head;
    told->step = sizeof(AippPart);
}

/* What AIPP is to do in this run, and for which input. */
typedef struct Front {
    const AippRecord *record;   /* as the file has it */
    AippRecord own;             /* in this run's gear */
    unsigned char *made;
} Front;

/*
 * Is a part, of which this is a copy, one that can be carried out? Gears of
 * heights and widths leave no room for crop and padding.
 */
static bool can_make(const Front *front, const Told *told, const AippPart *part)
{
    const AippRecord *own = &front->own;
    uint64_t images = (uint64_t)own->dims[0];

    if (aipp_size_is_open(front->record) && (part->crop_switch != 0 || part->padding_switch != 0)) {
        refuse(E_PARAM, "a model with gears of height and width has no crop or padding");
        return false;
    }
    return aipp_in_range(&told->head, part, 1) && aipp_check(&told->head, part, 1) == E_NONE &&
           aipp_fits(&told->head, part, images, own) == E_NONE &&
           aipp_source_bytes(&told->head, images) <= own->max_src_image_size;
}

static int refuse_images(const Front *front, const Blob *image, uint64_t need)
{
    return violate(V_SHORT_BUFFER,
                   "input %u: %zu bytes, the parameters of dynamic AIPP are of %lld images of "
                   "%llu in all",
                   front->own.input, image->size, (long long)front->own.dims[0],
                   (unsigned long long)need);
}

/* Makes all images; parameters may change meanwhile, so each part is looked at as it is used. */
static int make(const Front *front, const Told *told, const Blob *image)
{
    const AippRecord *own = &front->own;
    bool dynamic = own->mode == AIPP_DYNAMIC;
    size_t from = aipp_source_bytes(&told->head, 1);
    size_t to = aipp_tensor_bytes(own);

    for (size_t i = 0; i < (size_t)own->dims[0]; i++) {
        AippPart part;
        part_of(told, i, &part);
        if (dynamic && !can_make(front, told, &part))
            return refuse_parameters(own, i);
        if ((i + 1) * from > image->size)
            return refuse_images(front, image, from * (size_t)own->dims[0]);
        aipp_image(&told->head, &part, own, image->bytes + i * from, front->made + i * to);
    }
    return E_NONE;
}

static int feed_one(const Front *front, const Blob *given, Blob *fed)
{
    const AippRecord *own = &front->own;
    AippPart part;
    Told told = {.parts = (const unsigned char *)&part};

    if (own->mode == AIPP_DYNAMIC)
        read_parameters(&given[own->parameters], &told);
    else
        aipp_of_record(own, &told.head, &part);
    Blob *blob = &fed[own->input];
    blob->bytes = front->made;
    blob->size = (size_t)own->dims[0] * aipp_tensor_bytes(own);
    blob->data_type = own->data_type;
    return make(front, &told, &given[own->input]);
}

/* The tensor's dims: the record's, in the gear of this run. */
static void set_dims(const Model *model, size_t at, const AippRecord *own, Blob *fed)
{
    int64_t *dims = model->front_dims + 4 * at;

    memcpy(dims, own->dims, sizeof own->dims);
    fed[own->input].dims = dims;
    fed[own->input].rank = 4;
}

int aipp_feed(const Model *model, const GearRun *gear, const Blob **inputs)
{
    size_t current = gear != NULL ? gear->current : 0;
    const Blob *given = *inputs;
    int status = E_NONE;

    if (model->fed == NULL)
        return E_NONE;
    memcpy(model->fed, given, model->inout->inputs.count * sizeof *given);
    for (size_t i = 0; status == E_NONE && i < model->program.aipps.count; i++) {
        const AippRecord *record = program_aipp(&model->program, i);
        Front front = {record, aipp_in_gear(record, &model->inout->gears, current),
                       model->front[i]};
        status = feed_one(&front, given, model->fed);
        set_dims(model, i, &front.own, model->fed);
    }
    *inputs = model->fed;
    return status;
}
