/*
 * reader: little-endian fields out of bytes that may hold anything.
 *
 * A reader never leaves its bytes. The first read that would sets bad, and
 * this and every later one give zeros, so that a parser may read a whole
 * record and ask once.
 */
#ifndef FAKE_READER_H
#define FAKE_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef struct Bytes {
    const unsigned char *data;  /* borrowed */
    size_t size;
} Bytes;

typedef struct Reader {
    Bytes bytes;
    size_t at;
    bool bad;
} Reader;

static inline Reader reader_of(Bytes bytes)
{
    return (Reader){bytes, 0, false};
}

static inline size_t reader_left(const Reader *reader)
{
    return reader->bytes.size - reader->at;
}

/* The next size bytes, or an empty run of them. */
static inline Bytes read_bytes(Reader *reader, size_t size)
{
    if (reader->bad || size > reader_left(reader)) {
        reader->bad = true;
        return (Bytes){0};
    }
    Bytes run = {reader->bytes.data + reader->at, size};
    reader->at += size;
    return run;
}

static inline void read_into(Reader *reader, void *value, size_t size)
{
    Bytes run = read_bytes(reader, size);

    memset(value, 0, size);
    if (run.size == size && size > 0)
        memcpy(value, run.data, size);
}

static inline uint8_t read_u8(Reader *reader)
{
    uint8_t value;

    read_into(reader, &value, sizeof value);
    return value;
}

static inline uint32_t read_u32(Reader *reader)
{
    uint32_t value;

    read_into(reader, &value, sizeof value);
    return value;
}

static inline uint64_t read_u64(Reader *reader)
{
    uint64_t value;

    read_into(reader, &value, sizeof value);
    return value;
}

/* Skips to the next multiple of 8 from the first byte. */
static inline void read_align8(Reader *reader)
{
    read_bytes(reader, (8 - reader->at % 8) % 8);
}

/* A copy of length bytes with a NUL behind; NULL, and bad, if it has one. */
char *read_text(Reader *reader, size_t length);

/* A copy of count int64; NULL when count is 0, NULL and bad on failure. */
int64_t *read_dims(Reader *reader, size_t count);

#endif
