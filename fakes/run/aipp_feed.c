#include "run/aipp_feed.h"

#include <string.h>

#include "aipp/image.h"
#include "call/message.h"
#include "call/violations.h"

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

/* Is a part, of which this is a copy, one that can be carried out? */
static bool can_make(const AippRecord *record, const Told *told, const AippPart *own, size_t images)
{
    return aipp_in_range(&told->head, own, 1) && aipp_check(&told->head, own, 1) == E_NONE &&
           aipp_fits(&told->head, own, images, record) == E_NONE &&
           aipp_source_bytes(&told->head, images) <= record->max_src_image_size;
}

static int feed_one(const Model *model, size_t at, const Blob *given, Blob *fed)
{
    const AippRecord *record = program_aipp(&model->program, at);
    const Blob *image = &given[record->input];
    size_t images = record->dims[0] > 0 ? (size_t)record->dims[0] : (size_t)image->dims[0];
    AippPart part;
    Told told = {.parts = (const unsigned char *)&part};

    if (images > aipp_images(record, model->inout))
        return refuse(E_GE, "input %u has %zu images, the model takes %zu", record->input, images,
                      aipp_images(record, model->inout));
    if (record->mode == AIPP_DYNAMIC)
        read_parameters(&given[record->parameters], &told);
    else
        aipp_of_record(record, &told.head, &part);
    size_t from = aipp_source_bytes(&told.head, 1);
    size_t to = aipp_tensor_bytes(record);
    for (size_t i = 0; i < images; i++) {
        AippPart own;
        part_of(&told, i, &own);
        if (record->mode == AIPP_DYNAMIC && !can_make(record, &told, &own, images))
            return refuse_parameters(record, i);
        aipp_image(&told.head, &own, record, image->bytes + i * from, model->front[at] + i * to);
    }
    Blob *blob = &fed[record->input];
    blob->bytes = model->front[at];
    blob->size = images * to;
    blob->data_type = record->data_type;
    return E_NONE;
}

/* The tensor's dims: the record's, with the batch of this run. */
static void set_dims(const Model *model, size_t at, const Blob *given, Blob *fed)
{
    const AippRecord *record = program_aipp(&model->program, at);
    int64_t *dims = model->front_dims + 4 * at;

    memcpy(dims, record->dims, sizeof record->dims);
    if (dims[0] < 0)
        dims[0] = given[record->input].dims[0];
    fed[record->input].dims = dims;
    fed[record->input].rank = 4;
}

int aipp_feed(const Model *model, const Blob **inputs)
{
    const Blob *given = *inputs;
    int status = E_NONE;

    if (model->fed == NULL)
        return E_NONE;
    memcpy(model->fed, given, model->inout->inputs.count * sizeof *given);
    for (size_t i = 0; status == E_NONE && i < model->program.aipps.count; i++) {
        status = feed_one(model, i, given, model->fed);
        set_dims(model, i, given, model->fed);
    }
    *inputs = model->fed;
    return status;
}
