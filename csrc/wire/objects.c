/* From places in a file to Python's objects, without an array of places between. */

#include <Python.h>

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "wire/ab_objects.h"
#include "wire/ab_tables.h"
#include "wire/inout.h"
#include "wire/kind.h"

enum { ESCAPED_MAX = 1 << 16 };

/* A text whose bytes are kept as escapes where they are not UTF-8, up to most; or NULL. */
static PyObject *text_object(const uint8_t *text, uint64_t size, uint64_t most)
{
    const char *at = (const char *)text;
    PyObject *made = PyUnicode_DecodeUTF8(at, (Py_ssize_t)size, NULL);
    if (made == NULL && size <= most && PyErr_ExceptionMatches(PyExc_UnicodeDecodeError)) {
        PyErr_Clear();
        made = PyUnicode_DecodeUTF8(at, (Py_ssize_t)size, "backslashreplace");
    }
    return made;
}

/* A tuple of numbers of INOUT_NUMBER bytes, which may lie anywhere; or NULL. */
static PyObject *numbers_object(const uint8_t *numbers, size_t count)
{
    PyObject *made = PyTuple_New((Py_ssize_t)count);
    for (size_t i = 0; made != NULL && i < count; i++) {
        int64_t value;
        memcpy(&value, numbers + i * sizeof value, sizeof value);
        PyObject *one = PyLong_FromLongLong(value);
        if (one == NULL) {
            Py_CLEAR(made);
        } else {
            PyTuple_SetItem(made, (Py_ssize_t)i, one);
        }
    }
    return made;
}

/* Tuples that were made, each where the hash of its numbers says: many tensors have one shape. */
enum { SHAPES = 64 };
typedef struct shapes {
    struct {
        const uint8_t *numbers;
        size_t count;
        PyObject *made;
    } of[SHAPES];
} shapes;

static void forget(shapes *known)
{
    for (size_t i = 0; i < SHAPES; i++) {
        Py_CLEAR(known->of[i].made);
    }
}

/* The same as numbers_object; equal ones may be one object. */
static PyObject *shape_object(shapes *known, const uint8_t *numbers, size_t count)
{
    size_t size = count * INOUT_NUMBER, hash = count;
    for (size_t i = 0; i < size; i++) {
        hash = hash * 31 + numbers[i];
    }
    size_t at = (hash ^ hash >> 16) % SHAPES;
    if (known->of[at].made == NULL || known->of[at].count != count ||
        memcmp(known->of[at].numbers, numbers, size) != 0) {
        Py_CLEAR(known->of[at].made);
        known->of[at].made = numbers_object(numbers, count);
        known->of[at].numbers = numbers;
        known->of[at].count = count;
    }
    Py_XINCREF(known->of[at].made);
    return known->of[at].made;
}

/* Puts what is not NULL at the end of a list, which is NULL after an error. */
static void append(PyObject **list, PyObject *made)
{
    if (*list != NULL && (made == NULL || PyList_Append(*list, made) != 0)) {
        Py_CLEAR(*list);
    }
    Py_XDECREF(made);
}

static PyObject *none(void)
{
    Py_INCREF(Py_None);
    return Py_None;
}

static PyObject *texts(const uint8_t *data, const uint32_t *at, const uint32_t *size,
                       uint64_t count)
{
    PyObject *list = PyList_New(0);
    for (uint64_t i = 0; list != NULL && i < count; i++) {
        append(&list, text_object(data + at[i], size[i], ESCAPED_MAX));
    }
    return list;
}

static PyObject *lists(const int64_t *numbers, const uint32_t *at, const uint32_t *size,
                       uint64_t count)
{
    PyObject *list = PyList_New(0);
    for (uint64_t i = 0; list != NULL && i < count; i++) {
        append(&list, numbers_object((const uint8_t *)(numbers + at[i]), size[i]));
    }
    return list;
}

typedef struct weights {
    shapes known;
    PyObject *names;
    PyObject *shapes;
    PyObject *offsets;
    PyObject *untold;
} weights;

/* Takes the shape of the tensor in row, counted from 1; 0: there is none. */
static void take_shape(weights *found, const ab_tables *tables, uint32_t row, uint64_t index)
{
    const ab_ge_tensor *tensor = row != 0 ? &tables->tensors[row - 1] : NULL;
    if (tensor != NULL && tensor->told == AB_WHOLE) {
        const int64_t *dims = tables->numbers + tensor->origin.at;
        append(&found->shapes,
               shape_object(&found->known, (const uint8_t *)dims, tensor->origin.count));
        return;
    }
    append(&found->shapes, none());
    if (tensor != NULL && tensor->told == AB_NOTHING) {
        append(&found->untold, Py_BuildValue("(KI)", (unsigned long long)index, row - 1));
    }
}

static int has_offset(const ab_tables *tables, uint32_t kind)
{
    for (uint64_t i = 0; i < tables->node_count; i++) {
        if (tables->nodes[i].kind == kind && tables->nodes[i].offset.kind != 0) {
            return 1;
        }
    }
    return 0;
}

static PyObject *weights_of(const uint8_t *data, const ab_tables *tables, uint32_t kind,
                            uint32_t cut)
{
    int is_placed = has_offset(tables, kind);
    uint64_t index = 0;
    weights found = {{{{0}}}, PyList_New(0), PyList_New(0), PyList_New(0), PyList_New(0)};
    for (uint64_t i = 0; i < tables->node_count && !PyErr_Occurred(); i++) {
        const ab_ge_node *node = &tables->nodes[i];
        if (node->kind != kind) {
            continue;
        }
        append(&found.names, text_object(data + node->name.at, node->name.size - cut, ESCAPED_MAX));
        take_shape(&found, tables, node->tensor, index++);
        if (is_placed) {
            append(&found.offsets,
                   node->offset.kind != 0 ? PyLong_FromLongLong(node->offset.value) : none());
        }
    }
    forget(&found.known);
    if (!PyErr_Occurred()) {
        return Py_BuildValue("(NNNN)", found.names, found.shapes, found.offsets, found.untold);
    }
    Py_XDECREF(found.names);
    Py_XDECREF(found.shapes);
    Py_XDECREF(found.offsets);
    Py_XDECREF(found.untold);
    return NULL;
}

/* A tuple of pairs; or NULL. */
static PyObject *pairs_object(const uint8_t *numbers, size_t count)
{
    PyObject *made = PyTuple_New((Py_ssize_t)count);
    for (size_t i = 0; made != NULL && i < count; i++) {
        PyObject *one = numbers_object(numbers + 2 * i * INOUT_NUMBER, 2);
        if (one == NULL) {
            Py_CLEAR(made);
        } else {
            PyTuple_SetItem(made, (Py_ssize_t)i, one);
        }
    }
    return made;
}

/* A tuple of a kind, of the objects that it takes over, as many as fields; or NULL. */
static PyObject *row_object(PyObject *kind, PyObject **of, Py_ssize_t fields)
{
    PyObject *row = PyErr_Occurred() ? NULL : PyTuple_New(fields);
    for (Py_ssize_t i = 0; i < fields; i++) {
        if (row != NULL) {
            PyTuple_SetItem(row, i, of[i]);
        } else {
            Py_XDECREF(of[i]);
        }
    }
    return tuple_of_kind(kind, row);
}

/* A tensor of a block; or NULL. */
static PyObject *end_object(PyObject *kind, shapes *known, const uint8_t *block,
                            const inout_tensor *tensor)
{
    PyObject *of[] = {
        text_object(block + tensor->name, tensor->name_size, UINT32_MAX),
        PyLong_FromLong(tensor->dtype),
        PyLong_FromLong(tensor->format),
        shape_object(known, block + tensor->dims, tensor->dims_size / INOUT_NUMBER),
        PyLong_FromUnsignedLongLong(tensor->nbytes),
        pairs_object(block + tensor->ranges, tensor->ranges_size / (2 * INOUT_NUMBER)),
    };
    return row_object(kind, of, sizeof of / sizeof of[0]);
}

static PyObject *ends(PyObject *kind, const uint8_t *block, uint64_t size, uint64_t at,
                      uint64_t most, uint64_t count)
{
    shapes known = {{{0}}};
    PyObject *list = PyList_New(0);
    inout_tensor tensor;
    while (list != NULL && count-- > 0 && inout_next(block, size, most, &at, &tensor)) {
        append(&list, end_object(kind, &known, block, &tensor));
    }
    forget(&known);
    return list != NULL ? Py_BuildValue("(NK)", list, (unsigned long long)at) : NULL;
}

uintptr_t ab_objects_texts(void)
{
    return (uintptr_t)texts;
}

uintptr_t ab_objects_lists(void)
{
    return (uintptr_t)lists;
}

uintptr_t ab_objects_weights(void)
{
    return (uintptr_t)weights_of;
}

uintptr_t ab_objects_ends(void)
{
    return (uintptr_t)ends;
}
