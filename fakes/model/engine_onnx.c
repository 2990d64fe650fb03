#include "model/engine_onnx.h"

#include <stdlib.h>
#include <string.h>

#include "base/codes.h"
#include "call/message.h"
#include "file/numeric.h"
#include "model/ort.h"
#include "model/session.h"

/* One value that is fed or fetched, and what it was last made of. */
typedef struct Port {
    size_t index;               /* of the input or output; NO_INDEX: fixed */
    OrtValue *value;
    unsigned char *bytes;
} Port;

#define NO_INDEX SIZE_MAX

struct Engine {
    const Ort *ort;
    OrtSession *session;
    size_t feeds;
    size_t fetches;
    const char **feed_names;    /* owned array, names of the program */
    const char **fetch_names;
    OrtValue **feed_values;     /* borrowed from the ports */
    OrtValue **fetch_values;
    Port *feed;
    Port *fetch;
};

static void port_clear(const Ort *ort, Port *port)
{
    if (port->value != NULL)
        ort->ReleaseValue(port->value);
    port->value = NULL;
    port->bytes = NULL;
}

static int port_set(const Ort *ort, Port *port, const Blob *blob, const char *name, int failure)
{
    port_clear(ort, port);
    int status = ort_check(ort, ort_value(ort, blob, &port->value), name, failure);
    if (status == E_NONE)
        port->bytes = blob->bytes;
    return status;
}

static bool allocate(Engine *engine, const Program *program)
{
    size_t feeds = program->feeds.count + 1;
    size_t fetches = program->fetches.count + 1;

    engine->feed_names = calloc(feeds, sizeof *engine->feed_names);
    engine->fetch_names = calloc(fetches, sizeof *engine->fetch_names);
    engine->feed_values = calloc(feeds, sizeof *engine->feed_values);
    engine->fetch_values = calloc(fetches, sizeof *engine->fetch_values);
    engine->feed = calloc(feeds, sizeof *engine->feed);
    engine->fetch = calloc(fetches, sizeof *engine->fetch);
    return engine->feed_names != NULL && engine->fetch_names != NULL &&
           engine->feed_values != NULL && engine->fetch_values != NULL && engine->feed != NULL &&
           engine->fetch != NULL;
}

/* Variables stay where they are: their values are made once. */
static int connect_feed(Engine *engine, const Program *program, const Feed *feed,
                        unsigned char *const *variables)
{
    Port *port = &engine->feed[engine->feeds];
    int status = E_NONE;

    engine->feed_names[engine->feeds] = feed->name;
    port->index = feed->index;
    if (feed->source == SOURCE_VARIABLE) {
        const Tensor *variable = program_variable(program, feed->index);
        Blob blob = blob_of_tensor(variable, variables[feed->index]);
        port->index = NO_INDEX;
        status = port_set(engine->ort, port, &blob, feed->name, E_GE);
        engine->feed_values[engine->feeds] = port->value;
    }
    engine->feeds++;
    return status;
}

static int connect(Engine *engine, const Program *program, unsigned char *const *variables)
{
    int status = E_NONE;

    for (size_t i = 0; status == E_NONE && i < program->feeds.count; i++) {
        const Feed *feed = program_feed(program, i);
        if (feed->source != SOURCE_CONSTANT)
            status = connect_feed(engine, program, feed, variables);
    }
    for (size_t i = 0; i < program->fetches.count; i++) {
        engine->fetch_names[i] = program_fetch(program, i)->name;
        engine->fetch[i].index = program_fetch(program, i)->output;
    }
    engine->fetches = program->fetches.count;
    return status;
}

int engine_open(const Program *program, unsigned char *const *constants,
                unsigned char *const *variables, const char *times, Engine **engine)
{
    Engine *made = calloc(1, sizeof *made);
    int status = E_NONE;

    if (made == NULL)
        return refuse(E_GE, "no memory for an engine");
    made->ort = ort_open();
    if (made->ort == NULL || !allocate(made, program))
        status = E_GE;
    if (status == E_NONE)
        status = session_open(made->ort, program, constants, times, &made->session);
    if (status == E_NONE)
        status = connect(made, program, variables);
    if (status == E_NONE)
        *engine = made;
    else
        engine_close(made);
    return status;
}

static int give_inputs(Engine *engine, const Blob *inputs)
{
    for (size_t i = 0; i < engine->feeds; i++) {
        Port *port = &engine->feed[i];
        if (port->index == NO_INDEX)
            continue;
        const Blob *blob = &inputs[port->index];
        if (port->value == NULL || port->bytes != blob->bytes) {
            int status = port_set(engine->ort, port, blob, engine->feed_names[i], E_RT_EXECUTE);
            if (status != E_NONE)
                return status;
        }
        engine->feed_values[i] = port->value;
    }
    return E_NONE;
}

static int give_outputs(Engine *engine, const Blob *outputs)
{
    for (size_t i = 0; i < engine->fetches; i++) {
        Port *port = &engine->fetch[i];
        const Blob *blob = &outputs[port->index];
        if (blob->bytes == NULL) {
            port_clear(engine->ort, port);
        } else if (port->value == NULL || port->bytes != blob->bytes) {
            int status = port_set(engine->ort, port, blob, engine->fetch_names[i], E_RT_EXECUTE);
            if (status != E_NONE)
                return status;
        }
        engine->fetch_values[i] = port->value;
    }
    return E_NONE;
}

/* A value the runtime made belongs to its port until the next run. */
static void keep_results(Engine *engine)
{
    for (size_t i = 0; i < engine->fetches; i++)
        engine->fetch[i].value = engine->fetch_values[i];
}

int engine_run(Engine *engine, const Blob *inputs, const Blob *outputs)
{
    const Ort *ort = engine->ort;
    int status = give_inputs(engine, inputs);

    if (status == E_NONE)
        status = give_outputs(engine, outputs);
    if (status != E_NONE)
        return status;
    status = ort_check(ort,
                       ort->Run(engine->session, NULL, engine->feed_names,
                                (const OrtValue *const *)engine->feed_values, engine->feeds,
                                engine->fetch_names, engine->fetches, engine->fetch_values),
                       "the model's graph", E_RT_EXECUTE);
    keep_results(engine);
    return status;
}

char *engine_end_times(Engine *engine)
{
    const Ort *ort = engine->ort;
    OrtAllocator *allocator = NULL;
    char *file = NULL;

    if (ort_check(ort, ort->GetAllocatorWithDefaultOptions(&allocator), "times", E_GE) != E_NONE ||
        ort_check(ort, ort->SessionEndProfiling(engine->session, allocator, &file), "times",
                  E_GE) != E_NONE)
        return NULL;
    char *kept = strdup(file);
    ort_check(ort, ort->AllocatorFree(allocator, file), "times", E_GE);
    return kept;
}

void engine_forget(Engine *engine)
{
    for (size_t i = 0; i < engine->feeds; i++)
        if (engine->feed[i].index != NO_INDEX)
            port_clear(engine->ort, &engine->feed[i]);
    for (size_t i = 0; i < engine->fetches; i++)
        port_clear(engine->ort, &engine->fetch[i]);
}

static bool describe(const Ort *ort, OrtTensorInfo *info, Result *result)
{
    int type = 0;
    size_t room = sizeof result->dims / sizeof result->dims[0];

    if (ort_check(ort, ort->GetTensorElementType(info, &type), "type", E_GE) != E_NONE ||
        ort_check(ort, ort->GetDimensionsCount(info, &result->rank), "rank", E_GE) != E_NONE ||
        result->rank > room || type != ort_type(result->data_type) ||
        ort_check(ort, ort->GetDimensions(info, result->dims, result->rank), "dims", E_GE) !=
            E_NONE)
        return false;
    return tensor_bytes(result->dims, result->rank, result->data_type, &result->size);
}

bool engine_result(Engine *engine, size_t i, Result *result)
{
    const Ort *ort = engine->ort;
    OrtTensorInfo *info = NULL;
    void *bytes = NULL;
    size_t at = 0;

    while (at < engine->fetches && engine->fetch[at].index != i)
        at++;
    if (at == engine->fetches || engine->fetch[at].value == NULL ||
        ort_check(ort, ort->GetTensorTypeAndShape(engine->fetch[at].value, &info), "shape", E_GE) !=
            E_NONE)
        return false;
    bool good = describe(ort, info, result) &&
                ort_check(ort, ort->GetTensorMutableData(engine->fetch[at].value, &bytes), "data",
                          E_GE) == E_NONE;
    ort->ReleaseTensorTypeAndShapeInfo(info);
    result->bytes = bytes;
    return good;
}

void engine_close(Engine *engine)
{
    if (engine == NULL)
        return;
    for (size_t i = 0; i < engine->feeds; i++)
        port_clear(engine->ort, &engine->feed[i]);
    for (size_t i = 0; i < engine->fetches; i++)
        port_clear(engine->ort, &engine->fetch[i]);
    if (engine->session != NULL)
        engine->ort->ReleaseSession(engine->session);
    free(engine->feed_names);
    free(engine->fetch_names);
    free(engine->feed_values);
    free(engine->fetch_values);
    free(engine->feed);
    free(engine->fetch);
    free(engine);
}
