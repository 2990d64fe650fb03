/* From columns to tuples, and whether what they describe lies one behind another. */

#include <Python.h>

#include <stdint.h>

#include "wire/ab_objects.h"
#include "wire/kind.h"

enum { DTYPE = 1, DIMS = 2, OFFSET = 3, LEAST_COLUMNS = 4 };

/* A number that has 64 bits without a sign. 0: it has more, or is none; nothing is raised. */
static int number_of(PyObject *object, uint64_t *number)
{
    *number = object != NULL ? PyLong_AsUnsignedLongLong(object) : 0;
    if (PyErr_Occurred()) {
        PyErr_Clear();
        return 0;
    }
    return object != NULL;
}

/* The bytes of a tensor; of one whose dims are not known none. 0: as above. */
static int nbytes_of(PyObject *dims, PyObject *size, uint64_t *nbytes)
{
    *nbytes = 0;
    if (dims == Py_None) {
        return 1;
    }
    if (!PyTuple_Check(dims) || !number_of(size, nbytes)) {
        return 0;
    }
    for (Py_ssize_t i = 0; i < PyTuple_Size(dims); i++) {
        uint64_t dim;
        if (!number_of(PyTuple_GetItem(dims, i), &dim) ||
            __builtin_mul_overflow(*nbytes, dim, nbytes)) {
            return 0;
        }
    }
    return 1;
}

/* Does a row start at *end or behind it? Then *end is its own. */
static int follows(PyObject *row, PyObject *sizes, uint64_t *end)
{
    uint64_t offset, nbytes;
    if (PyTuple_GetItem(row, OFFSET) == Py_None) {
        return 1;
    }
    PyObject *size = PyDict_GetItemWithError(sizes, PyTuple_GetItem(row, DTYPE));
    return number_of(PyTuple_GetItem(row, OFFSET), &offset) && offset >= *end &&
           nbytes_of(PyTuple_GetItem(row, DIMS), size, &nbytes) &&
           !__builtin_add_overflow(offset, nbytes, end);
}

/* A row of the columns; or NULL. */
static PyObject *row_of(PyObject *kind, PyObject *columns, Py_ssize_t at)
{
    Py_ssize_t fields = PyTuple_Size(columns);
    PyObject *row = PyTuple_New(fields);
    for (Py_ssize_t i = 0; row != NULL && i < fields; i++) {
        PyObject *one = PyList_GetItem(PyTuple_GetItem(columns, i), at);
        if (one == NULL) {
            Py_CLEAR(row);
        } else {
            Py_INCREF(one);
            PyTuple_SetItem(row, i, one);
        }
    }
    return tuple_of_kind(kind, row);
}

/* The length of all columns; -1: they are not as they should be. */
static Py_ssize_t length_of(PyObject *columns)
{
    Py_ssize_t fields = PyTuple_Size(columns), length = -1;
    for (Py_ssize_t i = 0; i < fields; i++) {
        Py_ssize_t one = PyList_Size(PyTuple_GetItem(columns, i));
        if (one < 0 || (i > 0 && one != length)) {
            length = -1;
            break;
        }
        length = one;
    }
    if ((fields < LEAST_COLUMNS || length < 0) && !PyErr_Occurred()) {
        PyErr_SetString(PyExc_ValueError, "the columns are not equally long, or too few");
    }
    return PyErr_Occurred() ? -1 : length;
}

static PyObject *placed(PyObject *kind, PyObject *columns, PyObject *sizes, uint64_t most)
{
    Py_ssize_t count = length_of(columns);
    uint64_t end = 0;
    int in_order = 1;
    PyObject *rows = count < 0 ? NULL : PyList_New(count);
    for (Py_ssize_t i = 0; rows != NULL && i < count; i++) {
        PyObject *row = row_of(kind, columns, i);
        if (row == NULL) {
            Py_CLEAR(rows);
            break;
        }
        PyList_SetItem(rows, i, row);
        in_order = in_order && follows(row, sizes, &end);
    }
    return rows != NULL ? Py_BuildValue("(Ni)", rows, in_order && end <= most) : NULL;
}

uintptr_t ab_objects_placed(void)
{
    return (uintptr_t)placed;
}
