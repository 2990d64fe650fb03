/*
 * A call is an inference from numpy arrays to numpy arrays as one function of
 * Python's own calling convention, for every graph that infers. It keeps
 * nothing but what its `self` holds: a capsule of the signature, and the tuple
 * of the parts that frame.h lists.
 *
 * A binding is the same with nothing to check: its run was settled before.
 */

#include <Python.h>

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "infer/frame.h"
#include "infer/ab_call.h"
#include "infer/ab_run.h"
#include "infer/line.h"
#include "infer/run.h"

/* What stands in the `self` of a binding; whatever follows is only kept. */
enum bound_part { BOUND_PLAN /* int, the address */, BOUND_EXPLAIN };

/* A tuple of arguments; or NULL. */
static PyObject *tuple_of(PyObject *const *args, Py_ssize_t count)
{
    PyObject *all = PyTuple_New(count);
    for (Py_ssize_t i = 0; all != NULL && i < count; i++) {
        Py_INCREF(args[i]);
        PyTuple_SetItem(all, i, args[i]);
    }
    return all;
}

static signature *signature_of(PyObject *self)
{
    return PyCapsule_GetPointer(PyTuple_GetItem(self, 0), NULL);
}

/* run(inputs, out): Outputs. */
static PyObject *call_run(PyObject *self, PyObject *const *args, Py_ssize_t count)
{
    frame f;
    PyObject *epoch = NULL, *result = NULL;
    if (frame_open(&f, signature_of(self)) == 0 &&
        ((count == 2 && frame_take(&f, args[0], args[1])) ||
         frame_settle(&f, tuple_of(args, count))) &&
        (epoch = frame_infer(&f)) != NULL) {
        result = frame_outputs(&f, epoch);
    }
    Py_XDECREF(epoch);
    frame_close(&f);
    return result;
}

/* The arguments of a run without `out`, whose inputs are those of a call; or NULL. */
static PyObject *inputs_alone(PyObject *const *args, Py_ssize_t count)
{
    PyObject *inputs = tuple_of(args, count);
    return inputs != NULL ? Py_BuildValue("(NO)", inputs, Py_None) : NULL;
}

/* call(*arrays): an array, or a tuple of arrays. */
static PyObject *call_plain(PyObject *self, PyObject *const *args, Py_ssize_t count)
{
    frame f;
    PyObject *epoch = NULL, *result = NULL;
    if (frame_open(&f, signature_of(self)) == 0 &&
        (frame_take_arguments(&f, args, count) || frame_settle(&f, inputs_alone(args, count))) &&
        (epoch = frame_infer(&f)) != NULL) {
        result = frame_arrays(&f);
    }
    Py_XDECREF(epoch);
    frame_close(&f);
    return result;
}

/* bound(): the epoch. */
static PyObject *call_bound(PyObject *self, PyObject *unused)
{
    ab_plan *plan = PyLong_AsVoidPtr(PyTuple_GetItem(self, BOUND_PLAN));
    waiter w = {0};
    int64_t answer;
    do {
        PyThreadState *thread = PyEval_SaveThread();
        answer = plan_run(plan, &w);
        PyEval_RestoreThread(thread);
    } while (answer == STILL_WAITS && frame_waits_on(plan->engine, &w));
    (void)unused;
    return answer == STILL_WAITS ? NULL : epoch_of(answer, PyTuple_GetItem(self, BOUND_EXPLAIN));
}

static PyMethodDef bound_method = {"bound", call_bound, METH_NOARGS, NULL};

static PyMethodDef call_methods[] = {
    {"run", (PyCFunction)(void (*)(void))call_run, METH_FASTCALL, NULL},
    {"call", (PyCFunction)(void (*)(void))call_plain, METH_FASTCALL, NULL},
};

static void signature_free(PyObject *capsule)
{
    free(PyCapsule_GetPointer(capsule, NULL));
}

/* A capsule of a signature, which lives no longer than its parts; or NULL. */
static PyObject *signature_new(PyObject *parts)
{
    const ab_signature *is = PyLong_AsVoidPtr(PyTuple_GetItem(parts, SIGNATURE));
    size_t count = is->inCount + is->outCount;
    signature *s = calloc(1, sizeof *s + 2 * count * sizeof *s->of);
    PyObject *capsule;
    if (s == NULL) {
        return PyErr_NoMemory();
    }
    s->is = *is;
    for (Py_ssize_t i = 0; i < PARTS; i++) {
        s->part[i] = PyTuple_GetItem(parts, i);
    }
    for (size_t i = 0; i < count; i++) {
        s->of[i] = PyTuple_GetItem(s->part[NAMES], (Py_ssize_t)i);
        s->of[count + i] = PyTuple_GetItem(s->part[DTYPES], (Py_ssize_t)i);
    }
    capsule = PyCapsule_New(s, NULL, signature_free);
    if (capsule == NULL) {
        free(s);
    }
    return capsule;
}

/* (run, call) over a tuple of PARTS, which both keep; or NULL. */
static PyObject *call_make(PyObject *parts)
{
    PyObject *self, *capsule, *run, *call;
    if (PyTuple_Size(parts) != PARTS) {
        return PyErr_Format(PyExc_TypeError, "give a tuple of %d", PARTS);
    }
    capsule = signature_new(parts);
    self = capsule != NULL ? Py_BuildValue("(NO)", capsule, parts) : NULL;
    if (self == NULL) {
        return NULL;
    }
    run = PyCFunction_NewEx(&call_methods[0], self, NULL);
    call = PyCFunction_NewEx(&call_methods[1], self, NULL);
    Py_DECREF(self);
    return Py_BuildValue("(NN)", run, call);
}

/*
 * The address of `PyObject *make(PyObject *parts)`, which wants the GIL and
 * so no cffi: it returns the pair (run, call) over a tuple in the order of
 * enum part. This function cannot fail.
 */
uintptr_t ab_call_maker(void)
{
    return (uintptr_t)call_make;
}

/* bound, over a tuple in the order of enum bound_part, which it keeps. */
static PyObject *bound_make(PyObject *parts)
{
    return PyCFunction_NewEx(&bound_method, parts, NULL);
}

/* The address of bound_make, as ab_call_maker gives that of call_make. */
uintptr_t ab_bound_maker(void)
{
    return (uintptr_t)bound_make;
}
