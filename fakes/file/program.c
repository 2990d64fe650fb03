#include "file/program.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/codes.h"
#include "call/message.h"

#define MAGIC "ACLPROG1"

enum {
    MAGIC_SIZE = 8,
    TAG_VARIABLE = 1,
    TAG_CONSTANT = 2,
    TAG_ONNX = 3,
    TAG_FEED = 4,
    TAG_FETCH = 5,
    TAG_ASSIGN = 6,
    TAG_CALLBACK = 7,
    TAG_EXTERNAL = 8,
    TAG_AIPP = 9
};

/* Room for one more record of size bytes, zeroed; NULL without memory. */
static void *records_add(Records *records, size_t size)
{
    if (records->count == records->room) {
        size_t room = records->room == 0 ? 8 : records->room * 2;
        void *item = realloc(records->item, room * size);
        if (item == NULL)
            return NULL;
        records->item = item;
        records->room = room;
    }
    char *next = (char *)records->item + records->count++ * size;
    return memset(next, 0, size);
}

static bool read_tensor(Reader *reader, Records *records)
{
    Tensor *tensor = records_add(records, sizeof *tensor);

    if (tensor == NULL)
        return false;
    tensor->offset = read_u64(reader);
    tensor->nbytes = read_u64(reader);
    tensor->data_type = (int32_t)read_u32(reader);
    tensor->format = (int32_t)read_u32(reader);
    tensor->rank = read_u32(reader);
    uint32_t name_length = read_u32(reader);
    tensor->dims = read_dims(reader, tensor->rank);
    tensor->name = read_text(reader, name_length);
    return !reader->bad;
}

static bool read_feed(Reader *reader, Records *records)
{
    Feed *feed = records_add(records, sizeof *feed);

    if (feed == NULL)
        return false;
    feed->source = (Source)read_u32(reader);
    feed->index = read_u32(reader);
    uint32_t name_length = read_u32(reader);
    read_u32(reader);
    feed->name = read_text(reader, name_length);
    return !reader->bad;
}

static bool read_fetch(Reader *reader, Records *records)
{
    Fetch *fetch = records_add(records, sizeof *fetch);

    if (fetch == NULL)
        return false;
    fetch->output = read_u32(reader);
    uint32_t name_length = read_u32(reader);
    fetch->name = read_text(reader, name_length);
    return !reader->bad;
}

static bool read_assign(Reader *reader, Records *records)
{
    Assign *assign = records_add(records, sizeof *assign);

    if (assign == NULL)
        return false;
    assign->variable = read_u32(reader);
    assign->source = (Source)read_u32(reader);
    assign->index = read_u32(reader);
    return !reader->bad;
}

static bool read_callback(Reader *reader, Program *program)
{
    program->callback = read_u64(reader);
    return !reader->bad && program->callback != 0;
}

static bool read_external(Reader *reader, Records *records)
{
    External *external = records_add(records, sizeof *external);

    if (external == NULL)
        return false;
    external->constant = read_u32(reader);
    uint32_t name_length = read_u32(reader);
    external->name = read_text(reader, name_length);
    return !reader->bad;
}

static bool read_aipp(Bytes payload, Records *records)
{
    AippRecord *aipp = records_add(records, sizeof *aipp);

    return aipp != NULL && aipp_record_read(payload, aipp);
}

/* False: the record is damaged, or of a tag from another time. */
static bool read_record(uint32_t tag, Bytes payload, Program *program)
{
    Reader reader = reader_of(payload);

    switch (tag) {
    case TAG_VARIABLE:
        return read_tensor(&reader, &program->variables);
    case TAG_CONSTANT:
        return read_tensor(&reader, &program->constants);
    case TAG_ONNX:
        program->onnx = payload;
        return true;
    case TAG_FEED:
        return read_feed(&reader, &program->feeds);
    case TAG_FETCH:
        return read_fetch(&reader, &program->fetches);
    case TAG_ASSIGN:
        return read_assign(&reader, &program->assigns);
    case TAG_CALLBACK:
        return read_callback(&reader, program);
    case TAG_EXTERNAL:
        return read_external(&reader, &program->externals);
    case TAG_AIPP:
        return read_aipp(payload, &program->aipps);
    default:
        return false;
    }
}

static int read_records(Reader *reader, uint32_t count, Program *program)
{
    for (uint32_t i = 0; i < count; i++) {
        uint32_t tag = read_u32(reader);
        read_u32(reader);
        Bytes payload = read_bytes(reader, read_u64(reader));
        if (reader_left(reader) > 0)
            read_align8(reader);
        if (reader->bad || !read_record(tag, payload, program))
            return refuse(GE_FAILED,
                          "record %u (tag %u) of TASK_INFO "
                          "is damaged",
                          i, tag);
    }
    return E_NONE;
}

/* The user of a file for a chip is told what it is, and what to do. */
static int refuse_chip(Bytes task)
{
    char quote[3 * 16 + 1] = "";

    for (size_t i = 0; i < task.size && i < 16; i++)
        snprintf(quote + 3 * i, 4, "%02x ", task.data[i]);
    return refuse(GE_FAILED,
                  "this file is compiled for a chip: its "
                  "TASK_INFO holds %zu bytes of the chip's tasks (%s...); "
                  "this fake runs only files written by acl_bundle.build",
                  task.size, quote);
}

/* The fixed part in front of the records. */
static int read_head(const Om *om, Reader *reader, Program *program, uint32_t *records)
{
    *program = (Program){0};
    if (!om->has[PART_TASK])
        return refuse(GE_FAILED, "the model has no TASK_INFO");
    *reader = reader_of(om->part[PART_TASK]);
    Bytes magic = read_bytes(reader, MAGIC_SIZE);
    if (reader->bad || memcmp(magic.data, MAGIC, MAGIC_SIZE) != 0)
        return refuse_chip(om->part[PART_TASK]);
    program->kind = (ProgramKind)read_u32(reader);
    *records = read_u32(reader);
    program->work_size = read_u64(reader);
    program->variable_area = read_u64(reader);
    if (reader->bad)
        return refuse(GE_FAILED, "TASK_INFO is cut off");
    return E_NONE;
}

int program_work_size(const Om *om, uint64_t *size)
{
    Program program;
    Reader reader;
    uint32_t records;

    *size = 0;
    if (!om->has[PART_TASK])
        return E_NONE;
    if (read_head(om, &reader, &program, &records) != E_NONE)
        return E_GE_TASK_PART;
    *size = program.work_size;
    return E_NONE;
}

/* One pass: records may be many. What points nowhere is refused later. */
static void mark_externals(Program *program)
{
    Tensor *constant = program->constants.item;

    for (size_t i = 0; i < program->externals.count; i++) {
        uint32_t at = program_external(program, i)->constant;
        if (at < program->constants.count)
            constant[at].external = true;
    }
}

int program_read(const Om *om, Program *program)
{
    Reader reader;
    uint32_t records;
    int status = read_head(om, &reader, program, &records);

    if (status == E_NONE)
        status = read_records(&reader, records, program);
    if (status == E_NONE)
        mark_externals(program);
    else
        program_free(program);
    return status;
}

static void free_tensors(Records *records)
{
    Tensor *tensor = records->item;

    for (size_t i = 0; i < records->count; i++) {
        free(tensor[i].name);
        free(tensor[i].dims);
    }
    free(records->item);
}

void program_free(Program *program)
{
    Feed *feed = program->feeds.item;
    Fetch *fetch = program->fetches.item;
    External *external = program->externals.item;

    for (size_t i = 0; i < program->feeds.count; i++)
        free(feed[i].name);
    for (size_t i = 0; i < program->fetches.count; i++)
        free(fetch[i].name);
    for (size_t i = 0; i < program->externals.count; i++)
        free(external[i].name);
    free(external);
    free_tensors(&program->variables);
    free_tensors(&program->constants);
    free(program->feeds.item);
    free(program->fetches.item);
    free(program->assigns.item);
    free(program->aipps.item);
    *program = (Program){0};
}
