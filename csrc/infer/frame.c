/*
 * A call from its beginning to its result. What does not fit as it came is
 * prepared in Python: SETTLE converts or explains, and answers with the run to
 * make. So is what fails before the engine runs; no message is made here.
 *
 * While the engine runs, the call holds a reference to each array, and no GIL.
 */

#include "infer/frame.h"

#include <Python.h>

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "gate/gate.h"
#include "infer/engine.h"
#include "infer/line.h"
#include "infer/run.h"
#include "infer/shapes.h"

/* Begins a call; frame_close ends it, whatever the answer. -1: a MemoryError. */
int frame_open(frame *f, signature *s)
{
    f->s = s;
    f->count = s->is.inCount + s->is.outCount;
    f->objects = f->fewObjects;
    f->arrays = f->fewArrays;
    f->dims = NULL;
    f->held = NULL;
    f->run.made = NULL;
    memset(f->fewObjects, 0, sizeof f->fewObjects);
    if (f->count > FEW) {
        f->objects = calloc(f->count, sizeof *f->objects);
        f->arrays = malloc(f->count * sizeof *f->arrays);
    }
    if (s->is.dynamic) {
        f->run.made = calloc(s->is.outCount + 1, sizeof *f->run.made);
    }
    if (f->objects == NULL || f->arrays == NULL || (s->is.dynamic && f->run.made == NULL)) {
        PyErr_NoMemory();
        return -1;
    }
    return 0;
}

/* Lets the arrays go. */
void frame_clear(frame *f)
{
    for (size_t i = 0; f->objects != NULL && i < f->count; i++) {
        Py_CLEAR(f->objects[i]);
    }
    free(f->dims);
    f->dims = NULL;
}

/* Frees what a dynamic run has made and nobody took, as a Ctrl-C came before FINISH. */
static void frame_discard(frame *f)
{
    size_t count = f->s->is.outCount;
    int allocated = 0;
    for (size_t i = 0; i < count; i++) {
        allocated |= f->run.made[i].isAllocated;
    }
    if (allocated) {
        PyThreadState *thread = PyEval_SaveThread();
        shapes_discard(f->s->is.engine, f->run.made, count);
        PyEval_RestoreThread(thread);
    }
    for (size_t i = 0; i < count; i++) {
        free(f->run.made[i].data);
    }
    free(f->run.made);
}

void frame_close(frame *f)
{
    frame_clear(f);
    Py_XDECREF(f->held);
    if (f->run.made != NULL) {
        frame_discard(f);
    }
    if (f->objects != f->fewObjects) {
        free(f->objects);
        free(f->arrays);
    }
}

/* Takes a tuple of outputs, None where there is none. */
static void take_settled(frame *f, PyObject *outputs)
{
    size_t start = f->s->is.inCount;
    for (size_t i = start; i < f->count; i++) {
        PyObject *array = PyTuple_GetItem(outputs, (Py_ssize_t)(i - start));
        if (array != Py_None) {
            Py_XINCREF(array);
            f->objects[i] = array;
        }
    }
}

/*
 * Has Python prepare the run, of the arguments as they came; the reference to
 * them ends here. 0: it raised.
 */
int frame_settle(frame *f, PyObject *arguments)
{
    ab_output *made = f->run.made;
    if (arguments == NULL) {
        return 0;
    }
    PyErr_Clear(); /* what failed here fails there again, and is explained */
    frame_clear(f);
    f->held = PyObject_Call(f->s->part[SETTLE], arguments, NULL);
    Py_DECREF(arguments);
    if (f->held == NULL) {
        return 0;
    }
    f->run = *(const ab_run *)PyLong_AsVoidPtr(PyTuple_GetItem(f->held, 0));
    f->run.made = made;
    take_settled(f, PyTuple_GetItem(f->held, 1));
    return 1;
}

/* What the shim's answer stands for: the epoch, a new int; or NULL. */
PyObject *epoch_of(int64_t answer, PyObject *explain)
{
    if (answer >= 0) {
        return PyLong_FromLongLong(answer);
    }
    return PyObject_CallFunction(explain, "L", (long long)answer);
}

/* Has Python make arrays of what a dynamic run has made. 0: it raised. */
static int finish(frame *f)
{
    size_t start = f->s->is.inCount;
    PyObject *made, *outputs = PyTuple_New((Py_ssize_t)f->s->is.outCount);
    for (size_t i = start; outputs != NULL && i < f->count; i++) {
        PyObject *array = f->objects[i] != NULL ? f->objects[i] : Py_None;
        Py_INCREF(array);
        PyTuple_SetItem(outputs, (Py_ssize_t)(i - start), array);
    }
    made = PyObject_CallFunction(f->s->part[FINISH], "KO",
                                 (unsigned long long)(uintptr_t)f->run.made, outputs);
    Py_XDECREF(outputs);
    for (size_t i = start; made != NULL && i < f->count; i++) {
        Py_CLEAR(f->objects[i]);
    }
    if (made != NULL) {
        take_settled(f, made);
    }
    Py_XDECREF(made);
    return made != NULL;
}

/*
 * Whether a run that waits is to be called again: nothing came that Python's handlers
 * raised for. It came: the run has no place among those who wait any more.
 */
int frame_waits_on(const ab_engine *engine, waiter *w)
{
    if (PyErr_CheckSignals() == 0) {
        return 1;
    }
    engine_forgo(engine, w);
    return 0;
}

/* Runs what is prepared, without the GIL. The epoch, a new int; or NULL. */
PyObject *frame_infer(frame *f)
{
    ab_engine *engine = f->s->is.engine;
    waiter w = {0};
    int64_t answer;
    do {
        PyThreadState *thread = PyEval_SaveThread();
        answer = engine_run(engine, &f->run, &w);
        PyEval_RestoreThread(thread);
    } while (answer == STILL_WAITS && frame_waits_on(engine, &w));
    if (answer == STILL_WAITS) {
        return NULL;
    }
    if (answer >= LOWEST_EPOCH && f->s->is.dynamic && !finish(f)) {
        return NULL;
    }
    return epoch_of(answer, f->s->part[EXPLAIN]);
}

/* The outputs by name, with the epoch's version; or NULL. */
PyObject *frame_outputs(const frame *f, PyObject *epoch)
{
    PyObject *made, *version = PyObject_GetItem(f->s->part[VERSIONS], epoch);
    int failed = 0;
    if (version == NULL) {
        return NULL;
    }
    made = PyObject_CallNoArgs(f->s->part[OUTPUTS]);
    for (size_t i = f->s->is.inCount; made != NULL && !failed && i < f->count; i++) {
        failed = PyDict_SetItem(made, f->s->of[i], f->objects[i]);
    }
    if (made != NULL && (failed || PyObject_SetAttr(made, f->s->part[VERSION], version) != 0)) {
        Py_CLEAR(made);
    }
    Py_DECREF(version);
    return made;
}

/* The output, or a tuple of them where there is not one; or NULL. */
PyObject *frame_arrays(const frame *f)
{
    size_t start = f->s->is.inCount;
    PyObject *all;
    if (f->count - start == 1) {
        Py_INCREF(f->objects[start]);
        return f->objects[start];
    }
    all = PyTuple_New((Py_ssize_t)(f->count - start));
    for (size_t i = start; all != NULL && i < f->count; i++) {
        Py_INCREF(f->objects[i]);
        PyTuple_SetItem(all, (Py_ssize_t)(i - start), f->objects[i]);
    }
    return all;
}
