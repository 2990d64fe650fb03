/*
 * A capsule holds a tensor that keeps a reference to its owner, until the
 * library that took it over calls its deleter, on any thread. A capsule that
 * nobody took over calls the deleter itself when it is collected.
 *
 * The structs are DLPack's ABI. The last field of both kinds of managed
 * tensors here is ours: what the deleter needs.
 */

#include <Python.h>

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "device/ab_dlpack.h"

/* DLTensor. */
typedef struct dl_tensor {
    void *data;
    int32_t device_type;
    int32_t device_id;
    int32_t ndim;
    uint8_t code;
    uint8_t bits;
    uint16_t lanes;
    int64_t *shape;
    int64_t *strides; /* NULL: in C order */
    uint64_t byte_offset;
} dl_tensor;

/* DLManagedTensor. */
typedef struct dl_managed {
    dl_tensor tensor;
    void *manager;
    void (*deleter)(struct dl_managed *self);
} dl_managed;

/* DLManagedTensorVersioned. */
typedef struct dl_versioned {
    uint32_t major;
    uint32_t minor;
    void *manager;
    void (*deleter)(struct dl_versioned *self);
    uint64_t flags;
    dl_tensor tensor;
} dl_versioned;

/* What is allocated for one capsule: either kind, its owner, its dims and strides. */
typedef struct exported {
    union {
        dl_managed plain;
        dl_versioned versioned;
    } is;
    PyObject *owner;
    int64_t dims[];
} exported;

static const char PLAIN[] = "dltensor", VERSIONED[] = "dltensor_versioned";

/* Frees a tensor. After the interpreter has ended its owner is gone already. */
static void export_free(exported *e)
{
    if (Py_IsInitialized()) {
        PyGILState_STATE state = PyGILState_Ensure();
        Py_DECREF(e->owner);
        PyGILState_Release(state);
    }
    free(e);
}

static void plain_delete(dl_managed *self)
{
    export_free(self->manager);
}

static void versioned_delete(dl_versioned *self)
{
    export_free(self->manager);
}

/* Frees the tensor of a capsule that has kept its name: nobody took it over. */
static void capsule_free(PyObject *capsule)
{
    if (PyCapsule_IsValid(capsule, PLAIN)) {
        dl_managed *plain = PyCapsule_GetPointer(capsule, PLAIN);
        plain->deleter(plain);
    } else if (PyCapsule_IsValid(capsule, VERSIONED)) {
        dl_versioned *versioned = PyCapsule_GetPointer(capsule, VERSIONED);
        versioned->deleter(versioned);
    }
}

/* Writes the dims, and the strides of C order in elements. 0: a dim is no int. */
static int export_shape(exported *e, dl_tensor *tensor, PyObject *shape)
{
    uint64_t stride = 1;  /* of an array without elements it may wrap; nothing is reached by it */
    tensor->shape = e->dims;
    tensor->strides = e->dims + tensor->ndim;
    for (int32_t i = tensor->ndim; i-- > 0;) {
        int64_t dim = PyLong_AsLongLong(PyTuple_GetItem(shape, i));
        if (dim == -1 && PyErr_Occurred()) {
            return 0;
        }
        tensor->shape[i] = dim;
        tensor->strides[i] = (int64_t)stride;
        stride *= dim > 0 ? (uint64_t)dim : 1;
    }
    return 1;
}

/*
 * A capsule of (address, type of the device, its index, type code, bits, shape,
 * owner, whether it is versioned). The shape's elements fit into memory. NULL:
 * an exception is set.
 */
static PyObject *dlpack_make(PyObject *parts)
{
    unsigned long long address;
    dl_tensor tensor = {.lanes = 1};
    PyObject *shape, *owner, *capsule;
    int is_versioned;
    exported *e;
    if (!PyArg_ParseTuple(parts, "KiibbO!Op", &address, &tensor.device_type, &tensor.device_id,
                          &tensor.code, &tensor.bits, &PyTuple_Type, &shape, &owner,
                          &is_versioned)) {
        return NULL;
    }
    tensor.data = (void *)(uintptr_t)address;
    tensor.ndim = (int32_t)PyTuple_Size(shape);
    e = calloc(1, sizeof *e + (2 * (size_t)tensor.ndim + 1) * sizeof *e->dims);
    if (e == NULL) {
        return PyErr_NoMemory();
    }
    if (!export_shape(e, &tensor, shape)) {
        free(e);
        return NULL;
    }
    if (is_versioned) {
        e->is.versioned =
            (dl_versioned){.major = 1, .manager = e, .deleter = versioned_delete, .tensor = tensor};
    } else {
        e->is.plain = (dl_managed){.tensor = tensor, .manager = e, .deleter = plain_delete};
    }
    capsule = PyCapsule_New(&e->is, is_versioned ? VERSIONED : PLAIN, capsule_free);
    if (capsule == NULL) {
        free(e);
        return NULL;
    }
    Py_INCREF(owner);
    e->owner = owner;
    return capsule;
}

/* The address of dlpack_make, as ab_call_maker (infer/ab_call.h) gives that of call_make. */
uintptr_t ab_dlpack_maker(void)
{
    return (uintptr_t)dlpack_make;
}
