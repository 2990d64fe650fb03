#include "file/om.h"

#include <stdlib.h>

#include "base/codes.h"
#include "call/message.h"
#include "file/numeric.h"

enum {
    AT_VERSION = 8,
    AT_LENGTH = 76,
    AT_MODEL_TYPE = 82,
    AT_MODEL_NUM = 156,
    AT_MODEL_LENGTH = 184,
    AT_UNKNOWN_MODEL = 193,
    MODEL_TYPE_BUNDLE = 5,
    TABLE_HEAD = 8,
    TABLE_ENTRY = 24,
    PARTITIONS_MAX = 8,
    PART_BUNDLE_MODEL = 24,
    PART_BUNDLE_VARIABLES = 25
};

#define OM_MAGIC UINT32_C(0x444F4D49)
#define VERSION_DYNAMIC UINT32_C(0x20000000)

static Reader reader_at(Bytes bytes, size_t offset)
{
    Reader reader = reader_of(bytes);

    read_bytes(&reader, offset);
    return reader;
}

static uint32_t u32_at(Bytes bytes, size_t offset)
{
    Reader reader = reader_at(bytes, offset);

    return read_u32(&reader);
}

static uint64_t u64_at(Bytes bytes, size_t offset)
{
    Reader reader = reader_at(bytes, offset);

    return read_u64(&reader);
}

static uint8_t u8_at(Bytes bytes, size_t offset)
{
    Reader reader = reader_at(bytes, offset);

    return read_u8(&reader);
}

/* The table entry at a reader: type and size; the offset is never used. */
static void read_entry(Reader *table, uint32_t *type, uint64_t *size)
{
    *type = read_u32(table);
    read_u32(table);
    read_u64(table);
    *size = read_u64(table);
}

static int keep_part(BundleFile *file, uint32_t type, Bytes part)
{
    if (type == PART_BUNDLE_MODEL)
        file->model[file->count++] = part;
    if (type != PART_BUNDLE_VARIABLES)
        return E_NONE;
    if (part.size < sizeof(uint64_t))
        return refuse(E_PARAM,
                      "the partition with the size of the "
                      "variables has %zu bytes, not 8",
                      part.size);
    file->variable_size = u64_at(part, 0);
    return E_NONE;
}

static int walk_parts(Reader *table, uint32_t count, BundleFile *file)
{
    Reader data = *table;
    size_t end = table->at;
    int status = E_NONE;

    read_bytes(&data, (size_t)count * TABLE_ENTRY);
    end = data.at;
    for (uint32_t i = 0; i < count && status == E_NONE; i++) {
        uint32_t type;
        uint64_t size;
        read_entry(table, &type, &size);
        if (!add(end, size, &end))
            return refuse(E_FAILURE, "the size of partition %u overflows", i);
        Bytes part = read_bytes(&data, size);
        if (data.bad)
            return refuse(E_PARAM,
                          "partition %u of the bundle ends at "
                          "byte %zu of %zu",
                          i, end, data.bytes.size);
        status = keep_part(file, type, part);
    }
    return status;
}

int bundle_file_parse(Bytes bytes, BundleFile *file)
{
    *file = (BundleFile){0};
    if (bytes.size < OM_HEADER + TABLE_HEAD)
        return refuse(E_PARAM,
                      "a bundle has at least 264 bytes, this file "
                      "%zu",
                      bytes.size);
    if (u8_at(bytes, AT_MODEL_TYPE) != MODEL_TYPE_BUNDLE)
        return refuse(E_PARAM,
                      "this is not a bundle: its header says model "
                      "type %u, a bundle's says 5",
                      u8_at(bytes, AT_MODEL_TYPE));
    Reader table = reader_at(bytes, OM_HEADER);
    uint32_t count = read_u32(&table);
    read_u32(&table);
    if (count > reader_left(&table) / TABLE_ENTRY)
        return refuse(E_PARAM,
                      "the bundle's table of %u partitions reaches "
                      "past the end of its %zu bytes",
                      count, bytes.size);
    file->model = calloc((size_t)count + 1, sizeof *file->model);
    if (file->model == NULL)
        return refuse(E_BAD_ALLOC, "no memory for %u partitions", count);
    int status = walk_parts(&table, count, file);
    if (status != E_NONE)
        bundle_file_free(file);
    return status;
}

void bundle_file_free(BundleFile *file)
{
    free(file->model);
    *file = (BundleFile){0};
}

bool om_is_dynamic(Bytes model)
{
    return u32_at(model, AT_VERSION) >= VERSION_DYNAMIC &&
           (u32_at(model, AT_MODEL_NUM) > 1 || u8_at(model, AT_UNKNOWN_MODEL) == 1);
}

/* Files from before model_length have a table of 12-byte entries. */
static bool is_tiny(Bytes model)
{
    return u64_at(model, AT_MODEL_LENGTH) == 0;
}

static int check_header(Bytes model)
{
    if (u8_at(model, AT_MODEL_TYPE) == MODEL_TYPE_BUNDLE)
        return refuse(GE_FAILED, "this file is a bundle; load it with "
                                 "aclmdlBundleLoadFromFile");
    if (model.size < OM_HEADER || u32_at(model, 0) != OM_MAGIC)
        return refuse(E_GE_PARAM, "this is not a model: it does not begin "
                                  "with IMOD");
    uint64_t length = is_tiny(model) ? u32_at(model, AT_LENGTH) : u64_at(model, AT_MODEL_LENGTH);
    if (length != model.size - OM_HEADER)
        return refuse(E_GE_PARAM,
                      "the header says %llu bytes follow it, "
                      "there are %zu",
                      (unsigned long long)length, model.size - OM_HEADER);
    return E_NONE;
}

static void read_model_entry(Reader *table, bool tiny, uint32_t *type, uint64_t *size)
{
    if (!tiny) {
        read_entry(table, type, size);
        return;
    }
    *type = read_u32(table);
    read_u32(table);
    *size = read_u32(table);
}

/* One table and the partitions behind it; data moves to their end. */
static int parse_group(Reader *data, bool tiny, Om *om)
{
    uint32_t count = read_u32(data);
    if (!tiny)
        read_u32(data);
    if (data->bad)
        return refuse(E_GE_DATA_SIZE, "the partition table is cut off");
    if (count < 1 || count > PARTITIONS_MAX)
        return refuse(E_GE_PARAM, "the model has %u partitions, not 1..8", count);
    Reader table = *data;
    read_bytes(data, (size_t)count * (tiny ? 12 : TABLE_ENTRY));
    for (uint32_t i = 0; i < count; i++) {
        uint32_t type;
        uint64_t size;
        read_model_entry(&table, tiny, &type, &size);
        Bytes part = read_bytes(data, size);
        if (data->bad)
            return refuse(E_GE_DATA_SIZE,
                          "partition %u (type %u) of the "
                          "model reaches past the end of its %zu bytes",
                          i, type, data->bytes.size);
        if (om != NULL && type < PART_KINDS) {
            om->has[type] = true;
            om->part[type] = part;
        }
    }
    return E_NONE;
}

/* The other groups, which must fill the model to the last byte. */
static int parse_rest(Reader *data, uint32_t groups)
{
    for (uint32_t i = 1; i < groups; i++) {
        int status = parse_group(data, false, NULL);
        if (status != E_NONE)
            return status;
    }
    if (reader_left(data) != 0)
        return refuse(GE_FAILED,
                      "%zu bytes follow the model's last "
                      "partition",
                      reader_left(data));
    return E_NONE;
}

/* The tables of all groups; exact: they must fill the model. */
static int parse_tables(Bytes model, bool exact, Om *om)
{
    Reader data = reader_at(model, OM_HEADER);
    int status = parse_group(&data, is_tiny(model), om);

    if (status == E_NONE && exact)
        status = parse_rest(&data, u32_at(model, AT_MODEL_NUM));
    return status;
}

int om_open(Bytes model, Om *om)
{
    *om = (Om){.dynamic = om_is_dynamic(model)};
    int status = check_header(model);

    return status == E_NONE ? parse_tables(model, om->dynamic, om) : status;
}

int om_open_exactly(Bytes model, Om *om)
{
    *om = (Om){.dynamic = om_is_dynamic(model)};
    int status = check_header(model);

    if (status == GE_FAILED)
        return E_GE_PARAM;
    return status == E_NONE ? parse_tables(model, true, om) : status;
}

int om_parse(Bytes model, Om *om)
{
    int status = om_open(model, om);

    if (status == E_NONE && !om->has[PART_MODEL_DEF])
        status = refuse(GE_FAILED, "the model has no MODEL_DEF");
    return status;
}
