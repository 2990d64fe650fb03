#include "run/update_input.h"

#include <float.h>
#include <string.h>

#include "base/codes.h"
#include "base/text.h"
#include "call/settings.h"
#include "call/violations.h"
#include "file/numeric.h"
#include "memory/memory.h"

static bool has_zero(const Shape *shape)
{
    for (size_t i = 0; i < shape->rank; i++)
        if (shape->dims[i] == 0)
            return true;
    return false;
}

static bool same_shape(const Shape *shape, const Tensor *tensor)
{
    if (shape->rank != tensor->rank)
        return false;
    for (size_t i = 0; i < shape->rank; i++)
        if (shape->dims[i] != tensor->dims[i])
            return false;
    return true;
}

/* "[2, 3]" */
static const char *dims_text(const int64_t *dims, size_t rank, char *buffer, size_t size)
{
    Text text = text_in(buffer, size);

    text_add(&text, "[");
    for (size_t i = 0; i < rank; i++)
        text_add(&text, "%s%lld", i > 0 ? ", " : "", (long long)dims[i]);
    text_add(&text, "]");
    return buffer;
}

/* Does the value of a scalar say assign? */
static bool is_set(const unsigned char *bytes, int data_type)
{
    float single;
    double number;
    size_t size = element_size(data_type);

    if (data_type == ACL_FLOAT) {
        memcpy(&single, bytes, sizeof single);
        return !(single >= -FLT_EPSILON && single <= FLT_EPSILON);
    }
    if (data_type == ACL_DOUBLE) {
        memcpy(&number, bytes, sizeof number);
        return !(number >= -DBL_EPSILON && number <= DBL_EPSILON);
    }
    for (size_t i = 0; i < size; i++)
        if (bytes[i] != 0)
            return true;
    return false;
}

/* Finds what lies behind an input's buffer; the rest of it is in size. */
static int find_bytes(const DataBuffer *buffer, const Tensor *variable, Wish *wish)
{
    size_t room = 0;

    wish->from = buffer->data;
    wish->bytes = device_peek(buffer->data, &room);
    if (wish->bytes == NULL && variable->nbytes > 0)
        return device_complain(buffer->data, variable->name);
    wish->size = buffer->size < room ? buffer->size : room;
    return E_NONE;
}

static int check_scalar(const TensorDesc *desc, const Tensor *variable, Wish *wish)
{
    int type = variable->data_type;

    if (desc->shape.rank > 0)
        return E_NONE;
    if (type == ACL_FLOAT16 || type == ACL_BF16)
        return violate(V_UPDATE_HALF_SCALAR, "weight \"%s\"", variable->name);
    if (wish->size < element_size(type))
        return violate(V_UPDATE_SIZE, "weight \"%s\", %zu bytes of a scalar", variable->name,
                       wish->size);
    wish->assign = is_set(wish->bytes, type);
    return E_NONE;
}

static int check_fit(const TensorDesc *desc, const Tensor *variable, const Wish *wish)
{
    char given[256];
    char right[256];

    if (!settings.strict)
        return E_NONE;
    if (!same_shape(&desc->shape, variable))
        return violate(V_UPDATE_SHAPE, "weight \"%s\" is %s, not %s", variable->name,
                       dims_text(variable->dims, variable->rank, right, sizeof right),
                       dims_text(desc->shape.dims, desc->shape.rank, given, sizeof given));
    if (wish->size < variable->nbytes)
        return violate(V_UPDATE_SIZE,
                       "weight \"%s\" has %llu bytes, the "
                       "buffer %zu",
                       variable->name, (unsigned long long)variable->nbytes, wish->size);
    return E_NONE;
}

/* Tells bytes apart; never 0. */
static uint64_t digest_of(const unsigned char *bytes, size_t size)
{
    uint64_t digest = size;

    for (size_t i = 0; i < size; i += sizeof digest) {
        uint64_t word = 0;
        size_t left = size - i;
        memcpy(&word, bytes + i, left < sizeof word ? left : sizeof word);
        digest = (digest ^ word) * UINT64_C(0x9E3779B97F4A7C15);
        digest ^= digest >> 29;
    }
    return digest | 1;
}

/* Is the buffer an allocation of its own, made for the weight? */
static bool made_for(const DataBuffer *buffer, const Tensor *variable, size_t room)
{
    const char *before = (const char *)buffer->data - 1;
    size_t ignored;

    return buffer->size == variable->nbytes && room == variable->nbytes && room > 0 &&
           device_peek(before, &ignored) == NULL;
}

/*
 * A description sticks to its slot. When it has kept a weight once, and then
 * other bytes lie in the memory that is there for that weight alone, it was
 * forgotten. Memory that serves several weights tells nothing: its bytes may
 * be another one's.
 */
static int check_stale(DatasetSlot *slot, const DataBuffer *buffer, const Tensor *variable,
                       const unsigned char *bytes, size_t room)
{
    if (!made_for(buffer, variable, room))
        return E_NONE;
    uint64_t digest = digest_of(bytes, variable->nbytes);
    if (slot->kept == 0 || slot->kept == digest) {
        slot->kept = digest;
        return E_NONE;
    }
    return violate(V_UPDATE_STALE,
                   "weight \"%s\"; "
                   "aclmdlSetDatasetTensorDesc says again what is meant",
                   variable->name);
}

/* An input that is not assigned must have memory all the same. */
static int check_kept(DatasetSlot *slot, const DataBuffer *buffer, const Tensor *variable)
{
    size_t room = 0;

    if (!settings.strict)
        return E_NONE;
    const unsigned char *bytes = device_peek(buffer->data, &room);
    if (bytes == NULL)
        return violate(V_EMPTY_WITHOUT_MEMORY, "weight \"%s\", address %p", variable->name,
                       buffer->data);
    return check_stale(slot, buffer, variable, bytes, room);
}

int input_look(const Dataset *input, size_t index, const Tensor *variable, Wish *wish)
{
    const DataBuffer *buffer = dataset_buffer(input, index, "input");
    const TensorDesc *desc = dataset_desc(input, index);

    *wish = (Wish){.assign = true};
    if (buffer == NULL)
        return violation_status();
    if (desc == NULL)
        return violate(V_UPDATE_WITHOUT_DESC,
                       "input %zu, weight \"%s\"; "
                       "aclmdlSetDatasetTensorDesc with its shape assigns "
                       "it, with {0} keeps it",
                       index, variable->name);
    wish->assign = !has_zero(&desc->shape);
    if (!wish->assign)
        return check_kept(&input->slot[index], buffer, variable);
    int status = find_bytes(buffer, variable, wish);
    if (status == E_NONE)
        status = check_scalar(desc, variable, wish);
    return status == E_NONE && wish->assign ? check_fit(desc, variable, wish) : status;
}

const DataBuffer *update_source(const Dataset *input, const Assign *assign)
{
    if (assign->source != SOURCE_INPUT || assign->index >= input->count)
        return NULL;
    const TensorDesc *desc = dataset_desc(input, assign->index);
    return desc == NULL || has_zero(&desc->shape) ? NULL : dataset_peek(input, assign->index);
}
