/*
 * Dynamic graphs: shapes are chosen at run, in one call as all others are.
 *
 * Such a graph keeps a place for each input (place.c) and a sink for each
 * output (sink.c). Outputs whose size nobody knows beforehand are the library's
 * to allocate; their memory is given back at the end of the run.
 */

#include "infer/shapes.h"

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "acl/pointers.h"
#include "device/ab_context.h"
#include "device/ab_status.h"
#include "gate/gate.h"
#include "infer/engine.h"
#include "infer/place.h"
#include "infer/sink.h"

struct ab_shapes {
    ab_engine *engine;
    size_t inCount;
    size_t outCount;
    ab_input_place *in;
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
        aclError status = place_release(&shapes->in[i]);
        last = status != ACL_SUCCESS ? status : last;
    }
    for (size_t i = 0; i < shapes->outCount; i++) {
        aclError status = sink_release(&shapes->out[i]);
        last = status != ACL_SUCCESS ? status : last;
    }
    return last;
}

void ab_shapes_free(ab_shapes *shapes)
{
    free(shapes->in);
    free(shapes->out);
    free(shapes);
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

/*
 * Frees what a run of this engine, or of its replica, has made and nobody took. May wait
 * for a run. The mutex keeps the context alive: closing takes it after the state is told.
 * Of a bundle that is closed the context may be dead, so memory of the device is left.
 */
void shapes_discard(ab_engine *engine, ab_output *made, size_t count)
{
    ab_visit visit;
    if (gate_is_foreign(engine->gate)) {
        return;
    }
    pthread_mutex_lock(&engine->reader.mutex);
    if (engine->gate->state != GATE_CLOSED && ab_context_enter(engine->context, &visit) == 0) {
        made_free(made, count);
        ab_context_leave(&visit);
    }
    pthread_mutex_unlock(&engine->reader.mutex);
}

/* Gives back what earlier runs had to leave. 0 or the first failure. */
static int64_t shapes_clear(const ab_shapes *shapes)
{
    int64_t result = 0;
    for (size_t i = 0; result == 0 && i < shapes->outCount; i++) {
        result = sink_clear(&shapes->out[i], i);
    }
    return result;
}

/* Gives back what the library allocated in this run. The first failure, result before all. */
static int64_t shapes_drop(const ab_shapes *shapes, const ab_array *out, int64_t result)
{
    for (size_t i = 0; i < shapes->outCount; i++) {
        int64_t dropped = sink_drop(&shapes->out[i], i, &out[i]);
        result = result == 0 ? dropped : result;
    }
    return result;
}

/* Copies in, executes, and copies what came out to run->made. */
static int64_t shapes_compute(ab_shapes *shapes, const ab_run *run)
{
    int64_t result = shapes_clear(shapes);
    size_t pointed = 0;
    for (size_t i = 0; result == 0 && i < shapes->inCount; i++) {
        result = place_take(&shapes->in[i], shapes->engine, i, &run->in[i]);
    }
    for (; result == 0 && pointed < shapes->outCount; pointed++) {
        result = sink_lend(&shapes->out[pointed], pointed, &run->out[pointed]);
    }
    if (result != 0) {
        return result;
    }
    result = engine_compute(shapes->engine);
    for (size_t i = 0; result == 0 && i < shapes->outCount; i++) {
        result = sink_read(&shapes->out[i], shapes->engine, i, &run->out[i], &run->made[i]);
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
