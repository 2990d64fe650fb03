/*
 * What stands in files, as objects of Python's, many by one call.
 *
 * Each function here returns the address of one that wants the GIL, and so no cffi: what
 * is returned is the caller's, and NULL where Python's exception is set. The addresses
 * cannot be missing. None of them checks what rows say: that was done when rows were made.
 */
#ifndef AB_OBJECTS_CALLS_H
#define AB_OBJECTS_CALLS_H

#include <stdint.h>

/*
 * PyObject *(const uint8_t *data, const uint32_t *at, const uint32_t *size, uint64_t count):
 * a list of count texts, of which one lies at at[i] and has size[i] bytes. Bytes that are
 * not UTF-8 become escapes; a long text that is not is a UnicodeDecodeError.
 */
uintptr_t ab_objects_texts(void);

/*
 * PyObject *(const int64_t *numbers, const uint32_t *at, const uint32_t *size, uint64_t count):
 * a list of count tuples of size[i] integers, which stand from the index at[i] on.
 */
uintptr_t ab_objects_lists(void);

/*
 * PyObject *(const uint8_t *data, const ab_tables *tables, uint32_t kind, uint32_t cut):
 * what the nodes of a kind say of weights, as four lists.
 *
 * - The names of the nodes, without the last cut bytes, which are ASCII; as above.
 * - The shape of each as its author wrote it, or None where that is open or not told.
 * - Where each starts in the variables' memory, or None; empty where no node tells.
 * - Of those whose tensor tells no author's shape, the index here, and the tensor's row.
 */
uintptr_t ab_objects_weights(void);

/*
 * PyObject *(PyObject *kind, const uint8_t *block, uint64_t size, uint64_t at, uint64_t most,
 * uint64_t count): reads count tensors of MODEL_INOUT_INFO from at on (inout_next). A list of
 * tuples of a kind (name, dtype, format, dims, nbytes, pairs of ranges), and where the last one
 * ends; there are fewer than count where the next one is damaged.
 */
uintptr_t ab_objects_ends(void);

/*
 * PyObject *(PyObject *kind, PyObject *columns, PyObject *sizes, uint64_t most): a list of tuples
 * of a kind, made of the lists in a tuple, which are equally long; and whether they lie one
 * behind another. The first columns are a name, a type, dims or None, and an offset or None:
 * none of these starts before the one before it ends, and the last ends at most. sizes are the
 * bytes of an element by type; what does not fit into 64 bits does not lie so.
 */
uintptr_t ab_objects_placed(void);

#endif
