#include "base/reader.h"

#include <stdlib.h>

char *read_text(Reader *reader, size_t length)
{
    Bytes run = read_bytes(reader, length);

    if (reader->bad || (length > 0 && memchr(run.data, '\0', length) != NULL)) {
        reader->bad = true;
        return NULL;
    }
    char *text = malloc(length + 1);
    if (text == NULL) {
        reader->bad = true;
        return NULL;
    }
    if (length > 0)
        memcpy(text, run.data, length);
    text[length] = '\0';
    return text;
}

int64_t *read_dims(Reader *reader, size_t count)
{
    if (count > reader_left(reader) / sizeof(int64_t))
        reader->bad = true;
    if (reader->bad || count == 0)
        return NULL;
    Bytes run = read_bytes(reader, count * sizeof(int64_t));
    int64_t *dims = malloc(run.size);
    if (dims == NULL)
        reader->bad = true;
    else
        memcpy(dims, run.data, run.size);
    return dims;
}
