/*
 * The engine of the fuzzed library, in the place of engine_onnx.c, ort.c and
 * session.c: it takes every graph and computes nothing. What is fuzzed is the
 * fake's own reading of a file; ONNX Runtime's is not ours to mend.
 */
#include <stdlib.h>

#include "base/codes.h"
#include "model/engine_onnx.h"
#include "call/message.h"

struct Engine {
    size_t graph;               /* bytes of it */
};

int engine_open(const Program *program, unsigned char *const *constants,
                unsigned char *const *variables, const char *times, Engine **engine)
{
    volatile unsigned char seen = 0;

    for (size_t i = 0; i < program->constants.count; i++)
        if (program_constant(program, i)->nbytes > 0)
            seen = constants[i][program_constant(program, i)->nbytes - 1];
    for (size_t i = 0; i < program->variables.count; i++)
        if (program_variable(program, i)->nbytes > 0)
            seen = variables[i][program_variable(program, i)->nbytes - 1];
    for (size_t i = 0; i < program->onnx.size; i++)
        seen = program->onnx.data[i];
    (void)seen, (void)times;
    *engine = malloc(sizeof **engine);
    if (*engine == NULL)
        return refuse(E_GE, "no memory for an engine");
    (*engine)->graph = program->onnx.size;
    return E_NONE;
}

char *engine_end_times(Engine *engine)
{
    (void)engine;
    refuse(E_GE, "an engine that computes nothing takes no time");
    return NULL;
}

int engine_run(Engine *engine, const Blob *inputs, const Blob *outputs)
{
    (void)engine, (void)inputs, (void)outputs;
    return E_NONE;
}

bool engine_result(Engine *engine, size_t i, Result *result)
{
    (void)engine, (void)i, (void)result;
    return false;
}

void engine_forget(Engine *engine)
{
    (void)engine;
}

void engine_close(Engine *engine)
{
    free(engine);
}
