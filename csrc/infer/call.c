/*
 * A call is an inference from numpy array to numpy array as one function of
 * Python's own calling convention, for graphs of one input and one output.
 *
 * It keeps nothing: all it works with stands in the tuple that is its `self`,
 * in the order of `enum part`. An array fits when it is an ndarray, no
 * subclass, of exactly the right dtype object and shape, in C order, and
 * writable where it is written. Whatever does not fit goes, as it came, to
 * the Python function that converts or explains; so does everything that
 * fails before the engine runs. Hence no message is made here.
 *
 * A binding, of any graph, is the same with nothing to check: its arrays were
 * given beforehand.
 *
 * An array is read through a mirror of numpy's PyArrayObject. Its layout is
 * part of numpy's ABI, compiled into every extension that uses numpy; it has
 * been this since 1.0, and acl_bundle/_run/run.py asks for a call only under a
 * numpy that is known to have it.
 */

#include <Python.h>
#include <stdint.h>
#include <string.h>

#include "infer/ab_call.h"
#include "infer/ab_engine.h"

/* What stands in `self`; a side is the three parts of enum side_part. */
enum part {
    ENGINE,  /* int, the address; the closures below keep it alive */
    NDARRAY, /* the type */
    VERSION, /* "version" */
    INPUT,
    OUTPUT = INPUT + 3,
    EMPTY = OUTPUT + 3, /* empty(*EMPTY_ARGS) makes an output */
    EMPTY_ARGS,
    OUTPUTS,  /* Outputs() makes a result */
    VERSIONS, /* dict: epoch -> version */
    EXPLAIN,  /* explain(answer) -> epoch, for a negative answer */
    RUN,      /* the functions for what does not fit */
    CALL,
    PARTS
};

/* What stands in the `self` of a binding; whatever follows is only kept. */
enum bound_part { BOUND_PLAN /* int, the address */, BOUND_EXPLAIN };

enum side_part { SIDE_NAME, SIDE_DTYPE, SIDE_SHAPE /* bytes of ssize_t */ };

/* The fields of PyArrayObject up to the last one needed. */
typedef struct ndarray {
    PyObject_HEAD
    void *data;
    int rank;
    Py_ssize_t *shape;
    Py_ssize_t *strides;
    PyObject *base;
    PyObject *dtype;
    int flags;
} ndarray;

/* NPY_ARRAY_C_CONTIGUOUS, and that with NPY_ARRAY_WRITEABLE. */
enum { READABLE = 0x1, WRITABLE = 0x401 };

/* A borrowed reference. */
static PyObject *part(PyObject *self, int index)
{
    return PyTuple_GetItem(self, index);
}

/* Whether an array has exactly the dimensions of a SIDE_SHAPE. */
static int has_shape(const ndarray *array, PyObject *shape)
{
    size_t size = (size_t)array->rank * sizeof *array->shape;
    return (size_t)PyBytes_Size(shape) == size &&
           (size == 0 || memcmp(array->shape, PyBytes_AsString(shape), size) == 0);
}

/* Whether an object, NULL too, is an array that can be used in place. */
static int fits(PyObject *self, int side, PyObject *object, int flags)
{
    const ndarray *array = (const ndarray *)object;
    return object != NULL && (PyObject *)Py_TYPE(object) == part(self, NDARRAY) &&
           array->dtype == part(self, side + SIDE_DTYPE) && (array->flags & flags) == flags &&
           has_shape(array, part(self, side + SIDE_SHAPE));
}

/* The value of a dict's only key, the side's name. A reference, or NULL. */
static PyObject *only(PyObject *self, int side, PyObject *arrays)
{
    PyObject *value = NULL;
    if (PyDict_CheckExact(arrays) && PyDict_Size(arrays) == 1) {
        value = PyDict_GetItemWithError(arrays, part(self, side + SIDE_NAME));
        Py_XINCREF(value);
    }
    return value;
}

/* The array to write: a new one, or what `out` names. A reference, or NULL. */
static PyObject *target(PyObject *self, PyObject *out)
{
    PyObject *array = out == Py_None
                          ? PyObject_Call(part(self, EMPTY), part(self, EMPTY_ARGS), NULL)
                          : only(self, OUTPUT, out);
    if (!fits(self, OUTPUT, array, WRITABLE)) {
        Py_CLEAR(array);
    }
    return array;
}

/* What the shim's answer stands for: the epoch, a new int; or NULL. */
static PyObject *epoch_of(int64_t answer, PyObject *explain)
{
    if (answer >= 0) {
        return PyLong_FromLongLong(answer);
    }
    return PyObject_CallFunction(explain, "L", (long long)answer);
}

/*
 * Runs the engine without the GIL, on arrays that fit and that the caller
 * holds. The epoch, a new int; or NULL.
 */
static PyObject *infer(PyObject *self, PyObject *in, PyObject *out)
{
    ab_engine *engine = PyLong_AsVoidPtr(part(self, ENGINE));
    const void *source = ((const ndarray *)in)->data;
    void *destination = ((const ndarray *)out)->data;
    PyThreadState *thread = PyEval_SaveThread();
    int64_t answer = ab_run_one(engine, source, destination);
    PyEval_RestoreThread(thread);
    return epoch_of(answer, part(self, EXPLAIN));
}

/* Outputs of one array and the epoch's version; or NULL. */
static PyObject *outputs(PyObject *self, PyObject *array, PyObject *epoch)
{
    PyObject *made, *version = PyObject_GetItem(part(self, VERSIONS), epoch);
    if (version == NULL) {
        return NULL;
    }
    made = PyObject_CallNoArgs(part(self, OUTPUTS));
    if (made != NULL && (PyDict_SetItem(made, part(self, OUTPUT + SIDE_NAME), array) != 0 ||
                         PyObject_SetAttr(made, part(self, VERSION), version) != 0)) {
        Py_CLEAR(made);
    }
    Py_DECREF(version);
    return made;
}

/* Hands the arguments, as they came, to a Python function. */
static PyObject *pass_on(PyObject *function, PyObject *const *args, Py_ssize_t count)
{
    PyObject *result, *all;
    PyErr_Clear(); /* what failed here fails there again, and is explained */
    all = PyTuple_New(count);
    if (all == NULL) {
        return NULL;
    }
    for (Py_ssize_t i = 0; i < count; i++) {
        Py_INCREF(args[i]);
        PyTuple_SetItem(all, i, args[i]);
    }
    result = PyObject_Call(function, all, NULL);
    Py_DECREF(all);
    return result;
}

/*
 * run(inputs, out): Outputs. The input is checked last, so that nothing of
 * Python runs between the check and the use.
 */
static PyObject *call_run(PyObject *self, PyObject *const *args, Py_ssize_t count)
{
    PyObject *in = count == 2 ? only(self, INPUT, args[0]) : NULL;
    PyObject *out = in != NULL ? target(self, args[1]) : NULL;
    PyObject *epoch, *result = NULL;
    if (out == NULL || !fits(self, INPUT, in, READABLE)) {
        result = pass_on(part(self, RUN), args, count);
    } else if ((epoch = infer(self, in, out)) != NULL) {
        result = outputs(self, out, epoch);
        Py_DECREF(epoch);
    }
    Py_XDECREF(out);
    Py_XDECREF(in);
    return result;
}

/* call(array): array. */
static PyObject *call_plain(PyObject *self, PyObject *const *args, Py_ssize_t count)
{
    PyObject *out = count == 1 ? target(self, Py_None) : NULL;
    PyObject *epoch, *result = NULL;
    if (out == NULL || !fits(self, INPUT, args[0], READABLE)) {
        result = pass_on(part(self, CALL), args, count);
    } else if ((epoch = infer(self, args[0], out)) != NULL) {
        Py_INCREF(out);
        result = out;
        Py_DECREF(epoch);
    }
    Py_XDECREF(out);
    return result;
}

/* bound(): the epoch. */
static PyObject *call_bound(PyObject *self, PyObject *unused)
{
    const ab_plan *plan = PyLong_AsVoidPtr(part(self, BOUND_PLAN));
    PyThreadState *thread = PyEval_SaveThread();
    int64_t answer = ab_run_plan(plan);
    PyEval_RestoreThread(thread);
    (void)unused;
    return epoch_of(answer, part(self, BOUND_EXPLAIN));
}

static PyMethodDef bound_method = {"bound", call_bound, METH_NOARGS, NULL};

static PyMethodDef call_methods[] = {
    {"run", (PyCFunction)(void (*)(void))call_run, METH_FASTCALL, NULL},
    {"call", (PyCFunction)(void (*)(void))call_plain, METH_FASTCALL, NULL},
};

/* (run, call) over a tuple of PARTS, which both keep; or NULL. */
static PyObject *call_make(PyObject *parts)
{
    PyObject *run, *call;
    if (PyTuple_Size(parts) != PARTS) {
        return PyErr_Format(PyExc_TypeError, "give a tuple of %d", PARTS);
    }
    run = PyCFunction_NewEx(&call_methods[0], parts, NULL);
    call = PyCFunction_NewEx(&call_methods[1], parts, NULL);
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
