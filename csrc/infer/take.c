/*
 * Arguments that can be used as they are. An array fits when it is an ndarray,
 * no subclass, of exactly the right dtype object, of a shape that the graph
 * takes, in C order, and writable where it is written.
 */

#include <Python.h>

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "infer/frame.h"
#include "infer/ndarray.h"

/* Takes the values of a dict for some of count names; 1 if it has no others. */
static int take_named(PyObject *const *names, size_t count, PyObject *given, PyObject **into)
{
    Py_ssize_t found = 0;
    for (size_t i = 0; i < count; i++) {
        into[i] = PyDict_GetItemWithError(given, names[i]);
        if (into[i] == NULL && PyErr_Occurred()) {
            return 0;
        }
        Py_XINCREF(into[i]);
        found += into[i] != NULL;
    }
    return found == PyDict_Size(given);
}

/* Takes the inputs of a dict, a list or a tuple. 1: there is one for each. */
static int take_inputs(frame *f, PyObject *given)
{
    size_t count = f->s->is.inCount;
    if (PyDict_CheckExact(given)) {
        return (size_t)PyDict_Size(given) == count &&
               take_named(f->s->of, count, given, f->objects);
    }
    if (!PyTuple_CheckExact(given) && !PyList_CheckExact(given)) {
        return 0;
    }
    if ((size_t)Py_SIZE(given) != count) {
        return 0;
    }
    for (size_t i = 0; i < count; i++) {
        f->objects[i] = PyTuple_CheckExact(given) ? PyTuple_GetItem(given, (Py_ssize_t)i)
                                                  : PyList_GetItem(given, (Py_ssize_t)i);
        Py_XINCREF(f->objects[i]);
    }
    return 1;
}

/* Takes the inputs of a call. 1: there is one for each. */
static int take_each(frame *f, PyObject *const *args, Py_ssize_t count)
{
    if ((size_t)count != f->s->is.inCount) {
        return 0;
    }
    for (Py_ssize_t i = 0; i < count; i++) {
        Py_INCREF(args[i]);
        f->objects[i] = args[i];
    }
    return 1;
}

/* Takes the arrays of `out`, which may lack some. 1: it has no others. */
static int take_outputs(frame *f, PyObject *out)
{
    const ab_signature *is = &f->s->is;
    return out == Py_None ||
           (PyDict_CheckExact(out) &&
            take_named(f->s->of + is->inCount, is->outCount, out, f->objects + is->inCount));
}

/* Whether object i is an array that can be used in place, whatever its shape. */
static int fits(const frame *f, size_t i, int flags)
{
    const ndarray *array = (const ndarray *)f->objects[i];
    return array != NULL && (PyObject *)Py_TYPE(array) == f->s->part[NDARRAY] &&
           array->dtype == f->s->of[f->count + i] && (array->flags & flags) == flags;
}

/* Whether an array has a shape within an extent. */
static int is_within(const ndarray *array, const ab_extent *extent)
{
    if (extent->rank != array->rank) {
        return extent->rank < 0 && array->rank <= AB_RANK_MAX;
    }
    for (int i = 0; i < array->rank; i++) {
        if (array->shape[i] < extent->least[i] || array->shape[i] > extent->most[i]) {
            return 0;
        }
    }
    return 1;
}

/* Whether the inputs fit, in a choice of shapes. */
static int inputs_fit(const frame *f, const ab_choice *choice)
{
    for (size_t i = 0; i < f->s->is.inCount; i++) {
        if (!fits(f, i, READABLE) || !is_within((const ndarray *)f->objects[i], &choice->in[i])) {
            return 0;
        }
    }
    return 1;
}

/* Whether the outputs fit; in a dynamic graph those that are there. */
static int outputs_fit(const frame *f, const ab_choice *choice)
{
    size_t start = f->s->is.inCount;
    for (size_t i = start; i < f->count; i++) {
        const ndarray *array = (const ndarray *)f->objects[i];
        if (choice->out == NULL
                ? array != NULL && !fits(f, i, WRITABLE)
                : !fits(f, i, WRITABLE) || !is_within(array, &choice->out[i - start])) {
            return 0;
        }
    }
    return 1;
}

/* The place of the choice of shapes that the inputs have; SIZE_MAX: of none. */
static size_t choose(const frame *f)
{
    const ab_signature *is = &f->s->is;
    size_t at = f->s->last;
    for (size_t k = 0; k < is->choiceCount; k++) {
        if (inputs_fit(f, &is->choices[at])) {
            return at;
        }
        at = at + 1 < is->choiceCount ? at + 1 : 0;
    }
    return SIZE_MAX;
}

/* Makes the outputs that were not given, of a choice. 0: one cannot be made. */
static int make_outputs(frame *f, size_t choice)
{
    PyObject *arguments = PyTuple_GetItem(f->s->part[ARGUMENTS], (Py_ssize_t)choice);
    size_t start = f->s->is.inCount;
    for (size_t i = start; i < f->count; i++) {
        if (f->objects[i] == NULL) {
            f->objects[i] = PyObject_Call(
                f->s->part[EMPTY], PyTuple_GetItem(arguments, (Py_ssize_t)(i - start)), NULL);
        }
        if (f->objects[i] == NULL) {
            return 0;
        }
    }
    return 1;
}

/* Copies the inputs' dims, which Python may change while the engine runs. */
static int copy_dims(frame *f)
{
    size_t inCount = f->s->is.inCount, total = 1;
    int64_t *next;
    for (size_t i = 0; i < inCount; i++) {
        total += (size_t)((const ndarray *)f->objects[i])->rank;
    }
    f->dims = next = malloc(total * sizeof *next);
    for (size_t i = 0; next != NULL && i < inCount; i++) {
        const ndarray *array = (const ndarray *)f->objects[i];
        f->arrays[i].rank = array->rank;
        f->arrays[i].dims = next;
        for (int k = 0; k < array->rank; k++) {
            *next++ = array->shape[k];
        }
    }
    return f->dims != NULL;
}

/* Notes where the arrays lie. */
static void note_arrays(frame *f, const ab_choice *choice)
{
    const ab_signature *is = &f->s->is;
    for (size_t i = 0; i < f->count; i++) {
        const ndarray *array = (const ndarray *)f->objects[i];
        f->arrays[i].onDevice = 0;
        if (array != NULL) {
            f->arrays[i].data = array->data;
            f->arrays[i].nbytes = ndarray_nbytes(array, is->sizes[i]);
        }
    }
    f->run.gear = choice->gear;
    f->run.in = f->arrays;
    f->run.out = f->arrays + is->inCount;
    f->run.readyCount = 0;
}

/* Whether two arrays have bytes in common. */
static int share(const ab_array *one, const ab_array *other)
{
    uintptr_t a = (uintptr_t)one->data, b = (uintptr_t)other->data;
    return a < b + other->nbytes && b < a + one->nbytes && one->nbytes > 0 && other->nbytes > 0;
}

/* Whether no two of the outputs that are there share memory. */
static int outputs_are_apart(const frame *f)
{
    size_t start = f->s->is.inCount;
    for (size_t i = start; i < f->count; i++) {
        for (size_t k = start; f->objects[i] != NULL && k < i; k++) {
            if (f->objects[k] != NULL && share(&f->arrays[i], &f->arrays[k])) {
                return 0;
            }
        }
    }
    return 1;
}

/*
 * Prepares the run of arrays that were taken. 0: some do not fit. They are
 * looked at last, so that no Python runs between the look and the use.
 */
static int prepare(frame *f)
{
    const ab_signature *is = &f->s->is;
    size_t at = is->choiceCount > 1 ? choose(f) : 0;
    const ab_choice *choice;
    if (at >= is->choiceCount || (!is->dynamic && !make_outputs(f, at))) {
        return 0;
    }
    choice = &is->choices[at];
    if (!inputs_fit(f, choice) || !outputs_fit(f, choice) || (is->dynamic && !copy_dims(f))) {
        return 0;
    }
    note_arrays(f, choice);
    if (!outputs_are_apart(f)) {
        return 0;
    }
    f->s->last = at;
    return 1;
}

/*
 * Takes the inputs and the arrays of `out`, and prepares their run. 0: some do
 * not fit.
 */
int frame_take(frame *f, PyObject *given, PyObject *out)
{
    return f->s->is.readable && take_inputs(f, given) && take_outputs(f, out) && prepare(f);
}

/* frame_take of the arguments of a call. */
int frame_take_arguments(frame *f, PyObject *const *args, Py_ssize_t count)
{
    return f->s->is.readable && take_each(f, args, count) && prepare(f);
}
