#include "file/program_check.h"

#include "base/acl.h"
#include "base/codes.h"
#include "call/message.h"
#include "file/aipp_record_check.h"
#include "file/numeric.h"

/* Types smaller than a byte are packed by the writer of the file. */
static bool packed(int data_type)
{
    return data_type == ACL_INT4 || data_type == ACL_UINT1 || data_type > ACL_FLOAT8_E8M0;
}

static int check_tensor(const Tensor *tensor, const char *record, size_t i, uint64_t area)
{
    size_t bytes;

    if (tensor->offset > area || tensor->nbytes > area - tensor->offset)
        return refuse(GE_FAILED,
                      "%s %zu (\"%s\") lies at %llu + %llu "
                      "of %llu bytes",
                      record, i, tensor->name, (unsigned long long)tensor->offset,
                      (unsigned long long)tensor->nbytes, (unsigned long long)area);
    if (packed(tensor->data_type))
        return E_NONE;
    if (!tensor_bytes(tensor->dims, tensor->rank, tensor->data_type, &bytes) ||
        bytes != tensor->nbytes)
        return refuse(GE_FAILED,
                      "%s %zu (\"%s\") has %llu bytes, "
                      "which its shape does not need",
                      record, i, tensor->name, (unsigned long long)tensor->nbytes);
    return E_NONE;
}

static int check_tensors(const Program *program, const Om *om)
{
    int status = E_NONE;

    if (program->constants.count > program->externals.count && !om->has[PART_WEIGHTS])
        return refuse(GE_FAILED,
                      "the model has %zu constants and no "
                      "WEIGHTS_DATA",
                      program->constants.count);
    for (size_t i = 0; i < program->externals.count; i++)
        if (program_external(program, i)->constant >= program->constants.count)
            return refuse(GE_FAILED,
                          "EXTERNAL %zu is constant %u of "
                          "%zu",
                          i, program_external(program, i)->constant, program->constants.count);
    for (size_t i = 0; status == E_NONE && i < program->variables.count; i++)
        status = check_tensor(program_variable(program, i), "VARIABLE", i, program->variable_area);
    for (size_t i = 0; status == E_NONE && i < program->constants.count; i++)
        status = check_tensor(program_constant(program, i), "CONSTANT", i,
                              program_constant(program, i)->external ? UINT64_MAX
                                                                     : om->part[PART_WEIGHTS].size);
    return status;
}

/* How many things of a source there are to point at. */
static size_t source_count(const Program *program, const Inout *inout, Source source)
{
    switch (source) {
    case SOURCE_INPUT:
        return inout->inputs.count;
    case SOURCE_VARIABLE:
        return program->variables.count;
    case SOURCE_CONSTANT:
        return program->constants.count;
    default:
        return 0;
    }
}

static int check_feeds(const Program *program, const Inout *inout)
{
    for (size_t i = 0; i < program->feeds.count; i++) {
        const Feed *feed = program_feed(program, i);
        size_t count = source_count(program, inout, feed->source);
        if (feed->index >= count)
            return refuse(GE_FAILED,
                          "FEED %zu (\"%s\") takes number "
                          "%u of %zu of source %d",
                          i, feed->name, feed->index, count, (int)feed->source);
    }
    return E_NONE;
}

static int check_fetches(const Program *program, const Inout *inout)
{
    if (program->fetches.count != inout->outputs.count)
        return refuse(GE_FAILED, "%zu FETCH records for %zu outputs", program->fetches.count,
                      inout->outputs.count);
    for (size_t i = 0; i < program->fetches.count; i++)
        if (program_fetch(program, i)->output >= inout->outputs.count)
            return refuse(GE_FAILED,
                          "FETCH %zu gives output %u of "
                          "%zu",
                          i, program_fetch(program, i)->output, inout->outputs.count);
    return E_NONE;
}

static int check_assign(const Program *program, const Inout *inout, size_t i)
{
    const Assign *assign = program_assign(program, i);
    size_t count = source_count(program, inout, assign->source);

    if (assign->variable >= program->variables.count || assign->source == SOURCE_VARIABLE ||
        assign->index >= count)
        return refuse(GE_FAILED,
                      "ASSIGN %zu sets variable %u from "
                      "number %u of source %d",
                      i, assign->variable, assign->index, (int)assign->source);
    if (assign->source == SOURCE_CONSTANT &&
        program_constant(program, assign->index)->nbytes !=
            program_variable(program, assign->variable)->nbytes)
        return refuse(GE_FAILED,
                      "ASSIGN %zu sets variable %u from a "
                      "constant of another size",
                      i, assign->variable);
    return E_NONE;
}

static bool is_open(const TensorInfo *info)
{
    for (size_t i = 0; i < memory_rank(info); i++)
        if (memory_dims(info)[i] < 0)
            return true;
    return false;
}

/*
 * A static model knows the bytes of everything that goes in and out; open
 * dims are those that its gears fill.
 */
static int check_static(const TensorList *list, const char *what, const Program *program,
                        const Inout *inout)
{
    bool input = list == &inout->inputs;
    bool gears = input && inout->gears.count > 0;

    for (size_t i = 0; i < list->count; i++) {
        const TensorInfo *info = &list->tensor[i];
        size_t bytes;
        if (packed(info->data_type) ||
            (is_open(info) && (gears || (input && program_takes_any_image(program, i)))))
            continue;
        if (!tensor_bytes(memory_dims(info), memory_rank(info), info->data_type, &bytes) ||
            bytes != info->size)
            return refuse(GE_FAILED,
                          "%s %zu (\"%s\") has %llu bytes, "
                          "which its shape does not need",
                          what, i, info->name, (unsigned long long)info->size);
    }
    return E_NONE;
}

enum { AIPPS_MAX = 128 };       /* of a model: each is compared with those before it */

static int check_aipps(const Program *program, const Om *om, const Inout *inout)
{
    int status = E_NONE;

    if (program->aipps.count > AIPPS_MAX || (program->aipps.count > 0 && om->dynamic))
        return refuse(GE_FAILED,
                      "%zu AIPP records in a %s model; a static one has up to "
                      "128, another none",
                      program->aipps.count, om->dynamic ? "dynamic" : "static");
    for (size_t i = 0; status == E_NONE && i < program->aipps.count; i++)
        status = aipp_record_check(program->aipps.item, i, inout);
    return status;
}

static int check_onnx(const Program *program, const Om *om, const Inout *inout)
{
    int status = check_feeds(program, inout);

    if (status == E_NONE)
        status = check_aipps(program, om, inout);
    if (status == E_NONE)
        status = check_fetches(program, inout);
    if (status == E_NONE && program->onnx.size == 0)
        status = refuse(GE_FAILED, "TASK_INFO has no ONNX record");
    return status;
}

/* The function is told the file's shapes, so they must be whole. */
static int check_callback(const Program *program, const Om *om)
{
    if (program->callback == 0)
        return refuse(GE_FAILED, "TASK_INFO has no CALLBACK record");
    if (om->dynamic)
        return refuse(GE_FAILED, "a callback program must be static; "
                                 "the header says dynamic");
    return E_NONE;
}

/* A record that its kind of program has no use for is not looked at either. */
static int check_unused(const Records *records, const char *name, const Program *program)
{
    if (records->count == 0)
        return E_NONE;
    return refuse(GE_FAILED,
                  "a program of kind %d has no %s records, "
                  "TASK_INFO has %zu",
                  (int)program->kind, name, records->count);
}

static int check_unused_records(const Program *program)
{
    int status = E_NONE;

    if (program->kind != PROGRAM_ONNX) {
        status = check_unused(&program->feeds, "FEED", program);
        if (status == E_NONE)
            status = check_unused(&program->fetches, "FETCH", program);
        if (status == E_NONE)
            status = check_unused(&program->aipps, "AIPP", program);
    }
    if (status == E_NONE && program->kind != PROGRAM_ASSIGN)
        status = check_unused(&program->assigns, "ASSIGN", program);
    return status;
}

static int check_kind(const Program *program, const Om *om, const Inout *inout)
{
    int status = E_NONE;

    switch (program->kind) {
    case PROGRAM_ONNX:
        return check_onnx(program, om, inout);
    case PROGRAM_ASSIGN:
        for (size_t i = 0; status == E_NONE && i < program->assigns.count; i++)
            status = check_assign(program, inout, i);
        return status;
    case PROGRAM_NULL:
        return E_NONE;
    case PROGRAM_CALLBACK:
        return check_callback(program, om);
    default:
        return refuse(GE_FAILED,
                      "TASK_INFO holds a program of kind "
                      "%d, not 1..4",
                      (int)program->kind);
    }
}

static int check(const Program *program, const Om *om, const Inout *inout)
{
    int status = check_tensors(program, om);

    if (status == E_NONE)
        status = check_kind(program, om, inout);
    if (status == E_NONE)
        status = check_unused_records(program);
    if (status == E_NONE && !om->dynamic)
        status = check_static(&inout->inputs, "input", program, inout);
    if (status == E_NONE && !om->dynamic)
        status = check_static(&inout->outputs, "output", program, inout);
    return status;
}

int program_parse(const Om *om, const Inout *inout, Program *program)
{
    int status = program_read(om, program);

    if (status != E_NONE)
        return status;
    status = check(program, om, inout);
    if (status != E_NONE)
        program_free(program);
    return status;
}
