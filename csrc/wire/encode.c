/* From tuples to the wire format. A message's size stands before it, and moves it when known. */

#include <Python.h>

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "wire/ab_encode.h"
#include "wire/wire.h"

enum { FIRST_ROOM = 512, LONGEST_NUMBER = 10 };

typedef struct writer {
    uint8_t *data;
    size_t size;
    size_t room;
} writer;

/* Makes room for more bytes. 0: Python's exception is set; so below. */
static int make_room(writer *w, size_t more)
{
    size_t room = w->room == 0 ? FIRST_ROOM : w->room;
    if (more <= w->room - w->size) {
        return 1;
    }
    while (room - w->size < more) {
        if (room > PY_SSIZE_T_MAX / 2) {
            PyErr_NoMemory();
            return 0;
        }
        room *= 2;
    }
    uint8_t *data = realloc(w->data, room);
    if (data == NULL) {
        PyErr_NoMemory();
        return 0;
    }
    w->data = data;
    w->room = room;
    return 1;
}

/* Writes a number to where LONGEST_NUMBER bytes are free; how many it takes. */
static size_t put_number(uint8_t *to, uint64_t value)
{
    size_t size = 0;
    for (; value > 0x7F; value >>= 7) {
        to[size++] = (uint8_t)(value | 0x80);
    }
    to[size++] = (uint8_t)value;
    return size;
}

static int add_number(writer *w, uint64_t value)
{
    if (!make_room(w, LONGEST_NUMBER)) {
        return 0;
    }
    w->size += put_number(w->data + w->size, value);
    return 1;
}

static int add_bytes(writer *w, const char *data, size_t size)
{
    if (!add_number(w, size) || !make_room(w, size)) {
        return 0;
    }
    memcpy(w->data + w->size, data, size);
    w->size += size;
    return 1;
}

static int add_text(writer *w, PyObject *text)
{
    Py_ssize_t size;
    const char *data = PyUnicode_AsUTF8AndSize(text, &size);
    return data != NULL && add_bytes(w, data, (size_t)size);
}

static int add_float(writer *w, PyObject *number)
{
    float value = (float)PyFloat_AsDouble(number);
    if (!make_room(w, sizeof value)) {
        return 0;
    }
    memcpy(w->data + w->size, &value, sizeof value);
    w->size += sizeof value;
    return 1;
}

static int add_fields(writer *w, PyObject *message);

/* A message, with its size before it. */
static int add_message(writer *w, PyObject *message)
{
    uint8_t number[LONGEST_NUMBER];
    size_t start = w->size;
    if (Py_EnterRecursiveCall(" in a message")) {
        return 0;
    }
    int whole = add_fields(w, message);
    Py_LeaveRecursiveCall();
    size_t size = w->size - start, head = put_number(number, size);
    if (!whole || !make_room(w, head)) {
        return 0;
    }
    memmove(w->data + start + head, w->data + start, size);
    memcpy(w->data + start, number, head);
    w->size += head;
    return 1;
}

static int add_tag(writer *w, uint64_t field, int kind)
{
    return add_number(w, field << 3 | (uint64_t)kind);
}

static int add_one(writer *w, uint64_t field, PyObject *value)
{
    if (PyUnicode_Check(value)) {
        return add_tag(w, field, WIRE_BYTES) && add_text(w, value);
    }
    if (PyBytes_Check(value)) {
        return add_tag(w, field, WIRE_BYTES) &&
               add_bytes(w, PyBytes_AsString(value), (size_t)PyBytes_Size(value));
    }
    if (PyTuple_Check(value)) {
        return add_tag(w, field, WIRE_BYTES) && add_message(w, value);
    }
    if (PyFloat_Check(value)) {
        return add_tag(w, field, WIRE_FIXED32) && add_float(w, value);
    }
    if (PyLong_Check(value)) {
        long long number = PyLong_AsLongLong(value);
        return !(number == -1 && PyErr_Occurred()) && add_tag(w, field, WIRE_VARINT) &&
               add_number(w, (uint64_t)number);
    }
    PyErr_Format(PyExc_TypeError, "field %d is %R; a number, a text, bytes or a tuple is right",
                 (int)field, value);
    return 0;
}

static int add_all(writer *w, uint64_t field, PyObject *values)
{
    for (Py_ssize_t i = 0; i < PyList_Size(values); i++) {
        if (!add_one(w, field, PyList_GetItem(values, i))) {
            return 0;
        }
    }
    return 1;
}

static int add_fields(writer *w, PyObject *message)
{
    Py_ssize_t size = PyTuple_Size(message);
    if (size % 2 != 0) {
        PyErr_Format(PyExc_TypeError, "a message has %zd parts; pairs are right", size);
        return 0;
    }
    for (Py_ssize_t i = 0; i < size; i += 2) {
        long field = PyLong_AsLong(PyTuple_GetItem(message, i));
        PyObject *value = PyTuple_GetItem(message, i + 1);
        if (field < 1) {
            PyErr_Format(PyExc_TypeError,
                         "part %zd of a message is %R; the number of a field,"
                         " from 1, is right",
                         i, PyTuple_GetItem(message, i));
            return 0;
        }
        if (!(PyList_Check(value) ? add_all : add_one)(w, (uint64_t)field, value)) {
            return 0;
        }
    }
    return 1;
}

static PyObject *encode(PyObject *self, PyObject *message)
{
    writer w = {0};
    PyObject *made = NULL;
    (void)self;
    if (!PyTuple_Check(message)) {
        return PyErr_Format(PyExc_TypeError, "a message is %R; a tuple is right", message);
    }
    if (add_fields(&w, message)) {
        made = PyBytes_FromStringAndSize((const char *)w.data, (Py_ssize_t)w.size);
    }
    free(w.data);
    return made;
}

static PyMethodDef encode_method = {"encode", encode, METH_O, NULL};

static PyObject *encode_make(void)
{
    return PyCFunction_NewEx(&encode_method, NULL, NULL);
}

uintptr_t ab_encode_maker(void)
{
    return (uintptr_t)encode_make;
}
