/*
 * Dynamic graphs: shapes are chosen at run, in one call as all others are.
 *
 * Such a graph keeps, for each input, device memory that grows to the
 * largest array it has seen, and the dims that its dataset describes now: a
 * run touches only what differs. Outputs whose size nobody knows beforehand
 * are the library's to allocate; their memory is given back at the end of
 * the run. What an output turned out to be is read from the description in
 * the dataset, and its bytes are copied into host memory of their own, which
 * is the caller's from then on. Or they stay on the device: in an array of the
 * caller's, or in the library's memory, which is the caller's then.
 */

#include "infer/shapes.h"

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "acl/pointers.h"
#include "device/ab_context.h"
#include "device/ab_status.h"
#include "gate/gate.h"
#include "infer/engine.h"

/* An input's place on the device, and what its dataset says of it. */
typedef struct ab_place {
    aclDataBuffer *buffer;
    aclDataType type;
    void *device;
    size_t room;
    size_t nbytes;
    int rank; /* -1: not described yet */
    int64_t dims[AB_RANK_MAX];
} ab_place;

/* An output's buffer, and its own memory: NULL and 0 where the library
 * allocates. Memory of the library's that could not be taken out of it, because
 * the call that does so failed, is left there for the next run or for the end. */
typedef struct ab_sink {
    aclDataBuffer *buffer;
    void *device;
    size_t room;
    int isLent; /* the buffer says an array of the caller's, for all we know */
    void *left;
} ab_sink;

struct ab_shapes {
    ab_engine *engine;
    size_t inCount;
    size_t outCount;
    ab_place *in;
    ab_sink *out;
};

/* What the runs of a dynamic graph keep; the engine outlives it. NULL
 * without memory. */
ab_shapes *ab_shapes_new(ab_engine *engine, size_t inCount, size_t outCount)
{
    ab_shapes *shapes = calloc(1, sizeof *shapes);
    if (shapes == NULL) {
        return NULL;
    }
    shapes->engine = engine;
    shapes->inCount = inCount;
    shapes->outCount = outCount;
    engine->shapes = shapes;
    shapes->in = calloc(inCount + 1, sizeof *shapes->in);
    shapes->out = calloc(outCount + 1, sizeof *shapes->out);
    if (shapes->in == NULL || shapes->out == NULL) {
        ab_shapes_free(shapes);
        return NULL;
    }
    return shapes;
}

/* Tells of input index: its buffer in the dataset, and its type. */
void ab_shapes_input(ab_shapes *shapes, size_t index, aclDataBuffer *buffer, aclDataType type)
{
    shapes->in[index].buffer = buffer;
    shapes->in[index].type = type;
    shapes->in[index].rank = -1;
}

/* Tells of output index: its buffer, and its memory; NULL where the library allocates. */
void ab_shapes_output(ab_shapes *shapes, size_t index, aclDataBuffer *buffer, void *device,
                      size_t room)
{
    shapes->out[index] = (ab_sink){.buffer = buffer, .device = device, .room = room};
}

/*
 * Gives back the inputs' device memory, and the outputs' that was left; the
 * context is current and no run is under way. The status of the last call
 * that failed.
 */
aclError ab_shapes_release(ab_shapes *shapes)
{
    aclError last = ACL_SUCCESS;
    for (size_t i = 0; i < shapes->inCount; i++) {
        if (shapes->in[i].device != NULL) {
            aclError status = aclrtFree(shapes->in[i].device);
            last = status != ACL_SUCCESS ? status : last;
        }
        shapes->in[i].device = NULL;
        shapes->in[i].room = 0;
    }
    for (size_t i = 0; i < shapes->outCount; i++) {
        if (shapes->out[i].left != NULL) {
            aclError status = aclrtFree(shapes->out[i].left);
            last = status != ACL_SUCCESS ? status : last;
        }
        shapes->out[i].left = NULL;
    }
    return last;
}

void ab_shapes_free(ab_shapes *shapes)
{
    free(shapes->in);
    free(shapes->out);
    free(shapes);
}

/* Makes room for an array, and points the data buffer at it. */
static int64_t place_fit(ab_place *place, size_t nbytes)
{
    aclError status;
    if (place->device == NULL || place->room < nbytes) {
        if (place->device != NULL) {
            status = aclrtFree(place->device);
            if (status != ACL_SUCCESS) {
                return failure(AB_STEP_FREE, 0, status);
            }
            place->device = NULL;
        }
        place->room = nbytes > 0 ? nbytes : 1;
        place->nbytes = SIZE_MAX;
        status = aclrtMalloc(&place->device, place->room, ACL_MEM_MALLOC_HUGE_FIRST);
        if (status != ACL_SUCCESS) {
            place->device = NULL;
            return failure(AB_STEP_ALLOCATE, 0, status);
        }
        if (place->device == NULL) {
            return failure(AB_STEP_BAD_MEMORY, 0, 0);
        }
    }
    if (place->nbytes == nbytes) {
        return 0;
    }
    place->nbytes = nbytes;
    status = aclUpdateDataBuffer(place->buffer, place->device, nbytes);
    return status == ACL_SUCCESS ? 0 : failure(AB_STEP_SET_BUFFER, 0, status);
}

/* Describes an input to its dataset, unless it says so already. */
static int64_t place_describe(const ab_engine *e, ab_place *place, size_t index,
                              const ab_array *array)
{
    size_t bytes = (size_t)array->rank * sizeof *array->dims;
    aclmdlDataset *input = (aclmdlDataset *)(uintptr_t)e->input;
    if (place->rank == array->rank &&
        (bytes == 0 || memcmp(place->dims, array->dims, bytes) == 0)) {
        return 0;
    }
    aclTensorDesc *desc = aclCreateTensorDesc(place->type, array->rank, array->dims, ACL_FORMAT_ND);
    if (desc == NULL) {
        return failure(AB_STEP_NEW_DESC, index, ACL_ERROR_BAD_ALLOC);
    }
    place->rank = -1;
    aclError status = aclmdlSetDatasetTensorDesc(input, desc, index);
    aclDestroyTensorDesc(desc);
    if (status != ACL_SUCCESS) {
        return failure(AB_STEP_SET_DESC, index, status);
    }
    place->rank = array->rank;
    if (bytes > 0) {
        memcpy(place->dims, array->dims, bytes);
    }
    return 0;
}

/* Points the data buffer at an array on the device; the place's own memory stays for later. */
static int64_t place_lend(ab_place *place, const ab_array *array)
{
    aclError status;
    place->nbytes = SIZE_MAX;
    status = aclUpdateDataBuffer(place->buffer, array->data, array->nbytes);
    return status == ACL_SUCCESS ? 0 : failure(AB_STEP_SET_BUFFER, 0, status);
}

static int64_t shapes_input(ab_shapes *shapes, size_t i, const ab_array *array)
{
    ab_place *place = &shapes->in[i];
    int64_t result = array->onDevice ? place_lend(place, array) : place_fit(place, array->nbytes);
    if (result == 0) {
        result = place_describe(shapes->engine, place, i, array);
    }
    if (result != 0 || array->nbytes == 0 || array->onDevice) {
        return result;
    }
    aclError status = aclrtMemcpy(place->device, place->room, array->data, array->nbytes,
                                  shapes->engine->toDevice);
    return status == ACL_SUCCESS ? 0 : failure(AB_STEP_COPY_IN, i, status);
}

/* Copies an output to host memory of its own. */
static int64_t output_copy(const ab_shapes *shapes, size_t i, ab_output *output)
{
    aclError status;
    output->data = malloc(output->nbytes > 0 ? output->nbytes : 1);
    if (output->data == NULL) {
        return failure(AB_STEP_COPY_OUT, i, ACL_ERROR_BAD_ALLOC);
    }
    if (output->nbytes == 0) {
        return 0;
    }
    status = aclrtMemcpy(output->data, output->nbytes, aclGetDataBufferAddr(shapes->out[i].buffer),
                         output->nbytes, shapes->engine->fromDevice);
    return status == ACL_SUCCESS ? 0 : failure(AB_STEP_COPY_OUT, i, status);
}

/* Leaves an output on the device: where it was wanted, or in the library's memory. */
static int64_t output_keep(ab_sink *sink, size_t i, const ab_array *wanted, ab_output *output)
{
    aclError status;
    output->device = aclGetDataBufferAddr(sink->buffer);
    if (wanted->data != NULL) {
        return 0;
    }
    status = aclUpdateDataBuffer(sink->buffer, NULL, 0);
    sink->left = status != ACL_SUCCESS ? output->device : NULL;
    output->isAllocated = status == ACL_SUCCESS && output->device != NULL;
    return status == ACL_SUCCESS ? 0 : failure(AB_STEP_SET_BUFFER, i, status);
}

/* Reads what output i is, and copies it to the host, or leaves it. */
static int64_t shapes_output(const ab_shapes *shapes, size_t i, const ab_array *wanted,
                             ab_output *output)
{
    const ab_engine *e = shapes->engine;
    aclTensorDesc *desc = aclmdlGetDatasetTensorDesc(e->output, i);
    if (desc == NULL) {
        return failure(AB_STEP_GET_DESC, i, ACL_ERROR_BAD_ALLOC);
    }
    output->rank = aclGetTensorDescNumDims(desc);
    if (output->rank > AB_RANK_MAX) {
        return failure(AB_STEP_BAD_RANK, i, (aclError)output->rank);
    }
    output->nbytes = aclGetTensorDescSize(desc);
    for (size_t k = 0; k < output->rank; k++) {
        aclError status = aclGetTensorDescDimV2(desc, k, &output->dims[k]);
        if (status != ACL_SUCCESS) {
            return failure(AB_STEP_GET_DIM, i, status);
        }
    }
    if (aclGetDataBufferSizeV2 != NULL &&
        output->nbytes > aclGetDataBufferSizeV2(shapes->out[i].buffer)) {
        return failure(AB_STEP_BAD_SIZE, i, (aclError)output->nbytes);
    }
    if (output->nbytes > 0 && aclGetDataBufferAddr(shapes->out[i].buffer) == NULL) {
        return failure(AB_STEP_BAD_OUTPUT, i, 0);
    }
    return wanted->onDevice ? output_keep(&shapes->out[i], i, wanted, output)
                            : output_copy(shapes, i, output);
}

/* Points an output's buffer at an array on the device, or at nothing, or back. */
static int64_t sink_lend(ab_sink *sink, size_t index, const ab_array *wanted)
{
    aclError status;
    if (!wanted->onDevice && !sink->isLent) {
        return 0;
    }
    sink->isLent = 1;
    status = wanted->onDevice ? aclUpdateDataBuffer(sink->buffer, wanted->data, wanted->nbytes)
                              : aclUpdateDataBuffer(sink->buffer, sink->device, sink->room);
    if (status != ACL_SUCCESS) {
        return failure(AB_STEP_SET_BUFFER, index, status);
    }
    sink->isLent = wanted->onDevice && (wanted->data != NULL || sink->device != NULL);
    return 0;
}

/* Takes a buffer's memory out of it and gives it back. */
static int64_t sink_empty(ab_sink *sink, size_t index, void *memory)
{
    aclError status = aclUpdateDataBuffer(sink->buffer, NULL, 0);
    sink->left = status != ACL_SUCCESS ? memory : NULL;
    if (status != ACL_SUCCESS) {
        return failure(AB_STEP_SET_BUFFER, index, status);
    }
    status = aclrtFree(memory);
    return status == ACL_SUCCESS ? 0 : failure(AB_STEP_FREE, index, status);
}

/* Gives back what an earlier run had to leave. 0 or a failure. */
static int64_t shapes_clear(const ab_shapes *shapes)
{
    int64_t result = 0;
    for (size_t i = 0; result == 0 && i < shapes->outCount; i++) {
        if (shapes->out[i].left != NULL) {
            result = sink_empty(&shapes->out[i], i, shapes->out[i].left);
        }
    }
    return result;
}

/* Gives back what the library allocated for outputs in this run. */
static int64_t shapes_drop(const ab_shapes *shapes, const ab_array *out, int64_t result)
{
    for (size_t i = 0; i < shapes->outCount; i++) {
        ab_sink *sink = &shapes->out[i];
        int allocates = out[i].onDevice ? out[i].data == NULL : sink->device == NULL;
        void *memory = allocates ? aclGetDataBufferAddr(sink->buffer) : NULL;
        int64_t emptied = memory != NULL && memory != sink->left ? sink_empty(sink, i, memory) : 0;
        result = result == 0 ? emptied : result;
    }
    return result;
}

/* Lets the memory of outputs go. */
static void made_free(ab_output *made, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        free(made[i].data);
        made[i].data = NULL;
        if (made[i].isAllocated) {
            aclrtFree(made[i].device);
        }
        made[i].device = NULL;
        made[i].isAllocated = 0;
    }
}

/* Copies in, executes, and copies what came out to run->made. */
static int64_t shapes_compute(ab_shapes *shapes, const ab_run *run)
{
    int64_t result = shapes_clear(shapes);
    size_t pointed = 0;
    for (size_t i = 0; result == 0 && i < shapes->inCount; i++) {
        result = shapes_input(shapes, i, &run->in[i]);
    }
    for (; result == 0 && pointed < shapes->outCount; pointed++) {
        result = sink_lend(&shapes->out[pointed], pointed, &run->out[pointed]);
    }
    if (result != 0) {
        return result;
    }
    result = engine_compute(shapes->engine);
    for (size_t i = 0; result == 0 && i < shapes->outCount; i++) {
        result = shapes_output(shapes, i, &run->out[i], &run->made[i]);
    }
    return shapes_drop(shapes, run->out, result);
}

/*
 * Executes a dynamic graph, the engine being taken and its context
 * current. 0, and each of run->made has data for ab_host_free; or the first
 * failure, and none has. What nobody took since the run before is freed.
 */
int64_t shapes_execute(ab_shapes *shapes, const ab_run *run)
{
    int64_t result;
    made_free(run->made, shapes->outCount);
    result = shapes_compute(shapes, run);
    if (result != 0) {
        made_free(run->made, shapes->outCount);
    }
    return result;
}
