/*
 * What crosses between Python's objects and C's words, as PyArg_ParseTuple and
 * pyACL have it : k, I and B wrap, i, l, h and b are checked, s takes str alone;
 * k takes ints alone, the others what has __index__.
 */

#include <Python.h>

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "pyacl/words.h"

static const char taken[] = "kIBilhbsS";
static const char given[] = "PQUDF";

static int is_one_of(const char *codes, char code)
{
    return code != '\0' && strchr(codes, code) != NULL;
}

/*
 * Reads a pattern. `failed` is the text of the TypeError for arguments that
 * are none. Returns 0, or -1 with ValueError set where the pattern is none or
 * a text too long.
 */
int pyacl_read(pyacl_function *f, const char *name, const char *failed, const char *pattern)
{
    const char *end = strchr(pattern, '>');
    size_t count = end != NULL ? (size_t)(end - pattern) : MOST_WORDS + 1;
    int named = snprintf(f->name, sizeof f->name, "%s", name);
    int told = snprintf(f->failed, sizeof f->failed, "%s", failed);
    if (count > MOST_WORDS || !is_one_of("eupqtvm", end[1]) || end[2] != '\0' || named < 0 ||
        (size_t)named >= sizeof f->name || told < 0 || (size_t)told >= sizeof f->failed) {
        PyErr_Format(PyExc_ValueError, "%s: pattern %s", name, pattern);
        return -1;
    }
    memcpy(f->pattern, pattern, count);
    f->pattern[count] = '\0';
    f->count = count;
    f->result = end[1];
    for (size_t i = 0; i < count; i++) {
        if (!is_one_of(taken, pattern[i]) && !is_one_of(given, pattern[i])) {
            PyErr_Format(PyExc_ValueError, "%s: pattern %s", name, pattern);
            return -1;
        }
        f->most += is_one_of(taken, pattern[i]);
        f->least += is_one_of(taken, pattern[i]) && pattern[i] != 'S';
    }
    return 0;
}

/* The bytes of a str without a NUL in it; or NULL, perhaps with an error set. */
static const char *text_of(PyObject *object)
{
    Py_ssize_t size = 0;
    const char *text = PyUnicode_Check(object) ? PyUnicode_AsUTF8AndSize(object, &size) : NULL;
    return text != NULL && strlen(text) == (size_t)size ? text : NULL;
}

/* Converts an integer from least to most. Returns 0, or -1, perhaps with an error set. */
static int take_within(PyObject *object, long long least, long long most, word *to)
{
    long long value = PyLong_AsLongLong(object);
    *to = (word)value;
    return PyErr_Occurred() != NULL || value < least || value > most ? -1 : 0;
}

/* Converts an integer to its last bits. Returns 0, or -1, perhaps with an error set. */
static int take_bits(PyObject *object, word mask, word *to)
{
    *to = PyLong_AsUnsignedLongLongMask(object) & mask;
    return PyErr_Occurred() != NULL ? -1 : 0;
}

/* Converts one argument. Returns 0, or -1, perhaps with an error set. */
static int take(char code, PyObject *object, word *to)
{
    int ret;
    switch (code) {
    case 'k':
        return PyLong_Check(object) ? take_bits(object, UINT64_MAX, to) : -1;
    case 'I':
        return take_bits(object, UINT32_MAX, to);
    case 'B':
        return take_bits(object, UINT8_MAX, to);
    case 'l':
        return take_within(object, INT64_MIN, INT64_MAX, to);
    case 'i':
        return take_within(object, INT32_MIN, INT32_MAX, to);
    case 'h':
        return take_within(object, INT16_MIN, INT16_MAX, to);
    case 'b': /* a byte without a sign, which C takes for one with a sign */
        ret = take_within(object, 0, UINT8_MAX, to);
        *to = (word)(int64_t)(int8_t)(uint8_t)*to;
        return ret;
    default:
        *to = (word)(uintptr_t)text_of(object);
        return *to != 0 ? 0 : -1;
    }
}

/*
 * Fills C's words, those that C gives with the address of their cell, which
 * begins as 0. Returns 0, or -1 with the TypeError of pyACL set. A function
 * that takes nothing passes over what it is given, as METH_VARARGS does there.
 */
int pyacl_take(const pyacl_function *f, PyObject *const *args, Py_ssize_t count, word *words,
               word *cells)
{
    Py_ssize_t next = 0;
    int fits = f->most == 0 || (f->least <= count && count <= f->most);
    for (size_t i = 0; i < f->count && fits; i++) {
        cells[i] = 0;
        if (is_one_of(given, f->pattern[i])) {
            words[i] = (word)(uintptr_t)&cells[i];
        } else if (next < count) {
            fits = take(f->pattern[i], args[next++], &words[i]) == 0;
        } else {
            words[i] = 0;
        }
    }
    if (!fits) {
        PyErr_SetString(PyExc_TypeError, f->failed);
    }
    return fits ? 0 : -1;
}

/* What C has put into a cell; or NULL. */
static PyObject *cell_object(char code, const word *cell)
{
    int64_t q;
    uint32_t u;
    int32_t d;
    float x;
    switch (code) {
    case 'Q':
        memcpy(&q, cell, sizeof q);
        return PyLong_FromLongLong(q);
    case 'U':
        memcpy(&u, cell, sizeof u);
        return PyLong_FromUnsignedLong(u);
    case 'D':
        memcpy(&d, cell, sizeof d);
        return PyLong_FromLong(d);
    case 'F':
        memcpy(&x, cell, sizeof x);
        return PyFloat_FromDouble(x);
    default:
        return PyLong_FromUnsignedLongLong(*cell);
    }
}

/* What C has returned; or NULL. Only as much of the word counts as C returned. */
static PyObject *result_object(char code, word result)
{
    switch (code) {
    case 'v':
        Py_RETURN_NONE;
    case 't':
        if (result == 0) {
            Py_RETURN_NONE;
        }
        return PyUnicode_DecodeUTF8((const char *)(uintptr_t)result,
                                    (Py_ssize_t)strlen((const char *)(uintptr_t)result), "replace");
    case 'p':
        return PyLong_FromUnsignedLongLong(result);
    case 'q':
        return PyLong_FromLongLong((int64_t)result);
    case 'u':
        return PyLong_FromUnsignedLong((uint32_t)result);
    default:
        return PyLong_FromLong((int32_t)(uint32_t)result);
    }
}

/* The answer: outputs first and the result last; or NULL. */
PyObject *pyacl_give(const pyacl_function *f, PyObject *const *args, const word *cells, word result)
{
    size_t outputs = f->count - (size_t)f->most, size = outputs + (f->result == 'm') + 1;
    PyObject *answer, *last = result_object(f->result, result);
    Py_ssize_t at = 0;
    if (size == 1 || last == NULL) {
        return last;
    }
    answer = PyTuple_New((Py_ssize_t)size);
    if (f->result == 'm' && answer != NULL) {
        Py_INCREF(args[0]);
        PyTuple_SetItem(answer, at++, args[0]);
    }
    for (size_t i = 0; i < f->count && answer != NULL; i++) {
        if (is_one_of(given, f->pattern[i])) {
            PyObject *one = cell_object(f->pattern[i], &cells[i]);
            if (one == NULL) {
                Py_CLEAR(answer);
            } else {
                PyTuple_SetItem(answer, at++, one);
            }
        }
    }
    if (answer == NULL) {
        Py_DECREF(last);
        return NULL;
    }
    PyTuple_SetItem(answer, at, last);
    return answer;
}
