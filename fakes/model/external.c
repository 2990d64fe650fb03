#include "model/external.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/codes.h"
#include "call/message.h"
#include "call/violations.h"
#include "file/files.h"
#include "memory/memory.h"
#include "memory/written.h"

/* The memory that the user gave for a file, or NULL. */
static const ExternalWeight *given_for(const LoadOptions *options, const char *name)
{
    for (size_t i = 0; i < options->external_count; i++)
        if (strcmp(options->external[i].name, name) == 0)
            return &options->external[i];
    return NULL;
}

/* Where a file stands. False: that is not known, or the path is too long. */
static bool path_of(const LoadOptions *options, const char *name, char path[PATH_MAX])
{
    int length = -1;

    if (options->weight_folder != NULL)
        length = snprintf(path, PATH_MAX, "%s/%s", options->weight_folder, name);
    else if (options->path != NULL) {
        const char *slash = strrchr(options->path, '/');
        int folder = slash != NULL ? (int)(slash + 1 - options->path) : 0;
        length = snprintf(path, PATH_MAX, "%.*sweight/%s", folder, options->path, name);
    }
    return length >= 0 && length < PATH_MAX;
}

/* Copies a whole file to the device, into memory of the model's. */
static int load_file(const Model *model, const LoadOptions *options, const char *name, Area *area)
{
    char path[PATH_MAX];
    unsigned char *data = NULL;
    size_t size = 0;

    if (strchr(name, '/') != NULL || !path_of(options, name, path))
        return refuse(GE_FAILED,
                      "the weights in \"%s\" cannot be found: "
                      "load the model from its file, or name their folder "
                      "or their memory",
                      name);
    if (file_read(path, &data, &size) != E_NONE)
        return refuse(GE_FAILED, "the weights in %s cannot be read", path);
    void *address =
        device_alloc(model->device, size > 0 ? size : 1, size, PAGE_HUGE, OWNER_LIBRARY);
    if (address == NULL) {
        free(data);
        return refuse(model->dynamic ? GE_FAILED : E_GE_MEMORY,
                      "device %d has no %zu bytes for the weights in %s", model->device, size,
                      path);
    }
    *area = (Area){address, size, true};
    if (size > 0)
        memcpy(device_bytes(address, size, "weights"), data, size);
    device_written(address, size);
    free(data);
    return E_NONE;
}

/* The memory of one file; files that several constants share come once. */
static int find_file(Model *model, const LoadOptions *options, size_t i, Area *area)
{
    const External *record = program_external(&model->program, i);
    const ExternalWeight *given = given_for(options, record->name);

    for (size_t k = 0; k < i; k++)
        if (strcmp(program_external(&model->program, k)->name, record->name) == 0) {
            *area = model->external[k];
            area->owned = false;
            return E_NONE;
        }
    if (given == NULL)
        return load_file(model, options, record->name, area);
    if (device_bytes(given->address, given->size, record->name) == NULL)
        return violation_status();
    *area = (Area){given->address, given->size, false};
    return E_NONE;
}

static int place(Model *model, const LoadOptions *options, size_t i)
{
    const External *record = program_external(&model->program, i);
    const Tensor *constant = program_constant(&model->program, record->constant);
    int status = find_file(model, options, i, &model->external[i]);
    const Area *area = &model->external[i];

    if (status != E_NONE)
        return status;
    if (constant->offset > area->size || constant->nbytes > area->size - constant->offset)
        return refuse(E_GE_PARAM,
                      "constant \"%s\" lies at %llu + %llu of "
                      "\"%s\", which has %zu bytes",
                      constant->name, (unsigned long long)constant->offset,
                      (unsigned long long)constant->nbytes, record->name, area->size);
    model->constant[record->constant] = (unsigned char *)area->address + constant->offset;
    return E_NONE;
}

int external_take(Model *model, const LoadOptions *options)
{
    const Program *program = &model->program;
    unsigned char *base = model->weights.address;
    int status = E_NONE;

    model->constant = calloc(program->constants.count + 1, sizeof *model->constant);
    model->external = calloc(program->externals.count + 1, sizeof *model->external);
    if (model->constant == NULL || model->external == NULL)
        return refuse(GE_FAILED, "no memory for %zu constants", program->constants.count);
    for (size_t i = 0; base != NULL && i < program->constants.count; i++)
        if (!program_constant(program, i)->external)
            model->constant[i] = base + program_constant(program, i)->offset;
    for (size_t i = 0; status == E_NONE && i < program->externals.count; i++)
        status = place(model, options, i);
    return status;
}
